//! What a partner hands in again after it was refused, was revoked or ran out. It runs in a transaction
//! that holds the customer.
//!
//! All of it follows from the partner's own registrations and from what it was told of them, so that it
//! may be told at once.

use trellis_api::name;
use trellis_core::Timestamp;
use trellis_store::deal::eligibility::Facts;
use trellis_store::deal::registration::{self, Model, State};
use trellis_store::{Txn, View};

use super::disclosure::{NOT_ELIGIBLE, refusal};
use super::lifecycle;
use super::queue::Standing;
use crate::Error;
use crate::customer::Customer;

/// Whether a registration is one that its partner had not long ago, and brings new evidence. Then a person
/// decides whether it is.
///
/// # Errors
/// `COOL_OFF` when it brings none.
pub(super) async fn is_tried_again(
    txn: &Txn,
    asking: &Model,
    customer: &Customer,
    facts: &Facts,
) -> Result<bool, Error> {
    let days = facts.registration_clock.cool_off_days;
    let before = before(txn, asking, customer, days, txn.now()).await?;
    let Some((last, cool_off)) = before.iter().max_by_key(|(_, until)| *until) else {
        return Ok(false);
    };
    if is_new(
        asking.evidence.as_deref(),
        before.iter().map(|(one, _)| one),
    ) {
        return Ok(true);
    }
    Err(Error::CoolOff {
        resource: name(txn.ecosystem(), &last.id),
        cool_off_time: *cool_off,
    })
}

/// Whether it was one when it was handed in.
pub(super) async fn was_tried_again(
    view: &View,
    asking: &Model,
    customer: &Customer,
    facts: &Facts,
) -> Result<bool, Error> {
    let days = facts.registration_clock.cool_off_days;
    let handed_in = asking.receive_time.unwrap_or(view.now());
    Ok(!before(view, asking, customer, days, handed_in)
        .await?
        .is_empty())
}

/// The partner's registrations for the same that have ended so many days before a moment at most, each with
/// the moment from when on it counts no longer.
async fn before(
    view: &View,
    asking: &Model,
    customer: &Customer,
    days: i32,
    now: Timestamp,
) -> Result<Vec<(Model, Timestamp)>, Error> {
    if days == 0 {
        return Ok(Vec::new());
    }
    let decided = registration::decided_before(view, &asking.partner, customer.accounts()).await?;
    let mut ended: Vec<(Model, Timestamp)> = decided
        .into_iter()
        .filter(|one| one.id != asking.id)
        .filter_map(|one| {
            let until = cooled_off(ended(&one, now)?, days);
            (until > now).then_some((one, until))
        })
        .collect();
    if ended.is_empty() {
        return Ok(ended);
    }
    let models = ended.iter().map(|(one, _)| one.clone()).collect();
    let standing = Standing::of(view, models, asking).await?;
    ended.retain(|(one, _)| standing.line().overlap(asking, one));
    Ok(ended)
}

/// When a registration ended for a reason that counts. Who was told that it may not register is not told
/// that it must wait as well.
fn ended(registration: &Model, now: Timestamp) -> Option<Timestamp> {
    let decision = registration.decision.as_ref();
    match registration.state {
        State::Rejected | State::Revoked => decision
            .filter(|decision| refusal(&decision.reason_code) != NOT_ELIGIBLE)
            .map(|decision| decision.decide_time),
        State::Expired => registration.protection_end_time,
        State::Approved if lifecycle::over(registration, now) => registration.protection_end_time,
        _ => None,
    }
}

/// The moment so many days of 24 hours later.
fn cooled_off(ended: Timestamp, days: i32) -> Timestamp {
    const DAY: u64 = 86_400;
    let days = u64::try_from(days).unwrap_or_default();
    ended.saturating_add(std::time::Duration::from_secs(days.saturating_mul(DAY)))
}

/// Whether evidence says something that none of the earlier registrations said, however it is spaced or
/// capitalized.
fn is_new<'a>(evidence: Option<&str>, before: impl Iterator<Item = &'a Model>) -> bool {
    let said =
        |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_lowercase).collect() };
    let now = said(evidence.unwrap_or_default());
    let mut earlier = before.map(|one| said(one.evidence.as_deref().unwrap_or_default()));
    !now.is_empty() && earlier.all(|earlier| earlier != now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_the_cool_off_has_24_hours() {
        let ended = Timestamp::from_micros(5);
        assert_eq!(cooled_off(ended, 0), ended);
        assert_eq!(cooled_off(ended, 30).since(ended).as_secs(), 30 * 86_400);
    }

    #[test]
    fn evidence_that_says_nothing_is_not_new() {
        assert!(!is_new(None, std::iter::empty()));
        assert!(!is_new(Some(" \n"), std::iter::empty()));
        assert!(is_new(Some("Met them."), std::iter::empty()));
    }
}
