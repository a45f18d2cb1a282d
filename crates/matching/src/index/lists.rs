//! Lists of numbers by number: in which entries a word stands, which words share a spelling.
//!
//! Most of it lies flat, sorted, without a byte beside the numbers; what has come since lies in a
//! table of small lists and is laid flat when it has become a quarter of the whole.

use std::collections::HashMap;

/// For each key, numbers in ascending order. Keys are dense: they count from zero.
#[derive(Debug, Default)]
pub(super) struct Lists {
    starts: Vec<u32>,
    flat: Vec<u32>,
    since: HashMap<u32, Vec<u32>>,
    waiting: usize,
}

/// The numbers under one key.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct List<'a> {
    flat: &'a [u32],
    since: &'a [u32],
}

impl<'a> List<'a> {
    pub(super) fn iter(self) -> impl Iterator<Item = u32> + 'a {
        self.flat.iter().chain(self.since).copied()
    }

    /// Its numbers, so many at a time.
    pub(super) fn together(self, most: usize) -> impl Iterator<Item = &'a [u32]> {
        self.flat.chunks(most).chain(self.since.chunks(most))
    }

    pub(super) fn len(self) -> usize {
        self.flat.len() + self.since.len()
    }
}

impl Lists {
    /// Lays pairs of key and number flat. They need not be sorted.
    pub(super) fn build(keys: usize, pairs: &[(u32, u32)]) -> Self {
        let mut starts = vec![0_u32; keys + 1];
        for (key, _) in pairs {
            if let Some(count) = starts.get_mut(*key as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut flat = vec![0; pairs.len()];
        for (key, number) in pairs {
            if let Some(at) = next.get_mut(*key as usize)
                && let Some(place) = flat.get_mut(*at as usize)
            {
                *place = *number;
                *at += 1;
            }
        }
        for bounds in starts.windows(2) {
            if let [start, end] = bounds
                && let Some(list) = flat.get_mut(*start as usize..*end as usize)
            {
                list.sort_unstable();
            }
        }
        Self {
            starts,
            flat,
            since: HashMap::new(),
            waiting: 0,
        }
    }

    pub(super) fn get(&self, key: u32) -> List<'_> {
        let at = key as usize;
        let bounds = self.starts.get(at).zip(self.starts.get(at + 1));
        let flat = bounds.and_then(|(start, end)| self.flat.get(*start as usize..*end as usize));
        let since = self.since.get(&key).map(Vec::as_slice);
        List {
            flat: flat.unwrap_or_default(),
            since: since.unwrap_or_default(),
        }
    }

    /// Adds a number that is higher than all under this key.
    pub(super) fn push(&mut self, key: u32, number: u32) {
        self.since.entry(key).or_default().push(number);
        self.waiting += 1;
    }

    pub(super) fn is_due(&self) -> bool {
        self.waiting > 4096.max(self.flat.len() / 4)
    }

    /// Lays everything flat, without the keys and numbers that are gone, that is, for the `keys` that stay,
    /// in their order, and the numbers for which `number` gives the new one.
    pub(super) fn compact(
        &mut self,
        keys: impl Iterator<Item = u32>,
        number: impl Fn(u32) -> Option<u32>,
    ) {
        let mut starts = vec![0];
        let mut flat = Vec::with_capacity(self.flat.len() + self.waiting);
        for key in keys {
            flat.extend(self.get(key).iter().filter_map(&number));
            starts.push(super::number(flat.len()));
        }
        starts.shrink_to_fit();
        flat.shrink_to_fit();
        *self = Self {
            starts,
            flat,
            since: HashMap::new(),
            waiting: 0,
        };
    }

    pub(super) fn bytes(&self) -> usize {
        let each = |list: &Vec<u32>| 48 + list.capacity() * 4;
        let since: usize = self.since.values().map(each).sum();
        (self.starts.capacity() + self.flat.capacity()) * 4 + since
    }
}
