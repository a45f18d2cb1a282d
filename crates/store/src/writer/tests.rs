//! Pieces of work that share a commit, and those among them that fail.

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DbErr, ExecResult};
use trellis_core::Written;

use super::*;
use crate::attempt::{Attempt, Unit, on_sqlite};
use crate::view::Source;

/// A writer of an empty table, and where it is.
struct Scene {
    writer: Writer,
    settings: Settings,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::new(format!("sqlite:{}/writer.db", folder.path().display()));
        let writer = Writer::start(&settings).await.unwrap();
        let scene = Self {
            writer,
            settings,
            _folder: folder,
        };
        let table = "CREATE TABLE parent (id INTEGER PRIMARY KEY);
            CREATE TABLE note (
                text TEXT NOT NULL UNIQUE,
                parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED
            )";
        scene.piece(Piece::done(table)).await.unwrap();
        scene
    }

    async fn piece(&self, piece: Piece) -> Result<&'static str, Error> {
        let deadline = Instant::now() + Duration::from_secs(10);
        let unit = on_sqlite(&self.writer, deadline, move |source| piece.run(source));
        let unit = unit.await.map_err(|attempt| match attempt {
            Attempt::OutcomeUnknown(error) | Attempt::Refused(error) => error,
        })?;
        Ok(unit.into_written().value)
    }

    /// Runs pieces of work in one group: the first one waits until the others are in the queue.
    async fn group(&self, pieces: Vec<Piece>) -> Vec<Result<&'static str, Error>> {
        let mut asked = Vec::new();
        let mut queued = None;
        for mut piece in pieces {
            if asked.is_empty() {
                let (send, receive) = oneshot::channel();
                piece.waits = Some(receive);
                queued = Some(send);
            }
            // What is asked for first is queued first.
            let mut answer = Box::pin(self.piece(piece));
            assert!(futures::poll!(&mut answer).is_pending());
            asked.push(answer);
        }
        queued.unwrap().send(()).unwrap();
        futures::future::join_all(asked).await
    }

    /// The notes that are durable.
    async fn notes(&self) -> Vec<String> {
        let readers = connect::sqlite_readers(&self.settings).await.unwrap();
        let statement = sea_orm::Statement::from_string(
            sea_orm::DatabaseBackend::Sqlite,
            "SELECT text FROM note ORDER BY rowid",
        );
        let rows = readers.query_all_raw(statement).await.unwrap();
        rows.iter()
            .map(|row| row.try_get("", "text").unwrap())
            .collect()
    }
}

/// What a piece of work says to the database, and how it ends.
struct Piece {
    sql: String,
    ends: fn(&'static str) -> Result<Unit<&'static str>, Error>,
    keeps_transaction: bool,
    waits: Option<oneshot::Receiver<()>>,
}

impl Piece {
    fn done(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            ends: |value| {
                let position = None;
                Ok(Unit::Done(Written { value, position }, Vec::new()))
            },
            keeps_transaction: false,
            waits: None,
        }
    }

    fn note(text: &str) -> Self {
        Self::done(format!("INSERT INTO note (text) VALUES ('{text}')"))
    }

    /// Refuses after it has written.
    fn refused(text: &str) -> Self {
        Self {
            ends: |_| Err(Error::OutOfReach),
            ..Self::note(text)
        }
    }

    /// Has only tried.
    fn tried(text: &str) -> Self {
        Self {
            ends: |value| Ok(Unit::Tried(value)),
            ..Self::note(text)
        }
    }

    /// Repeats what was done before.
    fn replayed() -> Self {
        Self {
            ends: |value| {
                let position = None;
                Ok(Unit::Replayed(Written { value, position }))
            },
            ..Self::done("SELECT 1")
        }
    }

    async fn run(self, source: Source) -> Result<Unit<&'static str>, Error> {
        if let Some(waits) = self.waits {
            waits.await.unwrap();
        }
        let run: Result<ExecResult, DbErr> = source.db().execute_unprepared(&self.sql).await;
        run?;
        if self.keeps_transaction {
            std::mem::forget(source);
        }
        (self.ends)("done")
    }
}

#[tokio::test]
async fn what_fails_in_a_group_takes_nothing_with_it() {
    let scene = Scene::open().await;
    let pieces = vec![
        Piece::note("first"),
        Piece::refused("refused"),
        Piece::refused("refused again"),
        Piece::note("second"),
        Piece::note("first"),
        Piece::tried("tried"),
        Piece::note("third"),
        Piece::note("fourth"),
        Piece::refused("the last"),
    ];
    let told = scene.group(pieces).await;
    let taken = |one: &Result<_, Error>| matches!(one, Err(Error::Exists { .. }));
    assert!(taken(&told[4]), "{:?}", told[4]);
    let done: Vec<_> = told.iter().map(Result::is_ok).collect();
    let expected = [true, false, false, true, false, true, true, true, false];
    assert_eq!(done, expected, "{told:?}");
    assert_eq!(
        scene.notes().await,
        ["first", "second", "third", "fourth"].map(str::to_owned)
    );
}

#[tokio::test]
async fn what_cannot_be_committed_is_answered_to_nobody() {
    let scene = Scene::open().await;
    let orphan = Piece::done("INSERT INTO note (text, parent) VALUES ('orphan', 7)");
    let told = scene
        .group(vec![
            Piece::note("first"),
            orphan,
            Piece::replayed(),
            Piece::note("second"),
        ])
        .await;
    // What is repeated may have been done in the same group.
    assert!(told.iter().all(Result::is_err), "{told:?}");
    assert_eq!(scene.notes().await, [""; 0].map(str::to_owned));
    scene.piece(Piece::note("later")).await.unwrap();
    assert_eq!(scene.notes().await, ["later".to_owned()]);
}

#[tokio::test]
async fn a_transaction_that_ended_by_itself_is_nobodys() {
    let scene = Scene::open().await;
    // So does a disk that is full.
    let ended = Piece {
        ends: |_| Err(Error::OutOfReach),
        ..Piece::done("ROLLBACK")
    };
    let told = scene
        .group(vec![Piece::note("first"), ended, Piece::note("second")])
        .await;
    assert!(told[..2].iter().all(Result::is_err), "{told:?}");
    scene.piece(Piece::note("later")).await.unwrap();
    // The one behind it stood in line for the next group.
    assert!(told[2].is_ok(), "{told:?}");
    assert_eq!(scene.notes().await, ["second", "later"].map(str::to_owned));
}

#[tokio::test]
async fn work_that_keeps_its_transaction_has_nothing_kept() {
    let scene = Scene::open().await;
    let keeps = Piece {
        keeps_transaction: true,
        ..Piece::note("kept")
    };
    let told = scene.group(vec![Piece::note("first"), keeps]).await;
    assert!(told.iter().all(Result::is_err), "{told:?}");
}

/// What is set for a connection is easily lost, and nothing but a power cut, or speed, would tell.
#[tokio::test]
async fn the_writer_is_set_as_it_should_be() {
    let scene = Scene::open().await;
    let connection = connect::sqlite_writer(&scene.settings).await.unwrap();
    let mut found = Vec::new();
    for setting in [
        "synchronous",
        "foreign_keys",
        "temp_store",
        "wal_autocheckpoint",
    ] {
        let row = connection
            .query_one_raw(sea_orm::Statement::from_string(
                sea_orm::DatabaseBackend::Sqlite,
                format!("PRAGMA {setting}"),
            ))
            .await
            .unwrap()
            .unwrap();
        found.push((setting, row.try_get_by_index::<i64>(0).unwrap()));
    }
    let (full, on, memory) = (2, 1, 2);
    let expected = [
        ("synchronous", full),
        ("foreign_keys", on),
        ("temp_store", memory),
        ("wal_autocheckpoint", 4_000),
    ];
    assert_eq!(found, expected);
}

/// Hands in work whose caller waits no longer; answers what the caller is told.
fn late(writer: &Writer) -> oneshot::Receiver<Result<(), Error>> {
    let (tell, told) = oneshot::channel();
    writer.submit(Job {
        deadline: Some(Instant::now()),
        work: Box::new(|_| Box::pin(async { panic!("nobody waits for it") })),
        refuse: Box::new(|outcome| tell.send(outcome).unwrap()),
    });
    told
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_begun() {
    let scene = Scene::open().await;
    let alone = late(&scene.writer).await.unwrap();
    assert!(matches!(alone, Err(Error::Deadline)), "{alone:?}");
    let (send, receive) = oneshot::channel();
    let first = Piece {
        waits: Some(receive),
        ..Piece::note("first")
    };
    let mut first = Box::pin(scene.piece(first));
    assert!(futures::poll!(&mut first).is_pending());
    let second = late(&scene.writer);
    let mut third = Box::pin(scene.piece(Piece::note("third")));
    assert!(futures::poll!(&mut third).is_pending());
    send.send(()).unwrap();
    assert!(first.await.is_ok() && third.await.is_ok());
    let second = second.await.unwrap();
    assert!(matches!(second, Err(Error::Deadline)), "{second:?}");
    assert_eq!(scene.notes().await, ["first", "third"].map(str::to_owned));
}

#[tokio::test]
async fn when_the_writer_ends_nothing_but_the_file_is_left() {
    let scene = Scene::open().await;
    scene.piece(Piece::note("first")).await.unwrap();
    let Scene {
        writer,
        _folder: folder,
        ..
    } = scene;
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files(), 3, "the file, its log, and the index of that");
    drop(writer);
    let until = Instant::now() + Duration::from_secs(10);
    while files() != 1 {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
