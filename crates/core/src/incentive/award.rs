//! What an award comes to: why it is nothing, and where its money is.

use sea_orm::entity::prelude::*;

use crate::Currency;

/// Why an award is of nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum NotPaid {
    /// The partner was not enrolled in the program.
    NotEnrolled,
    /// The partner's tier is not in the audience.
    TierNotInAudience,
    /// The partner's kind is not in the audience.
    PartnerTypeNotInAudience,
    /// The deal is in another currency than the plan.
    CurrencyMismatch,
    /// The measure does not reach the first band.
    BelowFirstBand,
    /// The bands that were reached pay nothing, or too little to be rounded up.
    RoundsToZero,
    /// The amount is below the minimum, which forfeits it.
    BelowMinimum,
    /// Everything that counted was refunded.
    FullyRefunded,
    /// The deals were won for nothing.
    NothingSold,
    /// What was won was reopened.
    DealReopened,
    /// The deal is credited to another partner.
    DealMoved,
    /// No version of the plan holds any longer.
    NoPlanVersion,
    /// The partner is not in the audience, by its condition.
    NotInAudience,
    /// What happened is not what the plan pays for.
    ConditionNotMet,
    /// Something that the plan needs is not known.
    MissingFact,
    /// There is no exchange rate for the day.
    NoExchangeRate,
    /// The time in which the customer's facts count is over.
    TermEnded,
    /// An earlier fact of the customer was paid for.
    NotFirstEvent,
    /// No quota was set for the partner and the period.
    NoQuota,
    /// There is nothing to compare with: the target is nothing.
    NoBaseline,
    /// All of it was taken back.
    ClawedBack,
    /// A limit is used up.
    LimitReached,
    /// The budget of the plan is used up.
    BudgetExhausted,
    /// Another plan of the group is paid instead.
    StackedOut,
    /// Nobody has a role that is paid, or the partner has none any longer.
    NoParty,
    /// What it was for is not there any longer: withdrawn, or credited to somebody else.
    NothingLeft,
}

impl NotPaid {
    /// The reason as it is written down.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotEnrolled => "NOT_ENROLLED",
            Self::TierNotInAudience => "TIER_NOT_IN_AUDIENCE",
            Self::PartnerTypeNotInAudience => "PARTNER_TYPE_NOT_IN_AUDIENCE",
            Self::CurrencyMismatch => "CURRENCY_MISMATCH",
            Self::BelowFirstBand => "BELOW_FIRST_BAND",
            Self::RoundsToZero => "ROUNDS_TO_ZERO",
            Self::BelowMinimum => "BELOW_MINIMUM",
            Self::FullyRefunded => "FULLY_REFUNDED",
            Self::NothingSold => "NOTHING_SOLD",
            Self::DealReopened => "DEAL_REOPENED",
            Self::DealMoved => "DEAL_MOVED",
            Self::NoPlanVersion => "NO_PLAN_VERSION",
            Self::NotInAudience => "NOT_IN_AUDIENCE",
            Self::ConditionNotMet => "CONDITION_NOT_MET",
            Self::MissingFact => "MISSING_FACT",
            Self::NoExchangeRate => "NO_EXCHANGE_RATE",
            Self::TermEnded => "TERM_ENDED",
            Self::NotFirstEvent => "NOT_FIRST_EVENT",
            Self::NoQuota => "NO_QUOTA",
            Self::NoBaseline => "NO_BASELINE",
            Self::ClawedBack => "CLAWED_BACK",
            Self::LimitReached => "LIMIT_REACHED",
            Self::BudgetExhausted => "BUDGET_EXHAUSTED",
            Self::StackedOut => "STACKED_OUT",
            Self::NoParty => "NO_PARTY",
            Self::NothingLeft => "NOTHING_LEFT",
        }
    }
}

/// Where the money of one award is, in minor units of its currency. None of them is negative but
/// `paid`, which is negative while a set-off has taken more from the award than was paid for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Buckets {
    /// The currency.
    pub currency: Currency,
    /// Held by the plan until its hold ends.
    pub held: i64,
    /// Held by hand until somebody releases it.
    pub on_hold: i64,
    /// Waiting for approval.
    pub review: i64,
    /// Due at the next payout.
    pub payable: i64,
    /// Reserved in a payout batch, or on its way to the bank.
    pub in_payout: i64,
    /// Paid, in money or by setting off what the partner owed.
    pub paid: i64,
    /// Owed by the partner: paid and taken back.
    pub owed: i64,
}

impl Buckets {
    /// An award without money.
    #[must_use]
    pub const fn empty(currency: Currency) -> Self {
        Self {
            currency,
            held: 0,
            on_hold: 0,
            review: 0,
            payable: 0,
            in_payout: 0,
            paid: 0,
            owed: 0,
        }
    }

    /// What is due to the partner, or was: all parts, less what is owed.
    #[must_use]
    pub const fn due(&self) -> i64 {
        self.held + self.on_hold + self.review + self.payable + self.in_payout + self.paid
            - self.owed
    }
}
