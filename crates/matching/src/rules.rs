//! The rule set: every number that decides who is the same company as whom, and its reason.

/// The version that [`Rules::default`] is. A decision keeps the version that it was made by; any
/// change of what [`crate::compare`] answers, here, in a table or in a step of a key, raises it.
pub const RULES_VERSION: u32 = 1;

/// The numbers of the rules. Scores are per mille and whole: no machine rounds them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The version of the whole, of which these numbers are a part.
    pub version: u32,
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
    /// Whether an equal name is SAME only in the same country. Names are protected in a country, and
    /// most are borne in others too.
    pub same_needs_country: bool,
    /// Whether an equal name is SAME only if no other legal class is known. `Acme Inc.` and `Acme
    /// LLC` are two companies, mostly of one owner.
    pub same_needs_class: bool,
    /// From which similarity on two names are near, so that a person looks. At .90 a slip or two in
    /// a long word remain; on real companies, what is nearer than that and still two companies is
    /// rare enough to be looked at.
    pub similar: u16,
    /// Letters from which a word can have a slip. Of shorter ones nearly every other is a slip away:
    /// Ford, Fort.
    pub slip_from: usize,
    /// Letters from which a word can have two.
    pub slips_from: usize,
    /// Slips in one name. More is another name.
    pub most_slips: usize,
    /// Letters that are left of a word that is cut short: `deli` for `delicatessen`.
    pub shortened_from: usize,
    /// The least and the most letters of an acronym: fewer are anybody's, more are a word.
    pub acronym: (usize, usize),
    /// The nearness of equal names but for the spaces: hardly ever two companies.
    pub by_spacing: u16,
    /// Of the same words in another order.
    pub by_order: u16,
    /// Of names a slip or more apart, the least and the most: the fewer on the more letters, the
    /// higher.
    pub by_spelling: (u16, u16),
    /// What a slip takes from that, divided by the letters of both: with ten of them, all of it.
    pub lost_by_slip: usize,
    /// Of names a slip apart but for the spaces: two doubts at once.
    pub by_spelling_and_spacing: u16,
    /// Of names that words like group tell apart: often one company, as often its parent.
    pub by_generic_words: u16,
    /// Of names that a number in a series tells apart: mostly two, so they are looked at last.
    pub by_series: u16,
    /// Of a name and its initials, which many share: looked at last too.
    pub by_acronym: u16,
    /// Of names in two scripts at most, since many names come to the same in another.
    pub by_transliteration: u16,
    /// Of all others at most, for all letters in common: clearly below what is near.
    pub unlike: u16,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            version: RULES_VERSION,
            identical: 1000,
            same_by_domain: 980,
            same_by_name: 960,
            probable: (900, 949),
            apart: 899,
            same_needs_country: true,
            same_needs_class: true,
            similar: 900,
            slip_from: 5,
            slips_from: 9,
            most_slips: 3,
            shortened_from: 4,
            acronym: (3, 6),
            by_spacing: 980,
            by_order: 970,
            by_spelling: (900, 960),
            lost_by_slip: 600,
            by_spelling_and_spacing: 905,
            by_generic_words: 910,
            by_series: 900,
            by_acronym: 900,
            by_transliteration: 940,
            unlike: 890,
        }
    }
}
