//! A server in a process of its own, whose memory can be measured apart from ours.
//!
//! The process is this test binary again, asked to run one test that is a server: so it is always
//! the code that is being tested, and nothing has to be built beside it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use trellis_core::SystemClock;
use trellis_server::server;
use trellis_server::settings::Sources;

/// The variable that tells the process its settings.
const SETTINGS: &str = "TRELLIS_TESTS_EDGE_SETTINGS";

/// What the process says before its address.
const LISTENING: &str = "edge: listening on ";

/// A server in a process of its own. It ends when this is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Process {
    /// Starts a server with these settings, and those of every test beside them.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("edge.db").display());
        let all = [
            ("listen", "127.0.0.1:0"),
            ("database-url", database.as_str()),
            ("reflection", "true"),
        ];
        let usual = all
            .iter()
            .filter(|(name, _)| settings.iter().all(|(own, _)| own != name));
        let lines: Vec<String> = usual
            .chain(settings)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--ignored",
                "--nocapture",
                "edge::process::serves",
            ])
            .env(SETTINGS, lines.join("\n"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(
                told.read_line(&mut line).unwrap() > 0,
                "it ended: {child:?}"
            );
            if let Some((_, address)) = line.split_once(LISTENING) {
                break address.trim().parse().unwrap();
            }
        };
        // What else it says must be read, or it would wait for that.
        std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
        Self {
            child,
            address,
            _folder: folder,
        }
    }

    /// How many bytes of memory it holds.
    pub(crate) fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// How many bytes it held at most since [`Process::forget_peak`].
    pub(crate) fn peak(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// Makes the peak what it holds now.
    pub(crate) fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
    }

    fn status(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        let kilobytes = line.split_whitespace().nth(1).unwrap();
        kilobytes.parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is fine.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Not a test: the server that tests of this module start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is the server of other tests, which start it themselves"]
async fn serves() {
    let Some(settings) = std::env::var_os(SETTINGS).map(OsString::into_string) else {
        return;
    };
    let settings = settings.unwrap();
    let variables = settings.lines().map(|line| {
        let (name, value) = line.split_once('=').unwrap();
        let name = format!("TRELLIS_{}", name.replace('-', "_").to_uppercase());
        (name, value.to_owned())
    });
    let sources = Sources {
        environment: variables.collect(),
        ..Sources::default()
    };
    let settings = sources.load().unwrap().settings;
    let meter = opentelemetry::global::meter("trellis-tests");
    let running = server::start(&settings, Arc::new(SystemClock), meter)
        .await
        .unwrap();
    println!("{LISTENING}{}", running.address());
    // Until whoever started it is gone.
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    ended.await.unwrap().unwrap();
}
