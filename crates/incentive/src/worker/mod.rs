//! The worker of incentives: turns what happened to deals into facts, and facts into awards; and
//! does what falls due by the clock.
//!
//! It reads the change feed in batches, each batch one transaction: the facts, the awards that they
//! touch, their postings and the worker's place in the feed are written together or not at all.
//!
//! * [`facts`] makes facts of events, and totals of facts.
//! * [`registrations`] makes facts of what happened to registrations.
//! * [`recorded`] tells whom facts are about that others have recorded, and which days.
//! * [`catch_up`] looks at what was won before a plan version was scheduled.
//! * What falls due: first and last days of plan versions, and the ends of holds.

mod catch_up;
mod facts;
mod recorded;
mod registrations;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::future::BoxFuture;
use serde_json::json;
use trellis_core::lifecycle::Named;
use trellis_core::{Date, PlanId, ProgramId, TimeZone};
use trellis_store::event::{self, NewEvent};
use trellis_store::incentive::{award, plan_version};
use trellis_store::program::program;
use trellis_store::worker::{WorkError, Worker};
use trellis_store::{Txn, record};

use crate::Error;
use crate::award::awards::{rulebook_of, settle_all};
use crate::award::case::Case;
use crate::award::earned;
use crate::award::settle::Cases;
use crate::fact::known::Of;
use crate::fact::record::Recorded;
use crate::plan::lifecycle::{self, Verb};
use crate::plan::versions::resource;

/// Plan versions of one transaction of the sweep.
const VERSIONS: u64 = 100;

/// Awards of one transaction of the sweep.
const AWARDS: u64 = 500;

/// The worker of the incentive service.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accruals;

impl Accruals {
    /// Its name, which keys its place in the feed.
    pub const NAME: &'static str = "incentive.accruals";
}

impl Worker for Accruals {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn kinds(&self) -> Option<&'static [&'static str]> {
        Some(&[
            "deal.won",
            "deal.refunded",
            "deal.invoiced",
            "deal.churned",
            "deal.reopened",
            "plan_version.scheduled",
            "plan_version.retired",
            "facts.recorded",
            "registration.approved",
            "registration.revoked",
        ])
    }

    fn consume<'a>(
        &'a self,
        txn: &'a Txn,
        events: &'a [event::Model],
    ) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move { consume(txn, events).await.map_err(WorkError::new) })
    }

    fn sweep<'a>(&'a self, txn: &'a Txn) -> BoxFuture<'a, Result<usize, WorkError>> {
        Box::pin(async move { sweep(txn).await.map_err(WorkError::new) })
    }
}

async fn consume(txn: &Txn, events: &[event::Model]) -> Result<(), Error> {
    let of_deals = facts::take_in(txn, events).await?;
    let of_registrations = registrations::take_in(txn, events).await?;
    let recorded = events.iter().filter_map(Recorded::read);
    let touched = recorded::about(txn, of_deals, recorded.chain(of_registrations)).await?;
    earned::settle::settle(txn, &touched).await?;
    for event in events {
        match event.kind.as_str() {
            "plan_version.scheduled" => begin(txn).await?,
            "plan_version.retired" => {
                retired(txn, event).await?;
                begin(txn).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A version whose days were set may hold today, or no longer, and there may be a past to look at. Who
/// waits for the event that says so finds the version as it stays.
async fn begin(txn: &Txn) -> Result<(), Error> {
    turn_versions(txn).await?;
    catch_up::begin(txn).await
}

/// A version that is retired from today on no longer pays for today: what it had paid for the days
/// from then on is computed anew.
async fn retired(txn: &Txn, event: &event::Model) -> Result<(), Error> {
    let Some((plan, date)) = retirement(event) else {
        return Ok(());
    };
    let awards = award::of_plan_from(txn, &plan, date).await?;
    compute_anew(txn, awards).await?;
    earned::settle::settle_plan(txn, &plan, Of::Everybody).await
}

/// The plan and the day of a retirement, as its event tells them.
fn retirement(event: &event::Model) -> Option<(PlanId, Date)> {
    let plan = event.resource.split('/').nth(3)?;
    let date: Date = event.data.get("retire_date")?.as_str()?.parse().ok()?;
    Some((PlanId::try_new(plan).ok()?, date))
}

/// Computes awards anew from what is known of them.
async fn compute_anew(txn: &Txn, awards: Vec<award::Model>) -> Result<(), Error> {
    let rulebook = rulebook_of(txn, &awards).await?;
    settle_all(txn, awards, &rulebook).await?;
    Ok(())
}

/// Does a batch of what fell due; answers how much it was.
async fn sweep(txn: &Txn) -> Result<usize, Error> {
    let versions = turn_versions(txn).await?;
    let caught_up = catch_up::go_on(txn).await?;
    let due = award::due(txn, AWARDS).await?;
    let count = due.len();
    compute_anew(txn, due).await?;
    Ok(versions + caught_up + count)
}

/// Writes down which plan versions have begun to hold, and which have ceased to.
async fn turn_versions(txn: &Txn) -> Result<usize, Error> {
    let due = plan_version::lock_due(txn, VERSIONS).await?;
    let count = due.len();
    for mut version in due {
        while let Some(verb) = lifecycle::due(&version, txn.now()) {
            let from = version.state;
            let resource = resource(txn, &version);
            version.state = lifecycle::moved(from, verb, &resource)?;
            let kind = match verb {
                Verb::Activate => "plan_version.activated",
                Verb::Schedule | Verb::Retire => "plan_version.ended",
            };
            let data = json!({ "from": from.name(), "to": version.state.name() });
            let event = NewEvent::new(kind, resource)
                .because("DATE_REACHED")
                .with(data);
            event::append(txn, event);
            version = plan_version::update(txn, version).await?;
        }
    }
    Ok(count)
}

/// The time zones of some programs.
async fn zones(
    txn: &Txn,
    programs: BTreeSet<ProgramId>,
) -> Result<HashMap<ProgramId, TimeZone>, Error> {
    let programs = record::find_many::<program::Entity>(txn, programs).await?;
    let zones = programs.into_iter();
    Ok(zones
        .map(|program| (program.id, program.time_zone))
        .collect())
}

/// Cases, each once.
fn cases(all: impl IntoIterator<Item = Case>) -> Cases {
    all.into_iter()
        .map(|case| (case.key(), case))
        .collect::<BTreeMap<_, _>>()
}
