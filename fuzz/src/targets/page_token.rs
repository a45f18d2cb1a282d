//! Page tokens: no bytes of a stranger open, what was sealed opens to the same place, and nothing
//! that differs in one bit, in the caller or in the request does.

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tonic::{Request, Status};
use trellis_api::partner::v1::ListPartnersRequest;
use trellis_api::{Field, open, page_token};
use trellis_core::{Actor, Cursor, PageQuery, Principal, Value};

use crate::plant;

#[derive(Arbitrary, Debug)]
enum Input {
    /// A text as a token.
    Text(String),
    /// Bytes as those of a token.
    Bytes(Vec<u8>),
    /// A place that is sealed, and then touched.
    Sealed {
        place: Vec<Part>,
        bit: u16,
        other: Other,
    },
}

#[derive(Arbitrary, Debug)]
enum Part {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Absent,
}

#[derive(Arbitrary, Debug)]
enum Other {
    Actor(u8),
    Filter(u8),
    Ecosystem(u8),
}

const TABLE: &[Field] = &[Field::text("display_name").sortable()];

const ACTORS: [&str; 3] = ["ada", "bob", "anonymous"];

pub(crate) fn run(data: &[u8]) {
    let Ok(input) = Input::arbitrary(&mut Unstructured::new(data)) else {
        return;
    };
    match input {
        Input::Text(text) => {
            let empty = text.is_empty();
            let read = read(&request("acme", "", text), "ada");
            assert_eq!(read.is_ok(), empty);
        }
        Input::Bytes(bytes) => {
            let empty = bytes.is_empty();
            let token = URL_SAFE_NO_PAD.encode(bytes);
            assert_eq!(read(&request("acme", "", token), "ada").is_ok(), empty);
        }
        Input::Sealed { place, bit, other } => sealed(place, bit, &other),
    }
}

fn sealed(place: Vec<Part>, bit: u16, other: &Other) {
    let value = |part| match part {
        Part::Text(text) => Value::Text(text),
        Part::Integer(number) => Value::Integer(number),
        Part::Boolean(truth) => Value::Boolean(truth),
        Part::Absent => Value::Absent,
    };
    let place = Cursor(place.into_iter().map(value).collect());
    let asked = read(&request("acme", "", String::new()), "ada").expect("a first page");
    let token = page_token(&asked, Some(place.clone()));
    // The contract takes none that is longer, and no place of ours makes one.
    if token.len() > 2_048 {
        return;
    }
    let again = read(&request("acme", "", token.clone()), "ada").expect("the next page");
    plant::fault(matches!(
        place.0.as_slice(),
        [Value::Integer(_), Value::Text(_), ..]
    ));
    assert_eq!(again.after, Some(place));

    let mut bytes = URL_SAFE_NO_PAD.decode(&token).expect("our own token");
    let bit = usize::from(bit) % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    let touched = URL_SAFE_NO_PAD.encode(bytes);
    refused(&read(&request("acme", "", touched), "ada"));

    let (ecosystem, filter, actor) = match other {
        Other::Actor(number) => ("acme", "", ACTORS[usize::from(number % 2) + 1]),
        Other::Filter(number) => (
            "acme",
            ["display_name:a", " "][usize::from(number % 2)],
            "ada",
        ),
        Other::Ecosystem(number) => (["beta", "acme-2"][usize::from(number % 2)], "", "ada"),
    };
    refused(&read(&request(ecosystem, filter, token), actor));
}

fn request(ecosystem: &str, filter: &str, page_token: String) -> ListPartnersRequest {
    ListPartnersRequest {
        parent: format!("ecosystems/{ecosystem}"),
        filter: filter.to_owned(),
        page_token,
        ..ListPartnersRequest::default()
    }
}

fn read(request: &ListPartnersRequest, actor: &'static str) -> Result<PageQuery, Status> {
    let mut request = Request::new(request.clone());
    let actor = Actor::try_new(actor).expect("an actor");
    request
        .extensions_mut()
        .insert(Arc::new(Principal::unidentified(actor)));
    open(request, |request, fields| fields.page(&request, TABLE)).map(|(_, query)| query)
}

fn refused(read: &Result<PageQuery, Status>) {
    let status = read.as_ref().expect_err("a token of another request");
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
}
