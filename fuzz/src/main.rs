//! Fuzz targets: what reads bytes of strangers, with the rules that must hold for every input.
//!
//! One program holds all targets, because it is linked once; `TRELLIS_FUZZ_TARGET` says which one
//! runs. libFuzzer makes the inputs, guided by which code they reach. A target is a function that
//! takes an input and panics when a rule is broken; that nothing else panics is the first rule.
//!
//! `TRELLIS_FUZZ_PLANT=1` plants a fault in the target: a rule that some inputs break which only a
//! fuzzer that is guided finds. `scripts/fuzz` runs each target so, too, and fails when the fault is
//! not found: that shows that the target can fail at all.

#![no_main]

mod plant;
mod targets;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();

fuzz_target!(init: {
    let name = variable("TRELLIS_FUZZ_TARGET").unwrap_or_default();
    let found = targets::ALL.iter().find(|(known, _)| *known == name);
    let Some((_, target)) = found else {
        let known: Vec<_> = targets::ALL.iter().map(|(known, _)| *known).collect();
        eprintln!("error: TRELLIS_FUZZ_TARGET must be one of {}", known.join(", "));
        std::process::exit(2);
    };
    plant::decide(variable("TRELLIS_FUZZ_PLANT").as_deref() == Some("1"));
    TARGET.get_or_init(|| *target);
}, |data: &[u8]| {
    if let Some(target) = TARGET.get() {
        target(data);
    }
});

#[expect(
    clippy::disallowed_methods,
    reason = "whoever starts a fuzzer tells it by the environment what to run"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
