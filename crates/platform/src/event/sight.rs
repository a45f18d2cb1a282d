//! Who is told what a resource is after a change: whoever may get every resource of its kind.
//!
//! What an event keeps is all of the resource. What partners see of one, and the staff who look after some
//! partners, follows from more than that, so they are told that it changed, and get it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use trellis_api::{METHODS, Standing};
use trellis_core::Access;
use trellis_store::event::Model;

use super::snapshot;

/// Who may read a resource of each kind: by the method that gets one, or else by the list of them.
static KINDS: LazyLock<BTreeMap<&'static str, Access>> = LazyLock::new(|| {
    let gets = METHODS
        .iter()
        .filter(|method| method.name.starts_with("Get"));
    let gets = gets.map(|method| (method.output, method.access));
    snapshot::kinds().chain(gets).collect()
});

/// Who may read a resource of a kind, given by the full name of its message.
fn access(kind: &str) -> Option<&'static Access> {
    KINDS.get(kind)
}

/// Whether what a resource of a kind is may be told to those who see all of an ecosystem.
pub(super) fn is_told(kind: &str) -> bool {
    access(kind).is_some()
}

/// An event as a caller may see it, and whether that they read it is to be entered in the audit trail.
pub(super) fn seen(event: Model, by: &Standing) -> (Model, bool) {
    let kind = event
        .state_kind
        .as_deref()
        .filter(|_| event.state.is_some());
    let seen = kind.and_then(access);
    match seen.filter(|access| by.reaches_all(access)) {
        Some(access) => {
            let audited = access.audited;
            (event, audited)
        }
        None => {
            let hidden = Model {
                state: None,
                ..event
            };
            (hidden, false)
        }
    }
}

/// Whether a caller may be told what is entered in the audit trail when it is read.
pub(super) fn sees_what_is_audited(by: &Standing) -> bool {
    let mut audited = KINDS.values().filter(|access| access.audited);
    audited.any(|access| by.reaches_all(access))
}

#[cfg(test)]
mod tests {
    use trellis_core::Role;
    use trellis_core::access::Extent;

    use super::*;

    /// The kinds that a write answers and nobody gets, nor a snapshot tells.
    const UNTOLD: [&str; 3] = [
        "trellis.deal.v1.RegistrationActivity",
        "trellis.incentive.v1.Journal",
        "trellis.platform.v1.WebhookDelivery",
    ];

    #[test]
    fn what_a_write_answers_is_told_or_known_not_to_be() {
        let answers = METHODS.iter().filter(|method| method.writes);
        let untold: Vec<&str> = answers
            .map(|method| method.output)
            .filter(|output| !output.ends_with("Response") && !is_told(output))
            .collect();
        for kind in &untold {
            assert!(UNTOLD.contains(kind), "{kind}");
        }
        assert!(
            UNTOLD.iter().all(|kind| untold.contains(kind)),
            "{untold:?}"
        );
    }

    /// A webhook of the vendor's, which its administrators keep, is told all of them.
    #[test]
    fn an_administrator_may_get_whatever_is_told() {
        for (kind, access) in &*KINDS {
            let extent = access.extent(Role::EcosystemAdmin);
            assert_eq!(extent, Some(Extent::Ecosystem), "{kind}");
        }
    }

    #[test]
    fn no_role_of_a_partner_gets_all_of_a_kind_that_is_not_told_to_partners_whole() {
        for (kind, access) in &*KINDS {
            for role in [Role::PartnerAdmin, Role::PartnerRep] {
                assert_ne!(access.extent(role), Some(Extent::Ecosystem), "{kind}");
            }
        }
    }
}
