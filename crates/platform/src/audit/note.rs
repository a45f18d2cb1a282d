//! Checkpoints: the size and the root of the tree, signed. A checkpoint is a note in the form that
//! transparency logs use (C2SP `tlog-checkpoint` and `signed-note`), so that tools there are verify it.
//!
//! The name of a log, and of the key in its notes, is the deployment's own name with that of the ecosystem,
//! so that no checkpoint passes for another ecosystem's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use trellis_api::ecosystem_name;
use trellis_core::EcosystemId;
use trellis_store::audit::merkle::Hash;

/// The type of an Ed25519 key in a note.
const ED25519_TYPE: u8 = 1;

/// What begins the line of a signature.
const DASH: &str = "\u{2014} ";

/// A public key.
pub type PublicKey = [u8; 32];

/// How large a tree is, and its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many leaves it has.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// Signs checkpoints, and knows those that were signed.
pub struct Signer {
    origin: String,
    pair: Ed25519KeyPair,
    public: PublicKey,
    /// The keys that are believed: its own, and those before it.
    trusted: Vec<PublicKey>,
}

/// The text is not a key that can be signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no Ed25519 key in PKCS #8, as `openssl genpkey -algorithm ed25519` makes one")]
pub struct InvalidKey;

/// Why a text is not believed to be a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// It has another form.
    #[error("it is no checkpoint")]
    Form,
    /// It is another log's.
    #[error("it is the checkpoint of another ecosystem or deployment")]
    Origin,
    /// No key that is known signed it.
    #[error("no known key has signed it; if an earlier one has, name it in audit-trusted-keys")]
    Signature,
}

impl Signer {
    /// A signer by the seed of a key.
    ///
    /// # Errors
    /// The seed has another length.
    pub fn of_seed(origin: &str, seed: &[u8], trusted: &[PublicKey]) -> Result<Self, InvalidKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| InvalidKey)?;
        Self::new(origin, pair, trusted)
    }

    /// A signer by a key in PKCS #8.
    ///
    /// # Errors
    /// It is no such key.
    pub fn of_pkcs8(origin: &str, key: &[u8], trusted: &[PublicKey]) -> Result<Self, InvalidKey> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key).map_err(|_| InvalidKey)?;
        Self::new(origin, pair, trusted)
    }

    fn new(origin: &str, pair: Ed25519KeyPair, trusted: &[PublicKey]) -> Result<Self, InvalidKey> {
        let public = PublicKey::try_from(pair.public_key().as_ref()).map_err(|_| InvalidKey)?;
        let mut all = vec![public];
        all.extend(trusted);
        Ok(Self {
            origin: origin.to_owned(),
            pair,
            public,
            trusted: all,
        })
    }

    /// The public half of the key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The name of an ecosystem's log.
    fn name(&self, ecosystem: &EcosystemId) -> String {
        format!("{}/{}", self.origin, ecosystem_name(ecosystem))
    }

    /// The key as those write it who verify notes: `{name}+{id}+{key}`.
    #[must_use]
    pub fn verifier(&self, ecosystem: &EcosystemId) -> String {
        let name = self.name(ecosystem);
        let id = HEXLOWER.encode(&key_id(&name, &self.public));
        format!("{name}+{id}+{}", spelled(&self.public))
    }

    /// Signs a checkpoint.
    #[must_use]
    pub fn sign(&self, ecosystem: &EcosystemId, checkpoint: Checkpoint) -> String {
        let name = self.name(ecosystem);
        let text = said(&name, checkpoint);
        let signature = self.pair.sign(text.as_bytes());
        let line = signed(&name, &self.public, signature.as_ref());
        format!("{text}\n{line}")
    }

    /// What a checkpoint of an ecosystem says, if a known key has signed it.
    ///
    /// # Errors
    /// See [`Unproven`].
    pub fn read(&self, ecosystem: &EcosystemId, note: &str) -> Result<Checkpoint, Unproven> {
        let name = self.name(ecosystem);
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(Unproven::Form)?;
        let text = format!("{text}\n");
        let checkpoint = read(&name, &text)?;
        // Whoever keeps it may have let others sign it as well.
        let known = signatures
            .lines()
            .any(|line| self.knows(&name, &text, line));
        known.then_some(checkpoint).ok_or(Unproven::Signature)
    }

    /// The same of bytes, which need not even be a text.
    ///
    /// # Errors
    /// See [`Unproven`].
    pub(super) fn read_bytes(
        &self,
        ecosystem: &EcosystemId,
        note: &[u8],
    ) -> Result<Checkpoint, Unproven> {
        let note = std::str::from_utf8(note).map_err(|_| Unproven::Form)?;
        self.read(ecosystem, note)
    }

    /// Whether a line holds the signature of a known key.
    fn knows(&self, name: &str, text: &str, line: &str) -> bool {
        let Some(bytes) = line
            .strip_prefix(DASH)
            .and_then(|line| line.strip_prefix(name))
            .and_then(|line| line.strip_prefix(' '))
            .and_then(|spelled| STANDARD.decode(spelled).ok())
        else {
            return false;
        };
        let Some((id, signature)) = bytes.split_first_chunk::<4>() else {
            return false;
        };
        self.trusted.iter().any(|key| {
            let verifying = UnparsedPublicKey::new(&ED25519, key);
            key_id(name, key) == *id && verifying.verify(text.as_bytes(), signature).is_ok()
        })
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// The text of a checkpoint.
fn said(name: &str, Checkpoint { size, root }: Checkpoint) -> String {
    format!("{name}\n{size}\n{}\n", STANDARD.encode(root))
}

/// What such a text says. There is one way to say it.
fn read(name: &str, text: &str) -> Result<Checkpoint, Unproven> {
    let mut lines = text.lines();
    let mut line = || lines.next().ok_or(Unproven::Form);
    let (origin, size, root) = (line()?, line()?, line()?);
    let root = STANDARD.decode(root).map_err(|_| Unproven::Form)?;
    let checkpoint = Checkpoint {
        size: size.parse().map_err(|_| Unproven::Form)?,
        root: root.try_into().map_err(|_| Unproven::Form)?,
    };
    if origin != name {
        return Err(Unproven::Origin);
    }
    let same = said(name, checkpoint) == text;
    same.then_some(checkpoint).ok_or(Unproven::Form)
}

/// The line of a signature.
fn signed(name: &str, key: &PublicKey, signature: &[u8]) -> String {
    let bytes = [&key_id(name, key), signature].concat();
    format!("{DASH}{name} {}\n", STANDARD.encode(bytes))
}

/// By what a note tells which key has signed it.
fn key_id(name: &str, key: &PublicKey) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update([b'\n', ED25519_TYPE]);
    hash.update(key);
    let [a, b, c, d, ..]: [u8; 32] = hash.finalize().into();
    [a, b, c, d]
}

/// Reads a public key as it is written; nothing when it is none.
#[must_use]
pub fn read_key(text: &str) -> Option<PublicKey> {
    let bytes = STANDARD.decode(text).ok()?;
    match bytes.split_first() {
        Some((&ED25519_TYPE, key)) => key.try_into().ok(),
        _ => None,
    }
}

/// A public key as it is written: its type, and itself.
#[must_use]
pub fn spelled(key: &PublicKey) -> String {
    let bytes = [&[ED25519_TYPE], key.as_slice()].concat();
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> EcosystemId {
        EcosystemId::try_new("acme").unwrap()
    }

    fn signer(seed: u8, trusted: &[PublicKey]) -> Signer {
        Signer::of_seed("audit.acme.example", &[seed; 32], trusted).unwrap()
    }

    const SOME: Checkpoint = Checkpoint {
        size: 5,
        root: [7; 32],
    };

    /// The example of the specification of signed notes: its key, what it signs, and the signature.
    #[test]
    fn a_note_is_signed_as_others_sign_it() {
        const VERIFIER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n\n\
            \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let key = VERIFIER.rsplit('+').next().unwrap();
        let key: PublicKey = STANDARD.decode(key).unwrap()[1..].try_into().unwrap();
        let id = key_id("PeterNeumann", &key);
        assert_eq!(HEXLOWER.encode(&id), "c74f20a3");
        let known = signer(1, &[key]);
        let (text, line) = NOTE.rsplit_once("\n\n").unwrap();
        assert!(known.knows("PeterNeumann", &format!("{text}\n"), line.trim_end()));
        assert!(!signer(1, &[]).knows("PeterNeumann", &format!("{text}\n"), line.trim_end()));
    }

    #[test]
    fn a_checkpoint_says_its_log_its_size_and_its_root() {
        let signer = signer(1, &[]);
        let note = signer.sign(&acme(), SOME);
        let mut lines = note.lines();
        assert_eq!(lines.next(), Some("audit.acme.example/ecosystems/acme"));
        assert_eq!(lines.next(), Some("5"));
        assert_eq!(
            lines.next(),
            Some("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")
        );
        assert_eq!(signer.read(&acme(), &note), Ok(SOME));
    }

    #[test]
    fn what_was_changed_or_is_anothers_is_not_believed() {
        let signer = signer(1, &[]);
        let note = signer.sign(&acme(), SOME);
        for at in 0..note.len() {
            for bit in 0..8 {
                let mut bytes = note.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                if let Ok(changed) = String::from_utf8(bytes) {
                    assert!(signer.read(&acme(), &changed).is_err(), "{changed}");
                }
            }
        }
        let other = EcosystemId::try_new("other").unwrap();
        assert_eq!(signer.read(&other, &note), Err(Unproven::Origin));
        let larger = note.replacen("\n5\n", "\n05\n", 1);
        assert_eq!(signer.read(&acme(), &larger), Err(Unproven::Form));
    }

    #[test]
    fn a_key_that_was_exchanged_is_known_while_it_is_named() {
        let before = signer(1, &[]);
        let note = before.sign(&acme(), SOME);
        assert_eq!(
            signer(2, &[]).read(&acme(), &note),
            Err(Unproven::Signature)
        );
        let after = signer(2, &[before.public()]);
        assert_eq!(after.read(&acme(), &note), Ok(SOME));
        assert!(after.verifier(&acme()) != before.verifier(&acme()));
    }
}
