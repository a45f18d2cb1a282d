//! What terms must be, so that they can be computed with. Everything that is wrong is named at once.

mod limits;
mod measure;
mod protection;

use trellis_core::{Date, Period, Violation};

use super::{PlanVersion, award_fields, partner_fields};
use crate::predicate::{Predicate, Schema};

/// How many bands a schedule may have.
pub const MOST_BANDS: usize = 64;
/// How many limits a version may have.
pub const MOST_LIMITS: usize = 16;
/// How many roles may share an award.
pub const MOST_ROLES: usize = 16;

/// Weights are small, so that shares of them can be told exactly.
const MOST_WEIGHT: u32 = 1_000_000;

/// How many days or months anything may last: a hundred years of days.
const LONGEST: u32 = 36_525;

struct Wrong(Vec<Violation>);

impl Wrong {
    fn add(&mut self, field: &str, rule: &str, what: impl Into<String>) {
        self.0.push(Violation::new(field, rule, what));
    }

    fn unless(&mut self, fine: bool, field: &str, rule: &str, what: &str) {
        if !fine {
            self.add(field, rule, what);
        }
    }
}

impl PlanVersion {
    /// Everything that is wrong with the terms: the field, the rule that it breaks, what is wrong and
    /// what to do.
    #[must_use]
    pub fn validate(&self) -> Vec<Violation> {
        let mut wrong = Wrong(Vec::new());
        self.identity(&mut wrong);
        condition(
            &mut wrong,
            "audience.condition",
            &self.audience,
            &partner_fields(),
        );
        condition(
            &mut wrong,
            "trigger.condition",
            &self.trigger.condition,
            &award_fields(),
        );
        wrong.unless(
            !self.trigger.fact.takes_back(),
            "trigger.fact",
            "plan.trigger",
            "takes back of another fact and triggers nothing; name it in protection.clawback.triggers",
        );
        self.measure(&mut wrong);
        self.schedule(&mut wrong);
        self.sharing(&mut wrong);
        self.limits(&mut wrong);
        self.protection(&mut wrong);
        self.policy(&mut wrong);
        wrong.0
    }

    fn identity(&self, wrong: &mut Wrong) {
        wrong.unless(self.version > 0, "version", "int32.gt", "must be 1 or more");
        let name = self.name.trim().chars().count();
        wrong.unless(
            (1..=120).contains(&name),
            "name",
            "string.len",
            "must have 1 to 120 letters; say what the plan pays",
        );
        wrong.unless(
            self.effective_until
                .is_none_or(|until| until > self.effective_from),
            "effective_until",
            "plan.effective",
            "must be after effective_from, or not be set",
        );
        let days = [
            ("effective_from", Some(self.effective_from)),
            ("effective_until", self.effective_until),
        ];
        for (field, day) in days {
            if let (Some(day), Some(cadence)) = (day, self.measure.window.cadence()) {
                let begins = Period::containing(day, cadence).start() == day;
                wrong.unless(
                    begins,
                    field,
                    "plan.period_boundary",
                    "must be the first day of a period of measure.window, because a period is computed \
                     under one version",
                );
            }
        }
        let calendar = Date::try_new(1900, 1, 1).is_ok_and(|first| self.effective_from >= first);
        wrong.unless(
            calendar,
            "effective_from",
            "plan.effective",
            "must be in 1900 or later",
        );
    }
}

fn weights(wrong: &mut Wrong, field: &str, weights: impl Iterator<Item = u32>) {
    let mut fine = true;
    let mut sum = 0_u64;
    for weight in weights {
        fine &= weight <= MOST_WEIGHT;
        sum += u64::from(weight);
    }
    wrong.unless(
        fine && sum > 0,
        field,
        "plan.weights",
        "must weigh something together, and each no more than 1000000",
    );
}

fn condition(wrong: &mut Wrong, field: &str, source: &str, schema: &Schema) {
    if source.trim().is_empty() {
        return;
    }
    if let Err(violations) = Predicate::parse(source.trim(), schema) {
        for violation in violations {
            let rule = format!("condition.{}", violation.reason.name().to_lowercase());
            wrong.add(field, &rule, violation.to_string());
        }
    }
}
