//! What the terms say by themselves, and beside other plans.

use trellis_core::{Money, Period, Rate};

use super::{Findings, Surroundings, conditions, read};
use crate::evaluate::{Exact, add, highest_rate, mul, sub, text_begin, whole};
use crate::plan::{
    BandBy, Below, Hold, LimitScope, Mode, PayOn, PlanVersion, Quantity, Sharing, award_fields,
    partner_fields,
};
use crate::predicate::{Predicate, Satisfiable, Schema, Value};

/// How many times the largest measure of the past a band may begin at.
const REACH: i128 = 3;

impl PlanVersion {
    pub(super) fn lint_bands(&self, around: &Surroundings<'_>, findings: &mut Findings) {
        let bands = &self.schedule.bands;
        for (index, pair) in bands.windows(2).enumerate() {
            let [one, other] = pair else { continue };
            let field = format!("schedule.bands[{}]", index + 1);
            if one.from >= other.from {
                findings.add(
                    "L01",
                    &field,
                    "does not begin above the band before it; sort the bands",
                );
            }
            if let (true, Some(least)) = (self.drops(index), self.schedule.bands.get(index + 1)) {
                let message = format!(
                    "reaching {} pays less than selling a little less; raise its rate or pay it on \
                     its part only (MARGINAL)",
                    text_begin(self, least.from.ratio())
                );
                findings.add("L04", &field, message);
            }
        }
        let bottom = match self.measure.band_by {
            BandBy::Growth => Rate::from(-1),
            _ => Rate::ZERO,
        };
        if bands.first().is_some_and(|first| first.from > bottom) && !self.schedule.floor {
            findings.add(
                "L02",
                "schedule.bands[0].from",
                "pays nothing below it; set schedule.floor if that is meant, or begin at 0",
            );
        }
        self.lint_reach(around, findings);
        let forfeits = self
            .limits
            .limits
            .iter()
            .position(|limit| limit.min_minor.is_some() && limit.below == Below::Forfeit);
        if let (Mode::Marginal, Some(index)) = (self.schedule.mode, forfeits) {
            let field = format!("limits.limits[{index}].min_minor");
            findings.add(
                "L05",
                &field,
                "forfeits what the lowest bands promise; leave it out, or begin the first band higher",
            );
        }
        for (index, band) in bands.iter().enumerate() {
            let share = self.measure.source.quantity() == Quantity::Money
                && !matches!(self.measure.pay_on, PayOn::TargetPayout(_));
            let most = around.highest_rate.unwrap_or(Rate::ONE);
            if share && band.rate > most {
                let message = format!(
                    "pays {} of every unit, more than {most}; is 0.1 meant as 10 %?",
                    band.rate
                );
                findings.add("L15", &format!("schedule.bands[{index}].rate"), message);
            }
        }
    }

    /// Whether a schedule pays less where the band after `index` begins than just below.
    fn drops(&self, index: usize) -> bool {
        let (Some(one), Some(other)) = (
            self.schedule.bands.get(index),
            self.schedule.bands.get(index + 1),
        ) else {
            return false;
        };
        match self.schedule.mode {
            Mode::Marginal => false,
            Mode::Linear => other.rate < one.rate,
            // Where bands are not by the measure, the amount at the threshold is not known: of two
            // rates, the lower one pays less.
            Mode::Whole if self.measure.band_by != BandBy::Measure => {
                other.rate < one.rate && other.fixed_minor <= one.fixed_minor
            }
            Mode::Whole => {
                let each = match self.measure.source.quantity() {
                    Quantity::Money => 1,
                    Quantity::Number => i128::from(self.currency.minor_per_unit()),
                };
                let fixed = i128::from(other.fixed_minor) - i128::from(one.fixed_minor);
                let change = sub(other.rate.ratio(), one.rate.ratio())
                    .and_then(|rate| mul(rate, other.from.ratio()))
                    .and_then(|amount| mul(amount, Exact::from(each)))
                    .and_then(|amount| add(amount, Exact::from(fixed)));
                // What is too much to be counted is decided by the rate.
                change.map_or(other.rate < one.rate, |change| change < Exact::from(0))
            }
        }
    }

    fn lint_reach(&self, around: &Surroundings<'_>, findings: &mut Findings) {
        if self.measure.band_by != BandBy::Measure {
            return;
        }
        let most = self
            .limits
            .limits
            .iter()
            .filter(|limit| limit.scope == LimitScope::Award);
        let most = most.filter_map(|limit| limit.max_minor).min();
        let number = self.measure.source.quantity() == Quantity::Number;
        for (index, band) in self.schedule.bands.iter().enumerate().skip(1) {
            let field = format!("schedule.bands[{index}].from");
            let from = band.from.ratio();
            if let Some(largest) = around.largest_measure
                && from > Exact::from(i128::from(largest) * REACH)
            {
                let message = format!(
                    "is more than {REACH} times the largest that was ever measured, {largest}; nobody \
                     reaches it"
                );
                findings.add("L03", &field, message);
            }
            // What all lower bands pay where this one begins is no more than the highest rate of all.
            let lowest = self
                .schedule
                .bands
                .iter()
                .take(index)
                .map(|band| band.rate)
                .min();
            let scale = if number {
                i128::from(self.currency.minor_per_unit())
            } else {
                1
            };
            if let (Some(most), Some(lowest), PayOn::Measure) = (most, lowest, self.measure.pay_on)
                && mul(from, lowest.ratio())
                    .and_then(|amount| mul(amount, Exact::from(scale)))
                    .map_or(true, |amount| amount >= whole(most))
            {
                let message = format!(
                    "is reached only after the limit of {}; it never pays anything",
                    Money::new(most, self.currency)
                );
                findings.add("L03", &field, message);
            }
        }
    }

    pub(super) fn lint_others(&self, around: &Surroundings<'_>, findings: &mut Findings) {
        for other in around.others {
            if other.plan == self.plan && other.version != self.version {
                self.lint_version(other, findings);
            } else if other.plan != self.plan {
                self.lint_overlap(other, around, findings);
            }
        }
        self.lint_gap(around, findings);
        let days = [
            ("effective_from", Some(self.effective_from)),
            ("effective_until", self.effective_until),
        ];
        for (field, day) in days {
            if let (Some(day), Some(cadence)) = (day, self.measure.window.cadence())
                && Period::containing(day, cadence).start() != day
            {
                findings.add(
                    "L08",
                    field,
                    "lies within a period of measure.window; move it to a first day",
                );
            }
        }
    }

    fn together_with(&self, other: &Self) -> bool {
        let before =
            |until: Option<trellis_core::Date>, from| until.is_none_or(|until| from < until);
        before(self.effective_until, other.effective_from)
            && before(other.effective_until, self.effective_from)
    }

    fn lint_version(&self, other: &Self, findings: &mut Findings) {
        if self.together_with(other) {
            let (high, low) = if self.version > other.version {
                (self, other)
            } else {
                (other, self)
            };
            let message = format!(
                "overlaps version {}; on the days of both, version {} counts and {} does not",
                other.version, high.version, low.version
            );
            findings.add("L07", "effective_from", message);
        }
    }

    fn lint_gap(&self, around: &Surroundings<'_>, findings: &mut Findings) {
        let earlier = around
            .others
            .iter()
            .filter(|other| other.plan == self.plan && other.version != self.version)
            .filter(|other| other.effective_from < self.effective_from);
        let ends: Vec<_> = earlier.map(|other| other.effective_until).collect();
        if ends.is_empty() || ends.contains(&None) {
            return;
        }
        if let Some(Some(last)) = ends.iter().max()
            && *last < self.effective_from
        {
            let message = format!("leaves the days from {last} on without a version");
            findings.add("L07", "effective_from", message);
        }
    }

    fn lint_overlap(&self, other: &Self, around: &Surroundings<'_>, findings: &mut Findings) {
        let alone = self.policy.stack.is_none() && other.policy.stack.is_none();
        if !alone || self.trigger.fact != other.trigger.fact || !self.together_with(other) {
            return;
        }
        let ((audience, condition), (theirs, their_condition)) =
            (conditions(self), conditions(other));
        let never = |one: &Option<Predicate>, other: &Option<Predicate>, schema: &Schema| match (
            one, other,
        ) {
            (Some(one), Some(other)) => one.satisfiable_with(other, schema) == Satisfiable::No,
            (Some(one), None) | (None, Some(one)) => one.satisfiable(schema) == Satisfiable::No,
            (None, None) => false,
        };
        if never(&audience, &theirs, &partner_fields())
            || never(&condition, &their_condition, &award_fields())
        {
            return;
        }
        let inside = |predicate: &Option<Predicate>, record| {
            predicate
                .as_ref()
                .is_none_or(|predicate| predicate.holds(record) == Some(true))
        };
        let witness = around
            .partners
            .iter()
            .position(|partner| inside(&audience, partner) && inside(&theirs, partner));
        let who = match witness {
            Some(index) => {
                let partner = around.partners.get(index);
                match partner.and_then(|partner| partner.get("partner.id")) {
                    Some(Value::Text(name)) => format!("; {name} is in both"),
                    _ => format!("; partner {index} of those given is in both"),
                }
            }
            None => String::new(),
        };
        let message = format!(
            "plan {} pays for the same facts{who}; put both into one group of policy.stack, or tell \
             them apart",
            other.plan
        );
        findings.add("L06", "trigger", message);
    }

    pub(super) fn lint_terms(&self, around: &Surroundings<'_>, findings: &mut Findings) {
        if let Sharing::RoleWeights { roles, .. } = &self.sharing {
            let sum: u64 = roles.iter().map(|role| u64::from(role.weight)).sum();
            if sum != 100 {
                let message =
                    format!("weigh {sum} together; 100 lets everybody read them as percent");
                findings.add("L11", "sharing.roles", message);
            }
            for (index, role) in roles.iter().enumerate() {
                if around
                    .roles
                    .is_some_and(|known| !known.contains(&role.role))
                {
                    let message = format!("nobody ever had the role {:?}", role.role);
                    findings.add("L11", &format!("sharing.roles[{index}]"), message);
                }
            }
        }
        self.lint_protection(around, findings);
        self.lint_margin(around, findings);
        let words = self.describe().split_whitespace().count();
        if words > 60 {
            let message =
                format!("takes {words} words to say; partners remember 60. Make two plans of it");
            findings.add("L18", "", message);
        }
    }

    fn lint_protection(&self, around: &Surroundings<'_>, findings: &mut Findings) {
        let held = match self.protection.hold {
            Hold::Days(days) => days,
            Hold::Months(months) => months.saturating_mul(30),
            Hold::None | Hold::Until(_) => 0,
        };
        if let Some(clawback) = &self.protection.clawback {
            let months = matches!(clawback.mode, crate::plan::ClawbackMode::LinearMonths);
            let window = if months {
                clawback.window.saturating_mul(30)
            } else {
                clawback.window
            };
            if window < held {
                findings.add(
                    "L12",
                    "protection.clawback.window",
                    "ends while the award is still held; nothing that was paid is ever taken back",
                );
            }
        }
        if let Some(days) = around.refund_days.filter(|days| held > *days) {
            let message =
                format!("holds longer than customers may have their money back, {days} days");
            findings.add("L12", "protection.hold", message);
        }
    }

    fn lint_margin(&self, around: &Surroundings<'_>, findings: &mut Findings) {
        let Some(margin) = around.margin else { return };
        let beside = around.others.iter().filter(|other| {
            other.plan != self.plan
                && other.trigger.fact == self.trigger.fact
                && self.together_with(other)
                && self.is_paid_beside(other)
        });
        let share = |version: &Self| match version.measure.source.quantity() {
            Quantity::Money => highest_rate(version).map_or(Exact::from(0), Rate::ratio),
            Quantity::Number => Exact::from(0),
        };
        let discount = around
            .registration_discount
            .map_or(Exact::from(0), Rate::ratio);
        let mut shares = beside.map(&share).chain([discount]);
        let sum = shares.try_fold(share(self), add);
        // What is too much to be counted is more than any margin.
        let sum = sum.unwrap_or_else(|_| whole(i64::MAX));
        if sum > margin.ratio() {
            let message = format!(
                "with all other plans and the discount of registrations, {} of the price can be paid, \
                 and the margin is {margin}",
                crate::kernel::words::percent(sum)
            );
            findings.add("L10", "schedule.bands", message);
        }
    }

    fn is_paid_beside(&self, other: &Self) -> bool {
        match (&self.policy.stack, &other.policy.stack) {
            (Some(one), Some(other)) if one.group == other.group => {
                one.how == crate::plan::Stacking::Add
            }
            _ => true,
        }
    }

    /// The condition of the audience, if it can be read.
    pub(super) fn audience_read(&self) -> Option<Predicate> {
        read(&self.audience, &partner_fields())
    }
}
