//! What happened, as columns: one array for each property of all facts, those of a partner together,
//! by day and id.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use trellis_core::{Currency, Date, DealId, PartnerId, Rate, Timestamp};

use super::column::{Column, Texts, at, bytes, place};
use crate::plan::FactKind;
use crate::predicate::Record;

/// Facts as a compiled plan reads them. A text is a small number; what no fact says takes no room.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// The fields that conditions may ask for.
    pub(crate) fields: BTreeSet<String>,
    pub(crate) partners: Vec<PartnerId>,
    /// Where the facts of each partner begin, and where those of the last one end.
    pub(crate) starts: Vec<u32>,
    pub(crate) ids: Texts,
    /// The place of each fact among all, by day and id.
    pub(crate) ranks: Vec<u32>,
    pub(crate) days: Vec<i32>,
    pub(crate) kinds: Vec<u8>,
    /// Of these, 0 says nothing, and any other number is that of the list less one.
    pub(crate) currency: Vec<u8>,
    pub(crate) currencies: Vec<Currency>,
    pub(crate) customer: Vec<u32>,
    pub(crate) customers: Vec<String>,
    pub(crate) product: Vec<u32>,
    pub(crate) products: Vec<String>,
    pub(crate) deal: Vec<u32>,
    pub(crate) deals: Vec<DealId>,
    pub(crate) amount: Column,
    pub(crate) annual: Column,
    pub(crate) cost: Column,
    pub(crate) quantity: Column,
    pub(crate) contract_start: Column,
    /// For how many months the partner had been one.
    pub(crate) tenure: Column,
    /// What conditions may ask of it, as one of the records that there are.
    pub(crate) profile: Vec<u32>,
    pub(crate) profiles: Vec<Record>,
    /// Who has which role in it, as one of the lists that there are; the first has nobody.
    pub(crate) party: Vec<u32>,
    pub(crate) parties: Vec<Vec<(PartnerId, String)>>,
    pub(crate) backs: Backs,
    pub(crate) quotas: Quotas,
    /// The first day of all and the last.
    pub(crate) span: (i32, i32),
}

/// What takes back of facts, in the order of those, by day and id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backs {
    pub(crate) line: Vec<u32>,
    pub(crate) days: Vec<i32>,
    pub(crate) kinds: Vec<u8>,
    pub(crate) currency: Vec<u8>,
    pub(crate) amount: Column,
    pub(crate) annual: Column,
    pub(crate) cost: Column,
    pub(crate) quantity: Column,
    /// Which part, as one of those that there are; 0 is all of it.
    pub(crate) share: Vec<u32>,
    pub(crate) shares: Vec<Rate>,
}

/// When a quota was set, under which id, and how much it is.
type Set = (Timestamp, String, i64);

/// What was to be reached: for each name, of each partner, for each period.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quotas(pub(crate) BTreeMap<String, HashMap<PartnerId, HashMap<Date, Set>>>);

impl Columns {
    /// How many facts there are that something may be paid for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.days.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Whom facts are credited to, in order.
    #[must_use]
    pub fn partners(&self) -> &[PartnerId] {
        &self.partners
    }

    /// How many bytes of memory an evaluation reads: everything but the ids.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let backs = &self.backs;
        bytes(&self.starts)
            + bytes(&self.ranks)
            + bytes(&self.days)
            + bytes(&self.kinds)
            + bytes(&self.currency)
            + bytes(&self.customer)
            + bytes(&self.product)
            + bytes(&self.deal)
            + bytes(&self.profile)
            + bytes(&self.party)
            + bytes(&backs.line)
            + bytes(&backs.days)
            + bytes(&backs.kinds)
            + bytes(&backs.currency)
            + bytes(&backs.share)
            + [
                &self.amount,
                &self.annual,
                &self.cost,
                &self.quantity,
                &self.contract_start,
                &self.tenure,
                &backs.amount,
                &backs.annual,
                &backs.cost,
                &backs.quantity,
            ]
            .map(Column::bytes)
            .iter()
            .sum::<usize>()
    }

    /// How many bytes the ids take, which only keys of awards are made of.
    #[must_use]
    pub fn bytes_of_ids(&self) -> usize {
        self.ids.bytes()
    }

    pub(crate) fn lines_of(&self, partner: usize) -> std::ops::Range<usize> {
        place(at(&self.starts, partner))..place(at(&self.starts, partner + 1))
    }

    /// The number that stands for a currency in the columns; none where no fact has it.
    pub(crate) fn currency_number(&self, currency: Currency) -> Option<u8> {
        let index = self
            .currencies
            .iter()
            .position(|known| *known == currency)?;
        u8::try_from(index + 1).ok()
    }
}

/// A kind of fact as a small number.
pub(crate) const fn kind_number(kind: FactKind) -> u8 {
    kind as u8
}
