//! How complicated a version is to understand, as a number.

use super::{Surroundings, conditions};
use crate::plan::{BandBy, ClawbackMode, Hold, PlanVersion, Sharing, award_fields};

/// How complicated a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complexity(pub u32);

/// What to think of a complexity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Up to 12: partners can work it out.
    Green,
    /// Up to 20: partners need help.
    Amber,
    /// More: a reason is needed.
    Red,
}

impl Complexity {
    /// What to think of it.
    #[must_use]
    pub const fn colour(self) -> Colour {
        match self.0 {
            0..=12 => Colour::Green,
            13..=20 => Colour::Amber,
            _ => Colour::Red,
        }
    }
}

impl PlanVersion {
    /// Questions, two for each band and role beyond the first and for each limit, three for each plan
    /// that it competes with, for a clawback in steps and for bands by something else than the measure.
    #[must_use]
    pub fn complexity(&self, around: &Surroundings<'_>) -> Complexity {
        let (audience, condition) = conditions(self);
        let until = match &self.protection.hold {
            Hold::Until(source) => super::read(source, &award_fields()),
            Hold::None | Hold::Days(_) | Hold::Months(_) => None,
        };
        let atoms: usize = [audience, condition, until]
            .iter()
            .flatten()
            .map(crate::predicate::Predicate::atoms)
            .sum();
        let roles = match &self.sharing {
            Sharing::RoleWeights { roles, .. } => roles.len(),
            Sharing::Single | Sharing::Funds(_) => 1,
        };
        let peers = self.policy.stack.as_ref().map_or(0, |stack| {
            let same = around.others.iter().filter(|other| {
                let group = other.policy.stack.as_ref().map(|other| &other.group);
                other.plan != self.plan && group == Some(&stack.group)
            });
            same.count()
        });
        let steps = self
            .protection
            .clawback
            .as_ref()
            .is_some_and(|clawback| matches!(clawback.mode, ClawbackMode::Steps(_)));
        let other_axis = self.measure.band_by != BandBy::Measure;
        let sum = atoms
            + 2 * self.schedule.bands.len().saturating_sub(1)
            + 2 * self.limits.limits.len()
            + 3 * peers
            + 2 * roles.saturating_sub(1)
            + 3 * usize::from(steps)
            + 3 * usize::from(other_axis);
        Complexity(u32::try_from(sum).unwrap_or(u32::MAX))
    }
}
