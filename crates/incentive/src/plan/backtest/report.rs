//! What the awards of both sides come to, added up. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use trellis_api::incentive::v1 as pb;
use trellis_core::{Currency, MoneyError, PartnerId, PlanId};

use super::budget::Budgets;
use super::percent::percent;

/// The awards that are told of with their steps.
const CHANGED: usize = 20;

/// The partners that get most, which are told of together.
const TOP: usize = 10;

/// What makes an award that of its plan, partner and scope, on both sides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) plan: PlanId,
    /// Who gets it.
    pub(super) partner: PartnerId,
    pub(super) scope: String,
    /// Whose facts it is for.
    pub(super) earner: PartnerId,
    pub(super) currency: Currency,
}

/// What an award comes to on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) minor: i64,
    /// The version that it is computed under, if there is such an award.
    pub(super) version: Option<i32>,
}

/// An amount on both sides, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Both {
    pub(super) current: i64,
    pub(super) proposed: i64,
}

impl Both {
    /// The proposed amount less the current one.
    pub(super) fn difference(self) -> i128 {
        i128::from(self.proposed) - i128::from(self.current)
    }

    /// The difference in percent of the current amount.
    pub(super) fn percent(self) -> Option<String> {
        percent(self.difference(), self.current.into())
    }

    fn add(&mut self, more: Self) -> Result<(), MoneyError> {
        let sum = |one: i64, other: i64| one.checked_add(other).ok_or(MoneyError::Overflow);
        self.current = sum(self.current, more.current)?;
        self.proposed = sum(self.proposed, more.proposed)?;
        Ok(())
    }

    /// Whether more than a tenth of the current amount would be lost.
    fn loses(self) -> bool {
        self.current > 0 && -self.difference() * 10 > i128::from(self.current)
    }
}

/// How many awards change, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) up: i64,
    pub(super) down: i64,
    pub(super) new: i64,
    pub(super) lost: i64,
    pub(super) unchanged: i64,
}

impl Counts {
    fn count(&mut self, both: Both) {
        let counter = match (both.current, both.proposed) {
            (0, 0) => return,
            (0, _) => &mut self.new,
            (_, 0) => &mut self.lost,
            (current, proposed) if proposed > current => &mut self.up,
            (current, proposed) if proposed < current => &mut self.down,
            _ => &mut self.unchanged,
        };
        *counter += 1;
    }
}

/// An award that changes, and where the computations part ways.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Changed {
    pub(super) key: Key,
    pub(super) current: Outcome,
    pub(super) proposed: Outcome,
    pub(super) steps: Vec<pb::BacktestStep>,
}

impl Changed {
    fn both(&self) -> Both {
        Both {
            current: self.current.minor,
            proposed: self.proposed.minor,
        }
    }

    fn rank(&self) -> (Reverse<u128>, &Key) {
        rank(self.both(), &self.key)
    }
}

/// The larger the difference, the earlier.
fn rank(both: Both, key: &Key) -> (Reverse<u128>, &Key) {
    (Reverse(both.difference().unsigned_abs()), key)
}

/// What everything comes to in one currency.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct OfCurrency {
    pub(super) total: Both,
    pub(super) partners: BTreeMap<PartnerId, Both>,
    pub(super) counts: Counts,
    /// The awards that change most, those first.
    pub(super) changed: Vec<Changed>,
}

/// What everything comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Report {
    pub(super) currencies: BTreeMap<Currency, OfCurrency>,
    pub(super) budgets: Budgets,
}

impl Report {
    /// Adds an award. Its steps are asked for only where it is among those that change most.
    ///
    /// # Errors
    /// When a sum does not fit.
    pub(super) fn enter(
        &mut self,
        key: Key,
        current: Outcome,
        proposed: Outcome,
        steps: impl FnOnce() -> Vec<pb::BacktestStep>,
    ) -> Result<(), MoneyError> {
        let both = Both {
            current: current.minor,
            proposed: proposed.minor,
        };
        if both == Both::default() {
            return Ok(());
        }
        let of = self.currencies.entry(key.currency).or_default();
        of.total.add(both)?;
        of.counts.count(both);
        let partner = of.partners.entry(key.partner.clone()).or_default();
        partner.add(both)?;
        if both.difference() == 0 {
            return Ok(());
        }
        let ranks = |changed: &Changed| changed.rank() < rank(both, &key);
        let at = of.changed.partition_point(ranks);
        if at < CHANGED {
            let changed = Changed {
                key,
                current,
                proposed,
                steps: steps(),
            };
            of.changed.insert(at, changed);
            of.changed.truncate(CHANGED);
        }
        Ok(())
    }
}

/// Who wins and who loses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fairness<'a> {
    pub(super) paid: usize,
    pub(super) losing: usize,
    pub(super) largest_loser: Option<(&'a PartnerId, Both)>,
    pub(super) current_top: Option<String>,
    pub(super) proposed_top: Option<String>,
}

impl OfCurrency {
    /// Who wins and who loses.
    pub(super) fn fairness(&self) -> Fairness<'_> {
        let partners = || self.partners.iter().map(|(partner, both)| (partner, *both));
        let largest = partners()
            .filter(|(_, both)| both.difference() < 0)
            .min_by_key(|(partner, both)| (both.difference(), *partner));
        Fairness {
            paid: partners().filter(|(_, both)| both.current > 0).count(),
            losing: partners().filter(|(_, both)| both.loses()).count(),
            largest_loser: largest,
            current_top: top(partners().map(|(_, both)| both.current)),
            proposed_top: top(partners().map(|(_, both)| both.proposed)),
        }
    }

    /// Partners that have something in common, those last of which it is not known.
    ///
    /// # Errors
    /// When a sum does not fit.
    pub(super) fn groups(
        &self,
        common: impl Fn(&PartnerId) -> Option<String>,
    ) -> Result<Vec<(Option<String>, usize, Both)>, MoneyError> {
        let mut groups: BTreeMap<(bool, Option<String>), (usize, Both)> = BTreeMap::new();
        for (partner, both) in &self.partners {
            let common = common(partner);
            let group = groups.entry((common.is_none(), common)).or_default();
            group.0 += 1;
            group.1.add(*both)?;
        }
        let told = |((_, common), (count, both))| (common, count, both);
        Ok(groups.into_iter().map(told).collect())
    }
}

/// How much of all goes to those that get most, in percent.
fn top(amounts: impl Iterator<Item = i64>) -> Option<String> {
    let mut amounts: Vec<i64> = amounts.collect();
    amounts.sort_unstable_by_key(|amount| Reverse(*amount));
    let sum = |amounts: &[i64]| -> i128 { amounts.iter().copied().map(i128::from).sum() };
    let most = amounts.get(..TOP).unwrap_or(&amounts);
    percent(sum(most), sum(&amounts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(partner: &str, scope: &str) -> Key {
        let partner = PartnerId::try_new(partner).unwrap();
        Key {
            plan: PlanId::try_new("spiff").unwrap(),
            scope: scope.to_owned(),
            earner: partner.clone(),
            partner,
            currency: Currency::USD,
        }
    }

    fn outcome(minor: i64) -> Outcome {
        Outcome {
            minor,
            version: Some(1),
        }
    }

    fn report(awards: &[(&str, &str, i64, i64)]) -> OfCurrency {
        let mut report = Report::default();
        for (partner, scope, current, proposed) in awards {
            let (current, proposed) = (outcome(*current), outcome(*proposed));
            report
                .enter(key(partner, scope), current, proposed, Vec::new)
                .unwrap();
        }
        report.currencies.remove(&Currency::USD).unwrap_or_default()
    }

    #[test]
    fn awards_are_counted_by_what_becomes_of_them() {
        let of = report(&[
            ("a", "1", 10, 11),
            ("a", "2", 10, 9),
            ("a", "3", 0, 5),
            ("b", "4", 7, 0),
            ("b", "5", 4, 4),
            ("c", "6", 0, 0),
        ]);
        let one_each = Counts {
            up: 1,
            down: 1,
            new: 1,
            lost: 1,
            unchanged: 1,
        };
        assert_eq!(of.counts, one_each);
        let total = Both {
            current: 31,
            proposed: 29,
        };
        assert_eq!(of.total, total);
        // Who gets nothing either way is not among them.
        assert_eq!(of.partners.len(), 2);
        let scopes: Vec<&str> = of
            .changed
            .iter()
            .map(|changed| changed.key.scope.as_str())
            .collect();
        assert_eq!(scopes, ["4", "3", "1", "2"]);
    }

    #[test]
    fn of_the_awards_that_change_the_twenty_that_change_most_are_told_in_any_order_of_arrival() {
        let scopes: Vec<String> = (0..50).map(|at| format!("{at:02}")).collect();
        let told = |order: &mut dyn Iterator<Item = usize>| -> Vec<(String, i64)> {
            let mut report = Report::default();
            let mut asked = 0;
            for at in order {
                let minor = 100 + i64::try_from(at % 25).unwrap();
                report
                    .enter(key("a", &scopes[at]), outcome(100), outcome(minor), || {
                        asked += 1;
                        Vec::new()
                    })
                    .unwrap();
            }
            assert!((20..50).contains(&asked), "steps were made {asked} times");
            let of = report.currencies.remove(&Currency::USD).unwrap();
            of.changed
                .into_iter()
                .map(|changed| (changed.key.scope, changed.proposed.minor - 100))
                .collect()
        };
        let forth = told(&mut (0..50));
        let back = told(&mut (0..50).rev());
        assert_eq!(forth.len(), 20);
        assert_eq!(
            forth[..3],
            [
                ("24".to_owned(), 24),
                ("49".to_owned(), 24),
                ("23".to_owned(), 23)
            ]
        );
        assert_eq!(forth, back);
    }

    #[test]
    fn losing_more_than_a_tenth_is_losing_more_than_a_tenth() {
        let of = report(&[
            ("a", "1", 100, 90),
            ("b", "1", 100, 89),
            ("c", "1", 10, 0),
            ("d", "1", 0, 50),
            ("e", "1", i64::MAX - 300, i64::MAX - 300),
        ]);
        let fairness = of.fairness();
        assert_eq!((fairness.paid, fairness.losing), (4, 2));
        let b = PartnerId::try_new("b").unwrap();
        let both = Both {
            current: 100,
            proposed: 89,
        };
        assert_eq!(fairness.largest_loser, Some((&b, both)));
        // Nobody loses.
        let winners = report(&[("a", "1", 1, 2)]);
        assert_eq!(winners.fairness().largest_loser, None);
    }

    #[test]
    fn the_ten_that_get_most_are_told_together() {
        let names: Vec<String> = (0..12).map(|at| format!("p-{at:02}")).collect();
        let awards: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.as_str(), "1", 10, if at == 0 { 880 } else { 10 }))
            .collect();
        let of = report(&awards);
        let fairness = of.fairness();
        assert_eq!(fairness.current_top.as_deref(), Some("83.33"));
        assert_eq!(fairness.proposed_top.as_deref(), Some("97.98"));
        assert_eq!(report(&[]).fairness().current_top, None);
    }

    #[test]
    fn groups_add_up_and_the_unknown_come_last() {
        let of = report(&[("a", "1", 10, 20), ("b", "1", 5, 0), ("c", "1", 1, 1)]);
        let groups = of
            .groups(|partner| (partner.as_str() != "a").then(|| "DE".to_owned()))
            .unwrap();
        let both = |current, proposed| Both { current, proposed };
        let expected = [
            (Some("DE".to_owned()), 2, both(6, 1)),
            (None, 1, both(10, 20)),
        ];
        assert_eq!(groups, expected);
    }

    #[test]
    fn a_sum_that_does_not_fit_is_refused() {
        let mut report = Report::default();
        let most = outcome(i64::MAX);
        let mut enter = |scope: &str| report.enter(key("a", scope), most, most, Vec::new);
        assert_eq!(enter("1"), Ok(()));
        assert_eq!(enter("2"), Err(MoneyError::Overflow));
    }
}
