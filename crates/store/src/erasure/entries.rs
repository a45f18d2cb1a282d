//! Who called, in the entries of the audit trail.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{Statement, Value};
use trellis_core::{Actor, EcosystemId, Position};

use super::in_steps;
use crate::audit::entry::{self, COLUMN, Draft, Entity};
use crate::audit::row;
use crate::event::place::{InOrder, START};
use crate::event::place_of;
use crate::{Error, Store, Txn, View};

/// Up to how many entries one step erases a principal from, and a person. Each is looked up in the index of
/// that name, from which those that are erased are gone, and then by its key. (Of a bare place, SQLite would
/// rather go through all entries up to it; by a list of places, through all of the ecosystem.) One that
/// somebody else has erased meanwhile has no salt any more.
const ERASE: &str = "UPDATE audit_entries SET principal = NULL, person = NULL, salt = NULL FROM ( \
    SELECT * FROM (SELECT ecosystem, epoch, xid, sequence FROM audit_entries \
        WHERE ecosystem = $1 AND principal = $2 AND (+epoch, +xid, +sequence) <= ($3, $4, $5) \
        LIMIT 500) AS of_principal \
    UNION SELECT * FROM (SELECT ecosystem, epoch, xid, sequence FROM audit_entries \
        WHERE ecosystem = $1 AND person = $2 AND (+epoch, +xid, +sequence) <= ($3, $4, $5) \
        LIMIT 500) AS of_person) AS named \
    WHERE audit_entries.ecosystem = named.ecosystem AND audit_entries.epoch = named.epoch \
        AND audit_entries.xid = named.xid AND audit_entries.sequence = named.sequence \
        AND salt IS NOT NULL \
    RETURNING audit_entries.epoch AS epoch, audit_entries.xid AS xid, \
        audit_entries.sequence AS sequence";

/// Finds an entry that names somebody still.
const NAMED: &str = "SELECT 1 AS named FROM audit_entries \
    WHERE ecosystem = $1 AND principal = $2 AND (+epoch, +xid, +sequence) <= ($3, $4, $5) \
    UNION ALL SELECT 1 AS named FROM audit_entries \
    WHERE ecosystem = $1 AND person = $2 AND (+epoch, +xid, +sequence) <= ($3, $4, $5) LIMIT 1";

/// Erases a name, with the salt of its hash, and enters that of each entry.
pub(super) async fn erase(
    store: &Store,
    ecosystem: &EcosystemId,
    name: &Actor,
    by: Option<&Draft>,
) -> Result<u64, Error> {
    // Whoever erases their own name is named again by what is entered of that.
    let until = last(&store.read_access(ecosystem)).await?;
    let (name, by) = (name.clone(), by.cloned());
    in_steps(store, ecosystem, (), move |txn, ()| {
        let (name, by) = (name.clone(), by.clone());
        async move { step(&txn, &name, until, by).await }
    })
    .await
}

async fn step(
    txn: &Txn,
    name: &Actor,
    until: Position,
    by: Option<Draft>,
) -> Result<Option<((), u64)>, Error> {
    let db = txn.db();
    let values: [Value; 5] = [
        txn.ecosystem().as_str().into(),
        name.as_str().into(),
        until.epoch.into(),
        until.xid.into(),
        until.sequence.into(),
    ];
    let statement =
        |sql| Statement::from_sql_and_values(db.get_database_backend(), sql, values.clone());
    let rows = db.query_all_raw(statement(ERASE)).await?;
    if rows.is_empty() {
        // What was to be erased somebody else erased meanwhile, who may not come to the rest.
        let is_left = db.query_one_raw(statement(NAMED)).await?.is_some();
        return Ok(is_left.then_some(((), 0)));
    }
    let places = rows.iter().map(place_of);
    let mut places = places.collect::<Result<Vec<_>, _>>()?;
    places.sort();
    if let Some(by) = by {
        let of_each = places.iter().map(|place| Draft {
            resource: row::name(txn.ecosystem(), *place),
            ..by.clone()
        });
        entry::insert(txn, &of_each.collect::<Vec<_>>()).await?;
    }
    let count = u64::try_from(places.len()).unwrap_or(u64::MAX);
    Ok(Some(((), count)))
}

/// The place of the newest entry.
async fn last(view: &View) -> Result<Position, Error> {
    let all = Entity::find().filter(COLUMN.ecosystem.eq(view.ecosystem().clone()));
    let newest = all.newest_first();
    let newest = newest.one(&view.db()).await?;
    Ok(newest.map_or(START, |newest| newest.place()))
}

/// How many entries a name would be erased from.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn count(view: &View, name: &Actor) -> Result<u64, Error> {
    let named = COLUMN
        .principal
        .eq(name.clone())
        .or(COLUMN.person.eq(name.clone()));
    let entries = Entity::find().filter(COLUMN.ecosystem.eq(view.ecosystem().clone()));
    Ok(entries.filter(named).count(&view.db()).await?)
}

#[cfg(test)]
mod tests {
    use sea_orm::DatabaseBackend;

    use super::*;
    use crate::query_plan::plan;
    use crate::support::{call, sqlite};

    /// Otherwise erasing a name from all of a trail takes as many times longer as it has entries.
    #[tokio::test]
    async fn a_step_goes_through_no_more_than_it_erases() {
        let fixture = sqlite().await;
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let values =
            || -> [Value; 5] { ["acme".into(), "ada".into(), 1.into(), 0.into(), 9.into()] };
        let of = |sql| Statement::from_sql_and_values(DatabaseBackend::Sqlite, sql, values());
        let erase = plan(&view, of(ERASE)).await;
        let by_key = "(ecosystem=? AND epoch=? AND xid=? AND sequence=?)";
        assert!(erase.contains(by_key), "{erase}");
        for found in [erase, plan(&view, of(NAMED)).await] {
            for index in [
                "audit_entries_principal (ecosystem=? AND principal=?)",
                "audit_entries_person (ecosystem=? AND person=?)",
            ] {
                assert!(found.contains(index), "{index}: {found}");
            }
            assert!(!found.contains("(ecosystem=?)"), "{found}");
            assert!(!found.contains("SCAN audit_entries"), "{found}");
        }
    }
}
