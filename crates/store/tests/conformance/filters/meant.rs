//! Filters as they are meant, as a caller writes them, and what they are true of.

use std::collections::BTreeMap;

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use trellis_api::Field;

/// Texts that wildcards, quotes, case and alphabets make hard.
const TEXTS: [&str; 16] = [
    "a", "A", "ab", "aB", "b%", "%", "_", "a_b", "\\", "'", "\"", "CAFÉ", "straße", "*", "null",
    "AND",
];

/// 2027-01-15T08:00:00Z.
pub(crate) const BEGIN: i64 = 1_800_000_000_000_000;

/// What a row holds in a field; nothing where it is not set.
pub(crate) type Row = BTreeMap<&'static str, Held>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Held {
    Text(String),
    Number(i64),
}

/// A filter as it is meant.
#[derive(Clone, Debug)]
pub(crate) enum Meant {
    All(Vec<Meant>),
    Any(Vec<Meant>),
    Not(Box<Meant>),
    Test(Test),
}

#[derive(Clone, Debug)]
pub(crate) struct Test {
    field: &'static str,
    sign: &'static str,
    /// Nothing: whether the field is set.
    wanted: Option<Held>,
    written: String,
}

impl Meant {
    /// As a caller writes it, with no more parentheses than it needs.
    pub(crate) fn written(&self, dice: &mut StdRng) -> String {
        match self {
            Self::All(parts) => {
                let and = if dice.random() { " AND " } else { "  " };
                let parts: Vec<_> = parts.iter().map(|part| part.written(dice)).collect();
                parts.join(and)
            }
            Self::Any(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| part.alone(dice)).collect();
                parts.join(" OR ")
            }
            Self::Not(part) => {
                let not = if dice.random() { "NOT " } else { "-" };
                format!("{not}{}", part.alone(dice))
            }
            Self::Test(test) => {
                let Test {
                    field,
                    sign,
                    written,
                    ..
                } = test;
                if dice.random() {
                    format!("{field} {sign} {written}")
                } else {
                    format!("{field}{sign}{written}")
                }
            }
        }
    }

    fn alone(&self, dice: &mut StdRng) -> String {
        let written = self.written(dice);
        match self {
            Self::Test(_) => written,
            _ => format!("({written})"),
        }
    }

    /// Whether it is true of a row. To `careless` eyes the opposite of a comparison with what is not
    /// set is as false as the comparison, as it is in SQL.
    pub(crate) fn holds(&self, row: &Row, careless: bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(row, careless)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(row, careless)),
            Self::Not(part) => match part.as_ref() {
                Self::Test(Test {
                    field,
                    wanted: Some(_),
                    ..
                }) if careless && !row.contains_key(field) => false,
                part => !part.holds(row, careless),
            },
            Self::Test(test) => test.holds(row.get(test.field)),
        }
    }
}

impl Test {
    fn holds(&self, held: Option<&Held>) -> bool {
        let Some(wanted) = &self.wanted else {
            return held.is_some() == (self.sign != "=");
        };
        let Some(held) = held else {
            return self.sign == "!=";
        };
        match (self.sign, held, wanted) {
            (":", Held::Text(held), Held::Text(wanted)) => {
                let (held, wanted) = (held.to_ascii_lowercase(), wanted.to_ascii_lowercase());
                held.contains(&wanted)
            }
            (":" | "=", ..) => held == wanted,
            ("!=", ..) => held != wanted,
            ("<", ..) => held < wanted,
            ("<=", ..) => held <= wanted,
            (">", ..) => held > wanted,
            (">=", ..) => held >= wanted,
            (sign, ..) => panic!("{sign}"),
        }
    }
}

pub(crate) fn any_of<T: Clone>(dice: &mut StdRng, of: &[T]) -> T {
    of.choose(dice).expect("some").clone()
}

pub(crate) fn text(dice: &mut StdRng) -> String {
    let parts = dice.random_range(1..3);
    (0..parts).map(|_| any_of(dice, &TEXTS)).collect()
}

fn quoted(dice: &mut StdRng, text: &str) -> String {
    let quote = if dice.random() { '"' } else { '\'' };
    let escaped = text
        .replace('\\', r"\\")
        .replace(quote, &format!("\\{quote}"));
    format!("{quote}{escaped}{quote}")
}

fn test(dice: &mut StdRng, fields: &[Field]) -> Test {
    const EQUAL: [&str; 3] = ["=", "!=", ":"];
    const ORDERED: [&str; 7] = ["=", "!=", ":", "<", "<=", ">", ">="];
    let field = any_of(dice, fields).name();
    if dice.random_ratio(1, 8) {
        let (sign, written) = any_of(dice, &[(":", "*"), ("=", "null"), ("!=", "null")]);
        return Test {
            field,
            sign,
            wanted: None,
            written: written.into(),
        };
    }
    let (sign, wanted, written) = match field {
        "employee_count" => {
            let number = dice.random_range(-1..6);
            (
                any_of(dice, &ORDERED),
                Held::Number(number),
                number.to_string(),
            )
        }
        "create_time" => {
            let second = dice.random_range(0..10);
            let written = format!("\"2027-01-15T08:00:{second:02}Z\"");
            (
                any_of(dice, &ORDERED),
                Held::Number(BEGIN + second * 1_000_000),
                written,
            )
        }
        "parent_account" => {
            let id = format!("a-{}", dice.random_range(0..9));
            let written = format!("ecosystems/acme/accounts/{id}");
            (any_of(dice, &EQUAL), Held::Text(id), written)
        }
        "state" => {
            let name = any_of(dice, &["PROSPECT", "ACTIVE", "SUSPENDED"]);
            let written = any_of(dice, &[name.to_owned(), format!("STATE_{name}")]);
            (any_of(dice, &EQUAL), Held::Text(name.into()), written)
        }
        "partner_type" => {
            let name = any_of(dice, &["RESELLER", "SUPPLIER"]);
            (any_of(dice, &EQUAL), Held::Text(name.into()), name.into())
        }
        _ => {
            let text = text(dice);
            let written = quoted(dice, &text);
            (any_of(dice, &ORDERED), Held::Text(text), written)
        }
    };
    Test {
        field,
        sign,
        wanted: Some(wanted),
        written,
    }
}

pub(crate) fn meant(dice: &mut StdRng, fields: &[Field], depth: u32) -> Meant {
    if depth == 0 || dice.random_ratio(1, 3) {
        return Meant::Test(test(dice, fields));
    }
    let parts = |dice: &mut StdRng, least: usize| {
        let parts = dice.random_range(least..4);
        (0..parts)
            .map(|_| meant(dice, fields, depth - 1))
            .collect::<Vec<_>>()
    };
    match dice.random_range(0..3) {
        // Of one kind inside of the same kind the parentheses would be needed, and mean nothing.
        0 => Meant::All(parts(dice, 2).into_iter().map(grouped).collect()),
        1 => Meant::Any(parts(dice, 2)),
        _ => Meant::Not(Box::new(meant(dice, fields, depth - 1))),
    }
}

/// What stands beside others that must all hold is not such a group itself.
fn grouped(part: Meant) -> Meant {
    match part {
        Meant::All(parts) => Meant::Any(parts),
        part => part,
    }
}
