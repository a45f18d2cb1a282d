//! `google.protobuf.Timestamp` and moments in whole microseconds. What is finer is cut off.

use prost_types::Timestamp as Wire;
use trellis_core::{Timestamp, Violation};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// The years 0001 to 9999, as the well-known type allows.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A moment on the wire.
#[must_use]
pub fn wire(moment: Timestamp) -> Wire {
    let micros = moment.micros();
    let nanos = micros.rem_euclid(MICROS_PER_SECOND) * 1_000;
    Wire {
        seconds: micros.div_euclid(MICROS_PER_SECOND),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

/// A moment from the wire.
///
/// # Errors
/// When it lies outside of the years 0001 to 9999, or its parts are out of range.
pub fn read(wire: &Wire) -> Result<Timestamp, Violation> {
    let Wire { seconds, nanos } = *wire;
    if !SECONDS.contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        let description = "must be a moment between the years 0001 and 9999";
        return Err(Violation::new("", "timestamp", description));
    }
    Ok(Timestamp::from_micros(
        seconds * MICROS_PER_SECOND + i64::from(nanos / 1_000),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_finer_than_a_microsecond_is_cut_off() {
        let before_1970 = Wire {
            seconds: -1,
            nanos: 999_999_999,
        };
        assert_eq!(read(&before_1970), Ok(Timestamp::from_micros(-1)));
        assert_eq!(
            read(&Wire {
                seconds: 1,
                nanos: 1_999
            }),
            Ok(Timestamp::from_micros(1_000_001))
        );
    }

    #[test]
    fn moments_outside_of_the_calendar_are_refused() {
        let bad = [
            (*SECONDS.start() - 1, 0),
            (*SECONDS.end() + 1, 0),
            (i64::MIN, 0),
            (0, -1),
            (0, 1_000_000_000),
        ];
        for (seconds, nanos) in bad {
            assert_eq!(
                read(&Wire { seconds, nanos }).unwrap_err().rule,
                "timestamp"
            );
        }
    }

    proptest! {
        #[test]
        fn every_moment_reads_back_as_it_was_sent(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            let moment = Timestamp::from_micros(micros);
            prop_assert_eq!(read(&wire(moment)), Ok(moment));
        }

        #[test]
        fn no_moment_panics(micros in any::<i64>()) {
            let _ = wire(Timestamp::from_micros(micros));
        }
    }
}
