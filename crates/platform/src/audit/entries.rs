//! The use cases of the trail's entries.

use trellis_api::platform::v1 as pb;
use trellis_core::{Call, Page, PageQuery};
use trellis_store::Store;
use trellis_store::audit::entry;

use super::convert::wire;
use crate::Error;

/// Lists entries, oldest first.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub(super) async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::AuditEntry>, Error> {
    let view = store.read(&call).await?;
    Ok(entry::page(&view, query).await?.map(wire))
}
