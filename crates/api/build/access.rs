//! Who may call each method, as its option says. A method that does not say so stops the build.

use std::error::Error;

use protox::prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};

use crate::addresses;

/// The lists of roles in the option, each with the extent that it stands for.
const EXTENTS: [(&str, &str); 4] = [
    ("ecosystem", "Ecosystem"),
    ("managed", "Managed"),
    ("organization", "Organization"),
    ("own", "Own"),
];

/// The roles, by their numbers in the contract.
const ROLES: [&str; 8] = [
    "",
    "EcosystemAdmin",
    "ChannelManager",
    "FinanceApprover",
    "PartnerAdmin",
    "PartnerRep",
    "Service",
    "Auditor",
];

/// The expression of a method's access.
pub(crate) fn of(
    pool: &DescriptorPool,
    method: &MethodDescriptor,
) -> Result<String, Box<dyn Error>> {
    let path = method.full_name();
    let option = addresses::option(pool, &method.options(), "trellis.options.v1.access")?
        .ok_or_else(|| format!("{path}: say who may call it, with trellis.options.v1.access"))?;
    let permission = addresses::text(&option, "permission");
    if permission.is_empty() {
        return Err(format!("{path}: name the permission that it takes").into());
    }
    let mut named: Vec<&str> = Vec::new();
    let mut roles = Vec::new();
    for (list, extent) in EXTENTS {
        for role in listed(&option, list, path)? {
            if named.contains(&role) {
                return Err(format!("{path}: {role} reaches two extents").into());
            }
            named.push(role);
            roles.push(format!(
                "(::trellis_core::Role::{role}, ::trellis_core::access::Extent::{extent})"
            ));
        }
    }
    let everybody = truth(&option, "everybody");
    if roles.is_empty() != everybody {
        return Err(format!("{path}: either some roles may call it, or everybody").into());
    }
    let moves_money = truth(&option, "moves_money");
    Ok(format!(
        "::trellis_core::Access {{ permission: {permission:?}, roles: &[{roles}], \
         everybody: {everybody}, moves_money: {moves_money}, second_person: {}, \
         administration: {}, at_once: {}, audited: {} }}",
        truth(&option, "second_person"),
        truth(&option, "administration"),
        moves_money || truth(&option, "at_once"),
        truth(&option, "audited"),
        roles = roles.join(", "),
    ))
}

fn listed(
    option: &DynamicMessage,
    list: &str,
    path: &str,
) -> Result<Vec<&'static str>, Box<dyn Error>> {
    let value = option.get_field_by_name(list);
    let numbers = value.as_ref().and_then(|value| value.as_list());
    let mut roles = Vec::new();
    for number in numbers.unwrap_or_default() {
        let role = number
            .as_enum_number()
            .and_then(|number| usize::try_from(number).ok())
            .and_then(|number| ROLES.get(number))
            .filter(|role| !role.is_empty())
            .ok_or_else(|| format!("{path}: {list} names an unknown role"))?;
        roles.push(*role);
    }
    Ok(roles)
}

fn truth(option: &DynamicMessage, field: &str) -> bool {
    let value = option.get_field_by_name(field);
    value.as_deref().and_then(Value::as_bool).unwrap_or(false)
}
