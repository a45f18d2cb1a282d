//! How much of an award is taken back, as numbers.

use trellis_core::{Date, MoneyError};

use super::quick::{rounded, rounded_quickly};
use crate::evaluate::{Exact, full_months, mul, round, whole};
use crate::plan::{Clawback, ClawbackMode, Rounding};

/// A share: so many of so many parts.
pub(crate) type Parts = (i128, i128);

/// The share of an award that is taken back for something that happened on a day.
pub(crate) fn share(clawback: &Clawback, anchor: i32, day: i32) -> Parts {
    let (window, grace) = (i64::from(clawback.window), i64::from(clawback.grace));
    let days = (i64::from(day) - i64::from(anchor)).max(0);
    let served = match clawback.mode {
        ClawbackMode::LinearMonths => {
            full_months(Date::from_days(anchor), Date::from_days(day)).into()
        }
        _ => days,
    };
    if served >= window {
        return (0, 1);
    }
    if served <= grace && grace > 0 {
        return (1, 1);
    }
    match &clawback.mode {
        ClawbackMode::Full => (1, 1),
        ClawbackMode::LinearDays | ClawbackMode::LinearMonths => {
            ((window - served).into(), (window - grace).max(1).into())
        }
        ClawbackMode::Steps(steps) => steps
            .iter()
            .find(|step| days < i64::from(step.until_days))
            .map_or((0, 1), |step| of(step.share.ratio())),
    }
}

/// A fraction as parts.
pub(crate) fn of(exact: Exact) -> Parts {
    (*exact.numer(), *exact.denom())
}

/// A share of an amount, rounded.
pub(crate) fn taken(amount: i64, (parts, all): Parts, how: Rounding) -> Result<i64, MoneyError> {
    let quick = || {
        let parts = u32::try_from(parts).ok()?;
        let product = u64::try_from(amount).ok()?.checked_mul(parts.into())?;
        let all = u64::try_from(all).ok()?;
        (product >> 62 == 0).then(|| rounded_quickly(product, all, how))
    };
    if let Some(taken) = quick() {
        return Ok(taken);
    }
    match i128::from(amount).checked_mul(parts) {
        Some(product) => rounded(product, all, how),
        None => round(mul(whole(amount), Exact::new(parts, all))?, how),
    }
}
