//! Between the wire and the rows: total functions outwards, one parser for each request inwards.

use trellis_api::google::r#type::Money as WireMoney;
use trellis_api::incentive::v1 as pb;
use trellis_api::{Field, Fields, date, money, name, time};
use trellis_core::{
    AwardId, Currency, EcosystemId, JournalId, LedgerAccountId, LedgerPeriodId, Money, PageQuery,
    PartnerId, ProgramId, Timestamp,
};
use trellis_store::incentive::ledger::balance::{ClassSums, Sums, Touching};
use trellis_store::incentive::ledger::statement::Movement;
use trellis_store::incentive::ledger::verify::{Check, Finding, Rule, Subject};
use trellis_store::incentive::ledger::{
    Account, Class, HoldReason, Kind, Rail, Side, account, journal, line,
};

use super::accounts::AsOf;
use super::journals::Export;
use super::periods::Close;
use super::reversals::Reverse;
use super::statement::{self, Totals, movement};
use super::statements::Asked;
use crate::Error;

/// What lists of accounts filter and order by.
const FIELDS: &[Field] = &[
    Field::state("account_class", "ACCOUNT_CLASS", CLASSES),
    Field::id::<PartnerId>("partner"),
    Field::id::<ProgramId>("program"),
    Field::text("rail"),
    Field::text("detail"),
    Field::text("currency_code"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

const CLASSES: &[&str] = &[
    "CASH",
    "PAYOUT_CLEARING",
    "RECEIVABLE",
    "HELD",
    "REVIEW",
    "PAYABLE",
    "IN_PAYOUT",
    "SET_OFF",
    "CONTRA_REVENUE",
    "COMMISSION_EXPENSE",
];

/// What lists of journals filter and order by.
const JOURNAL_FIELDS: &[Field] = &[
    Field::state("kind", "KIND", KINDS),
    Field::text("cause"),
    Field::integer("sequence"),
    Field::date("effective_date").sortable(),
    Field::id::<LedgerPeriodId>("attributed_period"),
    Field::time("record_time").sortable(),
    Field::id::<JournalId>("reverses"),
];

const KINDS: &[&str] = &[
    "ACCRUAL",
    "RELEASE",
    "APPROVAL",
    "CLAWBACK",
    "PAYOUT_RESERVE",
    "PAYOUT_CANCEL",
    "PAYOUT_SEND",
    "PAYOUT_SETTLE",
    "APPROVAL_REVERSAL",
    "PAYOUT_FAIL",
    "PAYOUT_RETURN",
    "REJECTION",
    "REJECTION_REVERSAL",
    "HOLD",
    "HOLD_RELEASE",
    "ADJUSTMENT",
];

fn amount(minor: i64, currency: Currency) -> Option<WireMoney> {
    Some(money::wire(Money::new(minor, currency)))
}

/// An account on the wire.
pub(super) fn wire_account(account: account::Model) -> pb::LedgerAccount {
    let balance_minor = account.balance_minor();
    let account::Model {
        ecosystem,
        id,
        class,
        partner,
        program,
        rail,
        detail,
        currency,
        debit_minor,
        credit_minor,
        entries,
        create_time,
        update_time,
    } = account;
    pb::LedgerAccount {
        name: name(&ecosystem, &id),
        account_class: wire_class(class).into(),
        partner: partner
            .map(|partner| name(&ecosystem, &partner))
            .unwrap_or_default(),
        program: program
            .map(|program| name(&ecosystem, &program))
            .unwrap_or_default(),
        rail: rail.map(Rail::slug).unwrap_or_default().to_owned(),
        detail: detail.map(HoldReason::slug).unwrap_or_default().to_owned(),
        currency_code: currency.code().to_owned(),
        normal_side: wire_side(class.normal()).into(),
        constrained: class.constrained(),
        balance: amount(balance_minor, currency),
        debit_amount: amount(debit_minor, currency),
        credit_amount: amount(credit_minor, currency),
        entry_count: entries,
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
    }
}

fn wire_class(class: Class) -> pb::AccountClass {
    match class {
        Class::Cash => pb::AccountClass::Cash,
        Class::PayoutClearing => pb::AccountClass::PayoutClearing,
        Class::Receivable => pb::AccountClass::Receivable,
        Class::Held => pb::AccountClass::Held,
        Class::Review => pb::AccountClass::Review,
        Class::Payable => pb::AccountClass::Payable,
        Class::InPayout => pb::AccountClass::InPayout,
        Class::SetOff => pb::AccountClass::SetOff,
        Class::ContraRevenue => pb::AccountClass::ContraRevenue,
        Class::CommissionExpense => pb::AccountClass::CommissionExpense,
    }
}

fn wire_side(side: Side) -> pb::Side {
    match side {
        Side::Debit => pb::Side::Debit,
        Side::Credit => pb::Side::Credit,
    }
}

fn wire_kind(kind: Kind) -> pb::journal::Kind {
    match kind {
        Kind::Accrual => pb::journal::Kind::Accrual,
        Kind::Release => pb::journal::Kind::Release,
        Kind::Approval => pb::journal::Kind::Approval,
        Kind::Clawback => pb::journal::Kind::Clawback,
        Kind::PayoutReserve => pb::journal::Kind::PayoutReserve,
        Kind::PayoutCancel => pb::journal::Kind::PayoutCancel,
        Kind::PayoutSend => pb::journal::Kind::PayoutSend,
        Kind::PayoutSettle => pb::journal::Kind::PayoutSettle,
        Kind::ApprovalReversal => pb::journal::Kind::ApprovalReversal,
        Kind::PayoutFail => pb::journal::Kind::PayoutFail,
        Kind::PayoutReturn => pb::journal::Kind::PayoutReturn,
        Kind::Rejection => pb::journal::Kind::Rejection,
        Kind::RejectionReversal => pb::journal::Kind::RejectionReversal,
        Kind::Hold => pb::journal::Kind::Hold,
        Kind::HoldRelease => pb::journal::Kind::HoldRelease,
        Kind::Adjustment => pb::journal::Kind::Adjustment,
    }
}

/// A name, from the part of it after the ecosystem's.
pub(super) fn wire_cause(ecosystem: &EcosystemId, cause: &str) -> String {
    format!("{}/{cause}", trellis_api::ecosystem_name(ecosystem))
}

/// A journal with its lines on the wire.
pub(super) fn wire_journal(journal: journal::Model, lines: Vec<line::Model>) -> pb::Journal {
    let journal::Model {
        ecosystem,
        id,
        kind,
        cause,
        sequence,
        content_hash: _,
        effective_date,
        attributed_period,
        record_time,
        reverses,
        line_count: _,
    } = journal;
    pb::Journal {
        name: name(&ecosystem, &id),
        kind: wire_kind(kind).into(),
        cause: wire_cause(&ecosystem, &cause),
        sequence,
        effective_date: Some(date::wire(effective_date)),
        record_time: Some(time::wire(record_time)),
        reverses: reverses
            .map(|journal| name(&ecosystem, &journal))
            .unwrap_or_default(),
        attributed_period: attributed_period
            .map(|period| name(&ecosystem, &period))
            .unwrap_or_default(),
        lines: lines.into_iter().map(wire_line).collect(),
    }
}

fn wire_line(line: line::Model) -> pb::JournalLine {
    let (side, minor) = (line.side(), line.minor());
    let line::Model {
        ecosystem,
        journal: _,
        line: _,
        account,
        entry,
        award,
        currency,
        debit_minor: _,
        credit_minor: _,
        constrained: _,
        balance_minor,
        award_balance_minor: _,
        effective_date: _,
        record_time: _,
    } = line;
    pb::JournalLine {
        ledger_account: name(&ecosystem, &account),
        award: award
            .map(|award| name(&ecosystem, &award))
            .unwrap_or_default(),
        side: wire_side(side).into(),
        amount: amount(minor, currency),
        balance: amount(balance_minor, currency),
        entry_number: entry,
    }
}

/// What an account had on the wire.
pub(super) fn wire_as_of(account: &account::Model, sums: Sums) -> pb::GetBalanceAsOfResponse {
    let Sums {
        debit,
        credit,
        entries,
    } = sums;
    let currency = account.currency;
    pb::GetBalanceAsOfResponse {
        ledger_account: name(&account.ecosystem, &account.id),
        balance: amount(account.class.normal().balance(debit, credit), currency),
        debit_amount: amount(debit, currency),
        credit_amount: amount(credit, currency),
        entry_count: entries,
    }
}

/// One account of a trial balance on the wire.
pub(super) fn wire_trial_account(
    ecosystem: &EcosystemId,
    id: &LedgerAccountId,
    sums: Sums,
) -> Result<pb::TrialBalanceAccount, Error> {
    let account = Account::parse(id).ok_or_else(|| trellis_store::Error::Corrupt {
        table: "ledger_accounts",
        what: format!("{id} is not an account of the chart"),
    })?;
    let (class, currency) = (account.class(), account.currency());
    let Sums {
        debit,
        credit,
        entries: _,
    } = sums;
    Ok(pb::TrialBalanceAccount {
        ledger_account: name(ecosystem, id),
        account_class: wire_class(class).into(),
        debit_amount: amount(debit, currency),
        credit_amount: amount(credit, currency),
        balance: amount(class.normal().balance(debit, credit), currency),
    })
}

/// The classes of one currency, with their totals, on the wire.
pub(super) fn wire_trial_currency(classes: &[ClassSums]) -> Option<pb::TrialBalanceCurrency> {
    let currency = classes.first()?.currency;
    let debit = classes.iter().map(|one| one.sums.debit).sum();
    let credit = classes.iter().map(|one| one.sums.credit).sum();
    let classes = classes.iter().map(
        |ClassSums {
             currency: _,
             class,
             sums,
         }| {
            let Sums {
                debit,
                credit,
                entries: _,
            } = *sums;
            pb::TrialBalanceClass {
                account_class: wire_class(*class).into(),
                debit_amount: amount(debit, currency),
                credit_amount: amount(credit, currency),
                balance: amount(class.normal().balance(debit, credit), currency),
            }
        },
    );
    Some(pb::TrialBalanceCurrency {
        currency_code: currency.code().to_owned(),
        debit_amount: amount(debit, currency),
        credit_amount: amount(credit, currency),
        balanced: debit == credit,
        classes: classes.collect(),
    })
}

/// The totals of a statement on the wire.
pub(super) fn wire_totals(currency: Currency, totals: &Totals) -> pb::StatementCurrency {
    let Totals {
        opening,
        earned,
        clawed_back,
        rejected,
        adjusted,
        paid,
        set_off,
        closing,
        held,
        review,
        payable,
        in_payout,
        owed,
    } = *totals;
    let amount = |minor| amount(minor, currency);
    pb::StatementCurrency {
        currency_code: currency.code().to_owned(),
        opening_balance: amount(opening),
        earned_amount: amount(earned),
        clawed_back_amount: amount(clawed_back),
        rejected_amount: amount(rejected),
        adjusted_amount: amount(adjusted),
        paid_amount: amount(paid),
        set_off_amount: amount(set_off),
        closing_balance: amount(closing),
        held_amount: amount(held),
        review_amount: amount(review),
        payable_amount: amount(payable),
        in_payout_amount: amount(in_payout),
        owed_amount: amount(owed),
    }
}

/// A movement of a statement on the wire.
pub(super) fn wire_movement(ecosystem: &EcosystemId, moved: Movement) -> pb::StatementMovement {
    let Movement {
        effective_date,
        attributed_period,
        journal,
        award,
        kind,
        cause,
        record_time,
        currency,
        minor,
    } = moved;
    pb::StatementMovement {
        kind: wire_movement_kind(movement(kind)).into(),
        award: award
            .map(|award| name(ecosystem, &award))
            .unwrap_or_default(),
        journal: name(ecosystem, &journal),
        journal_kind: wire_kind(kind).into(),
        cause: wire_cause(ecosystem, &cause),
        effective_date: Some(date::wire(effective_date)),
        record_time: Some(time::wire(record_time)),
        amount: amount(minor, currency),
        attributed_period: attributed_period
            .map(|period| name(ecosystem, &period))
            .unwrap_or_default(),
    }
}

fn wire_movement_kind(kind: Option<statement::Movement>) -> pb::statement_movement::Kind {
    match kind {
        Some(statement::Movement::Earned) => pb::statement_movement::Kind::Earned,
        Some(statement::Movement::ClawedBack) => pb::statement_movement::Kind::ClawedBack,
        Some(statement::Movement::Paid) => pb::statement_movement::Kind::Paid,
        Some(statement::Movement::SetOff) => pb::statement_movement::Kind::SetOff,
        Some(statement::Movement::Returned) => pb::statement_movement::Kind::Returned,
        Some(statement::Movement::Rejected) => pb::statement_movement::Kind::Rejected,
        Some(statement::Movement::Adjusted) => pb::statement_movement::Kind::Adjusted,
        // Journals of these kinds move nothing to or from a partner, and so are no movements.
        None => pb::statement_movement::Kind::Unspecified,
    }
}

/// A check on the wire.
pub(super) fn wire_check(ecosystem: &EcosystemId, check: Check) -> pb::LedgerCheck {
    let Check {
        rule,
        count,
        findings,
    } = check;
    let resource = |subject: String| match rule.subject() {
        Subject::Journal => wire_cause(ecosystem, &format!("journals/{subject}")),
        Subject::Account => wire_cause(ecosystem, &format!("ledgerAccounts/{subject}")),
        Subject::Award => wire_cause(ecosystem, &format!("awards/{subject}")),
        Subject::Currency => subject,
        Subject::Period => wire_cause(ecosystem, &format!("ledgerPeriods/{subject}")),
        Subject::Plan => wire_cause(ecosystem, &format!("plans/{subject}")),
    };
    pb::LedgerCheck {
        rule: wire_rule(rule).into(),
        finding_count: count,
        findings: findings
            .into_iter()
            .map(|Finding { subject, what }| pb::LedgerFinding {
                resource: resource(subject),
                description: what,
            })
            .collect(),
    }
}

fn wire_rule(rule: Rule) -> pb::ledger_check::Rule {
    match rule {
        Rule::JournalsBalance => pb::ledger_check::Rule::JournalsBalance,
        Rule::CurrenciesBalance => pb::ledger_check::Rule::CurrenciesBalance,
        Rule::AccountsEqualLines => pb::ledger_check::Rule::AccountsEqualLines,
        Rule::AwardsEqualLines => pb::ledger_check::Rule::AwardsEqualLines,
        Rule::NeverBelowZero => pb::ledger_check::Rule::NeverBelowZero,
        Rule::LinesFollow => pb::ledger_check::Rule::LinesFollow,
        Rule::LinesSealed => pb::ledger_check::Rule::LinesSealed,
        Rule::AwardsAddUp => pb::ledger_check::Rule::AwardsAddUp,
        Rule::ReversalsMirror => pb::ledger_check::Rule::ReversalsMirror,
        Rule::PeriodsClosed => pb::ledger_check::Rule::PeriodsClosed,
        Rule::BudgetsAddUp => pb::ledger_check::Rule::BudgetsAddUp,
    }
}

pub(super) fn get_account(
    request: pb::GetLedgerAccountRequest,
    fields: &mut Fields,
) -> Option<LedgerAccountId> {
    fields.id("name", &request.name)
}

pub(super) fn list_accounts(
    request: pb::ListLedgerAccountsRequest,
    fields: &mut Fields,
) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(super) fn list_journals(
    request: pb::ListJournalsRequest,
    fields: &mut Fields,
) -> Option<(Touching, PageQuery)> {
    let account = fields.optional_id::<LedgerAccountId>("ledger_account", &request.ledger_account);
    let award = fields.optional_id::<AwardId>("award", &request.award);
    let query = fields.page(&request, JOURNAL_FIELDS);
    let touching = Touching {
        account: account?,
        award: award?,
        from: None,
        until: None,
    };
    Some((touching, query?))
}

pub(super) fn reverse(request: pb::ReverseJournalRequest, fields: &mut Fields) -> Option<Reverse> {
    Some(Reverse {
        id: fields.id("name", &request.name)?,
        reason_code: request.reason_code,
        note: request.note,
    })
}

pub(super) fn get_period(
    request: pb::GetLedgerPeriodRequest,
    fields: &mut Fields,
) -> Option<LedgerPeriodId> {
    fields.id("name", &request.name)
}

pub(super) fn list_periods(
    request: pb::ListLedgerPeriodsRequest,
    fields: &mut Fields,
) -> Option<PageQuery> {
    fields.page(&request, &[])
}

pub(super) fn close_period(
    request: pb::CloseLedgerPeriodRequest,
    fields: &mut Fields,
) -> Option<Close> {
    Some(Close {
        id: fields.id("name", &request.name)?,
        note: request.note,
    })
}

pub(super) fn trial_balance(
    request: pb::GetTrialBalanceRequest,
    fields: &mut Fields,
) -> Option<(Option<Timestamp>, PageQuery)> {
    let as_of = fields.optional_time("as_of_time", request.as_of_time);
    let query = fields.page(&request, &[]);
    Some((as_of?, query?))
}

pub(super) fn as_of(request: pb::GetBalanceAsOfRequest, fields: &mut Fields) -> Option<AsOf> {
    let account = fields.id("name", &request.name);
    let time = fields.optional_time("as_of_time", request.as_of_time);
    let date = fields.optional_date("effective_date", request.effective_date);
    Some(AsOf {
        account: account?,
        time: time?,
        date: date?,
    })
}

/// The address says it all, and it is the ecosystem.
pub(super) fn verify(_: pb::VerifyLedgerRequest, fields: &mut Fields) -> Option<()> {
    fields.ecosystem().map(drop)
}

pub(super) fn statement(
    request: pb::GetStatementRequest,
    fields: &mut Fields,
) -> Option<(Asked, PageQuery)> {
    let partner = fields.id("parent", &request.parent);
    let start = fields.date("start_date", request.start_date);
    let end = fields.date("end_date", request.end_date);
    let query = fields.page(&request, &[]);
    let (start, end) = (start?, end?);
    if end <= start {
        fields.refuse(
            "end_date",
            "date.gt_start",
            format!("must be after {start}, the first day"),
        );
    }
    Some((
        Asked {
            partner: partner?,
            start,
            end,
        },
        query?,
    ))
}

pub(super) fn export(request: pb::ExportJournalsRequest, fields: &mut Fields) -> Option<Export> {
    let from = fields.optional_date("start_date", request.start_date);
    let until = fields.optional_date("end_date", request.end_date);
    let after = fields.optional_id::<JournalId>("after", &request.after);
    let (from, until) = (from?, until?);
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        fields.refuse(
            "end_date",
            "date.gt_start",
            format!("must be after {from}, the first day"),
        );
    }
    Some(Export {
        from,
        until,
        after: after?,
    })
}
