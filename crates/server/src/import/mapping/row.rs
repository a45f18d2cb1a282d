//! One row of a file, and what is wrong with it.

use std::collections::HashMap;
use std::fmt;

/// The columns of a file, by name.
#[derive(Clone, Debug)]
pub(in crate::import) struct Header {
    names: Vec<String>,
    places: HashMap<String, usize>,
}

impl Header {
    /// The columns in their order.
    pub(in crate::import) fn new(names: Vec<String>) -> Self {
        let mut places = HashMap::new();
        for (place, name) in names.iter().enumerate() {
            // The first of several columns with one name counts. A mapping that uses such a name is
            // refused, see `ambiguous`.
            places.entry(name.clone()).or_insert(place);
        }
        Self { names, places }
    }

    /// The columns in their order.
    pub(in crate::import) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether there is such a column.
    pub(in crate::import) fn has(&self, column: &str) -> bool {
        self.places.contains_key(column)
    }

    /// Whether several columns have this name.
    pub(in crate::import) fn ambiguous(&self, column: &str) -> bool {
        self.names.iter().filter(|name| *name == column).count() > 1
    }
}

/// One row: its cells without the space around them.
#[derive(Debug)]
pub(in crate::import) struct Row<'a> {
    header: &'a Header,
    cells: &'a [String],
    empty: &'a [String],
}

impl<'a> Row<'a> {
    /// A row under its header. A cell that holds one of the texts of `empty` counts as empty.
    pub(in crate::import) fn new(
        header: &'a Header,
        cells: &'a [String],
        empty: &'a [String],
    ) -> Self {
        Self {
            header,
            cells,
            empty,
        }
    }

    /// The text of a cell, without the space around it. Empty when there is nothing.
    pub(in crate::import) fn cell(&self, column: &str) -> &'a str {
        let place = self.header.places.get(column);
        let cell = place.and_then(|place| self.cells.get(*place));
        let text = cell.map_or("", |cell| cell.trim());
        if self.empty.iter().any(|empty| empty == text) {
            ""
        } else {
            text
        }
    }
}

/// One thing that is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::import) struct Reason {
    /// The field that cannot be filled; empty when it is the row itself.
    pub(in crate::import) field: String,
    /// What is wrong.
    pub(in crate::import) description: String,
}

impl Reason {
    /// Something that is wrong with a field.
    pub(in crate::import) fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            description: description.into(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.description)
        } else {
            write!(f, "{}: {}", self.field, self.description)
        }
    }
}
