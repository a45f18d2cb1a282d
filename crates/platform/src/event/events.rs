//! The use cases of the change feed. None writes.

use trellis_api::platform::v1 as pb;
use trellis_core::{Call, Page, PageQuery, Position};
use trellis_store::{Store, event};

use super::convert::{told, wire};
use crate::Error;

/// Asks for events.
#[derive(Clone, Debug)]
pub struct List {
    /// Only what came after.
    pub after: Position,
    /// Which, and how many.
    pub query: PageQuery,
}

/// Lists events, oldest first.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request; `POSITION_UNKNOWN` when the feed
/// has not come to the position.
pub async fn list(store: &Store, call: Call, list: &List) -> Result<Page<pb::Event>, Error> {
    let view = store.read(&call).await?;
    let page = event::page(&view, list.after, &list.query).await?.map(wire);
    Ok(if view.scope().is_staff() {
        page
    } else {
        page.map(told)
    })
}

/// The place of the newest event that can be listed.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when the ecosystem does not exist.
pub async fn position(store: &Store, call: Call) -> Result<Position, Error> {
    Ok(event::head(&store.read(&call).await?).await?)
}
