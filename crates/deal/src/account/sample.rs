//! Accounts for tests.

use trellis_core::{AccountId, EcosystemId, Timestamp};
use trellis_matching::domain;
use trellis_store::deal::account::{Domains, Model, State};
use trellis_store::deal::identity::{Aliases, CrmRecords, Identifier, IdentifierType, Identifiers};

use super::identity::KEY_VERSION;

pub(crate) fn id(id: &str) -> AccountId {
    AccountId::try_new(id).unwrap()
}

/// An account of which nothing is known but its name.
pub(crate) fn account(of: &str, display_name: &str) -> Model {
    let now = Timestamp::from_micros(0);
    Model {
        ecosystem: EcosystemId::try_new("acme").unwrap(),
        id: id(of),
        partner: None,
        display_name: display_name.to_owned(),
        region_code: None,
        domains: Domains::default(),
        registrable_domains: Domains::default(),
        industry: None,
        annual_revenue_minor: None,
        annual_revenue_currency: None,
        employee_count: 0,
        founded_year: 0,
        parent_account: None,
        pending_parent_external_id: None,
        external_id: None,
        canary: false,
        identifiers: Identifiers::default(),
        aliases: Aliases::default(),
        crm_records: CrmRecords::default(),
        ultimate_parent: None,
        successor_account: None,
        state: State::Active,
        merged_into: None,
        moved: None,
        key_version: KEY_VERSION,
        version: 1,
        create_time: now,
        update_time: now,
    }
}

/// The same at some domains.
pub(crate) fn at(account: Model, domains: &[&str]) -> Model {
    Model {
        registrable_domains: Domains(domain::registrable_domains(domains)),
        ..account
    }
}

pub(crate) fn number(r#type: IdentifierType, value: &str, region_code: &str) -> Identifier {
    Identifier {
        r#type,
        value: value.to_owned(),
        region_code: Some(region_code.to_owned()).filter(|code| !code.is_empty()),
        source: None,
        verify_time: None,
    }
}

/// The same with identifiers.
pub(crate) fn with(account: Model, identifiers: &[Identifier]) -> Model {
    Model {
        identifiers: Identifiers(identifiers.to_vec()),
        ..account
    }
}
