//! What a transaction makes of the resources that its events are about.
//!
//! What a write answers is the resource after the change, so whoever answers with one need not say so. A
//! use case says what was [before](was), from which follow the fields that changed; and what there
//! [is now](is), where what it answers is not all of that.

use std::any::Any;
use std::collections::HashMap;

use trellis_core::{Resource, Stored};

use crate::{TOLD, Txn};

/// The largest state that is told, in bytes: as many as are in the memory of a process at a time for
/// those who watch are to fit there.
pub const LARGEST: usize = 16 * 1_024;

/// What a transaction knows of resources, by their names.
#[derive(Default)]
pub(crate) struct States {
    before: HashMap<String, Box<dyn Any + Send>>,
    after: HashMap<String, State>,
}

/// What a resource is after a transaction.
pub(crate) struct State {
    pub(crate) kind: &'static str,
    /// The message; nothing when it is too large.
    pub(crate) message: Option<Vec<u8>>,
    /// The names of the fields that changed, as a list.
    pub(crate) changed: serde_json::Value,
}

impl States {
    pub(crate) fn of(&self, resource: &str) -> Option<&State> {
        self.after.get(resource)
    }

    fn put<T: Stored + 'static>(&mut self, after: &T, Resource { kind, name }: Resource<'_>) {
        let before = self.before.get(name);
        let before = before.and_then(|before| before.downcast_ref::<T>());
        let changed = before.map(|before| after.changed(before));
        let message = after.to_stored();
        let state = State {
            kind,
            message: (message.len() <= LARGEST).then_some(message),
            changed: changed.unwrap_or_default().into(),
        };
        self.after.insert(name.to_owned(), state);
    }
}

/// Says what a resource was before the transaction, as whoever sees all of it would be answered.
pub fn was<T: Stored + 'static>(txn: &Txn, before: T) {
    let named = before.resource().filter(|_| TOLD);
    if let Some(name) = named.map(|resource| resource.name.to_owned()) {
        let mut states = txn.states();
        // What a transaction has changed already was not before it.
        states
            .before
            .entry(name)
            .or_insert_with(|| Box::new(before));
    }
}

/// Says what a resource is after the transaction, as whoever sees all of it would be answered. Only what is
/// answered with less, or not at all, needs saying.
pub fn is<T: Stored + 'static>(txn: &Txn, after: &T) {
    if let Some(resource) = after.resource().filter(|_| TOLD) {
        txn.states().put(after, resource);
    }
}

/// Takes what is answered for what there is, unless the use case has said so, or reports nothing about it.
pub(crate) fn of_answer<T: Stored + 'static>(txn: &Txn, answer: &T) {
    if let Some(resource) = answer.resource()
        && txn.reports(resource.name)
    {
        let mut states = txn.states();
        if states.of(resource.name).is_none() {
            states.put(answer, resource);
        }
    }
}
