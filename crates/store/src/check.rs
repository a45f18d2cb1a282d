//! Looks whether an ecosystem's rows fit together: what a constraint could hold and, for the sake
//! of speed and of sharding, does not.
//!
//! Foreign keys on tables that are written at every sale cost a third of their speed, so references
//! are held by the use cases, which lock what they refer to, and are verified here.

use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use trellis_core::Position;

use crate::platform::{cursor, parked};
use crate::{Error, View, event};

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: a table and a row, or a worker.
    pub place: String,
    /// What is wrong, and what to do.
    pub what: String,
}

/// A column that names a row of another table.
struct Reference {
    table: &'static str,
    /// The column that tells one row of the table from the others.
    key: &'static str,
    column: &'static str,
    target: &'static str,
}

const fn refers(
    table: &'static str,
    key: &'static str,
    column: &'static str,
    target: &'static str,
) -> Reference {
    Reference {
        table,
        key,
        column,
        target,
    }
}

/// Every column that names a row of another table. A tier is named together with its program, and
/// is therefore looked at by a query of its own.
const REFERENCES: &[Reference] = &[
    refers("tiers", "id", "program", "programs"),
    refers("program_revisions", "program", "program", "programs"),
    refers("enrollments", "id", "program", "programs"),
    refers("enrollments", "id", "partner", "partners"),
    refers("products", "id", "product_family", "product_families"),
    refers("territories", "id", "parent_territory", "territories"),
    refers("accounts", "id", "parent_account", "accounts"),
    refers("accounts", "id", "ultimate_parent", "accounts"),
    refers("accounts", "id", "successor_account", "accounts"),
    refers("accounts", "id", "merged_into", "accounts"),
    refers("account_keys", "key", "account", "accounts"),
    refers("registrations", "id", "partner", "partners"),
    refers("registrations", "id", "program", "programs"),
    refers("registrations", "id", "account", "accounts"),
    refers("registrations", "id", "territory", "territories"),
    refers("registrations", "id", "deal", "deals"),
    refers(
        "protections",
        "registration",
        "registration",
        "registrations",
    ),
    refers("leads", "id", "program", "programs"),
    refers("leads", "id", "partner", "partners"),
    refers("leads", "id", "account", "accounts"),
    refers("leads", "id", "territory", "territories"),
    refers("leads", "id", "duplicate_of", "leads"),
    refers("leads", "id", "deal", "deals"),
    refers("engagement_members", "id", "engagement", "engagements"),
    refers("engagement_members", "id", "partner", "partners"),
    refers("engagement_snapshots", "id", "engagement", "engagements"),
    refers("deals", "id", "account", "accounts"),
    refers("deals", "id", "partner", "partners"),
    refers("deals", "id", "territory", "territories"),
    refers("deals", "id", "registration", "registrations"),
    refers("deals", "id", "program", "programs"),
    refers("deal_records", "deal", "deal", "deals"),
    refers("plans", "id", "program", "programs"),
    refers("plan_versions", "plan", "plan", "plans"),
    refers("incentive_facts", "external_id", "deal", "deals"),
    refers("awards", "id", "plan", "plans"),
    refers("awards", "id", "program", "programs"),
    refers("awards", "id", "partner", "partners"),
    refers("awards", "id", "deal", "deals"),
];

/// Findings of one query that are told; more of them say the same.
const TOLD: u64 = 20;

/// Finds rows that name a row which does not exist.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn references(view: &View) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for Reference {
        table,
        key,
        column,
        target,
    } in REFERENCES
    {
        let sql = format!(
            "SELECT CAST(a.{key} AS TEXT) AS key, a.{column} AS named FROM {table} AS a \
             LEFT JOIN {target} AS b ON b.ecosystem = a.ecosystem AND b.id = a.{column} \
             WHERE a.ecosystem = $1 AND a.{column} IS NOT NULL AND b.id IS NULL LIMIT {TOLD}"
        );
        for (key, named) in pairs(view, &sql).await? {
            findings.push(Finding {
                place: format!("{table} {key}"),
                what: format!("{column} names {named}, which is not among {target}"),
            });
        }
    }
    let sql = format!(
        "SELECT a.id AS key, a.tier AS named FROM enrollments AS a LEFT JOIN tiers AS b \
         ON b.ecosystem = a.ecosystem AND b.program = a.program AND b.id = a.tier \
         WHERE a.ecosystem = $1 AND b.id IS NULL LIMIT {TOLD}"
    );
    for (key, named) in pairs(view, &sql).await? {
        findings.push(Finding {
            place: format!("enrollments {key}"),
            what: format!("tier names {named}, which its program does not have"),
        });
    }
    Ok(findings)
}

/// Finds workers that put events aside, and places that cannot be.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn feed(view: &View) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for event in parked::all(view).await? {
        let place = Position {
            epoch: event.epoch,
            xid: event.xid,
            sequence: event.sequence,
        };
        findings.push(Finding {
            place: format!("worker {} at {place}", event.worker),
            what: format!("put an event aside: {}", event.error),
        });
    }
    let head = event::head(view).await?;
    for cursor in cursor::all(view).await? {
        if cursor.position() > head {
            findings.push(Finding {
                place: format!("worker {}", cursor.worker),
                what: format!(
                    "has read up to {}, beyond the feed's end {head}",
                    cursor.position()
                ),
            });
        }
    }
    if view.db().get_database_backend() == DatabaseBackend::Sqlite {
        let sql = "SELECT CAST(COUNT(*) AS TEXT) AS key, CAST(MAX(sequence) AS TEXT) AS named \
                   FROM events WHERE ecosystem = $1 HAVING COUNT(*) <> MAX(sequence)";
        for (count, last) in pairs(view, sql).await? {
            findings.push(Finding {
                place: "events".to_owned(),
                what: format!("there are {count}, but the last has number {last}"),
            });
        }
    }
    Ok(findings)
}

/// Runs a query of two text columns, `key` and `named`.
async fn pairs(view: &View, sql: &str) -> Result<Vec<(String, String)>, Error> {
    let db = view.db();
    let values = [view.ecosystem().as_str().into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = db.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("", "key")?, row.try_get("", "named")?)))
        .collect()
}
