//! What awards are compared with: quotas, and what earlier periods measured.

use std::collections::HashMap;

use trellis_core::{Date, MoneyError, Period};

use super::Fault;
use super::lines::Lines;
use crate::plan::Target;

/// What an earlier period measured.
#[derive(Clone, Copy, Debug)]
enum Baseline {
    Sum(i128),
    /// Something of it is not known.
    NotKnown,
    Error(MoneyError),
}

/// The targets of one partner's awards.
pub(crate) struct Targets<'a> {
    lines: &'a Lines<'a>,
    partner: usize,
    baselines: HashMap<(i32, u32), Baseline>,
    /// The period of the last question, and the one that it is compared with.
    earlier: Option<(i32, i32)>,
}

/// A target that is known: none where there is none.
pub(crate) type Known = Option<i64>;

impl<'a> Targets<'a> {
    pub(crate) fn new(lines: &'a Lines<'a>, partner: usize) -> Self {
        let mut targets = Self {
            lines,
            partner,
            baselines: HashMap::new(),
            earlier: None,
        };
        targets.measure();
        targets
    }

    fn compares_periods(&self) -> bool {
        matches!(
            self.lines.version.measure.target,
            Target::PriorPeriod | Target::SamePeriodLastYear
        )
    }

    /// What all periods measured, as the version counts that holds now.
    fn measure(&mut self) {
        let (lines, Some(calendar)) = (self.lines, &self.lines.calendar) else {
            return;
        };
        if !self.compares_periods() {
            return;
        }
        let range = lines.columns.lines_of(self.partner);
        let mut backs = lines.backs_from(range.start);
        let mut period = (i32::MAX, i32::MIN);
        for line in range {
            if !lines.is_kind(line) {
                continue;
            }
            let day = lines.day(line);
            if day < period.0 || day >= period.1 {
                period = calendar.period(day);
            }
            let key = (period.0, lines.group(line));
            let known = self.baselines.entry(key).or_insert(Baseline::Sum(0));
            let Baseline::Sum(sum) = known else {
                continue;
            };
            match lines.condition_of(line) {
                super::lines::FALSE => continue,
                super::lines::UNKNOWN => {
                    *known = Baseline::NotKnown;
                    continue;
                }
                _ => {}
            }
            match lines.counts(line, &mut backs) {
                Ok(Some(counts)) => *sum += i128::from(counts.net),
                Ok(None) => *known = Baseline::NotKnown,
                Err(error) => *known = Baseline::Error(error),
            }
        }
    }

    fn earlier(&mut self, start: i32) -> i32 {
        if let Some((of, earlier)) = self.earlier
            && of == start
        {
            return earlier;
        }
        let Some(cadence) = self.lines.version.measure.window.cadence() else {
            return start;
        };
        let date = Date::from_days(start);
        let period = Period::containing(date, cadence);
        let earlier = match self.lines.version.measure.target {
            Target::SamePeriodLastYear => Period::containing(date.plus_months(-12), cadence),
            _ if self.lines.plan.wrong(Fault::SamePeriod) => period,
            _ => period.previous(),
        };
        let earlier = earlier.start().days();
        self.earlier = Some((start, earlier));
        earlier
    }

    /// The target of an award; nothing where it has one that is not known, so that it is of nothing.
    ///
    /// # Errors
    /// When what an earlier period measured does not fit.
    #[inline]
    pub(crate) fn of(&mut self, start: i32, group: u32) -> Result<Option<Known>, MoneyError> {
        match &self.lines.version.measure.target {
            Target::None => Ok(Some(None)),
            Target::Fixed(amount) => Ok(Some(Some(*amount))),
            Target::Quota(name) => {
                let partner = self.lines.columns.partners.get(self.partner);
                let quotas = self.lines.columns.quotas.0.get(name);
                let found = quotas
                    .zip(partner)
                    .and_then(|(quotas, partner)| quotas.get(partner))
                    .and_then(|quotas| quotas.get(&Date::from_days(start)));
                Ok(found.map(|(_, _, amount)| Some(*amount)))
            }
            Target::PriorPeriod | Target::SamePeriodLastYear => {
                let key = (self.earlier(start), group);
                match self.baselines.get(&key).copied() {
                    None => Ok(Some(Some(0))),
                    Some(Baseline::NotKnown) => Ok(None),
                    Some(Baseline::Error(error)) => Err(error),
                    Some(Baseline::Sum(sum)) => i64::try_from(sum)
                        .map(|sum| Some(Some(sum)))
                        .map_err(|_| MoneyError::Overflow),
                }
            }
        }
    }
}
