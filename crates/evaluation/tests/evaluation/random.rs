//! Random plans and random histories, from a seed.

use crate::scene::*;
use rand::Rng;
use rand::rngs::StdRng;
use trellis_evaluation::evaluate::{Fact, Party};
use trellis_evaluation::plan::*;

pub(crate) fn pick<T: Clone>(rng: &mut StdRng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())].clone()
}

pub(crate) fn share(rng: &mut StdRng) -> String {
    format!("0.{:03}", rng.random_range(0..1_000))
}

fn random_bands(rng: &mut StdRng, by: BandBy, number: bool) -> Vec<Band> {
    let mut from = match by {
        BandBy::Growth => -1_000,
        _ if rng.random_ratio(1, 4) => rng.random_range(1..3_000_i64),
        _ => 0,
    };
    let mut all = Vec::new();
    for _ in 0..rng.random_range(1..5) {
        // Attainment and growth are shares; the rest are minor units or pieces.
        let text = match by {
            BandBy::Attainment | BandBy::Growth => {
                format!(
                    "{}{}.{:03}",
                    if from < 0 { "-" } else { "" },
                    from.abs() / 1_000,
                    from.abs() % 1_000
                )
            }
            _ if number => (from / 100).to_string(),
            _ => from.to_string(),
        };
        let rate = if number {
            format!("{}.{}", rng.random_range(0..9), rng.random_range(0..99))
        } else {
            share(rng)
        };
        let fixed = if rng.random_ratio(1, 3) {
            rng.random_range(0..500)
        } else {
            0
        };
        all.push((text, rate, fixed));
        from += rng.random_range(200..4_000);
    }
    let mut bands: Vec<Band> = bands(
        &all.iter()
            .map(|(a, b, c)| (a.as_str(), b.as_str(), *c))
            .collect::<Vec<_>>(),
    );
    bands.dedup_by(|one, other| one.from == other.from);
    bands
}

pub(crate) fn random_plan(rng: &mut StdRng) -> PlanVersion {
    let mut plan = plan("plan", &[]);
    let windows = [
        Window::Event,
        Window::Month,
        Window::Quarter,
        Window::Half,
        Window::Year,
        Window::Lifetime,
    ];
    plan.measure.window = pick(rng, &windows);
    let calendar = plan.measure.window.cadence().is_some();
    plan.measure.source = pick(
        rng,
        &[
            Source::InvoicePaidNet,
            Source::LineMargin,
            Source::Units,
            Source::Count,
        ],
    );
    let number = plan.measure.source.quantity() == Quantity::Number;
    plan.schedule.mode = pick(rng, &[Mode::Marginal, Mode::Whole, Mode::Linear]);
    plan.schedule.threshold = pick(rng, &[Threshold::AtOrAbove, Threshold::Above]);
    plan.schedule.floor = true;
    plan.measure.band_by = pick(
        rng,
        &[
            BandBy::Measure,
            BandBy::Measure,
            BandBy::Attainment,
            BandBy::Growth,
        ],
    );
    plan.measure.target = match rng.random_range(0..4) {
        0 if calendar => Target::PriorPeriod,
        1 if calendar => Target::SamePeriodLastYear,
        _ => Target::Fixed(rng.random_range(1..8_000)),
    };
    plan.measure.pay_on = match rng.random_range(0..4) {
        0 => PayOn::Increment,
        1 if plan.schedule.mode != Mode::Marginal => {
            PayOn::TargetPayout(rng.random_range(1..100_000))
        }
        _ => PayOn::Measure,
    };
    if plan.measure.window != Window::Event {
        plan.measure.group_by = pick(rng, &[GroupBy::Partner, GroupBy::PartnerCustomer]);
    }
    plan.schedule.bands = random_bands(rng, plan.measure.band_by, number);
    if plan.schedule.mode == Mode::Linear {
        plan.schedule
            .bands
            .iter_mut()
            .for_each(|band| band.fixed_minor = 0);
        if plan.schedule.bands.len() < 2 {
            plan.schedule.mode = Mode::Whole;
        }
    }
    plan.policy.rounding = pick(
        rng,
        &[
            Rounding::HalfUp,
            Rounding::HalfEven,
            Rounding::Down,
            Rounding::Up,
        ],
    );
    for _ in 0..rng.random_range(0..3) {
        let scope = pick(
            rng,
            &[
                LimitScope::Award,
                LimitScope::Customer,
                LimitScope::Partner,
                LimitScope::Plan,
            ],
        );
        if scope == LimitScope::Customer && plan.measure.window != Window::Event {
            continue;
        }
        let least = rng.random_ratio(1, 2).then(|| rng.random_range(1..800));
        let most = (least.is_none() || rng.random())
            .then(|| least.unwrap_or(0) + rng.random_range(1..3_000));
        let together = scope != LimitScope::Award;
        let limit = Limit {
            scope,
            window: if together {
                pick(rng, &windows)
            } else {
                Window::Event
            },
            max_minor: most,
            min_minor: least,
            below: if together || rng.random() {
                Below::Forfeit
            } else {
                Below::RaiseTo
            },
        };
        plan.limits.limits.push(limit);
        if !plan.validate().is_empty() {
            // It contradicts the one before.
            plan.limits.limits.pop();
        }
    }
    plan.limits.term = match rng.random_range(0..6) {
        0 => Term::FirstEvent,
        1 => Term::Months {
            months: rng.random_range(1..20),
            anchor: Anchor::Event,
        },
        _ => Term::None,
    };
    if rng.random_ratio(1, 3) {
        let event = plan.measure.window == Window::Event;
        let mode = match rng.random_range(0..4) {
            0 if event => ClawbackMode::LinearDays,
            1 if event => ClawbackMode::LinearMonths,
            2 if event => ClawbackMode::Steps(vec![
                Step {
                    until_days: 30,
                    share: "1".parse().unwrap(),
                },
                Step {
                    until_days: 90,
                    share: "0.45".parse().unwrap(),
                },
            ]),
            _ => ClawbackMode::Full,
        };
        let window = rng.random_range(2..120);
        plan.protection.clawback = Some(Clawback {
            triggers: pick(
                rng,
                &[
                    vec![ClawbackTrigger::Churn],
                    vec![ClawbackTrigger::Churn, ClawbackTrigger::Refund],
                ],
            ),
            mode,
            window,
            grace: if rng.random() {
                0
            } else {
                rng.random_range(0..window)
            },
            anchor: Anchor::Event,
        });
    }
    plan.sharing = match rng.random_range(0..6) {
        0 => Sharing::Funds(vec![
            FundWeight {
                fund: Fund::Rebate,
                weight: rng.random_range(1..100),
            },
            FundWeight {
                fund: Fund::Coop,
                weight: rng.random_range(0..100),
            },
        ]),
        1 | 2 if plan.measure.window == Window::Event => random_roles(rng),
        _ => Sharing::Single,
    };
    plan
}

const ROLES: [&str; 3] = ["sourcing", "selling", "serving"];

fn random_roles(rng: &mut StdRng) -> Sharing {
    let count = rng.random_range(1..=ROLES.len());
    let roles = ROLES.iter().take(count).enumerate();
    Sharing::RoleWeights {
        roles: roles
            .map(|(index, role)| RoleWeight {
                role: (*role).to_owned(),
                weight: rng.random_range(u32::from(index == 0)..100),
            })
            .collect(),
        unfilled: pick(rng, &[Unfilled::VendorKeeps, Unfilled::Redistribute]),
    }
}

/// Who has roles in a sale: nobody, somebody twice, several of one role.
fn random_parties(rng: &mut StdRng) -> Vec<Party> {
    let count = rng.random_range(0..5);
    let any = |rng: &mut StdRng| {
        let who = pick(rng, &["nimbus", "orbit", "quasar"]);
        party(who, pick(rng, &ROLES))
    };
    (0..count).map(|_| any(rng)).collect()
}

pub(crate) fn random_history(rng: &mut StdRng) -> Vec<Fact> {
    let mut facts = Vec::new();
    for index in 0..rng.random_range(1..10) {
        let date = day("2024-11-20").plus_days(rng.random_range(0..500));
        let mut sale = invoice(
            &format!("s-{index}"),
            &date.to_string(),
            rng.random_range(0..6_000),
        );
        sale.partner = Some(partner(pick(rng, &["nimbus", "orbit"])));
        sale.customer = Some(pick(rng, &["contoso", "fabrikam"]).to_owned());
        sale.cost_minor = Some(rng.random_range(0..3_000));
        sale.quantity = Some(rng.random_range(0..60));
        sale.parties = random_parties(rng);
        let minor = sale.amount_minor.unwrap();
        for which in 0..rng.random_range(0..3) {
            let kind = pick(rng, &[FactKind::Refund, FactKind::Churn]);
            let date = date.plus_days(rng.random_range(0..150)).to_string();
            let mut taken = back(
                &format!("b-{index}-{which}"),
                kind,
                &sale.id,
                &date,
                rng.random_range(0..=minor),
            );
            taken.quantity = Some(rng.random_range(0..20));
            taken.share = rng.random_ratio(1, 3).then(|| "0.5".parse().unwrap());
            facts.push(taken);
        }
        facts.push(sale);
    }
    facts
}
