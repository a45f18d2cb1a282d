//! Forged tokens, each with the reason why it is rejected, so that none is rejected by accident.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::rejected::Reason;
use super::forge::{encode, parts, raw_parts};
use super::forged_claims::claims;
use super::forged_grants::grants;
use super::forged_signatures::signatures;
use super::provider::{DISCOVERY, KEYS};
use super::scene::Scene;

/// A forged token: what is wrong with it, the token, and why it must be rejected.
pub(super) type Forged = (String, String, Reason);

/// Tokens that are no three parts of base64url with JSON in them.
fn envelopes(scene: &Scene) -> Vec<Forged> {
    let good = scene.ec.token(&scene.claims());
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("an honest token has three parts")
    };
    let flat = json!({"protected": header, "payload": claims, "signature": signature});
    let general = json!({"payload": claims, "signatures": [
        {"protected": header, "signature": signature},
    ]});
    let mut large = scene.claims();
    large["padding"] = "x".repeat(16 << 10).into();
    let cases = [
        ("nothing", String::new(), Reason::NotCompact),
        ("a word", "token".into(), Reason::NotCompact),
        ("two dots only", "..".into(), Reason::NotCompact),
        ("three dots only", "...".into(), Reason::NotCompact),
        (
            "two parts",
            format!("{header}.{claims}"),
            Reason::NotCompact,
        ),
        (
            "four parts",
            format!("{good}.{signature}"),
            Reason::NotCompact,
        ),
        (
            "five parts, as if encrypted",
            format!("{good}.AA.AA"),
            Reason::NotCompact,
        ),
        (
            "an empty header",
            format!(".{claims}.{signature}"),
            Reason::NotCompact,
        ),
        (
            "empty claims",
            format!("{header}..{signature}"),
            Reason::NotCompact,
        ),
        (
            "an empty signature",
            format!("{header}.{claims}."),
            Reason::NotCompact,
        ),
        ("flattened JSON", flat.to_string(), Reason::NotCompact),
        ("general JSON", general.to_string(), Reason::NotCompact),
        ("1 MB", "A".repeat(1 << 20), Reason::TooLarge),
        ("1 MB of dots", ".".repeat(1 << 20), Reason::TooLarge),
        (
            "17 KiB, well signed",
            scene.ec.token(&large),
            Reason::TooLarge,
        ),
        (
            "a token in the claims",
            scene.ec.seal(&format!("{header}.{}", encode(&good))),
            Reason::ClaimsNotJson,
        ),
    ];
    named(cases)
}

/// Tokens that another decoder might read as honest ones.
fn spellings(scene: &Scene) -> Vec<Forged> {
    let good = scene.ec.token(&scene.claims());
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("an honest token has three parts")
    };
    let (first, rest) = good.split_at(good.len() / 2);
    let mut last = good.clone();
    // The last letter of 64 bytes holds two bits that no byte has.
    let letter = last.pop().unwrap();
    last.push(char::from(letter.to_string().as_bytes()[0] + 1));
    let cases = [
        ("padding", format!("{good}=="), Reason::NotCompact),
        (
            "padding of the header",
            format!("{header}=.{claims}.{signature}"),
            Reason::NotCompact,
        ),
        (
            "the other alphabet",
            format!("{header}.{claims}.+/{signature}"),
            Reason::NotCompact,
        ),
        ("a space before", format!(" {good}"), Reason::NotCompact),
        ("a newline behind", format!("{good}\n"), Reason::NotCompact),
        (
            "a newline within",
            format!("{first}\n{rest}"),
            Reason::NotCompact,
        ),
        ("NUL behind", format!("{good}\0"), Reason::NotCompact),
        (
            "the scheme twice",
            format!("Bearer {good}"),
            Reason::NotCompact,
        ),
        (
            "another script's letters",
            format!("{header}.{claims}.аАеЕ"),
            Reason::NotCompact,
        ),
        (
            "a dot of another script",
            good.replace('.', "\u{3002}"),
            Reason::NotCompact,
        ),
        ("bits that no byte has", last, Reason::NotCompact),
    ];
    named(cases)
}

/// A token whose header has this too, signed by the right key.
fn with_header(scene: &Scene, name: &str, value: Value) -> String {
    let mut header = scene.ec.header();
    header[name] = value;
    scene.ec.seal(&parts(&header, &scene.claims()))
}

/// A token whose header is written by hand, signed by the right key.
fn with_raw_header(scene: &Scene, text: &str) -> String {
    scene.ec.seal(&raw_parts(text, &scene.claims().to_string()))
}

/// Headers that are none, or name no algorithm of the issuer.
fn algorithms(scene: &Scene) -> Vec<Forged> {
    let header = |name, value| with_header(scene, name, value);
    let raw = |text| with_raw_header(scene, text);
    named([
        ("a header of text", raw("alg"), Reason::HeaderNotJson),
        ("a header that is a list", raw("[]"), Reason::HeaderNotJson),
        (
            "alg twice",
            raw(r#"{"alg":"none","alg":"ES256"}"#),
            Reason::HeaderNotJson,
        ),
        (
            "no alg",
            raw(r#"{"kid":"ec"}"#),
            Reason::HeaderMalformed("alg"),
        ),
        (
            "alg is a number",
            header("alg", json!(256)),
            Reason::HeaderMalformed("alg"),
        ),
        (
            "alg is a list",
            header("alg", json!(["ES256"])),
            Reason::HeaderMalformed("alg"),
        ),
        (
            "alg in lower case",
            header("alg", json!("es256")),
            Reason::Algorithm,
        ),
        (
            "alg unknown",
            header("alg", json!("ES999")),
            Reason::Algorithm,
        ),
        (
            "alg of the other issuer",
            header("alg", json!("ES384")),
            Reason::Algorithm,
        ),
    ])
}

/// Key ids that would be more than a name, if anybody let them.
fn key_ids(scene: &Scene) -> Vec<Forged> {
    let header = |name, value| with_header(scene, name, value);
    named([
        (
            "kid climbs",
            header("kid", json!("../../../../dev/null")),
            Reason::UnknownKey,
        ),
        (
            "kid is SQL",
            header("kid", json!("x' UNION SELECT 'k' --")),
            Reason::UnknownKey,
        ),
        (
            "kid with NUL",
            header("kid", json!("ec\0")),
            Reason::UnknownKey,
        ),
        (
            "kid is a URL",
            header("kid", json!("http://127.0.0.1/keys")),
            Reason::UnknownKey,
        ),
        ("kid is empty", header("kid", json!("")), Reason::UnknownKey),
        (
            "kid is huge",
            header("kid", json!("k".repeat(257))),
            Reason::HeaderMalformed("kid"),
        ),
        (
            "kid is a number",
            header("kid", json!(1)),
            Reason::HeaderMalformed("kid"),
        ),
        (
            "kid is null",
            header("kid", Value::Null),
            Reason::HeaderMalformed("kid"),
        ),
    ])
}

/// Headers that bring a key, or change what the parts mean.
fn extensions(scene: &Scene) -> Vec<Forged> {
    let header = |name, value| with_header(scene, name, value);
    let refused = Reason::HeaderNotAccepted;
    let own = scene.stranger.jwk();
    named([
        (
            "jku",
            header("jku", json!("https://evil.example/keys")),
            refused("jku"),
        ),
        (
            "x5u",
            header("x5u", json!("https://evil.example/cert")),
            refused("x5u"),
        ),
        ("x5c", header("x5c", json!(["MIIB"])), refused("x5c")),
        ("jwk", header("jwk", own), refused("jwk")),
        (
            "crit, known",
            header("crit", json!(["exp"])),
            refused("crit"),
        ),
        (
            "crit, unknown",
            header("crit", json!(["x-new"])),
            refused("crit"),
        ),
        ("crit, empty", header("crit", json!([])), refused("crit")),
        ("b64", header("b64", json!(false)), refused("b64")),
        ("nested", header("cty", json!("JWT")), refused("cty")),
        ("compressed", header("zip", json!("DEF")), refused("zip")),
        ("encrypted", header("enc", json!("A128GCM")), refused("enc")),
    ])
}

/// Tokens of a type that the issuer's settings do not accept.
fn types(scene: &Scene) -> Vec<Forged> {
    let header = |name, value| with_header(scene, name, value);
    let raw = |text| with_raw_header(scene, text);
    named([
        (
            "typ of an ID token",
            header("typ", json!("JWT")),
            Reason::TokenType,
        ),
        (
            "typ of a logout token",
            header("typ", json!("logout+jwt")),
            Reason::TokenType,
        ),
        ("typ is empty", header("typ", json!("")), Reason::TokenType),
        (
            "typ is a number",
            header("typ", json!(7)),
            Reason::HeaderMalformed("typ"),
        ),
        (
            "no typ",
            raw(r#"{"alg":"ES256","kid":"ec"}"#),
            Reason::TokenType,
        ),
    ])
}

pub(super) fn named<const N: usize>(cases: [(&str, String, Reason); N]) -> Vec<Forged> {
    cases
        .into_iter()
        .map(|(name, token, reason)| (name.to_owned(), token, reason))
        .collect()
}

fn all(scene: &Scene) -> Vec<Forged> {
    let mut all = envelopes(scene);
    all.extend(spellings(scene));
    all.extend(algorithms(scene));
    all.extend(key_ids(scene));
    all.extend(extensions(scene));
    all.extend(types(scene));
    all.extend(signatures(scene));
    all.extend(claims(scene));
    all.extend(grants(scene));
    all
}

#[tokio::test]
async fn no_forged_token_is_accepted_and_together_they_cost_one_fetch() {
    let scene = Scene::new().await;
    let forged = all(&scene);
    assert!(forged.len() >= 100, "{}", forged.len());
    let mut wrong = Vec::new();
    for (name, token, reason) in &forged {
        let found = scene.verify(token).await.err();
        if found != Some(*reason) {
            wrong.push(format!("{name}: {found:?} and not {reason:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for provider in [&scene.provider, &scene.other] {
        for path in [KEYS, DISCOVERY] {
            let asked = provider.asked(path);
            assert!(
                (1..=2).contains(&asked),
                "{path} was asked for {asked} times"
            );
        }
    }
    // Control: what they were made from is accepted.
    for token in [
        scene.ec.token(&scene.claims()),
        scene.ed.token(&scene.other_claims()),
    ] {
        assert!(scene.verify(&token).await.is_ok());
    }
}

#[tokio::test]
async fn a_forged_token_costs_little() {
    let scene = Scene::new().await;
    let forged = all(&scene);
    // The one fetch for an unknown key is over before anything is measured.
    for (_, token, _) in &forged {
        assert!(scene.verify(token).await.is_err());
    }
    for (name, token, _) in &forged {
        // The best of some, because other work on the machine only adds. None takes a third of a
        // millisecond even in a build that is not optimised; the rest is for a busy machine.
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let start = Instant::now();
            assert!(scene.verify(token).await.is_err());
            best = best.min(start.elapsed());
        }
        assert!(best < Duration::from_millis(5), "{name} took {best:?}");
    }
}

#[tokio::test]
async fn every_rejection_looks_alike_but_in_the_log() {
    let scene = Scene::new().await;
    for (name, token, _) in all(&scene) {
        let rejected = scene.issuers.verify(&token, super::scene::now()).await;
        let told = rejected.unwrap_err().to_string();
        let repeats = |part: &str| part.len() > 8 && told.contains(part);
        assert!(
            !told.is_empty() && !token.split('.').any(repeats),
            "{name}: {told}"
        );
    }
}
