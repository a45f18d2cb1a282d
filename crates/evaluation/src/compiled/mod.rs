//! Plan versions compiled to whole numbers over columns of facts, for many facts at once.
//!
//! [`evaluate`](crate::evaluate::evaluate) says what an award is and why; it makes texts, traces and
//! fractions, and takes microseconds for each. Here the same amounts come of the same inputs at tens
//! of millions of facts in a second and without a word of why, which `evaluate` tells of any of them
//! when somebody asks. What comes out is always equal, to the error where an amount does not fit; a
//! version that uses what is not compiled says so when it is made ready, and is left to `evaluate`.
//!
//! ```text
//! version --Compiled--> bands, conditions, limits as numbers
//! facts   --Loader----> columns: an array for each property, those of a partner together
//! both    --entitle---> entitlements: whole minor units for each key, shares, holds
//! ```
//!
//! Two things are the caller's: what was posted before (a key that was posted and is not among the
//! entitlements is entitled to nothing any longer), and what another version paid and this one may not
//! reduce, for which [`Compiled::needs_evaluate`] is asked.

mod awards;
mod bands;
mod calendar;
mod claws;
mod column;
mod columns;
mod entitlements;
mod limits;
mod lines;
mod load;
mod names;
mod partner;
mod quick;
mod run;
mod sort;
mod split;
mod tally;
mod target;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use trellis_core::MoneyError;

use crate::evaluate::{Posted, Ready};
use crate::plan::{Hold, LimitScope};
#[cfg(test)]
use crate::plan::{Rounding, Threshold};
use bands::Bands;

pub use columns::Columns;
pub use entitlements::{Entitled, Entitlements};
pub use load::{Loader, NotLoaded};
pub use tally::Tally;

/// The field that says for how many months a partner has been one.
const TENURE: &str = "partner.joined_months";

/// A plan version as numbers.
#[derive(Clone, Debug)]
pub struct Compiled {
    ready: Ready,
    bands: Bands,
    /// The fields that its conditions ask for.
    fields: BTreeSet<String>,
    #[cfg(test)]
    fault: Option<Fault>,
}

/// What of a version is not compiled, so that it is left to `evaluate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotCompiled {
    /// It competes with other plans of this group, whose awards have to be known.
    Stack(String),
    /// It converts amounts of other currencies.
    Exchange,
}

impl fmt::Display for NotCompiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stack(group) => write!(
                f,
                "the version competes with other plans of group {group}, whose awards have to be known"
            ),
            Self::Exchange => f.write_str("the version converts amounts of other currencies"),
        }
    }
}

impl std::error::Error for NotCompiled {}

/// Why entitlements were not computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotEntitled {
    /// An amount does not fit, where `evaluate` finds the same.
    Money(MoneyError),
    /// A condition asks for a field that was not loaded: the columns are not for this plan.
    NotLoaded(String),
}

impl From<MoneyError> for NotEntitled {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

impl fmt::Display for NotEntitled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Money(error) => error.fmt(f),
            Self::NotLoaded(field) => {
                write!(f, "{field} was not loaded; load the columns for this plan")
            }
        }
    }
}

impl std::error::Error for NotEntitled {}

impl Compiled {
    /// Compiles a version, by itself: of several versions of one plan, each pays for the facts of the
    /// days on which it holds, and no limit and no first fact goes beyond it.
    ///
    /// # Errors
    /// What of it is not compiled.
    pub fn new(ready: &Ready) -> Result<Self, NotCompiled> {
        let policy = &ready.version.policy;
        if let Some(stack) = &policy.stack {
            return Err(NotCompiled::Stack(stack.group.clone()));
        }
        if policy.fx.is_some() {
            return Err(NotCompiled::Exchange);
        }
        let conditions = [&ready.audience, &ready.condition, &ready.until];
        let fields = conditions
            .into_iter()
            .flatten()
            .flat_map(|condition| condition.asks_for());
        Ok(Self {
            fields: fields.map(str::to_owned).collect(),
            bands: Bands::new(&ready.version),
            ready: ready.clone(),
            #[cfg(test)]
            fault: None,
        })
    }

    /// The same, wrong in one thing.
    #[cfg(test)]
    fn with(ready: &Ready, fault: Fault) -> Result<Self, NotCompiled> {
        let mut compiled = Self::new(ready)?;
        compiled.fault = Some(fault);
        let mut other = ready.version.clone();
        match fault {
            Fault::BandEdge => {
                other.schedule.threshold = match other.schedule.threshold {
                    Threshold::AtOrAbove => Threshold::Above,
                    Threshold::Above => Threshold::AtOrAbove,
                };
            }
            Fault::CutsInstead => {
                other.policy.rounding = match other.policy.rounding {
                    Rounding::Down => Rounding::HalfEven,
                    _ => Rounding::Down,
                };
            }
            _ => {}
        }
        compiled.bands = Bands::new(&other);
        Ok(compiled)
    }

    /// The version that it was compiled from.
    #[must_use]
    pub const fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Whether an award has to be computed by `evaluate`, because another version paid it and this one
    /// may not reduce that.
    #[must_use]
    pub fn needs_evaluate(&self, posted: &Posted) -> bool {
        let version = &self.ready.version;
        !version.policy.may_reduce_paid && posted.paid_before(version.version).next().is_some()
    }

    fn limits_together(&self) -> impl Iterator<Item = &crate::plan::Limit> {
        let limits = self.ready.version.limits.limits.iter();
        limits.filter(|limit| limit.scope != LimitScope::Award)
    }

    fn has_holds(&self) -> bool {
        let protection = &self.ready.version.protection;
        protection.hold != Hold::None || protection.holdback.is_some()
    }
}

/// What a kernel can be made to do wrong, so that a test sees that it would be noticed.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "nothing but a test makes a kernel that is wrong")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A band is reached where it is not quite.
    BandEdge,
    /// Each fact is rounded by itself.
    RoundsEachFact,
    /// Another rounding.
    CutsInstead,
    /// What was paid back counts.
    IgnoresRefunds,
    /// The least is compared with what is not rounded yet.
    LimitsBeforeRounding,
    /// Earlier awards leave all of a limit to later ones.
    LimitsFillNothing,
    /// What was taken back is split anew.
    SplitsAnew,
    /// The window of a clawback is a day longer.
    ClawsTooLong,
    /// A condition that cannot be told holds.
    UnknownHolds,
    /// The first of a customer is the last.
    LastIsFirst,
    /// A period is compared with itself.
    SamePeriod,
    /// Nothing advanced is owed.
    ForgetsDebt,
    /// Sums wrap.
    Wraps,
}

impl Compiled {
    #[cfg(test)]
    fn wrong(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    #[cfg(not(test))]
    const fn wrong(&self, _: Fault) -> bool {
        false
    }
}
