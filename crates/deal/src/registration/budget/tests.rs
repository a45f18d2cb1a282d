use proptest::prelude::*;
use trellis_core::AccountId;

use super::*;

fn customer(account: &str, domains: &[&str]) -> Customer {
    let account = AccountId::try_new(account).unwrap();
    let keys = domains.iter().map(|domain| format!("domain:{domain}"));
    Customer::known_by(account, keys.collect())
}

/// What each of some customers costs a partner that names them one after the other.
fn costs(customers: &[Customer]) -> Vec<i64> {
    let mut known = HashSet::new();
    let cost_of = |customer: &Customer| {
        let costs = cost(customer, &known);
        known.extend(customer.keys.iter().cloned());
        costs
    };
    customers.iter().map(cost_of).collect()
}

const HOUR: i64 = 3_600_000_000;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_micros(hours * HOUR)
}

const BUDGET: Budget = Budget {
    daily: 2,
    monthly: 3,
};

#[test]
fn an_account_costs_once_whatever_is_registered_with_it() {
    let initech = customer("initech", &["initech.example"]);
    assert_eq!(
        costs(&[initech.clone(), initech.clone(), initech]),
        [1, 0, 0]
    );
    let bare = customer("globex", &[]);
    assert_eq!(costs(&[bare.clone(), bare]), [1, 0]);
}

#[test]
fn a_second_account_for_the_same_customer_doubles_its_cost() {
    let first = customer("initech", &["initech.example"]);
    let second = customer("initech-2", &["initech.example"]);
    let third = customer("initech-3", &["initech.example", "initrode.example"]);
    assert_eq!(
        costs(&[first.clone(), second.clone(), second, first, third]),
        [1, 1, 0, 0, 2]
    );
}

#[test]
fn domains_that_an_account_gets_later_are_paid_for() {
    let states = [
        customer("a", &["one.example"]),
        customer("a", &["two.example"]),
        customer("a", &["one.example"]),
        customer("a", &["one.example", "three.example"]),
        customer("a", &[]),
    ];
    assert_eq!(costs(&states), [1, 1, 0, 1, 0]);
}

#[test]
fn many_domains_are_many_questions() {
    let names: Vec<String> = (0..50).map(|index| format!("d{index}.example")).collect();
    let domains: Vec<&str> = names.iter().map(String::as_str).collect();
    for (count, expected) in [(1, 1), (5, 1), (6, 2), (50, 10)] {
        assert_eq!(costs(&[customer("a", &domains[..count])]), [expected]);
    }
}

#[test]
fn names_are_questions_beside_the_domains_and_not_on_top_of_them() {
    let named = |account: &str, domains: &[&str], names: &[&str]| {
        let mut named = customer(account, domains);
        let names = names.iter().map(|name| format!("{}{name}", identity::NAME));
        named.keys.extend(names);
        named
    };
    let first = named("a", &["one.example"], &["acme"]);
    let renamed = named("a", &["one.example"], &["globex"]);
    let spelled = named("b", &["two.example"], &["acme"]);
    assert_eq!(
        costs(&[first.clone(), first, renamed, spelled]),
        [1, 0, 1, 2]
    );
    let names = ["a", "b", "c", "d", "e", "f"];
    assert_eq!(costs(&[named("a", &[], &names)]), [2]);
}

#[test]
fn there_is_room_until_a_window_is_full_and_again_when_something_falls_out_of_it() {
    let first = [(at(0), 1)];
    let spent = spend(BUDGET, &first, 1, at(1)).unwrap();
    assert_eq!((spent.daily, spent.monthly, spent.used_up), (2, 2, true));
    let both = [(at(0), 1), (at(1), 1)];
    let full = spend(BUDGET, &both, 1, at(2)).unwrap_err();
    assert_eq!((full.window, full.limit, full.spent), (DAY, 2, 2));
    assert_eq!(full.retry_time, at(24));
    assert!(spend(BUDGET, &both, 1, at(23)).is_err());
    let spent = spend(BUDGET, &both, 1, at(24)).unwrap();
    assert_eq!((spent.daily, spent.monthly, spent.used_up), (2, 3, true));
    let all = [(at(0), 1), (at(1), 1), (at(24), 1)];
    let full = spend(BUDGET, &all, 1, at(48)).unwrap_err();
    assert_eq!((full.window, full.retry_time), (MONTH, at(30 * 24)));
}

#[test]
fn what_costs_nothing_is_never_refused_and_uses_nothing_up() {
    let full = [(at(0), 2), (at(1), 1)];
    let spent = spend(BUDGET, &full, 0, at(1)).unwrap();
    assert_eq!((spent.daily, spent.monthly, spent.used_up), (3, 3, false));
}

#[test]
fn no_budget_refuses_nothing() {
    let none = Budget {
        daily: 0,
        monthly: 0,
    };
    assert!(none.is_none());
    let spent = spend(none, &[(at(0), 1_000)], 1_000, at(1)).unwrap();
    assert!(!spent.used_up);
}

#[test]
fn what_costs_more_than_all_there_is_can_be_handed_in_when_nothing_else_was() {
    assert!(spend(BUDGET, &[], 10, at(0)).unwrap().used_up);
    let full = spend(BUDGET, &[(at(0), 1)], 10, at(1)).unwrap_err();
    assert_eq!(full.retry_time, at(30 * 24));
}

proptest! {
    /// Whoever hands in whatever and comes back when told to is never refused then, and never told
    /// to come later than they could; and no window ever holds more than its limit.
    #[test]
    fn nobody_overspends_or_waits_too_long(
        tries in prop::collection::vec((0..40_i64, 0..4_i64), 1..80),
        daily in 0..8_i64,
        monthly in 0..20_i64,
    ) {
        let budget = Budget { daily, monthly };
        let mut before: Vec<(Timestamp, i64)> = Vec::new();
        let mut hour = 0;
        for (wait, cost) in tries {
            hour += wait;
            let now = at(hour);
            match spend(budget, &before, cost, now) {
                Ok(_) => before.push((now, cost)),
                Err(refused) => {
                    prop_assert!(refused.retry_time > now);
                    prop_assert!(spend(budget, &before, cost, refused.retry_time).is_ok());
                    let early = Timestamp::from_micros(refused.retry_time.micros() - 1);
                    prop_assert!(spend(budget, &before, cost, early).is_err());
                }
            }
            for (window, limit) in [(DAY, daily), (MONTH, monthly)] {
                let costs = before.iter().filter(|(time, _)| *time > now.saturating_sub(window));
                let held: i64 = costs.clone().map(|(_, cost)| (*cost).min(limit.max(1))).sum();
                prop_assert!(limit == 0 || held <= limit, "{held} of {limit}");
            }
        }
    }
}
