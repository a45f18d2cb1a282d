//! Where the time comes from.
//!
//! Only the server's start chooses a clock; everything else asks the one it was given, so that a
//! test and a sandbox can move time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::time::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows this moment.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.micros()))
    }

    /// Moves the clock to this moment, forwards or backwards.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }

    /// Moves the clock forward and answers the moment it then shows.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let mut before = self.0.load(Ordering::SeqCst);
        loop {
            let after = before.saturating_add(by);
            match self
                .0
                .compare_exchange(before, after, Ordering::SeqCst, Ordering::SeqCst)
            {
                Ok(_) => return Timestamp::from_micros(after),
                Err(found) => before = found,
            }
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_it_is_told_to() {
        let clock = ManualClock::new(Timestamp::from_micros(7));
        assert_eq!(clock.now(), Timestamp::from_micros(7));
        assert_eq!(
            clock.advance(Duration::from_micros(3)),
            Timestamp::from_micros(10)
        );
        assert_eq!(clock.now(), Timestamp::from_micros(10));
        clock.set(Timestamp::EPOCH);
        assert_eq!(clock.now(), Timestamp::EPOCH);
        assert_eq!(
            clock.advance(Duration::MAX),
            Timestamp::from_micros(i64::MAX)
        );
    }

    #[test]
    fn the_system_clock_shows_a_moment_of_this_age() {
        let released = Timestamp::from_micros(1_735_689_600_000_000);
        assert!(SystemClock.now() > released);
    }
}
