//! What an update needs to know of each resource: its fields, who may set them, and which are set.

use std::error::Error;
use std::fmt::Write as _;

use protox::prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, Value};

use crate::{addresses, exposure, methods, names};

/// `google.api.FieldBehavior`, the two that an update must know of.
const OUTPUT_ONLY: i32 = 3;
const IDENTIFIER: i32 = 8;

pub(crate) fn write(
    pool: &DescriptorPool,
    validated: &str,
    code: &mut String,
) -> Result<(), Box<dyn Error>> {
    for message in pool.all_messages() {
        if !message.package_name().starts_with("trellis.") {
            continue;
        }
        if let Some(declared) = addresses::declared(pool, &message)? {
            resource(pool, &message, &declared.kind, code)?;
            methods::checked(&message, validated, code)?;
        }
    }
    Ok(())
}

fn resource(
    pool: &DescriptorPool,
    message: &MessageDescriptor,
    kind: &str,
    code: &mut String,
) -> Result<(), Box<dyn Error>> {
    let (mut fields, mut populated, mut shown) = (String::new(), String::new(), String::new());
    for field in message.fields() {
        let name = field.name();
        let given = given(pool, &field)?;
        let guarded = exposure::is_guarded(pool, &field)?;
        let oneof = match real_oneof(&field) {
            Some(oneof) => format!("Some({oneof:?})"),
            None => "None".to_owned(),
        };
        writeln!(
            fields,
            "crate::mask::ResourceField {{ name: {name:?}, given: {given}, \
             guarded: {guarded}, oneof: {oneof} }},"
        )?;
        if given {
            writeln!(populated, "({}, {name:?}),", is_set(message, &field)?)?;
            let place = real_oneof(&field).unwrap_or_else(|| name.to_owned());
            writeln!(
                shown,
                "{name:?} => format!(\"{{:?}}\", self.{}),",
                names::ident(&place)
            )?;
        }
    }
    write!(
        code,
        "impl crate::mask::Resource for {message} {{
            const TYPE: &'static str = {kind:?};
            const FIELDS: &'static [crate::mask::ResourceField] = &[{fields}];
            fn populated(&self) -> ::std::vec::Vec<&'static str> {{
                let fields: &[(bool, &str)] = &[{populated}];
                fields.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect()
            }}
            fn shown(&self, field: &str) -> ::std::string::String {{
                match field {{ {shown} _ => ::std::string::String::new() }}
            }}
        }}\n",
        message = names::message(message)?,
    )?;
    Ok(())
}

/// Pairs of whether a field differs from what it was `before`, and its name: of all fields but those that
/// every change changes.
pub(crate) fn changes(message: &MessageDescriptor) -> Result<String, Box<dyn Error>> {
    let mut pairs = String::new();
    for field in message.fields() {
        let name = field.name();
        if ["name", "etag", "update_time"].contains(&name) {
            continue;
        }
        let place = names::ident(&real_oneof(&field).unwrap_or_else(|| name.to_owned()));
        let mut differs = format!("self.{place} != before.{place}");
        if real_oneof(&field).is_some() {
            let set = is_set(message, &field)?;
            let was_set = set.replacen("self.", "before.", 1);
            differs = format!("{differs} && ({set} || {was_set})");
        }
        writeln!(pairs, "({differs}, {name:?}),")?;
    }
    Ok(pairs)
}

/// Whether a caller gives the field its value: it is neither the server's, nor the name or etag.
pub(crate) fn given(
    pool: &DescriptorPool,
    field: &FieldDescriptor,
) -> Result<bool, Box<dyn Error>> {
    let behaviors = behaviors(pool, field)?;
    let has = |wanted| behaviors.contains(&wanted);
    Ok(!has(OUTPUT_ONLY) && !has(IDENTIFIER) && !["name", "etag"].contains(&field.name()))
}

/// Whether the field is read when a caller sends it.
pub(crate) fn is_input(
    pool: &DescriptorPool,
    field: &FieldDescriptor,
) -> Result<bool, Box<dyn Error>> {
    Ok(!behaviors(pool, field)?.contains(&OUTPUT_ONLY))
}

fn behaviors(pool: &DescriptorPool, field: &FieldDescriptor) -> Result<Vec<i32>, Box<dyn Error>> {
    let extension = pool
        .get_extension_by_name("google.api.field_behavior")
        .ok_or("the AIP's options")?;
    let options = field.options();
    let behaviors = options.get_extension(&extension);
    let behaviors = behaviors.as_list().unwrap_or_default();
    Ok(behaviors.iter().filter_map(Value::as_enum_number).collect())
}

/// The oneof that the field belongs to, but for those that only make a field optional.
pub(crate) fn real_oneof(field: &FieldDescriptor) -> Option<String> {
    let oneof = field.containing_oneof()?;
    (!oneof.is_synthetic()).then(|| oneof.name().to_owned())
}

/// The expression that tells whether the field is set.
pub(crate) fn is_set(
    message: &MessageDescriptor,
    field: &FieldDescriptor,
) -> Result<String, Box<dyn Error>> {
    let place = format!("self.{}", names::ident(field.name()));
    if let Some(oneof) = real_oneof(field) {
        let module = names::inside(message)?;
        return Ok(format!(
            "matches!(self.{}, Some({module}::{}::{}(..)))",
            names::ident(&oneof),
            names::camel(&oneof),
            names::variant(field)
        ));
    }
    if field.is_list() || field.is_map() {
        return Ok(format!("!{place}.is_empty()"));
    }
    if field.supports_presence() {
        return Ok(format!("{place}.is_some()"));
    }
    Ok(if matches!(field.kind(), Kind::String | Kind::Bytes) {
        format!("!{place}.is_empty()")
    } else if matches!(field.kind(), Kind::Bool) {
        place
    } else if matches!(field.kind(), Kind::Double | Kind::Float) {
        format!("{place} != 0.0")
    } else {
        format!("{place} != 0")
    })
}
