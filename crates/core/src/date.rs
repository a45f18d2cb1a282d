//! Calendar days and the periods that they fall in. Which day a moment falls on is a question for a
//! [`TimeZone`](crate::TimeZone).

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil;
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

/// A day of the calendar, as days since 1970-01-01.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    DeriveValueType,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct Date(i32);

/// There is no such day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a day of the calendar between 0001-01-01 and 9999-12-31")]
pub struct InvalidDate;

impl Date {
    /// 1970-01-01.
    pub const EPOCH: Self = Self(0);

    /// The day with this year, month (1 to 12) and day of the month.
    ///
    /// # Errors
    /// When the calendar has no such day in the years 1 to 9999.
    pub fn try_new(year: i32, month: i32, day: i32) -> Result<Self, InvalidDate> {
        let year = i16::try_from(year)
            .ok()
            .filter(|year| *year >= 1)
            .ok_or(InvalidDate)?;
        let month = i8::try_from(month).map_err(|_| InvalidDate)?;
        let day = i8::try_from(day).map_err(|_| InvalidDate)?;
        civil::Date::new(year, month, day)
            .map(Self::from_civil)
            .map_err(|_| InvalidDate)
    }

    /// The day so many days after 1970-01-01.
    #[must_use]
    pub const fn from_days(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The year.
    #[must_use]
    pub fn year(self) -> i32 {
        i32::from(self.to_civil().year())
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> i32 {
        i32::from(self.to_civil().month())
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub fn day(self) -> i32 {
        i32::from(self.to_civil().day())
    }

    /// The quarter of the year, 1 to 4.
    #[must_use]
    pub fn quarter(self) -> i32 {
        (self.month() + 2) / 3
    }

    /// The day so many days later, or earlier when negative.
    #[must_use]
    pub const fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// The same day of the month so many months later, or earlier when negative. Where that month is
    /// too short, its last day: a month after January 31 is the last of February.
    #[must_use]
    pub fn plus_months(self, months: i32) -> Self {
        // Jiff knows spans of up to 239,976 months, more than its calendar has.
        let months = months.clamp(-239_976, 239_976);
        Self::from_civil(self.to_civil().saturating_add(months.months()))
    }

    /// How many days from this day until `later`; negative when it is earlier.
    #[must_use]
    pub fn days_until(self, later: Self) -> i64 {
        i64::from(later.0) - i64::from(self.0)
    }

    /// The first day of its month.
    #[must_use]
    pub fn first_of_month(self) -> Self {
        Self::from_civil(self.to_civil().first_of_month())
    }

    pub(crate) fn to_civil(self) -> civil::Date {
        civil::date(1970, 1, 1)
            .saturating_add(jiff::SignedDuration::from_hours(i64::from(self.0) * 24))
    }

    pub(crate) fn from_civil(date: civil::Date) -> Self {
        let since = date.duration_since(civil::date(1970, 1, 1));
        Self(i32::try_from(since.as_hours() / 24).unwrap_or_default())
    }
}

impl fmt::Display for Date {
    /// ISO 8601, such as `2026-07-31`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_civil().fmt(f)
    }
}

impl FromStr for Date {
    type Err = InvalidDate;

    /// Reads exactly `YYYY-MM-DD`.
    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        let number = |range| {
            let part: &str = text.get(range).ok_or(InvalidDate)?;
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            if digits {
                part.parse().map_err(|_| InvalidDate)
            } else {
                Err(InvalidDate)
            }
        };
        if text.len() != 10 || text.get(4..5) != Some("-") || text.get(7..8) != Some("-") {
            return Err(InvalidDate);
        }
        Self::try_new(number(0..4)?, number(5..7)?, number(8..10)?)
    }
}

/// How long a period of the calendar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cadence {
    /// A calendar month.
    Month,
    /// A quarter of a year.
    Quarter,
    /// Half a year.
    HalfYear,
    /// A calendar year.
    Year,
}

impl Cadence {
    const fn months(self) -> i32 {
        match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::HalfYear => 6,
            Self::Year => 12,
        }
    }
}

/// A month, quarter, half or whole year of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    start: Date,
    cadence: Cadence,
}

impl Period {
    /// The period that a day falls in.
    #[must_use]
    pub fn containing(date: Date, cadence: Cadence) -> Self {
        let into = (date.month() - 1) % cadence.months();
        Self {
            start: date.first_of_month().plus_months(-into),
            cadence,
        }
    }

    /// How long it is.
    #[must_use]
    pub const fn cadence(self) -> Cadence {
        self.cadence
    }

    /// Its first day.
    #[must_use]
    pub const fn start(self) -> Date {
        self.start
    }

    /// The day after its last.
    #[must_use]
    pub fn end(self) -> Date {
        self.start.plus_months(self.cadence.months())
    }

    /// Whether a day falls in it.
    #[must_use]
    pub fn contains(self, date: Date) -> bool {
        self.start <= date && date < self.end()
    }

    /// The period after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self {
            start: self.end(),
            cadence: self.cadence,
        }
    }

    /// The period before it.
    #[must_use]
    pub fn previous(self) -> Self {
        Self {
            start: self.start.plus_months(-self.cadence.months()),
            cadence: self.cadence,
        }
    }

    /// Its name: `2026-07`, `2026-Q3`, `2026-H2` or `2026`.
    #[must_use]
    pub fn label(self) -> String {
        let year = self.start.year();
        match self.cadence {
            Cadence::Month => format!("{year:04}-{:02}", self.start.month()),
            Cadence::Quarter => format!("{year:04}-Q{}", self.start.quarter()),
            Cadence::HalfYear => format!("{year:04}-H{}", (self.start.month() + 5) / 6),
            Cadence::Year => format!("{year:04}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn days_count_from_1970() {
        assert_eq!(date("1970-01-01"), Date::EPOCH);
        assert_eq!(date("1969-12-31").days(), -1);
        assert_eq!(date("2026-07-31").days(), 20_665);
        assert_eq!(Date::from_days(20_665).to_string(), "2026-07-31");
    }

    #[test]
    fn days_that_the_calendar_does_not_have_are_refused() {
        for bad in [
            (2026, 2, 29),
            (2026, 13, 1),
            (2026, 0, 1),
            (2026, 1, 0),
            (0, 1, 1),
            (10_000, 1, 1),
            (-1, 1, 1),
            (2026, 300, 1),
        ] {
            assert_eq!(
                Date::try_new(bad.0, bad.1, bad.2),
                Err(InvalidDate),
                "{bad:?}"
            );
        }
        for bad in [
            "",
            "2026-7-1",
            "2026-07-011",
            "2026/07/01",
            "+026-07-01",
            "2026-07-1x",
            "26-07-01",
            "2026-07-ä",
        ] {
            assert_eq!(bad.parse::<Date>(), Err(InvalidDate), "{bad}");
        }
    }

    #[test]
    fn months_are_added_to_the_last_day_that_there_is() {
        assert_eq!(date("2026-01-31").plus_months(1), date("2026-02-28"));
        assert_eq!(date("2024-01-31").plus_months(1), date("2024-02-29"));
        assert_eq!(date("2026-03-31").plus_months(-1), date("2026-02-28"));
        assert_eq!(date("2026-11-15").plus_months(14), date("2028-01-15"));
    }

    #[test]
    fn periods_begin_and_end_where_the_calendar_says() {
        let cases = [
            (Cadence::Month, "2026-08-01", "2026-09-01", "2026-08"),
            (Cadence::Quarter, "2026-07-01", "2026-10-01", "2026-Q3"),
            (Cadence::HalfYear, "2026-07-01", "2027-01-01", "2026-H2"),
            (Cadence::Year, "2026-01-01", "2027-01-01", "2026"),
        ];
        for (cadence, start, end, label) in cases {
            let period = Period::containing(date("2026-08-31"), cadence);
            assert_eq!(period.start(), date(start));
            assert_eq!(period.end(), date(end));
            assert_eq!(period.label(), label);
            assert_eq!(period.next().previous(), period);
        }
        assert_eq!(
            Period::containing(date("2026-06-30"), Cadence::HalfYear).label(),
            "2026-H1"
        );
    }

    proptest! {
        #[test]
        fn a_day_reads_back_as_it_was_shown(days in -719_162..2_932_896_i32) {
            let day = Date::from_days(days);
            prop_assert_eq!(day.to_string().parse(), Ok(day));
            prop_assert_eq!(Date::try_new(day.year(), day.month(), day.day()), Ok(day));
        }

        #[test]
        fn every_day_falls_in_exactly_one_period(
            days in -700_000..2_900_000_i32,
            cadence in prop::sample::select(vec![
                Cadence::Month, Cadence::Quarter, Cadence::HalfYear, Cadence::Year,
            ]),
        ) {
            let day = Date::from_days(days);
            let period = Period::containing(day, cadence);
            prop_assert!(period.contains(day));
            prop_assert!(!period.next().contains(day));
            prop_assert!(!period.previous().contains(day));
            prop_assert_eq!(period.next().start(), period.end());
        }

        #[test]
        fn no_day_and_no_sum_panics(days in any::<i32>(), more in any::<i32>()) {
            let day = Date::from_days(days);
            let _ = (day.to_string(), day.plus_days(more), day.plus_months(more));
            let _ = Period::containing(day, Cadence::Quarter).end();
        }
    }
}
