//! Two issuers and the tokens that they sign: what the forgeries are measured against.

use rustls::RootCertStore;
use serde_json::{Value, json};
use trellis_core::Timestamp;

use super::super::algorithm::Algorithm;
use super::super::fetch::Fetcher;
use super::super::keys::Pace;
use super::super::rejected::Reason;
use super::super::{Identity, IssuerSettings, Issuers, read_issuers};
use super::forge::Signer;
use super::provider::Provider;

/// The second at which the tests play.
pub(super) const NOW: i64 = 1_800_000_000;

/// The moment at which the tests play.
pub(super) fn now() -> Timestamp {
    Timestamp::from_micros(NOW * 1_000_000)
}

/// Settings as an operator writes them.
pub(super) fn settings(text: &str) -> Vec<IssuerSettings> {
    let table: toml::Table = text.parse().unwrap();
    read_issuers(table["issuers"].as_array().unwrap()).unwrap()
}

/// A fetcher that trusts nobody, which is enough on this machine.
pub(super) fn fetcher() -> Fetcher {
    Fetcher::trusting(RootCertStore::empty()).unwrap()
}

/// Issuers at this pace.
pub(super) async fn issuers(text: &str, pace: Pace) -> Issuers {
    Issuers::with(&settings(text), &fetcher(), pace)
        .await
        .unwrap()
}

/// An ecosystem `acme` whose issuer signs with ES256, RS256 and PS256, and an ecosystem `globex`
/// whose issuer signs with EdDSA and ES384.
pub(super) struct Scene {
    pub(super) provider: Provider,
    pub(super) other: Provider,
    pub(super) issuers: Issuers,
    pub(super) ec: Signer,
    pub(super) rsa: Signer,
    pub(super) pss: Signer,
    pub(super) ed: Signer,
    pub(super) p384: Signer,
    /// Published for encryption only.
    pub(super) encryption: Signer,
    /// Published for RS256 only.
    pub(super) rs256_only: Signer,
    /// Published nowhere.
    pub(super) stranger: Signer,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let ec = Signer::new("ec", Algorithm::Es256);
        let rsa = Signer::new("rsa", Algorithm::Rs256);
        let pss = Signer::new("rsa", Algorithm::Ps256);
        let ed = Signer::new("ed", Algorithm::EdDsa);
        let p384 = Signer::new("p384", Algorithm::Es384);
        let encryption = Signer::new("enc", Algorithm::Es256);
        let rs256_only = Signer::new("rs256", Algorithm::Ps256);
        let mut enc = encryption.jwk();
        enc["use"] = "enc".into();
        let mut only = rs256_only.jwk();
        only["alg"] = "RS256".into();
        let provider = Provider::start(&[ec.jwk(), rsa.jwk(), p384.jwk(), enc, only]).await;
        let other = Provider::start(&[ed.jwk(), p384.jwk()]).await;
        let text = format!(
            r#"
            [[issuers]]
            alias = "acme-id"
            issuer = "{}"
            audiences = ["trellis", "trellis-import"]
            algorithms = ["ES256", "RS256", "PS256"]
            lifetime-max = "1h"
            ecosystems = ["acme", "acme-test"]
            ecosystem-claim = "ecosystem"
            roles-claim = ["realm", "roles"]
            roles = {{ boss = "ecosystem_admin", seller = "partner_rep", money = "finance_approver" }}
            partner-claim = "https://trellis.example/partner"
            person-claim = "email"

            [[issuers]]
            alias = "globex-id"
            issuer = "{}"
            audiences = ["trellis"]
            algorithms = ["EdDSA", "ES384"]
            token-types = ["at+jwt", "JWT"]
            ecosystems = ["globex"]
            "#,
            provider.url, other.url
        );
        let issuers = issuers(&text, Pace::STANDARD).await;
        Self {
            provider,
            other,
            issuers,
            ec,
            rsa,
            pss,
            ed,
            p384,
            encryption,
            rs256_only,
            stranger: Signer::new("ec", Algorithm::Es256),
        }
    }

    /// Honest claims of the issuer of `acme`.
    pub(super) fn claims(&self) -> Value {
        json!({
            "iss": self.provider.url, "sub": "u-1", "aud": "trellis",
            "iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + 600,
            "ecosystem": "acme", "realm": {"roles": ["seller", "offline_access"]},
            "https://trellis.example/partner": "nimbus",
            "email": "mara@acme.example", "email_verified": true,
        })
    }

    /// Honest claims of the issuer of `globex`.
    pub(super) fn other_claims(&self) -> Value {
        json!({"iss": self.other.url, "sub": "u-2", "aud": ["x", "trellis"], "exp": NOW + 600})
    }

    /// Honest claims, one of them another.
    pub(super) fn with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        claims[name] = value;
        claims
    }

    /// Honest claims without one of them.
    pub(super) fn without(&self, name: &str) -> Value {
        let mut claims = self.claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    }

    /// What becomes of a token.
    pub(super) async fn verify(&self, token: &str) -> Result<Identity, Reason> {
        self.issuers.verify_at(token, now()).await
    }
}
