//! Who gets parts, and within which limits.

use std::collections::BTreeSet;

use super::{MOST_LIMITS, MOST_ROLES, Wrong, weights};
use crate::plan::{Below, GroupBy, LimitScope, PlanVersion, Sharing, Term, Window};

impl PlanVersion {
    pub(super) fn sharing(&self, wrong: &mut Wrong) {
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

    pub(super) fn limits(&self, wrong: &mut Wrong) {
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
}
