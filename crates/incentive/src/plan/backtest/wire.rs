//! A backtest on the wire.

use std::collections::HashMap;

use trellis_api::google::r#type::{Decimal, Money as WireMoney};
use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::backtest_plan_response::Part;
use trellis_api::{child_name, date, money, name, numbered_name, time};
use trellis_core::{
    Currency, EcosystemId, Money, MoneyError, PartnerId, PlanId, TierId, Timestamp,
};
use trellis_store::incentive::standing::Profile;

use super::budget::{Budget, Key};
use super::report::{Both, Changed, Counts, Fairness, OfCurrency, Report};
use super::sides::Sides;

/// Budgets of one answer.
const BUDGETS: usize = 500;

/// What a backtest has come to.
pub(super) struct Finished<'a> {
    pub(super) ecosystem: &'a EcosystemId,
    pub(super) known_time: Timestamp,
    pub(super) sides: &'a Sides,
    pub(super) computed: pb::BacktestProgress,
    pub(super) report: &'a Report,
    pub(super) profiles: &'a HashMap<PartnerId, Profile>,
}

pub(super) fn progress(progress: pb::BacktestProgress) -> pb::BacktestPlanResponse {
    answer(Part::Progress(progress))
}

pub(super) fn partners(partners: Vec<pb::BacktestPartner>) -> pb::BacktestPlanResponse {
    answer(Part::Partners(pb::BacktestPartners { partners }))
}

pub(super) fn result(result: pb::BacktestResult) -> pb::BacktestPlanResponse {
    answer(Part::Result(result))
}

const fn answer(part: Part) -> pb::BacktestPlanResponse {
    pb::BacktestPlanResponse { part: Some(part) }
}

/// How many there are.
pub(super) fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// All partners that get anything, by name and currency.
///
/// # Errors
/// When a difference does not fit.
pub(super) fn all_partners(
    ecosystem: &EcosystemId,
    report: &Report,
) -> Result<Vec<pb::BacktestPartner>, MoneyError> {
    let mut all: Vec<(&PartnerId, Currency, Both)> = report
        .currencies
        .iter()
        .flat_map(|(currency, of)| {
            let partners = of.partners.iter();
            partners.map(|(partner, both)| (partner, *currency, *both))
        })
        .collect();
    all.sort_by_key(|(partner, currency, _)| (*partner, *currency));
    all.into_iter()
        .map(|(partner, currency, both)| wire_partner(ecosystem, partner, currency, both))
        .collect()
}

/// What it comes to.
///
/// # Errors
/// When a difference or a sum does not fit.
pub(super) fn outcome(finished: &Finished<'_>) -> Result<pb::BacktestResult, MoneyError> {
    let Finished {
        ecosystem,
        known_time,
        sides,
        computed,
        report,
        profiles: _,
    } = finished;
    let plans = sides.plans.iter().map(|plan| name(ecosystem, plan));
    let budgets = report.budgets.all().take(BUDGETS);
    Ok(pb::BacktestResult {
        known_time: Some(time::wire(*known_time)),
        plans: plans.collect(),
        computed: Some(*computed),
        currencies: report
            .currencies
            .iter()
            .map(|(currency, of)| wire_currency(finished, *currency, of))
            .collect::<Result<_, _>>()?,
        budgets: budgets
            .map(|(key, both)| wire_budget(ecosystem, key, both))
            .collect(),
    })
}

fn wire_currency(
    finished: &Finished<'_>,
    currency: Currency,
    of: &OfCurrency,
) -> Result<pb::BacktestCurrency, MoneyError> {
    let changed = of.changed.iter();
    Ok(pb::BacktestCurrency {
        currency_code: currency.code().to_owned(),
        amounts: Some(wire_amounts(of.total, currency)?),
        counts: Some(wire_counts(of.counts)),
        changed_awards: changed
            .map(|changed| wire_changed(finished.ecosystem, changed))
            .collect::<Result<_, _>>()?,
        fairness: Some(wire_fairness(finished, currency, of)?),
    })
}

fn amount(minor: i64, currency: Currency) -> Option<WireMoney> {
    Some(money::wire(Money::new(minor, currency)))
}

fn decimal(text: Option<String>) -> Option<Decimal> {
    text.map(|value| Decimal { value })
}

fn wire_amounts(both: Both, currency: Currency) -> Result<pb::BacktestAmounts, MoneyError> {
    let difference = i64::try_from(both.difference()).map_err(|_| MoneyError::Overflow)?;
    Ok(pb::BacktestAmounts {
        current_amount: amount(both.current, currency),
        proposed_amount: amount(both.proposed, currency),
        difference_amount: amount(difference, currency),
        difference_percent: decimal(both.percent()),
    })
}

fn wire_partner(
    ecosystem: &EcosystemId,
    partner: &PartnerId,
    currency: Currency,
    both: Both,
) -> Result<pb::BacktestPartner, MoneyError> {
    Ok(pb::BacktestPartner {
        partner: name(ecosystem, partner),
        amounts: Some(wire_amounts(both, currency)?),
    })
}

const fn wire_counts(counts: Counts) -> pb::BacktestCounts {
    let Counts {
        up,
        down,
        new,
        lost,
        unchanged,
    } = counts;
    pb::BacktestCounts {
        up_count: up,
        down_count: down,
        new_count: new,
        lost_count: lost,
        unchanged_count: unchanged,
    }
}

fn wire_changed(
    ecosystem: &EcosystemId,
    changed: &Changed,
) -> Result<pb::BacktestAward, MoneyError> {
    let Changed {
        key,
        current,
        proposed,
        steps,
    } = changed;
    let both = Both {
        current: current.minor,
        proposed: proposed.minor,
    };
    Ok(pb::BacktestAward {
        plan: name(ecosystem, &key.plan),
        partner: name(ecosystem, &key.partner),
        earner: name(ecosystem, &key.earner),
        scope: key.scope.clone(),
        amounts: Some(wire_amounts(both, key.currency)?),
        current_plan_version: version(ecosystem, &key.plan, current.version),
        proposed_plan_version: version(ecosystem, &key.plan, proposed.version),
        steps: steps.clone(),
    })
}

fn version(ecosystem: &EcosystemId, plan: &PlanId, number: Option<i32>) -> String {
    let name = |number: i32| numbered_name(ecosystem, plan, "versions", number.into());
    number.map(name).unwrap_or_default()
}

fn wire_fairness(
    finished: &Finished<'_>,
    currency: Currency,
    of: &OfCurrency,
) -> Result<pb::BacktestFairness, MoneyError> {
    let Finished {
        ecosystem,
        sides,
        profiles,
        ..
    } = finished;
    let Fairness {
        paid,
        losing,
        largest_loser,
        current_top,
        proposed_top,
    } = of.fairness();
    let tier = |partner: &PartnerId| -> Option<String> {
        let standing = &profiles.get(partner)?.standing;
        let tier: &TierId = standing.tier(&sides.program)?;
        Some(child_name(ecosystem, &sides.program, tier))
    };
    let region = |partner: &PartnerId| profiles.get(partner)?.country.clone();
    let group = |(common, count, both): (Option<String>, usize, Both)| {
        let group = pb::BacktestGroup {
            partner_count: self::count(count),
            amounts: Some(wire_amounts(both, currency)?),
            ..pb::BacktestGroup::default()
        };
        Ok::<_, MoneyError>((common.unwrap_or_default(), group))
    };
    let loser = largest_loser
        .map(|(partner, both)| wire_partner(ecosystem, partner, currency, both))
        .transpose()?;
    let (of_paid, of_losing) = (self::count(paid), self::count(losing));
    Ok(pb::BacktestFairness {
        paid_partner_count: of_paid,
        losing_partner_count: of_losing,
        losing_partner_percent: decimal(super::percent::percent(of_losing.into(), of_paid.into())),
        largest_loser: loser,
        current_top_ten_percent: decimal(current_top),
        proposed_top_ten_percent: decimal(proposed_top),
        tiers: of
            .groups(tier)?
            .into_iter()
            .map(|told| group(told).map(|(tier, group)| pb::BacktestGroup { tier, ..group }))
            .collect::<Result<_, _>>()?,
        regions: of
            .groups(region)?
            .into_iter()
            .map(|told| {
                group(told).map(|(region_code, group)| pb::BacktestGroup {
                    region_code,
                    ..group
                })
            })
            .collect::<Result<_, _>>()?,
    })
}

fn wire_budget(ecosystem: &EcosystemId, key: &Key, both: [Budget; 2]) -> pb::BacktestBudget {
    let [current, proposed] = both.map(|budget| {
        let maximum = budget.maximum.and_then(|most| amount(most, key.currency));
        let used = amount(budget.used, key.currency);
        let used = used.filter(|_| maximum.is_some());
        (maximum, used)
    });
    pb::BacktestBudget {
        plan: name(ecosystem, &key.plan),
        period: key.period.map(|(start, end)| pb::AwardPeriod {
            start_date: Some(date::wire(start)),
            end_date: Some(date::wire(end)),
        }),
        current_maximum_amount: current.0,
        current_used_amount: current.1,
        proposed_maximum_amount: proposed.0,
        proposed_used_amount: proposed.1,
    }
}
