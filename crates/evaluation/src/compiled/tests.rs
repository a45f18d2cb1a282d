//! The control: a kernel that is wrong in one thing is told from `evaluate` within as many histories as
//! the right one is compared over.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Compiled, Fault};
use crate::evaluate::{Facts, Ready};
use crate::twice::compare;
use crate::wide::{amounts_at_the_edge, wide_history, wide_plan};

const FAULTS: [Fault; 13] = [
    Fault::BandEdge,
    Fault::RoundsEachFact,
    Fault::CutsInstead,
    Fault::IgnoresRefunds,
    Fault::LimitsBeforeRounding,
    Fault::LimitsFillNothing,
    Fault::SplitsAnew,
    Fault::ClawsTooLong,
    Fault::UnknownHolds,
    Fault::LastIsFirst,
    Fault::SamePeriod,
    Fault::ForgetsDebt,
    Fault::Wraps,
];

#[test]
fn a_kernel_that_is_wrong_in_one_thing_is_noticed() {
    for fault in FAULTS {
        let mut rng = StdRng::seed_from_u64(35);
        let noticed = (0..10_000).find(|_| {
            let plan = wide_plan(&mut rng);
            let mut facts: Facts = wide_history(&mut rng, &plan);
            if fault == Fault::Wraps {
                amounts_at_the_edge(&mut rng, &mut facts.facts);
            }
            let ready = Ready::new(plan).unwrap();
            let wrong = Compiled::with(&ready, fault).unwrap();
            compare(&ready, &wrong, &facts, 1).difference.is_some()
        });
        println!("{fault:?}: noticed by history {noticed:?}");
        assert!(noticed.is_some(), "{fault:?}");
    }
}
