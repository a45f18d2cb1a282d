//! Resource names: what is read is what is written, letter for letter, or it is refused.

use trellis_api::name;
use trellis_core::{EcosystemId, PartnerId, PlanId, ProgramId, TierId, Violation};

use crate::plant;

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // Any ecosystem that the text itself names, so that a fuzzer can find names of it.
    let named = text
        .split('/')
        .nth(1)
        .and_then(|id| EcosystemId::try_new(id).ok());
    let acme = EcosystemId::try_new("acme").expect("an id");
    let ecosystem = named.unwrap_or(acme);
    one(&ecosystem, text);
    child(&ecosystem, text);
    numbered(&ecosystem, text);
    if let Ok(id) = EcosystemId::try_new(text) {
        assert_eq!(id.as_str(), text);
        assert!((1..=63).contains(&text.len()));
    }
}

fn one(ecosystem: &EcosystemId, text: &str) {
    match name::read::<PartnerId>(ecosystem, text) {
        Ok(id) => assert_eq!(name::name(ecosystem, &id), text),
        Err(violation) => refused(&violation),
    }
}

fn child(ecosystem: &EcosystemId, text: &str) {
    match name::read_child::<ProgramId, TierId>(ecosystem, text) {
        Ok((program, tier)) => {
            plant::fault(tier.as_str().contains('-'));
            assert_eq!(name::child_name(ecosystem, &program, &tier), text);
        }
        Err(violation) => refused(&violation),
    }
}

fn numbered(ecosystem: &EcosystemId, text: &str) {
    match name::read_numbered::<PlanId>(ecosystem, "versions", text) {
        Ok((plan, number)) => {
            assert!(number >= 1);
            let written = name::numbered_name(ecosystem, &plan, "versions", number);
            assert_eq!(written, text);
        }
        Err(violation) => refused(&violation),
    }
}

fn refused(violation: &Violation) {
    assert_eq!(violation.rule, "resource_name");
    assert!(violation.description.len() < 400, "{violation:?}");
}
