//! Which journals can be reversed, and as what. Pure.
//!
//! | Journal | Reversed by | Else |
//! |---|---|---|
//! | approval | approval reversal | |
//! | rejection | rejection reversal | |
//! | accrual, clawback, release | | follow from the facts, the plan version and the clock: the next evaluation would post them again |
//! | payout reserved, sent, settled, failed, returned | | the batch is moved, so that its state and the ledger say the same |
//! | adjustment | | it is adjusted by the opposite |
//! | hold, release of a hold | | the award is released, or held again |
//! | what reverses another | | what was reversed is done anew |
//!
//! So after a reversal, too, the parts of an award add up to what is due to its partner, and computing it
//! anew posts nothing.

use trellis_store::incentive::ledger::Kind;

/// As what a journal of a kind is reversed; or what is done in its place.
///
/// # Errors
/// The words for whoever asked for it.
pub const fn reversal(kind: Kind) -> Result<Kind, &'static str> {
    match kind {
        Kind::Approval => Ok(Kind::ApprovalReversal),
        Kind::Rejection => Ok(Kind::RejectionReversal),
        Kind::Accrual | Kind::Clawback => {
            Err("correct the facts or the plan version, and the award is computed anew")
        }
        Kind::Release => Err("what is out of its hold waits for approval; do not approve it"),
        Kind::Adjustment => Err("adjust the award by the opposite"),
        Kind::Hold => Err("release the award"),
        Kind::HoldRelease => Err("hold the award again"),
        Kind::PayoutReserve => Err("cancel the batch while it is not approved"),
        Kind::PayoutSend | Kind::PayoutSettle => Err(
            "money that has left is not called back; tell what the bank does with FailItem, ReturnItem",
        ),
        Kind::PayoutFail | Kind::PayoutReturn => Err("what is due again is paid by another batch"),
        Kind::PayoutCancel | Kind::ApprovalReversal | Kind::RejectionReversal => {
            Err("it reverses another; do again what that one did")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_reversed_as_its_exact_inverse_or_not_at_all() {
        let reversible: Vec<Kind> = Kind::ALL
            .into_iter()
            .filter(|kind| reversal(*kind).is_ok())
            .collect();
        assert_eq!(reversible, [Kind::Approval, Kind::Rejection]);
        for kind in reversible {
            assert_eq!(reversal(kind).unwrap().inverse_of(), Some(kind));
        }
    }

    #[test]
    fn what_reverses_another_is_never_reversed() {
        for kind in Kind::ALL
            .into_iter()
            .filter(|kind| kind.inverse_of().is_some())
        {
            assert!(reversal(kind).is_err(), "{kind:?}");
        }
    }
}
