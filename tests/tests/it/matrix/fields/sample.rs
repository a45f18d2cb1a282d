//! A value for any field, such as nothing in the scene has.

use prost_reflect::{FieldDescriptor, Kind};
use serde_json::{Value, json};

/// A value that the field may have.
pub(super) fn value(field: &FieldDescriptor) -> Value {
    let one = match field.kind() {
        Kind::Bool => json!(true),
        Kind::String => json!("sample"),
        Kind::Int32 | Kind::Int64 => json!(77),
        // The last one: what comes first is where things begin.
        Kind::Enum(values) => json!(values.values().last().unwrap().name()),
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => json!("2001-02-03T04:05:06Z"),
            "google.type.Money" => json!({ "currency_code": "USD", "units": 77 }),
            "google.type.Date" => json!({ "year": 2001, "month": 2, "day": 3 }),
            "trellis.deal.v1.Deal.PartnerRole" => {
                json!({ "partner": "ecosystems/acme/partners/nimbus", "role": "ROLE_FULFIL" })
            }
            "trellis.deal.v1.Deal.ExternalId" => {
                json!({ "system": "sample", "external_id": "sample" })
            }
            _ => json!({}),
        },
        kind => panic!("{}: make a sample of {kind:?}", field.full_name()),
    };
    if field.is_list() { json!([one]) } else { one }
}

/// The same as filters have it.
pub(super) fn literal(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Bool => "true".to_owned(),
        Kind::Int32 | Kind::Int64 => "77".to_owned(),
        _ => "\"sample\"".to_owned(),
    }
}
