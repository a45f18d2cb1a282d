//! What is held and taken back, and how plans go together.

use std::collections::BTreeSet;

use trellis_core::Rate;

use super::{LONGEST, MOST_BANDS, Wrong, condition};
use crate::plan::{ClawbackMode, Hold, PlanVersion, StackCap, Window, award_fields};

impl PlanVersion {
    pub(super) fn protection(&self, wrong: &mut Wrong) {
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

    pub(super) fn policy(&self, wrong: &mut Wrong) {
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
