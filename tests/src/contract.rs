//! What the contract says of errors, read from its own comments.
//!
//! A method lists the errors that it can answer, one line for each:
//!
//! ```text
//! // Errors:
//! // * `NOT_FOUND` `RESOURCE_NOT_FOUND`: no such partner.
//! rpc GetPartner(GetPartnerRequest) returns (Partner);
//! ```
//!
//! and each value of `ErrorReason` says its code, and whether any method may answer it:
//!
//! ```text
//! // `INTERNAL`: a fault of the server. Any method. Metadata: `request_id`.
//! ERROR_REASON_INTERNAL = 12;
//! ```
//!
//! [`Contract::read`] reads both, [`Contract::faults`] says where they do not fit together, and
//! [`Contract::allows`] whether a method may answer an error. The comments are read from the files,
//! because they are what readers of the contract see; descriptors leave them out.

use std::collections::{BTreeMap, BTreeSet};

use tonic::Code;

use crate::database::root;

/// The line of a comment after which its errors are listed.
const HEADING: &str = "Errors:";

/// The code of a reason, and who may answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The code that comes with it.
    pub code: Code,
    /// Whether any method may answer it, so that none lists it.
    pub anywhere: bool,
}

/// An error that a method lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The code.
    pub code: Code,
    /// The reason, without its prefix.
    pub reason: String,
}

/// What the contract says of errors.
#[derive(Clone, Debug, Default)]
pub struct Contract {
    /// The reasons, without their prefix.
    pub reasons: BTreeMap<String, Reason>,
    /// What each method lists, by its path: `/{service}/{method}`.
    pub methods: BTreeMap<String, Vec<Listed>>,
    /// What could not be understood.
    misread: Vec<String>,
}

impl Contract {
    /// The contract of this tree.
    ///
    /// # Panics
    /// When its files cannot be read.
    #[must_use]
    pub fn read() -> Self {
        let mut contract = Self::default();
        let mut folders = vec![root().join("proto")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("the contract is there") {
                let path = entry.expect("the contract can be listed").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|found| found == "proto") {
                    contract.add(&std::fs::read_to_string(&path).expect("a proto is text"));
                }
            }
        }
        contract
    }

    /// Adds what a file says.
    pub fn add(&mut self, file: &str) {
        let (mut package, mut service) = (String::new(), None);
        let mut comment: Vec<&str> = Vec::new();
        for line in file.lines() {
            let code = line.trim();
            if let Some(words) = code.strip_prefix("//") {
                comment.push(words.trim());
                continue;
            }
            if let Some(name) = code.strip_prefix("package ") {
                package = name.trim_end_matches(';').to_owned();
            } else if let Some(name) = code.strip_prefix("service ") {
                service = name.split([' ', '{']).next();
            } else if let Some(name) = code.strip_prefix("rpc ")
                && let Some(service) = service
            {
                let name = name.split(['(', ' ']).next().unwrap_or_default();
                self.method(format!("/{package}.{service}/{name}"), &comment);
            } else if let Some((name, _)) = code
                .strip_prefix("ERROR_REASON_")
                .and_then(|value| value.split_once(" = "))
                && name != "UNSPECIFIED"
            {
                self.reason(name, &comment);
            }
            comment.clear();
        }
    }

    fn method(&mut self, path: String, comment: &[&str]) {
        let lines = comment.iter().skip_while(|line| **line != HEADING).skip(1);
        let mut listed = Vec::new();
        for line in lines.filter_map(|line| line.strip_prefix("* ")) {
            match listing(line) {
                Some(error) => listed.push(error),
                None => self.misread.push(format!("{path}: {line}")),
            }
        }
        self.methods.insert(path, listed);
    }

    fn reason(&mut self, name: &str, comment: &[&str]) {
        let text = comment.join(" ");
        let code = text
            .strip_prefix('`')
            .and_then(|text| text.split_once("`: "))
            .and_then(|(code, _)| named(code));
        match code {
            Some(code) => {
                let anywhere = text.contains("Any method");
                self.reasons
                    .insert(name.to_owned(), Reason { code, anywhere });
            }
            None => self.misread.push(format!("{name}: {text}")),
        }
    }

    /// Where the comments do not fit together. Empty: nowhere.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.misread.clone();
        let mut used = BTreeSet::new();
        for (path, listed) in &self.methods {
            if listed.is_empty() {
                faults.push(format!("{path} lists no errors"));
            }
            let mut seen = BTreeSet::new();
            for Listed { code, reason } in listed {
                used.insert(reason.as_str());
                if !seen.insert(reason) {
                    faults.push(format!("{path} lists {reason} twice"));
                }
                match self.reasons.get(reason) {
                    None => faults.push(format!("{path} lists {reason}, which is no reason")),
                    Some(known) if known.code != *code => faults.push(format!(
                        "{path} lists {reason} as {code:?}, which comes as {:?}",
                        known.code
                    )),
                    Some(_) => {}
                }
            }
        }
        for (name, reason) in &self.reasons {
            if !reason.anywhere && !used.contains(name.as_str()) {
                faults.push(format!("no method lists {name}"));
            }
        }
        faults
    }

    /// Whether a method may answer an error; why not, if it may not.
    ///
    /// # Errors
    /// A sentence that says what the contract would have to say.
    pub fn allows(&self, path: &str, code: Code, reason: &str) -> Result<(), String> {
        let Some(known) = self.reasons.get(reason) else {
            return Err(format!("{path} answered {reason}, which is no reason"));
        };
        if known.code != code {
            return Err(format!(
                "{path} answered {reason} as {code:?}, which comes as {:?}",
                known.code
            ));
        }
        let Some(listed) = self.methods.get(path) else {
            return Ok(());
        };
        if known.anywhere || listed.iter().any(|error| error.reason == reason) {
            Ok(())
        } else {
            Err(format!(
                "{path} answered {reason}, which its comment does not list"
            ))
        }
    }

    /// Every error that a method lists, as its path and the reason.
    #[must_use]
    pub fn pairs(&self) -> BTreeSet<(String, String)> {
        let listed = |(path, listed): (&String, &Vec<Listed>)| -> Vec<(String, String)> {
            let errors = listed.iter();
            errors
                .map(|error| (path.clone(), error.reason.clone()))
                .collect()
        };
        self.methods.iter().flat_map(listed).collect()
    }
}

/// Reads `` `CODE` `REASON`: when, what to do ``.
fn listing(line: &str) -> Option<Listed> {
    let (code, rest) = line.strip_prefix('`')?.split_once("` `")?;
    let (reason, text) = rest.split_once("`: ")?;
    let code = named(code).filter(|_| !text.trim().is_empty())?;
    let reason = reason.to_owned();
    Some(Listed { code, reason })
}

/// The code of this name, as the contract spells codes: `NOT_FOUND`.
fn named(name: &str) -> Option<Code> {
    let spelled = |code: &Code| {
        let mut spelled = String::new();
        for letter in format!("{code:?}").chars() {
            if letter.is_uppercase() && !spelled.is_empty() {
                spelled.push('_');
            }
            spelled.push(letter.to_ascii_uppercase());
        }
        spelled == name
    };
    (1..=16).map(Code::from_i32).find(spelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASONS: &str = "
        package trellis.rpc.v1;
        enum ErrorReason {
          // Never sent.
          ERROR_REASON_UNSPECIFIED = 0;

          // `NOT_FOUND`: it does not exist.
          ERROR_REASON_RESOURCE_NOT_FOUND = 2;

          // `INTERNAL`: a fault of the server. Any method.
          // Metadata: `request_id`.
          ERROR_REASON_INTERNAL = 12;
        }";

    const SERVICE: &str = "
        package trellis.x.v1;
        service XService {
          // Gets an x.
          //
          // Errors:
          // * `NOT_FOUND` `RESOURCE_NOT_FOUND`: no such x, wherever
          //   one looks.
          rpc GetX(GetXRequest) returns (X) {
            option (trellis.y) = true;
          }
        }";

    fn contract(service: &str) -> Contract {
        let mut contract = Contract::default();
        contract.add(REASONS);
        contract.add(service);
        contract
    }

    #[test]
    fn a_contract_that_fits_together_has_no_faults() {
        let contract = contract(SERVICE);
        assert_eq!(contract.faults(), Vec::<String>::new());
        let pair = ("/trellis.x.v1.XService/GetX", "RESOURCE_NOT_FOUND");
        let pairs: Vec<_> = contract.pairs().into_iter().collect();
        assert_eq!(pairs, [(pair.0.to_owned(), pair.1.to_owned())]);
        assert!(contract.reasons["INTERNAL"].anywhere);
        assert!(!contract.reasons["RESOURCE_NOT_FOUND"].anywhere);
    }

    #[test]
    fn whatever_does_not_fit_is_told() {
        let line = "* `NOT_FOUND` `RESOURCE_NOT_FOUND`: no such x, wherever";
        for (doctored, fault) in [
            ("", "lists no errors"),
            (
                "* `NOT_FOUND` `RESOURCE_NOWHERE`: x",
                "RESOURCE_NOWHERE, which is no reason",
            ),
            (
                "* `ABORTED` `RESOURCE_NOT_FOUND`: x",
                "as Aborted, which comes as NotFound",
            ),
            ("* `NOT_FOUND` RESOURCE_NOT_FOUND: x", "GetX: `NOT_FOUND`"),
            ("* `NOT_FOUND` `RESOURCE_NOT_FOUND`:", "GetX: `NOT_FOUND`"),
            ("* `LOST` `RESOURCE_NOT_FOUND`: x", "GetX: `LOST`"),
            (
                "* `INTERNAL` `INTERNAL`: x",
                "no method lists RESOURCE_NOT_FOUND",
            ),
        ] {
            let faults = contract(&SERVICE.replace(line, doctored)).faults();
            assert!(
                faults.iter().any(|found| found.contains(fault)),
                "{doctored:?}: {faults:?}"
            );
        }
        let twice = format!("{line}\n//{line}");
        let faults = contract(&SERVICE.replace(line, &twice)).faults();
        assert!(
            faults.iter().any(|fault| fault.contains("twice")),
            "{faults:?}"
        );
        let uncommented = SERVICE.replace("// Errors:", "// Faults:");
        let faults = contract(&uncommented).faults();
        assert!(
            faults.iter().any(|fault| fault.contains("lists no errors")),
            "{faults:?}"
        );
    }

    #[test]
    fn a_reason_without_a_code_is_told() {
        let mut contract = Contract::default();
        contract.add(&REASONS.replace("`INTERNAL`:", "Internal:"));
        let faults = contract.faults();
        assert!(
            faults.iter().any(|fault| fault.starts_with("INTERNAL:")),
            "{faults:?}"
        );
    }

    #[test]
    fn only_what_is_listed_or_may_happen_anywhere_is_allowed() {
        let contract = contract(SERVICE);
        let path = "/trellis.x.v1.XService/GetX";
        let allows = |code, reason| contract.allows(path, code, reason).is_ok();
        assert!(allows(Code::NotFound, "RESOURCE_NOT_FOUND"));
        assert!(allows(Code::Internal, "INTERNAL"));
        assert!(!allows(Code::Aborted, "RESOURCE_NOT_FOUND"));
        assert!(!allows(Code::Internal, "UNKNOWN"));
        let bare = SERVICE.replace("RESOURCE_NOT_FOUND", "INTERNAL");
        let mut other = Contract::default();
        other.add(REASONS);
        other.add(&bare);
        assert!(
            other
                .allows(path, Code::NotFound, "RESOURCE_NOT_FOUND")
                .is_err()
        );
        assert!(
            other
                .allows(
                    "/grpc.health.v1.Health/Check",
                    Code::NotFound,
                    "RESOURCE_NOT_FOUND"
                )
                .is_ok()
        );
    }
}
