//! `trellis serve`.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::binary::{Serving, run, trellis};

const LONG: Duration = Duration::from_secs(20);

#[test]
fn it_migrates_an_embedded_database_listens_and_ends_well_on_either_signal() {
    for signal in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().unwrap();
        let serving = Serving::start(folder.path(), &[]);
        TcpStream::connect(serving.address).unwrap();
        serving.signal(signal);
        let (status, told) = serving.ended(LONG);
        assert!(status.success(), "{told}");
        assert!(told.contains("every call was finished"), "{told}");
        assert!(folder.path().join("trellis.db").is_file());
    }
}

#[test]
fn a_silent_peer_holds_it_no_longer_than_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(
        folder.path(),
        &["--drain-limit", "300ms", "--opening-timeout", "1h"],
    );
    let silent = TcpStream::connect(serving.address).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    serving.signal("-TERM");
    let (status, told) = serving.ended(LONG);
    assert!(status.success(), "{told}");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    drop(silent);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(
        folder.path(),
        &["--drain-limit", "1h", "--opening-timeout", "1h"],
    );
    // A connection that has begun to speak HTTP/1.1 and does not go on is waited for.
    let mut slow = TcpStream::connect(serving.address).unwrap();
    std::io::Write::write_all(&mut slow, b"POST / HTTP/1.1\r\nhost: x\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    serving.signal("-INT");
    std::thread::sleep(Duration::from_millis(200));
    serving.signal("-INT");
    let (status, told) = serving.ended(LONG);
    assert_eq!(status.code(), Some(1), "{told}");
    assert!(told.contains("stopped at once"), "{told}");
}

#[test]
fn an_address_that_is_taken_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, told) = run(&mut trellis(
        folder.path(),
        &["serve", "--listen", &address],
    ));
    assert_eq!(code, 1);
    assert!(
        told.contains(&format!("cannot listen on {address}")),
        "{told}"
    );
}

#[test]
fn log_lines_can_be_read_by_machines() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &["--log-format", "json"]);
    serving.signal("-TERM");
    let (_, told) = serving.ended(LONG);
    for line in told.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            line["level"].is_string() && line["timestamp"].is_string(),
            "{line}"
        );
    }
    assert!(told.contains("\"message\":\"serving\""), "{told}");
}

#[test]
fn a_demonstration_finds_administration_on_its_own_address() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "demo",
        "--exit",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ];
    let (code, _, told) = run(&mut trellis(folder.path(), &arguments));
    assert_eq!(code, 0, "{told}");
}
