//! What no peer can talk its way out of.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic_types::StatusExt;
use trellis_tests::{Engine, run};

use crate::edge::frames::{
    ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, Peer, RST_STREAM, SETTINGS,
    frame, headers,
};

const HEALTH: &str = "/grpc.health.v1.Health/Check";

#[tokio::test]
async fn the_limits_are_told_to_every_peer() {
    for (flags, streams, header_size) in [
        (&[][..], 128, 16 << 10),
        (
            &[("streams-max", "77"), ("header-size-max", "8KiB")],
            77,
            8 << 10,
        ),
    ] {
        run(Engine::Sqlite, flags, |world| async move {
            let mut peer = Peer::connect(world.address()).await;
            let told = peer.next().await.unwrap();
            assert_eq!(told.kind, SETTINGS);
            let settings: Vec<(u16, u32)> = told
                .payload
                .chunks_exact(6)
                .map(|pair| {
                    let value = u32::from_be_bytes([pair[2], pair[3], pair[4], pair[5]]);
                    (u16::from_be_bytes([pair[0], pair[1]]), value)
                })
                .collect();
            // MAX_CONCURRENT_STREAMS and MAX_HEADER_LIST_SIZE.
            assert!(settings.contains(&(3, streams)), "{settings:?}");
            assert!(settings.contains(&(6, header_size)), "{settings:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_peer_that_makes_the_server_reset_streams_is_sent_away() {
    run(Engine::Sqlite, &[], |world| async move {
        let mut peer = Peer::connect(world.address()).await;
        let mut sent = 0;
        let lie = headers(HEALTH, &[("content-length", "1")]);
        for stream in (1..1000).step_by(2) {
            // One byte was promised and two come, so that the stream has to be reset.
            let began = peer.send(HEADERS, END_HEADERS, stream, &lie).await;
            if began
                .and(peer.send(DATA, END_STREAM, stream, b"ab").await)
                .is_err()
            {
                break;
            }
            sent += 1;
        }
        // ENHANCE_YOUR_CALM.
        assert_eq!(goes_away(&mut peer).await, Some(11), "{sent} streams");
    })
    .await;
}

/// Reads on until the server goes away, and answers the code with which it does.
async fn goes_away(peer: &mut Peer) -> Option<u32> {
    let gone = async {
        loop {
            let frame = peer.next().await?;
            if frame.kind == GOAWAY {
                return Some(frame.code());
            }
        }
    };
    timeout(Duration::from_secs(5), gone).await.ok().flatten()
}

#[tokio::test]
async fn a_peer_that_cancels_what_it_has_just_asked_for_is_sent_away() {
    run(Engine::Sqlite, &[], |world| async move {
        let mut peer = Peer::connect(world.address()).await;
        let head = headers(HEALTH, &[]);
        let calls: Vec<u8> = (1..200)
            .step_by(2)
            .flat_map(|stream| {
                [
                    frame(HEADERS, END_HEADERS, stream, &head),
                    frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]),
                ]
                .concat()
            })
            .collect();
        peer.0.write_all(&calls).await.unwrap();
        // ENHANCE_YOUR_CALM.
        assert_eq!(goes_away(&mut peer).await, Some(11));
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_hung_up_on() {
    let flags = [
        ("keepalive-interval", "100ms"),
        ("keepalive-timeout", "100ms"),
    ];
    run(Engine::Sqlite, &flags, |world| async move {
        let mut peer = Peer::connect(world.address()).await;
        call(&mut peer, 1).await;
        let asked = async {
            loop {
                let frame = peer.next().await.expect("it is asked first");
                if frame.kind == PING && frame.flags & ACK == 0 {
                    break;
                }
            }
        };
        timeout(Duration::from_secs(3), asked).await.unwrap();
        assert!(peer.hung_up(Duration::from_secs(3)).await);
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_says_nothing_or_too_little_is_hung_up_on() {
    run(
        Engine::Sqlite,
        &[("opening-timeout", "200ms")],
        |world| async move {
            for beginning in [&b""[..], b"P", &PREFACE[..20], b"GET / HT"] {
                let mut stream = TcpStream::connect(world.address()).await.unwrap();
                stream.write_all(beginning).await.unwrap();
                let mut answer = Vec::new();
                let ended = timeout(Duration::from_secs(3), stream.read_to_end(&mut answer)).await;
                assert!(ended.is_ok(), "still there after {beginning:?}");
            }
        },
    )
    .await;
}

/// Makes a call and waits for its answer.
async fn call(peer: &mut Peer, stream: u32) {
    let head = headers(HEALTH, &[]);
    peer.send(HEADERS, END_HEADERS, stream, &head)
        .await
        .unwrap();
    peer.send(DATA, END_STREAM, stream, &[0; 5]).await.unwrap();
    loop {
        let frame = peer.next().await.expect("the connection lives");
        if frame.kind == HEADERS && frame.flags & END_STREAM != 0 {
            assert_eq!(frame.stream, stream);
            break;
        }
    }
}

#[tokio::test]
async fn a_peer_that_has_called_may_be_silent() {
    let flags = [("opening-timeout", "200ms")];
    run(Engine::Sqlite, &flags, |world| async move {
        let mut peer = Peer::connect(world.address()).await;
        call(&mut peer, 1).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        call(&mut peer, 3).await;
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_opens_a_connection_and_does_not_call_is_sent_away() {
    let flags = [("opening-timeout", "400ms")];
    run(Engine::Sqlite, &flags, |world| async move {
        let half = headers(HEALTH, &[]);
        for begun in [false, true] {
            let mut peer = Peer::connect(world.address()).await;
            if begun {
                // Headers whose end never comes.
                peer.send(HEADERS, 0, 1, &half[..20]).await.unwrap();
            }
            assert!(peer.hung_up(Duration::from_secs(3)).await, "{begun}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_rests_too_long_is_closed_with_a_goaway() {
    let flags = [("idle-timeout", "200ms")];
    run(Engine::Sqlite, &flags, |world| async move {
        let mut peer = Peer::connect(world.address()).await;
        call(&mut peer, 1).await;
        let asked = async {
            while let Some(frame) = peer.next().await {
                if frame.kind == GOAWAY {
                    return Some(frame.code());
                }
            }
            None
        };
        // NO_ERROR: a client makes a new connection and tells nobody.
        assert_eq!(
            timeout(Duration::from_secs(3), asked).await.unwrap(),
            Some(0)
        );
        assert!(peer.hung_up(Duration::from_secs(3)).await);
    })
    .await;
}

#[tokio::test]
async fn a_newcomer_finds_a_place_among_peers_that_say_nothing() {
    let flags = [("connections-max", "8"), ("opening-timeout", "1h")];
    run(Engine::Sqlite, &flags, |world| async move {
        let mut silent = Vec::new();
        for _ in 0..20 {
            silent.push(TcpStream::connect(world.address()).await.unwrap());
        }
        let mut peer = Peer::connect(world.address()).await;
        timeout(Duration::from_secs(3), call(&mut peer, 1))
            .await
            .expect("the newcomer is served");
        let mut answer = Vec::new();
        let ended = silent[0].read_to_end(&mut answer);
        let ended = timeout(Duration::from_secs(3), ended).await;
        assert!(ended.is_ok(), "the one that was silent longest is cut");
    })
    .await;
}

#[tokio::test]
async fn a_peer_has_no_more_connections_at_work_than_its_limit() {
    let flags = [("peer-connections-max", "2")];
    run(Engine::Sqlite, &flags, |world| async move {
        // Calls whose bodies never end.
        let mut working = Vec::new();
        for _ in 0..2 {
            let mut peer = Peer::connect(world.address()).await;
            call(&mut peer, 1).await;
            let head = headers(HEALTH, &[]);
            peer.send(HEADERS, END_HEADERS, 3, &head).await.unwrap();
            working.push(peer);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut third = TcpStream::connect(world.address()).await.unwrap();
        let mut answer = Vec::new();
        let ended = timeout(Duration::from_secs(3), third.read_to_end(&mut answer)).await;
        assert!(ended.is_ok() && answer.is_empty());
        // Once one has nothing to do it makes room.
        drop(working.pop());
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut fourth = Peer::connect(world.address()).await;
        call(&mut fourth, 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_principal_has_no_more_calls_under_way_than_its_share() {
    let flags = [("principal-calls-max", "2")];
    run(Engine::Sqlite, &flags, |world| async move {
        let mut peer = Peer::connect(world.address()).await;
        let head = headers(HEALTH, &[]);
        for stream in [1, 3] {
            peer.send(HEADERS, END_HEADERS, stream, &head)
                .await
                .unwrap();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let answer = super::raw::call(world.address(), HEALTH, &[], super::raw::framed(b"")).await;
        let (code, reason, metadata) = answer.error();
        assert_eq!(
            (code, reason.as_str()),
            (tonic::Code::ResourceExhausted, "QUOTA_EXCEEDED")
        );
        assert_eq!(metadata["quota"], "calls_under_way");
        assert_eq!(metadata["limit"], "2");
        // An answer frees its share.
        for stream in [1, 3] {
            peer.send(DATA, END_STREAM, stream, &[0; 5]).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let answer = super::raw::call(world.address(), HEALTH, &[], super::raw::framed(b"")).await;
        assert_eq!(answer.status().code(), tonic::Code::Ok);
    })
    .await;
}

#[tokio::test]
async fn an_old_connection_is_asked_to_end() {
    let flags = [
        ("connection-age-max", "100ms"),
        ("connection-age-grace", "200ms"),
    ];
    run(Engine::Sqlite, &flags, |world| async move {
        let mut peer = Peer::connect(world.address()).await;
        let asked = async {
            while let Some(frame) = peer.next().await {
                if frame.kind == GOAWAY {
                    return true;
                }
            }
            false
        };
        assert!(timeout(Duration::from_secs(3), asked).await.unwrap());
        // Whoever does not listen is hung up on.
        assert!(peer.hung_up(Duration::from_secs(3)).await);
    })
    .await;
}

#[tokio::test]
async fn a_principal_makes_no_more_calls_a_second_than_its_share() {
    let flags = [("quota-reads", "1"), ("quota-writes", "1000")];
    run(Engine::Sqlite, &flags, |world| async move {
        let get = "/trellis.partner.v1.PartnerService/GetPartner";
        let create = "/trellis.partner.v1.PartnerService/CreatePartner";
        let call = async |path| {
            let body = super::raw::framed(b"");
            super::raw::call(world.address(), path, &[], body).await
        };
        // The first has a share, and is refused for what it says.
        assert_eq!(call(get).await.error().1, "INVALID_FIELDS");
        let mut refused = call(get).await;
        for _ in 0..20 {
            if refused.error().1 == "QUOTA_EXCEEDED" {
                break;
            }
            refused = call(get).await;
        }
        let (code, reason, metadata) = refused.error();
        assert_eq!(
            (code, reason.as_str()),
            (tonic::Code::ResourceExhausted, "QUOTA_EXCEEDED")
        );
        assert_eq!(metadata["quota"], "reads_per_second");
        let retry = refused.status().get_details_retry_info().unwrap();
        assert!(retry.retry_delay.unwrap() <= Duration::from_secs(1));
        // Writes have a share of their own, and health none.
        assert_eq!(call(create).await.error().1, "INVALID_FIELDS");
        for _ in 0..5 {
            assert_eq!(call(HEALTH).await.status().code(), tonic::Code::Ok);
        }
    })
    .await;
}
