//! Everything that the incentive service refuses, and how it says so.

use trellis_api::tonic::Status;
use trellis_core::access::Refused;
use trellis_core::incentive::Rulings;
use trellis_core::{Code, Date, Failure, Money, MoneyError, Problem, Violation};
use trellis_store::incentive::ledger::Rejected;

/// A refusal of the incentive service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A refusal that every service has.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// A failure of the data layer.
    #[error(transparent)]
    Store(#[from] trellis_store::Error),
    /// The plan version holds on days of another one of its plan.
    #[error(
        "{resource} would take days of {overlaps}, from {from} on; choose other days, retire that first, \
         or say {from} as supersede_from_date"
    )]
    VersionOverlap {
        /// The version.
        resource: String,
        /// The other one.
        overlaps: String,
        /// The first day of both.
        from: Date,
    },
    /// The award has nothing in review.
    #[error("{resource} has nothing in review; leave it out")]
    NothingToApprove {
        /// The award.
        resource: String,
    },
    /// The award is held by hand.
    #[error("{resource} is held ({hold_reason}); release it first")]
    AwardOnHold {
        /// The award.
        resource: String,
        /// Why it is held.
        hold_reason: &'static str,
    },
    /// The award is not held by hand.
    #[error("{resource} is not held by anybody; nothing is left to do")]
    AwardNotOnHold {
        /// The award.
        resource: String,
    },
    /// The award has less than what was asked for.
    #[error("{resource} has {available} for this; ask for no more, if that is more than nothing")]
    AmountNotAvailable {
        /// The award.
        resource: String,
        /// What it has.
        available: Money,
    },
    /// As much was ruled about the award as may be.
    #[error(
        "{resource} has {} rulings, which is as many as may be; correct the facts, or adjust another award",
        Rulings::MOST
    )]
    TooManyRulings {
        /// The award.
        resource: String,
    },
    /// A fact was recorded, and said something else.
    #[error("{fact} was recorded and says something else; record its next revision")]
    FactRecordedOtherwise {
        /// The fact and its revision, or the exchange rate.
        fact: String,
    },
    /// The payout batch would pay nobody.
    #[error("{resource} would pay nobody; wait until something is payable")]
    NothingPayable {
        /// The batch.
        resource: String,
    },
    /// The journal is of a kind that is not undone by reversing it.
    #[error("{resource} records {kind}, which is not reversed; {instead}")]
    JournalNotReversible {
        /// The journal.
        resource: String,
        /// What it records.
        kind: String,
        /// What is done in its place.
        instead: &'static str,
    },
    /// The journal was reversed before.
    #[error("{resource} was reversed by {reversal}; nothing is left to do")]
    JournalAlreadyReversed {
        /// The journal.
        resource: String,
        /// The journal that reverses it.
        reversal: String,
    },
    /// A constrained account has less than would be taken from it.
    #[error(
        "{resource} would take more from {ledger_account} than it has; undo first what took it"
    )]
    BalanceTooLow {
        /// What would take it.
        resource: String,
        /// The account.
        ledger_account: String,
        /// The award, if it is the award's part that is too small.
        award: Option<String>,
    },
    /// The period goes on.
    #[error("{resource} goes on until {end}; close it from then on")]
    PeriodNotOver {
        /// The period.
        resource: String,
        /// The day after its last.
        end: Date,
    },
    /// A period before it is open.
    #[error("{earliest} is still open; close the periods in their order")]
    EarlierPeriodOpen {
        /// The period.
        resource: String,
        /// The first one that is open.
        earliest: String,
    },
    /// The caller may approve, but not this.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What was computed does not fit.
    #[error("an amount cannot be reckoned with: {0}")]
    Amount(#[from] MoneyError),
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self::Store(rejected.into())
    }
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Problem(problem) => problem.code(),
            Self::Store(error) => error.code(),
            Self::VersionOverlap { .. }
            | Self::NothingToApprove { .. }
            | Self::AwardOnHold { .. }
            | Self::AwardNotOnHold { .. }
            | Self::AmountNotAvailable { .. }
            | Self::NothingPayable { .. }
            | Self::JournalNotReversible { .. }
            | Self::JournalAlreadyReversed { .. }
            | Self::BalanceTooLow { .. }
            | Self::PeriodNotOver { .. }
            | Self::EarlierPeriodOpen { .. } => Code::FailedPrecondition,
            Self::TooManyRulings { .. } => Code::ResourceExhausted,
            Self::FactRecordedOtherwise { .. } => Code::AlreadyExists,
            Self::Refused(refused) => refused.code(),
            Self::Amount(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Problem(problem) => problem.reason(),
            Self::Store(error) => error.reason(),
            Self::VersionOverlap { .. } => "VERSION_OVERLAP",
            Self::FactRecordedOtherwise { .. } => "FACT_RECORDED_OTHERWISE",
            Self::NothingToApprove { .. } => "NOTHING_TO_APPROVE",
            Self::AwardOnHold { .. } => "AWARD_ON_HOLD",
            Self::AwardNotOnHold { .. } => "AWARD_NOT_ON_HOLD",
            Self::AmountNotAvailable { .. } => "AMOUNT_NOT_AVAILABLE",
            Self::TooManyRulings { .. } => "TOO_MANY_RULINGS",
            Self::NothingPayable { .. } => "NOTHING_PAYABLE",
            Self::JournalNotReversible { .. } => "JOURNAL_NOT_REVERSIBLE",
            Self::JournalAlreadyReversed { .. } => "JOURNAL_ALREADY_REVERSED",
            Self::BalanceTooLow { .. } => "BALANCE_TOO_LOW",
            Self::PeriodNotOver { .. } => "PERIOD_NOT_OVER",
            Self::EarlierPeriodOpen { .. } => "EARLIER_PERIOD_OPEN",
            Self::Refused(refused) => refused.reason(),
            Self::Amount(_) => "INTERNAL",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Problem(problem) => problem.metadata(),
            Self::Store(error) => error.metadata(),
            Self::VersionOverlap {
                resource,
                overlaps,
                from,
            } => vec![
                ("resource", resource.clone()),
                ("overlaps", overlaps.clone()),
                ("from_date", from.to_string()),
            ],
            Self::FactRecordedOtherwise { fact } => vec![("fact", fact.clone())],
            Self::NothingToApprove { resource }
            | Self::AwardNotOnHold { resource }
            | Self::NothingPayable { resource } => {
                vec![("resource", resource.clone())]
            }
            Self::AwardOnHold {
                resource,
                hold_reason,
            } => vec![
                ("resource", resource.clone()),
                ("hold_reason", (*hold_reason).to_owned()),
            ],
            Self::AmountNotAvailable {
                resource,
                available,
            } => vec![
                ("resource", resource.clone()),
                ("available", available.to_string()),
            ],
            Self::TooManyRulings { resource } => vec![
                ("resource", resource.clone()),
                ("limit", Rulings::MOST.to_string()),
            ],
            Self::JournalNotReversible {
                resource,
                kind,
                instead,
            } => vec![
                ("resource", resource.clone()),
                ("kind", kind.clone()),
                ("instead", (*instead).to_owned()),
            ],
            Self::JournalAlreadyReversed { resource, reversal } => vec![
                ("resource", resource.clone()),
                ("reversal", reversal.clone()),
            ],
            Self::PeriodNotOver { resource, end } => vec![
                ("resource", resource.clone()),
                ("end_date", end.to_string()),
            ],
            Self::EarlierPeriodOpen { resource, earliest } => vec![
                ("resource", resource.clone()),
                ("earliest", earliest.clone()),
            ],
            Self::BalanceTooLow {
                resource,
                ledger_account,
                award,
            } => {
                let award = award.iter().map(|award| ("award", award.clone()));
                let mut told = vec![
                    ("resource", resource.clone()),
                    ("ledger_account", ledger_account.clone()),
                ];
                told.extend(award);
                told
            }
            Self::Refused(refused) => refused.metadata(),
            Self::Amount(_) => Vec::new(),
        }
    }

    fn violations(&self) -> &[Violation] {
        match self {
            Self::Problem(problem) => problem.violations(),
            Self::Store(error) => error.violations(),
            Self::VersionOverlap { .. }
            | Self::FactRecordedOtherwise { .. }
            | Self::NothingToApprove { .. }
            | Self::AwardOnHold { .. }
            | Self::AwardNotOnHold { .. }
            | Self::AmountNotAvailable { .. }
            | Self::TooManyRulings { .. }
            | Self::NothingPayable { .. }
            | Self::JournalNotReversible { .. }
            | Self::JournalAlreadyReversed { .. }
            | Self::BalanceTooLow { .. }
            | Self::PeriodNotOver { .. }
            | Self::EarlierPeriodOpen { .. }
            | Self::Refused(_)
            | Self::Amount(_) => &[],
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Problem(problem) => problem.retry_after(),
            Self::Store(error) => error.retry_after(),
            Self::VersionOverlap { .. }
            | Self::FactRecordedOtherwise { .. }
            | Self::NothingToApprove { .. }
            | Self::AwardOnHold { .. }
            | Self::AwardNotOnHold { .. }
            | Self::AmountNotAvailable { .. }
            | Self::TooManyRulings { .. }
            | Self::NothingPayable { .. }
            | Self::JournalNotReversible { .. }
            | Self::JournalAlreadyReversed { .. }
            | Self::BalanceTooLow { .. }
            | Self::PeriodNotOver { .. }
            | Self::EarlierPeriodOpen { .. }
            | Self::Refused(_)
            | Self::Amount(_) => None,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        trellis_api::status(&error)
    }
}
