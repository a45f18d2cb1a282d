//! Places in the change feed.

use std::fmt;
use std::str::FromStr;

/// A place in the change feed: which life of the database, which transaction, which of its events.
///
/// Ordered as the feed is. Its text is `epoch-xid-sequence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// Which life of the database: higher after each restore.
    pub epoch: i64,
    /// Which transaction.
    pub xid: i64,
    /// Which event.
    pub sequence: i64,
}

/// The text is not a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a position as a response's trellis-position tells it, such as 1-42-7")]
pub struct InvalidPosition;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.epoch, self.xid, self.sequence)
    }
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let mut parts = text.split('-').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            if digits {
                part.parse::<i64>().ok()
            } else {
                None
            }
        });
        let mut part = || parts.next().flatten().ok_or(InvalidPosition);
        let position = Self {
            epoch: part()?,
            xid: part()?,
            sequence: part()?,
        };
        match parts.next() {
            None => Ok(position),
            Some(_) => Err(InvalidPosition),
        }
    }
}

/// What a write answers: its value, and the place of its last event in the change feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written<T> {
    /// The answer.
    pub value: T,
    /// The place in the change feed. Nothing when the write made no event.
    pub position: Option<Position>,
}

impl<T> Written<T> {
    /// Turns the answer into another one.
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Written<U> {
        Written {
            value: turn(self.value),
            position: self.position,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_position_sorts_by_epoch_then_transaction_then_sequence() {
        let of = |epoch, xid, sequence| Position {
            epoch,
            xid,
            sequence,
        };
        assert!(of(1, 9, 9) < of(2, 0, 0));
        assert!(of(1, 1, 9) < of(1, 2, 0));
        assert!(of(1, 1, 1) < of(1, 1, 2));
    }

    #[test]
    fn what_is_not_three_whole_numbers_is_refused() {
        for bad in [
            "",
            "1",
            "1-2",
            "1-2-3-4",
            "1-2-",
            "-1-2-3",
            "a-b-c",
            "1--2",
            "+1-2-3",
            "9999999999999999999-1-1",
        ] {
            assert_eq!(bad.parse::<Position>(), Err(InvalidPosition), "{bad}");
        }
    }

    #[test]
    fn mapping_keeps_the_position() {
        let position = Some(Position {
            epoch: 1,
            xid: 2,
            sequence: 3,
        });
        let written = Written { value: 4, position };
        assert_eq!(
            written.map(|value| value + 1),
            Written { value: 5, position }
        );
    }

    proptest! {
        #[test]
        fn a_position_reads_back_as_it_was_shown(
            epoch in 0..=i64::MAX, xid in 0..=i64::MAX, sequence in 0..=i64::MAX,
        ) {
            let position = Position { epoch, xid, sequence };
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }
    }
}
