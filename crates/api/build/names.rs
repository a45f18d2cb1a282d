//! How names of the contract are written in Rust; the same rules as prost's.

use std::error::Error;

use protox::prost_reflect::{FieldDescriptor, MessageDescriptor};

const KEYWORDS: [&str; 38] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "type", "use", "where", "yield",
];

/// A field or a module.
pub(crate) fn ident(name: &str) -> String {
    if KEYWORDS.contains(&name) {
        format!("r#{name}")
    } else {
        name.to_owned()
    }
}

/// A package as a path from the crate's root.
pub(crate) fn package(package: &str) -> String {
    let segments: Vec<String> = package.split('.').map(ident).collect();
    format!("crate::{}", segments.join("::"))
}

/// A message as a path from the crate's root.
pub(crate) fn message(message: &MessageDescriptor) -> Result<String, Box<dyn Error>> {
    Ok(format!("{}::{}", around(message)?, kept(message.name())?))
}

/// The module that holds what is declared inside of a message.
pub(crate) fn inside(message: &MessageDescriptor) -> Result<String, Box<dyn Error>> {
    Ok(format!(
        "{}::{}",
        around(message)?,
        snake(kept(message.name())?)
    ))
}

fn around(message: &MessageDescriptor) -> Result<String, Box<dyn Error>> {
    match message.parent_message() {
        Some(parent) => inside(&parent),
        None => Ok(package(message.package_name())),
    }
}

/// The variant of a oneof.
pub(crate) fn variant(field: &FieldDescriptor) -> String {
    camel(field.name())
}

/// The type of a oneof.
pub(crate) fn camel(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        })
        .collect()
}

fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    ident(&text)
}

/// Prost renames `FXRate` to `FxRate` and `RateFX` to `RateFx`; the contract names them so in the
/// first place. A word of one letter, as in `WhoAmIRequest`, stays as it is.
fn kept(name: &str) -> Result<&str, Box<dyn Error>> {
    let bytes = name.as_bytes();
    let capitals = |letters: &[u8]| letters.iter().all(u8::is_ascii_uppercase);
    let run =
        bytes.windows(3).any(capitals) || bytes.last_chunk::<2>().is_some_and(|end| capitals(end));
    if run || name.contains('_') {
        return Err(format!("{name}: write it without runs of capitals and underscores").into());
    }
    Ok(name)
}
