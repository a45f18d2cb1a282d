//! The plan versions that a transaction computes with, read once and made ready.

use std::collections::{BTreeMap, BTreeSet};

use trellis_core::{Currency, Date, PlanId, TimeZone};
use trellis_store::incentive::award::Window;
use trellis_store::incentive::plan_version;

use trellis_evaluation::kernel::entitlement::Rules;
use trellis_evaluation::kernel::trace::{self, Content};

/// A plan version, ready to compute with.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// The row.
    pub(crate) model: plan_version::Model,
    /// Its rules.
    pub(crate) rules: Rules,
    /// The hash of what it says.
    pub(crate) hash: [u8; 32],
}

impl Version {
    /// A version, if the kernel knows all that it says.
    pub(crate) fn new(model: plan_version::Model) -> Option<Self> {
        let terms = model.terms.kernel().ok()?;
        let hash = trace::version_hash(Content {
            plan: &model.plan,
            number: model.number,
            effective_from: model.effective_from,
            effective_until: model.effective_until,
            currency: model.currency,
            terms: &terms,
        });
        let rules = Rules::new(model.program.clone(), model.currency, terms);
        Some(Self { model, rules, hash })
    }

    /// The time zone that its days are days of.
    pub(crate) fn zone(&self) -> TimeZone {
        self.model.time_zone.clone().unwrap_or_else(TimeZone::utc)
    }
}

/// The plans that the kernel computes, with their versions, and the time zones of all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rulebook {
    plans: BTreeMap<PlanId, Vec<Version>>,
    zones: BTreeMap<PlanId, TimeZone>,
    beyond: BTreeSet<PlanId>,
}

impl Rulebook {
    /// Makes versions ready, all that there are of each plan. A plan of which one version says more than
    /// the kernel knows is left to [`earned`](super::earned), with all its versions.
    pub(crate) fn new(models: Vec<plan_version::Model>) -> Self {
        let mut rulebook = Self::default();
        for model in models {
            let plan = model.plan.clone();
            if let Some(zone) = &model.time_zone {
                rulebook.zones.insert(plan.clone(), zone.clone());
            }
            match Version::new(model) {
                Some(version) => rulebook.plans.entry(plan).or_default().push(version),
                None => {
                    rulebook.beyond.insert(plan);
                }
            }
        }
        for plan in &rulebook.beyond {
            rulebook.plans.remove(plan);
        }
        for versions in rulebook.plans.values_mut() {
            versions.sort_by_key(|version| version.model.number);
        }
        rulebook
    }

    /// Whether a plan is computed from facts, and not by the kernel.
    pub(crate) fn is_beyond(&self, plan: &PlanId) -> bool {
        self.beyond.contains(plan)
    }

    /// The time zone of a plan's program.
    pub(crate) fn zone(&self, plan: &PlanId) -> TimeZone {
        self.zones.get(plan).cloned().unwrap_or_else(TimeZone::utc)
    }

    /// The versions that hold on a day, one of each plan.
    pub(crate) fn holding_on(&self, date: Date) -> impl Iterator<Item = &Version> {
        let plans = self.plans.values();
        plans.filter_map(move |versions| holding(versions, date))
    }

    /// The version of a plan that holds on a day, if it adds up over this window and pays in this
    /// currency.
    pub(crate) fn find(
        &self,
        plan: &PlanId,
        date: Date,
        window: Window,
        currency: Currency,
    ) -> Option<&Version> {
        holding(self.plans.get(plan)?, date).filter(|version| {
            Window::from(version.rules.terms.window) == window && version.model.currency == currency
        })
    }

    /// The version of a plan with a number.
    pub(crate) fn numbered(&self, plan: &PlanId, number: i32) -> Option<&Version> {
        self.plans
            .get(plan)?
            .iter()
            .find(|version| version.model.number == number)
    }
}

/// Of versions in the order of their numbers, the one that holds on a day: the last that took it.
fn holding(versions: &[Version], date: Date) -> Option<&Version> {
    let mut last_first = versions.iter().rev();
    last_first.find(|version| version.model.holds_on(date))
}
