use trellis_store::deal::account::Model;
use trellis_store::deal::identity::{Identifier, IdentifierType};

use super::*;
use crate::account::sample::{account, at, id, number, with};

/// What some accounts are to the first of them.
fn customer(accounts: &[Model]) -> Customer {
    let all: Vec<Keyed> = accounts.iter().map(keyed).collect();
    of(all[0].clone(), &all)
}

fn keyed(account: &Model) -> Keyed {
    Keyed {
        account: account.clone(),
        keys: identity::keys(account),
    }
}

fn ids(found: &[(AccountId, Match)]) -> Vec<&str> {
    found.iter().map(|(id, _)| id.as_str()).collect()
}

fn in_country(account: Model, code: &str) -> Model {
    Model {
        region_code: Some(code.to_owned()),
        ..account
    }
}

fn below(account: Model, top: &str) -> Model {
    Model {
        parent_account: Some(id(top)),
        ultimate_parent: Some(id(top)),
        ..account
    }
}

fn lei(value: &str) -> Identifier {
    number(IdentifierType::Lei, value, "")
}

#[test]
fn one_customer_is_who_compares_as_one_and_not_who_shares_a_key() {
    let acme = in_country(account("a", "Müller Maschinenbau GmbH"), "DE");
    let spelled = in_country(account("b", "MUELLER MASCHINENBAU G.m.b.H."), "DE");
    let abroad = in_country(account("c", "Müller Maschinenbau GmbH"), "FR");
    let other = in_country(account("d", "Zen"), "DE");
    let found = customer(&[acme, spelled, abroad, other]);
    assert_eq!(ids(&found.same), ["b"]);
    assert_eq!(ids(&found.probable), ["c"]);
    assert_eq!(ids(&found.related), Vec::<&str>::new());
    assert_eq!(found.accounts(), [id("a"), id("b")]);
    assert_eq!(found.snapshot().same, [id("b")]);
}

#[test]
fn a_domain_under_a_name_of_no_meaning_meets_a_person() {
    let acme = at(account("a", "Acme Ltd"), &["acme.com"]);
    let shop = at(account("b", "Acme Shop"), &["acme.com"]);
    let first = customer(&[acme.clone(), shop.clone()]);
    assert_eq!(
        ids(&first.same),
        ["b"],
        "one customer as long as nobody differs"
    );
    let zen = at(account("c", "Zen"), &["acme.com"]);
    let found = customer(&[zen, acme, shop]);
    assert_eq!(ids(&found.same), Vec::<&str>::new());
    assert_eq!(ids(&found.probable), ["a", "b"]);
    assert_eq!(
        found.named(),
        [id("c"), id("a"), id("b")],
        "canaries are met by domain"
    );
}

#[test]
fn others_of_the_group_are_related() {
    let top = account("top", "Contoso Holding plc");
    let one = below(account("a", "Contoso Retail Ltd"), "top");
    let other = below(account("b", "Contoso Foods Ltd"), "top");
    let found = customer(&[one.clone(), top, other]);
    assert_eq!(ids(&found.related), ["top", "b"]);
    assert_eq!(ids(&found.same), Vec::<&str>::new());
    assert!(
        !found.keys.iter().any(|key| key.starts_with("group:")),
        "{:?}",
        found.keys
    );
    let locked: Vec<String> = locks(&keyed(&one)).collect();
    assert!(locked.contains(&"group:top".to_owned()), "{locked:?}");
}

#[test]
fn a_customer_is_protected_by_what_no_other_customer_has() {
    let acme = with(
        at(account("a", "Acme"), &["acme.com", "acme.de"]),
        &[lei("HWUPKR0MPOU8FGXBT394")],
    );
    let alone = customer(std::slice::from_ref(&acme));
    let own = [
        "account:a",
        "domain:acme.com",
        "domain:acme.de",
        "lei:HWUPKR0MPOU8FGXBT394",
    ];
    assert_eq!(alone.exclusive(), own);
    let zen = at(account("b", "Zen"), &["acme.com"]);
    let found = customer(&[acme.clone(), zen]);
    let own = ["account:a", "domain:acme.de", "lei:HWUPKR0MPOU8FGXBT394"];
    assert_eq!(found.exclusive(), own);
    let same = at(account("c", "Acme Inc"), &["acme.com"]);
    assert_eq!(customer(&[acme, same]).exclusive(), alone.exclusive());
}

#[test]
fn what_was_merged_is_nobody() {
    let acme = at(account("a", "Acme Ltd"), &["acme.com"]);
    let merged = Model {
        state: State::Merged,
        ..at(account("b", "Acme Ltd"), &["acme.com"])
    };
    // Even with keys that somebody forgot.
    let keyed = |account: &Model| Keyed {
        account: account.clone(),
        keys: vec!["domain:acme.com".to_owned()],
    };
    let found = of(keyed(&acme), &[keyed(&acme), keyed(&merged)]);
    assert_eq!((found.same.len(), found.probable.len()), (0, 0));
}
