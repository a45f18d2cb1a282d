//! What becomes of registrations, written down a second time from what is promised
//! (`docs/registrations.md`, `docs/registration-lifecycle.md`) and in another way: it looks at each product by
//! itself, counts places in the line anew whenever somebody asks for one, and keeps no locks, rows or keys.

use std::collections::{BTreeSet, VecDeque};

use trellis_core::{TimeZone, Timestamp};

use super::moves::{Claim, Kind, Move, Proof, Scope};

/// What a program approves by itself, in dollars.
pub(super) const LIMIT: i64 = 10_000;

const DAY: i64 = 86_400;

/// A way in which the model can be wrong, which a history has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Whoever asked last has the next turn.
    LastComesFirst,
    /// A registration of a whole group is one of its account.
    GroupsAreForgotten,
    /// What may be the same customer is another one.
    DoubtsAreForgotten,
    /// A protection lasts one day longer.
    ADayMore,
    /// The partner of the highest tier comes first.
    TiersCount,
    /// Whoever is asked for more is overtaken.
    AskingCostsThePlace,
}

impl Fault {
    pub(super) const ALL: [Self; 6] = [
        Self::LastComesFirst,
        Self::GroupsAreForgotten,
        Self::DoubtsAreForgotten,
        Self::ADayMore,
        Self::TiersCount,
        Self::AskingCostsThePlace,
    ];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Submitted,
    NeedsInfo,
    Waitlisted,
    Approved,
    Converted,
    Rejected,
    Expired,
    Revoked,
    Withdrawn,
}

/// What can be seen of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) state: State,
    pub(super) partner: usize,
    pub(super) rule: String,
    pub(super) reason: String,
    /// 0 for one that does not wait.
    pub(super) position: i64,
    /// In seconds.
    pub(super) protection_end: Option<i64>,
    pub(super) products: BTreeSet<usize>,
    pub(super) co_sell: bool,
}

#[derive(Clone, Debug)]
struct Registration {
    claim: Claim,
    state: State,
    /// Why it is what it is: the rule and the reason.
    decision: (&'static str, &'static str),
    co_sell: bool,
    /// When it was handed in, and the how manieth it was.
    receive: i64,
    arrival: usize,
    /// Whether its partner had the customer when it was handed in.
    incumbent: bool,
    asked: usize,
    info_due: i64,
    keeps_its_place: bool,
    /// The first and the last moment of its protection.
    protection: Option<(i64, i64)>,
    extended: bool,
}

/// Business at an account that is no registration.
#[derive(Clone, Debug)]
struct Business {
    account: usize,
    products: BTreeSet<usize>,
    kind: Kind,
    since: i64,
}

enum Verdict {
    Approve(BTreeSet<usize>),
    Review,
    Wait,
    Reject,
    Ineligible,
    OwnAlready,
}

struct Outcome {
    verdict: Verdict,
    decision: (&'static str, &'static str),
    co_sell: bool,
}

/// How it is asked what becomes of a registration.
#[derive(Clone, Copy, Default)]
struct Asked {
    by_a_person: bool,
    waited: bool,
    wanted_more: bool,
}

pub(super) struct Model {
    pub(super) now: i64,
    zone: TimeZone,
    registrations: Vec<Registration>,
    house: Vec<(usize, BTreeSet<usize>)>,
    direct: Vec<Business>,
    won: Vec<(usize, Business)>,
    pub(super) suspended: [bool; 3],
    arrivals: usize,
    fault: Option<Fault>,
}

/// Two accounts that count as one customer.
fn same(one: usize, other: usize) -> bool {
    one == other || matches!((one, other), (2, 3) | (3, 2))
}

/// Two accounts that may be one customer.
fn doubtful(one: usize, other: usize) -> bool {
    matches!((one, other), (2 | 3, 4) | (4, 2 | 3))
}

/// Two accounts of one group.
fn related(one: usize, other: usize) -> bool {
    matches!((one, other), (0, 1) | (1, 0))
}

/// Two territories with something in common: 0 holds 1, and 2 is elsewhere.
fn meet(one: Option<usize>, other: Option<usize>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other || one + other == 1,
        _ => true,
    }
}

impl Model {
    pub(super) fn new(now: i64, fault: Option<Fault>) -> Self {
        Self {
            now,
            zone: TimeZone::try_new("Europe/Berlin").unwrap(),
            registrations: Vec::new(),
            house: Vec::new(),
            direct: Vec::new(),
            won: Vec::new(),
            suspended: [false; 3],
            arrivals: 0,
            fault,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.registrations.len()
    }

    pub(super) fn seen(&self, index: usize) -> Seen {
        let one = &self.registrations[index];
        Seen {
            state: one.state,
            partner: one.claim.partner,
            rule: one.decision.0.to_owned(),
            reason: one.decision.1.to_owned(),
            position: match one.state {
                State::Waitlisted => self.position(index),
                _ => 0,
            },
            protection_end: one.protection.map(|(_, end)| end),
            products: one.claim.products.clone(),
            co_sell: one.co_sell,
        }
    }

    /// Two registrations of different partners that are protected for the same; there must be none.
    pub(super) fn both_protected(&self) -> Option<(usize, usize)> {
        let all = 0..self.registrations.len();
        all.clone()
            .flat_map(|one| all.clone().map(move |other| (one, other)))
            .find(|(one, other)| {
                let (a, b) = (&self.registrations[*one], &self.registrations[*other]);
                a.claim.partner != b.claim.partner
                    && self.protected(a)
                    && self.protected(b)
                    && self.surely(&a.claim, &b.claim)
            })
    }

    fn surely(&self, one: &Claim, other: &Claim) -> bool {
        let group = self.fault != Some(Fault::GroupsAreForgotten)
            && related(one.account, other.account)
            && (one.scope == Scope::Group || other.scope == Scope::Group);
        one.about_the_same(other)
            && !one.elsewhere(other)
            && (same(one.account, other.account) || group)
    }

    fn perhaps(&self, one: &Claim, other: &Claim) -> bool {
        let (mine, theirs) = (one.account, other.account);
        self.fault != Some(Fault::DoubtsAreForgotten)
            && one.about_the_same(other)
            && match one.elsewhere(other) {
                true => same(mine, theirs),
                false => doubtful(mine, theirs),
            }
    }

    fn protected(&self, one: &Registration) -> bool {
        matches!(one.state, State::Approved | State::Converted)
            && one.protection.is_some_and(|(_, end)| self.now < end)
    }

    fn pending(&self, one: &Registration) -> bool {
        match one.state {
            State::Submitted | State::Waitlisted => true,
            State::NeedsInfo => {
                one.keeps_its_place
                    && self.now < one.info_due
                    && self.fault != Some(Fault::AskingCostsThePlace)
            }
            _ => false,
        }
    }

    /// The order of the line.
    fn order(&self, one: &Registration, nominated: bool) -> impl Ord + use<> {
        let arrival = i64::try_from(one.arrival).unwrap();
        let last_first = self.fault == Some(Fault::LastComesFirst);
        let tier = match self.fault {
            Some(Fault::TiersCount) => one.claim.partner,
            _ => 0,
        };
        (
            tier,
            !nominated,
            if last_first { 0 } else { one.receive / 60 },
            -one.claim.points(),
            !one.incumbent,
            if last_first { -arrival } else { arrival },
        )
    }

    fn before(&self, one: &Registration, other: &Registration) -> bool {
        self.order(one, one.claim.nominated()) < self.order(other, other.claim.nominated())
    }

    fn position(&self, index: usize) -> i64 {
        let own = &self.registrations[index];
        let ahead = self.registrations.iter().filter(|other| {
            other.state == State::Waitlisted
                && self.surely(&own.claim, &other.claim)
                && self.before(other, own)
        });
        1 + i64::try_from(ahead.count()).unwrap()
    }

    /// Whether another registration is in the way of one that asks.
    fn in_the_way(&self, asking: &Registration, other: &Registration, looked_at: bool) -> bool {
        let counts = looked_at || other.claim.nominated();
        let nominated = asking.claim.nominated() && counts;
        let order = |one, nominated| self.order(one, nominated);
        self.protected(other)
            || (self.pending(other)
                && order(other, other.claim.nominated()) < order(asking, nominated))
    }

    fn has_it(&self, partner: usize, account: usize, product: usize) -> bool {
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
    fn decide(&self, index: Option<usize>, asking: &Registration, asked: Asked) -> Outcome {
        let claim = &asking.claim;
        let said = |verdict, rule, reason| Outcome {
            verdict,
            decision: (rule, reason),
            co_sell: false,
        };
        if self.suspended[claim.partner] {
            return said(Verdict::Ineligible, "R1", "INELIGIBLE");
        }
        let teams = claim.automatic
            && !claim.proofs.is_empty()
            && !claim.nominated()
            && claim
                .products
                .iter()
                .any(|product| self.vendor_has(same, asking, *product));
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
            return self.decided_by_a_person(index, asking, teams);
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
        outcome.co_sell = teams;
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

    /// The midnight after so many days from a moment on.
    fn midnight_after(&self, moment: i64, days: i32) -> i64 {
        let date = self
            .zone
            .local_date(Timestamp::from_micros(moment * 1_000_000));
        self.zone.midnight(date.plus_days(days + 1)).micros() / 1_000_000
    }

    fn grant(&mut self, index: usize, products: BTreeSet<usize>, outcome: &Outcome) {
        let days = if self.fault == Some(Fault::ADayMore) {
            91
        } else {
            90
        };
        let end = self.midnight_after(self.now, days);
        let now = self.now;
        let one = &mut self.registrations[index];
        one.state = State::Approved;
        one.claim.products = products;
        one.co_sell = outcome.co_sell;
        one.protection = Some((now, end));
    }

    /// Puts a registration where a verdict wants it.
    fn settle(&mut self, index: usize, outcome: Outcome) {
        self.registrations[index].decision = outcome.decision;
        match &outcome.verdict {
            Verdict::Approve(products) => self.grant(index, products.clone(), &outcome),
            Verdict::Review => self.registrations[index].state = State::Submitted,
            Verdict::Wait => self.registrations[index].state = State::Waitlisted,
            Verdict::Reject => self.registrations[index].state = State::Rejected,
            Verdict::Ineligible | Verdict::OwnAlready => unreachable!("the call is refused"),
        }
    }

    /// Those that waited with a registration as it stood have their turn.
    fn next(&mut self, left: Registration) {
        let mut gone = VecDeque::from([left]);
        while let Some(left) = gone.pop_front() {
            let mut waiting: Vec<usize> = (0..self.registrations.len())
                .filter(|one| {
                    let one = &self.registrations[*one];
                    one.state == State::Waitlisted && self.surely(&left.claim, &one.claim)
                })
                .collect();
            waiting.sort_by_key(|one| {
                let one = &self.registrations[*one];
                self.order(one, one.claim.nominated())
            });
            for index in waiting {
                let asking = self.registrations[index].clone();
                let asked = Asked {
                    waited: true,
                    ..Asked::default()
                };
                let outcome = self.decide(Some(index), &asking, asked);
                match outcome.verdict {
                    Verdict::Wait | Verdict::OwnAlready => {}
                    Verdict::Reject | Verdict::Ineligible => {
                        self.registrations[index].decision = outcome.decision;
                        self.registrations[index].state = State::Rejected;
                        gone.push_back(asking);
                    }
                    Verdict::Approve(_) => self.settle(index, outcome),
                    Verdict::Review => {
                        self.registrations[index].decision = outcome.decision;
                    }
                }
            }
        }
    }

    fn leave(&mut self, index: usize, state: State) {
        let left = self.registrations[index].clone();
        self.registrations[index].state = state;
        let in_the_line = !matches!(left.state, State::NeedsInfo) || left.keeps_its_place;
        if in_the_line {
            self.next(left);
        }
    }

    /// Makes a move; answers why it is refused, if it is.
    pub(super) fn make(&mut self, one: &Move) -> Result<(), &'static str> {
        match one {
            Move::Register(claim) => self.register(claim),
            Move::Approve(index) => self.approve(*index),
            Move::Reject(index) => {
                self.is(*index, &[State::Submitted, State::Waitlisted])?;
                self.registrations[*index].decision = ("STAFF", "NO_EVIDENCE");
                self.leave(*index, State::Rejected);
                Ok(())
            }
            Move::Withdraw(index) => {
                self.is(
                    *index,
                    &[State::Submitted, State::Waitlisted, State::NeedsInfo],
                )?;
                self.leave(*index, State::Withdrawn);
                Ok(())
            }
            Move::Revoke(index) => {
                self.is(*index, &[State::Approved])?;
                let now = self.now;
                let one = &mut self.registrations[*index];
                one.decision = ("STAFF", "FALSE_EVIDENCE");
                one.protection = one.protection.map(|(start, _)| (start, now));
                self.leave(*index, State::Revoked);
                Ok(())
            }
            Move::Ask(index) => self.ask(*index),
            Move::Answer(index) => self.answer(*index),
            Move::Change(index, products) => self.change(*index, products),
            Move::Convert(index) => {
                self.is(*index, &[State::Approved])?;
                self.registrations[*index].state = State::Converted;
                if self.registrations[*index].co_sell {
                    // The deal that it becomes is the vendor's, and the partner sells with it.
                    let Claim {
                        account,
                        products,
                        kind,
                        ..
                    } = self.registrations[*index].claim.clone();
                    let since = self.now;
                    self.direct.push(Business {
                        account,
                        products,
                        kind,
                        since,
                    });
                }
                Ok(())
            }
            Move::Extend(index) => self.extend(*index),
            Move::Transfer(index, partner) => self.transfer(*index, *partner),
            Move::Wait(seconds) => {
                self.wait(*seconds);
                Ok(())
            }
            Move::Keep(account, products) => {
                self.house.push((*account, products.clone()));
                Ok(())
            }
            Move::Direct(account, products, kind) => {
                let business = self.business(*account, products, *kind);
                self.direct.push(business);
                Ok(())
            }
            Move::Win(partner, account, products, kind) => {
                let business = self.business(*account, products, *kind);
                self.won.push((*partner, business));
                Ok(())
            }
            Move::Suspend(partner) => {
                self.suspended[*partner] = !self.suspended[*partner];
                Ok(())
            }
        }
    }

    fn business(&self, account: usize, products: &BTreeSet<usize>, kind: Kind) -> Business {
        Business {
            account,
            products: products.clone(),
            kind,
            since: self.now,
        }
    }

    fn is(&self, index: usize, states: &[State]) -> Result<(), &'static str> {
        match states.contains(&self.registrations[index].state) {
            true => Ok(()),
            false => Err("ILLEGAL_TRANSITION"),
        }
    }

    /// A registration as it is handed in now.
    fn handed_in(&mut self, claim: &Claim) -> Registration {
        self.arrivals += 1;
        let incumbent = claim
            .products
            .iter()
            .any(|product| self.has_it(claim.partner, claim.account, *product));
        Registration {
            claim: claim.clone(),
            state: State::Submitted,
            decision: ("", ""),
            co_sell: false,
            receive: self.now,
            arrival: self.arrivals,
            incumbent,
            asked: 0,
            info_due: 0,
            keeps_its_place: true,
            protection: None,
            extended: false,
        }
    }

    fn register(&mut self, claim: &Claim) -> Result<(), &'static str> {
        let asking = self.handed_in(claim);
        let outcome = self.decide(None, &asking, Asked::default());
        self.admissible(&outcome)?;
        self.registrations.push(asking);
        self.settle(self.registrations.len() - 1, outcome);
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "it reads like its neighbours")]
    fn admissible(&self, outcome: &Outcome) -> Result<(), &'static str> {
        match outcome.verdict {
            Verdict::Ineligible => Err("PRECONDITION"),
            Verdict::OwnAlready => Err("SELF_DUPLICATE"),
            _ => Ok(()),
        }
    }

    fn approve(&mut self, index: usize) -> Result<(), &'static str> {
        self.is(index, &[State::Submitted, State::Waitlisted])?;
        let asking = self.registrations[index].clone();
        let asked = Asked {
            by_a_person: true,
            ..Asked::default()
        };
        let outcome = self.decide(Some(index), &asking, asked);
        self.admissible(&outcome)?;
        if let Verdict::Wait = outcome.verdict {
            return Err("REGISTRATION_CONFLICT");
        }
        self.settle(index, outcome);
        Ok(())
    }

    fn ask(&mut self, index: usize) -> Result<(), &'static str> {
        self.is(index, &[State::Submitted, State::Waitlisted])?;
        if self.registrations[index].asked >= 3 {
            return Err("PRECONDITION");
        }
        let due = self.business_days(10);
        let one = &mut self.registrations[index];
        one.state = State::NeedsInfo;
        one.info_due = due;
        one.keeps_its_place = true;
        Ok(())
    }

    /// The midnight after so many days from Monday to Friday.
    fn business_days(&self, days: usize) -> i64 {
        let mut left = days;
        let mut ahead = 0;
        while left > 0 {
            ahead += 1;
            let end = self.midnight_after(self.now, ahead);
            // The day that ends then; 1970 began on a Thursday. Berlin is ahead of UTC, so its noon is
            // within the same day there.
            let day = (end - DAY / 2).div_euclid(DAY);
            let weekday = (day + 3).rem_euclid(7);
            if weekday < 5 {
                left -= 1;
            }
        }
        self.midnight_after(self.now, ahead)
    }

    fn answer(&mut self, index: usize) -> Result<(), &'static str> {
        self.is(index, &[State::NeedsInfo])?;
        let before = self.registrations[index].clone();
        if before.keeps_its_place {
            let asked = Asked {
                wanted_more: true,
                ..Asked::default()
            };
            let outcome = self.decide(Some(index), &before, asked);
            self.admissible(&outcome)?;
            let one = &mut self.registrations[index];
            one.asked += 1;
            one.decision = outcome.decision;
            one.state = match outcome.verdict {
                Verdict::Wait => State::Waitlisted,
                _ => State::Submitted,
            };
            return Ok(());
        }
        let again = self.handed_in(&before.claim);
        let again = Registration {
            asked: before.asked + 1,
            ..again
        };
        let outcome = self.decide(Some(index), &again, Asked::default());
        self.admissible(&outcome)?;
        self.registrations[index] = again;
        self.settle(index, outcome);
        Ok(())
    }

    fn change(&mut self, index: usize, products: &BTreeSet<usize>) -> Result<(), &'static str> {
        if self.registrations[index].state != State::NeedsInfo {
            return Err("NOT_EDITABLE");
        }
        let before = self.registrations[index].clone();
        if before.claim.products == *products {
            return Ok(());
        }
        let one = &mut self.registrations[index];
        one.claim.products.clone_from(products);
        one.keeps_its_place = false;
        if before.keeps_its_place {
            self.next(before);
        }
        Ok(())
    }

    fn extend(&mut self, index: usize) -> Result<(), &'static str> {
        self.is(index, &[State::Approved, State::Converted])?;
        let one = &self.registrations[index];
        let Some((start, end)) = one.protection.filter(|(_, end)| self.now < *end) else {
            return Err("PRECONDITION");
        };
        if one.extended {
            return Err("PRECONDITION");
        }
        let end = self
            .midnight_after(end, 59)
            .min(self.midnight_after(start, 180));
        let one = &mut self.registrations[index];
        one.protection = Some((start, end));
        one.extended = true;
        Ok(())
    }

    fn transfer(&mut self, index: usize, partner: usize) -> Result<(), &'static str> {
        if self.registrations[index].claim.partner == partner {
            return Err("PRECONDITION");
        }
        self.is(index, &[State::Approved])?;
        let mut asking = self.registrations[index].clone();
        asking.claim.partner = partner;
        let asked = Asked {
            by_a_person: true,
            ..Asked::default()
        };
        let outcome = self.decide(Some(index), &asking, asked);
        if let Verdict::Ineligible = outcome.verdict {
            return Err("PRECONDITION");
        }
        let own = self.registrations.iter().enumerate().any(|(other, own)| {
            other != index
                && own.claim.partner == partner
                && (self.pending(own) || self.protected(own))
                && self.surely(&asking.claim, &own.claim)
        });
        if own {
            return Err("SELF_DUPLICATE");
        }
        if let Verdict::Wait | Verdict::OwnAlready = outcome.verdict {
            return Err("REGISTRATION_CONFLICT");
        }
        self.registrations[index].claim.partner = partner;
        Ok(())
    }

    /// Time goes by. What has ended is acted upon in the order in which it did.
    fn wait(&mut self, seconds: i64) {
        self.now += seconds;
        let now = self.now;
        let ends = |one: &Registration| match one.state {
            State::Approved => one.protection.map(|(_, end)| end),
            _ => None,
        };
        while let Some(index) = self.earliest(ends) {
            self.leave(index, State::Expired);
        }
        // Whoever waited for a deal's protection has their turn when that is over.
        let mut over: Vec<usize> = (0..self.len())
            .filter(|one| {
                let one = &self.registrations[*one];
                let ended = one.protection.is_some_and(|(_, end)| end <= now);
                one.state == State::Converted && one.keeps_its_place && ended
            })
            .collect();
        over.sort_by_key(|one| self.registrations[*one].protection);
        for index in over {
            self.registrations[index].keeps_its_place = false;
            self.next(self.registrations[index].clone());
        }
        let unanswered = |one: &Registration| match one.state {
            State::NeedsInfo => Some(one.info_due),
            _ => None,
        };
        while let Some(index) = self.earliest(unanswered) {
            self.registrations[index].decision = ("CLOCK", "INFO_DEADLINE_PASSED");
            self.leave(index, State::Withdrawn);
        }
    }

    /// The registration of which something is over for longest.
    fn earliest(&self, due: impl Fn(&Registration) -> Option<i64>) -> Option<usize> {
        let all = self.registrations.iter().enumerate();
        let over = all.filter_map(|(index, one)| Some((due(one)?, index)));
        let over = over.filter(|(due, _)| *due <= self.now);
        over.min().map(|(_, index)| index)
    }
}

impl Claim {
    /// Whether two claims share a product, a territory and the kind of business.
    fn about_the_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && !self.products.is_disjoint(&other.products)
            && meet(self.territory, other.territory)
    }

    /// Whether they name two sites.
    fn elsewhere(&self, other: &Self) -> bool {
        matches!((self.scope, other.scope), (Scope::Site(one), Scope::Site(other)) if one != other)
    }

    fn nominated(&self) -> bool {
        self.proofs.contains(&Proof::Nomination)
    }

    fn points(&self) -> i64 {
        let kinds: BTreeSet<Proof> = self.proofs.iter().copied().collect();
        kinds
            .into_iter()
            .map(|kind| match kind {
                Proof::Mail => 1,
                Proof::Meeting => 2,
                Proof::Letter => 4,
                Proof::Nomination => 0,
            })
            .sum()
    }
}
