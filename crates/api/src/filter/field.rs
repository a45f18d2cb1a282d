//! What a filter may name.

use trellis_core::id::Id;

use crate::name::Collection;

/// A field that a list can be filtered by, and perhaps ordered by.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    name: &'static str,
    pub(super) kind: Kind,
    sortable: bool,
}

/// What a field holds, and so how its values are written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    State {
        prefix: &'static str,
        values: &'static [&'static str],
    },
    Time,
    Date,
    Integer,
    Boolean,
    Id(Part),
    Child {
        parent_field: &'static str,
        parent: Part,
        child: Part,
    },
}

/// A collection and its id in a resource name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) collection: &'static str,
    pub(super) is_id: fn(&str) -> bool,
}

fn is_id<I: Id>(text: &str) -> bool {
    I::parse(text).is_ok()
}

const fn part<I: Collection>() -> Part {
    Part {
        collection: I::COLLECTION,
        is_id: is_id::<I>,
    }
}

impl Field {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            sortable: false,
        }
    }

    /// A text.
    #[must_use]
    pub const fn text(name: &'static str) -> Self {
        Self::new(name, Kind::Text)
    }

    /// An enum. The values are the contract's, without the prefix, and are stored as they are
    /// written: `Field::state("state", "STATE", &["ACTIVE", "SUSPENDED"])`.
    #[must_use]
    pub const fn state(
        name: &'static str,
        prefix: &'static str,
        values: &'static [&'static str],
    ) -> Self {
        Self::new(name, Kind::State { prefix, values })
    }

    /// A moment, stored as microseconds.
    #[must_use]
    pub const fn time(name: &'static str) -> Self {
        Self::new(name, Kind::Time)
    }

    /// A day, stored as days since 1970-01-01.
    #[must_use]
    pub const fn date(name: &'static str) -> Self {
        Self::new(name, Kind::Date)
    }

    /// A whole number.
    #[must_use]
    pub const fn integer(name: &'static str) -> Self {
        Self::new(name, Kind::Integer)
    }

    /// Yes or no.
    #[must_use]
    pub const fn boolean(name: &'static str) -> Self {
        Self::new(name, Kind::Boolean)
    }

    /// Another resource, written as its full name and stored as its id.
    #[must_use]
    pub const fn id<I: Collection>(name: &'static str) -> Self {
        Self::new(name, Kind::Id(part::<I>()))
    }

    /// A resource inside of another one, such as a tier of a program, written as its full name. The
    /// field holds its id; the other one's id is in `parent_field`.
    #[must_use]
    pub const fn child<P: Collection, C: Collection>(
        name: &'static str,
        parent_field: &'static str,
    ) -> Self {
        let (parent, child) = (part::<P>(), part::<C>());
        Self::new(
            name,
            Kind::Child {
                parent_field,
                parent,
                child,
            },
        )
    }

    /// The same field, which a list can also be ordered by.
    #[must_use]
    pub const fn sortable(self) -> Self {
        Self {
            sortable: true,
            ..self
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether a list can be ordered by it.
    #[must_use]
    pub const fn is_sortable(&self) -> bool {
        self.sortable
    }
}
