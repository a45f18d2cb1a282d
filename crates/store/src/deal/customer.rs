//! Customers: the accounts that count as one when partners claim business with them.
//!
//! Two accounts are the same customer when they have an identity key in common. Whoever decides
//! about claims holds the locks of the keys, and so does whoever changes an account's domains.

use std::collections::BTreeSet;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, Query, SelectStatement, SimpleExpr, UnionType};
use sea_orm::{DatabaseBackend, QueryOrder, QuerySelect, QueryTrait};
use trellis_core::AccountId;

use super::{account, account_key, registration};
use crate::record::scoped;
use crate::{Error, Txn, View, lock};

/// An account with the keys of its customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The account.
    pub account: AccountId,
    /// Its identity keys, its own first.
    pub keys: Vec<String>,
}

/// Reads the identity keys of some accounts.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn read(
    view: &View,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<Vec<Customer>, Error> {
    let accounts: BTreeSet<AccountId> = accounts.into_iter().collect();
    let rows: Vec<(AccountId, String)> = account_key::Entity::find()
        .filter(account_key::Column::Ecosystem.eq(view.ecosystem().clone()))
        .filter(account_key::Column::Account.is_in(accounts.iter().cloned()))
        .order_by_asc(account_key::Column::Key)
        .select_only()
        .column(account_key::Column::Account)
        .column(account_key::Column::Key)
        .into_tuple()
        .all(&view.db())
        .await?;
    let with_keys = |account: AccountId| {
        let shared = rows
            .iter()
            .filter(|(of, _)| *of == account)
            .map(|(_, key)| key.clone());
        let keys = std::iter::once(account::own_key(&account))
            .chain(shared)
            .collect();
        Customer { account, keys }
    };
    Ok(accounts.into_iter().map(with_keys).collect())
}

/// Holds some customers as they are until the transaction ends: takes the locks of all their keys
/// in one statement.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time, or a key changed while waiting for it.
pub async fn hold(
    txn: &Txn,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<Vec<Customer>, Error> {
    let customers = read(txn, accounts).await?;
    let keys: BTreeSet<&String> = customers
        .iter()
        .flat_map(|customer| &customer.keys)
        .collect();
    lock::keys(txn, &keys.into_iter().collect::<Vec<_>>()).await?;
    if txn.db().get_database_backend() == DatabaseBackend::Postgres {
        let accounts = customers.iter().map(|customer| customer.account.clone());
        if read(txn, accounts).await? != customers {
            return Err(Error::Contended);
        }
    }
    Ok(customers)
}

/// The registrations that stand at a customer, whatever they are for, in the order in which they
/// were handed in.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn contending(
    view: &View,
    customer: &Customer,
) -> Result<Vec<registration::Model>, Error> {
    let select = scoped::<registration::Entity>(view)
        // The bare column, not `= true`: only so does the partial index answer for it.
        .filter(Expr::col((
            registration::Entity,
            registration::Column::Contends,
        )))
        .filter(registration::Column::Account.in_subquery(accounts(view, customer)))
        .order_by_asc(registration::Column::SubmitTime)
        .order_by_asc(registration::Column::Id);
    Ok(select.all(&view.db()).await?)
}

/// The canaries among the accounts of a customer, found as rivals are.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn canaries(view: &View, customer: &Customer) -> Result<Vec<AccountId>, Error> {
    let select = account::Entity::find()
        .filter(is_canary(view, customer))
        .order_by_asc(account::Column::Id)
        .select_only()
        .column(account::Column::Id);
    Ok(select.into_tuple().all(&view.db()).await?)
}

/// Whether an account is a canary and one of a customer's.
pub(super) fn is_canary(view: &View, customer: &Customer) -> SimpleExpr {
    account::COLUMN
        .ecosystem
        .eq(view.ecosystem().clone())
        // The bare column, for the partial index.
        .and(Expr::col((account::Entity, account::Column::Canary)))
        .and(account::Column::Id.in_subquery(accounts(view, customer)))
}

/// The accounts of a customer: one list, not an `OR` of two conditions, so that an index is asked for
/// each of them.
fn accounts(view: &View, customer: &Customer) -> SelectStatement {
    let mut accounts = Query::select();
    accounts.expr(Expr::value(customer.account.as_str()));
    if customer.keys.len() > 1 {
        let sharing = account_key::Entity::find()
            .filter(account_key::Column::Ecosystem.eq(view.ecosystem().clone()))
            .filter(account_key::Column::Key.is_in(customer.keys.clone()))
            .select_only()
            .column(account_key::Column::Account)
            .into_query();
        accounts.union(UnionType::Distinct, sharing);
    }
    accounts
}
