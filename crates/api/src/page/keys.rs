//! What page tokens are sealed with.
//!
//! A token is the place where the next page begins, encrypted and authenticated (XChaCha20-Poly1305)
//! under a key that is derived (HMAC-SHA-256) from a secret of the deployment and from who asked for
//! what: the caller, the ecosystem, the method, and everything of the request that lasts from page to
//! page. So a token of somebody else, of another list or of another ecosystem does not open, and
//! neither does one that was touched; and nobody learns from their own what stands in a column that
//! they are not shown. It says in the clear which secret it was made with and when it expires, and
//! both are authenticated too.
//!
//! A secret is replaced in two steps: the new one becomes the current one and the old one the
//! previous, which still opens; once [`LIFETIME`] has passed, the previous one can go. Servers of one
//! deployment must have the same secrets. A server that is given none makes one up, and then its
//! tokens are good neither after a restart nor at another server.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use rand::RngCore as _;
use sha2::Sha256;
use trellis_core::{Clock, Seal, SystemClock, Timestamp};

/// How long a token is good for: a list that was left on Friday is gone on with on Monday.
pub const LIFETIME: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// How many bytes a secret has: those of the key of HMAC-SHA-256.
pub const SECRET: usize = 32;

const ID: usize = 4;
const EXPIRES: usize = 8;
const NONCE: usize = 24;

/// The secrets that page tokens are sealed with, and the clock that they expire by.
///
/// The server puts it into the extensions of each request. A request without one is read with the
/// secret that this process made up.
#[derive(Clone)]
pub struct PageKeys(Arc<Inner>);

struct Inner {
    current: Secret,
    previous: Option<Secret>,
    clock: Arc<dyn Clock>,
}

struct Secret {
    /// Follows from the secret, so that nobody has to count them.
    id: [u8; ID],
    secret: [u8; SECRET],
}

impl PageKeys {
    /// Seals with the current secret, and opens what either was sealed with.
    #[must_use]
    pub fn new(
        current: [u8; SECRET],
        previous: Option<[u8; SECRET]>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Inner {
            current: Secret::new(current),
            previous: previous.map(Secret::new),
            clock,
        }))
    }

    /// A secret that nobody else has and that ends with this process.
    #[must_use]
    pub fn made_up(clock: Arc<dyn Clock>) -> Self {
        let mut secret = [0; SECRET];
        rand::rng().fill_bytes(&mut secret);
        Self::new(secret, None, clock)
    }

    /// The secret that this process made up, for requests that no server has given one.
    pub(crate) fn of_this_process() -> Self {
        static KEYS: LazyLock<PageKeys> =
            LazyLock::new(|| PageKeys::made_up(Arc::new(SystemClock)));
        KEYS.clone()
    }

    /// What tokens are sealed with for this caller and this list.
    pub(super) fn seal(&self, binding: &[u8]) -> Seal {
        let lifetime = i64::try_from(LIFETIME.as_micros()).unwrap_or(i64::MAX);
        let expires = self.0.clock.now().micros().saturating_add(lifetime);
        Seal {
            id: self.0.current.id,
            key: self.0.current.derived(binding),
            expires,
        }
    }

    /// What was sealed for this caller and this list, unless it has expired.
    pub(super) fn open(&self, binding: &[u8], token: &[u8]) -> Option<Vec<u8>> {
        let (clear, rest) = token.split_at_checked(ID + EXPIRES)?;
        let (id, expires) = clear.split_at_checked(ID)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE)?;
        let known = [Some(&self.0.current), self.0.previous.as_ref()];
        let secret = known.into_iter().flatten().find(|secret| secret.id == id)?;
        let nonce = XNonce::from(<[u8; NONCE]>::try_from(nonce).ok()?);
        let payload = Payload {
            msg: sealed,
            aad: clear,
        };
        let cipher = XChaCha20Poly1305::new(&secret.derived(binding).into());
        let opened = cipher.decrypt(&nonce, payload).ok()?;
        let expires = Timestamp::from_micros(i64::from_be_bytes(expires.try_into().ok()?));
        (self.0.clock.now() < expires).then_some(opened)
    }
}

impl std::fmt::Debug for PageKeys {
    /// Without the secrets, which are nothing for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageKeys").finish_non_exhaustive()
    }
}

impl Secret {
    fn new(secret: [u8; SECRET]) -> Self {
        let mut id = [0; ID];
        for (to, from) in id
            .iter_mut()
            .zip(mac(&secret, b"trellis page token id", &[]))
        {
            *to = from;
        }
        Self { id, secret }
    }

    fn derived(&self, binding: &[u8]) -> [u8; 32] {
        mac(&self.secret, b"trellis page token key", binding)
    }
}

/// What `text` is under this secret, told apart by what it is for.
fn mac(secret: &[u8; SECRET], purpose: &[u8], text: &[u8]) -> [u8; 32] {
    // A key as long as HMAC's block is taken without a check that could fail. HMAC itself fills a
    // shorter one up with zeros.
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(secret) {
        *to = *from;
    }
    let mac = <Hmac<Sha256> as Mac>::new(&block.into());
    let mac = mac.chain_update(purpose).chain_update([0]);
    mac.chain_update(text).finalize().into_bytes().into()
}

/// Seals what is to be opened by the same caller for the same list only. Nothing when it is too long
/// for the cipher, which no place in a list is.
pub(super) fn sealed(seal: &Seal, text: &[u8]) -> Option<Vec<u8>> {
    let Seal { id, key, expires } = seal;
    let mut nonce = [0; NONCE];
    // Of 24 random bytes no two are the same, however many tokens one key seals.
    rand::rng().fill_bytes(&mut nonce);
    let mut token = Vec::with_capacity(ID + EXPIRES + NONCE + text.len() + 16);
    token.extend_from_slice(id);
    token.extend_from_slice(&expires.to_be_bytes());
    let payload = Payload {
        msg: text,
        aad: &token,
    };
    let cipher = XChaCha20Poly1305::new(&(*key).into());
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
    token.extend_from_slice(&nonce);
    token.extend_from_slice(&sealed);
    Some(token)
}
