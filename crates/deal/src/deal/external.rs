//! The ids of deals in other systems: who has which, and which deal has one.

use std::collections::BTreeSet;

use trellis_api::deal::v1 as pb;
use trellis_api::{ecosystem_name, name};
use trellis_core::{Call, Problem};
use trellis_store::deal::deal::{Entity, Model};
use trellis_store::deal::external_id;
use trellis_store::deal::field::ExternalId;
use trellis_store::{Store, Txn, record};

use super::convert::wire_for;
use crate::Error;
use crate::error::overtaken;

/// Finds the deal that has an id in another system.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn look_up(store: &Store, call: Call, asked: ExternalId) -> Result<pb::Deal, Error> {
    let view = store.read(&call).await?;
    let holder = external_id::holders(&view, &[asked.clone()].into()).await?;
    let deal = match holder.get(&asked) {
        Some(id) => record::find::<Entity>(&view, id).await?,
        None => None,
    };
    let absent = || {
        let (ecosystem, system) = (ecosystem_name(view.ecosystem()), &asked.system);
        Problem::NotFound {
            resource: format!("{ecosystem}/deals with this id in {system}"),
        }
    };
    Ok(wire_for(view.scope(), deal.ok_or_else(absent)?))
}

/// Takes the ids of a deal for it, in place of those that it had. The caller holds the lock of the
/// deal, or makes it.
pub(super) async fn claim(txn: &Txn, deal: &Model) -> Result<(), Error> {
    let ids: BTreeSet<ExternalId> = deal.external_ids.0.iter().cloned().collect();
    let holders = external_id::holders(txn, &ids).await?;
    let taken = deal.external_ids.0.iter().enumerate().find_map(|(at, id)| {
        let holder = holders.get(id).filter(|holder| **holder != deal.id)?;
        Some((at, holder.clone()))
    });
    if let Some((at, holder)) = taken {
        // Who does not reach the deal that has it is not told which it is.
        let reached = record::find::<Entity>(txn, &holder).await?;
        let named = reached.map_or(&deal.id, |_| &holder);
        return Err(Problem::Exists {
            resource: name(txn.ecosystem(), named),
            field: format!("external_ids[{at}]"),
        }
        .into());
    }
    external_id::follow(txn, vec![(deal.id.clone(), deal.external_ids.0.clone())])
        .await
        .map_err(overtaken)
}
