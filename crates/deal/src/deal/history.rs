//! What is remembered of a deal: how its stage moved, and who had which part when.

use trellis_api::deal::v1 as pb;
use trellis_core::{Call, DealId, Page, PageQuery};
use trellis_store::deal::deal::{Entity, Model, Roles, Stage};
use trellis_store::deal::history::{self, Cause, role_change, stage_change};
use trellis_store::{Store, Txn, View, record};

use super::convert::{wire_role_change, wire_stage_change};
use crate::{Error, absent};

/// Asks for what is remembered of a deal.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// The deal.
    pub deal: DealId,
    /// Which page.
    pub query: PageQuery,
}

/// Lists how the stage of a deal moved, the latest first.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `INVALID_FIELDS` when the page token was made for another request.
pub async fn stages(
    store: &Store,
    call: Call,
    asked: &Remembered,
) -> Result<Page<pb::StageChange>, Error> {
    let view = store.read(&call).await?;
    found(&view, &asked.deal).await?;
    let page = history::stages(&view, &asked.deal, &asked.query).await?;
    Ok(page.map(wire_stage_change))
}

/// Lists who had which part in a deal when, the latest first.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `INVALID_FIELDS` when the page token was made for another request.
pub async fn roles(
    store: &Store,
    call: Call,
    asked: &Remembered,
) -> Result<Page<pb::RoleChange>, Error> {
    let view = store.read(&call).await?;
    found(&view, &asked.deal).await?;
    let page = history::roles(&view, &asked.deal, &asked.query).await?;
    Ok(page.map(wire_role_change))
}

async fn found(view: &View, deal: &DealId) -> Result<(), Error> {
    record::find::<Entity>(view, deal)
        .await?
        .map(|_| ())
        .ok_or_else(|| absent(view, deal))
}

/// What is to be remembered of a deal that has come into being.
pub(super) fn born(
    txn: &Txn,
    deal: &mut Model,
    reason_code: Option<&str>,
) -> (stage_change::Model, Option<role_change::Model>) {
    let stage = moved(txn, deal, None, reason_code, "");
    let cause = match reason_code {
        Some(_) => Cause::Imported,
        None => Cause::Created,
    };
    let roles = (!deal.roles.0.is_empty()).then(|| assigned(txn, deal, cause, ""));
    (stage, roles)
}

/// What is to be remembered of a deal that is in another stage now. The deal is written back after it.
pub(super) fn moved(
    txn: &Txn,
    deal: &mut Model,
    from: Option<Stage>,
    reason_code: Option<&str>,
    note: &str,
) -> stage_change::Model {
    deal.stage_change_count += 1;
    stage_change::Model {
        ecosystem: txn.ecosystem().clone(),
        deal: deal.id.clone(),
        number: deal.stage_change_count,
        from_stage: from,
        to_stage: deal.stage,
        amount_minor: deal.amount_minor,
        currency: deal.currency,
        close_date: deal.close_date.or(deal.expected_close_date),
        actor: txn.actor().as_str().to_owned(),
        reason_code: reason_code.map(ToOwned::to_owned),
        note: noted(note),
        create_time: txn.now(),
    }
}

/// What is to be remembered of a deal whose parts are others now. The deal is written back after it.
pub(super) fn assigned(
    txn: &Txn,
    deal: &mut Model,
    cause: Cause,
    note: &str,
) -> role_change::Model {
    deal.role_change_count += 1;
    role_change::Model {
        ecosystem: txn.ecosystem().clone(),
        deal: deal.id.clone(),
        number: deal.role_change_count,
        cause,
        roles: Roles(deal.roles.0.clone()),
        actor: txn.actor().as_str().to_owned(),
        note: noted(note),
        create_time: txn.now(),
    }
}

fn noted(note: &str) -> Option<String> {
    (!note.is_empty()).then(|| note.to_owned())
}
