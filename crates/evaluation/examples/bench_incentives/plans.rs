//! The rules that are measured, as plans.

use trellis_core::{Currency, PlanId};
use trellis_evaluation::compiled::{Columns, Compiled};
use trellis_evaluation::evaluate::{Ready, Recipient};
use trellis_evaluation::plan::*;

use crate::Sums;
use crate::facts::{CATEGORIES, Made, ROLES, rate};

/// Which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Percent,
    MarginalWithCap,
    WholeWithRefunds,
    ProductsSplitClawed,
}

/// A rule: one plan, or one for each category.
pub(crate) struct Rule {
    pub(crate) which: Which,
    pub(crate) name: &'static str,
    plans: Vec<PlanVersion>,
}

pub(crate) const CAP: i64 = 3_000_000;
pub(crate) const WEIGHTS: [u32; 2] = [60, 40];
pub(crate) const WINDOW: i32 = 365;
/// Where bands begin and how many thousandths they pay.
pub(crate) const MARGINAL: [(i64, i64); 3] = [(0, 50), (20_000_000, 60), (50_000_000, 70)];
pub(crate) const WHOLE: [(i64, i64); 3] = [(0, 20), (40_000_000, 30), (60_000_000, 45)];
pub(crate) const PERCENT: i64 = 125;
pub(crate) const BY_CATEGORY: [i64; 3] = [50, 100, 155];

fn plan(id: &str, bands: &[(i64, i64)]) -> PlanVersion {
    let id = PlanId::try_new(id).unwrap();
    let mut plan = PlanVersion::new(id, 1, Currency::USD, Made::first_day());
    plan.trigger.fact = FactKind::OrderLine;
    plan.measure.source = Source::LineNet;
    plan.schedule.bands = bands
        .iter()
        .map(|(from, thousandths)| Band {
            from: rate(&from.to_string()),
            rate: rate(&format!("0.{thousandths:03}")),
            fixed_minor: 0,
        })
        .collect();
    plan
}

fn by_category(index: usize) -> PlanVersion {
    let category = CATEGORIES[index];
    let mut plan = plan(category, &[(0, BY_CATEGORY[index])]);
    plan.trigger.condition = format!("line.category == '{category}'");
    let roles = ROLES.iter().zip(WEIGHTS);
    plan.sharing = Sharing::RoleWeights {
        roles: roles
            .map(|(role, weight)| RoleWeight {
                role: (*role).to_owned(),
                weight,
            })
            .collect(),
        unfilled: Unfilled::Redistribute,
    };
    plan.protection.clawback = Some(Clawback {
        triggers: vec![ClawbackTrigger::Churn],
        mode: ClawbackMode::LinearDays,
        window: WINDOW as u32,
        grace: 0,
        anchor: Anchor::Event,
    });
    plan
}

impl Rule {
    pub(crate) fn all() -> Vec<Self> {
        let mut marginal = plan("marginal", &MARGINAL);
        marginal.measure.window = Window::Quarter;
        marginal.limits.limits.push(Limit {
            scope: LimitScope::Award,
            window: Window::Event,
            max_minor: Some(CAP),
            min_minor: None,
            below: Below::Forfeit,
        });
        let mut whole = plan("whole", &WHOLE);
        whole.measure.window = Window::Quarter;
        whole.schedule.mode = Mode::Whole;
        let rule = |which, name, plans| Self { which, name, plans };
        vec![
            rule(
                Which::Percent,
                "percent of each",
                vec![plan("percent", &[(0, PERCENT)])],
            ),
            rule(
                Which::MarginalWithCap,
                "marginal by quarter, cap, refunds",
                vec![marginal],
            ),
            rule(
                Which::WholeWithRefunds,
                "whole by quarter, refunds",
                vec![whole],
            ),
            rule(
                Which::ProductsSplitClawed,
                "three product rates, split, clawback, refunds",
                (0..CATEGORIES.len()).map(by_category).collect(),
            ),
        ]
    }

    pub(crate) fn compiled(&self) -> Vec<Compiled> {
        self.plans
            .iter()
            .map(|plan| Compiled::new(&Ready::new(plan.clone()).unwrap()).unwrap())
            .collect()
    }
}

/// What the plans of a rule come to.
pub(crate) fn sums(rule: &Rule, plans: &[Compiled], columns: &Columns, threads: usize) -> Sums {
    let mut sums = Sums::default();
    for plan in plans {
        let entitlements = plan.entitle(columns, threads).unwrap();
        sums.entitled += entitlements.total();
        if rule.which == Which::ProductsSplitClawed {
            let first = Recipient::Partner(columns.partners()[0].clone());
            sums.first += entitlements.paid().get(&first).copied().unwrap_or_default();
        }
    }
    sums
}
