//! Who gets which part: largest remainder by weights, and taking back by what each still has, so that
//! no taking back pays anybody.

use std::collections::BTreeMap;

use serde::Serialize;
use trellis_core::{PartnerId, allocate};

use super::facts::Fact;
use crate::plan::{Fund, Sharing, Unfilled};

/// A part of an award.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Who gets it.
    pub to: Recipient,
    /// How much, in minor units.
    pub minor: i64,
}

/// Who gets a part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Recipient {
    /// A partner.
    Partner(PartnerId),
    /// A fund of the award's partner.
    Fund(Fund),
    /// Nobody: the vendor keeps it.
    Vendor,
}

/// Who gets parts, and what each weighs; none when nobody does.
pub(crate) fn weights(
    sharing: &Sharing,
    partner: &PartnerId,
    facts: &[&Fact],
) -> Option<Vec<(Recipient, u64)>> {
    match sharing {
        Sharing::Single => Some(vec![(Recipient::Partner(partner.clone()), 1)]),
        Sharing::Funds(funds) => Some(
            funds
                .iter()
                .map(|weight| (Recipient::Fund(weight.fund), weight.weight.into()))
                .collect(),
        ),
        Sharing::RoleWeights { roles, unfilled } => {
            let fact = facts.first()?;
            // Several of one role share its weight equally: all weights times what divides them.
            let common = roles
                .iter()
                .map(|role| {
                    u64::try_from(holders(fact, &role.role).count())
                        .unwrap_or(1)
                        .max(1)
                })
                .fold(1, least_common_multiple);
            let mut order: Vec<Recipient> = Vec::new();
            let mut sums: BTreeMap<Recipient, u64> = BTreeMap::new();
            let mut add = |to: Recipient, weight: u64| {
                if !order.contains(&to) {
                    order.push(to.clone());
                }
                *sums.entry(to).or_default() += weight;
            };
            let mut filled = false;
            for role in roles {
                let count = u64::try_from(holders(fact, &role.role).count()).unwrap_or(1);
                let weight = u64::from(role.weight) * common;
                for holder in holders(fact, &role.role) {
                    filled = true;
                    add(Recipient::Partner(holder.clone()), weight / count.max(1));
                }
                if count == 0 && *unfilled == Unfilled::VendorKeeps {
                    add(Recipient::Vendor, weight);
                }
            }
            let weighed = |to: Recipient| {
                let weight = sums.get(&to).copied().unwrap_or_default();
                (to, weight)
            };
            (filled && sums.values().any(|weight| *weight > 0))
                .then(|| order.clone().into_iter().map(weighed).collect())
        }
    }
}

/// Who has a role in a fact.
fn holders<'a>(fact: &'a Fact, role: &'a str) -> impl Iterator<Item = &'a PartnerId> {
    let held = fact.parties.iter().filter(move |party| party.role == role);
    held.map(|party| &party.partner)
}

fn least_common_multiple(one: u64, other: u64) -> u64 {
    let (mut divisor, mut rest) = (one, other);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    one / divisor.max(1) * other
}

/// Splits an amount that was more before it was reduced: what there was by the weights, each that was
/// taken back by what everybody still had of it. What is given again goes by the weights.
pub(crate) fn split(amount: i64, reductions: &[i64], weights: &[u64]) -> Vec<i64> {
    let before: i128 =
        reductions.iter().copied().map(i128::from).sum::<i128>() + i128::from(amount);
    let before = i64::try_from(before.max(0)).unwrap_or(i64::MAX);
    let mut parts = allocate(before, weights);
    for reduction in reductions {
        change(&mut parts, *reduction, weights);
    }
    // Limits that see awards of others may have cut differently before.
    let rest = parts.iter().sum::<i64>() - amount;
    change(&mut parts, rest, weights);
    parts
}

fn change(parts: &mut [i64], less: i64, weights: &[u64]) {
    let changes = if less >= 0 {
        let remaining: Vec<u64> = parts.iter().map(|part| part.unsigned_abs()).collect();
        let taken = less.min(parts.iter().sum());
        allocate(-taken, &remaining)
    } else {
        allocate(less.saturating_neg(), weights)
    };
    for (part, change) in parts.iter_mut().zip(changes) {
        *part += change;
    }
}
