//! Everything that the program service refuses, and how it says so.

use trellis_api::tonic::Status;
use trellis_core::{Code, Failure, Problem, Violation};

/// A refusal of the program service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A refusal that every service has.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// A failure of the data layer.
    #[error(transparent)]
    Store(#[from] trellis_store::Error),
}

impl Error {
    fn failure(&self) -> &dyn Failure {
        match self {
            Self::Problem(problem) => problem,
            Self::Store(error) => error,
        }
    }
}

impl Failure for Error {
    fn code(&self) -> Code {
        self.failure().code()
    }

    fn reason(&self) -> &'static str {
        self.failure().reason()
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        self.failure().metadata()
    }

    fn violations(&self) -> &[Violation] {
        self.failure().violations()
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        self.failure().retry_after()
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        trellis_api::status(&error)
    }
}

/// Says which resource could not be made or changed because a value is taken.
pub(crate) fn exists(error: trellis_store::Error, resource: &str) -> Error {
    match error {
        trellis_store::Error::Exists { field } => Problem::Exists {
            resource: resource.to_owned(),
            field,
        }
        .into(),
        other => other.into(),
    }
}
