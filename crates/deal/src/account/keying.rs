//! Makes the keys of accounts anew that older rules have made, before the server serves.
//!
//! Whoever decides about business with a customer finds its accounts by their keys, so an account
//! without the keys of today would be overlooked. Rows are taken some hundreds a transaction; an account
//! that has its keys is not touched again, so that a stop at any moment loses nothing and a start with
//! nothing to do asks each ecosystem one question.

use trellis_core::Call;
use trellis_store::deal::account::{self, Entity};
use trellis_store::deal::account_key;
use trellis_store::{Store, Txn, lock, record};

use super::identity::{self, KEY_VERSION};
use crate::Error;

/// Who makes them.
const PART: &str = "deal.account_keys";

/// Accounts of one transaction.
const BATCH: u64 = 200;

/// Makes the keys of all accounts that are behind; answers of how many.
///
/// # Errors
/// [`trellis_store::Error::Driver`] and its kin.
pub async fn make_all(store: &Store) -> Result<usize, Error> {
    let mut made = 0;
    for ecosystem in store.read_all().ids().await? {
        loop {
            let call = Call::of_system(ecosystem.clone(), PART);
            let view = store.read(&call).await?;
            let behind = account::unkeyed(&view, KEY_VERSION, BATCH).await?;
            if behind.is_empty() {
                break;
            }
            made += behind.len();
            let making = |txn: Txn, behind| async move { make(&txn, behind).await };
            store.write(call, behind, making).await?;
        }
    }
    Ok(made)
}

/// Makes the keys of some accounts. Nothing that anybody sees of them changes, so neither do their
/// versions.
async fn make(txn: &Txn, behind: Vec<trellis_core::AccountId>) -> Result<(), Error> {
    lock::keys(txn, &[account::LINKS]).await?;
    let accounts = record::lock_many::<Entity>(txn, behind).await?;
    let mut fresh = Vec::with_capacity(accounts.len());
    for mut account in accounts {
        let chain = account::chain(txn, &account.id).await?;
        let top = chain.last().map(|top| top.id.clone());
        account.ultimate_parent = top.filter(|top| *top != account.id);
        let keys = identity::keys(&account);
        fresh.push((account, keys));
    }
    let own = fresh
        .iter()
        .map(|(account, _)| account::own_key(&account.id));
    let keys = fresh.iter().flat_map(|(_, keys)| keys.iter().cloned());
    lock::keys(txn, &own.chain(keys).collect::<Vec<_>>()).await?;
    for (account, keys) in fresh {
        account_key::replace(txn, &account.id, keys).await?;
        account::keyed(txn, &account, KEY_VERSION).await?;
    }
    Ok(())
}
