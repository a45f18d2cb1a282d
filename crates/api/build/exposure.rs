//! What of each message only the vendor's staff see or set, and which partners it names: one
//! implementation of `Exposed` for each message of the contract, made from the options of its fields.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;

use protox::prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use crate::{addresses, names, resources};

/// Of `trellis.options.v1.Exposure`.
const STAFF: i32 = 1;
const STAFF_SETS: i32 = 2;

const PARTNER: &str = "trellis.dev/Partner";

/// What is to be known of a message, or of anything inside of it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Holds {
    hidden: bool,
    guarded: bool,
    partners: bool,
}

impl Holds {
    fn and(self, other: Self) -> Self {
        Self {
            hidden: self.hidden || other.hidden,
            guarded: self.guarded || other.guarded,
            partners: self.partners || other.partners,
        }
    }
}

pub(crate) fn write(pool: &DescriptorPool, code: &mut String) -> Result<(), Box<dyn Error>> {
    let ours: Vec<MessageDescriptor> = pool
        .all_messages()
        .filter(|message| message.package_name().starts_with("trellis."))
        .filter(|message| !message.is_map_entry())
        .collect();
    let held = held(pool, &ours)?;
    for message in &ours {
        exposed(pool, message, &held, code)?;
    }
    Ok(())
}

/// The fields of a resource that only the staff see.
pub(crate) fn staff_fields(
    pool: &DescriptorPool,
    message: &MessageDescriptor,
) -> Result<Vec<String>, Box<dyn Error>> {
    let mut fields = Vec::new();
    for field in message.fields() {
        if exposure(pool, &field)? == STAFF {
            fields.push(field.name().to_owned());
        }
    }
    Ok(fields)
}

/// Whether callers other than the staff may not set the field.
pub(crate) fn is_guarded(
    pool: &DescriptorPool,
    field: &FieldDescriptor,
) -> Result<bool, Box<dyn Error>> {
    Ok([STAFF, STAFF_SETS].contains(&exposure(pool, field)?) && resources::given(pool, field)?)
}

fn exposure(pool: &DescriptorPool, field: &FieldDescriptor) -> Result<i32, Box<dyn Error>> {
    let extension = pool
        .get_extension_by_name("trellis.options.v1.exposure")
        .ok_or("the contract declares its options")?;
    let options = field.options();
    Ok(options
        .get_extension(&extension)
        .as_enum_number()
        .unwrap_or_default())
}

/// Whether the field names a partner: by a reference, or as the name of a partner itself.
fn names_partner(
    pool: &DescriptorPool,
    message: &MessageDescriptor,
    field: &FieldDescriptor,
) -> Result<bool, Box<dyn Error>> {
    if !matches!(field.kind(), Kind::String) || field.is_map() {
        return Ok(false);
    }
    if field.name() == "name" {
        let declared = addresses::declared(pool, message)?;
        if declared.is_some_and(|declared| declared.kind == PARTNER) {
            return Ok(true);
        }
    }
    let reference = addresses::option(pool, &field.options(), "google.api.resource_reference")?;
    let to_partner = reference.is_some_and(|to| addresses::text(&to, "type") == PARTNER);
    Ok(to_partner && resources::is_input(pool, field)?)
}

fn own(pool: &DescriptorPool, message: &MessageDescriptor) -> Result<Holds, Box<dyn Error>> {
    let mut holds = Holds::default();
    for field in message.fields() {
        holds = holds.and(Holds {
            hidden: exposure(pool, &field)? == STAFF,
            guarded: is_guarded(pool, &field)?,
            partners: names_partner(pool, message, &field)?,
        });
    }
    Ok(holds)
}

/// What each message holds in itself and in the messages inside of it.
fn held(
    pool: &DescriptorPool,
    messages: &[MessageDescriptor],
) -> Result<BTreeMap<String, Holds>, Box<dyn Error>> {
    let mut held = BTreeMap::new();
    for message in messages {
        held.insert(message.full_name().to_owned(), own(pool, message)?);
    }
    loop {
        let before = held.clone();
        for message in messages {
            for inner in message.fields().filter_map(|field| inner(&field)) {
                let of_inner = before.get(inner.full_name()).copied().unwrap_or_default();
                if let Some(holds) = held.get_mut(message.full_name()) {
                    *holds = holds.and(of_inner);
                }
            }
        }
        if held == before {
            return Ok(held);
        }
    }
}

fn inner(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) if !field.is_map() => Some(message),
        _ => None,
    }
}

fn exposed(
    pool: &DescriptorPool,
    message: &MessageDescriptor,
    held: &BTreeMap<String, Holds>,
    code: &mut String,
) -> Result<(), Box<dyn Error>> {
    let (mut redact, mut guarded, mut partners) = (String::new(), String::new(), String::new());
    for field in message.fields() {
        let name = field.name();
        let place = format!("self.{}", names::ident(name));
        let oneof = resources::real_oneof(&field);
        if exposure(pool, &field)? == STAFF {
            if oneof.is_some() {
                return Err(format!("{}: hide its oneof's message", field.full_name()).into());
            }
            writeln!(redact, "{place} = ::core::default::Default::default();")?;
        }
        if is_guarded(pool, &field)? {
            let set = resources::is_set(message, &field)?;
            writeln!(
                guarded,
                "if {set} {{ found.push(format!(\"{{at}}{name}\")); }}"
            )?;
        }
        if names_partner(pool, message, &field)? {
            let push = if field.is_list() {
                format!("found.extend({place}.iter().map(::std::string::String::as_str));")
            } else if oneof.is_some() {
                let (each, _) = walk(message, &field, oneof.as_deref())?;
                format!("{each} {{ found.push(inner); }}")
            } else {
                format!("found.push(&{place});")
            };
            writeln!(partners, "{push}")?;
        }
        let Some(inner) = inner(&field) else { continue };
        let holds = held.get(inner.full_name()).copied().unwrap_or_default();
        let (each, each_mut) = walk(message, &field, oneof.as_deref())?;
        if holds.hidden {
            writeln!(
                redact,
                "{each_mut} {{ crate::exposed::Exposed::redact(inner); }}"
            )?;
        }
        if holds.guarded && resources::is_input(pool, &field)? {
            writeln!(
                guarded,
                "{each} {{ crate::exposed::Exposed::guarded(inner, &format!(\"{{at}}{name}.\"), found); }}"
            )?;
        }
        if holds.partners && resources::is_input(pool, &field)? {
            writeln!(
                partners,
                "{each} {{ crate::exposed::Exposed::partners(inner, found); }}"
            )?;
        }
    }
    let mut body = String::new();
    if !redact.is_empty() {
        write!(body, "fn redact(&mut self) {{ {redact} }}")?;
    }
    if !guarded.is_empty() {
        write!(
            body,
            "fn guarded(&self, at: &str, found: &mut ::std::vec::Vec<::std::string::String>) \
             {{ {guarded} }}"
        )?;
    }
    if !partners.is_empty() {
        write!(
            body,
            "fn partners<'a>(&'a self, found: &mut ::std::vec::Vec<&'a str>) {{ {partners} }}"
        )?;
    }
    let message = names::message(message)?;
    writeln!(
        code,
        "impl crate::exposed::Exposed for {message} {{ {body} }}"
    )?;
    Ok(())
}

/// The heads of loops over the messages in a field, which call each of them `inner`.
fn walk(
    message: &MessageDescriptor,
    field: &FieldDescriptor,
    oneof: Option<&str>,
) -> Result<(String, String), Box<dyn Error>> {
    let Some(oneof) = oneof else {
        let place = format!("self.{}", names::ident(field.name()));
        return Ok((
            format!("for inner in {place}.iter()"),
            format!("for inner in {place}.iter_mut()"),
        ));
    };
    let variant = format!(
        "{}::{}::{}",
        names::inside(message)?,
        names::camel(oneof),
        names::variant(field)
    );
    let place = format!("self.{}", names::ident(oneof));
    Ok((
        format!("if let Some({variant}(inner)) = &{place}"),
        format!("if let Some({variant}(inner)) = &mut {place}"),
    ))
}

/// The resource whose fields a list is filtered by: that of its answer's first repeated message.
pub(crate) fn listed(answer: &MessageDescriptor) -> Option<MessageDescriptor> {
    let mut lists = answer.fields().filter(FieldDescriptor::is_list);
    lists.find_map(|field| inner(&field))
}
