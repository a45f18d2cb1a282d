//! Everything that the platform service refuses, and how it says so.

use trellis_api::tonic::Status;
use trellis_core::{Code, Failure, Problem, Violation};

/// A refusal of the platform service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A refusal that every service has.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// A failure of the data layer.
    #[error(transparent)]
    Store(#[from] trellis_store::Error),
    /// The clock of an ecosystem that is no sandbox was to be moved.
    #[error("{resource} is not a sandbox, so its clock follows the world's; create a sandbox")]
    NotASandbox {
        /// The ecosystem's name.
        resource: String,
    },
    /// The caller would give a role that they may not give.
    #[error(
        "{role} is not the caller's to give: whoever runs the ecosystem gives every role, whoever \
         runs a partner's side gives that partner's"
    )]
    NotToGive {
        /// The role.
        role: &'static str,
    },
    /// There are as many webhooks as there may be.
    #[error("{resource} has {limit} webhooks, and may have no more; delete one first")]
    TooManyWebhooks {
        /// Whose they are.
        resource: String,
        /// How many there may be.
        limit: u64,
    },
    /// A partner asked what somebody else may do.
    #[error("only the staff of the ecosystem ask about others; leave the principal out")]
    AboutOthers,
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Problem(problem) => problem.code(),
            Self::Store(error) => error.code(),
            Self::NotASandbox { .. } => Code::FailedPrecondition,
            Self::TooManyWebhooks { .. } => Code::ResourceExhausted,
            Self::NotToGive { .. } | Self::AboutOthers => Code::PermissionDenied,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Problem(problem) => problem.reason(),
            Self::Store(error) => error.reason(),
            Self::NotASandbox { .. } => "NOT_A_SANDBOX",
            Self::TooManyWebhooks { .. } => "TOO_MANY_WEBHOOKS",
            Self::NotToGive { .. } | Self::AboutOthers => "PERMISSION_DENIED",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Problem(problem) => problem.metadata(),
            Self::Store(error) => error.metadata(),
            Self::NotASandbox { resource } => vec![("resource", resource.clone())],
            Self::NotToGive { role } => vec![("role", (*role).to_owned())],
            Self::TooManyWebhooks { resource, limit } => {
                vec![("resource", resource.clone()), ("limit", limit.to_string())]
            }
            Self::AboutOthers => Vec::new(),
        }
    }

    fn violations(&self) -> &[Violation] {
        match self {
            Self::Problem(problem) => problem.violations(),
            Self::Store(_)
            | Self::NotASandbox { .. }
            | Self::TooManyWebhooks { .. }
            | Self::NotToGive { .. }
            | Self::AboutOthers => &[],
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Store(error) => error.retry_after(),
            Self::Problem(_)
            | Self::NotASandbox { .. }
            | Self::TooManyWebhooks { .. }
            | Self::NotToGive { .. }
            | Self::AboutOthers => None,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        trellis_api::status(&error)
    }
}
