//! The requests that move a deal, or record something about it.

use trellis_api::Fields;
use trellis_api::deal::v1 as pb;
use trellis_api::google::r#type as google;
use trellis_core::Money;

use super::stage;
use crate::deal::moves::{Advance, Lose, Move, Reopen, Win};
use crate::deal::records::{Record, What};
use crate::edit::{not_negative, some};

fn positive(fields: &mut Fields, field: &str, value: Option<google::Money>) -> Option<Money> {
    let amount = fields.money(field, value)?;
    if amount.minor <= 0 {
        fields.refuse(field, "money.gt_zero", "must be more than nothing");
        return None;
    }
    Some(amount)
}

pub(in crate::deal) fn advance(
    request: pb::AdvanceDealRequest,
    fields: &mut Fields,
) -> Option<Advance> {
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    let reason_code = some(request.reason_code);
    Some(Advance {
        on: Move { reason_code, ..on },
        stage: stage(request.stage)?,
    })
}

pub(in crate::deal) fn win(request: pb::WinDealRequest, fields: &mut Fields) -> Option<Win> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let amount = not_negative(fields, "amount", request.amount);
    let close_date = fields.optional_date("close_date", request.close_date);
    Some(Win {
        on: on?,
        amount: amount?,
        close_date: close_date?,
    })
}

pub(in crate::deal) fn lose(request: pb::LoseDealRequest, fields: &mut Fields) -> Option<Lose> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let close_date = fields.optional_date("close_date", request.close_date);
    let on = Move {
        reason_code: Some(request.reason_code),
        ..on?
    };
    Some(Lose {
        on,
        close_date: close_date?,
    })
}

pub(in crate::deal) fn reopen(
    request: pb::ReopenDealRequest,
    fields: &mut Fields,
) -> Option<Reopen> {
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    let on = Move {
        reason_code: Some(request.reason_code),
        ..on
    };
    Some(Reopen {
        on,
        stage: stage(request.stage),
    })
}

pub(in crate::deal) fn invoice(
    request: pb::RecordInvoiceRequest,
    fields: &mut Fields,
) -> Option<Record> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let amount = positive(fields, "amount", request.amount);
    let date = fields.optional_date("invoice_date", request.invoice_date);
    let external_id = request.external_id;
    Some(Record {
        on: on?,
        what: What::Invoice(amount?),
        external_id,
        date: date?,
    })
}

pub(in crate::deal) fn refund(
    request: pb::RecordRefundRequest,
    fields: &mut Fields,
) -> Option<Record> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let amount = positive(fields, "amount", request.amount);
    let date = fields.optional_date("refund_date", request.refund_date);
    let external_id = request.external_id;
    let on = Move {
        reason_code: Some(request.reason_code),
        ..on?
    };
    Some(Record {
        on,
        what: What::Refund(amount?),
        external_id,
        date: date?,
    })
}

pub(in crate::deal) fn churn(
    request: pb::RecordChurnRequest,
    fields: &mut Fields,
) -> Option<Record> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let date = fields.optional_date("churn_date", request.churn_date);
    let external_id = request.external_id;
    let on = Move {
        reason_code: Some(request.reason_code),
        ..on?
    };
    Some(Record {
        on,
        what: What::Churn,
        external_id,
        date: date?,
    })
}

/// Which deal is moved, at which version.
pub(super) fn moving(fields: &mut Fields, name: &str, etag: &str, note: String) -> Option<Move> {
    let id = fields.id("name", name);
    let etag = fields.etag("etag", etag);
    Some(Move {
        id: id?,
        etag: etag?,
        reason_code: None,
        note,
    })
}
