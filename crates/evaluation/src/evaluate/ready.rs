//! A plan version that was checked, ready to be computed with.

use sha2::{Digest, Sha256};
use trellis_core::Violation;

use crate::plan::{Hold, PlanVersion, award_fields, partner_fields};
use crate::predicate::{Predicate, Schema};

/// A plan version whose terms and conditions were checked.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The version.
    pub(crate) version: PlanVersion,
    pub(crate) audience: Option<Predicate>,
    pub(crate) condition: Option<Predicate>,
    pub(crate) until: Option<Predicate>,
    /// The hash of everything that it says.
    pub(crate) hash: [u8; 32],
}

impl Ready {
    /// Checks a version and makes it ready.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(version: PlanVersion) -> Result<Self, Vec<Violation>> {
        let violations = version.validate();
        if !violations.is_empty() {
            return Err(violations);
        }
        let read = |source: &str, schema: &Schema| {
            let source = source.trim();
            (!source.is_empty())
                .then(|| Predicate::parse(source, schema).ok())
                .flatten()
        };
        let until = match &version.protection.hold {
            Hold::Until(condition) => read(condition, &award_fields()),
            Hold::None | Hold::Days(_) | Hold::Months(_) => None,
        };
        // The terms hold texts, whole numbers and lists only, so that their JSON has one form. What
        // people call the plan is no part of what it says.
        let said = PlanVersion {
            name: String::new(),
            ..version.clone()
        };
        let json = serde_json::to_string(&said).unwrap_or_default();
        Ok(Self {
            audience: read(&version.audience, &partner_fields()),
            condition: read(&version.trigger.condition, &award_fields()),
            until,
            hash: Sha256::digest(json).into(),
            version,
        })
    }

    /// The same, ended early: it stays the version that it was, and holds on fewer days.
    #[must_use]
    pub fn ended(mut self, end: Option<trellis_core::Date>) -> Self {
        let until = self.version.effective_until;
        self.version.effective_until = match (until, end) {
            (Some(until), Some(end)) => Some(until.min(end)),
            (until, end) => until.or(end),
        };
        self
    }

    /// The version.
    #[must_use]
    pub const fn version(&self) -> &PlanVersion {
        &self.version
    }
}
