//! The use cases of the trail's entries.

use trellis_api::ecosystem_name;
use trellis_api::platform::v1 as pb;
use trellis_core::{Actor, Call, Page, PageQuery, Written};
use trellis_store::Store;
use trellis_store::audit::{Draft, entry};
use trellis_store::erasure::{self, Erased};
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

/// Erases somebody's name from all entries, and enters for each of them that it was; and before that from
/// what the feed told of resources, and the answers that name them. It is done in steps, and stays so when a
/// later one fails.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when the ecosystem does not exist; `REQUEST_ID_REUSED`, which erases nothing.
pub(super) async fn erase(
    store: &Store,
    call: Call,
    name: Actor,
) -> Result<Written<pb::ErasePersonalDataResponse>, Error> {
    if let Some(done) = store.answered(&call).await? {
        return Ok(done);
    }
    let erased = match call.validate_only {
        true => None,
        false => {
            let by = Draft::of(&call, store.clock_now());
            Some(erasure::erase(store, &call.ecosystem, &name, by.as_ref()).await?)
        }
    };
    store
        .write(call, name, move |txn, name| async move {
            let erased = match erased {
                Some(erased) => erased,
                None => Erased {
                    entries: erasure::count_entries(&txn, &name).await?,
                    states: 0,
                    answers: 0,
                },
            };
            let data = serde_json::json!({
                "entries": erased.entries,
                "states": erased.states,
                "answers": erased.answers,
            });
            let ecosystem = ecosystem_name(txn.ecosystem());
            event::append(
                &txn,
                NewEvent::new("audit.names_erased", ecosystem).with(data),
            );
            let erased_count = i64::try_from(erased.entries).unwrap_or(i64::MAX);
            Ok::<_, Error>(pb::ErasePersonalDataResponse { erased_count })
        })
        .await
}
