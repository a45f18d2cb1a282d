//! Who may: principals, their roles, what a method takes, and how far a caller reaches.
//!
//! [`authorize`] decides whether a principal may call a method in an ecosystem, and answers the
//! [`Scope`] that the call has. The scope is the only way to open a query, so what was checked and
//! what is read cannot differ. Nothing here looks at rows; what must be known of a row to decide
//! stands in [`rules`].

pub mod rules;
mod scope;

use serde::{Deserialize, Serialize};

use crate::call::Actor;
use crate::failure::{Code, Failure};
use crate::id::{EcosystemId, PartnerId};
use crate::lifecycle::Named;
use crate::money::Money;

pub use rules::Refused;
pub use scope::Scope;

/// What a principal may be in an ecosystem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the ecosystem.
    EcosystemAdmin,
    /// Looks after partners.
    ChannelManager,
    /// Decides about money.
    FinanceApprover,
    /// Runs a partner's side.
    PartnerAdmin,
    /// Sells for a partner.
    PartnerRep,
    /// A system of the vendor's.
    Service,
    /// Reads everything and changes nothing.
    Auditor,
}

/// The text names no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be one of ecosystem_admin, channel_manager, finance_approver, partner_admin, partner_rep, \
     service, auditor"
)]
pub struct InvalidRole;

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::EcosystemAdmin,
        Self::ChannelManager,
        Self::FinanceApprover,
        Self::PartnerAdmin,
        Self::PartnerRep,
        Self::Service,
        Self::Auditor,
    ];

    /// Reads a role by its name.
    ///
    /// # Errors
    /// When no role has this name.
    pub fn try_new(text: &str) -> Result<Self, InvalidRole> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or(InvalidRole)
    }

    /// Whether it is granted for one partner, and not for the ecosystem.
    #[must_use]
    pub const fn is_of_partner(self) -> bool {
        matches!(self, Self::PartnerAdmin | Self::PartnerRep)
    }
}

impl Named for Role {
    fn name(self) -> &'static str {
        match self {
            Self::EcosystemAdmin => "ecosystem_admin",
            Self::ChannelManager => "channel_manager",
            Self::FinanceApprover => "finance_approver",
            Self::PartnerAdmin => "partner_admin",
            Self::PartnerRep => "partner_rep",
            Self::Service => "service",
            Self::Auditor => "auditor",
        }
    }
}

/// How much of an ecosystem a role reaches with a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extent {
    /// Of what belongs to its own partner, what the caller created.
    Own,
    /// Its own partner, and what belongs to it.
    Organization,
    /// The partners that the caller manages, and what belongs to those.
    Managed,
    /// Everything.
    Ecosystem,
}

impl Named for Extent {
    fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Organization => "organization",
            Self::Managed => "managed",
            Self::Ecosystem => "ecosystem",
        }
    }
}

/// Who may call a method, as the contract says. Made from the descriptors only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// What the method takes, such as `registrations.approve`.
    pub permission: &'static str,
    /// Which role reaches how far.
    pub roles: &'static [(Role, Extent)],
    /// Whether everybody who proved who they are may call it.
    pub everybody: bool,
    /// Whether it decides about money.
    pub moves_money: bool,
    /// Whether a second person must do it.
    pub second_person: bool,
    /// Whether it administers the ecosystem.
    pub administration: bool,
    /// Whether the caller's roles are read anew for the call.
    pub at_once: bool,
    /// Whether who reads by it is entered in the audit trail.
    pub audited: bool,
}

impl Access {
    /// How far a role reaches with the method, if it may call it.
    #[must_use]
    pub fn extent(&self, role: Role) -> Option<Extent> {
        let mut found = self.roles.iter().filter(|(of, _)| *of == role);
        found.next().map(|(_, extent)| *extent)
    }
}

/// A role that a principal has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// The partner that a role of a partner is for. None for every other role.
    pub partner: Option<PartnerId>,
    /// The most that may be approved at once by the role. None: any amount.
    pub approval_limit: Option<Money>,
}

impl Grant {
    /// A role without an approval limit.
    #[must_use]
    pub const fn new(role: Role, partner: Option<PartnerId>) -> Self {
        Self {
            role,
            partner,
            approval_limit: None,
        }
    }
}

/// Where a principal's rights hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// In these ecosystems, as granted there.
    Granted(Vec<(EcosystemId, Vec<Grant>)>),
    /// Everywhere and everything: no identity is configured, and whoever reaches the port is
    /// believed.
    Unlimited,
}

/// Who calls, as proved by a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name under which it acts, and under which it is granted roles.
    pub actor: Actor,
    /// The person behind it; none behind a system. What takes a second person is told by this.
    pub person: Option<Actor>,
    /// What it may.
    pub rights: Rights,
}

impl Principal {
    /// Somebody whom nothing identifies, on a server without identities.
    #[must_use]
    pub fn unidentified(actor: Actor) -> Self {
        let person = (actor != Actor::anonymous()).then(|| actor.clone());
        Self {
            actor,
            person,
            rights: Rights::Unlimited,
        }
    }

    /// Whether it is of other ecosystems and not of this one: it has roles there and none here.
    #[must_use]
    pub fn is_stranger_in(&self, ecosystem: &EcosystemId) -> bool {
        let Rights::Granted(granted) = &self.rights else {
            return false;
        };
        let here = |(of, grants): &(EcosystemId, Vec<Grant>)| of == ecosystem && !grants.is_empty();
        !granted.iter().any(here) && granted.iter().any(|(of, _)| of != ecosystem)
    }

    /// Whether it may say for whom it calls: a system does, on behalf of its users, and whoever
    /// nothing identifies.
    #[must_use]
    pub fn speaks_for_others(&self) -> bool {
        match &self.rights {
            Rights::Unlimited => true,
            Rights::Granted(_) => self.everywhere(|role| role == Role::Service),
        }
    }

    /// The principal as it calls for somebody else. Its rights stay its own.
    #[must_use]
    pub fn speaking_for(&self, actor: Actor) -> Self {
        let person = (actor != Actor::anonymous()).then(|| actor.clone());
        Self {
            actor,
            person,
            rights: self.rights.clone(),
        }
    }

    /// The roles that it has in an ecosystem.
    #[must_use]
    pub fn grants(&self, ecosystem: &EcosystemId) -> &[Grant] {
        match &self.rights {
            Rights::Granted(granted) => {
                let mut found = granted.iter().filter(|(of, _)| of == ecosystem);
                found.next().map_or(&[], |(_, grants)| grants)
            }
            Rights::Unlimited => &[],
        }
    }

    /// The ecosystems that it has a role in; none are told when it may everything.
    #[must_use]
    pub fn ecosystems(&self) -> Option<Vec<EcosystemId>> {
        match &self.rights {
            Rights::Granted(granted) => Some(granted.iter().map(|(of, _)| of.clone()).collect()),
            Rights::Unlimited => None,
        }
    }

    /// Whose eyes it sees with: the staff's, if it has a role of the vendor's wherever it has any.
    /// Who is staff in one ecosystem and a partner in another sees both with a partner's eyes.
    #[must_use]
    pub fn eyes(&self) -> Eyes {
        match &self.rights {
            Rights::Unlimited => Eyes::Staff,
            Rights::Granted(_) => {
                if self.everywhere(|role| !role.is_of_partner()) {
                    Eyes::Staff
                } else {
                    Eyes::Partner
                }
            }
        }
    }

    /// Whether it has such a role in each ecosystem in which it has any, and has one at all: what is
    /// granted in one ecosystem must widen nothing in another.
    fn everywhere(&self, such: impl Fn(Role) -> bool) -> bool {
        let Rights::Granted(granted) = &self.rights else {
            return false;
        };
        let mut held = granted
            .iter()
            .filter(|(_, grants)| !grants.is_empty())
            .peekable();
        held.peek().is_some() && held.all(|(_, grants)| grants.iter().any(|grant| such(grant.role)))
    }
}

/// Whose eyes an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Eyes {
    /// The vendor's staff and systems: nothing is hidden from them.
    Staff,
    /// A partner: what the contract shows to the staff alone is left out.
    Partner,
}

/// The caller may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("permission '{permission}' denied on resource '{resource}' (or it might not exist)")]
pub struct Denied {
    /// What the method takes.
    pub permission: &'static str,
    /// What the call is about.
    pub resource: String,
}

impl Failure for Denied {
    fn code(&self) -> Code {
        Code::PermissionDenied
    }

    fn reason(&self) -> &'static str {
        "PERMISSION_DENIED"
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        vec![
            ("permission", self.permission.to_owned()),
            ("resource", self.resource.clone()),
        ]
    }
}

/// Decides whether a principal may call a method in an ecosystem; answers how far it reaches.
///
/// The widest of its roles count together: somebody who manages partners and sells for one reaches
/// both.
#[must_use]
pub fn authorize(principal: &Principal, access: &Access, ecosystem: &EcosystemId) -> Option<Scope> {
    if principal.rights == Rights::Unlimited {
        return Some(Scope::whole());
    }
    let mut scope = Scope::nothing();
    let grants = principal.grants(ecosystem);
    let mut allowed = access.everybody && !grants.is_empty();
    for grant in grants {
        if let Some(extent) = access.extent(grant.role) {
            allowed = true;
            scope.widen(extent, grant, principal);
        }
    }
    allowed.then_some(scope)
}

#[cfg(test)]
mod tests;
