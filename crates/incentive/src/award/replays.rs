//! Computes awards once more, and tells which come out otherwise. Nothing is written.

use trellis_api::incentive::v1 as pb;
use trellis_api::name;
use trellis_core::{AwardId, Call};
use trellis_evaluation::{evaluate, kernel};
use trellis_store::incentive::award::{self, Entity, Model};
use trellis_store::{Store, View, record};

use super::awards::rulebooks_of;
use super::case::Case;
use super::convert::wire_engine;
use super::earned::replay::{proven, replay};
use super::explain::facts_of;
use crate::Error;

/// How often an award that is being changed meanwhile is read anew.
const ATTEMPTS_MAX: u32 = 5;

/// Which awards are computed once more.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    /// Those after this one.
    pub(crate) after: Option<AwardId>,
    /// How many at most.
    pub(crate) limit: u64,
}

/// Computes awards once more.
///
/// # Errors
/// When a row cannot be read.
pub(crate) async fn replays(
    store: &Store,
    call: Call,
    replay: Replay,
) -> Result<pb::ReplayAwardsResponse, Error> {
    let view = store.read(&call).await?;
    let Replay { after, limit } = replay;
    let awards = award::after(&view, after, limit).await?;
    let whole = view.whole();
    let count = awards.len();
    let more = u64::try_from(count).is_ok_and(|count| count == limit);
    let last = awards.last().filter(|_| more);
    let last_award = last.map_or(String::new(), |last| name(view.ecosystem(), &last.id));
    let proven = proven(&whole, &awards).await?;
    let mut mismatches = Vec::new();
    for award in awards
        .into_iter()
        .filter(|award| !proven.contains(&award.id))
    {
        mismatches.extend(mismatch(&whole, award).await?);
    }
    Ok(pb::ReplayAwardsResponse {
        replayed_count: i32::try_from(count).unwrap_or(i32::MAX),
        mismatches,
        last_award,
    })
}

/// What comes out otherwise, if it does; not because the award is being changed meanwhile.
async fn mismatch(view: &View, mut award: Model) -> Result<Option<pb::AwardMismatch>, Error> {
    let mut replayed = hash(view, &award).await?;
    for _ in 1..ATTEMPTS_MAX {
        if replayed == award.trace_hash {
            return Ok(None);
        }
        let now = record::find::<Entity>(view, &award.id).await?;
        match now.filter(|now| now.version != award.version) {
            Some(now) => award = now,
            None => break,
        }
        replayed = hash(view, &award).await?;
    }
    let [engine, replay_engine] = match &award.basis {
        Some(basis) => [basis.engine_version, evaluate::ENGINE_VERSION].map(wire_engine),
        None => [kernel::trace::ENGINE_VERSION; 2],
    };
    Ok((replayed != award.trace_hash).then(|| pb::AwardMismatch {
        award: name(view.ecosystem(), &award.id),
        trace_hash: award.trace_hash,
        replay_hash: replayed,
        engine_version: engine,
        replay_engine_version: replay_engine,
    }))
}

/// The hash of what comes out; nothing where nothing does.
async fn hash(view: &View, award: &Model) -> Result<String, Error> {
    if let Some(basis) = &award.basis {
        let replayed = replay(view, award, basis).await?;
        return Ok(replayed.map_or(String::new(), |replayed| replayed.award.trace.hash()));
    }
    let known = facts_of(view, award).await?;
    let [rulebook, before] = rulebooks_of(view, std::slice::from_ref(award)).await?;
    let case = Case::of_award(award);
    let hash = case.hash(&case.evaluate(&rulebook, &known)?);
    if hash == award.trace_hash {
        return Ok(hash);
    }
    let hash_before = case.hash(&case.evaluate(&before, &known)?);
    let not_yet = hash_before == award.trace_hash;
    Ok(if not_yet { hash_before } else { hash })
}
