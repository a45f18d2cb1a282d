//! The search beside one that looks at everything, and scores in the plainest way.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;
use crate::index::{
    asked::{Met, Question},
    records::NOBODY,
};

/// What an entry of these words scores: each meets one word that is asked for, which it is, if it
/// is one; the others, in their order, what they add most to.
fn score(index: &Index, words: &[Word], question: &Question) -> u16 {
    let mut met = vec![0; question.asked.len()];
    let meets = |word: Word, at: usize| {
        let asked = question.asked.get(at)?;
        let by = asked.met_by.iter().filter(|met| met.word == word);
        by.map(|met| asked.reach(met).met).max()
    };
    let is_exact = |word: Word| {
        let met_by = question.asked.iter().flat_map(|asked| &asked.met_by);
        let mut met_by = met_by.filter(|met| met.word == word);
        met_by.any(Met::is_exact)
    };
    let (exact, others): (Vec<Word>, Vec<Word>) = words.iter().partition(|word| is_exact(**word));
    for word in exact.iter().chain(&others) {
        let mut most = None;
        for at in 0..met.len() {
            let asked = &question.asked[at].met_by;
            let is_it = |met: &Met| met.word == *word && met.is_exact();
            if exact.contains(word) && !asked.iter().any(is_it) {
                continue;
            }
            let gain = meets(*word, at).map_or(0, |reach| reach.saturating_sub(met[at]));
            if most.is_none_or(|(most, _)| gain >= most) {
                most = Some((gain, at));
            }
        }
        if let Some((gain, at)) = most {
            met[at] += gain;
        }
    }
    let own: u32 = words
        .iter()
        .map(|word| index.weight(index.count(*word)))
        .sum();
    let met: u32 = met.iter().sum();
    u16::try_from((2 * met / (question.whole + own)).min(1000)).expect("at most 1000")
}

/// All accounts that score anything, the best first.
fn all(index: &Index, asked: &Prepared) -> Vec<(u32, u16)> {
    let mut scores: BTreeMap<u32, u16> = BTreeMap::new();
    for words in entries(asked) {
        let question = index.question(&words);
        for entry in index.entries.iter() {
            let best = scores.entry(index.entries.account(entry)).or_default();
            *best = score(index, index.entries.words(entry), &question).max(*best);
        }
    }
    scores.remove(&NOBODY);
    let mut scores: Vec<(u32, u16)> = scores.into_iter().filter(|(_, score)| *score > 0).collect();
    scores.sort_by_key(|(account, score)| (std::cmp::Reverse(*score), *account));
    scores
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// While lists are short, it finds what a look at everything finds. Words of few letters are
    /// near to one another, so that one meets several, and rare ones are near to frequent ones.
    #[test]
    fn short_lists_hide_nothing(
        names in prop::collection::vec("([ab]{4,6} ){1,4}", 1..40),
        gone in prop::collection::vec(0_u32..40, 0..4),
        asked in "([ab]{4,6} ){1,4}",
        count in 1_usize..6,
    ) {
        let profiles: Vec<Prepared> = names.iter().map(|name| prepared(name)).collect();
        let mut index = Index::build((0..).zip(&profiles));
        for account in gone {
            index.remove(account);
        }
        let asked = prepared(&asked);
        let mut expected = all(&index, &asked);
        expected.truncate(count);
        prop_assert_eq!(index.search(&asked, count), expected);
    }
}

/// Of long lists it may leave out who is worth little, and nobody else.
#[test]
fn long_lists_hide_nobody_of_worth() {
    const FOUND: usize = 5;
    let mut random = StdRng::seed_from_u64(1);
    let mut word = |most: usize| {
        // The first are in many names and the last in a few.
        let at = random.random_range(0..most) * random.random_range(0..most) / most;
        letters(u32::try_from(at).expect("small"))
            .trim_end_matches('a')
            .replace("bb", "kor")
            .replace("aa", "lim")
            + "tan"
    };
    let names: Vec<String> = (0..3_000)
        .map(|at| format!("{} {} {}", word(40), word(900), word(1 + at % 7)))
        .collect();
    let profiles: Vec<Prepared> = names.iter().map(|name| prepared(name)).collect();
    let index = Index::build((0..).zip(&profiles));
    let longest = (0..number(index.words.len())).map(|word| index.lists.get(word).len());
    assert!(longest.max() > Some(500), "no list is long");
    let (mut found, mut left_out) = (0, 0);
    for at in 0..90 {
        let asked = match at % 3 {
            0 => names[at * 31].clone(),
            1 => names[at * 31].replacen('o', "u", 1),
            _ => format!("{} {} {}", word(40), word(900), word(900)),
        };
        let asked = prepared(&asked);
        let mut expected = all(&index, &asked);
        expected.truncate(FOUND);
        let mut those = index.search(&asked, FOUND);
        left_out += usize::from(those != expected);
        let best = expected.first().map_or(0, |(_, score)| *score);
        let worth = search::worth(best);
        expected.retain(|(_, score)| *score >= worth);
        those.retain(|(_, score)| *score >= worth);
        found += those.len();
        assert_eq!(those, expected, "{:?}", asked.profile().legal_name);
    }
    assert!(found > 90, "{found} are of worth");
    assert!(left_out > 0, "nothing is left out, so this tells nothing");
}

/// `Waldorf` is not `Caldorf` too.
#[test]
fn a_word_meets_one_that_is_asked_for() {
    let index = index(&[
        "Waldorf",
        "Caldorf Waldorf",
        "Tanman Talman",
        "Aldorf Baldorf",
    ]);
    let found = index.search(&prepared("Caldorf Waldorf"), 5);
    assert_eq!(found.first(), Some(&(1, 1000)), "{found:?}");
    let waldorf = found.iter().find(|(account, _)| *account == 0);
    assert!(waldorf.is_some_and(|(_, score)| *score < 700), "{found:?}");
    // What is near to both is the one that no other is.
    let found = index.search(&prepared("Talman Tarman"), 5);
    assert_eq!(found.first().map(|(account, _)| *account), Some(2));
    assert!(
        found.first().is_some_and(|(_, score)| *score > 700),
        "{found:?}"
    );
}

/// A word that few have may only lower what a name reaches that lacks it: the best of sixteen that
/// are near `Abcdefgh` says far more than it adds.
#[test]
fn a_word_that_would_lower_a_name_is_not_held_against_it() {
    let mut names = vec!["Zenith Beta".to_owned(), "Gamma Beta".to_owned()];
    names.extend(('i'..='x').map(|last| format!("Abcdefg{last}")));
    names.extend((0..20).map(|at| format!("Firm{at}")));
    let profiles: Vec<Prepared> = names.iter().map(|name| prepared(name)).collect();
    let index = Index::build((0..).zip(&profiles));
    let asked = prepared("Gamma Zenith Beta Abcdefgh");
    let mut expected = all(&index, &asked);
    expected.truncate(1);
    assert_eq!(index.search(&asked, 1), expected);
}

/// Two words that many have are worth a walk although a rare one has led to somebody.
#[test]
fn frequent_words_are_found_beside_a_rare_one() {
    let mut names: Vec<String> = (0..300).map(|at| format!("Contoso Firm{at}")).collect();
    names.extend((0..300).map(|at| format!("Media Firm{at}")));
    names.extend((0..7_000).map(|at| format!("Firm{at}")));
    names.extend(["Zenith Labs".to_owned(), "Contoso Media".to_owned()]);
    let profiles: Vec<Prepared> = names.iter().map(|name| prepared(name)).collect();
    let index = Index::build((0..).zip(&profiles));
    assert_eq!(first(&index, "Zenith Contoso Media"), Some(7_601));
}
