//! Creating, reading and listing batches.

use std::collections::HashMap;

use trellis_api::incentive::v1 as pb;
use trellis_api::name;
use trellis_core::lifecycle::Named;
use trellis_core::{
    AwardId, BatchId, Call, Currency, LedgerAccountId, Order, Page, PageQuery, PartnerId, Problem,
    Timestamp, Violation, Written,
};
use trellis_store::event::{self, NewEvent};
use trellis_store::incentive::ledger::due::{self, Due};
use trellis_store::incentive::ledger::{self, Account};
use trellis_store::incentive::payout_batch::{self, Model, Partners, State};
use trellis_store::incentive::payout_item::{self, BlockReason, State as ItemState};
use trellis_store::incentive::payout_line;
use trellis_store::partner::partner;
use trellis_store::{Store, Txn, View, lock, record};

use super::allocation::{Allocation, Slice, allocate};
use super::convert::{wire, wire_item, wire_line};
use super::postings::Item;
use super::selection::{AWARDS_MAX, Selection, is_worth, select};
use crate::Error;
use crate::today::today;

/// What a new batch pays, and to whom.
#[derive(Clone, Debug)]
pub(super) struct Create {
    pub(super) id: Option<BatchId>,
    pub(super) currency: Currency,
    pub(super) minimum_minor: i64,
    pub(super) partners: Vec<PartnerId>,
    pub(super) cut_off_time: Option<Timestamp>,
}

/// Creates a batch and reserves everything that it will pay.
///
/// # Errors
/// `INVALID_FIELDS` when the cut-off lies ahead; `RESOURCE_NOT_FOUND` when one of the partners does
/// not exist; `RESOURCE_EXISTS`; `NOTHING_PAYABLE`.
pub(super) async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::PayoutBatch>, Error> {
    store
        .write(call, create, |txn, create| async move {
            build(&txn, create).await
        })
        .await
}

async fn build(txn: &Txn, create: Create) -> Result<pb::PayoutBatch, Error> {
    let Create {
        id,
        currency,
        minimum_minor,
        partners,
        cut_off_time,
    } = create;
    passed(txn, cut_off_time)?;
    known(txn, &partners).await?;
    let id = id.unwrap_or_else(|| BatchId::generate(txn.now()));
    let resource = name(txn.ecosystem(), &id);

    // One batch of a currency is built at a time: the next one sees what this one has taken.
    lock::keys(txn, &[format!("payouts/{currency}")]).await?;
    let all = due::partners(txn, currency, &partners).await?;
    let mut selection = select(all, minimum_minor, &due::suspended(txn).await?);
    ledger::lock(txn, &selection.candidates).await?;
    let paid = decide(txn, currency, minimum_minor, cut_off_time, &mut selection).await?;
    if paid.is_empty() {
        return Err(Error::NothingPayable { resource });
    }
    let gross_minor = paid.iter().map(|(_, allocation)| allocation.gross).sum();
    let set_off_minor = paid.iter().map(|(_, allocation)| allocation.set_off).sum();
    let lines = lines(txn, &id, &paid);
    let batch = Model {
        ecosystem: txn.ecosystem().clone(),
        id: id.clone(),
        currency,
        minimum_minor,
        partners: Partners(partners),
        cut_off_time,
        state: State::Draft,
        gross_minor,
        set_off_minor,
        net_minor: gross_minor - set_off_minor,
        item_count: count(paid.len()),
        blocked_item_count: count(selection.blocked.len()),
        is_full: selection.full,
        content_hash: payout_line::content_hash(currency, &lines),
        creator: txn.signatory().clone(),
        submitter: None,
        approver: None,
        submit_time: None,
        approve_time: None,
        send_time: None,
        settle_time: None,
        cancel_time: None,
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    };
    let batch = record::insert::<payout_batch::Entity>(txn, batch)
        .await
        .map_err(|error| exists(error, &resource))?;
    let items = items(txn, &id, &paid, &selection);
    record::insert_many::<payout_item::Entity>(txn, items).await?;
    record::insert_many::<payout_line::Entity>(txn, lines).await?;
    reserve(txn, &id, currency, &paid).await?;
    event::append(
        txn,
        NewEvent::new("payout_batch.created", resource).with(told(&batch)),
    );
    Ok(wire(batch))
}

/// What events say of a batch.
pub(super) fn told(batch: &Model) -> serde_json::Value {
    serde_json::json!({
        "state": batch.state.name(),
        "currency_code": batch.currency,
        "net_minor": batch.net_minor,
        "item_count": batch.item_count,
    })
}

/// A cut-off is a moment that is known: what will be payable by a later one is not.
fn passed(txn: &Txn, cut_off_time: Option<Timestamp>) -> Result<(), Problem> {
    match cut_off_time {
        Some(time) if time > txn.now() => Err(Problem::Invalid(vec![Violation::new(
            "batch.cut_off_time",
            "timestamp.lte_now",
            format!(
                "must not be after {}, the time in this ecosystem",
                txn.now()
            ),
        )])),
        Some(_) | None => Ok(()),
    }
}

/// Checks that all partners that were named exist.
async fn known(txn: &Txn, partners: &[PartnerId]) -> Result<(), Error> {
    let found = record::find_many::<partner::Entity>(txn, partners.iter().cloned()).await?;
    match partners
        .iter()
        .find(|id| !found.iter().any(|partner| partner.id == **id))
    {
        Some(absent) => Err(Problem::NotFound {
            resource: name(txn.ecosystem(), absent),
        }
        .into()),
        None => Ok(()),
    }
}

/// Decides what the candidates are paid, award by award, as long as there is room.
async fn decide(
    txn: &Txn,
    currency: Currency,
    minimum: i64,
    cut_off_time: Option<Timestamp>,
    selection: &mut Selection,
) -> Result<Vec<(PartnerId, Allocation)>, Error> {
    /// Partners whose awards are read together.
    const CHUNK: usize = 50;
    let mut paid = Vec::new();
    let mut room = AWARDS_MAX;
    let candidates = std::mem::take(&mut selection.candidates);
    for chunk in candidates.chunks(CHUNK) {
        let mut open = Open::read(txn, currency, chunk, room).await?;
        for partner in chunk {
            let Some(slices) = open.take(partner, paid.is_empty()) else {
                selection.full = true;
                return Ok(paid);
            };
            let payable = match cut_off_time {
                Some(time) => until(txn, partner, currency, slices.payable, time).await?,
                None => slices.payable,
            };
            let allocation = allocate(&payable, &slices.owed);
            if !is_worth(allocation.net(), minimum) {
                let (payable, owed) = (allocation.gross, allocation.set_off);
                if payable > 0 {
                    let due = Due {
                        partner: partner.clone(),
                        payable,
                        owed,
                    };
                    selection.block(due, BlockReason::BelowMinimum);
                }
                continue;
            }
            if allocation.lines.len() > room && !paid.is_empty() {
                selection.full = true;
                return Ok(paid);
            }
            selection.full |= slices.cut;
            room = room.saturating_sub(allocation.lines.len());
            paid.push((partner.clone(), allocation));
        }
    }
    Ok(paid)
}

/// What a partner has open.
#[derive(Debug, Default)]
struct Slices {
    payable: Vec<Slice>,
    owed: Vec<Slice>,
    /// Whether there was no room for all of what is payable.
    cut: bool,
}

/// What some partners have open, as far as it was read.
struct Open {
    currency: Currency,
    payable: HashMap<LedgerAccountId, Vec<Slice>>,
    owed: HashMap<LedgerAccountId, Vec<Slice>>,
    /// The last account that was read, if not all of them could be.
    cut: Option<LedgerAccountId>,
}

impl Open {
    async fn read(
        txn: &Txn,
        currency: Currency,
        partners: &[PartnerId],
        room: usize,
    ) -> Result<Self, Error> {
        let ids = |account: fn(&PartnerId, Currency) -> Account| -> Vec<LedgerAccountId> {
            partners
                .iter()
                .map(|partner| account(partner, currency).id().clone())
                .collect()
        };
        let mut payable = Vec::new();
        let limit = u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1);
        for slice in due::payable_slices(txn, &ids(Account::payable), limit).await? {
            let minor = slice.credit_minor - slice.debit_minor;
            payable.push((
                slice.account,
                Slice {
                    award: slice.award,
                    minor,
                },
            ));
        }
        let mut cut = None;
        if payable.len() > room {
            // The one beyond the room only tells that there is more.
            payable.pop();
            cut = payable.last().map(|(account, _)| account.clone());
        }
        let mut owed = Vec::new();
        for slice in due::open_slices(txn, &ids(Account::receivable)).await? {
            let minor = slice.debit_minor - slice.credit_minor;
            owed.push((
                slice.account,
                Slice {
                    award: slice.award,
                    minor,
                },
            ));
        }
        Ok(Self {
            currency,
            payable: by_account(payable),
            owed: by_account(owed),
            cut,
        })
    }

    /// What a partner has open. Nothing, if not all of it was read; but of the first one of a batch
    /// as much as was read, because waiting for more room would be in vain.
    fn take(&mut self, partner: &PartnerId, first: bool) -> Option<Slices> {
        let account = Account::payable(partner, self.currency).id().clone();
        let payable = self.payable.remove(&account);
        let cut = self.cut.as_ref() == Some(&account);
        if (cut && !first) || (payable.is_none() && self.cut.is_some()) {
            return None;
        }
        let owed = self
            .owed
            .remove(Account::receivable(partner, self.currency).id());
        Some(Slices {
            payable: payable.unwrap_or_default(),
            owed: owed.unwrap_or_default(),
            cut,
        })
    }
}

fn by_account(slices: Vec<(LedgerAccountId, Slice)>) -> HashMap<LedgerAccountId, Vec<Slice>> {
    let mut accounts: HashMap<LedgerAccountId, Vec<Slice>> = HashMap::new();
    for (account, slice) in slices {
        accounts.entry(account).or_default().push(slice);
    }
    accounts
}

/// What of the payable slices had become payable by a time: no more than was payable then, and no
/// more than still is.
async fn until(
    txn: &Txn,
    partner: &PartnerId,
    currency: Currency,
    payable: Vec<Slice>,
    time: Timestamp,
) -> Result<Vec<Slice>, Error> {
    let account = Account::payable(partner, currency);
    let awards: Vec<AwardId> = payable.iter().map(|slice| slice.award.clone()).collect();
    let had = due::slices_as_of(txn, account.id(), &awards, time).await?;
    Ok(payable
        .into_iter()
        .filter_map(|Slice { award, minor }| {
            let minor = minor.min(had.get(&award).copied().unwrap_or(0));
            (minor > 0).then_some(Slice { award, minor })
        })
        .collect())
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn items(
    txn: &Txn,
    batch: &BatchId,
    paid: &[(PartnerId, Allocation)],
    selection: &Selection,
) -> Vec<payout_item::Model> {
    let item = |partner: &PartnerId, state, block_reason, gross_minor: i64, set_off_minor: i64| {
        payout_item::Model {
            ecosystem: txn.ecosystem().clone(),
            batch: batch.clone(),
            partner: partner.clone(),
            state,
            block_reason,
            gross_minor,
            set_off_minor,
            net_minor: gross_minor - set_off_minor,
            send_time: None,
            settle_time: None,
            bank_reason_code: None,
            update_time: txn.now(),
        }
    };
    let ready = paid.iter().map(|(partner, allocation)| {
        item(
            partner,
            ItemState::Ready,
            None,
            allocation.gross,
            allocation.set_off,
        )
    });
    let blocked = selection.blocked.iter().map(|(due, reason)| {
        let set_off = due.owed.min(due.payable);
        item(
            &due.partner,
            ItemState::Blocked,
            Some(*reason),
            due.payable,
            set_off,
        )
    });
    ready.chain(blocked).collect()
}

fn lines(txn: &Txn, batch: &BatchId, paid: &[(PartnerId, Allocation)]) -> Vec<payout_line::Model> {
    let mut lines = Vec::new();
    for (partner, allocation) in paid {
        lines.extend(allocation.lines.iter().map(|line| payout_line::Model {
            ecosystem: txn.ecosystem().clone(),
            batch: batch.clone(),
            partner: partner.clone(),
            award: line.award.clone(),
            gross_minor: line.gross,
            set_off_minor: line.set_off,
            recovered_minor: line.recovered,
        }));
    }
    lines
}

async fn reserve(
    txn: &Txn,
    batch: &BatchId,
    currency: Currency,
    paid: &[(PartnerId, Allocation)],
) -> Result<(), Error> {
    let date = today(txn).await?;
    let mut postings = Vec::with_capacity(paid.len());
    for (partner, allocation) in paid {
        let item = Item {
            batch,
            partner,
            currency,
            lines: &allocation.lines,
            date,
        };
        postings.push(item.reserve()?);
    }
    ledger::append(txn, postings).await?;
    Ok(())
}

/// Gets a batch.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(super) async fn get(store: &Store, call: Call, id: BatchId) -> Result<pb::PayoutBatch, Error> {
    let view = store.read(&call).await?;
    Ok(wire(find(&view, &id).await?))
}

/// Lists batches.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another list.
pub(super) async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::PayoutBatch>, Error> {
    let view = store.read(&call).await?;
    let page = record::page::<payout_batch::Entity>(&view, query).await?;
    Ok(Page {
        rows: page.rows.into_iter().map(wire).collect(),
        next: page.next,
    })
}

/// Lists the items of a batch.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`; `INVALID_FIELDS` when the page token was made for another list.
pub(super) async fn list_items(
    store: &Store,
    call: Call,
    batch: &BatchId,
    query: &PageQuery,
) -> Result<Page<pb::PayoutItem>, Error> {
    let view = store.read(&call).await?;
    let currency = find(&view, batch).await?.currency;
    let page = payout_item::page(&view, batch, query).await?;
    let rows = page
        .rows
        .into_iter()
        .map(|item| wire_item(item, currency))
        .collect();
    Ok(Page {
        rows,
        next: page.next,
    })
}

/// Lists the lines of a batch, by partner and award.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`; `INVALID_FIELDS` when the page token was made for another list.
pub(super) async fn list_lines(
    store: &Store,
    call: Call,
    batch: &BatchId,
    mut query: PageQuery,
) -> Result<Page<pb::PayoutLine>, Error> {
    let view = store.read(&call).await?;
    let currency = find(&view, batch).await?.currency;
    query.order = vec![Order {
        field: "partner",
        descending: false,
    }];
    let page = payout_line::page(&view, batch, &query).await?;
    let rows = page
        .rows
        .into_iter()
        .map(|line| wire_line(line, currency))
        .collect();
    Ok(Page {
        rows,
        next: page.next,
    })
}

async fn find(view: &View, id: &BatchId) -> Result<Model, Error> {
    record::find::<payout_batch::Entity>(view, id)
        .await?
        .ok_or_else(|| absent(view, id))
}

pub(super) fn absent(view: &View, id: &BatchId) -> Error {
    Problem::NotFound {
        resource: name(view.ecosystem(), id),
    }
    .into()
}

fn exists(error: trellis_store::Error, resource: &str) -> Error {
    if matches!(error, trellis_store::Error::Exists { .. }) {
        Problem::Exists {
            resource: resource.to_owned(),
            field: "id".into(),
        }
        .into()
    } else {
        error.into()
    }
}
