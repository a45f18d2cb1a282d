//! What is counted and how much that pays.

use trellis_core::Rate;

use super::{MOST_BANDS, Wrong};
use crate::plan::{BandBy, GroupBy, Mode, PayOn, PlanVersion, Target, Window};

impl PlanVersion {
    pub(super) fn measure(&self, wrong: &mut Wrong) {
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

    pub(super) fn schedule(&self, wrong: &mut Wrong) {
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
}
