//! Who plays which part in a deal. Pure.

use trellis_core::{PartnerId, Violation};
use trellis_store::deal::deal::{PartnerRole, Role};

/// Checks the parts: at most one partner sourced the deal, and nobody has the same part twice.
///
/// `sourced` is the partner that was named outside the list. It takes the first place in the list,
/// unless the list says the same. `path` is where the list stands in the request.
///
/// # Errors
/// Every part that does not fit, at once.
pub fn settle(
    path: &str,
    sourced: Option<PartnerId>,
    given: Vec<PartnerRole>,
) -> Result<Vec<PartnerRole>, Vec<Violation>> {
    let mut roles: Vec<PartnerRole> = Vec::with_capacity(given.len() + 1);
    if let Some(partner) = sourced {
        let named = PartnerRole {
            partner,
            role: Role::Sourced,
        };
        if !given.contains(&named) {
            roles.push(named);
        }
    }
    let mut wrong = Vec::new();
    for (index, role) in given.into_iter().enumerate() {
        if roles.contains(&role) {
            wrong.push(Violation::new(
                format!("{path}[{index}]"),
                "repeated.unique",
                "the partner has this part already",
            ));
        } else if role.role == Role::Sourced && sourcing(&roles).is_some() {
            wrong.push(Violation::new(
                format!("{path}[{index}].role"),
                "roles.one_sourced",
                "another partner sourced the deal already",
            ));
        }
        roles.push(role);
    }
    if wrong.is_empty() {
        Ok(roles)
    } else {
        Err(wrong)
    }
}

/// The partner that sourced the deal.
#[must_use]
pub fn sourcing(roles: &[PartnerRole]) -> Option<&PartnerId> {
    roles
        .iter()
        .find(|role| role.role == Role::Sourced)
        .map(|role| &role.partner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: &str) -> PartnerId {
        PartnerId::try_new(id).unwrap()
    }

    fn part(partner: &str, role: Role) -> PartnerRole {
        PartnerRole {
            partner: id(partner),
            role,
        }
    }

    #[test]
    fn a_partner_named_alone_has_sourced_the_deal() {
        let roles = settle("deal.roles", Some(id("a")), Vec::new()).unwrap();
        assert_eq!(roles, [part("a", Role::Sourced)]);
        assert_eq!(sourcing(&roles), Some(&id("a")));
    }

    #[test]
    fn naming_the_same_partner_twice_over_is_naming_it_once() {
        let given = vec![part("b", Role::Fulfil), part("a", Role::Sourced)];
        assert_eq!(
            settle("deal.roles", Some(id("a")), given.clone()).unwrap(),
            given
        );
    }

    #[test]
    fn a_partner_may_play_several_parts() {
        let given = vec![part("a", Role::Sourced), part("a", Role::Fulfil)];
        assert_eq!(settle("roles", None, given.clone()).unwrap(), given);
    }

    #[test]
    fn nobody_needs_to_have_sourced_it() {
        let given = vec![part("a", Role::Influenced)];
        let roles = settle("roles", None, given).unwrap();
        assert_eq!(sourcing(&roles), None);
    }

    #[test]
    fn everything_that_does_not_fit_is_named_at_once() {
        let given = vec![
            part("a", Role::Sourced),
            part("b", Role::Sourced),
            part("c", Role::CoSell),
            part("c", Role::CoSell),
        ];
        let wrong = settle("roles", None, given).unwrap_err();
        let fields: Vec<_> = wrong
            .iter()
            .map(|violation| violation.field.as_str())
            .collect();
        assert_eq!(fields, ["roles[1].role", "roles[3]"]);
        let other = settle("deal.roles", Some(id("z")), vec![part("a", Role::Sourced)]);
        assert_eq!(other.unwrap_err()[0].field, "deal.roles[0].role");
    }
}
