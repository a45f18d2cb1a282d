//! Which ecosystem a worker looks at when, whether it was told of news or not: for what fell due, and for
//! what other processes wrote that have ended since.
//!
//! It looks at one after the other, and at the next only when all news are dealt with. So looking holds up
//! nobody who waits; and since it rests many times as long as it took, up to a minute, it costs no more than
//! a share of the time, however many ecosystems there are.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use trellis_core::EcosystemId;

/// How often a worker looks at every ecosystem, if that does not take long.
const EVERY: Duration = Duration::from_secs(2);

/// How many times as long as it took to look at all of them it rests then, at least.
const RESTS: u32 = 31;

/// How long it rests at most: what took its time may have been work that it found.
const MOST: Duration = Duration::from_secs(60);

/// For how long to rest after looking at every ecosystem took so long.
#[must_use]
pub fn rest(took: Duration) -> Duration {
    took.saturating_mul(RESTS).clamp(EVERY, MOST)
}

/// A round of all ecosystems.
pub(super) struct Round {
    left: VecDeque<EcosystemId>,
    took: Duration,
    next: Instant,
}

impl Round {
    /// One that is due.
    pub(super) fn due(now: Instant) -> Self {
        Self {
            left: VecDeque::new(),
            took: Duration::ZERO,
            next: now,
        }
    }

    /// For how long there is nobody to look at.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        if self.left.is_empty() {
            self.next.saturating_duration_since(now)
        } else {
            Duration::ZERO
        }
    }

    /// Begins anew.
    pub(super) fn begin(&mut self, ecosystems: Vec<EcosystemId>, now: Instant) {
        self.left = ecosystems.into();
        self.took = Duration::ZERO;
        self.next = now + EVERY;
    }

    /// The next one to look at. Without one the round is over.
    pub(super) fn next(&mut self) -> Option<EcosystemId> {
        self.left.pop_front()
    }

    /// Takes note of how long it took to look at one.
    pub(super) fn note(&mut self, took: Duration, now: Instant) {
        self.took = self.took.saturating_add(took);
        if self.left.is_empty() {
            self.next = now + rest(self.took);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ecosystems(count: usize) -> Vec<EcosystemId> {
        let id = |number| EcosystemId::try_new(&format!("e-{number:03}")).unwrap();
        (0..count).map(id).collect()
    }

    /// Goes round once; answers when the next round is due, counted from when the last one was.
    fn round(count: usize, each: Duration) -> Duration {
        let begin = Instant::now();
        let mut now = begin;
        let mut round = Round::due(now);
        assert_eq!(round.wait(now), Duration::ZERO);
        round.begin(ecosystems(count), now);
        let mut seen = Vec::new();
        while let Some(ecosystem) = round.next() {
            now += each;
            seen.push(ecosystem);
            round.note(each, now);
        }
        assert_eq!(seen, ecosystems(count));
        now + round.wait(now) - begin
    }

    #[test]
    fn few_are_looked_at_every_two_seconds() {
        let one = Duration::from_millis(1);
        assert_eq!(round(0, one), Duration::from_secs(2));
        let of_ten = round(10, one);
        assert_eq!(of_ten, Duration::from_millis(2_010));
    }

    #[test]
    fn however_many_there_are_looking_takes_a_share_of_the_time() {
        for count in [100, 900] {
            let each = Duration::from_millis(2);
            let busy = each * u32::try_from(count).unwrap();
            assert_eq!(round(count, each), busy * 32);
        }
    }

    #[test]
    fn whatever_was_found_all_are_looked_at_again_in_a_minute() {
        let found = Duration::from_secs(300);
        assert_eq!(round(1, found), found + Duration::from_secs(60));
    }

    #[test]
    fn nobody_waits_in_the_middle_of_a_round() {
        let now = Instant::now();
        let mut round = Round::due(now);
        round.begin(ecosystems(2), now);
        round.next();
        round.note(Duration::from_secs(9), now);
        assert_eq!(round.wait(now), Duration::ZERO);
    }
}
