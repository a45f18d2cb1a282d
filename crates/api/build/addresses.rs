//! Where a request says what it is about, and how that must look.

use std::error::Error;

use protox::prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value,
};

use crate::names::ident;

/// Of `buf.validate.Ignore`.
const IGNORE_ALWAYS: i32 = 3;

/// The address of a request: its field, how to read it, and the patterns that it must have.
pub(crate) struct Address {
    pub(crate) field: String,
    pub(crate) read: String,
    pub(crate) patterns: Vec<String>,
}

/// Finds a request's address: `name`, else `parent`, else the name of its first resource.
pub(crate) fn of(
    pool: &DescriptorPool,
    request: &MessageDescriptor,
) -> Result<Address, Box<dyn Error>> {
    for field in ["name", "parent"] {
        if let Some(found) = request.get_field_by_name(field) {
            return Ok(Address {
                field: field.to_owned(),
                read: format!("::std::borrow::Cow::Borrowed(&self.{field})"),
                patterns: referenced(pool, &found)?,
            });
        }
    }
    if request.get_field_by_name("ecosystem_id").is_some() {
        return Ok(Address {
            field: "ecosystem_id".to_owned(),
            read: "::std::borrow::Cow::Owned(format!(\"ecosystems/{}\", self.ecosystem_id))".into(),
            patterns: vec!["ecosystems/{ecosystem}".to_owned()],
        });
    }
    for field in request.fields() {
        if let Some((resource, patterns)) = resource(pool, &field)? {
            let name = field.name();
            if resource.get_field_by_name("name").is_some() {
                return Ok(Address {
                    field: format!("{name}.name"),
                    read: format!(
                        "::std::borrow::Cow::Borrowed(self.{}.as_ref().map_or(\"\", |resource| \
                         resource.name.as_str()))",
                        ident(name)
                    ),
                    patterns,
                });
            }
        }
    }
    Ok(Address {
        field: String::new(),
        read: "::std::borrow::Cow::Borrowed(\"\")".to_owned(),
        patterns: Vec::new(),
    })
}

type Found = (MessageDescriptor, Vec<String>);

fn resource(
    pool: &DescriptorPool,
    field: &FieldDescriptor,
) -> Result<Option<Found>, Box<dyn Error>> {
    if let Kind::Message(message) = field.kind()
        && !field.is_list()
        && !field.is_map()
    {
        return Ok(declared(pool, &message)?.map(|declared| (message, declared.patterns)));
    }
    Ok(None)
}

/// What a resource declares of itself.
pub(crate) struct Declared {
    pub(crate) kind: String,
    pub(crate) patterns: Vec<String>,
}

/// What a message declares of itself, if it is a resource.
pub(crate) fn declared(
    pool: &DescriptorPool,
    message: &MessageDescriptor,
) -> Result<Option<Declared>, Box<dyn Error>> {
    let Some(option) = option(pool, &message.options(), "google.api.resource")? else {
        return Ok(None);
    };
    let kind = text(&option, "type");
    let patterns = option.get_field_by_name("pattern");
    let patterns = patterns
        .as_ref()
        .and_then(|patterns| patterns.as_list())
        .unwrap_or_default();
    let patterns = patterns
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    Ok(Some(Declared { kind, patterns }))
}

/// The patterns that a field's reference allows: those of the type, or of the parents of the child
/// type.
fn referenced(
    pool: &DescriptorPool,
    field: &FieldDescriptor,
) -> Result<Vec<String>, Box<dyn Error>> {
    let option = option(pool, &field.options(), "google.api.resource_reference")?
        .ok_or_else(|| format!("{}: say which resource it names", field.full_name()))?;
    let (kind, child) = (text(&option, "type"), text(&option, "child_type"));
    let wanted = if kind.is_empty() { &child } else { &kind };
    for message in pool.all_messages() {
        if let Some(Declared {
            kind: found,
            patterns,
        }) = declared(pool, &message)?
            && found == *wanted
        {
            let own = |pattern: &String| pattern.clone();
            let above = |pattern: &String| {
                let mut parts: Vec<&str> = pattern.split('/').collect();
                parts.truncate(parts.len().saturating_sub(2));
                parts.join("/")
            };
            let patterns = patterns.iter();
            return Ok(if kind.is_empty() {
                patterns.map(above).collect()
            } else {
                patterns.map(own).collect()
            });
        }
    }
    Err(format!("{}: no resource is declared as {wanted}", field.full_name()).into())
}

/// The repeated fields of a request whose items stand or fall by themselves: the contract says of
/// them that their own rules are to be ignored.
pub(crate) fn apart(
    pool: &DescriptorPool,
    request: &MessageDescriptor,
) -> Result<Vec<String>, Box<dyn Error>> {
    let inside = |message: &DynamicMessage, field: &str| {
        message
            .get_field_by_name(field)
            .and_then(|value| value.as_message().cloned())
    };
    let mut fields = Vec::new();
    for field in request.fields() {
        let items = option(pool, &field.options(), "buf.validate.field")?
            .and_then(|rules| inside(&rules, "repeated"))
            .and_then(|rules| inside(&rules, "items"));
        let ignore = items
            .as_ref()
            .and_then(|items| items.get_field_by_name("ignore"));
        if ignore.and_then(|ignore| ignore.as_enum_number()) == Some(IGNORE_ALWAYS) {
            fields.push(field.name().to_owned());
        }
    }
    Ok(fields)
}

/// An option of a field, method or message, if it is given.
pub(crate) fn option(
    pool: &DescriptorPool,
    options: &DynamicMessage,
    name: &str,
) -> Result<Option<DynamicMessage>, Box<dyn Error>> {
    let extension = pool
        .get_extension_by_name(name)
        .ok_or_else(|| format!("{name} is not imported"))?;
    if !options.has_extension(&extension) {
        return Ok(None);
    }
    Ok(options.get_extension(&extension).as_message().cloned())
}

/// A text in a message; empty when there is none.
pub(crate) fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
