//! A plan version as the evaluation reads it, and what it finds wrong, in the words of the contract.

use trellis_core::Violation;
use trellis_evaluation::plan::PlanVersion;
use trellis_store::incentive::plan_version::Model;
use trellis_store::incentive::terms::{Audience, LimitScope, Quantity, Terms};

use super::edit::in_money;

/// How much of a plan's name the evaluation is told.
const NAME_LONGEST: usize = 120;

/// A version as the evaluation reads it. Its lists of tiers and kinds of partners become part of the
/// condition that the audience is.
pub(crate) fn read(version: &Model, display_name: &str) -> PlanVersion {
    let Terms {
        audience,
        trigger,
        measure,
        schedule,
        sharing,
        limits,
        protection,
        policy,
    } = version.terms.clone();
    PlanVersion {
        plan: version.plan.clone(),
        version: version.number,
        // Names of plans may be longer than those that the evaluation tells with.
        name: display_name.chars().take(NAME_LONGEST).collect(),
        effective_from: version.effective_from,
        effective_until: version.end(),
        currency: version.currency,
        kind: version.kind,
        audience: condition(&audience),
        trigger,
        measure,
        schedule,
        sharing,
        limits,
        protection,
        policy,
    }
}

/// An audience as one condition. Without anything said it is empty: everybody who is enrolled.
fn condition(audience: &Audience) -> String {
    let Audience {
        tiers,
        partner_types,
        condition,
    } = audience;
    let quoted = |names: Vec<String>| {
        let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        quoted.join(", ")
    };
    let mut parts = Vec::new();
    if !tiers.is_empty() {
        let names = tiers.iter().map(ToString::to_string).collect();
        parts.push(format!("enrollment.tier in [{}]", quoted(names)));
    }
    if !partner_types.is_empty() {
        let names = partner_types
            .iter()
            .map(|partner_type| partner_type.name())
            .collect();
        parts.push(format!("partner.type in [{}]", quoted(names)));
    }
    if !condition.is_empty() {
        let alone = parts.is_empty();
        parts.push(if alone {
            condition.clone()
        } else {
            format!("({condition})")
        });
    }
    parts.join(" && ")
}

/// Everything that the evaluation finds wrong with a version. Where its first and last day cut a
/// period is asked when it is scheduled: a draft may still move.
pub(crate) fn wrong(version: &Model) -> Vec<Violation> {
    let mut read = read(version, version.plan.as_str());
    // Places in a condition are told as they are in what the caller wrote.
    read.audience.clone_from(&version.terms.audience.condition);
    read.validate()
        .into_iter()
        .filter(|violation| violation.rule != "plan.period_boundary")
        .map(|violation| Violation {
            field: format!("plan_version.{}", on_wire(&violation.field, &version.terms)),
            ..violation
        })
        .collect()
}

/// The path of a field in the contract, for one of the evaluation.
pub(crate) fn on_wire(field: &str, terms: &Terms) -> String {
    let from = if in_money(&terms.measure) {
        "from_amount"
    } else {
        "from_value"
    };
    let fixed = match terms.measure.source.quantity() {
        Quantity::Money => "measure.target.fixed_amount",
        Quantity::Number => "measure.target.fixed_number",
    };
    if let Some(rest) = field.strip_prefix("limits.limits") {
        return limit_on_wire(rest, terms);
    }
    match field {
        "effective_from" => "effective_from_date".to_owned(),
        "effective_until" => "effective_until_date".to_owned(),
        "trigger.fact" => "trigger".to_owned(),
        "trigger.condition" => "trigger_condition".to_owned(),
        "measure.target.fixed" => fixed.to_owned(),
        "measure.pay_on.target_payout_minor" => "measure.target_payout_amount".to_owned(),
        "limits.draw.amount_minor" => "limits.draw.amount".to_owned(),
        "protection.hold.until" => "protection.hold_until".to_owned(),
        "protection.hold" => match terms.protection.hold {
            trellis_store::incentive::terms::Hold::Days(_) => "hold_days".to_owned(),
            _ => "protection.hold_months".to_owned(),
        },
        "protection.clawback.mode.steps" => "protection.clawback.steps".to_owned(),
        "policy.stack.cap" => "policy.stack.cap_amount".to_owned(),
        "policy.fx" => "policy.exchange".to_owned(),
        _ => field
            .replace("].from", &format!("].{from}"))
            .replace(".fixed_minor", ".fixed_amount"),
    }
}

/// The limit of one award stands by itself; those of several are counted without it.
fn limit_on_wire(rest: &str, terms: &Terms) -> String {
    let own = terms
        .limits
        .limits
        .first()
        .is_some_and(|first| first.scope == LimitScope::Award);
    let rest = rest
        .replace(".max_minor", ".maximum_amount")
        .replace(".min_minor", ".minimum_amount");
    let Some((index, rest)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return "limits.shared_limits".to_owned();
    };
    match (index.parse::<usize>().unwrap_or_default(), own) {
        (0, true) => format!("limits{rest}"),
        (index, _) => format!(
            "limits.shared_limits[{}]{rest}",
            index.saturating_sub(usize::from(own))
        ),
    }
}

#[cfg(test)]
mod tests {
    use trellis_store::incentive::terms::{Below, Limit, Window};

    use super::*;

    fn limit(scope: LimitScope) -> Limit {
        Limit {
            scope,
            window: Window::Event,
            max_minor: Some(1),
            min_minor: None,
            below: Below::Forfeit,
        }
    }

    #[test]
    fn fields_are_named_as_the_contract_names_them() {
        let mut terms = Terms::default();
        let named = |field: &str, terms: &Terms| on_wire(field, terms);
        assert_eq!(
            named("schedule.bands[1].from", &terms),
            "schedule.bands[1].from_amount"
        );
        assert_eq!(
            named("schedule.bands[0].fixed_minor", &terms),
            "schedule.bands[0].fixed_amount"
        );
        terms.limits.limits = vec![limit(LimitScope::Plan)];
        assert_eq!(
            named("limits.limits[0].max_minor", &terms),
            "limits.shared_limits[0].maximum_amount"
        );
        terms.limits.limits.insert(0, limit(LimitScope::Award));
        assert_eq!(
            named("limits.limits[0].min_minor", &terms),
            "limits.minimum_amount"
        );
        assert_eq!(
            named("limits.limits[1].window", &terms),
            "limits.shared_limits[0].window"
        );
        assert_eq!(named("limits.limits", &terms), "limits.shared_limits");
        terms.measure.source = trellis_store::incentive::terms::Source::Units;
        assert_eq!(
            named("schedule.bands[0].from", &terms),
            "schedule.bands[0].from_value"
        );
    }

    #[test]
    fn an_audience_is_one_condition() {
        let mut audience = Audience::default();
        assert_eq!(condition(&audience), "");
        audience.condition = "partner.country == 'DE' || partner.joined_months > 3".to_owned();
        assert_eq!(condition(&audience), audience.condition);
        audience.tiers = vec![trellis_core::TierId::try_new("gold").unwrap()];
        audience.partner_types = vec![trellis_store::partner::partner::PartnerType::Reseller];
        assert_eq!(
            condition(&audience),
            "enrollment.tier in [\"gold\"] && partner.type in [\"RESELLER\"] && (partner.country == \
             'DE' || partner.joined_months > 3)"
        );
        let schema = trellis_evaluation::plan::partner_fields();
        let whole = condition(&audience);
        assert!(trellis_evaluation::predicate::Predicate::parse(&whole, &schema).is_ok());
    }
}
