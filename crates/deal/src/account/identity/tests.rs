use trellis_core::Timestamp;

use super::*;
use crate::account::sample::{account, at, number, with};

const LEI: &str = "HWUPKR0MPOU8FGXBT394";
const OTHER_LEI: &str = "529900T8BM49AURSDO55";

fn lei(value: &str) -> identity::Identifier {
    number(IdentifierType::Lei, value, "")
}

#[test]
fn an_account_is_found_by_its_numbers_its_domains_its_names_and_its_group() {
    let acme = with(
        at(account("acme", "Acme GmbH"), &["www.acme.de"]),
        &[lei(LEI)],
    );
    let expected = [
        "domain:acme.de",
        "group:acme",
        "lei:HWUPKR0MPOU8FGXBT394",
        "name:acme",
    ];
    assert_eq!(keys(&acme), expected);
    let child = Model {
        ultimate_parent: Some(AccountId::try_new("top").unwrap()),
        ..acme.clone()
    };
    assert!(keys(&child).contains(&"group:top".to_owned()));
    let merged = Model {
        state: State::Merged,
        ..acme
    };
    assert_eq!(keys(&merged), Vec::<String>::new());
}

#[test]
fn a_domain_of_different_customers_tells_none_of_them() {
    let shared = |accounts: &[Model]| {
        let accounts = accounts.iter().map(|one| Prepared::new(compared(one)));
        Shared::of(&accounts.collect::<Vec<_>>()).0.len()
    };
    let acme = || at(account("a", "Acme Ltd"), &["acme.com"]);
    let shop = at(account("b", "Acme Shop"), &["acme.com"]);
    let zen = at(account("c", "Zen"), &["acme.com"]);
    assert_eq!(shared(&[acme(), shop.clone()]), 0, "a word in common");
    assert_eq!(shared(&[acme(), shop.clone(), zen]), 1, "no word in common");
    let one = with(acme(), &[lei(LEI)]);
    assert_eq!(
        shared(&[one.clone(), with(shop.clone(), &[lei(OTHER_LEI)])]),
        1
    );
    assert_eq!(shared(&[one.clone(), with(shop.clone(), &[lei(LEI)])]), 0);
    assert_eq!(shared(&[one, shop]), 0, "nobody contradicts");
}

#[test]
fn what_is_wrong_with_a_number_is_told_at_its_field() {
    let told = |given: identity::Identifier| wrong(&given).map(|(field, rule, _)| (field, rule));
    assert_eq!(told(lei(LEI)), None);
    assert_eq!(
        told(lei("HWUPKR0MPOU8FGXBT395")),
        Some(("value", "check_digits"))
    );
    assert_eq!(told(lei("HWUPKR0MPOU8FGXBT39")), Some(("value", "length")));
    let scoped = number(IdentifierType::Lei, LEI, "DE");
    assert_eq!(told(scoped), Some(("region_code", "exclusive")));
    let duns = |value| number(IdentifierType::Duns, value, "");
    assert_eq!(told(duns("15-048-3782")), None);
    assert_eq!(told(duns("1504837")), Some(("value", "length")));
    let register = |region| number(IdentifierType::RegistrationNumber, "HRB 86891", region);
    assert_eq!(told(register("DE")), None);
    assert_eq!(told(register("")), Some(("region_code", "required")));
    let vat = |value, region| number(IdentifierType::Vat, value, region);
    assert_eq!(told(vat("DE 129273398", "")), None);
    assert_eq!(told(vat("129273398", "DE")), None);
    assert_eq!(
        told(vat("DE 129273399", "")),
        Some(("value", "check_digits"))
    );
    assert_eq!(
        told(vat("129273398", "")),
        Some(("region_code", "required"))
    );
}

#[test]
fn a_number_that_stays_keeps_when_it_was_looked_up() {
    let now = Timestamp::from_micros(7);
    let verified = identity::Identifier {
        verify_time: Some(now),
        ..lei(LEI)
    };
    let before = Identifiers(vec![verified]);
    let mut after = Identifiers(vec![lei("hwup-kr0m-pou8-fgxb-t394"), lei(OTHER_LEI)]);
    keep_verified(&before, &mut after);
    let times: Vec<_> = after.0.iter().map(|one| one.verify_time).collect();
    assert_eq!(times, [Some(now), None]);
}

#[test]
fn what_was_handed_in_before_names_were_keys_has_not_changed() {
    let set = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
    let now = ["account:a", "domain:acme.com", "name:acme"].map(str::to_owned);
    assert!(!changed(&set(&[]), &now));
    assert!(!changed(&set(&["account:a", "domain:acme.com"]), &now));
    assert!(!changed(
        &set(&["account:a", "domain:acme.com", "name:acme"]),
        &now
    ));
    assert!(changed(&set(&["account:a", "domain:acme.de"]), &now));
    assert!(changed(
        &set(&["account:a", "domain:acme.com", "name:globex"]),
        &now
    ));
}
