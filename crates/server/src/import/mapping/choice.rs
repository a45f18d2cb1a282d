//! Words of the enums of the contract.

use std::fmt;
use std::marker::PhantomData;

use super::row::Row;
use super::value::{Reads, takes_nothing};

/// A word of an enum of the contract.
pub(in crate::import) trait Word:
    Copy + fmt::Debug + TryFrom<i32> + 'static
{
    /// What the contract writes before each word, such as `STAGE_`.
    const PREFIX: &'static str;

    /// The word with its prefix.
    fn full(self) -> &'static str;

    /// The word as a mapping writes it.
    fn word(self) -> &'static str {
        let full = self.full();
        full.strip_prefix(Self::PREFIX).unwrap_or(full)
    }

    /// All words but the one for what was not said.
    fn all() -> Vec<Self> {
        (1..)
            .map_while(|number| Self::try_from(number).ok())
            .collect()
    }
}

/// One of the words of an enum of the contract.
#[derive(Debug)]
pub(in crate::import) struct Choice<W>(PhantomData<W>);

impl<W> Default for Choice<W> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<W: Word> Choice<W> {
    fn choice(text: &str) -> Result<W, String> {
        let all = W::all();
        let found = all.iter().find(|word| word.word() == text).copied();
        found.ok_or_else(|| {
            let words: Vec<_> = all.into_iter().map(Word::word).collect();
            format!("{text:?} is none of {}", words.join(", "))
        })
    }
}

impl<W: Word> Reads for Choice<W> {
    type Value = W;
    const KEYS: &'static [&'static str] = &[];

    fn set(&mut self, key: &str, value: toml::Value) -> Result<(), String> {
        takes_nothing(key, value)
    }

    fn check(&self, text: &str) -> Result<(), String> {
        Self::choice(text).map(|_| ())
    }

    fn read(&self, text: &str, _row: &Row<'_>) -> Result<W, String> {
        Self::choice(text)
    }
}
