//! What the rules make of a registration.

use std::collections::BTreeSet;

use super::{Asked, DAY, Fault, LIMIT, Model, Outcome, Registration, Verdict, doubtful, same};
use crate::deal::history::moves::Kind;

impl Model {
    pub(super) fn has_it(&self, partner: usize, account: usize, product: usize) -> bool {
        self.lately_won(same, account, product)
            .any(|by| by == partner)
    }

    fn lately_won(
        &self,
        like: fn(usize, usize) -> bool,
        account: usize,
        product: usize,
    ) -> impl Iterator<Item = usize> {
        let won = self.won.iter().filter(move |(_, deal)| {
            like(deal.account, account)
                && deal.products.contains(&product)
                && self.now - deal.since <= 365 * DAY
        });
        won.map(|(partner, _)| *partner)
    }

    fn vendor_has(
        &self,
        like: fn(usize, usize) -> bool,
        asking: &Registration,
        product: usize,
    ) -> bool {
        self.direct.iter().any(|deal| {
            like(deal.account, asking.claim.account)
                && deal.products.contains(&product)
                && deal.kind == asking.claim.kind
                && deal.since < asking.receive
                && self.now - deal.since <= 180 * DAY
        })
    }

    fn keeps(&self, like: fn(usize, usize) -> bool, account: usize, product: usize) -> bool {
        self.house
            .iter()
            .any(|(of, products)| like(*of, account) && products.contains(&product))
    }

    /// The first of R4 to R7 that takes a product, 4 to 7; none takes what is free.
    fn taken_by(&self, index: Option<usize>, asking: &Registration, product: usize) -> Option<u8> {
        self.takers(index, asking, product).next()
    }

    /// Whether the turn of one that waits has not come: others have what it asks for, or each part of it
    /// where it takes a part.
    pub(super) fn stands_behind(&self, index: usize, asking: &Registration) -> bool {
        let claim = &asking.claim;
        let taken = |product: &usize| {
            let mut rivals = self.rivals(Some(index), asking, false);
            rivals.any(|other| other.claim.products.contains(product))
        };
        !claim.nominated()
            && match claim.partial {
                true => claim.products.iter().all(taken),
                false => claim.products.iter().any(taken),
            }
    }

    fn takers(
        &self,
        index: Option<usize>,
        asking: &Registration,
        product: usize,
    ) -> impl Iterator<Item = u8> {
        let claim = &asking.claim;
        let teaming = claim.automatic && !claim.proofs.is_empty() && !claim.nominated();
        let goes_on = claim.kind != Kind::New;
        let takes = [
            (4, self.keeps(same, claim.account, product)),
            (5, !teaming && self.vendor_has(same, asking, product)),
            (
                6,
                self.rivals(index, asking, false)
                    .any(|other| other.claim.products.contains(&product)),
            ),
            (
                7,
                goes_on
                    && !self.has_it(claim.partner, claim.account, product)
                    && self
                        .lately_won(same, claim.account, product)
                        .next()
                        .is_some(),
            ),
        ];
        takes
            .into_iter()
            .filter(|(_, takes)| *takes)
            .map(|(rule, _)| rule)
    }

    /// Those that are certainly in the way.
    fn rivals(
        &self,
        index: Option<usize>,
        asking: &Registration,
        looked_at: bool,
    ) -> impl Iterator<Item = &Registration> {
        let others = self.registrations.iter().enumerate();
        others
            .filter(move |(other, _)| Some(*other) != index)
            .map(|(_, other)| other)
            .filter(move |other| {
                self.surely(&asking.claim, &other.claim)
                    && self.in_the_way(asking, other, looked_at)
            })
    }

    /// What the rules make of a registration; `index` is where it stands, if it does.
    pub(super) fn decide(
        &self,
        index: Option<usize>,
        asking: &Registration,
        asked: Asked,
    ) -> Outcome {
        let claim = &asking.claim;
        let said = |verdict, rule, reason| Outcome {
            verdict,
            decision: (rule, reason),
            co_sell: false,
        };
        if self.suspended[claim.partner] {
            return said(Verdict::Ineligible, "R1", "INELIGIBLE");
        }
        // Of what is left when that is asked: what the vendor keeps to itself is not sold together.
        let teams = |products: &BTreeSet<usize>| {
            claim.automatic
                && !claim.proofs.is_empty()
                && !claim.nominated()
                && products
                    .iter()
                    .any(|product| self.vendor_has(same, asking, *product))
        };
        // Whoever hands in is told of all that it has handed in; who waits, of what stands before it.
        let own = |products: &BTreeSet<usize>| {
            self.registrations.iter().enumerate().any(|(other, own)| {
                Some(other) != index
                    && own.claim.partner == claim.partner
                    && (self.pending(own) || self.protected(own))
                    && self.surely(claim, &own.claim)
                    && !own.claim.products.is_disjoint(products)
                    && (!asked.waited || self.in_the_way(asking, own, false))
            })
        };
        if asked.by_a_person {
            return self.decided_by_a_person(index, asking, teams(&claim.products));
        }
        if claim
            .tender
            .is_some_and(|published| published < asking.receive)
        {
            return said(Verdict::Reject, "R3", "TENDER");
        }
        let taken = |product: &usize| self.taken_by(index, asking, *product);
        if claim.nominated() {
            if own(&claim.products) {
                return said(Verdict::OwnAlready, "R6", "SELF_DUPLICATE");
            }
            return match claim.products.iter().find_map(taken) {
                Some(_) => said(Verdict::Review, "R8", "NOMINATION"),
                None => self.rest(index, asking, &claim.products, asked),
            };
        }
        // Without `partial` the first rule that takes a product decides about all of them; with it, the
        // rule that takes the last one.
        let first = claim.products.iter().filter_map(taken).min();
        let last = claim
            .products
            .iter()
            .map(taken)
            .collect::<Option<BTreeSet<_>>>();
        let deciding = match claim.partial {
            true => last.and_then(|rules| rules.last().copied()),
            false => first,
        };
        // What is left when a rule is asked.
        let left_at = |rule: u8| -> BTreeSet<usize> {
            let left = claim.products.iter().copied();
            left.filter(|product| !claim.partial || taken(product).is_none_or(|by| by >= rule))
                .collect()
        };
        if deciding.is_none_or(|rule| rule >= 6) && own(&left_at(6)) {
            return said(Verdict::OwnAlready, "R6", "SELF_DUPLICATE");
        }
        let mut outcome = match deciding {
            Some(4) => said(Verdict::Reject, "R4", "HOUSE"),
            Some(5) => said(Verdict::Reject, "R5", "DIRECT_ACTIVE"),
            Some(6) => {
                let left = left_at(6);
                let free = left
                    .iter()
                    .any(|product| !self.takers(index, asking, *product).any(|by| by == 6));
                let reason = if free {
                    "PARTIAL_OVERLAP"
                } else {
                    "DUPLICATE_ACTIVE"
                };
                said(Verdict::Wait, "R6", reason)
            }
            Some(_) => said(Verdict::Reject, "R7", "INCUMBENT"),
            None => self.rest(index, asking, &left_at(8), asked),
        };
        outcome.co_sell = teams(&left_at(5));
        outcome
    }

    /// A person is held to what partners asked before.
    fn decided_by_a_person(
        &self,
        index: Option<usize>,
        asking: &Registration,
        teams: bool,
    ) -> Outcome {
        let claim = &asking.claim;
        let rivals: Vec<_> = self.rivals(index, asking, true).collect();
        let taken: BTreeSet<usize> = rivals
            .iter()
            .flat_map(|other| other.claim.products.clone())
            .collect();
        let left: BTreeSet<usize> = claim.products.difference(&taken).copied().collect();
        let verdict = if rivals.is_empty() {
            Verdict::Approve(claim.products.clone())
        } else if rivals
            .iter()
            .any(|other| other.claim.partner == claim.partner)
        {
            Verdict::OwnAlready
        } else if claim.partial && !left.is_empty() {
            Verdict::Approve(left)
        } else {
            Verdict::Wait
        };
        Outcome {
            verdict,
            decision: ("STAFF", "APPROVED"),
            co_sell: teams,
        }
    }

    /// R9 and R10: nobody certainly has what is left.
    fn rest(
        &self,
        index: Option<usize>,
        asking: &Registration,
        left: &BTreeSet<usize>,
        asked: Asked,
    ) -> Outcome {
        let claim = &asking.claim;
        let said = |verdict, rule, reason| Outcome {
            verdict,
            decision: (rule, reason),
            co_sell: false,
        };
        let doubts = self.fault != Some(Fault::DoubtsAreForgotten);
        let of_others = |product: usize| {
            claim.kind != Kind::New
                && self
                    .lately_won(doubtful, claim.account, product)
                    .any(|by| by != claim.partner)
        };
        let unsure = self.registrations.iter().enumerate().any(|(other, rival)| {
            Some(other) != index
                && self.perhaps(claim, &rival.claim)
                && !rival.claim.products.is_disjoint(left)
                && self.in_the_way(asking, rival, false)
        });
        let unsure = unsure
            || doubts
                && left.iter().any(|product| {
                    self.keeps(doubtful, claim.account, *product)
                        || self.vendor_has(doubtful, asking, *product)
                        || of_others(*product)
                });
        if unsure {
            return said(Verdict::Review, "R9", "IDENTITY_REVIEW");
        }
        let within = claim.value <= LIMIT;
        let automatic = claim.automatic && within && !asked.wanted_more;
        if asked.waited && !automatic {
            return said(Verdict::Review, "R10", "PROMOTED");
        }
        match (claim.automatic, within) {
            (true, true) if asked.wanted_more => said(Verdict::Review, "R10", "MANUAL_APPROVAL"),
            (true, true) => said(Verdict::Approve(left.clone()), "R10", "AUTOMATIC"),
            (true, false) => said(Verdict::Review, "R10", "ABOVE_LIMIT"),
            (false, _) => said(Verdict::Review, "R10", "MANUAL_APPROVAL"),
        }
    }
}
