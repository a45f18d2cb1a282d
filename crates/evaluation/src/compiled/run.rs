//! A compiled plan over columns: partner by partner, on as many threads as there are.

use std::ops::Range;
use std::panic::resume_unwind;

use trellis_core::MoneyError;

use super::columns::Columns;
use super::entitlements::Entitlements;
use super::limits::{draws, together};
use super::lines::Lines;
use super::partner::{Part, Reductions, awards};
use super::split::{Sharers, split_all};
use super::{Compiled, NotEntitled};
use crate::plan::LimitScope;

impl Compiled {
    /// What everybody is entitled to, computed on so many threads. No partner's awards are computed by
    /// two of them, and limits of all partners together are applied by one.
    ///
    /// # Errors
    /// When an amount does not fit, or the columns were loaded for other plans.
    pub fn entitle<'a>(
        &'a self,
        columns: &'a Columns,
        threads: usize,
    ) -> Result<Entitlements<'a>, NotEntitled> {
        let lines = Lines::new(self, columns)?;
        let sharers = Sharers::new(&lines);
        let of_all = self
            .limits_together()
            .any(|limit| limit.scope == LimitScope::Plan);
        let finish = |mut part: Part| -> Result<Part, MoneyError> {
            together(&lines, &mut part)?;
            draws(&lines, &mut part)?;
            if let Some(sharers) = &sharers {
                split_all(&lines, sharers, &mut part)?;
            }
            Ok(part)
        };
        let one = |partners: Range<usize>| {
            let part = awards(&lines, partners)?;
            if of_all { Ok(part) } else { finish(part) }
        };
        let ranges = ranges(columns, threads.max(1));
        let parts: Vec<Result<Part, MoneyError>> = match ranges.as_slice() {
            [all] => vec![one(all.clone())],
            ranges => std::thread::scope(|scope| {
                let one = &one;
                let running: Vec<_> = ranges
                    .iter()
                    .map(|range| scope.spawn(move || one(range.clone())))
                    .collect();
                running
                    .into_iter()
                    .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                    .collect()
            }),
        };
        let mut whole = joined(parts)?;
        if of_all {
            whole = finish(whole)?;
        }
        Ok(Entitlements::new(lines, sharers, whole))
    }
}

/// Partners in as many parts of about as many facts.
fn ranges(columns: &Columns, parts: usize) -> Vec<Range<usize>> {
    let partners = columns.partners.len();
    let mut ranges = Vec::with_capacity(parts);
    let mut begin = 0;
    for part in 1..=parts {
        let facts = columns.len() * part / parts;
        let end = if part == parts {
            partners
        } else {
            let starts = columns.starts.iter();
            let end = starts
                .take_while(|start| super::column::place(**start) < facts)
                .count();
            end.clamp(begin, partners)
        };
        ranges.push(begin..end);
        begin = end;
    }
    ranges
}

fn joined(parts: Vec<Result<Part, MoneyError>>) -> Result<Part, MoneyError> {
    let mut whole = Part::default();
    for (index, part) in parts.into_iter().enumerate() {
        let part = part?;
        if index == 0 {
            whole = part;
            continue;
        }
        let before = super::column::number(whole.amounts.len());
        whole.partners.end = part.partners.end;
        whole.lines.end = part.lines.end.max(whole.lines.end);
        whole.amounts.extend(part.amounts);
        whole.places.extend(part.places);
        whole.ends.extend(part.ends.iter().map(|end| end + before));
        let offset = super::column::number(whole.reduced.len());
        whole.reduced.extend(part.reduced);
        let reductions = part.reductions.into_iter();
        whole.reductions.extend(reductions.map(|of| Reductions {
            award: of.award + before,
            begin: of.begin + offset,
            end: of.end + offset,
        }));
        for (sum, more) in whole.paid.iter_mut().zip(part.paid) {
            *sum += more;
        }
    }
    Ok(whole)
}
