//! Business days: the days on which people are at work.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::time::Timestamp;
use crate::zone::TimeZone;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Weekday {
    /// The first day of the week.
    Monday,
    /// The second.
    Tuesday,
    /// The third.
    Wednesday,
    /// The fourth.
    Thursday,
    /// The fifth.
    Friday,
    /// The sixth.
    Saturday,
    /// The last.
    Sunday,
}

impl Weekday {
    /// Every day of the week, in its order.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// The day of the week of a date.
    #[must_use]
    pub fn of(date: Date) -> Self {
        // 1970-01-01 was a Thursday.
        match (i64::from(date.days()) + 3).rem_euclid(7) {
            0 => Self::Monday,
            1 => Self::Tuesday,
            2 => Self::Wednesday,
            3 => Self::Thursday,
            4 => Self::Friday,
            5 => Self::Saturday,
            _ => Self::Sunday,
        }
    }
}

/// On which days somebody is at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Calendar {
    /// The days of the week.
    pub weekdays: BTreeSet<Weekday>,
    /// Days on which nobody is, whatever day of the week they are.
    pub holidays: BTreeSet<Date>,
}

impl Default for Calendar {
    /// Monday to Friday, and no holidays.
    fn default() -> Self {
        let weekdays = [
            Weekday::Monday,
            Weekday::Tuesday,
            Weekday::Wednesday,
            Weekday::Thursday,
            Weekday::Friday,
        ];
        Self {
            weekdays: weekdays.into(),
            holidays: BTreeSet::new(),
        }
    }
}

impl Calendar {
    /// Whether a day is one of work.
    #[must_use]
    pub fn works(&self, date: Date) -> bool {
        self.weekdays.contains(&Weekday::of(date)) && !self.holidays.contains(&date)
    }

    /// The so many-th business day after a day; the day itself counts as none.
    ///
    /// Holidays are finitely many, so there always is a next business day in a week with one. In a
    /// week without any, every day is counted.
    #[must_use]
    pub fn after(&self, date: Date, business_days: i32) -> Date {
        let (mut date, mut left) = (date, business_days);
        while left > 0 && date.days() < i32::MAX {
            date = date.plus_days(1);
            if self.works(date) || self.weekdays.is_empty() {
                left -= 1;
            }
        }
        date
    }

    /// The deadline of whoever has so many business days from a moment on: the midnight at which the
    /// last of them ends, where the days are those of this zone. At that moment it has passed.
    #[must_use]
    pub fn deadline(&self, from: Timestamp, business_days: i32, zone: &TimeZone) -> Timestamp {
        let last = self.after(zone.local_date(from), business_days);
        zone.midnight(last.plus_days(1))
    }

    /// How many whole business days lie between a moment and a deadline: what [`deadline`] is to be
    /// asked for so that the rest of the time is had again from another day on.
    ///
    /// [`deadline`]: Self::deadline
    #[must_use]
    pub fn left(&self, from: Timestamp, deadline: Timestamp, zone: &TimeZone) -> i32 {
        let end = zone.local_date(deadline);
        let mut date = zone.local_date(from).plus_days(1);
        let mut left = 0;
        while date < end {
            if self.works(date) || self.weekdays.is_empty() {
                left += 1;
            }
            date = date.plus_days(1);
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::try_new(name).unwrap()
    }

    fn without(holidays: &[&str]) -> Calendar {
        Calendar {
            holidays: holidays.iter().map(|text| day(text)).collect(),
            ..Calendar::default()
        }
    }

    #[test]
    fn days_of_the_week_are_those_of_the_calendar() {
        for (date, weekday) in [
            ("1969-12-31", Weekday::Wednesday),
            ("1970-01-01", Weekday::Thursday),
            ("2000-02-29", Weekday::Tuesday),
            ("2026-03-01", Weekday::Sunday),
            ("2026-11-26", Weekday::Thursday),
            ("2027-01-01", Weekday::Friday),
        ] {
            assert_eq!(Weekday::of(day(date)), weekday, "{date}");
        }
    }

    #[test]
    fn weekends_and_holidays_do_not_count() {
        let calendar = Calendar::default();
        // A Monday; a Thursday; a Friday; a Saturday; a Sunday.
        for (from, after) in [
            ("2026-03-02", "2026-03-04"),
            ("2026-03-05", "2026-03-09"),
            ("2026-03-06", "2026-03-10"),
            ("2026-03-07", "2026-03-10"),
            ("2026-03-08", "2026-03-10"),
        ] {
            assert_eq!(calendar.after(day(from), 2), day(after), "{from}");
        }
        let easter = without(&["2026-04-03", "2026-04-06"]);
        assert_eq!(easter.after(day("2026-04-02"), 2), day("2026-04-08"));
        // A holiday that falls on a weekend takes nothing.
        let saturday = without(&["2026-03-07"]);
        assert_eq!(saturday.after(day("2026-03-06"), 1), day("2026-03-09"));
    }

    #[test]
    fn a_year_ends_in_the_middle_of_a_span() {
        let festive = without(&["2026-12-24", "2026-12-25", "2026-12-31", "2027-01-01"]);
        assert_eq!(festive.after(day("2026-12-23"), 2), day("2026-12-29"));
        assert_eq!(festive.after(day("2026-12-30"), 2), day("2027-01-05"));
        assert_eq!(festive.after(day("2026-12-23"), 10), day("2027-01-12"));
    }

    #[test]
    fn a_week_may_begin_on_a_sunday() {
        let calendar = Calendar {
            weekdays: [
                Weekday::Sunday,
                Weekday::Monday,
                Weekday::Tuesday,
                Weekday::Wednesday,
                Weekday::Thursday,
            ]
            .into(),
            holidays: BTreeSet::new(),
        };
        assert_eq!(calendar.after(day("2026-03-05"), 1), day("2026-03-08"));
    }

    #[test]
    fn a_deadline_is_the_midnight_of_the_zone_whatever_its_clocks_do() {
        let calendar = Calendar::default();
        let berlin = zone("Europe/Berlin");
        // Friday in winter time, and the second business day is a Tuesday in summer time.
        let friday =
            Timestamp::from_micros(berlin.midnight(day("2026-03-27")).micros() + 9 * 3_600_000_000);
        let due = calendar.deadline(friday, 2, &berlin);
        assert_eq!(due.to_string(), "2026-03-31T22:00:00Z");
        // And back: Friday in summer time, Tuesday in winter time.
        let friday = Timestamp::from_micros(berlin.midnight(day("2026-10-23")).micros());
        let due = calendar.deadline(friday, 2, &berlin);
        assert_eq!(due.to_string(), "2026-10-27T23:00:00Z");
        // The same moment is Saturday in Auckland already and Friday in Los Angeles.
        let moment = Timestamp::from_micros(
            zone("UTC").midnight(day("2026-03-06")).micros() + 20 * 3_600_000_000,
        );
        let auckland = zone("Pacific/Auckland");
        let due = calendar.deadline(moment, 1, &auckland);
        assert_eq!(due, auckland.midnight(day("2026-03-10")));
        let angeles = zone("America/Los_Angeles");
        let due = calendar.deadline(moment, 1, &angeles);
        assert_eq!(due, angeles.midnight(day("2026-03-10")));
        assert_ne!(auckland.midnight(day("2026-03-10")), due);
    }

    #[test]
    fn whoever_pauses_has_the_rest_of_the_days_afterwards() {
        let (calendar, utc) = (Calendar::default(), TimeZone::utc());
        let at = |text: &str| Timestamp::from_micros(utc.midnight(day(text)).micros() + 1);
        let due = calendar.deadline(at("2026-03-02"), 2, &utc);
        for (paused, left) in [("2026-03-02", 2), ("2026-03-03", 1), ("2026-03-04", 0)] {
            assert_eq!(calendar.left(at(paused), due, &utc), left, "{paused}");
        }
        assert_eq!(calendar.left(at("2026-03-09"), due, &utc), 0);
    }

    proptest! {
        #[test]
        fn as_many_business_days_lie_between_as_were_asked_for(
            from in 10_000..30_000_i32,
            business_days in 1..60_i32,
            holidays in prop::collection::btree_set(10_000..30_100_i32, 0..400),
            weekdays in prop::collection::btree_set(0..7_usize, 1..7),
        ) {
            let calendar = Calendar {
                weekdays: weekdays.into_iter().map(|at| Weekday::ALL[at]).collect(),
                holidays: holidays.into_iter().map(Date::from_days).collect(),
            };
            let from = Date::from_days(from);
            let last = calendar.after(from, business_days);
            prop_assert!(calendar.works(last));
            let between = (from.days() + 1..=last.days())
                .filter(|at| calendar.works(Date::from_days(*at)))
                .count();
            prop_assert_eq!(i32::try_from(between).unwrap(), business_days);
            let utc = TimeZone::utc();
            let (start, due) = (utc.midnight(from), utc.midnight(last.plus_days(1)));
            prop_assert_eq!(calendar.left(start, due, &utc), business_days);
        }
    }
}
