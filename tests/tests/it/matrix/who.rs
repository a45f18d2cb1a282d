//! The nine who call: nobody, one for each role, and somebody whose roles were taken away.

use trellis_core::access::{Grant, Rights};
use trellis_core::lifecycle::Named as _;
use trellis_core::{Actor, EcosystemId, PartnerId, Principal, Role};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Anonymous,
    Granted(Role),
    Revoked,
}

use Who::{Anonymous, Granted, Revoked};

impl Who {
    pub(super) const ALL: [Self; 9] = [
        Anonymous,
        Granted(Role::EcosystemAdmin),
        Granted(Role::ChannelManager),
        Granted(Role::FinanceApprover),
        Granted(Role::PartnerAdmin),
        Granted(Role::PartnerRep),
        Granted(Role::Service),
        Granted(Role::Auditor),
        Revoked,
    ];

    /// The head of its column.
    pub(super) fn name(self) -> &'static str {
        match self {
            Anonymous => "anonymous",
            Granted(role) => role.name(),
            Revoked => "revoked",
        }
    }

    /// The last part of the ids of what it created. Nobody has created anything, and is asked about
    /// what a colleague did.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Anonymous => "colleague",
            Granted(Role::EcosystemAdmin) => "admin",
            Granted(Role::ChannelManager) => "manager",
            Granted(Role::FinanceApprover) => "finance",
            Granted(Role::PartnerAdmin) => "partner-admin",
            Granted(Role::PartnerRep) => "partner-rep",
            Granted(Role::Service) => "service",
            Granted(Role::Auditor) => "auditor",
            Revoked => "revoked",
        }
    }

    /// The name under which it acts.
    pub(super) fn actor(self) -> String {
        actor(self.tag())
    }

    /// Whom its calls are made by.
    pub(super) fn principal(self) -> Option<Principal> {
        let granted = match self {
            Anonymous => return None,
            Revoked => Vec::new(),
            Granted(role) => {
                let partner = role.is_of_partner().then_some("nimbus");
                let partner = partner.map(|id| PartnerId::try_new(id).unwrap());
                let grant = Grant::new(role, partner);
                vec![(EcosystemId::try_new("acme").unwrap(), vec![grant])]
            }
        };
        let actor = Actor::try_new(&self.actor()).unwrap();
        Some(Principal {
            person: Some(actor.clone()),
            actor,
            rights: Rights::Granted(granted),
        })
    }
}

/// Who has created what has this tag.
pub(super) fn actor(tag: &str) -> String {
    format!("{tag}@people.example")
}
