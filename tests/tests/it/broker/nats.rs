//! A NATS server of a test's own, and somebody who consumes from it.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::ConnectOptions;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use async_nats::jetstream::{self, Context};
use futures::StreamExt as _;
use serde_json::Value;

/// The variable that names the program `nats-server`, or says `none` when NATS is left out.
const SERVER: &str = "TRELLIS_TEST_NATS_SERVER";

/// The stream that Trellis publishes to unless it is told otherwise.
pub(super) const STREAM: &str = "TRELLIS";

/// A server with its storage. It ends when this is dropped.
pub(super) struct Nats {
    program: PathBuf,
    arguments: Vec<String>,
    port: u16,
    running: Option<Child>,
    pub(super) folder: tempfile::TempDir,
}

/// A message as a consumer gets it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Got {
    pub(super) subject: String,
    pub(super) id: String,
    pub(super) media_type: String,
    pub(super) event: Value,
}

impl Got {
    /// The place of the event in its feed.
    pub(super) fn position(&self) -> &str {
        self.event["id"].as_str().unwrap()
    }
}

impl Nats {
    /// Starts a server at a free port. Nothing when NATS is left out.
    pub(super) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same with further arguments; of what they say `{folder}` is a folder of its own.
    pub(super) fn start_with(arguments: &[&str]) -> Option<Self> {
        let program = std::env::var_os(SERVER).filter(|value| !value.is_empty());
        let program = program.expect(
            "TRELLIS_TEST_NATS_SERVER must name the program nats-server (2.10 or newer). `make \
             test` brings one; or set it to none to leave NATS out",
        );
        if program == "none" {
            eprintln!("NATS is left out");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display().to_string();
        let mut nats = Self {
            program: program.into(),
            arguments: arguments
                .iter()
                .map(|argument| argument.replace("{folder}", &place))
                .collect(),
            port: 0,
            running: None,
            folder,
        };
        nats.again();
        Some(nats)
    }

    /// Starts it again, at the same port and with what it has stored.
    pub(super) fn again(&mut self) {
        assert!(self.running.is_none(), "it runs");
        let port = match self.port {
            0 => "-1".to_owned(),
            port => port.to_string(),
        };
        let folder = self.folder.path();
        let child = Command::new(&self.program)
            .args(["--addr", "127.0.0.1", "--port", &port, "--jetstream"])
            .arg("--store_dir")
            .arg(folder.join("stored"))
            .arg("--ports_file_dir")
            .arg(folder)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let ports = folder.join(format!("nats-server_{}.ports", child.id()));
        self.running = Some(child);
        let begun = Instant::now();
        loop {
            let told = std::fs::read_to_string(&ports).unwrap_or_default();
            if let Ok(told) = serde_json::from_str::<Value>(&told) {
                let url = told["nats"][0].as_str().unwrap();
                self.port = url.rsplit_once(':').unwrap().1.parse().unwrap();
            }
            if self.port != 0 && TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            let log = || std::fs::read_to_string(folder.join("log")).unwrap();
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops it as `kill -9` does.
    pub(super) fn stop(&mut self) {
        let mut child = self.running.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Where it listens.
    pub(super) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// JetStream, for somebody who connects with these options.
    pub(super) async fn jetstream_as(&self, options: ConnectOptions) -> Context {
        let client = options.retry_on_initial_connect().connect(self.url());
        jetstream::new(client.await.unwrap())
    }

    /// JetStream, for anybody.
    pub(super) async fn jetstream(&self) -> Context {
        self.jetstream_as(ConnectOptions::new()).await
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.stop();
        }
    }
}

/// How many messages a stream has; none while there is no such stream.
pub(super) async fn count(jetstream: &Context, stream: &str) -> usize {
    match jetstream.get_stream(stream).await {
        Ok(stream) => stream.cached_info().state.messages.try_into().unwrap(),
        Err(_) => 0,
    }
}

/// Everything that a stream has, as a consumer gets it from the first message on.
pub(super) async fn consumed(jetstream: &Context, stream: &str) -> Vec<Got> {
    let stream = jetstream.get_stream(stream).await.unwrap();
    let count = stream.cached_info().state.messages;
    let config = pull::OrderedConfig {
        deliver_policy: DeliverPolicy::All,
        ..pull::OrderedConfig::default()
    };
    let consumer = stream.create_consumer(config).await.unwrap();
    let mut messages = consumer.messages().await.unwrap();
    let mut all = Vec::new();
    for _ in 0..count {
        let next = tokio::time::timeout(Duration::from_secs(20), messages.next());
        let message = next.await.expect("it comes soon").unwrap().unwrap();
        let headers = message.headers.clone().unwrap();
        let header = |name: &str| headers.get(name).unwrap().as_str().to_owned();
        all.push(Got {
            subject: message.subject.to_string(),
            id: header("Nats-Msg-Id"),
            media_type: header("Content-Type"),
            event: serde_json::from_slice(&message.payload).unwrap(),
        });
    }
    all
}
