//! Random plans and histories that use everything that there is, and amounts at the edges of what fits.

use crate::random::{pick, random_history, random_plan};
use crate::scene::*;
use rand::Rng;
use rand::rngs::StdRng;
use trellis_core::{Currency, Date, Timestamp};
use trellis_evaluation::evaluate::{Fact, Facts, Quota};
use trellis_evaluation::plan::*;

const AUDIENCES: [&str; 3] = [
    "partner.tier in ['gold', 'platinum']",
    "has(partner.tier) && partner.tier != 'silver'",
    "partner.joined_months >= 6 || partner.tier == 'gold'",
];
const CONDITIONS: [&str; 3] = [
    "customer.segment != 'small'",
    "event.amount_minor > 2000 || line.registered",
    "!line.registered",
];

/// Changes a plan, unless that makes it wrong.
fn perhaps(
    rng: &mut StdRng,
    plan: &mut PlanVersion,
    of: u32,
    change: impl FnOnce(&mut StdRng, &mut PlanVersion),
) {
    if !rng.random_ratio(1, of) {
        return;
    }
    let mut other = plan.clone();
    change(rng, &mut other);
    if other.validate().is_empty() {
        *plan = other;
    }
}

/// A plan of all groups of terms, in a currency of 0 to 4 digits.
pub(crate) fn wide_plan(rng: &mut StdRng) -> PlanVersion {
    let mut plan = random_plan(rng);
    plan.currency = currency(pick(rng, &["USD", "USD", "JPY", "KWD", "CLF"]));
    perhaps(rng, &mut plan, 4, |rng, plan| {
        plan.audience = pick(rng, &AUDIENCES).to_owned();
    });
    perhaps(rng, &mut plan, 4, |rng, plan| {
        plan.trigger.condition = pick(rng, &CONDITIONS).to_owned();
    });
    perhaps(rng, &mut plan, 8, |_, plan| {
        plan.measure.source = Source::DealAcv;
    });
    perhaps(rng, &mut plan, 4, |rng, plan| {
        plan.measure.group_by = pick(rng, &[GroupBy::PartnerProduct, GroupBy::Deal]);
    });
    perhaps(rng, &mut plan, 4, |_, plan| {
        plan.measure.target = Target::Quota("sales".to_owned());
    });
    perhaps(rng, &mut plan, 3, |_, plan| {
        plan.measure.band_by = BandBy::TenureMonths;
    });
    perhaps(rng, &mut plan, 4, |_, plan| {
        plan.effective_from = day("2025-01-01");
    });
    perhaps(rng, &mut plan, 4, |_, plan| {
        plan.effective_until = Some(day("2026-01-01"));
    });
    perhaps(rng, &mut plan, 4, |rng, plan| {
        plan.limits.draw = Some(Draw {
            amount_minor: rng.random_range(1..500),
            recoverable: rng.random(),
        });
    });
    perhaps(rng, &mut plan, 4, |rng, plan| {
        plan.limits.term = Term::Months {
            months: rng.random_range(1..20),
            anchor: Anchor::ContractStart,
        };
    });
    perhaps(rng, &mut plan, 3, |rng, plan| {
        plan.protection.hold = match rng.random_range(0..3) {
            0 => Hold::Days(rng.random_range(1..90)),
            1 => Hold::Months(rng.random_range(1..5)),
            _ => Hold::Until("event.valid".to_owned()),
        };
    });
    perhaps(rng, &mut plan, 3, |rng, plan| {
        plan.protection.holdback = Some(Holdback {
            share: format!("0.{:03}", rng.random_range(1..1_000))
                .parse()
                .unwrap(),
            days: rng.random_range(1..400),
        });
    });
    perhaps(rng, &mut plan, 8, |rng, plan| {
        // Amounts of a few coins beside a least of a few coins, so that roundings decide.
        for band in &mut plan.schedule.bands {
            band.rate = format!("0.00{}", rng.random_range(0..4)).parse().unwrap();
            band.fixed_minor = 0;
        }
        plan.limits.limits = vec![Limit {
            scope: LimitScope::Award,
            window: Window::Event,
            max_minor: None,
            min_minor: Some(rng.random_range(1..6)),
            below: Below::Forfeit,
        }];
    });
    if let Some(clawback) = &mut plan.protection.clawback {
        clawback.triggers.push(ClawbackTrigger::Revocation);
        if rng.random_ratio(1, 4) {
            clawback.anchor = Anchor::ContractStart;
        }
    }
    plan
}

fn wide_fact(rng: &mut StdRng, fact: &mut Fact, pays: Currency) {
    let sometimes = |rng: &mut StdRng| rng.random_ratio(1, 12);
    fact.currency = Some(pays);
    if sometimes(rng) {
        fact.currency = pick(rng, &[None, Some(Currency::EUR)]);
    }
    if sometimes(rng) {
        fact.amount_minor = None;
    }
    if sometimes(rng) {
        fact.quantity = None;
    }
    if sometimes(rng) {
        fact.cost_minor = None;
    }
    if fact.kind.takes_back() {
        if sometimes(rng) {
            fact.kind = FactKind::Revocation;
        }
        if sometimes(rng) {
            fact.about = pick(rng, &[None, Some("nothing".to_owned())]);
        }
        return;
    }
    fact.annual_minor = rng.random_ratio(5, 6).then(|| rng.random_range(-50..6_000));
    fact.product = rng
        .random_ratio(5, 6)
        .then(|| pick(rng, &["disk", "cloud", "car"]).to_owned());
    fact.deal = rng
        .random_ratio(5, 6)
        .then(|| trellis_core::DealId::try_new(pick(rng, &["deal-1", "deal-2"])).unwrap());
    fact.contract_start = rng
        .random_ratio(5, 6)
        .then(|| fact.date.plus_days(-rng.random_range(0..400)));
    if sometimes(rng) {
        fact.customer = None;
    }
    if sometimes(rng) {
        fact.partner = None;
    }
    if sometimes(rng) {
        fact.kind = FactKind::DealWon;
    }
    if rng.random_ratio(9, 10) {
        fact.fields
            .set("partner.tier", pick(rng, &["silver", "gold", "platinum"]));
    }
    if rng.random_ratio(9, 10) {
        fact.fields
            .set("partner.joined_months", rng.random_range(0..3_000_i64));
        fact.fields.set("line.registered", rng.random::<bool>());
    }
    if rng.random_ratio(9, 10) {
        fact.fields
            .set("customer.segment", pick(rng, &["small", "large"]));
        fact.fields.set("event.valid", rng.random::<bool>());
    }
    if let Some(minor) = fact.amount_minor {
        fact.fields.set("event.amount_minor", minor);
    }
}

/// What happened, in all ways that there are: corrected, withdrawn, known later, with gaps.
pub(crate) fn wide_history(rng: &mut StdRng, plan: &PlanVersion) -> Facts {
    let mut facts = random_history(rng);
    for fact in &mut facts {
        wide_fact(rng, fact, plan.currency);
    }
    let mut more = Vec::new();
    for fact in &facts {
        if rng.random_ratio(1, 10) {
            let mut revised = fact.clone();
            revised.revision = 2;
            revised.withdrawn = rng.random_ratio(1, 3);
            revised.recorded = Timestamp::from_micros(pick(rng, &[10, 2_000]));
            revised.date = fact.date.plus_days(rng.random_range(-40..40));
            if revised.partner.is_some() && rng.random() {
                revised.partner = Some(partner(pick(rng, &["nimbus", "orbit"])));
            }
            more.push(revised);
        }
    }
    facts.extend(more);
    let mut told = Facts {
        facts,
        ..Facts::default()
    };
    let cadence = plan.measure.window.cadence();
    for index in 0..rng.random_range(0..40) {
        let Some(cadence) = cadence else { break };
        let date = day("2024-11-20").plus_days(rng.random_range(0..500));
        told.quotas.push(Quota {
            id: format!("q-{index}"),
            name: pick(rng, &["sales", "sales", "units"]).to_owned(),
            partner: partner(pick(rng, &["nimbus", "orbit"])),
            period_start: trellis_core::Period::containing(date, cadence).start(),
            amount: rng.random_range(0..8_000),
            recorded: Timestamp::from_micros(pick(rng, &[0, 5, 2_000])),
        });
    }
    told
}

/// A number at an edge of what fits, or near one.
pub(crate) fn edge(rng: &mut StdRng) -> i64 {
    let near: i64 = rng.random_range(-3..=3);
    match rng.random_range(0..8) {
        0 => i64::MAX - near.abs(),
        1 => i64::MIN + near.abs(),
        2 => i64::MAX / 2 + near,
        3 => (1 << 62) + near,
        4 => (1_i64 << rng.random_range(0..63)) + near,
        5 => 10_i64.pow(rng.random_range(0..19)) + near,
        6 => rng.random(),
        _ => near,
    }
}

/// A rate at an edge: of up to 18 digits before and after the point.
pub(crate) fn edge_rate(rng: &mut StdRng) -> String {
    match rng.random_range(0..6) {
        0 => "999999999999999999.999999999999999999".to_owned(),
        1 => "0.000000000000000001".to_owned(),
        2 => "1".to_owned(),
        3 => "0.999999999999999999".to_owned(),
        4 => format!("{}", edge(rng).unsigned_abs() / 16),
        _ => format!(
            "{}.{:03}",
            rng.random_range(0..3),
            rng.random_range(0..1_000)
        ),
    }
}

/// Makes the numbers of a plan those at the edges, where it stays a plan.
pub(crate) fn at_the_edge(rng: &mut StdRng, plan: &mut PlanVersion) {
    perhaps(rng, plan, 2, |rng, plan| {
        for band in &mut plan.schedule.bands {
            band.rate = edge_rate(rng).parse().unwrap();
        }
    });
    perhaps(rng, plan, 2, |rng, plan| {
        let mut begins: Vec<trellis_core::Rate> = plan
            .schedule
            .bands
            .iter()
            .map(|_| edge_rate(rng).parse().unwrap())
            .collect();
        begins.sort_unstable();
        for (band, begin) in plan.schedule.bands.iter_mut().zip(begins) {
            band.from = begin;
        }
    });
    perhaps(rng, plan, 4, |rng, plan| {
        for band in &mut plan.schedule.bands {
            band.fixed_minor = edge(rng).saturating_abs();
        }
    });
    perhaps(rng, plan, 3, |rng, plan| {
        plan.measure.target = Target::Fixed(edge(rng).saturating_abs());
    });
    perhaps(rng, plan, 3, |rng, plan| {
        plan.measure.pay_on = PayOn::TargetPayout(edge(rng).saturating_abs());
    });
    perhaps(rng, plan, 3, |rng, plan| {
        for limit in &mut plan.limits.limits {
            limit.max_minor = limit.max_minor.map(|_| edge(rng).saturating_abs());
        }
    });
}

/// Makes the amounts of facts those at the edges.
pub(crate) fn amounts_at_the_edge(rng: &mut StdRng, facts: &mut [Fact]) {
    for fact in facts {
        let mut changed = |value: &mut Option<i64>| {
            if value.is_some() && rng.random_ratio(1, 2) {
                *value = Some(edge(rng));
            }
        };
        changed(&mut fact.amount_minor);
        changed(&mut fact.annual_minor);
        changed(&mut fact.cost_minor);
        changed(&mut fact.quantity);
    }
}

/// A day far from the others.
pub(crate) fn far(rng: &mut StdRng) -> Date {
    Date::try_new(pick(rng, &[1, 1901, 2100, 9999]), 12, 31).unwrap()
}
