//! What handing registrations in costs a partner, and how much it may spend. Pure.
//!
//! Whoever learns whether an account is taken pays for it, and whoever mends or renews what they asked
//! before pays nothing. Everything here follows from what one partner handed in itself, so a refusal
//! for its budget tells it of nobody else.

use std::collections::HashSet;
use std::time::Duration;

use trellis_core::Timestamp;
use trellis_store::deal::account;
use trellis_store::deal::eligibility::Facts;

use crate::account::identity;
use crate::customer::Customer;

/// The short window.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The long window; as long an account that was named costs nothing more.
pub const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// For how many domains and identifiers, and for how many spellings of its names, an account counts
/// once. A handful is one company's in some countries; fifty would be fifty questions asked at once.
const HANDFUL: usize = 5;

/// What a registration with a customer costs its partner. `known` are those of the customer's keys
/// under which the partner has handed something in during the long window.
///
/// * Nothing, if it is the same account with the same domains, identifiers and names: that is a further
///   product, a renewal, or an honest second try.
/// * Once, if nothing of the account is known; and once for what a known account got since, because
///   that may be another customer's.
/// * Once more, if the account is another one than those that its known keys were named with: it
///   counts as the same account at double cost.
#[must_use]
pub fn cost(customer: &Customer, known: &HashSet<String>) -> i64 {
    let own = account::own_key(&customer.account);
    let same = known.contains(&own);
    let keys = customer.keys.iter().filter(|key| **key != own);
    let (old, new): (Vec<_>, Vec<_>) = keys.partition(|key| known.contains(*key));
    let bare = old.is_empty() && new.is_empty();
    let again = usize::from(!same && !old.is_empty());
    let names = new.iter().filter(|key| key.starts_with(identity::NAME));
    let names = names.count();
    let fresh = if bare {
        usize::from(!same)
    } else {
        let others = (new.len() - names).div_ceil(HANDFUL);
        // Whoever pays once more for a known domain has paid for the name that it comes under.
        others.max(names.div_ceil(HANDFUL).saturating_sub(again))
    };
    i64::try_from(fresh + again).unwrap_or(i64::MAX)
}

/// How much a partner may spend in each window; 0: anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// In 24 hours.
    pub daily: i64,
    /// In 30 days.
    pub monthly: i64,
}

impl Budget {
    /// What a program lets a partner spend.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        Self {
            daily: facts.daily_account_budget.into(),
            monthly: facts.monthly_account_budget.into(),
        }
    }

    /// Whether it limits nothing.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.daily == 0 && self.monthly == 0
    }
}

/// What a partner has spent with a submission that its budget has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// In 24 hours, this one included.
    pub daily: i64,
    /// In 30 days, this one included.
    pub monthly: i64,
    /// Whether nothing is left of one of the two, which was not so before.
    pub used_up: bool,
}

/// Why there is no room for a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// In which window; the one that is in the way for longer.
    pub window: Duration,
    /// How much may be spent in it.
    pub limit: i64,
    /// How much was.
    pub spent: i64,
    /// From when on there is room.
    pub retry_time: Timestamp,
}

/// Whether a partner may spend so much now. `before` is what it spent during the long window, each
/// with its time, oldest first.
///
/// # Errors
/// When there is no room in one of the windows.
pub fn spend(
    budget: Budget,
    before: &[(Timestamp, i64)],
    cost: i64,
    now: Timestamp,
) -> Result<Spent, Exceeded> {
    let windows = [(DAY, budget.daily), (MONTH, budget.monthly)];
    let exceeded = windows
        .into_iter()
        .filter_map(|(window, limit)| exceeded(window, limit, before, cost, now))
        .max_by_key(|exceeded| exceeded.retry_time);
    if let Some(exceeded) = exceeded {
        return Err(exceeded);
    }
    let daily = within(DAY, before, now) + cost;
    let monthly = within(MONTH, before, now) + cost;
    let up = |limit: i64, spent: i64| limit > 0 && spent >= limit;
    let used_up = cost > 0 && (up(budget.daily, daily) || up(budget.monthly, monthly));
    Ok(Spent {
        daily,
        monthly,
        used_up,
    })
}

/// What was spent in the window that ends now. What was spent exactly its length ago is out of it.
fn within(window: Duration, before: &[(Timestamp, i64)], now: Timestamp) -> i64 {
    let begin = now.saturating_sub(window);
    let counted = before.iter().filter(|(time, _)| *time > begin);
    counted.map(|(_, cost)| cost).sum()
}

fn exceeded(
    window: Duration,
    limit: i64,
    before: &[(Timestamp, i64)],
    cost: i64,
    now: Timestamp,
) -> Option<Exceeded> {
    if limit == 0 || cost == 0 {
        return None;
    }
    // One account never costs more than all there is, or it could not be registered at all.
    let cost = cost.min(limit);
    let spent = within(window, before, now);
    let mut left = spent;
    if left + cost <= limit {
        return None;
    }
    let begin = now.saturating_sub(window);
    let mut retry_time = now;
    for (time, freed) in before.iter().filter(|(time, _)| *time > begin) {
        left -= freed;
        retry_time = time.saturating_add(window);
        if left + cost <= limit {
            break;
        }
    }
    Some(Exceeded {
        window,
        limit,
        spent,
        retry_time,
    })
}

#[cfg(test)]
mod tests;
