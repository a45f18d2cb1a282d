//! What can be done to a server of HTTP/2, one function each. Each does one thing on connections
//! of its own and tells what became of them.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, Peer,
    RST_STREAM, SETTINGS, frame, headers, read, setting,
};

const HEALTH: &str = "/grpc.health.v1.Health/Check";
const GET: &str = "/trellis.partner.v1.PartnerService/GetPartner";
const IMPORT: &str = "/trellis.partner.v1.PartnerService/ImportPartners";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// How long to wait for the server to make up its mind.
const WAIT: Duration = Duration::from_secs(3);

/// What became of an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The server hung up on it, after some time.
    Closed(Duration),
    /// The server still serves it.
    Served,
}

/// Something that can be done to a server.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) run: fn(SocketAddr) -> BoxFuture<'static, Fate>,
    /// Whether a setting alone bounds it. What the library bounds by itself cannot be let through.
    pub(crate) has_control: bool,
}

/// Attacks that need many frames.
pub(crate) const FLOODS: [Attack; 9] = [
    attack("rapid reset", |to| Box::pin(rapid_reset(to)), true),
    attack("provoked resets", |to| Box::pin(provoked_resets(to)), true),
    attack("continuations", |to| Box::pin(continuations(to)), true),
    attack("empty data", |to| Box::pin(empty_data(to)), false),
    attack("one-byte data", |to| Box::pin(one_byte_data(to)), false),
    attack("header bomb", |to| Box::pin(header_bomb(to)), true),
    attack("pings", |to| Box::pin(pings(to)), true),
    attack("settings", |to| Box::pin(settings(to)), true),
    attack("streams", |to| Box::pin(streams(to)), true),
];

/// Attacks that need patience.
pub(crate) const SLOW: [Attack; 7] = [
    attack("no bytes", |to| Box::pin(begin(to, b"")), true),
    attack(
        "half preface",
        |to| Box::pin(begin(to, &PREFACE[..12])),
        true,
    ),
    attack("preface only", |to| Box::pin(preface_only(to)), true),
    attack("half headers", |to| Box::pin(half_headers(to)), true),
    attack("drops of a preface", |to| Box::pin(drops(to)), true),
    attack("no window", |to| Box::pin(unread(to, false)), true),
    attack("nothing read", |to| Box::pin(unread(to, true)), true),
];

/// Attacks that send a call's message a byte at a time. The call is what must end: whoever has made
/// one keeps a connection that rests.
pub(crate) const BODIES: [Attack; 2] = [
    attack("drops of a message", |to| Box::pin(drops_of(to, GET)), true),
    attack(
        "drops of a stream",
        |to| Box::pin(drops_of(to, IMPORT)),
        true,
    ),
];

const fn attack(
    name: &'static str,
    run: fn(SocketAddr) -> BoxFuture<'static, Fate>,
    has_control: bool,
) -> Attack {
    Attack {
        name,
        run,
        has_control,
    }
}

/// Sends what `part` makes of 0, 1, 2 … until the server hangs up or `count` were sent; then asks
/// whether it is still there.
async fn flood(to: SocketAddr, count: u32, mut part: impl FnMut(u32) -> Vec<u8>) -> Fate {
    let began = Instant::now();
    let peer = Peer::connect(to).await;
    let (mut reading, mut writing) = peer.0.into_split();
    let answered = tokio::spawn(async move {
        while let Some(frame) = read(&mut reading).await {
            if frame.kind == GOAWAY && frame.code() != 0 {
                return Fate::Closed(began.elapsed());
            }
            if frame.kind == PING && frame.flags & ACK != 0 && frame.payload == *b"the last" {
                return Fate::Served;
            }
        }
        Fate::Closed(began.elapsed())
    });
    let mut sent = 0;
    while sent < count {
        let some: Vec<u8> = (sent..count.min(sent + 100)).flat_map(&mut part).collect();
        if writing.write_all(&some).await.is_err() {
            break;
        }
        sent += 100;
    }
    // Whoever was hung up on cannot ask, and need not.
    let _gone = writing.write_all(&frame(PING, 0, 0, b"the last")).await;
    timeout(WAIT, answered)
        .await
        .map_or(Fate::Served, |fate| fate.unwrap())
}

fn stream(at: u32) -> u32 {
    1 + 2 * at
}

async fn rapid_reset(to: SocketAddr) -> Fate {
    let head = headers(HEALTH, &[]);
    let call = move |at| {
        [
            frame(HEADERS, END_HEADERS, stream(at), &head),
            frame(RST_STREAM, 0, stream(at), &[0, 0, 0, 8]),
        ]
        .concat()
    };
    flood(to, 3_000, call).await
}

async fn provoked_resets(to: SocketAddr) -> Fate {
    let head = headers(HEALTH, &[("content-length", "1")]);
    let call = move |at| {
        [
            frame(HEADERS, END_HEADERS, stream(at), &head),
            frame(DATA, END_STREAM, stream(at), b"ab"),
        ]
        .concat()
    };
    flood(to, 3_000, call).await
}

async fn continuations(to: SocketAddr) -> Fate {
    let head = headers(HEALTH, &[]);
    let part = move |at| match at {
        0 => frame(HEADERS, 0, 1, &head),
        60 => frame(CONTINUATION, END_HEADERS, 1, &[]),
        _ => frame(CONTINUATION, 0, 1, &[]),
    };
    flood(to, 61, part).await
}

async fn empty_data(to: SocketAddr) -> Fate {
    let head = headers(HEALTH, &[]);
    let part = move |at| match at {
        0 => frame(HEADERS, END_HEADERS, 1, &head),
        _ => frame(DATA, 0, 1, &[]),
    };
    flood(to, 20_000, part).await
}

async fn one_byte_data(to: SocketAddr) -> Fate {
    let head = headers(HEALTH, &[]);
    let part = move |at| match at {
        0 => frame(HEADERS, END_HEADERS, 1, &head),
        _ => frame(DATA, 0, 1, &[0]),
    };
    flood(to, 70_000, part).await
}

/// One header of 4 kB that is repeated by one byte each.
async fn header_bomb(to: SocketAddr) -> Fate {
    let mut head = headers(HEALTH, &[]);
    // A literal that is to be remembered: it becomes entry 62.
    head.extend([0x40, 1, b'x', 0x7f, 0xa1, 0x1e]);
    head.extend([b'x'; 4_000]);
    head.extend([0x80 | 62; 2_000]);
    let part = move |_| frame(HEADERS, END_HEADERS | END_STREAM, 1, &head);
    flood(to, 1, part).await
}

async fn pings(to: SocketAddr) -> Fate {
    flood(to, 20_000, |_| frame(PING, 0, 0, &[7; 8])).await
}

async fn settings(to: SocketAddr) -> Fate {
    let table = setting(1, 4096);
    flood(to, 20_000, move |_| frame(SETTINGS, 0, 0, &table)).await
}

/// Calls that are begun and never go on.
async fn streams(to: SocketAddr) -> Fate {
    let head = headers(HEALTH, &[]);
    let call = move |at| frame(HEADERS, END_HEADERS, stream(at), &head);
    flood(to, 6_000, call).await
}

/// Waits until the server hangs up, for as long as a slow attack may last.
async fn outlasts(began: Instant, stream: &mut TcpStream) -> Fate {
    let mut bytes = [0; 4096];
    let hung_up = async { while matches!(stream.read(&mut bytes).await, Ok(1..)) {} };
    match timeout(2 * WAIT, hung_up).await {
        Ok(()) => Fate::Closed(began.elapsed()),
        Err(_) => Fate::Served,
    }
}

async fn begin(to: SocketAddr, bytes: &'static [u8]) -> Fate {
    let began = Instant::now();
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    outlasts(began, &mut stream).await
}

async fn preface_only(to: SocketAddr) -> Fate {
    let began = Instant::now();
    let mut peer = Peer::connect(to).await;
    outlasts(began, &mut peer.0).await
}

async fn half_headers(to: SocketAddr) -> Fate {
    let began = Instant::now();
    let mut peer = Peer::connect(to).await;
    let half = &headers(HEALTH, &[])[..20];
    peer.send(HEADERS, 0, 1, half).await.unwrap();
    outlasts(began, &mut peer.0).await
}

/// A byte now and then, so that something always comes.
async fn drops(to: SocketAddr) -> Fate {
    let began = Instant::now();
    let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &[0; 64]].concat();
    let (mut reading, mut writing) = TcpStream::connect(to).await.unwrap().into_split();
    let dripping = tokio::spawn(async move {
        for byte in hello {
            if writing.write_all(&[byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(200)).await;
        }
    });
    let mut bytes = [0; 4096];
    let hung_up = async { while matches!(reading.read(&mut bytes).await, Ok(1..)) {} };
    let fate = timeout(2 * WAIT, hung_up).await;
    dripping.abort();
    fate.map_or(Fate::Served, |()| Fate::Closed(began.elapsed()))
}

/// Begins a call and then sends its message a byte at a time, for as long as the call lasts.
async fn drops_of(to: SocketAddr, path: &str) -> Fate {
    let began = Instant::now();
    let mut peer = Peer::connect(to).await;
    let head = headers(path, &[]);
    peer.send(HEADERS, END_HEADERS, 1, &head).await.unwrap();
    let (mut reading, mut writing) = peer.0.into_split();
    let dripping = tokio::spawn(async move {
        for byte in crate::server::raw::framed(&[0; 1_000]) {
            let drop = frame(DATA, 0, 1, &[byte]);
            if writing.write_all(&drop).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(200)).await;
        }
    });
    let ended = async {
        while let Some(frame) = read(&mut reading).await {
            let last = frame.kind == HEADERS && frame.flags & END_STREAM != 0;
            if frame.stream == 1 && (last || frame.kind == RST_STREAM) {
                break;
            }
        }
    };
    let fate = timeout(2 * WAIT, ended).await;
    dripping.abort();
    fate.map_or(Fate::Served, |()| Fate::Closed(began.elapsed()))
}

/// Asks for much and takes nothing: gives no window, or gives all of it and does not read.
async fn unread(to: SocketAddr, window: bool) -> Fate {
    let began = Instant::now();
    let most = 0x7fff_ffff;
    let size = if window { most } else { 0 };
    let mut peer = Peer::with_settings(to, &setting(4, size)).await;
    if window {
        // The connection has a window of its own.
        let more = (most - 65_535).to_be_bytes();
        peer.send(8, 0, 0, &more).await.unwrap();
    }
    let head = headers(REFLECTION, &[]);
    // Field 4: the file that describes a symbol.
    let symbol = b"trellis.partner.v1.PartnerService";
    let message = [&[0x22, u8::try_from(symbol.len()).unwrap()], &symbol[..]].concat();
    let question = crate::server::raw::framed(&message);
    for at in 0..20 {
        let stream = stream(at);
        let asked = [
            frame(HEADERS, END_HEADERS, stream, &head),
            frame(DATA, 0, stream, &question.repeat(20)),
        ];
        if peer.0.write_all(&asked.concat()).await.is_err() {
            return Fate::Closed(began.elapsed());
        }
    }
    // Whether it is still there shows when it is written to, which is not reading.
    while began.elapsed() < 2 * WAIT {
        sleep(Duration::from_millis(50)).await;
        if peer.send(PING, ACK, 0, &[0; 8]).await.is_err() {
            return Fate::Closed(began.elapsed());
        }
    }
    Fate::Served
}

/// Runs an attack on several connections at once; the luckiest attacker's fate counts.
pub(crate) async fn many(attack: &Attack, to: SocketAddr, connections: usize) -> Fate {
    let fates = join_all((0..connections).map(|_| (attack.run)(to))).await;
    fates
        .into_iter()
        .max_by_key(|fate| match fate {
            Fate::Closed(after) => *after,
            Fate::Served => Duration::MAX,
        })
        .unwrap()
}
