//! Drafts the rows that a batch of postings becomes: what it adds to each account and slice, and,
//! once that is known, each line with its number and the balances after it. Pure.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use trellis_core::{
    AwardId, Date, EcosystemId, JournalId, LedgerAccountId, LedgerPeriodId, Timestamp,
};

use super::chart::{Account, Class, Side};
use super::posting::{Fault, Line, Posting, Rejected};
use super::{journal, line, period};
use crate::Error;

/// A posting that has to be written, with its place in the batch and the id of its journal.
pub(super) struct Fresh {
    pub(super) index: usize,
    pub(super) journal: JournalId,
    pub(super) posting: Posting,
}

impl Fresh {
    fn reject(&self, fault: Fault) -> Rejected {
        Rejected {
            index: Some(self.index),
            ..fault.of(self.posting.key().clone())
        }
    }
}

/// Sums of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) debit: i64,
    pub(super) credit: i64,
    pub(super) entries: i64,
}

impl Totals {
    /// Counts one more line; answers nothing when the sum does not fit.
    fn plus(self, side: Side, minor: i64) -> Option<Self> {
        let (debit, credit) = match side {
            Side::Debit => (self.debit.checked_add(minor)?, self.credit),
            Side::Credit => (self.debit, self.credit.checked_add(minor)?),
        };
        Some(Self {
            debit,
            credit,
            entries: self.entries + 1,
        })
    }

    /// What was there before so much was added.
    const fn minus(self, added: Self) -> Self {
        Self {
            debit: self.debit - added.debit,
            credit: self.credit - added.credit,
            entries: self.entries - added.entries,
        }
    }

    const fn balance(self, class: Class) -> i64 {
        class.normal().balance(self.debit, self.credit)
    }
}

pub(super) type Accounts = BTreeMap<Account, Totals>;
pub(super) type Slices = BTreeMap<(LedgerAccountId, AwardId), Totals>;

/// What a batch adds to each account and to each slice, in the order in which they are written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Added {
    pub(super) accounts: Accounts,
    pub(super) slices: Slices,
}

impl Added {
    pub(super) fn by(fresh: &[Fresh]) -> Result<Self, Rejected> {
        let mut added = Self::default();
        for one in fresh {
            for line in one.posting.lines() {
                if added.add(line).is_none() {
                    let account = line.account.id().to_string();
                    return Err(one.reject(Fault::TooLarge { account }));
                }
            }
        }
        Ok(added)
    }

    fn add(&mut self, line: &Line) -> Option<()> {
        let Line {
            account,
            award,
            side,
            minor,
        } = line;
        let totals = self.accounts.entry(account.clone()).or_default();
        *totals = totals.plus(*side, *minor)?;
        if let Some(award) = award {
            let slice = (account.id().clone(), award.clone());
            let totals = self.slices.entry(slice).or_default();
            *totals = totals.plus(*side, *minor)?;
        }
        Some(())
    }

    /// What the accounts and slices had before, given what they have after.
    pub(super) fn before(
        self,
        accounts_after: HashMap<LedgerAccountId, Totals>,
        slices_after: Slices,
    ) -> Result<Running, Error> {
        let Self { accounts, slices } = self;
        let missing = |table| Error::Corrupt {
            table,
            what: "a row was not written".to_owned(),
        };
        let accounts = accounts.into_iter().map(|(account, added)| {
            let after = accounts_after
                .get(account.id())
                .ok_or(missing("ledger_accounts"))?;
            Ok((account.id().clone(), after.minus(added)))
        });
        let slices = slices.into_iter().map(|(slice, added)| {
            let after = slices_after.get(&slice).ok_or(missing("ledger_slices"))?;
            Ok((slice, after.minus(added)))
        });
        Ok(Running {
            accounts: accounts.collect::<Result<_, Error>>()?,
            slices: slices.collect::<Result<_, Error>>()?,
        })
    }
}

/// What accounts and slices have while the lines of a batch are drafted, one after the other.
#[derive(Debug, Default)]
pub(super) struct Running {
    accounts: HashMap<LedgerAccountId, Totals>,
    slices: Slices,
}

impl Running {
    /// Counts a line; answers the account's totals and the award's after it.
    fn count(&mut self, line: &Line) -> Result<(Totals, Option<Totals>), Fault> {
        let Line {
            account,
            award,
            side,
            minor,
        } = line;
        let too_large = || Fault::TooLarge {
            account: account.id().to_string(),
        };
        let totals = self.accounts.entry(account.id().clone()).or_default();
        *totals = totals.plus(*side, *minor).ok_or_else(too_large)?;
        let after = *totals;
        let Some(award) = award else {
            return Ok((after, None));
        };
        let totals = match self.slices.entry((account.id().clone(), award.clone())) {
            Entry::Vacant(slice) => slice.insert(Totals::default()),
            Entry::Occupied(slice) => slice.into_mut(),
        };
        *totals = totals.plus(*side, *minor).ok_or_else(too_large)?;
        Ok((after, Some(*totals)))
    }
}

/// Where and when rows are drafted.
#[derive(Clone, Copy)]
pub(super) struct Now<'a> {
    pub(super) ecosystem: &'a EcosystemId,
    pub(super) time: Timestamp,
    /// The first day that is not closed, if any day is.
    pub(super) open_from: Option<Date>,
}

impl Now<'_> {
    /// The day on which a posting counts: its own, or the first one that is not closed; and the month
    /// that it belongs to, if it counts in a later one.
    fn day(&self, posting: &Posting) -> (Date, Option<LedgerPeriodId>) {
        let own = posting.effective_date();
        let day = self.open_from.map_or(own, |open| open.max(own));
        let belongs = period::of(posting.belongs_to().unwrap_or(own));
        let attributed = (belongs < period::of(day)).then(|| LedgerPeriodId::of(belongs));
        (day, attributed)
    }
}

/// Drafts the rows of lines and journals. Refuses the first line after which a constrained account
/// has less than zero, even if a later one would make up for it.
pub(super) fn draft(
    now: Now<'_>,
    fresh: &[Fresh],
    mut running: Running,
) -> Result<(Vec<line::Model>, Vec<journal::Model>), Rejected> {
    let mut lines = Vec::with_capacity(fresh.iter().map(|one| one.posting.lines().len()).sum());
    let mut journals = Vec::with_capacity(fresh.len());
    for one in fresh {
        let posting = &one.posting;
        let (effective_date, attributed_period) = now.day(posting);
        for (number, line) in (0..).zip(posting.lines()) {
            let (account, award) = running.count(line).map_err(|fault| one.reject(fault))?;
            let class = line.account.class();
            let balance_minor = account.balance(class);
            let award_balance_minor = award.map(|award| award.balance(class));
            if let Some(fault) = below_zero(line, balance_minor, award_balance_minor) {
                return Err(one.reject(fault));
            }
            let (debit_minor, credit_minor) = match line.side {
                Side::Debit => (line.minor, 0),
                Side::Credit => (0, line.minor),
            };
            lines.push(line::Model {
                ecosystem: now.ecosystem.clone(),
                journal: one.journal.clone(),
                line: number,
                account: line.account.id().clone(),
                entry: account.entries,
                award: line.award.clone(),
                currency: line.account.currency(),
                debit_minor,
                credit_minor,
                constrained: class.constrained(),
                balance_minor,
                award_balance_minor,
                effective_date,
                record_time: now.time,
            });
        }
        journals.push(journal::Model {
            ecosystem: now.ecosystem.clone(),
            id: one.journal.clone(),
            kind: posting.kind(),
            cause: posting.key().cause.clone(),
            sequence: posting.key().sequence,
            content_hash: posting.content_hash(),
            effective_date,
            attributed_period,
            record_time: now.time,
            reverses: posting.reverses().cloned(),
            line_count: i64::try_from(posting.lines().len()).unwrap_or(i64::MAX),
        });
    }
    Ok((lines, journals))
}

fn below_zero(line: &Line, balance: i64, award_balance: Option<i64>) -> Option<Fault> {
    if !line.account.class().constrained() {
        return None;
    }
    let account = line.account.id().to_string();
    if balance < 0 {
        return Some(Fault::BelowZero {
            account,
            award: None,
            balance,
        });
    }
    let balance = award_balance.filter(|balance| *balance < 0)?;
    Some(Fault::BelowZero {
        account,
        award: line.award.clone(),
        balance,
    })
}
