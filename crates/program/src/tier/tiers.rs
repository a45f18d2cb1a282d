//! The use cases of tiers. Each that writes is one transaction, which locks the tier's program
//! first: so no two of them, and no enrolment, see a tier come or go under their hands.

use trellis_api::program::v1 as pb;
use trellis_api::{Etag, child_name, name};
use trellis_core::{Call, Page, PageQuery, Problem, ProgramId, TierId, Written};
use trellis_store::event::{self, NewEvent};
use trellis_store::program::tier::{self, Model};
use trellis_store::program::{enrollment, program};
use trellis_store::{Store, Txn, View, record};

use super::change::{self, Standing};
use super::convert::wire;
use crate::Error;
use crate::error::exists;
use crate::program::programs;

/// Which tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Of which program.
    pub program: ProgramId,
    /// Which of them.
    pub id: TierId,
}

impl Key {
    fn resource(&self, view: &View) -> String {
        child_name(view.ecosystem(), &self.program, &self.id)
    }

    fn absent(&self, view: &View) -> Error {
        Problem::NotFound {
            resource: self.resource(view),
        }
        .into()
    }
}

/// What a tier says: everything that its owner sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The name that people read.
    pub display_name: String,
    /// Its place; 1 is the lowest.
    pub rank: i32,
    /// What it asks and gives.
    pub description: String,
    /// How many leads its holders are given, beside those of other tiers.
    pub lead_weight: i32,
}

/// Makes a tier.
#[derive(Clone, Debug)]
pub struct Create {
    /// Of which program.
    pub program: ProgramId,
    /// The id that the caller chose.
    pub id: Option<TierId>,
    /// What it says.
    pub terms: Terms,
}

/// Asks for tiers.
#[derive(Clone, Debug)]
pub struct List {
    /// Of which program.
    pub program: ProgramId,
    /// Which page.
    pub query: PageQuery,
}

/// Changes to what a tier says; `None` leaves a field as it is.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The name that people read.
    pub display_name: Option<String>,
    /// Its place.
    pub rank: Option<i32>,
    /// What it asks and gives.
    pub description: Option<String>,
    /// How many leads its holders are given, beside those of other tiers.
    pub lead_weight: Option<i32>,
}

/// Edits a tier.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub key: Key,
    /// The version that the caller read.
    pub etag: Etag,
    /// What to change.
    pub edit: Edit,
}

/// Deletes a tier.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Which one.
    pub key: Key,
    /// The version that the caller read.
    pub etag: Etag,
    /// Why, in a sentence.
    pub note: String,
}

/// Creates a tier.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` for the program; `RESOURCE_EXISTS` when the id or the rank is taken;
/// `PRECONDITION` when the program is retired.
pub async fn create(store: &Store, call: Call, create: Create) -> Result<Written<pb::Tier>, Error> {
    store
        .write(
            call,
            create,
            |txn, Create { program, id, terms }| async move {
                let id = id.unwrap_or_else(|| TierId::generate(txn.now()));
                let found = record::lock::<program::Entity>(&txn, &program).await?;
                let found = found.ok_or_else(|| programs::absent(&txn, &program))?;
                change::changeable(found.state, &name(txn.ecosystem(), &program))?;
                let key = Key { program, id };
                let resource = key.resource(&txn);
                let tier = tier::insert(&txn, new(&txn, key, terms))
                    .await
                    .map_err(|error| exists(error, &resource))?;
                keep_revision(&txn, found).await?;
                event::append(&txn, NewEvent::new("tier.created", resource));
                Ok(wire(tier))
            },
        )
        .await
}

fn new(txn: &Txn, key: Key, terms: Terms) -> Model {
    let Key { program, id } = key;
    let Terms {
        display_name,
        rank,
        description,
        lead_weight,
    } = terms;
    Model {
        ecosystem: txn.ecosystem().clone(),
        program,
        id,
        display_name,
        rank,
        description,
        lead_weight,
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
        delete_time: None,
    }
}

/// Gets a tier, also one that is deleted.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, key: Key) -> Result<pb::Tier, Error> {
    let view = store.read(&call).await?;
    // A tier is there for whom its program is.
    if record::find::<program::Entity>(&view, &key.program)
        .await?
        .is_none()
    {
        return Err(key.absent(&view));
    }
    let found = tier::find(&view, &key.program, &key.id).await?;
    Ok(wire(found.ok_or_else(|| key.absent(&view))?))
}

/// Lists the tiers of a program.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`; `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(store: &Store, call: Call, list: &List) -> Result<Page<pb::Tier>, Error> {
    let view = store.read(&call).await?;
    programs::find(&view, &list.program).await?;
    Ok(tier::page(&view, &list.program, &list.query)
        .await?
        .map(wire))
}

/// Changes what a tier says. Saying what it says already changes nothing.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also when it is deleted; `ETAG_MISMATCH`; `RESOURCE_EXISTS` when the rank
/// is taken; `PRECONDITION` when the program is retired.
pub async fn update(store: &Store, call: Call, update: Update) -> Result<Written<pb::Tier>, Error> {
    store
        .write(call, update, |txn, Update { key, etag, edit }| async move {
            let Locked {
                program,
                tier,
                resource,
            } = lock(&txn, &key, &etag).await?;
            let changed = edited(tier.clone(), edit);
            if changed == tier {
                return Ok(wire(tier));
            }
            let tier = tier::update(&txn, changed)
                .await
                .map_err(|error| exists(error, &resource))?;
            keep_revision(&txn, program).await?;
            event::append(&txn, NewEvent::new("tier.updated", resource));
            Ok(wire(tier))
        })
        .await
}

fn edited(mut tier: Model, edit: Edit) -> Model {
    let Edit {
        display_name,
        rank,
        description,
        lead_weight,
    } = edit;
    tier.display_name = display_name.unwrap_or(tier.display_name);
    tier.rank = rank.unwrap_or(tier.rank);
    tier.description = description.unwrap_or(tier.description);
    tier.lead_weight = lead_weight.unwrap_or(tier.lead_weight);
    tier
}

/// Deletes a tier softly.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also when it is deleted already; `ETAG_MISMATCH`; `PRECONDITION` when it
/// is held, or the last of an active program, or the program is retired.
pub async fn delete(store: &Store, call: Call, delete: Delete) -> Result<Written<pb::Tier>, Error> {
    store
        .write(call, delete, |txn, Delete { key, etag, note }| async move {
            let Locked {
                program,
                mut tier,
                resource,
            } = lock(&txn, &key, &etag).await?;
            let living = tier::living(&txn, &key.program).await?;
            let standing = Standing {
                program: program.state,
                held: enrollment::holds_tier(&txn, &key.program, &key.id).await?,
                has_others: living.iter().any(|other| other.id != key.id),
            };
            change::deletable(standing, &resource)?;
            tier.delete_time = Some(txn.now());
            let tier = tier::update(&txn, tier).await?;
            keep_revision(&txn, program).await?;
            event::append(&txn, NewEvent::new("tier.deleted", resource).noting(note));
            Ok(wire(tier))
        })
        .await
}

/// A living tier whose program is locked.
struct Locked {
    program: program::Model,
    tier: Model,
    resource: String,
}

/// Locks the program of a tier that can be changed, at the version that the caller read.
async fn lock(txn: &Txn, key: &Key, etag: &Etag) -> Result<Locked, Error> {
    let resource = key.resource(txn);
    let program = record::lock::<program::Entity>(txn, &key.program).await?;
    let tier = tier::find(txn, &key.program, &key.id).await?;
    let (
        Some(program),
        Some(
            tier @ Model {
                delete_time: None, ..
            },
        ),
    ) = (program, tier)
    else {
        return Err(key.absent(txn));
    };
    etag.check(tier.version, &resource)?;
    event::was(txn, wire(tier.clone()));
    change::changeable(program.state, &name(txn.ecosystem(), &key.program))?;
    Ok(Locked {
        program,
        tier,
        resource,
    })
}

/// Makes a revision of a program whose tiers have changed, if it is published.
async fn keep_revision(txn: &Txn, program: program::Model) -> Result<(), Error> {
    match program.state {
        program::State::Active => programs::revise(txn, program).await.map(drop),
        program::State::Draft | program::State::Retired => Ok(()),
    }
}
