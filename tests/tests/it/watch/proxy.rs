//! Stands between a server and PostgreSQL, and cuts connections where it hurts: when a transaction is being
//! committed.

use std::net::SocketAddr;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::Rng as _;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

/// How PostgreSQL's protocol asks for a commit: a query, its length, its text.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// Of how many commits one is cut, as chance has it.
const OF: u32 = 4;

/// Where a commit was cut.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    /// Before it reached the database: nothing is committed.
    pub(super) before: AtomicUsize,
    /// After the database had answered: everything is, and nobody was told.
    pub(super) after: AtomicUsize,
}

/// A proxy. It ends when this is dropped.
pub(super) struct Proxy {
    address: SocketAddr,
    pub(super) cuts: Arc<Cuts>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Listens before the server of a database.
    pub(super) async fn before(database_url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cuts, target) = (Arc::<Cuts>::default(), Target::of(database_url));
        let counted = cuts.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(target.clone().serve(client, counted.clone()));
            }
        });
        Self {
            address,
            cuts,
            task,
        }
    }

    /// The same database by way of this.
    pub(super) fn url(&self, database_url: &str) -> String {
        let options = PgConnectOptions::from_str(database_url).unwrap();
        let (user, database) = (options.get_username(), options.get_database().unwrap());
        // Of the roles of tests the password is the name.
        let address = self.address;
        format!("postgres://{user}:{user}@{address}/{database}?sslmode=disable")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where a database is.
#[derive(Clone)]
enum Target {
    Socket(String),
    Port(String),
}

impl Target {
    fn of(database_url: &str) -> Self {
        let options = PgConnectOptions::from_str(database_url).unwrap();
        let (host, port) = (options.get_host(), options.get_port());
        match options.get_socket() {
            Some(folder) => Self::Socket(format!("{}/.s.PGSQL.{port}", folder.display())),
            None if host.starts_with('/') => Self::Socket(format!("{host}/.s.PGSQL.{port}")),
            None => Self::Port(format!("{host}:{port}")),
        }
    }

    async fn serve(self, client: TcpStream, cuts: Arc<Cuts>) {
        client.set_nodelay(true).unwrap();
        match self {
            Self::Socket(path) => match UnixStream::connect(path).await {
                Ok(server) => relay(client, server, &cuts).await,
                Err(_) => drop(client),
            },
            Self::Port(address) => match TcpStream::connect(address).await {
                Ok(server) => relay(client, server, &cuts).await,
                Err(_) => drop(client),
            },
        }
    }
}

/// Hands everything on between two until one of them ends, or a commit is cut.
async fn relay(
    mut client: TcpStream,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
    cuts: &Cuts,
) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut cut_after = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Some(said) = read.ok().and_then(|count| asked.get(..count)) else { return };
                let commits = said.windows(COMMIT.len()).any(|part| part == COMMIT);
                if commits && rand::rng().random_ratio(1, OF) {
                    if rand::rng().random() {
                        cuts.before.fetch_add(1, Ordering::SeqCst);
                        return;
                    }
                    cut_after = true;
                }
                if said.is_empty() || server.write_all(said).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Some(said) = read.ok().and_then(|count| answered.get(..count)) else { return };
                if cut_after && !said.is_empty() {
                    cuts.after.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                if said.is_empty() || client.write_all(said).await.is_err() {
                    return;
                }
            }
        }
    }
}
