//! The `trellis` binary as whoever runs it meets it: arguments, output, exit codes, signals.

#[cfg(test)]
mod config;
#[cfg(test)]
mod import;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod migrate;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod telemetry;
#[cfg(test)]
mod tls;

#[cfg(test)]
mod binary {
    use std::io::{BufRead, BufReader};
    use std::net::SocketAddr;
    use std::path::Path;
    use std::process::{Child, Command, ExitStatus, Output, Stdio};
    use std::time::{Duration, Instant};

    use tempfile::NamedTempFile;

    /// The binary, in a folder of its own and without the settings of whoever runs the tests.
    pub(crate) fn trellis(folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trellis"));
        command.args(arguments).current_dir(folder).env_clear();
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    /// A server that runs, and is killed if a test fails.
    pub(crate) struct Serving {
        child: Child,
        /// What it tells: a file, because a pipe that nobody reads would stop it.
        told: NamedTempFile,
        pub(crate) address: SocketAddr,
    }

    impl Serving {
        /// Starts a server on any free port, and waits until it listens.
        pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
            Self::on(folder, "127.0.0.1:0", arguments)
        }

        /// The same on an address.
        pub(crate) fn on(folder: &Path, address: &str, arguments: &[&str]) -> Self {
            let mut command = trellis(folder, &["serve", "--listen", address]);
            let told = NamedTempFile::new().unwrap();
            command
                .args(arguments)
                .stdout(Stdio::piped())
                .stderr(told.reopen().unwrap());
            let mut child = command.spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap())
                .read_line(&mut line)
                .unwrap();
            let Some(address) = line.trim().strip_prefix("listening on ") else {
                let told = std::fs::read_to_string(told.path()).unwrap();
                panic!("it does not listen: {line} {told}");
            };
            Self {
                address: address.parse().unwrap(),
                child,
                told,
            }
        }

        /// Sends a signal.
        pub(crate) fn signal(&self, signal: &str) {
            let id = self.child.id().to_string();
            assert!(
                Command::new("kill")
                    .args([signal, &id])
                    .status()
                    .unwrap()
                    .success()
            );
        }

        /// Waits until it ends, and answers how, and what it told.
        pub(crate) fn ended(mut self, within: Duration) -> (ExitStatus, String) {
            let began = Instant::now();
            let status = loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    break status;
                }
                assert!(began.elapsed() < within, "it does not end");
                std::thread::sleep(Duration::from_millis(20));
            };
            (status, std::fs::read_to_string(self.told.path()).unwrap())
        }
    }

    impl Drop for Serving {
        fn drop(&mut self) {
            // One that has ended already cannot be killed, which is fine.
            let _gone = self.child.kill();
            let _gone = self.child.wait();
        }
    }
}
