//! How long an approved registration is protected. Pure.

use trellis_core::{TimeZone, Timestamp};

/// The window of a protection: from the approval until local midnight after its last day. It is
/// half-open: at `end` it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The moment of the approval.
    pub start: Timestamp,
    /// The first moment after the protection.
    pub end: Timestamp,
}

/// The window of a registration that was approved at `approved` under a program with this time
/// zone and so many days of protection. Day 1 is the day after the approval, so that every partner
/// has at least the promised number of whole days.
#[must_use]
pub fn window(approved: Timestamp, days: i32, zone: &TimeZone) -> Window {
    let last = zone.local_date(approved).plus_days(days);
    Window {
        start: approved,
        end: zone.midnight(last.plus_days(1)),
    }
}

/// The end of a window that is extended by so many days, but not beyond so many since its start; none
/// where that is no later. Both are local midnights.
#[must_use]
pub fn extended(
    window: Window,
    days: i32,
    hard_stop_days: i32,
    zone: &TimeZone,
) -> Option<Timestamp> {
    let end = zone.midnight(zone.local_date(window.end).plus_days(days));
    let stop = self::window(window.start, hard_stop_days, zone).end;
    Some(end.min(stop)).filter(|end| *end > window.end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trellis_core::Date;

    use super::*;

    fn at(zone: &TimeZone, date: &str, micros_into_day: i64) -> Timestamp {
        let midnight = zone.midnight(date.parse().unwrap());
        Timestamp::from_micros(midnight.micros() + micros_into_day)
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::try_new(name).unwrap()
    }

    #[test]
    fn ninety_days_from_the_first_of_march_last_through_the_thirtieth_of_may() {
        let utc = zone("UTC");
        let window = window(at(&utc, "2026-03-01", 9 * 3_600_000_000), 90, &utc);
        assert_eq!(window.end.to_string(), "2026-05-31T00:00:00Z");
    }

    #[test]
    fn days_end_at_the_programs_midnight_not_at_utcs() {
        let approved = at(&zone("UTC"), "2026-03-01", 23 * 3_600_000_000);
        // It is the second of March already in Auckland, still the first in Los Angeles.
        let auckland = window(approved, 90, &zone("Pacific/Auckland"));
        assert_eq!(
            auckland.end,
            zone("Pacific/Auckland").midnight("2026-06-01".parse().unwrap())
        );
        let angeles = window(approved, 90, &zone("America/Los_Angeles"));
        assert_eq!(
            angeles.end,
            zone("America/Los_Angeles").midnight("2026-05-31".parse().unwrap())
        );
    }

    #[test]
    fn a_change_of_the_clocks_in_between_shifts_the_hours_and_not_the_day() {
        let berlin = zone("Europe/Berlin");
        // Winter time at the approval (UTC+1), summer time at the end (UTC+2).
        let spring = window(at(&berlin, "2026-03-01", 1), 90, &berlin);
        assert_eq!(spring.end.to_string(), "2026-05-30T22:00:00Z");
        // Summer time at the approval, winter time at the end.
        let autumn = window(at(&berlin, "2026-09-01", 1), 90, &berlin);
        assert_eq!(autumn.end.to_string(), "2026-11-30T23:00:00Z");
    }

    #[test]
    fn a_window_that_ends_on_the_day_of_the_change_ends_at_that_days_beginning() {
        // In Santiago the clocks go from midnight to one o'clock: the day begins at one.
        let santiago = zone("America/Santiago");
        let window = window(at(&santiago, "2026-06-07", 1), 90, &santiago);
        let first = santiago.midnight("2026-09-06".parse().unwrap());
        assert_eq!(window.end, first);
        assert_eq!(
            santiago.local_date(window.end),
            "2026-09-06".parse().unwrap()
        );
        let before = Timestamp::from_micros(window.end.micros() - 1);
        assert_eq!(santiago.local_date(before), "2026-09-05".parse().unwrap());
    }

    #[test]
    fn a_last_day_that_a_zone_left_out_has_no_moment_to_protect() {
        // Samoa went from the 29th to the 31st of December 2011.
        let apia = zone("Pacific/Apia");
        let left_out = window(at(&apia, "2011-12-20", 1), 10, &apia);
        assert_eq!(left_out.end, apia.midnight("2011-12-31".parse().unwrap()));
        assert_eq!(left_out, window(at(&apia, "2011-12-20", 1), 9, &apia));
    }

    #[test]
    fn an_extension_ends_at_a_midnight_and_no_later_than_the_hard_stop() {
        let berlin = zone("Europe/Berlin");
        let window = window(at(&berlin, "2026-03-01", 9 * 3_600_000_000), 90, &berlin);
        let end = |days, stop| extended(window, days, stop, &berlin).map(|end| end.to_string());
        assert_eq!(end(60, 180).as_deref(), Some("2026-07-29T22:00:00Z"));
        // Into winter time.
        assert_eq!(end(150, 300).as_deref(), Some("2026-10-27T23:00:00Z"));
        assert_eq!(end(91, 180), end(90, 180));
        assert_eq!(end(60, 100).as_deref(), Some("2026-06-09T22:00:00Z"));
        assert_eq!(end(60, 90), None);
        assert_eq!(end(0, 180), None);
    }

    proptest! {
        #[test]
        fn the_last_protected_moment_is_on_the_last_day(
            day in 10_000..30_000_i32,
            into in 0..86_400_000_000_i64,
            days in 1..400_i32,
            name in prop::sample::select(vec![
                "UTC", "Europe/Berlin", "America/Santiago", "Asia/Kolkata", "Pacific/Apia",
                "Australia/Lord_Howe",
            ]),
        ) {
            let zone = zone(name);
            let approved =
                Timestamp::from_micros(zone.midnight(Date::from_days(day)).micros() + into);
            let window = window(approved, days, &zone);
            let last = Timestamp::from_micros(window.end.micros() - 1);
            let promised = zone.local_date(approved).plus_days(days);
            // There is one day in all of these zones that there never was.
            let there = zone.local_date(zone.midnight(promised)) == promised;
            let last_day = if there { promised } else { promised.plus_days(-1) };
            prop_assert_eq!(zone.local_date(last), last_day);
            prop_assert!(window.start < window.end);
        }
    }
}
