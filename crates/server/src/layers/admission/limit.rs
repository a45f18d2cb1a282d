//! How many calls should work at a time, found by trying.
//!
//! More at a time is better until no more get done for it: from then on they only wait for each
//! other. What calls take does not tell where that is. Writes that are committed together each wait
//! for their commit, and yet the more there are of them the more get done. So it is what gets done
//! in a time that is compared, and only while there is more to do than may be done at once. In turn
//! with as many as are let in, a step more is tried, and a step fewer; each trial is compared with
//! what got done just before and just after it, so that it does not matter when all calls become
//! slower, or others come. Where clearly more gets done with more, more are let in; where as good as
//! nothing is lost with fewer, fewer. In between it stays, so that it does not go to and fro.

use std::time::{Duration, Instant};

/// The fewest that are let in, whatever gets done.
const LEAST: f64 = 4.0;

/// About as many as are let in before anything is known.
const FIRST: u32 = 16;

/// A step: half as many again.
const STEP: f64 = 1.5;

/// How long, and over how many calls, it is counted what gets done. Where that many take too long,
/// some must do.
const WINDOW: Duration = Duration::from_millis(100);
const WINDOW_CALLS: u32 = 50;
const LONG_WINDOW: Duration = Duration::from_secs(1);
const LONG_WINDOW_CALLS: u32 = 10;

/// The part of the calls of a window that must have left somebody waiting behind them for more to be
/// tried, and for fewer. Where calls end many at a time, some of them leave nobody waiting although
/// all places are wanted; but where there was room, nothing is lost with fewer, whatever might be.
const CROWDED: f64 = 0.25;
const CROWDED_ALL: f64 = 0.9;

/// A step more is taken when so many times as much gets done with it in the mean of some trials, or
/// so many times in any of them; a step fewer, when still so much gets done.
const WORTH_MORE: f64 = 1.05;
const SURELY_WORTH_MORE: f64 = 1.15;
const WORTH_FEWER: f64 = 0.98;

/// How many trials it takes to be sure, and how many of the last count.
const TRIALS: u32 = 3;
const TRIALS_COUNTED: u32 = 5;

/// How much the time of the last window counts in what calls take.
const NEWEST: f64 = 0.5;

/// How many calls may work at a time.
#[derive(Debug)]
pub(super) struct Limit {
    /// The numbers among which it is looked for, from the fewest to the most.
    steps: Vec<u32>,
    /// Which of them is the best known.
    at: usize,
    /// What is tried now, if not the best known.
    trying: Option<Way>,
    /// What is tried next.
    next: Way,
    /// What got done a second in the last window, with as many as are best.
    before: Option<f64>,
    /// What was tried since, and what got done.
    tried: Option<(Way, f64)>,
    more: Evidence,
    fewer: Evidence,
    /// What calls take, in seconds; nothing before the first.
    work: Option<f64>,
    window: Window,
}

/// One step to either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    More,
    Fewer,
}

/// What got done in trials of one way, as parts of what got done without.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    trials: u32,
    mean: f64,
}

/// What is counted until enough is.
#[derive(Debug)]
struct Window {
    began: Instant,
    count: u32,
    crowded: u32,
    /// What those took together, in seconds.
    took: f64,
}

impl Evidence {
    fn add(&mut self, ratio: f64) {
        self.trials = (self.trials + 1).min(TRIALS_COUNTED);
        self.mean += (ratio - self.mean) / f64::from(self.trials);
    }

    fn sure(self) -> bool {
        self.trials >= TRIALS
    }
}

impl Window {
    /// Begins to count.
    fn new(began: Instant) -> Self {
        Self {
            began,
            count: 0,
            crowded: 0,
            took: 0.0,
        }
    }
}

impl Limit {
    /// Looks for the best number up to the most.
    pub(super) fn new(most: u32, now: Instant) -> Self {
        let most = most.max(1);
        let longer = |step: &f64| Some(step * STEP);
        let mut steps: Vec<u32> = std::iter::successors(Some(LEAST), longer)
            .map(whole)
            .take_while(|step| *step < most)
            .collect();
        steps.push(most);
        let at = steps.iter().position(|step| *step >= FIRST);
        Self {
            at: at.unwrap_or(steps.len() - 1),
            steps,
            trying: None,
            next: Way::More,
            before: None,
            tried: None,
            more: Evidence::default(),
            fewer: Evidence::default(),
            work: None,
            window: Window::new(now),
        }
    }

    /// How many may work now.
    pub(super) fn now(&self) -> usize {
        let at = self.trying.and_then(|way| self.beside(way));
        let step = self.steps.get(at.unwrap_or(self.at)).copied();
        step.and_then(|step| usize::try_from(step).ok())
            .unwrap_or(1)
    }

    /// What a call takes these days; nothing before it is known.
    pub(super) fn work(&self) -> Duration {
        Duration::from_secs_f64(self.work.unwrap_or_default())
    }

    /// Learns that one is done, what it took, and whether somebody waited for its place.
    pub(super) fn learn(&mut self, now: Instant, took: Duration, crowded: bool) {
        if self.work.is_none() {
            self.work = Some(took.as_secs_f64());
        }
        // One that ends before the window begins was let in with others than those that it counts.
        let Some(long) = now.checked_duration_since(self.window.began) else {
            return;
        };
        self.window.count += 1;
        self.window.crowded += u32::from(crowded);
        self.window.took += took.as_secs_f64();
        let count = self.window.count;
        let enough = count >= WINDOW_CALLS && long >= WINDOW
            || count >= LONG_WINDOW_CALLS && long >= LONG_WINDOW;
        if enough {
            self.conclude(now, long);
        }
    }

    fn conclude(&mut self, now: Instant, long: Duration) {
        let Window {
            count,
            crowded,
            took,
            ..
        } = self.window;
        let count = f64::from(count);
        let mean = took / count;
        let work = self.work.unwrap_or(mean);
        self.work = Some(work + NEWEST * (mean - work));
        let before = self.now();
        self.compare(count / long.as_secs_f64(), f64::from(crowded) / count);
        // With others at work, those that are there already have to leave first.
        let settle = if self.now() == before {
            Duration::ZERO
        } else {
            self.work()
        };
        self.window = Window::new(now + settle);
    }

    /// Goes on after a window in which so much got done a second, and that part of which was crowded.
    fn compare(&mut self, rate: f64, crowded: f64) {
        if let Some(way) = self.trying.take() {
            // With more places there may be room.
            let counts = way == Way::More || crowded >= CROWDED_ALL;
            self.tried = counts.then_some((way, rate));
            return;
        }
        if crowded < CROWDED {
            (self.before, self.tried) = (None, None);
            return;
        }
        if let (Some((way, tried)), Some(before)) = (self.tried.take(), self.before)
            && self.takes(way, tried / f64::midpoint(before, rate))
        {
            self.before = None;
            return;
        }
        self.before = Some(rate);
        let way = match self.next {
            Way::Fewer if crowded >= CROWDED_ALL && self.beside(Way::Fewer).is_some() => Way::Fewer,
            _ => Way::More,
        };
        self.next = match way {
            Way::More => Way::Fewer,
            Way::Fewer => Way::More,
        };
        self.trying = self.beside(way).map(|_| way);
    }

    /// Takes a step if a trial, with those before it, shows that it is worth it.
    fn takes(&mut self, way: Way, ratio: f64) -> bool {
        let worth = match way {
            Way::More => {
                self.more.add(ratio);
                ratio >= SURELY_WORTH_MORE || self.more.sure() && self.more.mean >= WORTH_MORE
            }
            Way::Fewer => {
                self.fewer.add(ratio);
                self.fewer.sure() && self.fewer.mean >= WORTH_FEWER
            }
        };
        let to = self.beside(way).filter(|_| worth);
        if let Some(to) = to {
            self.at = to;
            (self.more, self.fewer) = (Evidence::default(), Evidence::default());
        }
        to.is_some()
    }

    /// The step beside the best known one, if there is one.
    fn beside(&self, way: Way) -> Option<usize> {
        match way {
            Way::More => Some(self.at + 1).filter(|at| *at < self.steps.len()),
            Way::Fewer => self.at.checked_sub(1),
        }
    }
}

/// The whole part of a number of calls.
fn whole(number: f64) -> u32 {
    // A number of seconds has no cast that could lose anything.
    let seconds = Duration::from_secs_f64(number.min(f64::from(u32::MAX))).as_secs();
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets calls be done for some seconds, as many a second as `rate` says for so many at a time.
    fn seconds(
        limit: &mut Limit,
        seconds: f64,
        now: &mut Instant,
        crowded: bool,
        rate: impl Fn(f64) -> f64,
    ) {
        let until = *now + Duration::from_secs_f64(seconds);
        while *now < until {
            let working = f64::from(u32::try_from(limit.now()).unwrap());
            let gap = 1.0 / rate(working);
            *now += Duration::from_secs_f64(gap);
            limit.learn(*now, Duration::from_secs_f64(gap * working), crowded);
        }
    }

    /// So many workers; each call takes one of them for 10 ms.
    fn workers(count: f64) -> impl Fn(f64) -> f64 {
        move |working| 100.0 * working.min(count)
    }

    #[test]
    fn it_settles_where_more_would_only_wait() {
        for (count, settled) in [(4.0, 4..=6), (16.0, 16..=21), (100.0, 68..=154)] {
            let mut now = Instant::now();
            let mut limit = Limit::new(256, now);
            seconds(&mut limit, 20.0, &mut now, true, workers(count));
            limit.trying = None;
            assert!(settled.contains(&limit.now()), "{count}: {}", limit.now());
        }
    }

    #[test]
    fn calls_that_wait_for_a_commit_in_common_are_let_in_as_long_as_more_get_done() {
        // A commit takes 5 ms, and each call in it half a millisecond of the processor.
        let commits = |working: f64| working / (0.005 + 0.000_5 * working);
        let mut now = Instant::now();
        let mut limit = Limit::new(256, now);
        seconds(&mut limit, 30.0, &mut now, true, commits);
        limit.trying = None;
        assert!((30..=110).contains(&limit.now()), "{}", limit.now());
    }

    #[test]
    fn it_does_not_matter_to_it_that_everything_becomes_slower() {
        let mut now = Instant::now();
        let mut limit = Limit::new(256, now);
        seconds(&mut limit, 20.0, &mut now, true, workers(16.0));
        seconds(&mut limit, 60.0, &mut now, true, |working| {
            workers(16.0)(working) / 5.0
        });
        limit.trying = None;
        assert!((16..=21).contains(&limit.now()), "{}", limit.now());
        assert!(limit.work() >= Duration::from_millis(50));
    }

    #[test]
    fn it_stays_where_it_is_while_nobody_needs_more() {
        let mut now = Instant::now();
        let mut limit = Limit::new(256, now);
        let before = limit.now();
        seconds(&mut limit, 20.0, &mut now, false, workers(16.0));
        assert_eq!(limit.now(), before);
    }

    #[test]
    fn it_never_lets_in_more_than_it_may() {
        for most in [1, 2, 5, 300] {
            let mut now = Instant::now();
            let mut limit = Limit::new(most, now);
            for _ in 0..600 {
                seconds(&mut limit, 0.1, &mut now, true, |working| 100.0 * working);
                assert!((1..=usize::try_from(most).unwrap()).contains(&limit.now()));
            }
            limit.trying = None;
            assert_eq!(limit.now(), usize::try_from(most).unwrap());
        }
    }
}
