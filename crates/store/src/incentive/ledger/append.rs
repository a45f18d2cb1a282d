//! The only door to the ledger: [`append`] writes a batch of postings in a fixed number of
//! statements, whatever their number, some hundreds of rows a statement.
//!
//! 1. the lock that keeps months from being closed, and those of the partners whose accounts are
//!    touched;
//! 2. which of the keys were posted before: those are done;
//! 3. the first day that is not closed;
//! 4. the slices, sorted, added to where they are;
//! 5. the accounts, sorted, added to where they are: an account that every posting touches, such as
//!    the expense of a program, is touched once a batch and late;
//! 6. the lines, numbered by their accounts, each with the balance after it;
//! 7. the journals, which seal them.

use std::collections::{BTreeSet, HashMap};

use sea_orm::entity::prelude::*;
use sea_orm::{QueryResult, Value};
use trellis_core::{AwardId, JournalId, LedgerAccountId, PartnerId};

use super::chart::{Account, HoldReason, Owner};
use super::draft::{Accounts, Added, Fresh, Now, Slices, Totals, draft};
use super::posting::{Fault, Key, Posting, Rejected};
use super::{journal, line, period, query};
use crate::{Error, Txn, View, lock, record};

/// What became of a posting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The journal that says it.
    pub journal: JournalId,
    /// Whether it was written now, and not by an earlier call.
    pub fresh: bool,
}

/// Takes the locks of partners' accounts until the transaction ends. Until then no month is closed,
/// either.
///
/// What is read of a partner's accounts, slices and awards after it stays so until then: whoever
/// posts to them takes the same lock. A posting whose amount depends on what is there must be made
/// under it.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock(txn: &Txn, partners: impl IntoIterator<Item = &PartnerId>) -> Result<(), Error> {
    let keys: BTreeSet<String> = partners
        .into_iter()
        .map(|partner| format!("ledger/{partner}"))
        .collect();
    lock::beneath(txn, period::LOCK, &keys.into_iter().collect::<Vec<_>>()).await
}

/// Writes postings; answers what became of each, in their order. One whose key was posted before,
/// with the same lines, is left as it is.
///
/// When it fails, the transaction must be given up: some of it may be written.
///
/// # Errors
/// [`Error::Posting`] names the first posting that cannot be written, by its place and its key;
/// [`Error::Contended`] when the same key is being posted by somebody else.
pub async fn append(txn: &Txn, postings: Vec<Posting>) -> Result<Vec<Posted>, Error> {
    if postings.is_empty() {
        return Ok(Vec::new());
    }
    let partners = postings
        .iter()
        .flat_map(Posting::lines)
        .filter_map(|line| line.account.partner());
    lock(txn, partners).await?;
    let keys: Vec<&Key> = postings.iter().map(Posting::key).collect();
    let known = known(txn, &keys).await?;
    let (fresh, posted) = sort_out(txn, postings, known)?;
    if !fresh.is_empty() {
        let open_from = period::open_from(txn).await?;
        let added = Added::by(&fresh)?;
        let slices = add_to_slices(txn, &added.slices).await?;
        let accounts = add_to_accounts(txn, &added.accounts).await?;
        let before = added.before(accounts, slices)?;
        let of = Now {
            ecosystem: txn.ecosystem(),
            time: txn.now(),
            open_from,
        };
        let (lines, journals) = draft(of, &fresh, before)?;
        record::insert_many::<line::Entity>(txn, lines)
            .await
            .map_err(raced)?;
        record::insert_many::<journal::Entity>(txn, journals)
            .await
            .map_err(raced)?;
    }
    Ok(posted)
}

/// Everything that must be unique here is, unless somebody else posts the same key at this moment.
/// Run again, the transaction finds it posted.
fn raced(error: Error) -> Error {
    if matches!(error, Error::Exists { .. }) {
        Error::Contended
    } else {
        error
    }
}

/// Rows of one statement. The most that one binds is nine values a row, and SQLite takes 32,766.
const CHUNK: usize = 500;

/// `($1, $2), ($3, $4)`: placeholders for so many rows of so many values.
fn placeholders(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places: Vec<String> = (1..=columns)
            .map(|column| format!("${}", row * columns + column))
            .collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

struct Known {
    journal: JournalId,
    content_hash: Vec<u8>,
}

/// The journals that were posted under some keys.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn posted(view: &View, keys: &[Key]) -> Result<HashMap<Key, JournalId>, Error> {
    let keys: Vec<&Key> = keys.iter().collect();
    let known = known(view, &keys).await?;
    Ok(known
        .into_iter()
        .map(|(key, known)| (key, known.journal))
        .collect())
}

async fn known(view: &View, keys: &[&Key]) -> Result<HashMap<Key, Known>, Error> {
    let mut known = HashMap::with_capacity(keys.len());
    for chunk in keys.chunks(CHUNK) {
        let sql = format!(
            "SELECT journal.id, journal.cause, journal.sequence, journal.content_hash \
             FROM (VALUES {}) AS asked JOIN ledger_journals AS journal \
             ON journal.ecosystem = asked.column1 AND journal.cause = asked.column2 \
             AND journal.sequence = asked.column3",
            placeholders(chunk.len(), 3)
        );
        let values = chunk.iter().flat_map(|Key { cause, sequence }| {
            [
                view.ecosystem().as_str().into(),
                cause.as_str().into(),
                (*sequence).into(),
            ]
        });
        for row in query(view, sql, values).await? {
            let key = Key::new(
                row.try_get::<String>("", "cause")?,
                row.try_get("", "sequence")?,
            );
            let content_hash = row.try_get("", "content_hash")?;
            known.insert(
                key,
                Known {
                    journal: row.try_get("", "id")?,
                    content_hash,
                },
            );
        }
    }
    Ok(known)
}

/// Tells the postings that have to be written from those that were posted before, earlier or in the
/// same batch.
fn sort_out(
    txn: &Txn,
    postings: Vec<Posting>,
    mut known: HashMap<Key, Known>,
) -> Result<(Vec<Fresh>, Vec<Posted>), Error> {
    let mut all_fresh = Vec::with_capacity(postings.len());
    let mut posted = Vec::with_capacity(postings.len());
    // Ids that are made in one moment come in no order; the journals of a batch shall have its own.
    let mut ids: Vec<JournalId> = postings
        .iter()
        .map(|_| JournalId::generate(txn.now()))
        .collect();
    ids.sort_unstable();
    for ((index, posting), journal) in postings.into_iter().enumerate().zip(ids) {
        let content_hash = posting.content_hash();
        if let Some(Known {
            journal,
            content_hash: before,
        }) = known.get(posting.key())
        {
            if *before != content_hash {
                let key = posting.key().clone();
                return Err(Rejected {
                    index: Some(index),
                    ..Fault::KeyReused.of(key)
                }
                .into());
            }
            posted.push(Posted {
                journal: journal.clone(),
                fresh: false,
            });
        } else {
            let key = posting.key().clone();
            known.insert(
                key,
                Known {
                    journal: journal.clone(),
                    content_hash,
                },
            );
            posted.push(Posted {
                journal: journal.clone(),
                fresh: true,
            });
            all_fresh.push(Fresh {
                index,
                journal,
                posting,
            });
        }
    }
    Ok((all_fresh, posted))
}

async fn add_to_slices(txn: &Txn, slices: &Slices) -> Result<Slices, Error> {
    let mut after = Slices::new();
    let rows: Vec<(&(LedgerAccountId, AwardId), &Totals)> = slices.iter().collect();
    for chunk in rows.chunks(CHUNK) {
        let sql = format!(
            "INSERT INTO ledger_slices AS had \
             (ecosystem, account, award, debit_minor, credit_minor, entries) VALUES {} \
             ON CONFLICT (ecosystem, account, award) DO UPDATE SET \
             debit_minor = had.debit_minor + excluded.debit_minor, \
             credit_minor = had.credit_minor + excluded.credit_minor, \
             entries = had.entries + excluded.entries \
             RETURNING account, award, debit_minor, credit_minor, entries",
            placeholders(chunk.len(), 6)
        );
        let values = chunk.iter().flat_map(|((account, award), totals)| {
            [
                txn.ecosystem().as_str().into(),
                account.as_str().into(),
                award.as_str().into(),
                totals.debit.into(),
                totals.credit.into(),
                totals.entries.into(),
            ]
        });
        for row in query(txn, sql, values).await? {
            after.insert(
                (row.try_get("", "account")?, row.try_get("", "award")?),
                totals(&row)?,
            );
        }
    }
    Ok(after)
}

async fn add_to_accounts(
    txn: &Txn,
    accounts: &Accounts,
) -> Result<HashMap<LedgerAccountId, Totals>, Error> {
    let mut after = HashMap::with_capacity(accounts.len());
    let rows: Vec<(&Account, &Totals)> = accounts.iter().collect();
    for chunk in rows.chunks(CHUNK) {
        let sql = format!(
            "INSERT INTO ledger_accounts AS had \
             (ecosystem, id, class, partner, program, rail, detail, currency, debit_minor, \
             credit_minor, entries, create_time, update_time) VALUES {} \
             ON CONFLICT (ecosystem, id) DO UPDATE SET \
             debit_minor = had.debit_minor + excluded.debit_minor, \
             credit_minor = had.credit_minor + excluded.credit_minor, \
             entries = had.entries + excluded.entries, \
             update_time = excluded.update_time \
             RETURNING id, debit_minor, credit_minor, entries",
            placeholders(chunk.len(), 13)
        );
        let values = chunk
            .iter()
            .flat_map(|(account, totals)| row_of(txn, account, **totals));
        for row in query(txn, sql, values).await? {
            after.insert(row.try_get("", "id")?, totals(&row)?);
        }
    }
    Ok(after)
}

fn row_of(txn: &Txn, account: &Account, totals: Totals) -> [Value; 13] {
    let (partner, program, rail) = match account.owner() {
        Owner::Partner(partner) => (Some(partner.as_str()), None, None),
        Owner::Program(program) => (None, Some(program.as_str()), None),
        Owner::Rail(rail) => (None, None, Some(rail.slug())),
    };
    [
        txn.ecosystem().as_str().into(),
        account.id().as_str().into(),
        account.class().into(),
        partner.into(),
        program.into(),
        rail.into(),
        account.detail().map(HoldReason::slug).into(),
        account.currency().code().into(),
        totals.debit.into(),
        totals.credit.into(),
        totals.entries.into(),
        txn.now().micros().into(),
        txn.now().micros().into(),
    ]
}

fn totals(row: &QueryResult) -> Result<Totals, DbErr> {
    Ok(Totals {
        debit: row.try_get("", "debit_minor")?,
        credit: row.try_get("", "credit_minor")?,
        entries: row.try_get("", "entries")?,
    })
}
