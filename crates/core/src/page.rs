//! Pages of a list.

use crate::filter::{Filter, Value};

/// One key that a list is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// The field, from the method's table.
    pub field: &'static str,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// Which rows of a list to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageQuery {
    /// Which rows belong to the list.
    pub filter: Option<Filter>,
    /// In which order; the id breaks ties, and is the order when there is no other.
    pub order: Vec<Order>,
    /// How many rows at most.
    pub size: u32,
    /// After which row the page begins.
    pub after: Option<Cursor>,
    /// Whether rows that were deleted belong to the list.
    pub show_deleted: bool,
    /// A hash of everything that must not change from one page to the next.
    pub fingerprint: u64,
}

/// A place in a list: the order keys of a row, then its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(pub Vec<Value>);

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows of this page.
    pub rows: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Turns each row into something else.
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page {
            rows: self.rows.into_iter().map(turn).collect(),
            next: self.next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapping_keeps_the_order_and_the_next_place() {
        let next = Some(Cursor(vec![Value::Integer(3), Value::Text("c".to_owned())]));
        let page = Page {
            rows: vec![1, 2, 3],
            next: next.clone(),
        };
        assert_eq!(
            page.map(|row| row * 10),
            Page {
                rows: vec![10, 20, 30],
                next
            }
        );
    }
}
