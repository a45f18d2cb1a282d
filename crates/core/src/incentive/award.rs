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
        }
    }
}

/// Where the money of one award is, in minor units of its currency. None of them is negative but
/// `paid`, which is negative while a set-off has taken more from the award than was paid for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Buckets {
    /// The currency.
    pub currency: Currency,
    /// Held until its hold ends.
    pub held: i64,
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
            review: 0,
            payable: 0,
            in_payout: 0,
            paid: 0,
            owed: 0,
        }
    }

    /// What the partner is entitled to: all parts, less what is owed.
    #[must_use]
    pub const fn entitled(&self) -> i64 {
        self.held + self.review + self.payable + self.in_payout + self.paid - self.owed
    }
}
