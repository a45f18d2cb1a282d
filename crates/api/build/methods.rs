//! What the grammar needs to know of each method: how its request is addressed, repeated, paged and
//! kept.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;

use protox::prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};

use crate::{access, addresses, exposure, names, resources};

pub(crate) fn write(
    pool: &DescriptorPool,
    validated: &str,
    code: &mut String,
) -> Result<(), Box<dyn Error>> {
    let mut requests = BTreeSet::new();
    let mut answers = BTreeSet::new();
    for method in &all(pool) {
        let request = method.input();
        if !requests.insert(request.full_name().to_owned()) {
            return Err(format!("{}: two methods take it", request.full_name()).into());
        }
        routed(pool, method, &request, validated, code)?;
        let answer = method.output();
        listed(pool, &request, &answer, code)?;
        let ours = answer.package_name().starts_with("trellis.");
        if ours && answers.insert(answer.full_name().to_owned()) {
            stored(pool, &answer, code)?;
        }
    }
    Ok(())
}

fn all(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    pool.services()
        .filter(|service| service.package_name().starts_with("trellis."))
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

fn has(message: &MessageDescriptor, field: &str) -> bool {
    message.get_field_by_name(field).is_some()
}

fn routed(
    pool: &DescriptorPool,
    method: &MethodDescriptor,
    request: &MessageDescriptor,
    validated: &str,
    code: &mut String,
) -> Result<(), Box<dyn Error>> {
    let name = names::message(request)?;
    let address = addresses::of(pool, request)?;
    let take = if has(request, "request_id") {
        "::std::mem::take(&mut self.request_id)"
    } else {
        "::std::string::String::new()"
    };
    let validate_only = if has(request, "validate_only") {
        "self.validate_only"
    } else {
        "false"
    };
    write!(
        code,
        "impl crate::Routed for {name} {{
            const METHOD: &'static str = {method:?};
            const ADDRESS: &'static str = {field:?};
            const PATTERNS: &'static [&'static str] = &{patterns:?};
            const APART: &'static [&'static str] = &{apart:?};
            const ACCESS: ::trellis_core::Access = {access};
            fn resource(&self) -> ::std::borrow::Cow<'_, str> {{ {read} }}
            fn take_request_id(&mut self) -> ::std::string::String {{ {take} }}
            fn validate_only(&self) -> bool {{ {validate_only} }}
        }}\n",
        method = path(method),
        field = address.field,
        patterns = address.patterns,
        apart = addresses::apart(pool, request)?,
        access = access::of(pool, method)?,
        read = address.read,
    )?;
    checked(request, validated, code)
}

/// A message without rules is always valid; its implementation is not generated.
pub(crate) fn checked(
    message: &MessageDescriptor,
    validated: &str,
    code: &mut String,
) -> Result<(), Box<dyn Error>> {
    let name = names::message(message)?;
    let local = name.trim_start_matches("crate::");
    if !validated.contains(&format!("Validate for {local} {{")) {
        write!(
            code,
            "impl ::prost_protovalidate::Validate for {name} {{
                fn validate(&self) -> Result<(), ::prost_protovalidate::ValidationError> {{
                    Ok(())
                }}
            }}\n"
        )?;
    }
    Ok(())
}

fn listed(
    pool: &DescriptorPool,
    request: &MessageDescriptor,
    answer: &MessageDescriptor,
    code: &mut String,
) -> Result<(), Box<dyn Error>> {
    if !has(request, "page_token") {
        return Ok(());
    }
    let name = names::message(request)?;
    let text = |field| {
        if has(request, field) {
            format!("&self.{field}")
        } else {
            "\"\"".into()
        }
    };
    let show = if has(request, "show_deleted") {
        "self.show_deleted"
    } else {
        "false"
    };
    write!(
        code,
        "impl crate::Listed for {name} {{
            const STAFF_FIELDS: &'static [&'static str] = &{staff:?};
            fn page_size(&self) -> i32 {{ self.page_size }}
            fn page_token(&self) -> &str {{ &self.page_token }}
            fn filter(&self) -> &str {{ {filter} }}
            fn order_by(&self) -> &str {{ {order_by} }}
            fn show_deleted(&self) -> bool {{ {show} }}
            fn lasting(&self) -> Self {{
                Self {{ page_size: 0, page_token: ::std::string::String::new(), ..self.clone() }}
            }}
        }}\n",
        filter = text("filter"),
        order_by = text("order_by"),
        staff = match exposure::listed(answer) {
            Some(resource) => exposure::staff_fields(pool, &resource)?,
            None => Vec::new(),
        },
    )?;
    Ok(())
}

fn stored(
    pool: &DescriptorPool,
    answer: &MessageDescriptor,
    code: &mut String,
) -> Result<(), Box<dyn Error>> {
    let name = names::message(answer)?;
    let resource = match addresses::declared(pool, answer)? {
        Some(_) => format!(
            "fn resource(&self) -> ::std::option::Option<::trellis_core::Resource<'_>> {{
                Some(::trellis_core::Resource {{ kind: {:?}, name: &self.name }})
            }}
            fn changed(&self, before: &Self) -> ::std::vec::Vec<&'static str> {{
                let fields = [{}];
                let changed = fields.into_iter().filter(|(changed, _)| *changed);
                changed.map(|(_, name)| name).collect()
            }}",
            answer.full_name(),
            resources::changes(answer)?,
        ),
        None => String::new(),
    };
    write!(
        code,
        "impl ::trellis_core::Stored for {name} {{
            fn to_stored(&self) -> ::std::vec::Vec<u8> {{ ::prost::Message::encode_to_vec(self) }}
            fn from_stored(bytes: &[u8]) -> ::std::option::Option<Self> {{
                ::prost::Message::decode(bytes).ok()
            }}
            {resource}
        }}\n"
    )?;
    Ok(())
}

/// The table of all methods.
pub(crate) fn table(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    writeln!(
        code,
        "/// Every method of the contract.\npub const METHODS: &[Method] = &["
    )?;
    for method in all(pool) {
        let writes = has(&method.input(), "request_id") || method.name().starts_with("Import");
        writeln!(
            code,
            "Method {{ path: {:?}, service: {:?}, name: {:?}, input: {:?}, output: {:?}, \
             writes: {writes}, client_streaming: {}, server_streaming: {}, access: {} }},",
            path(&method),
            method.parent_service().full_name(),
            method.name(),
            method.input().full_name(),
            method.output().full_name(),
            method.is_client_streaming(),
            method.is_server_streaming(),
            access::of(pool, &method)?,
        )?;
    }
    writeln!(code, "];")?;
    visits(pool, &mut code)?;
    Ok(code)
}

/// What shows every request to a visitor, those of lists as such.
fn visits(pool: &DescriptorPool, code: &mut String) -> Result<(), Box<dyn Error>> {
    writeln!(
        code,
        "/// Shows the request of every method to a visitor, in the order of [`METHODS`].\n\
         pub fn visit_requests(visitor: &mut impl Visitor) {{"
    )?;
    for method in all(pool) {
        let request = method.input();
        let name = names::message(&request)?;
        let visit = if has(&request, "page_token") {
            "listed"
        } else {
            "routed"
        };
        writeln!(code, "visitor.{visit}::<{name}>();")?;
    }
    writeln!(code, "}}")?;
    Ok(())
}
