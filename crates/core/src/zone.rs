//! Time zones: which day a moment falls on, and when a day begins.

use std::fmt;
use std::time::Duration;

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

use crate::column::never_counted;
use crate::date::Date;
use crate::time::Timestamp;

/// A time zone by its IANA name, such as `Europe/Berlin`.
///
/// The rules come with the binary, so that a period closes at the same moment on every machine.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZone(String);

never_counted!(TimeZone);

/// There is no such time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of an IANA time zone, such as Europe/Berlin or UTC")]
pub struct InvalidTimeZone;

impl TimeZone {
    /// Reads the name of a time zone.
    ///
    /// # Errors
    /// When the IANA database has no zone of that name.
    pub fn try_new(name: &str) -> Result<Self, InvalidTimeZone> {
        let zone = jiff::tz::TimeZone::get(name).map_err(|_| InvalidTimeZone)?;
        zone.iana_name()
            .map(|name| Self(name.to_owned()))
            .ok_or(InvalidTimeZone)
    }

    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self("UTC".to_owned())
    }

    /// The name of the time zone.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The day that a moment falls on in this zone.
    #[must_use]
    pub fn local_date(&self, moment: Timestamp) -> Date {
        Date::from_civil(self.rules().to_datetime(moment.to_jiff()).date())
    }

    /// The first moment of a day in this zone. That is not always 0 o'clock: some zones move their
    /// clocks forward at midnight.
    #[must_use]
    pub fn midnight(&self, date: Date) -> Timestamp {
        let rules = self.rules();
        let midnight = date.to_civil().at(0, 0, 0, 0);
        let ambiguous = rules.to_ambiguous_timestamp(midnight);
        let skipped = matches!(ambiguous.offset(), jiff::tz::AmbiguousOffset::Gap { .. });
        let Ok(start) = ambiguous.compatible() else {
            return Timestamp::from_micros(i64::from(date.days()).saturating_mul(86_400_000_000));
        };
        let start = Timestamp::from(start);
        if skipped {
            self.moved_onto(date, start)
        } else {
            start
        }
    }

    /// The moment at which a zone moved its clocks onto a day without its midnight. It lies within
    /// the hours before `later`, a moment of that day; clocks are moved at whole seconds.
    fn moved_onto(&self, date: Date, later: Timestamp) -> Timestamp {
        let (mut before, mut on) = (86_400, 0);
        let earlier = |seconds| later.saturating_sub(Duration::from_secs(seconds));
        while before - on > 1 {
            let middle = u64::midpoint(before, on);
            if self.local_date(earlier(middle)) < date {
                before = middle;
            } else {
                on = middle;
            }
        }
        earlier(on)
    }

    /// The rules of the zone. A name that was valid when it was stored is known for ever; should the
    /// database lose one, its days are those of UTC.
    fn rules(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.0).unwrap_or(jiff::tz::TimeZone::UTC)
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TimeZone {
    type Error = InvalidTimeZone;

    fn try_from(name: String) -> Result<Self, InvalidTimeZone> {
        Self::try_new(&name)
    }
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> Self {
        zone.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    #[test]
    fn zones_are_known_by_their_iana_names_only() {
        assert_eq!(
            TimeZone::try_new("Europe/Berlin").unwrap().as_str(),
            "Europe/Berlin"
        );
        assert_eq!(
            TimeZone::try_new("europe/berlin").unwrap().as_str(),
            "Europe/Berlin"
        );
        assert_eq!(TimeZone::try_new("UTC"), Ok(TimeZone::utc()));
        for bad in [
            "",
            "Mars/Olympus",
            "+02:00",
            "../etc/passwd",
            "Europe/Berlin ",
        ] {
            assert_eq!(TimeZone::try_new(bad), Err(InvalidTimeZone), "{bad}");
        }
    }

    #[test]
    fn the_day_of_a_moment_depends_on_the_zone() {
        let late = moment("2026-07-31T22:30:00Z");
        let day = |name: &str| {
            TimeZone::try_new(name)
                .unwrap()
                .local_date(late)
                .to_string()
        };
        assert_eq!(day("UTC"), "2026-07-31");
        assert_eq!(day("Europe/Berlin"), "2026-08-01");
        assert_eq!(day("America/New_York"), "2026-07-31");
        assert_eq!(day("Pacific/Kiritimati"), "2026-08-01");
    }

    #[test]
    fn a_day_begins_at_its_first_moment() {
        let start = |name: &str, day: &str| {
            TimeZone::try_new(name)
                .unwrap()
                .midnight(day.parse().unwrap())
                .to_string()
        };
        assert_eq!(start("Europe/Berlin", "2026-07-01"), "2026-06-30T22:00:00Z");
        // Clocks went from 0:00 to 1:00, so the day began at 1 o'clock.
        assert_eq!(
            start("America/Sao_Paulo", "2018-11-04"),
            "2018-11-04T03:00:00Z"
        );
        // Clocks went from 23:30 to 0:30, so the day began at half past.
        assert_eq!(
            start("America/Toronto", "1919-03-31"),
            "1919-03-31T04:30:00Z"
        );
    }

    proptest! {
        #[test]
        fn the_first_moment_of_a_day_is_on_it_and_the_one_before_is_not(
            days in 0..40_000_i32,
            name in prop::sample::select(vec![
                "UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Africa/Cairo",
            ]),
        ) {
            let zone = TimeZone::try_new(name).unwrap();
            let start = zone.midnight(Date::from_days(days));
            prop_assert_eq!(zone.local_date(start), Date::from_days(days));
            let before = Timestamp::from_micros(start.micros() - 1);
            prop_assert_eq!(zone.local_date(before), Date::from_days(days - 1));
        }

        #[test]
        fn no_moment_and_no_day_panics(micros in any::<i64>(), days in any::<i32>()) {
            let zone = TimeZone::try_new("Europe/Berlin").unwrap();
            let _ = zone.local_date(Timestamp::from_micros(micros));
            let _ = zone.midnight(Date::from_days(days));
        }
    }
}
