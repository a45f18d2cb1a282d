//! Whose facts are computed together. What one partner gets needs all that is known of it at once, and
//! under a budget what everybody gets all that is known; more than that is never held in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use trellis_api::{ecosystem_name, name};
use trellis_core::{EcosystemId, PartnerId, Problem};
use trellis_store::View;
use trellis_store::incentive::{fact, recorded_fact};

use super::sides::Sides;
use crate::Error;
use crate::fact::known::Of;

/// Facts of one chunk, unless one partner has more.
const FACTS: i64 = 10_000;

/// Partners of one chunk: what one statement names.
const PARTNERS: usize = 500;

/// Partners that are computed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) of: Of,
    pub(super) partners: usize,
    pub(super) facts: i64,
}

/// Everybody whom facts are credited to, in chunks.
///
/// # Errors
/// `PRECONDITION` when what has to be computed at once is more than `most` facts.
pub(super) async fn chunks(
    view: &View,
    sides: &Sides,
    most: i64,
) -> Result<VecDeque<Chunk>, Error> {
    let days = (sides.days.start, sides.days.end);
    let mut counts: BTreeMap<PartnerId, i64> = BTreeMap::new();
    let wins = fact::wins_by_partner(view, (!sides.has_earned()).then_some(days)).await?;
    let recorded = if sides.has_earned() {
        recorded_fact::count_by_partner(view).await?
    } else {
        Vec::new()
    };
    for (partner, count) in wins.into_iter().chain(recorded) {
        *counts.entry(partner).or_default() += count;
    }
    Ok(if sides.is_of_everybody() {
        let facts = counts.values().sum();
        let all = ecosystem_name(view.ecosystem());
        within(all, facts, most)?;
        VecDeque::from([Chunk {
            of: Of::Everybody,
            partners: counts.len(),
            facts,
        }])
    } else {
        in_chunks(view.ecosystem(), counts, most)?
    })
}

fn within(resource: String, facts: i64, most: i64) -> Result<(), Problem> {
    if facts <= most {
        return Ok(());
    }
    let requires = format!(
        "fewer facts are needed that have to be computed at once: there are {facts}, and \
         `backtest-facts-max` is {most}"
    );
    Err(Problem::Precondition { resource, requires })
}

fn in_chunks(
    ecosystem: &EcosystemId,
    counts: BTreeMap<PartnerId, i64>,
    most: i64,
) -> Result<VecDeque<Chunk>, Problem> {
    let mut chunks = VecDeque::new();
    let (mut partners, mut facts) = (BTreeSet::new(), 0);
    let mut close = |partners: &mut BTreeSet<PartnerId>, facts: &mut i64| {
        if !partners.is_empty() {
            let partners = std::mem::take(partners);
            chunks.push_back(Chunk {
                partners: partners.len(),
                of: Of::Partners(partners),
                facts: std::mem::take(facts),
            });
        }
    };
    for (partner, count) in counts {
        within(name(ecosystem, &partner), count, most)?;
        if partners.len() >= PARTNERS || facts + count > FACTS {
            close(&mut partners, &mut facts);
        }
        partners.insert(partner);
        facts += count;
    }
    close(&mut partners, &mut facts);
    Ok(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(counts: &[i64], most: i64) -> Result<Vec<(usize, i64)>, Problem> {
        let counts = counts.iter().enumerate().map(|(at, count)| {
            let partner = PartnerId::try_new(&format!("p-{at:05}")).unwrap();
            (partner, *count)
        });
        let acme = EcosystemId::try_new("acme").unwrap();
        let chunks = in_chunks(&acme, counts.collect(), most)?;
        Ok(chunks
            .iter()
            .map(|chunk| (chunk.partners, chunk.facts))
            .collect())
    }

    #[test]
    fn partners_are_together_while_their_facts_are_few() {
        assert_eq!(sizes(&[], 10), Ok(vec![]));
        let few = sizes(&[1; 1_001], 10);
        assert_eq!(few, Ok(vec![(500, 500), (500, 500), (1, 1)]));
        let many = sizes(&[4_000, 6_000, 1, 9_999, 1, 30_000, 2], 30_000);
        let expected = vec![(2, 10_000), (2, 10_000), (1, 1), (1, 30_000), (1, 2)];
        assert_eq!(many, Ok(expected));
    }

    #[test]
    fn a_partner_with_too_many_facts_is_named() {
        let Err(Problem::Precondition { resource, requires }) = sizes(&[5, 11], 10) else {
            panic!("eleven are more than ten");
        };
        assert_eq!(resource, "ecosystems/acme/partners/p-00001");
        assert!(requires.contains("there are 11"), "{requires}");
    }
}
