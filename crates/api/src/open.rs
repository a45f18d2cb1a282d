//! Opens requests: who calls, what about, and the command; or everything that is wrong, at once.

use std::time::Instant;

use sha2::{Digest, Sha256};
use tonic::metadata::MetadataMap;
use tonic::{Extensions, Request, Response, Status};
use trellis_core::{
    Actor, Call, Code, EcosystemId, Failure, Position, Problem, Violation, Written,
};
use uuid::Uuid;

use crate::fields::broken_rules;
use crate::method::Routed;
use crate::name::ecosystem_of;
use crate::page::{PageKeys, Reader};
use crate::{Fields, status, text};

/// The metadata that says who calls.
pub const ACTOR: &str = "trellis-actor";

/// The metadata that says how far the workers must have come before a call is answered.
pub const MIN_POSITION: &str = "trellis-min-position";

/// The metadata of an answer that says how far the feed has come with it.
pub const POSITION: &str = "trellis-position";

/// When the caller stops waiting. The server puts it into the extensions of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub Instant);

/// Opens a request: the call, and the command that `parse` makes of the message.
///
/// The rules that the contract declares and what `parse` refuses are told together.
///
/// # Errors
/// `INVALID_ARGUMENT` with every violation.
pub fn open<R: Routed, C>(
    request: Request<R>,
    parse: impl FnOnce(R, &mut Fields) -> Option<C>,
) -> Result<(Call, C), Status> {
    let (metadata, extensions, message) = request.into_parts();
    let (caller, violations) = Caller::of(&metadata, &extensions);
    caller
        .open(message, violations, parse)
        .map_err(|failure| status(&failure))
}

/// Opens a request that is about no ecosystem in particular. Only such requests are opened so.
///
/// # Errors
/// `INVALID_ARGUMENT` with every violation.
pub fn open_unscoped<R: Routed, C>(
    request: Request<R>,
    parse: impl FnOnce(R, &mut Fields) -> Option<C>,
) -> Result<C, Status> {
    let (metadata, extensions, message) = request.into_parts();
    let (caller, mut violations) = Caller::of(&metadata, &extensions);
    violations.extend(broken_rules_of_request(&message));
    let mut fields = Fields::new(None, violations).read_by(caller.reader());
    let command = parse(message, &mut fields);
    finished(fields, command).map_err(|failure| status(&failure))
}

/// Answers a write: the value, and its place in the change feed.
#[must_use]
pub fn written<T>(written: Written<T>) -> Response<T> {
    let Written { value, position } = written;
    let mut response = Response::new(value);
    if let Some(position) = position
        && let Ok(position) = position.to_string().parse()
    {
        response.metadata_mut().insert(POSITION, position);
    }
    response
}

/// Why a request cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Problem(#[from] Problem),
    /// A fault of ours: the command was not made, and nothing was refused.
    #[error("a request was neither read nor refused")]
    Silent,
}

impl Failure for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Problem(problem) => problem.code(),
            Self::Silent => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Problem(problem) => problem.reason(),
            Self::Silent => "INTERNAL",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Problem(problem) => problem.metadata(),
            Self::Silent => Vec::new(),
        }
    }

    fn violations(&self) -> &[Violation] {
        match self {
            Self::Problem(problem) => problem.violations(),
            Self::Silent => &[],
        }
    }
}

/// What a call's metadata says, which is the same for every message of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    actor: Actor,
    deadline: Option<Instant>,
    min_position: Option<Position>,
    page_keys: PageKeys,
}

impl Caller {
    /// Who calls, and what is wrong with how they say it.
    pub(crate) fn of(metadata: &MetadataMap, extensions: &Extensions) -> (Self, Vec<Violation>) {
        let mut violations = Vec::new();
        let mut taken = |read: Result<(), Violation>| violations.extend(read.err());
        let mut actor = Actor::anonymous();
        taken(identified(metadata).map(|identified| actor = identified));
        let mut min_position = None;
        taken(awaited(metadata).map(|awaited| min_position = awaited));
        let deadline = extensions.get().map(|Deadline(deadline)| *deadline);
        let page_keys = extensions.get().cloned();
        (
            Self {
                actor,
                deadline,
                min_position,
                page_keys: page_keys.unwrap_or_else(PageKeys::of_this_process),
            },
            violations,
        )
    }

    /// Whom the page tokens of the call are for.
    fn reader(&self) -> Reader {
        Reader {
            actor: self.actor.clone(),
            keys: self.page_keys.clone(),
        }
    }

    pub(crate) fn open<R: Routed, C>(
        &self,
        mut message: R,
        mut violations: Vec<Violation>,
        parse: impl FnOnce(R, &mut Fields) -> Option<C>,
    ) -> Result<(Call, C), Refusal> {
        violations.extend(broken_rules_of_request(&message));
        let mut fields = Fields::new(None, violations);
        let ecosystem = address(&mut fields, &message);
        let mut fields =
            Fields::new(ecosystem.clone(), fields.into_violations()).read_by(self.reader());

        let validate_only = message.validate_only();
        let request_id = message.take_request_id();
        // The contract's own rules have refused what is not a UUID.
        let request_id = Uuid::try_parse(&request_id).ok();
        let request_hash = if request_id.is_some() {
            hash(&message)
        } else {
            [0; 32]
        };

        let command = parse(message, &mut fields);
        let command = finished(fields, command)?;
        let call = Call {
            ecosystem: ecosystem.ok_or(Refusal::Silent)?,
            actor: self.actor.clone(),
            method: R::METHOD,
            request_id,
            request_hash,
            validate_only,
            deadline: self.deadline,
            min_position: self.min_position,
        };
        Ok((call, command))
    }
}

/// Who calls. Callers say it themselves; whatever can prove an identity takes this function's place.
fn identified(metadata: &MetadataMap) -> Result<Actor, Violation> {
    let Some(value) = metadata.get(ACTOR) else {
        return Ok(Actor::anonymous());
    };
    value
        .to_str()
        .ok()
        .and_then(|text| Actor::try_new(text).ok())
        .ok_or_else(|| Violation::new(ACTOR, "actor", trellis_core::InvalidActor.to_string()))
}

fn awaited(metadata: &MetadataMap) -> Result<Option<Position>, Violation> {
    let Some(value) = metadata.get(MIN_POSITION) else {
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .map(Some)
        .ok_or_else(|| {
            Violation::new(
                MIN_POSITION,
                "position",
                trellis_core::InvalidPosition.to_string(),
            )
        })
}

/// The ecosystem that the request's address names.
fn address<R: Routed>(fields: &mut Fields, message: &R) -> Option<EcosystemId> {
    let resource = message.resource();
    let (whole, part) = R::ADDRESS.split_once('.').unwrap_or((R::ADDRESS, ""));
    if resource.is_empty() {
        let field = if part.is_empty() { whole } else { R::ADDRESS };
        fields.refuse(field, "required", "value is required");
        return None;
    }
    fields.take(R::ADDRESS, ecosystem_of(R::PATTERNS, &resource))
}

/// The rules that a request breaks, but for the items that stand or fall by themselves. The generated
/// code checks those, too, whatever the contract says.
fn broken_rules_of_request<R: Routed>(message: &R) -> Vec<Violation> {
    let mut violations = broken_rules(message);
    violations.retain(|violation| {
        !R::APART.iter().any(|field| {
            violation
                .field
                .strip_prefix(field)
                .is_some_and(|rest| rest.starts_with('['))
        })
    });
    violations.extend(text::unkeepable(message));
    violations
}

fn finished<C>(fields: Fields, command: Option<C>) -> Result<C, Refusal> {
    let violations = fields.into_violations();
    if !violations.is_empty() {
        return Err(Problem::Invalid(violations).into());
    }
    command.ok_or(Refusal::Silent)
}

/// The hash of everything that must be the same when a request is sent again.
fn hash<R: Routed>(message: &R) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(R::METHOD);
    hash.update([0]);
    hash.update(message.encode_to_vec());
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
