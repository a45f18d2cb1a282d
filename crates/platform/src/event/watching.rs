//! Tells events as they happen, for as long as somebody listens and may; and before that, if they ask
//! for it, what there is.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::vec::IntoIter;

use futures::stream::{self, BoxStream, StreamExt as _};
use prost_types::Any;
use tokio::time::timeout_at;
use tonic::Status;
use trellis_api::Standing;
use trellis_api::platform::v1 as pb;
use trellis_core::{Call, Filter};
use trellis_store::Store;
use trellis_store::event::{Begin, Model, Watch};

use super::convert::{complete, heartbeat, pulse, there_is, told, told_of, wire};
use super::events::enter;
use super::sight;
use super::snapshot::{Inside, Resources, Snapshot};
use crate::Error;

/// How often it is looked whether the credential has expired.
const LOOK: Duration = Duration::from_secs(1);

/// How soon after the beginning it is asked anew what the caller may: when nobody remembers any longer
/// what was known before.
const FIRST_CHECK: Duration = Duration::from_secs(6);

/// How often that is asked while the feed does not tell of it, because it is held back or what was
/// missed is read from the table.
const CHECK_UNTOLD: Duration = Duration::from_secs(3);

/// How often that is asked besides: for what no feed tells, such as an issuer that is trusted no more.
const CHECK: Duration = Duration::from_secs(60);

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) begin: Begin,
    pub(super) resources: Resources,
    pub(super) filter: Option<Filter>,
    pub(super) heartbeat: Duration,
}

/// Watches the feed.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when the ecosystem does not exist, `POSITION_UNKNOWN` when its feed has not come
/// to the position, `POSITION_EXPIRED` when events after it were removed, `PERMISSION_DENIED` when
/// resources are asked for that the caller may not list.
pub(super) async fn watch(
    store: &Store,
    inside: Arc<dyn Inside>,
    call: &Call,
    asked: Asked,
    standing: Standing,
) -> Result<BoxStream<'static, Result<pb::WatchEventsResponse, Status>>, Status> {
    let Asked {
        begin,
        resources,
        filter,
        heartbeat,
    } = asked;
    let kinds = resources.kinds(&standing)?;
    // The feed's place is taken here, before anything of a snapshot is read.
    let feed = Watch::begin(store, call, begin, filter).await;
    let feed = feed.map_err(Error::from)?;
    let of_partner = !call.scope.is_staff();
    if !of_partner && sight::sees_what_is_audited(&standing) {
        enter(store, call).await?;
    }
    let now = Instant::now();
    let watching = Watching {
        snapshot: kinds.map(|kinds| Snapshot::new(inside, &call.ecosystem, kinds)),
        resources: Vec::new().into_iter(),
        feed,
        of_partner,
        read: Vec::new().into_iter(),
        heartbeat,
        heartbeat_due: now,
        has_beaten: false,
        standing,
        look_due: now,
        checked: now,
        check_due: now + FIRST_CHECK,
    };
    Ok(stream::try_unfold(watching, Watching::next).boxed())
}

struct Watching {
    /// What of a snapshot is not read yet.
    snapshot: Option<Snapshot>,
    /// Resources that were read and are to be told.
    resources: IntoIter<Any>,
    feed: Watch,
    of_partner: bool,
    /// What was read and is to be told.
    read: IntoIter<Model>,
    heartbeat: Duration,
    heartbeat_due: Instant,
    has_beaten: bool,
    standing: Standing,
    look_due: Instant,
    /// When it was last asked what the caller may.
    checked: Instant,
    check_due: Instant,
}

impl Watching {
    async fn next(mut self) -> Result<Option<(pb::WatchEventsResponse, Self)>, Status> {
        loop {
            if let Some(model) = self.read.next() {
                // The first heartbeat waits for nothing but what had happened before.
                if self.has_beaten {
                    self.heartbeat_due = Instant::now() + self.heartbeat;
                }
                return Ok(Some((self.event(model), self)));
            }
            if let Some(resource) = self.resources.next() {
                self.heartbeat_due = Instant::now() + self.heartbeat;
                return Ok(Some((there_is(resource), self)));
            }
            self.look().await?;
            let now = Instant::now();
            if let Some(snapshot) = &mut self.snapshot {
                let Some(resources) = snapshot.read(&self.standing).await? else {
                    self.snapshot = None;
                    self.heartbeat_due = now;
                    return Ok(Some((complete(self.feed.position()), self)));
                };
                self.resources = resources.into_iter();
                if self.resources.len() == 0 && now >= self.heartbeat_due {
                    self.heartbeat_due = now + self.heartbeat;
                    return Ok(Some((pulse(), self)));
                }
            } else if !self.feed.has_told() {
                let read = self.feed.read().await.map_err(Error::from)?;
                self.read = read.into_iter();
            } else if now >= self.heartbeat_due {
                self.has_beaten = true;
                self.heartbeat_due = now + self.heartbeat;
                return Ok(Some((heartbeat(self.feed.position()), self)));
            } else {
                let until = self.heartbeat_due.min(self.look_due);
                if let Ok(news) = timeout_at(until.into(), self.feed.wait()).await {
                    news.map_err(Error::from)?;
                }
            }
        }
    }

    fn event(&self, model: Model) -> pb::WatchEventsResponse {
        told_of(match self.of_partner {
            true => told(wire(model)),
            false => wire(sight::seen(model, &self.standing).0),
        })
    }

    /// Looks whether the caller still may, when something says that they may not.
    async fn look(&mut self) -> Result<(), Status> {
        if let Some(since) = self.feed.take_access() {
            return self.check(since).await;
        }
        let now = Instant::now();
        if now < self.look_due {
            return Ok(());
        }
        self.look_due = now + LOOK;
        let untold = self.snapshot.is_some() || self.feed.is_held() || !self.feed.has_told();
        let due = match untold {
            true => self.check_due.min(self.checked + CHECK_UNTOLD),
            false => self.check_due,
        };
        if now >= due || self.standing.has_expired() {
            return self.check(self.checked).await;
        }
        Ok(())
    }

    async fn check(&mut self, since: Instant) -> Result<(), Status> {
        let now = Instant::now();
        match &self.snapshot {
            // The lists that it is read by may be another role's than the feed.
            Some(_) => self.standing.check_roles(since).await?,
            None => self.standing.check(since).await?,
        }
        (self.checked, self.check_due) = (now, now + CHECK);
        Ok(())
    }
}
