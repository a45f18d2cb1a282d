//! From facts, one by one, to columns.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, Hash, RandomState};

use hashbrown::HashTable;
use trellis_core::{Currency, Date, PartnerId, Rate, Timestamp};

use super::Compiled;
use super::column::{Column, Texts, at, number, place, reordered, worth_keeping};
use super::columns::{Backs, Columns, Quotas, kind_number};
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

/// Texts that repeat, and a number for each.
#[derive(Debug)]
struct Names<T>(HashMap<T, u32>);

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Eq + Hash + Ord + Clone> Names<T> {
    /// Its number, counted from 1.
    fn number<Q>(&mut self, name: &Q) -> u32
    where
        T: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = T> + ?Sized,
    {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let next = number(self.0.len() + 1);
        self.0.insert(name.to_owned(), next);
        next
    }

    /// All names in order, and for each number, the one that it has in that order.
    fn sorted(self) -> (Vec<T>, Vec<u32>) {
        let mut names: Vec<(T, u32)> = self.0.into_iter().collect();
        names.sort();
        let mut renumbered = vec![0; names.len() + 1];
        for (index, (_, before)) in names.iter().enumerate() {
            if let Some(slot) = renumbered.get_mut(place(*before)) {
                *slot = number(index + 1);
            }
        }
        (
            names.into_iter().map(|(name, _)| name).collect(),
            renumbered,
        )
    }
}

/// What was pushed last under an id.
#[derive(Clone, Copy, Debug)]
struct Slot {
    revision: u32,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Nothing,
    Line(u32),
    Back(u32),
}

/// Something that takes back, before it is known of which line.
#[derive(Debug)]
struct Back {
    slot: u32,
    about: String,
    day: i32,
    kind: u8,
    currency: u8,
    amounts: [Option<i64>; 4],
    share: Option<Rate>,
    dead: bool,
}

/// Takes facts in, in any order, and makes columns of them. Of each it keeps the last revision that
/// was known at the moment.
#[derive(Debug)]
pub struct Loader {
    fields: BTreeSet<String>,
    tenure: bool,
    moment: Timestamp,
    hasher: RandomState,
    slots: Vec<Slot>,
    slot_ids: Texts,
    table: HashTable<u32>,
    slot: Vec<u32>,
    dead: Vec<bool>,
    partner: Vec<u32>,
    partners: Names<PartnerId>,
    currencies: Vec<Currency>,
    customers: Names<String>,
    products: Names<String>,
    deals: Names<trellis_core::DealId>,
    profiles: HashMap<Vec<u8>, u32>,
    records: Vec<Record>,
    buffer: Vec<u8>,
    parties: HashMap<Vec<(PartnerId, String)>, u32>,
    lines: Columns,
    backs: Vec<Back>,
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

    /// The columns.
    ///
    /// # Errors
    /// When there are too many facts.
    pub fn finish(mut self) -> Result<Columns, NotLoaded> {
        if u32::try_from(self.slot.len()).is_err() {
            return Err(NotLoaded::TooMany);
        }
        let (partners, renumbered) = std::mem::take(&mut self.partners).sorted();
        let id = |line: u32| self.slot_ids.get(place(at(&self.slot, place(line))));
        let day = |line: u32| at(&self.lines.days, place(line));
        let mut by_day: Vec<u32> = (0..number(self.slot.len()))
            .filter(|line| !at(&self.dead, place(*line)))
            .collect();
        by_day.sort_by(|one, other| (day(*one), id(*one)).cmp(&(day(*other), id(*other))));
        let partner = |line: u32| {
            let before = place(at(&self.partner, place(line)) + 1);
            place(at(&renumbered, before)).saturating_sub(1)
        };
        // Those of each partner together, and among them as they were.
        let mut starts = vec![0_u32; partners.len() + 1];
        for line in &by_day {
            if let Some(count) = starts.get_mut(partner(*line) + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut order = vec![0_u32; by_day.len()];
        let mut ranks = vec![0_u32; by_day.len()];
        for (rank, line) in by_day.iter().enumerate() {
            let Some(to) = next.get_mut(partner(*line)) else {
                continue;
            };
            if let (Some(slot), Some(its)) = (order.get_mut(place(*to)), ranks.get_mut(place(*to)))
            {
                (*slot, *its) = (*line, number(rank));
            }
            *to += 1;
        }
        drop((by_day, next));
        let slots = reordered(&self.slot, &order);
        let ids = self.slot_ids.reordered(&slots);
        let backs = self.take_backs(&order);
        self.columns(partners, starts, ids, ranks, &order, backs)
    }

    /// What takes back of each line, in the order of the lines.
    fn take_backs(&mut self, order: &[u32]) -> Backs {
        let mut line_of = vec![u32::MAX; self.slot.len()];
        for (line, from) in order.iter().enumerate() {
            if let Some(slot) = line_of.get_mut(place(*from)) {
                *slot = number(line);
            }
        }
        let (hasher, ids) = (&self.hasher, &self.slot_ids);
        let line = |about: &str| {
            let same = |slot: &u32| ids.get(place(*slot)) == about;
            let slot = self.table.find(hasher.hash_one(about), same)?;
            match self.slots.get(place(*slot))?.what {
                What::Line(line) => line_of.get(place(line)).copied(),
                What::Nothing | What::Back(_) => None,
            }
        };
        let alive = self.backs.iter().filter(|back| !back.dead);
        let mut found: Vec<(u32, &Back)> = alive
            .filter_map(|back| Some((line(&back.about)?, back)))
            .collect();
        found.sort_by(|(line, back), (other_line, other)| {
            let id = |back: &Back| ids.get(place(back.slot));
            (line, back.day, id(back)).cmp(&(other_line, other.day, id(other)))
        });
        let mut backs = Backs::default();
        for (line, back) in found {
            let [amount, annual, cost, quantity] = back.amounts;
            backs.line.push(line);
            backs.days.push(back.day);
            backs.kinds.push(back.kind);
            backs.currency.push(back.currency);
            backs.amount.push(amount);
            backs.annual.push(annual);
            backs.cost.push(cost);
            backs.quantity.push(quantity);
            backs.share.push(back.share.map_or(0, |share| {
                backs.shares.push(share);
                number(backs.shares.len())
            }));
        }
        if backs.share.iter().all(|share| *share == 0) {
            backs.share = Vec::new();
        }
        backs
    }

    fn columns(
        self,
        partners: Vec<PartnerId>,
        starts: Vec<u32>,
        ids: Texts,
        ranks: Vec<u32>,
        order: &[u32],
        backs: Backs,
    ) -> Result<Columns, NotLoaded> {
        fn renumber<T: Eq + Hash + Ord + Clone>(
            names: Names<T>,
            column: &[u32],
            order: &[u32],
        ) -> (Vec<T>, Vec<u32>) {
            let (names, numbers) = names.sorted();
            let mut column = worth_keeping(column, order);
            for number in &mut column {
                *number = at(&numbers, place(*number));
            }
            (names, column)
        }
        let lines = self.lines;
        let (customers, customer) = renumber(self.customers, &lines.customer, order);
        let (products, product) = renumber(self.products, &lines.product, order);
        let (deals, deal) = renumber(self.deals, &lines.deal, order);
        let mut parties = vec![Vec::new(); self.parties.len()];
        for (list, index) in self.parties {
            if let Some(slot) = parties.get_mut(place(index)) {
                *slot = list;
            }
        }
        let days = reordered(&lines.days, order);
        let first = days.iter().min().copied().unwrap_or_default();
        let last = days.iter().max().copied().unwrap_or_default();
        let ordered = |column: Column| column.reordered(order);
        Ok(Columns {
            fields: self.fields,
            partners,
            starts,
            ids,
            ranks,
            span: (first, last),
            kinds: reordered(&lines.kinds, order),
            currency: worth_keeping(&lines.currency, order),
            currencies: self.currencies,
            customer,
            customers,
            product,
            products,
            deal,
            deals,
            amount: ordered(lines.amount),
            annual: ordered(lines.annual),
            cost: ordered(lines.cost),
            quantity: ordered(lines.quantity),
            contract_start: ordered(lines.contract_start),
            tenure: ordered(lines.tenure),
            profile: worth_keeping(&lines.profile, order),
            profiles: self.records,
            party: worth_keeping(&lines.party, order),
            parties,
            days,
            backs,
            quotas: lines.quotas,
        })
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
