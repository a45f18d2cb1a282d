//! A way to PostgreSQL on which every query loses its condition on the ecosystem, so that nothing
//! but row level security keeps ecosystems apart.
//!
//! It stands between the server and the database and changes the texts of statements as they pass:
//! the server needs no switch for it, and none can be left on.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;
use trellis_tests::World;
use trellis_tests::database::as_role;

use super::copy::superuser;

/// A role that row level security does not hold.
pub(super) const ABOVE: &str = "trellis_test_above";

/// The role that it holds, as a deployment has one.
pub(crate) const BELOW: &str = "trellis_test_worker";

/// What has passed.
#[derive(Default)]
struct Counts {
    /// Conditions that were taken away.
    stripped: AtomicUsize,
    /// Statements that were run.
    run: AtomicUsize,
    /// Those of the longest transaction.
    longest: AtomicUsize,
}

/// The way. It ends when it is dropped.
pub(crate) struct Bare {
    address: SocketAddr,
    database: String,
    counts: Arc<Counts>,
    passing: JoinHandle<()>,
}

impl Bare {
    pub(crate) async fn open(world: &World) -> Self {
        let options = PgConnectOptions::from_str(world.database_url()).unwrap();
        let database = options.get_database().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::<Counts>::default();
        let count = counts.clone();
        let passing = tokio::spawn(async move {
            while let Ok((server, _)) = listener.accept().await {
                server.set_nodelay(true).unwrap();
                let (options, count) = (options.clone(), count.clone());
                tokio::spawn(async move { pass(server, &options, &count).await });
            }
        });
        Self {
            address,
            database,
            counts,
            passing,
        }
    }

    /// The database at the end of the way, for a role whose password is its name.
    pub(crate) fn url(&self, role: &str) -> String {
        let url = format!(
            "postgres://{}/{}?sslmode=disable",
            self.address, self.database
        );
        as_role(&url, role, role)
    }

    /// How many conditions were taken away.
    pub(super) fn stripped(&self) -> usize {
        self.counts.stripped.load(Ordering::Relaxed)
    }

    /// How many statements were run, those that begin and end transactions included.
    pub(crate) fn run(&self) -> usize {
        self.counts.run.load(Ordering::Relaxed)
    }

    /// How many were run in the longest transaction that was committed since this was last asked.
    pub(crate) fn longest(&self) -> usize {
        self.counts.longest.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.passing.abort();
    }
}

async fn pass(server: TcpStream, options: &PgConnectOptions, count: &Counts) {
    let port = options.get_port();
    let folder = options.get_socket().cloned().or_else(|| {
        let host = options.get_host();
        host.starts_with('/').then(|| PathBuf::from(host))
    });
    match folder {
        Some(folder) => {
            let socket = folder.join(format!(".s.PGSQL.{port}"));
            let database = UnixStream::connect(socket).await.unwrap();
            between(server, database.into_split(), count).await;
        }
        None => {
            let database = TcpStream::connect((options.get_host(), port))
                .await
                .unwrap();
            database.set_nodelay(true).unwrap();
            between(server, database.into_split(), count).await;
        }
    }
}

async fn between<R, W>(server: TcpStream, (mut from, mut to): (R, W), count: &Counts)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (mut asked, mut answered) = server.into_split();
    tokio::select! {
        // Whoever hangs up ends it for both.
        _ = questions(&mut asked, &mut to, count) => {}
        _ = copy(&mut from, &mut answered) => {}
    }
}

/// Passes messages on: the first, which has no kind, and then each with its kind and length.
async fn questions(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    count: &Counts,
) -> std::io::Result<()> {
    let (mut first, mut since) = (true, 0);
    loop {
        let mut whole = Vec::new();
        if !std::mem::take(&mut first) {
            whole.push(from.read_u8().await?);
        }
        let length = from.read_u32().await?;
        let mut rest = vec![0; length as usize - 4];
        from.read_exact(&mut rest).await?;
        match whole.as_slice() {
            b"P" => rest = parse(rest, count),
            b"E" | b"Q" => {
                count.run.fetch_add(1, Ordering::Relaxed);
                since = if rest.starts_with(b"BEGIN") {
                    0
                } else {
                    since + 1
                };
                if rest.starts_with(b"COMMIT") {
                    count.longest.fetch_max(since, Ordering::Relaxed);
                }
            }
            _ => {}
        }
        let length = u32::try_from(rest.len() + 4).unwrap();
        whole.extend(length.to_be_bytes());
        whole.extend(rest);
        to.write_all(&whole).await?;
    }
}

/// The message that prepares a statement: a name, a text, and the types of what it binds.
fn parse(message: Vec<u8>, count: &Counts) -> Vec<u8> {
    let mut parts = message.splitn(3, |byte| *byte == 0);
    let (name, text, types) = (parts.next(), parts.next(), parts.next());
    let text = std::str::from_utf8(text.unwrap()).unwrap();
    let (text, stripped) = strip(text);
    count.stripped.fetch_add(stripped, Ordering::Relaxed);
    [name.unwrap(), text.as_bytes(), types.unwrap()].join(&0)
}

/// A statement without its conditions on the ecosystem, and how many it had. What they bind is
/// bound all the same.
fn strip(text: &str) -> (String, usize) {
    let (mut stripped, mut rest, mut count) = (String::new(), text, 0);
    while let Some(at) = rest.find("ecosystem") {
        let (before, found) = rest.split_at(at);
        let after = found["ecosystem".len()..].trim_start_matches('"');
        let digits = after.strip_prefix(" = $").map_or(0, |number| {
            number.bytes().take_while(u8::is_ascii_digit).count()
        });
        stripped.push_str(before);
        if digits == 0 {
            stripped.push_str("ecosystem");
            rest = &found["ecosystem".len()..];
            continue;
        }
        // The column may be quoted, and named with its table.
        let column = |letter: char| letter.is_ascii_alphanumeric() || "_.\"".contains(letter);
        stripped.truncate(stripped.trim_end_matches(column).len());
        let (number, after) = after[" = ".len()..].split_at(1 + digits);
        stripped.push_str(&format!("{number}::text IS NOT NULL"));
        rest = after;
        count += 1;
    }
    stripped.push_str(rest);
    (stripped, count)
}

/// Makes the role that row level security does not hold, for the control.
pub(super) async fn make_role_above(world: &World) {
    let mut admin = PgConnection::connect(&superuser(world)).await.unwrap();
    let sql = format!(
        "DO $$ BEGIN \
            PERFORM pg_advisory_xact_lock(hashtextextended('trellis_test_roles', 0)); \
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{ABOVE}') THEN \
                CREATE ROLE {ABOVE} LOGIN PASSWORD '{ABOVE}' BYPASSRLS; \
            END IF; END $$; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ABOVE}"
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut admin)
        .await
        .unwrap();
    admin.close().await.unwrap();
}

#[cfg(test)]
mod tests {
    use super::strip;

    #[test]
    fn only_conditions_on_the_ecosystem_are_taken_away() {
        let stripped = |text: &str| strip(text).0;
        assert_eq!(
            stripped(r#"WHERE "deals"."ecosystem" = $1 AND "id" = $2"#),
            r#"WHERE $1::text IS NOT NULL AND "id" = $2"#
        );
        assert_eq!(
            stripped("ON c.ecosystem = e.ecosystem WHERE (e.ecosystem = $12)"),
            "ON c.ecosystem = e.ecosystem WHERE ($12::text IS NOT NULL)"
        );
        assert_eq!(
            stripped(r#"FROM "ecosystems" WHERE "ecosystems"."ecosystem" = $1 LIMIT $2"#),
            r#"FROM "ecosystems" WHERE $1::text IS NOT NULL LIMIT $2"#
        );
        let other = r#"SELECT "ecosystem" FROM "ecosystems" WHERE "ecosystem" IN ($1)"#;
        assert_eq!(strip(other), (other.to_owned(), 0));
    }
}
