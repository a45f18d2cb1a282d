//! Moves a deal through its stages. Each move is one transaction.

use serde_json::json;
use trellis_api::Etag;
use trellis_api::deal::v1 as pb;
use trellis_core::lifecycle::Named;
use trellis_core::{Call, Date, DealId, Money, Problem, Timestamp, Violation, Written};
use trellis_store::deal::deal::{self, Entity, Model, PartnerRole, Stage};
use trellis_store::deal::facts::{DealReopened, DealWon, Fact, WonLine};
use trellis_store::deal::history as rows;
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, record};

use super::amounts;
use super::convert::wire;
use super::deals::{lock, period, today, told, worth_of};
use super::history;
use super::lifecycle::{self, Standing, Verb, standing};
use crate::Error;

/// Moves a deal.
#[derive(Clone, Debug)]
pub struct Move {
    /// Which one.
    pub id: DealId,
    /// The version that the caller read.
    pub etag: Etag,
    /// Why, in a word.
    pub reason_code: Option<String>,
    /// Why, in a sentence.
    pub note: String,
}

/// Moves a deal to another open stage.
#[derive(Clone, Debug)]
pub struct Advance {
    /// Which one, and why.
    pub on: Move,
    /// Where to.
    pub stage: Stage,
}

/// Wins a deal.
#[derive(Clone, Debug)]
pub struct Win {
    /// Which one.
    pub on: Move,
    /// What it was won for, if not what it was worth.
    pub amount: Option<Money>,
    /// When, if not today.
    pub close_date: Option<Date>,
}

/// Loses a deal.
#[derive(Clone, Debug)]
pub struct Lose {
    /// Which one, and why.
    pub on: Move,
    /// When, if not today.
    pub close_date: Option<Date>,
}

/// Reopens a deal.
#[derive(Clone, Debug)]
pub struct Reopen {
    /// Which one, and why.
    pub on: Move,
    /// The open stage to go to, if not the one where it was closed.
    pub stage: Option<Stage>,
}

/// Moves a deal to another open stage.
///
/// # Errors
/// `INVALID_FIELDS` when it goes back without a reason or stays where it is, `RESOURCE_NOT_FOUND`,
/// `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn advance(
    store: &Store,
    call: Call,
    advance: Advance,
) -> Result<Written<pb::Deal>, Error> {
    store
        .write(call, advance, |txn, Advance { on, stage }| async move {
            let (mut deal, resource) = lock(&txn, &on.id, &on.etag).await?;
            lifecycle::check(deal.stage, Verb::Advance, &resource)?;
            onward(deal.stage, stage, on.reason_code.is_some())?;
            let from = std::mem::replace(&mut deal.stage, stage);
            let deal = keep(&txn, deal, from, &on).await?;
            let moved = json!({ "deal": deal.id, "from": from.name(), "to": stage.name() });
            event::append(
                &txn,
                moving("deal.advanced", resource, on, &deal).with(moved),
            );
            Ok(wire(deal))
        })
        .await
}

/// Whether a deal may go from one open stage to another.
fn onward(from: Stage, to: Stage, reason: bool) -> Result<(), Problem> {
    let wrong = |field, rule, description| {
        Err(Problem::Invalid(vec![Violation::new(
            field,
            rule,
            description,
        )]))
    };
    if to == from {
        return wrong(
            "stage",
            "stage.other",
            "must be another stage than the one it is in",
        );
    }
    if to < from && !reason {
        return wrong(
            "reason_code",
            "required",
            "must say why when the deal goes back",
        );
    }
    Ok(())
}

/// Wins a deal.
///
/// # Errors
/// `INVALID_FIELDS` when the amount is in another currency, `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`,
/// `ILLEGAL_TRANSITION`, `PRECONDITION` when nobody says what it was won for.
pub async fn win(store: &Store, call: Call, win: Win) -> Result<Written<pb::Deal>, Error> {
    store
        .write(
            call,
            win,
            |txn,
             Win {
                 on,
                 amount,
                 close_date,
             }| async move {
                let (mut deal, resource) = lock(&txn, &on.id, &on.etag).await?;
                lifecycle::check(deal.stage, Verb::Win, &resource)?;
                let amount = won_for(&deal, amount, &resource)?;
                let from = deal.stage;
                close(
                    &mut deal,
                    Stage::Won,
                    close_date.unwrap_or_else(|| today(&txn)),
                );
                won(&mut deal, amount, txn.now());
                let deal = keep(&txn, deal, from, &on).await?;
                let event = Fact::Won(won_fact(&deal)?).event(resource)?;
                event::append(
                    &txn,
                    event.noting(on.note).for_partner(deal.partner.as_ref()),
                );
                Ok(wire(deal))
            },
        )
        .await
}

fn won_for(deal: &Model, amount: Option<Money>, resource: &str) -> Result<Money, Error> {
    if let Some(amount) = amount {
        in_currency_of(deal, amount)?;
        return Ok(amount);
    }
    worth_of(deal).ok_or_else(|| {
        let requires = "say what the deal was won for".to_owned();
        Problem::Precondition {
            resource: resource.to_owned(),
            requires,
        }
        .into()
    })
}

/// Refuses an amount in another currency than the deal's.
pub(super) fn in_currency_of(deal: &Model, amount: Money) -> Result<(), Problem> {
    match deal.currency {
        Some(currency) if currency != amount.currency => {
            let description = format!("must be in {currency}, the currency of the deal");
            Err(Problem::Invalid(vec![Violation::new(
                "amount",
                "money.currency",
                description,
            )]))
        }
        Some(_) | None => Ok(()),
    }
}

/// Puts a deal into one of the two last stages.
pub(super) fn close(deal: &mut Model, stage: Stage, date: Date) {
    if standing(deal.stage) == Standing::Open {
        deal.closed_from = Some(deal.stage);
    }
    deal.stage = stage;
    deal.close_date = Some(date);
    deal.period = period(deal.close_date, deal.expected_close_date);
}

/// Begins another win of a deal: its lines add up to what it was won for, and nothing has followed.
pub(super) fn won(deal: &mut Model, amount: Money, time: Timestamp) {
    let lines = std::mem::take(&mut deal.lines.0);
    let known: Option<i64> = lines.iter().map(|line| line.amount_minor).sum();
    let fits = known == Some(amount.minor);
    deal.lines.0 = if fits {
        lines
    } else {
        amounts::scale(lines, amount.minor)
    };
    deal.amount_minor = Some(amount.minor);
    deal.currency = Some(amount.currency);
    deal.win += 1;
    deal.won_time = Some(time);
}

/// What others are told of a deal that is won.
pub(super) fn won_fact(deal: &Model) -> Result<DealWon, Error> {
    let unwon = || {
        Error::Store(trellis_store::Error::Corrupt {
            table: "deals",
            what: format!("{} is won and lacks an amount or a date", deal.id),
        })
    };
    let amount = worth_of(deal).ok_or_else(unwon)?;
    let line = |line: &deal::Line| WonLine {
        product: line.product.clone(),
        quantity: line.quantity,
        amount_minor: line.amount_minor.unwrap_or(0),
    };
    Ok(DealWon {
        deal: deal.id.clone(),
        win: deal.win,
        partner: deal.partner.clone(),
        roles: deal.roles.0.iter().map(PartnerRole::told).collect(),
        account: deal.account.clone(),
        deal_type: deal.deal_type,
        territory: deal.territory.clone(),
        program: deal.program.clone(),
        registration: deal.registration.clone(),
        lines: deal.lines.0.iter().map(line).collect(),
        amount_minor: amount.minor,
        currency: amount.currency,
        close_date: deal.close_date.ok_or_else(unwon)?,
        won_time: deal.won_time.ok_or_else(unwon)?,
    })
}

/// Takes the present win of a deal back and wins it anew at once, for the same, on the same day:
/// incentives are told what is otherwise. Answers what they are told.
pub(super) fn win_again(deal: &mut Model) -> Result<(DealReopened, DealWon), Error> {
    let told = won_fact(deal)?;
    let closed_from = deal.closed_from;
    let back = open_again(deal, closed_from.unwrap_or(Stage::Committed));
    close(deal, Stage::Won, told.close_date);
    won(
        deal,
        Money::new(told.amount_minor, told.currency),
        told.won_time,
    );
    deal.closed_from = closed_from;
    Ok((back, won_fact(deal)?))
}

/// Whether anything was recorded about the present win of a deal.
pub(super) fn recorded(deal: &Model) -> bool {
    deal.invoiced_minor != 0 || deal.refunded_minor != 0 || deal.churn_date.is_some()
}

/// Loses a deal.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn lose(store: &Store, call: Call, lose: Lose) -> Result<Written<pb::Deal>, Error> {
    store
        .write(call, lose, |txn, Lose { on, close_date }| async move {
            let (mut deal, resource) = lock(&txn, &on.id, &on.etag).await?;
            lifecycle::check(deal.stage, Verb::Lose, &resource)?;
            let from = deal.stage;
            close(
                &mut deal,
                Stage::Lost,
                close_date.unwrap_or_else(|| today(&txn)),
            );
            deal.lost_reason_code = on.reason_code.clone();
            let deal = keep(&txn, deal, from, &on).await?;
            event::append(
                &txn,
                moving("deal.lost", resource, on, &deal).with(told(&deal)),
            );
            Ok(wire(deal))
        })
        .await
}

/// Opens a deal again. A win is taken back with everything that was recorded after it.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn reopen(store: &Store, call: Call, reopen: Reopen) -> Result<Written<pb::Deal>, Error> {
    store
        .write(call, reopen, |txn, Reopen { on, stage }| async move {
            let (mut deal, resource) = lock(&txn, &on.id, &on.etag).await?;
            lifecycle::check(deal.stage, Verb::Reopen, &resource)?;
            let stage = stage.or(deal.closed_from).unwrap_or(Stage::Committed);
            let from = deal.stage;
            let fact = open_again(&mut deal, stage);
            let deal = keep(&txn, deal, from, &on).await?;
            let mut event = Fact::Reopened(fact).event(resource)?.noting(on.note);
            event = event.for_partner(deal.partner.as_ref());
            if let Some(reason_code) = on.reason_code {
                event = event.because(reason_code);
            }
            event::append(&txn, event);
            Ok(wire(deal))
        })
        .await
}

/// Puts a deal that was won or lost into an open stage; answers what others are told of it.
pub(super) fn open_again(deal: &mut Model, stage: Stage) -> DealReopened {
    let win = (deal.stage == Stage::Won).then_some(deal.win);
    deal.stage = stage;
    deal.closed_from = None;
    deal.close_date = None;
    deal.period = period(None, deal.expected_close_date);
    deal.lost_reason_code = None;
    deal.won_time = None;
    deal.invoiced_minor = 0;
    deal.refunded_minor = 0;
    deal.churn_date = None;
    DealReopened {
        deal: deal.id.clone(),
        win,
        stage,
    }
}

/// Writes a moved deal back, and remembers the move.
async fn keep(txn: &Txn, mut deal: Model, from: Stage, on: &Move) -> Result<Model, Error> {
    let moved = history::moved(
        txn,
        &mut deal,
        Some(from),
        on.reason_code.as_deref(),
        &on.note,
    );
    let deal = record::update::<Entity>(txn, deal).await?;
    rows::remember(txn, vec![moved], Vec::new()).await?;
    Ok(deal)
}

/// The event of a move, with why it was made.
pub(super) fn moving(kind: &'static str, resource: String, on: Move, deal: &Model) -> NewEvent {
    let event = NewEvent::new(kind, resource)
        .noting(on.note)
        .for_partner(deal.partner.as_ref());
    match on.reason_code {
        Some(reason_code) => event.because(reason_code),
        None => event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: [Stage; 5] = [
        Stage::Prospect,
        Stage::Qualified,
        Stage::TechnicalValidation,
        Stage::BusinessValidation,
        Stage::Committed,
    ];

    #[test]
    fn a_deal_goes_forward_freely_and_back_with_a_reason() {
        for (from, left) in OPEN.iter().enumerate() {
            for (to, right) in OPEN.iter().enumerate() {
                assert_eq!(
                    onward(*left, *right, true).is_ok(),
                    to != from,
                    "{left:?} {right:?}"
                );
                assert_eq!(
                    onward(*left, *right, false).is_ok(),
                    to > from,
                    "{left:?} {right:?}"
                );
            }
        }
    }
}
