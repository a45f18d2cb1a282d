//! An issuer of tokens, for tests that call a server which asks who they are.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;
use tempfile::TempDir;
use trellis_core::{Clock as _, ManualClock, Role, lifecycle::Named as _};

/// What its tokens say of where they come from.
const NAME: &str = "https://id.canary.example";

/// How long its tokens are good for, in seconds.
const LIFETIME: i64 = 30 * 24 * 60 * 60;

/// An issuer with one key, which it publishes in a file.
pub struct Issuer {
    key: EcdsaKeyPair,
    random: SystemRandom,
    folder: TempDir,
}

impl Issuer {
    /// The name under which subjects of its tokens are known: `{ALIAS}:{subject}`.
    pub const ALIAS: &str = "t";

    /// An issuer with a new key.
    ///
    /// # Panics
    /// When its key cannot be made or published.
    #[must_use]
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let written = EcdsaKeyPair::generate_pkcs8(kind, &random).expect("a key is made");
        let key = EcdsaKeyPair::from_pkcs8(kind, written.as_ref(), &random);
        let key = key.expect("a key that was made is a key");
        // An uncompressed point: one byte that says so, and two numbers.
        let (_, point) = key.public_key().as_ref().split_at(1);
        let (x, y) = point.split_at(32);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y), "kid": "k"});
        let folder = tempfile::tempdir().expect("a folder for the key");
        let keys = json!({ "keys": [jwk] }).to_string();
        std::fs::write(folder.path().join("keys.json"), keys).expect("the key is published");
        Self {
            key,
            random,
            folder,
        }
    }

    /// The setting `issuers` of a server that believes it about these ecosystems. A token's roles
    /// are named as they are here.
    #[must_use]
    pub fn setting(&self, ecosystems: &[String]) -> String {
        let roles = Role::ALL.map(|role| format!("{0} = \"{0}\"", role.name()));
        format!(
            "[{{alias = \"{}\", issuer = \"{NAME}\", audiences = [\"trellis\"], \
             algorithms = [\"ES256\"], jwks-file = \"{}\", ecosystems = {ecosystems:?}, \
             ecosystem-claim = \"ecosystems\", roles-claim = \"roles\", \
             roles = {{ {} }}, partner-claim = \"partner\"}}]",
            Self::ALIAS,
            self.folder.path().join("keys.json").display(),
            roles.join(", ")
        )
    }

    /// A token for somebody with one role in some ecosystems, there for a partner if one is named.
    ///
    /// # Panics
    /// When it cannot be signed.
    #[must_use]
    pub fn token(
        &self,
        clock: &ManualClock,
        subject: &str,
        role: Option<Role>,
        ecosystems: &[String],
        partner: Option<&str>,
    ) -> String {
        let now = clock.now().micros() / 1_000_000;
        let roles: Vec<&str> = role.iter().map(|role| role.name()).collect();
        let mut claims = json!({
            "iss": NAME, "aud": "trellis", "sub": subject, "iat": now, "exp": now + LIFETIME,
            "roles": roles, "ecosystems": ecosystems,
        });
        if let (Some(claims), Some(partner)) = (claims.as_object_mut(), partner) {
            claims.insert("partner".to_owned(), partner.into());
        }
        let header = json!({"typ": "at+jwt", "alg": "ES256", "kid": "k"});
        let signed = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let signature = self.key.sign(&self.random, signed.as_bytes());
        format!("{signed}.{}", encode(signature.expect("it is signed")))
    }
}

impl Default for Issuer {
    fn default() -> Self {
        Self::new()
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
