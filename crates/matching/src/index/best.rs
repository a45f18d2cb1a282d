//! The best of what has been found so far.

use std::cmp::Reverse;

/// Accounts with their best scores, the best first; equal ones in the order of their numbers.
pub(super) struct Best {
    most: usize,
    found: Vec<(Reverse<u16>, u32)>,
}

impl Best {
    pub(super) fn of(most: usize) -> Self {
        Self {
            most,
            found: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The best score so far.
    pub(super) fn first(&self) -> u16 {
        self.found.first().map_or(0, |(Reverse(score), _)| *score)
    }

    /// The least score that another account needs to be among them.
    pub(super) fn least(&self) -> u16 {
        match self.found.last() {
            Some((Reverse(score), _)) if self.found.len() >= self.most => *score,
            _ => 1,
        }
    }

    /// Whether the account would be among them, if it is not already.
    pub(super) fn admits(&self, account: u32, score: u16) -> bool {
        let is_nearer = |last: &(Reverse<u16>, u32)| (Reverse(score), account) < *last;
        score > 0 && (self.found.len() < self.most || self.found.last().is_some_and(is_nearer))
    }

    pub(super) fn offer(&mut self, account: u32, score: u16) {
        if !self.admits(account, score) {
            return;
        }
        match self.found.iter().position(|(_, known)| *known == account) {
            Some(at)
                if self
                    .found
                    .get(at)
                    .is_some_and(|(known, _)| known.0 >= score) =>
            {
                return;
            }
            Some(at) => drop(self.found.remove(at)),
            None => {}
        }
        let offered = (Reverse(score), account);
        let at = self.found.partition_point(|known| *known < offered);
        self.found.insert(at, offered);
        self.found.truncate(self.most);
    }

    pub(super) fn found(self) -> Vec<(u32, u16)> {
        let found = self.found.into_iter();
        found
            .map(|(Reverse(score), account)| (account, score))
            .collect()
    }
}
