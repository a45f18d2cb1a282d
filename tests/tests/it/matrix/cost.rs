//! What it costs to decide. The figure of the release build is told by `cargo bench -p trellis-api`;
//! this holds that it stays far below what anything else of a call costs, in whatever build and on
//! whatever machine the tests run.

use std::hint::black_box;
use std::time::{Duration, Instant};

use trellis_api::METHODS;
use trellis_core::EcosystemId;
use trellis_core::access::authorize;

use super::who::Who;

/// Of the build for tests, which is slower than the release by more than ten times.
const BOUND: Duration = Duration::from_micros(20);

#[test]
fn deciding_costs_next_to_nothing() {
    let acme = EcosystemId::try_new("acme").unwrap();
    let principals: Vec<_> = Who::ALL.into_iter().filter_map(Who::principal).collect();
    let calls = u32::try_from(METHODS.len() * principals.len()).unwrap();
    // Whatever else the machine does disturbs some rounds, and hardly all.
    let round = || {
        let begun = Instant::now();
        for method in METHODS {
            for principal in &principals {
                black_box(authorize(principal, &method.access, &acme));
            }
        }
        begun.elapsed() / calls
    };
    let best = (0..50).map(|_| round()).min().unwrap();
    println!("authorize takes {best:?} in this build");
    assert!(best < BOUND, "{best:?}");
}
