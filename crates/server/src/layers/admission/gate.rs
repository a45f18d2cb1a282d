//! Who may work now, who waits, and who is told to come again: the rules of admission, without any
//! clock or task of their own.
//!
//! So many calls work at a time as [`Limit`] has found good. Others wait, first come first served,
//! unless it is known that waiting is of no use: when the wait that is to be expected is longer
//! than the call's deadline leaves. A burst may fill the queue. But a queue that has not been
//! empty for some time is no burst: everybody in it would wait as long, for ever, and nothing would
//! be gained. Then nobody may wait for longer than a fixed, shorter time, until nobody has had to
//! wait for as long.
//! (The last rule is the one of *Fail at Scale*, B. Maurer, ACM Queue 13(8), 2015.)

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::limit::Limit;

/// How long calls may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How long a queue may stand before it is no burst any more. In a burst a call may wait for as
    /// long as its deadline leaves.
    pub(super) burst: Duration,
    /// How long a call may wait after that.
    pub(super) standing: Duration,
}

/// What an arriving call may do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Work.
    Go,
    /// Wait until it is told.
    Wait,
    /// Come again: it would have to wait so long.
    Refused(Duration),
}

/// What a waiting call is told. It is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Work.
    Go,
    /// Come again: it has waited so long in vain.
    Refused(Duration),
}

/// The calls of one kind: those that work and those that wait, who are known as `W`.
#[derive(Debug)]
pub(super) struct Gate<W> {
    limit: Limit,
    working: usize,
    waiting: VecDeque<(Instant, W)>,
    waiting_most: usize,
    patience: Patience,
    /// When nobody waited last, and when somebody had to last.
    rested: Instant,
    crowded: Instant,
    /// Whether there is more to do than can be done, and not just a burst.
    overloaded: bool,
}

impl<W> Gate<W> {
    /// A gate for at most so many at work and waiting.
    pub(super) fn new(most: u32, waiting_most: usize, patience: Patience, now: Instant) -> Self {
        Self {
            limit: Limit::new(most, now),
            working: 0,
            waiting: VecDeque::new(),
            waiting_most,
            patience,
            rested: now,
            crowded: now,
            overloaded: false,
        }
    }

    /// A call arrives that has some time left. `waiter` makes what it is known by if it waits.
    pub(super) fn arrive(
        &mut self,
        now: Instant,
        left: Duration,
        waiter: impl FnOnce() -> W,
    ) -> Arrival {
        if self.waiting.is_empty() {
            self.rested = now;
            if self.working < self.limit.now() {
                self.working += 1;
                return Arrival::Go;
            }
        }
        let wait = self.wait();
        let longest = self
            .longest(now)
            .min(left.saturating_sub(self.limit.work()));
        self.crowded = now;
        if wait > longest || self.waiting.len() >= self.waiting_most {
            return Arrival::Refused(wait);
        }
        self.waiting.push_back((now, waiter()));
        Arrival::Wait
    }

    /// A call that worked for some time is done. Answers who is to be told what.
    pub(super) fn leave(&mut self, now: Instant, took: Duration) -> Vec<(W, Verdict)> {
        let full = !self.waiting.is_empty() || self.working >= self.limit.now();
        self.limit.learn(now, took, self.working, full);
        self.abandon(now)
    }

    /// A call that was let in never worked. Answers who is to be told what.
    pub(super) fn abandon(&mut self, now: Instant) -> Vec<(W, Verdict)> {
        self.working = self.working.saturating_sub(1);
        let mut told = Vec::new();
        let longest = self.longest(now);
        while self.working < self.limit.now() {
            let Some((since, waiter)) = self.waiting.pop_front() else {
                self.rested = now;
                break;
            };
            self.crowded = now;
            let waited = now.saturating_duration_since(since);
            if waited > longest {
                told.push((waiter, Verdict::Refused(waited)));
            } else {
                self.working += 1;
                told.push((waiter, Verdict::Go));
            }
        }
        told
    }

    /// How long one that arrives now would wait: for as many as wait, and itself, each leaving room
    /// when one of those at work is done.
    fn wait(&self) -> Duration {
        let before = u32::try_from(self.waiting.len() + 1).unwrap_or(u32::MAX);
        let at_once = u32::try_from(self.limit.now()).unwrap_or(u32::MAX);
        self.limit.work().saturating_mul(before) / at_once
    }

    /// How long anybody may wait.
    fn longest(&mut self, now: Instant) -> Duration {
        let Patience { burst, standing } = self.patience;
        let (rested, crowded) = (self.rested, self.crowded);
        let lasts = |since| now.saturating_duration_since(since) >= burst;
        if self.overloaded {
            // A queue of a few empties now and then by chance. It is over when nobody has had to
            // wait for as long as it took to begin.
            self.overloaded = !lasts(crowded);
            if !self.overloaded {
                self.rested = now;
            }
        } else {
            self.overloaded = lasts(rested);
        }
        if self.overloaded {
            standing
        } else {
            Duration::MAX
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(10);
    const BURST: Duration = Duration::from_secs(1);
    const PATIENCE: Patience = Patience {
        burst: BURST,
        standing: Duration::from_millis(20),
    };

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// A gate at which one works, who takes 10 ms.
    fn busy(now: Instant) -> Gate<u32> {
        let mut gate = Gate::new(1, 100, PATIENCE, now);
        assert_eq!(gate.arrive(now, LONG, || 0), Arrival::Go);
        gate.limit.learn(now, ms(10), 1, true);
        gate
    }

    #[test]
    fn who_comes_first_works_first() {
        let now = Instant::now();
        let mut gate = busy(now);
        assert_eq!(gate.arrive(now, LONG, || 1), Arrival::Wait);
        assert_eq!(gate.arrive(now, LONG, || 2), Arrival::Wait);
        assert_eq!(gate.leave(now + ms(10), ms(10)), [(1, Verdict::Go)]);
        assert_eq!(gate.leave(now + ms(20), ms(10)), [(2, Verdict::Go)]);
        assert_eq!(gate.leave(now + ms(30), ms(10)), []);
        assert_eq!(gate.arrive(now + ms(30), LONG, || 3), Arrival::Go);
    }

    #[test]
    fn who_cannot_be_done_in_time_is_refused_at_once() {
        let now = Instant::now();
        let mut gate = busy(now);
        assert_eq!(gate.arrive(now, ms(25), || 1), Arrival::Wait);
        // 20 ms of waiting and 10 of work.
        assert_eq!(gate.arrive(now, ms(25), || 2), Arrival::Refused(ms(20)));
        assert_eq!(gate.arrive(now, ms(30), || 3), Arrival::Wait);
    }

    #[test]
    fn a_queue_has_an_end() {
        let now = Instant::now();
        let mut gate = Gate::new(1, 2, PATIENCE, now);
        gate.arrive(now, LONG, || 0);
        for waiter in 1..=2 {
            assert_eq!(gate.arrive(now, LONG, || waiter), Arrival::Wait);
        }
        assert!(matches!(gate.arrive(now, LONG, || 3), Arrival::Refused(_)));
    }

    #[test]
    fn a_burst_may_wait_and_a_queue_that_stands_may_not() {
        let now = Instant::now();
        let mut gate = busy(now);
        for waiter in 1..=50 {
            assert_eq!(gate.arrive(now, LONG, || waiter), Arrival::Wait);
        }
        // The queue has stood too long: who waited for longer than one may then is sent away.
        let later = now + BURST;
        assert_eq!(gate.arrive(later, LONG, || 51), Arrival::Refused(ms(510)));
        let told = gate.leave(later, ms(10));
        assert_eq!(told.len(), 50);
        assert!(
            told.iter()
                .all(|(_, verdict)| *verdict == Verdict::Refused(BURST))
        );
        assert_eq!(gate.arrive(later, LONG, || 52), Arrival::Go);
    }

    #[test]
    fn an_overload_is_over_when_nobody_has_had_to_wait_for_some_time() {
        let now = Instant::now();
        let mut gate = busy(now);
        gate.arrive(now, LONG, || 1);
        let later = now + BURST;
        assert_eq!(gate.leave(later, ms(10)).len(), 1);
        // The queue was empty for a moment, which is no end of it.
        assert_eq!(gate.arrive(later, LONG, || 2), Arrival::Go);
        assert_eq!(gate.arrive(later, LONG, || 3), Arrival::Wait);
        assert!(gate.longest(later + ms(500)) < BURST);
        assert_eq!(gate.longest(later + BURST), Duration::MAX);
    }

    #[test]
    fn one_that_never_worked_makes_room_and_teaches_nothing() {
        let now = Instant::now();
        let mut gate = busy(now);
        let work = gate.limit.work();
        assert_eq!(gate.arrive(now, LONG, || 1), Arrival::Wait);
        assert_eq!(gate.abandon(now + ms(900)), [(1, Verdict::Go)]);
        assert_eq!(gate.limit.work(), work);
    }
}
