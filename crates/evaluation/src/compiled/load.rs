//! From facts, one by one, to columns.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use trellis_core::{Currency, Date, PartnerId, Rate, Timestamp};

use super::Compiled;
use super::column::{Texts, number, place};
use super::columns::{Columns, Quotas, kind_number};
use super::names::Names;
use crate::evaluate::{Fact, Facts, Quota};
use crate::predicate::{Record, Value};

/// Why facts cannot be columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLoaded {
    /// There are more facts, or more letters in their ids, than 32 bits can count.
    TooMany,
    /// A fact is of a day outside of the years 1 to 9999.
    Day(Date),
}

impl std::fmt::Display for NotLoaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooMany => f.write_str("there are too many facts; evaluate fewer at once"),
            Self::Day(day) => write!(f, "day {} is not of the years 1 to 9999", day.days()),
        }
    }
}

impl std::error::Error for NotLoaded {}

/// What was pushed last under an id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) revision: u32,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    Nothing,
    Line(u32),
    Back(u32),
}

/// Something that takes back, before it is known of which line.
#[derive(Debug)]
pub(crate) struct Back {
    pub(crate) slot: u32,
    pub(crate) about: String,
    pub(crate) day: i32,
    pub(crate) kind: u8,
    pub(crate) currency: u8,
    pub(crate) amounts: [Option<i64>; 4],
    pub(crate) share: Option<Rate>,
    pub(crate) dead: bool,
}

/// Takes facts in, in any order, and makes columns of them. Of each it keeps the last revision that
/// was known at the moment.
#[derive(Debug)]
pub struct Loader {
    pub(crate) fields: BTreeSet<String>,
    pub(crate) tenure: bool,
    pub(crate) moment: Timestamp,
    pub(crate) hasher: RandomState,
    pub(crate) slots: Vec<Slot>,
    pub(crate) slot_ids: Texts,
    pub(crate) table: HashTable<u32>,
    pub(crate) slot: Vec<u32>,
    pub(crate) dead: Vec<bool>,
    pub(crate) partner: Vec<u32>,
    pub(crate) partners: Names<PartnerId>,
    pub(crate) currencies: Vec<Currency>,
    pub(crate) customers: Names<String>,
    pub(crate) products: Names<String>,
    pub(crate) deals: Names<trellis_core::DealId>,
    pub(crate) profiles: HashMap<Vec<u8>, u32>,
    pub(crate) records: Vec<Record>,
    pub(crate) buffer: Vec<u8>,
    pub(crate) parties: HashMap<Vec<(PartnerId, String)>, u32>,
    pub(crate) lines: Columns,
    pub(crate) backs: Vec<Back>,
}

impl Loader {
    /// A loader for what some plans ask for, as it was known at a moment.
    #[must_use]
    pub fn new(plans: &[&Compiled], as_known_at: Timestamp) -> Self {
        Self {
            fields: plans.iter().flat_map(|plan| plan.fields.clone()).collect(),
            tenure: plans.iter().any(|plan| plan.bands.by_tenure()),
            moment: as_known_at,
            hasher: RandomState::new(),
            slots: Vec::new(),
            slot_ids: Texts::default(),
            table: HashTable::new(),
            slot: Vec::new(),
            dead: Vec::new(),
            partner: Vec::new(),
            partners: Names::default(),
            currencies: Vec::new(),
            customers: Names::default(),
            products: Names::default(),
            deals: Names::default(),
            profiles: HashMap::new(),
            records: Vec::new(),
            buffer: Vec::new(),
            parties: HashMap::from([(Vec::new(), 0)]),
            lines: Columns::default(),
            backs: Vec::new(),
        }
    }

    /// Takes a quota in.
    pub fn quota(&mut self, quota: &Quota) {
        if quota.recorded > self.moment {
            return;
        }
        let Quotas(quotas) = &mut self.lines.quotas;
        let of_name = quotas.entry(quota.name.clone()).or_default();
        let set = (quota.recorded, quota.id.clone(), quota.amount);
        let of_partner = of_name.entry(quota.partner.clone()).or_default();
        let known = of_partner
            .entry(quota.period_start)
            .or_insert_with(|| set.clone());
        if (set.0, &set.1) >= (known.0, &known.1) {
            *known = set;
        }
    }

    /// Takes a revision of a fact in.
    ///
    /// # Errors
    /// When it cannot be a row of the columns.
    pub fn push(&mut self, fact: &Fact) -> Result<(), NotLoaded> {
        if fact.recorded > self.moment {
            return Ok(());
        }
        let Some(slot) = self.newest(fact)? else {
            return Ok(());
        };
        let what = if fact.withdrawn {
            What::Nothing
        } else if fact.kind.takes_back() {
            self.push_back(fact, slot)
        } else {
            self.push_line(fact, slot)?
        };
        if let Some(known) = self.slots.get_mut(place(slot)) {
            known.what = what;
        }
        Ok(())
    }

    /// The slot of a fact, emptied; none where a later revision is known.
    fn newest(&mut self, fact: &Fact) -> Result<Option<u32>, NotLoaded> {
        let (hasher, ids) = (&self.hasher, &self.slot_ids);
        let hash = hasher.hash_one(fact.id.as_str());
        let same = |slot: &u32| ids.get(place(*slot)) == fact.id;
        if let Some(slot) = self.table.find(hash, same).copied() {
            let Some(known) = self.slots.get_mut(place(slot)) else {
                return Ok(None);
            };
            if fact.revision <= known.revision {
                return Ok(None);
            }
            known.revision = fact.revision;
            match std::mem::replace(&mut known.what, What::Nothing) {
                What::Nothing => {}
                What::Line(line) => {
                    if let Some(dead) = self.dead.get_mut(place(line)) {
                        *dead = true;
                    }
                }
                What::Back(back) => {
                    if let Some(back) = self.backs.get_mut(place(back)) {
                        back.dead = true;
                    }
                }
            }
            return Ok(Some(slot));
        }
        let slot = u32::try_from(self.slots.len()).map_err(|_| NotLoaded::TooMany)?;
        self.slot_ids.push(&fact.id).ok_or(NotLoaded::TooMany)?;
        self.slots.push(Slot {
            revision: fact.revision,
            what: What::Nothing,
        });
        let (hasher, ids) = (&self.hasher, &self.slot_ids);
        self.table
            .insert_unique(hash, slot, |slot| hasher.hash_one(ids.get(place(*slot))));
        Ok(Some(slot))
    }

    fn currency(&mut self, currency: Option<Currency>) -> u8 {
        let Some(currency) = currency else {
            return 0;
        };
        let known = self.currencies.iter().position(|known| *known == currency);
        let index = known.unwrap_or_else(|| {
            self.currencies.push(currency);
            self.currencies.len() - 1
        });
        // ISO 4217 has fewer than 200.
        u8::try_from(index + 1).unwrap_or(u8::MAX)
    }

    fn push_back(&mut self, fact: &Fact, slot: u32) -> What {
        let Some(about) = fact.about.clone() else {
            return What::Nothing;
        };
        let currency = self.currency(fact.currency);
        self.backs.push(Back {
            slot,
            about,
            day: fact.date.days(),
            kind: kind_number(fact.kind),
            currency,
            amounts: [
                fact.amount_minor,
                fact.annual_minor,
                fact.cost_minor,
                fact.quantity,
            ],
            share: fact.share.map(|_| fact.part()),
            dead: false,
        });
        What::Back(number(self.backs.len() - 1))
    }

    fn push_line(&mut self, fact: &Fact, slot: u32) -> Result<What, NotLoaded> {
        let Some(partner) = &fact.partner else {
            return Ok(What::Nothing);
        };
        if !(1..=9999).contains(&fact.date.year()) {
            return Err(NotLoaded::Day(fact.date));
        }
        let line = number(self.slot.len());
        self.slot.push(slot);
        self.dead.push(false);
        self.partner.push(self.partners.number(partner) - 1);
        let currency = self.currency(fact.currency);
        let profile = self.profile(&fact.fields);
        let party = self.party(fact);
        let customer = fact.customer.as_deref();
        let customer = customer.map_or(0, |name| self.customers.number(name));
        let product = fact.product.as_deref();
        let product = product.map_or(0, |name| self.products.number(name));
        let deal = fact.deal.as_ref().map_or(0, |id| self.deals.number(id));
        let lines = &mut self.lines;
        lines.days.push(fact.date.days());
        lines.kinds.push(kind_number(fact.kind));
        lines.currency.push(currency);
        lines.customer.push(customer);
        lines.product.push(product);
        lines.deal.push(deal);
        lines.amount.push(fact.amount_minor);
        lines.annual.push(fact.annual_minor);
        lines.cost.push(fact.cost_minor);
        lines.quantity.push(fact.quantity);
        let start = fact.contract_start.map(|day| i64::from(day.days()));
        lines.contract_start.push(start);
        lines.tenure.push(match fact.fields.get(super::TENURE) {
            Some(Value::Int(months)) if self.tenure => Some(*months),
            _ => None,
        });
        lines.profile.push(profile);
        lines.party.push(party);
        Ok(What::Line(line))
    }

    /// The record of a fact, less what no plan asks for.
    fn profile(&mut self, fields: &Record) -> u32 {
        self.buffer.clear();
        for field in &self.fields {
            match fields.get(field) {
                None => self.buffer.push(0),
                Some(value) => write(&mut self.buffer, value),
            }
        }
        if let Some(known) = self.profiles.get(self.buffer.as_slice()) {
            return *known;
        }
        let mut record = Record::new();
        for field in &self.fields {
            if let Some(value) = fields.get(field) {
                record.set(field, value.clone());
            }
        }
        let next = number(self.records.len());
        self.records.push(record);
        self.profiles.insert(self.buffer.clone(), next);
        next
    }

    fn party(&mut self, fact: &Fact) -> u32 {
        if fact.parties.is_empty() {
            return 0;
        }
        let parties = fact.parties.iter();
        let list = parties.map(|party| (party.partner.clone(), party.role.clone()));
        let next = number(self.parties.len());
        *self.parties.entry(list.collect()).or_insert(next)
    }
}

/// A value as bytes that no other value has.
fn write(buffer: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(truth) => buffer.extend([1, u8::from(*truth)]),
        Value::Int(whole) => {
            buffer.push(2);
            buffer.extend(whole.to_le_bytes());
        }
        Value::Text(text) => {
            buffer.push(3);
            buffer.extend(text.len().to_le_bytes());
            buffer.extend(text.as_bytes());
        }
        Value::List(values) => {
            buffer.push(4);
            buffer.extend(values.len().to_le_bytes());
            values.iter().for_each(|value| write(buffer, value));
        }
    }
}

impl Columns {
    /// The columns of everything that an evaluation is told, as some plans ask for it, as it was known
    /// at a moment.
    ///
    /// # Errors
    /// When it cannot be columns.
    pub fn new(
        plans: &[&Compiled],
        told: &Facts,
        as_known_at: Timestamp,
    ) -> Result<Self, NotLoaded> {
        let mut loader = Loader::new(plans, as_known_at);
        told.quotas.iter().for_each(|quota| loader.quota(quota));
        for fact in &told.facts {
            loader.push(fact)?;
        }
        loader.finish()
    }
}
