//! What a measure is compared with: an amount, a quota, an earlier period.

use trellis_core::{MoneyError, Period};

use super::award::{Draft, group};
use super::line::Known;
use super::reason::NotPaid;
use crate::plan::Target;

/// The target of an award; none where it has none. An earlier period in which nothing was measured is
/// a target of nothing. What counted then is asked of the version that holds now, without its term.
pub(crate) fn of<'a>(
    draft: &Draft<'a>,
    known: &Known<'a>,
) -> Result<Result<Option<i64>, NotPaid>, MoneyError> {
    let plan = draft.plan();
    let earlier = match (&plan.measure.target, draft.place.period) {
        (Target::None, _) => return Ok(Ok(None)),
        (Target::Fixed(amount), _) => return Ok(Ok(Some(*amount))),
        (Target::Quota(name), period) => {
            let quotas = known.told.quotas.iter().filter(|quota| {
                quota.name == *name
                    && quota.partner == *draft.partner
                    && Some(quota.period_start) == period.map(Period::start)
                    && quota.recorded <= known.moment
            });
            let last = quotas.max_by_key(|quota| (quota.recorded, &quota.id));
            return Ok(last
                .map(|quota| Some(quota.amount))
                .ok_or_else(|| NotPaid::NoQuota(name.clone())));
        }
        (Target::PriorPeriod, Some(period)) => period.previous(),
        (Target::SamePeriodLastYear, Some(period)) => {
            Period::containing(period.start().plus_months(-12), period.cadence())
        }
        (Target::PriorPeriod | Target::SamePeriodLastYear, None) => {
            return Ok(Err(NotPaid::NoBaseline));
        }
    };
    let mut total = 0_i128;
    for fact in &known.facts {
        let of_group = fact.kind == plan.trigger.fact
            && fact.partner.as_ref() == Some(draft.partner)
            && earlier.contains(fact.date)
            && group(plan.measure.group_by, fact) == draft.place.group;
        let condition = draft.version.condition.as_ref();
        let holds = || condition.map_or(Some(true), |condition| condition.holds(&fact.fields));
        if !of_group || holds() == Some(false) {
            continue;
        }
        if holds().is_none() {
            return Ok(Err(NotPaid::MissingFact(format!("a field of {}", fact.id))));
        }
        match known.counts(plan, fact)? {
            Ok(counts) => total += i128::from(counts.until(None)),
            Err(reason) => return Ok(Err(reason)),
        }
    }
    let total = i64::try_from(total).map_err(|_| MoneyError::Overflow)?;
    Ok(Ok(Some(total)))
}
