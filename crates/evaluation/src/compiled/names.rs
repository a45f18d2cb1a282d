//! Texts that repeat.

use std::collections::HashMap;
use std::hash::Hash;

use super::column::{number, place};

/// Texts that repeat, and a number for each.
#[derive(Debug)]
pub(crate) struct Names<T>(HashMap<T, u32>);

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Eq + Hash + Ord + Clone> Names<T> {
    /// Its number, counted from 1.
    pub(crate) fn number<Q>(&mut self, name: &Q) -> u32
    where
        T: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = T> + ?Sized,
    {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let next = number(self.0.len() + 1);
        self.0.insert(name.to_owned(), next);
        next
    }

    /// All names in order, and for each number, the one that it has in that order.
    pub(crate) fn sorted(self) -> (Vec<T>, Vec<u32>) {
        let mut names: Vec<(T, u32)> = self.0.into_iter().collect();
        names.sort();
        let mut renumbered = vec![0; names.len() + 1];
        for (index, (_, before)) in names.iter().enumerate() {
            if let Some(slot) = renumbered.get_mut(place(*before)) {
                *slot = number(index + 1);
            }
        }
        (
            names.into_iter().map(|(name, _)| name).collect(),
            renumbered,
        )
    }
}
