//! From an entitlement to money that moves: what an evaluation posts, given where the money of the
//! award is.
//!
//! `posting = what is due of the entitlement - already posted`. A rise first settles what the partner owes for the same
//! award: that was approved and paid before. The rest of it is held, as far as its hold lasts, or
//! else waits for review. A fall is taken from what is held, by the plan and then by hand, then from
//! review, then from what is payable; what is left of it was paid or is on its way, and is owed. Last, what is held longer
//! than its hold lasts is released.

use trellis_core::incentive::Buckets;

/// What an evaluation posts, in minor units. None of them is negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// Earned again, after it had been paid and was owed: not owed any longer.
    pub accrue_owed: i64,
    /// Earned, and held.
    pub accrue_held: i64,
    /// Earned, and waiting for review.
    pub accrue_review: i64,
    /// No longer earned: taken from what was held.
    pub claw_held: i64,
    /// No longer earned: taken from what was held by hand.
    pub claw_on_hold: i64,
    /// No longer earned: taken from what waited for review.
    pub claw_review: i64,
    /// No longer earned: taken from what was payable.
    pub claw_payable: i64,
    /// No longer earned, but paid or on its way: owed.
    pub claw_owed: i64,
    /// Held no longer: waiting for review now.
    pub release: i64,
}

impl Moves {
    /// What was posted in all: what is due less what had been posted.
    pub fn delta(&self) -> i64 {
        self.accrue_owed + self.accrue_held + self.accrue_review
            - self.claw_held
            - self.claw_on_hold
            - self.claw_review
            - self.claw_payable
            - self.claw_owed
    }
}

/// What to post for an award of which so much is due, `matured` of it without a hold.
pub fn moves(due: i64, matured: i64, buckets: &Buckets) -> Moves {
    let mut moves = Moves::default();
    let keep_held = due - matured.clamp(0, due);
    let mut held = buckets.held;
    let delta = due - buckets.due();
    if delta > 0 {
        moves.accrue_owed = delta.min(buckets.owed);
        let rest = delta - moves.accrue_owed;
        moves.accrue_held = (keep_held - held).clamp(0, rest);
        moves.accrue_review = rest - moves.accrue_held;
        held += moves.accrue_held;
    } else {
        let mut rest = -delta;
        for (bucket, claw) in [
            (buckets.held, &mut moves.claw_held),
            (buckets.on_hold, &mut moves.claw_on_hold),
            (buckets.review, &mut moves.claw_review),
            (buckets.payable, &mut moves.claw_payable),
        ] {
            *claw = rest.min(bucket);
            rest -= *claw;
        }
        moves.claw_owed = rest;
        held -= moves.claw_held;
    }
    moves.release = (held - keep_held).max(0);
    moves
}

/// The same for an award that is held by hand: whatever it earns is held, and nothing is released.
pub fn moves_on_hold(due: i64, buckets: &Buckets) -> Moves {
    let moves = moves(due, 0, buckets);
    Moves {
        accrue_held: moves.accrue_held + moves.accrue_review,
        accrue_review: 0,
        release: 0,
        ..moves
    }
}

/// Where the money is after some moves.
pub fn apply(before: &Buckets, moves: &Moves) -> Buckets {
    let Moves {
        accrue_owed,
        accrue_held,
        accrue_review,
        claw_held,
        claw_on_hold,
        claw_review,
        claw_payable,
        claw_owed,
        release,
    } = *moves;
    Buckets {
        held: before.held + accrue_held - claw_held - release,
        on_hold: before.on_hold - claw_on_hold,
        review: before.review + accrue_review - claw_review + release,
        payable: before.payable - claw_payable,
        owed: before.owed + claw_owed - accrue_owed,
        ..*before
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trellis_core::Currency;

    use super::*;

    fn buckets(held: i64, review: i64, payable: i64, in_payout: i64, paid: i64) -> Buckets {
        Buckets {
            held,
            review,
            payable,
            in_payout,
            paid,
            ..Buckets::empty(Currency::USD)
        }
    }

    #[test]
    fn what_is_earned_with_a_hold_is_held() {
        let moves = moves(100, 0, &Buckets::empty(Currency::USD));
        assert_eq!(
            moves,
            Moves {
                accrue_held: 100,
                ..Moves::default()
            }
        );
    }

    #[test]
    fn what_is_earned_without_a_hold_waits_for_review() {
        let moves = moves(100, 100, &Buckets::empty(Currency::USD));
        assert_eq!(
            moves,
            Moves {
                accrue_review: 100,
                ..Moves::default()
            }
        );
    }

    #[test]
    fn what_matures_is_released() {
        let moves = moves(100, 70, &buckets(100, 0, 0, 0, 0));
        assert_eq!(
            moves,
            Moves {
                release: 70,
                ..Moves::default()
            }
        );
    }

    #[test]
    fn a_fall_takes_from_held_then_review_then_payable_and_the_rest_is_owed() {
        let moves = moves(0, 0, &buckets(10, 20, 30, 5, 35));
        let expected = Moves {
            claw_held: 10,
            claw_review: 20,
            claw_payable: 30,
            claw_owed: 40,
            ..Moves::default()
        };
        assert_eq!(moves, expected);
    }

    #[test]
    fn a_fall_takes_no_more_than_it_must() {
        let moves = moves(90, 0, &buckets(10, 20, 30, 5, 35));
        assert_eq!(
            moves,
            Moves {
                claw_held: 10,
                ..Moves::default()
            }
        );
    }

    #[test]
    fn a_late_fact_whose_hold_is_over_is_not_held() {
        let moves = moves(150, 50, &buckets(100, 0, 0, 0, 0));
        assert_eq!(
            moves,
            Moves {
                accrue_review: 50,
                ..Moves::default()
            }
        );
    }

    #[test]
    fn what_was_owed_and_is_earned_again_is_owed_no_longer() {
        let owing = Buckets {
            paid: 100,
            owed: 40,
            ..Buckets::empty(Currency::USD)
        };
        let moves = moves(110, 110, &owing);
        assert_eq!(
            moves,
            Moves {
                accrue_owed: 40,
                accrue_review: 10,
                ..Moves::default()
            }
        );
    }

    fn any_buckets() -> impl Strategy<Value = Buckets> {
        let amount = || 0..1_000_i64;
        let unpaid = (amount(), amount(), amount(), amount());
        (unpaid, amount(), amount(), 0..=100_i64).prop_map(
            |((held, on_hold, review, payable), in_payout, paid, percent)| Buckets {
                on_hold,
                // No more can be owed than was paid or is on its way.
                owed: (in_payout + paid) * percent / 100,
                ..buckets(held, review, payable, in_payout, paid)
            },
        )
    }

    proptest! {
        /// I07: the buckets add up to what is due after every posting.
        #[test]
        fn the_buckets_add_up_to_what_is_due(
            before in any_buckets(), due in 0..5_000_i64, matured in 0..6_000_i64,
        ) {
            let moves = moves(due, matured, &before);
            let after = apply(&before, &moves);
            prop_assert_eq!(after.due(), due);
            prop_assert_eq!(moves.delta(), due - before.due());
        }

        /// I03 and I09: nothing is taken that is not there, and nothing moves backwards.
        #[test]
        fn no_bucket_falls_below_zero(
            before in any_buckets(), due in 0..5_000_i64, matured in 0..6_000_i64,
        ) {
            let moves = moves(due, matured, &before);
            let after = apply(&before, &moves);
            for amount in [after.held, after.on_hold, after.review, after.payable, after.owed] {
                prop_assert!(amount >= 0);
            }
            let Moves {
                accrue_owed,
                accrue_held,
                accrue_review,
                claw_held,
                claw_on_hold,
                claw_review,
                claw_payable,
                claw_owed,
                release,
            } = moves;
            let accrued = [accrue_owed, accrue_held, accrue_review];
            let clawed = [claw_held, claw_on_hold, claw_review, claw_payable, claw_owed];
            for amount in accrued.into_iter().chain(clawed).chain([release]) {
                prop_assert!(amount >= 0);
            }
            prop_assert!(claw_owed == 0 || after.held + after.on_hold + after.review + after.payable == 0);
        }

        /// What is held by hand gets no further, however long its plan would hold it.
        #[test]
        fn nothing_that_is_held_by_hand_gets_on(
            before in any_buckets(), due in 0..5_000_i64,
        ) {
            let moves = moves_on_hold(due, &before);
            let after = apply(&before, &moves);
            prop_assert_eq!(after.due(), due);
            prop_assert!(after.review <= before.review && after.payable <= before.payable);
            prop_assert_eq!(moves_on_hold(due, &after), Moves::default());
        }

        /// I11: a second run posts nothing.
        #[test]
        fn a_second_run_posts_nothing(
            before in any_buckets(), due in 0..5_000_i64, matured in 0..6_000_i64,
        ) {
            let first = moves(due, matured, &before);
            let second = moves(due, matured, &apply(&before, &first));
            prop_assert_eq!(second, Moves::default());
        }
    }
}
