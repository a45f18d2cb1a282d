//! The secrets of API keys: how they are made, written, and told from others.
//!
//! A secret is `trellis_{ecosystem}_{key id}_{256 random bits}`, so that one look-up by the primary
//! key finds its row. The random part is beyond guessing; so what is kept is no slow hash but one
//! keyed with the deployment's own secret (HMAC-SHA-256): who reads the table alone cannot even try.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use trellis_core::{ApiKeyId, EcosystemId};
use trellis_store::platform::api_key::KeyHash;

/// How every secret begins, so that scanners of repositories know one when they see it.
pub const PREFIX: &str = "trellis_";

/// The longest secret: what cannot be one is not looked up.
const LONGEST: usize = 256;

/// How many characters of the random part are shown.
const SHOWN: usize = 6;

/// What the secrets of a deployment are hashed with.
#[derive(Clone)]
pub struct Pepper([u8; 32]);

impl Pepper {
    /// A pepper of the deployment's own secret.
    #[must_use]
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The keyed hash of a secret.
    #[must_use]
    pub fn hash(&self, secret: &str) -> KeyHash {
        KeyHash(self.keyed(secret).finalize().into_bytes().to_vec())
    }

    /// Whether a secret has this hash, told in constant time.
    #[must_use]
    pub fn matches(&self, secret: &str, hash: &KeyHash) -> bool {
        self.keyed(secret).verify_slice(&hash.0).is_ok()
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn keyed(&self, secret: &str) -> Hmac<Sha256> {
        let mut hash = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length");
        hash.update(secret.as_bytes());
        hash
    }
}

impl std::fmt::Debug for Pepper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pepper")
    }
}

/// A new secret.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Makes a secret for a key.
    #[must_use]
    pub fn generate(ecosystem: &EcosystemId, id: &ApiKeyId) -> Self {
        let random: [u8; 32] = rand::random();
        let random = URL_SAFE_NO_PAD.encode(random);
        Self(format!("{PREFIX}{ecosystem}_{id}_{random}"))
    }

    /// The secret itself. It leaves the server once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// How the random part begins; enough to tell two secrets of a key apart, and nothing else.
    #[must_use]
    pub fn shown(&self) -> String {
        let random = self.0.splitn(4, '_').nth(3).unwrap_or_default();
        random.chars().take(SHOWN).collect()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Which key a text claims to be the secret of; nothing when it cannot be one.
#[must_use]
pub fn claimed(text: &str) -> Option<(EcosystemId, ApiKeyId)> {
    if text.len() > LONGEST {
        return None;
    }
    let mut parts = text.strip_prefix(PREFIX)?.splitn(3, '_');
    let ecosystem = EcosystemId::try_new(parts.next()?).ok()?;
    let id = ApiKeyId::try_new(parts.next()?).ok()?;
    parts.next().filter(|random| !random.is_empty())?;
    Some((ecosystem, id))
}

#[cfg(test)]
mod tests {
    use trellis_core::Timestamp;

    use super::*;

    fn acme() -> EcosystemId {
        EcosystemId::try_new("acme-east").unwrap()
    }

    #[test]
    fn a_secret_names_its_key_and_matches_its_own_hash_only() {
        let id = ApiKeyId::generate(Timestamp::from_micros(1));
        let secret = Secret::generate(&acme(), &id);
        assert_eq!(claimed(secret.reveal()), Some((acme(), id.clone())));
        let pepper = Pepper::new([7; 32]);
        let hash = pepper.hash(secret.reveal());
        assert!(pepper.matches(secret.reveal(), &hash));
        assert!(!pepper.matches(Secret::generate(&acme(), &id).reveal(), &hash));
        assert!(!Pepper::new([8; 32]).matches(secret.reveal(), &hash));
        assert_eq!(secret.shown().len(), 6);
        assert!(!format!("{secret:?} {pepper:?}").contains(&secret.shown()));
    }

    #[test]
    fn what_cannot_be_a_secret_claims_no_key() {
        let long = format!("trellis_acme_crm_{}", "x".repeat(300));
        for bad in [
            "",
            "trellis_",
            "trellis_acme",
            "trellis_acme_crm",
            "trellis_acme_crm_",
            "trellis_ACME_crm_x",
            "trellis_acme_c/m_x",
            "bearer_acme_crm_x",
            long.as_str(),
        ] {
            assert_eq!(claimed(bad), None, "{bad}");
        }
    }
}
