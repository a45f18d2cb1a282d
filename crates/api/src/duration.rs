//! `google.protobuf.Duration` and spans of time. A span is never negative.

use std::time::Duration;

use prost_types::Duration as Wire;
use trellis_core::Violation;

/// A span on the wire. One longer than the wire can tell, some 10,000 years, is cut to that.
#[must_use]
pub fn wire(span: Duration) -> Wire {
    let seconds = i64::try_from(span.as_secs())
        .unwrap_or(LONGEST)
        .min(LONGEST);
    Wire {
        seconds,
        nanos: i32::try_from(span.subsec_nanos()).unwrap_or_default(),
    }
}

/// As the well-known type allows.
const LONGEST: i64 = 315_576_000_000;

/// A span from the wire.
///
/// # Errors
/// When it is negative, too long, or its parts are out of range.
pub fn read(wire: &Wire) -> Result<Duration, Violation> {
    let Wire { seconds, nanos } = *wire;
    let refused = || {
        Violation::new(
            "",
            "duration",
            "must be a span of time that is not negative",
        )
    };
    if seconds > LONGEST || nanos >= 1_000_000_000 {
        return Err(refused());
    }
    let seconds = u64::try_from(seconds).map_err(|_| refused())?;
    let nanos = u32::try_from(nanos).map_err(|_| refused())?;
    Ok(Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_reads_back_as_it_was_sent() {
        let span = Duration::new(90, 5);
        assert_eq!(
            wire(span),
            Wire {
                seconds: 90,
                nanos: 5
            }
        );
        assert_eq!(read(&wire(span)), Ok(span));
        assert!(read(&wire(Duration::MAX)).is_ok());
    }

    #[test]
    fn negative_and_malformed_spans_are_refused() {
        for (seconds, nanos) in [(-1, 0), (0, -1), (0, 1_000_000_000), (LONGEST + 1, 0)] {
            assert_eq!(read(&Wire { seconds, nanos }).unwrap_err().rule, "duration");
        }
    }
}
