//! Failures as callers are told of them, as in AIP-193: a code, a message, and details that programs
//! can act on.

use std::collections::HashMap;
use std::error::Error;

use tonic::Status;
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};
use trellis_core::{Code, Failure, Violation};

use crate::google::rpc::bad_request;

/// The domain of every reason.
pub const DOMAIN: &str = "trellis.dev";

/// How many bytes of violations are sent. Details travel in a header, and many clients take no more
/// than 8 KiB of headers; their encoding adds a third.
const MOST_BYTES: usize = 5_000;

/// Tells a failure. What went wrong inside of the server is written to the log and not told.
#[must_use]
pub fn status(failure: &impl Failure) -> Status {
    let code = code(failure.code());
    let mut details = ErrorDetails::new();
    let metadata: HashMap<String, String> = failure
        .metadata()
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    if code == tonic::Code::Internal {
        tracing::error!(reason = failure.reason(), error = %chain(failure), "internal error");
        details.set_error_info(failure.reason(), DOMAIN, HashMap::new());
        return Status::with_error_details(code, "an internal error occurred", details);
    }
    details.set_error_info(failure.reason(), DOMAIN, metadata);
    if !failure.violations().is_empty() {
        details.set_bad_request(told(failure.violations()));
    }
    if let Some(after) = failure.retry_after() {
        details.set_retry_info(Some(after));
    }
    Status::with_error_details(code, failure.to_string(), details)
}

/// Violations on the wire, as the outcome of a row holds them.
#[must_use]
pub fn violations(violations: Vec<Violation>) -> Vec<bad_request::FieldViolation> {
    let wire = |Violation {
                    field,
                    rule,
                    description,
                }| bad_request::FieldViolation {
        field,
        reason: rule,
        description,
        ..Default::default()
    };
    violations.into_iter().map(wire).collect()
}

/// As many violations as fit; the last one says how many do not.
fn told(violations: &[Violation]) -> Vec<FieldViolation> {
    let mut told = Vec::new();
    let mut bytes = 0;
    for Violation {
        field,
        rule,
        description,
    } in violations
    {
        bytes += field.len() + rule.len() + description.len() + 12;
        if bytes > MOST_BYTES {
            let left = violations.len() - told.len();
            told.push(FieldViolation::new(
                "",
                format!("and {left} more; mend these first"),
            ));
            break;
        }
        told.push(FieldViolation {
            field: field.clone(),
            description: description.clone(),
            reason: rule.clone(),
            localized_message: None,
        });
    }
    told
}

/// A failure and its causes.
fn chain(failure: &impl Failure) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = Error::source(error);
    }
    text
}

const fn code(code: Code) -> tonic::Code {
    match code {
        Code::InvalidArgument => tonic::Code::InvalidArgument,
        Code::NotFound => tonic::Code::NotFound,
        Code::AlreadyExists => tonic::Code::AlreadyExists,
        Code::FailedPrecondition => tonic::Code::FailedPrecondition,
        Code::Aborted => tonic::Code::Aborted,
        Code::PermissionDenied => tonic::Code::PermissionDenied,
        Code::ResourceExhausted => tonic::Code::ResourceExhausted,
        Code::DeadlineExceeded => tonic::Code::DeadlineExceeded,
        Code::Unavailable => tonic::Code::Unavailable,
        Code::Unimplemented => tonic::Code::Unimplemented,
        Code::Internal => tonic::Code::Internal,
        Code::OutOfRange => tonic::Code::OutOfRange,
        Code::Unauthenticated => tonic::Code::Unauthenticated,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use trellis_core::Problem;

    use super::*;
    use crate::rpc::v1::ErrorReason;

    #[derive(Debug, thiserror::Error)]
    enum Broken {
        #[error("the disk is gone: /secret/path")]
        Disk(#[source] std::io::Error),
        #[error("busy")]
        Busy,
    }

    impl Failure for Broken {
        fn code(&self) -> Code {
            match self {
                Self::Disk(_) => Code::Internal,
                Self::Busy => Code::Aborted,
            }
        }

        fn reason(&self) -> &'static str {
            match self {
                Self::Disk(_) => "INTERNAL",
                Self::Busy => "CONTENDED",
            }
        }

        fn metadata(&self) -> Vec<(&'static str, String)> {
            vec![("path", "/secret/path".to_owned())]
        }

        fn retry_after(&self) -> Option<Duration> {
            Some(Duration::from_millis(50))
        }
    }

    #[test]
    fn a_refusal_is_told_with_its_reason_and_values() {
        let resource = "ecosystems/acme/partners/nimbus".to_owned();
        let status = status(&Problem::Exists {
            resource: resource.clone(),
            field: "external_id".into(),
        });
        assert_eq!(status.code(), tonic::Code::AlreadyExists);
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            ("RESOURCE_EXISTS", DOMAIN)
        );
        assert_eq!(info.metadata.get("resource"), Some(&resource));
        assert_eq!(info.metadata.get("field").unwrap(), "external_id");
        assert!(status.message().starts_with(&resource));
    }

    #[test]
    fn all_violations_are_told_with_their_rules() {
        let sent = vec![
            Violation::new("a", "string.min_len", "is short"),
            Violation::new("b.c", "money.sign", "is odd"),
        ];
        let status = status(&Problem::Invalid(sent.clone()));
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        let told = status.get_details_bad_request().unwrap().field_violations;
        let told: Vec<_> = told
            .into_iter()
            .map(|told| Violation::new(told.field, told.reason, told.description))
            .collect();
        assert_eq!(told, sent);
        assert_eq!(violations(sent).get(1).unwrap().reason, "money.sign");
    }

    #[test]
    fn more_violations_than_a_header_holds_are_counted() {
        let one = |at| Violation::new(format!("tags[{at}]"), "string.max_len", "x".repeat(80));
        let status = status(&Problem::Invalid((0..1_000).map(one).collect()));
        assert!(status.details().len() < 6_000);
        let told = status.get_details_bad_request().unwrap().field_violations;
        let last = told.last().unwrap().description.clone();
        assert_eq!(
            last,
            format!("and {} more; mend these first", 1_000 - (told.len() - 1))
        );
    }

    #[test]
    fn what_went_wrong_inside_is_not_told() {
        let status = status(&Broken::Disk(std::io::Error::other("bad sector")));
        assert_eq!(status.code(), tonic::Code::Internal);
        assert_eq!(status.message(), "an internal error occurred");
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.reason, "INTERNAL");
        assert!(info.metadata.is_empty());
        assert!(!String::from_utf8_lossy(status.details()).contains("secret"));
        let chain = chain(&Broken::Disk(std::io::Error::other("bad sector")));
        assert_eq!(chain, "the disk is gone: /secret/path: bad sector");
    }

    #[test]
    fn when_to_try_again_is_told() {
        let retry = status(&Broken::Busy).get_details_retry_info().unwrap();
        assert_eq!(retry.retry_delay, Some(Duration::from_millis(50)));
    }

    #[test]
    fn every_shared_reason_is_one_of_the_contract() {
        let resource = String::new;
        let problems = [
            Problem::Invalid(Vec::new()),
            Problem::NotFound {
                resource: resource(),
            },
            Problem::Exists {
                resource: resource(),
                field: String::new(),
            },
            Problem::EtagMismatch {
                resource: resource(),
            },
            Problem::IllegalTransition {
                resource: resource(),
                state: "",
                verb: "",
                allowed: Vec::new(),
            },
            Problem::NotEditable {
                resource: resource(),
                state: "",
                fields: Vec::new(),
            },
            Problem::Precondition {
                resource: resource(),
                requires: String::new(),
            },
        ];
        for problem in problems {
            let name = format!("ERROR_REASON_{}", problem.reason());
            assert!(ErrorReason::from_str_name(&name).is_some(), "{name}");
        }
    }
}
