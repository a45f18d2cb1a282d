//! Brings partners from another system. One message of rows is one transaction; a row is found
//! again by its external id, and a rejected one changes nothing and stops nothing.

use std::collections::HashMap;

use trellis_api::import::{Outcome, Row};
use trellis_api::partner::v1 as pb;
use trellis_api::{Fields, name};
use trellis_core::{Call, PartnerId, Written};
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner::{self, Entity, Model, State};
use trellis_store::{Store, Txn, lock, record};

use super::convert::whole;
use super::partners::{Edit, apply, fresh};
use crate::Error;

/// One import at a time looks for new external ids, so that two of them never make the same one.
const LOCK: &str = "partners/import";

/// Reads each row of a message for itself.
pub(super) fn rows(
    request: pb::ImportPartnersRequest,
    fields: &mut Fields,
) -> Option<Vec<Row<Edit>>> {
    let rows = request.rows.into_iter().map(|row| {
        let external_id = row
            .partner
            .as_ref()
            .map(|partner| partner.external_id.clone());
        Row::read(
            fields,
            row.row_number,
            external_id.unwrap_or_default(),
            row,
            |row, fields| {
                let partner = row.partner?;
                if partner.external_id.is_empty() {
                    fields.refuse(
                        "partner.external_id",
                        "required",
                        "is what finds the row again",
                    );
                }
                Some(whole(partner))
            },
        )
    });
    Some(rows.collect())
}

/// Imports one message of rows.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when the ecosystem does not exist. What is wrong with a row is its outcome.
pub async fn partners(
    store: &Store,
    call: Call,
    rows: Vec<Row<Edit>>,
) -> Result<Written<pb::ImportPartnersResponse>, Error> {
    store
        .write(call, rows, |txn, rows| async move {
            lock::keys(&txn, &[LOCK]).await?;
            let ids = rows.iter().map(|row| row.external_id.clone());
            let known = partner::lock_by_external_ids(&txn, ids).await?;
            let mut import = Import::over(known);
            let mut outcomes = Vec::with_capacity(rows.len());
            for Row {
                row_number,
                external_id,
                command,
            } in rows
            {
                let outcome = match command {
                    Ok(edit) => import.row(&txn, &external_id, edit).await?,
                    Err(violations) => Outcome::Rejected(violations),
                };
                outcomes.push(outcome.wire(row_number, external_id));
            }
            import.finish(&txn).await?;
            Ok(pb::ImportPartnersResponse { outcomes })
        })
        .await
}

/// What one message has found and made so far.
struct Import {
    known: HashMap<String, Model>,
    /// The external ids of those that this message makes; their rows are written at its end.
    made: Vec<String>,
}

impl Import {
    fn over(partners: Vec<Model>) -> Self {
        let known = partners.into_iter().filter_map(|partner| {
            let external_id = partner.external_id.clone()?;
            Some((external_id, partner))
        });
        Self {
            known: known.collect(),
            made: Vec::new(),
        }
    }

    async fn row(&mut self, txn: &Txn, external_id: &str, edit: Edit) -> Result<Outcome, Error> {
        let Some(before) = self.known.get(external_id) else {
            let id = PartnerId::generate(txn.now());
            let resource = name(txn.ecosystem(), &id);
            self.known.insert(
                external_id.to_owned(),
                fresh(txn, id.clone(), edit, State::Active),
            );
            self.made.push(external_id.to_owned());
            event::append(
                txn,
                NewEvent::new("partner.created", &resource)
                    .because("IMPORTED")
                    .for_partner(&id),
            );
            return Ok(Outcome::Created(resource));
        };
        let resource = name(txn.ecosystem(), &before.id);
        let mut after = before.clone();
        apply(&mut after, edit);
        if after == *before {
            return Ok(Outcome::Unchanged(resource));
        }
        if !self.made.iter().any(|made| made == external_id) {
            after = record::update::<Entity>(txn, after).await?;
        }
        let event = NewEvent::new("partner.updated", &resource).because("IMPORTED");
        event::append(txn, event.for_partner(&after.id));
        self.known.insert(external_id.to_owned(), after);
        Ok(Outcome::Updated(resource))
    }

    async fn finish(mut self, txn: &Txn) -> Result<(), Error> {
        let made = self
            .made
            .iter()
            .filter_map(|external_id| self.known.remove(external_id));
        Ok(record::insert_many::<Entity>(txn, made.collect()).await?)
    }
}
