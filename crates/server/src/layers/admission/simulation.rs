//! Overload, simulated: callers that come whatever happens to them, before sixteen workers with one
//! queue, in a time that only the simulation moves. It shows what admission is for, to the
//! millisecond and on every machine alike; the same is measured on the real server elsewhere.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::gate::{Arrival, Gate, Patience, Verdict};

/// How many calls the simulated server works on at once, and how long each takes on average.
const WORKERS: usize = 16;
const WORK_US: u64 = 10_000;

/// How long calls may wait: in a queue that stands about as long as they take.
const PATIENCE: Patience = Patience {
    burst: Duration::from_secs(2),
    standing: Duration::from_millis(10),
};

/// How long callers wait.
const DEADLINE_US: u64 = 500_000;

const SECOND: u64 = 1_000_000;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Answered,
    Late,
    Refused,
}

/// A call that ended: when it came, when it ended, and how.
#[derive(Clone, Copy, Debug)]
struct Ended {
    came: u64,
    at: u64,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Comes,
    Done(u64),
}

struct Simulation {
    gate: Option<Gate<u64>>,
    start: Instant,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    /// When each call came, and when it was let in.
    calls: HashMap<u64, (u64, u64)>,
    next: u64,
    busy: usize,
    backlog: VecDeque<u64>,
    random: StdRng,
    ended: Vec<Ended>,
}

impl Simulation {
    fn new(admission: bool) -> Self {
        let start = Instant::now();
        let gate = admission.then(|| Gate::new(256, 1024, PATIENCE, start));
        Self {
            gate,
            start,
            now: 0,
            events: BinaryHeap::new(),
            calls: HashMap::new(),
            next: 0,
            busy: 0,
            backlog: VecDeque::new(),
            random: StdRng::seed_from_u64(7),
            ended: Vec::new(),
        }
    }

    fn instant(&self) -> Instant {
        self.start + Duration::from_micros(self.now)
    }

    fn event(&mut self, after: u64, event: Event) {
        self.next += 1;
        self.events
            .push(Reverse((self.now + after, self.next, event)));
    }

    /// Lets calls come at a rate, at random, for some time.
    fn run(&mut self, per_second: f64, seconds: u64) {
        let until = self.now + seconds * SECOND;
        let gap = |random: &mut StdRng| {
            let uniform: f64 = random.random_range(f64::EPSILON..1.0);
            Duration::from_secs_f64(-uniform.ln() / per_second)
                .as_micros()
                .try_into()
                .unwrap()
        };
        let first = gap(&mut self.random);
        self.event(first, Event::Comes);
        while let Some(Reverse((at, order, event))) = self.events.pop() {
            if at > until {
                if event != Event::Comes {
                    self.events.push(Reverse((at, order, event)));
                }
                break;
            }
            self.now = at;
            match event {
                Event::Comes => {
                    self.comes();
                    let next = gap(&mut self.random);
                    self.event(next, Event::Comes);
                }
                Event::Done(call) => self.done(call),
            }
        }
        self.now = until;
    }

    fn comes(&mut self) {
        self.next += 1;
        let call = self.next;
        self.calls.insert(call, (self.now, self.now));
        let now = self.instant();
        let arrival = match &mut self.gate {
            Some(gate) => gate.arrive(now, Duration::from_micros(DEADLINE_US), || call),
            None => Arrival::Go,
        };
        match arrival {
            Arrival::Go => self.work(call),
            Arrival::Wait => {}
            Arrival::Refused(_) => self.end(call, Outcome::Refused),
        }
    }

    fn work(&mut self, call: u64) {
        self.calls.get_mut(&call).unwrap().1 = self.now;
        if self.busy == WORKERS {
            self.backlog.push_back(call);
            return;
        }
        self.busy += 1;
        let takes = self.random.random_range(WORK_US / 2..WORK_US * 3 / 2);
        self.event(takes, Event::Done(call));
    }

    fn done(&mut self, call: u64) {
        self.busy -= 1;
        if let Some(next) = self.backlog.pop_front() {
            let began = self.calls[&next].1;
            self.work(next);
            self.calls.get_mut(&next).unwrap().1 = began;
        }
        let (came, began) = self.calls[&call];
        let late = self.now - came > DEADLINE_US;
        self.end(
            call,
            if late {
                Outcome::Late
            } else {
                Outcome::Answered
            },
        );
        let now = self.instant();
        let took = Duration::from_micros(self.now - began);
        let Some(gate) = &mut self.gate else {
            return;
        };
        let mut told: VecDeque<_> = gate.leave(now, took).into();
        while let Some((waiter, verdict)) = told.pop_front() {
            match verdict {
                Verdict::Refused(_) => self.end(waiter, Outcome::Refused),
                Verdict::Go if self.now - self.calls[&waiter].0 > DEADLINE_US => {
                    // Its caller has gone.
                    self.end(waiter, Outcome::Late);
                    told.extend(self.gate.as_mut().unwrap().abandon(now));
                }
                Verdict::Go => self.work(waiter),
            }
        }
    }

    fn end(&mut self, call: u64, outcome: Outcome) {
        let (came, _) = self.calls.remove(&call).unwrap();
        let at = self.now;
        self.ended.push(Ended { came, at, outcome });
    }

    /// How many calls a second were answered in time between two moments.
    fn goodput(&self, from: u64, to: u64) -> f64 {
        let good = self
            .ended
            .iter()
            .filter(|ended| ended.outcome == Outcome::Answered)
            .filter(|ended| (from..to).contains(&ended.at))
            .count();
        count(good) / Duration::from_micros(to - from).as_secs_f64()
    }

    /// The time in which all but one in a hundred of those let in were answered.
    fn p99(&self, from: u64, to: u64) -> u64 {
        let mut took: Vec<u64> = self
            .ended
            .iter()
            .filter(|ended| ended.outcome != Outcome::Refused)
            .filter(|ended| (from..to).contains(&ended.at))
            .map(|ended| ended.at - ended.came)
            .collect();
        took.sort_unstable();
        took[took.len() * 99 / 100]
    }
}

fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// What the sixteen can do: measured, by giving them a little less than they could by calculation
/// until a second of it is answered in time.
fn peak() -> f64 {
    let most = count(WORKERS) * 1e6 / f64::from(u32::try_from(WORK_US).unwrap());
    let mut simulation = Simulation::new(false);
    simulation.run(0.97 * most, 10);
    simulation.goodput(2 * SECOND, 10 * SECOND)
}

/// A calm, an overload, and a calm again: ten seconds each.
fn step(admission: bool, peak: f64, overload: f64) -> Simulation {
    let mut simulation = Simulation::new(admission);
    for load in [0.7, overload, 0.7] {
        simulation.run(load * peak, 10);
    }
    simulation
}

#[test]
fn an_overloaded_server_answers_as_much_as_ever_and_as_soon() {
    let peak = peak();
    for (overload, least) in [(2.0, 0.9), (3.0, 0.85)] {
        let run = step(true, peak, overload);
        let goodput = run.goodput(10 * SECOND, 20 * SECOND);
        assert!(goodput >= least * peak, "{overload}: {goodput} of {peak}");
        let (calm, loaded) = (
            run.p99(SECOND, 10 * SECOND),
            run.p99(14 * SECOND, 20 * SECOND),
        );
        assert!(loaded <= 3 * calm, "{overload}: {calm} to {loaded} us");
        // It recovers within a second.
        let after = run.goodput(21 * SECOND, 30 * SECOND);
        assert!(after >= 0.95 * 0.7 * peak, "{overload}: {after}");
    }
}

#[test]
fn without_admission_it_answers_next_to_nothing_in_time() {
    let peak = peak();
    let run = step(false, peak, 2.0);
    let goodput = run.goodput(12 * SECOND, 20 * SECOND);
    assert!(goodput < 0.2 * peak, "{goodput} of {peak}");
}

#[test]
fn nobody_is_refused_while_there_is_room() {
    let mut simulation = Simulation::new(true);
    simulation.run(0.7 * peak(), 20);
    let refused = simulation
        .ended
        .iter()
        .filter(|ended| ended.outcome != Outcome::Answered)
        .count();
    assert_eq!(refused, 0);
}
