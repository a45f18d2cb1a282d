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
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Problem(problem) => problem.code(),
            Self::Store(error) => error.code(),
            Self::NotASandbox { .. } => Code::FailedPrecondition,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Problem(problem) => problem.reason(),
            Self::Store(error) => error.reason(),
            Self::NotASandbox { .. } => "NOT_A_SANDBOX",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Problem(problem) => problem.metadata(),
            Self::Store(error) => error.metadata(),
            Self::NotASandbox { resource } => vec![("resource", resource.clone())],
        }
    }

    fn violations(&self) -> &[Violation] {
        match self {
            Self::Problem(problem) => problem.violations(),
            Self::Store(_) | Self::NotASandbox { .. } => &[],
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Store(error) => error.retry_after(),
            Self::Problem(_) | Self::NotASandbox { .. } => None,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        trellis_api::status(&error)
    }
}
