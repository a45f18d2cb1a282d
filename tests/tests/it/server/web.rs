//! gRPC-Web, as browsers speak it.

use trellis_tests::{Engine, run};

use super::raw::{framed, send_http1};

const GET: &str = "/trellis.partner.v1.PartnerService/GetPartner";
const WEB: [(&str, &str); 1] = [("content-type", "application/grpc-web+proto")];

#[tokio::test]
async fn a_browser_calls_over_http_1() {
    run(Engine::Sqlite, &[], |world| async move {
        let path = "/grpc.health.v1.Health/Check";
        let answer = send_http1(world.address(), "POST", path, &WEB, framed(b"")).await;
        assert_eq!(answer.http, 200);
        assert_eq!(answer.headers["content-type"], "application/grpc-web+proto");
        // The message says SERVING; the trailers follow in a frame of their own.
        assert!(
            answer.body.starts_with(&framed(&[0x08, 0x01])),
            "{answer:?}"
        );
        let trailers = String::from_utf8_lossy(&answer.body[7..]).to_lowercase();
        assert!(trailers.contains("grpc-status:0"), "{trailers}");
        assert!(answer.headers.contains_key("x-request-id"));
    })
    .await;
}

#[tokio::test]
async fn an_error_reaches_a_browser_with_its_reason() {
    run(Engine::Sqlite, &[], |world| async move {
        let answer = send_http1(world.address(), "POST", GET, &WEB, framed(b"\x0a\x01x")).await;
        assert_eq!(answer.http, 200);
        let (code, reason, _) = answer.error();
        assert_eq!(
            (code, reason.as_str()),
            (tonic::Code::InvalidArgument, "INVALID_FIELDS")
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_not_grpc_web_is_not_answered_over_http_1() {
    run(Engine::Sqlite, &[], |world| async move {
        let answer = send_http1(world.address(), "GET", "/", &[], Vec::new()).await;
        assert_eq!(answer.http, 400);
    })
    .await;
}

#[tokio::test]
async fn pages_of_the_named_origins_may_call_and_no_others() {
    let flags = [("grpc-web-origins", "https://portal.example.com")];
    run(Engine::Sqlite, &flags, |world| async move {
        for (origin, allowed) in [
            ("https://portal.example.com", true),
            ("https://evil.example.com", false),
        ] {
            let headers = [
                ("origin", origin),
                ("access-control-request-method", "POST"),
                (
                    "access-control-request-headers",
                    "content-type,x-grpc-web,trellis-actor",
                ),
            ];
            let answer = send_http1(world.address(), "OPTIONS", GET, &headers, Vec::new()).await;
            let said = answer.headers.get("access-control-allow-origin");
            assert_eq!(
                said.is_some_and(|said| said == origin),
                allowed,
                "{answer:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn browsers_are_left_out_when_grpc_web_is_off() {
    run(
        Engine::Sqlite,
        &[("grpc-web", "false")],
        |world| async move {
            let stream = tokio::net::TcpStream::connect(world.address())
                .await
                .unwrap();
            let io = hyper_util::rt::TokioIo::new(stream);
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
            tokio::spawn(connection);
            let request = http::Request::post(GET)
                .header("host", "portal")
                .header("content-type", "application/grpc-web+proto")
                .body(http_body_util::Full::new(hyper::body::Bytes::from(framed(
                    b"",
                ))))
                .unwrap();
            assert!(sender.send_request(request).await.is_err());
        },
    )
    .await;
}
