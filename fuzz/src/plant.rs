//! Faults that are planted on demand, to show that a target finds faults.

use std::sync::atomic::{AtomicBool, Ordering};

static PLANTED: AtomicBool = AtomicBool::new(false);

/// Says whether faults are planted.
pub(crate) fn decide(planted: bool) {
    PLANTED.store(planted, Ordering::Relaxed);
}

/// Breaks the rule of a target where the input is of this rare kind, if faults are planted.
#[track_caller]
pub(crate) fn fault(rare: bool) {
    assert!(
        !(rare && PLANTED.load(Ordering::Relaxed)),
        "the planted fault was found"
    );
}
