//! What tells one account from another beside its domains, as columns hold it.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use trellis_core::{AccountId, DealId, RegistrationId, Timestamp};

/// The kinds of numbers by which registers and authorities know an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IdentifierType {
    /// A legal entity identifier (ISO 17442).
    Lei,
    /// A D-U-N-S number.
    Duns,
    /// A number for value added tax.
    Vat,
    /// A number in the register of companies of a country.
    RegistrationNumber,
}

/// A number by which a register or an authority knows an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// What kind of number it is.
    pub r#type: IdentifierType,
    /// The number, as it was given.
    pub value: String,
    /// The country of its register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_code: Option<String>,
    /// Where it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When somebody last looked it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_time: Option<Timestamp>,
}

/// Identifiers, each once, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Identifiers(pub Vec<Identifier>);

/// Other names, each once, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Aliases(pub Vec<String>);

/// A record in another system of the vendor's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmRecord {
    /// The system.
    pub system: String,
    /// The record's id there.
    pub record_id: String,
}

/// Records, each once, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct CrmRecords(pub Vec<CrmRecord>);

/// What went from a merged account to the one that it was merged into, so that it can be taken back
/// from there. What that one had already is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Moved {
    /// Domains, as they were given.
    pub domains: Vec<String>,
    /// Names.
    pub aliases: Vec<String>,
    /// Identifiers.
    pub identifiers: Vec<Identifier>,
    /// Records in other systems.
    pub crm_records: Vec<CrmRecord>,
    /// The account that it belonged to. It did not go anywhere; it is here to be found again.
    pub parent_account: Option<AccountId>,
    /// The accounts that belonged to it.
    pub children: Vec<AccountId>,
    /// The accounts that had been merged into it.
    pub accounts: Vec<AccountId>,
    /// Its registrations.
    pub registrations: Vec<RegistrationId>,
    /// Its deals.
    pub deals: Vec<DealId>,
}

/// What an account was known by when something was decided about business with it. It stays as it was,
/// whatever becomes of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Snapshot {
    /// The account.
    pub account: AccountId,
    /// Its version.
    pub version: i64,
    /// The name that people read.
    pub display_name: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Its country.
    pub region_code: Option<String>,
    /// What of its domains identified it.
    pub registrable_domains: Vec<String>,
    /// What registers and authorities knew it by.
    pub identifiers: Vec<Identifier>,
    /// The top of those that it belonged to.
    pub ultimate_parent: Option<AccountId>,
    /// The other accounts that counted as the same customer.
    pub same: Vec<AccountId>,
    /// The version of the rules by which accounts were compared.
    pub rules: u32,
}
