//! The use cases of the change feed. None writes.

use trellis_api::Standing;
use trellis_api::platform::v1 as pb;
use trellis_core::{Call, Page, PageQuery, Position};
use trellis_store::audit::{self, Draft};
use trellis_store::{Store, event};

use super::convert::{told, wire};
use super::sight;
use crate::Error;

/// Asks for events.
#[derive(Clone, Debug)]
pub struct List {
    /// Only what came after; all that there is, without one.
    pub after: Option<Position>,
    /// Which, and how many.
    pub query: PageQuery,
}

/// Lists events, oldest first, as the caller may see them; and tells up to where those before them were
/// removed, if any were.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request; `POSITION_UNKNOWN` when the feed
/// has not come to the position, `POSITION_EXPIRED` when events after it were removed.
pub async fn list(
    store: &Store,
    call: Call,
    list: &List,
    by: &Standing,
) -> Result<(Page<pb::Event>, Option<Position>), Error> {
    let view = store.read(&call).await?;
    let (page, oldest) = event::page(&view, list.after, &list.query).await?;
    if !view.scope().is_staff() {
        return Ok((page.map(|event| told(wire(event))), oldest));
    }
    let mut is_audited = false;
    let page = page.map(|event| {
        let (event, audited) = sight::seen(event, by);
        is_audited |= audited;
        wire(event)
    });
    if is_audited {
        enter(store, &call).await?;
    }
    Ok((page, oldest))
}

/// Enters in the audit trail that somebody reads what is sensitive.
///
/// # Errors
/// [`trellis_store::Error::Driver`] and its kin.
pub(super) async fn enter(store: &Store, call: &Call) -> Result<(), Error> {
    let draft = Draft::of(call, store.clock_now());
    audit::record(store, &call.ecosystem, draft.into_iter().collect()).await?;
    Ok(())
}

/// The place of the newest event that can be listed.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when the ecosystem does not exist.
pub async fn position(store: &Store, call: Call) -> Result<Position, Error> {
    Ok(event::head(&store.read(&call).await?).await?)
}
