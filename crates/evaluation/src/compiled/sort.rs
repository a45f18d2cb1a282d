//! From facts in the order in which they came to columns in theirs.

use std::hash::{BuildHasher, Hash};

use trellis_core::PartnerId;

use super::column::{Column, Texts, at, number, place, reordered, worth_keeping};
use super::columns::{Backs, Columns};
use super::load::{Back, Loader, NotLoaded, What};
use super::names::Names;

impl Loader {
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
