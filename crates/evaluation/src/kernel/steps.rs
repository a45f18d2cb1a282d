//! Why an award is what it is: the steps of an evaluation as sentences. They are made only when
//! somebody asks, from the same inputs.

use num_rational::Ratio;
use trellis_core::Money;
use trellis_core::incentive::NotPaid;
use trellis_core::incentive::terms::{Below, Mode};

use super::entitlement::{Counted, Entitlement, Rules};
use super::period::Scope;
use super::schedule::Next;
use super::trace::Subject;
use super::words::{amount, exact, in_words, percent};

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Chooses the plan version by the day.
    SelectVersion,
    /// Looks whether the partner is in the audience.
    Audience,
    /// Adds up what counts.
    Measure,
    /// Applies the bands, exactly.
    Schedule,
    /// Rounds to the smallest coin.
    Round,
    /// Applies the minimum and the maximum.
    Limit,
    /// Compares with what has been posted.
    Delta,
}

/// One step of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it does.
    pub operation: Operation,
    /// What it looked at.
    pub inputs: Vec<(&'static str, String)>,
    /// What came out.
    pub output: String,
    /// The step as a sentence.
    pub text: String,
}

/// The steps of an evaluation, in order, up to the first that left nothing to do.
pub fn steps(
    subject: &Subject<'_>,
    rules: &Rules,
    entitlement: &Entitlement,
    posted_before: i64,
) -> Vec<Step> {
    let mut steps = vec![select_version(subject)];
    if subject.version.is_some() {
        steps.push(audience(rules, entitlement));
        steps.push(measure(subject, rules, entitlement));
        if !entitlement.slices.is_empty() {
            steps.push(schedule(rules, entitlement));
            steps.push(round(rules, entitlement));
            steps.extend(limit(rules, entitlement));
        }
    }
    steps.push(delta(rules, entitlement, posted_before));
    steps
}

/// The whole story in a few sentences.
pub fn summary(steps: &[Step]) -> String {
    let tells = |step: &&Step| match step.operation {
        Operation::Audience => step.output != "in",
        Operation::Round => step
            .inputs
            .last()
            .is_none_or(|(_, remainder)| remainder != "0"),
        Operation::SelectVersion
        | Operation::Measure
        | Operation::Schedule
        | Operation::Limit
        | Operation::Delta => true,
    };
    steps
        .iter()
        .filter(tells)
        .map(|step| step.text.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

fn select_version(subject: &Subject<'_>) -> Step {
    let (output, text) = match subject.version {
        Some(version) => (
            version.to_string(),
            format!(
                "Version {version} of plan {} holds for {}.",
                subject.plan, subject.scope
            ),
        ),
        None => (
            "none".to_owned(),
            format!(
                "No version of plan {} holds for {} any longer.",
                subject.plan, subject.scope
            ),
        ),
    };
    let inputs = vec![("scope", subject.scope.key())];
    Step {
        operation: Operation::SelectVersion,
        inputs,
        output,
        text,
    }
}

fn audience(rules: &Rules, entitlement: &Entitlement) -> Step {
    let mut inputs = Vec::new();
    let (mut inside, mut first_outside) = (false, None);
    for Counted {
        group, excluded, ..
    } in &entitlement.counted
    {
        let standing = ("standing", group.standing.to_string());
        if !inputs.contains(&standing) {
            inputs.push(standing);
        }
        match excluded {
            Some(NotPaid::NotEnrolled) => {
                first_outside.get_or_insert(
                    "The partner was not enrolled in the program of the plan.".to_owned(),
                );
            }
            Some(NotPaid::TierNotInAudience) => {
                let tier = group.standing.tier(&rules.program);
                let tier = tier.map_or("no tier", |tier| tier.as_str());
                first_outside.get_or_insert(format!(
                    "The partner held tier {tier}, which is not among those that the plan pays."
                ));
            }
            Some(NotPaid::PartnerTypeNotInAudience) => {
                let of = group.standing.partner_type_name();
                first_outside.get_or_insert(format!(
                    "The partner was of the kind {of}, which is not among those that the plan pays."
                ));
            }
            _ => inside = true,
        }
    }
    let (output, text) = match (inside, first_outside) {
        (true, None) => (
            "in",
            "The partner is among those that the plan pays.".to_owned(),
        ),
        (true, Some(outside)) => ("partly in", format!("Not all deals count: {outside}")),
        (false, Some(outside)) => ("not in", outside),
        (false, None) => ("in", "There is no deal left to look at.".to_owned()),
    };
    Step {
        operation: Operation::Audience,
        inputs,
        output: output.to_owned(),
        text,
    }
}

fn measure(subject: &Subject<'_>, rules: &Rules, entitlement: &Entitlement) -> Step {
    let mut inputs = Vec::new();
    let (mut deals, mut won, mut other_currency) = (0, 0, None);
    for Counted {
        group,
        sum,
        excluded,
    } in &entitlement.counted
    {
        let net = Money::new(sum.net, group.currency);
        match excluded {
            None => {
                deals += sum.deals;
                won += sum.won;
                inputs.push(("counted", format!("{}: {net}", group.date)));
            }
            Some(why) => {
                inputs.push((
                    "not counted",
                    format!("{}: {net}, {}", group.date, why.name()),
                ));
                if *why == NotPaid::CurrencyMismatch {
                    other_currency.get_or_insert(group.currency);
                }
            }
        }
    }
    let money = |minor| Money::new(minor, rules.currency);
    let mut text = match subject.scope {
        Scope::Deal(_) if deals == 0 => match entitlement.not_paid {
            Some(NotPaid::DealReopened) => {
                "The deal is not won any longer: it was reopened.".to_owned()
            }
            Some(NotPaid::DealMoved) => {
                "The deal is not credited to this partner any longer.".to_owned()
            }
            _ => "The deal does not count.".to_owned(),
        },
        Scope::Deal(_) => format!("The deal was won for {}", money(won)),
        Scope::Period(_) if deals == 0 => format!("No deal of {} counts.", subject.scope),
        Scope::Period(_) if deals == 1 => {
            format!("One deal of {} was won for {}", subject.scope, money(won))
        }
        Scope::Period(_) => {
            format!(
                "{deals} deals of {} were won for {}",
                subject.scope,
                money(won)
            )
        }
    };
    if deals > 0 {
        let refunded = won - entitlement.measure;
        if refunded > 0 {
            text.push_str(&format!(", of which {} was refunded", money(refunded)));
        }
        text.push_str(&format!(": {} count.", money(entitlement.measure)));
    }
    if let Some(currency) = other_currency {
        let pays = rules.currency;
        text.push_str(&format!(
            " Deals in {currency} do not count, the plan pays in {pays}."
        ));
    }
    let output = money(entitlement.measure).to_string();
    Step {
        operation: Operation::Measure,
        inputs,
        output,
        text,
    }
}

fn schedule(rules: &Rules, entitlement: &Entitlement) -> Step {
    let money = |minor: i128| amount(minor, rules.currency);
    let mut inputs = Vec::new();
    let mut parts = Vec::new();
    for slice in &entitlement.slices {
        let Some(band) = rules.schedule.bands().get(slice.band) else {
            continue;
        };
        let exact = in_words(slice.exact, rules.currency);
        let from = money(band.from);
        let base = money(slice.base);
        let rate = percent(band.rate);
        inputs.push(("band", format!("from {from}: {rate} of {base} = {exact}")));
        let fixed = match band.fixed {
            0 => String::new(),
            fixed => format!(" and {} for reaching the band", money(fixed)),
        };
        parts.push(match rules.terms.schedule.mode {
            Mode::Whole => {
                format!("The band from {from} applies to all of it: {rate} of {base}{fixed}")
            }
            Mode::Marginal => format!("{rate} of {base}{fixed}"),
        });
    }
    let total = in_words(entitlement.exact, rules.currency);
    let text = format!("{}: {total}.", parts.join(", "));
    let output = exact(entitlement.exact, rules.currency);
    Step {
        operation: Operation::Schedule,
        inputs,
        output,
        text,
    }
}

fn round(rules: &Rules, entitlement: &Entitlement) -> Step {
    let rounded = Money::new(entitlement.rounded, rules.currency).to_string();
    let remainder = entitlement.remainder();
    let text = if remainder == Ratio::from(0) {
        "That needs no rounding.".to_owned()
    } else {
        format!("Rounded half away from zero: {rounded}.")
    };
    let inputs = vec![
        ("exact", exact(entitlement.exact, rules.currency)),
        ("remainder", exact(remainder, rules.currency)),
    ];
    Step {
        operation: Operation::Round,
        inputs,
        output: rounded,
        text,
    }
}

fn limit(rules: &Rules, entitlement: &Entitlement) -> Option<Step> {
    let limits = &rules.terms.limits;
    let money = |minor| Money::new(minor, rules.currency).to_string();
    let mut inputs = Vec::new();
    if let Some(minimum) = limits.minimum_minor {
        let below = match limits.below {
            Below::Forfeit => "forfeit",
            Below::RaiseTo => "raise",
        };
        inputs.push(("minimum", money(minimum)));
        inputs.push(("below", below.to_owned()));
    }
    if let Some(maximum) = limits.maximum_minor {
        inputs.push(("maximum", money(maximum)));
    }
    if inputs.is_empty() {
        return None;
    }
    let (before, after) = (entitlement.rounded, entitlement.entitled);
    let text = if after == before {
        "That is within the limits.".to_owned()
    } else if after == 0 {
        let minimum = limits.minimum_minor.unwrap_or_default();
        format!(
            "That is less than the minimum of {}, so nothing is paid.",
            money(minimum)
        )
    } else if after > before {
        format!("That is raised to the minimum: {}.", money(after))
    } else {
        format!("That is cut to the maximum: {}.", money(after))
    };
    Some(Step {
        operation: Operation::Limit,
        inputs,
        output: money(after),
        text,
    })
}

fn delta(rules: &Rules, entitlement: &Entitlement, posted_before: i64) -> Step {
    let money = |minor| Money::new(minor, rules.currency).to_string();
    let delta = entitlement.entitled - posted_before;
    let credited = match delta {
        0 => "Nothing changes.".to_owned(),
        delta if delta > 0 => format!("Now credited {}.", money(delta)),
        delta => format!("Now taken back {}.", money(-delta)),
    };
    let text = match posted_before {
        0 => credited,
        before => format!("Already credited {}. {credited}", money(before)),
    };
    let inputs = vec![
        ("entitled", money(entitlement.entitled)),
        ("posted", money(posted_before)),
    ];
    Step {
        operation: Operation::Delta,
        inputs,
        output: money(delta),
        text,
    }
}

/// What the next band would need, as a sentence.
pub fn missing(rules: &Rules, next: Next) -> Option<String> {
    let band = rules.schedule.bands().get(next.band)?;
    let missing = amount(next.missing, rules.currency);
    let from = amount(band.from, rules.currency);
    Some(format!("{missing} more reach the band from {from}."))
}
