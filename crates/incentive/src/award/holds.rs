//! Holding awards by hand, and releasing them.
//!
//! While an award is held nothing of it gets on: what waited for approval or was payable is held, what is
//! earned meanwhile is held too, and no hold of the plan ends. What is in a payout goes its way.

use serde_json::json;
use trellis_api::incentive::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::{AwardId, Call, Money, Written};
use trellis_store::Store;
use trellis_store::event::{self, NewEvent};
use trellis_store::incentive::award::{self, Hold};
use trellis_store::incentive::ledger;

use super::awards::{absent, settled_anew};
use super::convert::wire;
use super::opened::Opened;
use super::postings;
use crate::Error;
use crate::limit::within_limit;

/// Which award is held, and why.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub(crate) id: AwardId,
    pub(crate) etag: Etag,
    pub(crate) reason: Hold,
    pub(crate) note: String,
}

/// Which award is held no longer, and why.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) id: AwardId,
    pub(crate) etag: Etag,
    pub(crate) note: String,
}

/// Holds an award.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `AWARD_ON_HOLD`.
pub(crate) async fn hold(
    store: &Store,
    call: Call,
    stop: Stop,
) -> Result<Written<pb::Award>, Error> {
    store
        .write(call, stop, |txn, stop| async move {
            let Stop {
                id,
                etag,
                reason,
                note,
            } = stop;
            let mut opened = Opened::find(&txn, &id, etag).await?;
            opened.not_on_hold()?;
            let there = opened.buckets;
            let minor = there.review + there.payable;
            opened.award.hold_reason = Some(reason);
            opened.award.hold_time = Some(txn.now());
            opened.award.hold_payable_minor = there.payable;
            opened.award.release_time = None;
            opened.touch(txn.now());
            if minor > 0 {
                opened.award.posting_count += 1;
                let posting = postings::of_hold(&opened.award, &there, opened.today)?;
                ledger::append(&txn, vec![posting]).await?;
                opened.buckets.on_hold += minor;
                opened.buckets.review = 0;
                opened.buckets.payable = 0;
            }
            let award = opened.award;
            award::save(&txn, vec![award.clone()]).await?;
            let data = json!({
                "partner": name(txn.ecosystem(), &award.partner),
                "currency_code": award.currency,
                "held_minor": minor,
            });
            let event = NewEvent::new("award.held", opened.resource)
                .because(reason.name())
                .noting(note)
                .for_partner(&award.partner);
            event::append(&txn, event.with(data));
            Ok(wire(award, opened.buckets))
        })
        .await
}

/// Releases an award: what is left of what was held by hand stands where it stood, and holds of the plan
/// that have ended meanwhile count as ended.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `AWARD_NOT_ON_HOLD`, `APPROVAL_LIMIT`.
pub(crate) async fn release(
    store: &Store,
    call: Call,
    release: Release,
) -> Result<Written<pb::Award>, Error> {
    store
        .write(call, release, |txn, release| async move {
            let Release { id, etag, note } = release;
            let mut opened = Opened::find(&txn, &id, etag).await?;
            let Some(reason) = opened.award.hold_reason else {
                let resource = opened.resource;
                return Err(Error::AwardNotOnHold { resource });
            };
            let on_hold = opened.buckets.on_hold;
            // What fell or was rejected meanwhile was taken from what waited for approval first.
            let payable = opened.award.hold_payable_minor.min(on_hold);
            let currency = opened.award.currency;
            within_limit(&txn, &opened.resource, Money::new(payable, currency))?;
            opened.touch(txn.now());
            if on_hold > 0 {
                opened.award.posting_count += 1;
                let parts = (on_hold - payable, payable);
                let posting = postings::of_hold_release(&opened.award, parts, opened.today)?;
                ledger::append(&txn, vec![posting]).await?;
            }
            let mut award = opened.award;
            award.hold_reason = None;
            award.hold_time = None;
            award.hold_payable_minor = 0;
            award::save(&txn, vec![award.clone()]).await?;
            let data = json!({
                "partner": name(txn.ecosystem(), &award.partner),
                "currency_code": currency,
                "released_minor": on_hold,
            });
            let event = NewEvent::new("award.hold_released", opened.resource)
                .because(reason.name())
                .noting(note)
                .for_partner(&award.partner);
            event::append(&txn, event.with(data));
            let mut settled = settled_anew(&txn, std::slice::from_ref(&id)).await?;
            let (settled, _) = settled.remove(&id).ok_or_else(|| absent(&txn, &id))?;
            Ok(wire(settled.award, settled.buckets))
        })
        .await
}
