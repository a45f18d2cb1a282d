//! What is recorded about a won deal: invoices, refunds, the customer's leaving. Each is one
//! transaction, and the same record sent again changes nothing, however much later.

use trellis_api::deal::v1 as pb;
use trellis_api::name;
use trellis_core::{Call, Date, Money, Problem, Violation, Written};
use trellis_store::deal::deal::{Entity, Model};
use trellis_store::deal::facts::{DealChurned, DealInvoiced, DealRefunded, Fact};
use trellis_store::deal::record::{self as row, Kind};
use trellis_store::{Store, Txn, event, record};

use super::convert::wire;
use super::deals::today;
use super::lifecycle::{self, Verb};
use super::moves::{Move, in_currency_of};
use crate::{Error, absent};

/// Records something about a won deal.
#[derive(Clone, Debug)]
pub struct Record {
    /// About which deal, and why.
    pub on: Move,
    /// What happened.
    pub what: What,
    /// Its id in the caller's own system.
    pub external_id: String,
    /// When, if not today.
    pub date: Option<Date>,
}

/// What happened to a won deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// So much was invoiced.
    Invoice(Money),
    /// So much was paid back.
    Refund(Money),
    /// The customer left.
    Churn,
}

impl What {
    fn amount(self) -> Option<Money> {
        match self {
            Self::Invoice(amount) | Self::Refund(amount) => Some(amount),
            Self::Churn => None,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Invoice(_) => Kind::Invoice,
            Self::Refund(_) => Kind::Refund,
            Self::Churn => Kind::Churn,
        }
    }

    fn verb(self) -> Verb {
        match self {
            Self::Invoice(_) => Verb::RecordInvoice,
            Self::Refund(_) => Verb::RecordRefund,
            Self::Churn => Verb::RecordChurn,
        }
    }
}

/// Records something about a won deal.
///
/// # Errors
/// `INVALID_FIELDS` when the amount is in another currency, `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`,
/// `ILLEGAL_TRANSITION` when the deal is not won, `RESOURCE_EXISTS` when another record has the
/// external id, `REFUND_EXCEEDS_DEAL`, `PRECONDITION` when the customer has left already.
pub async fn record(store: &Store, call: Call, record: Record) -> Result<Written<pb::Deal>, Error> {
    store
        .write(call, record, |txn, asked| async move {
            let resource = name(txn.ecosystem(), &asked.on.id);
            let deal = record::lock::<Entity>(&txn, &asked.on.id).await?;
            let deal = deal.ok_or_else(|| absent(&txn, &asked.on.id))?;
            event::was(&txn, wire(deal.clone()));
            lifecycle::check(deal.stage, asked.what.verb(), &resource)?;
            if let Some(amount) = asked.what.amount() {
                in_currency_of(&deal, amount)?;
            }
            let (win, kind) = (deal.win, asked.what.kind());
            match row::find(&txn, &deal.id, win, kind, &asked.external_id).await? {
                Some(found) if same(&found, &asked) => Ok(wire(deal)),
                Some(_) => Err(Problem::Exists {
                    resource,
                    field: "external_id".to_owned(),
                }
                .into()),
                None => Ok(wire(add(&txn, deal, resource, asked).await?)),
            }
        })
        .await
}

/// Whether a record says what was recorded before. A date that is not given is the one that was
/// taken then.
fn same(found: &row::Model, asked: &Record) -> bool {
    found.amount_minor == asked.what.amount().map(|amount| amount.minor)
        && asked.date.is_none_or(|date| date == found.date)
        && found.reason_code == asked.on.reason_code
}

async fn add(txn: &Txn, mut deal: Model, resource: String, asked: Record) -> Result<Model, Error> {
    let Record {
        on,
        what,
        external_id,
        date,
    } = asked;
    on.etag.check(deal.version, &resource)?;
    let date = date.unwrap_or_else(|| today(txn));
    match what {
        What::Invoice(amount) => deal.invoiced_minor = invoiced(&deal, amount)?,
        What::Refund(amount) => deal.refunded_minor = refunded(&deal, amount, &resource)?,
        What::Churn if deal.churn_date.is_some() => {
            let requires = "see to it that the customer has not left already".to_owned();
            return Err(Problem::Precondition { resource, requires }.into());
        }
        What::Churn => deal.churn_date = Some(date),
    }
    let model = row::Model {
        ecosystem: txn.ecosystem().clone(),
        deal: deal.id.clone(),
        win: deal.win,
        kind: what.kind(),
        external_id: external_id.clone(),
        amount_minor: what.amount().map(|amount| amount.minor),
        date,
        reason_code: on.reason_code.clone(),
        create_time: txn.now(),
    };
    row::insert(txn, model).await?;
    let deal = record::update::<Entity>(txn, deal).await?;
    let mut event = fact(&deal, what, external_id, date)
        .event(resource)?
        .for_partner(deal.partner.as_ref())
        .noting(on.note);
    if let Some(reason_code) = on.reason_code {
        event = event.because(reason_code);
    }
    event::append(txn, event);
    Ok(deal)
}

/// What is invoiced in all with another invoice. It may be more than was won: taxes and expenses
/// are invoiced too.
fn invoiced(deal: &Model, amount: Money) -> Result<i64, Problem> {
    deal.invoiced_minor
        .checked_add(amount.minor)
        .ok_or_else(|| {
            let description = "is too large to be added to what was invoiced before";
            Problem::Invalid(vec![Violation::new("amount", "money.sum", description)])
        })
}

/// What is paid back in all with another refund; never more than was won.
fn refunded(deal: &Model, amount: Money, resource: &str) -> Result<i64, Error> {
    let won = Money::new(deal.amount_minor.unwrap_or(0), amount.currency);
    match deal.refunded_minor.checked_add(amount.minor) {
        Some(total) if total <= won.minor => Ok(total),
        Some(_) | None => Err(Error::RefundExceedsDeal {
            resource: resource.to_owned(),
            won_amount: won.to_string(),
            refunded_amount: Money::new(deal.refunded_minor, amount.currency).to_string(),
        }),
    }
}

fn fact(deal: &Model, what: What, external_id: String, date: Date) -> Fact {
    let (id, win) = (deal.id.clone(), deal.win);
    match what {
        What::Invoice(amount) => Fact::Invoiced(DealInvoiced {
            deal: id,
            win,
            external_id,
            amount_minor: amount.minor,
            invoiced_minor: deal.invoiced_minor,
            currency: amount.currency,
            invoice_date: date,
        }),
        What::Refund(amount) => Fact::Refunded(DealRefunded {
            deal: id,
            win,
            external_id,
            amount_minor: amount.minor,
            refunded_minor: deal.refunded_minor,
            currency: amount.currency,
            refund_date: date,
        }),
        What::Churn => Fact::Churned(DealChurned {
            deal: id,
            win,
            external_id,
            churn_date: date,
        }),
    }
}
