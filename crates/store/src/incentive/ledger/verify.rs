//! Proves the ledger from its lines: the same things that the postings' constructor and the
//! database promise, added up once more in another way.
//!
//! Each check is one statement, so that it sees one state of the ledger while others post to it.

use sea_orm::Value;

use super::query;
use crate::{Error, View};

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The lines of each journal balance, for every currency and every award, and close the set-off.
    JournalsBalance,
    /// All accounts together balance for every currency.
    CurrenciesBalance,
    /// The totals and the count of each account are those of its lines.
    AccountsEqualLines,
    /// What each award has on each account is what its lines say.
    AwardsEqualLines,
    /// No constrained account, and no award on one, was ever below zero.
    NeverBelowZero,
    /// The number and the balances of each line follow from the line before it.
    LinesFollow,
    /// Every line has its journal, and every journal all of its lines.
    LinesSealed,
    /// The parts of each award add up to what is due to the partner, which is not negative and is what the
    /// award says.
    AwardsAddUp,
    /// Each journal that reverses another is its exact inverse.
    ReversalsMirror,
    /// Closed months follow each other, and count the journals that they counted when they were closed.
    PeriodsClosed,
    /// What is kept of budgets for all is what their awards come to: together, and until where they ended.
    BudgetsAddUp,
}

/// What the findings of a check are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A journal.
    Journal,
    /// An account.
    Account,
    /// An award.
    Award,
    /// A currency.
    Currency,
    /// A closed month.
    Period,
    /// A plan.
    Plan,
}

impl Rule {
    /// Every rule, in the order in which they are checked.
    pub const ALL: [Self; 11] = [
        Self::JournalsBalance,
        Self::CurrenciesBalance,
        Self::AccountsEqualLines,
        Self::AwardsEqualLines,
        Self::NeverBelowZero,
        Self::LinesFollow,
        Self::LinesSealed,
        Self::AwardsAddUp,
        Self::ReversalsMirror,
        Self::PeriodsClosed,
        Self::BudgetsAddUp,
    ];

    /// What its findings are about.
    #[must_use]
    pub const fn subject(self) -> Subject {
        match self {
            Self::JournalsBalance | Self::LinesSealed | Self::ReversalsMirror => Subject::Journal,
            Self::CurrenciesBalance => Subject::Currency,
            Self::AccountsEqualLines | Self::NeverBelowZero | Self::LinesFollow => Subject::Account,
            Self::AwardsEqualLines | Self::AwardsAddUp => Subject::Award,
            Self::PeriodsClosed => Subject::Period,
            Self::BudgetsAddUp => Subject::Plan,
        }
    }

    /// Selects what breaks the rule: the id of the subject, and what is wrong with it.
    const fn sql(self) -> &'static str {
        match self {
            Self::JournalsBalance => JOURNALS_BALANCE,
            Self::CurrenciesBalance => CURRENCIES_BALANCE,
            Self::AccountsEqualLines => ACCOUNTS_EQUAL_LINES,
            Self::AwardsEqualLines => AWARDS_EQUAL_LINES,
            Self::NeverBelowZero => NEVER_BELOW_ZERO,
            Self::LinesFollow => LINES_FOLLOW,
            Self::LinesSealed => LINES_SEALED,
            Self::AwardsAddUp => AWARDS_ADD_UP,
            Self::ReversalsMirror => REVERSALS_MIRROR,
            Self::PeriodsClosed => PERIODS_CLOSED,
            Self::BudgetsAddUp => BUDGETS_ADD_UP,
        }
    }
}

const JOURNALS_BALANCE: &str = "
    SELECT journal AS subject, 'debits exceed credits by ' || SUM(debit_minor - credit_minor)
        || ' ' || currency || COALESCE(' for award ' || award, '') AS what
    FROM ledger_lines WHERE ecosystem = $1
    GROUP BY journal, currency, award HAVING SUM(debit_minor) <> SUM(credit_minor)
    UNION ALL
    SELECT journal, account || ' is left with ' || SUM(credit_minor - debit_minor)
    FROM ledger_lines WHERE ecosystem = $1 AND account LIKE 'set-off.%'
    GROUP BY journal, account HAVING SUM(debit_minor) <> SUM(credit_minor)";

const CURRENCIES_BALANCE: &str = "
    SELECT currency AS subject, 'the debits of all lines exceed the credits by '
        || SUM(debit_minor - credit_minor) AS what
    FROM ledger_lines WHERE ecosystem = $1
    GROUP BY currency HAVING SUM(debit_minor) <> SUM(credit_minor)
    UNION ALL
    SELECT currency, 'the debits of all accounts exceed the credits by '
        || SUM(debit_minor - credit_minor)
    FROM ledger_accounts WHERE ecosystem = $1
    GROUP BY currency HAVING SUM(debit_minor) <> SUM(credit_minor)";

const ACCOUNTS_EQUAL_LINES: &str = "
    SELECT account AS subject, 'it has debits ' || SUM(had_debit) || ', credits '
        || SUM(had_credit) || ' in ' || SUM(had) || ' lines, and its lines are debits '
        || SUM(debit) || ', credits ' || SUM(credit) || ' in ' || SUM(lines) AS what
    FROM (
        SELECT id AS account, debit_minor AS had_debit, credit_minor AS had_credit,
            entries AS had, 0 AS debit, 0 AS credit, 0 AS lines
        FROM ledger_accounts WHERE ecosystem = $1
        UNION ALL
        SELECT account, 0, 0, 0, debit_minor, credit_minor, 1
        FROM ledger_lines WHERE ecosystem = $1
    ) AS both_sides
    GROUP BY account HAVING SUM(had_debit) <> SUM(debit) OR SUM(had_credit) <> SUM(credit)
        OR SUM(had) <> SUM(lines)";

const AWARDS_EQUAL_LINES: &str = "
    SELECT award AS subject, 'on ' || account || ' it has debits ' || SUM(had_debit)
        || ', credits ' || SUM(had_credit) || ' in ' || SUM(had)
        || ' lines, and its lines are debits ' || SUM(debit) || ', credits ' || SUM(credit)
        || ' in ' || SUM(lines) AS what
    FROM (
        SELECT account, award, debit_minor AS had_debit, credit_minor AS had_credit,
            entries AS had, 0 AS debit, 0 AS credit, 0 AS lines
        FROM ledger_slices WHERE ecosystem = $1
        UNION ALL
        SELECT account, award, 0, 0, 0, debit_minor, credit_minor, 1
        FROM ledger_lines WHERE ecosystem = $1 AND award IS NOT NULL
    ) AS both_sides
    GROUP BY account, award HAVING SUM(had_debit) <> SUM(debit)
        OR SUM(had_credit) <> SUM(credit) OR SUM(had) <> SUM(lines)";

/// The balances are added up from the amounts; what the lines themselves say of them is the rule
/// after this one's. Only receivables are constrained on the debit side.
const NEVER_BELOW_ZERO: &str = "
    SELECT account AS subject, 'it stood at ' || MIN(balance)
        || COALESCE(' for award ' || award, '') AS what
    FROM (
        SELECT account, NULL AS award, SUM(sign * (credit_minor - debit_minor))
            OVER (PARTITION BY account ORDER BY entry) AS balance
        FROM (SELECT line.account, line.entry, line.debit_minor, line.credit_minor,
                CASE WHEN account.class = 'RECEIVABLE' THEN -1 ELSE 1 END AS sign
            FROM ledger_lines AS line JOIN ledger_accounts AS account
                ON account.ecosystem = line.ecosystem AND account.id = line.account
            WHERE line.ecosystem = $1 AND account.class IN ('PAYOUT_CLEARING', 'RECEIVABLE',
                'HELD', 'REVIEW', 'PAYABLE', 'IN_PAYOUT')) AS lines
        UNION ALL
        SELECT account, award, SUM(sign * (credit_minor - debit_minor))
            OVER (PARTITION BY account, award ORDER BY entry) AS balance
        FROM (SELECT line.account, line.award, line.entry, line.debit_minor, line.credit_minor,
                CASE WHEN account.class = 'RECEIVABLE' THEN -1 ELSE 1 END AS sign
            FROM ledger_lines AS line JOIN ledger_accounts AS account
                ON account.ecosystem = line.ecosystem AND account.id = line.account
            WHERE line.ecosystem = $1 AND line.award IS NOT NULL
                AND account.class IN ('PAYOUT_CLEARING', 'RECEIVABLE', 'HELD', 'REVIEW',
                'PAYABLE', 'IN_PAYOUT')) AS lines
    ) AS running
    WHERE balance < 0 GROUP BY account, award";

const LINES_FOLLOW: &str = "
    SELECT account AS subject, 'line ' || entry || ' says ' || balance_minor
        || COALESCE(' and ' || award_balance_minor || ' for award ' || award, '')
        || ', and it is line ' || counted || ' with ' || balance
        || COALESCE(' and ' || award_balance, '') AS what
    FROM (
        SELECT account, award, entry, balance_minor, award_balance_minor,
            ROW_NUMBER() OVER (PARTITION BY account ORDER BY entry) AS counted,
            SUM(sign * (credit_minor - debit_minor))
                OVER (PARTITION BY account ORDER BY entry) AS balance,
            CASE WHEN award IS NOT NULL THEN SUM(sign * (credit_minor - debit_minor))
                OVER (PARTITION BY account, award ORDER BY entry) END AS award_balance
        FROM (SELECT line.*, CASE WHEN account.class IN ('CASH', 'RECEIVABLE',
                'CONTRA_REVENUE', 'COMMISSION_EXPENSE') THEN -1 ELSE 1 END AS sign
            FROM ledger_lines AS line JOIN ledger_accounts AS account
                ON account.ecosystem = line.ecosystem AND account.id = line.account
            WHERE line.ecosystem = $1) AS lines
    ) AS running
    WHERE entry <> counted OR balance_minor <> balance
        OR COALESCE(award_balance_minor, 0) <> COALESCE(award_balance, 0)";

const LINES_SEALED: &str = "
    SELECT journal AS subject, 'it has ' || COUNT(*) || ' lines and was never written' AS what
    FROM ledger_lines AS line WHERE ecosystem = $1 AND NOT EXISTS (
        SELECT 1 FROM ledger_journals AS journal
        WHERE journal.ecosystem = line.ecosystem AND journal.id = line.journal)
    GROUP BY journal
    UNION ALL
    SELECT journal.id, 'it was written with ' || journal.line_count || ' lines and has '
        || COUNT(line.journal) || ', of which ' || COUNT(CASE WHEN
            line.effective_date = journal.effective_date
            AND line.record_time = journal.record_time THEN 1 END) || ' are of its day and time'
    FROM ledger_journals AS journal LEFT JOIN ledger_lines AS line
        ON line.ecosystem = journal.ecosystem AND line.journal = journal.id
    WHERE journal.ecosystem = $1
    GROUP BY journal.id, journal.line_count
    HAVING COUNT(line.journal) <> journal.line_count OR COUNT(CASE WHEN
        line.effective_date = journal.effective_date
        AND line.record_time = journal.record_time THEN 1 END) <> journal.line_count";

const AWARDS_ADD_UP: &str = "
    SELECT award AS subject, 'its parts are ' || parts || ' ' || currency
        || ', and ' || due || ' is due to the partner' AS what
    FROM (
        SELECT line.award, line.currency,
            SUM(CASE WHEN account.class IN ('CONTRA_REVENUE', 'COMMISSION_EXPENSE')
                THEN line.debit_minor - line.credit_minor ELSE 0 END) AS due,
            SUM(CASE WHEN account.class IN ('CONTRA_REVENUE', 'COMMISSION_EXPENSE')
                THEN 0 ELSE line.credit_minor - line.debit_minor END) AS parts
        FROM ledger_lines AS line JOIN ledger_accounts AS account
            ON account.ecosystem = line.ecosystem AND account.id = line.account
        WHERE line.ecosystem = $1 AND line.award IS NOT NULL
        GROUP BY line.award, line.currency
    ) AS awards
    WHERE parts <> due OR due < 0
    UNION ALL
    SELECT id, 'it comes to ' || entitled_minor || ' ' || currency || ', of which ' || rejected_minor
        || ' is rejected, is adjusted by ' || adjusted_minor || ', and ' || due || ' was posted'
    FROM (
        SELECT award.id, award.currency, award.entitled_minor, award.rejected_minor,
            award.adjusted_minor, COALESCE(SUM(CASE WHEN account.class IN ('CONTRA_REVENUE', 'COMMISSION_EXPENSE')
                THEN line.debit_minor - line.credit_minor ELSE 0 END), 0) AS due
        FROM awards AS award
        LEFT JOIN ledger_lines AS line
            ON line.ecosystem = award.ecosystem AND line.award = award.id
        LEFT JOIN ledger_accounts AS account
            ON account.ecosystem = line.ecosystem AND account.id = line.account
        WHERE award.ecosystem = $1
        GROUP BY award.id, award.currency, award.entitled_minor, award.rejected_minor,
            award.adjusted_minor
    ) AS awards
    WHERE due <> entitled_minor + adjusted_minor - rejected_minor";

const REVERSALS_MIRROR: &str = "
    SELECT journal AS subject, 'on ' || account || COALESCE(' for award ' || award, '')
        || ' it differs from the inverse of what it reverses' AS what
    FROM (
        SELECT back.id AS journal, line.account, line.award, line.debit_minor AS debit,
            line.credit_minor AS credit
        FROM ledger_journals AS back JOIN ledger_lines AS line
            ON line.ecosystem = back.ecosystem AND line.journal = back.id
        WHERE back.ecosystem = $1 AND back.reverses IS NOT NULL
        UNION ALL
        SELECT back.id, line.account, line.award, -line.credit_minor, -line.debit_minor
        FROM ledger_journals AS back JOIN ledger_lines AS line
            ON line.ecosystem = back.ecosystem AND line.journal = back.reverses
        WHERE back.ecosystem = $1
    ) AS both_sides
    GROUP BY journal, account, award HAVING SUM(debit) <> 0 OR SUM(credit) <> 0
    UNION ALL
    SELECT back.id, 'it reverses ' || back.reverses || ', which does not exist'
    FROM ledger_journals AS back WHERE back.ecosystem = $1 AND back.reverses IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM ledger_journals AS journal
            WHERE journal.ecosystem = back.ecosystem AND journal.id = back.reverses)";

const PERIODS_CLOSED: &str = "
    SELECT period.id AS subject, 'it was closed with ' || period.journal_count
        || ' journals and has ' || COUNT(journal.id) AS what
    FROM ledger_periods AS period LEFT JOIN ledger_journals AS journal
        ON journal.ecosystem = period.ecosystem AND journal.effective_date >= period.start_date
        AND journal.effective_date < period.end_date
    WHERE period.ecosystem = $1
    GROUP BY period.id, period.journal_count HAVING COUNT(journal.id) <> period.journal_count
    UNION ALL
    SELECT id, 'it does not follow the closed month before it' FROM (
        SELECT id, start_date, LAG(end_date) OVER (ORDER BY start_date) AS before
        FROM ledger_periods WHERE ecosystem = $1) AS periods
    WHERE before <> start_date
    UNION ALL
    SELECT period.id, 'it was closed first, and journals count before it'
    FROM ledger_periods AS period WHERE period.ecosystem = $1
        AND NOT EXISTS (SELECT 1 FROM ledger_periods AS earlier
            WHERE earlier.ecosystem = period.ecosystem AND earlier.end_date < period.end_date)
        AND EXISTS (SELECT 1 FROM ledger_journals AS journal
            WHERE journal.ecosystem = period.ecosystem
            AND journal.effective_date < period.start_date)";

/// Of the day on which a budget ended it does not say which award comes first: that is the order of bytes,
/// which the databases call otherwise.
const BUDGETS_ADD_UP: &str = "
    SELECT budget.plan AS subject, budget.spent_minor || ' is said to be spent of the budget that begins '
        || budget.period_start || ' days after 1970-01-01, and its awards come to '
        || COALESCE(SUM(award.entitled_minor), 0) AS what
    FROM plan_budgets AS budget LEFT JOIN awards AS award
        ON award.ecosystem = budget.ecosystem AND award.plan = budget.plan
        AND award.earner IS NOT NULL AND award.scope_date >= budget.period_start
        AND award.scope_date < budget.period_end
    WHERE budget.ecosystem = $1
    GROUP BY budget.plan, budget.period_start, budget.spent_minor
    HAVING budget.spent_minor <> COALESCE(SUM(award.entitled_minor), 0)
    UNION ALL
    SELECT budget.plan, 'award ' || award.id || ' comes to ' || award.entitled_minor
        || ', though the budget ended at ' || COALESCE(budget.first_cut, 'none')
    FROM plan_budgets AS budget JOIN awards AS award
        ON award.ecosystem = budget.ecosystem AND award.plan = budget.plan
        AND award.earner IS NOT NULL AND award.scope_date >= budget.period_start
        AND award.scope_date < budget.period_end
    LEFT JOIN awards AS cut ON cut.ecosystem = budget.ecosystem AND cut.id = budget.first_cut
    WHERE budget.ecosystem = $1 AND (
        (award.entitled_minor > 0 AND award.scope_date > cut.scope_date)
        OR (award.not_paid = 'BUDGET_EXHAUSTED'
            AND (cut.id IS NULL OR award.scope_date < cut.scope_date)))";

/// The findings that a check names; it counts all.
const NAMED_MAX: u32 = 100;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it is about.
    pub rule: Rule,
    /// How many things are wrong.
    pub count: i64,
    /// The first hundred of them.
    pub findings: Vec<Finding>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The id of the rule's subject.
    pub subject: String,
    /// What is wrong with it.
    pub what: String,
}

/// Makes one check.
///
/// # Errors
/// [`Error::Deadline`] when the ledger is too large to be read in the time that a statement has.
pub async fn check(view: &View, rule: Rule) -> Result<Check, Error> {
    let sql = format!(
        "SELECT subject, what, COUNT(*) OVER () AS total FROM ({}) AS findings \
         ORDER BY subject, what LIMIT {NAMED_MAX}",
        rule.sql()
    );
    let mut check = Check {
        rule,
        count: 0,
        findings: Vec::new(),
    };
    for row in query(view, sql, [ecosystem(view)]).await? {
        check.count = row.try_get("", "total")?;
        check.findings.push(Finding {
            subject: row.try_get("", "subject")?,
            what: row.try_get("", "what")?,
        });
    }
    Ok(check)
}

/// How many journals and lines there are.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn size(view: &View) -> Result<(i64, i64), Error> {
    let sql = "SELECT (SELECT COUNT(*) FROM ledger_journals WHERE ecosystem = $1) AS journals, \
        (SELECT COUNT(*) FROM ledger_lines WHERE ecosystem = $1) AS lines";
    match query(view, sql, [ecosystem(view)]).await?.first() {
        Some(row) => Ok((row.try_get("", "journals")?, row.try_get("", "lines")?)),
        None => Ok((0, 0)),
    }
}

fn ecosystem(view: &View) -> Value {
    view.ecosystem().as_str().into()
}
