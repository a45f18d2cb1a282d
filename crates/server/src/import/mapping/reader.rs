//! Reads the fields of a row by their rules.

use super::row::{Reason, Row};
use super::rule::Rule;
use super::value::Reads;

/// Reads the fields of one row and gathers everything that is wrong with it.
#[derive(Debug)]
pub(in crate::import) struct Reader<'a> {
    row: &'a Row<'a>,
    reasons: Vec<Reason>,
}

impl<'a> Reader<'a> {
    /// Reads from this row.
    pub(in crate::import) fn new(row: &'a Row<'a>) -> Self {
        let reasons = Vec::new();
        Self { row, reasons }
    }

    /// The value of a field that may be empty.
    pub(in crate::import) fn optional<T: Reads>(
        &mut self,
        field: &str,
        rule: Option<&Rule<T>>,
    ) -> Option<T::Value> {
        let read = rule?.read(self.row);
        read.unwrap_or_else(|wrong| {
            self.reasons.push(Reason::new(field, wrong));
            None
        })
    }

    /// The value of a field that may not be empty.
    pub(in crate::import) fn required<T: Reads>(
        &mut self,
        field: &str,
        rule: &Rule<T>,
    ) -> Option<T::Value> {
        let known = self.reasons.len();
        let value = self.optional(field, Some(rule));
        if value.is_none() && self.reasons.len() == known {
            self.reasons.push(Reason::new(field, rule.missing()));
        }
        value
    }

    /// Everything that was wrong.
    pub(in crate::import) fn finish(self) -> Vec<Reason> {
        self.reasons
    }
}
