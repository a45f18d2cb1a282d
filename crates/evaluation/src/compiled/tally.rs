//! An award of a period as two numbers, so that one more fact costs the same whatever the history.

use trellis_core::{MoneyError, Timestamp};

use super::Compiled;
use super::bands::Measure;
use crate::evaluate::{Fact, Facts, Known, within};
use crate::plan::{LimitScope, Sharing, Target, Term, Window};

/// How many facts of an award count, and what they measure together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub(crate) counted: u64,
    pub(crate) net: i128,
}

impl Compiled {
    /// Whether an award follows from its tally and target alone, so that a changed fact changes nothing
    /// else: one of a period or a lifetime, without a term of customers, limits of several awards,
    /// advances, parts, or an earlier period to compare with.
    #[must_use]
    pub fn keeps_tallies(&self) -> bool {
        let version = &self.ready.version;
        version.measure.window != Window::Event
            && version.limits.term == Term::None
            && version.limits.draw.is_none()
            && self.limits_together().next().is_none()
            && matches!(version.sharing, Sharing::Single)
            && !matches!(
                version.measure.target,
                Target::PriorPeriod | Target::SamePeriodLastYear
            )
    }

    /// What a fact counts for with everything that takes back of it; nothing where it does not count.
    ///
    /// # Errors
    /// When an amount does not fit.
    pub fn counts(&self, fact: &Fact, backs: &[&Fact]) -> Result<Option<i64>, MoneyError> {
        let version = &self.ready.version;
        let is_candidate = fact.kind == version.trigger.fact
            && fact.partner.is_some()
            && !fact.withdrawn
            && version.holds_on(fact.date);
        if !is_candidate {
            return Ok(None);
        }
        let mut facts = Facts::default();
        facts.facts.push(fact.clone());
        facts.facts.extend(backs.iter().copied().cloned());
        let known = Known::new(&facts, Timestamp::from_micros(i64::MAX));
        let line = known.facts.iter().find(|known| known.id == fact.id);
        let Some(line) = line else {
            return Ok(None);
        };
        let line = known.line(&self.ready, line, &crate::evaluate::Firsts::default())?;
        Ok(line.counts.ok().map(|counts| counts.until(None)))
    }

    /// What a tally comes to against its target, where it has one.
    ///
    /// # Errors
    /// When an amount does not fit.
    pub fn of_tally(&self, tally: Tally, target: Option<i64>) -> Result<i64, MoneyError> {
        let version = &self.ready.version;
        if tally.counted == 0 {
            return Ok(0);
        }
        let target = match version.measure.target {
            Target::Fixed(amount) => Some(amount),
            _ => target,
        };
        if version.measure.target != Target::None && target.is_none() {
            return Ok(0);
        }
        let measure = i64::try_from(tally.net).map_err(|_| MoneyError::Overflow)?;
        let rounded = self.bands.pay(Measure {
            measure,
            target,
            tenure: None,
        })?;
        let limits = version.limits.limits.iter();
        let own = limits.filter(|limit| limit.scope == LimitScope::Award);
        Ok(own.fold(rounded, |amount, limit| within(limit, amount, 0)))
    }
}

impl Tally {
    /// The tally with what a fact counted for replaced by what it counts for.
    #[must_use]
    pub fn changed(self, before: Option<i64>, after: Option<i64>) -> Self {
        let net = |counts: Option<i64>| i128::from(counts.unwrap_or_default());
        Self {
            counted: (self.counted + u64::from(after.is_some()))
                .saturating_sub(u64::from(before.is_some())),
            net: self.net - net(before) + net(after),
        }
    }
}
