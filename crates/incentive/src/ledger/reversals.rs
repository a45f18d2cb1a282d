//! Reversing a journal.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use trellis_api::incentive::v1 as pb;
use trellis_api::name;
use trellis_core::{AwardId, Call, Currency, JournalId, Money, MoneyError, Problem, Written};
use trellis_store::event::{self, NewEvent};
use trellis_store::incentive::award;
use trellis_store::incentive::ledger::{
    self, Fault, Key, Kind, Line, Posted, Posting, Side, balance,
};
use trellis_store::{Store, Txn, View, record};

use super::convert::{wire_cause, wire_journal};
use super::reversal::reversal;
use crate::Error;
use crate::award::rejections;
use crate::limit::within_limit;
use crate::today::today;

/// Which journal is reversed, and why.
#[derive(Clone, Debug)]
pub(super) struct Reverse {
    pub(super) id: JournalId,
    pub(super) reason_code: String,
    pub(super) note: String,
}

/// Reverses a journal; answers the one that does it.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `APPROVAL_LIMIT`, `JOURNAL_NOT_REVERSIBLE`, `JOURNAL_ALREADY_REVERSED`,
/// `BALANCE_TOO_LOW`.
pub(super) async fn reverse(
    store: &Store,
    call: Call,
    reverse: Reverse,
) -> Result<Written<pb::Journal>, Error> {
    store
        .write(call, reverse, |txn, reverse| async move {
            undo(&txn, reverse).await
        })
        .await
}

async fn undo(txn: &Txn, reverse: Reverse) -> Result<pb::Journal, Error> {
    let Reverse {
        id,
        reason_code,
        note,
    } = reverse;
    let resource = name(txn.ecosystem(), &id);
    let Some(undone) = balance::journal(txn, &id).await? else {
        return Err(Problem::NotFound { resource }.into());
    };
    let kind = reversal(undone.kind).map_err(|instead| Error::JournalNotReversible {
        resource: resource.clone(),
        kind: undone.kind.name(),
        instead,
    })?;
    let lines = lines(txn, &id).await?;
    for amount in moved(&lines)? {
        within_limit(txn, &resource, amount)?;
    }
    // Whoever reverses it at the same time holds the same locks: the second one finds the first.
    ledger::lock(txn, lines.iter().filter_map(|line| line.account.partner())).await?;
    if let Some(reversal) = balance::reversal_of(txn, &id).await? {
        return Err(already(txn, resource, &reversal.id));
    }
    let key = Key::new(format!("journals/{id}"), 1);
    let posting = Posting::reversing(id, &lines, key, kind, today(txn).await?)?
        .belonging_to(undone.effective_date);
    let posted = ledger::append(txn, vec![posting])
        .await
        .map_err(|error| too_low(txn, &resource, error))?;
    let Some(Posted { journal, fresh }) = posted.into_iter().next() else {
        return Err(trellis_store::Error::Contended.into());
    };
    if !fresh {
        return Err(already(txn, resource, &journal));
    }
    touch(txn, &lines, undone.kind).await?;
    if undone.kind == Kind::Rejection {
        for award in awards_of(&lines) {
            rejections::forget(txn, &award, undone.sequence).await?;
        }
    }
    let data = json!({
        "kind": undone.kind.name(),
        "cause": undone.cause,
        "reversal": name(txn.ecosystem(), &journal),
    });
    let event = NewEvent::new("journal.reversed", resource)
        .because(reason_code)
        .noting(note);
    event::append(txn, event.with(data));
    shown(txn, &journal).await
}

async fn lines(view: &View, id: &JournalId) -> Result<Vec<Line>, Error> {
    let lines = balance::lines(view, std::slice::from_ref(id)).await?;
    let posted = lines.iter().map(|line| {
        line.posted().ok_or_else(|| trellis_store::Error::Corrupt {
            table: "ledger_lines",
            what: format!("{} is not an account of the chart", line.account),
        })
    });
    Ok(posted.collect::<Result<_, _>>()?)
}

/// What a journal moved in each currency.
fn moved(lines: &[Line]) -> Result<Vec<Money>, MoneyError> {
    let mut sums: BTreeMap<Currency, Money> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.side == Side::Debit) {
        let currency = line.account.currency();
        let sum = sums.entry(currency).or_insert(Money::new(0, currency));
        *sum = sum.checked_add(Money::new(line.minor, currency))?;
    }
    Ok(sums.into_values().collect())
}

fn already(view: &View, resource: String, reversal: &JournalId) -> Error {
    Error::JournalAlreadyReversed {
        resource,
        reversal: name(view.ecosystem(), reversal),
    }
}

/// That a constrained account has too little is the caller's to know; every other refusal of the
/// ledger is a fault of ours.
fn too_low(view: &View, resource: &str, error: trellis_store::Error) -> Error {
    match error {
        trellis_store::Error::Posting(rejected) => match rejected.fault {
            Fault::BelowZero { account, award, .. } => Error::BalanceTooLow {
                resource: resource.to_owned(),
                ledger_account: wire_cause(view.ecosystem(), &format!("ledgerAccounts/{account}")),
                award: award.map(|award| name(view.ecosystem(), &award)),
            },
            _ => rejected.into(),
        },
        error => error.into(),
    }
}

fn awards_of(lines: &[Line]) -> BTreeSet<AwardId> {
    lines.iter().filter_map(|line| line.award.clone()).collect()
}

/// Counts the change of each award whose money was moved back, and tells its partner.
async fn touch(txn: &Txn, lines: &[Line], undone: Kind) -> Result<(), Error> {
    let told = match undone {
        Kind::Rejection => "award.rejection_reversed",
        _ => "award.approval_reversed",
    };
    let mut awards = record::lock_many::<award::Entity>(txn, awards_of(lines)).await?;
    for award in &mut awards {
        award.version += 1;
        award.update_time = txn.now();
        let minor: i64 = lines
            .iter()
            .filter(|line| line.award.as_ref() == Some(&award.id) && line.side == Side::Debit)
            .map(|line| line.minor)
            .sum();
        let data = json!({
            "partner": name(txn.ecosystem(), &award.partner),
            "currency_code": award.currency,
            "reversed_minor": minor,
        });
        let event =
            NewEvent::new(told, name(txn.ecosystem(), &award.id)).for_partner(&award.partner);
        event::append(txn, event.with(data));
    }
    Ok(award::save(txn, awards).await?)
}

async fn shown(view: &View, id: &JournalId) -> Result<pb::Journal, Error> {
    let found = balance::journal(view, id).await?;
    let journal = found.ok_or_else(|| Problem::NotFound {
        resource: name(view.ecosystem(), id),
    })?;
    let lines = balance::lines(view, std::slice::from_ref(id)).await?;
    Ok(wire_journal(journal, lines))
}
