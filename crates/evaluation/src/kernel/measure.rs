//! From facts to what is measured: what a deal counts for, and the amounts that a plan adds up.
//!
//! Nothing here depends on the order in which facts arrived. A deal counts for its latest win,
//! unless that win was taken back; what was refunded of that win is taken off, whenever and in
//! whatever order it became known.

use std::collections::BTreeMap;

use trellis_core::incentive::{Fact, Kind, Standing};
use trellis_core::{Currency, Date, DealId, PartnerId};

/// A won deal, as all its facts together tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Win {
    /// Which win of the deal.
    pub number: i64,
    /// The partner that it is credited to.
    pub partner: PartnerId,
    /// What that partner was then.
    pub standing: Standing,
    /// The day on which it was won.
    pub date: Date,
    /// The currency of the deal.
    pub currency: Currency,
    /// What it was won for, in minor units.
    pub won: i64,
    /// The same less what was refunded; never less than nothing.
    pub net: i64,
}

/// What makes amounts differ for a plan: amounts that agree in all of it are added up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The day on which deals were won.
    pub date: Date,
    /// The currency of the deals.
    pub currency: Currency,
    /// What the partner was then.
    pub standing: Standing,
}

/// Deals of one group, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many deals.
    pub deals: i64,
    /// What they were won for, in minor units.
    pub won: i64,
    /// The same less what was refunded.
    pub net: i64,
}

/// What a partner's deals add up to, in the order of the groups.
pub type Amounts = BTreeMap<Group, Sum>;

impl Win {
    /// The group that the deal belongs to.
    pub fn group(&self) -> Group {
        Group {
            date: self.date,
            currency: self.currency,
            standing: self.standing.clone(),
        }
    }

    /// What the deal adds to its group.
    pub fn sum(&self) -> Sum {
        Sum {
            deals: 1,
            won: self.won,
            net: self.net,
        }
    }
}

impl Sum {
    /// The sum of both; none when it does not fit.
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            deals: self.deals.checked_add(other.deals)?,
            won: self.won.checked_add(other.won)?,
            net: self.net.checked_add(other.net)?,
        })
    }

    /// The same the other way.
    pub fn negated(self) -> Self {
        Self {
            deals: -self.deals,
            won: -self.won,
            net: -self.net,
        }
    }
}

/// What the facts of one deal come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is won.
    Won(Win),
    /// It is won, and no partner is credited with it.
    Uncredited,
    /// Its latest win was taken back.
    Reopened,
}

impl Outcome {
    /// The win, if it is won and credited.
    pub fn win(self) -> Option<Win> {
        match self {
            Self::Won(win) => Some(win),
            Self::Uncredited | Self::Reopened => None,
        }
    }
}

/// What the facts of one deal come to: none if it was never won.
pub fn outcome<'a>(facts: impl IntoIterator<Item = Fact<'a>> + Clone) -> Option<Outcome> {
    let wins = facts
        .clone()
        .into_iter()
        .filter(|fact| fact.kind == Kind::DealWon);
    let won = wins.max_by_key(|fact| fact.win)?;
    let mut refunded = 0_i64;
    for fact in facts.into_iter().filter(|fact| fact.win == won.win) {
        match fact.kind {
            Kind::DealReopened => return Some(Outcome::Reopened),
            Kind::DealRefunded => refunded = refunded.saturating_add(fact.amount_minor),
            Kind::DealWon | Kind::DealInvoiced | Kind::DealChurned => {}
        }
    }
    let (Some(partner), Some(standing), Some(currency)) = (won.partner, won.standing, won.currency)
    else {
        return Some(Outcome::Uncredited);
    };
    Some(Outcome::Won(Win {
        number: won.win,
        partner: partner.clone(),
        standing: standing.clone(),
        date: won.occur_date,
        currency,
        won: won.amount_minor,
        net: won.amount_minor.saturating_sub(refunded).max(0),
    }))
}

/// The win that the facts of one deal leave standing and credited, if any.
pub fn standing_win<'a>(facts: impl IntoIterator<Item = Fact<'a>> + Clone) -> Option<Win> {
    outcome(facts).and_then(Outcome::win)
}

/// The facts of each deal.
pub fn by_deal<'a>(
    facts: impl IntoIterator<Item = Fact<'a>>,
) -> BTreeMap<&'a DealId, Vec<Fact<'a>>> {
    let mut deals: BTreeMap<&DealId, Vec<Fact<'_>>> = BTreeMap::new();
    for fact in facts {
        deals.entry(fact.deal).or_default().push(fact);
    }
    deals
}

/// What changes in the sums of partners' groups.
pub type Changes = BTreeMap<(PartnerId, Group), Sum>;

/// What fresh facts change: for each deal, what it counted for goes, and what it counts for now
/// comes. None when a sum does not fit.
pub fn changes(known: &[Fact<'_>], fresh: &[Fact<'_>]) -> Option<Changes> {
    let before = by_deal(known.iter().copied());
    let after = by_deal(known.iter().chain(fresh).copied());
    let mut changes = Changes::new();
    for (deal, facts) in after {
        let was = before
            .get(deal)
            .and_then(|facts| standing_win(facts.iter().copied()));
        let is = standing_win(facts.iter().copied());
        if was == is {
            continue;
        }
        let was = was.map(|win| (win.partner.clone(), win.group(), win.sum().negated()));
        let is = is.map(|win| (win.partner.clone(), win.group(), win.sum()));
        for (partner, group, sum) in [was, is].into_iter().flatten() {
            let change = changes.entry((partner, group)).or_default();
            *change = change.plus(sum)?;
        }
    }
    changes.retain(|_, sum| *sum != Sum::default());
    Some(changes)
}
