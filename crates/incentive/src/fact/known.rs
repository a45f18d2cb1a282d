//! What is known of some partners, as the evaluation is told it.

use std::collections::{BTreeMap, BTreeSet};

use trellis_core::{Currency, Date, DealId, PartnerId, ProgramId, Timestamp};
use trellis_evaluation::evaluate::{ExchangeRate, Fact, Facts, Quota};
use trellis_evaluation::plan::FactKind;
use trellis_evaluation::predicate::Value;
use trellis_store::View;
use trellis_store::incentive::standing::Standing;
use trellis_store::incentive::{Span, exchange_rate, fact, quota, recorded_fact};

use super::{DEALS, deals};
use crate::Error;

/// A fact, and what its partner was when it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) fact: Fact,
    pub(super) standing: Option<Standing>,
}

/// Of whom something is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// Of some partners.
    Partners(BTreeSet<PartnerId>),
    /// Of everybody.
    Everybody,
}

impl Of {
    /// The partners, in their order; none where it is everybody.
    pub(crate) fn partners(&self) -> Option<Vec<PartnerId>> {
        match self {
            Self::Partners(partners) => Some(partners.iter().cloned().collect()),
            Self::Everybody => None,
        }
    }

    /// Whether it is of a partner.
    pub(crate) fn has(&self, partner: &PartnerId) -> bool {
        match self {
            Self::Partners(partners) => partners.contains(partner),
            Self::Everybody => true,
        }
    }
}

/// What something became known of: partners, days on which something happened, and what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Touched {
    /// The partners.
    pub(crate) of: Of,
    /// The days; all of them where they are not known.
    pub(crate) days: Option<BTreeSet<Date>>,
    /// What happened, and what that is about; anything where it is not known.
    pub(crate) things: Option<Things>,
}

impl Touched {
    /// Everything about some partners.
    pub(crate) fn whole(of: Of) -> Self {
        Self {
            of,
            days: None,
            things: None,
        }
    }

    /// Nothing.
    pub(crate) fn nothing() -> Self {
        Self {
            of: Of::Partners(BTreeSet::new()),
            days: Some(BTreeSet::new()),
            things: Some(Things::default()),
        }
    }
}

/// Some of what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Things {
    /// Deals, with everything that became of them.
    pub(crate) deals: BTreeSet<DealId>,
    /// What others have recorded: the ids, by their sources.
    pub(crate) recorded: BTreeMap<String, BTreeSet<String>>,
}

impl Things {
    /// Adds what an award of one fact is for, as the evaluation says it, and the deal of the fact.
    pub(crate) fn add(&mut self, scope: &str, deal: Option<&DealId>) {
        let fact = scope.strip_prefix("fact/").unwrap_or(scope);
        match (fact.split_once(':'), deal) {
            (Some((DEALS, _)), Some(deal)) => {
                self.deals.insert(deal.clone());
            }
            (Some((source, id)), _) => {
                let ids = self.recorded.entry(source.to_owned()).or_default();
                ids.insert(id.to_owned());
            }
            (None, _) => {}
        }
    }
}

/// Everything that is known of some partners, whatever program it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    of: Of,
    told: Vec<Told>,
    quotas: Vec<Quota>,
    rates: Vec<ExchangeRate>,
}

impl Known {
    /// Reads what had been recorded by a moment, of some days where any are said, and what the currencies
    /// are worth in others.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub(crate) async fn read(
        view: &View,
        of: Of,
        spans: Option<&[Span]>,
        currencies: Vec<Currency>,
        moment: Timestamp,
    ) -> Result<Self, Error> {
        let partners = of.partners();
        let partners = partners.as_deref();
        let mut of_deals = fact::of_partners(view, partners, spans).await?;
        of_deals.retain(|row| row.record_time <= moment);
        let mut told = deals::of_rows(&of_deals);
        for row in recorded_fact::of_partners(view, partners, spans).await? {
            if row.record_time <= moment {
                told.push(said(row)?);
            }
        }
        let quotas = quota::of_partners(view, partners).await?;
        let rates = exchange_rate::into_currencies(view, currencies).await?;
        Ok(Self {
            told: within(told, &of),
            quotas: quotas.into_iter().map(quota_of).collect(),
            rates: rates.into_iter().map(rate_of).collect(),
            of,
        })
    }

    /// Reads everything that had been recorded of some things by now, whoever they are credited to.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub(crate) async fn of_things(
        view: &View,
        things: Things,
        currencies: Vec<Currency>,
    ) -> Result<Self, Error> {
        let mut told = Vec::new();
        if !things.deals.is_empty() {
            told = deals::of_rows(&fact::of_deals(view, things.deals).await?);
        }
        for (source, ids) in &things.recorded {
            let rows = recorded_fact::of_ids_and_about(view, source, ids).await?;
            for row in rows {
                told.push(said(row)?);
            }
        }
        let rates = exchange_rate::into_currencies(view, currencies).await?;
        Ok(Self {
            told: within(told, &Of::Everybody),
            quotas: Vec::new(),
            rates: rates.into_iter().map(rate_of).collect(),
            of: Of::Everybody,
        })
    }

    /// Adds what is known of other things.
    pub(crate) fn extend(&mut self, other: Self) {
        self.told.extend(other.told);
    }

    /// When the last of it was recorded.
    pub(crate) fn last_recorded(&self) -> Option<Timestamp> {
        self.told.iter().map(|told| told.fact.recorded).max()
    }

    /// What awards of its facts may be for, as the evaluation says it, and whose they are or were.
    pub(crate) fn scopes(&self) -> BTreeSet<(String, PartnerId)> {
        let facts = self.told.iter().map(|told| &told.fact);
        facts
            .filter_map(|fact| Some((format!("fact/{}", fact.id), fact.partner.clone()?)))
            .collect()
    }

    /// Of whom it is.
    pub(crate) fn of(&self) -> &Of {
        &self.of
    }

    /// Everybody whom a fact is credited to, or who has a role in one.
    pub(crate) fn partners(&self) -> BTreeSet<PartnerId> {
        let facts = || self.told.iter().map(|told| &told.fact);
        let credited = facts().filter_map(|fact| fact.partner.clone());
        let parties = facts().flat_map(|fact| &fact.parties);
        credited
            .chain(parties.map(|party| party.partner.clone()))
            .collect()
    }

    /// The deals of facts, by the ids of the facts.
    pub(crate) fn deals(&self) -> BTreeMap<&str, &DealId> {
        let facts = self.told.iter().map(|told| &told.fact);
        facts
            .filter_map(|fact| Some((fact.id.as_str(), fact.deal.as_ref()?)))
            .collect()
    }

    /// The wins of deals, by the deals and who they are credited to: of several the last.
    pub(crate) fn wins(&self) -> BTreeMap<(&DealId, &PartnerId), &str> {
        let facts = self.told.iter().map(|told| &told.fact);
        facts
            .filter(|fact| fact.kind == FactKind::DealWon)
            .filter_map(|fact| {
                let credited = (fact.deal.as_ref()?, fact.partner.as_ref()?);
                Some((credited, fact.id.as_str()))
            })
            .collect()
    }

    /// The facts with some ids, each as it counts.
    pub(crate) fn with_ids(&self, ids: &[String]) -> Vec<&Fact> {
        let mut found: BTreeMap<&str, &Fact> = BTreeMap::new();
        for told in &self.told {
            let fact = &told.fact;
            if ids.contains(&fact.id) {
                let known = found.entry(&fact.id).or_insert(fact);
                if fact.revision > known.revision {
                    *known = fact;
                }
            }
        }
        found.into_values().collect()
    }

    /// The same as plans of a program count it. What is credited to a partner that was not enrolled in
    /// the program when it was recorded is no fact for it.
    pub(crate) fn for_program(&self, program: &ProgramId) -> Facts {
        Facts {
            facts: self
                .told
                .iter()
                .filter_map(|told| told.for_program(program))
                .collect(),
            quotas: self.quotas.clone(),
            rates: self.rates.clone(),
            ..Facts::default()
        }
    }
}

impl Told {
    /// The fact with everything that conditions of the program's plans may ask of it.
    fn for_program(&self, program: &ProgramId) -> Option<Fact> {
        let mut fact = self.fact.clone();
        if fact.partner.is_some() {
            let standing = self.standing.as_ref()?;
            let tier = standing.tier(program)?;
            complete(&mut fact, "partner.type", &standing.partner_type_name());
            complete(&mut fact, "partner.tier", tier.as_str());
            complete(&mut fact, "enrollment.program", program.as_str());
            complete(&mut fact, "enrollment.tier", tier.as_str());
            complete(&mut fact, "program.id", program.as_str());
        }
        let date = fact.date.to_string();
        complete(&mut fact, "event.date", &date);
        if let Some(currency) = fact.currency {
            complete(&mut fact, "event.currency", currency.code());
        }
        if let Some(product) = fact.product.clone() {
            complete(&mut fact, "line.product", &product);
        }
        let numbers = [
            ("event.amount_minor", fact.amount_minor),
            ("event.quantity", fact.quantity),
        ];
        for (field, number) in numbers {
            if let (Some(number), None) = (number, fact.fields.get(field)) {
                fact.fields.set(field, number);
            }
        }
        Some(fact)
    }
}

/// Sets a field of which nothing is said.
fn complete(fact: &mut Fact, field: &str, value: &str) {
    if fact.fields.get(field).is_none() {
        fact.fields.set(field, Value::from(value));
    }
}

/// What is credited to others now is nobody's here: it is in the way of nothing, and earns nothing. What
/// takes back is nobody's anywhere: it takes back of what it is about, whoever was told to have it.
fn within(mut told: Vec<Told>, of: &Of) -> Vec<Told> {
    for told in &mut told {
        let others = |partner: &PartnerId| !of.has(partner);
        if told.fact.kind.takes_back() || told.fact.partner.as_ref().is_some_and(others) {
            told.fact.partner = None;
        }
    }
    told
}

/// A row as the fact that it holds.
fn said(row: recorded_fact::Model) -> Result<Told, Error> {
    let fact: Fact = serde_json::from_value(row.said).map_err(|error| {
        Error::from(trellis_store::Error::Corrupt {
            table: "recorded_facts",
            what: format!(
                "revision {} of {} of {} cannot be read: {error}",
                row.revision, row.external_id, row.source
            ),
        })
    })?;
    let id = |external_id: &str| format!("{}:{external_id}", row.source);
    Ok(Told {
        fact: Fact {
            id: id(&row.external_id),
            about: row.about.as_deref().map(id),
            recorded: row.record_time,
            ..fact
        },
        standing: row.standing,
    })
}

fn quota_of(row: quota::Model) -> Quota {
    Quota {
        id: format!("{:09}", row.revision),
        name: row.quota,
        partner: row.partner,
        period_start: row.period_start,
        amount: row.amount,
        recorded: row.record_time,
    }
}

fn rate_of(row: exchange_rate::Model) -> ExchangeRate {
    ExchangeRate {
        id: row.external_id,
        kind: row.kind,
        from: row.from_currency,
        to: row.to_currency,
        date: row.rate_date,
        rate: row.rate,
        recorded: row.record_time,
    }
}
