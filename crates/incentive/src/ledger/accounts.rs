//! Accounts and their balances, now and as of a time.

use trellis_api::incentive::v1 as pb;
use trellis_api::name;
use trellis_core::{Call, Date, LedgerAccountId, Page, PageQuery, Problem, Timestamp};
use trellis_store::incentive::ledger::account::Model;
use trellis_store::incentive::ledger::balance;
use trellis_store::{Store, View};

use super::convert::{wire_account, wire_as_of};
use crate::Error;

/// Gets an account.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(super) async fn get(
    store: &Store,
    call: Call,
    id: LedgerAccountId,
) -> Result<pb::LedgerAccount, Error> {
    let view = store.read(&call).await?;
    Ok(wire_account(find(&view, &id).await?))
}

/// Lists accounts.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another list.
pub(super) async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::LedgerAccount>, Error> {
    let view = store.read(&call).await?;
    let page = balance::page(&view, query).await?;
    Ok(Page {
        rows: page.rows.into_iter().map(wire_account).collect(),
        next: page.next,
    })
}

/// Which balance is asked for.
#[derive(Clone, Debug)]
pub(super) struct AsOf {
    pub(super) account: LedgerAccountId,
    pub(super) time: Option<Timestamp>,
    pub(super) date: Option<Date>,
}

/// Gets the balance that an account had.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(super) async fn as_of(
    store: &Store,
    call: Call,
    asked: AsOf,
) -> Result<pb::GetBalanceAsOfResponse, Error> {
    let AsOf {
        account,
        time,
        date,
    } = asked;
    let view = store.read(&call).await?;
    let account = find(&view, &account).await?;
    let time = time.unwrap_or(Timestamp::from_micros(i64::MAX));
    let sums = balance::as_of(&view, &account.id, time, date).await?;
    Ok(wire_as_of(&account, sums))
}

async fn find(view: &View, id: &LedgerAccountId) -> Result<Model, Error> {
    let found = balance::find(view, id).await?;
    Ok(found.ok_or_else(|| Problem::NotFound {
        resource: name(view.ecosystem(), id),
    })?)
}
