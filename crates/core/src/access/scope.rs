//! How far a call reaches inside of its ecosystem.

use crate::access::{Extent, Grant, Principal};
use crate::call::Actor;
use crate::id::PartnerId;
use crate::money::Money;

/// What a call may see and touch inside of its ecosystem. Queries are opened with it, and rows that
/// it does not reach do not exist for the call.
///
/// A scope is either the whole ecosystem or the union of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    whole: bool,
    managers: Vec<Actor>,
    partners: Vec<PartnerId>,
    own: Vec<(PartnerId, Actor)>,
    limits: Option<Vec<Money>>,
}

impl Scope {
    /// Everything in the ecosystem.
    #[must_use]
    pub const fn whole() -> Self {
        Self {
            whole: true,
            managers: Vec::new(),
            partners: Vec::new(),
            own: Vec::new(),
            limits: None,
        }
    }

    /// Nothing yet.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            whole: false,
            managers: Vec::new(),
            partners: Vec::new(),
            own: Vec::new(),
            limits: Some(Vec::new()),
        }
    }

    /// The partners given, and what belongs to them.
    #[must_use]
    pub const fn of_partners(partners: Vec<PartnerId>) -> Self {
        Self {
            whole: false,
            managers: Vec::new(),
            partners,
            own: Vec::new(),
            limits: None,
        }
    }

    /// Whether it is the whole ecosystem.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether it reaches what the staff alone may see: what belongs to no partner.
    #[must_use]
    pub const fn is_staff(&self) -> bool {
        self.whole || !self.managers.is_empty()
    }

    /// The names under which somebody manages partners: the partners that one of them looks after
    /// are reached, and those that nobody looks after.
    #[must_use]
    pub fn managers(&self) -> &[Actor] {
        &self.managers
    }

    /// The partners that are reached with everything that belongs to them.
    #[must_use]
    pub fn partners(&self) -> &[PartnerId] {
        &self.partners
    }

    /// The partners of which only what an actor created is reached.
    #[must_use]
    pub fn own(&self) -> &[(PartnerId, Actor)] {
        &self.own
    }

    /// How much the call may approve at once: one limit for each currency that has one, or any
    /// amount. What has no limit in its currency is above all of them: nobody said what it is worth.
    #[must_use]
    pub fn limits(&self) -> Option<&[Money]> {
        self.limits.as_deref()
    }

    /// Whether a partner may be named by the call as far as the scope alone can tell. For somebody
    /// who manages partners it cannot: that stands in the partner's row.
    #[must_use]
    pub fn may_name(&self, partner: &PartnerId) -> bool {
        self.is_staff()
            || self.partners.contains(partner)
            || self.own.iter().any(|(of, _)| of == partner)
    }

    /// Adds what a role reaches.
    pub(super) fn widen(&mut self, extent: Extent, grant: &Grant, principal: &Principal) {
        match (extent, &grant.partner) {
            // A role of a partner that names none reaches nothing.
            (Extent::Organization | Extent::Own, None) => return,
            (Extent::Ecosystem, _) => self.whole = true,
            (Extent::Managed, _) => {
                let names = principal.person.iter().chain([&principal.actor]);
                for name in names {
                    add(&mut self.managers, name.clone());
                }
            }
            (Extent::Organization, Some(partner)) => add(&mut self.partners, partner.clone()),
            (Extent::Own, Some(partner)) => {
                add(&mut self.own, (partner.clone(), principal.actor.clone()));
            }
        }
        self.raise(grant.approval_limit);
    }

    /// The highest limit of several roles counts, in each currency; no limit is the highest.
    fn raise(&mut self, limit: Option<Money>) {
        let (Some(limits), Some(limit)) = (&mut self.limits, limit) else {
            self.limits = None;
            return;
        };
        let mut same = limits.iter_mut();
        match same.find(|known| known.currency == limit.currency) {
            Some(known) => known.minor = known.minor.max(limit.minor),
            None => limits.push(limit),
        }
    }
}

fn add<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}
