//! The postings of an award: how its moves are written into the ledger.
//!
//! | What happened | Debit | Credit |
//! |---|---|---|
//! | earned | the program's expense | held, review, or what the partner owes |
//! | no longer earned | held, review, payable, what the partner owes | the program's expense |
//! | out of its hold | held | review |
//! | approved | review | payable |
//! | rejected | review, held | the program's expense |
//! | added by hand | the program's expense | review; held while somebody holds the award |
//! | taken off by hand | as no longer earned | the program's expense |
//! | held by hand | review, payable | held for that reason |
//! | released | held for that reason | review, payable |

use trellis_core::{Date, Period};
use trellis_store::incentive::award::{AccountingClass, Hold, Model, Window};
use trellis_store::incentive::ledger::{Account, Buckets, HoldReason, Key, Kind, Line, Posting};

use crate::Error;
use trellis_evaluation::kernel::posting::Moves;

/// How many postings some moves make.
pub(crate) fn count(moves: &Moves) -> i64 {
    i64::from(moves.delta() != 0) + i64::from(moves.release != 0)
}

/// The postings of some moves of an award, which counts them already: the last of them has its
/// count for a number.
pub(crate) fn of_moves(award: &Model, moves: &Moves, today: Date) -> Result<Vec<Posting>, Error> {
    let accounts = Accounts { award };
    let mut number = award.posting_count - count(moves);
    let mut postings = Vec::new();
    let mut post = |kind, lines| -> Result<(), Error> {
        number += 1;
        let posting = posting(award, number, kind, today, lines)?;
        postings.push(match kind {
            Kind::Accrual | Kind::Clawback => posting.belonging_to(earned_on(award, today)),
            _ => posting,
        });
        Ok(())
    };
    let delta = moves.delta();
    if delta != 0 {
        let kind = if delta > 0 {
            Kind::Accrual
        } else {
            Kind::Clawback
        };
        post(kind, difference(&accounts, moves))?;
    }
    if moves.release > 0 {
        let (held, review) = (accounts.held(), accounts.review());
        let lines = Line::pair(held, review, Some(&award.id), moves.release);
        post(Kind::Release, lines.into())?;
    }
    Ok(postings)
}

/// The lines of what moves between an award and its expense, all of it in one direction.
fn difference(accounts: &Accounts<'_>, moves: &Moves) -> Vec<Line> {
    let Moves {
        accrue_owed,
        accrue_held,
        accrue_review,
        claw_held,
        claw_on_hold,
        claw_review,
        claw_payable,
        claw_owed,
        release: _,
    } = *moves;
    let award = Some(&accounts.award.id);
    let delta = moves.delta();
    if delta > 0 {
        let credits = [
            (accounts.receivable(), accrue_owed),
            (accounts.held(), accrue_held),
            (accounts.review(), accrue_review),
        ];
        let mut lines = vec![Line::debit(accounts.expense(), award, delta)];
        lines.extend(lined(credits, |account, minor| {
            Line::credit(account, award, minor)
        }));
        return lines;
    }
    let debits = [
        (accounts.held(), claw_held),
        (accounts.on_hold(), claw_on_hold),
        (accounts.review(), claw_review),
        (accounts.payable(), claw_payable),
        (accounts.receivable(), claw_owed),
    ];
    let mut lines: Vec<Line> =
        lined(debits, |account, minor| Line::debit(account, award, minor)).collect();
    lines.push(Line::credit(accounts.expense(), award, -delta));
    lines
}

/// The posting that adjusts an award, which counts it already. It belongs to the day on which it is made.
pub(crate) fn of_adjustment(award: &Model, moves: &Moves, today: Date) -> Result<Posting, Error> {
    let lines = difference(&Accounts { award }, moves);
    posting(award, award.posting_count, Kind::Adjustment, today, lines)
}

/// The posting that approves what an award, which counts it already, has in review.
pub(crate) fn of_approval(award: &Model, minor: i64, today: Date) -> Result<Posting, Error> {
    let accounts = Accounts { award };
    let lines = Line::pair(
        accounts.review(),
        accounts.payable(),
        Some(&award.id),
        minor,
    );
    posting(
        award,
        award.posting_count,
        Kind::Approval,
        today,
        lines.into(),
    )
}

/// The posting that holds what an award, which is held and counts it already, has in review and payable.
pub(crate) fn of_hold(award: &Model, there: &Buckets, today: Date) -> Result<Posting, Error> {
    let accounts = Accounts { award };
    let debits = [
        (accounts.review(), there.review),
        (accounts.payable(), there.payable),
    ];
    let mut lines: Vec<Line> = lined(debits, |account, minor| {
        Line::debit(account, Some(&award.id), minor)
    })
    .collect();
    let minor = there.review + there.payable;
    lines.push(Line::credit(accounts.on_hold(), Some(&award.id), minor));
    posting(award, award.posting_count, Kind::Hold, today, lines)
}

/// The posting that releases what an award, which is held and counts it already, has on hold: so much of
/// it waits for approval, and so much is payable.
pub(crate) fn of_hold_release(
    award: &Model,
    (review, payable): (i64, i64),
    today: Date,
) -> Result<Posting, Error> {
    let accounts = Accounts { award };
    let mut lines = vec![Line::debit(
        accounts.on_hold(),
        Some(&award.id),
        review + payable,
    )];
    let credits = [(accounts.review(), review), (accounts.payable(), payable)];
    lines.extend(lined(credits, |account, minor| {
        Line::credit(account, Some(&award.id), minor)
    }));
    posting(award, award.posting_count, Kind::HoldRelease, today, lines)
}

/// Where what is rejected is taken from, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// Waited for approval.
    pub(crate) review: i64,
    /// Was held.
    pub(crate) held: i64,
}

impl Rejected {
    /// Takes so much first of what waits for approval: whoever rejects has looked at that.
    pub(crate) fn of(there: &Buckets, minor: i64) -> Self {
        let review = minor.min(there.review);
        Self {
            review,
            held: minor - review,
        }
    }
}

/// The posting that rejects something of an award, which counts it already.
pub(crate) fn of_rejection(
    award: &Model,
    rejected: &Rejected,
    today: Date,
) -> Result<Posting, Error> {
    let Rejected { review, held } = *rejected;
    let accounts = Accounts { award };
    let debits = [(accounts.review(), review), (accounts.held(), held)];
    let mut lines: Vec<Line> = lined(debits, |account, minor| {
        Line::debit(account, Some(&award.id), minor)
    })
    .collect();
    lines.push(Line::credit(
        accounts.expense(),
        Some(&award.id),
        review + held,
    ));
    let posting = posting(award, award.posting_count, Kind::Rejection, today, lines)?;
    Ok(posting.belonging_to(earned_on(award, today)))
}

/// The day to which what an award comes to belongs: that of its deal or its fact, or the last one of its
/// period that has come; where all time is one, today.
fn earned_on(award: &Model, today: Date) -> Date {
    let day = match (award.window, award.window.cadence()) {
        (Window::Lifetime, _) => today,
        (_, None) => award.scope_date,
        (_, Some(cadence)) => {
            let period = Period::containing(award.scope_date, cadence);
            period.end().plus_days(-1)
        }
    };
    day.min(today)
}

fn posting(
    award: &Model,
    number: i64,
    kind: Kind,
    today: Date,
    lines: Vec<Line>,
) -> Result<Posting, Error> {
    let key = Key::new(format!("awards/{}", award.id), number);
    Ok(Posting::try_new(key, kind, today, lines)?)
}

fn lined<const N: usize>(
    amounts: [(Account, i64); N],
    line: impl Fn(Account, i64) -> Line,
) -> impl Iterator<Item = Line> {
    amounts
        .into_iter()
        .filter(|(_, minor)| *minor > 0)
        .map(move |(account, minor)| line(account, minor))
}

/// The accounts that an award's money moves between.
struct Accounts<'a> {
    award: &'a Model,
}

impl Accounts<'_> {
    fn held(&self) -> Account {
        Account::held(&self.award.partner, HoldReason::Hold, self.award.currency)
    }

    /// What is held by hand; as the plan holds it where nothing is.
    fn on_hold(&self) -> Account {
        let reason = self
            .award
            .hold_reason
            .map_or(HoldReason::Hold, Hold::of_account);
        Account::held(&self.award.partner, reason, self.award.currency)
    }

    fn review(&self) -> Account {
        Account::review(&self.award.partner, self.award.currency)
    }

    fn payable(&self) -> Account {
        Account::payable(&self.award.partner, self.award.currency)
    }

    fn receivable(&self) -> Account {
        Account::receivable(&self.award.partner, self.award.currency)
    }

    fn expense(&self) -> Account {
        let (program, currency) = (&self.award.program, self.award.currency);
        match self.award.accounting_class {
            AccountingClass::ContraRevenue => Account::contra_revenue(program, currency),
            AccountingClass::CommissionExpense => Account::commission_expense(program, currency),
        }
    }
}
