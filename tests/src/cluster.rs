//! A PostgreSQL of a test's own, for what would disturb everybody else on a shared one: that it crashes.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::database;

/// The variable that names the folder of PostgreSQL's programs.
const PROGRAMS: &str = "TRELLIS_TEST_POSTGRES_BIN";

/// A server that nobody else uses. It keeps what it committed through a crash of its own, and is gone
/// when this is dropped.
pub struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    /// Whom it runs as: it refuses to be root.
    user: Option<(u32, u32)>,
}

impl Cluster {
    /// Makes a server and starts it. Nothing when PostgreSQL is left out.
    ///
    /// # Panics
    /// When its programs are not named, or it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        database::server()?;
        let programs = database::variable(PROGRAMS).expect(
            "TRELLIS_TEST_POSTGRES_BIN must name the folder of PostgreSQL's programs (pg_ctl, initdb). \
             `make test` says where they are",
        );
        let folder = tempfile::tempdir().expect("a folder for the server");
        let user = (id("-u", "") == Some(0))
            .then(|| ["postgres", "nobody"].into_iter().find_map(known))
            .flatten();
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group)).expect("the folder can be given away");
        }
        let cluster = Self {
            programs: programs.into(),
            folder,
            user,
        };
        cluster.run(
            "initdb",
            &[
                "--pgdata=data",
                "--username=trellis",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
            ],
        );
        cluster.begin();
        Some(cluster)
    }

    /// Where its superuser reaches it.
    #[must_use]
    pub fn url(&self) -> String {
        let folder = self.folder.path().display();
        format!("postgres://trellis@localhost/postgres?host={folder}")
    }

    /// Ends all its processes at once, as a crash does: nothing is finished and nothing is written out.
    ///
    /// # Panics
    /// When it is not running.
    pub fn crash(&self) {
        self.run(
            "pg_ctl",
            &[
                "stop",
                "--silent",
                "--wait",
                "--mode=immediate",
                "--pgdata=data",
            ],
        );
    }

    /// Starts it, with whatever there is to recover.
    ///
    /// # Panics
    /// When it does not start.
    pub fn begin(&self) {
        let folder = self.folder.path().display();
        let options = format!("--options=-c listen_addresses= -k {folder}");
        let start = [
            "start",
            "--silent",
            "--wait",
            "--pgdata=data",
            "--log=server.log",
        ];
        self.run("pg_ctl", &[&start[..], &[&options]].concat());
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let status = self.command(program, arguments).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "{program} {arguments:?} failed: {:?}",
            std::fs::read_to_string(self.folder.path().join("server.log"))
        );
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // One that has crashed cannot be stopped, which is fine.
        let stop = ["stop", "--silent", "--mode=immediate", "--pgdata=data"];
        let mut command = self.command("pg_ctl", &stop);
        let _stopped = command.stderr(Stdio::null()).status();
    }
}

/// The numbers of a user and their group, if there is such a user.
fn known(user: &str) -> Option<(u32, u32)> {
    Some((id("-u", user)?, id("-g", user)?))
}

/// What `id` says of a user; of whoever runs this when none is named.
fn id(of: &str, user: &str) -> Option<u32> {
    let named = Some(user).filter(|user| !user.is_empty());
    let output = Command::new("id").arg(of).args(named).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
