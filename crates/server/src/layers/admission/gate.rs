//! Who may work now, who waits, and who is told to come again: the rules of admission, without any
//! clock or task of their own.
//!
//! So many calls work at a time as [`Limit`] has found good. Others wait, first come first served,
//! unless it is known that waiting is of no use: when the wait that is to be expected is longer
//! than the call's deadline leaves. A burst may fill the queue. But a queue that has not been
//! empty for some time is no burst: everybody in it would wait as long, for ever, and nothing would
//! be gained. Then nobody may wait for longer than a fixed, shorter time, until nobody has had to
//! wait for as long. Calls also queue for a processor before they arrive here. That counts as the
//! same queue: what never waits for anything else is never at work beside another, and a processor
//! is all that it lacks.
//!
//! (The last rule is the one of *Fail at Scale*, B. Maurer, ACM Queue 13(8), 2015.)
//!
//! While there is an overload, nobody joins the queue for a processor where it is known to be too
//! long already: so many are in it, and so fast it has been moving.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::limit::Limit;

/// How many of the last calls make up what they queue for a processor these days, about.
const QUEUED: u32 = 32;

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
    /// When somebody arrived last, and how long they queue for a processor these days.
    last: Instant,
    queued: Duration,
    /// How many queue for a processor, and how long each of them takes to have its turn these days.
    queueing: u32,
    pace: Duration,
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
            last: now,
            queued: Duration::ZERO,
            queueing: 0,
            pace: Duration::ZERO,
            rested: now,
            crowded: now,
            overloaded: false,
        }
    }

    /// A call was read, and queues for a processor from now on, unless it would have to for too long.
    /// Answers among how many it does, or how long it would have.
    pub(super) fn come(&mut self, now: Instant) -> Result<u32, Duration> {
        let wait = self.pace.saturating_mul(self.queueing);
        // Half of what they may wait for: chance makes some wait twice as long as is expected, and
        // to refuse them later costs more.
        if self.overloaded && wait > self.patience.standing / 2 {
            self.crowded = now;
            return Err(wait);
        }
        self.queueing += 1;
        Ok(self.queueing)
    }

    /// A call that had queued among so many had its turn after so long.
    pub(super) fn learn_pace(&mut self, queued: Duration, among: u32) {
        // A pause of the whole process is no pace.
        let pace = queued.min(self.patience.standing) / among.max(1);
        self.pace = (self.pace * (QUEUED - 1) + pace) / QUEUED;
    }

    /// A call queues no longer.
    pub(super) fn leave_queue(&mut self) {
        self.queueing = self.queueing.saturating_sub(1);
    }

    /// A call has its turn after it has queued for a processor. If nothing more needs to be known of
    /// it to refuse it, this answers how long it would have waited in all.
    pub(super) fn glance(&mut self, now: Instant, queued: Duration) -> Option<Duration> {
        let standing = self.patience.standing;
        // Where nobody has come for so long, nobody is in a queue either.
        let alone = now.saturating_duration_since(self.last) > standing;
        self.last = now;
        // Whose turn it is, is partly chance: one that came at once tells nothing of the others.
        self.queued = match alone {
            true => queued.min(standing),
            false => (self.queued * (QUEUED - 1) + queued) / QUEUED,
        };
        let prompt = self.queued <= standing;
        if prompt && self.waiting.is_empty() {
            self.rested = now;
        }
        if !prompt || !self.free() {
            self.crowded = now;
        }
        let wait = queued.saturating_add(self.wait());
        let refused = wait > self.longest(now) || self.waiting.len() >= self.waiting_most;
        refused.then(|| {
            self.crowded = now;
            wait
        })
    }

    /// A call that was not refused at a glance arrives, and has some time left. `waiter` makes what
    /// it is known by if it waits.
    pub(super) fn arrive(
        &mut self,
        now: Instant,
        queued: Duration,
        left: Duration,
        waiter: impl FnOnce() -> W,
    ) -> Arrival {
        if self.free() {
            self.working += 1;
            return Arrival::Go;
        }
        self.crowded = now;
        let wait = self.wait();
        let in_time = wait.saturating_add(self.limit.work()) <= left;
        let wait = queued.saturating_add(wait);
        if wait > self.longest(now) || !in_time || self.waiting.len() >= self.waiting_most {
            return Arrival::Refused(wait);
        }
        self.waiting.push_back((now, waiter()));
        Arrival::Wait
    }

    /// Whether there is more to do than can be done, and not just a burst.
    pub(super) fn overloaded(&self) -> bool {
        self.overloaded
    }

    /// Whether one that arrives may work at once.
    fn free(&self) -> bool {
        self.waiting.is_empty() && self.working < self.limit.now()
    }

    /// A call that worked for some time is done. Answers who is to be told what.
    pub(super) fn leave(&mut self, now: Instant, took: Duration) -> Vec<(W, Verdict)> {
        self.limit.learn(now, took, !self.waiting.is_empty());
        self.abandon(now)
    }

    /// A call that was let in never worked. Answers who is to be told what.
    pub(super) fn abandon(&mut self, now: Instant) -> Vec<(W, Verdict)> {
        self.working = self.working.saturating_sub(1);
        let mut told = Vec::new();
        let longest = self.longest(now);
        while self.working < self.limit.now() {
            let Some((since, waiter)) = self.waiting.pop_front() else {
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
        if self.free() {
            return Duration::ZERO;
        }
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

    /// A call has its turn, and arrives if it is not refused at a glance.
    fn comes(
        gate: &mut Gate<u32>,
        now: Instant,
        queued: Duration,
        left: Duration,
        waiter: impl FnOnce() -> u32,
    ) -> Arrival {
        match gate.glance(now, queued) {
            Some(wait) => Arrival::Refused(wait),
            None => gate.arrive(now, queued, left, waiter),
        }
    }

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// A gate at which one works, who takes 10 ms.
    fn busy(now: Instant) -> Gate<u32> {
        let mut gate = Gate::new(1, 100, PATIENCE, now);
        assert_eq!(
            comes(&mut gate, now, Duration::ZERO, LONG, || 0),
            Arrival::Go
        );
        gate.limit.learn(now, ms(10), true);
        gate
    }

    #[test]
    fn who_comes_first_works_first() {
        let now = Instant::now();
        let mut gate = busy(now);
        assert_eq!(
            comes(&mut gate, now, Duration::ZERO, LONG, || 1),
            Arrival::Wait
        );
        assert_eq!(
            comes(&mut gate, now, Duration::ZERO, LONG, || 2),
            Arrival::Wait
        );
        assert_eq!(gate.leave(now + ms(10), ms(10)), [(1, Verdict::Go)]);
        assert_eq!(gate.leave(now + ms(20), ms(10)), [(2, Verdict::Go)]);
        assert_eq!(gate.leave(now + ms(30), ms(10)), []);
        assert_eq!(
            comes(&mut gate, now + ms(30), Duration::ZERO, LONG, || 3),
            Arrival::Go
        );
    }

    #[test]
    fn who_cannot_be_done_in_time_is_refused_at_once() {
        let now = Instant::now();
        let mut gate = busy(now);
        assert_eq!(
            comes(&mut gate, now, Duration::ZERO, ms(25), || 1),
            Arrival::Wait
        );
        // 20 ms of waiting and 10 of work.
        assert_eq!(
            comes(&mut gate, now, Duration::ZERO, ms(25), || 2),
            Arrival::Refused(ms(20))
        );
        assert_eq!(
            comes(&mut gate, now, Duration::ZERO, ms(30), || 3),
            Arrival::Wait
        );
    }

    #[test]
    fn a_queue_has_an_end() {
        let now = Instant::now();
        let mut gate = Gate::new(1, 2, PATIENCE, now);
        comes(&mut gate, now, Duration::ZERO, LONG, || 0);
        for waiter in 1..=2 {
            assert_eq!(
                comes(&mut gate, now, Duration::ZERO, LONG, || waiter),
                Arrival::Wait
            );
        }
        assert!(matches!(
            comes(&mut gate, now, Duration::ZERO, LONG, || 3),
            Arrival::Refused(_)
        ));
    }

    #[test]
    fn a_burst_may_wait_and_a_queue_that_stands_may_not() {
        let now = Instant::now();
        let mut gate = busy(now);
        for waiter in 1..=50 {
            assert_eq!(
                comes(&mut gate, now, Duration::ZERO, LONG, || waiter),
                Arrival::Wait
            );
        }
        // The queue has stood too long: who waited for longer than one may then is sent away.
        let later = now + BURST;
        assert_eq!(
            comes(&mut gate, later, Duration::ZERO, LONG, || 51),
            Arrival::Refused(ms(510))
        );
        let told = gate.leave(later, ms(10));
        assert_eq!(told.len(), 50);
        assert!(
            told.iter()
                .all(|(_, verdict)| *verdict == Verdict::Refused(BURST))
        );
        assert_eq!(
            comes(&mut gate, later, Duration::ZERO, LONG, || 52),
            Arrival::Go
        );
    }

    /// Calls come one by one that have queued so long each, and are done as soon as they are let in.
    fn come(gate: &mut Gate<u32>, from: Instant, every: Duration, queued: Duration) -> Arrival {
        let mut last = Arrival::Go;
        for at in 0..60 {
            let now = from + every * at;
            last = comes(gate, now, queued, LONG, || at);
            if last == Arrival::Go {
                gate.leave(now + ms(1), ms(1));
            }
        }
        last
    }

    #[test]
    fn the_queue_for_the_processors_counts_as_one() {
        let start = Instant::now();
        let mut gate = Gate::new(4, 100, PATIENCE, start);
        // Nobody is ever at work beside another, and yet all come late.
        assert_eq!(come(&mut gate, start, ms(10), ms(15)), Arrival::Go);
        assert_eq!(come(&mut gate, start + LONG, ms(10), ms(300)), Arrival::Go);
        let later = start + LONG + ms(600);
        let refused = come(&mut gate, later, ms(10), ms(300));
        assert_eq!(refused, Arrival::Refused(ms(300)));
        // Who comes promptly works, and when all have done so for some time, it is over.
        let later = later + ms(600);
        assert_eq!(come(&mut gate, later, ms(20), ms(1)), Arrival::Go);
        let later = later + ms(1_200);
        assert_eq!(come(&mut gate, later, ms(40), ms(1)), Arrival::Go);
        let late = comes(&mut gate, later + ms(2_400), ms(300), LONG, || 0);
        assert_eq!(late, Arrival::Go);
    }

    #[test]
    fn nobody_joins_a_queue_that_is_known_to_be_too_long() {
        let start = Instant::now();
        let mut gate = Gate::<u32>::new(4, 100, PATIENCE, start);
        // Each takes a millisecond to have its turn, and they may queue for ten.
        for _ in 0..500 {
            gate.learn_pace(ms(1), 1);
        }
        for among in 1..=50 {
            assert_eq!(gate.come(start), Ok(among), "a burst may queue");
        }
        come(&mut gate, start, ms(20), ms(300));
        assert!(gate.overloaded());
        let later = start + ms(1_200);
        assert!(gate.come(later).unwrap_err() > ms(40));
        for _ in 0..40 {
            gate.leave_queue();
        }
        assert_eq!(gate.come(later), Ok(11));
        assert!(gate.come(later).is_err());
    }

    #[test]
    fn a_pause_of_all_is_no_pace() {
        let mut gate = Gate::<u32>::new(4, 100, PATIENCE, Instant::now());
        gate.learn_pace(LONG, 1);
        assert!(gate.pace < ms(1), "{:?}", gate.pace);
    }

    #[test]
    fn one_that_comes_late_after_a_rest_is_no_queue() {
        let start = Instant::now();
        let mut gate = Gate::new(4, 100, PATIENCE, start);
        let late = comes(&mut gate, start + LONG, ms(300), LONG, || 0);
        assert_eq!(late, Arrival::Go);
    }

    #[test]
    fn an_overload_is_over_when_nobody_has_had_to_wait_for_some_time() {
        let now = Instant::now();
        let mut gate = busy(now);
        comes(&mut gate, now, Duration::ZERO, LONG, || 1);
        let later = now + BURST;
        assert_eq!(gate.leave(later, ms(10)).len(), 1);
        // The queue was empty for a moment, which is no end of it.
        assert_eq!(
            comes(&mut gate, later, Duration::ZERO, LONG, || 2),
            Arrival::Go
        );
        assert_eq!(
            comes(&mut gate, later, Duration::ZERO, LONG, || 3),
            Arrival::Wait
        );
        assert!(gate.longest(later + ms(500)) < BURST);
        assert_eq!(gate.longest(later + BURST), Duration::MAX);
    }

    #[test]
    fn one_that_never_worked_makes_room_and_teaches_nothing() {
        let now = Instant::now();
        let mut gate = busy(now);
        let work = gate.limit.work();
        assert_eq!(
            comes(&mut gate, now, Duration::ZERO, LONG, || 1),
            Arrival::Wait
        );
        assert_eq!(gate.abandon(now + ms(900)), [(1, Verdict::Go)]);
        assert_eq!(gate.limit.work(), work);
    }
}
