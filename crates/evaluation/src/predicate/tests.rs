//! What conditions say, what is refused and where, and what they are for records.

use super::*;

fn schema() -> Schema {
    Schema::new()
        .with(
            "partner.tier",
            Type::one_of(&["silver", "gold", "platinum"]),
            "the partner's tier",
        )
        .with("partner.country", Type::Text, "the partner's country")
        .with(
            "partner.certifications",
            Type::Texts,
            "the partner's certifications",
        )
        .with(
            "partner.joined_months",
            Type::Int,
            "the months since the partner joined",
        )
        .with(
            "partner.registered",
            Type::Bool,
            "whether the partner is registered",
        )
        .with("deal.won_on", Type::Date, "the day of the deal")
        .with("deal.amount_minor", Type::Int, "the amount of the deal")
        .with("customer.country", Type::Text, "the customer's country")
}

fn record() -> Record {
    Record::new()
        .with("partner.tier", "gold")
        .with("partner.country", "DE")
        .with("partner.certifications", ["iso", "soc2"])
        .with("partner.joined_months", 14)
        .with("partner.registered", true)
        .with("deal.won_on", "2026-05-04")
        .with("deal.amount_minor", 125_000)
}

fn read(source: &str) -> Predicate {
    Predicate::parse(source, &schema()).unwrap_or_else(|wrong| panic!("{source}: {wrong:?}"))
}

fn refused(source: &str) -> Vec<(usize, &'static str)> {
    let wrong = Predicate::parse(source, &schema()).expect_err(source);
    assert!(!wrong.is_empty());
    wrong
        .iter()
        .map(|wrong| (wrong.offset, wrong.reason.name()))
        .collect()
}

#[test]
fn conditions_hold_or_do_not() {
    for (source, expected) in [
        ("true", true),
        ("!partner.registered", false),
        ("!!partner.registered", true),
        ("partner.tier == \"gold\"", true),
        ("partner.tier != 'gold'", false),
        ("\"gold\" == partner.tier", true),
        ("partner.tier in [\"gold\", \"platinum\"]", true),
        ("partner.tier in [\"silver\",]", false),
        ("\"iso\" in partner.certifications", true),
        ("\"iso9\" in partner.certifications", false),
        ("partner.joined_months in [13, 14]", true),
        ("partner.joined_months in []", false),
        ("size(partner.certifications) >= 2", true),
        ("partner.certifications.size() > 2", false),
        ("partner.country.size() == 2", true),
        (
            "partner.country.startsWith(\"D\") && partner.country.endsWith(r'E')",
            true,
        ),
        ("partner.country.contains('X')", false),
        (
            "deal.won_on >= \"2026-05-01\" && deal.won_on < \"2026-06-01\"",
            true,
        ),
        ("deal.amount_minor > -5", true),
        ("deal.amount_minor == 0x1E848", true),
        ("has(partner.country) && !has(customer.country)", true),
        ("false || true && false", false),
        ("(false || true) && !false", true),
        ("partner.registered == true // comment", true),
        ("partner.country == \"\\x44\\u0045\"", true),
    ] {
        assert_eq!(read(source).holds(&record()), Some(expected), "{source}");
    }
}

#[test]
fn what_is_not_known_is_neither_true_nor_false() {
    let unknown = |source: &str| match read(source).evaluate(&record()) {
        Truth::Unknown(missing) => (missing.field, missing.source),
        other => panic!("{source}: {other:?}"),
    };
    let field = "customer.country";
    for source in [
        "customer.country == 'DE'",
        "customer.country != 'DE'",
        "customer.country in ['DE']",
        "customer.country.startsWith('D')",
        "customer.country == partner.country",
    ] {
        assert_eq!(unknown(source), (field.to_owned(), source.to_owned()));
        assert_eq!(unknown(&format!("!({source})")).0, field);
        assert_eq!(unknown(&format!("true && ({source})")).0, field);
        assert_eq!(unknown(&format!("({source}) || false")).0, field);
        // What decides without it decides, on either side.
        assert_eq!(
            read(&format!("({source}) && false")).holds(&record()),
            Some(false)
        );
        assert_eq!(
            read(&format!("false && ({source})")).holds(&record()),
            Some(false)
        );
        assert_eq!(
            read(&format!("({source}) || true")).holds(&record()),
            Some(true)
        );
        assert_eq!(
            read(&format!("true || ({source})")).holds(&record()),
            Some(true)
        );
        let guarded = format!("has(customer.country) && ({source})");
        assert_eq!(read(&guarded).holds(&record()), Some(false));
    }
}

#[test]
fn everything_wrong_is_told_at_once_and_where() {
    let source = "partner.teir == \"gold\" &&\n  partner.tier == \"glod\" && deal.amount_minor * 2 > 1.5 || \
                  partner.joined_months == \"14\"";
    let wrong = Predicate::parse(source, &schema()).unwrap_err();
    let told: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 1, column 1: there is no field `partner.teir`; did you mean `partner.tier`?",
            "line 2, column 19: there is no value \"glod\" of that field; did you mean \"gold\"?",
            "line 2, column 47: `*` calculates, which conditions do not; compare with the result",
            "line 2, column 53: numbers with a fraction are not allowed; count in the smallest unit",
            "line 2, column 60: `partner.joined_months` is a whole number, `\"14\"` is a text; compare \
             like with like",
        ]
    );
    assert_eq!(wrong[1].offset, source.find("\"glod\"").unwrap());
}

#[test]
fn what_cel_has_and_conditions_do_not_is_named() {
    for (source, expected) in [
        ("1 + 1 == 2", vec![(2, "NOT_ALLOWED")]),
        (
            "partner.registered ? true : false",
            vec![(19, "NOT_ALLOWED")],
        ),
        (
            "partner.certifications.exists(c, c == 'x')",
            vec![(0, "NOT_ALLOWED")],
        ),
        ("partner.country.matches('D.*')", vec![(0, "NOT_ALLOWED")]),
        (
            "partner.certifications[0] == 'x'",
            vec![(22, "NOT_ALLOWED")],
        ),
        ("{'a': 1}", vec![(0, "NOT_ALLOWED")]),
        ("partner.country == b'x'", vec![(19, "NOT_ALLOWED")]),
        ("partner.country == null", vec![(19, "NOT_ALLOWED")]),
        ("partner.joined_months == 1u", vec![(25, "NOT_ALLOWED")]),
        (
            "timestamp('x') < timestamp('y')",
            vec![(0, "NOT_ALLOWED"), (17, "NOT_ALLOWED")],
        ),
        ("1 < partner.joined_months < 3", vec![(26, "NOT_ALLOWED")]),
        (
            "(partner.registered) == (1 == 1)",
            vec![(25, "NOT_ALLOWED")],
        ),
    ] {
        assert_eq!(refused(source), expected, "{source}");
    }
}

#[test]
fn what_is_no_condition_is_refused() {
    for (source, expected) in [
        ("", (0, "SYNTAX")),
        ("partner.tier ==", (15, "SYNTAX")),
        ("partner.tier = 'gold'", (13, "SYNTAX")),
        ("partner.registered & true", (19, "SYNTAX")),
        ("(true", (5, "SYNTAX")),
        ("true)", (4, "SYNTAX")),
        ("true true", (5, "SYNTAX")),
        ("'open", (0, "SYNTAX")),
        ("'bad \\q'", (5, "SYNTAX")),
        ("partner.", (8, "SYNTAX")),
        ("for == 1", (0, "SYNTAX")),
        ("partner.tier == “gold”", (16, "SYNTAX")),
        ("9223372036854775808 == 1", (0, "SYNTAX")),
        ("partner.tier", (0, "WRONG_TYPE")),
        ("5", (0, "WRONG_TYPE")),
        ("partner.tier > 'gold'", (0, "WRONG_TYPE")),
        ("partner.tier.startsWith('g')", (0, "WRONG_TYPE")),
        ("partner.certifications == ['a']", (0, "WRONG_TYPE")),
        ("partner.tier in 'gold'", (16, "WRONG_TYPE")),
        ("partner.joined_months in ['a']", (0, "WRONG_TYPE")),
        ("partner.country in ['a', 1]", (19, "WRONG_TYPE")),
        ("size(partner.joined_months) == 1", (5, "WRONG_TYPE")),
        ("has('x')", (0, "WRONG_TYPE")),
        ("partner", (0, "UNKNOWN_FIELD")),
        ("partner.tier in ['gold', 'brass']", (16, "UNKNOWN_VALUE")),
        ("deal.won_on > '2026-02-30'", (14, "UNKNOWN_VALUE")),
        ("partner.country.startWith('D')", (0, "UNKNOWN_FUNCTION")),
    ] {
        assert_eq!(refused(source), [expected], "{source}");
    }
}

#[test]
fn the_bounds_hold_exactly() {
    let nested = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    read(&nested(DEEPEST - 1));
    assert_eq!(refused(&nested(DEEPEST)), [(DEEPEST, "TOO_DEEP")]);
    let asks = |atoms: usize| vec!["partner.registered"; atoms].join(" && ");
    assert_eq!(read(&asks(MOST_ATOMS)).atoms(), MOST_ATOMS);
    assert_eq!(refused(&asks(MOST_ATOMS + 1)), [(0, "TOO_MANY_ATOMS")]);
    let long = |bytes: usize| format!("true{}", " ".repeat(bytes - 4));
    read(&long(LONGEST));
    assert_eq!(refused(&long(LONGEST + 1)), [(0, "TOO_LONG")]);
    // A chain is no nesting, and a negation of a negation is none either.
    read(&format!("{}true", "!".repeat(1000)));
}

#[test]
fn the_first_question_that_fails_is_named_with_what_is_there() {
    let failed = |source: &str| match read(source).evaluate(&record()) {
        Truth::False(failed) => failed,
        other => panic!("{source}: {other:?}"),
    };
    let found =
        failed("partner.registered && (partner.tier in ['silver'] || partner.country == 'FR')");
    assert_eq!(found.source, "partner.tier in ['silver']");
    assert_eq!(found.words, "partner.tier is silver");
    assert_eq!(
        found.actual,
        [("partner.tier".to_owned(), Some(Value::from("gold")))]
    );
    let negated = failed("!(partner.country == 'DE')");
    assert_eq!(negated.source, "partner.country == 'DE'");
    assert_eq!(negated.words, "partner.country is not DE");
    let absent = failed("has(customer.country)");
    assert_eq!(absent.actual, [("customer.country".to_owned(), None)]);
}

#[test]
fn conditions_are_said_in_plain_words() {
    for (source, expected) in [
        (
            "partner.tier in ['gold', 'platinum'] && deal.amount_minor >= 1000",
            "the partner's tier is one of gold or platinum and the amount of the deal is at least 1000",
        ),
        (
            "!(partner.country == 'DE' || size(partner.certifications) < 2)",
            "the partner's country is not DE and the number of the partner's certifications is at \
             least 2",
        ),
        (
            "has(customer.country) && (partner.registered || 10 < partner.joined_months)",
            "the customer's country is known and either whether the partner is registered is true or \
             the months since the partner joined is more than 10",
        ),
    ] {
        assert_eq!(read(source).in_words(&schema()), expected);
    }
}

#[test]
fn what_can_never_be_true_is_found() {
    let can = |source: &str| read(source).satisfiable(&schema());
    for never in [
        "false",
        "partner.tier == 'gold' && partner.tier == 'silver'",
        "partner.tier != 'gold' && partner.tier != 'silver' && partner.tier != 'platinum'",
        "partner.joined_months > 5 && partner.joined_months < 6",
        "partner.joined_months >= 5 && partner.joined_months <= 6 && !(partner.joined_months in [5, 6])",
        "partner.registered && !partner.registered",
        "size(partner.certifications) < 0",
        "deal.won_on > '2026-07-01' && deal.won_on < '2026-06-01'",
        "partner.country == 'DE' && partner.country in ['FR', 'IT']",
        "!has(partner.country) && partner.country == 'DE'",
        "(partner.tier == 'gold' || partner.tier == 'silver') && partner.tier == 'platinum'",
    ] {
        assert_eq!(can(never), Satisfiable::No, "{never}");
    }
    for perhaps in [
        "true",
        "partner.tier == 'gold' || partner.tier == 'silver'",
        "partner.joined_months > 5 && partner.joined_months < 7",
        "partner.country != 'DE' && partner.country != 'FR'",
        "'iso' in partner.certifications && !('soc2' in partner.certifications)",
        "deal.won_on >= '2026-06-01' && deal.won_on <= '2026-06-01'",
    ] {
        assert_eq!(can(perhaps), Satisfiable::Perhaps, "{perhaps}");
    }
    let (gold, rest) = (
        read("partner.tier == 'gold'"),
        read("partner.tier != 'gold'"),
    );
    assert_eq!(gold.satisfiable_with(&rest, &schema()), Satisfiable::No);
    assert_eq!(
        gold.satisfiable_with(&gold, &schema()),
        Satisfiable::Perhaps
    );
}
