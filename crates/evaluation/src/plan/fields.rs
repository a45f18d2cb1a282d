//! The fields that the conditions of plans may ask for.

use crate::predicate::{Schema, Type};

/// What may be asked of a partner and its enrolment, as they were when a fact happened.
#[must_use]
pub fn partner_fields() -> Schema {
    let types = Type::one_of(&[
        "RESELLER",
        "DISTRIBUTOR",
        "TECHNOLOGY",
        "CLOUD_PROVIDER",
        "SYSTEM_INTEGRATOR",
        "CONSULTANT",
        "REFERRAL",
        "SUPPLIER",
        "MANAGED_SERVICE_PROVIDER",
    ]);
    Schema::new()
        .with("partner.type", types, "the partner's type")
        .with("partner.tier", Type::Text, "the partner's tier")
        .with("partner.country", Type::Text, "the partner's country")
        .with(
            "partner.certifications",
            Type::Texts,
            "the partner's certifications",
        )
        .with("partner.status", Type::Text, "the partner's status")
        .with(
            "partner.joined_months",
            Type::Int,
            "the full months since the partner joined",
        )
        .with(
            "enrollment.program",
            Type::Text,
            "the program that the partner is enrolled in",
        )
        .with("enrollment.tier", Type::Text, "the tier of the enrolment")
        .with("program.id", Type::Text, "the program")
}

/// What may be asked of a fact, its deal, its line and its customer, besides its partner.
#[must_use]
pub fn award_fields() -> Schema {
    partner_fields()
        .with("event.date", Type::Date, "the day")
        .with("event.amount_minor", Type::Int, "the amount in minor units")
        .with("event.currency", Type::Text, "the currency")
        .with("event.quantity", Type::Int, "the quantity")
        .with("event.metric", Type::Text, "the metric")
        .with("event.certification", Type::Text, "the certification")
        .with("event.valid", Type::Bool, "whether it is still valid")
        .with(
            "deal.registration_active",
            Type::Bool,
            "whether the deal's registration was active",
        )
        .with("deal.type", Type::Text, "the type of the deal")
        .with(
            "deal.amount_minor",
            Type::Int,
            "the amount of the deal in minor units",
        )
        .with(
            "deal.won_on",
            Type::Date,
            "the day on which the deal was won",
        )
        .with(
            "deal.competitive",
            Type::Bool,
            "whether the deal was won against others",
        )
        .with("line.product", Type::Text, "the product")
        .with("line.category", Type::Text, "the category of the product")
        .with(
            "line.registered",
            Type::Bool,
            "whether the line was registered",
        )
        .with("customer.country", Type::Text, "the customer's country")
        .with("customer.segment", Type::Text, "the customer's segment")
        .with("customer.is_new", Type::Bool, "whether the customer is new")
        .with("customer.industry", Type::Text, "the customer's industry")
}
