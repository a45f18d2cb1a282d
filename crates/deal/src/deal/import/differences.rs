//! In which fields a row differs from the deal that stands. Pure.

use trellis_api::deal::v1::import_deals_response::Difference;
use trellis_core::ProductId;
use trellis_core::lifecycle::Named;
use trellis_store::deal::deal::{DealType, Model, PartnerRole};
use trellis_store::deal::field::{Contact, Offered, Value};

/// The fields in which two states of a deal differ, with both values. `applied` says whether the second
/// takes the place of the first.
pub(super) fn between(held: &Model, given: &Model, applied: bool) -> Vec<Difference> {
    told(held)
        .into_iter()
        .zip(told(given))
        .filter(|((_, held), (_, given))| held != given)
        .map(|((field, held), (_, given))| Difference {
            field: field.to_owned(),
            held,
            given,
            applied,
            proposal: String::new(),
        })
        .collect()
}

/// A field in which a row differs and that the partner owns, with the proposal that the row's value is.
pub(super) fn proposed(held: &Model, given: &Value, proposal: String) -> Difference {
    let all = Value::all(held);
    let stands = all.iter().find(|value| value.field() == given.field());
    Difference {
        field: given.field().to_owned(),
        held: stands.map(text).unwrap_or_default(),
        given: text(given),
        applied: false,
        proposal,
    }
}

/// What a deal says in each of the fields that a row may bring.
fn told(deal: &Model) -> Vec<(&'static str, String)> {
    let parts = [
        ("partner", plain(deal.partner.as_ref())),
        ("roles", roles(&deal.roles.0)),
    ];
    let standing = [
        ("stage", deal.stage.name().to_owned()),
        ("close_date", plain(deal.close_date)),
        ("lost_reason_code", plain(deal.lost_reason_code.as_ref())),
    ];
    let all = Value::all(deal);
    let editable = all.iter().map(|value| (value.field(), text(value)));
    // By its external id a row has found the deal.
    let editable = editable.filter(|(field, _)| *field != "external_id");
    let mut told: Vec<_> = editable.chain(standing).collect();
    told.splice(2..2, parts);
    told
}

fn plain(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A value as a text.
fn text(value: &Value) -> String {
    match value {
        Value::DisplayName(value) => value.clone(),
        Value::Account(value) => plain(value.as_ref()),
        Value::Lines(value) => listed(value, line),
        Value::Amount(value) => plain(*value),
        Value::DealType(value) => plain(value.map(kind)),
        Value::Territory(value) => plain(value.as_ref()),
        Value::EngageDate(value) | Value::ExpectedCloseDate(value) => plain(*value),
        Value::ExternalId(value) | Value::NextStep(value) | Value::PartnerProduct(value) => {
            plain(value.as_ref())
        }
        Value::ExternalIds(value) => {
            listed(value, |id| format!("{} in {}", id.external_id, id.system))
        }
        Value::Contacts(value) => listed(value, contact),
    }
}

fn listed<T>(values: &[T], text: impl Fn(&T) -> String) -> String {
    values.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn contact(contact: &Contact) -> String {
    let more = [&contact.title, &contact.email, &contact.phone];
    let more: Vec<&str> = more.into_iter().flatten().map(String::as_str).collect();
    let more = match more.as_slice() {
        [] => String::new(),
        more => format!(" ({})", more.join(", ")),
    };
    format!("{}{more}", contact.display_name)
}

fn kind(deal_type: DealType) -> &'static str {
    match deal_type {
        DealType::New => "NEW",
        DealType::Expansion => "EXPANSION",
        DealType::Renewal => "RENEWAL",
    }
}

/// Who has which part, and of which products. Its evidence is no difference: rows bring none that counts
/// more.
fn roles(roles: &[PartnerRole]) -> String {
    let one = |held: &PartnerRole| {
        let role = held.role.name();
        let products: Vec<&str> = held.products.iter().map(ProductId::as_str).collect();
        let of = if products.is_empty() { "" } else { " of " };
        format!("{role} {}{of}{}", held.partner, products.join(" and "))
    };
    roles.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn line(line: &Offered) -> String {
    let amount = line.amount.map(|amount| format!(" for {amount}"));
    let amount = amount.unwrap_or_default();
    format!("{} of {}{amount}", line.quantity, line.product)
}
