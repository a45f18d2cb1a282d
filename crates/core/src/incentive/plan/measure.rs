//! What has to happen, what is counted of it, and how much that pays.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Cadence, Rate};

/// What happened, as far as plans can be about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FactKind {
    /// A deal was won.
    DealWon,
    /// An invoice was paid.
    InvoicePaid,
    /// A line of an order was fulfilled.
    OrderLine,
    /// A registration of a deal was approved.
    RegistrationApproved,
    /// A certificate was earned.
    CertificationEarned,
    /// Something that was handed in, was approved.
    SubmissionApproved,
    /// A number was reported.
    MetricReported,
    /// Money of a fact was paid back to the customer.
    Refund,
    /// The customer of a fact left, or a part of them did.
    Churn,
    /// A fact turned out to be wrong: fraud, a certificate taken back, a cancellation.
    Revocation,
}

impl FactKind {
    /// What it is called where it is written down.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DealWon => "DEAL_WON",
            Self::InvoicePaid => "INVOICE_PAID",
            Self::OrderLine => "ORDER_LINE",
            Self::RegistrationApproved => "REGISTRATION_APPROVED",
            Self::CertificationEarned => "CERTIFICATION_EARNED",
            Self::SubmissionApproved => "SUBMISSION_APPROVED",
            Self::MetricReported => "METRIC_REPORTED",
            Self::Refund => "REFUND",
            Self::Churn => "CHURN",
            Self::Revocation => "REVOCATION",
        }
    }

    /// Whether it takes back of another fact, and so triggers nothing by itself.
    #[must_use]
    pub const fn takes_back(self) -> bool {
        matches!(self, Self::Refund | Self::Churn | Self::Revocation)
    }
}

/// What makes a plan count something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// What has to happen.
    pub fact: FactKind,
    /// A condition over fields of the fact, its deal, its line and its customer. Nothing means all.
    pub condition: String,
}

impl Default for Trigger {
    fn default() -> Self {
        Self {
            fact: FactKind::DealWon,
            condition: String::new(),
        }
    }
}

/// What is counted of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Source {
    /// What a line of an order came to, net.
    LineNet,
    /// The same less what it cost.
    LineMargin,
    /// What was paid of an invoice, net of tax.
    InvoicePaidNet,
    /// What a deal is worth in a year.
    DealAcv,
    /// What a deal is worth over its whole term.
    DealTcv,
    /// What a partner bought, net of freight and tax.
    PurchasesNet,
    /// How many pieces.
    Units,
    /// How many facts.
    Count,
    /// A number that was reported.
    Metric,
}

/// Whether a source is money or a number of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Minor units of money: rates are shares of it.
    Money,
    /// A number: rates are amounts of money for each.
    Number,
}

impl Source {
    /// Whether it is money or a number.
    #[must_use]
    pub const fn quantity(self) -> Quantity {
        match self {
            Self::Units | Self::Count | Self::Metric => Quantity::Number,
            Self::LineNet
            | Self::LineMargin
            | Self::InvoicePaidNet
            | Self::DealAcv
            | Self::DealTcv
            | Self::PurchasesNet => Quantity::Money,
        }
    }
}

/// Over which time something is added up.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Window {
    /// Not at all: every fact by itself.
    Event,
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
    /// Half a calendar year.
    Half,
    /// A calendar year.
    Year,
    /// For ever.
    Lifetime,
}

impl Window {
    /// The periods of the calendar that it adds up over, if it does.
    #[must_use]
    pub const fn cadence(self) -> Option<Cadence> {
        match self {
            Self::Event | Self::Lifetime => None,
            Self::Month => Some(Cadence::Month),
            Self::Quarter => Some(Cadence::Quarter),
            Self::Half => Some(Cadence::HalfYear),
            Self::Year => Some(Cadence::Year),
        }
    }
}

/// For whom something is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GroupBy {
    /// Each partner.
    Partner,
    /// Each customer of each partner.
    PartnerCustomer,
    /// Each product of each partner.
    PartnerProduct,
    /// Each deal of each partner.
    Deal,
}

/// What a measure is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Target {
    /// Nothing.
    #[default]
    None,
    /// An amount or a number that is the same for all.
    Fixed(i64),
    /// The quota of this name that was set for the partner and the period.
    Quota(String),
    /// What was measured in the period before.
    PriorPeriod,
    /// What was measured in the same period a year before.
    SamePeriodLastYear,
}

/// What chooses the band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BandBy {
    /// The measure itself: bands begin at minor units or at numbers.
    Measure,
    /// The measure by its target: bands begin at shares, such as 0.8.
    Attainment,
    /// What the measure is above its target, by the target: bands begin at shares, such as 0.15.
    Growth,
    /// For how many full months the partner had been one: bands begin at months.
    TenureMonths,
}

/// What a rate is a share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayOn {
    /// The measure.
    Measure,
    /// What the measure is above its target.
    Increment,
    /// This amount, in minor units.
    TargetPayout(i64),
}

/// What is counted, over which time, for whom, against which target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// What is counted of a fact.
    pub source: Source,
    /// Over which time it is added up.
    pub window: Window,
    /// For whom it is added up.
    pub group_by: GroupBy,
    /// What it is compared with.
    pub target: Target,
    /// What chooses the band.
    pub band_by: BandBy,
    /// What rates are shares of.
    pub pay_on: PayOn,
}

impl Default for Measure {
    fn default() -> Self {
        Self {
            source: Source::DealTcv,
            window: Window::Event,
            group_by: GroupBy::Partner,
            target: Target::None,
            band_by: BandBy::Measure,
            pay_on: PayOn::Measure,
        }
    }
}

/// How bands work together. Also called graduated (marginal), volume or retrospective (whole), and
/// payout curve (linear).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// Each pays for the part of the measure that lies in it.
    Marginal,
    /// The highest that is reached pays for the whole measure.
    Whole,
    /// Between two points the rate is interpolated; below the first nothing is paid, above the last
    /// its rate holds.
    Linear,
}

/// When a band counts as reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Threshold {
    /// As soon as the measure is where the band begins.
    AtOrAbove,
    /// Only when it is more.
    Above,
}

/// One step of a schedule; it ends where the next begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// Where it begins: minor units, a number, a share or months, as what chooses the band says.
    pub from: Rate,
    /// The share that it pays, or the amount of money for each where a number is measured.
    pub rate: Rate,
    /// What it pays once, in minor units.
    pub fixed_minor: i64,
}

/// How much a measure pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// How the bands work together.
    pub mode: Mode,
    /// When a band counts as reached.
    pub threshold: Threshold,
    /// The bands, by rising beginning.
    pub bands: Vec<Band>,
    /// Whether paying nothing below the first band is meant.
    pub floor: bool,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            mode: Mode::Marginal,
            threshold: Threshold::AtOrAbove,
            bands: Vec::new(),
            floor: false,
        }
    }
}
