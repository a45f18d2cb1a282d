//! Legal forms: what of a name tells only as what its bearer is registered.
//!
//! Forms are taken from the end, and at the beginning where that is where they stand (`ООО`,
//! `PT`, `株式会社`, a form that is written out). A name is never taken to nothing: `KT Corp.` keeps
//! `kt`, and `AG` alone stays.

/// What a legal form comes to, whatever the country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegalClass {
    /// Inc., Corp.: shares, as in the United States.
    Corporation,
    /// AG, plc, S.A., 株式会社: shares that may be in many hands.
    Jsc,
    /// GmbH, Ltd, LLC, SARL, ООО: liability is limited, shares stay in few hands.
    Llc,
    /// A partnership with limited liability of all.
    Llp,
    /// KG, LP: a partnership with limited liability of some.
    Lp,
    /// OHG, general partnership.
    Gp,
    /// e.K., sole proprietor.
    Sole,
    /// eG, cooperative.
    Coop,
    /// e.V., association.
    NonProfit,
}

impl LegalClass {
    /// The class in the words of a reader.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Corporation => "corporation",
            Self::Jsc => "jsc",
            Self::Llc => "llc",
            Self::Llp => "llp",
            Self::Lp => "lp",
            Self::Gp => "gp",
            Self::Sole => "sole",
            Self::Coop => "coop",
            Self::NonProfit => "nonprofit",
        }
    }
}

/// Every form in folded words, sorted, with its class. `None` where a form tells none, like `Co.`.
pub const LEGAL_FORMS: &[(&str, Option<LegalClass>)] =
    include!(concat!(env!("OUT_DIR"), "/legal_forms.rs"));

/// Forms of one word that are put before the name, in the languages that do so.
const BEFORE: &[&str] = &[
    "ano", "cjsc", "jsc", "llc", "oao", "ojsc", "ooo", "pao", "pat", "pjsc", "prat", "sia", "srl",
    "too", "tov", "uab", "vat", "zao", "zat",
];

/// `PT` stands before names and nowhere else.
const ONLY_BEFORE: &[(&str, Option<LegalClass>)] = &[("pt", Some(LegalClass::Llc))];

/// How many forms a name carries at most (`JSC … Corp.`, `… Co. KG`).
const MOST: usize = 3;

/// Letters from which on a form of several words is one that is written out.
const WRITTEN_OUT: usize = 12;

/// The words of the longest form.
const LONGEST: usize = 10;

/// Takes the legal forms off and says of which class they are. At least one word stays.
pub fn strip(mut words: Vec<String>) -> (Vec<String>, Option<LegalClass>) {
    let mut class = None;
    for _ in 0..MOST {
        let Some(found) = behind(&mut words).or_else(|| before(&mut words)) else {
            break;
        };
        class = more_telling(class, found);
    }
    (words, class)
}

/// `JSC Acme Corp.` is a joint stock company: what is a corporation at home is often translated so.
fn more_telling(known: Option<LegalClass>, found: Option<LegalClass>) -> Option<LegalClass> {
    match known {
        None | Some(LegalClass::Corporation) => found.or(known),
        Some(_) => known,
    }
}

fn class_of(form: &str) -> Option<Option<LegalClass>> {
    let at = LEGAL_FORMS
        .binary_search_by(|(known, _)| (*known).cmp(form))
        .ok()?;
    LEGAL_FORMS.get(at).map(|(_, class)| *class)
}

fn behind(words: &mut Vec<String>) -> Option<Option<LegalClass>> {
    for count in (1..words.len().min(LONGEST + 1)).rev() {
        let (_, end) = words.split_at(words.len() - count);
        if let Some(class) = class_of(&end.join(" ")) {
            words.truncate(words.len() - count);
            return Some(class);
        }
    }
    let last = words.last_mut()?;
    let (kept, class) = attached(last, |word, form| word.strip_suffix(form))?;
    *last = kept;
    Some(class)
}

fn before(words: &mut Vec<String>) -> Option<Option<LegalClass>> {
    for count in (1..words.len().min(LONGEST + 1)).rev() {
        let (start, _) = words.split_at(count);
        let form = start.join(" ");
        let is_written_out = count > 1 && form.len() >= WRITTEN_OUT;
        let stands_first = is_written_out || !form.is_ascii() || BEFORE.contains(&&*form);
        let only = ONLY_BEFORE.iter().find(|(known, _)| *known == form);
        let class = match only {
            Some((_, class)) => Some(*class),
            None => class_of(&form).filter(|_| stands_first),
        };
        if let Some(class) = class {
            words.drain(..count);
            return Some(class);
        }
    }
    let first = words.first_mut()?;
    let (kept, class) = attached(first, |word, form| word.strip_prefix(form))?;
    *first = kept;
    Some(class)
}

/// A form that is written to the name without a space, in scripts that do so.
fn attached(
    word: &str,
    take: for<'a> fn(&'a str, &str) -> Option<&'a str>,
) -> Option<(String, Option<LegalClass>)> {
    // A word that is a form itself, as a whole, is all there is.
    if word.is_ascii() || class_of(word).is_some() {
        return None;
    }
    let forms = LEGAL_FORMS
        .iter()
        .filter(|(form, _)| form.chars().all(is_unspaced) && form.chars().nth(1).is_some());
    let taken = forms.filter_map(|(form, class)| {
        let kept = take(word, form).filter(|kept| !kept.is_empty())?;
        Some((kept, *class))
    });
    taken
        .min_by_key(|(kept, _)| kept.len())
        .map(|(kept, class)| (kept.to_owned(), class))
}

/// Letters of scripts that put no spaces between the words of a name.
pub(crate) fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{E00}'..='\u{E7F}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7AF}')
}
