//! Words that a slip makes of one another.
//!
//! A word is entered under its first letters, and under those with each one left out. Whatever
//! single slip makes one word the other (a letter more, less, another, two exchanged), the two
//! have an entry in common; so nothing is compared with everything.

use std::collections::HashMap;

use super::words::{Word, hash};

/// The letters that are looked at. Words that have these in common are few.
const PREFIX: usize = 8;

/// Words shorter than this have no near ones: nearly every other short word would be.
const SHORTEST: usize = 4;

/// Whether the word can have near ones. A number has none: another number is another thing.
pub(super) fn has_spellings(text: &str) -> bool {
    text.chars().nth(SHORTEST - 1).is_some() && !text.chars().any(char::is_numeric)
}

/// Entries of words under their spellings, sorted, and what has come since.
#[derive(Debug, Default)]
pub(super) struct Spellings {
    sorted: Vec<(u32, Word)>,
    since: HashMap<u32, Vec<Word>>,
    waiting: usize,
}

impl Spellings {
    pub(super) fn build<'a>(words: impl Iterator<Item = (Word, &'a str)>) -> Self {
        let entries = words.flat_map(|(word, text)| spellings(text).map(move |key| (key, word)));
        let mut sorted: Vec<(u32, Word)> = entries.collect();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.shrink_to_fit();
        Self {
            sorted,
            since: HashMap::new(),
            waiting: 0,
        }
    }

    pub(super) fn add(&mut self, word: Word, text: &str) {
        for key in spellings(text) {
            self.since.entry(key).or_default().push(word);
            self.waiting += 1;
        }
        if self.waiting > 4096.max(self.sorted.len() / 4) {
            self.merge();
        }
    }

    fn merge(&mut self) {
        let since = std::mem::take(&mut self.since);
        let entries = since
            .into_iter()
            .flat_map(|(key, words)| words.into_iter().map(move |word| (key, word)));
        self.sorted.extend(entries);
        self.sorted.sort_unstable();
        self.sorted.dedup();
        self.sorted.shrink_to_fit();
        self.waiting = 0;
    }

    /// Words that may be a slip away from `text`. Most are, some are further.
    pub(super) fn near(&self, text: &str) -> Vec<Word> {
        let mut found: Vec<Word> = Vec::new();
        for key in spellings(text) {
            let start = self.start(key);
            let rest = self.sorted.get(start..).unwrap_or_default();
            found.extend(
                rest.iter()
                    .take_while(|(known, _)| *known == key)
                    .map(|(_, word)| *word),
            );
            found.extend(self.since.get(&key).into_iter().flatten());
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Where the words of a key begin. Keys are hashes, so that they lie near where they would if
    /// all gaps were equal: search goes from there, in doubling steps.
    fn start(&self, key: u32) -> usize {
        let share = (self.sorted.len() as u64 * u64::from(key)) >> 32;
        let guess = usize::try_from(share).unwrap_or(0);
        let is_before = |at: usize| self.sorted.get(at).is_some_and(|(known, _)| *known < key);
        let (mut low, mut high, mut step) = (guess, guess, 16);
        while low > 0 && !is_before(low) {
            low = low.saturating_sub(step);
            step *= 2;
        }
        step = 16;
        while is_before(high) {
            high = (high + step).min(self.sorted.len());
            step *= 2;
        }
        let within = self.sorted.get(low..high).unwrap_or_default();
        low + within.partition_point(|(known, _)| *known < key)
    }

    /// Forgets the words for which `renumber` gives nothing; the others keep their order.
    pub(super) fn compact(&mut self, renumber: impl Fn(Word) -> Option<Word>) {
        self.merge();
        let kept = self.sorted.iter();
        let kept = kept.filter_map(|(key, word)| Some((*key, renumber(*word)?)));
        self.sorted = kept.collect();
        self.sorted.shrink_to_fit();
    }

    pub(super) fn bytes(&self) -> usize {
        let each = |list: &Vec<Word>| 48 + list.capacity() * 4;
        self.sorted.capacity() * 8 + self.since.values().map(each).sum::<usize>()
    }
}

/// The keys of a word: its first letters, whole and with each one left out.
fn spellings(text: &str) -> impl Iterator<Item = u32> {
    let letters: Vec<char> = text.chars().take(PREFIX).collect();
    let count = if has_spellings(text) {
        letters.len() + 1
    } else {
        0
    };
    (0..count).map(move |left_out| {
        let kept = letters
            .iter()
            .enumerate()
            .filter(|(at, _)| at + 1 != left_out);
        let kept: String = kept.map(|(_, letter)| *letter).collect();
        let [_, _, _, _, a, b, c, d] = hash(&kept).to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    })
}
