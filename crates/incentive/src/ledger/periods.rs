//! Periods: which there are, and closing one.

use trellis_api::incentive::v1 as pb;
use trellis_api::{date, name, time};
use trellis_core::{
    Call, Cursor, EcosystemId, LedgerPeriodId, Page, PageQuery, Period, Problem, Value, Written,
};
use trellis_store::event::{self, NewEvent};
use trellis_store::incentive::ledger::period::{self, Model};
use trellis_store::{Store, View};

use super::lifecycle::{self, State, Verb};
use crate::Error;
use crate::today::today;

/// Which period is closed.
#[derive(Clone, Debug)]
pub(super) struct Close {
    pub(super) id: LedgerPeriodId,
    pub(super) note: String,
}

/// The periods that there are: from the one of the first journal to the current one.
struct Calendar {
    first: Period,
    current: Period,
    /// The first one that is not closed.
    open: Period,
}

impl Calendar {
    async fn read(view: &View) -> Result<Self, Error> {
        let current = period::of(today(view).await?);
        let first = period::first_day(view).await?.map_or(current, period::of);
        let open = period::open_from(view).await?.map_or(first, period::of);
        // A program's day may be ahead of the ecosystem's, and its journals then, too.
        Ok(Self {
            first: first.min(current),
            current,
            open,
        })
    }

    fn has(&self, period: Period) -> bool {
        (self.first..=self.current).contains(&period)
    }

    fn state(&self, period: Period) -> State {
        if period < self.open {
            State::Closed
        } else {
            State::Open
        }
    }
}

/// Gets a period.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(super) async fn get(
    store: &Store,
    call: Call,
    id: LedgerPeriodId,
) -> Result<pb::LedgerPeriod, Error> {
    let view = store.read(&call).await?;
    if let Some(closed) = period::find(&view, &id).await? {
        return Ok(wire_closed(closed));
    }
    let calendar = Calendar::read(&view).await?;
    if !calendar.has(id.period()) {
        return Err(absent(&view, &id));
    }
    Ok(wire_open(view.ecosystem(), id.period()))
}

/// Lists periods, the oldest first.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another list.
pub(super) async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::LedgerPeriod>, Error> {
    let after = query.after.as_ref().map(place).transpose()?;
    let view = store.read(&call).await?;
    let calendar = Calendar::read(&view).await?;
    let closed = period::closed(&view).await?.into_iter().map(wire_closed);
    let open = std::iter::successors(Some(calendar.open), |period| Some(period.next()))
        .take_while(|period| *period <= calendar.current)
        .map(|period| wire_open(view.ecosystem(), period));
    let size = usize::try_from(query.size).unwrap_or(usize::MAX);
    let mut rows: Vec<pb::LedgerPeriod> = closed
        .chain(open)
        .filter(|period| after.as_ref().is_none_or(|after| period.name > *after))
        .collect();
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more);
    let next = next.map(|last| Cursor(vec![Value::Text(last.name.clone())]));
    Ok(Page { rows, next })
}

fn place(Cursor(values): &Cursor) -> Result<String, Error> {
    match &values[..] {
        [Value::Text(name)] => Ok(name.clone()),
        _ => Err(trellis_store::Error::BadCursor.into()),
    }
}

/// Closes a period.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ILLEGAL_TRANSITION`, `PERIOD_NOT_OVER`, `EARLIER_PERIOD_OPEN`.
pub(super) async fn close(
    store: &Store,
    call: Call,
    close: Close,
) -> Result<Written<pb::LedgerPeriod>, Error> {
    store
        .write(call, close, |txn, Close { id, note }| async move {
            period::lock(&txn).await?;
            let (calendar, asked) = (Calendar::read(&txn).await?, id.period());
            let resource = name(txn.ecosystem(), &id);
            if !calendar.has(asked) {
                return Err(absent(&txn, &id));
            }
            lifecycle::moved(calendar.state(asked), Verb::Close, &resource)?;
            if asked >= calendar.current {
                return Err(Error::PeriodNotOver {
                    resource,
                    end: asked.end(),
                });
            }
            if asked > calendar.open {
                let earliest = LedgerPeriodId::of(calendar.open);
                return Err(Error::EarlierPeriodOpen {
                    resource,
                    earliest: name(txn.ecosystem(), &earliest),
                });
            }
            let closed = period::close(&txn, asked).await?;
            let data = serde_json::json!({
                "start_date": closed.start_date.to_string(),
                "end_date": closed.end_date.to_string(),
                "journal_count": closed.journal_count,
            });
            let event = NewEvent::new("ledger_period.closed", resource);
            event::append(&txn, event.noting(note).with(data));
            Ok(wire_closed(closed))
        })
        .await
}

fn absent(view: &View, id: &LedgerPeriodId) -> Error {
    Problem::NotFound {
        resource: name(view.ecosystem(), id),
    }
    .into()
}

fn wire_open(ecosystem: &EcosystemId, period: Period) -> pb::LedgerPeriod {
    pb::LedgerPeriod {
        name: name(ecosystem, &LedgerPeriodId::of(period)),
        start_date: Some(date::wire(period.start())),
        end_date: Some(date::wire(period.end())),
        state: pb::ledger_period::State::Open.into(),
        journal_count: None,
        closer: String::new(),
        close_time: None,
    }
}

fn wire_closed(closed: Model) -> pb::LedgerPeriod {
    let Model {
        ecosystem,
        id,
        start_date,
        end_date,
        journal_count,
        closer,
        close_time,
    } = closed;
    pb::LedgerPeriod {
        name: name(&ecosystem, &id),
        start_date: Some(date::wire(start_date)),
        end_date: Some(date::wire(end_date)),
        state: pb::ledger_period::State::Closed.into(),
        journal_count: Some(journal_count),
        closer: closer.to_string(),
        close_time: Some(time::wire(close_time)),
    }
}
