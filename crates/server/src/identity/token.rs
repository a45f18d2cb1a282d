//! A token as it comes: three parts of base64url, of which the first two are JSON.
//!
//! Nothing here trusts anything. What is found is only what the token says of itself, to choose
//! the settings and the key by which it is then verified. Everything that could make the token
//! choose more than that (another key, another place for keys, another meaning of its parts) is
//! refused here.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::jwk::KID_LONGEST;
use super::rejected::Reason;
use super::strict::StrictObject;

/// The largest token, in bytes.
const LARGEST: usize = 16 << 10;

/// Headers that bring a key along or say where one is, change what the parts mean, or demand what
/// we do not know.
const NOT_ACCEPTED: [&str; 9] = [
    // Keys, and where keys are: ours come from the settings.
    "jwk", "jku", "x5c", "x5u",
    // Extensions that must be understood. We understand none.
    "crit", "b64", // A token within the token, encrypted or compressed ones.
    "cty", "enc", "zip",
];

/// A token, taken apart.
#[derive(Debug)]
pub(super) struct Token<'a> {
    /// The text that is signed.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
    /// The name of the algorithm.
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    pub(super) claims: Map<String, Value>,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    pub(super) fn try_new(text: &'a str) -> Result<Self, Reason> {
        if text.len() > LARGEST {
            return Err(Reason::TooLarge);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Reason::NotCompact)?;
        let (header, claims) = signed.split_once('.').ok_or(Reason::NotCompact)?;
        let header = decode(header)?;
        let claims = decode(claims)?;
        let signature = decode(signature)?;

        let StrictObject(header) =
            serde_json::from_slice(&header).map_err(|_| Reason::HeaderNotJson)?;
        for name in NOT_ACCEPTED {
            if header.contains_key(name) {
                return Err(Reason::HeaderNotAccepted(name));
            }
        }
        let StrictObject(claims) =
            serde_json::from_slice(&claims).map_err(|_| Reason::ClaimsNotJson)?;
        Ok(Self {
            signed,
            signature,
            alg: text_of(&header, "alg", 16)?.ok_or(Reason::HeaderMalformed("alg"))?,
            kid: text_of(&header, "kid", KID_LONGEST)?,
            typ: text_of(&header, "typ", 64)?,
            claims,
        })
    }
}

/// Decodes one part. Padding, whitespace, other alphabets, a further dot and bits that no byte
/// holds are all refused: one token has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, Reason> {
    if part.is_empty() {
        return Err(Reason::NotCompact);
    }
    BASE64_URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Reason::NotCompact)
}

/// A text of the header; nothing when it has none.
fn text_of(
    header: &Map<String, Value>,
    name: &'static str,
    longest: usize,
) -> Result<Option<String>, Reason> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= longest => Ok(Some(text.clone())),
        Some(_) => Err(Reason::HeaderMalformed(name)),
    }
}
