use super::*;
use crate::{Domain, Identifier, Profile};

fn keys(profile: Profile) -> Vec<String> {
    exact_keys(&Prepared::new(profile))
}

#[test]
fn an_account_has_a_key_for_everything_that_identifies_it() {
    let profile = Profile {
        id: "a".to_owned(),
        legal_name: "Müller Maschinenbau GmbH".to_owned(),
        aliases: vec!["MM".to_owned(), "Mueller Maschinenbau".to_owned()],
        country: Some("DE".to_owned()),
        identifiers: vec![
            Identifier::reg_no("HRB 1234", "DE").expect("a number"),
            Identifier::vat("DE129274202", None).expect("a number"),
            Identifier::duns("804735132").expect("a number"),
            Identifier::lei("HWUPKR0MPOU8FGXBT394").expect("a number"),
            Identifier::crm_id("17", "crm").expect("an id"),
        ],
        domains: vec![
            Domain::own("mueller.example"),
            Domain::shared("group.example"),
        ],
        ..Profile::default()
    };
    assert_eq!(
        keys(profile),
        [
            "lei:HWUPKR0MPOU8FGXBT394",
            "duns:804735132",
            "vat:DE129274202",
            "reg:DE:HRB1234",
            "domain:mueller.example",
            "domain:group.example",
            "name:muller maschinenbau",
            "name:mueller maschinenbau",
            "name:mm",
        ]
    );
}

#[test]
fn long_names_have_short_keys_that_differ() {
    let long = |end: &str| Profile {
        legal_name: format!("{} {end}", "große ".repeat(60)),
        ..Profile::default()
    };
    let (one, other) = (keys(long("eins")), keys(long("zwei")));
    assert_ne!(one, other);
    for key in one.iter().chain(&other) {
        assert!(key.len() <= LONGEST_KEY, "{key}");
    }
    let unspaced = Profile {
        legal_name: "漢".repeat(200),
        ..Profile::default()
    };
    assert!(keys(unspaced).iter().all(|key| key.len() <= LONGEST_KEY));
}

#[test]
fn many_aliases_make_few_keys() {
    let aliases = (0..100).map(|at| format!("brand {at}")).collect();
    let found = keys(Profile {
        legal_name: "Acme".to_owned(),
        aliases,
        ..Profile::default()
    });
    assert_eq!(found.len(), 1 + MOST_ALIAS_KEYS);
}

#[test]
fn nothing_has_no_keys() {
    assert_eq!(keys(Profile::default()), [""; 0]);
}
