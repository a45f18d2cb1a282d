//! Each rule finds what it is for, and is silent about a plan that is fine.

use std::collections::BTreeSet;

use trellis_core::{Currency, PlanId, Rate};

use super::*;
use crate::plan::*;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn band(from: &str, share: &str, fixed_minor: i64) -> Band {
    Band {
        from: rate(from),
        rate: rate(share),
        fixed_minor,
    }
}

fn plan(bands: Vec<Band>) -> PlanVersion {
    let id = PlanId::try_new("plan").unwrap();
    let mut plan = PlanVersion::new(id, 1, Currency::USD, "2026-01-01".parse().unwrap());
    plan.schedule.bands = bands;
    plan
}

fn fine() -> PlanVersion {
    plan(vec![band("0", "0.05", 0), band("1000000", "0.08", 0)])
}

/// The rules that find something in a plan.
fn found(plan: &PlanVersion, around: &Surroundings<'_>) -> BTreeSet<&'static str> {
    plan.lint(around)
        .into_iter()
        .map(|finding| finding.rule)
        .collect()
}

fn alone(plan: &PlanVersion) -> BTreeSet<&'static str> {
    found(plan, &Surroundings::default())
}

fn rules<const N: usize>(rules: [&'static str; N]) -> BTreeSet<&'static str> {
    rules.into()
}

#[test]
fn a_plan_that_is_fine_has_no_findings() {
    let plan = fine();
    let partners = [Record::new().with("partner.tier", "gold")];
    let around = Surroundings {
        partners: &partners,
        facts: &partners,
        largest_measure: Some(900_000),
        currencies: &[Currency::USD],
        margin: Some(rate("0.3")),
        registration_discount: Some(rate("0.1")),
        refund_days: Some(30),
        usual_award: Some(10_000),
        least_payout: Some(5_000),
        run_rate: Some(1_000),
        ..Surroundings::default()
    };
    assert_eq!(found(&plan, &around), rules([]));
    assert_eq!(plan.validate(), []);
}

#[test]
fn bands() {
    assert_eq!(
        alone(&plan(vec![band("5", "0.1", 0), band("5", "0.2", 0)])),
        rules(["L01", "L02"])
    );
    assert_eq!(alone(&plan(vec![band("5", "0.1", 0)])), rules(["L02"]));
    let mut whole = plan(vec![band("0", "0.1", 0), band("100000", "0.05", 0)]);
    assert_eq!(alone(&whole), rules([]));
    whole.schedule.mode = Mode::Whole;
    assert_eq!(alone(&whole), rules(["L04"]));
    // A fixed amount makes up for a lower rate exactly at the threshold, or just not.
    whole.schedule.bands[1].fixed_minor = 5_000;
    assert_eq!(alone(&whole), rules([]));
    whole.schedule.bands[1].fixed_minor = 4_999;
    assert_eq!(alone(&whole), rules(["L04"]));
    let reach = Surroundings {
        largest_measure: Some(333_333),
        ..Surroundings::default()
    };
    assert_eq!(found(&fine(), &reach), rules(["L03"]));
    let enough = Surroundings {
        largest_measure: Some(333_334),
        ..Surroundings::default()
    };
    assert_eq!(found(&fine(), &enough), rules([]));
    assert_eq!(alone(&plan(vec![band("0", "1.1", 0)])), rules(["L15"]));
    let strict = Surroundings {
        highest_rate: Some(rate("0.07")),
        ..Surroundings::default()
    };
    assert_eq!(found(&fine(), &strict), rules(["L15"]));
}

#[test]
fn limits() {
    let limit = |scope, max_minor, min_minor| Limit {
        scope,
        window: Window::Event,
        max_minor,
        min_minor,
        below: Below::Forfeit,
    };
    let mut plan = fine();
    plan.limits.limits = vec![limit(LimitScope::Award, Some(50_000), None)];
    assert_eq!(alone(&plan), rules(["L03"]));
    plan.limits.limits = vec![limit(LimitScope::Award, Some(50_001), None)];
    assert_eq!(alone(&plan), rules([]));
    plan.limits.limits = vec![limit(LimitScope::Award, None, Some(100))];
    assert_eq!(alone(&plan), rules(["L05"]));
    plan.limits.limits = vec![limit(LimitScope::Plan, Some(29_999), None)];
    let quick = Surroundings {
        run_rate: Some(1_000),
        ..Surroundings::default()
    };
    assert_eq!(found(&plan, &quick), rules(["L16"]));
    plan.limits.limits = vec![limit(LimitScope::Plan, Some(30_000), None)];
    assert_eq!(found(&plan, &quick), rules([]));
}

#[test]
fn plans_beside_each_other() {
    let one = fine();
    let mut other = fine();
    other.plan = PlanId::try_new("other").unwrap();
    let both = |one: &PlanVersion, other: &PlanVersion| {
        let others = std::slice::from_ref(other);
        let around = Surroundings {
            others,
            margin: Some(rate("0.15")),
            ..Surroundings::default()
        };
        found(one, &around)
    };
    // 8 % each is more than a margin of 15 %.
    assert_eq!(both(&one, &other), rules(["L06", "L10"]));
    let stack = Stack {
        group: "sales".to_owned(),
        how: Stacking::BestOf,
        rank: 1,
        cap: None,
    };
    let mut grouped = (one.clone(), other.clone());
    grouped.0.policy.stack = Some(stack.clone());
    grouped.1.policy.stack = Some(stack);
    assert_eq!(both(&grouped.0, &grouped.1), rules([]));
    let mut apart = (one.clone(), other.clone());
    apart.0.audience = "partner.tier == 'gold'".to_owned();
    apart.1.audience = "partner.tier != 'gold'".to_owned();
    assert_eq!(both(&apart.0, &apart.1), rules(["L10"]));
    apart.1.audience = "partner.country == 'DE'".to_owned();
    assert_eq!(both(&apart.0, &apart.1), rules(["L06", "L10"]));
    let witness = [Record::new()
        .with("partner.id", "nimbus")
        .with("partner.tier", "gold")
        .with("partner.country", "DE")];
    let around = Surroundings {
        others: std::slice::from_ref(&apart.1),
        partners: &witness,
        ..Surroundings::default()
    };
    let findings = apart.0.lint(&around);
    assert!(
        findings[0].message.contains("; nimbus is in both"),
        "{findings:?}"
    );
    let mut later = other.clone();
    later.effective_from = "2027-01-01".parse().unwrap();
    let mut sooner = one;
    sooner.effective_until = Some("2027-01-01".parse().unwrap());
    assert_eq!(both(&sooner, &later), rules([]));
    later.plan = sooner.plan.clone();
    later.version = 2;
    assert_eq!(both(&later, &sooner), rules([]));
    later.effective_from = "2027-02-01".parse().unwrap();
    assert_eq!(both(&later, &sooner), rules(["L07"]));
    later.effective_from = "2026-12-01".parse().unwrap();
    assert_eq!(both(&later, &sooner), rules(["L07"]));
    later.measure.window = Window::Quarter;
    assert_eq!(both(&later, &sooner), rules(["L07", "L08"]));
}

#[test]
fn audiences_and_fields() {
    let mut plan = fine();
    plan.audience = "partner.tier == 'gold' && partner.tier == 'silver'".to_owned();
    assert_eq!(alone(&plan), rules(["L09"]));
    plan.audience = "partner.tier == 'gold'".to_owned();
    let mut partners = vec![Record::new().with("partner.tier", "silver")];
    fn around(partners: &[Record]) -> Surroundings<'_> {
        Surroundings {
            partners,
            ..Surroundings::default()
        }
    }
    assert_eq!(found(&plan, &around(&partners)), rules(["L09"]));
    partners.push(Record::new().with("partner.tier", "gold"));
    assert_eq!(found(&plan, &around(&partners)), rules([]));
    let gold = Record::new().with("partner.tier", "gold");
    let mut facts = vec![gold; 19];
    facts.push(Record::new());
    fn rare(facts: &[Record]) -> Surroundings<'_> {
        Surroundings {
            facts,
            ..Surroundings::default()
        }
    }
    assert_eq!(found(&plan, &rare(&facts)), rules([]));
    facts.push(Record::new());
    assert_eq!(found(&plan, &rare(&facts)), rules(["L17"]));
    plan.audience = "has(partner.tier) && partner.tier == 'gold'".to_owned();
    assert_eq!(found(&plan, &rare(&facts)), rules([]));
}

#[test]
fn sharing_protection_and_money() {
    let mut plan = fine();
    let role = |role: &str, weight| RoleWeight {
        role: role.to_owned(),
        weight,
    };
    plan.sharing = Sharing::RoleWeights {
        roles: vec![role("sourcing", 60), role("selling", 30)],
        unfilled: Unfilled::VendorKeeps,
    };
    assert_eq!(alone(&plan), rules(["L11"]));
    plan.sharing = Sharing::RoleWeights {
        roles: vec![role("sourcing", 60), role("selling", 40)],
        unfilled: Unfilled::VendorKeeps,
    };
    assert_eq!(alone(&plan), rules([]));
    let known = BTreeSet::from(["sourcing".to_owned()]);
    let around = Surroundings {
        roles: Some(&known),
        ..Surroundings::default()
    };
    assert_eq!(found(&plan, &around), rules(["L11"]));
    let mut plan = fine();
    plan.protection.hold = Hold::Days(60);
    let refunds = Surroundings {
        refund_days: Some(59),
        ..Surroundings::default()
    };
    assert_eq!(found(&plan, &refunds), rules(["L12"]));
    plan.protection.clawback = Some(Clawback {
        triggers: vec![ClawbackTrigger::Churn],
        mode: ClawbackMode::Full,
        window: 59,
        grace: 0,
        anchor: Anchor::Event,
    });
    assert_eq!(alone(&plan), rules(["L12"]));
    let eur = Currency::try_new("EUR").unwrap();
    let mut plan = fine();
    let foreign = |exchanges| Surroundings {
        currencies: std::slice::from_ref(&EUR),
        exchanges,
        ..Surroundings::default()
    };
    static EUR: std::sync::LazyLock<Currency> =
        std::sync::LazyLock::new(|| Currency::try_new("EUR").unwrap());
    assert_eq!(found(&plan, &foreign(&[])), rules(["L14"]));
    plan.policy.fx = Some(Fx {
        rate: FxType::Spot,
        date: FxDate::Event,
    });
    assert_eq!(found(&plan, &foreign(&[])), rules(["L14"]));
    assert_eq!(found(&plan, &foreign(&[(eur, Currency::USD)])), rules([]));
    let least = |usual| Surroundings {
        usual_award: Some(usual),
        least_payout: Some(12_000),
        ..Surroundings::default()
    };
    assert_eq!(found(&plan, &least(999)), rules(["L13"]));
    assert_eq!(found(&plan, &least(1_000)), rules([]));
}

#[test]
fn complexity_is_a_sum_that_says_what_is_hard() {
    let mut plan = fine();
    assert_eq!(plan.complexity(&Surroundings::default()), Complexity(2));
    plan.audience = "partner.tier == 'gold' && partner.country == 'DE'".to_owned();
    plan.measure.band_by = BandBy::Attainment;
    plan.measure.target = Target::Fixed(100);
    assert_eq!(plan.complexity(&Surroundings::default()), Complexity(7));
    assert_eq!(Complexity(12).colour(), Colour::Green);
    assert_eq!(Complexity(20).colour(), Colour::Amber);
    assert_eq!(Complexity(21).colour(), Colour::Red);
    let steps = (0..10)
        .map(|step| band(&(step * 10).to_string(), "0.01", 0))
        .collect();
    let long = self::plan(steps);
    assert_eq!(
        long.complexity(&Surroundings::default()).colour(),
        Colour::Amber
    );
    assert_eq!(alone(&long), rules(["L18"]));
}

#[test]
fn rates_that_are_too_much_to_be_counted_are_told_and_harm_nobody() {
    let most = "999999999999999999.999999999999999999";
    let mut plan = plan(vec![
        band("0", most, 0),
        band(most, "0.000000000000000001", 0),
    ]);
    plan.schedule.mode = Mode::Whole;
    plan.limits.limits.push(Limit {
        scope: LimitScope::Award,
        window: Window::Event,
        max_minor: Some(i64::MAX),
        min_minor: None,
        below: Below::Forfeit,
    });
    let around = Surroundings {
        margin: Some(rate("0.3")),
        registration_discount: Some(rate(most)),
        highest_rate: Some(rate(most)),
        ..Surroundings::default()
    };
    let found = found(&plan, &around);
    assert!(found.is_superset(&rules(["L04", "L10"])), "{found:?}");
}
