//! Accounts: the end customers, and what identifies each of them.

use std::collections::HashMap;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Func, SimpleExpr};
use sea_orm::{FromJsonQueryResult, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{AccountId, Currency, EcosystemId, PartnerId, Timestamp};

use super::account_key;
use super::identity::{Aliases, CrmRecords, Identifiers, Moved};
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

/// Whether an account stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// It is a customer.
    Active,
    /// It is the same customer as another account, which has its business and its keys.
    Merged,
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Merged => "MERGED",
        }
    }
}

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
    /// What registers and authorities know it by.
    pub identifiers: Identifiers,
    /// Its other names.
    pub aliases: Aliases,
    /// Its records in other systems of the vendor's.
    pub crm_records: CrmRecords,
    /// The top of those that it belongs to; none if it belongs to none.
    pub ultimate_parent: Option<AccountId>,
    /// The account that took its business over.
    pub successor_account: Option<AccountId>,
    /// Whether it stands for itself.
    pub state: State,
    /// The account that it was merged into, while it is merged.
    pub merged_into: Option<AccountId>,
    /// What went to that account with it.
    pub moved: Option<Moved>,
    /// By which rules its keys were made.
    pub key_version: i64,
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
    "ultimate_parent" => UltimateParent,
    "successor_account" => SuccessorAccount,
    "state" => State,
    "merged_into" => MergedInto,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

/// The names of an account that stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The account.
    pub id: AccountId,
    /// The name that people read.
    pub display_name: String,
    /// Its other names.
    pub aliases: Aliases,
}

/// The names of all accounts that stand for themselves, in the order of their ids: the next ones after
/// one.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn names_after(
    view: &View,
    after: Option<&AccountId>,
    limit: u64,
) -> Result<Vec<Names>, Error> {
    let mut select = scoped::<Entity>(view).order_by_asc(Column::Id).limit(limit);
    if let Some(after) = after {
        select = select.filter(COLUMN.id.gt(after.clone()));
    }
    names(view, select).await
}

/// The names of those of some accounts that stand for themselves.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn names_of(
    view: &View,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<Vec<Names>, Error> {
    let select = scoped::<Entity>(view).filter(COLUMN.id.is_in(accounts));
    names(view, select).await
}

async fn names(view: &View, select: Select<Entity>) -> Result<Vec<Names>, Error> {
    let rows: Vec<(AccountId, String, Aliases)> = select
        .filter(COLUMN.state.eq(State::Active))
        .select_only()
        .columns([Column::Id, Column::DisplayName, Column::Aliases])
        .into_tuple()
        .all(&view.db())
        .await?;
    let names = |(id, display_name, aliases)| Names {
        id,
        display_name,
        aliases,
    };
    Ok(rows.into_iter().map(names).collect())
}

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

/// Some accounts whose keys were made by older rules than these, in the order of their ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn unkeyed(view: &View, version: i64, limit: u64) -> Result<Vec<AccountId>, Error> {
    let select = scoped::<Entity>(view)
        .filter(Column::KeyVersion.lt(version))
        .order_by_asc(Column::KeyVersion)
        .order_by_asc(Column::Id)
        .limit(limit)
        .select_only()
        .column(Column::Id);
    Ok(select.into_tuple().all(&view.db()).await?)
}

/// Notes by which rules the keys of an account were made, and its top. Nobody sees a change of it.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn keyed(txn: &Txn, account: &Model, version: i64) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::KeyVersion, Expr::value(version))
        .col_expr(
            Column::UltimateParent,
            Expr::value(account.ultimate_parent.clone()),
        )
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.id.eq(account.id.clone()))
        .exec(&txn.db())
        .await?;
    Ok(())
}

/// All that belong to an account, however far down, without itself: level by level.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn descendants(view: &View, of: &AccountId) -> Result<Vec<AccountId>, Error> {
    let mut found: Vec<AccountId> = Vec::new();
    let mut level = vec![of.clone()];
    while !level.is_empty() {
        let mut next: Vec<AccountId> = Vec::new();
        for parents in level.chunks(CHUNK) {
            let select = scoped::<Entity>(view)
                .filter(COLUMN.parent_account.is_in(parents.iter().cloned()))
                .order_by_asc(Column::Id)
                .select_only()
                .column(Column::Id);
            let children: Vec<AccountId> = select.into_tuple().all(&view.db()).await?;
            next.extend(children);
        }
        level = next;
        // Nobody is their own ancestor, so each is met once.
        found.extend(level.iter().cloned());
    }
    Ok(found)
}

/// How many accounts one statement names; SQLite binds at most 32,766 values.
pub(super) const CHUNK: usize = 10_000;

/// Puts accounts below another top. That is no change of theirs: their versions stay. The caller
/// holds the lock of the [`LINKS`] and those of both groups.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn regroup(txn: &Txn, accounts: &[AccountId], top: &AccountId) -> Result<(), Error> {
    for accounts in accounts.chunks(CHUNK) {
        Entity::update_many()
            .col_expr(Column::UltimateParent, unless_itself(top))
            .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
            .filter(COLUMN.id.is_in(accounts.iter().cloned()))
            .exec(&txn.db())
            .await?;
    }
    Ok(())
}

/// The top of an account, and none for the top itself.
fn unless_itself(top: &AccountId) -> SimpleExpr {
    Func::cust("NULLIF")
        .arg(top.as_str())
        .arg(Expr::col(Column::Id))
        .into()
}

/// The accounts that belong to one directly, locked, in the order of their ids.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_children(txn: &Txn, of: &AccountId) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(txn)
        .filter(COLUMN.parent_account.eq(of.clone()))
        .order_by_asc(Column::Id);
    Ok(record::for_update(txn, select).all(&txn.db()).await?)
}

/// Lets accounts that were merged into one lead to another: all of them, or some. Nobody sees a change
/// of theirs but where they lead. Answers which.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn readdress_merged(
    txn: &Txn,
    from: &AccountId,
    to: &AccountId,
    only: Option<&[AccountId]>,
) -> Result<Vec<AccountId>, Error> {
    let mut select = scoped::<Entity>(txn).filter(COLUMN.merged_into.eq(from.clone()));
    if let Some(only) = only {
        select = select.filter(COLUMN.id.is_in(only.iter().cloned()));
    }
    let select = select
        .order_by_asc(Column::Id)
        .select_only()
        .column(Column::Id);
    let ids: Vec<AccountId> = select.into_tuple().all(&txn.db()).await?;
    for some in ids.chunks(CHUNK) {
        Entity::update_many()
            .col_expr(Column::MergedInto, Expr::value(to.as_str()))
            .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
            .filter(COLUMN.id.is_in(some.iter().cloned()))
            .exec(&txn.db())
            .await?;
    }
    Ok(ids)
}

/// The keys of an account that others may have as well, and its own: see [`account_key`]. Sorted.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn identity_keys(view: &View, account: &AccountId) -> Result<Vec<String>, Error> {
    let mut keys = account_key::of(view, account).await?;
    keys.push(own_key(account));
    keys.sort_unstable();
    Ok(keys)
}

/// The key that only this account has. It is no row; it is a lock.
#[must_use]
pub fn own_key(account: &AccountId) -> String {
    format!("account:{account}")
}

/// The key of everybody who belongs to one account, and of that account.
#[must_use]
pub fn group_key(top: &AccountId) -> String {
    format!("{GROUP}{top}")
}

/// How the keys of groups begin.
pub const GROUP: &str = "group:";

impl Model {
    /// The top of those that it belongs to: itself, if it belongs to none.
    #[must_use]
    pub fn top(&self) -> &AccountId {
        self.ultimate_parent.as_ref().unwrap_or(&self.id)
    }
}
