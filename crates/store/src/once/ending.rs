//! What ends a write: it tells the events, enters who asked for them, and stores the answer.
//!
//! A write takes as long as its round trips, be they to a server or to the thread of a connection, so all
//! of it goes at once: to PostgreSQL as one statement, to SQLite as several in one text.

use sea_orm::{ConnectionTrait, DatabaseBackend, Statement, Value};
use trellis_core::Position;

use crate::audit::entry::{self, Draft};
use crate::event::{self, Few, Last};
use crate::{Error, Txn};

/// Where the feed keeps an event.
const PLACE: [&str; 3] = ["epoch", "xid", "sequence"];

/// The newest of the events that are told, on PostgreSQL.
const NEWEST: &str = "FROM told ORDER BY epoch DESC, xid DESC, sequence DESC LIMIT 1";

/// What a write tells.
pub(super) enum Told {
    /// These events, which are still to be written.
    Now(Few),
    /// Events that are written, or none.
    Before(Last),
}

/// A request id that is claimed, and what it is answered with.
pub(super) struct Answer {
    /// The columns of its key.
    pub(super) key: [Value; 4],
    pub(super) message: Vec<u8>,
}

/// Ends a write; answers the place of the last event that its caller may read.
pub(super) async fn write(
    txn: &Txn,
    told: Told,
    entry: Option<&Draft>,
    answer: Option<Answer>,
) -> Result<Option<Position>, Error> {
    let db = txn.db();
    let backend = db.get_database_backend();
    let mut ending = Ending::default();
    let (position, place) = match told {
        Told::Now(few) if backend == DatabaseBackend::Sqlite => ending.tell_on_sqlite(txn, few),
        Told::Now(few) => ending.tell_on_postgres(few),
        Told::Before(last) => ending.place(last),
    };
    if let Some(entry) = entry {
        ending.enter(txn, entry, &position);
    }
    let last = match answer {
        Some(answer) => ending.answer(answer, place),
        None => {
            let [epoch, xid, sequence] = place;
            format!("SELECT {epoch} AS epoch, {xid} AS xid, {sequence} AS sequence")
        }
    };
    let sql = ending.sql(backend, &last);
    let statement = Statement::from_sql_and_values(backend, sql, ending.values);
    let row = db.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::Corrupt {
        table: "requests",
        what: "a claimed request id is not there".into(),
    })?;
    Ok(event::place_if_any(&row)?)
}

/// The text, but for what answers the place, and what it binds.
#[derive(Default)]
struct Ending {
    /// What is written first, and what its rows are called.
    first: Vec<(&'static str, String)>,
    values: Vec<Value>,
}

impl Ending {
    /// Binds a value; answers how it is called.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Tells events. Answers where the last of them stands, as text, and the place of the last that the
    /// caller may read.
    fn tell_on_postgres(&mut self, few: Few) -> (String, [String; 3]) {
        self.values = few.values;
        let sql = format!("{} RETURNING epoch, xid, sequence", few.sql);
        self.first.push(("told", sql));
        // When all of them are passed over nothing is left.
        let hidden = self.bind(few.hidden.unwrap_or(few.count));
        let shown = format!("SELECT epoch, xid, sequence {NEWEST} OFFSET {hidden}");
        self.first.push(("shown", shown));
        (
            format!("(SELECT epoch || '-' || xid || '-' || sequence {NEWEST})"),
            PLACE.map(|column| format!("(SELECT {column} FROM shown)")),
        )
    }

    /// The same on SQLite, whose one writer gives events numbers without gaps: so the newest there is is the
    /// last of them.
    fn tell_on_sqlite(&mut self, txn: &Txn, few: Few) -> (String, [String; 3]) {
        self.values = few.values;
        self.first.push(("told", few.sql));
        let ecosystem = self.bind(txn.ecosystem().as_str());
        let newest = format!(
            "(SELECT MAX(sequence) FROM events \
             WHERE ecosystem = {ecosystem} AND epoch = 1 AND xid = 0)"
        );
        let place = match few.hidden {
            Some(hidden) => {
                let hidden = self.bind(hidden);
                ["1".into(), "0".into(), format!("{newest} - {hidden}")]
            }
            None => PLACE.map(|_| "NULL".into()),
        };
        (format!("'1-0-' || {newest}"), place)
    }

    /// The same of events that are written.
    fn place(&mut self, last: Last) -> (String, [String; 3]) {
        let position = last.of_all.map(|position| position.to_string());
        let position = self.bind(position);
        let columns = [
            last.shown.map(|place| place.epoch),
            last.shown.map(|place| place.xid),
            last.shown.map(|place| place.sequence),
        ];
        (position, columns.map(|column| self.bind(column)))
    }

    /// Enters who asked for it.
    fn enter(&mut self, txn: &Txn, entry: &Draft, position: &str) {
        let (sql, values) = entry::inserting_one(txn, entry, self.values.len() + 1, position);
        self.first.push(("entered", sql));
        self.values.extend(values);
    }

    /// What stores an answer.
    fn answer(&mut self, answer: Answer, [epoch, xid, sequence]: [String; 3]) -> String {
        let message = self.bind(answer.message);
        let [ecosystem, actor, method, request_id] = answer.key.map(|part| self.bind(part));
        format!(
            "UPDATE requests SET answer = {message}, epoch = {epoch}, xid = {xid}, \
             sequence = {sequence} WHERE ecosystem = {ecosystem} AND actor = {actor} \
             AND method = {method} AND request_id = {request_id} RETURNING epoch, xid, sequence"
        )
    }

    /// All of it.
    fn sql(&self, backend: DatabaseBackend, last: &str) -> String {
        if backend == DatabaseBackend::Sqlite {
            let first: String = self
                .first
                .iter()
                .map(|(_, sql)| format!("{sql}; "))
                .collect();
            return first + last;
        }
        let named = self
            .first
            .iter()
            .map(|(name, sql)| format!("{name} AS ({sql})"));
        let named: Vec<String> = named.collect();
        match named.is_empty() {
            true => last.to_owned(),
            false => format!("WITH {} {last}", named.join(", ")),
        }
    }
}
