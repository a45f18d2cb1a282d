//! How requests are signed, by the Standard Webhooks specification 1.0: HMAC-SHA256 (`v1`) with a secret that
//! both sides have, and Ed25519 (`v1a`) with a key of which the receiver has the public half.
//!
//! What is signed is `{webhook-id}.{webhook-timestamp}.{body}`. During the overlap of a rotation each request
//! carries the signatures of the keys before, too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sha2::Sha256;
use trellis_core::Timestamp;
use trellis_store::platform::webhook::{Model, SigningKey};

/// Makes a key at random: a secret, or the seed of a key pair.
pub(super) fn generate() -> SigningKey {
    SigningKey(rand::random::<[u8; 32]>().to_vec())
}

/// The secret as its receiver is told it.
pub(super) fn secret(key: &SigningKey) -> String {
    format!("whsec_{}", STANDARD.encode(&key.0))
}

/// The public half of a key pair; nothing when the seed is none.
pub(super) fn public_key(seed: &SigningKey) -> Option<String> {
    let public = STANDARD.encode(pair(seed)?.public_key());
    Some(format!("whpk_{public}"))
}

fn pair(seed: &SigningKey) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(&seed.0).ok()
}

/// The header `webhook-signature` of a request; `now` is the deployment's time.
pub(super) fn header(webhook: &Model, now: Timestamp, id: &str, body: &[u8]) -> String {
    let mut signed = format!("{id}.{}.", seconds(now)).into_bytes();
    signed.extend_from_slice(body);
    let overlaps = webhook.previous_expire_time.is_some_and(|end| now < end);
    let before = |key: &'_ Option<SigningKey>| key.clone().filter(|_| overlaps);
    let secrets = [
        Some(webhook.secret.clone()),
        before(&webhook.previous_secret),
    ];
    let seeds = [Some(webhook.seed.clone()), before(&webhook.previous_seed)];
    let symmetric = secrets.iter().flatten().map(|key| {
        let tag = keyed(key, &signed).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(tag))
    });
    let asymmetric = seeds.iter().flatten().filter_map(pair);
    let asymmetric = asymmetric.map(|pair| format!("v1a,{}", STANDARD.encode(pair.sign(&signed))));
    symmetric.chain(asymmetric).collect::<Vec<_>>().join(" ")
}

/// A moment as the header `webhook-timestamp` says it.
pub(super) fn seconds(now: Timestamp) -> i64 {
    now.micros().div_euclid(1_000_000)
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed(key: &SigningKey, signed: &[u8]) -> Hmac<Sha256> {
    let mut hash = Hmac::<Sha256>::new_from_slice(&key.0).expect("any length");
    hash.update(signed);
    hash
}
