//! Who plays which part in a deal. Pure.

use trellis_core::{PartnerId, ProductId, Violation};
use trellis_store::deal::deal::{Line, PartnerRole, Role};

/// Checks the parts: at most one partner sourced the deal, at most one fulfils each product, and
/// nobody has the same part twice.
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
        let named = PartnerRole::new(partner, Role::Sourced);
        if !given.iter().any(|role| role.is_that_of(&named)) {
            roles.push(named);
        }
    }
    let mut wrong = Vec::new();
    for (index, role) in given.into_iter().enumerate() {
        wrong.extend(clash(&roles, &role, &format!("{path}[{index}]")));
        roles.push(role);
    }
    if wrong.is_empty() {
        Ok(roles)
    } else {
        Err(wrong)
    }
}

/// Why a part cannot stand beside the others.
fn clash(roles: &[PartnerRole], role: &PartnerRole, at: &str) -> Option<Violation> {
    if roles.iter().any(|other| other.is_that_of(role)) {
        let description = "the partner has this part already";
        return Some(Violation::new(at, "repeated.unique", description));
    }
    match role.role {
        Role::Sourced => sourcing(roles).map(|_| {
            let description = "another partner sourced the deal already";
            Violation::new(format!("{at}.role"), "roles.one_sourced", description)
        }),
        Role::Fulfil => {
            let fulfilling = |other: &&PartnerRole| other.role == Role::Fulfil;
            let others = roles.iter().filter(fulfilling);
            let shared = others.filter(|other| overlap(&role.products, &other.products));
            shared.map(one_fulfils(at)).next()
        }
        Role::CoSell | Role::Influenced => {
            let named = !role.products.is_empty();
            named.then(|| {
                let description = "must be empty but with ROLE_FULFIL";
                Violation::new(format!("{at}.products"), "roles.products", description)
            })
        }
    }
}

fn one_fulfils(at: &str) -> impl Fn(&PartnerRole) -> Violation {
    let field = format!("{at}.products");
    move |_| {
        Violation::new(
            field.as_str(),
            "roles.one_fulfil",
            "another partner fulfils some of these already; none named means all",
        )
    }
}

/// Whether two lists of products have one in common. An empty one has all.
fn overlap(one: &[ProductId], other: &[ProductId]) -> bool {
    one.is_empty() || other.is_empty() || one.iter().any(|product| other.contains(product))
}

/// The products that a part names and the deal does not sell. `path` is where the part stands.
pub(super) fn unsold(
    path: impl Fn(usize) -> String,
    roles: &[PartnerRole],
    sold: &[ProductId],
) -> Vec<Violation> {
    let mut wrong = Vec::new();
    for (index, role) in roles.iter().enumerate() {
        for (place, product) in role.products.iter().enumerate() {
            if !sold.contains(product) {
                wrong.push(Violation::new(
                    format!("{}.products[{place}]", path(index)),
                    "roles.sold",
                    "must be in a line of the deal",
                ));
            }
        }
    }
    wrong
}

/// The products that a part names and that the lines of a deal are to be without from now on.
pub(super) fn dropped(roles: &[PartnerRole], before: &[Line], after: &[Line]) -> Vec<Violation> {
    let in_lines = |lines: &[Line], product: &ProductId| {
        let mut lines = lines.iter();
        lines.any(|line| line.product == *product)
    };
    let named = roles.iter().flat_map(|role| &role.products);
    let mut dropped: Vec<&ProductId> = named
        .filter(|product| in_lines(before, product) && !in_lines(after, product))
        .collect();
    dropped.sort_unstable();
    dropped.dedup();
    let wrong = |product: &ProductId| {
        let description =
            format!("must keep {product}, which a part in the deal names; set the roles first");
        Violation::new("deal.lines", "roles.sold", description)
    };
    dropped.into_iter().map(wrong).collect()
}

/// The parts with one more: in place of who sourced the deal, or of who fulfils the same products.
/// `sold` is what the deal sells: whoever fulfilled all of it keeps the rest.
pub(super) fn given(
    parts: Vec<PartnerRole>,
    one: PartnerRole,
    sold: &[ProductId],
) -> Vec<PartnerRole> {
    let mut kept: Vec<PartnerRole> = parts
        .into_iter()
        .filter_map(|part| beside(part, &one, sold))
        .collect();
    kept.push(one);
    kept
}

/// What is left of a part beside another one.
fn beside(mut part: PartnerRole, one: &PartnerRole, sold: &[ProductId]) -> Option<PartnerRole> {
    match (part.role, one.role) {
        (Role::Sourced, Role::Sourced) => None,
        (Role::Fulfil, Role::Fulfil) if overlap(&part.products, &one.products) => {
            let had = if part.products.is_empty() {
                sold.to_vec()
            } else {
                part.products
            };
            part.products = had
                .into_iter()
                .filter(|product| !one.products.is_empty() && !one.products.contains(product))
                .collect();
            (!part.products.is_empty()).then_some(part)
        }
        _ => Some(part),
    }
}

/// The parts without one.
pub(super) fn taken(parts: Vec<PartnerRole>, one: &PartnerRole) -> Vec<PartnerRole> {
    parts
        .into_iter()
        .filter(|part| !part.is_that_of(one))
        .collect()
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
        PartnerRole::new(id(partner), role)
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

    fn fulfils(partner: &str, products: &[&str]) -> PartnerRole {
        PartnerRole {
            products: products
                .iter()
                .map(|id| ProductId::try_new(id).unwrap())
                .collect(),
            ..part(partner, Role::Fulfil)
        }
    }

    #[test]
    fn one_partner_fulfils_a_product() {
        let apart = vec![fulfils("a", &["x", "y"]), fulfils("b", &["z"])];
        assert_eq!(settle("roles", None, apart.clone()).unwrap(), apart);
        for other in [&["y"][..], &[]] {
            let shared = vec![fulfils("a", &["x", "y"]), fulfils("b", other)];
            let wrong = settle("roles", None, shared).unwrap_err();
            assert_eq!(wrong[0].field, "roles[1].products");
            assert_eq!(wrong[0].rule, "roles.one_fulfil");
        }
        let named = PartnerRole {
            role: Role::CoSell,
            ..fulfils("a", &["x"])
        };
        assert_eq!(
            settle("roles", None, vec![named]).unwrap_err()[0].rule,
            "roles.products"
        );
    }

    #[test]
    fn a_part_that_is_given_takes_its_place() {
        let sold: Vec<_> = ["x", "y"].map(|id| ProductId::try_new(id).unwrap()).into();
        let parts = vec![part("a", Role::Sourced), fulfils("a", &[])];
        let sourced = given(parts.clone(), part("b", Role::Sourced), &sold);
        assert_eq!(sourced, [fulfils("a", &[]), part("b", Role::Sourced)]);
        let some = given(parts.clone(), fulfils("b", &["y"]), &sold);
        assert_eq!(
            some,
            [
                part("a", Role::Sourced),
                fulfils("a", &["x"]),
                fulfils("b", &["y"])
            ]
        );
        let all = given(parts.clone(), fulfils("b", &[]), &sold);
        assert_eq!(all, [part("a", Role::Sourced), fulfils("b", &[])]);
        assert_eq!(taken(parts, &part("a", Role::Sourced)), [fulfils("a", &[])]);
    }
}
