//! Adjusting awards: so much more or less of one is due, for a reason that no fact tells.

use serde_json::json;
use trellis_api::incentive::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::access::{Refused, rules};
use trellis_core::{Actor, AwardId, Call, Money, Written};
use trellis_evaluation::kernel::posting;
use trellis_store::event::{self, NewEvent};
use trellis_store::incentive::award::{self, Model, RulingKind};
use trellis_store::incentive::ledger;
use trellis_store::{Store, Txn};

use super::convert::wire;
use super::opened::Opened;
use super::{postings, ruled};
use crate::Error;
use crate::limit::within_limit;

/// Which award is adjusted, by how much, and why.
#[derive(Clone, Debug)]
pub(crate) struct Adjust {
    pub(crate) id: AwardId,
    pub(crate) etag: Etag,
    pub(crate) amount: Money,
    pub(crate) reason_code: String,
    pub(crate) note: String,
}

/// The most of an award that may be due because something is added to it, in minor units: what is computed
/// with it fits.
const LARGEST_MINOR: i64 = 10_000_000_000_000_000;

/// Adjusts an award. What is added waits for approval by somebody else; what is taken off is taken as a
/// clawback takes it.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `INVALID_FIELDS`, `AMOUNT_NOT_AVAILABLE`, `APPROVAL_LIMIT`,
/// `TOO_MANY_RULINGS`.
pub(crate) async fn adjust(
    store: &Store,
    call: Call,
    adjust: Adjust,
) -> Result<Written<pb::Award>, Error> {
    store
        .write(call, adjust, |txn, adjust| async move {
            let Adjust {
                id,
                etag,
                amount,
                reason_code,
                note,
            } = adjust;
            let mut opened = Opened::find(&txn, &id, etag).await?;
            let there = opened.buckets;
            let size = Money::new(amount.minor.saturating_abs(), amount.currency);
            let available = if amount.minor > 0 {
                (LARGEST_MINOR - there.due()).max(0)
            } else {
                there.due()
            };
            opened.amount(size, available)?;
            within_limit(&txn, &opened.resource, size)?;
            opened.rule(&txn, RulingKind::Adjusted, amount.minor, &reason_code)?;
            let moves = ruled::adjusted(&mut opened.award, &there);
            opened.buckets = posting::apply(&there, &moves);
            opened.touch(txn.now());
            let mut award = opened.award;
            let mut postings = Vec::new();
            if moves.delta() != 0 {
                award.posting_count += 1;
                postings.push(postings::of_adjustment(&award, &moves, opened.today)?);
            }
            ledger::append(&txn, postings).await?;
            award::save(&txn, vec![award.clone()]).await?;
            let data = json!({
                "partner": name(txn.ecosystem(), &award.partner),
                "currency_code": award.currency,
                "adjusted_minor": amount.minor,
                "delta_minor": moves.delta(),
            });
            let event = NewEvent::new("award.adjusted", opened.resource)
                .because(reason_code)
                .noting(note)
                .for_partner(&award.partner);
            event::append(&txn, event.with(data));
            Ok(wire(award, opened.buckets))
        })
        .await
}

/// Refuses whoever has added something to an award as its approver, and a system where somebody has.
///
/// # Errors
/// [`Refused::FourEyes`].
pub(super) fn seen_by_another(txn: &Txn, resource: &str, award: &Model) -> Result<(), Refused> {
    let prepared = award.rulings().iter();
    let prepared: Vec<&Actor> = prepared
        .filter_map(|ruling| ruling.prepared_by.as_ref())
        .collect();
    if prepared.is_empty() || rules::is_second_person(txn.person(), prepared) {
        return Ok(());
    }
    Err(Refused::FourEyes {
        resource: resource.to_owned(),
        actor: txn.signatory().clone(),
    })
}
