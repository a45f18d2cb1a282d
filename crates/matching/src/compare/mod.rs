//! How sure it is that two accounts are one company.
//!
//! ```text
//! IDENTICAL  a register gave both the same number, and no number says otherwise      by itself
//! SAME       a domain of their own and names that fit, or the same name in the       by itself
//!            same country with legal forms of one class; no number says otherwise
//! PROBABLE   the same name in doubt, a near name, a domain in doubt, a number that   a person
//!            contradicts the rest
//! RELATED    two of one group                                                        by scope
//! DISTINCT   all others
//! ```
//!
//! Taking two companies for one takes business away from a partner, taking one for two costs a
//! question. So whatever is in doubt is for a person, and a contradiction between numbers of registers
//! outweighs everything that agrees.
//!
//! * [`evidence`] is the answer; [`weigh`] gathers what two profiles say to each other.

pub mod evidence;
mod weigh;

use crate::{Prepared, Rules, place::Agreement};

pub use evidence::{Argues, Evidence, EvidenceKind, Match, Rule};
use weigh::{DomainMatch, Weighed};

use crate::name::similarity::Nearness;

/// How sure it is, the surest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Two companies.
    Distinct,
    /// Two companies of one group.
    Related,
    /// Perhaps one: for a person to decide.
    Probable,
    /// One company.
    Same,
    /// One company, as a register says.
    Identical,
}

impl Level {
    /// The name of the level.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Distinct => "DISTINCT",
            Self::Related => "RELATED",
            Self::Probable => "PROBABLE",
            Self::Same => "SAME",
            Self::Identical => "IDENTICAL",
        }
    }

    /// Whether the two are treated as one without asking anybody.
    #[must_use]
    pub fn is_automatic(self) -> bool {
        self >= Self::Same
    }
}

/// Compares two profiles by the rules in force. Whichever comes first, level, score and rule are the
/// same.
#[must_use]
pub fn compare(left: &Prepared, right: &Prepared) -> Match {
    compare_by(&Rules::default(), left, right)
}

/// Compares two profiles by `rules`.
#[must_use]
pub fn compare_by(rules: &Rules, left: &Prepared, right: &Prepared) -> Match {
    let weighed = Weighed::new(rules, left, right);
    let (level, rule) = decide(rules, &weighed);
    Match {
        level,
        score: score(rules, level, rule, &weighed),
        rule,
        evidence: weighed.evidence(),
    }
}

fn decide(rules: &Rules, found: &Weighed<'_>) -> (Level, Rule) {
    if found.is_one_account() {
        return (Level::Identical, Rule::SameAccount);
    }
    let by_itself = by_itself(rules, found);
    match by_itself {
        // Whoever says that one belongs to the other says that they are two.
        Some((Level::Identical, _)) if found.is_lineal() => (Level::Probable, Rule::Contradicted),
        Some(_) if found.is_lineal() => (Level::Related, Rule::GroupMember),
        Some(_) if found.is_contradicted() && found.is_one_group() && !found.has_equal_number() => {
            (Level::Related, Rule::GroupMember)
        }
        Some(_) if found.is_contradicted() => (Level::Probable, Rule::Contradicted),
        Some(found) => found,
        None => for_a_person(rules, found).unwrap_or(if found.is_one_group() {
            (Level::Related, Rule::SameGroup)
        } else {
            (Level::Distinct, Rule::Nothing)
        }),
    }
}

/// What would be decided without asking anybody, if nothing contradicted it.
fn by_itself(rules: &Rules, found: &Weighed<'_>) -> Option<(Level, Rule)> {
    if found.has_equal_number() {
        return Some((Level::Identical, Rule::Identifier));
    }
    let is_near = found.similarity.score >= rules.similar
        && found.similarity.nearness != Nearness::Transliteration;
    let fits = match found.domain {
        // The domain of a group says which group.
        DomainMatch::Own if found.is_one_group() => found.has_equal_name(),
        DomainMatch::Own => found.shares_a_word || found.lacks_a_name() || is_near,
        DomainMatch::Shared | DomainMatch::None => false,
    };
    if fits {
        return Some((Level::Same, Rule::DomainAndName));
    }
    let is_same = found.has_equal_name()
        && (found.countries == Agreement::Agree || !rules.same_needs_country)
        && (found.classes != Agreement::Differ || !rules.same_needs_class)
        && !found.is_elsewhere();
    is_same.then_some((Level::Same, Rule::NameAndCountry))
}

fn for_a_person(rules: &Rules, found: &Weighed<'_>) -> Option<(Level, Rule)> {
    // Of a group, who is known to be another is not asked about again.
    if found.is_lineal() || (found.is_one_group() && found.is_contradicted()) {
        return None;
    }
    let score = found.similarity.score;
    let by_name = match found.similarity.nearness {
        _ if score < rules.similar || found.is_unsustained() => None,
        Nearness::Equal => Some(Rule::Name),
        Nearness::Acronym => Some(Rule::Acronym),
        Nearness::Transliteration => Some(Rule::Transliteration),
        _ => Some(Rule::SimilarName),
    };
    let by_domain = match found.domain {
        DomainMatch::Own if !found.is_one_group() => Some(Rule::Domain),
        DomainMatch::Shared if found.shares_a_word => Some(Rule::Domain),
        _ => None,
    };
    let by_alias = found.alias.is_some().then_some(Rule::Alias);
    let by_phone = found.phones == Agreement::Agree && found.names_contain;
    let by_address = found.addresses == Agreement::Agree && found.names_contain;
    by_name
        .or(by_domain)
        .or(by_alias)
        .or(by_phone.then_some(Rule::PhoneAndName))
        .or(by_address.then_some(Rule::AddressAndName))
        .or(found.has_equal_crm_id().then_some(Rule::CrmId))
        .map(|rule| (Level::Probable, rule))
}

fn score(rules: &Rules, level: Level, rule: Rule, found: &Weighed<'_>) -> u16 {
    let similar = found.similarity.score;
    match (level, rule) {
        (Level::Identical, _) => rules.identical,
        (Level::Same, Rule::DomainAndName) => rules.same_by_domain,
        (Level::Same, _) => rules.same_by_name,
        // A name that is all there is, with a place that speaks against it, comes last.
        (Level::Probable, _) if found.is_elsewhere() => rules.probable.0,
        (Level::Probable, _) => similar.clamp(rules.probable.0, rules.probable.1),
        (Level::Related | Level::Distinct, _) => similar.min(rules.apart),
    }
}

#[cfg(test)]
mod tests;
