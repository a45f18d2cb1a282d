//! Identifiers and records in other systems, between the wire and the rows. What is no valid number
//! never gets into a row.

use std::collections::HashSet;

use trellis_api::Fields;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::account_identifier::Type;
use trellis_store::deal::identity::{CrmRecord, Identifier, IdentifierType};

use super::identity;
use crate::edit::some;

/// An identifier on the wire.
pub(super) fn wire(identifier: Identifier) -> pb::AccountIdentifier {
    let r#type = match identifier.r#type {
        IdentifierType::Lei => Type::Lei,
        IdentifierType::Duns => Type::Duns,
        IdentifierType::Vat => Type::Vat,
        IdentifierType::RegistrationNumber => Type::RegistrationNumber,
    };
    pb::AccountIdentifier {
        r#type: r#type.into(),
        value: identifier.value,
        region_code: identifier.region_code.unwrap_or_default(),
        source: identifier.source.unwrap_or_default(),
        verify_time: identifier.verify_time.map(trellis_api::time::wire),
    }
}

/// A record on the wire.
pub(super) fn record(record: CrmRecord) -> pb::CrmRecord {
    let CrmRecord { system, record_id } = record;
    pb::CrmRecord { system, record_id }
}

/// The identifiers as they were given, if each of them is one and is there once.
pub(super) fn read(
    at: &str,
    given: Vec<pb::AccountIdentifier>,
    fields: &mut Fields,
) -> Option<Vec<Identifier>> {
    let mut known = HashSet::new();
    let mut all = Some(Vec::with_capacity(given.len()));
    for (index, given) in given.into_iter().enumerate() {
        let at = format!("{at}[{index}]");
        let read = one(&at, given, fields).filter(|one| {
            let new = identity::key_of(one).is_none_or(|key| known.insert(key));
            if !new {
                fields.refuse(&at, "unique", "is there already, however it is written");
            }
            new
        });
        all = all.zip(read).map(|(mut all, one)| {
            all.push(one);
            all
        });
    }
    all
}

fn one(at: &str, given: pb::AccountIdentifier, fields: &mut Fields) -> Option<Identifier> {
    let r#type = match given.r#type() {
        // The contract's own rule refuses it.
        Type::Unspecified => return None,
        Type::Lei => IdentifierType::Lei,
        Type::Duns => IdentifierType::Duns,
        Type::Vat => IdentifierType::Vat,
        Type::RegistrationNumber => IdentifierType::RegistrationNumber,
    };
    let verify_time = match &given.verify_time {
        Some(time) => {
            let read = trellis_api::time::read(time);
            Some(fields.take(&format!("{at}.verify_time"), read)?)
        }
        None => None,
    };
    let identifier = Identifier {
        r#type,
        value: given.value,
        region_code: some(given.region_code),
        source: some(given.source),
        verify_time,
    };
    match identity::wrong(&identifier) {
        None => Some(identifier),
        Some((field, rule, description)) => {
            fields.refuse(format!("{at}.{field}"), rule, description);
            None
        }
    }
}

/// The records as they were given, if each is there once.
pub(super) fn records(
    at: &str,
    given: Vec<pb::CrmRecord>,
    fields: &mut Fields,
) -> Option<Vec<CrmRecord>> {
    let mut all: Vec<CrmRecord> = Vec::with_capacity(given.len());
    let mut twice = false;
    for (index, pb::CrmRecord { system, record_id }) in given.into_iter().enumerate() {
        let record = CrmRecord { system, record_id };
        if all.contains(&record) {
            twice = true;
            fields.refuse(format!("{at}[{index}]"), "unique", "is there already");
        }
        all.push(record);
    }
    (!twice).then_some(all)
}
