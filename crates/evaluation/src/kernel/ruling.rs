//! What is due of an award once people have ruled about it: a function of what its facts come to and of
//! the rulings, whatever came in which order.
//!
//! Whoever rejects 40.00 of an award of 100.00 says that the money from 60.00 to 100.00 is not paid. So
//! as the award comes to another amount,
//!
//! * it stays rejected, however often the award is computed;
//! * what the award rises to above 100.00 is judged anew;
//! * a fall takes what was rejected first, and nothing is taken back twice: at 70.00 there are still
//!   60.00 due, at 50.00 there are 50.00.
//!
//! Whoever adjusts an award by 30.00 says that so much more of it is due, or less, whatever it comes to. An
//! adjustment is a sum: two opposite ones are none, and what could not be taken off an award that has fallen
//! is taken of what it rises to, or made up for by what is added.

use trellis_core::incentive::{Ruling, RulingKind};

/// What is due of an award.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// How much, in minor units: what the award comes to, and the adjustments, less what is rejected. Never
    /// negative, and never less for an award that comes to more.
    pub minor: i64,
    /// How much is rejected. Never negative.
    pub rejected: i64,
    /// What was added, or taken off where it is below zero. No more is taken off than there is.
    pub adjusted: i64,
}

/// What is due of an award that comes to `entitled`, in minor units.
#[must_use]
pub fn due(entitled: i64, rulings: &[Ruling]) -> Due {
    // What is due of this amount, and of each that the award came to when something was ruled, as the
    // rulings are gone through.
    let then = rulings.iter().map(|ruling| ruling.entitled_minor);
    let mut left: Vec<(i64, i64)> = std::iter::once(entitled)
        .chain(then)
        .map(|amount| (amount, amount))
        .collect();
    let mut adjusted = 0;
    for (at, ruling) in rulings.iter().enumerate() {
        let of_then = left.get(at + 1).map_or(0, |(_, left)| *left);
        for (amount, left) in &mut left {
            *left = match ruling.kind {
                RulingKind::Adjusted => *left + ruling.minor,
                RulingKind::Rejected if *amount >= ruling.entitled_minor => *left - ruling.minor,
                RulingKind::Rejected => (*left).min(of_then - ruling.minor),
            };
        }
        if ruling.kind == RulingKind::Adjusted {
            adjusted += ruling.minor;
        }
    }
    let left = left.first().map_or(entitled, |(_, left)| *left);
    Due {
        minor: left.max(0),
        rejected: entitled + adjusted - left,
        adjusted: adjusted - left.min(0),
    }
}

/// The least that an award must come to for so much to be due, `entitled` at most: how much of what the
/// facts come to was paid, where so much was.
#[must_use]
pub fn entitled_for(due_minor: i64, entitled: i64, rulings: &[Ruling]) -> i64 {
    let (mut least, mut most) = (0, entitled.max(0));
    while least < most {
        let middle = least + (most - least) / 2;
        if due(middle, rulings).minor >= due_minor {
            most = middle;
        } else {
            least = middle + 1;
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trellis_core::Timestamp;

    use super::*;

    fn ruling(posting: i64, kind: RulingKind, minor: i64, entitled_minor: i64) -> Ruling {
        Ruling {
            posting,
            kind,
            minor,
            entitled_minor,
            reason_code: "NOT_ELIGIBLE".to_owned(),
            time: Timestamp::EPOCH,
            prepared_by: None,
        }
    }

    fn rejected(minor: i64, entitled_minor: i64) -> Ruling {
        ruling(1, RulingKind::Rejected, minor, entitled_minor)
    }

    #[test]
    fn without_a_ruling_all_of_it_is_due() {
        assert_eq!(due(100, &[]).minor, 100);
        assert_eq!(entitled_for(60, 100, &[]), 60);
    }

    /// 40 of 100 rejected.
    #[test]
    fn the_last_of_it_is_rejected() {
        let rulings = [rejected(40, 100)];
        for (entitled, expected) in [(150, 110), (100, 60), (70, 60), (60, 60), (50, 50), (0, 0)] {
            assert_eq!(due(entitled, &rulings).minor, expected, "{entitled}");
        }
        // 60 are due of 60 already; what was rejected was not paid.
        assert_eq!(entitled_for(60, 100, &rulings), 60);
        assert_eq!(entitled_for(80, 150, &rulings), 120);
    }

    /// All of 100, later 30 of the 50 that came on top.
    #[test]
    fn what_comes_on_top_is_judged_by_itself() {
        let rulings = [rejected(100, 100), rejected(30, 150)];
        for (entitled, expected) in [
            (160, 30),
            (150, 20),
            (130, 20),
            (120, 20),
            (110, 10),
            (100, 0),
        ] {
            assert_eq!(due(entitled, &rulings).minor, expected, "{entitled}");
        }
    }

    /// 10 of 100, then 40 at 120: the 20 on top, and what is left of the 20 next to the first 10.
    #[test]
    fn a_rejection_reaches_beneath_an_earlier_one() {
        let rulings = [rejected(10, 100), rejected(40, 120)];
        for (entitled, expected) in [(120, 70), (100, 70), (70, 70), (60, 60)] {
            assert_eq!(due(entitled, &rulings).minor, expected, "{entitled}");
        }
    }

    fn adjusted(minor: i64) -> Ruling {
        ruling(2, RulingKind::Adjusted, minor, 0)
    }

    #[test]
    fn an_adjustment_is_as_much_whatever_the_award_comes_to() {
        let rulings = [adjusted(-30)];
        for (entitled, minor, adjusted) in [(100, 70, -30), (40, 10, -30), (20, 0, -20), (0, 0, 0)]
        {
            let expected = Due {
                minor,
                rejected: 0,
                adjusted,
            };
            assert_eq!(due(entitled, &rulings), expected);
        }
        // The opposite undoes it, also where it could not take all that it said.
        assert_eq!(due(20, &[adjusted(-30), adjusted(30)]).minor, 20);
        // What is added makes up for that first.
        assert_eq!(due(20, &[adjusted(-30), adjusted(5)]).minor, 0);
        assert_eq!(due(20, &[adjusted(-30), adjusted(15)]).minor, 5);
        let rulings = [rejected(40, 100), adjusted(30)];
        let both = Due {
            minor: 90,
            rejected: 40,
            adjusted: 30,
        };
        assert_eq!(due(100, &rulings), both);
        // What was paid because it was added was not paid for the facts.
        assert_eq!(entitled_for(60, 100, &rulings), 30);
    }

    /// Rulings as they can come about: of what is due when they are made.
    fn any_rulings() -> impl Strategy<Value = Vec<Ruling>> {
        prop::collection::vec((0..1_000_i64, -100..=200_i64), 0..6).prop_map(|made| {
            let mut rulings: Vec<Ruling> = Vec::new();
            for (entitled, percent) in made {
                let posting = i64::try_from(rulings.len()).unwrap();
                let there = due(entitled, &rulings).minor;
                let (kind, minor) = match percent {
                    ..=0 => (RulingKind::Adjusted, there * percent / 100),
                    1..=100 => (RulingKind::Rejected, there * percent / 100),
                    _ => (RulingKind::Adjusted, percent),
                };
                if minor != 0 {
                    rulings.push(ruling(posting, kind, minor, entitled));
                }
            }
            rulings
        })
    }

    proptest! {
        /// I12 and I13: more of an award is never less due, and no coin is due twice.
        #[test]
        fn a_coin_more_is_a_coin_more_due_or_none(
            rulings in any_rulings(), entitled in 0..2_000_i64,
        ) {
            let step = due(entitled + 1, &rulings).minor - due(entitled, &rulings).minor;
            prop_assert!(step == 0 || step == 1);
            let Due {
                minor,
                rejected,
                adjusted,
            } = due(entitled, &rulings);
            prop_assert!(minor >= 0 && rejected >= 0);
            prop_assert_eq!(minor, entitled + adjusted - rejected);
        }

        /// What is ruled changes what is due by as much, then and for all that comes on top.
        #[test]
        fn a_ruling_takes_what_it_says(
            mut rulings in any_rulings(), entitled in 1..1_000_i64, percent in 1..=100_i64,
            more in 0..1_000_i64,
        ) {
            let before = (due(entitled, &rulings).minor, due(entitled + more, &rulings).minor);
            let minor = before.0 * percent / 100;
            rulings.push(ruling(9, RulingKind::Rejected, minor, entitled));
            prop_assert_eq!(due(entitled, &rulings).minor, before.0 - minor);
            prop_assert_eq!(due(entitled + more, &rulings).minor, before.1 - minor);
        }

        /// Whichever is forgotten gives back no more than it took.
        #[test]
        fn what_is_forgotten_gives_back_what_it_took_at_most(
            rulings in any_rulings(), at in 0..6_usize, entitled in 0..2_000_i64,
        ) {
            let rejected = (0..rulings.len()).filter(|at| rulings[*at].kind == RulingKind::Rejected);
            let rejected: Vec<usize> = rejected.collect();
            if rejected.is_empty() {
                return Ok(());
            }
            let mut without = rulings.clone();
            let forgotten = without.remove(rejected[at % rejected.len()]);
            let back = due(entitled, &without).minor - due(entitled, &rulings).minor;
            prop_assert!((0..=forgotten.minor).contains(&back), "{}", back);
        }

        #[test]
        fn the_least_that_is_so_much_due_is_the_least(
            rulings in any_rulings(), entitled in 0..2_000_i64, percent in 0..=100_i64,
        ) {
            let minor = due(entitled, &rulings).minor * percent / 100;
            let least = entitled_for(minor, entitled, &rulings);
            prop_assert!(due(least, &rulings).minor >= minor);
            prop_assert!(least == 0 || due(least - 1, &rulings).minor < minor);
        }
    }
}
