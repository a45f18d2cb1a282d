//! The rules by which registrations are decided, in their order. Pure.
//!
//! [`decide`] is a function of a [`Basis`] and of nothing else. It asks the rules of [`RULES`] one
//! after the other; the first that decides counts. Each answer is kept, so that the outcome can be
//! explained and drawn again.

use serde::{Deserialize, Serialize};
use trellis_core::{ProductId, RegistrationId};
use trellis_store::deal::claim::GrantedRole;

use super::basis::Basis;

mod found;

pub(crate) use found::has_it;

/// One of the rules.
struct Rule {
    name: &'static str,
    /// What it looks for, in the state in which those before it left the matter.
    look: fn(&Basis, &Matter) -> Finding,
    /// Whether the customer's nomination of the partner sets it aside.
    yields: bool,
    /// Whether a person who approves is held to it.
    binds: bool,
}

const fn rule(
    name: &'static str,
    look: fn(&Basis, &Matter) -> Finding,
    yields: bool,
    binds: bool,
) -> Rule {
    Rule {
        name,
        look,
        yields,
        binds,
    }
}

/// The rules in their order. A nomination sets aside those that yield; then R8 asks a person.
const RULES: [Rule; 10] = [
    //    name   looks for             yields binds
    rule("R1", found::ineligible, false, true),
    rule("R2", found::incomplete, false, false),
    rule("R3", found::tender, false, false),
    rule("R4", found::house, true, false),
    rule("R5", found::direct, true, false),
    rule("R6", found::conflict, true, true),
    rule("R7", found::incumbent, true, false),
    rule("R8", found::nomination, false, false),
    rule("R9", found::unsure, false, false),
    rule("R10", found::free, false, true),
];

/// What is still to be granted while the rules are asked.
#[derive(Clone, Debug)]
pub(crate) struct Matter {
    products: Vec<ProductId>,
    role: GrantedRole,
    set_aside: bool,
}

/// What one rule finds.
pub(crate) enum Finding {
    /// Nothing; why, in a sentence.
    Nothing(&'static str),
    /// Something that decides.
    Decides(Decides),
    /// Something that leaves less to be granted.
    Leaves {
        /// In a word.
        reason_code: &'static str,
        /// In a sentence.
        explanation: &'static str,
        /// The products that are left.
        products: Vec<ProductId>,
        /// The part that is left.
        role: GrantedRole,
    },
}

/// What a rule decides.
pub(crate) struct Decides {
    reason_code: &'static str,
    explanation: String,
    verdict: Verdict,
    offered_role: Option<OfferedRole>,
    free: Vec<ProductId>,
}

/// What becomes of a registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// It is granted.
    Approve,
    /// A person decides.
    Review,
    /// It waits for another one.
    Waitlist {
        /// That one.
        by: RegistrationId,
    },
    /// It is refused.
    Reject,
    /// Its partner may not ask.
    Ineligible {
        /// What is missing for that.
        requires: String,
    },
    /// Its partner has to add something.
    NeedsInfo {
        /// What.
        missing: Vec<Missing>,
    },
    /// Its partner has asked for this already.
    SelfDuplicate {
        /// In that one.
        of: RegistrationId,
    },
}

/// What a registration lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// In which field.
    pub field: String,
    /// By which rule of the field.
    pub rule: String,
    /// In a sentence.
    pub description: String,
}

/// The part that is open to a partner which is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OfferedRole {
    /// To sell with the vendor, with some proof.
    CoSell,
    /// To have had a hand in it, which it can prove.
    Influenced,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Result {
    /// The rule found nothing.
    Passed,
    /// It found something that leaves less to be granted.
    Changed,
    /// It found something, which a nomination sets aside.
    SetAside,
    /// It found something, which a person is not held to.
    Overruled,
    /// It decided.
    Decided,
}

/// What one rule answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The rule.
    pub rule: String,
    /// What became of it.
    pub result: Result,
    /// What it found, in a word.
    pub reason_code: Option<String>,
    /// Why, in a sentence.
    pub explanation: String,
}

/// What the rules make of a registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The rule that decided.
    pub rule: String,
    /// The outcome, in a word.
    pub reason_code: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// The products that are granted, if it is.
    pub products: Vec<ProductId>,
    /// The products that nobody has, where others have some.
    pub free: Vec<ProductId>,
    /// The part that is granted, if it is.
    pub role: GrantedRole,
    /// The part that is open to the partner, if it is refused.
    pub offered_role: Option<OfferedRole>,
    /// What each rule answered.
    pub answers: Vec<Answer>,
}

impl Outcome {
    /// What the partner lacks, or what is missing, as a sentence.
    #[must_use]
    pub fn requirement(&self) -> Option<String> {
        match &self.verdict {
            Verdict::Ineligible { requires } => Some(requires.clone()),
            Verdict::NeedsInfo { missing } => {
                let each = missing.iter();
                let each = each.map(|one| format!("{} {}", one.field, one.description));
                Some(each.collect::<Vec<_>>().join("; "))
            }
            Verdict::Approve
            | Verdict::Review
            | Verdict::Waitlist { .. }
            | Verdict::Reject
            | Verdict::SelfDuplicate { .. } => None,
        }
    }
}

/// Asks the rules.
#[must_use]
pub fn decide(basis: &Basis) -> Outcome {
    let mut matter = Matter {
        products: basis.claim.products.clone(),
        role: GrantedRole::Sourced,
        set_aside: false,
    };
    let mut answers = Vec::new();
    let mut answer = |rule: &Rule, result, reason_code: Option<&str>, explanation: &str| {
        answers.push(Answer {
            rule: rule.name.to_owned(),
            result,
            reason_code: reason_code.map(str::to_owned),
            explanation: explanation.to_owned(),
        });
    };
    for rule in &RULES {
        match (rule.look)(basis, &matter) {
            Finding::Nothing(why) => answer(rule, Result::Passed, None, why),
            Finding::Leaves {
                reason_code,
                explanation,
                products,
                role,
            } => {
                // A person may grant more than the rule would; the part is what it is.
                let overruled = basis.by_a_person && !rule.binds && role == matter.role;
                matter.role = role;
                if overruled {
                    answer(rule, Result::Overruled, Some(reason_code), explanation);
                    continue;
                }
                matter.products = products;
                answer(rule, Result::Changed, Some(reason_code), explanation);
            }
            Finding::Decides(found) => {
                let found_in = (Some(found.reason_code), found.explanation.as_str());
                if rule.yields && basis.is_nominated() && found.verdict.yields(basis) {
                    matter.set_aside = true;
                    answer(rule, Result::SetAside, found_in.0, found_in.1);
                    continue;
                }
                if basis.by_a_person && !rule.binds {
                    answer(rule, Result::Overruled, found_in.0, found_in.1);
                    continue;
                }
                answer(rule, Result::Decided, found_in.0, found_in.1);
                let partial = matter.products != basis.claim.products;
                return Outcome {
                    rule: rule.name.to_owned(),
                    reason_code: found.reason_code.to_owned(),
                    verdict: found.verdict,
                    free: match partial {
                        true => matter.products.clone(),
                        false => found.free,
                    },
                    products: matter.products,
                    role: matter.role,
                    offered_role: found.offered_role,
                    answers,
                };
            }
        }
    }
    unreachable!("the last rule always decides")
}

impl Verdict {
    /// Whether a nomination sets it aside: not a partner's own registration, and not what a person
    /// who decides is held to.
    fn yields(&self, basis: &Basis) -> bool {
        match self {
            Self::SelfDuplicate { .. } => false,
            Self::Waitlist { .. } => !basis.by_a_person,
            Self::Approve
            | Self::Review
            | Self::Reject
            | Self::Ineligible { .. }
            | Self::NeedsInfo { .. } => true,
        }
    }
}

#[cfg(test)]
pub(in crate::registration) mod tests;
