//! Tokens whose signature is not the issuer's, however it pretends to be.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;
use serde_json::json;

use super::super::rejected::Reason;
use super::forge::{Signer, encode, parts};
use super::forged::{Forged, named};
use super::scene::Scene;

/// The public key of the tests' RSA key, as PEM.
const RSA_PUBLIC: &str = include_str!("keys/rsa_public.pem");

/// The order of P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

pub(super) fn signatures(scene: &Scene) -> Vec<Forged> {
    let mut all = without_key(scene);
    all.extend(with_the_public_key(scene));
    all.extend(elliptic(scene));
    all.extend(with_another_key(scene));
    all.extend(with_another_tokens_parts(scene));
    all
}

/// `none` in every spelling, with a signature and without.
fn without_key(scene: &Scene) -> Vec<Forged> {
    let mut all = Vec::new();
    for alg in ["none", "None", "NONE", "nOnE", "", "null", "none "] {
        let header = json!({"typ": "at+jwt", "alg": alg, "kid": "ec"});
        let parts = parts(&header, &scene.claims());
        all.push((
            format!("alg {alg:?}, signed"),
            scene.ec.seal(&parts),
            Reason::Algorithm,
        ));
        all.push((
            format!("alg {alg:?}, zero"),
            format!("{parts}.AA"),
            Reason::Algorithm,
        ));
        all.push((
            format!("alg {alg:?}, bare"),
            format!("{parts}."),
            Reason::NotCompact,
        ));
    }
    all
}

/// HMAC with what everybody knows of the issuer's key as the secret.
fn with_the_public_key(scene: &Scene) -> Vec<Forged> {
    let base64: String = RSA_PUBLIC
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let jwk = scene.rsa.jwk();
    let n = jwk["n"].as_str().unwrap();
    let secrets = [
        ("PEM", RSA_PUBLIC.as_bytes().to_vec()),
        ("PEM, trimmed", RSA_PUBLIC.trim().as_bytes().to_vec()),
        ("DER", BASE64_STANDARD.decode(base64).unwrap()),
        (
            "modulus",
            base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(n).unwrap(),
        ),
        ("modulus, as text", n.as_bytes().to_vec()),
        ("JWK", jwk.to_string().into_bytes()),
        ("kid", b"rsa".to_vec()),
        ("nothing", Vec::new()),
    ];
    let algorithms = [
        ("HS256", hmac::HMAC_SHA256),
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
    ];
    let mut all = Vec::new();
    for (alg, algorithm) in algorithms {
        for (of, secret) in &secrets {
            let header = json!({"typ": "at+jwt", "alg": alg, "kid": "rsa"});
            let parts = parts(&header, &scene.claims());
            let key = hmac::Key::new(algorithm, secret);
            let token = format!("{parts}.{}", encode(hmac::sign(&key, parts.as_bytes())));
            all.push((format!("{alg} with the {of}"), token, Reason::Algorithm));
        }
    }
    all
}

/// Signatures on the curve that are none.
fn elliptic(scene: &Scene) -> Vec<Forged> {
    let parts = parts(&scene.ec.header(), &scene.claims());
    let good = scene.ec.sign(parts.as_bytes());
    let (r, s) = good.split_at(32);
    let with = |signature: &[u8]| format!("{parts}.{}", encode(signature));
    let der = [&[0x30, 68, 2, 32][..], r, &[2, 32], s].concat();
    let cases = [
        ("r and s are zero", with(&[0; 64]), Reason::Signature),
        (
            "r is zero",
            with(&[&[0; 32], s].concat()),
            Reason::Signature,
        ),
        (
            "s is zero",
            with(&[r, &[0; 32]].concat()),
            Reason::Signature,
        ),
        (
            "r and s are the order",
            with(&[ORDER, ORDER].concat()),
            Reason::Signature,
        ),
        ("r and s are all ones", with(&[0xff; 64]), Reason::Signature),
        (
            "r and s are swapped",
            with(&[s, r].concat()),
            Reason::Signature,
        ),
        ("in DER", with(&der), Reason::Signature),
        ("a byte too short", with(&good[..63]), Reason::Signature),
        (
            "a byte too long",
            with(&[&good[..], &[0]].concat()),
            Reason::Signature,
        ),
        ("half", with(r), Reason::Signature),
        ("one byte", with(&good[..1]), Reason::Signature),
        (
            "twice",
            with(&[&good[..], &good].concat()),
            Reason::Signature,
        ),
    ];
    // Control: these parts with the signature as it is.
    assert_eq!(with(&good).split('.').count(), 3);
    named(cases)
}

/// Tokens that are well signed, by a key that must not sign them.
fn with_another_key(scene: &Scene) -> Vec<Forged> {
    let claims = scene.claims();
    let as_if = |signer: &Signer, alg: &str, kid: &str| {
        let header = json!({"typ": "at+jwt", "alg": alg, "kid": kid});
        signer.seal(&parts(&header, &claims))
    };
    let no_kid = |signer: &Signer, alg: &str| {
        signer.seal(&parts(&json!({"typ": "at+jwt", "alg": alg}), &claims))
    };
    let cases = [
        (
            "a stranger's key",
            scene.stranger.token(&claims),
            Reason::Signature,
        ),
        (
            "the other issuer's key",
            as_if(&scene.ed, "EdDSA", "ed"),
            Reason::Algorithm,
        ),
        (
            "the other issuer's kid",
            as_if(&scene.ec, "ES256", "ed"),
            Reason::UnknownKey,
        ),
        (
            "the wrong curve",
            as_if(&scene.p384, "ES256", "p384"),
            Reason::KeyOfOtherKind,
        ),
        (
            "RSA as EC",
            as_if(&scene.rsa, "ES256", "rsa"),
            Reason::KeyOfOtherKind,
        ),
        (
            "EC as RSA",
            as_if(&scene.ec, "RS256", "ec"),
            Reason::KeyOfOtherKind,
        ),
        (
            "PSS as PKCS #1",
            as_if(&scene.pss, "RS256", "rsa"),
            Reason::Signature,
        ),
        (
            "PKCS #1 as PSS",
            as_if(&scene.rsa, "PS256", "rsa"),
            Reason::Signature,
        ),
        (
            "a key for RS256 only",
            scene.rs256_only.token(&claims),
            Reason::KeyOfOtherKind,
        ),
        (
            "a key for encryption",
            scene.encryption.token(&claims),
            Reason::UnknownKey,
        ),
        (
            "no kid, two keys",
            no_kid(&scene.rsa, "RS256"),
            Reason::AmbiguousKey,
        ),
        (
            "no kid, a stranger's key",
            no_kid(&scene.stranger, "ES256"),
            Reason::Signature,
        ),
    ];
    named(cases)
}

/// Tokens that are put together from honest ones.
fn with_another_tokens_parts(scene: &Scene) -> Vec<Forged> {
    let good = scene.ec.token(&scene.claims());
    let other = scene.ec.token(&scene.with("sub", json!("u-9")));
    let swapped = {
        let good: Vec<_> = good.split('.').collect();
        let other: Vec<_> = other.split('.').collect();
        format!("{}.{}.{}", good[0], other[1], good[2])
    };
    let header = {
        let tail = good.split_once('.').unwrap().1;
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": "ec", "x": 1});
        format!("{}.{tail}", encode(header.to_string()))
    };
    named([
        ("another token's signature", swapped, Reason::Signature),
        ("another header", header, Reason::Signature),
        (
            "iss of the other issuer",
            scene.ec.token(&scene.other_claims()),
            Reason::Algorithm,
        ),
        (
            "iss of the other issuer, with the key both have",
            scene.ed.token(&scene.claims()),
            Reason::Algorithm,
        ),
    ])
}
