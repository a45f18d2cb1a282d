use trellis_core::{EcosystemId, RegistrationId, Timestamp};

use super::*;
use crate::registration::rules::tests::free;

fn row() -> registration_decision::Model {
    let basis = free();
    let outcome = rules::decide(&basis);
    let basis = basis.canonical().unwrap();
    registration_decision::Model {
        ecosystem: EcosystemId::try_new("acme").unwrap(),
        registration: RegistrationId::try_new("asking").unwrap(),
        number: 1,
        occasion: Occasion::Submission,
        rule: outcome.rule.clone(),
        reason_code: outcome.reason_code.clone(),
        rules_version: 1,
        actor: "somebody".into(),
        note: None,
        decide_time: Timestamp::EPOCH,
        basis_sha256: basis::hash(&basis),
        basis,
        outcome: serde_json::to_string(&outcome).unwrap(),
    }
}

/// Whether a decision agrees with what was kept, after somebody changed something in the database.
fn agrees(change: impl FnOnce(&mut registration_decision::Model)) -> bool {
    let mut row = row();
    change(&mut row);
    Kept::read(&row).is_ok_and(|kept| kept.agrees)
}

#[test]
fn a_decision_can_be_made_again_from_what_was_kept() {
    assert!(agrees(|_| {}));
}

#[test]
fn every_changed_byte_of_a_basis_is_found() {
    let bytes = row().basis.len();
    for at in 0..bytes {
        let changed = agrees(|row| {
            let other = if row.basis.as_bytes()[at] == b'0' {
                "1"
            } else {
                "0"
            };
            row.basis.replace_range(at..=at, other);
        });
        assert!(!changed, "byte {at} of {bytes}");
    }
}

#[test]
fn a_basis_with_a_new_hash_does_not_make_another_outcome() {
    let forged = |row: &mut registration_decision::Model| {
        row.basis = row.basis.replace("\"enrolled\":true", "\"enrolled\":false");
        row.basis_sha256 = basis::hash(&row.basis);
    };
    assert!(!agrees(forged));
    assert!(!agrees(|row| row.rule = "R4".into()));
    assert!(!agrees(
        |row| row.outcome = row.outcome.replace("AUTOMATIC", "PROMOTED")
    ));
}

#[test]
fn a_basis_is_kept_with_its_keys_sorted_and_reads_back_as_it_was() {
    let basis = free();
    let text = basis.canonical().unwrap();
    assert_eq!(serde_json::from_str::<Basis>(&text).unwrap(), basis);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<_> = value.as_object().unwrap().keys().collect();
    assert!(keys.is_sorted());
    assert!(text.starts_with("{\"asks_a_person\":"), "{text}");
}
