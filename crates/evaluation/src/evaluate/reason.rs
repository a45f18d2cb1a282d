//! Why an award is of nothing.

use trellis_core::{Currency, Date, PlanId};

use crate::predicate::Failed;

/// The first step that left nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotPaid {
    /// The partner is not in the audience.
    NotInAudience(Failed),
    /// The fact is not what the plan pays for.
    ConditionNotMet(Failed),
    /// Something that the plan needs is not known.
    MissingFact(String),
    /// The fact is in another currency, and the plan does not convert.
    CurrencyMismatch(Currency),
    /// There is no exchange rate for the day.
    NoExchangeRate {
        /// What was to be exchanged.
        from: Currency,
        /// What for.
        to: Currency,
        /// On which day.
        date: Date,
    },
    /// The time in which the customer's facts count is over.
    TermEnded,
    /// An earlier fact of the customer was paid for.
    NotFirstEvent,
    /// No quota of this name was set.
    NoQuota(String),
    /// There is nothing to compare with: the target is nothing.
    NoBaseline,
    /// Nothing was sold.
    NothingSold,
    /// Everything was refunded.
    FullyRefunded,
    /// All of it was taken back.
    ClawedBack,
    /// The first band is not reached.
    BelowFirstBand,
    /// It is too little to be rounded up, or the bands pay nothing.
    RoundsToZero,
    /// It is less than the least, which forfeits it.
    BelowMinimum,
    /// A limit is used up.
    LimitReached,
    /// The budget of the plan is used up.
    BudgetExhausted,
    /// Another plan of the group is paid instead.
    StackedOut(PlanId),
    /// Nobody has a role that is paid.
    NoParty,
    /// What it was for is not there any longer: withdrawn, or credited to somebody else.
    NothingLeft,
}

impl NotPaid {
    /// The reason as it is written down.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotInAudience(_) => "NOT_IN_AUDIENCE",
            Self::ConditionNotMet(_) => "CONDITION_NOT_MET",
            Self::MissingFact(_) => "MISSING_FACT",
            Self::CurrencyMismatch(_) => "CURRENCY_MISMATCH",
            Self::NoExchangeRate { .. } => "NO_EXCHANGE_RATE",
            Self::TermEnded => "TERM_ENDED",
            Self::NotFirstEvent => "NOT_FIRST_EVENT",
            Self::NoQuota(_) => "NO_QUOTA",
            Self::NoBaseline => "NO_BASELINE",
            Self::NothingSold => "NOTHING_SOLD",
            Self::FullyRefunded => "FULLY_REFUNDED",
            Self::ClawedBack => "CLAWED_BACK",
            Self::BelowFirstBand => "BELOW_FIRST_BAND",
            Self::RoundsToZero => "ROUNDS_TO_ZERO",
            Self::BelowMinimum => "BELOW_MINIMUM",
            Self::LimitReached => "LIMIT_REACHED",
            Self::BudgetExhausted => "BUDGET_EXHAUSTED",
            Self::StackedOut(_) => "STACKED_OUT",
            Self::NoParty => "NO_PARTY",
            Self::NothingLeft => "NOTHING_LEFT",
        }
    }

    /// How far a fact came before it was left out.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::NotInAudience(_) => 0,
            Self::ConditionNotMet(_) => 1,
            Self::MissingFact(_) => 2,
            Self::NotFirstEvent | Self::TermEnded => 3,
            _ => 4,
        }
    }

    /// The reason as a sentence.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::NotInAudience(failed) => {
                format!("The partner is not in the audience: {}.", of(failed))
            }
            Self::ConditionNotMet(failed) => {
                format!("The plan does not pay for this: {}.", of(failed))
            }
            Self::MissingFact(field) => {
                format!(
                    "`{field}` is not known, and the plan needs it; nothing is paid until it is."
                )
            }
            Self::CurrencyMismatch(currency) => {
                format!(
                    "Amounts in {currency} do not count, because the plan does not convert them."
                )
            }
            Self::NoExchangeRate { from, to, date } => {
                format!(
                    "There is no rate from {from} to {to} for {date}; nothing is paid until there is."
                )
            }
            Self::TermEnded => "The time in which this customer counts is over.".to_owned(),
            Self::NotFirstEvent => "Only the first one of a customer counts.".to_owned(),
            Self::NoQuota(name) => {
                format!("No quota `{name}` was set for the partner and the period.")
            }
            Self::NoBaseline => {
                "There is nothing to compare with: the target is nothing.".to_owned()
            }
            Self::NothingSold => "It comes to nothing.".to_owned(),
            Self::FullyRefunded => "Everything was refunded.".to_owned(),
            Self::ClawedBack => "All of it was taken back.".to_owned(),
            Self::BelowFirstBand => "The first band is not reached.".to_owned(),
            Self::RoundsToZero => "It rounds to nothing.".to_owned(),
            Self::BelowMinimum => "It is less than the minimum, and forfeited.".to_owned(),
            Self::LimitReached => "The limit is used up.".to_owned(),
            Self::BudgetExhausted => "The budget of the plan is used up.".to_owned(),
            Self::StackedOut(plan) => format!("Plan {plan} of the same group is paid instead."),
            Self::NoParty => "Nobody has a role that is paid.".to_owned(),
            Self::NothingLeft => "What it was for is not there any longer.".to_owned(),
        }
    }
}

fn of(failed: &Failed) -> String {
    let actual: Vec<String> = failed
        .actual
        .iter()
        .map(|(field, value)| match value {
            Some(value) => format!("`{field}` is {value}"),
            None => format!("`{field}` is not known"),
        })
        .collect();
    let Failed { source, .. } = failed;
    if actual.is_empty() {
        format!("`{source}` does not hold")
    } else {
        format!("`{source}` does not hold, because {}", actual.join(" and "))
    }
}
