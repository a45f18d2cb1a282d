//! Everything that the deal service refuses, and how it says so.

use tonic::Status;
use trellis_api::{Collection, name};
use trellis_core::{Code, Failure, Problem, Timestamp, Violation};
use trellis_store::View;

use crate::registration::budget::Exceeded;

/// A refusal of the deal service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A refusal that every service has.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// A failure of the data layer.
    #[error(transparent)]
    Store(#[from] trellis_store::Error),
    /// A parent that would close a circle.
    #[error("{resource} would lie within itself: {}; choose another parent", .path.join(" in "))]
    Cycle {
        /// The resource that was to get the parent.
        resource: String,
        /// The names along the circle, from the resource back to it.
        path: Vec<String>,
    },
    /// A registration that somebody else's stands in the way of.
    #[error("another registration stands in the way of {resource}; it waits until that one ends")]
    RegistrationConflict {
        /// The registration that cannot be approved.
        resource: String,
    },
    /// A second registration of one partner for one business.
    #[error("{resource} is this partner's registration for the same already; go on with that one")]
    SelfDuplicate {
        /// The registration that stands.
        resource: String,
    },
    /// A registration that its partner has no budget left for.
    #[error(
        "{resource} would be one too many: business was registered with as many accounts in {} hours \
         as the program lets a partner; hand it in from {} on",
        hours(exceeded),
        exceeded.retry_time
    )]
    SubmissionBudget {
        /// The registration.
        resource: String,
        /// What is in its way.
        exceeded: Exceeded,
        /// What it would cost.
        cost: i64,
        /// When it was to be handed in.
        now: Timestamp,
    },
    /// A registration of somebody who holds enough of them open.
    #[error(
        "{resource} would be one too many: its {holder} holds {open} registrations of the program \
         open, and it lets them hold {limit}; convert some or take them back first"
    )]
    OpenRegistrations {
        /// The registration.
        resource: String,
        /// Who holds them: `person` or `partner`.
        holder: &'static str,
        /// How many they may hold.
        limit: i32,
        /// How many they do.
        open: u64,
    },
    /// A registration that its partner had not long ago, handed in again without anything new.
    #[error(
        "{resource} was for the same and has ended not long ago; give new evidence, or hand it in \
         again from {cool_off_time} on"
    )]
    CoolOff {
        /// The registration that has ended.
        resource: String,
        /// From when on it counts no longer.
        cool_off_time: Timestamp,
    },
    /// Values that are older than what the same side wrote already.
    #[error(
        "the same side has written newer values to {} of {resource}, the newest as of {latest_time}; \
         leave them out, or drop the write",
        fields.join(", ")
    )]
    LateWrite {
        /// The deal.
        resource: String,
        /// The fields that are newer.
        fields: Vec<&'static str>,
        /// As of when the newest of them is.
        latest_time: Timestamp,
    },
    /// A refund that would pay back more than was won.
    #[error(
        "{resource} was won for {won_amount}, of which {refunded_amount} was paid back already; \
         refund no more than the rest"
    )]
    RefundExceedsDeal {
        /// The deal.
        resource: String,
        /// What it was won for.
        won_amount: String,
        /// What was paid back before.
        refunded_amount: String,
    },
}

fn hours(exceeded: &Exceeded) -> u64 {
    exceeded.window.as_secs() / 3_600
}

/// Whose words a refusal speaks in.
enum Said<'a> {
    Elsewhere(&'a dyn Failure),
    Here(&'static str, Vec<(&'static str, String)>),
}

impl Error {
    fn said(&self) -> Said<'_> {
        match self {
            Self::Problem(problem) => Said::Elsewhere(problem),
            Self::Store(error) => Said::Elsewhere(error),
            Self::Cycle { resource, path } => Said::Here(
                "CYCLE",
                vec![("resource", resource.clone()), ("path", path.join(","))],
            ),
            Self::RegistrationConflict { resource } => Said::Here(
                "REGISTRATION_CONFLICT",
                vec![("resource", resource.clone())],
            ),
            Self::SelfDuplicate { resource } => {
                Said::Here("SELF_DUPLICATE", vec![("resource", resource.clone())])
            }
            Self::SubmissionBudget {
                resource,
                exceeded,
                cost,
                now: _,
            } => Said::Here(
                "SUBMISSION_BUDGET",
                vec![
                    ("resource", resource.clone()),
                    ("window_hours", hours(exceeded).to_string()),
                    ("limit", exceeded.limit.to_string()),
                    ("spent", exceeded.spent.to_string()),
                    ("cost", cost.to_string()),
                    ("retry_time", exceeded.retry_time.to_string()),
                ],
            ),
            Self::OpenRegistrations {
                resource,
                holder,
                limit,
                open,
            } => Said::Here(
                "OPEN_REGISTRATIONS",
                vec![
                    ("resource", resource.clone()),
                    ("holder", (*holder).to_owned()),
                    ("limit", limit.to_string()),
                    ("open", open.to_string()),
                ],
            ),
            Self::CoolOff {
                resource,
                cool_off_time,
            } => Said::Here(
                "COOL_OFF",
                vec![
                    ("resource", resource.clone()),
                    ("cool_off_time", cool_off_time.to_string()),
                ],
            ),
            Self::LateWrite {
                resource,
                fields,
                latest_time,
            } => Said::Here(
                "LATE_WRITE",
                vec![
                    ("resource", resource.clone()),
                    ("fields", fields.join(",")),
                    ("latest_time", latest_time.to_string()),
                ],
            ),
            Self::RefundExceedsDeal {
                resource,
                won_amount,
                refunded_amount,
            } => Said::Here(
                "REFUND_EXCEEDS_DEAL",
                vec![
                    ("resource", resource.clone()),
                    ("won_amount", won_amount.clone()),
                    ("refunded_amount", refunded_amount.clone()),
                ],
            ),
        }
    }
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Problem(problem) => problem.code(),
            Self::Store(error) => error.code(),
            Self::SubmissionBudget { .. } | Self::OpenRegistrations { .. } => {
                Code::ResourceExhausted
            }
            Self::Cycle { .. }
            | Self::RegistrationConflict { .. }
            | Self::SelfDuplicate { .. }
            | Self::CoolOff { .. }
            | Self::LateWrite { .. }
            | Self::RefundExceedsDeal { .. } => Code::FailedPrecondition,
        }
    }

    fn reason(&self) -> &'static str {
        match self.said() {
            Said::Elsewhere(failure) => failure.reason(),
            Said::Here(reason, _) => reason,
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self.said() {
            Said::Elsewhere(failure) => failure.metadata(),
            Said::Here(_, metadata) => metadata,
        }
    }

    fn violations(&self) -> &[Violation] {
        match self {
            Self::Problem(problem) => problem.violations(),
            Self::Store(error) => error.violations(),
            Self::Cycle { .. }
            | Self::RegistrationConflict { .. }
            | Self::SelfDuplicate { .. }
            | Self::CoolOff { .. }
            | Self::SubmissionBudget { .. }
            | Self::OpenRegistrations { .. }
            | Self::LateWrite { .. }
            | Self::RefundExceedsDeal { .. } => &[],
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Problem(problem) => problem.retry_after(),
            Self::Store(error) => error.retry_after(),
            Self::SubmissionBudget { exceeded, now, .. } => Some(exceeded.retry_time.since(*now)),
            Self::Cycle { .. }
            | Self::RegistrationConflict { .. }
            | Self::SelfDuplicate { .. }
            | Self::CoolOff { .. }
            | Self::OpenRegistrations { .. }
            | Self::LateWrite { .. }
            | Self::RefundExceedsDeal { .. } => None,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        trellis_api::status(&error)
    }
}

/// Says that a resource does not exist.
pub(crate) fn absent<I: Collection>(view: &View, id: &I) -> Error {
    let resource = name(view.ecosystem(), id);
    Problem::NotFound { resource }.into()
}

/// Says which resource could not be written because a value is taken.
pub(crate) fn exists(error: trellis_store::Error, resource: &str) -> Error {
    match error {
        trellis_store::Error::Exists { field } => {
            let resource = resource.to_owned();
            Problem::Exists { resource, field }.into()
        }
        other => other.into(),
    }
}

/// Says that somebody took a value after it was looked up, so that the work must be done again.
/// For imports: they look first and do not fail over what they could have found.
pub(crate) fn overtaken(error: trellis_store::Error) -> Error {
    match error {
        trellis_store::Error::Exists { .. } => trellis_store::Error::Contended.into(),
        other => other.into(),
    }
}
