//! What one fact counts for under a plan version: from who and what, over term and currency, to an
//! amount or a number, and what was taken back of it since.

use std::collections::BTreeMap;

use trellis_core::{Currency, Date, MoneyError, PartnerId, Rate};

use super::exact::{Exact, mul, round, whole};
use super::facts::{ExchangeRate, Fact, Facts};
use super::ready::Ready;
use super::reason::NotPaid;
use crate::plan::{
    Anchor, ClawbackTrigger, FactKind, FxDate, FxType, PlanVersion, Quantity, Rounding, Source,
    Term, Window,
};
use crate::predicate::{Predicate, Truth};

/// One fact as a plan counts it.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) fact: &'a Fact,
    /// What it counts for, or why it does not.
    pub(crate) counts: Result<Counts<'a>, NotPaid>,
}

/// What a fact counts for.
#[derive(Clone, Debug)]
pub(crate) struct Counts<'a> {
    /// Before anything was taken back, in minor units of the plan or as a number.
    pub(crate) gross: i64,
    /// What is left of it after each that reduced it, by day.
    pub(crate) reductions: Vec<Reduction<'a>>,
    /// The rate that it was exchanged with.
    pub(crate) exchange: Option<&'a ExchangeRate>,
    /// For how many full months the partner had been one, where that matters.
    pub(crate) tenure: Option<i64>,
}

/// Something that reduces what a fact counts for, or what was earned by it.
#[derive(Clone, Debug)]
pub(crate) struct Reduction<'a> {
    pub(crate) by: &'a Fact,
    pub(crate) how: Reduced,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reduced {
    /// The fact counts for so much from now on.
    To(i64),
    /// This share of what was earned is taken back.
    Claws(Exact),
}

impl Counts<'_> {
    /// What it counts for once everything up to a day was taken back; all of it without a day.
    pub(crate) fn until(&self, day: Option<Date>) -> i64 {
        let reduced = self
            .reductions
            .iter()
            .rev()
            .find_map(|reduction| match reduction.how {
                Reduced::To(net) if day.is_none_or(|day| reduction.by.date <= day) => Some(net),
                _ => None,
            });
        reduced.unwrap_or(self.gross)
    }
}

/// What is known, put in order for finding.
pub(crate) struct Known<'a> {
    pub(crate) facts: Vec<&'a Fact>,
    taking_back: BTreeMap<&'a str, Vec<&'a Fact>>,
    rates: Vec<&'a ExchangeRate>,
    pub(crate) told: &'a Facts,
    pub(crate) moment: trellis_core::Timestamp,
}

impl<'a> Known<'a> {
    pub(crate) fn new(told: &'a Facts, moment: trellis_core::Timestamp) -> Self {
        let facts = told.known_at(moment);
        let mut taking_back: BTreeMap<&str, Vec<&Fact>> = BTreeMap::new();
        for fact in facts.iter().filter(|fact| fact.kind.takes_back()) {
            if let Some(about) = &fact.about {
                taking_back.entry(about).or_default().push(fact);
            }
        }
        let mut rates: Vec<&ExchangeRate> = told
            .rates
            .iter()
            .filter(|rate| rate.recorded <= moment)
            .collect();
        // Of several for one day, or one month, the one that was recorded last counts.
        let key = |rate: &ExchangeRate| match rate.kind {
            FxType::MonthAverage => (rate.date.first_of_month(), rate.recorded),
            FxType::Spot | FxType::PlanFixed => (rate.date, rate.recorded),
        };
        rates.sort_by(|one, other| (key(one), &one.id).cmp(&(key(other), &other.id)));
        Self {
            facts,
            taking_back,
            rates,
            told,
            moment,
        }
    }

    /// The rate between two currencies for a day.
    fn rate(
        &self,
        kind: FxType,
        from: Currency,
        to: Currency,
        date: Date,
    ) -> Option<&'a ExchangeRate> {
        let fits = |rate: &&&'a ExchangeRate| {
            let day = match kind {
                FxType::Spot | FxType::PlanFixed => rate.date <= date,
                FxType::MonthAverage => rate.date.first_of_month() == date.first_of_month(),
            };
            rate.kind == kind && rate.from == from && rate.to == to && day
        };
        self.rates.iter().rev().find(fits).copied()
    }

    /// What a fact counts for under a plan version.
    pub(crate) fn line(
        &self,
        plan: &Ready,
        fact: &'a Fact,
        earlier: &Firsts<'a>,
    ) -> Result<Line<'a>, MoneyError> {
        let admitted = admits(plan.audience.as_ref(), fact, NotPaid::NotInAudience)
            .and_then(|()| admits(plan.condition.as_ref(), fact, NotPaid::ConditionNotMet))
            .and_then(|()| earlier.term(&plan.version, fact));
        let counts = match admitted {
            Err(reason) => Err(reason),
            Ok(()) => self.counts(&plan.version, fact)?,
        };
        Ok(Line { fact, counts })
    }

    /// What a fact counts for, whoever it is credited to.
    pub(crate) fn counts(
        &self,
        version: &PlanVersion,
        fact: &'a Fact,
    ) -> Result<Result<Counts<'a>, NotPaid>, MoneyError> {
        let source = version.measure.source;
        let Some(told) = told(source, fact)? else {
            return Ok(Err(NotPaid::MissingFact(wanted(source, fact).to_owned())));
        };
        let tenure = match version.measure.band_by {
            crate::plan::BandBy::TenureMonths => match fact.fields.get("partner.joined_months") {
                Some(crate::predicate::Value::Int(months)) => Some(*months),
                _ => {
                    return Ok(Err(NotPaid::MissingFact(
                        "partner.joined_months".to_owned(),
                    )));
                }
            },
            _ => None,
        };
        let exchange = match self.exchange(version, fact) {
            Ok(exchange) => exchange,
            Err(reason) => return Ok(Err(reason)),
        };
        let converted = |amount: i64| match exchange {
            Some(rate) => convert(amount, rate.from, rate.to, rate.rate),
            None => Ok(amount),
        };
        let mut reductions = Vec::new();
        let mut left = told;
        for by in self.taking_back.get(fact.id.as_str()).into_iter().flatten() {
            let how = match taken_back(version, fact, by) {
                Err(reason) => return Ok(Err(reason)),
                Ok(Taken::Nothing) => continue,
                Ok(Taken::Refund) => {
                    let Some(refunded) = told_refund(source, by) else {
                        return Ok(Err(NotPaid::MissingFact(format!("amount of {}", by.id))));
                    };
                    if by
                        .currency
                        .is_some_and(|currency| Some(currency) != fact.currency)
                        && source.quantity() == Quantity::Money
                    {
                        return Ok(Err(NotPaid::MissingFact(format!(
                            "refund {} in the currency of {}",
                            by.id, fact.id
                        ))));
                    }
                    // What is worth less than nothing is worth no more for a refund.
                    left = left.min(left.saturating_sub(refunded.max(0)).max(0));
                    Reduced::To(converted(left)?)
                }
                Ok(Taken::Clawback(share)) if version.measure.window != Window::Event => {
                    // A period has no amount of its own for each fact: it counts for nothing.
                    debug_assert!(share > Exact::from(0));
                    left = 0;
                    Reduced::To(0)
                }
                Ok(Taken::Clawback(share)) => Reduced::Claws(share),
            };
            reductions.push(Reduction { by, how });
        }
        Ok(Ok(Counts {
            gross: converted(told)?,
            reductions,
            exchange,
            tenure,
        }))
    }

    /// The rate that a fact's money is exchanged with; none where it needs none.
    fn exchange(
        &self,
        version: &PlanVersion,
        fact: &Fact,
    ) -> Result<Option<&'a ExchangeRate>, NotPaid> {
        if version.measure.source.quantity() == Quantity::Number {
            return Ok(None);
        }
        let from = fact
            .currency
            .ok_or_else(|| NotPaid::MissingFact("currency".to_owned()))?;
        let to = version.currency;
        if from == to {
            return Ok(None);
        }
        let fx = version.policy.fx.ok_or(NotPaid::CurrencyMismatch(from))?;
        let date = match (fx.rate, fx.date) {
            (FxType::PlanFixed, _) => version.effective_from,
            (_, FxDate::Event) => fact.date,
            (_, FxDate::Booking) => fact
                .booked
                .ok_or_else(|| NotPaid::MissingFact("booked".to_owned()))?,
        };
        let rate = self.rate(fx.rate, from, to, date);
        rate.map(Some)
            .ok_or(NotPaid::NoExchangeRate { from, to, date })
    }
}

/// An amount in another currency, rounded to its coins.
///
/// # Errors
/// When it does not fit, or what it is exactly needs more than 128 bits.
pub fn convert(minor: i64, from: Currency, to: Currency, rate: Rate) -> Result<i64, MoneyError> {
    let scale = Exact::new(to.minor_per_unit().into(), from.minor_per_unit().into());
    round(
        mul(mul(whole(minor), rate.ratio())?, scale)?,
        Rounding::HalfUp,
    )
}

fn admits(
    predicate: Option<&Predicate>,
    fact: &Fact,
    refusal: fn(crate::predicate::Failed) -> NotPaid,
) -> Result<(), NotPaid> {
    match predicate.map(|predicate| predicate.evaluate(&fact.fields)) {
        None | Some(Truth::True) => Ok(()),
        Some(Truth::False(failed)) => Err(refusal(failed)),
        Some(Truth::Unknown(missing)) => Err(NotPaid::MissingFact(missing.field)),
    }
}

fn told(source: Source, fact: &Fact) -> Result<Option<i64>, MoneyError> {
    Ok(match source {
        Source::LineNet | Source::InvoicePaidNet | Source::DealTcv | Source::PurchasesNet => {
            fact.amount_minor
        }
        Source::DealAcv => fact.annual_minor,
        Source::LineMargin => match (fact.amount_minor, fact.cost_minor) {
            (Some(amount), Some(cost)) => {
                Some(amount.checked_sub(cost).ok_or(MoneyError::Overflow)?)
            }
            _ => None,
        },
        Source::Units | Source::Metric => fact.quantity,
        Source::Count => Some(1),
    })
}

fn wanted(source: Source, fact: &Fact) -> &'static str {
    match source {
        Source::DealAcv => "annual_minor",
        Source::LineMargin if fact.amount_minor.is_some() => "cost_minor",
        Source::Units | Source::Metric => "quantity",
        _ => "amount_minor",
    }
}

fn told_refund(source: Source, refund: &Fact) -> Option<i64> {
    match source {
        Source::Units | Source::Metric => refund.quantity,
        // A fact that was refunded in part has happened nevertheless.
        Source::Count => Some(0),
        Source::DealAcv => refund.annual_minor.or(refund.amount_minor),
        Source::LineMargin => {
            let cost = refund.cost_minor.unwrap_or_default();
            refund
                .amount_minor
                .map(|amount| amount.saturating_sub(cost))
        }
        _ => refund.amount_minor,
    }
}

enum Taken {
    Nothing,
    /// The measure shrinks by what was refunded.
    Refund,
    /// This share of what was earned is taken back.
    Clawback(Exact),
}

/// What a fact that takes back takes back under a version.
fn taken_back(version: &PlanVersion, fact: &Fact, by: &Fact) -> Result<Taken, NotPaid> {
    let trigger = match by.kind {
        FactKind::Refund => ClawbackTrigger::Refund,
        FactKind::Churn => ClawbackTrigger::Churn,
        _ => ClawbackTrigger::Revocation,
    };
    let clawback = version.protection.clawback.as_ref();
    let Some(clawback) = clawback.filter(|clawback| clawback.triggers.contains(&trigger)) else {
        return Ok(match by.kind {
            FactKind::Refund => Taken::Refund,
            _ => Taken::Nothing,
        });
    };
    let anchor = match clawback.anchor {
        Anchor::Event => fact.date,
        Anchor::ContractStart => fact
            .contract_start
            .ok_or_else(|| NotPaid::MissingFact("contract_start".to_owned()))?,
    };
    let share = super::clawback::share(clawback, anchor, by.date) * by.part().ratio();
    Ok(if share > Exact::from(0) {
        Taken::Clawback(share)
    } else {
        Taken::Nothing
    })
}

/// The first fact of each customer of a partner.
#[derive(Default)]
pub(crate) struct Firsts<'a>(BTreeMap<(&'a PartnerId, &'a str), &'a Fact>);

impl<'a> Firsts<'a> {
    /// `facts` must be by day and id.
    pub(crate) fn new(facts: impl Iterator<Item = &'a Fact>) -> Self {
        let mut firsts = BTreeMap::new();
        for fact in facts {
            if let (Some(partner), Some(customer)) = (&fact.partner, &fact.customer) {
                firsts.entry((partner, customer.as_str())).or_insert(fact);
            }
        }
        Self(firsts)
    }

    /// Whether a fact is within the term of a version.
    fn term(&self, version: &PlanVersion, fact: &Fact) -> Result<(), NotPaid> {
        let first = || {
            let (Some(partner), Some(customer)) = (&fact.partner, &fact.customer) else {
                return Err(NotPaid::MissingFact("customer".to_owned()));
            };
            Ok(self
                .0
                .get(&(partner, customer.as_str()))
                .copied()
                .unwrap_or(fact))
        };
        match version.limits.term {
            Term::None => Ok(()),
            Term::FirstEvent if first()?.id == fact.id => Ok(()),
            Term::FirstEvent => Err(NotPaid::NotFirstEvent),
            Term::Months { months, anchor } => {
                let begin = match anchor {
                    Anchor::Event => first()?.date,
                    Anchor::ContractStart => fact
                        .contract_start
                        .ok_or_else(|| NotPaid::MissingFact("contract_start".to_owned()))?,
                };
                let months = i32::try_from(months).unwrap_or(i32::MAX);
                if fact.date < begin.plus_months(months) {
                    Ok(())
                } else {
                    Err(NotPaid::TermEnded)
                }
            }
        }
    }
}
