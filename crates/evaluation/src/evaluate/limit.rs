//! The least and the most that awards may be, by themselves and together, and advances.

use std::collections::BTreeMap;

use trellis_core::{Date, MoneyError, PartnerId, Period};

use super::award::Draft;
use super::exact::small;
use super::facts::Spent;
use super::reason::NotPaid;
use super::trace::Detail;
use crate::plan::{Below, Limit, LimitScope, PlanVersion, Window};

/// The amount within a limit of which so much was taken. Nothing is never raised.
pub(crate) fn within(limit: &Limit, amount: i64, taken: i64) -> i64 {
    let at_least = match (limit.min_minor, limit.below) {
        (Some(least), Below::Forfeit) if amount < least => 0,
        (Some(least), Below::RaiseTo) if amount > 0 => amount.max(least),
        _ => amount,
    };
    let room = |most: i64| most.saturating_sub(taken).max(0);
    limit
        .max_minor
        .map_or(at_least, |most| at_least.min(room(most)))
}

/// Whose awards of which time a limit takes together.
type Together = (
    Option<PartnerId>,
    Option<String>,
    Option<Date>,
    Option<String>,
);

fn together_by(limit: &Limit, draft: &Draft<'_>) -> Result<Together, NotPaid> {
    let customer = || {
        let fact = draft.lines.first().map(|line| line.fact);
        fact.and_then(|fact| fact.customer.clone())
            .ok_or_else(|| NotPaid::MissingFact("customer".to_owned()))
    };
    let (partner, customer) = match limit.scope {
        LimitScope::Plan => (None, None),
        LimitScope::Partner | LimitScope::Award => (Some(draft.partner.clone()), None),
        LimitScope::Customer => (Some(draft.partner.clone()), Some(customer()?)),
    };
    let (date, scope) = match (limit.window, limit.window.cadence()) {
        (_, Some(cadence)) => (
            Some(Period::containing(draft.place.date, cadence).start()),
            None,
        ),
        (Window::Lifetime, None) => (None, None),
        (_, None) => (None, Some(draft.place.scope.clone())),
    };
    Ok((partner, customer, date, scope))
}

/// Applies the limits that take awards together, to the awards of one plan in their order.
pub(crate) fn together(drafts: &mut [Draft<'_>], spent: &Spent) -> Result<(), MoneyError> {
    let most = drafts
        .iter()
        .map(|draft| draft.plan().limits.limits.len())
        .max()
        .unwrap_or_default();
    for index in 0..most {
        one_limit(drafts, index, spent)?;
    }
    Ok(())
}

/// What awards that are not computed here have taken of what is a budget for all.
fn told((partner, _, date, scope): &Together, plan: &PlanVersion, spent: &Spent) -> i64 {
    if partner.is_some() || scope.is_some() {
        return 0;
    }
    let budget = (plan.plan.clone(), *date);
    spent.get(&budget).copied().unwrap_or_default()
}

fn shared(draft: &Draft<'_>, index: usize) -> Option<Limit> {
    let limit = draft.plan().limits.limits.get(index).copied();
    limit.filter(|limit| limit.scope != LimitScope::Award)
}

fn one_limit(drafts: &mut [Draft<'_>], index: usize, spent: &Spent) -> Result<(), MoneyError> {
    let mut sums: BTreeMap<Together, i64> = BTreeMap::new();
    let mut keys = Vec::with_capacity(drafts.len());
    for draft in drafts.iter_mut() {
        let key = match shared(draft, index).map(|limit| together_by(&limit, draft)) {
            None => None,
            Some(Ok(key)) => Some(key),
            Some(Err(reason)) => {
                draft.amount = 0;
                draft.because(reason);
                None
            }
        };
        if let Some(key) = &key {
            let sum = sums.entry(key.clone()).or_default();
            *sum = small(*sum, draft.amount)?;
        }
        keys.push(key);
    }
    let mut taken: BTreeMap<&Together, i64> = BTreeMap::new();
    for (draft, key) in drafts.iter_mut().zip(&keys) {
        let (Some(limit), Some(key)) = (shared(draft, index), key) else {
            continue;
        };
        let all = sums.get(key).copied().unwrap_or_default();
        let taken = taken
            .entry(key)
            .or_insert_with(|| told(key, draft.plan(), spent));
        let before = draft.amount;
        let forfeits = limit.min_minor.is_some_and(|least| all < least);
        let after = if forfeits {
            0
        } else {
            let most = Limit {
                min_minor: None,
                ..limit
            };
            within(&most, before, *taken)
        };
        if before == 0 {
            continue;
        }
        draft.step(Detail::Limit {
            limit,
            before,
            taken: (after != before).then_some(*taken),
            after,
        });
        *taken = small(*taken, after)?;
        draft.amount = after;
        if after == 0 {
            draft.because(match limit.scope {
                _ if forfeits => NotPaid::BelowMinimum,
                LimitScope::Plan => NotPaid::BudgetExhausted,
                _ => NotPaid::LimitReached,
            });
        }
    }
    Ok(())
}

/// Pays advances, and takes back from what is earned above them what is owed, period by period.
pub(crate) fn draws(drafts: &mut [Draft<'_>]) -> Result<(), MoneyError> {
    let mut debts: BTreeMap<PartnerId, i64> = BTreeMap::new();
    for draft in drafts.iter_mut() {
        let Some(draw) = draft.plan().limits.draw else {
            continue;
        };
        let debt = debts.entry(draft.partner.clone()).or_default();
        let (earned, debt_before) = (draft.amount, *debt);
        let after = if earned < draw.amount_minor {
            if draw.recoverable {
                *debt = small(*debt, draw.amount_minor - earned)?;
            }
            draw.amount_minor
        } else {
            let repaid = (*debt).min(earned - draw.amount_minor);
            *debt -= repaid;
            earned - repaid
        };
        let debt_after = *debt;
        draft.step(Detail::Draw {
            earned,
            debt_before,
            debt_after,
            after,
        });
        draft.amount = after;
    }
    Ok(())
}
