//! The rule set: every number that decides who is the same company as whom, and its reason.

/// The version that [`Rules::default`] is. A decision keeps the version that it was made by; any
/// change of what [`crate::compare`] answers, here, in a table or in a step of a key, raises it.
pub const RULES_VERSION: u32 = 1;

/// The numbers of the rules. Scores are per mille and whole: no machine rounds them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The version of the whole, of which these numbers are a part.
    pub version: u32,
    /// From which similarity on two names are near, so that a person looks. At .90 a slip or two in
    /// a long word remain; on real companies, what is nearer than that and still two companies is
    /// rare enough to be looked at.
    pub similar: u16,
    /// The score of IDENTICAL.
    pub identical: u16,
    /// The score of SAME by domain.
    pub same_by_domain: u16,
    /// The score of SAME by name, country and legal class.
    pub same_by_name: u16,
    /// The least and the most of PROBABLE: below everything that goes by itself.
    pub probable: (u16, u16),
    /// The most of RELATED and DISTINCT: below everything that a person looks at.
    pub apart: u16,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            version: RULES_VERSION,
            similar: 900,
            identical: 1000,
            same_by_domain: 980,
            same_by_name: 960,
            probable: (900, 949),
            apart: 899,
        }
    }
}
