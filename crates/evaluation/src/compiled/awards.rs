//! What one award comes to by itself: its schedule, its own limits, and what is taken back of it.

use trellis_core::MoneyError;

use super::Fault;
use super::bands::{Measure, Paid};
use super::claws::taken;
use super::lines::{Counts, Lines, Taken};
use crate::evaluate::within;
use crate::plan::{Below, LimitScope, Sharing};

impl Lines<'_> {
    /// A measure, rounded and within the award's own limits.
    #[inline]
    pub(crate) fn alone(
        &self,
        measure: i64,
        target: Option<i64>,
        tenure: Option<i64>,
    ) -> Result<i64, MoneyError> {
        let measured = Measure {
            measure,
            target,
            tenure,
        };
        if self.plan.wrong(Fault::LimitsBeforeRounding) && self.falls_short(measured)? {
            return Ok(0);
        }
        let rounded = self.plan.bands.pay(measured)?;
        let limits = &self.version.limits.limits;
        if limits.is_empty() {
            return Ok(rounded);
        }
        let own = limits
            .iter()
            .filter(|limit| limit.scope == LimitScope::Award);
        Ok(own.fold(rounded, |amount, limit| within(limit, amount, 0)))
    }

    /// What a limit would say that does not wait for the rounding.
    fn falls_short(&self, measured: Measure) -> Result<bool, MoneyError> {
        let Paid::Over(exact, over) = self.plan.bands.exact(measured)? else {
            return Ok(false);
        };
        let limits = self.version.limits.limits.iter();
        let mut own = limits.filter(|limit| limit.scope == LimitScope::Award);
        Ok(own.any(|limit| {
            let least = limit.min_minor.filter(|_| limit.below == Below::Forfeit);
            least.is_some_and(|least| exact < i128::from(least) * over)
        }))
    }

    /// What a fact comes to that is an award by itself.
    #[inline]
    pub(crate) fn of_line(&self, line: usize, counts: &Counts) -> Result<i64, MoneyError> {
        let before = self.alone(counts.net, self.fixed_target(), self.tenure_of(line))?;
        if counts.backs.is_empty() || before == 0 {
            return Ok(before);
        }
        self.clawed(line, counts, before, |_| {})
    }

    fn clawed(
        &self,
        line: usize,
        counts: &Counts,
        before: i64,
        mut each: impl FnMut(i64),
    ) -> Result<i64, MoneyError> {
        let mut left = before;
        for back in counts.backs.clone() {
            if let Some(Taken::Claws(parts)) = self.taken(line, back, 0) {
                let minor = taken(before, parts, self.version.policy.rounding)?.min(left);
                left -= minor;
                each(minor);
            }
        }
        Ok(left)
    }

    /// Whether it matters in which steps an award shrank.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self.version.sharing, Sharing::Single)
    }

    /// Adds what was taken back of a fact's award, in order: what refunds made of it day by day, then
    /// what was taken back of the award itself.
    pub(crate) fn reductions(
        &self,
        line: usize,
        counts: &Counts,
        into: &mut Vec<i64>,
    ) -> Result<(), MoneyError> {
        let (target, tenure) = (self.fixed_target(), self.tenure_of(line));
        let mut left = counts.gross;
        // What it came to before the day at hand, which is not over.
        let mut open: Option<(i32, i64)> = None;
        for back in counts.backs.clone() {
            let Some(Taken::To(next)) = self.taken(line, back, left) else {
                continue;
            };
            let day = super::column::at(&self.columns.backs.days, back);
            open = match open {
                Some((same, before)) if same == day => Some((same, before)),
                Some((_, before)) => {
                    let after = self.alone(left, target, tenure)?;
                    into.push(before - after);
                    Some((day, after))
                }
                None => Some((day, self.alone(left, target, tenure)?)),
            };
            left = next;
        }
        let before = self.alone(counts.net, target, tenure)?;
        if let Some((_, first)) = open {
            into.push(first - before);
        }
        if before != 0 {
            self.clawed(line, counts, before, |minor| into.push(minor))?;
        }
        Ok(())
    }

    /// Notes how a fact shrank.
    pub(crate) fn stages(&self, line: usize, counts: &Counts, stages: &mut Stages) {
        let mut left = counts.gross;
        for back in counts.backs.clone() {
            if let Some(Taken::To(next)) = self.taken(line, back, left) {
                let day = super::column::at(&self.columns.backs.days, back);
                stages.shrinks(day, i128::from(next) - i128::from(left));
                left = next;
            }
        }
    }

    #[inline]
    pub(crate) fn fixed_target(&self) -> Option<i64> {
        match self.version.measure.target {
            crate::plan::Target::Fixed(amount) => Some(amount),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn tenure_of(&self, line: usize) -> Option<i64> {
        self.plan.bands.by_tenure().then(|| self.tenure(line))?
    }
}

/// How a measure shrank, day by day.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stages {
    pub(crate) gross: i128,
    less: Vec<(i32, i128)>,
}

impl Stages {
    pub(crate) fn shrinks(&mut self, day: i32, by: i128) {
        self.less.push((day, by));
    }

    /// What each day took away of what the measure comes to.
    pub(crate) fn reductions(
        mut self,
        alone: impl Fn(i64) -> Result<i64, MoneyError>,
    ) -> Result<Vec<i64>, MoneyError> {
        if self.less.is_empty() {
            return Ok(Vec::new());
        }
        self.less.sort_unstable_by_key(|(day, _)| *day);
        let fits = |sum: i128| i64::try_from(sum).map_err(|_| MoneyError::Overflow);
        let mut before = alone(fits(self.gross)?)?;
        let mut reductions = Vec::new();
        for days in self.less.chunk_by(|(one, _), (other, _)| one == other) {
            self.gross += days.iter().map(|(_, by)| by).sum::<i128>();
            let after = alone(fits(self.gross)?)?;
            reductions.push(before - after);
            before = after;
        }
        Ok(reductions)
    }
}
