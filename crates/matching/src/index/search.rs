//! The search: which entries have the words that are asked for, and how much of them.
//!
//! Lists are walked from the word that says most to the one that says least. What an entry of a
//! list can reach at best is known before the list is looked at, so one that can bring nobody
//! nearer than those found is not walked. Of an entry its own words are looked up among those that
//! are asked for, which takes less than looking for it in other lists.

use std::hint;

use super::{
    Index,
    asked::{ASKED, Asked, LEAST_WEIGHT, Meeting, Question, Reach},
    best::Best,
    entries,
    lists::List,
    records::{Entry, NOBODY},
    words::Word,
};
use crate::Prepared;

/// Entries that are looked at in long lists at most for one way of writing, some tens of
/// nanoseconds each. Once they are spent only short lists are walked, and others if nobody has been
/// found.
const TOUCHED: usize = 100_000;

/// Entries that are read together.
const TOGETHER: usize = 64;

/// A list that is short enough to be walked whatever it brings.
const SHORT: usize = 256;

/// What a longer list has to be able to bring, at least and in per cent of the best that has been
/// found: who has nothing but frequent words of what is asked for is no candidate, and even less
/// beside one that has it all.
const WORTH: u16 = 500;
const WORTH_BESIDE: u16 = 75;

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
        let question = self.question(words);
        let mut left = TOUCHED;
        let mut rest = &question.asked[..];
        while let Some((word, others)) = rest.split_first() {
            let besides = others.iter().map(Asked::at_best);
            let besides = besides.fold(Reach::default(), Reach::and);
            for met in &word.met_by {
                let bound = word.reach(met).and(besides).score(question.whole);
                if bound < best.least() {
                    continue;
                }
                let list = self.lists.get(met.word);
                if list.len() > SHORT {
                    let is_worth = bound >= worth(best.first()) && list.len() <= left;
                    if !is_worth && !best.is_empty() {
                        continue;
                    }
                    left = left.saturating_sub(list.len());
                }
                self.walk(list, &question, best);
            }
            rest = others;
        }
    }

    fn walk(&self, list: List<'_>, question: &Question, best: &mut Best) {
        for entries in list.together(TOGETHER) {
            // All are read first, so that memory is waited for once and not for each.
            hint::black_box(self.entries.read(entries));
            for entry in entries {
                self.offer(*entry, question, best);
            }
        }
    }

    fn offer(&self, entry: Entry, question: &Question, best: &mut Best) {
        let words = self.entries.words(entry);
        let bound = bound(words, question).score(question.whole);
        if bound < best.least() {
            return;
        }
        let account = self.entries.account(entry);
        if account != NOBODY && best.admits(account, bound) {
            best.offer(account, self.score(words, question));
        }
    }

    /// What an entry of these words scores. Each meets one word that is asked for: the one that it
    /// is, or else the one to which it adds most; `Waldorf` is not `Caldorf` beside it.
    fn score(&self, words: &[Word], question: &Question) -> u16 {
        let mut most = [0; ASKED];
        let mut reach = Reach::default();
        for is_exact in [true, false] {
            for word in words {
                let meetings = || question.meetings(*word);
                if meetings().any(|meeting| meeting.is_exact) != is_exact {
                    continue;
                }
                let meetings = meetings().filter(|meeting| meeting.is_exact == is_exact);
                let gain = |meeting: &&Meeting| {
                    let most = most.get(meeting.at).copied().unwrap_or(0);
                    meeting.reach.met.saturating_sub(most)
                };
                if let Some(meeting) = meetings.max_by_key(gain)
                    && let Some(most) = most.get_mut(meeting.at)
                {
                    reach.met += meeting.reach.met.saturating_sub(*most);
                    *most = meeting.reach.met.max(*most);
                }
            }
        }
        reach.own = words
            .iter()
            .map(|word| self.weight(self.count(*word)))
            .sum();
        reach.score(question.whole)
    }
}

/// What a long list has to be able to bring beside the best.
pub(super) fn worth(best: u16) -> u16 {
    WORTH.max(best / 100 * WORTH_BESIDE)
}

/// What an entry of these words reaches at best: each meets whatever it can, and one that meets
/// nothing says least.
fn bound(words: &[Word], question: &Question) -> Reach {
    let mut most = [0; ASKED];
    let mut reach = Reach::default();
    for word in words {
        let mut own = LEAST_WEIGHT;
        for meeting in question.meetings(*word) {
            own = meeting.reach.own;
            if let Some(most) = most.get_mut(meeting.at) {
                reach.met += meeting.reach.met.saturating_sub(*most);
                *most = meeting.reach.met.max(*most);
            }
        }
        reach.own += own;
    }
    reach
}
