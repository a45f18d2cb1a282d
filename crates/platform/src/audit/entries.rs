//! The use cases of the trail's entries.

use trellis_api::ecosystem_name;
use trellis_api::platform::v1 as pb;
use trellis_core::{Actor, Call, Page, PageQuery, Written};
use trellis_store::Store;
use trellis_store::audit::{Draft, entry};
use trellis_store::event::{self, NewEvent};

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

/// Erases somebody's name from all entries, and enters for each of them that it was; and before that the
/// states of resources that name them from the feed.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when the ecosystem does not exist.
pub(super) async fn erase(
    store: &Store,
    call: Call,
    name: Actor,
) -> Result<Written<pb::ErasePersonalDataResponse>, Error> {
    let by = Draft::of(&call, store.clock_now());
    let states = match call.validate_only {
        true => 0,
        false => event::erase(store, &call.ecosystem, &name).await?,
    };
    store
        .write(call, (name, by), move |txn, (name, by)| async move {
            let erased = entry::erase(&txn, &name, by).await?;
            let data = serde_json::json!({ "entries": erased, "states": states });
            let ecosystem = ecosystem_name(txn.ecosystem());
            event::append(
                &txn,
                NewEvent::new("audit.names_erased", ecosystem).with(data),
            );
            let erased_count = i64::try_from(erased).unwrap_or(i64::MAX);
            Ok::<_, Error>(pb::ErasePersonalDataResponse { erased_count })
        })
        .await
}
