//! Which of the partners that can be offered a lead is. Pure.
//!
//! Whoever has the fewest open leads for their weight is drawn from. Where leads stay open, that alone
//! keeps the shares: nobody ever has more than one lead above their part of all (the method of Adams,
//! as it divides seats). Where leads are done with at once, everybody stands at nothing, and the draw
//! keeps the shares in the long run.
//!
//! The draw follows from the seed and the name of the lead by SHA-256, so that whoever has the
//! candidates comes to the same partner, in any language and at any time.

use sha2::{Digest as _, Sha256};
use trellis_store::deal::lead_routing::{Candidate, Obstacle, Routing};

/// Chooses among candidates for the lead of this name.
#[must_use]
pub fn choose(lead: &str, seed: i64, mut candidates: Vec<Candidate>) -> Routing {
    candidates.sort_by(|one, other| one.partner.as_str().cmp(other.partner.as_str()));
    let least = candidates
        .iter()
        .filter(|one| one.ineligibilities.is_empty())
        .min_by(|one, other| by_load(one, other))
        .cloned();
    let mut weight_sum = 0_i64;
    for candidate in &mut candidates {
        candidate.drawn_from = candidate.ineligibilities.is_empty()
            && least
                .as_ref()
                .is_some_and(|least| by_load(candidate, least).is_eq());
        if candidate.drawn_from {
            weight_sum += i64::from(candidate.weight);
        }
    }
    let draw = drawn(lead, seed, weight_sum);
    let partner = at(draw, &candidates).map(|chosen| chosen.partner.clone());
    Routing {
        obstacle: partner.is_none().then_some(Obstacle::NoEligiblePartner),
        partner,
        seed,
        draw,
        weight_sum,
        candidates,
    }
}

/// Who has fewer open leads for their weight. Multiplied crosswise, nothing is rounded.
fn by_load(one: &Candidate, other: &Candidate) -> std::cmp::Ordering {
    let load = |of: &Candidate, by: &Candidate| i128::from(of.open_leads) * i128::from(by.weight);
    load(one, other).cmp(&load(other, one))
}

/// The number that is drawn: at least 0 and below `sum`; 0 when there is nothing to draw from.
#[must_use]
pub fn drawn(lead: &str, seed: i64, sum: i64) -> i64 {
    let (Ok(sum), true) = (u64::try_from(sum), sum > 0) else {
        return 0;
    };
    i64::try_from(number(seed, lead) % sum).unwrap_or_default()
}

/// A seed for a routing that nobody gave one.
#[must_use]
pub fn seed(lead: &str, number_of_routing: i32) -> i64 {
    let number = number(number_of_routing.into(), lead);
    i64::try_from(number >> 1).unwrap_or_default()
}

/// The first eight bytes of the SHA-256 of eight bytes and a name.
fn number(first: i64, name: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(first.to_be_bytes());
    hash.update(name.as_bytes());
    let hash: [u8; 32] = hash.finalize().into();
    hash.iter()
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// The candidate whose share of the numbers holds the one that was drawn.
fn at(draw: i64, candidates: &[Candidate]) -> Option<&Candidate> {
    let mut below = 0;
    candidates
        .iter()
        .filter(|candidate| candidate.drawn_from)
        .find(|candidate| {
            below += i64::from(candidate.weight);
            draw < below
        })
}

#[cfg(test)]
mod tests;
