//! How near two names are that are not the same.
//!
//! Whole strings mislead: `Bank of Chad` is as near to `Bank of China` as a typing error. So words
//! are compared with words. Equal ones go together, then those that a slip of the finger tells
//! apart, and what is left decides: nothing left is one name, an ordinary word left is another
//! company. All of it is in integers, so that every machine decides alike.

use strsim::osa_distance;

use super::{Key, Name};
use crate::Rules;

/// Per mille. Everything from [`Rules::similar`] on is near.
pub type Score = u16;

/// How two names came to be near.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// The keys are equal.
    Equal,
    /// The keys are equal but for the spaces.
    Spacing,
    /// The same words in another order.
    Order,
    /// A slip or two apart.
    Spelling,
    /// One has words more that say little: group, holding, a legal form.
    GenericWords,
    /// Equal but for the number in a series.
    Series,
    /// One consists of the first letters of the other.
    Acronym,
    /// Equal when both are written in Latin letters.
    Transliteration,
    /// None of these.
    Apart,
}

/// The nearness of two names and how strong it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Similarity {
    /// What brought them together.
    pub nearness: Nearness,
    /// How near they are, per mille.
    pub score: Score,
}

/// Words that tie others together and name nobody.
const FUNCTION_WORDS: &[&str] = &[
    "and", "das", "de", "del", "den", "der", "des", "di", "die", "do", "du", "e", "el", "et",
    "for", "fuer", "fur", "in", "la", "le", "les", "of", "og", "och", "the", "und", "van", "von",
    "y",
];

/// Words that a company gains and loses without becoming another in its customers' mouths.
const GENERIC_WORDS: &[&str] = &[
    "group",
    "groep",
    "groupe",
    "grupo",
    "gruppe",
    "gruppo",
    "holding",
    "holdings",
    "koncern",
    "konzern",
    "группа",
    "холдинг",
    "集团",
    "集團",
];

/// Whether a word ties others together and names nobody.
#[must_use]
pub fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.contains(&word)
}

/// The nearest that two names come to each other.
#[must_use]
pub fn of(rules: &Rules, one: &Name, other: &Name) -> Similarity {
    let keys = pairs(one, other).map(|(one, other)| of_keys(rules, one, other));
    let best = keys
        .chain([
            by_acronym(rules, one, other),
            by_transliteration(rules, one, other),
        ])
        .max_by_key(rank);
    best.unwrap_or(Similarity {
        nearness: Nearness::Apart,
        score: 0,
    })
}

fn pairs<'a>(one: &'a Name, other: &'a Name) -> impl Iterator<Item = (&'a Key, &'a Key)> {
    one.keys()
        .iter()
        .flat_map(|key| other.keys().iter().map(move |second| (key, second)))
}

/// Whether the names have a word in common that names somebody.
#[must_use]
pub fn share_a_word(one: &Name, other: &Name) -> bool {
    pairs(one, other).any(|(one, other)| {
        one.words
            .iter()
            .any(|word| !is_function_word(word) && other.words.contains(word))
    })
}

/// A total order, so that whichever name comes first, the same is found.
fn rank(found: &Similarity) -> (Score, Nearness) {
    (found.score, found.nearness)
}

fn near(nearness: Nearness, score: Score) -> Similarity {
    Similarity { nearness, score }
}

/// Whether one name is the other and perhaps more, with a word that names somebody in common.
/// `aside` are words that say nothing here, like the town when it is known. At one address this
/// tells the bar of a hotel from its restaurant, which share all but what each of them is.
#[must_use]
pub fn contains(rules: &Rules, one: &Name, other: &Name, aside: &[String]) -> bool {
    pairs(one, other).any(|(one, other)| {
        let kept = |key: &Key| {
            let words = key.words.iter().filter(|word| !aside.contains(word));
            words.cloned().collect::<Vec<_>>()
        };
        let (one, other) = (kept(one), kept(other));
        let mut found = align(rules, meaningful(&one), meaningful(&other));
        found.left.retain(|word| {
            let at = found
                .right
                .iter()
                .position(|other| is_shortened(rules, word, other));
            at.map(|at| found.right.remove(at)).is_none()
        });
        found.together > 0 && (found.left.is_empty() || found.right.is_empty())
    })
}

/// `deli` for `delicatessen`.
fn is_shortened(rules: &Rules, one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() {
        (one, other)
    } else {
        (other, one)
    };
    short.chars().count() >= rules.shortened_from && long.starts_with(short)
}

fn of_keys(rules: &Rules, one: &Key, other: &Key) -> Similarity {
    if one.words == other.words {
        return near(Nearness::Equal, 1000);
    }
    if one.words.concat() == other.words.concat() || one.all.concat() == other.all.concat() {
        return near(Nearness::Spacing, rules.by_spacing);
    }
    let bare = aligned(rules, &one.words, &other.words);
    if bare.score >= rules.similar {
        return bare;
    }
    let spaced = without_spaces(rules, &one.words, &other.words);
    // A form with a slip of its own is not taken off, and found here.
    let whole = aligned(rules, &one.all, &other.all);
    [bare, spaced, whole]
        .into_iter()
        .max_by_key(rank)
        .unwrap_or(bare)
}

/// Words of two names that go together, and what is left of each.
struct Alignment<'a> {
    slips: usize,
    together: usize,
    left: Vec<&'a str>,
    right: Vec<&'a str>,
}

fn aligned(rules: &Rules, one: &[String], other: &[String]) -> Similarity {
    let (one, other) = (meaningful(one), meaningful(other));
    let letters = count(&one) + count(&other);
    let found = align(rules, one, other);
    let is_together = found.together > 0 && found.slips <= rules.most_slips;
    match (&found.left[..], &found.right[..]) {
        ([], []) if is_together && found.slips == 0 => near(Nearness::Order, rules.by_order),
        ([], []) if is_together => near(Nearness::Spelling, spelled(rules, found.slips, letters)),
        ([], rest) | (rest, []) if is_together && rest.iter().all(|word| is_generic(word)) => {
            near(Nearness::GenericWords, rules.by_generic_words)
        }
        ([one], [other]) if is_together && found.slips == 0 && is_series(one, other) => {
            near(Nearness::Series, rules.by_series)
        }
        (left, right) => {
            let apart = count(left) + count(right);
            near(
                Nearness::Apart,
                share(rules, letters.saturating_sub(apart), letters),
            )
        }
    }
}

/// The fewer slips on the more letters, the higher.
fn spelled(rules: &Rules, slips: usize, letters: usize) -> Score {
    let (least, most) = rules.by_spelling;
    let lost = (slips * rules.lost_by_slip).checked_div(letters);
    let lost = Score::try_from(lost.unwrap_or(0)).unwrap_or(Score::MAX);
    most.saturating_sub(lost).max(least)
}

/// How much of the letters went together, below everything that is near.
fn share(rules: &Rules, together: usize, letters: usize) -> Score {
    let share = (together * usize::from(rules.unlike)).checked_div(letters);
    Score::try_from(share.unwrap_or(0)).map_or(rules.unlike, |share| share.min(rules.unlike))
}

fn count(words: &[&str]) -> usize {
    words.iter().map(|word| word.chars().count()).sum()
}

/// The words without those that tie others together, if any are left.
fn meaningful(words: &[String]) -> Vec<&str> {
    let all = words.iter().map(String::as_str);
    let kept: Vec<&str> = all.clone().filter(|word| !is_function_word(word)).collect();
    if kept.is_empty() { all.collect() } else { kept }
}

fn align<'a>(rules: &Rules, one: Vec<&'a str>, mut other: Vec<&'a str>) -> Alignment<'a> {
    let mut together = 0;
    let mut left = Vec::new();
    for word in one {
        match other
            .iter()
            .position(|second| canonical(second) == canonical(word))
        {
            Some(at) => {
                other.remove(at);
                together += 1;
            }
            None => left.push(word),
        }
    }
    let mut found = Alignment {
        slips: 0,
        together,
        left,
        right: other,
    };
    while let Some((slips, one, other)) = nearest(rules, &found.left, &found.right) {
        found.slips += slips;
        found.together += 1;
        found.left.remove(one);
        found.right.remove(other);
    }
    found
}

/// The two words with the fewest slips between them; the order of the names plays no part.
fn nearest(rules: &Rules, left: &[&str], right: &[&str]) -> Option<(usize, usize, usize)> {
    let pairs = left.iter().enumerate().flat_map(|(at, one)| {
        right.iter().enumerate().filter_map(move |(second, other)| {
            let slips = slips(rules, one, other)?;
            let (low, high) = if one <= other {
                (one, other)
            } else {
                (other, one)
            };
            Some(((slips, *low, *high), (slips, at, second)))
        })
    });
    pairs
        .min_by(|(one, _), (other, _)| one.cmp(other))
        .map(|(_, found)| found)
}

/// How many slips of a finger make one word the other, if few enough for their length.
fn slips(rules: &Rules, one: &str, other: &str) -> Option<usize> {
    let (short, long) = {
        let (one, other) = (one.chars().count(), other.chars().count());
        (one.min(other), one.max(other))
    };
    let most = match long {
        _ if long < rules.slip_from => return None,
        _ if long < rules.slips_from => 1,
        _ => 2,
    };
    if long - short > most || has_digit(one) || has_digit(other) {
        return None;
    }
    Some(osa_distance(one, other)).filter(|slips| *slips <= most)
}

fn has_digit(word: &str) -> bool {
    word.chars().any(char::is_numeric)
}

/// Numbers in words and in figures are one.
fn canonical(word: &str) -> &str {
    const ORDINALS: &[(&str, &str)] = &[
        ("first", "1st"),
        ("second", "2nd"),
        ("third", "3rd"),
        ("fourth", "4th"),
        ("fifth", "5th"),
        ("sixth", "6th"),
        ("seventh", "7th"),
        ("eighth", "8th"),
        ("ninth", "9th"),
        ("tenth", "10th"),
    ];
    ORDINALS
        .iter()
        .find(|(written, _)| *written == word)
        .map_or(word, |(_, figure)| figure)
}

fn is_generic(word: &str) -> bool {
    GENERIC_WORDS.contains(&word)
        || super::legal_form::LEGAL_FORMS
            .binary_search_by(|(form, _)| (*form).cmp(word))
            .is_ok()
}

/// Fund III and Fund IV, Trust 2007-A1 and 2007-A2: a family, or one of them mistyped.
fn is_series(one: &str, other: &str) -> bool {
    let is_roman = |word: &str| word.chars().all(|sign| matches!(sign, 'i' | 'v' | 'x'));
    (is_roman(one) && is_roman(other)) || (has_digit(one) && has_digit(other))
}

/// The names as one word each, for those who write `Good Will` and `Goodwil`.
fn without_spaces(rules: &Rules, one: &[String], other: &[String]) -> Similarity {
    if one.len() == other.len() {
        return near(Nearness::Apart, 0);
    }
    let (one, other) = (one.concat(), other.concat());
    match slips(rules, &one, &other) {
        Some(1) => near(Nearness::Spelling, rules.by_spelling_and_spacing),
        _ => near(Nearness::Apart, 0),
    }
}

fn by_acronym(rules: &Rules, one: &Name, other: &Name) -> Similarity {
    let (least, most) = rules.acronym;
    let is_acronym = |short: &Name, long: &Name| {
        let initials = long.initials();
        short.keys().iter().any(|key| match &key.words[..] {
            [word] => word == initials && (least..=most).contains(&word.chars().count()),
            _ => false,
        })
    };
    let hit = is_acronym(one, other) || is_acronym(other, one);
    if hit {
        near(Nearness::Acronym, rules.by_acronym)
    } else {
        near(Nearness::Apart, 0)
    }
}

/// Only between scripts: within one, two names that sound alike are two names.
fn by_transliteration(rules: &Rules, one: &Name, other: &Name) -> Similarity {
    let across = |foreign: &Name, latin: &Name| {
        let key = foreign.latin().filter(|_| latin.latin().is_none())?;
        let keys = latin
            .keys()
            .iter()
            .map(|second| of_keys(rules, key, second).score);
        keys.max().filter(|score| *score >= rules.similar)
    };
    match across(one, other).or_else(|| across(other, one)) {
        Some(score) => near(
            Nearness::Transliteration,
            score.min(rules.by_transliteration),
        ),
        None => near(Nearness::Apart, 0),
    }
}

#[cfg(test)]
mod tests;
