//! A plan version in plain words.

use trellis_core::Money;

use super::{
    BandBy, Clawback, ClawbackMode, ClawbackTrigger, FactKind, Fund, Hold, Limit, LimitScope, Mode,
    PayOn, PlanVersion, Quantity, Sharing, Source, Stacking, Target, Term, Threshold, Unfilled,
    Window, award_fields, partner_fields,
};
use crate::evaluate::text_begin;
use crate::kernel::words::{exact, percent};
use crate::predicate::{Predicate, Schema};

impl PlanVersion {
    /// What the version pays, to whom, for what and within which limits, as sentences.
    #[must_use]
    pub fn describe(&self) -> String {
        let sentences = [
            Some(self.pays()),
            self.shared(),
            self.within(),
            self.protected(),
            self.stacked(),
        ];
        sentences
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn money(&self, minor: i64) -> String {
        Money::new(minor, self.currency).to_string()
    }

    fn pays(&self) -> String {
        let who = asked(&self.audience, &partner_fields())
            .map_or("every partner".to_owned(), |what| {
                format!("partners for whom {what}")
            });
        let when = asked(&self.trigger.condition, &award_fields())
            .map_or(String::new(), |what| format!(" where {what}"));
        let what = happened(self.trigger.fact);
        let over = match self.measure.window {
            Window::Event => format!("For each {what}{when}"),
            Window::Lifetime => format!("For everything of kind {what}{when}"),
            window => format!("For each {}'s {what}s{when}", period(window)),
        };
        format!("{over}, pays {who} {}.", self.rates())
    }

    fn rates(&self) -> String {
        let of = match (self.measure.pay_on, counted(self.measure.source)) {
            (PayOn::TargetPayout(amount), _) => format!("of {}", self.money(amount)),
            (PayOn::Increment, what) => format!("of the {what} above the target"),
            (PayOn::Measure, what) => format!("of the {what}"),
        };
        let each = self.measure.source.quantity() == Quantity::Number
            && !matches!(self.measure.pay_on, PayOn::TargetPayout(_));
        let rates: Vec<String> = self
            .schedule
            .bands
            .iter()
            .map(|band| {
                let rate = if each {
                    let scale = i128::from(self.currency.minor_per_unit());
                    format!(
                        "{} {} each",
                        exact(band.rate.ratio() * scale, self.currency),
                        self.currency
                    )
                } else {
                    percent(band.rate.ratio())
                };
                let amount = match (band.rate.is_zero(), band.fixed_minor) {
                    (_, 0) => rate,
                    (true, fixed) => self.money(fixed),
                    (false, fixed) => format!("{rate} and {}", self.money(fixed)),
                };
                if self.schedule.bands.len() == 1 && band.from.is_zero() {
                    return amount;
                }
                let from = match self.schedule.threshold {
                    Threshold::AtOrAbove => "from",
                    Threshold::Above => "above",
                };
                format!("{amount} {from} {}", text_begin(self, band.from.ratio()))
            })
            .collect();
        let how = match (self.schedule.mode, rates.len()) {
            (_, 1) => "",
            (Mode::Marginal, _) => ", each on its part",
            (Mode::Whole, _) => ", the highest reached on all",
            (Mode::Linear, _) => ", in between along a line",
        };
        let target = match (&self.measure.target, self.measure.band_by) {
            (Target::None, BandBy::Measure | BandBy::TenureMonths) => String::new(),
            (Target::Fixed(amount), _) => format!(" against {amount}"),
            (Target::Quota(name), _) => format!(" against quota {name}"),
            (Target::PriorPeriod, _) => " against the period before".to_owned(),
            (Target::SamePeriodLastYear, _) => " against the year before".to_owned(),
            (Target::None, _) => String::new(),
        };
        format!("{} {of}{how}{target}", rates.join(", "))
    }

    fn shared(&self) -> Option<String> {
        match &self.sharing {
            Sharing::Single => None,
            Sharing::Funds(funds) => {
                let parts: Vec<String> = funds
                    .iter()
                    .map(|weight| {
                        let fund = match weight.fund {
                            Fund::Rebate => "rebate",
                            Fund::Coop => "co-op",
                        };
                        format!("{fund} {}", weight.weight)
                    })
                    .collect();
                Some(format!("Split {}.", parts.join(", ")))
            }
            Sharing::RoleWeights { roles, unfilled } => {
                let parts: Vec<String> = roles
                    .iter()
                    .map(|weight| format!("{} {}", weight.role, weight.weight))
                    .collect();
                let rest = match unfilled {
                    Unfilled::VendorKeeps => "unfilled roles are kept",
                    Unfilled::Redistribute => "unfilled roles go to the others",
                };
                Some(format!("Shared {}; {rest}.", parts.join(", ")))
            }
        }
    }

    fn within(&self) -> Option<String> {
        let mut parts = Vec::new();
        match self.limits.term {
            Term::None => {}
            Term::FirstEvent => parts.push("once per customer".to_owned()),
            Term::Months { months, .. } => {
                parts.push(format!("for {} per customer", so_many(months, "month")));
            }
        }
        parts.extend(self.limits.limits.iter().map(|limit| self.limit(limit)));
        if let Some(draw) = self.limits.draw {
            let kind = if draw.recoverable {
                "recoverable"
            } else {
                "kept"
            };
            parts.push(format!(
                "at least {} per period ({kind})",
                self.money(draw.amount_minor)
            ));
        }
        (!parts.is_empty()).then(|| format!("Limits: {}.", parts.join(", ")))
    }

    fn limit(&self, limit: &Limit) -> String {
        let whose = match limit.scope {
            LimitScope::Award => "award",
            LimitScope::Customer => "customer",
            LimitScope::Partner => "partner",
            LimitScope::Plan => "plan",
        };
        let mut parts = Vec::new();
        if let Some(least) = limit.min_minor {
            parts.push(format!("at least {}", self.money(least)));
        }
        if let Some(most) = limit.max_minor {
            parts.push(format!("at most {}", self.money(most)));
        }
        let when = match limit.window {
            Window::Event | Window::Lifetime => String::new(),
            window => format!(" and {}", period(window)),
        };
        format!("{} per {whose}{when}", parts.join(" and "))
    }

    fn protected(&self) -> Option<String> {
        let mut parts = Vec::new();
        match &self.protection.hold {
            Hold::None => {}
            Hold::Days(days) => parts.push(format!("held {}", so_many(*days, "day"))),
            Hold::Months(months) => parts.push(format!("held {}", so_many(*months, "month"))),
            Hold::Until(source) => {
                let what = asked(source, &award_fields()).unwrap_or_default();
                parts.push(format!("held until {what}"));
            }
        }
        if let Some(holdback) = self.protection.holdback {
            let share = percent(holdback.share.ratio());
            parts.push(format!("{share} held {}", so_many(holdback.days, "day")));
        }
        if let Some(clawback) = &self.protection.clawback {
            parts.push(taken_back(clawback));
        }
        let text = parts.join(", ");
        let mut letters = text.chars();
        let first = letters.next()?;
        Some(format!("{}{}.", first.to_uppercase(), letters.as_str()))
    }

    fn stacked(&self) -> Option<String> {
        let stack = self.policy.stack.as_ref()?;
        let how = match stack.how {
            Stacking::Add => "adds to",
            Stacking::BestOf => "only if the best of",
            Stacking::First => "only if the first of",
        };
        Some(format!("Paid {how} group {}.", stack.group))
    }
}

/// A number of something: `1 month`, `2 months`.
fn so_many(count: u32, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn taken_back(clawback: &Clawback) -> String {
    let triggers: Vec<&str> = clawback
        .triggers
        .iter()
        .map(|trigger| match trigger {
            ClawbackTrigger::Refund => "refund",
            ClawbackTrigger::Churn => "churn",
            ClawbackTrigger::Revocation => "revocation",
        })
        .collect();
    let (how, unit) = match clawback.mode {
        ClawbackMode::Full => ("in full", "day"),
        ClawbackMode::LinearDays => ("by days", "day"),
        ClawbackMode::LinearMonths => ("by months", "month"),
        ClawbackMode::Steps(_) => ("in steps", "day"),
    };
    format!(
        "taken back {how} on {} within {}",
        triggers.join(" or "),
        so_many(clawback.window, unit)
    )
}

fn asked(source: &str, schema: &Schema) -> Option<String> {
    let source = source.trim();
    if source.is_empty() {
        return None;
    }
    Some(
        Predicate::parse(source, schema)
            .map_or_else(|_| source.to_owned(), |read| read.in_words(schema)),
    )
}

const fn happened(fact: FactKind) -> &'static str {
    match fact {
        FactKind::DealWon => "won deal",
        FactKind::InvoicePaid => "paid invoice",
        FactKind::OrderLine => "order line",
        FactKind::RegistrationApproved => "approved registration",
        FactKind::CertificationEarned => "earned certification",
        FactKind::SubmissionApproved => "approved submission",
        FactKind::MetricReported => "reported metric",
        FactKind::Refund => "refund",
        FactKind::Churn => "churn",
        FactKind::Revocation => "revocation",
    }
}

const fn counted(source: Source) -> &'static str {
    match source {
        Source::LineNet => "net amount",
        Source::LineMargin => "margin",
        Source::InvoicePaidNet => "amount paid",
        Source::DealAcv => "annual value",
        Source::DealTcv => "deal's value",
        Source::PurchasesNet => "net purchases",
        Source::Units => "units",
        Source::Count => "number",
        Source::Metric => "metric",
    }
}

const fn period(window: Window) -> &'static str {
    match window {
        Window::Event => "event",
        Window::Month => "month",
        Window::Quarter => "quarter",
        Window::Half => "half-year",
        Window::Year => "year",
        Window::Lifetime => "lifetime",
    }
}
