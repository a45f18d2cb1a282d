//! Runs a backtest as a stream: chunk by chunk over one snapshot of the facts, then what it comes to.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use trellis_api::incentive::v1 as pb;
use trellis_core::{Call, PartnerId};
use trellis_store::incentive::standing::{self, Profile};
use trellis_store::{Store, View};

use super::budget::Budgets;
use super::chunks::{Chunk, chunks};
use super::compute::{self, Facts};
use super::report::Report;
use super::sides::{Days, Sides};
use super::wire;
use crate::Error;
use crate::plan::asked::Asked;

/// How many run at a time. Each holds a snapshot of the database, and keeps a core busy.
const AT_ONCE: usize = 2;

/// Partners of one message.
const MESSAGE: usize = 500;

/// Partners of one statement, so that the bound values stay within what SQLite takes.
const CHUNK: usize = 500;

/// What is asked.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Backtest {
    pub(super) asked: Asked,
    pub(super) days: Days,
}

/// Runs backtests, a few at a time.
#[derive(Clone)]
pub(in crate::plan) struct Backtests {
    store: Store,
    turns: Arc<Semaphore>,
    facts_max: i64,
}

/// The answers of a backtest.
pub(in crate::plan) type Messages = BoxStream<'static, Result<pb::BacktestPlanResponse, Error>>;

impl Backtests {
    /// Runs them over a store, none with more facts at once than so many.
    pub(in crate::plan) fn new(store: Store, facts_max: i64) -> Self {
        Self {
            store,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            facts_max,
        }
    }

    /// Runs one when its turn comes. What is refused is refused before the stream begins.
    ///
    /// # Errors
    /// As for [`Sides::read`]; `PRECONDITION` when there are too many facts to be computed at once.
    pub(in crate::plan) async fn run(
        &self,
        call: Call,
        backtest: Backtest,
    ) -> Result<Messages, Error> {
        let turn = self.turns.clone().acquire_owned().await;
        // Nobody closes it.
        let turn = turn.map_err(|_| trellis_store::Error::Panicked)?;
        let view = self.store.snapshot(&call).await?;
        let Backtest { asked, days } = backtest;
        let sides = Sides::read(&view, &asked, days).await?;
        let chunks = chunks(&view, &sides, self.facts_max).await?;
        let report = Report {
            budgets: Budgets::new(&sides),
            ..Report::default()
        };
        let running = Running {
            progress: pb::BacktestProgress {
                partner_count: wire::count(chunks.iter().map(|chunk| chunk.partners).sum()),
                fact_count: chunks.iter().map(|chunk| chunk.facts).sum(),
                ..pb::BacktestProgress::default()
            },
            view,
            sides: Arc::new(sides),
            chunks,
            report,
            _turn: turn,
        };
        let steps = stream::try_unfold(State::Begun(Box::new(running)), |state| state.step());
        Ok(steps.boxed())
    }
}

/// How far one has come.
struct Running {
    /// Dropped with everything else as soon as nothing is read any longer, or nobody waits.
    view: View,
    sides: Arc<Sides>,
    chunks: VecDeque<Chunk>,
    report: Report,
    progress: pb::BacktestProgress,
    _turn: OwnedSemaphorePermit,
}

enum State {
    Begun(Box<Running>),
    Computing(Box<Running>),
    Telling {
        partners: VecDeque<pb::BacktestPartner>,
        result: Box<pb::BacktestResult>,
    },
    Told,
}

type Step = Result<Option<(pb::BacktestPlanResponse, State)>, Error>;

impl State {
    async fn step(self) -> Step {
        match self {
            Self::Begun(running) => Ok(Some((
                wire::progress(running.progress),
                Self::Computing(running),
            ))),
            Self::Computing(mut running) => match running.chunks.pop_front() {
                Some(chunk) => {
                    running.compute(chunk).await?;
                    let progress = wire::progress(running.progress);
                    Ok(Some((progress, Self::Computing(running))))
                }
                None => Ok(Some(running.finish().await?)),
            },
            Self::Telling { partners, result } => Ok(Some(tell(partners, result))),
            Self::Told => Ok(None),
        }
    }
}

/// The next partners, or at last the result.
fn tell(
    mut partners: VecDeque<pb::BacktestPartner>,
    result: Box<pb::BacktestResult>,
) -> (pb::BacktestPlanResponse, State) {
    if partners.is_empty() {
        return (wire::result(*result), State::Told);
    }
    let rest = partners.split_off(MESSAGE.min(partners.len()));
    let message = wire::partners(partners.into());
    let partners = rest;
    (message, State::Telling { partners, result })
}

impl Running {
    async fn compute(&mut self, chunk: Chunk) -> Result<(), Error> {
        let facts = Facts::read(&self.view, &self.sides, &chunk.of).await?;
        let (sides, mut report) = (self.sides.clone(), std::mem::take(&mut self.report));
        // Where it holds up no other call.
        let computed = tokio::task::spawn_blocking(move || {
            compute::add(&mut report, &sides, &facts).map(|()| report)
        });
        // It cannot be stopped from outside; whoever brought it down has been told of.
        self.report = computed
            .await
            .map_err(|_| trellis_store::Error::Panicked)??;
        self.progress.done_partner_count += wire::count(chunk.partners);
        self.progress.done_fact_count += chunk.facts;
        Ok(())
    }

    async fn finish(self) -> Result<(pb::BacktestPlanResponse, State), Error> {
        let profiles = profiles(&self.view, &self.report).await?;
        let ecosystem = self.view.ecosystem();
        let partners = wire::all_partners(ecosystem, &self.report)?;
        let result = wire::outcome(&wire::Finished {
            ecosystem,
            known_time: self.view.now(),
            sides: &self.sides,
            computed: self.progress,
            report: &self.report,
            profiles: &profiles,
        })?;
        Ok(tell(partners.into(), Box::new(result)))
    }
}

/// What those partners are today that get anything.
async fn profiles(view: &View, report: &Report) -> Result<HashMap<PartnerId, Profile>, Error> {
    let currencies = report.currencies.values();
    let mut partners: Vec<PartnerId> = currencies
        .flat_map(|of| of.partners.keys().cloned())
        .collect();
    partners.sort_unstable();
    partners.dedup();
    let mut profiles = HashMap::with_capacity(partners.len());
    for chunk in partners.chunks(CHUNK) {
        profiles.extend(standing::of_partners(view, chunk).await?);
    }
    Ok(profiles)
}
