//! gRPC's own rules, as a table: what each kind of request must be answered with.
//!
//! It re-expresses the suites for servers of the gRPC conformance project (`basic`, `errors`,
//! `timeouts`, `deadline_propagation`, `duplicate_metadata`, `server_message_size`,
//! `grpc_server_unexpected`, `grpc_web_server_unexpected`) over methods of ours. Each case says
//! which one it is of. One deviates on purpose: a message that claims to be compressed without
//! saying how is the caller's mistake, and `INTERNAL` is for mistakes of ours.

use http::HeaderMap;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use trellis_tests::{Engine, World, run};

use crate::server::raw::{Answer, framed, send, send_http1};

const HEALTH: &str = "/grpc.health.v1.Health/Check";
const GET: &str = "/trellis.partner.v1.PartnerService/GetPartner";
const LIST: &str = "/trellis.partner.v1.PartnerService/ListPartners";
const IMPORT: &str = "/trellis.partner.v1.PartnerService/ImportPartners";
const EXPORT: &str = "/trellis.incentive.v1.LedgerService/ExportJournals";

/// What a request must be answered with.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// A message, and OK.
    Ok,
    /// A code and a reason.
    Error(Code, &'static str),
    /// A status of HTTP, which is no gRPC at all.
    Http(u16),
}

/// A request and what it must be answered with.
struct Case {
    suite: &'static str,
    name: &'static str,
    verb: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    expected: Expected,
}

fn case(
    suite: &'static str,
    name: &'static str,
    path: &'static str,
    body: Vec<u8>,
    expected: Expected,
) -> Case {
    Case {
        suite,
        name,
        verb: "POST",
        path,
        headers: Vec::new(),
        body,
        expected,
    }
}

impl Case {
    fn with(mut self, headers: &[(&'static str, &'static str)]) -> Self {
        self.headers.extend_from_slice(headers);
        self
    }

    fn verb(mut self, verb: &'static str) -> Self {
        self.verb = verb;
        self
    }
}

/// Field 1, a string of some length.
fn text(length: usize) -> Vec<u8> {
    let mut message = vec![0x0a];
    prost::encode_length_delimiter(length, &mut message).unwrap();
    message.resize(message.len() + length, b'x');
    framed(&message)
}

fn twice(message: &[u8]) -> Vec<u8> {
    [message, message].concat()
}

/// What calls look like that go well or are refused by the service.
fn ordinary() -> Vec<Case> {
    let invalid = Expected::Error(Code::InvalidArgument, "INVALID_FIELDS");
    let late = Expected::Error(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let absent = |name: &str| {
        let message = [&[0x0a, u8::try_from(name.len()).unwrap()], name.as_bytes()].concat();
        framed(&message)
    };
    vec![
        case("basic", "unary", HEALTH, framed(b""), Expected::Ok),
        case(
            "basic",
            "client stream without messages",
            IMPORT,
            Vec::new(),
            Expected::Ok,
        ),
        case(
            "errors",
            "unary",
            GET,
            absent("ecosystems/none/partners/none"),
            Expected::Error(Code::NotFound, "RESOURCE_NOT_FOUND"),
        ),
        case("errors", "unary with details", GET, framed(b""), invalid),
        case("errors", "server stream", EXPORT, framed(b""), invalid),
        case("timeouts", "passed at once", GET, framed(b""), late).with(&[("grpc-timeout", "0n")]),
        case(
            "timeouts",
            "stream passed at once",
            IMPORT,
            Vec::new(),
            late,
        )
        .with(&[("grpc-timeout", "0n")]),
        case(
            "deadline_propagation",
            "the longest one",
            HEALTH,
            framed(b""),
            Expected::Ok,
        )
        .with(&[("grpc-timeout", "99999999H")]),
        case(
            "deadline_propagation",
            "not one",
            HEALTH,
            framed(b""),
            invalid,
        )
        .with(&[("grpc-timeout", "123456789S")]),
        case(
            "duplicate_metadata",
            "of nobody's",
            HEALTH,
            framed(b""),
            Expected::Ok,
        )
        .with(&[("x-two", "a"), ("x-two", "b"), ("x-bin-bin", "AAE=")]),
    ]
}

/// What no client of ours sends, whatever it is framed in.
fn unexpected() -> Vec<Case> {
    let count = Expected::Error(Code::Unimplemented, "MESSAGE_COUNT");
    let malformed = Expected::Error(Code::InvalidArgument, "MALFORMED_MESSAGE");
    let unserved = Expected::Error(Code::Unimplemented, "NOT_SERVED");
    let unknown = Expected::Error(Code::Unimplemented, "UNKNOWN_COMPRESSION");
    let suite = "server_unexpected";
    let compressed = [&[1], &framed(b"")[1..]].concat();
    vec![
        case(suite, "unary/no-request", GET, Vec::new(), count),
        case(
            suite,
            "unary/multiple-requests",
            GET,
            twice(&framed(b"")),
            count,
        ),
        case(suite, "server-stream/no-request", EXPORT, Vec::new(), count),
        case(
            suite,
            "server-stream/multiple-requests",
            EXPORT,
            twice(&framed(b"")),
            count,
        ),
        case(
            suite,
            "unexpected-verb",
            GET,
            framed(b""),
            Expected::Http(405),
        )
        .verb("DELETE"),
        case(
            suite,
            "unexpected-uri",
            "/no.Such/Method",
            framed(b""),
            unserved,
        ),
        case(
            suite,
            "unexpected-method",
            "/trellis.partner.v1.PartnerService/Nothing",
            framed(b""),
            unserved,
        ),
        case(suite, "unexpected-compression", GET, framed(b""), unknown)
            .with(&[("grpc-encoding", "foo")]),
        case(
            suite,
            "unexpected-compressed-message",
            GET,
            compressed,
            malformed,
        )
        .with(&[("grpc-encoding", "identity")]),
    ]
}

/// Messages that end too early.
fn incomplete() -> Vec<Case> {
    let suite = "server_unexpected";
    let malformed = Expected::Error(Code::InvalidArgument, "MALFORMED_MESSAGE");
    vec![
        case(
            suite,
            "incomplete-message",
            IMPORT,
            framed(b"four")[..7].to_vec(),
            malformed,
        ),
        case(
            suite,
            "incomplete-message-prefix",
            IMPORT,
            vec![0; 3],
            malformed,
        ),
    ]
}

/// Messages as large as they may be, and larger.
fn sizes() -> Vec<Case> {
    let suite = "server_message_size";
    let too_large = Expected::Error(Code::ResourceExhausted, "TOO_LARGE");
    let invalid = Expected::Error(Code::InvalidArgument, "INVALID_FIELDS");
    let limit = 1 << 20;
    let promised = [&[0][..], &u32::MAX.to_be_bytes(), b"x"].concat();
    vec![
        // A string of this length has a field number and three bytes of length before it.
        case(suite, "request-at-the-limit", GET, text(limit - 4), invalid),
        case(
            suite,
            "request-exceeds-by-one",
            GET,
            text(limit - 3),
            too_large,
        ),
        case(
            suite,
            "stream-request-exceeds",
            IMPORT,
            text(4 << 20),
            too_large,
        ),
        case(
            suite,
            "more-is-promised-than-there-is",
            GET,
            promised,
            too_large,
        ),
    ]
}

fn all() -> impl Iterator<Item = Case> {
    [ordinary(), unexpected(), incomplete(), sizes()]
        .into_iter()
        .flatten()
}

#[track_caller]
fn assert_answered(case: &Case, over: &str, answer: &Answer) {
    let name = format!("{} {} over {over}: {answer:?}", case.suite, case.name);
    match case.expected {
        Expected::Http(status) => {
            assert_eq!(answer.http, status, "{name}");
            assert!(answer.headers.get("grpc-status").is_none(), "{name}");
        }
        Expected::Ok => {
            assert_eq!(answer.http, 200, "{name}");
            let found = trailers(answer).get("grpc-status").cloned();
            assert_eq!(found.unwrap(), "0", "{name}");
        }
        Expected::Error(code, reason) => {
            assert_eq!(answer.http, 200, "{name}");
            let status = Status::from_header_map(&trailers(answer));
            let status = status.unwrap_or_else(|| panic!("{name}"));
            let why = status.get_details_error_info().map(|info| info.reason);
            assert_eq!(
                (status.code(), why.as_deref()),
                (code, Some(reason)),
                "{name}"
            );
        }
    }
}

/// The trailers, which gRPC-Web writes into the body.
fn trailers(answer: &Answer) -> HeaderMap {
    let mut found = answer.trailers.clone();
    found.extend(answer.headers.clone());
    let mut rest = &answer.body[..];
    while let [kind, a, b, c, d, more @ ..] = rest {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap();
        if *kind & 0x80 != 0 {
            for line in String::from_utf8_lossy(&more[..length]).lines() {
                if let Some((name, value)) = line.split_once(':') {
                    let name: http::HeaderName = name.parse().unwrap();
                    found.insert(name, value.trim().parse().unwrap());
                }
            }
        }
        rest = &more[length..];
    }
    found
}

async fn holds_over_grpc(world: &World, case: &Case) {
    let mut headers = vec![("content-type", "application/grpc"), ("te", "trailers")];
    headers.extend_from_slice(&case.headers);
    let address = world.address();
    let answer = send(address, case.verb, case.path, &headers, case.body.clone()).await;
    assert_answered(case, "gRPC", &answer);
}

async fn holds_over_web(world: &World, case: &Case) {
    let mut headers = vec![("content-type", "application/grpc-web+proto")];
    headers.extend_from_slice(&case.headers);
    let address = world.address();
    let answer = send_http1(address, case.verb, case.path, &headers, case.body.clone()).await;
    assert_answered(case, "gRPC-Web", &answer);
}

#[tokio::test]
async fn every_request_is_answered_as_grpc_says() {
    run(Engine::Sqlite, &[], |world| async move {
        for case in all() {
            holds_over_grpc(&world, &case).await;
        }
    })
    .await;
}

#[tokio::test]
async fn every_request_of_a_browser_is_answered_as_grpc_web_says() {
    run(Engine::Sqlite, &[], |world| async move {
        // A browser cannot stream, and does not try with more than a message may hold.
        for case in all().filter(|case| case.name != "stream-request-exceeds") {
            holds_over_web(&world, &case).await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_said_to_be_something_else_is_no_call() {
    run(Engine::Sqlite, &[], |world| async move {
        for content in ["application/grpc+foo", "text/plain", "application/json"] {
            let headers = [("content-type", content), ("te", "trailers")];
            let answer = send(world.address(), "POST", GET, &headers, framed(b"")).await;
            assert_eq!(answer.http, 415, "{content}");
        }
        let none = send(world.address(), "POST", GET, &[], framed(b"")).await;
        assert_eq!(none.http, 415);
    })
    .await;
}

#[tokio::test]
async fn an_answer_above_the_limit_exhausts_it() {
    let flags = [("response-size-max", "1KiB")];
    run(Engine::Sqlite, &flags, |world| async move {
        let parent = world.ecosystem("acme").await;
        for number in 0..20 {
            let request = trellis_api::partner::v1::CreatePartnerRequest {
                parent: parent.clone(),
                partner_id: format!("partner-{number}"),
                partner: Some(trellis_api::partner::v1::Partner {
                    display_name: "x".repeat(60),
                    partner_type: trellis_api::partner::v1::partner::PartnerType::Reseller.into(),
                    ..Default::default()
                }),
                ..Default::default()
            };
            world.partners().create_partner(request).await.unwrap();
        }
        let message = [
            &[0x0a, u8::try_from(parent.len()).unwrap()],
            parent.as_bytes(),
        ]
        .concat();
        let headers = [("content-type", "application/grpc"), ("te", "trailers")];
        let answer = send(world.address(), "POST", LIST, &headers, framed(&message)).await;
        let (code, reason, metadata) = answer.error();
        assert_eq!(
            (code, reason.as_str()),
            (Code::ResourceExhausted, "TOO_LARGE"),
            "{answer:?}"
        );
        assert_eq!(metadata["limit_bytes"], "1024");
    })
    .await;
}
