//! Who gets which part of awards: by largest remainder, in buffers that are used again.

use std::collections::BTreeMap;

use trellis_core::{Date, MoneyError, PartnerId, allocate};

use super::Fault;
use super::column::{at, number, place};
use super::lines::Lines;
use super::partner::{NONE, Part};
use super::quick::Divisor;
use crate::evaluate::{Fact, Party, Recipient, weights};
use crate::plan::{FactKind, Sharing};

/// Who gets parts, and what each weighs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weighed {
    /// Numbers of recipients.
    pub(crate) to: Vec<u32>,
    pub(crate) each: Vec<u64>,
    /// What all weigh together, to divide by.
    sum: Option<Divisor>,
}

/// How the awards of a plan are shared.
#[derive(Clone, Debug)]
pub(crate) struct Sharers {
    pub(crate) recipients: Vec<Recipient>,
    /// For each list of parties; none where nobody gets a part.
    by_parties: Vec<Option<Weighed>>,
}

impl Sharers {
    /// None where each award is its partner's alone.
    pub(crate) fn new(lines: &Lines<'_>) -> Option<Self> {
        let sharing = &lines.version.sharing;
        let mut numbers: BTreeMap<Recipient, u32> = BTreeMap::new();
        let mut recipients = Vec::new();
        let mut weighed = |parties: &[(PartnerId, String)], partner: &PartnerId| {
            let mut fact = Fact::new("", FactKind::DealWon, None, Date::EPOCH);
            let parties = parties.iter().cloned();
            fact.parties = parties
                .map(|(partner, role)| Party { partner, role })
                .collect();
            let mut all = Weighed::default();
            for (to, weight) in weights(sharing, partner, &[&fact])? {
                all.to.push(*numbers.entry(to.clone()).or_insert_with(|| {
                    recipients.push(to);
                    number(recipients.len() - 1)
                }));
                all.each.push(weight);
            }
            let sum = all
                .each
                .iter()
                .try_fold(0_u64, |sum, weight| sum.checked_add(*weight));
            all.sum = sum.and_then(Divisor::new);
            Some(all)
        };
        // Only who is single gets by being the partner, and that is nobody here.
        let anybody = lines.columns.partners.first()?;
        let by_parties = match sharing {
            Sharing::Single => return None,
            Sharing::Funds(_) => vec![weighed(&[], anybody)],
            Sharing::RoleWeights { .. } => {
                let lists = lines.columns.parties.iter();
                lists.map(|list| weighed(list, anybody)).collect()
            }
        };
        Some(Self {
            recipients,
            by_parties,
        })
    }

    /// Who gets parts of an award.
    #[inline]
    pub(crate) fn of(&self, lines: &Lines<'_>, part: &Part, award: usize) -> Option<&Weighed> {
        let list = if part.places.is_empty() && self.by_parties.len() > 1 {
            place(at(&lines.columns.party, part.lines.start + award))
        } else {
            0
        };
        self.by_parties.get(list)?.as_ref()
    }
}

/// Splits all awards, and adds up what everybody gets. Who has nobody to go to is of nothing.
pub(crate) fn split_all(
    lines: &Lines<'_>,
    sharers: &Sharers,
    part: &mut Part,
) -> Result<(), MoneyError> {
    let mut paid = vec![0_i128; sharers.recipients.len()];
    let mut buffers = Buffers::default();
    let mut next = 0;
    let mut amounts = std::mem::take(&mut part.amounts);
    for (award, amount) in amounts.iter_mut().enumerate() {
        let of = part.reductions.get(next);
        let of = of.filter(|of| place(of.award) == award);
        next += usize::from(of.is_some());
        let reductions = part.reduced(of);
        if *amount == NONE || *amount == 0 {
            continue;
        }
        let Some(weighed) = sharers.of(lines, part, award) else {
            *amount = 0;
            continue;
        };
        buffers.split(lines, *amount, reductions, weighed);
        for (to, minor) in weighed.to.iter().zip(&buffers.parts) {
            if let Some(sum) = paid.get_mut(place(*to)) {
                *sum += i128::from(*minor);
            }
        }
    }
    part.amounts = amounts;
    part.paid = paid;
    Ok(())
}

/// What splitting needs, used again and again.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    pub(crate) parts: Vec<i64>,
    changes: Vec<i64>,
    remaining: Vec<u64>,
    rests: Vec<u64>,
}

impl Buffers {
    /// Splits an amount that was more before it was reduced.
    pub(crate) fn split(
        &mut self,
        lines: &Lines<'_>,
        amount: i64,
        reductions: &[i64],
        weighed: &Weighed,
    ) {
        let weights = weighed.each.as_slice();
        let reductions = if lines.plan.wrong(Fault::SplitsAnew) {
            &[]
        } else {
            reductions
        };
        let sum = reductions.iter().copied().map(i128::from).sum::<i128>();
        let before = (sum + i128::from(amount)).max(0);
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        if !self.allot_by(before, weighed) {
            allot(before, weights, &mut self.parts, &mut self.rests);
        }
        if reductions.is_empty() {
            return;
        }
        for reduction in reductions {
            self.change(*reduction, weights);
        }
        let rest = self.parts.iter().sum::<i64>() - amount;
        self.change(rest, weights);
    }

    /// The same as [`allot`] by a sum that is known before; false where the numbers are too large.
    #[inline]
    fn allot_by(&mut self, total: i64, weighed: &Weighed) -> bool {
        let Some(sum) = weighed.sum.filter(|_| total >= 0) else {
            return false;
        };
        let amount = total.unsigned_abs();
        self.parts.clear();
        self.rests.clear();
        let mut left = amount;
        for weight in &weighed.each {
            let Some(share) = amount.checked_mul(*weight).filter(|share| share >> 62 == 0) else {
                return false;
            };
            let (part, rest) = sum.divide(share);
            left -= part;
            self.parts.push(part.cast_signed());
            self.rests.push(rest);
        }
        hand_out(left, &mut self.parts, &mut self.rests);
        true
    }

    fn change(&mut self, less: i64, weights: &[u64]) {
        if less == 0 {
            return;
        }
        if less > 0 {
            self.remaining.clear();
            let parts = self.parts.iter().map(|part| part.unsigned_abs());
            self.remaining.extend(parts);
            let taken = less.min(self.parts.iter().sum());
            allot(taken, &self.remaining, &mut self.changes, &mut self.rests);
            for (part, change) in self.parts.iter_mut().zip(&self.changes) {
                *part -= change;
            }
        } else {
            let more = less.saturating_neg();
            allot(more, weights, &mut self.changes, &mut self.rests);
            for (part, change) in self.parts.iter_mut().zip(&self.changes) {
                *part += change;
            }
        }
    }
}

/// [`allocate`] for a total that is not less than nothing, into a buffer.
fn allot(total: i64, weights: &[u64], parts: &mut Vec<i64>, rests: &mut Vec<u64>) {
    /// Finding who was cut the most takes a look at all for each coin.
    const FEW: usize = 16;
    parts.clear();
    rests.clear();
    let sum = weights
        .iter()
        .try_fold(0_u64, |sum, weight| sum.checked_add(*weight));
    let amount = total.unsigned_abs();
    let fits = |sum: &u64| *sum > 0 && amount.checked_mul(*sum).is_some();
    let Some(sum) = sum
        .filter(fits)
        .filter(|_| total >= 0 && weights.len() <= FEW)
    else {
        *parts = allocate(total, weights);
        return;
    };
    let mut left = amount;
    for weight in weights {
        let share = amount * weight;
        let part = share / sum;
        left -= part;
        rests.push(share % sum);
        parts.push(part.cast_signed());
    }
    hand_out(left, parts, rests);
}

/// Gives what is left, one by one, to those who were cut the most; of equals, to the first.
fn hand_out(mut left: u64, parts: &mut [i64], rests: &mut [u64]) {
    while left > 0 {
        let mut most = 0;
        let mut of_whom = None;
        for (index, rest) in rests.iter().enumerate() {
            if *rest > most {
                (most, of_whom) = (*rest, Some(index));
            }
        }
        let Some(index) = of_whom else {
            break;
        };
        if let (Some(part), Some(rest)) = (parts.get_mut(index), rests.get_mut(index)) {
            *part += 1;
            *rest = 0;
        }
        left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn parts_are_those_of_allocate(
            total in prop_oneof![0..1_000_i64, 0..i64::MAX],
            weights in prop::collection::vec(prop_oneof![0..4_u64, 0..1_000_000_u64, any::<u64>()], 1..20),
        ) {
            let (mut parts, mut rests) = (Vec::new(), Vec::new());
            allot(total, &weights, &mut parts, &mut rests);
            prop_assert_eq!(parts, allocate(total, &weights));
        }
    }
}
