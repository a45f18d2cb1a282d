//! Accounts: the end customers, and what identifies each of them.

use std::collections::HashMap;

use sea_orm::entity::prelude::*;
use sea_orm::{FromJsonQueryResult, QueryOrder};
use serde::{Deserialize, Serialize};
use trellis_core::{AccountId, Currency, EcosystemId, PartnerId, Timestamp};

use super::account_key;
use crate::record::{self, scoped};
use crate::{Error, Txn, View};

/// The name of the lock that every transaction takes, before any row, that may put an account below
/// another one, let it wait for one, or give it an external id. So two that each close half of a
/// circle wait for each other and the second one sees it, and no account goes on waiting for a
/// parent that came at the same moment.
pub const LINKS: &str = "accounts/links";

/// Domains, each once, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Domains(pub Vec<String>);

/// One account.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AccountId,
    /// The partner that brought it. Without one it is the vendor's alone.
    pub partner: Option<PartnerId>,
    /// The name that people read.
    pub display_name: String,
    /// Its country, ISO 3166-1 alpha-2.
    pub region_code: Option<String>,
    /// Its web sites and domains, as they were given.
    pub domains: Domains,
    /// What of `domains` identifies it. The keys of the account are made of them.
    pub registrable_domains: Domains,
    /// What it does.
    pub industry: Option<String>,
    /// What it earns in a year, in minor units of `annual_revenue_currency`.
    pub annual_revenue_minor: Option<i64>,
    /// The currency of the revenue; there while there is one.
    pub annual_revenue_currency: Option<Currency>,
    /// How many people work there; 0 where it is not known.
    pub employee_count: i64,
    /// The year in which it was founded; 0 where it is not known.
    pub founded_year: i64,
    /// The account that it belongs to. Nobody is their own ancestor.
    pub parent_account: Option<AccountId>,
    /// The external id of a parent that has not come yet.
    pub pending_parent_external_id: Option<String>,
    /// Its id in the caller's own system; unique when set.
    pub external_id: Option<String>,
    /// Whether it is there to be named by nobody honest.
    pub canary: bool,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

crate::record!(id: AccountId, Id; reach: crate::reach::Reach::Partner(Column::Partner); {
    "partner" => Partner,
    "display_name" => DisplayName,
    "region_code" => RegionCode,
    "industry" => Industry,
    "employee_count" => EmployeeCount,
    "founded_year" => FoundedYear,
    "parent_account" => ParentAccount,
    "pending_parent_external_id" => PendingParentExternalId,
    "external_id" => ExternalId,
    "canary" => Canary,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

/// Finds the accounts that carry one of these external ids, locked.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_by_external_ids(
    txn: &Txn,
    external_ids: impl IntoIterator<Item = String>,
) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(txn)
        .filter(COLUMN.external_id.is_in(external_ids))
        .order_by_asc(Column::Id);
    Ok(record::for_update(txn, select).all(&txn.db()).await?)
}

/// Finds the accounts that carry one of these external ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn by_external_ids(
    view: &View,
    external_ids: impl IntoIterator<Item = String>,
) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view).filter(COLUMN.external_id.is_in(external_ids));
    Ok(select.all(&view.db()).await?)
}

/// Finds the accounts that wait for a parent with one of these external ids, locked.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_waiting(
    txn: &Txn,
    external_ids: impl IntoIterator<Item = String>,
) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(txn)
        .filter(COLUMN.pending_parent_external_id.is_in(external_ids))
        .order_by_asc(Column::Id);
    Ok(record::for_update(txn, select).all(&txn.db()).await?)
}

/// An account and those that it belongs to, from itself to the top. Empty if it does not exist.
///
/// # Errors
/// [`Error::Corrupt`] when they form a circle.
pub async fn chain(view: &View, id: &AccountId) -> Result<Vec<Model>, Error> {
    chain_over(view, id, &HashMap::new()).await
}

/// Like [`chain`], with rows that are not written yet, or not written back: those of `ahead` count
/// before those of the database.
///
/// # Errors
/// [`Error::Corrupt`] when they form a circle.
pub async fn chain_over(
    view: &View,
    id: &AccountId,
    ahead: &HashMap<AccountId, Model>,
) -> Result<Vec<Model>, Error> {
    let mut chain: Vec<Model> = Vec::new();
    let mut next = Some(id.clone());
    while let Some(id) = next {
        if chain.iter().any(|account| account.id == id) {
            return Err(Error::Corrupt {
                table: "accounts",
                what: format!("{id} belongs to itself"),
            });
        }
        let found = match ahead.get(&id) {
            Some(row) => Some(row.clone()),
            None => record::find::<Entity>(view, &id).await?,
        };
        let Some(account) = found else {
            break;
        };
        next = account.parent_account.clone();
        chain.push(account);
    }
    Ok(chain)
}

/// What a customer is recognised by: `account:{id}`, and `domain:{registrable}` for each of its
/// domains that identifies it. Two accounts with a key in common are the same customer. Sorted.
///
/// They are locks ([`crate::lock::keys`]) as well as values: whoever decides about business with a
/// customer holds them, and so does whoever changes an account's domains.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn identity_keys(view: &View, account: &AccountId) -> Result<Vec<String>, Error> {
    let mut keys = account_key::of(view, account).await?;
    keys.push(own_key(account));
    keys.sort_unstable();
    Ok(keys)
}

/// The key that only this account has.
#[must_use]
pub fn own_key(account: &AccountId) -> String {
    format!("account:{account}")
}

/// The key of everybody at this registrable domain.
#[must_use]
pub fn domain_key(registrable: &str) -> String {
    format!("domain:{registrable}")
}
