//! How Trellis gets to NATS, and what the log says when it does not.
//!
//! Each test has one thread, so that what is logged for it is logged on that.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::jetstream::stream::Config;
use nkeys::KeyPair;
use opentelemetry::global::meter;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa};
use tokio::time::sleep;
use tracing::subscriber::DefaultGuard;
use trellis_core::SystemClock;
use trellis_server::server;
use trellis_server::settings::Sources;
use trellis_tests::{Engine, World, run};

use super::nats::{Nats, STREAM, consumed, count};
use super::scene::{assert_published, eventually, happen, is_at_the_end};

/// What was logged since it was opened.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn open() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// How many lines say something.
    fn count(&self, what: &str) -> usize {
        let text = self.text();
        text.lines().filter(|line| line.contains(what)).count()
    }

    async fn until(&self, what: &str) {
        eventually(what, || async { self.count(what) > 0 }).await;
    }
}

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes a file of a test; answers its path.
fn put(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn a_stream_that_does_not_take_the_subjects_is_told_and_left_alone() {
    let Some(nats) = Nats::start() else { return };
    let (log, _guard) = Log::open();
    let jetstream = nats.jetstream().await;
    let made = |subject: &str| Config {
        name: STREAM.to_owned(),
        subjects: vec![subject.to_owned()],
        max_messages: 1_000,
        ..Config::default()
    };
    jetstream.create_stream(made("other.>")).await.unwrap();
    run(
        Engine::Sqlite,
        &[("nats-url", &nats.url())],
        async |world: World| {
            let told = "the stream TRELLIS takes other.>, and not trellis.>";
            log.until(told).await;
            world.ecosystem("acme").await;
            happen(world.store(), "acme", 5).await;
            sleep(Duration::from_secs(3)).await;
            assert_eq!(log.count(told), 1, "{}", log.text());
            assert!(!is_at_the_end(&world, "acme").await);
            // It is set right beneath the running server.
            jetstream.update_stream(made("trellis.>")).await.unwrap();
            assert_published(&world, &jetstream, &["acme"]).await;
            log.until("events are taken again").await;
            let stream = jetstream.get_stream(STREAM).await.unwrap();
            assert_eq!(stream.cached_info().config.max_messages, 1_000);
        },
    )
    .await;
}

#[tokio::test]
async fn an_outage_is_told_once_and_so_is_its_end() {
    let Some(mut nats) = Nats::start() else {
        return;
    };
    let (log, _guard) = Log::open();
    run(
        Engine::Sqlite,
        &[("nats-url", &nats.url())],
        async |world: World| {
            let jetstream = nats.jetstream().await;
            world.ecosystem("acme").await;
            assert_published(&world, &jetstream, &["acme"]).await;
            let warned = || log.count("events are not taken");
            // It may have been told that the first connection was not there yet.
            let (before, again) = (warned(), log.count("events are taken again"));
            nats.stop();
            happen(world.store(), "acme", 5).await;
            eventually("it is told", || async { warned() > before }).await;
            sleep(Duration::from_secs(4)).await;
            // Once that it broke, and once that nobody answers any more.
            assert!(warned() - before <= 2, "{}", log.text());
            nats.again();
            let jetstream = nats.jetstream().await;
            assert_published(&world, &jetstream, &["acme"]).await;
            eventually("its end is told", || async {
                log.count("events are taken again") == again + 1
            })
            .await;
        },
    )
    .await;
}

#[tokio::test]
async fn an_event_that_the_stream_refuses_holds_up_its_ecosystem_alone() {
    let Some(nats) = Nats::start() else { return };
    let (log, _guard) = Log::open();
    let jetstream = nats.jetstream().await;
    let made = |largest| Config {
        name: STREAM.to_owned(),
        subjects: vec!["trellis.>".to_owned()],
        max_message_size: largest,
        ..Config::default()
    };
    jetstream.create_stream(made(900)).await.unwrap();
    run(
        Engine::Sqlite,
        &[("nats-url", &nats.url())],
        async |world: World| {
            world.ecosystem("acme").await;
            world.ecosystem("globex").await;
            happen(world.store(), "acme", 5).await;
            let long = "x".repeat(1_000);
            let event =
                trellis_store::event::NewEvent::new("row.changed", "ecosystems/acme/rows/0");
            let event = event.with(serde_json::json!({ "long": long }));
            crate::watch::scene::report(world.store(), "acme", vec![event]).await;
            happen(world.store(), "acme", 5).await;
            let told = "an event is refused";
            log.until(told).await;
            happen(world.store(), "globex", 5).await;
            eventually("others are published", || is_at_the_end(&world, "globex")).await;
            sleep(Duration::from_secs(5)).await;
            assert_eq!(log.count(told), 1, "{}", log.text());
            // What came before it was taken, and nothing of what came after.
            let got = consumed(&jetstream, STREAM).await;
            let of_acme = got
                .iter()
                .filter(|one| one.event["source"] == "ecosystems/acme");
            assert_eq!(of_acme.count(), 6);
            jetstream.update_stream(made(-1)).await.unwrap();
            assert_published(&world, &jetstream, &["acme", "globex"]).await;
            log.until("the events of an ecosystem are taken again")
                .await;
        },
    )
    .await;
}

/// Publishes with these settings to a server that asks who calls.
async fn logs_in(nats: &Nats, flags: &[(&'static str, &str)], as_whom: ConnectOptions) {
    let (log, _guard) = Log::open();
    let url = nats.url();
    let given: Vec<_> = flags
        .iter()
        .copied()
        .chain([("nats-url", url.as_str())])
        .collect();
    run(Engine::Sqlite, &given, async |world: World| {
        world.ecosystem("acme").await;
        let jetstream = nats.jetstream_as(as_whom).await;
        assert_published(&world, &jetstream, &["acme"]).await;
    })
    .await;
    // The control: nobody in particular is turned away, and no secret is told.
    run(
        Engine::Sqlite,
        &[("nats-url", &url)],
        async |world: World| {
            world.ecosystem("acme").await;
            log.until("authorization violation").await;
            assert!(!is_at_the_end(&world, "acme").await);
        },
    )
    .await;
    assert!(!log.text().contains("s3cret"), "{}", log.text());
}

#[tokio::test]
async fn a_user_with_a_password_logs_in() {
    let Some(nats) = Nats::start_with(&["--user", "ada", "--pass", "s3cret"]) else {
        return;
    };
    let password = put(&nats.folder, "password", "s3cret\n");
    let flags = [
        ("nats-user", "ada"),
        ("nats-password-file", password.as_str()),
    ];
    let options = ConnectOptions::with_user_and_password("ada".to_owned(), "s3cret".to_owned());
    logs_in(&nats, &flags, options).await;
}

#[tokio::test]
async fn a_token_logs_in() {
    let Some(nats) = Nats::start_with(&["--auth", "s3cret"]) else {
        return;
    };
    let token = put(&nats.folder, "token", "s3cret");
    let options = ConnectOptions::with_token("s3cret".to_owned());
    logs_in(&nats, &[("nats-token-file", &token)], options).await;
}

#[tokio::test]
async fn an_nkey_logs_in() {
    let pair = KeyPair::new_user();
    let (folder, seed) = (tempfile::tempdir().unwrap(), pair.seed().unwrap());
    let users = format!(
        "authorization: {{ users: [ {{ nkey: {} }} ] }}",
        pair.public_key()
    );
    let config = put(&folder, "nats.conf", &users);
    let Some(nats) = Nats::start_with(&["--config", &config]) else {
        return;
    };
    let file = put(&folder, "nkey", &format!("{seed}\n"));
    let options = ConnectOptions::with_nkey(seed);
    logs_in(&nats, &[("nats-nkey-file", &file)], options).await;
}

#[tokio::test]
async fn nats_is_who_its_authority_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = CertifiedIssuer::self_signed(params, key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let certificate = put(&folder, "server.pem", &certificate.pem());
    let key = put(&folder, "server.key", &key.serialize_pem());
    let authority = put(&folder, "authority.pem", &authority.pem());
    let arguments = ["--tls", "--tlscert", &certificate, "--tlskey", &key];
    let Some(nats) = Nats::start_with(&arguments) else {
        return;
    };
    let url = nats.url();
    let flags = [
        ("nats-url", url.as_str()),
        ("nats-ca-file", authority.as_str()),
    ];
    run(Engine::Sqlite, &flags, async |world: World| {
        world.ecosystem("acme").await;
        let options = ConnectOptions::new().add_root_certificates(authority.clone().into());
        let jetstream = nats.jetstream_as(options.require_tls(true)).await;
        assert_published(&world, &jetstream, &["acme"]).await;
        let published = count(&jetstream, STREAM).await;
        // The control: by the authorities that the machine trusts it is somebody else.
        let url = url.replace("nats://", "tls://");
        let flags = [("nats-url", url.as_str()), ("nats-stream", "OTHER")];
        let other = world.beside(&flags).await;
        happen(world.store(), "acme", 5).await;
        assert_published(&world, &jetstream, &["acme"]).await;
        assert!(count(&jetstream, STREAM).await > published);
        assert_eq!(count(&jetstream, "OTHER").await, 0);
        other.stop().await;
    })
    .await;
}

#[tokio::test]
async fn files_that_are_not_there_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("trellis.db").display());
    let nkey = put(&folder, "nkey", "SUS3CRET");
    let start = async |flags: &[(&'static str, &str)]| {
        let usual = [
            ("listen", "127.0.0.1:0"),
            ("database-url", database.as_str()),
            ("nats-url", "nats://127.0.0.1:9"),
        ];
        let flags = usual.iter().chain(flags);
        let sources = Sources {
            flags: flags
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            ..Sources::default()
        };
        let settings = sources.load().unwrap().settings;
        let started = server::start(&settings, Arc::new(SystemClock), meter("trellis-tests"));
        match started.await {
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        }
    };
    let absent = [
        ("nats-ca-file", "/absent/ca"),
        ("nats-token-file", "/absent/token"),
    ];
    let told = start(&absent).await.unwrap();
    for file in ["/absent/ca", "/absent/token"] {
        assert!(told.contains(&format!("{file} cannot be read")), "{told}");
    }
    let told = start(&[("nats-nkey-file", &nkey)]).await.unwrap();
    assert!(
        told.contains("no seed") && !told.contains("S3CRET"),
        "{told}"
    );
    // The control: nobody answers there, which is no reason not to start.
    assert_eq!(start(&[]).await, None);
}
