//! How each method is asked about a thing: a row for each method, several where it can name things
//! of several kinds. A method of the contract without a row fails
//! [`every_method_has_a_row`](super::every_method_has_a_row).
//!
//! What would change something is only validated, so that all cells share one scene.

mod access;
mod deal;
mod incentive;
mod partner;
mod platform;
mod program;

use serde_json::{Value, json};

use super::things::Kind;

/// What a request is about.
pub(super) struct Ask<'a> {
    /// The name of the thing.
    pub(super) name: &'a str,
}

impl Ask<'_> {
    /// The ecosystem that the thing is in.
    fn parent(&self) -> String {
        let mut parts = self.name.split('/');
        let (collection, id) = (parts.next().unwrap(), parts.next().unwrap());
        format!("{collection}/{id}")
    }

    /// Something else in the ecosystem that the thing is in.
    fn beside(&self, rest: &str) -> String {
        format!("{}/{rest}", self.parent())
    }
}

/// How it is told from an answer whether the thing may be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The call does something with the thing or tells of it: an answer is all that it takes.
    Does,
    /// The answer lists things: the thing is in the list when this field of an item names it.
    Lists(&'static str),
}

type Make = Box<dyn Fn(&Ask<'_>) -> Value>;

pub(super) struct Row {
    pub(super) method: &'static str,
    pub(super) kind: Kind,
    pub(super) act: Act,
    make: Make,
}

impl Row {
    pub(super) fn request(&self, name: &str) -> Value {
        (self.make)(&Ask { name })
    }
}

/// Whether a method tells what has happened: the same, page by page or as it comes.
pub(super) fn tells_events(method: &str) -> bool {
    ["ListEvents", "WatchEvents"].contains(&method)
}

/// The methods whose rows are known, in the order of the contract.
pub(super) fn rows() -> Vec<Row> {
    [
        platform::rows(),
        access::rows(),
        partner::rows(),
        program::rows(),
        deal::rows(),
        incentive::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn row(method: &'static str, kind: Kind, make: impl Fn(&Ask<'_>) -> Value + 'static) -> Row {
    Row {
        method,
        kind,
        act: Act::Does,
        make: Box::new(make),
    }
}

/// A read of the thing by its name.
fn get(method: &'static str, kind: Kind) -> Row {
    row(method, kind, |ask| json!({ "name": ask.name }))
}

/// A read of what is inside of the thing.
fn inside(method: &'static str, kind: Kind) -> Row {
    row(method, kind, |ask| json!({ "parent": ask.name }))
}

/// A list of the ecosystem, in which the thing is looked for.
fn list(method: &'static str, kind: Kind) -> Row {
    lists(method, kind, "name", json!({}))
}

/// The same, where another field names the thing, or the request says more.
fn lists(method: &'static str, kind: Kind, field: &'static str, more: Value) -> Row {
    Row {
        act: Act::Lists(field),
        ..row(method, kind, move |ask| {
            with(json!({ "parent": ask.parent() }), &more)
        })
    }
}

/// A move of the thing.
fn moves(method: &'static str, kind: Kind, more: Value) -> Row {
    row(method, kind, move |ask| {
        with(json!({ "name": ask.name, "validate_only": true }), &more)
    })
}

/// A change of one field of the thing.
fn update(method: &'static str, kind: Kind, field: &'static str, change: (&str, Value)) -> Row {
    let (changed, value) = (change.0.to_owned(), change.1);
    row(method, kind, move |ask| {
        let mut thing = json!({ "name": ask.name });
        thing[&changed] = value.clone();
        let mask = camel(&changed);
        json!({ field: thing, "update_mask": mask, "validate_only": true })
    })
}

/// Something new in the ecosystem.
fn create(
    method: &'static str,
    kind: Kind,
    field: &'static str,
    make: impl Fn(&Ask<'_>) -> Value + 'static,
) -> Row {
    row(
        method,
        kind,
        move |ask| json!({ "parent": ask.parent(), field: make(ask), "validate_only": true }),
    )
}

/// An import of one row.
fn import(method: &'static str, field: &'static str, value: Value) -> Row {
    row(method, Kind::Ecosystem, move |ask| {
        let row = json!({ "row_number": 1, field: value });
        json!({ "parent": ask.parent(), "rows": [row], "validate_only": true })
    })
}

/// A request with more in it.
fn with(mut request: Value, more: &Value) -> Value {
    let into = request.as_object_mut().unwrap();
    into.extend(more.as_object().unwrap().clone());
    request
}

/// A field's name as JSON has it in a mask.
fn camel(field: &str) -> String {
    let mut words = field.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(1);
        name.push_str(&first.to_uppercase());
        name.push_str(rest);
    }
    name
}
