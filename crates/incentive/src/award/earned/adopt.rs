//! Takes over awards that the kernel computed, as soon as a version of their plan says more than it knows.
//!
//! An award stays the row that it is, with its money: only what it is for is called otherwise. So the
//! next computation posts the difference, wherever the money is, and what was paid is known as paid.

use std::collections::BTreeMap;

use trellis_core::{DealId, PartnerId};
use trellis_evaluation::evaluate::ENGINE_VERSION;
use trellis_store::incentive::award::{self, Basis, Model};
use trellis_store::{Txn, View};

use super::book::Component;
use crate::Error;
use crate::fact::known::{Known, Of};

/// Whether there are awards that the kernel computed, of some partners or anybody.
///
/// # Errors
/// When a row cannot be read.
pub(super) async fn are_left(view: &View, component: &Component, of: &Of) -> Result<bool, Error> {
    let plans = component.once_of_kernel();
    let partners = of.partners();
    Ok(!plans.is_empty() && award::has_totalled(view, &plans, partners.as_deref()).await?)
}

/// The awards that the kernel computed, as those of facts. They are locked, and not written yet.
///
/// # Errors
/// When a lock cannot be had in time.
pub(super) async fn adopted(
    txn: &Txn,
    component: &Component,
    known: &Known,
) -> Result<Vec<Model>, Error> {
    let plans = component.once_of_kernel();
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    let partners = known.of().partners();
    let rows = award::lock_totalled(txn, &plans, partners.as_deref()).await?;
    if rows.is_empty() {
        return Ok(rows);
    }
    let wins = known.wins();
    Ok(rows.into_iter().map(|row| as_earned(row, &wins)).collect())
}

/// An award as one of facts: of a deal, it is for the last win that was credited to its partner.
fn as_earned(row: Model, wins: &BTreeMap<(&DealId, &PartnerId), &str>) -> Model {
    let period = row.scope.split_once('/').map(|(_, scope)| scope.to_owned());
    let scope = match &row.deal {
        Some(deal) => {
            let win = wins.get(&(deal, &row.partner)).copied();
            format!("fact/{}", win.unwrap_or(deal.as_str()))
        }
        None => period.unwrap_or_default(),
    };
    Model {
        scope: format!("{}/{scope}", row.currency),
        earner: Some(row.partner.clone()),
        basis: Some(Basis {
            scope,
            known_time: row.update_time,
            posted_minor: 0,
            paid_minor: 0,
            posted_version: row.plan_version,
            paid_before: Vec::new(),
            engine_version: ENGINE_VERSION,
            // Whatever it comes to is told anew.
            essence: String::new(),
            held: Vec::new(),
        }),
        ..row
    }
}
