//! Why a token is not accepted. This is for the log: every caller gets the same answer, because a
//! forger would learn from the difference.

/// The token is not accepted. Answer `UNAUTHENTICATED` and nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct Rejected(#[from] pub(super) Reason);

/// What is wrong with a token. No variant repeats anything that the token says, so that a forger
/// cannot write into the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Reason {
    #[error("the token is larger than 16 KiB")]
    TooLarge,
    #[error("the token is not three parts of base64url, joined by dots")]
    NotCompact,
    #[error("the header is not a JSON object whose names stand once")]
    HeaderNotJson,
    #[error("the claims are not a JSON object whose names stand once")]
    ClaimsNotJson,
    #[error("the header has {0}, which is never accepted")]
    HeaderNotAccepted(&'static str),
    #[error("{0} in the header is missing, too long or no text")]
    HeaderMalformed(&'static str),
    #[error("the claim {0} is missing")]
    Missing(&'static str),
    #[error("the claim {0} has the wrong type or is out of range")]
    Malformed(&'static str),
    #[error("no issuer of the settings has this iss")]
    UnknownIssuer,
    #[error("the issuer's settings do not accept this typ")]
    TokenType,
    #[error("the issuer's settings do not accept this alg")]
    Algorithm,
    #[error("the token is an ID token, a logout token or the like, not an access token")]
    NotAnAccessToken,
    #[error("the token is bound to a key of its holder, whose proof is not checked here")]
    Bound,
    #[error("no key of the issuer has this kid")]
    UnknownKey,
    #[error("the token names no kid, and not exactly one key of the issuer suits its alg")]
    AmbiguousKey,
    #[error("the key of this kid is not of the kind that alg needs")]
    KeyOfOtherKind,
    #[error("there are no keys of the issuer, or they have not been refreshed for too long")]
    NoKeys,
    #[error("the signature is not the key's")]
    Signature,
    #[error("the token is for another audience")]
    Audience,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token was issued in the future")]
    IssuedInFuture,
    #[error("the token lives longer than the issuer's settings allow")]
    LivesTooLong,
    #[error("the issuer may not speak for the ecosystem that the token names")]
    Ecosystem,
    #[error("the token has a role of a partner but names no partner")]
    NoPartner,
}
