//! Tokens that are well signed by the right issuer, but say what must not be believed.

use serde_json::{Value, json};

use super::super::rejected::Reason;
use super::forge::raw_parts;
use super::forged::{Forged, named};
use super::scene::{NOW, Scene};

pub(super) fn claims(scene: &Scene) -> Vec<Forged> {
    let mut all = missing(scene);
    all.extend(times(scene));
    all.extend(issuers(scene));
    all.extend(audiences(scene));
    all.extend(subjects(scene));
    all.extend(purposes(scene));
    all
}

fn missing(scene: &Scene) -> Vec<Forged> {
    let without = |name| scene.ec.token(&scene.without(name));
    let raw = |text: String| {
        scene
            .ec
            .seal(&raw_parts(&scene.ec.header().to_string(), &text))
    };
    let honest = scene.claims().to_string();
    let open = honest.trim_end_matches('}');
    named([
        ("no exp", without("exp"), Reason::Missing("exp")),
        ("no iss", without("iss"), Reason::Missing("iss")),
        ("no aud", without("aud"), Reason::Missing("aud")),
        ("no sub", without("sub"), Reason::Missing("sub")),
        (
            "no iat, with a longest life",
            without("iat"),
            Reason::Missing("iat"),
        ),
        (
            "no ecosystem",
            without("ecosystem"),
            Reason::Missing("of the ecosystem"),
        ),
        ("nothing", raw("{}".into()), Reason::Missing("iss")),
        ("a list", raw("[]".into()), Reason::ClaimsNotJson),
        ("a text", raw("\"sub\"".into()), Reason::ClaimsNotJson),
        (
            "two objects",
            raw(format!("{honest}{honest}")),
            Reason::ClaimsNotJson,
        ),
        (
            "a mark of byte order",
            raw(format!("\u{feff}{honest}")),
            Reason::ClaimsNotJson,
        ),
        (
            "sub twice",
            raw(format!(r#"{open},"sub":"root"}}"#)),
            Reason::ClaimsNotJson,
        ),
        (
            "exp twice",
            raw(format!(r#"{open},"exp":{NOW}}}"#)),
            Reason::ClaimsNotJson,
        ),
        (
            "sub twice, in another spelling",
            raw(format!(r#"{open},"\u0073ub":"root"}}"#)),
            Reason::ClaimsNotJson,
        ),
        (
            "a role list twice",
            raw(format!(r#"{open},"x":{{"roles":[],"roles":["boss"]}}}}"#)),
            Reason::ClaimsNotJson,
        ),
    ])
}

fn times(scene: &Scene) -> Vec<Forged> {
    let with = |name, value| scene.ec.token(&scene.with(name, value));
    let malformed = Reason::Malformed;
    let mut all = named([
        ("expired", with("exp", json!(NOW - 31)), Reason::Expired),
        (
            "expired to the second",
            with("exp", json!(NOW - 30)),
            Reason::Expired,
        ),
        ("exp is zero", with("exp", json!(0)), Reason::Expired),
        (
            "not yet valid",
            with("nbf", json!(NOW + 31)),
            Reason::NotYetValid,
        ),
        (
            "issued in the future",
            with("iat", json!(NOW + 31)),
            Reason::IssuedInFuture,
        ),
        (
            "lives too long",
            with("exp", json!(NOW - 60 + 3601)),
            Reason::LivesTooLong,
        ),
        (
            "exp is huge",
            with("exp", json!(253_402_300_800_i64)),
            malformed("exp"),
        ),
        (
            "exp overflows",
            with("exp", json!(i64::MAX)),
            malformed("exp"),
        ),
        (
            "exp overflows more",
            with("exp", json!(u64::MAX)),
            malformed("exp"),
        ),
        ("exp is 1e300", with("exp", json!(1e300)), malformed("exp")),
    ]);
    let wrong = [
        json!((NOW + 600).to_string()),
        json!(1_800_000_600.5),
        json!(-1),
        json!(true),
        Value::Null,
        json!([NOW + 600]),
        json!({"value": NOW + 600}),
    ];
    for value in wrong {
        for name in ["exp", "nbf", "iat"] {
            all.push((
                format!("{name} is {value}"),
                with(name, value.clone()),
                malformed(name),
            ));
        }
    }
    all
}

fn issuers(scene: &Scene) -> Vec<Forged> {
    let with = |name, value| scene.ec.token(&scene.with(name, value));
    let issuer = &scene.provider.url;
    let malformed = Reason::Malformed;
    named([
        (
            "iss with a slash",
            with("iss", json!(format!("{issuer}/"))),
            Reason::UnknownIssuer,
        ),
        (
            "iss in capitals",
            with("iss", json!(issuer.to_uppercase())),
            Reason::UnknownIssuer,
        ),
        (
            "iss with a space",
            with("iss", json!(format!("{issuer} "))),
            Reason::UnknownIssuer,
        ),
        (
            "iss unknown",
            with("iss", json!("https://evil.example")),
            Reason::UnknownIssuer,
        ),
        (
            "iss is the alias",
            with("iss", json!("acme-id")),
            Reason::UnknownIssuer,
        ),
        (
            "iss is empty",
            with("iss", json!("")),
            Reason::UnknownIssuer,
        ),
        (
            "iss is a list",
            with("iss", json!([issuer])),
            malformed("iss"),
        ),
    ])
}

fn audiences(scene: &Scene) -> Vec<Forged> {
    let with = |name, value| scene.ec.token(&scene.with(name, value));
    let malformed = Reason::Malformed;
    let many: Vec<_> = (0..101).map(|number| number.to_string()).collect();
    named([
        (
            "aud of another",
            with("aud", json!("billing")),
            Reason::Audience,
        ),
        (
            "aud of others",
            with("aud", json!(["billing", "crm"])),
            Reason::Audience,
        ),
        (
            "aud begins alike",
            with("aud", json!("trellis-other")),
            Reason::Audience,
        ),
        (
            "aud in capitals",
            with("aud", json!("Trellis")),
            Reason::Audience,
        ),
        (
            "aud as a scope",
            with("aud", json!("crm trellis")),
            Reason::Audience,
        ),
        ("aud is empty", with("aud", json!("")), Reason::Audience),
        (
            "aud is an empty list",
            with("aud", json!([])),
            Reason::Audience,
        ),
        (
            "aud has a number",
            with("aud", json!(["trellis", 1])),
            malformed("aud"),
        ),
        (
            "aud is nested",
            with("aud", json!([["trellis"]])),
            malformed("aud"),
        ),
        (
            "aud is an object",
            with("aud", json!({"trellis": 1})),
            malformed("aud"),
        ),
        ("aud is null", with("aud", Value::Null), malformed("aud")),
        (
            "aud has too many",
            with("aud", json!(many)),
            malformed("aud"),
        ),
    ])
}

fn subjects(scene: &Scene) -> Vec<Forged> {
    let with = |name, value| scene.ec.token(&scene.with(name, value));
    let malformed = Reason::Malformed;
    named([
        ("sub is empty", with("sub", json!("")), malformed("sub")),
        ("sub is a number", with("sub", json!(1)), malformed("sub")),
        (
            "sub is a list",
            with("sub", json!(["u-1"])),
            malformed("sub"),
        ),
        (
            "sub has a line end",
            with("sub", json!("u-1\nadmin")),
            malformed("sub"),
        ),
        ("sub has NUL", with("sub", json!("u-1\0")), malformed("sub")),
        (
            "sub has a space",
            with("sub", json!("u-1 ")),
            malformed("sub"),
        ),
        (
            "sub is long",
            with("sub", json!("u".repeat(256))),
            malformed("sub"),
        ),
        (
            "email is a list",
            with("email", json!(["a@b"])),
            malformed("email"),
        ),
    ])
}

fn purposes(scene: &Scene) -> Vec<Forged> {
    let with = |name, value| scene.ec.token(&scene.with(name, value));
    let mut id_token = scene.other_claims();
    id_token["nonce"] = "n-0S6_WzA2Mj".into();
    let mut header = scene.ed.header();
    header["typ"] = "JWT".into();
    let id_token = scene.ed.seal(&super::forge::parts(&header, &id_token));
    let other = Reason::NotAnAccessToken;
    named([
        ("an ID token where JWT is accepted", id_token, other),
        (
            "at_hash",
            with("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ")),
            other,
        ),
        (
            "c_hash",
            with("c_hash", json!("LDktKdoQak3Pk0cnXxCltA")),
            other,
        ),
        (
            "a logout token",
            with("events", json!({"logout": {}})),
            other,
        ),
        ("Keycloak's ID token", with("typ", json!("ID")), other),
        (
            "Keycloak's refresh token",
            with("typ", json!("Refresh")),
            other,
        ),
        (
            "typ is a list",
            with("typ", json!(["Bearer"])),
            Reason::Malformed("typ"),
        ),
        (
            "bound to a key",
            with("cnf", json!({"jkt": "0ZcOCORZNYy"})),
            Reason::Bound,
        ),
    ])
}
