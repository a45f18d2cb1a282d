//! Brings territories from another system. One message of rows is one transaction; a row is found
//! again by its external id, and a rejected one changes nothing and stops nothing.
//!
//! Within a message parents are taken before the territories within them, in whatever order the
//! rows stand.

use std::collections::HashMap;

use trellis_api::deal::v1 as pb;
use trellis_api::import::{Outcome, Row};
use trellis_api::{Fields, name};
use trellis_core::{Call, TerritoryId, Violation, Written};
use trellis_store::deal::territory::{self, Entity, Model};
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, lock, record};

use super::convert::whole;
use super::territories::{Edit, apply, circle, fresh};
use crate::edit::some;
use crate::error::overtaken;
use crate::{Error, hierarchy};

/// A territory as it stands elsewhere.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Its fields, all of them set.
    edit: Edit,
    /// The territory around it, by its id there.
    parent: Option<String>,
}

/// Reads each row of a message for itself.
pub(crate) fn rows(
    request: pb::ImportTerritoriesRequest,
    fields: &mut Fields,
) -> Option<Vec<Row<Imported>>> {
    let rows = request.rows.into_iter().map(|row| {
        let territory = row.territory.as_ref();
        let external_id = territory.map(|territory| territory.external_id.clone());
        let external_id = external_id.unwrap_or_default();
        Row::read(fields, row.row_number, external_id, row, imported)
    });
    Some(rows.collect())
}

fn imported(row: pb::ImportTerritoryRow, fields: &mut Fields) -> Option<Imported> {
    let territory = row.territory?;
    let parent = some(row.parent_external_id);
    if territory.external_id.is_empty() {
        fields.refuse(
            "territory.external_id",
            "required",
            "is what finds the row again",
        );
    }
    if parent.is_some() && !territory.parent_territory.is_empty() {
        fields.refuse(
            "parent_external_id",
            "exclusive",
            "must be empty beside territory.parent_territory",
        );
    }
    let edit = whole(territory, fields)?;
    Some(Imported { edit, parent })
}

/// Imports one message of rows.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when the ecosystem does not exist. What is wrong with a row is its outcome.
pub async fn territories(
    store: &Store,
    call: Call,
    rows: Vec<Row<Imported>>,
) -> Result<Written<pb::ImportTerritoriesResponse>, Error> {
    store
        .write(call, rows, |txn, rows| async move {
            lock::keys(&txn, &[territory::LINKS]).await?;
            let mut import = Import::begin(&txn, &rows).await?;
            let links: Vec<(String, Option<String>)> = rows.iter().map(link).collect();
            let mut outcomes = vec![None; rows.len()];
            let mut rows: Vec<_> = rows.into_iter().map(Some).collect();
            for at in hierarchy::parents_first(&links) {
                let (Some(row), Some(place)) = (
                    rows.get_mut(at).and_then(Option::take),
                    outcomes.get_mut(at),
                ) else {
                    continue;
                };
                let outcome = match row.command {
                    Ok(imported) => import.row(&txn, &row.external_id, imported).await?,
                    Err(violations) => Outcome::Rejected(violations),
                };
                *place = Some(outcome.wire(row.row_number, row.external_id));
            }
            import.finish(&txn).await?;
            let outcomes = outcomes.into_iter().flatten().collect();
            Ok(pb::ImportTerritoriesResponse { outcomes })
        })
        .await
}

/// A row's external id and its parent's.
fn link(row: &Row<Imported>) -> (String, Option<String>) {
    let parent = row.command.as_ref().ok();
    let parent = parent.and_then(|imported| imported.parent.clone());
    (row.external_id.clone(), parent)
}

/// What one message has found and made so far.
struct Import {
    known: HashMap<TerritoryId, Model>,
    by_external_id: HashMap<String, TerritoryId>,
    /// Those that this message makes; their rows are written at its end.
    made: Vec<TerritoryId>,
}

impl Import {
    /// Looks up everything that the rows name, together.
    async fn begin(txn: &Txn, rows: &[Row<Imported>]) -> Result<Self, Error> {
        let wanted = || rows.iter().filter_map(|row| row.command.as_ref().ok());
        let own = rows.iter().map(|row| row.external_id.clone());
        let parents = wanted().filter_map(|row| row.parent.clone());
        let mut found = territory::lock_by_external_ids(txn, own.chain(parents)).await?;
        let ids = wanted().filter_map(|row| row.edit.parent_territory.clone()?);
        found.extend(record::find_many::<Entity>(txn, ids).await?);
        let by_external_id = found
            .iter()
            .filter_map(|row| Some((row.external_id.clone()?, row.id.clone())))
            .collect();
        let known = found.into_iter().map(|row| (row.id.clone(), row)).collect();
        Ok(Self {
            known,
            by_external_id,
            made: Vec::new(),
        })
    }

    async fn row(
        &mut self,
        txn: &Txn,
        external_id: &str,
        imported: Imported,
    ) -> Result<Outcome, Error> {
        let edit = match self.resolved(imported) {
            Ok(edit) => edit,
            Err(violation) => return Ok(Outcome::Rejected(vec![violation])),
        };
        let before = self.by_external_id.get(external_id);
        let Some(before) = before.and_then(|id| self.known.get(id)).cloned() else {
            let territory = fresh(txn, TerritoryId::generate(txn.now()), edit);
            let resource = name(txn.ecosystem(), &territory.id);
            self.made.push(territory.id.clone());
            self.by_external_id
                .insert(external_id.to_owned(), territory.id.clone());
            self.known.insert(territory.id.clone(), territory);
            event::append(
                txn,
                NewEvent::new("territory.created", &resource).because("IMPORTED"),
            );
            return Ok(Outcome::Created(resource));
        };
        let resource = name(txn.ecosystem(), &before.id);
        let mut after = before.clone();
        apply(&mut after, edit);
        if after == before {
            return Ok(Outcome::Unchanged(resource));
        }
        if after.parent_territory != before.parent_territory
            && let Some(violation) = self.closes_circle(txn, &after).await?
        {
            return Ok(Outcome::Rejected(vec![violation]));
        }
        if !self.made.contains(&after.id) {
            after = record::update::<Entity>(txn, after)
                .await
                .map_err(overtaken)?;
        }
        self.known.insert(after.id.clone(), after);
        event::append(
            txn,
            NewEvent::new("territory.updated", &resource).because("IMPORTED"),
        );
        Ok(Outcome::Updated(resource))
    }

    /// The edit of a row with the parent that it names, however it names it.
    fn resolved(&self, Imported { mut edit, parent }: Imported) -> Result<Edit, Violation> {
        let absent = |field, description| Violation::new(field, "reference", description);
        if let Some(external_id) = parent {
            let known = self.by_external_id.get(&external_id).cloned();
            let description = "no territory has this external id; import it before or beside";
            let id = known.ok_or_else(|| absent("parent_external_id", description))?;
            edit.parent_territory = Some(Some(id));
        }
        if let Some(Some(id)) = &edit.parent_territory
            && !self.known.contains_key(id)
        {
            return Err(absent("territory.parent_territory", "does not exist"));
        }
        Ok(edit)
    }

    /// Whether a territory would lie within itself.
    async fn closes_circle(&self, txn: &Txn, after: &Model) -> Result<Option<Violation>, Error> {
        let Some(parent) = &after.parent_territory else {
            return Ok(None);
        };
        let chain = territory::chain_over(txn, parent, &self.known).await?;
        let circle = circle(&after.id, &chain);
        Ok(circle.map(|circle| {
            let names: Vec<_> = circle.iter().map(|id| name(txn.ecosystem(), id)).collect();
            let description = format!("would close a circle: {}", names.join(" in "));
            Violation::new("territory.parent_territory", "cycle", description)
        }))
    }

    async fn finish(mut self, txn: &Txn) -> Result<(), Error> {
        let made = self
            .made
            .iter()
            .filter_map(|id| self.known.remove(id))
            .collect();
        record::insert_many::<Entity>(txn, made)
            .await
            .map_err(overtaken)
    }
}
