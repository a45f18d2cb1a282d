//! Numbers and texts of many facts, one after the other.

/// The value at a place; nothing, as a column that holds nothing is left out altogether.
#[inline]
pub(crate) fn at<T: Copy + Default>(values: &[T], place: usize) -> T {
    values.get(place).copied().unwrap_or_default()
}

/// A place among others. There are never more than 32 bits of them.
#[inline]
pub(crate) fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The same the other way.
#[inline]
pub(crate) fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Values in another order.
pub(crate) fn reordered<T: Copy + Default>(values: &[T], order: &[u32]) -> Vec<T> {
    order.iter().map(|from| at(values, place(*from))).collect()
}

/// The same; nothing at all where no value says anything.
pub(crate) fn worth_keeping<T: Copy + Default + PartialEq>(values: &[T], order: &[u32]) -> Vec<T> {
    if values.iter().all(|value| *value == T::default()) {
        return Vec::new();
    }
    reordered(values, order)
}

/// How many bytes values take.
pub(crate) fn bytes<T>(values: &[T]) -> usize {
    std::mem::size_of_val(values)
}

/// Numbers that may be missing. Where all are known nothing is kept but them, and where none is,
/// nothing at all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    values: Vec<i64>,
    known: Option<Vec<u64>>,
    length: usize,
}

impl Column {
    pub(crate) fn push(&mut self, value: Option<i64>) {
        let before = self.length;
        self.length += 1;
        match value {
            Some(value) => {
                if self.values.len() < before {
                    self.values.resize(before, 0);
                    self.known = Some(vec![0; before.div_ceil(64)]);
                }
                self.values.push(value);
                if let Some(known) = &mut self.known {
                    set(known, before);
                }
            }
            None if self.values.is_empty() => {}
            None => {
                self.values.push(0);
                self.known.get_or_insert_with(|| {
                    let mut known = vec![u64::MAX; before / 64];
                    known.push((1 << (before % 64)) - 1);
                    known
                });
            }
        }
    }

    #[inline]
    pub(crate) fn get(&self, place: usize) -> Option<i64> {
        let value = self.values.get(place).copied()?;
        match &self.known {
            None => Some(value),
            Some(known) => (at(known, place / 64) >> (place % 64) & 1 == 1).then_some(value),
        }
    }

    pub(crate) fn reordered(&self, order: &[u32]) -> Self {
        let mut column = Self::default();
        if self.values.is_empty() {
            return column;
        }
        column.values.reserve_exact(order.len());
        for from in order {
            column.push(self.get(place(*from)));
        }
        column
    }

    pub(crate) fn bytes(&self) -> usize {
        bytes(&self.values) + self.known.as_deref().map_or(0, bytes)
    }
}

fn set(known: &mut Vec<u64>, place: usize) {
    if known.len() <= place / 64 {
        known.resize(place / 64 + 1, 0);
    }
    if let Some(word) = known.get_mut(place / 64) {
        *word |= 1 << (place % 64);
    }
}

/// Texts, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    text: String,
    ends: Vec<u32>,
}

impl Texts {
    /// None when there are more letters than 32 bits can count.
    pub(crate) fn push(&mut self, text: &str) -> Option<()> {
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).ok()?);
        Some(())
    }

    pub(crate) fn get(&self, index: usize) -> &str {
        let begin = index
            .checked_sub(1)
            .map_or(0, |before| at(&self.ends, before));
        let end = at(&self.ends, index);
        self.text.get(place(begin)..place(end)).unwrap_or_default()
    }

    pub(crate) fn reordered(&self, order: &[u32]) -> Self {
        let mut texts = Self::default();
        for from in order {
            // What fitted in one order fits in another.
            let _ = texts.push(self.get(place(*from)));
        }
        texts
    }

    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + bytes(&self.ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_stays_missing() {
        let columns: [&[Option<i64>]; 4] = [
            &[],
            &[None, None, Some(5), None],
            &[Some(1), Some(2)],
            &[Some(1), None, Some(-3)],
        ];
        for told in columns {
            let long: Vec<Option<i64>> =
                told.iter().copied().cycle().take(told.len() * 90).collect();
            let mut column = Column::default();
            long.iter().for_each(|value| column.push(*value));
            let read =
                |column: &Column| (0..long.len()).map(|at| column.get(at)).collect::<Vec<_>>();
            assert_eq!(read(&column), long);
            assert_eq!(column.get(long.len()), None);
            let backwards: Vec<u32> = (0..number(long.len())).rev().collect();
            let twice = column.reordered(&backwards).reordered(&backwards);
            assert_eq!(read(&twice), long);
        }
    }

    #[test]
    fn texts_read_back() {
        let mut texts = Texts::default();
        for text in ["a", "", "bc"] {
            texts.push(text).unwrap();
        }
        let turned = texts.reordered(&[2, 1, 0]);
        let read = (0..3).map(|index| turned.get(index)).collect::<Vec<_>>();
        assert_eq!(read, ["bc", "", "a"]);
    }
}
