//! Following the feed in memory, for whoever holds something beside the database that is read from it.
//!
//! A worker's place stands in the database and only grows. What is held in memory needs two things
//! more. It must know of a change as soon as its commit can be read: on PostgreSQL the feed tells of one
//! only when no older transaction runs any more, so what the feed does not tell yet is looked at as
//! well. And it must notice that the database is another one, because somebody restored it beneath the
//! running server.

use std::collections::BTreeSet;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{DatabaseBackend, QuerySelect};
use trellis_core::Position;

use super::place::{InOrder, START, at, of_ecosystem, settled, tuple};
use super::{COLUMN, Model};
use crate::{Error, View};

/// Events that are read at a time, of each sort.
const CHUNK: u64 = 1_000;

/// How far the feed of an ecosystem is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// The newest event of those that no later commit can precede.
    newest: Option<Model>,
    /// The places of those that were met before the feed told of them.
    ahead: BTreeSet<Position>,
}

/// What has happened since.
#[derive(Clone, Debug)]
pub struct News {
    /// What it happened to: names of resources.
    pub resources: BTreeSet<String>,
    /// How far the feed is known by that.
    pub known: Known,
    /// Whether there is more to read from there.
    pub more: bool,
}

impl Known {
    /// How far the feed goes now. What is read afterwards holds all of it.
    ///
    /// # Errors
    /// [`Error::Driver`] and its kin.
    pub async fn now(view: &View) -> Result<Self, Error> {
        Ok(Self {
            newest: newest(view).await?,
            ahead: BTreeSet::new(),
        })
    }

    /// What events of some kinds tell since; nothing when the feed is not the one that was known, so
    /// that all that was read must be read again.
    ///
    /// Of what the feed does not tell yet, only the newest thousand are looked at.
    ///
    /// # Errors
    /// [`Error::Driver`] and its kin.
    pub async fn news(&self, view: &View, kinds: &[&str]) -> Result<Option<News>, Error> {
        let newest = newest(view).await?;
        if newest != self.newest && !self.goes_on_to(view, newest.as_ref()).await? {
            return Ok(None);
        }
        let told = self.until(view, place_of(newest.as_ref()), kinds).await?;
        let more = told.len() as u64 == CHUNK;
        let newest = if more { told.last().cloned() } else { newest };
        let place = place_of(newest.as_ref());
        let untold = if more {
            Vec::new()
        } else {
            untold(view, place, kinds).await?
        };
        let met: BTreeSet<Position> = told.iter().chain(&untold).map(Model::position).collect();
        let is_all = !more && (untold.len() as u64) < CHUNK;
        let is_gone = |at: &Position| (is_all || *at <= place) && !met.contains(at);
        if self.ahead.iter().any(is_gone) {
            return Ok(None);
        }
        let fresh = told.iter().chain(&untold);
        let fresh = fresh.filter(|event| !self.ahead.contains(&event.position()));
        let resources = fresh.map(|event| event.resource.clone()).collect();
        let ahead = self.ahead.iter().copied().filter(|at| *at > place);
        let ahead = ahead.chain(untold.iter().map(Model::position)).collect();
        Ok(Some(News {
            resources,
            known: Self { newest, ahead },
            more,
        }))
    }

    /// Whether the feed that is known goes on to this event: in the same life, and with what was its
    /// newest event where it was and as it was.
    async fn goes_on_to(&self, view: &View, newest: Option<&Model>) -> Result<bool, Error> {
        let Some(known) = &self.newest else {
            return Ok(true);
        };
        let follows =
            |newest: &Model| newest.epoch == known.epoch && newest.position() > known.position();
        if !newest.is_some_and(follows) {
            return Ok(false);
        }
        let select = of_ecosystem(view).filter(at().eq(tuple(known.position())));
        let found = select.one(&view.db()).await?;
        // What it tells of the resource may have been erased.
        let found = found.map(|found| Model {
            state: known.state.clone(),
            ..found
        });
        Ok(found.as_ref() == Some(known))
    }

    /// The next events after the known ones up to a place, oldest first.
    async fn until(
        &self,
        view: &View,
        place: Position,
        kinds: &[&str],
    ) -> Result<Vec<Model>, Error> {
        let from = place_of(self.newest.as_ref());
        if from == place {
            return Ok(Vec::new());
        }
        let select = settled(view, from)
            .filter(at().lte(tuple(place)))
            .filter(COLUMN.kind.is_in(kinds.iter().copied()))
            .oldest_first()
            .limit(CHUNK);
        Ok(select.all(&view.db()).await?)
    }
}

fn place_of(event: Option<&Model>) -> Position {
    event.map_or(START, Model::position)
}

/// The newest event that no later commit can precede.
async fn newest(view: &View) -> Result<Option<Model>, Error> {
    let select = settled(view, START).newest_first();
    Ok(select.one(&view.db()).await?)
}

/// The newest committed events after a place that the feed does not tell yet, or just began to.
async fn untold(view: &View, place: Position, kinds: &[&str]) -> Result<Vec<Model>, Error> {
    if view.db().get_database_backend() == DatabaseBackend::Sqlite {
        return Ok(Vec::new());
    }
    let select = of_ecosystem(view)
        .filter(at().gt(tuple(place)))
        .filter(COLUMN.kind.is_in(kinds.iter().copied()))
        .newest_first()
        .limit(CHUNK);
    Ok(select.all(&view.db()).await?)
}
