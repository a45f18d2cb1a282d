//! The model that goes by the parts of the partners.

use trellis_core::{PartnerId, allocate};
use trellis_store::deal::part::Role;

/// What each part weighs; in any unit, as only the proportions matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// For who found the deal.
    pub sourced: u32,
    /// For all together who sold it with others.
    pub co_sell: u32,
    /// For all together who sell and deliver it.
    pub fulfil: u32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            sourced: 50,
            co_sell: 20,
            fulfil: 30,
        }
    }
}

/// A part of a partner's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The partner.
    pub partner: PartnerId,
    /// Its part.
    pub role: Role,
    /// What the lines that it fulfils are worth, in minor units; 0 where that is not known, and for
    /// other parts.
    pub worth: u64,
}

/// Shares a total: first among the parts, by their weights, and then within each part among those who
/// have it.
///
/// Those who fulfil share by what their lines are worth where that is known, all others alike. Parts
/// that nobody has are left out, so that the others have the whole in the same proportions. A hand in
/// a deal weighs nothing, and where nobody has a part that weighs something nobody is credited.
pub(super) fn share(total: i64, parts: &[Part], weights: Weights) -> Vec<(PartnerId, i64)> {
    let weighing = [
        (Role::Sourced, weights.sourced),
        (Role::CoSell, weights.co_sell),
        (Role::Fulfil, weights.fulfil),
    ];
    let held: Vec<(Vec<&Part>, u64)> = weighing
        .into_iter()
        .map(|(role, weight)| (parts.iter().filter(move |part| part.role == role), weight))
        .map(|(held, weight)| (held.collect::<Vec<_>>(), u64::from(weight)))
        .filter(|(held, weight)| !held.is_empty() && *weight > 0)
        .collect();
    let weights: Vec<u64> = held.iter().map(|(_, weight)| *weight).collect();
    let mut shared = Vec::with_capacity(parts.len());
    for ((held, _), of_part) in held.iter().zip(allocate(total, &weights)) {
        let worths: Vec<u64> = held.iter().map(|part| part.worth).collect();
        for (part, share) in held.iter().zip(allocate(of_part, &worths)) {
            shared.push((part.partner.clone(), share));
        }
    }
    shared
}
