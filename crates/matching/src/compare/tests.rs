use proptest::prelude::*;

use super::*;
use crate::{Address, Domain, Identifier, Profile, exact_keys, name::tests::any_name};

fn account(id: &str, name: &str, country: &str) -> Profile {
    Profile {
        id: id.to_owned(),
        legal_name: name.to_owned(),
        country: Some(country.to_owned()).filter(|country| !country.is_empty()),
        ..Profile::default()
    }
}

fn found(one: &Profile, other: &Profile) -> Match {
    compare(&Prepared::new(one.clone()), &Prepared::new(other.clone()))
}

fn level(one: &Profile, other: &Profile) -> (Level, Rule) {
    let found = found(one, other);
    (found.level, found.rule)
}

const LEIS: [&str; 3] = [
    "HWUPKR0MPOU8FGXBT394",
    "5493001KJTIIGC8Y1R12",
    "7LTWFZYICNSX8D621K86",
];

fn lei(at: usize) -> Identifier {
    Identifier::lei(LEIS[at]).expect("an LEI")
}

fn duns(given: &str) -> Identifier {
    Identifier::duns(given).expect("a number")
}

#[test]
fn free_mail_and_a_shared_trade_are_nothing() {
    let domains = |given: &str| -> Vec<Domain> {
        crate::domain::registrable_domains(&[given])
            .into_iter()
            .map(Domain::own)
            .collect()
    };
    let one = Profile {
        domains: domains("joe@gmail.com"),
        ..account("1", "Blue Harbor Dental", "US")
    };
    let other = Profile {
        domains: domains("ann@gmail.com"),
        ..account("2", "Ridge Dental", "US")
    };
    assert_eq!(level(&one, &other), (Level::Distinct, Rule::Nothing));
    // The same with a domain that is somebody's own goes to a person.
    let one = Profile {
        domains: domains("joe@ridge.example"),
        ..one
    };
    let other = Profile {
        domains: domains("ann@ridge.example"),
        ..other
    };
    assert_eq!(level(&one, &other), (Level::Same, Rule::DomainAndName));
}

#[test]
fn two_shops_of_one_platform_are_two() {
    let shop = |id: &str, name: &str, host: &str| Profile {
        domains: crate::domain::registrable_domains(&[host])
            .into_iter()
            .map(Domain::own)
            .collect(),
        ..account(id, name, "US")
    };
    let acme = shop("1", "Acme", "acme.myshopify.com");
    assert_eq!(
        level(&acme, &shop("2", "Zen", "zen.myshopify.com")),
        (Level::Distinct, Rule::Nothing)
    );
    assert_eq!(
        level(&acme, &shop("2", "Acme Ltd", "www.acme.myshopify.com")),
        (Level::Same, Rule::DomainAndName)
    );
}

#[test]
fn one_company_in_two_spellings_is_the_same() {
    let one = account("1", "Müller Maschinenbau GmbH", "DE");
    let other = account(
        "2",
        "Mueller Maschinenbau Gesellschaft mit beschränkter Haftung",
        "DE",
    );
    assert_eq!(level(&one, &other), (Level::Same, Rule::NameAndCountry));
    let other = account("2", "Mueller Maschinenbau AG", "DE");
    assert_eq!(
        level(&one, &other),
        (Level::Probable, Rule::Name),
        "another class"
    );
    let other = account("2", "Mueller Maschinenbau", "DE");
    assert_eq!(
        level(&one, &other),
        (Level::Same, Rule::NameAndCountry),
        "no class"
    );
}

#[test]
fn one_name_in_two_countries_is_for_a_person() {
    let one = account("1", "Thomson Corp", "CA");
    assert_eq!(
        level(&one, &account("2", "Thomson S.A.", "FR")),
        (Level::Probable, Rule::Name)
    );
    assert_eq!(
        level(&one, &account("2", "Thomson Corp", "")),
        (Level::Probable, Rule::Name)
    );
    assert_eq!(
        level(&one, &account("2", "Thomson Corp", "CA")),
        (Level::Same, Rule::NameAndCountry)
    );
}

#[test]
fn companies_of_one_group_are_related() {
    let parent = Profile {
        identifiers: vec![lei(0)],
        ..account("1", "Contoso Holding plc", "GB")
    };
    let child = Profile {
        identifiers: vec![lei(1)],
        parent: Some("1".to_owned()),
        ultimate_parent: Some("1".to_owned()),
        ..account("2", "Contoso Retail Ltd", "GB")
    };
    assert_eq!(level(&parent, &child), (Level::Related, Rule::SameGroup));
    // A domain of the group, and a name that starts alike, make no one company of two.
    let domains = vec![Domain::own("contoso.example")];
    let parent = Profile {
        domains: domains.clone(),
        ..parent
    };
    let child = Profile {
        domains: domains.clone(),
        ..child
    };
    assert_eq!(level(&parent, &child), (Level::Related, Rule::SameGroup));
    let sister = Profile {
        domains,
        ultimate_parent: Some("1".to_owned()),
        ..account("3", "Contoso Wholesale Ltd", "GB")
    };
    assert_eq!(level(&child, &sister), (Level::Related, Rule::SameGroup));
    // Another partner's account of the sister is the sister.
    let again = Profile {
        id: "4".to_owned(),
        ..sister.clone()
    };
    assert_eq!(level(&sister, &again), (Level::Same, Rule::DomainAndName));
    // Whoever says that one belongs to the other says that they are two.
    let namesake = Profile {
        parent: Some("1".to_owned()),
        identifiers: Vec::new(),
        ..account("5", "Contoso Holding plc", "GB")
    };
    assert_eq!(
        level(&parent, &namesake),
        (Level::Related, Rule::GroupMember)
    );
    let number = Profile {
        identifiers: vec![lei(0)],
        ..namesake
    };
    assert_eq!(
        level(&parent, &number),
        (Level::Probable, Rule::Contradicted)
    );
}

#[test]
fn one_number_of_a_register_is_identical_unless_another_differs() {
    let with = |id: &str, name: &str, identifiers: Vec<Identifier>| Profile {
        identifiers,
        ..account(id, name, "GB")
    };
    let one = with("1", "Acme", vec![lei(0)]);
    assert_eq!(
        level(&one, &with("2", "Zenith", vec![lei(0)])),
        (Level::Identical, Rule::Identifier)
    );
    // One more of a kind that the other lacks contradicts nothing.
    assert_eq!(
        level(&one, &with("2", "Zenith", vec![lei(0), lei(1)])),
        (Level::Identical, Rule::Identifier)
    );
    // Each has one that the other lacks.
    let both = with("1", "Acme", vec![lei(0), lei(2)]);
    assert_eq!(
        level(&both, &with("2", "Zenith", vec![lei(0), lei(1)])),
        (Level::Probable, Rule::Contradicted)
    );
    // Of another kind.
    let one = with("1", "Acme", vec![lei(0), duns("804735132")]);
    assert_eq!(
        level(&one, &with("2", "Acme", vec![lei(0), duns("804735133")])),
        (Level::Probable, Rule::Contradicted)
    );
    // Numbers of different countries say nothing to each other.
    let vat = |given: &str| Identifier::vat(given, None).expect("a number");
    let one = with("1", "Acme", vec![lei(0), vat("DE129274202")]);
    assert_eq!(
        level(&one, &with("2", "Acme", vec![lei(0), vat("FR40303265045")])),
        (Level::Identical, Rule::Identifier)
    );
}

#[test]
fn a_contradiction_caps_whatever_agrees() {
    let one = Profile {
        domains: vec![Domain::own("acme.example")],
        identifiers: vec![lei(0)],
        ..account("1", "Acme Ltd", "GB")
    };
    let other = Profile {
        id: "2".to_owned(),
        ..one.clone()
    };
    assert_eq!(level(&one, &other), (Level::Identical, Rule::Identifier));
    let other = Profile {
        identifiers: Vec::new(),
        ..other
    };
    assert_eq!(
        level(&one, &other),
        (Level::Same, Rule::DomainAndName),
        "the control"
    );
    let other = Profile {
        identifiers: vec![lei(1)],
        ..other
    };
    let capped = found(&one, &other);
    assert_eq!(
        (capped.level, capped.rule),
        (Level::Probable, Rule::Contradicted)
    );
    let against: Vec<_> = capped
        .evidence
        .iter()
        .filter(|piece| piece.argues == Argues::Against)
        .collect();
    assert_eq!(against.len(), 1, "{against:?}");
    assert_eq!(
        against[0].to_string(),
        format!("LEI {:?} differs from {:?}", LEIS[0], LEIS[1])
    );
}

#[test]
fn a_domain_in_doubt_is_for_a_person() {
    let with = |id: &str, name: &str, domain: Domain| Profile {
        domains: vec![domain],
        ..account(id, name, "US")
    };
    let own = || Domain::own("acme.example");
    let shared = || Domain::shared("acme.example");
    for (one, other, expected) in [
        (
            with("1", "Acme", own()),
            with("2", "Acme Foods", own()),
            (Level::Same, Rule::DomainAndName),
        ),
        (
            with("1", "Acme", own()),
            with("2", "", own()),
            (Level::Same, Rule::DomainAndName),
        ),
        (
            with("1", "Conttoso", own()),
            with("2", "Contoso", own()),
            (Level::Same, Rule::DomainAndName),
        ),
        (
            with("1", "Acme", own()),
            with("2", "Zenith", own()),
            (Level::Probable, Rule::Domain),
        ),
        (
            with("1", "トヨタ", own()),
            with("2", "Toyota", own()),
            (Level::Probable, Rule::Transliteration),
        ),
        (
            with("1", "Acme", shared()),
            with("2", "Acme Foods", own()),
            (Level::Probable, Rule::Domain),
        ),
        (
            with("1", "Acme", shared()),
            with("2", "Zenith", shared()),
            (Level::Distinct, Rule::Nothing),
        ),
    ] {
        assert_eq!(
            level(&one, &other),
            expected,
            "{} | {}",
            one.legal_name,
            other.legal_name
        );
    }
}

#[test]
fn further_names_and_initials_are_for_a_person() {
    let brand = Profile {
        aliases: vec!["Zenith".to_owned()],
        ..account("1", "Acme Ltd", "GB")
    };
    assert_eq!(
        level(&brand, &account("2", "Zenith Ltd", "GB")),
        (Level::Probable, Rule::Alias)
    );
    let other = Profile {
        aliases: vec!["ZENITH".to_owned()],
        ..account("2", "Apex", "GB")
    };
    assert_eq!(level(&brand, &other), (Level::Probable, Rule::Alias));
    assert_eq!(
        level(
            &account("1", "BMW AG", "DE"),
            &account("2", "Bayerische Motoren Werke AG", "DE")
        ),
        (Level::Probable, Rule::Acronym)
    );
    assert_eq!(
        level(
            &account("1", "Газпром", "RU"),
            &account("2", "Gazprom", "RU")
        ),
        (Level::Probable, Rule::Transliteration)
    );
}

#[test]
fn a_place_sustains_or_weakens_a_name() {
    let at = |id: &str, name: &str, street: &str, city: &str, phone: &str| Profile {
        address: Address {
            street: Some(street.to_owned()),
            city: Some(city.to_owned()),
            postal_code: None,
        },
        phone: Some(phone.to_owned()),
        ..account(id, name, "US")
    };
    let one = at("1", "Contoso Bistro", "12 Main St", "Lima", "310-555-0100");
    for (other, expected) in [
        (
            at("2", "Contoso", "12 Main St", "Lima", "310-555-0100"),
            (Level::Probable, Rule::PhoneAndName),
        ),
        (
            at("2", "Contoso", "12 Main St", "Lima", "310-555-0199"),
            (Level::Probable, Rule::AddressAndName),
        ),
        (
            at("2", "Contoso Bar", "12 Main St", "Lima", "310-555-0100"),
            (Level::Distinct, Rule::Nothing),
        ),
        (
            at("2", "Zenith", "12 Main St", "Lima", "310-555-0100"),
            (Level::Distinct, Rule::Nothing),
        ),
        (
            at("2", "Contoso Bistro", "9 Oak St", "Lima", "310-555-0199"),
            (Level::Same, Rule::NameAndCountry),
        ),
        // Another town and another number: a sign over another door, unless it is a company's.
        (
            at("2", "Contoso Bistro", "9 Oak St", "Oslo", "212-555-0199"),
            (Level::Distinct, Rule::Nothing),
        ),
        (
            at(
                "2",
                "Contoso Bistro Inc",
                "9 Oak St",
                "Oslo",
                "212-555-0199",
            ),
            (Level::Probable, Rule::Name),
        ),
        (
            at("2", "Conttoso Bistro", "9 Oak St", "Oslo", "212-555-0199"),
            (Level::Distinct, Rule::Nothing),
        ),
    ] {
        assert_eq!(level(&one, &other), expected, "{other:?}");
    }
}

#[test]
fn an_id_of_one_system_is_for_a_person() {
    let with = |id: &str, name: &str, system: &str| Profile {
        identifiers: vec![Identifier::crm_id("1001", system).expect("an id")],
        ..account(id, name, "GB")
    };
    let one = with("1", "Acme", "crm");
    assert_eq!(
        level(&one, &with("2", "Zenith", "crm")),
        (Level::Probable, Rule::CrmId)
    );
    assert_eq!(
        level(&one, &with("2", "Zenith", "erp")),
        (Level::Distinct, Rule::Nothing)
    );
}

#[test]
fn an_account_is_itself() {
    let one = account("1", "Acme", "GB");
    assert_eq!(
        level(&one, &account("1", "Zenith", "FR")),
        (Level::Identical, Rule::SameAccount)
    );
    let nobody = Profile::default();
    assert_eq!(
        level(&nobody, &nobody),
        (Level::Distinct, Rule::Nothing),
        "no id is no account"
    );
}

#[test]
fn scores_are_in_the_order_of_levels() {
    let rules = Rules::default();
    assert_eq!(rules.version, crate::RULES_VERSION);
    let (least, most) = rules.probable;
    let order = [
        rules.apart,
        least,
        most,
        rules.same_by_name,
        rules.same_by_domain,
        rules.identical,
    ];
    assert!(order.is_sorted_by(|one, other| one < other), "{order:?}");
    assert_eq!(
        rules.similar, least,
        "whatever is near is at least looked at"
    );
}

/// Profiles from few values, so that many have something in common.
fn any_profile() -> impl Strategy<Value = Profile> {
    let pick = |from: &[&str]| {
        prop::sample::select(
            from.iter()
                .map(|value| (*value).to_owned())
                .collect::<Vec<_>>(),
        )
    };
    let name = prop_oneof![
        4 => pick(&["Müller GmbH", "Mueller", "Muller AG", "Acme Inc", "ACME LLC", "Acmee Inc", "Газпром",
            "Gazprom", "华为", "Bayerische Motoren Werke", "BMW", "", "The Acme", "Acme Group"]),
        1 => any_name(),
    ];
    let numbers = prop::collection::vec(
        prop_oneof![
            (0_usize..3).prop_map(lei),
            pick(&["804735132", "804735133"]).prop_map(|given| duns(&given)),
            pick(&["DE", "FR"])
                .prop_map(|country| { Identifier::reg_no("12345", &country).expect("a number") }),
            pick(&["1", "2"]).prop_map(|id| Identifier::crm_id(&id, "crm").expect("an id")),
        ],
        0..3,
    );
    let domain = (
        pick(&["acme.example", "mueller.example"]),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(name, shared)| Domain { name, shared });
    let groups = prop::option::weighted(0.3, pick(&["1", "2", "9"]));
    let place = (
        prop::option::of(pick(&["12 Main St", "9 Oak St"])),
        prop::option::of(pick(&["Lima", "Oslo"])),
        prop::option::of(pick(&["310-555-0100", "212-555-0199"])),
    );
    (
        pick(&["1", "2", "3"]),
        name,
        prop::collection::vec(pick(&["Acme", "Zenith"]), 0..2),
        prop::option::of(pick(&["DE", "FR"])),
        numbers,
        prop::collection::vec(domain, 0..2),
        (groups.clone(), groups),
        place,
    )
        .prop_map(
            |(id, legal_name, aliases, country, identifiers, domains, groups, place)| {
                let (parent, ultimate_parent) = groups;
                let (street, city, phone) = place;
                let address = Address {
                    street,
                    city,
                    postal_code: None,
                };
                Profile {
                    id,
                    legal_name,
                    aliases,
                    country,
                    identifiers,
                    domains,
                    address,
                    phone,
                    parent,
                    ultimate_parent,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whichever_comes_first_it_is_the_same(one in any_profile(), other in any_profile()) {
        let (there, back) = (found(&one, &other), found(&other, &one));
        prop_assert_eq!(
            (there.level, there.score, there.rule),
            (back.level, back.score, back.rule)
        );
        prop_assert_eq!(there.evidence.len(), back.evidence.len());
    }

    /// Whoever is treated as one without asking meets under an exact key.
    #[test]
    fn the_same_meet_under_an_exact_key(one in any_profile(), mut other in any_profile()) {
        if one.id == other.id {
            other.id.push('x');
        }
        let (one, other) = (Prepared::new(one), Prepared::new(other));
        if compare(&one, &other).level.is_automatic() {
            let keys = exact_keys(&one);
            prop_assert!(exact_keys(&other).iter().any(|key| keys.contains(key)));
        }
    }

    /// Numbers that contradict each other never make two accounts more alike.
    #[test]
    fn a_contradiction_never_raises(one in any_profile(), mut other in any_profile()) {
        if one.id == other.id {
            other.id.push('x');
        }
        let before = found(&one, &other).level;
        let (mut one, mut other) = (one, other);
        one.identifiers.push(Identifier::reg_no("777", "GB").expect("a number"));
        other.identifiers.push(Identifier::reg_no("778", "GB").expect("a number"));
        let after = found(&one, &other).level;
        prop_assert!(after <= before);
        prop_assert!(!after.is_automatic());
    }

    /// The score lies where its level's scores lie.
    #[test]
    fn a_score_says_the_level(one in any_profile(), other in any_profile()) {
        let found = found(&one, &other);
        let expected = match found.score {
            1000.. => Level::Identical,
            950.. => Level::Same,
            900.. => Level::Probable,
            _ => Level::Distinct,
        };
        prop_assert_eq!(found.level.max(Level::Related), expected.max(Level::Related));
    }
}
