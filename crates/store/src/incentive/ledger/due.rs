//! Reads what is due to partners and what they owe, for payouts.

use std::collections::{HashMap, HashSet};

use sea_orm::entity::prelude::*;
use sea_orm::{ExprTrait, QueryOrder, QuerySelect, QueryTrait, Value};
use trellis_core::{AwardId, Currency, LedgerAccountId, PartnerId, Timestamp};

use super::{query, slice};
use crate::incentive::award;
use crate::partner::partner;
use crate::{Error, View};

/// What a partner is due and owes in a currency, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The partner.
    pub partner: PartnerId,
    /// What is payable to it.
    pub payable: i64,
    /// What it owes.
    pub owed: i64,
}

/// Every partner who is due something in a currency, in the order of their ids; of some partners, or
/// of all when none is named.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn partners(
    view: &View,
    currency: Currency,
    only: &[PartnerId],
) -> Result<Vec<Due>, Error> {
    let mut values: Vec<Value> = vec![view.ecosystem().as_str().into(), currency.code().into()];
    let named = if only.is_empty() {
        String::new()
    } else {
        values.extend(only.iter().map(|partner| Value::from(partner.as_str())));
        let places: Vec<String> = (0..only.len()).map(|at| format!("${}", at + 3)).collect();
        format!("AND partner IN ({})", places.join(", "))
    };
    let sql = format!(
        "SELECT partner, CAST(SUM(CASE WHEN class = 'PAYABLE' \
         THEN credit_minor - debit_minor ELSE 0 END) AS BIGINT) AS payable, \
         CAST(SUM(CASE WHEN class = 'RECEIVABLE' \
         THEN debit_minor - credit_minor ELSE 0 END) AS BIGINT) AS owed \
         FROM ledger_accounts WHERE ecosystem = $1 AND currency = $2 \
         AND class IN ('PAYABLE', 'RECEIVABLE') AND partner IS NOT NULL {named} \
         GROUP BY partner HAVING SUM(CASE WHEN class = 'PAYABLE' \
         THEN credit_minor - debit_minor ELSE 0 END) > 0 ORDER BY partner"
    );
    let rows = query(view, sql, values).await?;
    let mut due = Vec::with_capacity(rows.len());
    for row in rows {
        due.push(Due {
            partner: row.try_get("", "partner")?,
            payable: row.try_get("", "payable")?,
            owed: row.try_get("", "owed")?,
        });
    }
    Ok(due)
}

/// The partners that are suspended by the view's clock, whose payouts are frozen. A suspension that
/// has ended counts as ended, whether or not the worker has got round to it.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn suspended(view: &View) -> Result<HashSet<PartnerId>, Error> {
    let ends_later = partner::Column::SuspendUntilTime
        .is_null()
        .or(partner::Column::SuspendUntilTime.gt(view.now()));
    let suspended = partner::Entity::find()
        .select_only()
        .column(partner::Column::Id)
        .filter(partner::COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(partner::COLUMN.state.eq(partner::State::Suspended))
        .filter(ends_later)
        .into_tuple::<PartnerId>()
        .all(&view.db())
        .await?;
    Ok(suspended.into_iter().collect())
}

/// The slices of some accounts that are not empty, by account and award.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn open_slices(
    view: &View,
    accounts: &[LedgerAccountId],
) -> Result<Vec<slice::Model>, Error> {
    Ok(open(view, accounts).all(&view.db()).await?)
}

/// The same of accounts of what is payable, so many at most, and none of awards that are held by hand:
/// something of them may have come back from a payout.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn payable_slices(
    view: &View,
    accounts: &[LedgerAccountId],
    limit: u64,
) -> Result<Vec<slice::Model>, Error> {
    let on_hold = award::Entity::find()
        .select_only()
        .column(award::Column::Id)
        .filter(award::COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(award::COLUMN.hold_reason.is_not_null());
    let payable = open(view, accounts)
        .filter(slice::Column::Award.not_in_subquery(on_hold.into_query()))
        .limit(limit);
    Ok(payable.all(&view.db()).await?)
}

fn open(view: &View, accounts: &[LedgerAccountId]) -> Select<slice::Entity> {
    slice::Entity::find()
        .filter(slice::COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(slice::COLUMN.account.is_in(accounts.to_vec()))
        .filter(Expr::col(slice::Column::DebitMinor).not_equals(slice::Column::CreditMinor))
        .order_by_asc(slice::Column::Account)
        .order_by_asc(slice::Column::Award)
}

/// What some awards had on an account, credits less debits, by the lines written until a time.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn slices_as_of(
    view: &View,
    account: &LedgerAccountId,
    awards: &[AwardId],
    time: Timestamp,
) -> Result<HashMap<AwardId, i64>, Error> {
    /// Awards of one statement, so that the bound values stay within what SQLite takes.
    const CHUNK: usize = 500;
    let mut had = HashMap::with_capacity(awards.len());
    for chunk in awards.chunks(CHUNK) {
        let places: Vec<String> = (0..chunk.len()).map(|at| format!("${}", at + 4)).collect();
        let sql = format!(
            "SELECT award, CAST(SUM(credit_minor - debit_minor) AS BIGINT) AS had \
             FROM ledger_lines WHERE ecosystem = $1 AND account = $2 AND record_time <= $3 \
             AND award IN ({}) GROUP BY award",
            places.join(", ")
        );
        let mut values: Vec<Value> = vec![
            view.ecosystem().as_str().into(),
            account.as_str().into(),
            time.micros().into(),
        ];
        values.extend(chunk.iter().map(|award| Value::from(award.as_str())));
        for row in query(view, sql, values).await? {
            had.insert(row.try_get("", "award")?, row.try_get("", "had")?);
        }
    }
    Ok(had)
}
