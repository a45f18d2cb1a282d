//! `order_by`: the fields that a list is ordered by, as in AIP-132.

use trellis_core::{Order, Violation};

use crate::filter::Field;
use crate::near;

/// Reads an order: field names separated by commas, each with ` desc` to turn it round.
///
/// # Errors
/// When a field is unknown, cannot be ordered by, or is named twice.
pub fn read(text: &str, table: &[Field]) -> Result<Vec<Order>, Violation> {
    let mut orders: Vec<Order> = Vec::new();
    if text.trim().is_empty() {
        return Ok(orders);
    }
    for part in text.split(',') {
        let mut words = part.split_whitespace();
        let name = words.next().unwrap_or_default();
        let descending = match (words.next(), words.next()) {
            (None, _) => false,
            (Some("desc"), None) => true,
            _ => {
                let part = near::shown(part.trim());
                let description = format!("write a field, or a field and desc, not `{part}`");
                return Err(Violation::new("", "order_by.syntax", description));
            }
        };
        let Some(field) = table
            .iter()
            .find(|field| field.is_sortable() && field.name() == name)
        else {
            let known: Vec<_> = table
                .iter()
                .filter(|field| field.is_sortable())
                .map(Field::name)
                .collect();
            let question = near::question(name, known.iter().copied());
            let known = if known.is_empty() {
                "nothing".to_owned()
            } else {
                known.join(", ")
            };
            let name = near::shown(name);
            let description = format!("cannot be ordered by `{name}`, but by {known}{question}");
            return Err(Violation::new("", "order_by.field", description));
        };
        if orders.iter().any(|order| order.field == field.name()) {
            let description = format!("names `{name}` twice");
            return Err(Violation::new("", "order_by.twice", description));
        }
        orders.push(Order {
            field: field.name(),
            descending,
        });
    }
    Ok(orders)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Field] = &[
        Field::text("display_name").sortable(),
        Field::time("create_time").sortable(),
        Field::text("domain"),
    ];

    #[test]
    fn fields_are_ordered_by_in_turn() {
        assert_eq!(
            read(" create_time desc , display_name", TABLE).unwrap(),
            [
                Order {
                    field: "create_time",
                    descending: true
                },
                Order {
                    field: "display_name",
                    descending: false
                },
            ]
        );
        assert_eq!(read("", TABLE), Ok(Vec::new()));
        assert_eq!(read("  ", TABLE), Ok(Vec::new()));
    }

    #[test]
    fn anything_else_is_refused() {
        let cases = [
            ("domain", "order_by.field"),
            ("unknown", "order_by.field"),
            ("create_time,", "order_by.field"),
            ("create_time up", "order_by.syntax"),
            ("create_time desc desc", "order_by.syntax"),
            ("create_time, create_time desc", "order_by.twice"),
        ];
        for (text, rule) in cases {
            assert_eq!(read(text, TABLE).unwrap_err().rule, rule, "{text}");
        }
        let violation = read("domain", TABLE).unwrap_err();
        assert!(violation.description.ends_with("display_name, create_time"));
    }
}
