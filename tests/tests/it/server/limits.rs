//! What no peer can talk its way out of.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use trellis_tests::{Engine, run};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A connection that speaks HTTP/2 by hand.
struct Peer(TcpStream);

impl Peer {
    async fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(PREFACE).await.unwrap();
        let mut peer = Self(stream);
        peer.send(SETTINGS, 0, 0, &[]).await.unwrap();
        peer
    }

    async fn send(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> std::io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()[..]].concat();
        self.0.write_all(&[&head[..], payload].concat()).await
    }

    /// The kind and the payload of the next frame; nothing when the server hangs up.
    async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((head[3], payload))
    }
}

/// The headers of a call, unpacked. Its body must be `length` bytes, or is not said.
fn headers(length: Option<&str>) -> Vec<u8> {
    // POST and http stand in the static table; the others are literals with their names.
    let mut block = vec![0x83, 0x86];
    let literals = [
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", "x"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let length = length.map(|length| ("content-length", length));
    for (name, value) in literals.into_iter().chain(length) {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

#[tokio::test]
async fn the_limits_are_told_to_every_peer() {
    run(
        Engine::Sqlite,
        &[("streams-max", "77")],
        |world| async move {
            let mut peer = Peer::connect(world.address()).await;
            let (kind, payload) = peer.next().await.unwrap();
            assert_eq!(kind, SETTINGS);
            let settings: Vec<(u16, u32)> = payload
                .chunks_exact(6)
                .map(|pair| {
                    let value = u32::from_be_bytes([pair[2], pair[3], pair[4], pair[5]]);
                    (u16::from_be_bytes([pair[0], pair[1]]), value)
                })
                .collect();
            // MAX_CONCURRENT_STREAMS and MAX_HEADER_LIST_SIZE.
            assert!(settings.contains(&(3, 77)), "{settings:?}");
            assert!(settings.contains(&(6, 16 << 10)), "{settings:?}");
        },
    )
    .await;
}

#[tokio::test]
async fn a_peer_that_makes_the_server_reset_streams_is_sent_away() {
    run(Engine::Sqlite, &[], |world| async move {
        let mut peer = Peer::connect(world.address()).await;
        let mut sent = 0;
        let lie = headers(Some("1"));
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
        let mut gone_away = false;
        while let Ok(Some((kind, payload))) = timeout(Duration::from_secs(5), peer.next()).await {
            if kind == GOAWAY {
                // ENHANCE_YOUR_CALM.
                assert_eq!(payload[4..8], [0, 0, 0, 11]);
                gone_away = true;
            }
        }
        assert!(gone_away, "{sent} streams were reset and nobody minded");
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

#[tokio::test]
async fn a_peer_that_opened_its_connection_may_be_silent() {
    run(
        Engine::Sqlite,
        &[("opening-timeout", "100ms")],
        |world| async move {
            let mut peer = Peer::connect(world.address()).await;
            tokio::time::sleep(Duration::from_millis(400)).await;
            peer.send(HEADERS, END_HEADERS, 1, &headers(None))
                .await
                .unwrap();
            peer.send(DATA, END_STREAM, 1, &[0; 5]).await.unwrap();
            loop {
                let (kind, _) = peer.next().await.expect("the connection lives");
                if kind == HEADERS {
                    break;
                }
            }
        },
    )
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
            while let Some((kind, _)) = peer.next().await {
                if kind == GOAWAY {
                    return true;
                }
            }
            false
        };
        assert!(timeout(Duration::from_secs(3), asked).await.unwrap());
        // Whoever does not listen is hung up on.
        let hung_up = async { while peer.next().await.is_some() {} };
        assert!(timeout(Duration::from_secs(3), hung_up).await.is_ok());
    })
    .await;
}
