//! The use cases of house accounts. Each that writes is one transaction.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::{
    AccountId, Call, FamilyId, HouseAccountId, Page, PageQuery, Problem, ProductId, ProgramId,
    TerritoryId, Timestamp, Violation, Written,
};
use trellis_store::deal::house_account::{self, Entity, Families, Model, Territories};
use trellis_store::deal::product_family;
use trellis_store::deal::reference::References;
use trellis_store::deal::registration::Products;
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, View, record};

use super::convert::wire;
use crate::edit::set;
use crate::{Error, absent, all_exist, exists};

/// Makes a house account.
#[derive(Clone, Debug)]
pub struct Create {
    /// The id that the caller chose.
    pub id: Option<HouseAccountId>,
    /// What is kept.
    pub kept: Kept,
}

/// What a house account keeps to the vendor.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The customer.
    pub account: AccountId,
    /// The program that it is kept from.
    pub program: Option<ProgramId>,
    /// The products that it is kept for.
    pub products: Vec<ProductId>,
    /// The families whose products it is kept for.
    pub product_families: Vec<FamilyId>,
    /// Where.
    pub territories: Vec<TerritoryId>,
    /// Why, in a sentence.
    pub note: Option<String>,
    /// From when on.
    pub valid_from_time: Option<Timestamp>,
    /// Until when.
    pub valid_until_time: Option<Timestamp>,
}

/// Changes to a house account; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// The customer.
    pub account: Option<AccountId>,
    /// The program that it is kept from.
    pub program: Option<Option<ProgramId>>,
    /// The products that it is kept for.
    pub products: Option<Vec<ProductId>>,
    /// The families whose products it is kept for.
    pub product_families: Option<Vec<FamilyId>>,
    /// Where.
    pub territories: Option<Vec<TerritoryId>>,
    /// Why, in a sentence.
    pub note: Option<Option<String>>,
    /// From when on.
    pub valid_from_time: Option<Option<Timestamp>>,
    /// Until when.
    pub valid_until_time: Option<Option<Timestamp>>,
}

/// Edits a house account.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub id: HouseAccountId,
    /// The version that the caller read.
    pub etag: Etag,
    /// What to change.
    pub edit: Edit,
}

/// Deletes a house account.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Which one.
    pub id: HouseAccountId,
    /// The version that the caller read.
    pub etag: Etag,
    /// Why, in a sentence.
    pub note: String,
}

/// Creates a house account.
///
/// # Errors
/// `INVALID_FIELDS` when it would end before it begins, `RESOURCE_NOT_FOUND` when something that it
/// names does not exist, `RESOURCE_EXISTS` when the id is taken.
pub async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::HouseAccount>, Error> {
    store
        .write(call, create, |txn, Create { id, kept }| async move {
            let id = id.unwrap_or_else(|| HouseAccountId::generate(txn.now()));
            let resource = name(txn.ecosystem(), &id);
            let mut house = fresh(&txn, id, kept);
            valid(&txn, &mut house).await?;
            let house = record::insert::<Entity>(&txn, house)
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(&txn, NewEvent::new("house_account.created", resource));
            Ok(wire(house))
        })
        .await
}

fn fresh(txn: &Txn, id: HouseAccountId, kept: Kept) -> Model {
    let Kept {
        account,
        program,
        products,
        product_families,
        territories,
        note,
        valid_from_time,
        valid_until_time,
    } = kept;
    Model {
        ecosystem: txn.ecosystem().clone(),
        id,
        account,
        program,
        products: Products(products),
        product_families: Families(product_families),
        territories: Territories(territories),
        note,
        valid_from_time,
        valid_until_time,
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    }
}

/// Checks that a house account lasts, and that what it names exists.
async fn valid(view: &View, house: &mut Model) -> Result<(), Error> {
    if let (Some(from), Some(until)) = (house.valid_from_time, house.valid_until_time)
        && until <= from
    {
        let field = "house_account.valid_until_time";
        let description = format!("must be later than valid_from_time, which is {from}");
        let violation = Violation::new(field, "valid_until_time.valid_from_time", description);
        return Err(Problem::Invalid(vec![violation]).into());
    }
    let named = References {
        partners: [].into(),
        programs: house.program.iter().cloned().collect(),
        accounts: [house.account.clone()].into(),
        products: house.products.0.iter().cloned().collect(),
        territories: house.territories.0.iter().cloned().collect(),
    };
    all_exist(view, &named).await?.stand_for(&mut house.account);
    let families = house.product_families.0.iter().cloned();
    let found = record::find_many::<product_family::Entity>(view, families).await?;
    let missing = |id: &&FamilyId| !found.iter().any(|family| family.id == **id);
    match house.product_families.0.iter().find(missing) {
        Some(family) => Err(absent(view, family)),
        None => Ok(()),
    }
}

/// Gets a house account.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, id: HouseAccountId) -> Result<pb::HouseAccount, Error> {
    let view = store.read(&call).await?;
    let house = record::find::<Entity>(&view, &id).await?;
    Ok(wire(house.ok_or_else(|| absent(&view, &id))?))
}

/// Lists house accounts.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::HouseAccount>, Error> {
    let view = store.read(&call).await?;
    Ok(record::page::<Entity>(&view, query).await?.map(wire))
}

/// Edits a house account.
///
/// # Errors
/// `INVALID_FIELDS` when it would end before it begins; `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`.
pub async fn update(
    store: &Store,
    call: Call,
    update: Update,
) -> Result<Written<pb::HouseAccount>, Error> {
    store
        .write(call, update, |txn, Update { id, etag, edit }| async move {
            let (mut house, resource) = lock(&txn, &id, &etag).await?;
            apply(&mut house, edit);
            valid(&txn, &mut house).await?;
            let house = record::update::<Entity>(&txn, house).await?;
            event::append(&txn, NewEvent::new("house_account.updated", resource));
            Ok(wire(house))
        })
        .await
}

/// Deletes a house account; answers it as it was.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`.
pub async fn delete(
    store: &Store,
    call: Call,
    delete: Delete,
) -> Result<Written<pb::HouseAccount>, Error> {
    store
        .write(call, delete, |txn, Delete { id, etag, note }| async move {
            let (house, resource) = lock(&txn, &id, &etag).await?;
            house_account::remove(&txn, &id).await?;
            event::append(
                &txn,
                NewEvent::new("house_account.deleted", resource).noting(note),
            );
            Ok(wire(house))
        })
        .await
}

async fn lock(txn: &Txn, id: &HouseAccountId, etag: &Etag) -> Result<(Model, String), Error> {
    let resource = name(txn.ecosystem(), id);
    let house = record::lock::<Entity>(txn, id).await?;
    let house = house.ok_or_else(|| absent(txn, id))?;
    etag.check(house.version, &resource)?;
    event::was(txn, wire(house.clone()));
    Ok((house, resource))
}

fn apply(house: &mut Model, edit: Edit) {
    let Edit {
        account,
        program,
        products,
        product_families,
        territories,
        note,
        valid_from_time,
        valid_until_time,
    } = edit;
    set(&mut house.account, account);
    set(&mut house.program, program);
    set(&mut house.products, products.map(Products));
    set(&mut house.product_families, product_families.map(Families));
    set(&mut house.territories, territories.map(Territories));
    set(&mut house.note, note);
    set(&mut house.valid_from_time, valid_from_time);
    set(&mut house.valid_until_time, valid_until_time);
}
