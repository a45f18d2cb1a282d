//! Text that can be kept. PostgreSQL keeps no U+0000 in a text and SQLite ends texts at it, so no
//! request may hold one, whichever field it is in: the rule is that of the store and not of a field,
//! and no field repeats it.
//!
//! Hardly any request holds a zero byte at all. One that does is walked by the descriptors of the
//! contract, because a zero may be a part of a number.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorSet};
use trellis_core::Violation;

use crate::{FILE_DESCRIPTOR_SET, METHODS, Routed};

/// A field that is a text or holds texts.
struct Field {
    name: String,
    repeated: bool,
    /// The full name of its message; nothing for a text.
    message: Option<String>,
}

/// The fields of every message, by its full name and their numbers.
type Messages = HashMap<String, HashMap<u64, Field>>;

static MESSAGES: LazyLock<Messages> = LazyLock::new(|| {
    // What was compiled in is read at the start of a server, too, which fails when it cannot be.
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap_or_default();
    let mut messages = Messages::new();
    for file in &set.file {
        for message in &file.message_type {
            gather(&format!(".{}", file.package()), message, &mut messages);
        }
    }
    messages
});

fn gather(outer: &str, message: &DescriptorProto, messages: &mut Messages) {
    let name = format!("{outer}.{}", message.name());
    for inner in &message.nested_type {
        gather(&name, inner, messages);
    }
    let mut fields = HashMap::new();
    for field in &message.field {
        let message = match field.r#type() {
            Type::String => None,
            Type::Message => Some(field.type_name().to_owned()),
            _ => continue,
        };
        let found = Field {
            name: field.name().to_owned(),
            repeated: field.label() == Label::Repeated,
            message,
        };
        fields.insert(u64::from(field.number().unsigned_abs()), found);
    }
    messages.insert(name, fields);
}

/// What is wrong with the texts of a request.
pub(crate) fn unkeepable<R: Routed>(request: &R) -> Option<Violation> {
    let bytes = request.encode_to_vec();
    if !bytes.contains(&0) {
        return None;
    }
    let method = METHODS.iter().find(|method| method.path == R::METHOD)?;
    let path = found(&format!(".{}", method.input), &bytes)?;
    let description = "must not hold the character U+0000, which no database keeps; leave it out";
    Some(Violation::new(path, "string.keepable", description))
}

/// The path of the first text that holds a zero.
fn found(message: &str, mut bytes: &[u8]) -> Option<String> {
    let fields = MESSAGES.get(message)?;
    let mut counts: HashMap<u64, usize> = HashMap::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let number = key >> 3;
        let length = match key & 7 {
            0 => {
                varint(&mut bytes)?;
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (value, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        let Some(field) = fields.get(&number) else {
            continue;
        };
        let count = counts.entry(number).or_default();
        let own = if field.repeated {
            format!("{}[{count}]", field.name)
        } else {
            field.name.clone()
        };
        *count += 1;
        match &field.message {
            None if value.contains(&0) => return Some(own),
            None => {}
            Some(message) => {
                if let Some(inner) = found(message, value) {
                    return Some(format!("{own}.{inner}"));
                }
            }
        }
    }
    None
}

/// Reads a number as it is encoded; nothing where it does not end.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partner::v1::{
        CreatePartnerRequest, ImportPartnerRow, ImportPartnersRequest, Partner,
    };

    fn path(request: &impl Routed) -> Option<String> {
        unkeepable(request).map(|violation| violation.field)
    }

    #[test]
    fn a_text_with_a_zero_is_found_wherever_it_is() {
        let parent = "ecosystems/acme".to_owned();
        let mut request = CreatePartnerRequest {
            parent: parent.clone(),
            partner: Some(Partner {
                display_name: "Nim\0bus".to_owned(),
                ..Partner::default()
            }),
            ..CreatePartnerRequest::default()
        };
        assert_eq!(path(&request).as_deref(), Some("partner.display_name"));
        request.partner = None;
        assert_eq!(path(&request), None);
        request.partner_id = "\0".to_owned();
        assert_eq!(path(&request).as_deref(), Some("partner_id"));

        let row = |display_name: &str| ImportPartnerRow {
            partner: Some(Partner {
                display_name: display_name.to_owned(),
                ..Partner::default()
            }),
            ..ImportPartnerRow::default()
        };
        let import = ImportPartnersRequest {
            parent,
            rows: vec![row("a"), row("b\0")],
            ..ImportPartnersRequest::default()
        };
        assert_eq!(
            path(&import).as_deref(),
            Some("rows[1].partner.display_name")
        );
    }

    #[test]
    fn a_zero_in_a_number_is_none_in_a_text() {
        // That of the length of an empty message.
        let create = CreatePartnerRequest {
            partner: Some(Partner::default()),
            ..CreatePartnerRequest::default()
        };
        assert!(create.encode_to_vec().contains(&0));
        assert_eq!(path(&create), None);
    }
}
