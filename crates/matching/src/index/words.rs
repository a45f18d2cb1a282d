//! The words of all names, each once, by number.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use hashbrown::HashTable;

/// The number of a word.
pub(super) type Word = u32;

/// A hash that is the same in every run of one program.
pub(super) fn hash(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}

/// Words in one string, found by hash: five bytes a word beside its letters and its end.
#[derive(Debug, Default)]
pub(super) struct Words {
    text: String,
    ends: Vec<u32>,
    numbers: HashTable<Word>,
}

impl Words {
    pub(super) fn get(&self, word: &str) -> Option<Word> {
        let is_it = |number: &Word| text_of(&self.text, &self.ends, *number) == word;
        self.numbers.find(hash(word), is_it).copied()
    }

    /// The number of the word, and whether it is new.
    pub(super) fn intern(&mut self, word: &str) -> (Word, bool) {
        if let Some(number) = self.get(word) {
            return (number, false);
        }
        let number = super::number(self.ends.len());
        self.text.push_str(word);
        self.ends.push(super::number(self.text.len()));
        let (text, ends) = (&self.text, &self.ends);
        self.numbers.insert_unique(hash(word), number, |known| {
            hash(text_of(text, ends, *known))
        });
        (number, true)
    }

    pub(super) fn text(&self, word: Word) -> &str {
        text_of(&self.text, &self.ends, word)
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The words for which `is_kept` holds, in their order.
    pub(super) fn only(&self, is_kept: impl Fn(Word) -> bool) -> Self {
        let mut kept = Self::default();
        for word in (0..super::number(self.len())).filter(|word| is_kept(*word)) {
            kept.intern(self.text(word));
        }
        kept.text.shrink_to_fit();
        kept.ends.shrink_to_fit();
        kept
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * 4 + self.numbers.allocation_size()
    }
}

fn text_of<'a>(text: &'a str, ends: &[u32], word: Word) -> &'a str {
    let at = word as usize;
    let start = at
        .checked_sub(1)
        .and_then(|before| ends.get(before))
        .copied()
        .unwrap_or(0);
    let end = ends.get(at).copied().unwrap_or(0);
    text.get(start as usize..end as usize).unwrap_or_default()
}
