//! The contract holds only what works.

use std::collections::BTreeSet;

use tonic::Code;

use super::texts;

/// The reasons that the contract knows, without their prefix.
fn reasons() -> BTreeSet<String> {
    let file = super::read("proto/trellis/rpc/v1/error_reason.proto".as_ref());
    file.lines()
        .filter_map(|line| line.trim().strip_prefix("ERROR_REASON_")?.split_once(" = "))
        .map(|(reason, _)| reason.to_owned())
        .filter(|reason| reason != "UNSPECIFIED")
        .collect()
}

/// A name as Rust writes functions: `CreatePartner` is `create_partner`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[test]
fn methods_answer_with_reasons_that_the_contract_knows() {
    let known = reasons();
    for (path, text) in texts("proto", "proto") {
        for line in text
            .lines()
            .filter(|line| line.trim().starts_with("// * `"))
        {
            let mut quoted = line.split('`').skip(1).step_by(2);
            let (code, reason) = (quoted.next().unwrap_or_default(), quoted.next());
            if let (true, Some(reason)) = (is_code(code), reason) {
                assert!(
                    known.contains(reason),
                    "{path:?} speaks of {reason}: {line}"
                );
            }
        }
    }
}

/// Whether a word is a code, as the contract writes it.
fn is_code(word: &str) -> bool {
    let spelled = |code: Code| snake(&format!("{code:?}")).to_uppercase() == word;
    (1..=16).map(Code::from_i32).any(spelled)
}
