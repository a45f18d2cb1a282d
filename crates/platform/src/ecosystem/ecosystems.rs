//! The use cases of ecosystems. Each that writes is one transaction.

use std::time::Duration;

use trellis_api::platform::v1 as pb;
use trellis_api::{Etag, Mask, ecosystem_name};
use trellis_core::{
    Call, Currency, EcosystemId, Page, PageQuery, Principal, Problem, TimeZone, Written,
};
use trellis_store::event::{self, NewEvent};
use trellis_store::platform::ecosystem::{self, Model};
use trellis_store::worker::CLOCK_ADVANCED;
use trellis_store::{Store, Txn};

use super::convert::wire;
use crate::Error;

/// Makes an ecosystem. Its id is the call's.
#[derive(Clone, Debug)]
pub struct Create {
    /// Its fields.
    pub edit: Edit,
    /// Whether its clock can be moved.
    pub sandbox: bool,
}

/// Changes to the fields that an owner sets; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// The name that people read.
    pub display_name: Option<String>,
    /// Where its days begin and end.
    pub time_zone: Option<TimeZone>,
    /// The currency of its reports.
    pub currency: Option<Currency>,
}

/// Edits an ecosystem.
#[derive(Clone, Debug)]
pub struct Update {
    /// The version that the caller read.
    pub etag: Etag,
    /// What to change.
    pub edit: Edit,
    /// Which fields the caller named, to find those that cannot be changed.
    pub mask: Mask,
}

/// Advances a sandbox's clock.
#[derive(Clone, Debug)]
pub struct Advance {
    /// How far forward.
    pub by: Duration,
}

/// Creates an ecosystem.
///
/// # Errors
/// `RESOURCE_EXISTS` when its id is taken.
pub async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::Ecosystem>, Error> {
    store
        .found(call, create, |txn, Create { edit, sandbox }| async move {
            let now = txn.now();
            let mut ecosystem = Model {
                ecosystem: txn.ecosystem().clone(),
                display_name: String::new(),
                time_zone: TimeZone::utc(),
                currency: Currency::USD,
                sandbox,
                clock_offset: 0,
                version: 1,
                create_time: now,
                update_time: now,
            };
            apply(&mut ecosystem, edit);
            let name = ecosystem_name(txn.ecosystem());
            let ecosystem =
                ecosystem::insert(&txn, ecosystem)
                    .await
                    .map_err(|error| match error {
                        trellis_store::Error::Exists { field } => Error::from(Problem::Exists {
                            resource: name.clone(),
                            field,
                        }),
                        other => other.into(),
                    })?;
            event::append(&txn, NewEvent::new("ecosystem.created", name));
            Ok(wire(ecosystem, now))
        })
        .await
}

/// Gets an ecosystem.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call) -> Result<pb::Ecosystem, Error> {
    let view = store.read(&call).await?;
    let ecosystem = ecosystem::get(&view)
        .await?
        .ok_or_else(|| absent(view.ecosystem()))?;
    Ok(wire(ecosystem, view.now()))
}

/// Lists the ecosystems of the deployment.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    principal: &Principal,
    query: &PageQuery,
) -> Result<Page<pb::Ecosystem>, Error> {
    let now = store.clock_now();
    let page = store.read_all().page(principal.ecosystems(), query).await?;
    Ok(page.map(|ecosystem| {
        let offset = Duration::from_micros(u64::try_from(ecosystem.clock_offset).unwrap_or(0));
        wire(ecosystem, now.saturating_add(offset))
    }))
}

/// Edits the fields that an owner sets.
///
/// # Errors
/// `INVALID_FIELDS` when `sandbox` would change; `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`.
pub async fn update(
    store: &Store,
    call: Call,
    update: Update,
) -> Result<Written<pb::Ecosystem>, Error> {
    store
        .write(
            call,
            update,
            |txn, Update { etag, edit, mask }| async move {
                let mut ecosystem = lock(&txn).await?;
                let name = ecosystem_name(txn.ecosystem());
                etag.check(ecosystem.version, &name)?;
                mask.unchanged(&wire(ecosystem.clone(), txn.now()))?;
                apply(&mut ecosystem, edit);
                let ecosystem = ecosystem::update(&txn, ecosystem).await?;
                event::append(&txn, NewEvent::new("ecosystem.updated", name));
                Ok(wire(ecosystem, txn.now()))
            },
        )
        .await
}

/// Advances a sandbox's clock, and waits until the workers have done what fell due.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `NOT_A_SANDBOX`, `POSITION_NOT_REACHED`.
pub async fn advance(
    store: &Store,
    call: Call,
    advance: Advance,
) -> Result<Written<pb::Ecosystem>, Error> {
    let read = call.clone();
    let written = store
        .write(call, advance, |txn, Advance { by }| async move {
            let mut ecosystem = lock(&txn).await?;
            let name = ecosystem_name(txn.ecosystem());
            if !ecosystem.sandbox {
                return Err(Error::NotASandbox { resource: name });
            }
            let by_micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            ecosystem.clock_offset = ecosystem.clock_offset.saturating_add(by_micros);
            let ecosystem = ecosystem::update(&txn, ecosystem).await?;
            let now = txn.now().saturating_add(by);
            let data = serde_json::json!({ "clock_time": now.to_string() });
            event::append(&txn, NewEvent::new(CLOCK_ADVANCED, name).with(data));
            Ok(wire(ecosystem, now))
        })
        .await?;
    if written.position.is_some() {
        store
            .read(&Call {
                min_position: written.position,
                ..read
            })
            .await?;
    }
    Ok(written)
}

async fn lock(txn: &Txn) -> Result<Model, Error> {
    let ecosystem = ecosystem::lock(txn)
        .await?
        .ok_or_else(|| absent(txn.ecosystem()))?;
    event::was(txn, wire(ecosystem.clone(), txn.now()));
    Ok(ecosystem)
}

fn apply(ecosystem: &mut Model, edit: Edit) {
    let Edit {
        display_name,
        time_zone,
        currency,
    } = edit;
    if let Some(display_name) = display_name {
        ecosystem.display_name = display_name;
    }
    if let Some(time_zone) = time_zone {
        ecosystem.time_zone = time_zone;
    }
    if let Some(currency) = currency {
        ecosystem.currency = currency;
    }
}

fn absent(ecosystem: &EcosystemId) -> Error {
    Problem::NotFound {
        resource: ecosystem_name(ecosystem),
    }
    .into()
}
