//! What a statement says, from what the lines on a partner's accounts come to. Pure.
//!
//! The balance of a statement is what the partner has (held, in review, payable, in payout), less
//! what it owes. A movement is told by the kind of its journal:
//!
//! | Kind | Movement |
//! |---|---|
//! | accrual | earned |
//! | clawback | clawed back |
//! | rejection | rejected; taken back, the other way round |
//! | adjustment | adjusted, up or down |
//! | payout sent | paid |
//! | payout failed or returned | paid, the other way round: what was set off is owed again |
//! | payout reserved or cancelled | set off: it lowers what is due and what is owed, and so changes no balance |
//! | release, approval, approval taken back, hold, its release | none: money that was the partner's stays so |

use std::collections::BTreeMap;

use trellis_core::Currency;
use trellis_store::incentive::ledger::statement::Part;
use trellis_store::incentive::ledger::{Class, Kind};

/// What a movement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Movement {
    /// Earned.
    Earned,
    /// Taken back.
    ClawedBack,
    /// Rejected, or not rejected after all.
    Rejected,
    /// Adjusted.
    Adjusted,
    /// Sent to the partner.
    Paid,
    /// Set off.
    SetOff,
    /// Sent to the partner, and come back.
    Returned,
}

/// What a journal of a kind does to what a partner has. Nothing, if it only moves it about.
#[must_use]
pub const fn movement(kind: Kind) -> Option<Movement> {
    match kind {
        Kind::Accrual => Some(Movement::Earned),
        Kind::Clawback => Some(Movement::ClawedBack),
        Kind::Rejection | Kind::RejectionReversal => Some(Movement::Rejected),
        Kind::Adjustment => Some(Movement::Adjusted),
        Kind::PayoutSend => Some(Movement::Paid),
        Kind::PayoutReserve | Kind::PayoutCancel => Some(Movement::SetOff),
        Kind::PayoutFail | Kind::PayoutReturn => Some(Movement::Returned),
        Kind::Release
        | Kind::Approval
        | Kind::PayoutSettle
        | Kind::ApprovalReversal
        | Kind::Hold
        | Kind::HoldRelease => None,
    }
}

/// The totals of one currency, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// What the partner had before the period, less what it owed.
    pub opening: i64,
    /// What it earned.
    pub earned: i64,
    /// What was taken back.
    pub clawed_back: i64,
    /// What was rejected.
    pub rejected: i64,
    /// What was added, less what was taken off.
    pub adjusted: i64,
    /// What was sent to it.
    pub paid: i64,
    /// What was set off.
    pub set_off: i64,
    /// What it had after the period, less what it owed.
    pub closing: i64,
    /// What of that is held.
    pub held: i64,
    /// What of that is in review.
    pub review: i64,
    /// What of that is payable.
    pub payable: i64,
    /// What of that is in payout.
    pub in_payout: i64,
    /// What is owed.
    pub owed: i64,
}

impl Totals {
    /// The statement's own check: the movements lead from the opening to the closing balance, and
    /// the parts add up to it.
    #[must_use]
    pub const fn adds_up(&self) -> bool {
        let moved = self.opening + self.earned - self.clawed_back - self.rejected + self.adjusted
            - self.paid;
        let parts = self.held + self.review + self.payable + self.in_payout - self.owed;
        moved == self.closing && parts == self.closing
    }

    fn count(&mut self, part: &Part) {
        let &Part {
            currency: _,
            class,
            kind,
            within,
            debit,
            credit,
        } = part;
        let (added, owed) = match class {
            Class::Held => (&mut self.held, false),
            Class::Review => (&mut self.review, false),
            Class::Payable => (&mut self.payable, false),
            Class::InPayout => (&mut self.in_payout, false),
            Class::Receivable => (&mut self.owed, true),
            // The set-off is closed by every journal, and the others are not a partner's.
            Class::SetOff
            | Class::Cash
            | Class::PayoutClearing
            | Class::ContraRevenue
            | Class::CommissionExpense => return,
        };
        *added += if owed { debit - credit } else { credit - debit };
        let delta = credit - debit;
        self.closing += delta;
        if !within {
            self.opening += delta;
            return;
        }
        match movement(kind) {
            Some(Movement::Earned) => self.earned += delta,
            Some(Movement::ClawedBack) => self.clawed_back -= delta,
            Some(Movement::Rejected) => self.rejected -= delta,
            Some(Movement::Adjusted) => self.adjusted += delta,
            Some(Movement::Paid) => self.paid -= delta,
            Some(Movement::SetOff) if owed => self.set_off += delta,
            Some(Movement::Returned) => {
                self.paid -= delta;
                if owed {
                    self.set_off += delta;
                }
            }
            Some(Movement::SetOff) | None => {}
        }
    }
}

/// The totals by currency.
#[must_use]
pub fn totals(parts: &[Part]) -> BTreeMap<Currency, Totals> {
    let mut totals: BTreeMap<Currency, Totals> = BTreeMap::new();
    for part in parts {
        totals.entry(part.currency).or_default().count(part);
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(class: Class, kind: Kind, within: bool, debit: i64, credit: i64) -> Part {
        Part {
            currency: Currency::USD,
            class,
            kind,
            within,
            debit,
            credit,
        }
    }

    /// 100 earned and sent before the period; then 60 earned, released, approved; 30 of the first
    /// taken back; a batch reserves the 60 and sets the 30 off; 30 sent.
    fn parts() -> Vec<Part> {
        vec![
            part(Class::Held, Kind::Accrual, false, 0, 100),
            part(Class::Held, Kind::Release, false, 100, 0),
            part(Class::Review, Kind::Release, false, 0, 100),
            part(Class::Review, Kind::Approval, false, 100, 0),
            part(Class::Payable, Kind::Approval, false, 0, 100),
            part(Class::Payable, Kind::PayoutReserve, false, 100, 0),
            part(Class::InPayout, Kind::PayoutReserve, false, 0, 100),
            part(Class::InPayout, Kind::PayoutSend, false, 100, 0),
            part(Class::Held, Kind::Accrual, true, 0, 60),
            part(Class::Held, Kind::Release, true, 60, 0),
            part(Class::Review, Kind::Release, true, 0, 60),
            part(Class::Review, Kind::Approval, true, 60, 0),
            part(Class::Payable, Kind::Approval, true, 0, 60),
            part(Class::Receivable, Kind::Clawback, true, 30, 0),
            part(Class::Payable, Kind::PayoutReserve, true, 60, 0),
            part(Class::SetOff, Kind::PayoutReserve, true, 30, 30),
            part(Class::Receivable, Kind::PayoutReserve, true, 0, 30),
            part(Class::InPayout, Kind::PayoutReserve, true, 0, 30),
            part(Class::InPayout, Kind::PayoutSend, true, 30, 0),
        ]
    }

    #[test]
    fn opening_and_movements_lead_to_closing() {
        let all = totals(&parts());
        let expected = Totals {
            earned: 60,
            clawed_back: 30,
            paid: 30,
            set_off: 30,
            ..Totals::default()
        };
        assert_eq!(all.get(&Currency::USD), Some(&expected));
        assert!(expected.adds_up());
    }

    #[test]
    fn what_is_left_is_told_by_where_it_is() {
        let sent = part(Class::InPayout, Kind::PayoutSend, true, 30, 0);
        let left: Vec<Part> = parts().into_iter().filter(|part| *part != sent).collect();
        let all = totals(&left);
        let usd = all.get(&Currency::USD).unwrap();
        assert_eq!(
            (usd.opening, usd.paid, usd.closing, usd.in_payout),
            (0, 0, 30, 30)
        );
        assert!(usd.adds_up());
    }

    #[test]
    fn what_comes_back_is_due_again_and_what_was_set_off_is_owed_again() {
        for (kind, from) in [
            (Kind::PayoutFail, Class::PayoutClearing),
            (Kind::PayoutReturn, Class::Cash),
        ] {
            let mut parts = parts();
            parts.extend([
                part(Class::Payable, kind, true, 0, 60),
                part(Class::SetOff, kind, true, 30, 30),
                part(Class::Receivable, kind, true, 30, 0),
                part(from, kind, true, 30, 0),
            ]);
            let expected = Totals {
                earned: 60,
                clawed_back: 30,
                closing: 30,
                payable: 60,
                owed: 30,
                ..Totals::default()
            };
            assert_eq!(totals(&parts).get(&Currency::USD), Some(&expected));
            assert!(expected.adds_up());
        }
    }

    #[test]
    fn what_is_ruled_is_told_apart_from_what_is_computed() {
        let mut parts = parts();
        parts.extend([
            part(Class::Review, Kind::Accrual, true, 0, 50),
            part(Class::Review, Kind::Rejection, true, 40, 0),
            part(Class::Review, Kind::RejectionReversal, true, 0, 15),
            part(Class::Review, Kind::Adjustment, true, 0, 9),
            part(Class::Receivable, Kind::Adjustment, true, 4, 0),
        ]);
        let expected = Totals {
            earned: 110,
            clawed_back: 30,
            rejected: 25,
            adjusted: 5,
            paid: 30,
            set_off: 30,
            closing: 30,
            review: 34,
            owed: 4,
            ..Totals::default()
        };
        assert_eq!(totals(&parts).get(&Currency::USD), Some(&expected));
        assert!(expected.adds_up());
    }

    #[test]
    fn each_currency_has_totals_of_its_own() {
        let euro = Part {
            currency: Currency::EUR,
            ..part(Class::Review, Kind::Accrual, true, 0, 7)
        };
        let mut parts = parts();
        parts.push(euro);
        let all = totals(&parts);
        assert_eq!(all.len(), 2);
        let euro = all.get(&Currency::EUR).unwrap();
        assert_eq!((euro.earned, euro.closing, euro.review), (7, 7, 7));
    }

    #[test]
    fn a_statement_that_does_not_add_up_is_told() {
        // A release that loses money on its way.
        let lost = [
            part(Class::Held, Kind::Accrual, true, 0, 60),
            part(Class::Held, Kind::Release, true, 60, 0),
            part(Class::Review, Kind::Release, true, 0, 59),
        ];
        let all = totals(&lost);
        assert!(!all.get(&Currency::USD).unwrap().adds_up());
    }
}
