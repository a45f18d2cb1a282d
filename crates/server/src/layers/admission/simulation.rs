//! Overload, simulated: callers that come whatever happens to them, before workers with one queue,
//! in a time that only the simulation moves. It shows what admission is for, to the
//! millisecond and on every machine alike; the same is measured on the real server elsewhere.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::gate::{Arrival, Gate, Patience, Verdict};

/// A server that works on some calls at once.
#[derive(Clone, Copy, Debug)]
struct Server {
    workers: u32,
    /// How long a call takes on average.
    work_us: u32,
    patience: Patience,
}

/// Many quick calls, and few slow ones, among which chance plays a larger part. Under overload each
/// waits about as long as it works.
const SERVERS: [Server; 2] = [
    Server {
        workers: 16,
        work_us: 10_000,
        patience: Patience {
            burst: Duration::from_secs(2),
            standing: Duration::from_millis(10),
        },
    },
    Server {
        workers: 8,
        work_us: 80_000,
        patience: Patience {
            burst: Duration::from_millis(500),
            standing: Duration::from_millis(40),
        },
    },
];

/// How long callers wait.
const DEADLINE_US: u64 = 1_000_000;

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
    server: Server,
    gate: Option<Gate<u64>>,
    start: Instant,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    /// When each call came, and when it was let in.
    calls: HashMap<u64, (u64, u64)>,
    next: u64,
    busy: u32,
    backlog: VecDeque<u64>,
    random: StdRng,
    ended: Vec<Ended>,
}

impl Simulation {
    fn new(server: Server, admission: bool) -> Self {
        let start = Instant::now();
        let gate = admission.then(|| Gate::new(256, 1024, server.patience, start));
        Self {
            server,
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
            Some(gate) => {
                let left = Duration::from_micros(DEADLINE_US);
                match gate.glance(now, Duration::ZERO) {
                    Some(wait) => Arrival::Refused(wait),
                    None => gate.arrive(now, Duration::ZERO, left, || call),
                }
            }
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
        if self.busy == self.server.workers {
            self.backlog.push_back(call);
            return;
        }
        self.busy += 1;
        let work = self.server.work_us;
        let takes = self.random.random_range(work / 2..work * 3 / 2);
        self.event(takes.into(), Event::Done(call));
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

/// What a server can do: measured, by giving it a little less than it could by calculation, all of
/// which is answered in time.
fn peak(server: Server) -> f64 {
    let most = f64::from(server.workers) * 1e6 / f64::from(server.work_us);
    let mut simulation = Simulation::new(server, false);
    simulation.run(0.97 * most, 20);
    simulation.goodput(2 * SECOND, 20 * SECOND)
}

/// A calm, an overload, and a calm again: ten seconds each.
fn step(server: Server, admission: bool, peak: f64, overload: f64) -> Simulation {
    let mut simulation = Simulation::new(server, admission);
    for load in [0.7, overload, 0.7] {
        simulation.run(load * peak, 10);
    }
    simulation
}

#[test]
fn an_overloaded_server_answers_as_much_as_ever_and_as_soon() {
    for server in SERVERS {
        let peak = peak(server);
        for (overload, least) in [(2.0, 0.9), (3.0, 0.85)] {
            let run = step(server, true, peak, overload);
            let goodput = run.goodput(11 * SECOND, 20 * SECOND);
            assert!(
                goodput >= least * peak,
                "{overload}: {goodput} of {peak}, {server:?}"
            );
            let (calm, loaded) = (
                run.p99(SECOND, 10 * SECOND),
                run.p99(14 * SECOND, 20 * SECOND),
            );
            assert!(
                loaded <= 3 * calm,
                "{overload}: {calm} to {loaded} us, {server:?}"
            );
            // It recovers within a second.
            let after = run.goodput(21 * SECOND, 30 * SECOND);
            assert!(
                after >= 0.93 * 0.7 * peak,
                "{overload}: {after} of {peak}, {server:?}"
            );
        }
    }
}

#[test]
fn without_admission_it_answers_next_to_nothing_in_time() {
    for server in SERVERS {
        let peak = peak(server);
        let run = step(server, false, peak, 2.0);
        let goodput = run.goodput(13 * SECOND, 20 * SECOND);
        assert!(goodput < 0.2 * peak, "{goodput} of {peak}, {server:?}");
    }
}

#[test]
fn nobody_is_refused_while_there_is_room() {
    for server in SERVERS {
        let mut simulation = Simulation::new(server, true);
        simulation.run(0.7 * peak(server), 20);
        let refused = simulation
            .ended
            .iter()
            .filter(|ended| ended.outcome != Outcome::Answered)
            .count();
        assert_eq!(refused, 0, "{server:?}");
    }
}
