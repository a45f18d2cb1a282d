//! What the moves of an item are in the ledger. Pure.
//!
//! * reserving: what is due goes into the payout, and what is owed is set off against it;
//! * cancelling: the exact inverse;
//! * sending: what is in the payout goes to the bank;
//! * settling: the bank has paid it;
//! * failing, returning: the bank has not paid it, or returned it. What was due is due again, and what was
//!   set off is owed again.
//!
//! Each is one posting for each item, so that an item can be taken out of its batch, or settled, by
//! itself. Its key is the item and the step: a step of an item is posted once, for ever.

use trellis_core::{BatchId, Currency, Date, JournalId, PartnerId};
use trellis_store::incentive::ledger::{Account, Key, Kind, Line, Posting, Rail, Rejected};

use super::allocation;

/// The steps of an item, which number its postings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Reserve,
    Cancel,
    Send,
    Settle,
    Fail,
    Return,
}

/// An item, as far as its postings are concerned.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// The batch.
    pub batch: &'a BatchId,
    /// The partner.
    pub partner: &'a PartnerId,
    /// The currency.
    pub currency: Currency,
    /// The lines.
    pub lines: &'a [allocation::Line],
    /// The day on which the posting counts.
    pub date: Date,
}

impl Item<'_> {
    /// Reserves the item.
    ///
    /// # Errors
    /// When the lines do not add up, which those of an allocation always do.
    pub fn reserve(&self) -> Result<Posting, Rejected> {
        self.post(Step::Reserve, Kind::PayoutReserve, self.reservation())
    }

    /// Undoes what a journal has reserved.
    ///
    /// # Errors
    /// As [`Item::reserve`].
    pub fn cancel(&self, journal: JournalId) -> Result<Posting, Rejected> {
        let (key, kind) = (self.key(Step::Cancel), Kind::PayoutCancel);
        Posting::reversing(journal, &self.reservation(), key, kind, self.date)
    }

    /// Sends the item.
    ///
    /// # Errors
    /// As [`Item::reserve`].
    pub fn send(&self) -> Result<Posting, Rejected> {
        let from = Account::in_payout(self.partner, self.currency);
        let to = Account::payout_clearing(Rail::Bank, self.currency);
        self.post(Step::Send, Kind::PayoutSend, self.moved(&from, &to))
    }

    /// Settles the item.
    ///
    /// # Errors
    /// As [`Item::reserve`].
    pub fn settle(&self) -> Result<Posting, Rejected> {
        let from = Account::payout_clearing(Rail::Bank, self.currency);
        let to = Account::cash(Rail::Bank, self.currency);
        self.post(Step::Settle, Kind::PayoutSettle, self.moved(&from, &to))
    }

    /// Takes back what was sent and not paid.
    ///
    /// # Errors
    /// As [`Item::reserve`].
    pub fn fail(&self) -> Result<Posting, Rejected> {
        let from = Account::payout_clearing(Rail::Bank, self.currency);
        self.post(Step::Fail, Kind::PayoutFail, self.due_again(&from))
    }

    /// Takes back what was paid and returned.
    ///
    /// # Errors
    /// As [`Item::reserve`].
    pub fn come_back(&self) -> Result<Posting, Rejected> {
        let from = Account::cash(Rail::Bank, self.currency);
        self.post(Step::Return, Kind::PayoutReturn, self.due_again(&from))
    }

    /// The key of the item's reservation, by which its journal is found.
    #[must_use]
    pub fn reservation_key(&self) -> Key {
        self.key(Step::Reserve)
    }

    fn key(&self, step: Step) -> Key {
        let sequence = match step {
            Step::Reserve => 1,
            Step::Cancel => 2,
            Step::Send => 3,
            Step::Settle => 4,
            Step::Fail => 5,
            Step::Return => 6,
        };
        Key::new(
            format!("payoutBatches/{}/items/{}", self.batch, self.partner),
            sequence,
        )
    }

    fn post(&self, step: Step, kind: Kind, lines: Vec<Line>) -> Result<Posting, Rejected> {
        Posting::try_new(self.key(step), kind, self.date, lines)
    }

    /// What an award pays of its own debt stays on its own accounts; only what it pays of another's
    /// passes through the set-off.
    fn reservation(&self) -> Vec<Line> {
        let (partner, currency) = (self.partner, self.currency);
        let mut lines = Vec::with_capacity(self.lines.len() * 2);
        for line in self.lines {
            let own = line.set_off.min(line.recovered);
            let award = Some(&line.award);
            let mut add = |line: Line| {
                if line.minor > 0 {
                    lines.push(line);
                }
            };
            add(Line::debit(
                Account::payable(partner, currency),
                award,
                line.gross,
            ));
            add(Line::credit(
                Account::in_payout(partner, currency),
                award,
                line.net(),
            ));
            add(Line::credit(
                Account::set_off(partner, currency),
                award,
                line.set_off - own,
            ));
            add(Line::debit(
                Account::set_off(partner, currency),
                award,
                line.recovered - own,
            ));
            add(Line::credit(
                Account::receivable(partner, currency),
                award,
                line.recovered,
            ));
        }
        lines
    }

    /// The inverse of the reservation, with the money where it is now.
    fn due_again(&self, from: &Account) -> Vec<Line> {
        let reserved = Account::in_payout(self.partner, self.currency);
        let mut lines: Vec<Line> = self.reservation().iter().map(Line::inverse).collect();
        for line in lines.iter_mut().filter(|line| line.account == reserved) {
            line.account.clone_from(from);
        }
        lines
    }

    fn moved(&self, from: &Account, to: &Account) -> Vec<Line> {
        self.lines
            .iter()
            .filter(|line| line.net() > 0)
            .flat_map(|line| Line::pair(from.clone(), to.clone(), Some(&line.award), line.net()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use trellis_core::AwardId;
    use trellis_store::incentive::ledger::{Class, Side};

    use super::super::allocation::{Slice, allocate};
    use super::*;

    fn slices(amounts: &[i64], from: usize) -> Vec<Slice> {
        amounts
            .iter()
            .enumerate()
            .map(|(number, minor)| Slice {
                award: AwardId::try_new(&format!("a{}", number + from)).unwrap(),
                minor: *minor,
            })
            .collect()
    }

    fn sum(posting: &Posting, class: Class, side: Side) -> i64 {
        posting
            .lines()
            .iter()
            .filter(|line| line.account.class() == class && line.side == side)
            .map(|line| line.minor)
            .sum()
    }

    /// What some postings together leave on each award's part of each account.
    fn left<const N: usize>(postings: [&Posting; N]) -> Vec<(Account, Option<AwardId>, i64)> {
        let mut sums: BTreeMap<(Account, Option<AwardId>), i64> = BTreeMap::new();
        for line in postings.iter().flat_map(|posting| posting.lines()) {
            let sum = sums
                .entry((line.account.clone(), line.award.clone()))
                .or_default();
            match line.side {
                Side::Debit => *sum += line.minor,
                Side::Credit => *sum -= line.minor,
            }
        }
        let open = sums.into_iter().filter(|(_, sum)| *sum != 0);
        open.map(|((account, award), sum)| (account, award, sum))
            .collect()
    }

    proptest! {
        /// Ev 10, 11, 13, 14, 15 and 16 of whatever is allocated: they balance (or could not be made), and
        /// what goes in is what comes out.
        #[test]
        fn the_steps_of_an_item_move_what_was_allocated(
            due in prop::collection::vec(1..1_000_000_i64, 1..8),
            owed in prop::collection::vec(1..1_000_000_i64, 0..8),
            overlap in 0..8_usize,
        ) {
            let allocation = allocate(&slices(&due, 0), &slices(&owed, overlap));
            let batch = BatchId::try_new("b").unwrap();
            let partner = PartnerId::try_new("nimbus").unwrap();
            let item = Item {
                batch: &batch,
                partner: &partner,
                currency: Currency::USD,
                lines: &allocation.lines,
                date: Date::EPOCH,
            };
            let reserve = item.reserve().unwrap();
            prop_assert!(reserve.lines().len() <= 5 * allocation.lines.len());
            prop_assert_eq!(sum(&reserve, Class::Payable, Side::Debit), allocation.gross);
            prop_assert_eq!(sum(&reserve, Class::Receivable, Side::Credit), allocation.set_off);
            prop_assert_eq!(sum(&reserve, Class::InPayout, Side::Credit), allocation.net());
            let cancel = item.cancel(JournalId::try_new("j").unwrap()).unwrap();
            let back: Vec<Line> = cancel.lines().iter().map(Line::inverse).collect();
            prop_assert_eq!(&back[..], reserve.lines());
            if allocation.net() > 0 {
                let send = item.send().unwrap();
                prop_assert_eq!(sum(&send, Class::InPayout, Side::Debit), allocation.net());
                let settle = item.settle().unwrap();
                prop_assert_eq!(sum(&settle, Class::Cash, Side::Credit), allocation.net());
                let (failed, returned) = (item.fail().unwrap(), item.come_back().unwrap());
                let keys = [&reserve, &cancel, &send, &settle, &failed, &returned];
                let keys = keys.map(|posting| posting.key().sequence);
                prop_assert!(keys.into_iter().eq(1..=6));
                // I14: nothing is left of it on any account.
                prop_assert_eq!(left([&reserve, &send, &failed]), []);
                prop_assert_eq!(left([&reserve, &send, &settle, &returned]), []);
            }
        }
    }
}
