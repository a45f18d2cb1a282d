//! Moments, as whole microseconds since 1970-01-01T00:00:00Z.
//!
//! Both databases keep whole microseconds exactly and sort them; neither can be said of their own
//! time types. A moment from outside is cut to the microsecond where it enters.

use std::fmt;
use std::time::Duration;

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

/// A moment.
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
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The moment so many microseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The moment a span later, or `None` when no moment is that late. Cuts the span to the
    /// microsecond.
    #[must_use]
    pub fn checked_add(self, span: Duration) -> Option<Self> {
        self.0
            .checked_add(i64::try_from(span.as_micros()).ok()?)
            .map(Self)
    }

    /// The moment a span later, or the last moment there is.
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(whole_micros(span)))
    }

    /// The moment a span earlier, or the first moment there is.
    #[must_use]
    pub fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(whole_micros(span)))
    }

    /// How long after `earlier` this is; nothing when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let micros = i128::from(self.0) - i128::from(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    }

    /// The same moment for `jiff`, which knows years -9999 to 9999; beyond them, the nearest.
    #[must_use]
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

fn whole_micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

impl From<jiff::Timestamp> for Timestamp {
    /// Cuts to the microsecond at or before the moment.
    fn from(moment: jiff::Timestamp) -> Self {
        let nanos = moment.as_nanosecond();
        Self(
            i64::try_from(nanos.div_euclid(1_000)).unwrap_or(if nanos < 0 {
                i64::MIN
            } else {
                i64::MAX
            }),
        )
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_jiff().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_moment_is_shown_as_rfc_3339() {
        assert_eq!(Timestamp::EPOCH.to_string(), "1970-01-01T00:00:00Z");
        let moment = Timestamp::from_micros(1_784_000_000_123_456);
        assert_eq!(moment.to_string(), "2026-07-14T03:33:20.123456Z");
    }

    #[test]
    fn adding_stops_at_the_ends_of_time() {
        let last = Timestamp::from_micros(i64::MAX);
        assert_eq!(last.checked_add(Duration::from_micros(1)), None);
        assert_eq!(Timestamp::EPOCH.checked_add(Duration::MAX), None);
        assert_eq!(last.saturating_add(Duration::MAX), last);
        let first = Timestamp::from_micros(i64::MIN);
        assert_eq!(first.saturating_sub(Duration::MAX), first);
        assert_eq!(
            Timestamp::EPOCH.checked_add(Duration::from_nanos(1_999)),
            Some(Timestamp::from_micros(1))
        );
    }

    #[test]
    fn what_is_not_later_is_no_time_later() {
        let later = Timestamp::from_micros(5);
        assert_eq!(later.since(Timestamp::EPOCH), Duration::from_micros(5));
        assert_eq!(Timestamp::EPOCH.since(later), Duration::ZERO);
        let whole = Timestamp::from_micros(i64::MAX).since(Timestamp::from_micros(i64::MIN));
        assert_eq!(whole, Duration::from_micros(u64::MAX));
    }

    #[test]
    fn nanoseconds_are_cut_towards_the_past() {
        let moment = jiff::Timestamp::from_nanosecond(-1).unwrap();
        assert_eq!(Timestamp::from(moment), Timestamp::from_micros(-1));
    }

    proptest! {
        #[test]
        fn jiff_keeps_every_moment_of_the_calendar(micros in -62_000_000_000_000_000_i64..253_000_000_000_000_000) {
            let moment = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::from(moment.to_jiff()), moment);
        }

        #[test]
        fn showing_never_panics(micros in any::<i64>()) {
            prop_assert!(!Timestamp::from_micros(micros).to_string().is_empty());
        }
    }
}
