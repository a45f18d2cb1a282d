//! Letting a protection last longer. It runs in a transaction that holds the customer.

use trellis_api::name;
use trellis_core::{Problem, TimeZone, Timestamp};
use trellis_store::deal::deal::{self, Stage};
use trellis_store::deal::registration::{Entity, Model};
use trellis_store::deal::{protection, registration_activity as activity};
use trellis_store::event::{self, NewEvent};
use trellis_store::program::program;
use trellis_store::{Txn, record};

use super::lifecycle::{self, Verb};
use super::protection::{Window, extended};
use super::told::told;
use crate::{Error, absent};

/// How often a protection is extended.
const ONCE: i32 = 1;

/// How many days an activity speaks for progress.
const PROGRESS_DAYS: i32 = 30;

/// Extends the protection of a locked registration.
pub(super) async fn extend(
    txn: &Txn,
    mut registration: Model,
    resource: &str,
    note: String,
) -> Result<Model, Error> {
    registration.state = lifecycle::moved(registration.state, Verb::Extend, resource)?;
    let program = record::find::<program::Entity>(txn, &registration.program).await?;
    let program = program.ok_or_else(|| absent(txn, &registration.program))?;
    let refused = |requires: &str| Problem::Precondition {
        resource: resource.to_owned(),
        requires: requires.to_owned(),
    };
    let window = registration
        .protection_start_time
        .zip(registration.protection_end_time);
    let Some((start, end)) = window.filter(|(_, end)| *end > txn.now()) else {
        return Err(refused("its protection must not have ended").into());
    };
    if registration.extension_count >= ONCE {
        return Err(refused("its protection must not have been extended before").into());
    }
    let (days, stop) = (program.extension_days, program.hard_stop_days);
    let Some(end) = extended(Window { start, end }, days, stop, &program.time_zone) else {
        return Err(refused("its program must have days left to extend it by").into());
    };
    if !has_come_on(txn, &registration, start, &program.time_zone).await? {
        return Err(refused(
            "since its approval an activity of the last 30 days must have been logged, or its deal \
             must have come further than its first stage",
        )
        .into());
    }
    protection::extend(txn, &registration.id, end).await?;
    registration.protection_end_time = Some(end);
    registration.extension_count += 1;
    let registration = record::update::<Entity>(txn, registration).await?;
    event::append(
        txn,
        NewEvent::new(
            "registration.extended",
            name(txn.ecosystem(), &registration.id),
        )
        .noting(note)
        .for_partner(&registration.partner)
        .with(told(&registration)),
    );
    Ok(registration)
}

/// Whether there was progress since the approval: something was done and logged, or its deal has left
/// the stage in which deals begin and is not lost.
async fn has_come_on(
    txn: &Txn,
    registration: &Model,
    approved: Timestamp,
    zone: &TimeZone,
) -> Result<bool, Error> {
    let from = zone.local_date(txn.now()).plus_days(-PROGRESS_DAYS);
    let Model { id, partner, .. } = registration;
    if activity::any(txn, id, partner, approved, from).await? {
        return Ok(true);
    }
    let Some(deal) = &registration.deal else {
        return Ok(false);
    };
    let deal = record::find::<deal::Entity>(txn, deal).await?;
    Ok(deal.is_some_and(|deal| !matches!(deal.stage, Stage::Prospect | Stage::Lost)))
}
