//! Overload, before the real server: callers that come whatever becomes of them, twice as many as it
//! can answer, each with a deadline.
//!
//! The server has one processor for itself and the callers have another, as they would in life; what
//! the server can do is bounded by its processor and its database. Everything is compared within
//! one run: the calls a second that it answers at most, how long they take at 70 % of that, both at
//! twice of it, and both again at 70 % from one second after. Machines become slower and faster in
//! between, so the load of twice the peak comes in turns with the measurement of the peak, each is
//! compared with the peaks right before and after it, and the middle of the comparisons counts.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng as _;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::sleep_until;
use tonic::Code;

use crate::product::{Product, make_key};
use crate::{Case, Numbers, number, seed};

/// The word that asks for it.
pub(crate) const ARGUMENT: &str = "overload";

/// How long callers wait.
const DEADLINE: Duration = Duration::from_secs(1);

/// How many turns of overload there are.
const TURNS: usize = 5;

/// How many callers find out what the server can do at most: so many that more would not get more
/// done, as writes are committed together, and so few that they do not overload it.
fn callers(case: Case) -> usize {
    match case {
        Case::Create => 48,
        _ => 16,
    }
}

/// Calls are to be as quick as ever under overload, and one caller makes all of them: what it alone
/// may do is not what is measured.
const FLAGS: [&str; 8] = [
    "--admission-burst",
    "250ms",
    "--admission-wait",
    "10ms",
    "--principal-calls-max",
    "1000000",
    "--streams-max",
    "100000",
];

/// A call that ended.
#[derive(Clone, Copy, Debug)]
struct Ended {
    came: Duration,
    took: Duration,
    outcome: Result<(), Code>,
}

/// What was measured.
#[derive(Debug)]
struct Measured {
    peak: f64,
    calm_p99: Duration,
    /// As a share of the peak.
    goodput: f64,
    p99: Duration,
    refused_p99: Duration,
    /// As a share of the load.
    goodput_after: f64,
}

impl Measured {
    /// Goodput of at least 90 % of the peak, admitted calls at most three times as slow as in calm,
    /// and all of the load answered from one second after.
    fn holds(&self) -> bool {
        self.goodput >= 0.9 && self.p99 <= 3 * self.calm_p99 && self.goodput_after >= 0.95
    }

    fn print(&self, case: Case, admission: &str) {
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        println!(
            "| {case:?} | {admission} | {:.0} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} |",
            self.peak,
            self.goodput,
            ms(self.calm_p99),
            ms(self.p99),
            self.p99.as_secs_f64() / self.calm_p99.as_secs_f64(),
            ms(self.refused_p99),
            self.goodput_after,
        );
    }
}

/// Measures on an embedded database, and answers whether overload does no harm.
pub(crate) async fn measure(folder: &Path, binary: &Path) -> bool {
    println!(
        "| case | admission | peak/s | goodput at 2x | p99 at 0.7x ms | p99 at 2x ms | ratio | \
         p99 of refusals ms | goodput after |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut all_hold = true;
    for case in [Case::Create, Case::List] {
        let mut held = false;
        // Others may use the machine too: one bad measurement says little.
        for _ in 0..number("TRELLIS_BENCH_ROUNDS", 3) {
            let measured = run(folder, binary, case, "true").await;
            measured.print(case, "on");
            held |= measured.holds();
            if held {
                break;
            }
        }
        all_hold &= held;
        // The control.
        let without = run(folder, binary, case, "false").await;
        without.print(case, "off");
        all_hold &= !without.holds();
    }
    all_hold
}

async fn run(folder: &Path, binary: &Path, case: Case, admission: &str) -> Measured {
    let file = folder.join(format!(
        "{case:?}-{admission}-{:x}.db",
        rand::random::<u32>()
    ));
    let url = format!("sqlite:{}?mode=rwc", file.display());
    trellis_migrations::up(&url).await.expect("the schema");
    let key = make_key(&url, binary);
    let admission = format!("--admission={admission}");
    let flags = [&[admission.as_str()][..], &FLAGS].concat();
    let product = Product::start_on(&url, binary, Some(&key), &flags, Some(0)).await;
    seed::fill(&product, &url).await;
    let load = Load {
        product: Arc::new(product),
        case,
        numbers: Arc::default(),
    };
    let second = Duration::from_secs(number("TRELLIS_BENCH_SECONDS", 2));
    // What is only slow the first time is done before anything counts, and the server finds out how
    // many calls it does best at a time.
    load.peak(5 * second).await;
    let peak = load.peak(second).await;
    let calm = load.offer(0.7 * peak, 3 * second).await;
    let (mut peaks, mut turns, mut over) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let before = load.peak(second / 2).await;
        let turn = load.offer(2.0 * before, 2 * second).await;
        let after = load.peak(second / 2).await;
        let turn = since(&turn, Duration::from_millis(500));
        turns.push(goodput(&turn) / f64::midpoint(before, after));
        peaks.extend([before, after]);
        over.extend(turn);
    }
    let peak = middle(peaks);
    let last = load.offer(2.0 * peak, second).await;
    let after = load
        .offer(0.7 * peak, Duration::from_secs(1) + 2 * second)
        .await;
    over.extend(since(&last, Duration::from_millis(500)));
    let after = since(&after, Duration::from_secs(1));
    let admitted = |ended: &Ended| ended.outcome != Err(Code::Unavailable);
    Measured {
        peak,
        calm_p99: p99(&calm, admitted),
        goodput: middle(turns),
        p99: p99(&over, admitted),
        refused_p99: p99(&over, |ended| !admitted(ended)),
        goodput_after: goodput(&after) / (0.7 * peak),
    }
}

/// The middle one of some figures.
fn middle(mut of: Vec<f64>) -> f64 {
    of.sort_unstable_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or_default()
}

#[derive(Clone)]
struct Load {
    product: Arc<Product>,
    case: Case,
    numbers: Arc<Numbers>,
}

impl Load {
    async fn call(&self, began: Instant, at: usize) -> Ended {
        let sent = Instant::now();
        let answered = self
            .product
            .within(self.case, at, self.numbers.next(), DEADLINE)
            .await;
        let took = sent.elapsed();
        // Whatever the client says, an answer after its deadline is none.
        let outcome = match answered {
            Ok(()) if took <= DEADLINE => Ok(()),
            Ok(()) => Err(Code::DeadlineExceeded),
            Err(code) => Err(code),
        };
        Ended {
            came: sent - began,
            took,
            outcome,
        }
    }

    /// The calls a second that a few callers get answered who call again at once.
    async fn peak(&self, time: Duration) -> f64 {
        let began = Instant::now();
        let callers = (0..callers(self.case)).map(|at| async move {
            let mut good = 0_u32;
            while began.elapsed() < time {
                good += u32::from(self.call(began, at).await.outcome.is_ok());
            }
            good
        });
        let good: u32 = futures::future::join_all(callers).await.into_iter().sum();
        f64::from(good) / began.elapsed().as_secs_f64()
    }

    /// Calls at a rate, at random, for some time.
    async fn offer(&self, per_second: f64, time: Duration) -> Vec<Ended> {
        let began = Instant::now();
        let mut next = began;
        let mut calls = JoinSet::new();
        let ended = Arc::new(Mutex::new(Vec::new()));
        let mut at = 0;
        while next < began + time {
            sleep_until(next.into()).await;
            let (load, ended) = (self.clone(), ended.clone());
            calls.spawn(async move {
                let call = load.call(began, at).await;
                ended.lock().await.push(call);
            });
            at += 1;
            let uniform: f64 = rand::rng().random_range(f64::EPSILON..1.0);
            next += Duration::from_secs_f64(-uniform.ln() / per_second);
        }
        calls.join_all().await;
        std::mem::take(&mut *ended.lock().await)
    }
}

/// The calls that came from some time on.
fn since(ended: &[Ended], time: Duration) -> Vec<Ended> {
    let late = ended.iter().filter(|call| call.came >= time);
    late.copied().collect()
}

/// How many of these calls a second were answered in time.
fn goodput(ended: &[Ended]) -> f64 {
    let first = ended.iter().map(|call| call.came).min().unwrap_or_default();
    let last = ended.iter().map(|call| call.came).max().unwrap_or_default();
    let good = ended.iter().filter(|call| call.outcome.is_ok()).count();
    let good = f64::from(u32::try_from(good).expect("a count of calls"));
    good / last.saturating_sub(first).as_secs_f64().max(f64::EPSILON)
}

/// The time in which all but one in a hundred of some calls ended.
fn p99(ended: &[Ended], of: impl Fn(&Ended) -> bool) -> Duration {
    let of = ended.iter().filter(|call| of(call));
    let mut took: Vec<_> = of.map(|call| call.took).collect();
    took.sort_unstable();
    took.get(took.len() * 99 / 100).copied().unwrap_or_default()
}
