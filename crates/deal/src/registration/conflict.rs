//! Who stands in whose way. Pure.
//!
//! The caller brings the registrations that stand at the same customer (the same account, or one that
//! compares as the same customer); what overlaps among them, and who came first, is decided
//! here. A partner's tier is no argument of any of these functions.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use trellis_core::{ProductId, RegistrationId, Timestamp};
use trellis_store::deal::claim::EntityScope;
use trellis_store::deal::contender::Contender;
use trellis_store::deal::registration::State;

use super::lifecycle::unanswered;
use super::places::Places;

const MINUTE: i64 = 60_000_000;

/// The place of a registration in the line.
///
/// First comes whom the customer nominated; then who came in an earlier minute; of one minute whose
/// proofs count more, then who has the customer already, then who came first, then the lower id. A
/// registration that has not been handed in comes after all that have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Whether the customer nominated the partner.
    pub nominated: bool,
    /// When it took its place.
    pub submit_time: Option<Timestamp>,
    /// What its proofs count.
    pub evidence_score: i64,
    /// Whether its partner has the customer already.
    pub incumbent: bool,
    /// The registration.
    pub registration: RegistrationId,
}

impl Place {
    /// The place of a registration.
    #[must_use]
    pub fn of(registration: &Contender) -> Self {
        Self {
            nominated: registration.nominated,
            submit_time: registration.submit_time,
            evidence_score: registration.evidence_score,
            incumbent: registration.incumbent,
            registration: registration.id.clone(),
        }
    }

    /// Whether it comes before another one.
    #[must_use]
    pub fn precedes(&self, other: &Self) -> bool {
        self.submit_time.is_some() && self.key() < other.key()
    }

    fn key(&self) -> impl Ord + use<> {
        let minute = self
            .submit_time
            .map(|time| time.micros().div_euclid(MINUTE));
        (
            self.submit_time.is_none(),
            !self.nominated,
            minute,
            Reverse(self.evidence_score),
            !self.incumbent,
            self.submit_time,
            self.registration.clone(),
        )
    }
}

/// Whether a registration keeps others away by right: it was approved and its protection lasts.
/// A protection is over at the moment of its end, whether or not anybody has acted upon that.
#[must_use]
pub fn protected(registration: &Contender, now: Timestamp) -> bool {
    holds(registration.state, registration.protection_end_time, now)
}

/// Whether a registration in this state, with a protection that ends then, keeps others away by right.
#[must_use]
pub fn holds(state: State, protection_end_time: Option<Timestamp>, now: Timestamp) -> bool {
    match state {
        State::Approved | State::Converted => protection_end_time.is_some_and(|end| now < end),
        State::Draft
        | State::Submitted
        | State::Waitlisted
        | State::NeedsInfo
        | State::Rejected
        | State::Expired
        | State::Revoked
        | State::Withdrawn => false,
    }
}

/// Whether a registration has asked and waits for its answer. One whose partner is asked for more keeps
/// its place in the line as long as there is time to answer.
#[must_use]
pub fn pending(registration: &Contender, now: Timestamp) -> bool {
    let Contender {
        state,
        info_due_time,
        contends,
        ..
    } = registration;
    let keeps_its_place = || *contends && !unanswered(*state, *info_due_time, now);
    waits(*state) && (*state != State::NeedsInfo || keeps_its_place())
}

/// Whether a registration in this state waits for its answer, as long as it keeps its place.
fn waits(state: State) -> bool {
    match state {
        State::Submitted | State::Waitlisted | State::NeedsInfo => true,
        State::Draft
        | State::Approved
        | State::Converted
        | State::Rejected
        | State::Expired
        | State::Revoked
        | State::Withdrawn => false,
    }
}

/// Whether a registration in this state, at this place, stands in the way of one that asks.
///
/// Whoever is protected stands in the way. So does whoever has asked earlier and waits for an
/// answer, even if something else still stands in *its* way: nobody overtakes. That the customer
/// nominated who asks frees nobody before a person has looked at the letter.
#[must_use]
pub fn stands_in_the_way(
    (state, protection_end_time, place): (State, Option<Timestamp>, &Place),
    asking: &Place,
    looked_at: bool,
    now: Timestamp,
) -> bool {
    let asking = Place {
        nominated: asking.nominated && (looked_at || place.nominated),
        ..asking.clone()
    };
    holds(state, protection_end_time, now) || (waits(state) && place.precedes(&asking))
}

/// Whether `one` comes before `other` in the line.
#[must_use]
pub fn precedes(one: &Contender, other: &Contender) -> bool {
    Place::of(one).precedes(&Place::of(other))
}

/// Whether two registrations name two sites, written differently.
#[must_use]
pub fn two_sites(one: &Contender, other: &Contender) -> bool {
    let sites = (site(one), site(other));
    matches!(sites, (Some(one), Some(other)) if one != other)
}

/// The site that a registration asks for, in the form in which sites are compared.
#[must_use]
pub fn site(registration: &Contender) -> Option<String> {
    match registration.entity_scope {
        EntityScope::Site => {
            let words = registration
                .site
                .iter()
                .flat_map(|site| site.split_whitespace());
            Some(words.map(str::to_lowercase).collect::<Vec<_>>().join(" "))
        }
        EntityScope::Entity | EntityScope::Group => None,
    }
}

/// The registrations that stand at one customer, and where their territories lie.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The registrations.
    pub standing: &'a [Contender],
    /// The territories that they name.
    pub places: &'a Places,
}

impl<'a> Line<'a> {
    /// Whether two registrations of one customer are about the same business: they share a
    /// product, their territories have something in common (none means everywhere), they are
    /// of the same deal type, and they do not name two sites.
    #[must_use]
    pub fn overlap(&self, one: &Contender, other: &Contender) -> bool {
        !two_sites(one, other) && self.overlap_anywhere(one, other)
    }

    /// The same, whatever sites they name.
    #[must_use]
    pub fn overlap_anywhere(&self, one: &Contender, other: &Contender) -> bool {
        let territory = match (&one.territory, &other.territory) {
            (Some(one), Some(other)) => self.places.overlap(one, other),
            (None, _) | (_, None) => true,
        };
        territory
            && one.deal_type == other.deal_type
            && one
                .products
                .0
                .iter()
                .any(|product| other.products.0.contains(product))
    }

    /// The others that are about the same business, in the order of the line.
    #[must_use]
    pub fn others(&self, than: &Contender) -> Vec<&'a Contender> {
        let mut others: Vec<&Contender> = self
            .standing
            .iter()
            .filter(|other| other.id != than.id && self.overlap(than, other))
            .collect();
        others.sort_by_cached_key(|other| Place::of(other).key());
        others
    }

    /// Whether somebody at its very account stands in the way of all that one which waits asks for. Of
    /// others in this line, which may be that of a group, it is not sure that they stand in its own. One
    /// that takes less may have its turn for that, and a person looks at a letter.
    #[must_use]
    pub fn keeps_waiting(&self, waiting: &Contender, now: Timestamp) -> bool {
        !waiting.accept_partial
            && !waiting.nominated
            && self
                .in_the_way(waiting, now)
                .iter()
                .any(|other| other.account == waiting.account)
    }

    /// Whether one that waits in this line, which is its own, has not its turn yet: others stand in the
    /// way of what it asks for, or of every part of it where it takes less.
    #[must_use]
    pub fn stands_behind(&self, waiting: &Contender, now: Timestamp) -> bool {
        let others = self.in_the_way(waiting, now);
        let taken = |product: &ProductId| {
            let mut others = others.iter();
            others.any(|other| other.products.0.contains(product))
        };
        let mut products = waiting.products.0.iter();
        !waiting.nominated
            && match waiting.accept_partial {
                true => products.all(taken),
                false => products.any(taken),
            }
    }

    fn in_the_way(&self, waiting: &Contender, now: Timestamp) -> Vec<&'a Contender> {
        let place = Place::of(waiting);
        let mut others = self.others(waiting);
        others.retain(|other| {
            let stands = (other.state, other.protection_end_time, &Place::of(other));
            (protected(other, now) || pending(other, now))
                && stands_in_the_way(stands, &place, false, now)
        });
        others
    }

    /// The place of a registration among those that wait for the same business, beginning with 1.
    #[must_use]
    pub fn position(&self, asking: &Contender) -> i64 {
        let ahead =
            |other: &&&Contender| other.state == State::Waitlisted && precedes(other, asking);
        let count = self.others(asking).iter().filter(ahead).count();
        i64::try_from(count).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// Those that wait for the same business as a registration that goes away, in the order of the
    /// line: one of them may be next.
    #[must_use]
    pub fn waiting_with(&self, leaving: &Contender) -> Vec<&'a Contender> {
        let mut waiting = self.others(leaving);
        waiting.retain(|other| other.state == State::Waitlisted);
        waiting
    }

    /// Those of them that stand behind it: each moves up one place.
    #[must_use]
    pub fn behind(&self, leaving: &Contender) -> Vec<&'a Contender> {
        let mut behind = self.waiting_with(leaving);
        behind.retain(|other| precedes(leaving, other));
        behind
    }
}

/// When a registration takes its place in the line: now, and in any case after everybody who stands at
/// its customer or at what may be it, so that the line is the order in which the locks were had, whatever
/// clocks say.
#[must_use]
pub fn place<'a>(
    asking: &RegistrationId,
    standing: impl IntoIterator<Item = &'a Contender>,
    now: Timestamp,
) -> Timestamp {
    let others = standing.into_iter().filter(|other| other.id != *asking);
    let latest = others.filter_map(|other| other.submit_time).max();
    match latest {
        Some(latest) if latest >= now => Timestamp::from_micros(latest.micros().saturating_add(1)),
        Some(_) | None => now,
    }
}

#[cfg(test)]
mod tests;
