//! What becomes of registrations, written down a second time from what is promised
//! (`docs/registrations.md`, `docs/registration-lifecycle.md`) and in another way: it looks at each product by
//! itself, counts places in the line anew whenever somebody asks for one, and keeps no locks, rows or keys.

mod rules;
mod steps;

use std::collections::BTreeSet;

use trellis_core::TimeZone;

use super::moves::{Claim, Kind, Proof, Scope};

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
