//! What became of the rows of an import.

use trellis_api::rpc::v1::RowOutcome;
use trellis_api::rpc::v1::row_outcome::Result as Became;

/// How many rows became what: created, updated, unchanged, rejected.
pub(super) fn counts(outcomes: &[RowOutcome]) -> [usize; 4] {
    let all = [
        Became::Created,
        Became::Updated,
        Became::Unchanged,
        Became::Rejected,
    ];
    all.map(|became| {
        let alike = outcomes.iter().filter(|outcome| outcome.result() == became);
        alike.count()
    })
}

/// What became of each row.
pub(super) fn became(outcomes: &[RowOutcome]) -> Vec<Became> {
    outcomes.iter().map(RowOutcome::result).collect()
}

/// The fields of a rejected row that were wrong, each with the rule that it breaks.
pub(super) fn wrong(outcome: &RowOutcome) -> Vec<(&str, &str)> {
    assert_eq!(outcome.result(), Became::Rejected, "{outcome:?}");
    assert_eq!(outcome.name, "", "a rejected row has made nothing");
    let violations = outcome.violations.iter();
    violations
        .map(|violation| (violation.field.as_str(), violation.reason.as_str()))
        .collect()
}
