//! The keys by which accounts that may be the same customer are found: those of the domains, the
//! identifiers and the names of each account, and of the group that it belongs to. Accounts that share
//! a key are compared; sharing one decides nothing by itself.

use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect};
use trellis_core::{AccountId, EcosystemId};

use super::account::{CHUNK, GROUP};
use crate::{Error, Txn, View, record};

/// That an account has a key.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_keys")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The key, such as `domain:acme.co.uk`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// The account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account: AccountId,
}

impl ActiveModelBehavior for ActiveModel {}

fn of_account(view: &View, account: &AccountId) -> Select<Entity> {
    Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.account.eq(account.clone()))
}

/// The keys of an account, sorted.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of(view: &View, account: &AccountId) -> Result<Vec<String>, Error> {
    let select = of_account(view, account).order_by_asc(Column::Key);
    Ok(select
        .select_only()
        .column(Column::Key)
        .into_tuple()
        .all(&view.db())
        .await?)
}

/// Gives an account these keys in place of those that it has. The caller holds the account's row,
/// and the locks of the keys that come and go.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn replace(txn: &Txn, account: &AccountId, keys: Vec<String>) -> Result<(), Error> {
    Entity::delete_many()
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.account.eq(account.clone()))
        .exec(&txn.db())
        .await?;
    add(txn, keys.into_iter().map(|key| (account.clone(), key))).await
}

/// Gives new accounts their keys.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn add(
    txn: &Txn,
    keys: impl IntoIterator<Item = (AccountId, String)>,
) -> Result<(), Error> {
    let row = |(account, key)| Model {
        ecosystem: txn.ecosystem().clone(),
        key,
        account,
    };
    record::insert_many::<Entity>(txn, keys.into_iter().map(row).collect()).await
}

/// Gives accounts another key of their group in place of the one that they have.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn regroup(txn: &Txn, accounts: &[AccountId], key: &str) -> Result<(), Error> {
    for accounts in accounts.chunks(CHUNK) {
        Entity::update_many()
            .col_expr(Column::Key, Expr::value(key))
            .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
            .filter(COLUMN.account.is_in(accounts.iter().cloned()))
            .filter(COLUMN.key.starts_with(GROUP))
            .exec(&txn.db())
            .await?;
    }
    Ok(())
}
