//! Following the feed for somebody: what their scope may read of it, as it comes.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use trellis_core::{Call, Filter, Position};

use super::holds::{holds, is_plain};
use super::place::{START, head, head_until, require};
use super::removed::stands;
use super::shown::is_shown;
use super::tail::{Batch, CHUNK, News, Tail};
use super::{Model, between};
use crate::{Error, Store, View};

/// Where somebody begins to follow the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// After a place.
    After(Position),
    /// With what happens from now on.
    Now,
    /// With the first event.
    First,
}

/// The place of the last event up to another place that the view's scope may read.
async fn shown_until(view: &View, place: Position) -> Result<Position, Error> {
    if view.scope().is_staff() {
        return Ok(place);
    }
    head_until(view, place).await
}

/// Somebody who follows the feed.
///
/// First comes from the table what had happened before, then what everybody who follows is handed.
/// Whoever has missed some of that goes back to the table until they have caught up.
pub struct Watch {
    view: View,
    filter: Option<Filter>,
    tail: Arc<Tail>,
    news: Receiver<News>,
    /// What was handed out and not looked at yet.
    handed: Option<Arc<Batch>>,
    /// Up to where the table is still to be read.
    behind: Option<Position>,
    /// Up to where everything has been told.
    place: Position,
    /// The same, as far as the scope may know it.
    shown: Position,
    access: Option<Instant>,
}

impl Watch {
    /// Begins to follow.
    ///
    /// # Errors
    /// As for [`Store::read`]; [`Error::PositionUnknown`], [`Error::PositionExpired`].
    pub async fn begin(
        store: &Store,
        call: &Call,
        begin: Begin,
        filter: Option<Filter>,
    ) -> Result<Self, Error> {
        let view = store.read(call).await?;
        let tail = store.feed().tails().of(&view).await?;
        let (place, at) = match begin {
            Begin::After(place) => {
                stands(&view, place).await?;
                require(&view, place).await?;
                (place, place)
            }
            Begin::First => {
                stands(&view, START).await?;
                (START, START)
            }
            Begin::Now => {
                let place = head(&view.whole()).await?;
                (place, shown_until(&view, place).await?)
            }
        };
        let (news, to) = tail.subscribe();
        Ok(Self {
            view,
            filter,
            tail,
            news,
            handed: None,
            behind: (place < to).then_some(to),
            place,
            shown: at,
            access: None,
        })
    }

    /// Waits until there may be something to read. To stop waiting loses nothing.
    ///
    /// # Errors
    /// What has kept the feed from being read for some seconds.
    pub async fn wait(&mut self) -> Result<(), Error> {
        if !self.has_told() {
            return Ok(());
        }
        match self.news.recv().await {
            Ok(handed) => self.handed = Some(handed?),
            Err(RecvError::Lagged(_)) => {
                let (news, to) = self.tail.subscribe();
                self.news = news;
                self.behind = Some(to);
                // Whether anything of what was missed gave or took access is not known.
                self.access = Some(Instant::now());
            }
            Err(RecvError::Closed) => return Err(Error::Panicked),
        }
        Ok(())
    }

    /// Whether everything has been told that was come upon.
    #[must_use]
    pub fn has_told(&self) -> bool {
        self.handed.is_none() && self.behind.is_none()
    }

    /// The next events; none when there is nothing to read.
    ///
    /// # Errors
    /// [`Error::PositionExpired`] when they were removed before they were read; [`Error::Driver`] and its kin.
    pub async fn read(&mut self) -> Result<Vec<Model>, Error> {
        if let Some(to) = self.behind {
            return self.read_table(to).await;
        }
        match self.handed.take() {
            Some(batch) => self.read_handed(&batch).await,
            None => Ok(Vec::new()),
        }
    }

    async fn read_table(&mut self, to: Position) -> Result<Vec<Model>, Error> {
        let events = self.between(self.place, to).await?;
        // What was removed until now may have come before these.
        stands(&self.view, self.place).await?;
        let is_all = u64::try_from(events.len()).is_ok_and(|count| count < CHUNK);
        match events.last() {
            Some(last) if !is_all => {
                self.place = last.position();
                self.shown = self.place;
            }
            _ => {
                self.shown = self.shown.max(shown_until(&self.view, to).await?);
                self.place = self.place.max(to);
                self.behind = None;
            }
        }
        Ok(events)
    }

    async fn read_handed(&mut self, batch: &Batch) -> Result<Vec<Model>, Error> {
        self.access = batch.access.or(self.access);
        let from = self.place;
        let fresh = |event: &&Model| event.position() > from && is_shown(self.view.scope(), event);
        let fresh: Vec<&Model> = batch.events.iter().filter(fresh).collect();
        let last = fresh.last().map(|event| event.position());
        let told = match &self.filter {
            _ if fresh.is_empty() => Vec::new(),
            Some(filter) if is_plain(filter) => {
                let told = fresh.into_iter().filter(|event| holds(filter, event));
                told.cloned().collect()
            }
            Some(_) => self.between(from, batch.to).await?,
            None => fresh.into_iter().cloned().collect(),
        };
        self.place = from.max(batch.to);
        self.shown = last.unwrap_or(self.shown);
        Ok(told)
    }

    /// The first of what may be told after one place and up to another; of a batch that is all.
    async fn between(&self, after: Position, to: Position) -> Result<Vec<Model>, Error> {
        between(&self.view, (after, to), self.filter.as_ref(), CHUNK).await
    }

    /// Up to where everything has been told, as far as the scope may know it: whoever begins after it
    /// misses nothing.
    #[must_use]
    pub fn position(&self) -> Position {
        if self.view.scope().is_staff() {
            self.place
        } else {
            self.shown
        }
    }

    /// The moment since which it is not known what the caller may read, if there is one: access was
    /// given or taken, perhaps to others.
    pub fn take_access(&mut self) -> Option<Instant> {
        self.access.take()
    }

    /// Whether there is something that cannot be read yet, because an older transaction still runs.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.tail.is_held()
    }
}
