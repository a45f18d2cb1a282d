//! Words of the index that a slip or two make of one that is asked for.

use std::cmp::Reverse;

use super::{Index, spellings::has_spellings, words::Word};

/// Near words of one word at most, the nearest and most frequent first.
const NEAR: usize = 16;

/// Letters from which a word may have two slips.
const LONG: usize = 9;

impl Index {
    /// The words that are near, with how many slips away, the nearest and most frequent first.
    pub(super) fn near(&self, text: &str) -> Vec<(usize, Word)> {
        if !has_spellings(text) {
            return Vec::new();
        }
        let most = if text.chars().count() < LONG { 1 } else { 2 };
        let near = self.spellings.near(text).into_iter().filter_map(|word| {
            let slips = slips(text, self.words.text(word), most)?;
            let count = self.count(word);
            (slips > 0 && count > 0).then_some((slips, Reverse(count), word))
        });
        let mut near: Vec<(usize, Reverse<usize>, Word)> = near.collect();
        near.sort_by_key(|(slips, count, word)| (*slips, *count, self.words.text(*word)));
        near.truncate(NEAR);
        let near = near.into_iter();
        near.map(|(slips, _, word)| (slips, word)).collect()
    }
}

/// How many slips make one word the other, if no more than `most`. It gives up early, since nearly
/// all words are further apart.
fn slips(one: &str, other: &str, most: usize) -> Option<usize> {
    let (mut one, mut other) = (one.chars(), other.chars());
    loop {
        let (from_one, from_other) = (one.as_str(), other.as_str());
        let (first, second) = match (one.next(), other.next()) {
            (None, None) => return Some(0),
            (Some(first), Some(second)) if first == second => continue,
            (Some(first), Some(second)) => (first, second),
            (None, Some(_)) | (Some(_), None) => {
                let more = 1 + one.count() + other.count();
                return Some(more).filter(|slips| *slips <= most);
            }
        };
        let fewer = most.checked_sub(1)?;
        let (behind_one, behind_other) = (one.as_str(), other.as_str());
        let is_exchanged = one.next() == Some(second) && other.next() == Some(first);
        // The letter is another, one more, one less, or exchanged with its neighbour.
        let rests = [
            Some((behind_one, behind_other)),
            Some((behind_one, from_other)),
            Some((from_one, behind_other)),
            is_exchanged.then_some((one.as_str(), other.as_str())),
        ];
        let rests = rests.into_iter().flatten();
        let least = rests
            .filter_map(|(one, other)| slips(one, other, fewer))
            .min();
        return least.map(|slips| slips + 1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strsim::osa_distance;

    use super::*;

    proptest! {
        /// The short way comes to what the long way does.
        #[test]
        fn slips_are_counted_as_always(
            one in "[abä]{0,9}",
            other in "[abä]{0,9}",
            most in 1_usize..3,
        ) {
            let long = Some(osa_distance(&one, &other)).filter(|slips| *slips <= most);
            prop_assert_eq!(slips(&one, &other, most), long);
        }
    }
}
