//! The trial balance: what was debited and credited, by currency, by class and by account.

use trellis_api::incentive::v1 as pb;
use trellis_core::{Call, Cursor, LedgerAccountId, PageQuery, Timestamp, Value};
use trellis_store::Store;
use trellis_store::incentive::ledger::balance::{self, ClassSums};

use super::convert::{wire_trial_account, wire_trial_currency};
use crate::Error;

/// A trial balance without the token of its next page.
pub(super) struct TrialBalance {
    pub(super) currencies: Vec<pb::TrialBalanceCurrency>,
    pub(super) accounts: Vec<pb::TrialBalanceAccount>,
    pub(super) next: Option<Cursor>,
}

/// Gets the trial balance as of a time, and one page of its accounts.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another list.
pub(super) async fn get(
    store: &Store,
    call: Call,
    as_of: Option<Timestamp>,
    query: &PageQuery,
) -> Result<TrialBalance, Error> {
    let after = match &query.after {
        None => None,
        Some(Cursor(values)) => match &values[..] {
            [Value::Text(account)] => Some(
                LedgerAccountId::try_new(account).map_err(|_| trellis_store::Error::BadCursor)?,
            ),
            _ => return Err(trellis_store::Error::BadCursor.into()),
        },
    };
    let view = store.read(&call).await?;
    let classes = balance::by_class(&view, as_of).await?;
    let limit = u64::from(query.size) + 1;
    let mut rows = balance::by_account(&view, as_of, after.as_ref(), limit).await?;
    let size = usize::try_from(query.size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    let next = match rows.last() {
        Some((last, _)) if more => Some(Cursor(vec![Value::Text(last.to_string())])),
        Some(_) | None => None,
    };
    let mut accounts = Vec::with_capacity(rows.len());
    for (account, sums) in rows {
        accounts.push(wire_trial_account(view.ecosystem(), &account, sums)?);
    }
    Ok(TrialBalance {
        currencies: by_currency(&classes),
        accounts,
        next,
    })
}

/// The classes come in the order of their currencies.
fn by_currency(classes: &[ClassSums]) -> Vec<pb::TrialBalanceCurrency> {
    classes
        .chunk_by(|one, next| one.currency == next.currency)
        .filter_map(wire_trial_currency)
        .collect()
}
