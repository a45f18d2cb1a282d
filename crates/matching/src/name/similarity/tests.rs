use proptest::prelude::*;

use super::*;
use crate::name::tests::any_name;

fn name(given: &str) -> Name {
    Name::new(given).expect("a name")
}

fn rules() -> Rules {
    Rules::default()
}

fn nearness(one: &str, other: &str) -> Nearness {
    of(&rules(), &name(one), &name(other)).nearness
}

#[test]
fn what_brings_names_together_is_told() {
    use Nearness::*;
    for (one, other, expected) in [
        ("Müller GmbH", "Mueller GmbH", Equal),
        ("Good Will", "Goodwill", Spacing),
        ("AcmeAG", "Acme AG", Spacing),
        ("Bank of Sweden", "Sweden Bank", Order),
        ("Conttoso Systems", "Contoso Systems", Spelling),
        ("Centre Foods", "Center Foods", Spelling),
        (
            "Acme Aktiengesellschafft",
            "Acme Aktiengesellschaft",
            Spelling,
        ),
        ("Contoso", "Contoso Group", GenericWords),
        ("Contoso Holding plc", "Contoso Ltd", GenericWords),
        ("Contoso Fund III", "Contoso Fund IV", Series),
        ("Contoso Trust 2007-A1", "Contoso Trust 2007-A2", Series),
        ("BMW AG", "Bayerische Motoren Werke AG", Acronym),
        ("ООО Газпром", "Gazprom", Transliteration),
        ("First Bank", "1st Bank", Order),
    ] {
        assert_eq!(nearness(one, other), expected, "{one} | {other}");
    }
}

#[test]
fn another_word_is_another_company() {
    for (one, other) in [
        ("Blue Harbor Dental", "Ridge Dental"),
        ("Bank of Lima", "Bank of Oslo"),
        ("Northern Gas Company", "Northern Oil Company"),
        ("Contoso of Dallas", "Contoso of Austin"),
        ("Contoso", "Contoso Retail"),
        ("Contoso Solutions", "Contoso Global Solutions"),
        ("Contoso Solutions", "Contoso Solutions II"),
        ("ABC", "ABD"),
        ("Ford", "Fort"),
        ("一二三四五", "一二三四六七"),
        // They sound alike and are two, in one script.
        ("华为", "化为"),
    ] {
        let found = of(&rules(), &name(one), &name(other));
        assert!(found.score < 900, "{one} | {other}: {found:?}");
    }
}

#[test]
fn function_words_are_no_words_in_common() {
    assert!(!share_a_word(&name("Bank of Oslo"), &name("House of Lima")));
    assert!(share_a_word(&name("Bank of Oslo"), &name("Bank of Lima")));
    assert!(share_a_word(&name("Müller Bau"), &name("Mueller")));
}

#[test]
fn one_name_may_be_the_other_and_more() {
    let town = ["lima".to_owned()];
    for (one, other, expected) in [
        ("Arts Delicatessen", "Arts Deli", true),
        ("Contoso", "Contoso Bistro", true),
        ("Contoso Bistro", "Contoso (Lima)", true),
        ("Contoso Bistro", "Contoso Bar", false),
        ("Contoso", "Lima", false),
    ] {
        assert_eq!(
            contains(&rules(), &name(one), &name(other), &town),
            expected,
            "{one} | {other}"
        );
    }
}

proptest! {
    #[test]
    fn whichever_comes_first_it_is_the_same(one in any_name(), other in any_name()) {
        if let (Some(one), Some(other)) = (Name::new(&one), Name::new(&other)) {
            prop_assert_eq!(of(&rules(), &one, &other), of(&rules(), &other, &one));
            prop_assert_eq!(share_a_word(&one, &other), share_a_word(&other, &one));
            prop_assert_eq!(contains(&rules(), &one, &other, &[]), contains(&rules(), &other, &one, &[]));
        }
    }

    /// Words from a small alphabet, so that many are near.
    #[test]
    fn near_words_are_the_same_both_ways(one in "([ab]{4,6} ?){1,4}", other in "([ab]{4,6} ?){1,4}") {
        let (one, other) = (name(&one), name(&other));
        prop_assert_eq!(of(&rules(), &one, &other), of(&rules(), &other, &one));
    }

    #[test]
    fn a_name_is_equal_to_itself(given in any_name()) {
        if let Some(name) = Name::new(&given) {
            prop_assert_eq!(of(&rules(), &name, &name).score, 1000);
        }
    }
}
