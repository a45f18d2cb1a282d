//! Rejecting what is not payable yet, and taking that back.

use serde_json::json;
use trellis_api::incentive::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::{AwardId, Call, Money, Written};
use trellis_store::event::{self, NewEvent};
use trellis_store::incentive::award::{self, Entity, RulingKind};
use trellis_store::incentive::ledger;
use trellis_store::{Store, Txn, record};

use super::awards::settled_anew;
use super::convert::wire;
use super::opened::Opened;
use super::postings::{self, Rejected};
use super::ruled;
use crate::Error;
use crate::limit::within_limit;

/// Which award is rejected, how much of it, and why.
#[derive(Clone, Debug)]
pub(crate) struct Reject {
    pub(crate) id: AwardId,
    pub(crate) etag: Etag,
    /// All that is not payable yet when it is not said.
    pub(crate) amount: Option<Money>,
    pub(crate) reason_code: String,
    pub(crate) note: String,
}

/// Rejects what an award has held by hand, then what it has in review, and then what its plan holds.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `INVALID_FIELDS`, `AMOUNT_NOT_AVAILABLE`, `APPROVAL_LIMIT`,
/// `TOO_MANY_RULINGS`.
pub(crate) async fn reject(
    store: &Store,
    call: Call,
    reject: Reject,
) -> Result<Written<pb::Award>, Error> {
    store
        .write(call, reject, |txn, reject| async move {
            let Reject {
                id,
                etag,
                amount,
                reason_code,
                note,
            } = reject;
            let mut opened = Opened::find(&txn, &id, etag).await?;
            let there = opened.buckets;
            let currency = opened.award.currency;
            // What is owed for the same award was taken back before.
            let unpaid = there.on_hold + there.review + there.held;
            let available = unpaid.min(there.due()).max(0);
            let asked = amount.unwrap_or_else(|| Money::new(available, currency));
            let minor = opened.amount(asked, available)?;
            within_limit(&txn, &opened.resource, Money::new(minor, currency))?;
            let mut postings = Vec::new();
            // What is held by hand goes by way of the review, so that whoever takes the rejection back
            // finds it there, whatever became of the hold.
            let on_hold = minor.min(there.on_hold);
            if on_hold > 0 {
                opened.buckets.on_hold -= on_hold;
                opened.buckets.review += on_hold;
                opened.award.posting_count += 1;
                let out = postings::of_hold_release(&opened.award, (on_hold, 0), opened.today)?;
                postings.push(out);
            }
            let rejected = Rejected::of(&opened.buckets, minor);
            opened.buckets.review -= rejected.review;
            opened.buckets.held -= rejected.held;
            opened.touch(txn.now());
            opened.rule(&txn, RulingKind::Rejected, minor, &reason_code)?;
            let award = &mut opened.award;
            award.posting_count += 1;
            ruled::rule(award);
            postings.push(postings::of_rejection(award, &rejected, opened.today)?);
            ledger::append(&txn, postings).await?;
            award::save(&txn, vec![award.clone()]).await?;
            let data = json!({
                "partner": name(txn.ecosystem(), &award.partner),
                "currency_code": currency,
                "rejected_minor": minor,
            });
            let event = NewEvent::new("award.rejected", opened.resource)
                .because(reason_code)
                .noting(note)
                .for_partner(&award.partner);
            event::append(&txn, event.with(data));
            Ok(wire(opened.award, opened.buckets))
        })
        .await
}

/// Forgets the rejection whose journal was reversed. What of it the award does not come to any longer, or
/// is out of its hold, is brought to where it would be by now.
pub(crate) async fn forget(txn: &Txn, id: &AwardId, posting: i64) -> Result<(), Error> {
    let mut awards = record::lock_many::<Entity>(txn, [id.clone()]).await?;
    for award in &mut awards {
        if let Some(rulings) = &mut award.rulings {
            rulings.forget(posting);
        }
        ruled::rule(award);
    }
    award::save(txn, awards).await?;
    settled_anew(txn, std::slice::from_ref(id)).await?;
    Ok(())
}
