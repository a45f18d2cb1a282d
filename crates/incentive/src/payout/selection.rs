//! Whom a batch pays. Pure.
//!
//! The totals of the accounts tell who may be paid; who is, is decided from the awards, under the
//! partners' locks.

use std::collections::HashSet;

use trellis_core::PartnerId;
use trellis_store::incentive::ledger::due::Due;
use trellis_store::incentive::payout_item::BlockReason;

/// The items that pay, at most; also the blocked ones that are named, at most. With them and
/// [`AWARDS_MAX`] a batch is one transaction of a few seconds: an award is at most five lines of the
/// ledger, 50,000 lines are some 1.5 seconds of inserts, and a call has ten.
pub const ITEMS_MAX: usize = 1_000;

/// The awards that a batch pays, at most.
pub const AWARDS_MAX: usize = 10_000;

/// What the totals say of who is due something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Who may be paid, in the order of their ids.
    pub candidates: Vec<PartnerId>,
    /// Who is not paid, and why.
    pub blocked: Vec<(Due, BlockReason)>,
    /// Whether there was no room for some.
    pub full: bool,
}

/// Whether an amount is worth a payout.
#[must_use]
pub const fn is_worth(net: i64, minimum: i64) -> bool {
    net > 0 && net >= minimum
}

/// Sorts those who are due something.
#[must_use]
pub fn select(due: Vec<Due>, minimum: i64, suspended: &HashSet<PartnerId>) -> Selection {
    let mut selection = Selection::default();
    for due in due {
        let reason = if suspended.contains(&due.partner) {
            BlockReason::PartnerSuspended
        } else if is_worth(due.payable.saturating_sub(due.owed), minimum) {
            if selection.candidates.len() < ITEMS_MAX {
                selection.candidates.push(due.partner);
            } else {
                selection.full = true;
            }
            continue;
        } else {
            BlockReason::BelowMinimum
        };
        selection.block(due, reason);
    }
    selection
}

impl Selection {
    /// Names somebody who is not paid, while there is room.
    pub fn block(&mut self, due: Due, reason: BlockReason) {
        if self.blocked.len() < ITEMS_MAX {
            self.blocked.push((due, reason));
        } else {
            self.full = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partner(id: &str) -> PartnerId {
        PartnerId::try_new(id).unwrap()
    }

    fn due(id: &str, payable: i64, owed: i64) -> Due {
        Due {
            partner: partner(id),
            payable,
            owed,
        }
    }

    fn names(selection: &Selection) -> (Vec<&str>, Vec<(&str, BlockReason)>) {
        (
            selection.candidates.iter().map(PartnerId::as_str).collect(),
            selection
                .blocked
                .iter()
                .map(|(due, why)| (due.partner.as_str(), *why))
                .collect(),
        )
    }

    /// 49.99 is carried, 50.00 is paid; 120.00 due and 75.50 owed is 44.50, which is carried.
    #[test]
    fn the_minimum_is_compared_with_what_would_be_paid() {
        let all = vec![
            due("a", 4_999, 0),
            due("b", 5_000, 0),
            due("c", 12_000, 7_550),
        ];
        let selection = select(all, 5_000, &HashSet::new());
        let below = BlockReason::BelowMinimum;
        assert_eq!(
            names(&selection),
            (vec!["b"], vec![("a", below), ("c", below)])
        );
        assert!(!selection.full);
    }

    #[test]
    fn who_owes_as_much_as_they_are_due_is_paid_nothing() {
        let selection = select(vec![due("a", 5, 5), due("b", 5, 9)], 0, &HashSet::new());
        assert!(selection.candidates.is_empty());
        assert_eq!(selection.blocked.len(), 2);
    }

    #[test]
    fn who_is_suspended_is_not_paid_whatever_the_amount() {
        let suspended = HashSet::from([partner("a")]);
        let selection = select(vec![due("a", 9, 0), due("b", 9, 0)], 0, &suspended);
        assert_eq!(
            names(&selection),
            (vec!["b"], vec![("a", BlockReason::PartnerSuspended)])
        );
    }

    #[test]
    fn a_batch_with_no_room_says_so() {
        let many = |payable| (0..=ITEMS_MAX).map(move |n| due(&format!("p{n}"), payable, 0));
        let selection = select(many(10).collect(), 0, &HashSet::new());
        assert_eq!(
            (selection.candidates.len(), selection.full),
            (ITEMS_MAX, true)
        );
        let selection = select(many(10).collect(), 11, &HashSet::new());
        assert_eq!((selection.blocked.len(), selection.full), (ITEMS_MAX, true));
        let selection = select(many(10).take(ITEMS_MAX).collect(), 0, &HashSet::new());
        assert!(!selection.full);
    }
}
