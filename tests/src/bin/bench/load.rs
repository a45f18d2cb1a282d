//! A closed loop: so many clients, each sending its next call when the last is answered.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a loop measured.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// Calls a second.
    pub(crate) rate: f64,
    /// The latency that half of the calls stayed below.
    pub(crate) p50: Duration,
    /// The latency that 99 of 100 calls stayed below.
    pub(crate) p99: Duration,
    /// How many calls there were.
    pub(crate) calls: u32,
    /// What a call took of the server's processor time; nothing where there is no server.
    pub(crate) cpu: Duration,
}

/// Runs `call` from `clients` at once for `time`. Each call gets a number that no other gets.
///
/// # Panics
/// When a call fails: a benchmark of failures measures nothing.
pub(crate) async fn closed_loop<C, F>(
    clients: usize,
    time: Duration,
    numbers: &AtomicU64,
    call: C,
) -> Measured
where
    C: Fn(usize, u64) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let call = Arc::new(call);
    let first = numbers.load(Ordering::Relaxed);
    let next = Arc::new(AtomicU64::new(first));
    let start = Instant::now();
    let loops: Vec<_> = (0..clients)
        .map(|client| {
            let (call, next) = (call.clone(), next.clone());
            tokio::spawn(async move {
                let mut taken = Vec::new();
                while start.elapsed() < time {
                    let sent = Instant::now();
                    call(client, next.fetch_add(1, Ordering::Relaxed)).await?;
                    taken.push(sent.elapsed());
                }
                Ok::<_, String>(taken)
            })
        })
        .collect();
    let mut taken = Vec::new();
    for one in loops {
        match one.await {
            Ok(Ok(more)) => taken.extend(more),
            Ok(Err(failure)) => panic!("a call of the benchmark failed: {failure}"),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
    numbers.store(next.load(Ordering::Relaxed), Ordering::Relaxed);
    summary(taken, start.elapsed())
}

/// The rate and the percentiles of some latencies.
#[must_use]
pub(crate) fn summary(mut taken: Vec<Duration>, elapsed: Duration) -> Measured {
    taken.sort_unstable();
    let at = |share: usize| {
        let place = taken.len().saturating_sub(1) * share / 100;
        taken.get(place).copied().unwrap_or_default()
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate is shown to three digits"
    )]
    let rate = taken.len() as f64 / elapsed.as_secs_f64();
    Measured {
        rate,
        p50: at(50),
        p99: at(99),
        calls: u32::try_from(taken.len()).unwrap_or(u32::MAX),
        cpu: Duration::ZERO,
    }
}

/// The middle of several measurements, by rate.
#[must_use]
pub(crate) fn median(mut rounds: Vec<Measured>) -> Option<Measured> {
    rounds.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let middle = rounds.len() / 2;
    rounds.into_iter().nth(middle)
}

/// The middle of what one does for each that another does, round by round: what a machine does to a round
/// it does to both.
pub(crate) fn median_ratio(one: &[Measured], other: &[Measured]) -> f64 {
    let mut ratios: Vec<f64> = one
        .iter()
        .zip(other)
        .map(|(one, other)| one.rate / other.rate)
        .collect();
    ratios.sort_by(f64::total_cmp);
    let middle = ratios.len() / 2;
    ratios.into_iter().nth(middle).unwrap_or_default()
}

impl Measured {
    /// The same work, for which a server used so much processor time.
    #[must_use]
    pub(crate) fn with_cpu(self, all: Duration) -> Self {
        let cpu = all / self.calls.max(1);
        Self { cpu, ..self }
    }

    /// The same work, when some more time went by until it was really done.
    #[must_use]
    pub(crate) fn stretched(self, time: Duration, more: Duration) -> Self {
        let rate = self.rate * time.as_secs_f64() / (time + more).as_secs_f64();
        Self { rate, ..self }
    }
}
