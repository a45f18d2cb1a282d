mod reference;

use proptest::prelude::*;

use super::*;
use crate::Profile;

fn prepared(name: &str) -> Prepared {
    Prepared::new(Profile {
        legal_name: name.to_owned(),
        ..Profile::default()
    })
}

fn index(names: &[&str]) -> Index {
    let profiles: Vec<Prepared> = names.iter().map(|name| prepared(name)).collect();
    Index::build((0..).zip(&profiles))
}

fn first(index: &Index, name: &str) -> Option<u32> {
    index
        .search(&prepared(name), 5)
        .first()
        .map(|(account, _)| *account)
}

const NAMES: &[&str] = &[
    "Contoso Systems GmbH",
    "Zenith Foods Inc",
    "Müller Maschinenbau GmbH",
    "Bayerische Motoren Werke AG",
    "Goodwill Industries",
    "华为技术有限公司",
    "ООО Газпром",
    "Acme Systems",
    "Pricewaterhouse Coopers LLP",
];

#[test]
fn a_name_is_found_as_others_write_it() {
    let index = index(NAMES);
    for (asked, expected) in [
        ("CONTOSO SYSTEMS", 0),
        ("Conttoso Systems", 0),
        ("Contoos Sytems", 0),
        ("Contoso", 0),
        ("Systems Contoso Ltd", 0),
        ("Zenith Foods of Lima", 1),
        ("Mueller Maschinenbau", 2),
        ("Muller Maschinenbau", 2),
        ("Mueler Maschinenbau", 2),
        ("BMW", 3),
        ("Good Will Industries", 4),
        ("华为", 5),
        ("Gazprom", 6),
        ("PricewaterhouseCoopers", 8),
    ] {
        assert_eq!(first(&index, asked), Some(expected), "{asked}");
    }
    assert_eq!(first(&index, "Nobody Here"), None);
    assert_eq!(first(&index, ""), None);
}

#[test]
fn aliases_lead_to_their_account_once() {
    let profile = Prepared::new(Profile {
        legal_name: "Acme Foods Ltd".to_owned(),
        aliases: vec!["Zenith Foods".to_owned(), "Acme".to_owned()],
        ..Profile::default()
    });
    let index = Index::build([(7, &profile)]);
    for asked in ["Acme", "Zenith", "Foods", "Acme Foods"] {
        let found: Vec<u32> = index
            .search(&prepared(asked), 5)
            .iter()
            .map(|(account, _)| *account)
            .collect();
        assert_eq!(found, [7], "{asked}");
    }
}

#[test]
fn what_is_removed_is_not_found_and_what_is_exchanged_is_new() {
    let mut index = index(NAMES);
    assert!(index.remove(0));
    assert!(!index.remove(0));
    assert_eq!(first(&index, "Contoso"), None);
    index.insert(1, &prepared("Apex Foods"));
    assert_eq!(first(&index, "Zenith"), None);
    assert_eq!(first(&index, "Apex"), Some(1));
    assert_eq!(
        first(&index, "Appex Foods"),
        Some(1),
        "new words have near ones too"
    );
}

#[test]
fn equal_scores_are_in_the_order_of_accounts() {
    let index = index(&["Acme"; 9]);
    let found = index.search(&prepared("Acme"), 4);
    assert_eq!(found, [(0, 1000), (1, 1000), (2, 1000), (3, 1000)]);
}

#[test]
fn frequent_words_are_found_together() {
    let mut names: Vec<String> = (0..3_000).map(|at| format!("Global Firm{at}")).collect();
    names.extend((0..3_000).map(|at| format!("Services Firm{at}")));
    names.push("Global Services".to_owned());
    let profiles: Vec<Prepared> = names.iter().map(|name| prepared(name)).collect();
    let index = Index::build((0..).zip(&profiles));
    assert_eq!(first(&index, "Global Services Ltd"), Some(6_000));
    assert_eq!(first(&index, "Globl Services"), Some(6_000));
    assert_eq!(first(&index, "Global Firm77 Services"), Some(77));
}

#[test]
fn it_lays_itself_flat_and_stays_the_same() {
    let names: Vec<String> = (0..9_000)
        .map(|at| format!("Firm{at} Group{}", at % 10))
        .collect();
    let profiles: Vec<Prepared> = names.iter().map(|name| prepared(name)).collect();
    let built = Index::build((0..).zip(&profiles));
    let mut grown = Index::default();
    for (account, profile) in (0..).zip(&profiles) {
        grown.insert(account, profile);
    }
    for account in (0..9_000).filter(|account| account % 3 == 0) {
        grown.remove(account);
    }
    assert_eq!(grown.len(), 6_000);
    for (account, profile) in (0..).zip(&profiles).filter(|(account, _)| account % 3 == 0) {
        grown.insert(account, profile);
    }
    for asked in ["Firm77 Group7", "Firm8999", "Frim4242 Group2", "Group3"] {
        assert_eq!(
            grown.search(&prepared(asked), 9),
            built.search(&prepared(asked), 9),
            "{asked}"
        );
    }
}

#[test]
fn what_comes_and_goes_leaves_nothing() {
    const LIVING: u32 = 500;
    let name = |account: u32| prepared(&format!("Firm{account} of {}", letters(account)));
    let mut index = Index::default();
    let mut most = 0;
    for account in 0..20_000 {
        index.insert(account, &name(account));
        if let Some(old) = account.checked_sub(LIVING) {
            index.remove(old);
        }
        if account < 10_000 {
            most = most.max(index.bytes());
        } else {
            assert!(
                index.bytes() <= most * 5 / 4,
                "{account}: {}, {most}",
                index.bytes()
            );
        }
    }
    assert_eq!(index.len(), LIVING as usize);
    assert!(index.words.len() < 10_000, "{}", index.words.len());
    assert_eq!(first(&index, "Firm19999"), Some(19_999));
    assert_eq!(first(&index, "Firm100"), None);
    let near = index.search(&prepared(&letters(19_999).replacen('b', "c", 1)), 1);
    assert!(!near.is_empty(), "words that came late have near ones");
}

/// A word of ten letters for a number.
fn letters(number: u32) -> String {
    let letters = (0..16).map(|bit| if number >> bit & 1 == 0 { 'a' } else { 'b' });
    letters.collect()
}

/// The words that are left of a query are found although none of the others has them all.
#[test]
fn a_word_too_many_hides_nobody() {
    let mut names: Vec<String> = (0..600).map(|at| format!("Contoso Firm{at}")).collect();
    names.extend((0..600).map(|at| format!("Media Firm{at}")));
    names.extend((0..600).map(|at| format!("Logistics Firm{at}")));
    names.push("Contoso Zenith Acme Media Logistics".to_owned());
    names.push("Contoso Media".to_owned());
    let profiles: Vec<Prepared> = names.iter().map(|name| prepared(name)).collect();
    let index = Index::build((0..).zip(&profiles));
    assert_eq!(first(&index, "Contoso Media Logistics"), Some(1_801));
}

proptest! {
    /// However an index came to hold what it holds, it answers the same.
    #[test]
    fn the_way_it_was_filled_does_not_matter(
        names in prop::collection::vec("([abc]{2,5} ?){1,3}", 1..12),
        again in prop::collection::vec(0_usize..12, 0..12),
        asked in "([abc]{2,5} ?){1,3}",
    ) {
        let profiles: Vec<Prepared> = names.iter().map(|name| prepared(name)).collect();
        let built = Index::build((0..).zip(&profiles));
        let mut grown = Index::default();
        for (account, profile) in (0..names.len()).zip(&profiles).rev() {
            let account = number(account);
            grown.insert(account, profile);
        }
        for at in again {
            if let Some(profile) = profiles.get(at) {
                grown.insert(number(at), profile);
            }
        }
        let asked = prepared(&asked);
        prop_assert_eq!(grown.search(&asked, 5), built.search(&asked, 5));
    }

    /// Whatever is in it is found by its own name, first or beside its equals.
    #[test]
    fn a_name_finds_itself(names in prop::collection::vec("([abc]{2,5} ?){1,3}", 1..12)) {
        let profiles: Vec<Prepared> = names.iter().map(|name| prepared(name)).collect();
        let index = Index::build((0..).zip(&profiles));
        for (account, profile) in (0..).zip(&profiles) {
            let found = index.search(profile, names.len());
            prop_assert!(found.iter().any(|(known, score)| *known == account && *score == 1000));
        }
    }
}
