//! What a partner hands in again after it was refused, was revoked or ran out. It runs in a transaction
//! that holds the customer.
//!
//! All of it follows from the partner's own registrations and from what it was told of them, so that it
//! may be told at once.

use std::collections::BTreeSet;

use trellis_api::name;
use trellis_core::{TerritoryId, Timestamp};
use trellis_store::deal::contender::Contender;
use trellis_store::deal::registration::{Model, State};
use trellis_store::{Txn, View};

use super::basis::AsksAPerson;
use super::conflict::Line;
use super::disclosure::{NOT_ELIGIBLE, refusal};
use super::gather::{Found, places};
use super::lifecycle;
use crate::Error;

/// Whether a person goes on with a registration because its partner had it not long ago, and brings new
/// evidence: no rule tells whether it is.
///
/// # Errors
/// `COOL_OFF` when it brings none.
pub(super) async fn is_tried_again(
    txn: &Txn,
    asking: &Model,
    found: &Found,
) -> Result<Option<AsksAPerson>, Error> {
    let before = before(txn, asking, found, txn.now()).await?;
    let Some((last, cool_off)) = before.iter().max_by_key(|(_, until)| *until) else {
        return Ok(None);
    };
    if is_new(asking, before.iter().map(|(one, _)| *one)) {
        return Ok(Some(AsksAPerson::TriedAgain));
    }
    Err(Error::CoolOff {
        resource: name(txn.ecosystem(), &last.id),
        cool_off_time: *cool_off,
    })
}

/// The same as it was when the registration was handed in.
pub(super) async fn was_tried_again(
    view: &View,
    asking: &Model,
    found: &Found,
) -> Result<Option<AsksAPerson>, Error> {
    let handed_in = asking.receive_time.unwrap_or(view.now());
    let before = before(view, asking, found, handed_in).await?;
    Ok((!before.is_empty()).then_some(AsksAPerson::TriedAgain))
}

/// The partner's registrations for the same that have ended so many days before a moment at most, each with
/// the moment from when on it counts no longer.
async fn before<'a>(
    view: &View,
    asking: &Model,
    found: &'a Found,
    now: Timestamp,
) -> Result<Vec<(&'a Model, Timestamp)>, Error> {
    let days = found.facts.registration_clock.cool_off_days;
    if days == 0 {
        return Ok(Vec::new());
    }
    let decided = found.before.iter().filter(|one| one.id != asking.id);
    let mut ended: Vec<(&Model, Timestamp)> = decided
        .filter_map(|one| {
            let until = cooled_off(ended(one, now)?, days);
            (until > now).then_some((one, until))
        })
        .collect();
    if ended.is_empty() {
        return Ok(ended);
    }
    let named = ended.iter().filter_map(|(one, _)| one.territory.clone());
    let named: BTreeSet<TerritoryId> = named.collect();
    let places = places(view, asking.territory.as_ref(), named).await?;
    let line = Line {
        standing: &[],
        places: &places,
    };
    let asking = Contender::from(asking);
    ended.retain(|(one, _)| line.overlap(&asking, &Contender::from(*one)));
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
        State::Approved if lifecycle::over(registration.protection_end_time, now) => {
            registration.protection_end_time
        }
        _ => None,
    }
}

/// The moment so many days of 24 hours later.
fn cooled_off(ended: Timestamp, days: i32) -> Timestamp {
    const DAY: u64 = 86_400;
    let days = u64::try_from(days).unwrap_or_default();
    ended.saturating_add(std::time::Duration::from_secs(days.saturating_mul(DAY)))
}

/// Whether a registration brings a proof that none of the earlier ones brought, or its evidence says
/// something that none of them said, however it is spaced or capitalized.
fn is_new<'a>(asking: &Model, before: impl Iterator<Item = &'a Model> + Clone) -> bool {
    let mut proofs = asking.proofs.0.iter();
    let proven = |proof| before.clone().any(|one| one.proofs.0.contains(proof));
    proofs.any(|proof| !proven(proof))
        || says_more(
            asking.evidence.as_deref(),
            before.clone().map(|one| one.evidence.as_deref()),
        )
}

fn says_more<'a>(
    evidence: Option<&str>,
    mut before: impl Iterator<Item = Option<&'a str>>,
) -> bool {
    let said = |text: Option<&str>| -> Vec<String> {
        let words = text.unwrap_or_default().split_whitespace();
        words.map(str::to_lowercase).collect()
    };
    let now = said(evidence);
    !now.is_empty() && before.all(|earlier| said(earlier) != now)
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
        assert!(!says_more(None, std::iter::empty()));
        assert!(!says_more(Some(" \n"), std::iter::empty()));
        assert!(says_more(Some("Met them."), std::iter::empty()));
        assert!(!says_more(
            Some("Met  THEM."),
            [Some("met them.")].into_iter()
        ));
    }
}
