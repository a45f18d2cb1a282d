//! Refusals: what every failure must be able to say of itself, and those that all services share.
//!
//! A failure has a code, a reason that programs can act on, metadata with each value that its message
//! speaks of, and a message that says what is wrong and what to do.

use std::time::Duration;

/// What kind of failure it is; the codes of gRPC that Trellis answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The request is wrong, whatever the state of the system.
    InvalidArgument,
    /// What the request speaks of does not exist, or is hidden from the caller.
    NotFound,
    /// What the request wants to make exists.
    AlreadyExists,
    /// The state of the system does not allow it. Trying again does not help until that changes.
    FailedPrecondition,
    /// Something changed in between. Read again and decide anew.
    Aborted,
    /// The caller may not.
    PermissionDenied,
    /// A limit or a budget is used up.
    ResourceExhausted,
    /// The call's time ran out.
    DeadlineExceeded,
    /// The server cannot answer now. Trying again may help.
    Unavailable,
    /// The server does not do this.
    Unimplemented,
    /// A fault of the server.
    Internal,
    /// Past the end of what there is.
    OutOfRange,
    /// The caller did not say who they are, or not convincingly.
    Unauthenticated,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Violation {
    /// The path of the field in the request, such as `partner.display_name`.
    pub field: String,
    /// Which rule it breaks, such as `string.max_len`.
    pub rule: String,
    /// What is wrong, for people.
    pub description: String,
}

impl Violation {
    /// A violation of a rule by a field.
    pub fn new(
        field: impl Into<String>,
        rule: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            rule: rule.into(),
            description: description.into(),
        }
    }
}

/// A failure that a caller is told of.
pub trait Failure: std::error::Error {
    /// What kind of failure it is.
    fn code(&self) -> Code;

    /// Why, in a word of the contract's `ErrorReason` without its prefix.
    fn reason(&self) -> &'static str;

    /// Each value that the message speaks of.
    fn metadata(&self) -> Vec<(&'static str, String)>;

    /// Everything that is wrong with the request.
    fn violations(&self) -> &[Violation] {
        &[]
    }

    /// How long to wait before trying again, when trying again may help.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

/// The refusals that every service shares.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Some fields are wrong.
    #[error("the request has wrong fields: {}; mend them and send it again", fields(.0))]
    Invalid(Vec<Violation>),

    /// The resource does not exist.
    #[error("{resource} does not exist; check its name")]
    NotFound {
        /// Its name.
        resource: String,
    },

    /// Something that must be unique is taken.
    #[error("{resource} exists already with this {field}; choose another or use the one there is")]
    Exists {
        /// The name of the resource that has it, or would have.
        resource: String,
        /// The field that must be unique.
        field: String,
    },

    /// The resource has changed since its etag was read.
    #[error("{resource} has changed since its etag was read; read it again and decide anew")]
    EtagMismatch {
        /// Its name.
        resource: String,
    },

    /// The move cannot be made from this state.
    #[error(
        "{resource} is {state}, so {verb} cannot be done; what can be done: {}",
        list(allowed, "nothing, the state is final")
    )]
    IllegalTransition {
        /// The name of the resource.
        resource: String,
        /// Its state.
        state: &'static str,
        /// What was asked.
        verb: &'static str,
        /// What can be done in this state.
        allowed: Vec<&'static str>,
    },

    /// Fields cannot be edited in this state.
    #[error(
        "{resource} is {state}, so these fields cannot be edited: {}",
        list(fields, "none")
    )]
    NotEditable {
        /// The name of the resource.
        resource: String,
        /// Its state.
        state: &'static str,
        /// The fields that cannot be edited.
        fields: Vec<String>,
    },

    /// Something that the call needs is not so.
    #[error("{resource} cannot do this yet; first {requires}")]
    Precondition {
        /// The name of the resource.
        resource: String,
        /// What must be so first, as the end of a sentence: `the partner must be ACTIVE`.
        requires: String,
    },
}

/// The first few fields that are wrong; the violations list all of them.
fn fields(violations: &[Violation]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for violation in violations {
        if !names.contains(&violation.field.as_str()) {
            names.push(&violation.field);
        }
    }
    let more = names.len().saturating_sub(5);
    names.truncate(5);
    let names = list(&names, "none");
    if more == 0 {
        names
    } else {
        format!("{names} and {more} more")
    }
}

fn list(names: &[impl AsRef<str>], none: &str) -> String {
    if names.is_empty() {
        return none.to_owned();
    }
    names
        .iter()
        .map(AsRef::as_ref)
        .collect::<Vec<_>>()
        .join(", ")
}

impl Failure for Problem {
    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::InvalidArgument,
            Self::NotFound { .. } => Code::NotFound,
            Self::Exists { .. } => Code::AlreadyExists,
            Self::EtagMismatch { .. } => Code::Aborted,
            Self::IllegalTransition { .. }
            | Self::NotEditable { .. }
            | Self::Precondition { .. } => Code::FailedPrecondition,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "INVALID_FIELDS",
            Self::NotFound { .. } => "RESOURCE_NOT_FOUND",
            Self::Exists { .. } => "RESOURCE_EXISTS",
            Self::EtagMismatch { .. } => "ETAG_MISMATCH",
            Self::IllegalTransition { .. } => "ILLEGAL_TRANSITION",
            Self::NotEditable { .. } => "NOT_EDITABLE",
            Self::Precondition { .. } => "PRECONDITION",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Invalid(_) => Vec::new(),
            Self::NotFound { resource } | Self::EtagMismatch { resource } => {
                vec![("resource", resource.clone())]
            }
            Self::Exists { resource, field } => {
                vec![("resource", resource.clone()), ("field", field.clone())]
            }
            Self::IllegalTransition {
                resource,
                state,
                verb,
                allowed,
            } => vec![
                ("resource", resource.clone()),
                ("state", (*state).to_owned()),
                ("move", (*verb).to_owned()),
                ("allowed", allowed.join(",")),
            ],
            Self::NotEditable {
                resource,
                state,
                fields,
            } => vec![
                ("resource", resource.clone()),
                ("state", (*state).to_owned()),
                ("fields", fields.join(",")),
            ],
            Self::Precondition { resource, requires } => {
                vec![
                    ("resource", resource.clone()),
                    ("requires", requires.clone()),
                ]
            }
        }
    }

    fn violations(&self) -> &[Violation] {
        match self {
            Self::Invalid(violations) => violations,
            Self::NotFound { .. }
            | Self::Exists { .. }
            | Self::EtagMismatch { .. }
            | Self::IllegalTransition { .. }
            | Self::NotEditable { .. }
            | Self::Precondition { .. } => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_is_wrong_and_what_to_do() {
        let resource = "ecosystems/acme/partners/nimbus".to_owned();
        let refusal = Problem::IllegalTransition {
            resource: resource.clone(),
            state: "ACTIVE",
            verb: "invite",
            allowed: vec!["suspend", "give notice"],
        };
        assert_eq!(
            refusal.to_string(),
            "ecosystems/acme/partners/nimbus is ACTIVE, so invite cannot be done; what can be \
             done: suspend, give notice"
        );
        assert_eq!(
            refusal.metadata(),
            [
                ("resource", resource),
                ("state", "ACTIVE".to_owned()),
                ("move", "invite".to_owned()),
                ("allowed", "suspend,give notice".to_owned()),
            ]
        );
        assert_eq!(
            (refusal.code(), refusal.reason()),
            (Code::FailedPrecondition, "ILLEGAL_TRANSITION")
        );
    }

    #[test]
    fn a_final_state_says_that_it_is_final() {
        let refusal = Problem::IllegalTransition {
            resource: "x".to_owned(),
            state: "TERMINATED",
            verb: "invite",
            allowed: Vec::new(),
        };
        assert!(refusal.to_string().ends_with("nothing, the state is final"));
    }

    #[test]
    fn many_wrong_fields_are_named_once_and_counted() {
        let violation = |at: usize| Violation::new(format!("rows[{at}]"), "rule", "is wrong");
        let mut violations: Vec<_> = (0..7).map(violation).collect();
        violations.push(violation(0));
        let refusal = Problem::Invalid(violations.clone());
        assert_eq!(
            refusal.to_string(),
            "the request has wrong fields: rows[0], rows[1], rows[2], rows[3], rows[4] and 2 more; \
             mend them and send it again"
        );
        assert_eq!(refusal.violations(), violations);
    }

    #[test]
    fn every_value_of_a_message_is_in_its_metadata() {
        let name = || "ecosystems/acme".to_owned();
        let problems = [
            Problem::NotFound { resource: name() },
            Problem::Exists {
                resource: name(),
                field: "external_id".into(),
            },
            Problem::EtagMismatch { resource: name() },
            Problem::NotEditable {
                resource: name(),
                state: "WON",
                fields: vec!["amount".to_owned()],
            },
            Problem::Precondition {
                resource: name(),
                requires: "the partner must be ACTIVE".to_owned(),
            },
        ];
        for problem in problems {
            let metadata = problem.metadata();
            assert_eq!(metadata.first(), Some(&("resource", name())));
            for (_, value) in metadata {
                assert!(problem.to_string().contains(&value), "{problem}: {value}");
            }
        }
    }
}
