//! Which of a million names come into question, so that only those are compared.
//!
//! A name is found by its words. Those that few names have say most, so their lists are taken
//! whole; of words that many have, only the names that have several of them. A slip in a word is
//! undone by [`spellings`]. What a search costs is bounded whatever is asked: of long lists a fixed
//! number of entries is looked at.
//!
//! ```text
//! name ─▶ entries: its words · written out · in Latin letters · its initials · each alias
//! ask  ─▶ words and near words ─▶ lists, rarest first ─▶ the words of each entry ─▶ score ─▶ best k
//! ```
//!
//! Everything is in flat lists of numbers; [`Index::bytes`] tells what they take. The order of the
//! answer depends on what is in the index alone, never on when it came.

mod asked;
mod best;
mod lists;
mod near;
mod records;
mod search;
mod spellings;
mod words;

use std::borrow::Borrow;

use hashbrown::HashTable;

use crate::{Prepared, name::Name};
use lists::Lists;
use records::{Entry, Records};
use spellings::Spellings;
use words::{Word, Words};

/// Marks the initials of a name among words: `*bmw` for Bayerische Motoren Werke.
const INITIALS: char = '*';

/// An index of names by words.
#[derive(Debug, Default)]
pub struct Index {
    words: Words,
    spellings: Spellings,
    entries: Records,
    /// Of each word, the entries that have it.
    lists: Lists,
    by_account: HashTable<u32>,
    /// Of each word, how many entries have it that are not gone.
    living: Vec<u32>,
    gone: usize,
}

/// A count as the index keeps it. Past four thousand million it would be wrong, and memory ends
/// long before.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Accounts are numbers that the caller gave out, so they are spread to be a hash.
fn spread(account: u32) -> u64 {
    u64::from(account)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(26)
}

impl Index {
    /// An index of many accounts at once. Any number but `u32::MAX` may name an account, each once.
    pub fn build<P: Borrow<Prepared>>(accounts: impl IntoIterator<Item = (u32, P)>) -> Self {
        let mut index = Self::default();
        for (account, profile) in accounts {
            for entry in entries(profile.borrow()) {
                index.enter(account, &entry, |_, _| ());
            }
        }
        index.lay_flat();
        index
    }

    /// Adds an account, or exchanges what is known of it.
    pub fn insert(&mut self, account: u32, profile: &Prepared) {
        self.remove(account);
        for entry in entries(profile) {
            let Self { spellings, .. } = self;
            let mut spellings = std::mem::take(spellings);
            let entry = self.enter(account, &entry, |word, text| spellings.add(word, text));
            self.spellings = spellings;
            for word in self.entries.words(entry) {
                self.lists.push(*word, entry);
            }
        }
        if self.lists.is_due() {
            self.compact();
        }
    }

    /// Removes an account. Whether it was there.
    pub fn remove(&mut self, account: u32) -> bool {
        let mut found = false;
        while let Ok(place) = self.by_account.find_entry(spread(account), |entry| {
            self.entries.account(*entry) == account
        }) {
            let (entry, _) = place.remove();
            for word in self.entries.words(entry) {
                if let Some(count) = self.living.get_mut(*word as usize) {
                    *count = count.saturating_sub(1);
                }
            }
            self.entries.remove(entry);
            self.gone += 1;
            found = true;
        }
        if self.gone > 4096.max(self.entries.len() / 4) {
            self.compact();
        }
        found
    }

    /// How many entries there are: one for each name and each way of writing it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() - self.gone
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.words.bytes()
            + self.spellings.bytes()
            + self.entries.bytes()
            + self.living.capacity() * 4
            + self.lists.bytes()
            + self.by_account.allocation_size()
    }

    /// How many entries have the word. What is gone does not count, so that an answer depends on
    /// what is there alone.
    fn count(&self, word: Word) -> usize {
        self.living
            .get(word as usize)
            .map_or(0, |count| *count as usize)
    }

    /// Adds an entry, and tells of words that are new.
    fn enter(&mut self, account: u32, entry: &[String], mut new: impl FnMut(Word, &str)) -> Entry {
        let mut words = Vec::with_capacity(entry.len());
        for text in entry {
            let (word, is_new) = self.words.intern(text);
            if is_new && !text.starts_with(INITIALS) {
                new(word, text);
            }
            words.push(word);
            if is_new {
                self.living.push(0);
            }
            if let Some(count) = self.living.get_mut(word as usize) {
                *count += 1;
            }
        }
        let entry = self.entries.push(account, &words);
        let hash = |entry: &Entry| spread(self.entries.account(*entry));
        self.by_account.insert_unique(spread(account), entry, hash);
        entry
    }

    fn lay_flat(&mut self) {
        let entries = self.entries.iter();
        let pairs = entries.flat_map(|entry| {
            let words = self.entries.words(entry).iter();
            words.map(move |word| (*word, entry))
        });
        let pairs: Vec<(Word, Entry)> = pairs.collect();
        self.lists = Lists::build(self.words.len(), &pairs);
        let words = (0..number(self.words.len())).map(|word| (word, self.words.text(word)));
        let words = words.filter(|(_, text)| !text.starts_with(INITIALS));
        self.spellings = Spellings::build(words);
        self.shrink();
    }

    /// Lays everything flat and forgets entries that are gone, and words that no other has.
    fn compact(&mut self) {
        let words = renumbered(self.living.iter().map(|count| *count > 0));
        let new = |numbers: &[u32], old: u32| {
            let number = numbers.get(old as usize).copied();
            number.filter(|number| *number != GONE)
        };
        let (kept, entries) = self.entries.compact(|word| new(&words, word));
        self.entries = kept;
        let kept = (0..number(self.words.len())).filter(|word| new(&words, *word).is_some());
        self.lists.compact(kept, |entry| new(&entries, entry));
        self.spellings.compact(|word| new(&words, word));
        self.words = self.words.only(|word| new(&words, word).is_some());
        self.living.retain(|count| *count > 0);
        self.by_account = HashTable::with_capacity(self.entries.len());
        for entry in self.entries.iter() {
            let hash = |entry: &Entry| spread(self.entries.account(*entry));
            self.by_account.insert_unique(hash(&entry), entry, hash);
        }
        self.gone = 0;
        self.shrink();
    }

    fn shrink(&mut self) {
        self.entries.shrink();
        self.living.shrink_to_fit();
    }
}

/// What has no number any more.
const GONE: u32 = u32::MAX;

/// New numbers for those that are kept, in their order.
fn renumbered(kept: impl Iterator<Item = bool>) -> Vec<u32> {
    let mut next = 0;
    kept.map(|is_kept| {
        let number = if is_kept { next } else { GONE };
        next += u32::from(is_kept);
        number
    })
    .collect()
}

/// What an account is found by: each of its names in each way of writing it.
fn entries(profile: &Prepared) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    for name in profile.names() {
        for entry in ways_of_writing(name).chain(initials(name)) {
            if !found.contains(&entry) {
                found.push(entry);
            }
        }
    }
    found
}

fn ways_of_writing(name: &Name) -> impl Iterator<Item = Vec<String>> {
    let keys = name.keys().iter().chain(name.latin());
    keys.map(|key| {
        let mut words: Vec<String> = Vec::new();
        for word in key.words.iter().flat_map(|word| pieces(word)) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words
    })
}

/// The word, and of one in a script without spaces each two neighbours too.
fn pieces(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let is_unspaced = letters
        .iter()
        .all(|letter| crate::name::legal_form::is_unspaced(*letter));
    let pairs = letters
        .windows(2)
        .filter(|_| is_unspaced && letters.len() > 2);
    let pairs: Vec<String> = pairs.map(|pair| pair.iter().collect()).collect();
    std::iter::once(word.to_owned()).chain(pairs).collect()
}

/// The initials, if they might be used as a name.
fn initials(name: &Name) -> Option<Vec<String>> {
    let count = name.initials().chars().count();
    (3..=6)
        .contains(&count)
        .then(|| vec![format!("{INITIALS}{}", name.initials())])
}

#[cfg(test)]
mod tests;
