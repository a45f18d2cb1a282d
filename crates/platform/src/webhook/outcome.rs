//! What becomes of a delivery by what was answered, and of its webhook. Pure.
//!
//! An event is tried ten times over some three days, at the intervals that the Standard Webhooks
//! specification proposes, each a tenth longer or shorter by chance, so that what failed together is not tried
//! together. A webhook that has taken nothing for as long as an event was tried is disabled.

use std::time::Duration;

use trellis_core::Timestamp;
use trellis_store::platform::webhook::DisableReason;
use trellis_store::platform::webhook_delivery::{Attempt, Model, State};

use super::sender::Sent;

/// How long after each failed attempt the next one is made.
const INTERVALS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(5 * 3_600),
    Duration::from_secs(10 * 3_600),
    Duration::from_secs(14 * 3_600),
    Duration::from_secs(20 * 3_600),
    Duration::from_secs(24 * 3_600),
];

/// The longest that an answer can have the next attempt put off.
const PUT_OFF_MAX: Duration = Duration::from_secs(24 * 3_600);

/// How many attempts the log of a delivery keeps.
const KEPT: usize = 20;

/// The answer of somebody who will never take anything again.
const GONE: u16 = 410;

/// When the next attempt is made, after so many; none when it was the last. `chance` is between 0 and 1.
fn after(attempts: i64, asked: Option<Duration>, chance: f64) -> Option<Duration> {
    let made = usize::try_from(attempts).ok()?;
    let interval = INTERVALS.get(made.checked_sub(1)?)?;
    let varied = interval.mul_f64(0.9 + 0.2 * chance.clamp(0.0, 1.0));
    Some(varied.max(asked.unwrap_or_default().min(PUT_OFF_MAX)))
}

/// The delivery after an attempt.
pub(super) fn settled(delivery: &Model, sent: &Sent, now: Timestamp, chance: f64) -> Model {
    let mut settled = delivery.clone();
    settled.attempt_count += 1;
    let attempts = &mut settled.attempts.0;
    attempts.push(attempt(sent, now));
    attempts.drain(..attempts.len().saturating_sub(KEPT));
    let next = match sent.answer {
        Ok(GONE) => None,
        _ => after(settled.attempt_count, sent.retry_after, chance),
    };
    (settled.state, settled.next_attempt_time) = match next {
        _ if sent.is_taken() => (State::Delivered, None),
        Some(delay) => (State::Pending, Some(now.saturating_add(delay))),
        None => (State::Failed, None),
    };
    settled.lease_expire_time = None;
    settled
}

/// An attempt, as the log keeps it.
pub(super) fn attempt(sent: &Sent, now: Timestamp) -> Attempt {
    Attempt {
        time: now.micros(),
        status_code: sent.answer.ok(),
        error: sent.answer.err().map(|why| why.to_string()),
        latency_ms: u64::try_from(sent.latency.as_millis()).unwrap_or(u64::MAX),
    }
}

/// Since when a webhook has taken nothing, after an attempt.
pub(super) fn failing_since(
    before: Option<Timestamp>,
    sent: &Sent,
    now: Timestamp,
) -> Option<Timestamp> {
    if sent.is_taken() {
        None
    } else {
        before.or(Some(now))
    }
}

/// Why a webhook is to be disabled that has taken nothing since some time, after an attempt.
pub(super) fn disables(
    settled: &Model,
    sent: &Sent,
    failing_since: Option<Timestamp>,
) -> Option<DisableReason> {
    if sent.answer == Ok(GONE) {
        return Some(DisableReason::Gone);
    }
    let tried = usize::try_from(settled.attempt_count).ok()?;
    let first = settled.attempts.0.iter().rev().take(tried).next_back()?;
    let nothing_since = failing_since.is_some_and(|since| since.micros() <= first.time);
    (settled.state == State::Failed && nothing_since).then_some(DisableReason::Failing)
}

#[cfg(test)]
mod tests;
