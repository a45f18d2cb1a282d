//! One award to be computed: from what is known of its deal or its period to what its partner is
//! entitled to. Pure.

use std::collections::BTreeMap;

use trellis_core::{
    Cadence, Currency, Date, DealId, PartnerId, Period, PlanId, TimeZone, Timestamp,
};
use trellis_store::incentive::award::{self, NotPaid, Window};
use trellis_store::incentive::fact;
use trellis_store::incentive::total::{self, Days};
use trellis_store::partner::partner::PartnerType;

use super::rulebook::{Rulebook, Version};
use crate::Error;
use trellis_evaluation::kernel::entitlement::{Entitlement, Maturity};
use trellis_evaluation::kernel::measure::{Amounts, Group, Outcome, Sum, outcome, standing_win};
use trellis_evaluation::kernel::period::Scope;
use trellis_evaluation::kernel::trace::{self, Subject};

/// What an award is about: the key of its row, and what the row is made with if it is not there.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The plan.
    pub(crate) plan: PlanId,
    /// The partner.
    pub(crate) partner: PartnerId,
    /// The deal or the period.
    pub(crate) scope: Scope,
    /// Whether it is a deal or what period it is, as the plan version says it.
    pub(crate) window: Window,
    /// The currency.
    pub(crate) currency: Currency,
    /// The number of the version that made somebody look.
    pub(crate) version: i32,
    /// What kind of partner it was when somebody looked.
    pub(crate) partner_type: PartnerType,
}

impl Case {
    /// What a version makes of a win.
    pub(crate) fn of_win(version: &Version, fact: &fact::Model) -> Option<Self> {
        let partner = fact.partner.clone()?;
        let standing = fact.standing.as_ref()?;
        standing.tier(&version.model.program)?;
        Some(Self {
            plan: version.model.plan.clone(),
            partner,
            scope: Scope::of(&fact.deal, fact.occur_date, version.rules.terms.window),
            window: version.rules.terms.window.into(),
            currency: version.model.currency,
            version: version.model.number,
            partner_type: standing.partner_type(),
        })
    }

    /// The case of an award that is there.
    pub(crate) fn of_award(award: &award::Model) -> Self {
        Self {
            plan: award.plan.clone(),
            partner: award.partner.clone(),
            scope: scope_of(award),
            window: award.window,
            currency: award.currency,
            version: award.plan_version,
            // Only a new row is made with it.
            partner_type: PartnerType::Reseller,
        }
    }

    /// The key of the award's row.
    pub(crate) fn key(&self) -> award::Key {
        award::Key {
            plan: self.plan.clone(),
            partner: self.partner.clone(),
            scope: format!("{}/{}", self.currency, self.scope.key()),
        }
    }

    /// The days whose totals it adds up; none for a deal.
    pub(crate) fn days(&self) -> Option<Days> {
        match &self.scope {
            Scope::Deal(_) => None,
            Scope::Period(period) => Some(Days {
                partner: self.partner.clone(),
                from: period.start(),
                until: period.end(),
            }),
        }
    }

    /// Computes it from what is known.
    ///
    /// # Errors
    /// When an amount does not fit 64 bits of minor units.
    pub(crate) fn evaluate<'a>(
        &self,
        rulebook: &'a Rulebook,
        known: &Known,
    ) -> Result<Evaluation<'a>, Error> {
        let (date, amounts, not_won) = match &self.scope {
            Scope::Period(period) => (
                period.start(),
                known.of_period(&self.partner, *period),
                None,
            ),
            Scope::Deal(deal) => known.of_deal(deal, &self.partner),
        };
        let version = rulebook.find(&self.plan, date, self.window, self.currency);
        let entitlement = match (version, not_won) {
            (None, _) => Entitlement::nothing(NotPaid::NoPlanVersion),
            (Some(_), Some(not_won)) => Entitlement::nothing(not_won),
            (Some(version), None) => version.rules.entitle(&amounts)?,
        };
        Ok(Evaluation {
            version,
            date,
            amounts,
            entitlement,
        })
    }

    /// The hash of an evaluation of it.
    pub(crate) fn hash(&self, evaluation: &Evaluation<'_>) -> String {
        trace::hash(&self.subject(evaluation), &evaluation.entitlement)
    }

    /// Whose award an evaluation of it is about.
    pub(crate) fn subject<'a>(&'a self, evaluation: &Evaluation<'a>) -> Subject<'a> {
        Subject {
            plan: &self.plan,
            version: evaluation.version.map(|version| version.model.number),
            version_hash: evaluation.version.map_or(&[0; 32], |version| &version.hash),
            partner: &self.partner,
            scope: &self.scope,
        }
    }
}

fn scope_of(award: &award::Model) -> Scope {
    match (award.window.cadence(), &award.deal) {
        (None, Some(deal)) => Scope::Deal(deal.clone()),
        (cadence, _) => Scope::Period(Period::containing(
            award.scope_date,
            cadence.unwrap_or(Cadence::Year),
        )),
    }
}

/// What an evaluation came to.
#[derive(Clone, Debug)]
pub(crate) struct Evaluation<'a> {
    /// The version that holds, if one does.
    pub(crate) version: Option<&'a Version>,
    /// The day of the deal, or the first day of the period.
    pub(crate) date: Date,
    /// What was added up.
    pub(crate) amounts: Amounts,
    /// The result.
    pub(crate) entitlement: Entitlement,
}

impl Evaluation<'_> {
    /// The day by the calendar of the program.
    pub(crate) fn today(&self, now: Timestamp) -> Date {
        let zone = self.version.map_or_else(TimeZone::utc, Version::zone);
        zone.local_date(now)
    }

    /// What of the result is out of its hold, and when the rest is.
    pub(crate) fn maturity(&self, now: Timestamp) -> (i64, Option<Timestamp>) {
        let entitled = self.entitlement.entitled;
        let Some(version) = self.version else {
            return (entitled, None);
        };
        let (zone, today) = (version.zone(), self.today(now));
        let Maturity { matured, next } = version.rules.maturity(&self.amounts, entitled, today);
        (matured, next.map(|date| zone.midnight(date)))
    }
}

/// The facts and totals that cases are computed from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    deals: BTreeMap<DealId, Vec<fact::Model>>,
    totals: BTreeMap<PartnerId, Amounts>,
}

impl Known {
    /// Adds everything that is known of some deals.
    pub(crate) fn learn_facts(&mut self, facts: impl IntoIterator<Item = fact::Model>) {
        for fact in facts {
            self.deals.entry(fact.deal.clone()).or_default().push(fact);
        }
    }

    /// Adds what partners won on some days.
    pub(crate) fn learn_totals(&mut self, totals: Vec<total::Model>) {
        for total in totals {
            let total::Model {
                ecosystem: _,
                partner,
                occur_date,
                currency,
                standing,
                deal_count,
                won_minor,
                net_minor,
            } = total;
            let group = Group {
                date: occur_date,
                currency,
                standing,
            };
            let sum = Sum {
                deals: deal_count,
                won: won_minor,
                net: net_minor,
            };
            self.totals.entry(partner).or_default().insert(group, sum);
        }
    }

    /// Adds up the wins of some partners from facts, for whoever does not trust the totals.
    ///
    /// # Errors
    /// When an amount does not fit 64 bits of minor units.
    pub(crate) fn add_up(&mut self, partners: &[&PartnerId]) -> Result<(), Error> {
        let none = |partner: &&PartnerId| ((*partner).clone(), Amounts::new());
        let mut totals: BTreeMap<PartnerId, Amounts> = partners.iter().map(none).collect();
        for facts in self.deals.values() {
            let Some(win) = standing_win(facts.iter().map(fact::Model::as_fact)) else {
                continue;
            };
            if let Some(amounts) = totals.get_mut(&win.partner) {
                let sum = amounts.entry(win.group()).or_default();
                *sum = sum
                    .plus(win.sum())
                    .ok_or(trellis_core::MoneyError::Overflow)?;
            }
        }
        self.totals.extend(totals);
        Ok(())
    }

    /// Whether the facts of a deal are there.
    pub(crate) fn has(&self, deal: &DealId) -> bool {
        self.deals.contains_key(deal)
    }

    /// All facts that are there.
    pub(crate) fn facts(&self) -> impl Iterator<Item = &fact::Model> + Clone {
        self.deals.values().flatten()
    }

    fn of_period(&self, partner: &PartnerId, period: Period) -> Amounts {
        let all = self.totals.get(partner).into_iter().flatten();
        all.filter(|(group, sum)| period.contains(group.date) && sum.deals != 0)
            .map(|(group, sum)| (group.clone(), *sum))
            .collect()
    }

    /// The day of a deal, what it counts for with a partner, and why it does not if it does not: then the day
    /// is that of the partner's own last win, whatever has become of the deal since.
    fn of_deal(&self, deal: &DealId, partner: &PartnerId) -> (Date, Amounts, Option<NotPaid>) {
        let facts = self.deals.get(deal).map(Vec::as_slice).unwrap_or_default();
        let not_paid = match outcome(facts.iter().map(fact::Model::as_fact)) {
            Some(Outcome::Won(win)) if win.partner == *partner => {
                return (win.date, Amounts::from([(win.group(), win.sum())]), None);
            }
            Some(Outcome::Won(_) | Outcome::Uncredited) => NotPaid::DealMoved,
            Some(Outcome::Reopened) | None => NotPaid::DealReopened,
        };
        let own = facts.iter().filter(|fact| {
            fact.kind == fact::Kind::DealWon && fact.partner.as_ref() == Some(partner)
        });
        let last = own.max_by_key(|fact| fact.win);
        let date = last.map_or(Date::EPOCH, |fact| fact.occur_date);
        (date, Amounts::new(), Some(not_paid))
    }
}
