//! Looks into an error.

use std::collections::BTreeMap;
use std::fmt::Debug;

use tonic::{Code, Response, Status};
use tonic_types::StatusExt;
use trellis_api::rpc::v1::ErrorReason;

/// What an error says.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The sentence for people.
    pub message: String,
    /// Each value that the sentence speaks of.
    pub metadata: BTreeMap<String, String>,
    /// Each field that is wrong: its path, the rule that it breaks, and what is wrong.
    pub violations: Vec<(String, String, String)>,
}

/// Asserts that a call was refused with a code and a reason, and answers what else the error says.
///
/// # Panics
/// When the call succeeded, or was refused otherwise.
#[track_caller]
pub fn refused<T: Debug>(result: Result<Response<T>, Status>, code: Code, reason: &str) -> Refused {
    let status = match result {
        Ok(response) => {
            panic!(
                "expected {code:?} {reason}, but the call succeeded: {:?}",
                response.get_ref()
            )
        }
        Err(status) => status,
    };
    assert!(
        ErrorReason::from_str_name(&format!("ERROR_REASON_{reason}")).is_some(),
        "the contract knows no reason {reason}"
    );
    let info = status.get_details_error_info();
    let said = info.as_ref().map(|info| info.reason.as_str());
    assert_eq!(
        (status.code(), said),
        (code, Some(reason)),
        "{} {info:?} {:?}",
        status.message(),
        status.get_details_bad_request()
    );
    let info = info.expect("an error has a reason");
    assert_eq!(info.domain, "trellis.dev");
    let fields = status
        .get_details_bad_request()
        .map(|request| request.field_violations);
    Refused {
        message: status.message().to_owned(),
        metadata: info.metadata.into_iter().collect(),
        violations: fields
            .unwrap_or_default()
            .into_iter()
            .map(|violation| (violation.field, violation.reason, violation.description))
            .collect(),
    }
}

impl Refused {
    /// The fields that are wrong, each once, in order.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        let mut fields: Vec<&str> = self
            .violations
            .iter()
            .map(|(field, _, _)| field.as_str())
            .collect();
        fields.dedup();
        fields
    }

    /// Asserts that a field breaks a rule.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn breaks(&self, field: &str, rule: &str) -> &Self {
        let found = self
            .violations
            .iter()
            .any(|(at, broken, _)| at == field && broken == rule);
        assert!(
            found,
            "{field} does not break {rule}: {:?}",
            self.violations
        );
        self
    }

    /// Asserts what the metadata says of a key.
    ///
    /// # Panics
    /// When it says something else.
    #[track_caller]
    pub fn tells(&self, key: &str, value: &str) -> &Self {
        assert_eq!(
            self.metadata.get(key).map(String::as_str),
            Some(value),
            "{:?}",
            self.metadata
        );
        self
    }
}
