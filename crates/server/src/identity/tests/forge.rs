//! Signs tokens, well and badly.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};

use super::super::algorithm::Algorithm;

/// A private RSA key of 2048 bits that signs nothing but these tests.
const RSA: &[u8] = include_bytes!("keys/rsa.pk8");

/// Base64url, as tokens have it.
pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Both signed parts of a token.
pub(super) fn parts(header: &Value, claims: &Value) -> String {
    raw_parts(&header.to_string(), &claims.to_string())
}

/// Both signed parts of a token whose JSON is written by hand.
pub(super) fn raw_parts(header: &str, claims: &str) -> String {
    format!("{}.{}", encode(header), encode(claims))
}

/// Whoever has a private key.
pub(super) struct Signer {
    pub(super) kid: &'static str,
    pub(super) algorithm: Algorithm,
    key: Pair,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl Signer {
    /// A signer with a new key; those of RSA share one.
    pub(super) fn new(kid: &'static str, algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let ec = |kind: &'static EcdsaSigningAlgorithm| {
            let written = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
            Pair::Ec(EcdsaKeyPair::from_pkcs8(kind, written.as_ref(), &random).unwrap())
        };
        let key = match algorithm {
            Algorithm::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::EdDsa => {
                let written = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                Pair::Ed(Ed25519KeyPair::from_pkcs8(written.as_ref()).unwrap())
            }
            Algorithm::Rs256 | Algorithm::Ps256 => Pair::Rsa(RsaKeyPair::from_pkcs8(RSA).unwrap()),
        };
        Self {
            kid,
            algorithm,
            key,
        }
    }

    /// The public key as an issuer publishes it.
    pub(super) fn jwk(&self) -> Value {
        let mut jwk = match &self.key {
            Pair::Ec(key) => {
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Pair::Ed(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key())})
            }
            Pair::Rsa(key) => {
                let PublicKeyComponents { n, e } =
                    PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"kty": "RSA", "n": encode(n), "e": encode(e)})
            }
        };
        jwk["kid"] = self.kid.into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// The header that the signer's honest tokens have.
    pub(super) fn header(&self) -> Value {
        json!({"typ": "at+jwt", "alg": self.algorithm.name(), "kid": self.kid})
    }

    /// The signature of these bytes.
    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Pair::Ec(key) => key.sign(&random, bytes).unwrap().as_ref().to_vec(),
            Pair::Ed(key) => key.sign(bytes).as_ref().to_vec(),
            Pair::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let padding: &dyn ring::signature::RsaEncoding =
                    if self.algorithm == Algorithm::Ps256 {
                        &RSA_PSS_SHA256
                    } else {
                        &RSA_PKCS1_SHA256
                    };
                key.sign(padding, &random, bytes, &mut signature).unwrap();
                signature
            }
        }
    }

    /// Both signed parts with the signature.
    pub(super) fn seal(&self, parts: &str) -> String {
        format!("{parts}.{}", encode(self.sign(parts.as_bytes())))
    }

    /// An honest token.
    pub(super) fn token(&self, claims: &Value) -> String {
        self.seal(&parts(&self.header(), claims))
    }
}
