//! An issuer's set of public keys, and which of them may verify a token.
//!
//! A set may hold keys that are none of our business: for encryption, of kinds that we do not
//! verify, too weak. They are left out one by one; none makes the others unusable.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::algorithm::{Algorithm, PublicKey};
use super::rejected::Reason;
use super::strict::StrictObject;

/// The longest key id, of a key or of a token.
pub(super) const KID_LONGEST: usize = 256;

/// The most keys that are read of a set.
const KEYS_MOST: usize = 64;

/// The fewest and the most bits of an RSA modulus.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;

/// The keys that an issuer signs with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KeySet {
    keys: Vec<Key>,
    /// What was left out, as a list for the log.
    pub(super) left_out: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Key {
    kid: Option<String>,
    /// The only algorithm that the issuer uses it for, when it says so.
    only: Option<Algorithm>,
    public: PublicKey,
}

impl Key {
    fn suits(&self, algorithm: Algorithm) -> bool {
        self.public.suits(algorithm) && self.only.is_none_or(|only| only == algorithm)
    }
}

/// The document is not a set of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document is not a JSON object with a list of keys whose names stand once")]
pub(super) struct NotAKeySet;

impl KeySet {
    /// Reads a set of keys.
    pub(super) fn try_new(document: &[u8]) -> Result<Self, NotAKeySet> {
        let object: StrictObject = serde_json::from_slice(document).map_err(|_| NotAKeySet)?;
        let Some(Value::Array(written)) = object.0.get("keys") else {
            return Err(NotAKeySet);
        };
        let mut set = Self::default();
        for (index, value) in written.iter().enumerate() {
            let read = match value {
                Value::Object(_) if set.keys.len() >= KEYS_MOST => Err("is one too many"),
                Value::Object(fields) => read(fields),
                _ => Err("is no object"),
            };
            match read {
                Ok(key) => set.keys.push(key),
                Err(why) => set.left_out.push(format!("keys[{index}] {why}")),
            }
        }
        Ok(set)
    }

    /// The number of keys.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key for a token of this key id and algorithm.
    pub(super) fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<&PublicKey, Reason> {
        let Some(kid) = kid else {
            let mut suited = self.keys.iter().filter(|key| key.suits(algorithm));
            return match (suited.next(), suited.next()) {
                (Some(only), None) => Ok(&only.public),
                _ => Err(Reason::AmbiguousKey),
            };
        };
        let mut named = self
            .keys
            .iter()
            .filter(|key| key.kid.as_deref() == Some(kid))
            .peekable();
        if named.peek().is_none() {
            return Err(Reason::UnknownKey);
        }
        named
            .find(|key| key.suits(algorithm))
            .map(|key| &key.public)
            .ok_or(Reason::KeyOfOtherKind)
    }
}

/// Reads one key, or says why it is left out.
fn read(fields: &Map<String, Value>) -> Result<Key, &'static str> {
    let text = |name: &str| match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err("has a field of the wrong type"),
    };
    if text("use")?.is_some_and(|meant| meant != "sig") {
        return Err("is not for signatures");
    }
    if let Some(operations) = fields.get("key_ops") {
        let verify = |operations: &Vec<Value>| operations.iter().any(|one| one == "verify");
        if !operations.as_array().is_some_and(verify) {
            return Err("is not for verifying");
        }
    }
    if fields.contains_key("d") || fields.contains_key("k") {
        return Err("is a secret key: whoever published it must replace it");
    }
    let public = match (text("kty")?, text("crv")?) {
        (Some("EC"), Some("P-256")) => PublicKey::P256(point(fields, 32)?),
        (Some("EC"), Some("P-384")) => PublicKey::P384(point(fields, 48)?),
        (Some("OKP"), Some("Ed25519")) => PublicKey::Ed25519(bytes(fields, "x", 32)?),
        (Some("RSA"), _) => rsa(fields)?,
        _ => return Err("is of a kind or curve that is not verified here"),
    };
    let only = match text("alg")? {
        None => None,
        // The newer name of the same algorithm on the one curve that we verify.
        Some("Ed25519") => Some(Algorithm::EdDsa),
        Some(name) => {
            Some(Algorithm::named(name).ok_or("is for an alg that is not verified here")?)
        }
    };
    if only.is_some_and(|only| !public.suits(only)) {
        return Err("has an alg that its kind cannot have");
    }
    let kid = text("kid")?;
    if kid.is_some_and(|kid| kid.len() > KID_LONGEST) {
        return Err("has a kid that is too long");
    }
    Ok(Key {
        kid: kid.map(str::to_owned),
        only,
        public,
    })
}

fn field(fields: &Map<String, Value>, name: &str) -> Result<Vec<u8>, &'static str> {
    let Some(Value::String(text)) = fields.get(name) else {
        return Err("lacks a coordinate");
    };
    BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| "has a coordinate that is not base64url")
}

fn bytes(fields: &Map<String, Value>, name: &str, length: usize) -> Result<Vec<u8>, &'static str> {
    let bytes = field(fields, name)?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err("has a coordinate of the wrong length")
    }
}

/// A point as SEC 1 writes it: 4, then both coordinates.
fn point(fields: &Map<String, Value>, length: usize) -> Result<Vec<u8>, &'static str> {
    let mut point = vec![4];
    point.extend(bytes(fields, "x", length)?);
    point.extend(bytes(fields, "y", length)?);
    Ok(point)
}

fn rsa(fields: &Map<String, Value>) -> Result<PublicKey, &'static str> {
    let number = |name| {
        let bytes = field(fields, name)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Ok::<_, &'static str>(bytes.into_iter().skip(zeros).collect::<Vec<u8>>())
    };
    let (n, e) = (number("n")?, number("e")?);
    let unused = n.first().map_or(0, |first| first.leading_zeros());
    let bits = u32::try_from(n.len() * 8).unwrap_or(u32::MAX) - unused;
    if !RSA_BITS.contains(&bits) {
        return Err("has an RSA modulus of less than 2048 or more than 8192 bits");
    }
    Ok(PublicKey::Rsa { n, e })
}
