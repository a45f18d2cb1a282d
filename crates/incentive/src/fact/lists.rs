//! Lists what was recorded.

use trellis_api::incentive::v1 as pb;
use trellis_core::{Call, Page, PageQuery};
use trellis_store::Store;
use trellis_store::incentive::{exchange_rate, quota, recorded_fact};

use super::wire;
use crate::Error;

/// Lists facts.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub(crate) async fn facts(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::RecordedFact>, Error> {
    let view = store.read(&call).await?;
    let Page { rows, next } = recorded_fact::page(&view, query).await?;
    let rows: Result<Vec<_>, Error> = rows.into_iter().map(wire::fact).collect();
    Ok(Page { rows: rows?, next })
}

/// Lists quotas.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub(crate) async fn quotas(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::RecordedQuota>, Error> {
    let view = store.read(&call).await?;
    let Page { rows, next } = quota::page(&view, query).await?;
    Ok(Page {
        rows: rows.into_iter().map(wire::quota).collect(),
        next,
    })
}

/// Lists exchange rates.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub(crate) async fn exchange_rates(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::RecordedExchangeRate>, Error> {
    let view = store.read(&call).await?;
    let Page { rows, next } = exchange_rate::page(&view, query).await?;
    Ok(Page {
        rows: rows.into_iter().map(wire::exchange_rate).collect(),
        next,
    })
}
