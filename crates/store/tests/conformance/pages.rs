//! Pages neither skip nor repeat, whatever is added between them.

use trellis_core::{Comparison, Filter, Order, PageQuery, Value};
use trellis_store::partner::partner;
use trellis_store::record;

use crate::on_both;
use crate::support::{call, everything};

on_both! {
    async fn pages_neither_skip_nor_repeat_while_rows_come(fixture: Fixture) {
        for index in 0..40 {
            fixture.add(call("acme"), &format!("m-{index:02}")).await.unwrap();
        }
        for descending in [false, true] {
            let order = vec![Order { field: "display_name", descending }];
            let mut query = PageQuery { order, ..everything(7) };
            let mut seen = Vec::new();
            loop {
                let view = fixture.store.read(&call("acme")).await.unwrap();
                let page = record::page::<partner::Entity>(&view, &query).await.unwrap();
                seen.extend(page.rows.into_iter().map(|row| row.id.to_string()));
                // Rows come before and behind the place that was reached.
                for prefix in ["a", "z"] {
                    let id = format!("{prefix}-{}-{}", seen.len(), u8::from(descending));
                    fixture.add(call("acme"), &id).await.unwrap();
                }
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => break,
                }
            }
            let mut middle: Vec<_> = seen.iter().filter(|id| id.starts_with("m-")).collect();
            if descending {
                middle.reverse();
            }
            let expected: Vec<_> = (0..40).map(|index| format!("m-{index:02}")).collect();
            assert_eq!(middle, expected.iter().collect::<Vec<_>>());
            let mut once = seen.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), seen.len(), "a row was answered twice");
        }
    }
}

on_both! {
    async fn a_text_is_found_inside_of_another_whatever_its_case(fixture: Fixture) {
        for id in ["nimbus", "cirrus", "stratus"] {
            fixture.add(call("acme"), id).await.unwrap();
        }
        // Wildcards of the database stand for themselves.
        for (text, expected) in
            [("RuS", vec!["cirrus"]), ("us", vec!["cirrus", "nimbus", "stratus"]), ("%", vec![])]
        {
            let value = Value::Text(text.to_owned());
            let test = Filter::Test { field: "display_name", comparison: Comparison::Has, value };
            let query = PageQuery { filter: Some(test), ..everything(10) };
            let view = fixture.store.read(&call("acme")).await.unwrap();
            let page = record::page::<partner::Entity>(&view, &query).await.unwrap();
            let ids: Vec<_> = page.rows.iter().map(|row| row.id.as_str()).collect();
            assert_eq!(ids, expected, "{text}");
        }
    }
}
