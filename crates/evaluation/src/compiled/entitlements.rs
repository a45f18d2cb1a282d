//! What everybody is entitled to under a compiled plan, and the key, parts and holds of each award.

use std::collections::BTreeMap;

use trellis_core::{Date, PartnerId, Period};

use super::column::{at, place};
use super::lines::Lines;
use super::partner::{NONE, Part};
use super::quick::rounded;
use super::split::{Buffers, Sharers};
use super::tally::Tally;
use crate::evaluate::{Held, Key, Recipient, Share};
use crate::plan::{GroupBy, Hold, Window};

/// What a compiled plan makes of columns: equal to what `evaluate` makes of the same facts.
pub struct Entitlements<'a> {
    lines: Lines<'a>,
    sharers: Option<Sharers>,
    part: Part,
}

/// One award.
#[derive(Clone, Copy)]
pub struct Entitled<'a> {
    of: &'a Entitlements<'a>,
    award: usize,
    /// Whose it is.
    pub partner: &'a PartnerId,
    /// What its partner is entitled to, in minor units.
    pub minor: i64,
}

impl std::fmt::Debug for Entitlements<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl std::fmt::Debug for Entitled<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Entitled")
            .field(&self.key())
            .field(&self.minor)
            .finish()
    }
}

impl<'a> Entitlements<'a> {
    pub(crate) const fn new(lines: Lines<'a>, sharers: Option<Sharers>, part: Part) -> Self {
        Self {
            lines,
            sharers,
            part,
        }
    }

    /// All awards: those of a partner together.
    pub fn iter(&self) -> impl Iterator<Item = Entitled<'_>> {
        let partners = self.lines.columns.partners.iter().enumerate();
        partners.flat_map(move |(index, partner)| {
            let awards = self.part.awards_of(&self.lines, index);
            awards.filter_map(move |award| {
                let minor = self.part.amounts.get(award).copied()?;
                (minor != NONE).then_some(Entitled {
                    of: self,
                    award,
                    partner,
                    minor,
                })
            })
        })
    }

    /// What all awards come to together.
    #[must_use]
    pub fn total(&self) -> i128 {
        let amounts = self.part.amounts.iter();
        amounts.map(|minor| i128::from((*minor).max(0))).sum()
    }

    /// What everybody gets of all awards together.
    #[must_use]
    pub fn paid(&self) -> BTreeMap<Recipient, i128> {
        if let Some(sharers) = &self.sharers {
            let recipients = sharers.recipients.iter().cloned();
            return recipients.zip(self.part.paid.iter().copied()).collect();
        }
        let columns = self.lines.columns;
        let partners = columns.partners.iter().enumerate();
        partners
            .map(|(index, partner)| {
                let awards = self.part.awards_of(&self.lines, index);
                let amounts = self.part.amounts.get(awards).unwrap_or_default();
                let sum = amounts
                    .iter()
                    .map(|minor| i128::from((*minor).max(0)))
                    .sum();
                (Recipient::Partner(partner.clone()), sum)
            })
            .collect()
    }

    /// How many bytes the awards take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        super::column::bytes(&self.part.amounts) + super::column::bytes(&self.part.places)
    }
}

impl Entitled<'_> {
    /// What makes it that of its plan, partner and scope.
    #[must_use]
    pub fn key(&self) -> Key {
        let lines = &self.of.lines;
        let columns = lines.columns;
        let scope = match self.of.part.places.get(self.award) {
            None => format!(
                "fact/{}",
                columns.ids.get(self.award + self.of.part.lines.start)
            ),
            Some(known) => {
                let label = match lines.version.measure.window.cadence() {
                    Some(cadence) => {
                        Period::containing(Date::from_days(known.start), cadence).label()
                    }
                    None => "lifetime".to_owned(),
                };
                let index = place(known.group).checked_sub(1);
                let name = |names: &[String]| names.get(index?).cloned();
                let group = match lines.version.measure.group_by {
                    GroupBy::Partner => None,
                    GroupBy::PartnerCustomer => {
                        name(&columns.customers).map(|name| format!("customer/{name}"))
                    }
                    GroupBy::PartnerProduct => {
                        name(&columns.products).map(|name| format!("product/{name}"))
                    }
                    GroupBy::Deal => index
                        .and_then(|index| columns.deals.get(index))
                        .map(|deal| format!("deal/{deal}")),
                };
                group.map_or(label.clone(), |group| format!("{label}/{group}"))
            }
        };
        Key {
            plan: lines.version.plan.clone(),
            partner: self.partner.clone(),
            scope,
        }
    }

    /// Who gets which part of it.
    #[must_use]
    pub fn shares(&self) -> Vec<Share> {
        let (lines, part) = (&self.of.lines, &self.of.part);
        let Some(sharers) = &self.of.sharers else {
            return vec![Share {
                to: Recipient::Partner(self.partner.clone()),
                minor: self.minor,
            }];
        };
        let Some(weighed) = sharers.of(lines, part, self.award) else {
            return Vec::new();
        };
        let found = part
            .reductions
            .binary_search_by_key(&self.award, |of| place(of.award));
        let of = found.ok().and_then(|index| part.reductions.get(index));
        let reductions = part.reduced(of);
        let mut buffers = Buffers::default();
        buffers.split(lines, self.minor, reductions, weighed);
        let to = weighed.to.iter().zip(&buffers.parts);
        to.filter_map(|(to, minor)| {
            let to = sharers.recipients.get(place(*to))?.clone();
            Some(Share { to, minor: *minor })
        })
        .collect()
    }

    /// Until when which part of it is held.
    #[must_use]
    pub fn held(&self) -> Vec<Held> {
        let lines = &self.of.lines;
        if self.minor == 0 || !lines.plan.has_holds() {
            return Vec::new();
        }
        let known = self.of.part.places.get(self.award);
        let line = self.award + self.of.part.lines.start;
        let begin = match (known, lines.version.measure.window.cadence()) {
            (Some(known), Some(cadence)) => {
                Period::containing(Date::from_days(known.start), cadence).end()
            }
            _ => Date::from_days(at(&lines.columns.days, line)),
        };
        let whole = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let until = match &lines.version.protection.hold {
            Hold::None => Some(begin),
            Hold::Days(days) => Some(begin.plus_days(whole(*days))),
            Hold::Months(months) => Some(begin.plus_months(whole(*months))),
            Hold::Until(_) => {
                let freed = known.map_or_else(|| lines.frees(line), |known| known.freed);
                freed.then_some(begin)
            }
        };
        let Some(holdback) = lines.version.protection.holdback else {
            return vec![Held {
                minor: self.minor,
                until,
            }];
        };
        let share = holdback.share.ratio();
        // A share below the whole has 18 digits at most, so that 128 bits do.
        let product = i128::from(self.minor) * share.numer();
        let rounding = lines.version.policy.rounding;
        let back = rounded(product, *share.denom(), rounding).unwrap_or(self.minor);
        vec![
            Held {
                minor: self.minor - back,
                until,
            },
            Held {
                minor: back,
                until: Some(begin.plus_days(whole(holdback.days))),
            },
        ]
    }

    /// What it is made of, to change it by one fact at a time; none where each fact is an award by
    /// itself.
    #[must_use]
    pub fn tally(&self) -> Option<Tally> {
        if self.of.lines.version.measure.window == Window::Event {
            return None;
        }
        let known = self.of.part.places.get(self.award)?;
        Some(Tally {
            counted: known.counted.into(),
            net: known.net,
        })
    }
}
