//! Tokens that must be accepted, and what they prove.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trellis_core::{PartnerId, Timestamp};

use super::super::keys::Pace;
use super::super::rejected::Reason;
use super::super::{Issuers, RoleName};
use super::forge::{Signer, parts};
use super::scene::{NOW, Scene, issuers};

/// Keys and tokens that another implementation has made: PyJWT with OpenSSL.
const VECTORS: &str = include_str!("keys/vectors.json");

/// Issuers of the vectors, with the keys in a file.
async fn vectors(keys: &Value) -> (tempfile::TempDir, Issuers) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    std::fs::write(&file, json!({ "keys": keys }).to_string()).unwrap();
    let text = format!(
        r#"
        [[issuers]]
        alias = "vectors"
        issuer = "https://vectors.example"
        audiences = ["trellis"]
        algorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
        jwks-file = {file:?}
        ecosystems = ["acme"]
        "#
    );
    let issuers = issuers(&text, Pace::STANDARD).await;
    (directory, issuers)
}

#[tokio::test]
async fn another_implementations_tokens_are_accepted_in_every_algorithm() {
    let given: Value = serde_json::from_str(VECTORS).unwrap();
    let (_directory, issuers) = vectors(&given["keys"]).await;
    let tokens: BTreeMap<String, String> = serde_json::from_value(given["tokens"].clone()).unwrap();
    assert_eq!(tokens.len(), 5);
    for (algorithm, token) in tokens {
        let at = Timestamp::from_micros(1_999_999_500_000_000);
        let identity = issuers.verify(&token, at).await;
        assert_eq!(identity.unwrap().subject, "pyjwt", "{algorithm}");
        let late = Timestamp::from_micros(2_000_000_030_000_000);
        let expired = issuers.verify_at(&token, late).await;
        assert_eq!(expired.err(), Some(Reason::Expired), "{algorithm}");
    }
}

#[tokio::test]
async fn a_weak_key_is_left_out_and_the_others_are_not() {
    let given: Value = serde_json::from_str(VECTORS).unwrap();
    let mut keys = given["keys"].clone();
    keys.as_array_mut()
        .unwrap()
        .push(given["weak"]["key"].clone());
    let (_directory, issuers) = vectors(&keys).await;
    let at = Timestamp::from_micros(1_999_999_500_000_000);
    let weak = given["weak"]["token"].as_str().unwrap();
    let rejected = issuers.verify_at(weak, at).await;
    assert_eq!(rejected.err(), Some(Reason::UnknownKey));
    let strong = given["tokens"]["RS256"].as_str().unwrap();
    assert!(issuers.verify(strong, at).await.is_ok());
}

#[tokio::test]
async fn a_token_of_each_algorithm_is_accepted() {
    let scene = Scene::new().await;
    for signer in [&scene.ec, &scene.rsa, &scene.pss] {
        let verified = scene.verify(&signer.token(&scene.claims())).await;
        assert!(verified.is_ok(), "{}: {verified:?}", signer.algorithm);
    }
    for signer in [&scene.ed, &scene.p384] {
        let verified = scene.verify(&signer.token(&scene.other_claims())).await;
        assert!(verified.is_ok(), "{}: {verified:?}", signer.algorithm);
    }
}

#[tokio::test]
async fn a_token_proves_what_the_settings_take_from_it() {
    let scene = Scene::new().await;
    let identity = scene
        .verify(&scene.ec.token(&scene.claims()))
        .await
        .unwrap();
    assert_eq!(identity.issuer, "acme-id");
    assert_eq!(identity.subject, "u-1");
    assert_eq!(identity.person.as_deref(), Some("mara@acme.example"));
    assert_eq!(identity.expire_time.micros(), (NOW + 600) * 1_000_000);
    let [grant] = &identity.ecosystems[..] else {
        panic!("{identity:?}")
    };
    assert_eq!(grant.ecosystem.as_str(), "acme");
    let nimbus = PartnerId::try_new("nimbus").unwrap();
    assert_eq!(grant.roles, [(RoleName::PartnerRep, Some(nimbus))]);
}

#[tokio::test]
async fn roles_come_as_a_list_or_as_a_scope_and_stand_in_every_ecosystem_that_is_named() {
    let scene = Scene::new().await;
    for roles in [
        json!(["boss", "money", "boss"]),
        json!("boss money  unknown"),
    ] {
        let mut claims = scene.with("realm", json!({ "roles": roles }));
        claims["ecosystem"] = json!(["acme", "acme-test", "acme"]);
        let identity = scene.verify(&scene.ec.token(&claims)).await.unwrap();
        let found: Vec<_> = identity
            .ecosystems
            .iter()
            .map(|grant| (grant.ecosystem.as_str(), grant.roles.clone()))
            .collect();
        let roles = vec![
            (RoleName::EcosystemAdmin, None),
            (RoleName::FinanceApprover, None),
        ];
        assert_eq!(found, [("acme", roles.clone()), ("acme-test", roles)]);
    }
    let none = scene.verify(&scene.ec.token(&scene.without("realm"))).await;
    assert!(none.unwrap().ecosystems[0].roles.is_empty());
}

#[tokio::test]
async fn a_person_is_named_only_by_an_address_that_is_not_known_to_be_unverified() {
    let scene = Scene::new().await;
    for (verified, named) in [
        (json!(true), true),
        (json!(false), false),
        (json!("true"), false),
        (Value::Null, false),
    ] {
        let token = scene
            .ec
            .token(&scene.with("email_verified", verified.clone()));
        let person = scene.verify(&token).await.unwrap().person;
        assert_eq!(person.is_some(), named, "{verified}");
    }
    let token = scene.ec.token(&scene.without("email_verified"));
    assert!(scene.verify(&token).await.unwrap().person.is_some());
    // The other issuer is not trusted to name persons at all.
    let mut claims = scene.other_claims();
    claims["email"] = "mara@acme.example".into();
    let identity = scene.verify(&scene.ed.token(&claims)).await.unwrap();
    assert_eq!(identity.person, None);
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway() {
    let scene = Scene::new().await;
    for (name, value) in [
        ("exp", NOW - 29),
        ("nbf", NOW + 30),
        ("iat", NOW + 30),
        ("exp", NOW - 60 + 3600),
    ] {
        let token = scene.ec.token(&scene.with(name, json!(value)));
        assert!(scene.verify(&token).await.is_ok(), "{name} {value}");
    }
}

#[tokio::test]
async fn a_type_has_many_spellings_and_its_absence_is_a_jwt() {
    let scene = Scene::new().await;
    let typed = |signer: &Signer, claims: &Value, typ: Option<&str>| {
        let mut header = signer.header();
        match typ {
            Some(typ) => header["typ"] = typ.into(),
            None => drop(header.as_object_mut().unwrap().remove("typ")),
        }
        signer.seal(&parts(&header, claims))
    };
    for typ in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/At+Jwt",
    ] {
        let token = typed(&scene.ec, &scene.claims(), Some(typ));
        assert!(scene.verify(&token).await.is_ok(), "{typ}");
    }
    for typ in [None, Some("JWT"), Some("jwt"), Some("at+jwt")] {
        let token = typed(&scene.ed, &scene.other_claims(), typ);
        assert!(scene.verify(&token).await.is_ok(), "{typ:?}");
    }
}

#[tokio::test]
async fn a_token_without_kid_is_accepted_where_only_one_key_suits() {
    let scene = Scene::new().await;
    let header = json!({"typ": "at+jwt", "alg": "ES256"});
    let token = scene.ec.seal(&parts(&header, &scene.claims()));
    assert!(scene.verify(&token).await.is_ok());
}
