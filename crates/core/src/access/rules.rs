//! What must be known of a thing to decide whether a caller may: pure functions, in one place.
//!
//! That a caller keeps to its own organization is no rule of this kind: the [`Scope`] binds every
//! query, so that others' things are never there to be decided about.

use crate::access::{Role, Scope};
use crate::call::Actor;
use crate::failure::{Code, Failure};
use crate::id::PartnerId;
use crate::money::Money;

/// A caller may call the method, but not do this with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It takes somebody else than who prepared it, known by name.
    #[error("{actor} cannot approve {resource}: that takes a second person, known by name")]
    FourEyes {
        /// The name of the resource.
        resource: String,
        /// Who tried.
        actor: Actor,
    },
    /// It moves more than the caller may approve at once.
    #[error(
        "{resource} takes the approval of {amount}, which is above every limit that {actor} has; \
         somebody with a higher one must approve it"
    )]
    ApprovalLimit {
        /// The name of the resource.
        resource: String,
        /// Who tried.
        actor: Actor,
        /// What was to be approved.
        amount: Money,
    },
}

impl Failure for Refused {
    fn code(&self) -> Code {
        Code::PermissionDenied
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::FourEyes { .. } => "FOUR_EYES",
            Self::ApprovalLimit { .. } => "APPROVAL_LIMIT",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::FourEyes { resource, actor } => {
                vec![("resource", resource.clone()), ("actor", actor.to_string())]
            }
            Self::ApprovalLimit {
                resource,
                actor,
                amount,
            } => vec![
                ("resource", resource.clone()),
                ("actor", actor.to_string()),
                ("amount", amount.to_string()),
            ],
        }
    }
}

/// Four eyes: whoever approves is a person and none of those who prepared it, whatever credentials
/// they used. A system is nobody's second pair of eyes.
#[must_use]
pub fn is_second_person<'a>(
    person: Option<&Actor>,
    prepared_by: impl IntoIterator<Item = &'a Actor>,
) -> bool {
    person.is_some_and(|person| prepared_by.into_iter().all(|other| other != person))
}

/// Whether whoever reaches so far may approve an amount at once. One in a currency in which there is
/// no limit cannot be approved under the limits of others: nobody said what it is worth.
#[must_use]
pub fn is_within_limit(scope: &Scope, amount: Money) -> bool {
    scope.limits().is_none_or(|limits| {
        let mut fitting = limits.iter();
        fitting.any(|limit| limit.currency == amount.currency && amount.minor <= limit.minor)
    })
}

/// Whether somebody who reaches so far may grant a role: nobody gives what they do not have, and
/// whoever runs a partner's side gives that partner's roles only.
#[must_use]
pub fn may_grant(scope: &Scope, role: Role, partner: Option<&PartnerId>) -> bool {
    match (role.is_of_partner(), partner) {
        (true, Some(partner)) => scope.is_whole() || scope.partners().contains(partner),
        (false, None) => scope.is_whole(),
        (true, None) | (false, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Extent, Grant, Principal, Rights};
    use crate::money::Currency;

    fn actor(name: &str) -> Actor {
        Actor::try_new(name).unwrap()
    }

    fn dollars(minor: i64) -> Money {
        Money::new(minor, Currency::USD)
    }

    fn euros(minor: i64) -> Money {
        Money::new(minor, Currency::EUR)
    }

    fn limited(limits: &[Option<Money>]) -> Scope {
        let principal = Principal {
            actor: actor("kim"),
            person: None,
            rights: Rights::Unlimited,
        };
        let mut scope = Scope::nothing();
        for limit in limits {
            let grant = Grant {
                approval_limit: *limit,
                ..Grant::new(Role::FinanceApprover, None)
            };
            scope.widen(Extent::Ecosystem, &grant, &principal);
        }
        scope
    }

    #[test]
    fn a_second_person_is_another_and_known() {
        let (ada, bob, kim) = (actor("ada"), actor("bob"), actor("kim"));
        assert!(is_second_person(Some(&kim), [&ada, &bob]));
        assert!(is_second_person(Some(&kim), []));
        assert!(!is_second_person(Some(&kim), [&ada, &kim]));
        assert!(!is_second_person(Some(&kim), [&kim, &ada]));
        assert!(!is_second_person(None, [&ada]));
    }

    #[test]
    fn a_limit_is_met_in_its_own_currency_only() {
        let scope = limited(&[Some(dollars(100))]);
        assert!(is_within_limit(&scope, dollars(100)));
        assert!(!is_within_limit(&scope, dollars(101)));
        assert!(!is_within_limit(&scope, euros(1)));
        assert!(!is_within_limit(&Scope::nothing(), dollars(1)));
        assert!(is_within_limit(&Scope::whole(), dollars(i64::MAX)));
    }

    #[test]
    fn the_highest_of_several_limits_counts_in_each_currency() {
        let scope = limited(&[
            Some(dollars(5)),
            Some(dollars(7)),
            Some(euros(9)),
            Some(dollars(6)),
        ]);
        assert_eq!(scope.limits(), Some([dollars(7), euros(9)].as_slice()));
        for limits in [
            [Some(dollars(5)), None],
            [None, Some(dollars(5))],
            [None, None],
        ] {
            assert_eq!(limited(&limits).limits(), None);
        }
    }

    #[test]
    fn nobody_grants_what_they_do_not_have() {
        let nimbus = PartnerId::try_new("nimbus").unwrap();
        let cirrus = PartnerId::try_new("cirrus").unwrap();
        let own = Scope::of_partners(vec![nimbus.clone()]);
        assert!(may_grant(&own, Role::PartnerRep, Some(&nimbus)));
        assert!(!may_grant(&own, Role::PartnerRep, Some(&cirrus)));
        assert!(!may_grant(&own, Role::Auditor, None));
        let whole = Scope::whole();
        assert!(may_grant(&whole, Role::Auditor, None));
        assert!(may_grant(&whole, Role::PartnerAdmin, Some(&cirrus)));
        assert!(!may_grant(&whole, Role::PartnerAdmin, None));
        assert!(!may_grant(&whole, Role::Service, Some(&cirrus)));
    }
}
