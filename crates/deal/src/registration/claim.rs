//! Between the wire and the rows: what a registration claims beside its customer and products.

use trellis_api::deal::v1::registration as pb;
use trellis_api::deal::v1::registration::proof;
use trellis_api::{Fields, date};
use trellis_store::deal::claim::{EntityScope, GrantedRole, Proof, ProofKind};

use crate::edit::some;

/// Values that are none are refused by the contract's own rules.
pub(super) fn scope(sent: i32) -> EntityScope {
    match pb::EntityScope::try_from(sent) {
        Ok(pb::EntityScope::Group) => EntityScope::Group,
        Ok(pb::EntityScope::Site) => EntityScope::Site,
        Ok(pb::EntityScope::Entity | pb::EntityScope::Unspecified) | Err(_) => EntityScope::Entity,
    }
}

pub(super) fn wire_scope(scope: EntityScope) -> pb::EntityScope {
    match scope {
        EntityScope::Entity => pb::EntityScope::Entity,
        EntityScope::Group => pb::EntityScope::Group,
        EntityScope::Site => pb::EntityScope::Site,
    }
}

pub(super) fn wire_role(role: GrantedRole) -> pb::Role {
    match role {
        GrantedRole::Sourced => pb::Role::Sourced,
        GrantedRole::CoSell => pb::Role::CoSell,
    }
}

pub(super) fn proofs(fields: &mut Fields, sent: Vec<pb::Proof>) -> Option<Vec<Proof>> {
    let read: Vec<Option<Proof>> = sent
        .into_iter()
        .enumerate()
        .map(|(index, sent)| {
            let path = format!("registration.proofs[{index}].date");
            let date = fields.date(&path, sent.date);
            Some(Proof {
                kind: kind(sent.kind)?,
                date: date?,
                note: some(sent.note),
                sha256: some(sent.sha256),
            })
        })
        .collect();
    read.into_iter().collect()
}

fn kind(sent: i32) -> Option<ProofKind> {
    Some(match proof::Kind::try_from(sent).ok()? {
        proof::Kind::Unspecified => return None,
        proof::Kind::Meeting => ProofKind::Meeting,
        proof::Kind::Poc => ProofKind::Poc,
        proof::Kind::Quote => ProofKind::Quote,
        proof::Kind::Mail => ProofKind::Mail,
        proof::Kind::CustomerLetter => ProofKind::CustomerLetter,
        proof::Kind::NominationLetter => ProofKind::NominationLetter,
    })
}

pub(super) fn wire_proof(proof: Proof) -> pb::Proof {
    let Proof {
        kind,
        date: day,
        note,
        sha256,
    } = proof;
    let kind = match kind {
        ProofKind::Meeting => proof::Kind::Meeting,
        ProofKind::Poc => proof::Kind::Poc,
        ProofKind::Quote => proof::Kind::Quote,
        ProofKind::Mail => proof::Kind::Mail,
        ProofKind::CustomerLetter => proof::Kind::CustomerLetter,
        ProofKind::NominationLetter => proof::Kind::NominationLetter,
    };
    pb::Proof {
        kind: kind.into(),
        date: Some(date::wire(day)),
        note: note.unwrap_or_default(),
        sha256: sha256.unwrap_or_default(),
    }
}
