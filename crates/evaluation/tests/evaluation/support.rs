//! Fields, records and random conditions that the tests of conditions share, and how often money is
//! tried.

use rand::Rng;
use rand::rngs::StdRng;
use trellis_evaluation::predicate::{Record, Schema, Type};

/// How many cases of money `make endurance` tries.
pub(crate) fn money_cases() -> usize {
    let told = std::env::vars().find(|(name, _)| name == "TRELLIS_TESTS_MONEY_CASES");
    told.map_or(1_000_000, |(_, cases)| cases.parse().unwrap())
}

pub(crate) const TIERS: [&str; 3] = ["silver", "gold", "platinum"];

pub(crate) fn schema() -> Schema {
    Schema::new()
        .with("partner.tier", Type::one_of(&TIERS), "the partner's tier")
        .with("partner.country", Type::Text, "the partner's country")
        .with("partner.badges", Type::Texts, "the partner's badges")
        .with(
            "partner.months",
            Type::Int,
            "the months since the partner joined",
        )
        .with(
            "partner.active",
            Type::Bool,
            "whether the partner is active",
        )
        .with("deal.won_on", Type::Date, "the day of the deal")
        .with("deal.amount", Type::Int, "the amount of the deal")
}

pub(crate) fn any_of<'a>(rng: &mut StdRng, from: &[&'a str]) -> &'a str {
    from[rng.random_range(0..from.len())]
}

const COUNTRIES: [&str; 4] = ["DE", "FR", "", "D\u{e9}"];
const BADGES: [&str; 3] = ["iso", "soc2", "pci"];
const DAYS: [&str; 3] = ["2026-05-04", "2026-05-05", "2025-12-31"];

pub(crate) fn record(rng: &mut StdRng) -> Record {
    let badges: Vec<_> = BADGES
        .into_iter()
        .filter(|_| rng.random())
        .map(Into::into)
        .collect();
    let mut record = Record::new()
        .with("partner.tier", any_of(rng, &TIERS))
        .with("partner.country", any_of(rng, &COUNTRIES))
        .with("partner.months", rng.random_range(-2..4_i64))
        .with("partner.active", rng.random::<bool>())
        .with("deal.won_on", any_of(rng, &DAYS))
        .with("deal.amount", rng.random_range(-2..4_i64));
    record.set(
        "partner.badges",
        trellis_evaluation::predicate::Value::List(badges),
    );
    record
}

/// A condition of the subset that asks no more than may be asked.
pub(crate) fn condition(rng: &mut StdRng, depth: usize) -> String {
    match rng.random_range(0..if depth == 0 { 6 } else { 10 }) {
        6 => format!("({})", condition(rng, depth - 1)),
        7 => format!(
            "{}({})",
            "!".repeat(rng.random_range(1..4)),
            condition(rng, depth - 1)
        ),
        8 => joined(rng, " && ", depth),
        9 => joined(rng, " || ", depth),
        _ => atom(rng),
    }
}

fn joined(rng: &mut StdRng, with: &str, depth: usize) -> String {
    // Without parentheses, so that precedence decides.
    let parts: Vec<String> = (0..rng.random_range(2..4))
        .map(|_| condition(rng, depth.saturating_sub(1)))
        .collect();
    parts.join(with)
}

fn atom(rng: &mut StdRng) -> String {
    let order = any_of(rng, &["==", "!=", "<", "<=", ">", ">="]);
    let equal = any_of(rng, &["==", "!="]);
    let number = rng.random_range(-2..4);
    let number_field = any_of(rng, &["partner.months", "deal.amount"]);
    let country = any_of(rng, &COUNTRIES);
    let tier = any_of(rng, &TIERS);
    let badge = any_of(rng, &BADGES);
    let day = any_of(rng, &DAYS);
    match rng.random_range(0..16) {
        0 => "true".to_owned(),
        1 => "!false".to_owned(),
        2 => "partner.active".to_owned(),
        3 => format!("partner.active {equal} {}", rng.random::<bool>()),
        4 => format!("{number_field} {order} {number}"),
        5 => format!("{number} {order} {number_field}"),
        6 => format!("partner.months {order} deal.amount"),
        7 => format!("partner.tier {equal} '{tier}'"),
        8 => format!("partner.tier in [\"{tier}\", 'gold']"),
        9 => format!("partner.country {order} '{country}'"),
        10 => format!("deal.won_on {order} \"{day}\""),
        11 => format!("'{badge}' in partner.badges"),
        12 => format!("size(partner.badges) {order} {number}"),
        13 => {
            let how = any_of(rng, &["startsWith", "endsWith", "contains"]);
            format!("partner.country.{how}(r'{country}')")
        }
        14 => format!("{number_field} in [{number}, 1]"),
        _ => format!("partner.country.size() {order} {number}"),
    }
}
