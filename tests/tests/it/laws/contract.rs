//! The contract holds only what works: its lists of errors are true.
//!
//! Each listed error is brought about at its method by `refusals`, and every answer of every other
//! test is held against the lists by `trellis_tests::Witness`. What is left for here: that the
//! comments fit together, that they are those of every method that there is, and that an error which
//! any method may answer, and which none lists, has a test of its own.

use std::collections::BTreeSet;

use trellis_api::METHODS;
use trellis_tests::contract::Contract;

use super::texts;

/// For each reason that any method may answer: the file and the test that brings it about.
const ANYWHERE: [(&str, &str, &str); 16] = [
    (
        "MESSAGE_COUNT",
        "tests/tests/it/edge/conformance.rs",
        "unexpected",
    ),
    (
        "UNKNOWN_COMPRESSION",
        "tests/tests/it/server/calls.rs",
        "an_unknown_compression_is_refused_and_gzip_is_taken",
    ),
    (
        "QUOTA_EXCEEDED",
        "tests/tests/it/server/limits.rs",
        "a_principal_has_no_more_calls_under_way_than_its_share",
    ),
    (
        "OVERLOADED",
        "crates/server/src/layers/admission/mod.rs",
        "who_would_wait_too_long_is_told_when_to_come_again",
    ),
    (
        "UNAUTHENTICATED",
        "crates/api/src/open/tests.rs",
        "nobody_is_answered_without_a_principal",
    ),
    (
        "PERMISSION_DENIED",
        "crates/api/src/open/tests.rs",
        "who_may_not_is_told_so_before_anything_else",
    ),
    (
        "REQUEST_ID_REUSED",
        "tests/tests/it/deal/catalog.rs",
        "creating_twice_with_one_request_id_is_one_product",
    ),
    (
        "REQUEST_ANSWER_ERASED",
        "tests/tests/it/audit/erased.rs",
        "answers_that_name_somebody_are_kept_no_longer",
    ),
    (
        "CONTENDED",
        "tests/tests/it/refusals/contended.rs",
        "a_row_that_somebody_else_holds_is_contended",
    ),
    (
        "DEADLINE_EXCEEDED",
        "tests/tests/it/server/calls.rs",
        "a_passed_deadline_is_answered_as_such_with_a_reason",
    ),
    (
        "UNAVAILABLE",
        "crates/server/src/layers/tests.rs",
        "a_watch_has_no_deadline_and_ends_when_the_server_stops",
    ),
    (
        "INTERNAL",
        "crates/server/src/layers/tests.rs",
        "a_panic_answers_internal_with_the_request_id_and_nothing_of_the_panic",
    ),
    (
        "POSITION_NOT_REACHED",
        "tests/tests/it/refusals/overdue.rs",
        "a_clock_is_advanced_though_the_workers_are_late",
    ),
    (
        "NOT_SERVED",
        "tests/tests/it/server/calls.rs",
        "a_method_that_is_not_served_says_so",
    ),
    (
        "TOO_LARGE",
        "tests/tests/it/server/calls.rs",
        "a_message_above_the_limit_exhausts_it",
    ),
    (
        "MALFORMED_MESSAGE",
        "tests/tests/it/server/calls.rs",
        "bytes_that_are_no_message_are_the_callers_mistake",
    ),
];

/// The text of a test: from its name to where the next item of its file begins.
fn body<'a>(file: &'a str, test: &str) -> Option<&'a str> {
    let (_, rest) = file.split_once(&format!("fn {test}("))?;
    let end = rest.find("async fn ").unwrap_or(rest.len());
    rest.get(..end)
}

/// What is wrong with saying that a test brings a reason about.
fn doubt(file: &str, test: &str, reason: &str) -> Option<String> {
    let Some(body) = body(file, test) else {
        return Some(format!("there is no test {test}"));
    };
    let spoken = body.contains(&format!("\"{reason}\""));
    (!spoken).then(|| format!("{test} does not speak of {reason}"))
}

#[test]
fn the_lists_of_errors_fit_together() {
    assert_eq!(Contract::read().faults(), Vec::<String>::new());
}

#[test]
fn every_method_has_a_list_of_errors() {
    let contract = Contract::read();
    let listed: BTreeSet<&str> = contract.methods.keys().map(String::as_str).collect();
    let served: BTreeSet<&str> = METHODS.iter().map(|method| method.path).collect();
    assert_eq!(listed, served);
}

#[test]
fn what_any_method_may_answer_has_a_test_of_its_own() {
    let contract = Contract::read();
    let reasons = contract.reasons.iter();
    let anywhere: BTreeSet<&str> = reasons
        .filter(|(_, reason)| reason.anywhere)
        .map(|(name, _)| name.as_str())
        .collect();
    let tested: BTreeSet<&str> = ANYWHERE.iter().map(|(reason, _, _)| *reason).collect();
    assert_eq!(anywhere, tested);
    for (reason, file, test) in ANYWHERE {
        let text = super::read(file.as_ref());
        assert_eq!(doubt(&text, test, reason), None, "{file}");
    }
}

#[test]
fn a_test_that_is_gone_or_is_about_something_else_is_told() {
    let file = "async fn one() { refused(\"A\") }\n async fn two() { refused(\"B\") }";
    assert_eq!(doubt(file, "one", "A"), None);
    assert_eq!(doubt(file, "two", "B"), None);
    assert!(doubt(file, "one", "B").is_some());
    assert!(doubt(file, "three", "A").is_some());
}

#[test]
fn no_error_is_listed_where_no_method_stands() {
    let contract = Contract::read();
    let at_methods: usize = contract.methods.values().map(Vec::len).sum();
    let is_listed = |line: &&str| {
        let words = line.trim().strip_prefix("// * `");
        let code = words.and_then(|words| words.split_once("` `"));
        code.is_some_and(|(code, _)| {
            code.chars()
                .all(|letter| letter.is_uppercase() || letter == '_')
        })
    };
    let files = texts("proto", "proto");
    let lines = files.iter().flat_map(|(_, text)| text.lines());
    assert_eq!(lines.filter(is_listed).count(), at_methods);
}
