//! Pages of lists, as in AIP-158: sizes and tokens.
//!
//! A token holds where the next page begins. It is sealed for the caller who was answered it and for
//! everything else that was asked: see [`PageKeys`]. Whatever is wrong with a token, the answer is the
//! same, so that it tells nothing of whose it was, what for, or why it does not open.

mod keys;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use sha2::{Digest, Sha256};
use trellis_core::{Actor, Cursor, EcosystemId, PageQuery, Value, Violation};

pub use self::keys::{LIFETIME, PageKeys, SECRET};
use crate::filter::Field;
use crate::method::Listed;
use crate::{Fields, order};

/// How many rows when nothing is asked.
pub const DEFAULT_SIZE: u32 = 50;

/// How many rows at most.
pub const LARGEST_SIZE: u32 = 1_000;

/// Whom the tokens of a request are for, and what seals them.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) actor: Actor,
    pub(crate) keys: PageKeys,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            actor: Actor::anonymous(),
            keys: PageKeys::of_this_process(),
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct Token {
    #[prost(message, repeated, tag = "1")]
    keys: Vec<Key>,
}

#[derive(Clone, PartialEq, Message)]
struct Key {
    #[prost(oneof = "KeyValue", tags = "1, 2, 3")]
    value: Option<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum KeyValue {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(sint64, tag = "2")]
    Integer(i64),
    #[prost(bool, tag = "3")]
    Boolean(bool),
}

/// The token of the next page; empty when there is none.
#[must_use]
pub fn page_token(query: &PageQuery, next: Option<Cursor>) -> String {
    let Some(Cursor(values)) = next else {
        return String::new();
    };
    let key = |value| Key {
        value: match value {
            Value::Text(text) => Some(KeyValue::Text(text)),
            Value::Integer(number) => Some(KeyValue::Integer(number)),
            Value::Boolean(truth) => Some(KeyValue::Boolean(truth)),
            Value::Absent => None,
        },
    };
    let keys = values.into_iter().map(key).collect();
    let sealed = keys::sealed(&query.seal, &Token { keys }.encode_to_vec());
    sealed.map_or_else(String::new, |sealed| URL_SAFE_NO_PAD.encode(sealed))
}

fn read_token(text: &str, reader: &Reader, binding: &[u8]) -> Result<Option<Cursor>, Violation> {
    if text.is_empty() {
        return Ok(None);
    }
    let opened = URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|sealed| reader.keys.open(binding, &sealed))
        .and_then(|opened| Token::decode(opened.as_slice()).ok());
    let Some(Token { keys }) = opened else {
        let description = "is not a token that you were answered for this request within the last 3 \
                           days; send everything else as it was then, or begin without a token";
        return Err(Violation::new("", "page_token", description));
    };
    let value = |key: Key| match key.value {
        Some(KeyValue::Text(text)) => Value::Text(text),
        Some(KeyValue::Integer(number)) => Value::Integer(number),
        Some(KeyValue::Boolean(truth)) => Value::Boolean(truth),
        None => Value::Absent,
    };
    Ok(Some(Cursor(keys.into_iter().map(value).collect())))
}

/// A hash of everything that must be the same from page to page: who asks, in which ecosystem, and
/// what. Each part says how long it is, so that no two together look like another two.
fn binding<R: Listed>(reader: &Reader, ecosystem: Option<&EcosystemId>, request: &R) -> [u8; 32] {
    let mut hash = Sha256::new();
    let ecosystem = ecosystem.map_or("", EcosystemId::as_str);
    for part in [reader.actor.as_str(), ecosystem, R::METHOD] {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        hash.update(length.to_be_bytes());
        hash.update(part);
    }
    hash.update(request.lasting().encode_to_vec());
    hash.finalize().into()
}

pub(crate) fn query<R: Listed>(
    fields: &mut Fields,
    request: &R,
    table: &[Field],
) -> Option<PageQuery> {
    let table = &fields.shown::<R>(table);
    let filter = fields.filter("filter", request.filter(), table);
    let order = fields.take("order_by", order::read(request.order_by(), table));
    let size = fields.take("page_size", read_size(request.page_size()));
    let reader = fields.reader();
    let binding = binding(&reader, fields.ecosystem().as_ref(), request);
    let seal = reader.keys.seal(&binding);
    let after = read_token(request.page_token(), &reader, &binding);
    let after = fields.take("page_token", after);
    Some(PageQuery {
        filter: filter?,
        order: order?,
        size: size?,
        after: after?,
        show_deleted: request.show_deleted(),
        seal,
    })
}

fn read_size(asked: i32) -> Result<u32, Violation> {
    match u32::try_from(asked) {
        Ok(0) => Ok(DEFAULT_SIZE),
        Ok(asked) => Ok(asked.min(LARGEST_SIZE)),
        Err(_) => Err(Violation::new("", "page_size", "must not be negative")),
    }
}

#[cfg(test)]
mod tests;
