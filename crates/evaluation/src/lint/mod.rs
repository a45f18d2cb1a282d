//! What is likely to be a mistake in a plan version that is valid, and how complicated it is.
//!
//! | rule | finds |
//! |---|---|
//! | L01 | bands that do not ascend |
//! | L02 | a first band above nothing that is not said to be meant |
//! | L03 | bands that nobody reaches, or that the limit makes worthless |
//! | L04 | selling more pays less |
//! | L05 | bands that each pay a part, and a minimum that forfeits |
//! | L06 | two plans that pay the same thing twice |
//! | L07 | days on which no version holds, or two do |
//! | L08 | a version that changes within a period |
//! | L09 | an audience that nobody is in |
//! | L10 | all plans together pay more than the margin |
//! | L11 | weights that are not 100 together, or a role that nobody has |
//! | L12 | a clawback that ends before the hold, or a hold beyond the refunds |
//! | L13 | a minimum payout that a year of awards does not reach |
//! | L14 | facts in currencies that the plan cannot exchange |
//! | L15 | a rate above one, or above what is allowed |
//! | L16 | a budget that runs out soon |
//! | L17 | a condition over a field that is often not known |
//! | L18 | terms that take more than 60 words to say |

mod history;
mod score;
mod terms;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use trellis_core::{Currency, Rate};

use crate::plan::{PlanVersion, award_fields, partner_fields};
use crate::predicate::{Predicate, Record, Schema};

pub use score::{Colour, Complexity};

/// One thing that is likely to be a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that found it, such as `L04`.
    pub rule: &'static str,
    /// The field.
    pub field: String,
    /// What was found, and what to do about it.
    pub message: String,
}

/// What is known around a version. What is not known, is not looked at.
#[derive(Clone, Debug, Default)]
pub struct Surroundings<'a> {
    /// The other versions that hold or are to hold, of this plan and of others.
    pub others: &'a [PlanVersion],
    /// The partners that there are, as conditions see them.
    pub partners: &'a [Record],
    /// Facts of the past, as conditions see them.
    pub facts: &'a [Record],
    /// The largest measure of the past.
    pub largest_measure: Option<i64>,
    /// The roles that partners have in facts.
    pub roles: Option<&'a BTreeSet<String>>,
    /// The currencies of facts.
    pub currencies: &'a [Currency],
    /// The pairs of currencies that there are rates for.
    pub exchanges: &'a [(Currency, Currency)],
    /// The least margin of the products.
    pub margin: Option<Rate>,
    /// The discount that a registration gives besides.
    pub registration_discount: Option<Rate>,
    /// The highest rate that is allowed.
    pub highest_rate: Option<Rate>,
    /// For how many days customers may have their money back.
    pub refund_days: Option<u32>,
    /// What 95 of 100 awards of the past were below, in minor units.
    pub usual_award: Option<i64>,
    /// The least that is paid out, in minor units.
    pub least_payout: Option<i64>,
    /// What awards of the plan come to in a day, in minor units.
    pub run_rate: Option<i64>,
}

impl PlanVersion {
    /// Everything about the version that is likely to be a mistake.
    #[must_use]
    pub fn lint(&self, around: &Surroundings<'_>) -> Vec<Finding> {
        let mut findings = Findings(Vec::new());
        self.lint_bands(around, &mut findings);
        self.lint_others(around, &mut findings);
        self.lint_terms(around, &mut findings);
        self.lint_history(around, &mut findings);
        findings
            .0
            .sort_by(|one, other| (one.rule, &one.field).cmp(&(other.rule, &other.field)));
        findings.0
    }
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, rule: &'static str, field: &str, message: impl Into<String>) {
        let (field, message) = (field.to_owned(), message.into());
        self.0.push(Finding {
            rule,
            field,
            message,
        });
    }
}

fn read(source: &str, schema: &Schema) -> Option<Predicate> {
    let source = source.trim();
    (!source.is_empty())
        .then(|| Predicate::parse(source, schema).ok())
        .flatten()
}

/// The conditions of a version that can be read, with the fields that they are written in.
fn conditions(version: &PlanVersion) -> (Option<Predicate>, Option<Predicate>) {
    (
        read(&version.audience, &partner_fields()),
        read(&version.trigger.condition, &award_fields()),
    )
}
