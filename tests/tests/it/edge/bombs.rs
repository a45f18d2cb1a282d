//! Messages that are larger than they look, deeper than they should be, or simply too large.

use std::io::Write;

use tonic::Code;

use super::process::Process;
use crate::server::raw::{Answer, call, framed};

const GET: &str = "/trellis.partner.v1.PartnerService/GetPartner";

/// How much memory one may cost: the message as it came, as it is read, and what the allocator
/// keeps.
const MEMORY: u64 = 12 << 20;

/// A request that is bad for a server, and what it should be answered with.
struct Bomb {
    name: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    expected: Option<(Code, &'static str)>,
    /// Whether a setting alone bounds it.
    has_control: bool,
}

/// Field 1, a string of some length.
fn text(length: usize) -> Vec<u8> {
    let mut message = vec![0x0a];
    prost::encode_length_delimiter(length, &mut message).unwrap();
    message.resize(message.len() + length, b'x');
    message
}

fn zipped(message: &[u8]) -> Vec<u8> {
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zip.write_all(message).unwrap();
    let zip = zip.finish().unwrap();
    [&[1], &framed(&zip)[1..]].concat()
}

fn bombs() -> Vec<Bomb> {
    let too_large = Some((Code::ResourceExhausted, "TOO_LARGE"));
    let malformed = Some((Code::InvalidArgument, "MALFORMED_MESSAGE"));
    let bomb = |name, body, expected, has_control| Bomb {
        name,
        headers: Vec::new(),
        body,
        expected,
        has_control,
    };
    let promised = [&[0][..], &u32::MAX.to_be_bytes(), b"x"].concat();
    // Groups of an unknown field, one in the other.
    let nested = framed(&[0x7b; 10_000]);
    let mut gzip = bomb("gzip bomb", zipped(&text(48 << 20)), too_large, true);
    gzip.headers.push(("grpc-encoding", "gzip".to_owned()));
    let mut metadata = bomb("metadata", framed(b""), None, true);
    metadata.headers.push(("x-large", "x".repeat(17 << 10)));
    vec![
        bomb("a text of 2 MiB", framed(&text(2 << 20)), too_large, true),
        bomb("4 GiB promised", promised, too_large, false),
        bomb("nested", nested, malformed, false),
        gzip,
        metadata,
    ]
}

async fn throw(server: &Process, bomb: &Bomb) -> Answer {
    let headers: Vec<(&str, &str)> = bomb
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    call(server.address, GET, &headers, bomb.body.clone()).await
}

#[tokio::test]
async fn no_message_costs_more_than_its_limit() {
    let server = Process::start(&[]);
    // Whatever is made on the first call is made.
    call(server.address, GET, &[], framed(b"")).await;
    for bomb in bombs() {
        server.forget_peak();
        let before = server.memory();
        let answer = throw(&server, &bomb).await;
        match bomb.expected {
            Some((code, reason)) => {
                let (found, why, _) = answer.error();
                assert_eq!((found, why.as_str()), (code, reason), "{}", bomb.name);
            }
            // What is wrong before it is a call is told by HTTP.
            None => assert_eq!(answer.http, 431, "{}: {answer:?}", bomb.name),
        }
        let grown = server.peak().saturating_sub(before);
        assert!(grown < MEMORY, "{}: {} MiB", bomb.name, grown >> 20);
    }
}

#[tokio::test]
async fn every_message_is_read_where_its_limit_is_off() {
    let server = Process::start(&[
        ("request-size-max", "64MiB"),
        ("import-size-max", "64MiB"),
        ("header-size-max", "1MiB"),
    ]);
    for bomb in bombs().into_iter().filter(|bomb| bomb.has_control) {
        server.forget_peak();
        let before = server.memory();
        let (code, reason, _) = throw(&server, &bomb).await.error();
        assert_eq!(
            (code, reason.as_str()),
            (Code::InvalidArgument, "INVALID_FIELDS"),
            "{}",
            bomb.name
        );
        let grown = server.peak().saturating_sub(before);
        if bomb.name == "gzip bomb" {
            assert!(grown > MEMORY, "{} bytes", grown);
        }
    }
}
