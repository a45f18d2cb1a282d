//! No attack does harm: the attacker is hung up on, a client beside it is served as before, and the
//! server's memory stays where it was. And each attack does harm where its limit is off, or this
//! would prove nothing.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::attacks::{Attack, BODIES, FLOODS, Fate, SLOW, many};
use super::process::Process;
use super::victim::Victim;

/// Every limit that can be, out of the way.
const UNLIMITED: [(&str, &str); 15] = [
    ("streams-max", "1000000"),
    ("pending-resets-max", "1000000"),
    ("error-resets-max", "1000000"),
    ("control-frames-max", "1000000"),
    ("principal-calls-max", "1000000"),
    ("header-size-max", "64MiB"),
    ("request-size-max", "64MiB"),
    ("import-size-max", "64MiB"),
    ("opening-timeout", "1h"),
    ("stall-timeout", "1h"),
    ("idle-timeout", "1h"),
    ("deadline-default", "1h"),
    ("deadline-max", "1h"),
    ("stream-deadline-max", "1h"),
    ("message-timeout", "1h"),
];

/// How much memory an attack may cost: buffers of a connection, and what the allocator keeps.
const MEMORY: u64 = 24 << 20;

/// What a busy machine may add to any call. Others run beside the tests.
const NOISE: Duration = Duration::from_millis(60);

/// How often a measurement that a busy machine may have spoilt is made before it counts.
const TRIES: usize = 4;

/// Runs an attack beside a client. Answers what harm it did.
async fn harm(
    server: &Process,
    attack: &Attack,
    connections: usize,
    within: Duration,
) -> Vec<String> {
    let quiet = Victim::watch(server.address, Duration::from_millis(500)).await;
    server.forget_peak();
    let before = server.memory();
    let victim = Victim::start(server.address).await;
    let fate = many(attack, server.address, connections).await;
    let began = Instant::now();
    let newcomer = TcpStream::connect(server.address).await;
    let connected = began.elapsed();
    let hurt = victim.stop().await;
    let grown = server.peak().saturating_sub(before);

    let mut harm = Vec::new();
    match fate {
        Fate::Closed(after) if after <= within => {}
        fate => harm.push(format!("the attacker was {fate:?}")),
    }
    if newcomer.is_err() || connected > Duration::from_millis(100) + NOISE {
        harm.push(format!("a newcomer connected in {connected:?}"));
    }
    if !hurt.errors.is_empty() || !quiet.errors.is_empty() {
        harm.push(format!(
            "calls failed: {:?} {:?}",
            quiet.errors, hurt.errors
        ));
    }
    if hurt.p99() > 2 * quiet.p99() + NOISE {
        harm.push(format!(
            "p99 went from {:?} to {:?}",
            quiet.p99(),
            hurt.p99()
        ));
    }
    if grown > MEMORY {
        harm.push(format!("memory grew by {} MiB", grown >> 20));
    }
    harm
}

/// Runs an attack until it does no harm, because a busy machine does some by itself.
async fn assert_harmless(server: &Process, attack: &Attack, connections: usize, within: Duration) {
    let mut all = Vec::new();
    for _ in 0..TRIES {
        let harm = harm(server, attack, connections, within).await;
        if harm.is_empty() {
            return;
        }
        all.push(harm);
    }
    panic!("{}: {all:#?}", attack.name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_flood_of_frames_does_harm() {
    let server = Process::start(&[]);
    for attack in &FLOODS {
        assert_harmless(&server, attack, 2, Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_slow_peer_does_harm() {
    // Quicker than usual, because the tests wait for it; the limits scale.
    let server = Process::start(&[("opening-timeout", "2s"), ("stall-timeout", "2s")]);
    for attack in &SLOW {
        assert_harmless(&server, attack, 5, Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_slow_message_does_harm() {
    let server = Process::start(&[("message-timeout", "2s")]);
    for attack in &BODIES {
        assert_harmless(&server, attack, 5, Duration::from_secs(4)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_does_harm_where_its_limit_is_off() {
    let server = Process::start(&UNLIMITED);
    let controlled = FLOODS.iter().filter(|attack| attack.has_control);
    for attack in controlled {
        let fate = many(attack, server.address, 1).await;
        assert_eq!(
            fate,
            Fate::Served,
            "{} is bounded by something else",
            attack.name
        );
    }
    let slow = SLOW.iter().chain(&BODIES).map(|attack| async {
        let fate = many(attack, server.address, 1).await;
        assert_eq!(
            fate,
            Fate::Served,
            "{} is bounded by something else",
            attack.name
        );
    });
    futures::future::join_all(slow).await;
}
