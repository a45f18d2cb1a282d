//! Pages of lists, as in AIP-158: sizes and tokens.
//!
//! A token holds where the next page begins and a fingerprint of everything else that was asked, so
//! that it cannot be used for another list. It confers no authority: whoever makes one up reads no
//! more than the list would tell them anyway. A checksum tells damage from a token of ours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use sha2::{Digest, Sha256};
use trellis_core::{Cursor, PageQuery, Value, Violation};

use crate::filter::Field;
use crate::method::Listed;
use crate::{Fields, order};

/// How many rows when nothing is asked.
pub const DEFAULT_SIZE: u32 = 50;

/// How many rows at most.
pub const LARGEST_SIZE: u32 = 1_000;

const CHECKSUM: usize = 4;

#[derive(Clone, PartialEq, Message)]
struct Token {
    #[prost(fixed64, tag = "1")]
    fingerprint: u64,
    #[prost(message, repeated, tag = "2")]
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
    let mut bytes = Token {
        fingerprint: query.fingerprint,
        keys,
    }
    .encode_to_vec();
    bytes.extend(checksum(&bytes));
    URL_SAFE_NO_PAD.encode(bytes)
}

fn checksum(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).into_iter().take(CHECKSUM).collect()
}

fn read_token(text: &str, fingerprint: u64) -> Result<Option<Cursor>, Violation> {
    if text.is_empty() {
        return Ok(None);
    }
    let damaged = || {
        Violation::new(
            "",
            "page_token",
            "is not a token that a page was answered with",
        )
    };
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| damaged())?;
    let split = bytes.len().checked_sub(CHECKSUM).ok_or_else(damaged)?;
    let (bytes, check) = bytes.split_at(split);
    if checksum(bytes) != check {
        return Err(damaged());
    }
    let Token {
        fingerprint: made_for,
        keys,
    } = Token::decode(bytes).map_err(|_| damaged())?;
    if made_for != fingerprint {
        let description = "was answered to another request; send everything else as it was then";
        return Err(Violation::new("", "page_token", description));
    }
    let value = |key: Key| match key.value {
        Some(KeyValue::Text(text)) => Value::Text(text),
        Some(KeyValue::Integer(number)) => Value::Integer(number),
        Some(KeyValue::Boolean(truth)) => Value::Boolean(truth),
        None => Value::Absent,
    };
    Ok(Some(Cursor(keys.into_iter().map(value).collect())))
}

/// A hash of everything that must be the same from page to page.
fn fingerprint<R: Listed>(request: &R) -> u64 {
    let mut hash = Sha256::new();
    hash.update(R::METHOD);
    hash.update([0]);
    hash.update(request.lasting().encode_to_vec());
    hash.finalize()
        .into_iter()
        .take(8)
        .fold(0, |all, byte| (all << 8) | u64::from(byte))
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
    let fingerprint = fingerprint(request);
    let after = fields.take("page_token", read_token(request.page_token(), fingerprint));
    Some(PageQuery {
        filter: filter?,
        order: order?,
        size: size?,
        after: after?,
        show_deleted: request.show_deleted(),
        fingerprint,
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::partner::v1::ListPartnersRequest;
    use crate::program::v1::ListProgramsRequest;

    const TABLE: &[Field] = &[Field::text("display_name").sortable()];

    fn request() -> ListPartnersRequest {
        ListPartnersRequest {
            parent: "ecosystems/acme".to_owned(),
            filter: "display_name:nim".to_owned(),
            order_by: "display_name desc".to_owned(),
            ..ListPartnersRequest::default()
        }
    }

    fn read(request: &ListPartnersRequest) -> Result<PageQuery, Vec<Violation>> {
        let mut fields = Fields::new(None, Vec::new());
        let query = fields.page(request, TABLE);
        query.ok_or_else(|| fields.into_violations())
    }

    fn cursor() -> Cursor {
        Cursor(vec![
            Value::Text("Nimbus".to_owned()),
            Value::Integer(-5),
            Value::Boolean(true),
            Value::Absent,
        ])
    }

    #[test]
    fn a_page_begins_where_the_one_before_ended() {
        let first = read(&request()).unwrap();
        assert_eq!(first.after, None);
        let page_token = page_token(&first, Some(cursor()));
        let next = read(&ListPartnersRequest {
            page_token,
            page_size: 7,
            ..request()
        })
        .unwrap();
        assert_eq!(next.after, Some(cursor()));
        assert_eq!(next.size, 7);
        assert_eq!(super::page_token(&first, None), "");
    }

    #[test]
    fn a_token_is_good_for_its_own_list_only() {
        let page_token = page_token(&read(&request()).unwrap(), Some(cursor()));
        let others = [
            ListPartnersRequest {
                filter: String::new(),
                ..request()
            },
            ListPartnersRequest {
                order_by: String::new(),
                ..request()
            },
            ListPartnersRequest {
                parent: "ecosystems/other".to_owned(),
                ..request()
            },
        ];
        for other in others {
            let violations = read(&ListPartnersRequest {
                page_token: page_token.clone(),
                ..other
            })
            .unwrap_err();
            assert_eq!(violations.first().unwrap().field, "page_token");
        }
    }

    #[test]
    fn a_damaged_token_is_refused() {
        let good = page_token(&read(&request()).unwrap(), Some(cursor()));
        let shorter = good.get(1..).unwrap().to_owned();
        for page_token in ["x".to_owned(), "!".to_owned(), "AAAA".to_owned(), shorter] {
            assert!(
                read(&ListPartnersRequest {
                    page_token,
                    ..request()
                })
                .is_err()
            );
        }
    }

    #[test]
    fn a_token_with_another_place_in_it_is_refused() {
        let good = page_token(&read(&request()).unwrap(), Some(cursor()));
        let mut bytes = URL_SAFE_NO_PAD.decode(good).unwrap();
        let letter = bytes.iter().position(|byte| *byte == b'N').unwrap();
        bytes[letter] = b'M';
        let page_token = URL_SAFE_NO_PAD.encode(bytes);
        assert!(
            read(&ListPartnersRequest {
                page_token,
                ..request()
            })
            .is_err()
        );
    }

    #[test]
    fn a_token_is_good_for_its_own_method_only() {
        let parent = "ecosystems/acme".to_owned();
        let partners = ListPartnersRequest {
            parent: parent.clone(),
            ..Default::default()
        };
        let programs = ListProgramsRequest {
            parent,
            ..Default::default()
        };
        assert_eq!(partners.encode_to_vec(), programs.encode_to_vec());
        assert_ne!(fingerprint(&partners), fingerprint(&programs));
    }

    #[test]
    fn sizes_are_bounded() {
        let size = |page_size| {
            read(&ListPartnersRequest {
                page_size,
                ..request()
            })
        };
        assert_eq!(size(0).unwrap().size, 50);
        assert_eq!(size(1_000).unwrap().size, 1_000);
        assert_eq!(size(1_001).unwrap().size, 1_000);
        assert_eq!(size(i32::MAX).unwrap().size, 1_000);
        assert_eq!(size(-1).unwrap_err().first().unwrap().field, "page_size");
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let request = ListPartnersRequest {
            page_size: -1,
            page_token: "x".to_owned(),
            filter: "(".to_owned(),
            order_by: "x".to_owned(),
            ..request()
        };
        let violations = read(&request).unwrap_err();
        let paths: Vec<_> = violations
            .iter()
            .map(|violation| violation.field.as_str())
            .collect();
        assert_eq!(paths, ["filter", "order_by", "page_size", "page_token"]);
    }

    proptest! {
        #[test]
        fn no_token_panics(page_token in ".*") {
            let _ = read(&ListPartnersRequest { page_token, ..request() });
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut signed = bytes.clone();
            signed.extend(checksum(&bytes));
            let _ = read_token(&URL_SAFE_NO_PAD.encode(signed), 0);
        }
    }
}
