//! The use cases of enrolments. Each that writes is one transaction.

use trellis_api::program::v1 as pb;
use trellis_api::{Etag, Mask, child_name, name};
use trellis_core::{
    Call, EnrollmentId, Page, PageQuery, PartnerId, Problem, ProductId, ProgramId, TerritoryId,
    TierId, Written,
};
use trellis_store::deal::reference::{self, Missing, References};
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner;
use trellis_store::program::enrollment::{self, Entity, Model, Products, State, Territories};
use trellis_store::program::{program, tier};
use trellis_store::{Store, Txn, View, record};

use super::convert::wire;
use super::eligibility;
use crate::Error;
use crate::error::exists;
use crate::program::programs;

/// Enrols a partner in a program.
#[derive(Clone, Debug)]
pub struct Create {
    /// The id that the caller chose.
    pub id: Option<EnrollmentId>,
    /// The program.
    pub program: ProgramId,
    /// The partner.
    pub partner: PartnerId,
    /// The tier to begin at; the lowest if none is named.
    pub tier: Option<TierId>,
    /// Where, for what and how many leads it is given.
    pub leads: Leads,
}

/// Where, for what and how many leads a partner is given.
#[derive(Clone, Debug)]
pub struct Leads {
    /// Where; nowhere named means everywhere.
    pub territories: Vec<TerritoryId>,
    /// For what; nothing named means everything.
    pub products: Vec<ProductId>,
    /// How many it may have open at a time; 0: any number.
    pub capacity: i32,
}

/// Changes to an enrolment; `None` leaves a field as it is.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Where the partner is given leads.
    pub territories: Option<Vec<TerritoryId>>,
    /// What it is given leads for.
    pub products: Option<Vec<ProductId>>,
    /// How many it may have open at a time.
    pub capacity: Option<i32>,
}

/// Edits an enrolment.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub id: EnrollmentId,
    /// The version that the caller read.
    pub etag: Etag,
    /// Which fields the caller sent.
    pub mask: Mask,
    /// What to change.
    pub edit: Edit,
}

/// Enrols a partner in a program.
///
/// The program is kept as it is until the transaction ends, so that the tier is not deleted
/// meanwhile; other partners enrol at the same time.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` for the program, the partner or the tier; `PRECONDITION` when the partner
/// or the program is not active; `RESOURCE_EXISTS` when the id is taken or the partner is enrolled.
pub async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::Enrollment>, Error> {
    store
        .write(call, create, |txn, create| async move {
            admit(&txn, &create).await?;
            let Create {
                id,
                program,
                partner,
                tier,
                leads,
            } = create;
            all_exist(&txn, &leads.territories, &leads.products).await?;
            if let Some(found) = enrollment::membership(&txn, &program, &partner).await? {
                return Err(enrolled(&txn, &found.enrollment.id).into());
            }
            let tier = place(&txn, &program, tier).await?;
            let enrollment = Model {
                ecosystem: txn.ecosystem().clone(),
                id: id.unwrap_or_else(|| EnrollmentId::generate(txn.now())),
                program,
                partner,
                tier,
                state: State::Enrolled,
                enroll_time: txn.now(),
                territories: Territories(leads.territories),
                products: Products(leads.products),
                lead_capacity: leads.capacity,
                version: 1,
                create_time: txn.now(),
                update_time: txn.now(),
            };
            Ok(wire(add(&txn, enrollment).await?))
        })
        .await
}

/// Changes where, for what and how many leads a partner is given.
///
/// # Errors
/// `INVALID_FIELDS` when something else would change; `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`.
pub async fn update(
    store: &Store,
    call: Call,
    update: Update,
) -> Result<Written<pb::Enrollment>, Error> {
    store
        .write(
            call,
            update,
            |txn,
             Update {
                 id,
                 etag,
                 mask,
                 edit,
             }| async move {
                let resource = name(txn.ecosystem(), &id);
                let found = record::lock::<Entity>(&txn, &id).await?;
                let mut enrollment = found.ok_or_else(|| absent(&txn, &id))?;
                etag.check(enrollment.version, &resource)?;
                event::was(&txn, wire(enrollment.clone()));
                mask.unchanged(&wire(enrollment.clone()))?;
                let Edit {
                    territories,
                    products,
                    capacity,
                } = edit;
                all_exist(
                    &txn,
                    territories.as_deref().unwrap_or_default(),
                    products.as_deref().unwrap_or_default(),
                )
                .await?;
                if let Some(territories) = territories {
                    enrollment.territories = Territories(territories);
                }
                if let Some(products) = products {
                    enrollment.products = Products(products);
                }
                enrollment.lead_capacity = capacity.unwrap_or(enrollment.lead_capacity);
                let enrollment = record::update::<Entity>(&txn, enrollment).await?;
                event::append(
                    &txn,
                    NewEvent::new("enrollment.updated", resource)
                        .for_partner(&enrollment.partner)
                        .with(told(&enrollment)),
                );
                Ok(wire(enrollment))
            },
        )
        .await
}

/// Checks that the territories and products that are named exist.
async fn all_exist(
    txn: &Txn,
    territories: &[TerritoryId],
    products: &[ProductId],
) -> Result<(), Error> {
    let named = References {
        territories: territories.iter().cloned().collect(),
        products: products.iter().cloned().collect(),
        ..References::default()
    };
    let found = reference::look_up(&txn.whole(), &named).await?;
    let resource = match found.missing.first() {
        Some(Missing::Territory(id)) => name(txn.ecosystem(), id),
        Some(Missing::Product(id)) => name(txn.ecosystem(), id),
        _ => return Ok(()),
    };
    Err(Problem::NotFound { resource }.into())
}

/// Checks that the partner and the program are there and active, and holds the program.
async fn admit(txn: &Txn, create: &Create) -> Result<(), Error> {
    let found = program::hold(txn, &create.program).await?;
    let program = found.ok_or_else(|| programs::absent(txn, &create.program))?;
    let resource = name(txn.ecosystem(), &create.partner);
    let found = record::find::<partner::Entity>(txn, &create.partner).await?;
    let partner = found.ok_or_else(|| Problem::NotFound {
        resource: resource.clone(),
    })?;
    eligibility::program_takes_partners(&program, &name(txn.ecosystem(), &create.program))?;
    Ok(eligibility::partner_can_enrol(
        &partner,
        txn.now(),
        &resource,
    )?)
}

/// The tier that an enrolment begins at.
async fn place(txn: &Txn, program: &ProgramId, asked: Option<TierId>) -> Result<TierId, Error> {
    let living = tier::living(txn, program).await?;
    let Some(asked) = asked else {
        let lowest = eligibility::lowest(living).ok_or_else(|| Problem::Precondition {
            resource: name(txn.ecosystem(), program),
            requires: "the program must have a tier".to_owned(),
        })?;
        return Ok(lowest.id);
    };
    if living.iter().any(|tier| tier.id == asked) {
        Ok(asked)
    } else {
        let resource = child_name(txn.ecosystem(), program, &asked);
        Err(Problem::NotFound { resource }.into())
    }
}

/// Adds the row of an enrolment and reports it.
async fn add(txn: &Txn, enrollment: Model) -> Result<Model, Error> {
    let resource = name(txn.ecosystem(), &enrollment.id);
    let enrollment = match record::insert::<Entity>(txn, enrollment).await {
        Ok(enrollment) => enrollment,
        // Somebody enrolled the partner since it was looked up: the next run finds that enrolment
        // and names it.
        Err(trellis_store::Error::Exists { field }) if field == "partner" => {
            return Err(trellis_store::Error::Contended.into());
        }
        Err(error) => return Err(exists(error, &resource)),
    };
    event::append(
        txn,
        NewEvent::new("enrollment.created", resource)
            .for_partner(&enrollment.partner)
            .with(told(&enrollment)),
    );
    Ok(enrollment)
}

/// What events say of an enrolment.
fn told(enrollment: &Model) -> serde_json::Value {
    let ecosystem = &enrollment.ecosystem;
    serde_json::json!({
        "program": name(ecosystem, &enrollment.program),
        "partner": name(ecosystem, &enrollment.partner),
        "tier": child_name(ecosystem, &enrollment.program, &enrollment.tier),
    })
}

/// The partner is in the program by another enrolment.
fn enrolled(txn: &Txn, id: &EnrollmentId) -> Problem {
    Problem::Exists {
        resource: name(txn.ecosystem(), id),
        field: "partner".to_owned(),
    }
}

/// Gets an enrolment.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, id: EnrollmentId) -> Result<pb::Enrollment, Error> {
    let view = store.read(&call).await?;
    let found = record::find::<Entity>(&view, &id).await?;
    Ok(wire(found.ok_or_else(|| absent(&view, &id))?))
}

/// Lists enrolments.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::Enrollment>, Error> {
    let view = store.read(&call).await?;
    Ok(record::page::<Entity>(&view, query).await?.map(wire))
}

fn absent(view: &View, id: &EnrollmentId) -> Error {
    Problem::NotFound {
        resource: name(view.ecosystem(), id),
    }
    .into()
}
