//! In which fields a row differs from the deal that stands. Pure.

use trellis_api::deal::v1::import_deals_response::Difference;
use trellis_core::lifecycle::Named;
use trellis_core::{Currency, Money, ProductId};
use trellis_store::deal::deal::{DealType, Line, Model, PartnerRole, Role};

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
        })
        .collect()
}

/// What a deal says in each of the fields that a row may bring.
fn told(deal: &Model) -> [(&'static str, String); 13] {
    fn text(value: Option<impl ToString>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let amount = deal.amount_minor.zip(deal.currency);
    let lines = deal.lines.0.iter().map(|one| line(one, deal.currency));
    [
        ("display_name", deal.display_name.clone()),
        ("account", text(deal.account.as_ref())),
        ("partner", text(deal.partner.as_ref())),
        ("roles", roles(&deal.roles.0)),
        ("lines", lines.collect::<Vec<_>>().join(", ")),
        (
            "amount",
            text(amount.map(|(minor, currency)| Money::new(minor, currency))),
        ),
        ("deal_type", text(deal.deal_type.map(kind))),
        ("territory", text(deal.territory.as_ref())),
        ("engage_date", text(deal.engage_date)),
        ("expected_close_date", text(deal.expected_close_date)),
        ("stage", deal.stage.name().to_owned()),
        ("close_date", text(deal.close_date)),
        ("lost_reason_code", text(deal.lost_reason_code.as_ref())),
    ]
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
        let role = match held.role {
            Role::Sourced => "SOURCED",
            Role::Fulfil => "FULFIL",
            Role::CoSell => "CO_SELL",
            Role::Influenced => "INFLUENCED",
        };
        let products: Vec<&str> = held.products.iter().map(ProductId::as_str).collect();
        let of = if products.is_empty() { "" } else { " of " };
        format!("{role} {}{of}{}", held.partner, products.join(" and "))
    };
    roles.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn line(line: &Line, currency: Option<Currency>) -> String {
    let amount = line.amount_minor.zip(currency);
    let amount = amount.map(|(minor, currency)| format!(" for {}", Money::new(minor, currency)));
    let amount = amount.unwrap_or_default();
    format!("{} of {}{amount}", line.quantity, line.product)
}
