//! `trellis config`, and the settings of all commands.

use crate::binary::{run, trellis};

/// The line of a setting.
fn line(shown: &str, name: &str) -> String {
    let found = shown
        .lines()
        .find(|line| line.starts_with(&format!("{name} = ")));
    let found = found.unwrap_or_else(|| panic!("{name} is not shown: {shown}"));
    found.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let file = "listen = '127.0.0.1:1'\nstreams-max = 11\ndrain-limit = '1s'\n";
    std::fs::write(folder.path().join("trellis.toml"), file).unwrap();
    let mut command = trellis(folder.path(), &["config", "--listen", "127.0.0.1:3"]);
    command
        .env("TRELLIS_LISTEN", "127.0.0.1:2")
        .env("TRELLIS_STREAMS_MAX", "12");
    let (code, shown, told) = run(&mut command);
    assert_eq!((code, told.as_str()), (0, ""));
    assert_eq!(line(&shown, "listen"), "listen = \"127.0.0.1:3\" # flag");
    assert_eq!(
        line(&shown, "streams-max"),
        "streams-max = 12 # environment"
    );
    assert_eq!(
        line(&shown, "drain-limit"),
        "drain-limit = \"1s\" # trellis.toml"
    );
    assert_eq!(line(&shown, "reflection"), "reflection = false # default");
}

#[test]
fn secrets_are_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = trellis(
        folder.path(),
        &["config", "--otlp-headers", "api-key=s3cret"],
    );
    command.env("TRELLIS_DATABASE_URL", "postgres://ada:s3cret@db/trellis");
    let (code, shown, told) = run(&mut command);
    assert_eq!(code, 0);
    assert!(
        !shown.contains("s3cret") && !told.contains("s3cret"),
        "{shown} {told}"
    );
    assert!(line(&shown, "database-url").contains("postgres://ada:********@db/trellis"));
}

#[test]
fn every_mistake_is_told_at_once_and_nothing_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "serve",
        "--listen",
        "0.0.0.0:50051",
        "--config",
        "absent.toml",
    ];
    let mut command = trellis(folder.path(), &arguments);
    command
        .env("TRELLIS_DRAIN_LIMIT", "soon")
        .env("TRELLIS_SERVICES", "deals");
    let (code, shown, told) = run(&mut command);
    assert_eq!((code, shown.as_str()), (2, ""));
    for place in [
        "absent.toml: ",
        "TRELLIS_DRAIN_LIMIT: ",
        "TRELLIS_SERVICES: ",
    ] {
        assert!(told.contains(place), "{told}");
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "no database was made"
    );
}

#[test]
fn a_server_that_others_reach_is_refused_until_it_can_tell_who_calls() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let (code, _, told) = run(&mut trellis(folder.path(), &["serve", "--listen", address]));
        assert_eq!(code, 1);
        assert!(told.contains("not a loopback address"), "{told}");
        assert!(told.contains("trellis keys create"), "{told}");
    }
}
