//! What can go wrong between a use case and its database.

use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr, SqlErr};
use trellis_core::{Code, Failure};

use crate::incentive::ledger::Rejected;

/// A failure of the data layer. Nothing of the driver leaves this crate: its words go to the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A value that must be unique is taken. `field` is the column that clashed; `id` for the key.
    #[error("the {field} is taken; choose another")]
    Exists {
        /// The column whose value is taken.
        field: String,
    },
    /// The ecosystem of the call does not exist.
    #[error("there is no {resource}; check the name")]
    NoEcosystem {
        /// The resource name of the ecosystem.
        resource: String,
    },
    /// The caller's scope does not reach the row that they would make.
    #[error("the caller may not make this for somebody else; name your own partner")]
    OutOfReach,
    /// The request id was used for another request.
    #[error("request id {request_id} was used for a different request; make a new one")]
    RequestIdReused {
        /// The request id.
        request_id: String,
    },
    /// What the request id was used for was done, and its answer was erased.
    #[error(
        "what request id {request_id} was used for was done, and its answer was erased since, for it \
         named somebody; read the resource instead"
    )]
    AnswerErased {
        /// The request id.
        request_id: String,
    },
    /// Other writers held or changed the same rows, and the retries ran out.
    #[error("other calls are changing the same rows; try again")]
    Contended,
    /// The call's deadline passed before its work could begin or end.
    #[error("the deadline passed; send the call again with the same request id")]
    Deadline,
    /// The workers did not reach the position that the caller asked to read from.
    #[error("the workers did not reach position {position} in time; try again")]
    PositionNotReached {
        /// The position asked for.
        position: String,
    },
    /// The feed has not come to a position that the caller knows: it is another feed's, or this one
    /// was restored to a moment before it.
    #[error(
        "the feed has not come to position {position}: it is another ecosystem's, or the database was \
         restored to a moment before it; read anew what you keep, and go on from the position that \
         GetPosition tells"
    )]
    PositionUnknown {
        /// The position.
        position: String,
    },
    /// What comes after a position that the caller knows, or an event that they name, was removed from the
    /// feed.
    #[error(
        "events up to {oldest} have been removed, and with them some after {position}, or the one there; \
         read anew what you keep, with START_SNAPSHOT of WatchEvents, or go on after {oldest}"
    )]
    PositionExpired {
        /// The position.
        position: String,
        /// The oldest position after which every event is there.
        oldest: String,
    },
    /// The database cannot be reached.
    #[error("the database cannot be reached; try again")]
    Unavailable(#[source] DbErr),
    /// The database ended the connection while it committed, so that the outcome is not known.
    #[error("the outcome is not known; send the call again with the same request id")]
    OutcomeUnknown(#[source] DbErr),
    /// A page token was made for another query.
    #[error("the page token was made for another request; begin with an empty one")]
    BadCursor,
    /// A filter or an order names a field that the table does not have: a fault of ours, because
    /// the wire's field table let it pass.
    #[error("no column stands behind {field}")]
    UnknownField {
        /// The field.
        field: String,
    },
    /// A row holds what no version of Trellis writes.
    #[error("{table} holds a value that cannot be read: {what}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// A posting that the ledger refuses: a fault of ours.
    #[error(transparent)]
    Posting(#[from] Rejected),
    /// The work panicked. Its transaction was rolled back.
    #[error("the work panicked")]
    Panicked,
    /// Anything else that the driver reports: a fault of ours.
    #[error("the database refused a statement")]
    Driver(#[source] DbErr),
}

impl Error {
    /// Reads a failed commit: whatever broke the connection leaves the outcome open.
    pub(crate) fn of_commit(error: DbErr) -> Self {
        let error = Self::from(error);
        if let Self::Unavailable(source) = error {
            Self::OutcomeUnknown(source)
        } else {
            error
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(message)) = error.sql_err() {
            return Self::Exists {
                field: clashing_field(&message),
            };
        }
        let cause = match &error {
            DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause))
            | DbErr::Conn(RuntimeErr::SqlxError(cause)) => Some(cause),
            _ => None,
        };
        let unreachable = matches!(&error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_));
        match cause.map(|cause| classify(cause)) {
            Some(Class::Contended) => Self::Contended,
            Some(Class::Deadline) => Self::Deadline,
            Some(Class::Unavailable) => Self::Unavailable(error),
            None if unreachable => Self::Unavailable(error),
            Some(Class::Other) | None => Self::Driver(error),
        }
    }
}

enum Class {
    Contended,
    Deadline,
    Unavailable,
    Other,
}

/// Sorts a driver's error by what the caller should do about it.
///
/// PostgreSQL: 40001 serialization failure, 40P01 deadlock, 55P03 lock not available, 57014
/// statement timeout, class 08 and 57P0x connection loss. SQLite: 5 busy, 6 locked and their
/// extended codes.
fn classify(error: &sea_orm::sqlx::Error) -> Class {
    use sea_orm::sqlx::Error as Sqlx;
    match error {
        Sqlx::Database(database) => match database.code().as_deref() {
            Some("40001" | "40P01" | "55P03" | "5" | "6" | "261" | "517" | "262") => {
                Class::Contended
            }
            Some("57014") => Class::Deadline,
            Some(code) if code.starts_with("08") || code.starts_with("57P0") || code == "53300" => {
                Class::Unavailable
            }
            _ => Class::Other,
        },
        Sqlx::Io(_) | Sqlx::PoolTimedOut | Sqlx::PoolClosed | Sqlx::WorkerCrashed => {
            Class::Unavailable
        }
        _ => Class::Other,
    }
}

/// Finds the column in a driver's message about a unique constraint.
///
/// SQLite lists the columns (`partners.ecosystem, partners.external_id`); PostgreSQL names the
/// index, and ours are named `{table}__{column}`, the primary keys `{table}_pkey`.
fn clashing_field(message: &str) -> String {
    if let Some((_, columns)) = message.split_once("UNIQUE constraint failed: ") {
        let last = columns.rsplit(',').next().unwrap_or(columns).trim();
        let column = last.rsplit('.').next().unwrap_or(last);
        return column.trim_matches(['"', '\'', ' ', '\\']).to_owned();
    }
    message
        .split('"')
        .find_map(|part| part.split_once("__").map(|(_, column)| column.to_owned()))
        .unwrap_or_else(|| "id".to_owned())
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Exists { .. } => Code::AlreadyExists,
            Self::NoEcosystem { .. } => Code::NotFound,
            Self::OutOfReach => Code::PermissionDenied,
            Self::RequestIdReused { .. } | Self::BadCursor => Code::InvalidArgument,
            Self::Contended => Code::Aborted,
            Self::Deadline | Self::PositionNotReached { .. } => Code::DeadlineExceeded,
            Self::AnswerErased { .. }
            | Self::PositionUnknown { .. }
            | Self::PositionExpired { .. } => Code::FailedPrecondition,
            Self::Unavailable(_) | Self::OutcomeUnknown(_) => Code::Unavailable,
            Self::UnknownField { .. }
            | Self::Corrupt { .. }
            | Self::Posting(_)
            | Self::Panicked
            | Self::Driver(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "RESOURCE_EXISTS",
            Self::NoEcosystem { .. } => "RESOURCE_NOT_FOUND",
            Self::OutOfReach => "PERMISSION_DENIED",
            Self::RequestIdReused { .. } => "REQUEST_ID_REUSED",
            Self::AnswerErased { .. } => "REQUEST_ANSWER_ERASED",
            Self::BadCursor => "INVALID_FIELDS",
            Self::Contended => "CONTENDED",
            Self::Deadline => "DEADLINE_EXCEEDED",
            Self::PositionNotReached { .. } => "POSITION_NOT_REACHED",
            Self::PositionUnknown { .. } => "POSITION_UNKNOWN",
            Self::PositionExpired { .. } => "POSITION_EXPIRED",
            Self::Unavailable(_) | Self::OutcomeUnknown(_) => "UNAVAILABLE",
            Self::UnknownField { .. }
            | Self::Corrupt { .. }
            | Self::Posting(_)
            | Self::Panicked
            | Self::Driver(_) => "INTERNAL",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Exists { field } => vec![("field", field.clone())],
            Self::NoEcosystem { resource } => vec![("resource", resource.clone())],
            Self::RequestIdReused { request_id } | Self::AnswerErased { request_id } => {
                vec![("request_id", request_id.clone())]
            }
            Self::PositionNotReached { position } | Self::PositionUnknown { position } => {
                vec![("position", position.clone())]
            }
            Self::PositionExpired { position, oldest } => vec![
                ("position", position.clone()),
                ("oldest_position", oldest.clone()),
            ],
            Self::UnknownField { field } => vec![("field", field.clone())],
            Self::OutOfReach
            | Self::Contended
            | Self::BadCursor
            | Self::Deadline
            | Self::Unavailable(_)
            | Self::OutcomeUnknown(_)
            | Self::Corrupt { .. }
            | Self::Posting(_)
            | Self::Panicked
            | Self::Driver(_) => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Contended | Self::Unavailable(_) => Some(Duration::from_millis(100)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::clashing_field;

    #[test]
    fn the_clashing_field_is_read_from_both_databases_messages() {
        let sqlite = "UNIQUE constraint failed: partners.ecosystem, partners.external_id";
        assert_eq!(clashing_field(sqlite), "external_id");
        let postgres = r#"duplicate key value violates unique constraint "partners__external_id""#;
        assert_eq!(clashing_field(postgres), "external_id");
        let key = r#"duplicate key value violates unique constraint "partners_pkey""#;
        assert_eq!(clashing_field(key), "id");
    }
}
