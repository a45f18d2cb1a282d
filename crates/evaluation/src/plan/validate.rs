//! What terms must be, so that they can be computed with. Everything that is wrong is named at once.

use std::collections::BTreeSet;

use trellis_core::{Date, Period, Rate, Violation};

use super::{
    BandBy, Below, ClawbackMode, GroupBy, Hold, LimitScope, Mode, PayOn, PlanVersion, Sharing,
    StackCap, Target, Term, Window, award_fields, partner_fields,
};
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

    fn measure(&self, wrong: &mut Wrong) {
        let measure = &self.measure;
        let calendar = measure.window.cadence().is_some();
        if let Target::Fixed(amount) = measure.target {
            wrong.unless(
                amount > 0,
                "measure.target.fixed",
                "int64.gt",
                "must be more than 0",
            );
        }
        if let Target::Quota(name) = &measure.target {
            wrong.unless(
                !name.trim().is_empty(),
                "measure.target.quota",
                "string.len",
                "must name a quota",
            );
        }
        wrong.unless(
            calendar || matches!(measure.target, Target::None | Target::Fixed(_)),
            "measure.target",
            "plan.target",
            "is that of a period; set measure.window to MONTH, QUARTER, HALF or YEAR",
        );
        let compares = matches!(measure.band_by, BandBy::Attainment | BandBy::Growth)
            || measure.pay_on == PayOn::Increment;
        wrong.unless(
            !compares || measure.target != Target::None,
            "measure.target",
            "plan.target",
            "is needed, because bands or payment compare with it; set one",
        );
        if let PayOn::TargetPayout(amount) = measure.pay_on {
            wrong.unless(
                amount > 0,
                "measure.pay_on.target_payout_minor",
                "int64.gt",
                "must be more than 0",
            );
            wrong.unless(
                self.schedule.mode != Mode::Marginal,
                "measure.pay_on",
                "plan.pay_on",
                "is one amount, of which bands cannot each pay a part; use mode WHOLE or LINEAR",
            );
        }
        if measure.band_by == BandBy::TenureMonths {
            wrong.unless(
                measure.window == Window::Event && self.schedule.mode != Mode::Marginal,
                "measure.band_by",
                "plan.band_by",
                "is the partner's tenure, which each fact has its own of; use window EVENT and mode WHOLE",
            );
        }
        wrong.unless(
            measure.window != Window::Event || measure.group_by == GroupBy::Partner,
            "measure.group_by",
            "plan.group_by",
            "adds up facts, and window EVENT takes each by itself; leave it at PARTNER",
        );
    }

    fn schedule(&self, wrong: &mut Wrong) {
        let bands = &self.schedule.bands;
        let count = bands.len();
        wrong.unless(
            (1..=MOST_BANDS).contains(&count),
            "schedule.bands",
            "repeated.items",
            "must have 1 to 64 bands",
        );
        wrong.unless(
            self.schedule.mode != Mode::Linear || count >= 2,
            "schedule.bands",
            "plan.linear",
            "must have at least two points to draw a line between",
        );
        for (index, pair) in bands.windows(2).enumerate() {
            if let [one, other] = pair {
                wrong.unless(
                    one.from < other.from,
                    &format!("schedule.bands[{}].from", index + 1),
                    "plan.bands_ascend",
                    "must be more than where the band before begins",
                );
            }
        }
        let growth = self.measure.band_by == BandBy::Growth;
        for (index, band) in bands.iter().enumerate() {
            let field = |name: &str| format!("schedule.bands[{index}].{name}");
            let least = if growth { Rate::from(-1) } else { Rate::ZERO };
            wrong.unless(
                band.from >= least,
                &field("from"),
                "plan.band_from",
                "must be 0 or more; for growth -1 or more",
            );
            wrong.unless(
                !band.rate.is_negative(),
                &field("rate"),
                "plan.rate",
                "must be 0 or more",
            );
            wrong.unless(
                band.fixed_minor >= 0,
                &field("fixed_minor"),
                "int64.gte",
                "must be 0 or more",
            );
            wrong.unless(
                self.schedule.mode != Mode::Linear || band.fixed_minor == 0,
                &field("fixed_minor"),
                "plan.linear",
                "must be 0 in mode LINEAR, where rates are points of a curve",
            );
        }
        if let (Some(first), false) = (bands.first(), self.schedule.floor) {
            let bottom = if growth { Rate::from(-1) } else { Rate::ZERO };
            wrong.unless(
                first.from <= bottom || self.schedule.mode == Mode::Linear,
                "schedule.bands[0].from",
                "plan.floor",
                "begins above the bottom, so that less pays nothing; set schedule.floor if that is meant",
            );
        }
    }

    fn sharing(&self, wrong: &mut Wrong) {
        match &self.sharing {
            Sharing::Single => {}
            Sharing::Funds(funds) => {
                let names: BTreeSet<_> = funds.iter().map(|weight| weight.fund).collect();
                wrong.unless(
                    !funds.is_empty() && names.len() == funds.len(),
                    "sharing.funds",
                    "repeated.unique",
                    "must name each fund once, and one at least",
                );
                weights(
                    wrong,
                    "sharing.funds",
                    funds.iter().map(|weight| weight.weight),
                );
            }
            Sharing::RoleWeights { roles, .. } => {
                let names: BTreeSet<_> = roles.iter().map(|weight| weight.role.as_str()).collect();
                wrong.unless(
                    (1..=MOST_ROLES).contains(&roles.len()) && names.len() == roles.len(),
                    "sharing.roles",
                    "repeated.unique",
                    "must name each role once, and 1 to 16 of them",
                );
                wrong.unless(
                    !names.contains(""),
                    "sharing.roles",
                    "string.len",
                    "must name its roles",
                );
                weights(
                    wrong,
                    "sharing.roles",
                    roles.iter().map(|weight| weight.weight),
                );
                wrong.unless(
                    self.measure.window == Window::Event,
                    "sharing",
                    "plan.sharing",
                    "is by the roles of one fact; use measure.window EVENT",
                );
            }
        }
    }

    fn limits(&self, wrong: &mut Wrong) {
        let limits = &self.limits;
        if let Term::Months { months, .. } = limits.term {
            wrong.unless(
                (1..=1200).contains(&months),
                "limits.term.months",
                "uint32.range",
                "must be 1 to 1200 months",
            );
        }
        wrong.unless(
            limits.limits.len() <= MOST_LIMITS,
            "limits.limits",
            "repeated.items",
            "must be 16 at most",
        );
        for (index, limit) in limits.limits.iter().enumerate() {
            let field = |name: &str| format!("limits.limits[{index}]{name}");
            wrong.unless(
                limit.max_minor.is_some() || limit.min_minor.is_some(),
                &field(""),
                "plan.limit",
                "limits nothing; set max_minor or min_minor, or take it out",
            );
            wrong.unless(
                limit.max_minor.is_none_or(|most| most > 0),
                &field(".max_minor"),
                "int64.gt",
                "must be more than 0",
            );
            wrong.unless(
                limit.min_minor.is_none_or(|least| least > 0),
                &field(".min_minor"),
                "int64.gt",
                "must be more than 0",
            );
            if let (Some(least), Some(most)) = (limit.min_minor, limit.max_minor) {
                wrong.unless(
                    least <= most,
                    &field(".min_minor"),
                    "plan.limit",
                    "must not be more than max_minor",
                );
            }
            let together = limit.scope != LimitScope::Award;
            wrong.unless(
                !together || limit.below == Below::Forfeit || limit.min_minor.is_none(),
                &field(".below"),
                "plan.limit",
                "RAISE_TO raises one award, and the scope takes several together; use scope AWARD",
            );
            wrong.unless(
                together || limit.window == Window::Event,
                &field(".window"),
                "plan.limit",
                "takes awards together, and scope AWARD is one by itself; use EVENT",
            );
        }
        self.contradictions(wrong);
        if let Some(draw) = limits.draw {
            wrong.unless(
                draw.amount_minor > 0,
                "limits.draw.amount_minor",
                "int64.gt",
                "must be more than 0",
            );
            wrong.unless(
                self.measure.window.cadence().is_some() && self.measure.group_by == GroupBy::Partner,
                "limits.draw",
                "plan.draw",
                "advances to a partner for a period; use a window of the calendar and group_by PARTNER",
            );
        }
    }

    /// Limits that take the same awards together must leave something between the least and the most.
    fn contradictions(&self, wrong: &mut Wrong) {
        let limits = &self.limits.limits;
        for (index, limit) in limits.iter().enumerate() {
            let before = limits.iter().take(index);
            let contradicts = before
                .filter(|other| (other.scope, other.window) == (limit.scope, limit.window))
                .any(|other| {
                    let apart = |least: Option<i64>, most: Option<i64>| {
                        matches!((least, most), (Some(least), Some(most)) if least > most)
                    };
                    apart(limit.min_minor, other.max_minor)
                        || apart(other.min_minor, limit.max_minor)
                });
            wrong.unless(
                !contradicts,
                &format!("limits.limits[{index}]"),
                "plan.limit",
                "contradicts a limit of the same scope and window before it: the least of the one is \
                 more than the most of the other",
            );
        }
    }

    fn protection(&self, wrong: &mut Wrong) {
        let protection = &self.protection;
        match &protection.hold {
            Hold::Until(source) => {
                wrong.unless(
                    !source.trim().is_empty(),
                    "protection.hold.until",
                    "string.len",
                    "must be a condition; leave the hold out if there is none",
                );
                condition(wrong, "protection.hold.until", source, &award_fields());
            }
            Hold::Days(count) | Hold::Months(count) => wrong.unless(
                (1..=LONGEST).contains(count),
                "protection.hold",
                "uint32.range",
                "must be 1 to 36525; leave the hold out if there is none",
            ),
            Hold::None => {}
        }
        wrong.unless(
            self.measure.window != Window::Lifetime
                || (protection.hold == Hold::None && protection.holdback.is_none()),
            "protection.hold",
            "plan.hold",
            "has no day to count from in a total that never ends; use another window",
        );
        if let Some(holdback) = protection.holdback {
            wrong.unless(
                holdback.share > Rate::ZERO && holdback.share < Rate::ONE,
                "protection.holdback.share",
                "plan.share",
                "must be more than 0 and less than 1, such as 0.1",
            );
            wrong.unless(
                (1..=LONGEST).contains(&holdback.days),
                "protection.holdback.days",
                "uint32.range",
                "must be 1 to 36525",
            );
        }
        self.clawback(wrong);
    }

    fn clawback(&self, wrong: &mut Wrong) {
        let Some(clawback) = &self.protection.clawback else {
            return;
        };
        let field = |name: &str| format!("protection.clawback.{name}");
        let distinct: BTreeSet<_> = clawback
            .triggers
            .iter()
            .map(|trigger| *trigger as u8)
            .collect();
        wrong.unless(
            !clawback.triggers.is_empty() && distinct.len() == clawback.triggers.len(),
            &field("triggers"),
            "repeated.unique",
            "must name each once, and one at least",
        );
        wrong.unless(
            (1..=LONGEST).contains(&clawback.window),
            &field("window"),
            "uint32.range",
            "must be 1 to 36525 days, or months in mode LINEAR_MONTHS",
        );
        wrong.unless(
            clawback.grace < clawback.window,
            &field("grace"),
            "plan.clawback",
            "must be less than the window",
        );
        wrong.unless(
            self.measure.window == Window::Event || clawback.mode == ClawbackMode::Full,
            &field("mode"),
            "plan.clawback",
            "takes back a part of one fact's award; use measure.window EVENT, or mode FULL",
        );
        if let ClawbackMode::Steps(steps) = &clawback.mode {
            let ascend = steps.windows(2).all(|pair| {
                matches!(pair, [one, other] if one.until_days < other.until_days && one.share >= other.share)
            });
            let shares = steps
                .iter()
                .all(|step| step.share > Rate::ZERO && step.share <= Rate::ONE);
            wrong.unless(
                (1..=MOST_BANDS).contains(&steps.len()) && ascend && shares,
                &field("mode.steps"),
                "plan.clawback",
                "must be 1 to 64, with rising days, shares above 0 and up to 1 that do not rise",
            );
        }
    }

    fn policy(&self, wrong: &mut Wrong) {
        let Some(stack) = &self.policy.stack else {
            return;
        };
        wrong.unless(
            !stack.group.trim().is_empty(),
            "policy.stack.group",
            "string.len",
            "must be named; leave the stack out if the plan competes with none",
        );
        wrong.unless(
            stack.rank > 0,
            "policy.stack.rank",
            "uint32.gt",
            "must be 1 or more",
        );
        let cap = match stack.cap {
            None => true,
            Some(StackCap::AmountMinor(most)) => most > 0,
            Some(StackCap::Share(share)) => share > Rate::ZERO,
        };
        wrong.unless(cap, "policy.stack.cap", "plan.cap", "must be more than 0");
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
