//! Why an import could not run.

use std::path::PathBuf;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::kind::Kind;

/// Why an import could not run, or not to its end. What was imported until then stands, and running
/// it again changes none of that.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The mapping is wrong.
    #[error("the mapping {} is wrong:\n{wrong}", path.display())]
    Mapping {
        /// The mapping's file.
        path: PathBuf,
        /// Everything that is wrong with it, a line each.
        wrong: String,
    },

    /// A file cannot be read or written.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },

    /// A file cannot be what the mapping says.
    #[error("{}: {wrong}", path.display())]
    Sheet {
        /// The file.
        path: PathBuf,
        /// Why.
        wrong: String,
    },

    /// The mapping does not speak of a kind that is asked for.
    #[error("the mapping says nothing of {0}; leave them out of --only or add them to the mapping")]
    Unmapped(Kind),

    /// The folder holds rejects, but of other kinds than are asked for.
    #[error("{} holds no rejects of what is to be imported", folder.display())]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },

    /// Another rejects folder is needed.
    #[error(
        "a dry run must not replace the rows that it reads: give --rejects another folder than {}",
        folder.display()
    )]
    OwnRejects {
        /// The folder.
        folder: PathBuf,
    },

    /// What was given on the command line is wrong.
    #[error("{0}")]
    Argument(String),

    /// The server cannot be reached.
    #[error("the server at {server} cannot be reached ({why}); is it running?")]
    Unreachable {
        /// Its address.
        server: String,
        /// Why.
        why: String,
    },

    /// There is no such ecosystem.
    #[error("the ecosystem {0} does not exist; check its name, or make it with --create-ecosystem")]
    NoEcosystem(String),

    /// The server refused a call.
    #[error("the server refused to {what}: {}", told(status))]
    Refused {
        /// What was asked of it.
        what: String,
        /// What it answered.
        status: Box<Status>,
    },

    /// The server answered what the contract does not allow.
    #[error("the server gave a wrong answer: {0}")]
    Answer(String),
}

impl Error {
    /// The server refused to do this.
    pub(super) fn refused(what: impl Into<String>, status: Status) -> Self {
        let (what, status) = (what.into(), Box::new(status));
        Self::Refused { what, status }
    }

    /// A file that cannot be read or written.
    pub(super) fn file(path: impl Into<PathBuf>, why: std::io::Error) -> Self {
        let path = path.into();
        Self::File { path, why }
    }
}

/// What a status says, with every field that it complains of.
fn told(status: &Status) -> String {
    let mut told = status.message().to_owned();
    if told.is_empty() {
        told = status.code().description().to_owned();
    }
    if status.code() == Code::Unimplemented {
        told.push_str("; does it serve all that is imported?");
    }
    for violation in status
        .get_details_bad_request()
        .into_iter()
        .flat_map(|bad| bad.field_violations)
    {
        told.push_str(&format!(
            "\n  {}: {}",
            violation.field, violation.description
        ));
    }
    told
}

/// Whether the same call may succeed a little later.
///
/// Every refusal of a Trellis server has its reason with it. A failure that has none comes from the
/// connection, unless it says that the method is not there.
pub(super) fn transient(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::Aborted | Code::DeadlineExceeded => true,
        Code::Unknown | Code::Internal | Code::Cancelled | Code::ResourceExhausted => {
            status.get_details_error_info().is_none()
        }
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss
        | Code::Unauthenticated => false,
    }
}
