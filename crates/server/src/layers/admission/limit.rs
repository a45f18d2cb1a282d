//! How many calls should work at a time, found by trying.
//!
//! More at a time is better until they only wait for each other: from then on each takes longer
//! and no more get done. So the time that calls take is compared with the shortest that they have
//! taken: when it is more than twice that, fewer are let in; when it is not and all places were
//! taken, more. Where all of some parallel workers are busy this settles at about two calls for
//! each, one at work and one ready.
//!
//! The shortest time is forgotten slowly, and at once when even the fewest take longer: then
//! whatever is beneath us has become slower, and it is not the crowd.

use std::time::{Duration, Instant};

/// The fewest that are let in, whatever they take.
const LEAST: f64 = 4.0;

/// How many times the shortest time is too long.
const TOO_LONG: f64 = 2.0;

/// How long, and over how many calls, times are collected before they are compared.
const WINDOW: Duration = Duration::from_millis(100);
const WINDOW_CALLS: u32 = 10;

/// By how much fewer or more are let in after a window.
const FEWER: f64 = 0.9;
const MORE: f64 = 1.05;

/// By how much the shortest time grows with each window: twice in about two minutes.
const FORGET: f64 = 1.0006;

/// How much the time of the last window counts in what calls take.
const NEWEST: f64 = 0.5;

/// How many calls may work at a time.
#[derive(Debug)]
pub(super) struct Limit {
    limit: f64,
    least: f64,
    most: f64,
    /// What calls take, and what they took at best, in seconds; nothing before the first.
    work: Option<f64>,
    best: Option<f64>,
    began: Instant,
    sum: f64,
    count: u32,
    full: bool,
    /// The most that worked at a time.
    crowd: u32,
}

impl Limit {
    /// Begins with the most, so that nothing is refused before anything is known.
    pub(super) fn new(most: u32, now: Instant) -> Self {
        let most = f64::from(most);
        Self {
            limit: most,
            least: LEAST.min(most),
            most,
            work: None,
            best: None,
            began: now,
            sum: 0.0,
            count: 0,
            full: false,
            crowd: 0,
        }
    }

    /// How many may work now.
    pub(super) fn now(&self) -> usize {
        // The whole part: a number of seconds has no cast that could lose anything.
        Duration::from_secs_f64(self.limit)
            .as_secs()
            .try_into()
            .unwrap_or(usize::MAX)
    }

    /// What a call takes these days; nothing before it is known.
    pub(super) fn work(&self) -> Duration {
        Duration::from_secs_f64(self.work.unwrap_or_default())
    }

    /// Learns what one took that worked beside others, so many in all, and whether all places were
    /// taken.
    pub(super) fn learn(&mut self, now: Instant, took: Duration, working: usize, full: bool) {
        self.crowd = self.crowd.max(u32::try_from(working).unwrap_or(u32::MAX));
        self.sum += took.as_secs_f64();
        self.count += 1;
        self.full |= full;
        let mean = self.sum / f64::from(self.count);
        if self.work.is_none() {
            self.work = Some(mean);
        }
        if self.count < WINDOW_CALLS || now.saturating_duration_since(self.began) < WINDOW {
            return;
        }
        self.conclude(mean);
        self.began = now;
        self.sum = 0.0;
        self.count = 0;
        self.full = false;
        self.crowd = 0;
    }

    fn conclude(&mut self, mean: f64) {
        let work = self.work.unwrap_or(mean);
        self.work = Some(work + NEWEST * (mean - work));
        let best = self.best.unwrap_or(mean).min(mean) * FORGET;
        self.best = Some(best);
        if mean > TOO_LONG * best {
            if self.limit <= self.least {
                self.best = Some(mean);
            }
            // Fewer than there were, not fewer than there might have been.
            let crowd = self.limit.min(f64::from(self.crowd));
            self.limit = (crowd * FEWER).max(self.least);
        } else if self.full {
            self.limit = (self.limit * MORE).max(self.limit + 1.0).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets calls through for some windows. They take what `took` says for as many at a time.
    fn windows(limit: &mut Limit, count: u32, now: &mut Instant, took: impl Fn(usize) -> f64) {
        for _ in 0..count {
            *now += WINDOW;
            for _ in 0..WINDOW_CALLS {
                let took = Duration::from_secs_f64(took(limit.now()));
                limit.learn(*now, took, limit.now(), true);
            }
        }
    }

    /// Sixteen workers; each call takes one of them for 10 ms.
    fn sixteen(at_once: usize) -> f64 {
        let at_once = f64::from(u32::try_from(at_once).unwrap());
        0.01 * (at_once / 16.0).max(1.0)
    }

    #[test]
    fn it_settles_where_more_would_only_wait() {
        let mut now = Instant::now();
        let mut limit = Limit::new(256, now);
        // Before anything is known of the best, a crowd; then some windows of calm.
        windows(&mut limit, 5, &mut now, |_| 0.01);
        windows(&mut limit, 60, &mut now, sixteen);
        assert!((20..=40).contains(&limit.now()), "{}", limit.now());
    }

    #[test]
    fn it_learns_that_everything_has_become_slower() {
        let mut now = Instant::now();
        let mut limit = Limit::new(256, now);
        windows(&mut limit, 20, &mut now, |_| 0.01);
        windows(&mut limit, 200, &mut now, |at_once| 5.0 * sixteen(at_once));
        assert!((16..=48).contains(&limit.now()), "{}", limit.now());
        assert!(limit.work() >= Duration::from_millis(50));
    }

    #[test]
    fn a_crowd_far_below_the_limit_is_noticed_at_once() {
        let mut now = Instant::now();
        let mut limit = Limit::new(256, now);
        windows(&mut limit, 3, &mut now, |_| 0.01);
        for _ in 0..2 {
            now += WINDOW;
            for _ in 0..WINDOW_CALLS {
                limit.learn(now, Duration::from_millis(30), 20, false);
            }
        }
        assert!(limit.now() <= 18, "{}", limit.now());
    }

    #[test]
    fn it_stays_where_it_is_while_nobody_needs_more() {
        let now = Instant::now();
        let mut limit = Limit::new(8, now);
        limit.limit = 5.0;
        for at in 1..50 {
            limit.learn(now + WINDOW * at, Duration::from_millis(10), 3, false);
        }
        assert_eq!(limit.now(), 5);
    }
}
