//! Keys in a file.

use serde_json::{Value, json};

use super::super::algorithm::Algorithm;
use super::super::keys::Pace;
use super::super::rejected::Reason;
use super::super::{Error, Issuers};
use super::forge::Signer;
use super::scene::{NOW, fetcher, issuers, now, settings};

fn text(file: &std::path::Path) -> String {
    format!(
        r#"
        [[issuers]]
        alias = "own"
        issuer = "our-own-service"
        audiences = ["trellis"]
        algorithms = ["ES256"]
        jwks-file = {file:?}
        ecosystems = ["acme"]
        "#
    )
}

#[tokio::test]
async fn a_file_is_read_again_when_a_token_names_a_key_that_it_did_not_have() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    let (old, new) = (
        Signer::new("old", Algorithm::Es256),
        Signer::new("new", Algorithm::Es256),
    );
    let write = |keys: &[Value]| std::fs::write(&file, json!({ "keys": keys }).to_string());
    write(&[old.jwk()]).unwrap();
    let issuers = issuers(&text(&file), Pace::STANDARD).await;
    let claims = json!({
        "iss": "our-own-service", "sub": "u", "aud": "trellis", "exp": NOW + 600,
    });
    assert!(issuers.verify(&old.token(&claims), now()).await.is_ok());
    write(&[new.jwk()]).unwrap();
    assert!(issuers.verify(&new.token(&claims), now()).await.is_ok());
    let gone = issuers.verify_at(&old.token(&claims), now()).await;
    assert_eq!(gone.err(), Some(Reason::UnknownKey));
}

/// Why a server with this file does not start.
async fn why_not(file: &std::path::Path) -> String {
    let started = Issuers::with(&settings(&text(file)), &fetcher(), Pace::STANDARD).await;
    match started {
        Err(Error::KeyFile { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_without_a_key_that_can_be_used_stops_the_start_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    assert!(
        why_not(&file)
            .await
            .starts_with("the file cannot be read: ")
    );
    let signer = Signer::new("a", Algorithm::Es256);
    let key = |name: &str, value: Value| {
        let mut key = signer.jwk();
        key[name] = value;
        key
    };
    let many = json!({"kty": "RSA", "e": "AQAB", "n": "A".repeat(1368)});
    let left_out = [
        (key("use", json!("enc")), "is not for signatures"),
        (key("use", json!(1)), "has a field of the wrong type"),
        (key("key_ops", json!(["sign"])), "is not for verifying"),
        (key("d", json!("AA")), "is a secret key"),
        (json!({"kty": "oct", "k": "AA"}), "is a secret key"),
        (key("crv", json!("secp256k1")), "is of a kind or curve"),
        (
            key("crv", json!("P-384")),
            "has a coordinate of the wrong length",
        ),
        (
            key("x", json!("AA")),
            "has a coordinate of the wrong length",
        ),
        (
            key("y", json!("A=")),
            "has a coordinate that is not base64url",
        ),
        (
            key("alg", json!("ES384")),
            "has an alg that its kind cannot have",
        ),
        (
            key("alg", json!("HS256")),
            "is for an alg that is not verified here",
        ),
        (
            key("kid", json!("k".repeat(257))),
            "has a kid that is too long",
        ),
        (many, "has an RSA modulus of less than 2048"),
        (json!("key"), "is no object"),
    ];
    for (key, why) in left_out {
        let document = json!({ "keys": [key] });
        std::fs::write(&file, document.to_string()).unwrap();
        let message = why_not(&file).await;
        let expected = format!("has no key that can be used: keys[0] {why}");
        assert!(message.starts_with(&expected), "{document}: {message}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_set_of_keys_stops_the_start_too() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    for document in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        std::fs::write(&file, document).unwrap();
        assert!(
            why_not(&file)
                .await
                .starts_with("the document is not a JSON object")
        );
    }
    std::fs::write(&file, " ".repeat((256 << 10) + 1)).unwrap();
    assert_eq!(why_not(&file).await, "the file is larger than 256 KiB");
}

#[tokio::test]
async fn no_issuers_accept_no_token() {
    let issuers = Issuers::try_new(&[]).await.unwrap();
    assert!(issuers.is_empty());
    let signer = Signer::new("a", Algorithm::Es256);
    let token = signer.token(&json!({"iss": "x", "sub": "u", "aud": "y", "exp": NOW + 600}));
    let refused = issuers.verify_at(&token, now()).await;
    assert_eq!(refused.err(), Some(Reason::UnknownIssuer));
}
