//! The search: which entries have the words that are asked for, and how much of them.
//!
//! Lists are walked from the word that says most to the one that says least. What an entry can
//! reach at best is known before it is looked at: from what it is met by and how many words it
//! has. So a list that can bring nobody nearer than those found is not walked, and of a walked one
//! few entries are scored.

use std::cmp::Reverse;

use super::{INITIALS, Index, NOBODY, best::Best, entries, words::Word};
use crate::Prepared;

/// Entries that are scored at most of one list. Some hundred nanoseconds each.
const SCORED: usize = 1024;

/// Numbers that are touched in lists at most for one way of writing, some nanoseconds each. Once
/// they are spent only short lists are walked, and others if nobody has been found.
const TOUCHED: usize = 100_000;

/// A list that is short enough to be walked whatever it brings. Its entries are scored as they are:
/// looking them up in other lists takes longer.
const SHORT: usize = 256;

/// What a longer list has to be able to bring, at least and in per cent of the best that has been
/// found: who has nothing but frequent words of what is asked for is no candidate, and even less
/// beside one that has it all.
const WORTH: u16 = 500;
const WORTH_BESIDE: u16 = 75;

/// Words that are asked for at most, those that say most.
const ASKED: usize = 16;

/// What a word counts that is met but for a slip, for two, by initials, by half of it.
const SLIP: u32 = 850;
const TWO_SLIPS: u32 = 700;
const BY_INITIALS: u32 = 600;
const HALF: u32 = 450;

/// The weight of a word that all have.
const LEAST_WEIGHT: u32 = 10;

/// A word that is asked for: every word of the index that meets it, the best first.
struct Asked {
    weight: u32,
    met_by: Vec<Met>,
}

/// A word of the index that meets one that is asked for.
struct Met {
    word: Word,
    quality: u32,
    /// What it says itself.
    weight: u32,
}

impl Asked {
    /// The most that it adds to what is met, and the least to what an entry says.
    fn at_best(&self) -> Reach {
        let qualities = self.met_by.iter().map(|met| met.quality);
        let weights = self.met_by.iter().map(|met| met.weight);
        Reach {
            met: self.weight * qualities.max().unwrap_or(0),
            own: weights.min().unwrap_or(0),
        }
    }
}

/// How much of what is asked is met, and how much is said for that.
#[derive(Clone, Copy, Default)]
struct Reach {
    met: u32,
    own: u32,
}

impl Reach {
    fn and(self, other: Self) -> Self {
        Self {
            met: self.met + other.met,
            own: self.own + other.own,
        }
    }

    /// Twice what is met, of what both say.
    fn score(self, whole: u32) -> u16 {
        let score = (2 * self.met).checked_div(whole + self.own).unwrap_or(0);
        u16::try_from(score.min(1000)).unwrap_or(1000)
    }
}

/// An entry of the list that is walked.
struct Candidate {
    entry: u32,
    reach: Reach,
    /// Words that are asked for and met.
    met: usize,
    /// The last of them.
    last: usize,
}

impl Index {
    /// The accounts whose names come nearest, the nearest first, with a score per mille. Equal ones
    /// are in the order of their numbers. The score says in which order to look; whether two are one
    /// company, [`crate::compare`] says.
    #[must_use]
    pub fn search(&self, profile: &Prepared, count: usize) -> Vec<(u32, u16)> {
        let mut best = Best::of(count);
        for words in entries(profile) {
            self.search_words(&words, &mut best);
        }
        best.found()
    }

    fn search_words(&self, words: &[String], best: &mut Best) {
        let mut asked: Vec<Asked> = words.iter().map(|word| self.asked(word)).collect();
        let whole = asked.iter().map(|word| word.weight).sum();
        asked.extend(words.windows(2).filter_map(|pair| self.joined(pair)));
        asked.retain(|word| !word.met_by.is_empty());
        asked.sort_by_key(|word| Reverse(word.weight));
        asked.truncate(ASKED);
        let mut left = TOUCHED;
        let mut rest = &asked[..];
        while let Some((word, others)) = rest.split_first() {
            let besides = others.iter().map(Asked::at_best);
            let besides = besides.fold(Reach::default(), Reach::and);
            for met in &word.met_by {
                let reach = Reach {
                    met: word.weight * met.quality,
                    own: met.weight,
                };
                let bound = reach.and(besides).score(whole);
                let list = self.lists.get(met.word);
                let worth = WORTH.max(best.first() / 100 * WORTH_BESIDE);
                if bound < best.least() {
                    continue;
                }
                if list.len() <= SHORT {
                    for entry in list.iter() {
                        self.offer(entry, &asked, whole, best);
                    }
                } else if best.is_empty() || (bound >= worth && list.len() <= left) {
                    let candidates = self.candidates(met.word, reach, others, &mut left);
                    self.score_all(candidates, &asked, whole, best);
                }
            }
            rest = others;
        }
    }

    /// The word, those near it, and names that it may be the initials of.
    fn asked(&self, text: &str) -> Asked {
        let mut met_by: Vec<(Word, u32)> = Vec::new();
        if let Some(initials) = text.strip_prefix(INITIALS) {
            met_by.extend(self.words.get(initials).map(|word| (word, BY_INITIALS)));
        } else {
            met_by.extend(self.words.get(text).map(|word| (word, 1000)));
            let near = self.near(text).into_iter();
            met_by.extend(near.map(|(slips, word)| match slips {
                1 => (word, SLIP),
                _ => (word, TWO_SLIPS),
            }));
            let initials = self.words.get(&format!("{INITIALS}{text}"));
            met_by.extend(initials.map(|word| (word, BY_INITIALS)));
            met_by.extend(self.halves(text));
        }
        met_by.retain(|(word, _)| self.count(*word) > 0);
        // It says as much as the word that it most probably is.
        let best = met_by.iter().map(|(_, quality)| *quality).max();
        let own = met_by.iter().filter(|(_, quality)| Some(*quality) == best);
        let own = own.map(|(word, _)| self.count(*word)).sum();
        Asked {
            weight: self.weight(own),
            met_by: met_by.into_iter().map(|met| self.met(met)).collect(),
        }
    }

    fn met(&self, (word, quality): (Word, u32)) -> Met {
        Met {
            word,
            quality,
            weight: self.weight(self.count(word)),
        }
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
        let word = self.words.get(&pair.concat())?;
        let met = self.met((word, 1000));
        (self.count(word) > 0).then(|| Asked {
            weight: met.weight,
            met_by: vec![met],
        })
    }

    /// How much a word says: ten for each halving of the names that have it.
    fn weight(&self, entries: usize) -> u32 {
        let times = (self.len() + 1) / (entries + 1);
        LEAST_WEIGHT + 10 * times.max(1).ilog2()
    }

    /// The entries that have `word`, and what else of what is asked each has.
    fn candidates(
        &self,
        word: Word,
        reach: Reach,
        others: &[Asked],
        left: &mut usize,
    ) -> Vec<Candidate> {
        let list = self.lists.get(word);
        let mut found: Vec<Candidate> = list
            .iter()
            .map(|entry| Candidate {
                entry,
                reach,
                met: 1,
                last: usize::MAX,
            })
            .collect();
        *left = left.saturating_sub(found.len());
        for (at, other) in others.iter().enumerate() {
            for met in &other.met_by {
                let list = self.lists.get(met.word);
                *left = left.saturating_sub(found.len().min(list.len()));
                let more = Reach {
                    met: other.weight * met.quality,
                    own: met.weight,
                };
                list.meet(
                    &mut found,
                    |candidate| candidate.entry,
                    |candidate| {
                        if candidate.last != at {
                            candidate.last = at;
                            candidate.met += 1;
                            candidate.reach = candidate.reach.and(more);
                        }
                    },
                );
            }
        }
        found
    }

    /// Scores those that can be among the best, the most promising first.
    fn score_all(&self, found: Vec<Candidate>, asked: &[Asked], whole: u32, best: &mut Best) {
        let found = found.into_iter();
        let found = found.filter(|candidate| candidate.reach.score(whole) >= best.least());
        let promising = found.filter_map(|candidate| {
            let words = self.words_of(candidate.entry).len();
            let unmet = super::number(words.saturating_sub(candidate.met));
            let least = Reach {
                met: 0,
                own: unmet * LEAST_WEIGHT,
            };
            let bound = candidate.reach.and(least).score(whole);
            (bound >= best.least()).then_some((Reverse(bound), candidate.entry))
        });
        let promising = promising.filter_map(|(bound, entry)| {
            let account = self.account(entry);
            (account != NOBODY).then_some((bound, account, entry))
        });
        let mut promising: Vec<(Reverse<u16>, u32, u32)> = promising.collect();
        if promising.len() > SCORED {
            promising.select_nth_unstable(SCORED);
            promising.truncate(SCORED);
        }
        promising.sort_unstable();
        for (Reverse(bound), _, entry) in promising {
            if bound < best.least() {
                break;
            }
            self.offer(entry, asked, whole, best);
        }
    }

    fn offer(&self, entry: u32, asked: &[Asked], whole: u32, best: &mut Best) {
        let account = self.account(entry);
        if account != NOBODY
            && let Some(score) = self.score(entry, asked, whole, best.least())
        {
            best.offer(account, score);
        }
    }

    fn account(&self, entry: u32) -> u32 {
        self.accounts.get(entry as usize).copied().unwrap_or(NOBODY)
    }

    /// Nothing if it is less than `least`.
    fn score(&self, entry: u32, asked: &[Asked], whole: u32, least: u16) -> Option<u16> {
        let words = self.words_of(entry);
        let mut qualities = [0; ASKED];
        let mut own = 0;
        for word in words {
            let mut weight = LEAST_WEIGHT;
            for (asked, quality) in asked.iter().zip(&mut qualities) {
                if let Some(met) = asked.met_by.iter().find(|met| met.word == *word) {
                    *quality = met.quality.max(*quality);
                    weight = met.weight;
                }
            }
            own += weight;
        }
        let met = asked.iter().zip(qualities);
        let met = met.map(|(asked, quality)| asked.weight * quality).sum();
        if (Reach { met, own }).score(whole) < least {
            return None;
        }
        let own = words.iter().map(|word| self.weight(self.count(*word)));
        let own = own.sum();
        Some(Reach { met, own }.score(whole)).filter(|score| *score >= least)
    }
}
