//! How the worked cases come to their awards: here by the evaluation and by what is compiled of each
//! version, which must agree. Tests of whole servers take the same cases through a server.

use std::collections::BTreeMap;

use trellis_core::Timestamp;
use trellis_evaluation::compiled::Compiled;
use trellis_evaluation::evaluate::{Award, Facts, Ready, evaluate};
use trellis_evaluation::plan::PlanVersion;

use crate::scene::ready;

pub(crate) fn awards(plans: &[PlanVersion], facts: &Facts) -> Vec<Award> {
    let versions = ready(plans);
    for version in &versions {
        also_compiled(version, facts);
    }
    evaluate(&versions, facts, Timestamp::from_micros(i64::MAX)).unwrap()
}

/// Compares a version with what is compiled of it, by itself and without what was posted.
fn also_compiled(version: &Ready, facts: &Facts) {
    let Ok(compiled) = Compiled::new(version) else {
        return;
    };
    let facts = Facts {
        posted: BTreeMap::new(),
        ..facts.clone()
    };
    let compared = crate::twice::compare(version, &compiled, &facts, 2);
    assert_eq!(compared.difference, None, "{:#?}", version.version());
}
