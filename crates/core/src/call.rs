//! One call: who asks for what, on whose behalf, and until when.

use std::fmt;
use std::time::Instant;

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::Scope;
use crate::column::never_counted;
use crate::id::EcosystemId;
use crate::position::Position;
use crate::trace::Trace;

/// Who acts: a caller, or a part of the server that acts by itself.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Actor(String);

never_counted!(Actor);

/// The text does not name an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 printable ASCII characters without spaces at its ends")]
pub struct InvalidActor;

impl Actor {
    /// The longest name of an actor.
    pub const LONGEST: usize = 128;

    /// Reads who acts.
    ///
    /// # Errors
    /// When the text is empty, longer than 128, or not printable ASCII.
    pub fn try_new(text: &str) -> Result<Self, InvalidActor> {
        let printable = text
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic());
        let fits = !text.is_empty() && text.len() <= Self::LONGEST && text.trim() == text;
        if printable && fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidActor)
        }
    }

    /// A caller who did not say who they are.
    #[must_use]
    pub fn anonymous() -> Self {
        Self("anonymous".to_owned())
    }

    /// A part of the server that acts by itself, such as a worker: `system:{part}`.
    #[must_use]
    pub fn system(part: &'static str) -> Self {
        Self(format!("system:{part}"))
    }

    /// The actor as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Actor {
    type Error = InvalidActor;

    fn try_from(text: String) -> Result<Self, InvalidActor> {
        Self::try_new(&text)
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.0
    }
}

/// What the audit trail keeps of a call beside who made it and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The resource that the request is about, by its full name.
    pub resource: String,
    /// Finds the call in the server's log.
    pub call_id: Option<String>,
}

/// What the layers below need to know of a call beside its command.
#[derive(Clone, Debug)]
pub struct Call {
    /// The ecosystem that the call is about. It sees and touches nothing outside of it.
    pub ecosystem: EcosystemId,
    /// Who calls.
    pub actor: Actor,
    /// The person behind the call, as far as one is known.
    pub person: Option<Actor>,
    /// How far the call reaches inside of the ecosystem. What is outside does not exist for it.
    pub scope: Scope,
    /// The method's path, such as `/trellis.partner.v1.PartnerService/CreatePartner`.
    pub method: &'static str,
    /// What the audit trail keeps of it when it changes something; nothing for what a part of the
    /// server does by itself.
    pub asked: Option<Asked>,
    /// Where its caller's trace stands, if there is one.
    pub trace: Option<Trace>,
    /// Makes the call idempotent, when the caller sent one.
    pub request_id: Option<Uuid>,
    /// The hash of everything in the request that must be the same when it is sent again with its
    /// request id. All zero without one: nothing is ever compared with it then.
    pub request_hash: [u8; 32],
    /// Whether to run every check and change nothing.
    pub validate_only: bool,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// How far the workers must have come before the call is answered.
    pub min_position: Option<Position>,
}

impl Call {
    /// A call that a part of the server makes by itself: it reaches everything, and nobody waits
    /// for it.
    #[must_use]
    pub fn of_system(ecosystem: EcosystemId, part: &'static str) -> Self {
        Self {
            ecosystem,
            actor: Actor::system(part),
            person: None,
            scope: Scope::whole(),
            method: part,
            asked: None,
            trace: None,
            request_id: None,
            request_hash: [0; 32],
            validate_only: false,
            deadline: None,
            min_position: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_a_short_printable_name() {
        let longest = "x".repeat(128);
        for good in [
            "ada@acme.example",
            "api-key:ci",
            "Ada Lovelace",
            longest.as_str(),
        ] {
            assert_eq!(Actor::try_new(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(129);
        for bad in [
            "",
            " ",
            " ada",
            "ada ",
            "ad\u{e4}",
            "a\nb",
            "a\u{7f}",
            long.as_str(),
        ] {
            assert_eq!(Actor::try_new(bad), Err(InvalidActor), "{bad:?}");
        }
    }

    #[test]
    fn those_that_the_server_names_are_actors() {
        for actor in [Actor::anonymous(), Actor::system("partner-sweep")] {
            assert_eq!(Actor::try_new(actor.as_str()), Ok(actor));
        }
    }
}
