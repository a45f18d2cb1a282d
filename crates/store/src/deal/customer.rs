//! What is read to tell which accounts are one customer, and what stands at a customer.
//!
//! Accounts that have a key in common may be the same customer; whether they are is a rule of the deal
//! service, which reads what it needs from here. Whoever decides about claims holds the locks of the
//! keys, and so does whoever changes what an account is recognised by.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, SimpleExpr};
use sea_orm::{QueryOrder, QuerySelect};
use trellis_core::AccountId;

use super::{account, account_key};
use crate::record::{self, scoped};
use crate::{Error, View};

/// An account with keys of it, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The account.
    pub account: account::Model,
    /// Its keys, without [its own](account::own_key).
    pub keys: Vec<String>,
}

/// Reads some accounts, each with all of its keys, in the order of their ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn keyed(view: &View, accounts: &BTreeSet<AccountId>) -> Result<Vec<Keyed>, Error> {
    let rows = record::find_many::<account::Entity>(view, accounts.iter().cloned()).await?;
    let keys = account_key::Column::Account.is_in(accounts.iter().cloned());
    Ok(together(rows, pairs(view, keys).await?))
}

/// Reads the accounts that have one of these keys, each with those of the keys that it has, and some others
/// with all of theirs, in the order of their ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn sharing(
    view: &View,
    keys: &BTreeSet<String>,
    and: &BTreeSet<AccountId>,
) -> Result<Vec<Keyed>, Error> {
    let among = account_key::Column::Key.is_in(keys.iter().cloned());
    let accounts = account_key::Entity::find()
        .filter(account_key::Column::Ecosystem.eq(view.ecosystem().clone()))
        .filter(among.clone())
        .select_only()
        .column(account_key::Column::Account);
    let (mut shared, mut found) = (
        among,
        account::Column::Id.in_subquery(sea_orm::QueryTrait::into_query(accounts)),
    );
    if !and.is_empty() {
        shared = shared.or(account_key::Column::Account.is_in(and.iter().cloned()));
        found = found.or(account::Column::Id.is_in(and.iter().cloned()));
    }
    let shared = pairs(view, shared).await?;
    let rows = scoped::<account::Entity>(view)
        .filter(found)
        .order_by_asc(account::Column::Id)
        .all(&view.db())
        .await?;
    Ok(together(rows, shared))
}

/// The rows of keys that a condition lets pass, in the order of the keys.
async fn pairs(view: &View, condition: SimpleExpr) -> Result<Vec<(AccountId, String)>, Error> {
    Ok(account_key::Entity::find()
        .filter(account_key::Column::Ecosystem.eq(view.ecosystem().clone()))
        .filter(condition)
        .order_by_asc(account_key::Column::Key)
        .select_only()
        .column(account_key::Column::Account)
        .column(account_key::Column::Key)
        .into_tuple()
        .all(&view.db())
        .await?)
}

fn together(rows: Vec<account::Model>, keys: Vec<(AccountId, String)>) -> Vec<Keyed> {
    let mut by_account: BTreeMap<AccountId, Vec<String>> = BTreeMap::new();
    for (account, key) in keys {
        by_account.entry(account).or_default().push(key);
    }
    let with_keys = |account: account::Model| {
        let mut keys = by_account.remove(&account.id).unwrap_or_default();
        // Databases sort by their own rules.
        keys.sort_unstable();
        Keyed { account, keys }
    };
    rows.into_iter().map(with_keys).collect()
}

/// The canaries among the accounts of a customer.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn canaries(view: &View, accounts: &[AccountId]) -> Result<Vec<AccountId>, Error> {
    let select = account::Entity::find()
        .filter(is_canary(view, accounts))
        .order_by_asc(account::Column::Id)
        .select_only()
        .column(account::Column::Id);
    Ok(select.into_tuple().all(&view.db()).await?)
}

/// Whether an account is a canary and one of these.
pub(super) fn is_canary(view: &View, accounts: &[AccountId]) -> SimpleExpr {
    account::COLUMN
        .ecosystem
        .eq(view.ecosystem().clone())
        // The bare column, for the partial index.
        .and(Expr::col((account::Entity, account::Column::Canary)))
        .and(account::Column::Id.is_in(accounts.iter().cloned()))
}
