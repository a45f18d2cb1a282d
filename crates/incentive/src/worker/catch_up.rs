//! Looks at what was won on the days of a plan version before it was scheduled: a plan may begin in
//! the past, and pays for it. Awards of versions that it takes days from are computed anew first, so
//! that nothing is paid twice meanwhile.
//!
//! Most of the time there is nothing, or little, and it is done together with the event that tells
//! of the schedule. What is more than that is done by the sweep, a chunk at a time, from where the
//! last one ended.

use std::collections::BTreeSet;

use trellis_core::{AwardId, Date, PartnerId};
use trellis_store::Txn;
use trellis_store::incentive::plan_version::{self, CatchUp, Model};
use trellis_store::incentive::{award, fact, recorded_fact};

use super::{cases, compute_anew};
use crate::Error;
use crate::award::case::{Case, Known};
use crate::award::earned;
use crate::award::rulebook::Rulebook;
use crate::award::settle::settle;
use crate::fact::known::Of;

/// Wins, or awards, of one chunk.
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
    let rulebook = Rulebook::new(plan_version::of_plans(txn, [version.plan.clone()]).await?);
    let CatchUp {
        takes_days,
        after_award,
        after,
        after_partner,
    } = version.catch_up.clone().unwrap_or_default();
    if rulebook.is_beyond(&version.plan) {
        return of_facts(txn, &version, after_partner).await;
    }
    if takes_days {
        return of_awards(txn, &version, after_award).await;
    }
    let (from, until): (Date, Option<Date>) = (version.effective_from, version.end());
    let wins = fact::wins_after(txn, after.as_ref(), from, until, CHUNK).await?;
    let count = wins.len();
    let more = u64::try_from(count).is_ok_and(|count| count == CHUNK);
    let last = wins.last().and_then(|win| {
        let partner = win.partner.clone()?;
        Some((partner, win.occur_date, win.deal.clone(), win.win))
    });
    award(txn, &version, &rulebook, wins).await?;
    let rest = more.then_some(CatchUp {
        after: last,
        ..CatchUp::default()
    });
    plan_version::set_catch_up(txn, &version, rest).await?;
    Ok(count + 1)
}

async fn award(
    txn: &Txn,
    version: &Model,
    rulebook: &Rulebook,
    wins: Vec<fact::Model>,
) -> Result<(), Error> {
    let Some(ready) = rulebook.numbered(&version.plan, version.number) else {
        return Ok(());
    };
    let held = wins.iter().filter(|win| {
        let holding = rulebook.holding_on(win.occur_date);
        let mut numbers = holding.map(|version| version.model.number);
        numbers.any(|number| number == version.number)
    });
    let cases = cases(held.filter_map(|win| Case::of_win(ready, win)));
    settle(txn, &cases, rulebook, Known::default()).await?;
    Ok(())
}

/// Computes the next awards anew of versions from which days were taken.
async fn of_awards(txn: &Txn, version: &Model, after: Option<AwardId>) -> Result<usize, Error> {
    let days = (version.effective_from, version.end());
    let awards = award::of_plan_after(txn, &version.plan, days, after.as_ref(), CHUNK).await?;
    let count = awards.len();
    let more = u64::try_from(count).is_ok_and(|count| count == CHUNK);
    let last = awards.last().map(|award| award.id.clone());
    compute_anew(txn, awards).await?;
    let rest = CatchUp {
        takes_days: more,
        after_award: last.filter(|_| more),
        ..CatchUp::default()
    };
    plan_version::set_catch_up(txn, version, Some(rest)).await?;
    Ok(count + 1)
}

/// Looks at everything that is known of the next partners.
async fn of_facts(txn: &Txn, version: &Model, after: Option<PartnerId>) -> Result<usize, Error> {
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
        after_partner: last,
        ..CatchUp::default()
    });
    plan_version::set_catch_up(txn, version, rest).await?;
    Ok(count + 1)
}
