//! The search: which entries have the words that are asked for, and how much of them.

use std::cmp::Reverse;

use strsim::osa_distance;

use super::{INITIALS, Index, NOBODY, entries, spellings::SHORTEST, words::Word};
use crate::Prepared;

/// Entries that are scored at most for one way of writing. Some hundred nanoseconds each.
const SCORED: usize = 1024;

/// Near words of one word at most, the nearest and most frequent first.
const NEAR: usize = 8;

/// What a word counts that is met but for a slip, for two, by initials, by half of it.
const SLIP: u32 = 850;
const TWO_SLIPS: u32 = 700;
const BY_INITIALS: u32 = 600;
const HALF: u32 = 450;

/// A word that is asked for: every word of the index that meets it, and how well.
struct Asked {
    weight: u32,
    met_by: Vec<(Word, u32)>,
    entries: usize,
}

impl Index {
    /// The accounts whose names come nearest, the nearest first, with a score per mille. Equal ones
    /// are in the order of their numbers. The score says in which order to look; whether two are one
    /// company, [`crate::compare`] says.
    #[must_use]
    pub fn search(&self, profile: &Prepared, count: usize) -> Vec<(u32, u16)> {
        let mut best: Vec<(u32, u16)> = Vec::new();
        for words in entries(profile) {
            best.extend(self.search_words(&words));
        }
        best.sort_unstable_by_key(|(account, score)| (*account, Reverse(*score)));
        best.dedup_by_key(|(account, _)| *account);
        best.sort_unstable_by_key(|(account, score)| (Reverse(*score), *account));
        best.truncate(count);
        best
    }

    fn search_words(&self, words: &[String]) -> Vec<(u32, u16)> {
        let mut asked: Vec<Asked> = words.iter().map(|word| self.asked(word)).collect();
        asked.extend(words.windows(2).filter_map(|pair| self.joined(pair)));
        let whole: u32 = asked.iter().take(words.len()).map(|word| word.weight).sum();
        asked.sort_by_key(|word| word.entries);
        let candidates = self.candidates(&asked);
        let scored = candidates.into_iter().filter_map(|entry| {
            let account = *self.accounts.get(entry as usize)?;
            (account != NOBODY).then(|| (account, self.score(entry, &asked, whole)))
        });
        scored.collect()
    }

    /// The word, those near it, and names that it may be the initials of.
    fn asked(&self, text: &str) -> Asked {
        let mut met_by: Vec<(Word, u32)> = Vec::new();
        if let Some(initials) = text.strip_prefix(INITIALS) {
            met_by.extend(self.words.get(initials).map(|word| (word, BY_INITIALS)));
        } else {
            met_by.extend(self.words.get(text).map(|word| (word, 1000)));
            met_by.extend(self.near(text));
            let initials = self.words.get(&format!("{INITIALS}{text}"));
            met_by.extend(initials.map(|word| (word, BY_INITIALS)));
            met_by.extend(self.halves(text));
        }
        met_by.retain(|(word, _)| self.count(*word) > 0);
        let entries = met_by.iter().map(|(word, _)| self.count(*word)).sum();
        // It says as much as the word that it most probably is.
        let best = met_by.iter().map(|(_, quality)| *quality).max();
        let own = met_by.iter().filter(|(_, quality)| Some(*quality) == best);
        let own = own.map(|(word, _)| self.count(*word)).sum();
        Asked {
            weight: self.weight(own),
            met_by,
            entries,
        }
    }

    fn near(&self, text: &str) -> Vec<(Word, u32)> {
        let letters = text.chars().count();
        if letters < SHORTEST {
            return Vec::new();
        }
        let most = if letters < 9 { 1 } else { 2 };
        let near = self.spellings.near(text).into_iter().filter_map(|word| {
            let other = self.words.text(word);
            if self.count(word) == 0 || other.chars().count().abs_diff(letters) > most {
                return None;
            }
            let slips = osa_distance(text, other);
            (1..=most).contains(&slips).then_some((slips, word))
        });
        let mut near: Vec<(usize, Word)> = near.collect();
        near.sort_by_key(|(slips, word)| {
            (*slips, Reverse(self.count(*word)), self.words.text(*word))
        });
        near.truncate(NEAR);
        let quality = |slips| if slips == 1 { SLIP } else { TWO_SLIPS };
        near.into_iter()
            .map(|(slips, word)| (word, quality(slips)))
            .collect()
    }

    /// `goodwill` as `good` and `will`, where both are words.
    fn halves(&self, text: &str) -> Vec<(Word, u32)> {
        let splits = text.char_indices().map(|(at, _)| at).skip(3);
        let pairs = splits.filter_map(|at| {
            let (one, other) = text.split_at_checked(at)?;
            (other.len() > 2).then(|| self.words.get(one).zip(self.words.get(other)))?
        });
        // The first of the pairs that fewest have.
        let rarest = pairs.min_by_key(|(one, other)| self.count(*one) + self.count(*other));
        rarest
            .into_iter()
            .flat_map(|(one, other)| [(one, HALF), (other, HALF)])
            .collect()
    }

    /// `good will` as `goodwill`, if that is a word.
    fn joined(&self, pair: &[String]) -> Option<Asked> {
        let text = pair.concat();
        let word = self.words.get(&text)?;
        let entries = self.count(word);
        Some(Asked {
            weight: self.weight(entries),
            met_by: vec![(word, 1000)],
            entries,
        })
    }

    /// How much a word says: ten for each halving of the names that have it.
    fn weight(&self, entries: usize) -> u32 {
        let times = (self.len() + 1) / (entries + 1);
        10 + 10 * times.max(1).ilog2()
    }

    /// Entries of rare words all; of frequent words those that have several of them.
    fn candidates(&self, asked: &[Asked]) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        let mut frequent: Vec<&Asked> = Vec::new();
        for word in asked.iter().filter(|word| word.entries > 0) {
            if found.len() + word.entries <= SCORED {
                for (word, _) in &word.met_by {
                    found.extend(self.lists.get(*word).iter());
                }
            } else {
                frequent.push(word);
            }
        }
        found.extend(self.having_all(&frequent));
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Entries that have as many of these words as needed to be few, and at most as many as are
    /// scored.
    fn having_all(&self, frequent: &[&Asked]) -> Vec<u32> {
        let Some((rarest, others)) = frequent.split_first() else {
            return Vec::new();
        };
        let lists = rarest.met_by.iter();
        let mut found: Vec<u32> = lists
            .flat_map(|(word, _)| self.lists.get(*word).iter())
            .collect();
        if rarest.met_by.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
        for word in others {
            let mut has = vec![false; found.len()];
            for (word, _) in &word.met_by {
                self.lists.get(*word).mark(&found, &mut has);
            }
            let both = found.iter().zip(&has).filter(|(_, has)| **has);
            let both: Vec<u32> = both.map(|(entry, _)| *entry).collect();
            if both.is_empty() {
                break;
            }
            found = both;
        }
        found.retain(|entry| self.account(*entry) != NOBODY);
        if found.len() > SCORED {
            // Who has fewest words besides comes nearest.
            let order = |entry: &u32| (self.words_of(*entry).len(), self.account(*entry), *entry);
            found.select_nth_unstable_by_key(SCORED, order);
            found.truncate(SCORED);
        }
        found
    }

    fn account(&self, entry: u32) -> u32 {
        self.accounts.get(entry as usize).copied().unwrap_or(NOBODY)
    }

    /// Twice what is met, of what both say.
    fn score(&self, entry: u32, asked: &[Asked], whole: u32) -> u16 {
        let words = self.words_of(entry);
        let own: u32 = words
            .iter()
            .map(|word| self.weight(self.count(*word)))
            .sum();
        let met: u32 = asked
            .iter()
            .map(|asked| {
                let met = asked.met_by.iter().filter(|(word, _)| words.contains(word));
                let qualities = met.map(|(_, quality)| *quality);
                asked.weight * qualities.max().unwrap_or(0)
            })
            .sum();
        let score = (2 * met).checked_div(whole + own).unwrap_or(0);
        u16::try_from(score.min(1000)).unwrap_or(1000)
    }
}
