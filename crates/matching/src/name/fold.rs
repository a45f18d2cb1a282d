//! Folding: the words of a name, without what people write now so and now otherwise.
//!
//! ```text
//! NFKC · case folding · two ways of writing letters with marks (ü is u, or ue) · & is and ·
//! apostrophes are dropped · initials with dots are one word (S.A. is sa) · all else that is
//! neither letter nor digit separates words
//! ```
//!
//! Every script keeps its own letters. Marks are only dropped where they change how a letter of the
//! Latin or Greek alphabet sounds; a Japanese or Thai mark makes another letter.
//!
//! The build script folds the tables of legal forms with this same file.

use caseless::Caseless;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// How letters with marks are written by people who lack them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folding {
    /// Without the mark: ü is u, ø is o, å is a.
    Plain,
    /// As German and the Nordic languages write them out: ü is ue, ø is oe, å is aa.
    Expanded,
}

/// Signs that are left out without separating words: `Arnie's` is `arnies`, `בע״מ` is one word.
const DROPPED: &[char] = &[
    '\'', '\u{2018}', '\u{2019}', '\u{201B}', '\u{2032}', '`', '\u{B4}', '\u{2BC}', '\u{2BB}',
    '\u{2B9}', '\u{FF07}', '\u{5F3}', '\u{5F4}', '\u{AD}', '\u{640}', '\u{FEFF}', '\u{2060}',
    '\u{200B}', '\u{200C}', '\u{200D}', '\u{200E}', '\u{200F}',
];

/// The words of `text`, folded. Empty if it holds neither letter nor digit.
pub fn words(text: &str, folding: Folding) -> Vec<String> {
    let text = folded(text, folding);
    let mut words: Vec<String> = Vec::new();
    let mut initials: Vec<char> = Vec::new();
    for chunk in text.split_whitespace() {
        let trimmed = chunk.trim_matches(|letter: char| !is_of_word(letter) && letter != '.');
        if let Some(letter) = initial(trimmed) {
            initials.push(letter);
            continue;
        }
        close(&mut initials, &mut words);
        match dotted(trimmed) {
            Some(word) => words.push(word),
            None => words.extend(
                chunk
                    .split(|letter| !is_of_word(letter))
                    .filter(|word| !word.is_empty())
                    .map(str::to_owned),
            ),
        }
    }
    close(&mut initials, &mut words);
    words
}

/// Ends a run of initials that stand apart: `J. P. Morgan` is `jp morgan`.
fn close(initials: &mut Vec<char>, words: &mut Vec<String>) {
    if !initials.is_empty() {
        words.push(initials.drain(..).collect());
    }
}

/// The letter of a chunk that is one letter and a dot.
fn initial(chunk: &str) -> Option<char> {
    let mut letters = chunk.strip_suffix('.')?.chars();
    let letter = letters.next().filter(|letter| letter.is_alphabetic())?;
    letters.next().is_none().then_some(letter)
}

/// `s.a.` and `a/s` as one word, if each part is one letter.
fn dotted(chunk: &str) -> Option<String> {
    let parts: Vec<&str> = chunk
        .split(['.', '/'])
        .filter(|part| !part.is_empty())
        .collect();
    let single = |part: &&str| {
        let mut letters = part.chars();
        letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none()
    };
    (parts.len() > 1 && parts.iter().all(single)).then(|| parts.concat())
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || is_combining_mark(letter)
}

fn folded(text: &str, folding: Folding) -> String {
    let kept: Vec<char> = text
        .chars()
        .filter(|sign| !DROPPED.contains(sign))
        .collect();
    let joined = without_gershayim(&kept);
    let text: String = joined.nfkc().default_case_fold().nfkc().collect();
    let mut out = String::with_capacity(text.len());
    let mut takes_marks = false;
    for letter in text.chars().filter(|sign| !DROPPED.contains(sign)) {
        fold_letter(letter, folding, &mut takes_marks, &mut out);
    }
    out.nfc().collect()
}

/// The quotation mark within a Hebrew abbreviation is the typewriter's gershayim.
fn without_gershayim(signs: &[char]) -> String {
    let is_hebrew =
        |sign: Option<&char>| sign.is_some_and(|sign| ('\u{5D0}'..='\u{5EA}').contains(sign));
    let within = |at: usize| {
        is_hebrew(at.checked_sub(1).and_then(|before| signs.get(before)))
            && is_hebrew(signs.get(at + 1))
    };
    let signs = signs.iter().enumerate();
    signs
        .filter(|(at, sign)| **sign != '"' || !within(*at))
        .map(|(_, sign)| *sign)
        .collect()
}

fn fold_letter(letter: char, folding: Folding, takes_marks: &mut bool, out: &mut String) {
    if ('\u{300}'..='\u{36F}').contains(&letter) && *takes_marks {
        return;
    }
    let written = match (letter, folding) {
        ('ä', Folding::Expanded) | ('æ', _) => "ae",
        ('ö' | 'ø', Folding::Expanded) | ('œ', _) => "oe",
        ('ü', Folding::Expanded) => "ue",
        ('å', Folding::Expanded) => "aa",
        ('ø', Folding::Plain) => "o",
        ('ł', _) => "l",
        ('đ' | 'ð', _) => "d",
        ('þ', _) => "th",
        ('ħ', _) => "h",
        ('ŧ', _) => "t",
        ('ı', _) => "i",
        ('ё', _) => "е",
        ('أ' | 'إ' | 'آ', _) => "ا",
        ('ى', _) => "ي",
        ('&', _) => " and ",
        ('+', _) => " plus ",
        _ => "",
    };
    if !written.is_empty() {
        out.push_str(written);
        *takes_marks = true;
        return;
    }
    // Vowel signs of Arabic are left out by nearly everybody.
    if ('\u{64B}'..='\u{65F}').contains(&letter) {
        return;
    }
    let mut parts = std::iter::once(letter).nfd();
    let base = parts.next().unwrap_or(letter);
    *takes_marks = is_latin_or_greek(base);
    // A mark alone is dropped only behind a letter whose sound it changes.
    out.push(if *takes_marks { base } else { letter });
}

fn is_latin_or_greek(letter: char) -> bool {
    matches!(letter, 'a'..='z' | '\u{C0}'..='\u{24F}' | '\u{370}'..='\u{3FF}')
}
