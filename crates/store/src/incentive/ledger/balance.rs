//! Reads balances: of awards, of accounts, now and as of a time, and the trial balance.

use std::collections::HashMap;

use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QueryResult, QuerySelect, QueryTrait};
pub use trellis_core::incentive::Buckets;
use trellis_core::{
    AwardId, Currency, Date, JournalId, LedgerAccountId, Page, PageQuery, Timestamp,
};

use super::chart::{Account, Class, HoldReason};
use super::{account, journal, line, query, slice};
use crate::{Error, View, page};

/// Ids of one statement, so that the number of bound values stays within what SQLite takes.
const CHUNK: usize = 500;

/// Counts what an award has on an account.
fn count(buckets: &mut Buckets, account: &Account, debit: i64, credit: i64) {
    match account.class() {
        Class::Held if account.detail() == Some(HoldReason::Hold) => buckets.held += credit - debit,
        Class::Held => buckets.on_hold += credit - debit,
        Class::Review => buckets.review += credit - debit,
        Class::Payable => buckets.payable += credit - debit,
        Class::InPayout | Class::PayoutClearing => buckets.in_payout += credit - debit,
        Class::Cash | Class::SetOff => buckets.paid += credit - debit,
        Class::Receivable => buckets.owed += debit - credit,
        Class::ContraRevenue | Class::CommissionExpense => {}
    }
}

/// Where the money of some awards is. An award that nothing was ever posted for is left out.
///
/// What a posting depends on must be read under the [`lock`](super::lock) of the award's partner.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn award_buckets(
    view: &View,
    awards: &[AwardId],
) -> Result<HashMap<AwardId, Buckets>, Error> {
    let mut buckets = HashMap::with_capacity(awards.len());
    for chunk in awards.chunks(CHUNK) {
        let slices = slice::Entity::find()
            .filter(slice::COLUMN.ecosystem.eq(view.ecosystem().clone()))
            .filter(slice::COLUMN.award.is_in(chunk.to_vec()))
            .all(&view.db())
            .await?;
        for slice::Model {
            ecosystem: _,
            account,
            award,
            debit_minor,
            credit_minor,
            entries: _,
        } in slices
        {
            let account = known(&account)?;
            let there = buckets
                .entry(award)
                .or_insert_with(|| Buckets::empty(account.currency()));
            count(there, &account, debit_minor, credit_minor);
        }
    }
    Ok(buckets)
}

fn known(id: &LedgerAccountId) -> Result<Account, Error> {
    Account::parse(id).ok_or_else(|| Error::Corrupt {
        table: "ledger_slices",
        what: format!("{id} is not an account of the chart"),
    })
}

/// Finds an account.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find(view: &View, id: &LedgerAccountId) -> Result<Option<account::Model>, Error> {
    Ok(account::Entity::find()
        .filter(account::COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(account::COLUMN.id.eq(id.clone()))
        .one(&view.db())
        .await?)
}

/// Reads one page of the ecosystem's accounts.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(view: &View, asked: &PageQuery) -> Result<Page<account::Model>, Error> {
    let select =
        account::Entity::find().filter(account::COLUMN.ecosystem.eq(view.ecosystem().clone()));
    page::page(&view.db(), select, asked).await
}

/// Which journals a list is narrowed to, beside its filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touching {
    /// Only those with a line of this account.
    pub account: Option<LedgerAccountId>,
    /// Only those with a line of this award.
    pub award: Option<AwardId>,
    /// Only those of this day or later.
    pub from: Option<Date>,
    /// Only those before this day.
    pub until: Option<Date>,
}

/// Reads one page of the ecosystem's journals.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn journals(
    view: &View,
    touching: &Touching,
    asked: &PageQuery,
) -> Result<Page<journal::Model>, Error> {
    let Touching {
        account,
        award,
        from,
        until,
    } = touching;
    let mut select =
        journal::Entity::find().filter(journal::COLUMN.ecosystem.eq(view.ecosystem().clone()));
    if account.is_some() || award.is_some() {
        let mut lines = line::Entity::find()
            .select_only()
            .column(line::Column::Journal)
            .filter(line::COLUMN.ecosystem.eq(view.ecosystem().clone()));
        if let Some(account) = account {
            lines = lines.filter(line::COLUMN.account.eq(account.clone()));
        }
        if let Some(award) = award {
            lines = lines.filter(line::COLUMN.award.eq(award.clone()));
        }
        select = select.filter(journal::Column::Id.in_subquery(lines.into_query()));
    }
    if let Some(from) = from {
        select = select.filter(journal::Column::EffectiveDate.gte(*from));
    }
    if let Some(until) = until {
        select = select.filter(journal::Column::EffectiveDate.lt(*until));
    }
    page::page(&view.db(), select, asked).await
}

/// Finds a journal.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn journal(view: &View, id: &JournalId) -> Result<Option<journal::Model>, Error> {
    one(view, journal::COLUMN.id.eq(id.clone())).await
}

/// Finds the journal that reverses another one.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn reversal_of(view: &View, id: &JournalId) -> Result<Option<journal::Model>, Error> {
    one(view, journal::COLUMN.reverses.eq(id.clone())).await
}

async fn one(view: &View, which: Expr) -> Result<Option<journal::Model>, Error> {
    let select = journal::Entity::find()
        .filter(journal::COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(which);
    Ok(select.one(&view.db()).await?)
}

/// The lines of some journals, in their order.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn lines(view: &View, journals: &[JournalId]) -> Result<Vec<line::Model>, Error> {
    let mut lines = Vec::new();
    for chunk in journals.chunks(CHUNK) {
        lines.extend(
            line::Entity::find()
                .filter(line::COLUMN.ecosystem.eq(view.ecosystem().clone()))
                .filter(line::COLUMN.journal.is_in(chunk.to_vec()))
                .order_by_asc(line::Column::Journal)
                .order_by_asc(line::Column::Line)
                .all(&view.db())
                .await?,
        );
    }
    Ok(lines)
}

/// Sums of lines, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// The debits.
    pub debit: i64,
    /// The credits.
    pub credit: i64,
    /// How many lines that are.
    pub entries: i64,
}

impl Sums {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            debit: row.try_get("", "debit")?,
            credit: row.try_get("", "credit")?,
            entries: row.try_get("", "entries")?,
        })
    }
}

/// PostgreSQL sums 64-bit integers to numerics, which are taken back to integers.
const SUMS: &str = "CAST(COALESCE(SUM(line.debit_minor), 0) AS BIGINT) AS debit, \
    CAST(COALESCE(SUM(line.credit_minor), 0) AS BIGINT) AS credit, \
    COUNT(*) AS entries";

/// What an account had, by the lines written until a time and counting until a day.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn as_of(
    view: &View,
    account: &LedgerAccountId,
    time: Timestamp,
    date: Option<Date>,
) -> Result<Sums, Error> {
    let sql = format!(
        "SELECT {SUMS} FROM ledger_lines AS line WHERE line.ecosystem = $1 \
         AND line.account = $2 AND line.record_time <= $3 AND line.effective_date <= $4"
    );
    let values = [
        view.ecosystem().as_str().into(),
        account.as_str().into(),
        time.micros().into(),
        date.map_or(i32::MAX, Date::days).into(),
    ];
    match query(view, sql, values).await?.first() {
        Some(row) => Ok(Sums::read(row)?),
        None => Ok(Sums::default()),
    }
}

/// What all accounts of a class have together in a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassSums {
    /// The currency.
    pub currency: Currency,
    /// The class.
    pub class: Class,
    /// The sums.
    pub sums: Sums,
}

/// The sums by currency and class, in the order of both, of the lines written until a time.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn by_class(view: &View, time: Option<Timestamp>) -> Result<Vec<ClassSums>, Error> {
    let ecosystem = view.ecosystem().as_str().into();
    let rows = match time {
        None => {
            let sql = "SELECT currency, class, \
                CAST(SUM(debit_minor) AS BIGINT) AS debit, \
                CAST(SUM(credit_minor) AS BIGINT) AS credit, \
                CAST(SUM(entries) AS BIGINT) AS entries \
                FROM ledger_accounts WHERE ecosystem = $1 GROUP BY currency, class";
            query(view, sql, [ecosystem]).await?
        }
        Some(time) => {
            let sql = format!(
                "SELECT account.currency, account.class, {SUMS} FROM ledger_lines AS line \
                 JOIN ledger_accounts AS account ON account.ecosystem = line.ecosystem \
                 AND account.id = line.account \
                 WHERE line.ecosystem = $1 AND line.record_time <= $2 \
                 GROUP BY account.currency, account.class"
            );
            query(view, sql, [ecosystem, time.micros().into()]).await?
        }
    };
    let mut classes = Vec::with_capacity(rows.len());
    for row in &rows {
        classes.push(ClassSums {
            currency: row.try_get("", "currency")?,
            class: row.try_get("", "class")?,
            sums: Sums::read(row)?,
        });
    }
    classes.sort_by_key(|one| (one.currency, one.class));
    Ok(classes)
}

/// The sums by account, ordered by their ids, of the lines written until a time: those after an id,
/// and so many at most.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn by_account(
    view: &View,
    time: Option<Timestamp>,
    after: Option<&LedgerAccountId>,
    limit: u64,
) -> Result<Vec<(LedgerAccountId, Sums)>, Error> {
    let ecosystem = view.ecosystem().as_str().into();
    let after = after.map_or("", LedgerAccountId::as_str).into();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX).into();
    let rows = match time {
        None => {
            let sql = "SELECT id, debit_minor AS debit, credit_minor AS credit, entries \
                FROM ledger_accounts WHERE ecosystem = $1 AND id > $2 ORDER BY id LIMIT $3";
            query(view, sql, [ecosystem, after, limit]).await?
        }
        Some(time) => {
            let sql = format!(
                "SELECT line.account AS id, {SUMS} FROM ledger_lines AS line \
                 WHERE line.ecosystem = $1 AND line.account > $2 AND line.record_time <= $4 \
                 GROUP BY line.account ORDER BY line.account LIMIT $3"
            );
            query(view, sql, [ecosystem, after, limit, time.micros().into()]).await?
        }
    };
    rows.iter()
        .map(|row| Ok((row.try_get("", "id")?, Sums::read(row)?)))
        .collect()
}
