//! How much of an award is taken back, by what was served of its window.

use trellis_core::Date;

use super::exact::Exact;
use crate::plan::{Clawback, ClawbackMode};

/// The share of an award that is taken back for something that happened on a day.
pub(crate) fn share(clawback: &Clawback, anchor: Date, day: Date) -> Exact {
    let window = i128::from(clawback.window);
    let grace = i128::from(clawback.grace);
    let days = i128::from(anchor.days_until(day)).max(0);
    let served = match clawback.mode {
        // In the first month nothing was served: what was begun, counts as not served.
        ClawbackMode::LinearMonths => i128::from(full_months(anchor, day)),
        _ => days,
    };
    let (none, all) = (Exact::from(0), Exact::from(1));
    if served >= window {
        return none;
    }
    if served <= grace && grace > 0 {
        return all;
    }
    match &clawback.mode {
        ClawbackMode::Full => all,
        ClawbackMode::LinearDays | ClawbackMode::LinearMonths => {
            Exact::new(window - served, (window - grace).max(1))
        }
        ClawbackMode::Steps(steps) => steps
            .iter()
            .find(|step| days < i128::from(step.until_days))
            .map_or(none, |step| step.share.ratio()),
    }
}

/// How many whole months lie between two days; a month that is too short ends with its last day.
pub(crate) fn full_months(from: Date, to: Date) -> i32 {
    let apart = (to.year() - from.year()) * 12 + to.month() - from.month();
    let apart = if from.plus_months(apart) > to {
        apart - 1
    } else {
        apart
    };
    apart.max(0)
}
