//! Between the wire and the rows: total functions outwards, one parser for each request inwards.

use data_encoding::HEXLOWER;
use trellis_api::incentive::v1 as pb;
use trellis_api::{Field, Fields, money, name, time};
use trellis_core::{
    AwardId, BatchId, Currency, EcosystemId, Money, PageQuery, PartnerId, PayoutItemId,
};
use trellis_store::incentive::payout_batch::{Model, State};
use trellis_store::incentive::payout_item::{self, BlockReason, State as ItemState};
use trellis_store::incentive::payout_line;

use super::batches::Create;
use super::moves::{Move, Settle, TakeBack};

/// What lists of batches filter and order by.
const FIELDS: &[Field] = &[
    Field::state("state", "STATE", STATES),
    Field::text("currency_code"),
    Field::text("creator"),
    Field::text("submitter"),
    Field::text("approver"),
    Field::time("send_time"),
    Field::time("settle_time"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

const STATES: &[&str] = &[
    "DRAFT",
    "SUBMITTED",
    "APPROVED",
    "SENT",
    "SETTLED",
    "CANCELLED",
];

/// What lists of items filter by.
const ITEM_FIELDS: &[Field] = &[
    Field::state("state", "STATE", ITEM_STATES),
    Field::state("block_reason", "BLOCK_REASON", BLOCK_REASONS),
    Field::id::<PartnerId>("partner"),
];

const ITEM_STATES: &[&str] = &["READY", "BLOCKED", "SENT", "SETTLED", "CANCELLED"];

const BLOCK_REASONS: &[&str] = &["PARTNER_SUSPENDED", "BELOW_MINIMUM"];

/// What lists of lines filter by.
const LINE_FIELDS: &[Field] = &[
    Field::id::<PartnerId>("partner"),
    Field::id::<AwardId>("award"),
];

/// A batch on the wire.
pub(super) fn wire(batch: Model) -> pb::PayoutBatch {
    let Model {
        ecosystem,
        id,
        currency,
        minimum_minor,
        partners,
        cut_off_time,
        state,
        gross_minor,
        set_off_minor,
        net_minor,
        item_count,
        blocked_item_count,
        is_full,
        content_hash,
        creator,
        submitter,
        approver,
        submit_time,
        approve_time,
        send_time,
        settle_time,
        cancel_time,
        version,
        create_time,
        update_time,
    } = batch;
    let amount = |minor| Some(money::wire(Money::new(minor, currency)));
    pb::PayoutBatch {
        name: name(&ecosystem, &id),
        currency_code: currency.code().to_owned(),
        minimum_amount: amount(minimum_minor),
        partners: partners
            .0
            .iter()
            .map(|partner| name(&ecosystem, partner))
            .collect(),
        cut_off_time: cut_off_time.map(time::wire),
        state: wire_state(state).into(),
        gross_amount: amount(gross_minor),
        set_off_amount: amount(set_off_minor),
        net_amount: amount(net_minor),
        item_count: counted(item_count),
        blocked_item_count: counted(blocked_item_count),
        full: is_full,
        content_hash: HEXLOWER.encode(&content_hash),
        creator: creator.to_string(),
        submitter: submitter.map(String::from).unwrap_or_default(),
        approver: approver.map(String::from).unwrap_or_default(),
        submit_time: submit_time.map(time::wire),
        approve_time: approve_time.map(time::wire),
        send_time: send_time.map(time::wire),
        settle_time: settle_time.map(time::wire),
        cancel_time: cancel_time.map(time::wire),
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        etag: trellis_api::Etag::of(version).to_string(),
    }
}

fn wire_state(state: State) -> pb::payout_batch::State {
    match state {
        State::Draft => pb::payout_batch::State::Draft,
        State::Submitted => pb::payout_batch::State::Submitted,
        State::Approved => pb::payout_batch::State::Approved,
        State::Sent => pb::payout_batch::State::Sent,
        State::Settled => pb::payout_batch::State::Settled,
        State::Cancelled => pb::payout_batch::State::Cancelled,
    }
}

/// Counts of a batch are bounded by what a batch may hold.
fn counted(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The name of an item.
pub(super) fn item_name(ecosystem: &EcosystemId, batch: &BatchId, partner: &PartnerId) -> String {
    format!("{}/items/{partner}", name(ecosystem, batch))
}

/// An item on the wire.
pub(super) fn wire_item(item: payout_item::Model, currency: Currency) -> pb::PayoutItem {
    let payout_item::Model {
        ecosystem,
        batch,
        partner,
        state,
        block_reason,
        gross_minor,
        set_off_minor,
        net_minor,
        send_time,
        settle_time,
        bank_reason_code,
        update_time,
    } = item;
    let amount = |minor| Some(money::wire(Money::new(minor, currency)));
    pb::PayoutItem {
        name: item_name(&ecosystem, &batch, &partner),
        partner: name(&ecosystem, &partner),
        state: wire_item_state(state).into(),
        block_reason: block_reason
            .map_or(pb::payout_item::BlockReason::Unspecified, wire_block_reason)
            .into(),
        gross_amount: amount(gross_minor),
        set_off_amount: amount(set_off_minor),
        net_amount: amount(net_minor),
        send_time: send_time.map(time::wire),
        settle_time: settle_time.map(time::wire),
        bank_reason_code: bank_reason_code.unwrap_or_default(),
        update_time: Some(time::wire(update_time)),
    }
}

fn wire_item_state(state: ItemState) -> pb::payout_item::State {
    match state {
        ItemState::Ready => pb::payout_item::State::Ready,
        ItemState::Blocked => pb::payout_item::State::Blocked,
        ItemState::Sent => pb::payout_item::State::Sent,
        ItemState::Settled => pb::payout_item::State::Settled,
        ItemState::Cancelled => pb::payout_item::State::Cancelled,
        ItemState::Failed => pb::payout_item::State::Failed,
        ItemState::Returned => pb::payout_item::State::Returned,
    }
}

fn wire_block_reason(reason: BlockReason) -> pb::payout_item::BlockReason {
    match reason {
        BlockReason::PartnerSuspended => pb::payout_item::BlockReason::PartnerSuspended,
        BlockReason::BelowMinimum => pb::payout_item::BlockReason::BelowMinimum,
    }
}

/// A line on the wire.
pub(super) fn wire_line(line: payout_line::Model, currency: Currency) -> pb::PayoutLine {
    let payout_line::Model {
        ecosystem,
        batch,
        partner,
        award,
        gross_minor,
        set_off_minor,
        recovered_minor,
    } = line;
    let amount = |minor| Some(money::wire(Money::new(minor, currency)));
    pb::PayoutLine {
        item: item_name(&ecosystem, &batch, &partner),
        award: name(&ecosystem, &award),
        gross_amount: amount(gross_minor),
        set_off_amount: amount(set_off_minor),
        recovered_amount: amount(recovered_minor),
        net_amount: amount(gross_minor - set_off_minor),
    }
}

pub(super) fn create(request: pb::CreateBatchRequest, fields: &mut Fields) -> Option<Create> {
    let id = fields.new_id::<BatchId>("batch_id", &request.batch_id);
    let batch = fields.required("batch", request.batch)?;
    let currency = fields.currency("batch.currency_code", &batch.currency_code);
    let minimum = fields.optional_money("batch.minimum_amount", batch.minimum_amount);
    let partners = fields.ids("batch.partners", &batch.partners);
    let cut_off_time = fields.optional_time("batch.cut_off_time", batch.cut_off_time);
    let (currency, minimum) = (currency?, minimum?);
    let minimum = minimum.unwrap_or(Money::zero(currency));
    if minimum.currency != currency {
        let description = format!("must be in {currency}, the currency of the batch");
        fields.refuse(
            "batch.minimum_amount.currency_code",
            "money.currency",
            description,
        );
    }
    if minimum.minor < 0 {
        fields.refuse(
            "batch.minimum_amount.units",
            "money.gte",
            "must not be below zero",
        );
    }
    Some(Create {
        id: id?,
        currency,
        minimum_minor: minimum.minor,
        partners: partners?,
        cut_off_time: cut_off_time?,
    })
}

pub(super) fn get(request: pb::GetBatchRequest, fields: &mut Fields) -> Option<BatchId> {
    fields.id("name", &request.name)
}

pub(super) fn list(request: pb::ListBatchesRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(super) fn list_items(
    request: pb::ListItemsRequest,
    fields: &mut Fields,
) -> Option<(BatchId, PageQuery)> {
    let batch = fields.id("parent", &request.parent);
    let query = fields.page(&request, ITEM_FIELDS);
    Some((batch?, query?))
}

pub(super) fn list_lines(
    request: pb::ListLinesRequest,
    fields: &mut Fields,
) -> Option<(BatchId, PageQuery)> {
    let batch = fields.id("parent", &request.parent);
    let query = fields.page(&request, LINE_FIELDS);
    Some((batch?, query?))
}

pub(super) fn submit(request: pb::SubmitBatchRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn approve(request: pb::ApproveBatchRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn cancel(request: pb::CancelBatchRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn send(request: pb::SendBatchRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn settle(request: pb::SettleItemsRequest, fields: &mut Fields) -> Option<Settle> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let mut items = Vec::with_capacity(request.items.len());
    for (at, item) in request.items.iter().enumerate() {
        let field = format!("items[{at}]");
        let read = fields.child::<BatchId, PayoutItemId>(&field, item);
        let (Some((batch, item)), Some(on)) = (read, &on) else {
            continue;
        };
        if batch != on.id {
            fields.refuse(
                &field,
                "resource_name",
                format!("must be an item of {}", request.name),
            );
        }
        let partner = PartnerId::try_new(item.as_str());
        if partner.is_err() {
            fields.refuse(&field, "resource_name", "must end with the id of a partner");
        }
        items.extend(partner);
    }
    Some(Settle { on: on?, items })
}

pub(super) fn fail(request: pb::FailItemRequest, fields: &mut Fields) -> Option<TakeBack> {
    let pb::FailItemRequest {
        name,
        etag,
        reason_code,
        note,
        ..
    } = request;
    taking_back(fields, &name, &etag, reason_code, note)
}

pub(super) fn come_back(request: pb::ReturnItemRequest, fields: &mut Fields) -> Option<TakeBack> {
    let pb::ReturnItemRequest {
        name,
        etag,
        reason_code,
        note,
        ..
    } = request;
    taking_back(fields, &name, &etag, reason_code, note)
}

fn taking_back(
    fields: &mut Fields,
    name: &str,
    etag: &str,
    reason_code: String,
    note: String,
) -> Option<TakeBack> {
    let read = fields.child::<BatchId, PayoutItemId>("name", name);
    let etag = fields.etag("etag", etag);
    let (id, item) = read?;
    let Ok(partner) = PartnerId::try_new(item.as_str()) else {
        fields.refuse("name", "resource_name", "must end with the id of a partner");
        return None;
    };
    Some(TakeBack {
        on: Move {
            id,
            etag: etag?,
            note,
        },
        partner,
        reason_code,
    })
}

fn moving(fields: &mut Fields, name: &str, etag: &str, note: String) -> Option<Move> {
    let id = fields.id("name", name);
    let etag = fields.etag("etag", etag);
    Some(Move {
        id: id?,
        etag: etag?,
        note,
    })
}
