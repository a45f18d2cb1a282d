//! Until when which part of an award is held.

use trellis_core::{Date, MoneyError, Period};

use super::award::Draft;
use super::exact::{mul, round, whole};
use super::trace::Held;
use crate::plan::Hold;

/// The parts of an award and the days on which they are free. Days count from that of the fact, or
/// from the end of the period.
pub(crate) fn of(draft: &Draft<'_>) -> Result<Vec<Held>, MoneyError> {
    let plan = draft.plan();
    let protection = &plan.protection;
    if draft.amount == 0 || (protection.hold == Hold::None && protection.holdback.is_none()) {
        return Ok(Vec::new());
    }
    let begin = match draft.place.period {
        Some(period) => Period::end(period),
        None => draft
            .lines
            .iter()
            .map(|line| line.fact.date)
            .max()
            .unwrap_or(draft.place.date),
    };
    let until = free(draft, begin);
    let Some(holdback) = protection.holdback else {
        return Ok(vec![Held {
            minor: draft.amount,
            until,
        }]);
    };
    let back = round(
        mul(whole(draft.amount), holdback.share.ratio())?,
        plan.policy.rounding,
    )?;
    Ok(vec![
        Held {
            minor: draft.amount - back,
            until,
        },
        Held {
            minor: back,
            until: Some(begin.plus_days(i32::try_from(holdback.days).unwrap_or(i32::MAX))),
        },
    ])
}

fn free(draft: &Draft<'_>, begin: Date) -> Option<Date> {
    match &draft.plan().protection.hold {
        Hold::None => Some(begin),
        Hold::Days(days) => Some(begin.plus_days(i32::try_from(*days).unwrap_or(i32::MAX))),
        Hold::Months(months) => Some(begin.plus_months(i32::try_from(*months).unwrap_or(i32::MAX))),
        Hold::Until(_) => {
            let condition = draft.version.until.as_ref()?;
            let facts = draft.lines.iter().filter(|line| line.counts.is_ok());
            let mut records = facts.map(|line| &line.fact.fields);
            records
                .all(|record| condition.holds(record) == Some(true))
                .then_some(begin)
        }
    }
}
