//! Opens requests: who calls, what about, and the command; or everything that is wrong, at once.

use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest, Sha256};
use tonic::metadata::MetadataMap;
use tonic::{Extensions, Request, Response, Status};
use trellis_core::access::{Denied, authorize};
use trellis_core::{
    Actor, Asked, Call, Code, EcosystemId, Eyes, Failure, PartnerId, Position, Principal, Problem,
    Scope, Trace, Violation, Written,
};
use uuid::Uuid;

use crate::fields::broken_rules;
use crate::heard::{About, Heard};
use crate::method::Routed;
use crate::name::ecosystem_of;
use crate::page::{PageKeys, Reader};
use crate::{Fields, status, text};

/// The metadata that says for whom a system calls, or who calls where no identity is configured.
pub const ACTOR: &str = "trellis-actor";

/// The metadata that says how far the workers must have come before a call is answered.
pub const MIN_POSITION: &str = "trellis-min-position";

/// The metadata of an answer that says how far the feed has come with it.
pub const POSITION: &str = "trellis-position";

/// The metadata by which a call is found in the server's log.
pub const CALL_ID: &str = "x-request-id";

/// When the caller stops waiting. The server puts it into the extensions of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub Instant);

/// Opens a request: the call, and the command that `parse` makes of the message.
///
/// The rules that the contract declares and what `parse` refuses are told together.
///
/// # Errors
/// `UNAUTHENTICATED`; `PERMISSION_DENIED`; `INVALID_ARGUMENT` with every violation.
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

/// Opens a request that is about no ecosystem in particular: who calls, and the command. Only
/// requests that everybody may make are opened so.
///
/// # Errors
/// `UNAUTHENTICATED`; `INVALID_ARGUMENT` with every violation.
pub fn open_unscoped<R: Routed, C>(
    request: Request<R>,
    parse: impl FnOnce(R, &mut Fields) -> Option<C>,
) -> Result<(Arc<Principal>, C), Status> {
    let (metadata, extensions, message) = request.into_parts();
    let (caller, violations) = Caller::of(&metadata, &extensions);
    caller
        .open_unscoped(message, violations, parse)
        .map_err(|failure| status(&failure))
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
    /// The caller may not call the method, or not for what the request is about.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Nothing proves who calls.
    #[error(transparent)]
    Unauthenticated(#[from] Unauthenticated),
    /// A fault of ours: the command was not made, and nothing was refused.
    #[error("a request was neither read nor refused")]
    Silent,
}

impl Failure for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Problem(problem) => problem.code(),
            Self::Denied(denied) => denied.code(),
            Self::Unauthenticated(unknown) => unknown.code(),
            Self::Silent => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Problem(problem) => problem.reason(),
            Self::Denied(denied) => denied.reason(),
            Self::Unauthenticated(unknown) => unknown.reason(),
            Self::Silent => "INTERNAL",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Problem(problem) => problem.metadata(),
            Self::Denied(denied) => denied.metadata(),
            Self::Unauthenticated(_) | Self::Silent => Vec::new(),
        }
    }

    fn violations(&self) -> &[Violation] {
        match self {
            Self::Problem(problem) => problem.violations(),
            Self::Denied(_) | Self::Unauthenticated(_) | Self::Silent => &[],
        }
    }
}

/// What a call's metadata says, which is the same for every message of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    principal: Option<Arc<Principal>>,
    deadline: Option<Instant>,
    min_position: Option<Position>,
    page_keys: PageKeys,
    call_id: Option<String>,
    trace: Option<Trace>,
    heard: Option<Heard>,
}

impl Caller {
    /// Who calls, and what is wrong with how they call.
    pub(crate) fn of(metadata: &MetadataMap, extensions: &Extensions) -> (Self, Vec<Violation>) {
        let mut violations = Vec::new();
        let deadline = extensions.get().map(|Deadline(deadline)| *deadline);
        let principal = extensions.get::<Arc<Principal>>().cloned();
        let principal = principal.map(|principal| match speaking_for(metadata, &principal) {
            Ok(None) => principal,
            Ok(Some(actor)) => Arc::new(principal.speaking_for(actor)),
            Err(violation) => {
                violations.push(violation);
                principal
            }
        });
        let mut min_position = None;
        match awaited(metadata) {
            Ok(awaited) => min_position = awaited,
            Err(violation) => violations.push(violation),
        }
        let page_keys = extensions.get().cloned();
        let call_id = metadata.get(CALL_ID).and_then(|id| id.to_str().ok());
        (
            Self {
                principal,
                deadline,
                min_position,
                page_keys: page_keys.unwrap_or_else(PageKeys::of_this_process),
                call_id: call_id.filter(|id| !id.is_empty()).map(ToOwned::to_owned),
                trace: extensions.get().cloned(),
                heard: extensions.get().cloned(),
            },
            violations,
        )
    }

    /// Whom the page tokens of the call are for.
    fn reader(&self, principal: &Principal) -> Reader {
        Reader {
            actor: principal.actor.clone(),
            keys: self.page_keys.clone(),
        }
    }

    /// Opens a message of the call. Whether the caller may is decided before anything else of the
    /// message is told, so that a refusal tells nothing of what there is.
    pub(crate) fn open<R: Routed, C>(
        &self,
        mut message: R,
        mut violations: Vec<Violation>,
        parse: impl FnOnce(R, &mut Fields) -> Option<C>,
    ) -> Result<(Call, C), Refusal> {
        let principal = self.principal()?;
        violations.extend(broken_rules_of_request(&message));
        let mut fields = Fields::new(None, violations);
        let ecosystem = address(&mut fields, &message);
        let resource = message.resource().into_owned();
        if let (Some(heard), Some(ecosystem)) = (&self.heard, &ecosystem) {
            heard.tell(|| about(principal, ecosystem, &resource));
        }
        let scope = match &ecosystem {
            Some(ecosystem) => Some(authorized(principal, &message, ecosystem)?),
            None => None,
        };
        let mut violations = fields.into_violations();
        let eyes = principal.eyes();
        if eyes != Eyes::Staff {
            violations.extend(guarded(&message));
        }
        let mut fields = Fields::new(ecosystem.clone(), violations)
            .seen_by(eyes)
            .read_by(self.reader(principal));

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
            actor: principal.actor.clone(),
            person: principal.person.clone(),
            scope: scope.ok_or(Refusal::Silent)?,
            method: R::METHOD,
            asked: Some(Asked {
                resource,
                call_id: self.call_id.clone(),
            }),
            trace: self.trace.clone(),
            request_id,
            request_hash,
            validate_only,
            deadline: self.deadline,
            min_position: self.min_position,
        };
        Ok((call, command))
    }

    fn open_unscoped<R: Routed, C>(
        &self,
        message: R,
        mut violations: Vec<Violation>,
        parse: impl FnOnce(R, &mut Fields) -> Option<C>,
    ) -> Result<(Arc<Principal>, C), Refusal> {
        let principal = self.principal.clone().ok_or(Unauthenticated)?;
        if !R::ACCESS.everybody {
            return Err(Refusal::Silent);
        }
        violations.extend(broken_rules_of_request(&message));
        let mut fields = Fields::new(None, violations)
            .seen_by(principal.eyes())
            .read_by(self.reader(&principal));
        let command = parse(message, &mut fields);
        Ok((principal, finished(fields, command)?))
    }

    /// Who calls. A server that asks for no identity puts one here all the same; without one nothing
    /// is ever answered.
    pub(crate) fn principal(&self) -> Result<&Principal, Unauthenticated> {
        self.principal.as_deref().ok_or(Unauthenticated)
    }
}

/// What is heard of a call.
fn about(principal: &Principal, ecosystem: &EcosystemId, resource: &str) -> About {
    let known = !principal.is_stranger_in(ecosystem);
    About {
        ecosystem: ecosystem.clone(),
        resource: resource.to_owned(),
        principal: known.then(|| principal.actor.clone()),
        person: principal.person.clone().filter(|_| known),
    }
}

/// Nothing proves who calls.
///
/// One answer for every credential that is missing, wrong, expired or revoked: what exactly is the
/// matter helps only those who try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no valid credential; send an API key, or a token of a configured issuer, as `authorization: Bearer ...`"
)]
pub struct Unauthenticated;

impl Failure for Unauthenticated {
    fn code(&self) -> Code {
        Code::Unauthenticated
    }

    fn reason(&self) -> &'static str {
        "UNAUTHENTICATED"
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// How far the caller reaches with the method; the partners that the request names lie within.
fn authorized<R: Routed>(
    principal: &Principal,
    message: &R,
    ecosystem: &EcosystemId,
) -> Result<Scope, Denied> {
    let denied = || Denied {
        permission: R::ACCESS.permission,
        resource: message.resource().into_owned(),
    };
    let scope = authorize(principal, &R::ACCESS, ecosystem).ok_or_else(denied)?;
    if !scope.is_staff() {
        let mut named = Vec::new();
        message.partners(&mut named);
        let reached = |name: &&str| {
            // What is no name of a partner is told as such, and names nobody.
            crate::name::read::<PartnerId>(ecosystem, name)
                .map_or(true, |partner| scope.may_name(&partner))
        };
        if !named.iter().all(reached) {
            return Err(denied());
        }
    }
    Ok(scope)
}

/// The fields that are set and that only the vendor's staff set.
fn guarded<R: Routed>(message: &R) -> Vec<Violation> {
    let mut paths = Vec::new();
    message.guarded("", &mut paths);
    let violation = |path| {
        Violation::new(
            path,
            "staff_sets",
            "only the staff of the ecosystem set this; leave it out",
        )
    };
    paths.into_iter().map(violation).collect()
}

/// For whom the call says it is made. Only a system says so, and whoever calls a server without
/// identities; for everybody else the credential has said who calls.
fn speaking_for(metadata: &MetadataMap, principal: &Principal) -> Result<Option<Actor>, Violation> {
    let Some(value) = metadata.get(ACTOR) else {
        return Ok(None);
    };
    if !principal.speaks_for_others() {
        return Err(Violation::new(
            ACTOR,
            "actor",
            "only a service says for whom it calls; leave it out",
        ));
    }
    let read = value
        .to_str()
        .ok()
        .and_then(|text| Actor::try_new(text).ok());
    read.map(Some)
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
