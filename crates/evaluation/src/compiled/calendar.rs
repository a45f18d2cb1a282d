//! Where the periods of the calendar begin, counted out once for all days that there are.

use trellis_core::{Cadence, Date, Period};

use super::column::at;

/// The first days of all periods that a span of days touches.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    starts: Vec<i32>,
    ends: Vec<i32>,
}

impl Calendar {
    pub(crate) fn new(cadence: Cadence, first: i32, last: i32) -> Self {
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        let mut period = Period::containing(Date::from_days(first), cadence);
        loop {
            starts.push(period.start().days());
            ends.push(period.end().days());
            // What comes after the last period that there is begins within it.
            let next = period.next();
            let is_period = Period::containing(next.start(), cadence) == next;
            if next.start().days() > last || !is_period {
                break;
            }
            period = next;
        }
        if let Some(end) = ends.last_mut().filter(|end| **end <= last) {
            *end = i32::MAX;
        }
        Self { starts, ends }
    }

    /// The first day of the period of a day, and the day after its last.
    pub(crate) fn period(&self, day: i32) -> (i32, i32) {
        let index = self.starts.partition_point(|start| *start <= day);
        let index = index.saturating_sub(1);
        (at(&self.starts, index), at(&self.ends, index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_in_the_period_that_the_calendar_says() {
        for cadence in [
            Cadence::Month,
            Cadence::Quarter,
            Cadence::HalfYear,
            Cadence::Year,
        ] {
            let (first, last) = (-800, 25_000);
            let calendar = Calendar::new(cadence, first, last);
            for day in first..=last {
                let period = Period::containing(Date::from_days(day), cadence);
                let expected = (period.start().days(), period.end().days());
                assert_eq!(calendar.period(day), expected);
            }
        }
    }

    #[test]
    fn the_last_day_that_there_is_is_in_the_last_period() {
        let last = Date::try_new(9999, 12, 31).unwrap().days();
        for cadence in [
            Cadence::Month,
            Cadence::Quarter,
            Cadence::HalfYear,
            Cadence::Year,
        ] {
            let calendar = Calendar::new(cadence, last - 800, last);
            let before = calendar.period(last - 1);
            assert_eq!(calendar.period(last), before);
            assert!(before.1 > last);
        }
    }
}
