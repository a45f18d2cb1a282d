//! Pages of a list.

use std::fmt;

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
    /// What the place of the next page is sealed with, for whoever asked for this one.
    pub seal: Seal,
}

/// What seals the place of the next page, so that it is of use to the same caller for the same list
/// only. The grammar of the wire makes it and uses it; on the way it is carried and not looked into.
///
/// The default seals what nobody can open: it is for a query that no page is answered to.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Seal {
    /// Which of the server's secrets the key was derived from.
    pub id: [u8; 4],
    /// A key for this caller and this list alone.
    pub key: [u8; 32],
    /// When what is sealed now expires, in microseconds since 1970.
    pub expires: i64,
}

impl fmt::Debug for Seal {
    /// Without the key, which is nothing for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal")
            .field("id", &self.id)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
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
    fn a_seal_does_not_show_its_key() {
        let seal = Seal {
            key: [77; 32],
            ..Seal::default()
        };
        assert!(!format!("{seal:?}").contains("77"));
    }

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
