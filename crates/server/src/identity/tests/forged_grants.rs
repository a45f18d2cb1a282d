//! Tokens that are well signed by the right issuer, but claim what it may not give.

use serde_json::json;

use super::super::rejected::Reason;
use super::forged::{Forged, named};
use super::scene::Scene;

pub(super) fn grants(scene: &Scene) -> Vec<Forged> {
    let mut all = ecosystems_and_roles(scene);
    all.extend(partners(scene));
    all
}

fn ecosystems_and_roles(scene: &Scene) -> Vec<Forged> {
    let with = |name, value| scene.ec.token(&scene.with(name, value));
    let roles = Reason::Malformed("of the roles");
    let many = "a ".repeat(101);
    named([
        (
            "another's ecosystem",
            with("ecosystem", json!("globex")),
            Reason::Ecosystem,
        ),
        (
            "one of ours, one of another",
            with("ecosystem", json!(["acme", "globex"])),
            Reason::Ecosystem,
        ),
        (
            "no such ecosystem",
            with("ecosystem", json!("../acme")),
            Reason::Ecosystem,
        ),
        (
            "ecosystem in capitals",
            with("ecosystem", json!("ACME")),
            Reason::Ecosystem,
        ),
        (
            "ecosystem list is empty",
            with("ecosystem", json!([])),
            Reason::Missing("of the ecosystem"),
        ),
        (
            "ecosystem is a number",
            with("ecosystem", json!(1)),
            Reason::Malformed("of the ecosystem"),
        ),
        (
            "roles are a number",
            with("realm", json!({"roles": 1})),
            roles,
        ),
        (
            "a role is a number",
            with("realm", json!({"roles": ["seller", 1]})),
            roles,
        ),
        (
            "roles are an object",
            with("realm", json!({"roles": {"boss": true}})),
            roles,
        ),
        (
            "the way to the roles ends",
            with("realm", json!("roles")),
            roles,
        ),
        (
            "too many roles",
            with("realm", json!({ "roles": many })),
            roles,
        ),
    ])
}

fn partners(scene: &Scene) -> Vec<Forged> {
    let with = |name, value| scene.ec.token(&scene.with(name, value));
    let partner = "https://trellis.example/partner";
    named([
        (
            "a partner's role, no partner",
            scene.ec.token(&scene.without(partner)),
            Reason::NoPartner,
        ),
        (
            "partner is no id",
            with(partner, json!("nimbus/../acme")),
            Reason::Malformed("of the partner"),
        ),
        (
            "partner is a number",
            with(partner, json!(7)),
            Reason::Malformed("of the partner"),
        ),
    ])
}
