//! What must be known of a row to decide whether a caller may: pure functions, in one place.

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
        actor: String,
    },
    /// It moves more than the caller may approve at once.
    #[error(
        "{resource} moves more than the approval limit of {limit}; somebody with a higher limit \
         must approve it"
    )]
    OverLimit {
        /// The name of the resource.
        resource: String,
        /// The limit, as `{minor units} {currency}`.
        limit: String,
    },
}

impl Failure for Refused {
    fn code(&self) -> Code {
        Code::PermissionDenied
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::FourEyes { .. } => "FOUR_EYES",
            Self::OverLimit { .. } => "APPROVAL_LIMIT",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::FourEyes { resource, actor } => {
                vec![("resource", resource.clone()), ("actor", actor.clone())]
            }
            Self::OverLimit { resource, limit } => {
                vec![("resource", resource.clone()), ("limit", limit.clone())]
            }
        }
    }
}

/// Four eyes: whoever approves is a person known by name, and not the one who prepared it, whatever
/// credentials either used.
///
/// # Errors
/// [`Refused::FourEyes`].
pub fn second_person(
    resource: &str,
    prepared_by: Option<&Actor>,
    approver: Option<&Actor>,
    actor: &Actor,
) -> Result<(), Refused> {
    let known = approver.is_some_and(|person| *person != Actor::anonymous());
    if known && prepared_by != approver {
        return Ok(());
    }
    Err(Refused::FourEyes {
        resource: resource.to_owned(),
        actor: actor.to_string(),
    })
}

/// Whether an amount can be approved under a limit. One in another currency cannot: nobody said
/// what it is worth.
///
/// # Errors
/// [`Refused::OverLimit`].
pub fn within_limit(
    resource: &str,
    amounts: &[Money],
    limit: Option<Money>,
) -> Result<(), Refused> {
    let Some(limit) = limit else {
        return Ok(());
    };
    let fits = |amount: &Money| amount.currency == limit.currency && amount.minor <= limit.minor;
    if amounts.iter().all(fits) {
        return Ok(());
    }
    Err(Refused::OverLimit {
        resource: resource.to_owned(),
        limit: format!("{} {}", limit.minor, limit.currency.code()),
    })
}

/// The limit of somebody with several roles: no limit if one of them has none, else the highest.
/// Of limits in different currencies the first counts.
#[must_use]
pub fn widest_limit(limits: &[Option<Money>]) -> Option<Money> {
    let mut widest: Option<Money> = None;
    for limit in limits {
        let limit = (*limit)?;
        let wider = widest
            .is_none_or(|known| known.currency == limit.currency && known.minor < limit.minor);
        if wider {
            widest = Some(limit);
        }
    }
    widest
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
    use crate::money::Currency;

    fn actor(name: &str) -> Actor {
        Actor::try_new(name).unwrap()
    }

    fn dollars(minor: i64) -> Money {
        Money {
            minor,
            currency: Currency::USD,
        }
    }

    #[test]
    fn a_second_person_is_another_and_known() {
        let (ada, kim) = (actor("ada"), actor("kim"));
        let by = |prepared, approver| second_person("batch", prepared, approver, &ada).is_ok();
        assert!(by(Some(&ada), Some(&kim)));
        assert!(by(None, Some(&kim)));
        assert!(!by(Some(&ada), Some(&ada)));
        assert!(!by(Some(&ada), None));
        assert!(!by(None, Some(&Actor::anonymous())));
    }

    #[test]
    fn a_limit_is_met_in_its_own_currency_only() {
        let within = |amounts: &[Money]| within_limit("batch", amounts, Some(dollars(100))).is_ok();
        assert!(within(&[dollars(100)]));
        assert!(within(&[]));
        assert!(!within(&[dollars(101)]));
        assert!(!within(&[Money {
            minor: 1,
            currency: Currency::try_new("EUR").unwrap()
        }]));
        assert!(within_limit("batch", &[dollars(i64::MAX)], None).is_ok());
    }

    #[test]
    fn the_widest_of_several_limits_counts() {
        assert_eq!(widest_limit(&[]), None);
        assert_eq!(
            widest_limit(&[Some(dollars(5)), Some(dollars(7)), Some(dollars(6))]),
            Some(dollars(7))
        );
        assert_eq!(widest_limit(&[Some(dollars(5)), None]), None);
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
