//! Records what happened elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trellis_api::incentive::v1 as pb;
use trellis_api::{ecosystem_name, name};
use trellis_core::{Call, Currency, Date, DealId, PartnerId, Problem, Timestamp, Written};
use trellis_evaluation::evaluate::{ExchangeRate, Fact};
use trellis_evaluation::predicate::Value;
use trellis_store::deal::deal;
use trellis_store::event::{self, NewEvent};
use trellis_store::incentive::standing::{self, Profile};
use trellis_store::incentive::{exchange_rate, quota, recorded_fact};
use trellis_store::{Store, Txn, record};

use crate::Error;

/// What is to be recorded.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The system that says so.
    pub(crate) source: String,
    /// What happened.
    pub(crate) facts: Vec<Fact>,
    /// What partners are to reach.
    pub(crate) quotas: Vec<Set>,
    /// What currencies are worth.
    pub(crate) rates: Vec<ExchangeRate>,
}

/// A quota as it is set.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    /// The partner.
    pub(crate) partner: PartnerId,
    /// What plans call it.
    pub(crate) quota: String,
    /// The first day of the period.
    pub(crate) period_start: Date,
    /// How much, or how many.
    pub(crate) amount: i64,
    /// The currency, where it is money.
    pub(crate) currency: Option<Currency>,
}

/// What the feed tells of it: whose awards may have changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    /// The system that said so.
    pub(crate) source: String,
    /// The partners.
    pub(crate) partners: BTreeSet<PartnerId>,
    /// Whether it is about everybody: a currency is worth something else.
    pub(crate) everybody: bool,
    /// The facts, and those that they are about. What one was before, another call may be telling just
    /// now: whoever reads this looks.
    #[serde(default)]
    pub(crate) facts: Option<BTreeSet<String>>,
    /// The first days of the periods of the quotas.
    #[serde(default)]
    pub(crate) periods: BTreeSet<Date>,
}

impl Recorded {
    const KIND: &'static str = "facts.recorded";

    /// Nothing yet.
    fn of(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            partners: BTreeSet::new(),
            everybody: false,
            facts: Some(BTreeSet::new()),
            periods: BTreeSet::new(),
        }
    }

    /// Reads it from an event, if it is one.
    pub(crate) fn read(event: &event::Model) -> Option<Self> {
        (event.kind == Self::KIND)
            .then(|| serde_json::from_value(event.data.clone()).ok())
            .flatten()
    }
}

/// Records facts, quotas and exchange rates.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when a partner or a deal is not there; `FACT_RECORDED_OTHERWISE`.
pub(crate) async fn record(
    store: &Store,
    call: Call,
    record: Record,
) -> Result<Written<pb::RecordFactsResponse>, Error> {
    let actor = call.actor.to_string();
    store
        .write(call, (record, actor), |txn, (record, actor)| async move {
            let Record {
                source,
                facts,
                quotas,
                rates,
            } = record;
            let asked = facts.len() + quotas.len() + rates.len();
            let profiles = present(&txn, &facts, &quotas).await?;
            let scribe = Scribe {
                txn: &txn,
                source: &source,
                actor: &actor,
            };
            let mut told = Recorded::of(&source);
            let fresh = scribe.facts(facts, &profiles, &mut told).await?
                + scribe.quotas(quotas, &mut told).await?
                + scribe.rates(rates, &mut told).await?;
            if fresh > 0 {
                let data = serde_json::to_value(&told).unwrap_or_default();
                let resource = ecosystem_name(txn.ecosystem());
                event::append(&txn, NewEvent::new(Recorded::KIND, resource).with(data));
            }
            let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
            Ok(pb::RecordFactsResponse {
                recorded_count: count(fresh),
                known_count: count(asked - fresh),
            })
        })
        .await
}

/// Records what the server itself says, of partners that are what the profiles tell; answers what the feed
/// would tell of it. What it says is no news to the feed, which it is from.
///
/// # Errors
/// `FACT_RECORDED_OTHERWISE`.
pub(crate) async fn of_server(
    txn: &Txn,
    source: &'static str,
    facts: Vec<Fact>,
    profiles: &HashMap<PartnerId, Profile>,
) -> Result<Recorded, Error> {
    let actor = txn.actor().to_string();
    let scribe = Scribe {
        txn,
        source,
        actor: &actor,
    };
    let mut told = Recorded::of(source);
    scribe.facts(facts, profiles, &mut told).await?;
    Ok(told)
}

/// What the partners are that are named; all of them and all deals must be there.
async fn present(
    txn: &Txn,
    facts: &[Fact],
    quotas: &[Set],
) -> Result<HashMap<PartnerId, Profile>, Error> {
    let credited = facts.iter().filter_map(|fact| fact.partner.as_ref());
    let parties = facts.iter().flat_map(|fact| &fact.parties);
    let named: BTreeSet<&PartnerId> = credited
        .chain(parties.map(|party| &party.partner))
        .chain(quotas.iter().map(|quota| &quota.partner))
        .collect();
    let named: Vec<PartnerId> = named.into_iter().cloned().collect();
    let mut profiles = HashMap::new();
    for chunk in named.chunks(500) {
        profiles.extend(standing::of_partners(txn, chunk).await?);
    }
    if let Some(missing) = named.iter().find(|named| !profiles.contains_key(*named)) {
        let resource = name(txn.ecosystem(), missing);
        return Err(Problem::NotFound { resource }.into());
    }
    let deals: BTreeSet<DealId> = facts.iter().filter_map(|fact| fact.deal.clone()).collect();
    if !deals.is_empty() {
        let found = record::find_many::<deal::Entity>(txn, deals.clone()).await?;
        let found: BTreeSet<&DealId> = found.iter().map(|deal| &deal.id).collect();
        if let Some(missing) = deals.iter().find(|deal| !found.contains(deal)) {
            let resource = name(txn.ecosystem(), missing);
            return Err(Problem::NotFound { resource }.into());
        }
    }
    Ok(profiles)
}

/// Who writes, and for whom.
struct Scribe<'a> {
    txn: &'a Txn,
    source: &'a str,
    actor: &'a str,
}

impl Scribe<'_> {
    /// Records the facts that are not known yet; answers how many.
    async fn facts(
        &self,
        facts: Vec<Fact>,
        profiles: &HashMap<PartnerId, Profile>,
        told: &mut Recorded,
    ) -> Result<usize, Error> {
        if facts.is_empty() {
            return Ok(0);
        }
        let touched: BTreeSet<String> = facts
            .iter()
            .flat_map(|fact| std::iter::once(&fact.id).chain(&fact.about))
            .cloned()
            .collect();
        let touched: Vec<String> = touched.into_iter().collect();
        let known = recorded_fact::of_ids(self.txn, self.source, &touched).await?;
        let digests: HashMap<(&str, i32), &str> = known
            .iter()
            .map(|fact| {
                let key = (fact.external_id.as_str(), fact.revision);
                (key, fact.digest.as_str())
            })
            .collect();
        let mut fresh = Vec::new();
        for fact in facts {
            let row = self.row(fact, profiles);
            match digests.get(&(row.external_id.as_str(), row.revision)) {
                None => fresh.push(row),
                Some(digest) if **digest == row.digest => {}
                Some(_) => return Err(self.otherwise(&row.external_id, Some(row.revision))),
            }
        }
        // Whoever a fact was credited to before, and whoever it takes back from, is touched too.
        let ids: BTreeSet<&str> = fresh
            .iter()
            .flat_map(|row| std::iter::once(&row.external_id).chain(&row.about))
            .map(String::as_str)
            .collect();
        let before = known
            .iter()
            .filter(|fact| ids.contains(fact.external_id.as_str()));
        told.partners
            .extend(before.filter_map(|fact| fact.partner.clone()));
        told.partners
            .extend(fresh.iter().filter_map(|row| row.partner.clone()));
        told.facts = Some(ids.into_iter().map(str::to_owned).collect());
        let count = fresh.len();
        recorded_fact::append(self.txn, fresh).await?;
        Ok(count)
    }

    fn row(&self, mut fact: Fact, profiles: &HashMap<PartnerId, Profile>) -> recorded_fact::Model {
        // What it says is what the caller said: what its partner is now does not make it another fact.
        let said = serde_json::to_vec(&fact).unwrap_or_default();
        let profile = fact.partner.as_ref().and_then(|id| profiles.get(id));
        if let Some(profile) = profile {
            let country = profile.country.as_deref();
            for (field, value) in [
                ("partner.country", country),
                ("partner.status", Some(profile.status)),
            ] {
                if let (Some(value), None) = (value, fact.fields.get(field)) {
                    fact.fields.set(field, Value::from(value));
                }
            }
        }
        recorded_fact::Model {
            ecosystem: self.txn.ecosystem().clone(),
            source: self.source.to_owned(),
            external_id: fact.id.clone(),
            revision: i32::try_from(fact.revision).unwrap_or(i32::MAX),
            kind: fact.kind.name().to_owned(),
            withdrawn: fact.withdrawn,
            partner: fact.partner.clone(),
            about: fact.about.clone(),
            occur_date: fact.date,
            standing: profile.map(|profile| profile.standing.clone()),
            said: serde_json::to_value(&fact).unwrap_or_default(),
            digest: HEXLOWER.encode(&Sha256::digest(&said)),
            actor: self.actor.to_owned(),
            record_time: self.txn.now(),
        }
    }

    /// Records the quotas that are not set so yet; answers how many.
    async fn quotas(&self, quotas: Vec<Set>, told: &mut Recorded) -> Result<usize, Error> {
        let mut fresh: Vec<quota::Model> = Vec::new();
        for set in quotas {
            let Set {
                partner,
                quota: named,
                period_start,
                amount,
                currency,
            } = set;
            let last = quota::last(self.txn, &partner, &named, period_start).await?;
            if let Some(last) = &last
                && (last.amount, last.currency) == (amount, currency)
            {
                continue;
            }
            told.partners.insert(partner.clone());
            told.periods.insert(period_start);
            fresh.push(quota::Model {
                ecosystem: self.txn.ecosystem().clone(),
                partner,
                quota: named,
                period_start,
                revision: last.map_or(0, |last| last.revision) + 1,
                amount,
                currency,
                actor: self.actor.to_owned(),
                record_time: self.txn.now(),
            });
        }
        let count = fresh.len();
        quota::append(self.txn, fresh).await?;
        Ok(count)
    }

    /// Records the exchange rates that are not known yet; answers how many.
    async fn rates(&self, rates: Vec<ExchangeRate>, told: &mut Recorded) -> Result<usize, Error> {
        let ids = rates.iter().map(|rate| rate.id.clone()).collect();
        let known: BTreeMap<String, exchange_rate::Model> = exchange_rate::of_ids(self.txn, ids)
            .await?
            .into_iter()
            .map(|rate| (rate.external_id.clone(), rate))
            .collect();
        let mut fresh = Vec::new();
        for rate in rates {
            let row = exchange_rate::Model {
                ecosystem: self.txn.ecosystem().clone(),
                external_id: rate.id,
                kind: rate.kind,
                from_currency: rate.from,
                to_currency: rate.to,
                rate_date: rate.date,
                rate: rate.rate,
                actor: self.actor.to_owned(),
                record_time: self.txn.now(),
            };
            match known.get(&row.external_id) {
                None => fresh.push(row),
                Some(known) if says(known) == says(&row) => {}
                Some(_) => return Err(self.otherwise(&row.external_id, None)),
            }
        }
        told.everybody |= !fresh.is_empty();
        let count = fresh.len();
        exchange_rate::append(self.txn, fresh).await?;
        Ok(count)
    }

    fn otherwise(&self, external_id: &str, revision: Option<i32>) -> Error {
        let fact = match revision {
            Some(revision) => format!("{}:{external_id}:{revision}", self.source),
            None => external_id.to_owned(),
        };
        Error::FactRecordedOtherwise { fact }
    }
}

/// What an exchange rate says, whoever said it when.
fn says(rate: &exchange_rate::Model) -> impl PartialEq + use<> {
    (
        rate.kind,
        rate.from_currency,
        rate.to_currency,
        rate.rate_date,
        rate.rate,
    )
}

/// When facts become known is for the server to say; in a request they are known always.
pub(crate) const UNSAID: Timestamp = Timestamp::EPOCH;
