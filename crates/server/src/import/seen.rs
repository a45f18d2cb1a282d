//! Which external ids a file has had already.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Remembers on which line an id stood first.
///
/// It keeps 128 bits of each id in place of the id, so that a file of ten million rows takes some
/// hundred megabytes and not a multiple of its own size. That two different ids are taken for one
/// is less likely than a fault of the memory itself.
#[derive(Debug, Default)]
pub(super) struct Seen {
    hashers: [RandomState; 2],
    lines: HashMap<u128, u64>,
}

impl Seen {
    /// The line on which the id stood before; remembers this one if it is the first.
    pub(super) fn before(&mut self, id: &str, line: u64) -> Option<u64> {
        let first = self.find(id);
        if first.is_none() {
            let key = self.key(id);
            self.lines.insert(key, line);
        }
        first
    }

    /// The line on which the id stood before.
    pub(super) fn find(&self, id: &str) -> Option<u64> {
        self.lines.get(&self.key(id)).copied()
    }

    fn key(&self, id: &str) -> u128 {
        let [high, low] = &self.hashers;
        u128::from(high.hash_one(id)) << 64 | u128::from(low.hash_one(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_on_the_line_where_it_stood_first() {
        let mut seen = Seen::default();
        assert_eq!(seen.before("a", 2), None);
        assert_eq!(seen.before("b", 3), None);
        assert_eq!(seen.before("a", 4), Some(2));
        assert_eq!(seen.find("a"), Some(2));
        assert_eq!(seen.find("A"), None);
    }
}
