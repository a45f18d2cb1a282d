//! Deadlines, sizes, request ids, and what is no call at all.

use tonic::Code;
use tonic::codec::CompressionEncoding;
use trellis_api::partner::v1 as pb;
use trellis_tests::{Engine, run};

use super::raw::{call, framed};

const GET: &str = "/trellis.partner.v1.PartnerService/GetPartner";
const IMPORT: &str = "/trellis.partner.v1.PartnerService/ImportPartners";

#[tokio::test]
async fn a_passed_deadline_is_answered_as_such_with_a_reason() {
    run(Engine::Sqlite, &[], |world| async move {
        let answer = call(world.address(), GET, &[("grpc-timeout", "0n")], framed(b"")).await;
        let (code, reason, _) = answer.error();
        assert_eq!(
            (code, reason.as_str()),
            (Code::DeadlineExceeded, "DEADLINE_EXCEEDED")
        );
        assert!(
            answer.trailers.is_empty() && answer.body.is_empty(),
            "{answer:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_timeout_that_cannot_be_read_is_refused() {
    run(Engine::Sqlite, &[], |world| async move {
        let answer = call(
            world.address(),
            GET,
            &[("grpc-timeout", "soon")],
            framed(b""),
        )
        .await;
        let (code, reason, _) = answer.error();
        assert_eq!(
            (code, reason.as_str()),
            (Code::InvalidArgument, "INVALID_FIELDS")
        );
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_nobody_ends_is_ended_at_its_deadline() {
    run(
        Engine::Sqlite,
        &[("stream-deadline-max", "200ms")],
        |world| async move {
            let (sender, receiver) = tokio::sync::mpsc::channel(1);
            let rows = tokio_stream::wrappers::ReceiverStream::new(receiver);
            let ended = match world.partners().import_partners(rows).await {
                Ok(answers) => answers.into_inner().message().await.unwrap_err(),
                Err(status) => status,
            };
            assert_eq!(ended.code(), Code::DeadlineExceeded);
            drop::<tokio::sync::mpsc::Sender<pb::ImportPartnersRequest>>(sender);
        },
    )
    .await;
}

#[tokio::test]
async fn a_call_answers_with_the_request_id_that_it_came_with_or_a_new_one() {
    run(Engine::Sqlite, &[], |world| async move {
        let named = call(
            world.address(),
            GET,
            &[("x-request-id", "mine-7")],
            framed(b""),
        )
        .await;
        assert_eq!(named.headers["x-request-id"], "mine-7");
        let too_long = "x".repeat(129);
        for headers in [&[][..], &[("x-request-id", too_long.as_str())]] {
            let answer = call(world.address(), GET, headers, framed(b"")).await;
            assert_eq!(answer.headers["x-request-id"].len(), 36);
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_above_the_limit_exhausts_it() {
    run(Engine::Sqlite, &[], |world| async move {
        // Field 1, a string that fills the message. What fits is read, and refused for its name.
        for (path, limit) in [(GET, 1 << 20), (IMPORT, 4 << 20)] {
            let message = |size: usize| {
                let head = [&[0x0a][..], &varint(size)].concat();
                framed(&[&head[..], &vec![b'x'; size]].concat())
            };
            let answer = call(world.address(), path, &[], message(limit - 16)).await;
            assert_eq!(answer.status().code(), Code::InvalidArgument, "{path}");
            let answer = call(world.address(), path, &[], message(limit + 1)).await;
            let (code, reason, metadata) = answer.error();
            assert_eq!(
                (code, reason.as_str()),
                (Code::ResourceExhausted, "TOO_LARGE"),
                "{path}"
            );
            assert_eq!(metadata["limit_bytes"], limit.to_string());
        }
    })
    .await;
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

#[tokio::test]
async fn bytes_that_are_no_message_are_the_callers_mistake() {
    run(Engine::Sqlite, &[], |world| async move {
        let not_protobuf = framed(b"\xff\xff\xff\xff");
        let not_utf8 = framed(b"\x0a\x02\xff\xfe");
        let cut_short = framed(b"\x0a\x02ab")[..6].to_vec();
        for body in [not_protobuf, not_utf8, cut_short] {
            let answer = call(world.address(), GET, &[], body.clone()).await;
            let (code, reason, metadata) = answer.error();
            assert_eq!(
                (code, reason.as_str()),
                (Code::InvalidArgument, "MALFORMED_MESSAGE"),
                "{body:?}"
            );
            assert!(!metadata["what"].is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn a_method_that_is_not_served_says_so() {
    run(
        Engine::Sqlite,
        &[("services", "partner")],
        |world| async move {
            for path in [
                "/trellis.partner.v1.PartnerService/Forget",
                "/trellis.deal.v1.DealService/GetDeal",
                "/what.Ever/Else",
                "/",
            ] {
                let answer = call(world.address(), path, &[], framed(b"")).await;
                let (code, reason, metadata) = answer.error();
                assert_eq!(
                    (code, reason.as_str()),
                    (Code::Unimplemented, "NOT_SERVED"),
                    "{path}"
                );
                assert!(metadata.contains_key("method"), "{metadata:?}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn an_unknown_compression_is_refused_and_gzip_is_taken() {
    run(Engine::Sqlite, &[], |world| async move {
        let headers = [("grpc-encoding", "snappy")];
        let answer = call(world.address(), GET, &headers, framed(b"")).await;
        let (code, reason, _) = answer.error();
        assert_eq!(
            (code, reason.as_str()),
            (Code::Unimplemented, "UNKNOWN_COMPRESSION")
        );
        let known = &answer.headers["grpc-accept-encoding"];
        assert!(known.to_str().unwrap().contains("gzip"), "{known:?}");

        let mut partners = world
            .partners()
            .send_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Gzip);
        let request = pb::GetPartnerRequest {
            name: "x".repeat(4096),
        };
        let refused = partners.get_partner(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn a_small_message_that_unpacks_to_a_large_one_is_refused() {
    run(Engine::Sqlite, &[], |world| async move {
        let mut partners = world.partners().send_compressed(CompressionEncoding::Gzip);
        let name = "x".repeat(16 << 20);
        let refused = partners.get_partner(pb::GetPartnerRequest { name }).await;
        trellis_tests::refused(refused, Code::ResourceExhausted, "TOO_LARGE");
    })
    .await;
}
