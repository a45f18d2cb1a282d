//! What is asked for: words, each with those of the index that meet it.

use std::cmp::Reverse;

use super::{INITIALS, Index, words::Word};

/// Words that are asked for at most, those that say most.
pub(super) const ASKED: usize = 16;

/// What a word counts that is met, and one that is met but for a slip, for two, by initials, by half
/// of it.
const EXACT: u32 = 1000;
const SLIP: u32 = 850;
const TWO_SLIPS: u32 = 700;
const BY_INITIALS: u32 = 600;
const HALF: u32 = 450;

/// The weight of a word that all have.
pub(super) const LEAST_WEIGHT: u32 = 10;

/// One way of writing what is asked for.
pub(super) struct Question {
    /// The words that are met, from the one that says most to the one that says least.
    pub(super) asked: Vec<Asked>,
    /// What all words say, met or not.
    pub(super) whole: u32,
    /// Sorted by place, so that those of one stand together.
    meetings: Vec<Meeting>,
    /// Of each place, where its meetings begin. Nearly all words of the index fall on one that
    /// has none, so that they are told apart in the time of a read.
    places: Vec<u16>,
}

/// A word that is asked for: every word of the index that meets it, the best first.
pub(super) struct Asked {
    weight: u32,
    pub(super) met_by: Vec<Met>,
}

/// A word of the index that meets one that is asked for.
pub(super) struct Met {
    pub(super) word: Word,
    quality: u32,
    /// What it says itself.
    weight: u32,
}

/// That a word of the index meets one that is asked for.
pub(super) struct Meeting {
    word: Word,
    /// Which of those that are asked for.
    pub(super) at: usize,
    pub(super) is_exact: bool,
    pub(super) reach: Reach,
}

/// How much of what is asked is met, and how much is said for that.
#[derive(Clone, Copy, Default)]
pub(super) struct Reach {
    pub(super) met: u32,
    pub(super) own: u32,
}

impl Reach {
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            met: self.met + other.met,
            own: self.own + other.own,
        }
    }

    /// Twice what is met, of what both say.
    pub(super) fn score(self, whole: u32) -> u16 {
        let score = (2 * self.met).checked_div(whole + self.own).unwrap_or(0);
        u16::try_from(score.min(1000)).unwrap_or(1000)
    }
}

impl Met {
    /// Whether it is the word that is asked for.
    pub(super) fn is_exact(&self) -> bool {
        self.quality == EXACT
    }
}

impl Asked {
    /// What an entry reaches by having the word.
    pub(super) fn reach(&self, met: &Met) -> Reach {
        Reach {
            met: self.weight * met.quality,
            own: met.weight,
        }
    }

    /// The most that it adds to what is met, and the least to what an entry says, which is never
    /// more than leaves the score of an entry what it was.
    pub(super) fn at_best(&self) -> Reach {
        let reaches = || self.met_by.iter().map(|met| self.reach(met));
        let met = reaches().map(|reach| reach.met).max().unwrap_or(0);
        let own = reaches().map(|reach| reach.own).min().unwrap_or(0);
        Reach {
            met,
            own: own.min(2 * met / 1000),
        }
    }
}

/// Places of meetings: many times more than there can be meetings.
const PLACES: usize = 4096;

/// A place without meetings.
const NONE: u16 = u16::MAX;

fn place(word: Word) -> usize {
    word as usize % PLACES
}

impl Question {
    fn of(mut asked: Vec<Asked>, whole: u32) -> Self {
        asked.retain(|word| !word.met_by.is_empty());
        asked.sort_by_key(|word| Reverse(word.weight));
        asked.truncate(ASKED);
        let mut meetings = Vec::new();
        for (at, asked) in asked.iter().enumerate() {
            meetings.extend(asked.met_by.iter().map(|met| Meeting {
                word: met.word,
                at,
                is_exact: met.is_exact(),
                reach: asked.reach(met),
            }));
        }
        meetings.sort_by_key(|meeting| place(meeting.word));
        let mut places = vec![NONE; PLACES];
        for (at, meeting) in meetings.iter().enumerate().rev() {
            if let Some(start) = places.get_mut(place(meeting.word)) {
                *start = u16::try_from(at).unwrap_or(NONE);
            }
        }
        Self {
            asked,
            whole,
            meetings,
            places,
        }
    }

    /// The words that are asked for and met by one of the index.
    pub(super) fn meetings(&self, word: Word) -> impl Iterator<Item = &Meeting> {
        let start = self.places.get(place(word)).map_or(NONE, |start| *start);
        let met = self.meetings.get(usize::from(start)..).unwrap_or_default();
        met.iter()
            .take_while(move |meeting| place(meeting.word) == place(word))
            .filter(move |meeting| meeting.word == word)
    }
}

impl Index {
    pub(super) fn question(&self, words: &[String]) -> Question {
        let mut asked: Vec<Asked> = words.iter().map(|word| self.asked(word)).collect();
        let whole = asked.iter().map(|word| word.weight).sum();
        asked.extend(words.windows(2).filter_map(|pair| self.joined(pair)));
        Question::of(asked, whole)
    }

    /// The word, those near it, and names that it may be the initials of.
    fn asked(&self, text: &str) -> Asked {
        let mut met_by: Vec<(Word, u32)> = Vec::new();
        if let Some(initials) = text.strip_prefix(INITIALS) {
            met_by.extend(self.words.get(initials).map(|word| (word, BY_INITIALS)));
        } else {
            met_by.extend(self.words.get(text).map(|word| (word, EXACT)));
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
        let met = self.met((word, EXACT));
        (self.count(word) > 0).then(|| Asked {
            weight: met.weight,
            met_by: vec![met],
        })
    }

    /// How much a word says: ten for each halving of the names that have it.
    pub(super) fn weight(&self, entries: usize) -> u32 {
        let times = (self.len() + 1) / (entries + 1);
        LEAST_WEIGHT + 10 * times.max(1).ilog2()
    }
}
