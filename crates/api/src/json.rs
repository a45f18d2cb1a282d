//! JSON, as `google.protobuf.Struct` carries it.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as Wire};
use serde_json::Value;

/// A JSON object on the wire; anything else is none. Numbers become what JSON numbers are there: a
/// double. Integers beyond 2^53 travel as text, so that no digit is lost.
#[must_use]
pub fn object(json: Value) -> Option<Struct> {
    match json {
        Value::Object(fields) => Some(Struct {
            fields: fields
                .into_iter()
                .map(|(name, value)| (name, wire(value)))
                .collect(),
        }),
        _ => None,
    }
}

/// The largest integer up to which a double counts by ones.
const EXACT: u64 = 1 << 53;

fn wire(json: Value) -> Wire {
    let kind = match json {
        Value::Null => Kind::NullValue(0),
        Value::Bool(truth) => Kind::BoolValue(truth),
        Value::Number(number) => {
            let exact = number
                .as_i64()
                .is_none_or(|integer| integer.unsigned_abs() <= EXACT);
            match number.as_f64() {
                Some(double) if exact => Kind::NumberValue(double),
                _ => Kind::StringValue(number.to_string()),
            }
        }
        Value::String(text) => Kind::StringValue(text),
        Value::Array(values) => Kind::ListValue(ListValue {
            values: values.into_iter().map(wire).collect(),
        }),
        Value::Object(fields) => Kind::StructValue(Struct {
            fields: fields
                .into_iter()
                .map(|(name, value)| (name, wire(value)))
                .collect(),
        }),
    };
    Wire { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_digit_of_an_integer_is_lost() {
        let json = serde_json::json!({ "small": 12, "large": 9_007_199_254_740_993_i64 });
        let fields = object(json).unwrap().fields;
        assert_eq!(fields["small"].kind, Some(Kind::NumberValue(12.0)));
        assert_eq!(
            fields["large"].kind,
            Some(Kind::StringValue("9007199254740993".into()))
        );
        assert_eq!(object(Value::Null), None);
    }
}
