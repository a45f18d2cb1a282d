//! The plan versions that a transaction computes with, read once and made ready.

use std::collections::BTreeMap;

use trellis_core::{Currency, Date, PlanId, TimeZone};
use trellis_store::incentive::award::Window;
use trellis_store::incentive::plan_version;

use crate::Error;
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
    /// A version that can be computed with from deals: nothing else is ever scheduled.
    ///
    /// # Errors
    /// [`trellis_store::Error::Corrupt`] when it says what is not computed from deals.
    pub(crate) fn new(model: plan_version::Model) -> Result<Self, Error> {
        let terms = model.terms.kernel().map_err(|beyond| {
            Error::from(trellis_store::Error::Corrupt {
                table: "plan_versions",
                what: format!(
                    "version {} of plan {} was scheduled with {}",
                    model.number,
                    model.plan,
                    beyond.join(", ")
                ),
            })
        })?;
        let hash = trace::version_hash(Content {
            plan: &model.plan,
            number: model.number,
            effective_from: model.effective_from,
            effective_until: model.effective_until,
            currency: model.currency,
            terms: &terms,
        });
        let rules = Rules::new(model.program.clone(), model.currency, terms);
        Ok(Self { model, rules, hash })
    }

    /// The time zone that its days are days of.
    pub(crate) fn zone(&self) -> TimeZone {
        self.model.time_zone.clone().unwrap_or_else(TimeZone::utc)
    }
}

/// Versions by plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rulebook(BTreeMap<PlanId, Vec<Version>>);

impl Rulebook {
    /// Makes versions ready.
    ///
    /// # Errors
    /// When one of them is not computed from deals.
    pub(crate) fn new(models: Vec<plan_version::Model>) -> Result<Self, Error> {
        let mut plans: BTreeMap<PlanId, Vec<Version>> = BTreeMap::new();
        for model in models {
            plans
                .entry(model.plan.clone())
                .or_default()
                .push(Version::new(model)?);
        }
        Ok(Self(plans))
    }

    /// The versions that hold on a day.
    pub(crate) fn holding_on(&self, date: Date) -> impl Iterator<Item = &Version> {
        self.0
            .values()
            .flatten()
            .filter(move |version| version.model.holds_on(date))
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
        self.0.get(plan)?.iter().find(|version| {
            version.model.holds_on(date)
                && version.rules.terms.window == window
                && version.model.currency == currency
        })
    }

    /// The version of a plan with a number.
    pub(crate) fn numbered(&self, plan: &PlanId, number: i32) -> Option<&Version> {
        self.0
            .get(plan)?
            .iter()
            .find(|version| version.model.number == number)
    }
}
