use proptest::prelude::*;
use trellis_core::{Comparison, PartnerId, ProgramId, TierId, Value};

use super::*;

const TABLE: &[Field] = &[
    Field::text("display_name").sortable(),
    Field::state("state", "STATE", &["ACTIVE", "SUSPENDED", "STATE_OF_FLUX"]),
    Field::time("create_time"),
    Field::date("close_date"),
    Field::integer("rank"),
    Field::boolean("sandbox"),
    Field::id::<PartnerId>("partner"),
    Field::child::<ProgramId, TierId>("tier", "program"),
];

fn read(text: &str) -> Result<Option<Filter>, Violation> {
    super::read(text, TABLE, Some(&EcosystemId::try_new("acme").unwrap()))
}

/// A filter as text that shows how it was understood.
fn understood(text: &str) -> String {
    fn show(filter: &Filter) -> String {
        let all = |parts: &[Filter]| parts.iter().map(show).collect::<Vec<_>>().join(" ");
        match filter {
            Filter::All(parts) => format!("all({})", all(parts)),
            Filter::Any(parts) => format!("any({})", all(parts)),
            Filter::Not(part) => format!("not({})", show(part)),
            Filter::Test {
                field,
                comparison,
                value,
            } => {
                let sign = match comparison {
                    Comparison::Equal => "=",
                    Comparison::NotEqual => "!=",
                    Comparison::Less => "<",
                    Comparison::LessOrEqual => "<=",
                    Comparison::Greater => ">",
                    Comparison::GreaterOrEqual => ">=",
                    Comparison::Has => ":",
                };
                let value = match value {
                    Value::Text(text) => format!("'{text}'"),
                    Value::Integer(number) => number.to_string(),
                    Value::Boolean(truth) => truth.to_string(),
                    Value::Absent => "none".to_owned(),
                };
                format!("{field}{sign}{value}")
            }
        }
    }
    show(
        &read(text)
            .unwrap_or_else(|violation| panic!("{text}: {violation:?}"))
            .unwrap(),
    )
}

#[test]
fn an_empty_filter_is_none() {
    assert_eq!(read(""), Ok(None));
    assert_eq!(read("  \n"), Ok(None));
}

#[test]
fn or_binds_tighter_than_and() {
    assert_eq!(
        understood("rank = 1 AND rank = 2 OR rank = 3"),
        "all(rank=1 any(rank=2 rank=3))"
    );
    assert_eq!(
        understood("rank = 1 OR rank = 2 rank = 3"),
        "all(any(rank=1 rank=2) rank=3)"
    );
    assert_eq!(
        understood("(rank = 1 AND rank = 2) OR rank = 3"),
        "any(all(rank=1 rank=2) rank=3)"
    );
}

#[test]
fn comparisons_side_by_side_must_all_hold() {
    assert_eq!(understood("rank=1 rank=2"), "all(rank=1 rank=2)");
    assert_eq!(understood("(rank=1)(rank=2)"), "all(rank=1 rank=2)");
}

#[test]
fn negations_are_resolved_down_to_the_tests() {
    assert_eq!(understood("NOT rank = 1"), "rank!=1");
    assert_eq!(understood("-rank != 1"), "rank=1");
    assert_eq!(understood("NOT rank < 1"), "any(rank>=1 rank=none)");
    assert_eq!(understood("NOT rank >= 1"), "any(rank<1 rank=none)");
    assert_eq!(
        understood("-display_name:x"),
        "any(not(display_name:'x') display_name=none)"
    );
    assert_eq!(
        understood("NOT (rank = 1 AND (rank = 2 OR NOT rank = 3))"),
        "any(rank!=1 all(rank!=2 rank=3))"
    );
    assert_eq!(understood("NOT(rank = 1)"), "rank!=1");
}

#[test]
fn values_are_read_by_the_type_of_their_field() {
    let cases = [
        ("display_name = Nimbus", "display_name='Nimbus'"),
        ("display_name >= 'a b'", "display_name>='a b'"),
        (
            r#"display_name = "say \"hi\" \\ 'ho'""#,
            r#"display_name='say "hi" \ 'ho''"#,
        ),
        ("display_name:nim", "display_name:'nim'"),
        ("state = ACTIVE", "state='ACTIVE'"),
        ("state = STATE_ACTIVE", "state='ACTIVE'"),
        ("state = STATE_OF_FLUX", "state='STATE_OF_FLUX'"),
        ("state = STATE_STATE_OF_FLUX", "state='STATE_OF_FLUX'"),
        ("state:\"SUSPENDED\"", "state='SUSPENDED'"),
        ("create_time > 1970-01-01T00:00:01Z", "create_time>1000000"),
        (
            "create_time <= \"1970-01-01T02:00:00+02:00\"",
            "create_time<=0",
        ),
        ("close_date < \"1970-01-03\"", "close_date<2"),
        ("rank = -5", "rank=-5"),
        ("sandbox = true", "sandbox=true"),
        ("sandbox != \"false\"", "sandbox!=false"),
        (
            "partner = \"ecosystems/acme/partners/nimbus\"",
            "partner='nimbus'",
        ),
        (
            "partner != ecosystems/acme/partners/nimbus",
            "partner!='nimbus'",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(understood(text), expected, "{text}");
    }
}

#[test]
fn a_resource_inside_of_another_is_found_by_both_ids() {
    let name = "\"ecosystems/acme/programs/gold/tiers/top\"";
    let (is, is_not) = ("program='gold' tier='top'", "program!='gold' tier!='top'");
    assert_eq!(understood(&format!("tier = {name}")), format!("all({is})"));
    assert_eq!(
        understood(&format!("tier != {name}")),
        format!("any({is_not})")
    );
    assert_eq!(
        understood(&format!("NOT tier = {name}")),
        format!("any({is_not})")
    );
    assert_eq!(
        understood(&format!("NOT tier != {name}")),
        format!("all({is})")
    );
}

#[test]
fn fields_can_be_set_or_not() {
    let cases = [
        ("close_date:*", "close_date!=none"),
        ("-close_date:*", "close_date=none"),
        ("close_date = null", "close_date=none"),
        ("close_date != null", "close_date!=none"),
        (
            "display_name = \"\"",
            "any(display_name=none display_name='')",
        ),
        ("display_name:*", "all(display_name!=none display_name!='')"),
        (
            "NOT display_name = ''",
            "all(display_name!=none display_name!='')",
        ),
        ("display_name = \"null\"", "display_name='null'"),
        ("display_name:\"*\"", "display_name:'*'"),
    ];
    for (text, expected) in cases {
        assert_eq!(understood(text), expected, "{text}");
    }
}

#[test]
fn what_the_grammar_does_not_know_is_refused_where_it_stands() {
    let cases = [
        ("rank", "expected one of = != < <= > >= : at its end (4)"),
        ("rank =", "expected a value at its end (6)"),
        ("rank = AND rank = 2", "expected a value"),
        ("= 5", "expected a comparison"),
        ("rank = 1 AND", "expected a comparison"),
        ("rank = 1 OR OR rank = 2", "expected a comparison"),
        ("(rank = 1", "expected `)` at its end (9)"),
        ("rank = 1)", "expected AND, OR or the end at 8, before `)`"),
        ("()", "expected a comparison"),
        ("NOT", "expected a comparison"),
        ("rank ~ 1", "expected one of"),
        ("display_name = \"open", "lacks its closing"),
        ("display_name = 'a\\n'", "only before a quote"),
        ("rank = 1 \"text\"", "expected a comparison"),
        (
            "rank = 1 AND NOT",
            "expected a comparison such as `display_name = \"Nimbus\"` at its end (16)",
        ),
        ("rank = OR", "expected a value at 7, before `OR`"),
        ("display_name = ä AND ()", "at 22, before `)`"),
        (
            "rank = 1 display_name = \"open",
            "at 24: a value lacks its closing \"",
        ),
        ("display_name = 'a\\n'", "at 17: write `\\` only"),
        (
            "display_name = 'ä\0'",
            "at 17: must not hold the character U+0000",
        ),
    ];
    for (text, expected) in cases {
        let violation = read(text).expect_err(text);
        assert_eq!(violation.rule, "filter.syntax", "{text}");
        assert!(
            violation.description.contains(expected),
            "{text}: {}",
            violation.description
        );
    }
}

#[test]
fn an_unknown_field_is_refused_with_the_known_ones() {
    let violation = read("colour = red").unwrap_err();
    assert_eq!(violation.rule, "filter.field");
    assert!(violation.description.ends_with(
        "fields: display_name, state, create_time, close_date, rank, sandbox, partner, tier"
    ));
    let cases = [
        (
            "rank = 1 displayname = x",
            "at 9: `displayname` cannot be filtered by",
        ),
        (
            "displayname = x",
            "partner, tier; did you mean `display_name`?",
        ),
        (
            "rank = 1 and rank = 2",
            "at 9: `and` cannot be filtered by; did you mean AND?",
        ),
        ("not rank = 1", "did you mean NOT?"),
        (
            "state = ACTVE",
            "at 8: `state` takes one of ACTIVE, SUSPENDED, STATE_OF_FLUX, not `ACTVE`; did you mean `ACTIVE`?",
        ),
        ("state = STATE_SUSPENDD", "did you mean `SUSPENDED`?"),
        ("rank = 1 OR rank = x", "at 19: `rank` takes a whole number"),
    ];
    for (text, expected) in cases {
        let description = read(text).expect_err(text).description;
        assert!(description.contains(expected), "{text}: {description}");
    }
    let long = format!("{} = 1", "x".repeat(1_000));
    assert!(read(&long).unwrap_err().description.len() < 300);
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    for text in [
        "state = GONE",
        "state > ACTIVE",
        "create_time = today",
        "create_time = 2026-07-31",
        "close_date = 2026-02-29",
        "rank = 1.5",
        "rank = 99999999999999999999",
        "rank < null",
        "sandbox = 1",
        "sandbox < true",
        "partner = nimbus",
        "partner = ecosystems/other/partners/nimbus",
        "partner = ecosystems/acme/deals/nimbus",
        "partner > ecosystems/acme/partners/nimbus",
        "tier = ecosystems/acme/tiers/top",
        "display_name < \"\"",
        "display_name = Nim*",
        "display_name:*bus",
    ] {
        assert_eq!(read(text).expect_err(text).rule, "filter.value", "{text}");
    }
}

#[test]
fn filters_are_bounded() {
    let refused = |text: &str, expected: &str| {
        let violation = read(text).unwrap_err();
        assert_eq!(violation.rule, "filter.limit");
        assert_eq!(violation.description, expected);
    };
    let long = |length: usize| format!("display_name = \"{}\"", "ä".repeat(length - 17));
    assert!(read(&long(LONGEST)).is_ok());
    refused(
        &long(LONGEST + 1),
        "must be at most 2048 characters long, and is 2049",
    );
    let deep = |depth| format!("{}rank=1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(read(&deep(DEEPEST)).is_ok());
    refused(
        &deep(DEEPEST + 1),
        "at 16: must not nest parentheses deeper than 16",
    );
    assert!(read(&vec!["rank=1"; MOST_TERMS].join(" ")).is_ok());
    refused(
        &vec!["rank=1"; MOST_TERMS + 1].join(" "),
        "at 448: must not have more than 64 comparisons",
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in ".*") {
        let _ = read(&text);
    }

    #[test]
    fn no_mixture_of_the_grammar_panics(parts in prop::collection::vec(prop::sample::select(vec![
        "AND", "OR", "NOT", "-", "(", ")", "rank", "=", "<=", ":", "\"", "'", "\\", "1", "*", "ä",
        "null", " ", "display_name", "state", "ACTIVE", "!", "tier", "ecosystems/acme",
    ]), 0..40)) {
        let _ = read(&parts.concat());
        let _ = read(&parts.join(" "));
    }

    #[test]
    fn every_text_can_be_asked_for(name in ".+") {
        let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
        let expected = Filter::Test {
            field: "display_name",
            comparison: Comparison::Equal,
            value: Value::Text(name.clone()),
        };
        prop_assume!(escaped.chars().count() < 2_000 && !name.contains('\0'));
        prop_assert_eq!(read(&format!("display_name = \"{escaped}\"")), Ok(Some(expected)));
    }
}
