//! Looks whether an ecosystem's rows fit together: what a constraint could hold and, for the sake
//! of speed and of sharding, does not.
//!
//! Foreign keys on tables that are written at every sale cost a third of their speed, so references
//! are held by the use cases, which lock what they refer to, and are verified here.

use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use trellis_core::Position;

use crate::platform::{cursor, feed_mark, parked};
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
/// is therefore looked at by a query of its own; the ledger and payouts are verified by themselves.
const REFERENCES: &[Reference] = &[
    refers("api_keys", "id", "partner", "partners"),
    refers("role_grants", "id", "partner", "partners"),
    refers("webhooks", "id", "partner", "partners"),
    refers("webhook_deliveries", "id", "webhook", "webhooks"),
    refers("tiers", "id", "program", "programs"),
    refers("program_revisions", "program", "program", "programs"),
    refers("enrollments", "id", "program", "programs"),
    refers("enrollments", "id", "partner", "partners"),
    refers("products", "id", "product_family", "product_families"),
    refers("territories", "id", "parent_territory", "territories"),
    refers("house_accounts", "id", "account", "accounts"),
    refers("house_accounts", "id", "program", "programs"),
    refers("accounts", "id", "partner", "partners"),
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
    refers("protections", "registration", "product", "products"),
    refers("protections", "registration", "partner", "partners"),
    refers(
        "registration_activities",
        "registration",
        "registration",
        "registrations",
    ),
    refers(
        "registration_activities",
        "registration",
        "partner",
        "partners",
    ),
    refers(
        "registration_decisions",
        "registration",
        "registration",
        "registrations",
    ),
    refers(
        "submissions",
        "registration",
        "registration",
        "registrations",
    ),
    refers("submissions", "registration", "partner", "partners"),
    refers("submission_keys", "key", "registration", "registrations"),
    refers("submission_keys", "key", "partner", "partners"),
    refers("canary_hits", "account", "account", "accounts"),
    refers("canary_hits", "account", "partner", "partners"),
    refers("canary_hits", "account", "registration", "registrations"),
    refers("leads", "id", "program", "programs"),
    refers("leads", "id", "partner", "partners"),
    refers("leads", "id", "account", "accounts"),
    refers("leads", "id", "territory", "territories"),
    refers("leads", "id", "duplicate_of", "leads"),
    refers("leads", "id", "deal", "deals"),
    refers("lead_routings", "lead", "lead", "leads"),
    refers("engagement_members", "id", "engagement", "engagements"),
    refers("engagement_members", "id", "partner", "partners"),
    refers("engagement_snapshots", "id", "engagement", "engagements"),
    refers("deals", "id", "account", "accounts"),
    refers("deals", "id", "partner", "partners"),
    refers("deals", "id", "territory", "territories"),
    refers("deals", "id", "registration", "registrations"),
    refers("deals", "id", "program", "programs"),
    refers("deal_records", "deal", "deal", "deals"),
    refers("deal_external_ids", "external_id", "deal", "deals"),
    refers("deal_participants", "deal", "deal", "deals"),
    refers("deal_participants", "deal", "partner", "partners"),
    refers("deal_proposals", "deal", "deal", "deals"),
    refers("deal_proposals", "deal", "partner", "partners"),
    refers("deal_role_changes", "deal", "deal", "deals"),
    refers("deal_stage_changes", "deal", "deal", "deals"),
    refers("plans", "id", "program", "programs"),
    refers("plan_budgets", "plan", "plan", "plans"),
    refers("plan_budgets", "plan", "first_cut", "awards"),
    refers("plan_versions", "plan", "plan", "plans"),
    refers("plan_versions", "plan", "program", "programs"),
    refers("incentive_facts", "external_id", "deal", "deals"),
    refers("incentive_facts", "external_id", "partner", "partners"),
    refers("recorded_facts", "external_id", "partner", "partners"),
    refers("quotas", "quota", "partner", "partners"),
    refers("awards", "id", "plan", "plans"),
    refers("awards", "id", "program", "programs"),
    refers("awards", "id", "partner", "partners"),
    refers("awards", "id", "earner", "partners"),
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

/// Finds workers that put events aside, places that cannot be, and events that are missing.
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
    findings.extend(beginning(view).await?);
    findings.extend(told_of(view).await?);
    findings.extend(never_tried(view).await?);
    if view.db().get_database_backend() == DatabaseBackend::Sqlite {
        let sql = "SELECT CAST(COUNT(*) AS TEXT) AS key, CAST(MAX(sequence) AS TEXT) AS named \
                   FROM events WHERE ecosystem = $1 HAVING COUNT(*) + COALESCE((SELECT removed_count \
                   FROM feed_marks WHERE ecosystem = $1), 0) <> MAX(sequence)";
        for (count, last) in pairs(view, sql).await? {
            findings.push(Finding {
                place: "events".to_owned(),
                what: format!("there are {count}, but the last has number {last}"),
            });
        }
    }
    Ok(findings)
}

/// Finds that a feed of which something was removed does not begin where its mark says.
async fn beginning(view: &View) -> Result<Option<Finding>, Error> {
    let Some(mark) = feed_mark::find(view).await? else {
        return Ok(None);
    };
    let first = event::after(view, mark.position(), 1).await?;
    let first = first.first().map(event::Model::position);
    let what = match first {
        Some(first) if first == mark.first() => return Ok(None),
        first => format!(
            "those up to {} were removed, and the first that is left is {}: it is to be {}",
            mark.position(),
            first.map_or_else(|| "none".to_owned(), |first| first.to_string()),
            mark.first()
        ),
    };
    Ok(Some(Finding {
        place: "events".to_owned(),
        what,
    }))
}

/// Finds commands whose event is not there, although it was not removed as the mark says.
async fn told_of(view: &View) -> Result<Vec<Finding>, Error> {
    // Whoever changed an entry may have written anything there.
    let part = |number: usize| match view.db().get_database_backend() {
        DatabaseBackend::Postgres => format!(
            "CASE WHEN position ~ '^[0-9]{{1,18}}-[0-9]{{1,18}}-[0-9]{{1,18}}$' \
             THEN split_part(position, '-', {number})::bigint END"
        ),
        // There every place is in the same life of the feed, and has no transaction.
        _ if number == 3 => "CAST(substr(position, 5) AS INTEGER)".to_owned(),
        _ => (2 - number).to_string(),
    };
    let [epoch, xid, sequence] = [1, 2, 3].map(part);
    let sql = format!(
        "SELECT a.position AS key, a.method AS named FROM (SELECT position, method, {epoch} AS epoch, \
         {xid} AS xid, {sequence} AS sequence FROM audit_entries \
         WHERE ecosystem = $1 AND position IS NOT NULL) AS a \
         LEFT JOIN events AS e ON e.ecosystem = $1 AND e.epoch = a.epoch AND e.xid = a.xid \
         AND e.sequence = a.sequence LEFT JOIN feed_marks AS m ON m.ecosystem = $1 \
         WHERE e.ecosystem IS NULL AND (m.ecosystem IS NULL \
         OR (a.epoch, a.xid, a.sequence) > (m.epoch, m.xid, m.sequence)) LIMIT {TOLD}"
    );
    let missing = pairs(view, &sql).await?.into_iter();
    let missing = missing.map(|(position, method)| Finding {
        place: format!("events {position}"),
        what: format!("the event of {method} is not there, and was not removed for its age"),
    });
    Ok(missing.collect())
}

/// Finds lines of deliveries of which none is tried, so that all of them wait for ever.
async fn never_tried(view: &View) -> Result<Vec<Finding>, Error> {
    let sql = "SELECT webhook AS key, resource AS named FROM webhook_deliveries \
               WHERE ecosystem = $1 AND state = 'PENDING' GROUP BY webhook, resource \
               HAVING COUNT(CASE WHEN head THEN 1 END) = 0";
    let lines = pairs(view, sql).await?.into_iter();
    let lines = lines.map(|(webhook, resource)| Finding {
        place: format!("webhook_deliveries {webhook}"),
        what: format!("none of those about {resource} is tried, though some wait"),
    });
    Ok(lines.collect())
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sea_orm::Database;

    use super::*;

    /// What a column is called that names a row, with the tables that are verified elsewhere.
    const NAMED: &[&str] = &[
        "account",
        "deal",
        "earner",
        "engagement",
        "lead",
        "partner",
        "plan",
        "product",
        "product_family",
        "program",
        "registration",
    ];
    const ELSEWHERE: &[&str] = &[
        // The feed tells of what is gone, too.
        "events",
        // A total, which the deals are added up to.
        "incentive_totals",
        // `VerifyLedger` adds these up.
        "ledger_accounts",
        "ledger_lines",
        "ledger_slices",
        "payout_items",
        "payout_lines",
    ];

    #[tokio::test]
    async fn no_column_that_names_a_row_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/schema.db", folder.path().display());
        trellis_migrations::up(&url).await.unwrap();
        let db = Database::connect(&url).await.unwrap();
        let sql = "SELECT m.name AS \"table\", c.name AS \"column\" FROM sqlite_master AS m \
                   JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table'";
        let rows = db
            .query_all_raw(Statement::from_string(DatabaseBackend::Sqlite, sql))
            .await
            .unwrap();
        let found: BTreeSet<(String, String)> = rows
            .iter()
            .map(|row| {
                (
                    row.try_get("", "table").unwrap(),
                    row.try_get("", "column").unwrap(),
                )
            })
            .filter(|(table, column): &(String, String)| {
                NAMED.contains(&column.as_str()) && !ELSEWHERE.contains(&table.as_str())
            })
            .collect();
        let looked_at: BTreeSet<(String, String)> = REFERENCES
            .iter()
            .filter(|one| NAMED.contains(&one.column))
            .map(|one| (one.table.to_owned(), one.column.to_owned()))
            .collect();
        assert_eq!(found, looked_at);
    }
}
