use proptest::prelude::*;
use sea_orm::{DatabaseBackend, QueryTrait, Statement};
use trellis_core::{Order, Seal};

use super::*;
use crate::partner::partner;

/// Text that stands in no statement of ours, with what ends a text or a statement in SQL.
const CANARY: &str = "canary'\"; DROP TABLE partners; --\\%_$1?";

fn statement(backend: DatabaseBackend, query: &PageQuery) -> Statement {
    let keys = [
        (partner::Column::DisplayName, Direction::Asc),
        (partner::Entity::ID, Direction::Asc),
    ];
    let mut select = filtered(partner::Entity::find(), query).unwrap();
    if let Some(Cursor(values)) = &query.after {
        select = select.filter(beyond::<partner::Entity>(&keys, values).unwrap());
    }
    select.build(backend)
}

fn query(filter: Filter, after: Vec<filter::Value>) -> PageQuery {
    PageQuery {
        filter: Some(filter),
        order: vec![Order {
            field: "display_name",
            descending: false,
        }],
        size: 10,
        after: Some(Cursor(after)),
        show_deleted: false,
        seal: Seal::default(),
    }
}

fn filters() -> impl Strategy<Value = Filter> {
    let comparison = prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
        Comparison::Has,
    ]);
    let value = prop_oneof![
        ".{0,9}".prop_map(|text| filter::Value::Text(format!("{CANARY}{text}{CANARY}"))),
        (1_000_000_007_i64..i64::MAX).prop_map(filter::Value::Integer),
        any::<bool>().prop_map(filter::Value::Boolean),
        Just(filter::Value::Absent),
    ];
    let test = (comparison, value).prop_map(|(comparison, value)| Filter::Test {
        field: "display_name",
        comparison,
        value,
    });
    test.prop_recursive(4, 32, 4, |inner| {
        let parts = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            parts.clone().prop_map(Filter::All),
            parts.prop_map(Filter::Any),
            inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

/// How many values a filter compares with.
fn values(filter: &Filter) -> usize {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().map(values).sum(),
        Filter::Not(part) => values(part),
        Filter::Test { value, .. } => usize::from(*value != filter::Value::Absent),
    }
}

/// Whether a text holds a part of the canary, or a number that is as large as those of the input.
fn tells(sql: &str) -> bool {
    let numbers = sql.split(|letter: char| !letter.is_ascii_digit());
    sql.contains("canary") || sql.contains("DROP") || numbers.into_iter().any(|run| run.len() > 9)
}

proptest! {
    #[test]
    fn nothing_of_a_filter_or_a_place_is_part_of_a_statement(filter in filters(), text in ".{0,9}") {
        for backend in [DatabaseBackend::Sqlite, DatabaseBackend::Postgres] {
            let place = vec![
                filter::Value::Text(format!("{text}{CANARY}")),
                filter::Value::Text(CANARY.to_owned()),
            ];
            let Statement { sql, values: bound, .. } =
                statement(backend, &query(filter.clone(), place));
            prop_assert!(!tells(&sql), "{}", sql);
            // The first key twice, because a row comes after in it or is equal in it.
            prop_assert_eq!(bound.map_or(0, |bound| bound.0.len()), values(&filter) + 3);
        }
    }
}

/// The control: the same test sees a value that is not bound.
#[test]
fn a_value_that_is_written_into_a_statement_is_seen() {
    let select = partner::Entity::find();
    let written = |value: &str| {
        let test = Expr::cust(format!("display_name = '{value}'"));
        let select = select.clone().filter(test);
        select.build(DatabaseBackend::Postgres).sql
    };
    assert!(tells(&written("canary")));
    assert!(tells(&written("1000000007")));
    assert!(!tells(&written("x")));
}

#[test]
fn a_text_is_found_by_a_bound_pattern_that_takes_its_wildcards_as_they_stand() {
    let filter = Filter::Test {
        field: "display_name",
        comparison: Comparison::Has,
        value: filter::Value::Text(r"50%_\".to_owned()),
    };
    let select = filtered(partner::Entity::find(), &query(filter, Vec::new())).unwrap();
    let Statement { sql, values, .. } = select.build(DatabaseBackend::Postgres);
    let plain = sql.replace(['(', ')'], "").replace("\"partners\".", "");
    let pattern = r#"LOWER"display_name" LIKE LOWER$1 ESCAPE E'\\'"#;
    assert!(plain.ends_with(pattern), "{sql}");
    assert_eq!(values.unwrap().0, [Value::from(r"%50\%\_\\%")]);
}
