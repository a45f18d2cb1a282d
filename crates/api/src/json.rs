//! JSON, as `google.protobuf.Struct` carries it, and messages of the contract as JSON.

use std::sync::OnceLock;

use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as Wire};
use serde_json::Value;

use crate::FILE_DESCRIPTOR_SET;

/// The messages of the contract; none when the descriptors cannot be read, which is a fault of the build.
fn contract() -> Option<&'static DescriptorPool> {
    static CONTRACT: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    let contract = CONTRACT.get_or_init(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).ok());
    contract.as_ref()
}

/// A message of the contract, given by its full name, in the JSON of Protocol Buffers, with its fields as
/// the contract names them; nothing when the bytes are no such message.
#[must_use]
pub fn message(kind: &str, bytes: &[u8]) -> Option<Value> {
    let descriptor = contract()?.get_message_by_name(kind)?;
    let message = DynamicMessage::decode(descriptor, bytes).ok()?;
    let options = SerializeOptions::new().use_proto_field_name(true);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .ok()
}

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

    #[test]
    fn a_message_is_told_with_the_names_of_the_contract() {
        let partner = crate::partner::v1::Partner {
            name: "ecosystems/acme/partners/nimbus".to_owned(),
            display_name: "Nimbus".to_owned(),
            state: crate::partner::v1::partner::State::Prospect.into(),
            create_time: Some(prost_types::Timestamp {
                seconds: 1_772_445_600,
                nanos: 0,
            }),
            ..Default::default()
        };
        let bytes = prost::Message::encode_to_vec(&partner);
        let told = message("trellis.partner.v1.Partner", &bytes).unwrap();
        let expected = serde_json::json!({
            "name": "ecosystems/acme/partners/nimbus",
            "display_name": "Nimbus",
            "state": "STATE_PROSPECT",
            "create_time": "2026-03-02T10:00:00Z",
        });
        assert_eq!(told, expected);
        assert_eq!(message("trellis.partner.v1.Nobody", &bytes), None);
        assert_eq!(message("trellis.partner.v1.Partner", &[0xff]), None);
    }
}
