//! Reads what a statement is made of: what the lines on a partner's accounts come to, and the
//! movements that changed it.

use trellis_core::{AwardId, Currency, Date, JournalId, LedgerPeriodId, PartnerId, Timestamp};

use super::chart::Class;
use super::posting::Kind;
use super::query;
use crate::{Error, View};

/// The sums of a partner's lines of one class and currency, made by journals of one kind, before a
/// period or in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The currency.
    pub currency: Currency,
    /// The class of the accounts.
    pub class: Class,
    /// The kind of the journals.
    pub kind: Kind,
    /// Whether they count in the period; else they count before it.
    pub within: bool,
    /// The debits, in minor units.
    pub debit: i64,
    /// The credits, in minor units.
    pub credit: i64,
}

/// Reads all that a partner's lines come to before a period ends. One statement reads it, so that
/// the parts belong together whatever is posted meanwhile.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn parts(
    view: &View,
    partner: &PartnerId,
    start: Date,
    end: Date,
) -> Result<Vec<Part>, Error> {
    let sql = "SELECT account.currency, account.class, journal.kind, \
        CASE WHEN line.effective_date < $3 THEN 0 ELSE 1 END AS within, \
        CAST(SUM(line.debit_minor) AS BIGINT) AS debit, \
        CAST(SUM(line.credit_minor) AS BIGINT) AS credit \
        FROM ledger_accounts AS account \
        JOIN ledger_lines AS line ON line.ecosystem = account.ecosystem \
        AND line.account = account.id \
        JOIN ledger_journals AS journal ON journal.ecosystem = line.ecosystem \
        AND journal.id = line.journal \
        WHERE account.ecosystem = $1 AND account.partner = $2 AND line.effective_date < $4 \
        GROUP BY account.currency, account.class, journal.kind, \
        CASE WHEN line.effective_date < $3 THEN 0 ELSE 1 END";
    let values = [
        view.ecosystem().as_str().into(),
        partner.as_str().into(),
        start.days().into(),
        end.days().into(),
    ];
    let rows = query(view, sql, values).await?;
    let mut parts = Vec::with_capacity(rows.len());
    for row in rows {
        parts.push(Part {
            currency: row.try_get("", "currency")?,
            class: row.try_get("", "class")?,
            kind: row.try_get("", "kind")?,
            within: row.try_get::<i32>("", "within")? == 1,
            debit: row.try_get("", "debit")?,
            credit: row.try_get("", "credit")?,
        });
    }
    Ok(parts)
}

/// How one journal changed what a partner has for one award.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The day on which it counts.
    pub effective_date: Date,
    /// The month that it belongs to, if it counts in a later one.
    pub attributed_period: Option<LedgerPeriodId>,
    /// The journal.
    pub journal: JournalId,
    /// The award.
    pub award: Option<AwardId>,
    /// What the journal records.
    pub kind: Kind,
    /// What caused the journal.
    pub cause: String,
    /// When it was written.
    pub record_time: Timestamp,
    /// The currency.
    pub currency: Currency,
    /// What it added, in minor units; what it took away is negative.
    pub minor: i64,
}

/// A place in the movements of a period: they are ordered by day, journal and award.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The day.
    pub effective_date: Date,
    /// The journal.
    pub journal: String,
    /// The award; empty for none.
    pub award: String,
}

/// Reads the movements of a period, those after a place, and so many at most. What moves within the
/// partner's accounts, such as a release from a hold, is no movement.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn movements(
    view: &View,
    partner: &PartnerId,
    start: Date,
    end: Date,
    after: Option<&Place>,
    limit: u64,
) -> Result<Vec<Movement>, Error> {
    let sql = "SELECT line.effective_date, line.journal, line.award, line.currency, \
        journal.kind, journal.cause, journal.record_time, journal.attributed_period, \
        CAST(SUM(line.credit_minor - line.debit_minor) AS BIGINT) AS minor \
        FROM ledger_accounts AS account \
        JOIN ledger_lines AS line ON line.ecosystem = account.ecosystem \
        AND line.account = account.id \
        JOIN ledger_journals AS journal ON journal.ecosystem = line.ecosystem \
        AND journal.id = line.journal \
        WHERE account.ecosystem = $1 AND account.partner = $2 AND account.class <> 'SET_OFF' \
        AND line.effective_date >= $3 AND line.effective_date < $4 \
        AND (line.effective_date, line.journal, COALESCE(line.award, '')) > ($5, $6, $7) \
        GROUP BY line.effective_date, line.journal, line.award, line.currency, \
        journal.kind, journal.cause, journal.record_time, journal.attributed_period \
        HAVING SUM(line.credit_minor - line.debit_minor) <> 0 \
        ORDER BY line.effective_date, line.journal, COALESCE(line.award, '') LIMIT $8";
    let before = Place {
        effective_date: start,
        journal: String::new(),
        award: String::new(),
    };
    let Place {
        effective_date,
        journal,
        award,
    } = after.unwrap_or(&before);
    let values = [
        view.ecosystem().as_str().into(),
        partner.as_str().into(),
        start.days().into(),
        end.days().into(),
        effective_date.days().into(),
        journal.as_str().into(),
        award.as_str().into(),
        i64::try_from(limit).unwrap_or(i64::MAX).into(),
    ];
    let rows = query(view, sql, values).await?;
    let mut movements = Vec::with_capacity(rows.len());
    for row in rows {
        movements.push(Movement {
            effective_date: row.try_get("", "effective_date")?,
            attributed_period: row.try_get("", "attributed_period")?,
            journal: row.try_get("", "journal")?,
            award: row.try_get("", "award")?,
            kind: row.try_get("", "kind")?,
            cause: row.try_get("", "cause")?,
            record_time: row.try_get("", "record_time")?,
            currency: row.try_get("", "currency")?,
            minor: row.try_get("", "minor")?,
        });
    }
    Ok(movements)
}
