use std::sync::Arc;

use proptest::prelude::*;
use trellis_core::{ManualClock, Timestamp};

use super::*;
use crate::partner::v1::ListPartnersRequest;
use crate::program::v1::ListProgramsRequest;

const TABLE: &[Field] = &[Field::text("display_name").sortable()];

const SECRET_ONE: [u8; SECRET] = [1; SECRET];
const SECRET_TWO: [u8; SECRET] = [2; SECRET];
const SECRET_THREE: [u8; SECRET] = [3; SECRET];

fn request() -> ListPartnersRequest {
    ListPartnersRequest {
        parent: "ecosystems/acme".to_owned(),
        filter: "display_name:nim".to_owned(),
        order_by: "display_name desc".to_owned(),
        ..ListPartnersRequest::default()
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_micros(
        1_800_000_000_000_000,
    )))
}

fn reader(actor: &str, keys: &PageKeys) -> Reader {
    Reader {
        actor: Actor::try_new(actor).unwrap(),
        keys: keys.clone(),
    }
}

fn read_as<R: Listed>(
    request: &R,
    ecosystem: &str,
    reader: &Reader,
) -> Result<PageQuery, Vec<Violation>> {
    let ecosystem = EcosystemId::try_new(ecosystem).unwrap();
    let mut fields = Fields::new(Some(ecosystem), Vec::new()).read_by(reader.clone());
    let query = fields.page(request, TABLE);
    query.ok_or_else(|| fields.into_violations())
}

fn read(request: &ListPartnersRequest) -> Result<PageQuery, Vec<Violation>> {
    read_as(request, "acme", &Reader::default())
}

fn with(page_token: &str) -> ListPartnersRequest {
    ListPartnersRequest {
        page_token: page_token.to_owned(),
        ..request()
    }
}

fn cursor() -> Cursor {
    Cursor(vec![
        Value::Text("Nimbus".to_owned()),
        Value::Integer(-5),
        Value::Boolean(true),
        Value::Absent,
    ])
}

/// The one thing that is said of a token that does not open.
fn refused(read: Result<PageQuery, Vec<Violation>>) -> bool {
    let violations = read.unwrap_err();
    let violation = violations.first().unwrap();
    violations.len() == 1
        && violation.field == "page_token"
        && violation.rule == "page_token"
        && violation.description
            == "is not a token that you were answered for this request within the last 3 days; send \
                everything else as it was then, or begin without a token"
}

#[test]
fn a_page_begins_where_the_one_before_ended() {
    let first = read(&request()).unwrap();
    assert_eq!(first.after, None);
    let page_token = page_token(&first, Some(cursor()));
    let next = read(&ListPartnersRequest {
        page_size: 7,
        ..with(&page_token)
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
            ..with(&page_token)
        },
        ListPartnersRequest {
            order_by: String::new(),
            ..with(&page_token)
        },
        ListPartnersRequest {
            parent: "ecosystems/other".to_owned(),
            ..with(&page_token)
        },
    ];
    for other in others {
        assert!(refused(read(&other)));
    }
    assert!(read(&with(&page_token)).is_ok());
}

#[test]
fn a_token_is_good_for_its_own_caller_ecosystem_and_method_only() {
    let keys = PageKeys::new(SECRET_ONE, None, clock());
    let ada = reader("ada", &keys);
    let page_token = page_token(&read_as(&request(), "acme", &ada).unwrap(), Some(cursor()));
    let again = with(&page_token);
    assert!(read_as(&again, "acme", &ada).is_ok());
    assert!(refused(read_as(&again, "acme", &reader("bob", &keys))));
    assert!(refused(read_as(
        &again,
        "acme",
        &reader("anonymous", &keys)
    )));
    assert!(refused(read_as(&again, "other", &ada)));
    // Where one part ends and the next begins is part of what is bound.
    assert!(refused(read_as(&again, "aacme", &reader("ad", &keys))));

    let programs = ListProgramsRequest {
        parent: again.parent.clone(),
        filter: again.filter.clone(),
        order_by: again.order_by.clone(),
        page_token,
        ..ListProgramsRequest::default()
    };
    assert_eq!(again.encode_to_vec(), programs.encode_to_vec());
    assert!(refused(read_as(&programs, "acme", &ada)));
}

#[test]
fn a_token_without_its_end_or_with_more_is_refused() {
    let good = page_token(&read(&request()).unwrap(), Some(cursor()));
    let shorter = good.get(1..).unwrap();
    let longer = format!("{good}A");
    for bad in ["x", "!", "AAAA", shorter, longer.as_str()] {
        assert!(refused(read(&with(bad))), "{bad}");
    }
    for length in 1..good.len() {
        assert!(refused(read(&with(&good[..length]))), "{length}");
    }
}

#[test]
fn a_token_with_one_bit_turned_round_is_refused() {
    let good = page_token(&read(&request()).unwrap(), Some(cursor()));
    let bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let page_token = URL_SAFE_NO_PAD.encode(bytes);
        assert!(refused(read(&with(&page_token))), "bit {bit}");
    }
}

#[test]
fn a_token_does_not_show_what_is_in_it() {
    let query = read(&request()).unwrap();
    let token = page_token(&query, Some(cursor()));
    let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"Nimbus"));
    assert_ne!(token, page_token(&query, Some(cursor())));
}

#[test]
fn a_token_expires_after_three_days() {
    let clock = clock();
    let ada = reader("ada", &PageKeys::new(SECRET_ONE, None, clock.clone()));
    let page_token = page_token(&read_as(&request(), "acme", &ada).unwrap(), Some(cursor()));
    clock.advance(LIFETIME - std::time::Duration::from_micros(1));
    assert!(read_as(&with(&page_token), "acme", &ada).is_ok());
    clock.advance(std::time::Duration::from_micros(1));
    assert!(refused(read_as(&with(&page_token), "acme", &ada)));
}

#[test]
fn a_secret_is_replaced_in_two_steps() {
    let at = |current, previous| reader("ada", &PageKeys::new(current, previous, clock()));
    let before = at(SECRET_ONE, None);
    let page_token = page_token(
        &read_as(&request(), "acme", &before).unwrap(),
        Some(cursor()),
    );
    let again = with(&page_token);
    // Another server of the deployment, or the same one after a restart.
    assert!(read_as(&again, "acme", &at(SECRET_ONE, None)).is_ok());
    let rotated = read_as(&again, "acme", &at(SECRET_TWO, Some(SECRET_ONE)));
    // The page that follows is sealed with the new one.
    let page_token = super::page_token(&rotated.unwrap(), Some(cursor()));
    assert!(read_as(&with(&page_token), "acme", &at(SECRET_TWO, None)).is_ok());
    assert!(refused(read_as(
        &again,
        "acme",
        &at(SECRET_THREE, Some(SECRET_TWO))
    )));
    let made_up = reader("ada", &PageKeys::made_up(clock()));
    assert!(refused(read_as(&again, "acme", &made_up)));
}

#[test]
fn what_was_sealed_for_nobody_opens_for_nobody() {
    let query = PageQuery {
        seal: trellis_core::Seal::default(),
        ..read(&request()).unwrap()
    };
    let page_token = page_token(&query, Some(cursor()));
    assert!(refused(read(&with(&page_token))));
}

#[test]
fn the_keys_do_not_show_their_secrets() {
    let keys = PageKeys::new([77; SECRET], None, clock());
    assert!(!format!("{:?}", reader("ada", &keys)).contains("77"));
}

/// The longest place there is: a name of 200 letters of four bytes, and an id.
#[test]
fn the_longest_token_is_one_that_the_contract_takes() {
    let cursor = Cursor(vec![
        Value::Text("\u{1f33f}".repeat(200)),
        Value::Integer(i64::MIN),
        Value::Text("x".repeat(63)),
    ]);
    let page_token = page_token(&read(&request()).unwrap(), Some(cursor));
    assert!(page_token.len() < 2_048, "{}", page_token.len());
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
        let _ = read(&with(&page_token));
    }

    #[test]
    fn no_bytes_panic_even_when_they_are_sealed(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let query = read(&request()).unwrap();
        let sealed = keys::sealed(&query.seal, &bytes).unwrap();
        let _ = read(&with(&URL_SAFE_NO_PAD.encode(sealed)));
        prop_assert!(bytes.is_empty() || read(&with(&URL_SAFE_NO_PAD.encode(bytes))).is_err());
    }

    #[test]
    fn every_place_reads_back(text in ".*", number: i64, truth: bool) {
        let cursor = Cursor(vec![Value::Text(text), Value::Integer(number), Value::Boolean(truth)]);
        let token = page_token(&read(&request()).unwrap(), Some(cursor.clone()));
        prop_assert_eq!(read(&with(&token)).unwrap().after, Some(cursor));
    }
}
