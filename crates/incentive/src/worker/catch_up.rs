//! Looks at what was won on the days of a plan version before it was scheduled: a plan may begin in
//! the past, and pays for it.
//!
//! Most of the time there is nothing, or little, and it is done together with the event that tells
//! of the schedule. What is more than that is done by the sweep, a chunk at a time, from where the
//! last one ended.

use std::collections::BTreeSet;

use trellis_core::{Date, PartnerId};
use trellis_store::Txn;
use trellis_store::incentive::plan_version::{self, CatchUp, Model};
use trellis_store::incentive::{fact, recorded_fact};

use super::cases;
use crate::Error;
use crate::award::case::{Case, Known};
use crate::award::earned;
use crate::award::earned::book::is_earned;
use crate::award::rulebook::{Rulebook, Version};
use crate::award::settle::settle;
use crate::fact::known::Of;

/// Wins of one chunk.
const CHUNK: u64 = 500;

/// Partners of one chunk, where awards are computed from everything that is known of them.
const PARTNERS_AT_ONCE: usize = 50;

/// The same, as SQL counts.
const PARTNERS: u64 = 50;

/// Chunks that are done at once when a version is scheduled. With those of others in the same
/// batch, this bounds for how long the transaction holds its locks.
const CHUNKS_AT_ONCE: usize = 8;

/// Looks at the first wins of versions that were scheduled.
pub(super) async fn begin(txn: &Txn) -> Result<(), Error> {
    for _ in 0..CHUNKS_AT_ONCE {
        if go_on(txn).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// Looks at the next wins of a version; answers how many versions and wins that were.
pub(super) async fn go_on(txn: &Txn) -> Result<usize, Error> {
    let Some(version) = plan_version::catching_up(txn).await? else {
        return Ok(0);
    };
    if is_earned(&version) {
        return of_facts(txn, &version).await;
    }
    let after = version.catch_up.clone().and_then(|catch_up| catch_up.after);
    let (from, until): (Date, Option<Date>) = (version.effective_from, version.end());
    let wins = fact::wins_after(txn, after.as_ref(), from, until, CHUNK).await?;
    let count = wins.len();
    let more = u64::try_from(count).is_ok_and(|count| count == CHUNK);
    let last = wins.last().and_then(|win| {
        let partner = win.partner.clone()?;
        Some((partner, win.occur_date, win.deal.clone(), win.win))
    });
    award(txn, &version, wins).await?;
    let rest = more.then_some(CatchUp {
        after: last,
        after_partner: None,
    });
    plan_version::set_catch_up(txn, &version, rest).await?;
    Ok(count + 1)
}

async fn award(txn: &Txn, version: &Model, wins: Vec<fact::Model>) -> Result<(), Error> {
    let Some(ready) = Version::new(version.clone()) else {
        return Ok(());
    };
    let cases = cases(wins.iter().filter_map(|win| Case::of_win(&ready, win)));
    let versions = plan_version::of_plans(txn, [version.plan.clone()]).await?;
    settle(txn, &cases, &Rulebook::new(versions), Known::default()).await?;
    Ok(())
}

/// Looks at everything that is known of the next partners.
async fn of_facts(txn: &Txn, version: &Model) -> Result<usize, Error> {
    let after = version
        .catch_up
        .clone()
        .and_then(|catch_up| catch_up.after_partner);
    let after = after.as_ref();
    let mut partners = BTreeSet::new();
    partners.extend(fact::partners_after(txn, after, PARTNERS).await?);
    partners.extend(recorded_fact::partners_after(txn, after, PARTNERS).await?);
    let chunk: BTreeSet<PartnerId> = partners.into_iter().take(PARTNERS_AT_ONCE).collect();
    let (count, last) = (chunk.len(), chunk.last().cloned());
    if !chunk.is_empty() {
        earned::settle::settle_plan(txn, &version.plan, Of::Partners(chunk)).await?;
    }
    let rest = (count == PARTNERS_AT_ONCE).then_some(CatchUp {
        after: None,
        after_partner: last,
    });
    plan_version::set_catch_up(txn, version, rest).await?;
    Ok(count + 1)
}
