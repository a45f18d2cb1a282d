//! Names of companies, and what of them two spellings of one company have in common.
//!
//! * [`fold`] makes words of a name, [`legal_form`] takes the legal form off them.
//! * [`similarity`] says how near two names are that are not the same.

pub mod fold;
pub mod legal_form;
pub mod similarity;

use any_ascii::any_ascii;

use fold::{Folding, words};
pub use legal_form::LegalClass;

/// A name with everything that comparing it needs, made once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    given: String,
    keys: Vec<Key>,
    class: Option<LegalClass>,
    latin: Option<Key>,
    initials: String,
}

/// The words of a name in one folding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The words without the legal form. Never empty.
    pub words: Vec<String>,
    /// All words.
    pub all: Vec<String>,
}

impl Key {
    fn new(all: Vec<String>) -> (Self, Option<LegalClass>) {
        let (words, class) = legal_form::strip(without_article(all.clone()));
        (Self { words, all }, class)
    }

    /// The words with a space between them.
    #[must_use]
    pub fn text(&self) -> String {
        self.words.join(" ")
    }
}

/// `The Gap` and `Gap, The` are `gap`; `The The` keeps a word.
fn without_article(mut words: Vec<String>) -> Vec<String> {
    if words.len() > 1 && words.first().is_some_and(|word| word == "the") {
        words.remove(0);
    } else if words.len() > 1 && words.last().is_some_and(|word| word == "the") {
        words.pop();
    }
    words
}

impl Name {
    /// Reads a name. `None` if there is nothing but white space.
    #[must_use]
    pub fn new(given: &str) -> Option<Self> {
        let given = given.trim();
        if given.is_empty() {
            return None;
        }
        let (plain, class) = Key::new(words_or_signs(given, Folding::Plain));
        let initials = plain
            .words
            .iter()
            .filter(|word| !similarity::is_function_word(word));
        let initials = initials.filter_map(|word| word.chars().next()).collect();
        let latin = in_latin_letters(&plain);
        let mut keys = vec![plain];
        // Only letters with marks are written in two ways.
        if !given.is_ascii() {
            let (expanded, _) = Key::new(words_or_signs(given, Folding::Expanded));
            if !keys.contains(&expanded) {
                keys.push(expanded);
            }
        }
        Some(Self {
            given: given.to_owned(),
            keys,
            class,
            latin,
            initials,
        })
    }

    /// The name as it was given.
    #[must_use]
    pub fn given(&self) -> &str {
        &self.given
    }

    /// The keys, one or two: with marks dropped and, where that differs, written out. Two names
    /// are equal if they have a key in common.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// What the legal form says, if it says anything.
    #[must_use]
    pub fn class(&self) -> Option<LegalClass> {
        self.class
    }

    /// The key in Latin letters, if the name is in others. It is weaker than a key: many names of
    /// one script come to the same in another.
    #[must_use]
    pub fn latin(&self) -> Option<&Key> {
        self.latin.as_ref()
    }

    /// The first letters of the words that mean something.
    #[must_use]
    pub fn initials(&self) -> &str {
        &self.initials
    }
}

/// The words, or the signs themselves where a name consists of nothing else.
fn words_or_signs(given: &str, folding: Folding) -> Vec<String> {
    let found = words(given, folding);
    if found.is_empty() {
        vec![given.to_lowercase()]
    } else {
        found
    }
}

fn in_latin_letters(key: &Key) -> Option<Key> {
    let text = key.text();
    let is_elsewhere = text
        .chars()
        .any(|letter| letter.is_alphabetic() && letter > '\u{24F}');
    if !is_elsewhere {
        return None;
    }
    // What is written without spaces comes out as one word with capitals inside.
    let all = words(&any_ascii(&text), Folding::Plain);
    (!all.is_empty()).then(|| Key {
        words: all.clone(),
        all,
    })
}

#[cfg(test)]
pub(crate) mod tests;
