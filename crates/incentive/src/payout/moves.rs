//! The moves of a batch: submitting, approving, cancelling, sending, settling, and what the bank does not
//! pay or returns.
//!
//! Every move but the approval locks the batch first and the partners after it; the approval is one
//! guarded statement.

use std::collections::{HashMap, HashSet};
use std::iter;

use serde_json::json;
use trellis_api::incentive::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::access::{Refused, rules};
use trellis_core::lifecycle::Named;
use trellis_core::{BatchId, Call, Currency, Date, Money, PartnerId, Problem, Written};
use trellis_store::event::{self, NewEvent};
use trellis_store::incentive::ledger::{self, Posting, Rejected, due};
use trellis_store::incentive::payout_batch::{self, Model, State};
use trellis_store::incentive::payout_item::{self, BlockReason, State as ItemState};
use trellis_store::incentive::payout_line;
use trellis_store::{Store, Txn, record};

use super::allocation::Line;
use super::batches::{absent, told};
use super::convert::{item_name, wire};
use super::lifecycle::{self, ItemVerb, Verb};
use super::postings::Item;
use crate::Error;
use crate::limit::within_limit;
use crate::today::today;

/// Which batch is moved, as the caller has read it.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) id: BatchId,
    pub(super) etag: Etag,
    pub(super) note: String,
}

/// Which items of a batch the bank has confirmed; none named means all that are sent.
#[derive(Clone, Debug)]
pub(super) struct Settle {
    pub(super) on: Move,
    pub(super) items: Vec<PartnerId>,
}

/// Which item of a batch the bank has not paid, or has returned, and why.
#[derive(Clone, Debug)]
pub(super) struct TakeBack {
    pub(super) on: Move,
    pub(super) partner: PartnerId,
    pub(super) reason_code: String,
}

/// Submits a batch.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub(super) async fn submit(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::PayoutBatch>, Error> {
    store
        .write(call, on, |txn, on| async move {
            let mut step = Step::begin(&txn, &on, Verb::Submit).await?;
            step.batch.submitter = Some(txn.signatory().clone());
            step.batch.submit_time = Some(txn.now());
            step.finish(&txn, on.note, "payout_batch.submitted").await
        })
        .await
}

/// Approves a batch, as the second person.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`, `FOUR_EYES`, `APPROVAL_LIMIT`.
pub(super) async fn approve(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::PayoutBatch>, Error> {
    store
        .write(call, on, |txn, Move { id, etag, note }| async move {
            // The statement decides by itself; what is read afterwards only tells what it did.
            let approved = payout_batch::approve(&txn, &id, etag.version()).await?;
            let batch = record::find::<payout_batch::Entity>(&txn, &id)
                .await?
                .ok_or_else(|| absent(&txn, &id))?;
            let resource = name(txn.ecosystem(), &id);
            if !approved {
                etag.check(batch.version, &resource)?;
                lifecycle::moved(batch.state, Verb::Approve, &resource)?;
                let preparers = iter::once(&batch.creator).chain(&batch.submitter);
                if rules::is_second_person(txn.person(), preparers) {
                    // Somebody moved it between the statement and the look at what it did.
                    return Err(trellis_store::Error::Contended.into());
                }
                let actor = txn.signatory().clone();
                return Err(Refused::FourEyes { resource, actor }.into());
            }
            let amount = Money::new(batch.net_minor, batch.currency);
            within_limit(&txn, &resource, amount)?;
            event::was(&txn, wire(before_approval(batch.clone())));
            let event = NewEvent::new("payout_batch.approved", resource);
            event::append(&txn, event.noting(note).with(told(&batch)));
            Ok(wire(batch))
        })
        .await
}

/// What a batch was before it was approved.
fn before_approval(batch: Model) -> Model {
    Model {
        state: State::Submitted,
        approver: None,
        approve_time: None,
        ..batch
    }
}

/// Cancels a batch.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub(super) async fn cancel(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::PayoutBatch>, Error> {
    store
        .write(call, on, |txn, on| async move {
            let mut step = Step::begin(&txn, &on, Verb::Cancel).await?;
            let ready = payout_item::in_state(&txn, &on.id, ItemState::Ready).await?;
            let items = Items::of(&txn, &step.batch, ready).await?;
            let postings = items.cancellations(&txn, &items.partners()).await?;
            ledger::append(&txn, postings).await?;
            items
                .make(&txn, &items.partners(), ItemVerb::Cancel, None)
                .await?;
            step.batch.cancel_time = Some(txn.now());
            step.finish(&txn, on.note, "payout_batch.cancelled").await
        })
        .await
}

/// Sends a batch. Partners who were suspended in the meantime are left out.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub(super) async fn send(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::PayoutBatch>, Error> {
    store
        .write(call, on, |txn, on| async move {
            let mut step = Step::begin(&txn, &on, Verb::Send).await?;
            let ready = payout_item::in_state(&txn, &on.id, ItemState::Ready).await?;
            let items = Items::of(&txn, &step.batch, ready).await?;
            let suspended = due::suspended(&txn).await?;
            let (blocked, sent): (Vec<PartnerId>, Vec<PartnerId>) = items
                .partners()
                .into_iter()
                .partition(|partner| suspended.contains(partner));
            let mut postings = items.cancellations(&txn, &blocked).await?;
            postings.extend(items.postings(&sent, |item| item.send())?);
            ledger::append(&txn, postings).await?;
            let reason = BlockReason::PartnerSuspended;
            items
                .make(&txn, &blocked, ItemVerb::Block, Some(reason))
                .await?;
            items.make(&txn, &sent, ItemVerb::Send, None).await?;
            items.leave_out(&mut step.batch, &blocked);
            step.batch.state = lifecycle::after_sending(!sent.is_empty());
            let kind = if sent.is_empty() {
                step.batch.cancel_time = Some(txn.now());
                "payout_batch.cancelled"
            } else {
                step.batch.send_time = Some(txn.now());
                "payout_batch.sent"
            };
            step.finish(&txn, on.note, kind).await
        })
        .await
}

/// Settles items of a batch.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub(super) async fn settle(
    store: &Store,
    call: Call,
    settle: Settle,
) -> Result<Written<pb::PayoutBatch>, Error> {
    store
        .write(
            call,
            settle,
            |txn, Settle { on, items: named }| async move {
                let mut step = Step::begin(&txn, &on, Verb::Settle).await?;
                let sent = payout_item::in_state(&txn, &on.id, ItemState::Sent).await?;
                let items = Items::of(&txn, &step.batch, sent).await?;
                let all = items.partners();
                let settled = if named.is_empty() { all.clone() } else { named };
                refuse_others(&txn, &on.id, &settled, &all).await?;
                ledger::append(&txn, items.postings(&settled, |item| item.settle())?).await?;
                items.make(&txn, &settled, ItemVerb::Settle, None).await?;
                step.batch.state = lifecycle::after_settling(settled.len() < all.len());
                let kind = if step.batch.state == State::Settled {
                    step.batch.settle_time = Some(txn.now());
                    "payout_batch.settled"
                } else {
                    "payout_batch.items_settled"
                };
                step.settled = Some(settled.len());
                step.finish(&txn, on.note, kind).await
            },
        )
        .await
}

/// Takes back an item that the bank has not paid: it is due again.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub(super) async fn fail(
    store: &Store,
    call: Call,
    fail: TakeBack,
) -> Result<Written<pb::PayoutBatch>, Error> {
    store
        .write(call, fail, |txn, fail| async move {
            let mut step = Step::begin(&txn, &fail.on, Verb::Fail).await?;
            take_back(&txn, &step.batch, &fail, ItemVerb::Fail).await?;
            let left = payout_item::in_state(&txn, &fail.on.id, ItemState::Sent).await?;
            step.batch.state = lifecycle::after_settling(!left.is_empty());
            if step.batch.state == State::Settled {
                step.batch.settle_time = Some(txn.now());
            }
            step.finish(&txn, fail.on.note, "payout_batch.item_failed")
                .await
        })
        .await
}

/// Takes back an item that the bank has paid and returned: it is due again.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub(super) async fn come_back(
    store: &Store,
    call: Call,
    returned: TakeBack,
) -> Result<Written<pb::PayoutBatch>, Error> {
    store
        .write(call, returned, |txn, returned| async move {
            let step = Step::begin(&txn, &returned.on, Verb::Return).await?;
            take_back(&txn, &step.batch, &returned, ItemVerb::Return).await?;
            step.finish(&txn, returned.on.note, "payout_batch.item_returned")
                .await
        })
        .await
}

/// Posts what is taken back, and moves its item. The name of a batch is the vendor's: its partner reads of
/// it in its statement.
async fn take_back(
    txn: &Txn,
    batch: &Model,
    taken: &TakeBack,
    verb: ItemVerb,
) -> Result<(), Error> {
    let TakeBack {
        on,
        partner,
        reason_code,
    } = taken;
    let resource = item_name(txn.ecosystem(), &on.id, partner);
    let item = payout_item::find(txn, &on.id, partner).await?;
    let item = item.ok_or_else(|| Problem::NotFound {
        resource: resource.clone(),
    })?;
    let from = item.state;
    let to = lifecycle::item_moved(from, verb, &resource)?;
    let net_minor = item.net_minor;
    let items = Items::of(txn, batch, vec![item]).await?;
    let (posting, kind) = match verb {
        ItemVerb::Return => (items.item(partner).come_back()?, "payout_item.returned"),
        _ => (items.item(partner).fail()?, "payout_item.failed"),
    };
    ledger::append(txn, vec![posting]).await?;
    payout_item::take_back(txn, &on.id, partner, (from, to), reason_code).await?;
    let data = json!({
        "partner": name(txn.ecosystem(), partner),
        "currency_code": batch.currency,
        "amount_minor": net_minor,
        "from": from.name(),
        "to": to.name(),
    });
    let event = NewEvent::new(kind, resource)
        .because(reason_code.as_str())
        .noting(on.note.clone());
    event::append(txn, event.with(data));
    Ok(())
}

/// Refuses what is to be settled and is not sent: it may not be there, or stand elsewhere.
async fn refuse_others(
    txn: &Txn,
    batch: &BatchId,
    settled: &[PartnerId],
    sent: &[PartnerId],
) -> Result<(), Error> {
    let sent: HashSet<&PartnerId> = sent.iter().collect();
    let Some(other) = settled.iter().find(|partner| !sent.contains(partner)) else {
        return Ok(());
    };
    let resource = item_name(txn.ecosystem(), batch, other);
    match payout_item::find(txn, batch, other).await? {
        Some(item) => {
            lifecycle::item_moved(item.state, ItemVerb::Settle, &resource)?;
            Err(trellis_store::Error::Contended.into())
        }
        None => Err(Problem::NotFound { resource }.into()),
    }
}

/// One move of a batch that is locked.
struct Step {
    from: State,
    batch: Model,
    settled: Option<usize>,
}

impl Step {
    /// Locks the batch at the version that the caller has read, and moves it.
    async fn begin(txn: &Txn, on: &Move, verb: Verb) -> Result<Self, Error> {
        let mut batch = record::lock::<payout_batch::Entity>(txn, &on.id)
            .await?
            .ok_or_else(|| absent(txn, &on.id))?;
        let resource = name(txn.ecosystem(), &on.id);
        on.etag.check(batch.version, &resource)?;
        event::was(txn, wire(batch.clone()));
        let from = batch.state;
        batch.state = lifecycle::moved(from, verb, &resource)?;
        Ok(Self {
            from,
            batch,
            settled: None,
        })
    }

    /// Writes the batch back and reports the move.
    async fn finish(
        self,
        txn: &Txn,
        note: String,
        kind: &'static str,
    ) -> Result<pb::PayoutBatch, Error> {
        let Self {
            from,
            batch,
            settled,
        } = self;
        let batch = record::update::<payout_batch::Entity>(txn, batch).await?;
        let mut data = told(&batch);
        if let Some(data) = data.as_object_mut() {
            data.insert("from".to_owned(), from.name().into());
            if let Some(settled) = settled {
                data.insert("settled_item_count".to_owned(), settled.into());
            }
        }
        let event = NewEvent::new(kind, name(txn.ecosystem(), &batch.id));
        event::append(txn, event.noting(note).with(data));
        Ok(wire(batch))
    }
}

/// Items of a batch with their lines.
struct Items {
    batch: BatchId,
    currency: Currency,
    date: Date,
    items: Vec<payout_item::Model>,
    lines: HashMap<PartnerId, Vec<Line>>,
}

impl Items {
    async fn of(txn: &Txn, batch: &Model, items: Vec<payout_item::Model>) -> Result<Self, Error> {
        let mut lines: HashMap<PartnerId, Vec<Line>> = HashMap::new();
        for line in payout_line::all(txn, &batch.id).await? {
            let payout_line::Model {
                ecosystem: _,
                batch: _,
                partner,
                award,
                gross_minor: gross,
                set_off_minor: set_off,
                recovered_minor: recovered,
            } = line;
            lines.entry(partner).or_default().push(Line {
                award,
                gross,
                set_off,
                recovered,
            });
        }
        let (date, currency) = (today(txn).await?, batch.currency);
        Ok(Self {
            batch: batch.id.clone(),
            currency,
            date,
            items,
            lines,
        })
    }

    fn partners(&self) -> Vec<PartnerId> {
        self.items.iter().map(|item| item.partner.clone()).collect()
    }

    fn item<'b>(&'b self, partner: &'b PartnerId) -> Item<'b> {
        let lines = self.lines.get(partner).map_or(&[][..], Vec::as_slice);
        Item {
            batch: &self.batch,
            partner,
            currency: self.currency,
            lines,
            date: self.date,
        }
    }

    fn postings(
        &self,
        partners: &[PartnerId],
        post: impl Fn(&Item<'_>) -> Result<Posting, Rejected>,
    ) -> Result<Vec<Posting>, Error> {
        let postings = partners.iter().map(|partner| post(&self.item(partner)));
        Ok(postings.collect::<Result<_, Rejected>>()?)
    }

    /// The inverses of what was reserved for some partners.
    async fn cancellations(
        &self,
        txn: &Txn,
        partners: &[PartnerId],
    ) -> Result<Vec<Posting>, Error> {
        let keys: Vec<_> = partners
            .iter()
            .map(|partner| self.item(partner).reservation_key())
            .collect();
        let mut journals = ledger::posted(txn, &keys).await?;
        let mut postings = Vec::with_capacity(partners.len());
        for (partner, key) in partners.iter().zip(&keys) {
            let journal = journals
                .remove(key)
                .ok_or_else(|| trellis_store::Error::Corrupt {
                    table: "ledger_journals",
                    what: format!("{key} was never posted"),
                })?;
            postings.push(self.item(partner).cancel(journal)?);
        }
        Ok(postings)
    }

    async fn make(
        &self,
        txn: &Txn,
        partners: &[PartnerId],
        verb: ItemVerb,
        reason: Option<BlockReason>,
    ) -> Result<(), Error> {
        let Some(from) = self.items.first().map(|item| item.state) else {
            return Ok(());
        };
        let to = lifecycle::item_moved(from, verb, &name(txn.ecosystem(), &self.batch))?;
        Ok(payout_item::make(txn, &self.batch, partners, (from, to), reason).await?)
    }

    /// Takes what some partners are not paid out of the totals of the batch.
    fn leave_out(&self, batch: &mut Model, partners: &[PartnerId]) {
        let partners: HashSet<&PartnerId> = partners.iter().collect();
        for item in self
            .items
            .iter()
            .filter(|item| partners.contains(&item.partner))
        {
            batch.gross_minor -= item.gross_minor;
            batch.set_off_minor -= item.set_off_minor;
            batch.net_minor -= item.net_minor;
            batch.item_count -= 1;
            batch.blocked_item_count += 1;
        }
    }
}
