//! What the entries are.
//!
//! The account of an entry, how many words it has, and those words lie one behind the other, so
//! that a search that looks at an entry waits for memory once. Where that begins names the entry.

use super::{GONE, words::Word};

/// An account that has been removed.
pub(super) const NOBODY: u32 = u32::MAX;

/// Where an entry begins.
pub(super) type Entry = u32;

/// What comes before the words.
const HEAD: usize = 2;

#[derive(Debug, Default)]
pub(super) struct Records {
    flat: Vec<u32>,
    count: usize,
}

impl Records {
    pub(super) fn push(&mut self, account: u32, words: &[Word]) -> Entry {
        let entry = super::number(self.flat.len());
        self.flat.extend([account, super::number(words.len())]);
        self.flat.extend(words);
        self.count += 1;
        entry
    }

    /// Whose it is, which may be nobody any more.
    pub(super) fn account(&self, entry: Entry) -> u32 {
        self.flat.get(entry as usize).copied().unwrap_or(NOBODY)
    }

    pub(super) fn words(&self, entry: Entry) -> &[Word] {
        let start = entry as usize + HEAD;
        let count = self.flat.get(start - 1).copied().unwrap_or(0);
        let words = self.flat.get(start..start + count as usize);
        words.unwrap_or_default()
    }

    /// Reads where entries begin and where most end, and tells something of it, lest the reading be
    /// left out.
    pub(super) fn read(&self, entries: &[Entry]) -> u32 {
        let at = |at: usize| self.flat.get(at).copied().unwrap_or(0);
        let ends = entries.iter().map(|entry| *entry as usize);
        ends.fold(0, |all, start| all ^ at(start) ^ at(start + HEAD + 2))
    }

    pub(super) fn remove(&mut self, entry: Entry) {
        if let Some(account) = self.flat.get_mut(entry as usize) {
            *account = NOBODY;
        }
    }

    /// All of them, and those that are gone.
    pub(super) fn iter(&self) -> impl Iterator<Item = Entry> {
        let mut next = 0;
        (0..self.count).map(move |_| {
            let entry = super::number(next);
            next += HEAD + self.words(entry).len();
            entry
        })
    }

    /// How many there are, with those that are gone.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Those that are not gone, with the new numbers of their words, and where each has moved to:
    /// by where it began, or [`GONE`].
    pub(super) fn compact(&self, new: impl Fn(Word) -> Option<Word>) -> (Self, Vec<u32>) {
        let mut kept = Self::default();
        let mut moved = vec![GONE; self.flat.len()];
        let mut words = Vec::new();
        for entry in self.iter().filter(|entry| self.account(*entry) != NOBODY) {
            words.clear();
            words.extend(self.words(entry).iter().filter_map(|word| new(*word)));
            let to = kept.push(self.account(entry), &words);
            if let Some(place) = moved.get_mut(entry as usize) {
                *place = to;
            }
        }
        (kept, moved)
    }

    pub(super) fn shrink(&mut self) {
        self.flat.shrink_to_fit();
    }

    pub(super) fn bytes(&self) -> usize {
        self.flat.capacity() * 4
    }
}
