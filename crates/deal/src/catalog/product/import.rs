//! Brings products from another system. One message of rows is one transaction; a row is found
//! again by its external id, and a rejected one changes nothing and stops nothing.

use std::collections::HashMap;

use trellis_api::deal::v1 as pb;
use trellis_api::import::{Outcome, Row};
use trellis_api::{Fields, name};
use trellis_core::{Call, FamilyId, ProductId, Violation, Written};
use trellis_store::deal::{product, product_family};
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, lock, record};

use super::convert::whole;
use super::products::{Edit, apply, fresh};
use crate::Error;
use crate::catalog::product_family::families;
use crate::edit::some;
use crate::error::overtaken;

/// One import at a time looks for new external ids, so that two of them never make the same one.
const LOCK: &str = "products/import";

/// A product as it stands elsewhere.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Its fields, all of them set.
    edit: Edit,
    /// Its family, by display name.
    family: Option<String>,
}

/// Reads each row of a message for itself.
pub(crate) fn rows(
    request: pb::ImportProductsRequest,
    fields: &mut Fields,
) -> Option<Vec<Row<Imported>>> {
    let rows = request.rows.into_iter().map(|row| {
        let product = row.product.as_ref();
        let external_id = product.map(|product| product.external_id.clone());
        let external_id = external_id.unwrap_or_default();
        Row::read(fields, row.row_number, external_id, row, imported)
    });
    Some(rows.collect())
}

fn imported(row: pb::ImportProductRow, fields: &mut Fields) -> Option<Imported> {
    let product = row.product?;
    let family = some(row.product_family_display_name);
    if product.external_id.is_empty() {
        fields.refuse(
            "product.external_id",
            "required",
            "is what finds the row again",
        );
    }
    if family.is_some() && !product.product_family.is_empty() {
        fields.refuse(
            "product_family_display_name",
            "exclusive",
            "must be empty beside product.product_family",
        );
    }
    let edit = whole(product, fields)?;
    Some(Imported { edit, family })
}

/// Imports one message of rows.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when the ecosystem does not exist. What is wrong with a row is its outcome.
pub async fn products(
    store: &Store,
    call: Call,
    rows: Vec<Row<Imported>>,
) -> Result<Written<pb::ImportProductsResponse>, Error> {
    store
        .write(call, rows, |txn, rows| async move {
            lock::keys(&txn, &[LOCK]).await?;
            let mut import = Import::begin(&txn, &rows).await?;
            let mut outcomes = Vec::with_capacity(rows.len());
            for row in rows {
                let outcome = match row.command {
                    Ok(imported) => import.row(&txn, &row.external_id, imported).await?,
                    Err(violations) => Outcome::Rejected(violations),
                };
                outcomes.push(outcome.wire(row.row_number, row.external_id));
            }
            import.finish(&txn).await?;
            Ok(pb::ImportProductsResponse { outcomes })
        })
        .await
}

/// What one message has found and made so far.
struct Import {
    known: HashMap<String, product::Model>,
    /// The external ids of those that this message makes; their rows are written at its end.
    made: Vec<String>,
    /// Whose each order number is.
    skus: HashMap<String, ProductId>,
    families: HashMap<String, FamilyId>,
    family_ids: Vec<FamilyId>,
}

impl Import {
    /// Looks up everything that the rows name, together.
    async fn begin(txn: &Txn, rows: &[Row<Imported>]) -> Result<Self, Error> {
        let ids = rows.iter().map(|row| row.external_id.clone());
        let known = product::lock_by_external_ids(txn, ids).await?;
        let wanted = || rows.iter().filter_map(|row| row.command.as_ref().ok());
        let skus = wanted().filter_map(|row| row.edit.sku.clone()?);
        let skus = product::by_skus(txn, skus).await?;
        let names = wanted().filter_map(|row| row.family.clone());
        let families = product_family::by_display_names(txn, names).await?;
        let ids = wanted().filter_map(|row| row.edit.product_family.clone()?);
        let by_id = record::find_many::<product_family::Entity>(txn, ids).await?;
        Ok(Self {
            known: known
                .into_iter()
                .filter_map(|product| Some((product.external_id.clone()?, product)))
                .collect(),
            made: Vec::new(),
            skus: skus
                .into_iter()
                .filter_map(|product| Some((product.sku?, product.id)))
                .collect(),
            families: families
                .into_iter()
                .map(|family| (family.display_name, family.id))
                .collect(),
            family_ids: by_id.into_iter().map(|family| family.id).collect(),
        })
    }

    async fn row(
        &mut self,
        txn: &Txn,
        external_id: &str,
        imported: Imported,
    ) -> Result<Outcome, Error> {
        let before = self.known.get(external_id).cloned();
        let violations = self.violations(txn, before.as_ref(), &imported);
        if !violations.is_empty() {
            return Ok(Outcome::Rejected(violations));
        }
        let Imported { mut edit, family } = imported;
        if let Some(display_name) = family {
            edit.product_family = Some(Some(self.family(txn, display_name).await?));
        }
        let Some(before) = before else {
            let id = ProductId::generate(txn.now());
            let resource = name(txn.ecosystem(), &id);
            self.made.push(external_id.to_owned());
            self.keep(external_id, fresh(txn, id, edit));
            event::append(
                txn,
                NewEvent::new("product.created", &resource).because("IMPORTED"),
            );
            return Ok(Outcome::Created(resource));
        };
        let resource = name(txn.ecosystem(), &before.id);
        let mut after = before.clone();
        apply(&mut after, edit);
        if after == before {
            return Ok(Outcome::Unchanged(resource));
        }
        if !self.made.iter().any(|made| made == external_id) {
            after = record::update::<product::Entity>(txn, after)
                .await
                .map_err(overtaken)?;
        }
        self.skus.retain(|_, id| *id != before.id);
        self.keep(external_id, after);
        event::append(
            txn,
            NewEvent::new("product.updated", &resource).because("IMPORTED"),
        );
        Ok(Outcome::Updated(resource))
    }

    /// What only the rows of others can tell to be wrong.
    fn violations(
        &self,
        txn: &Txn,
        before: Option<&product::Model>,
        imported: &Imported,
    ) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(Some(sku)) = &imported.edit.sku
            && let Some(id) = self.skus.get(sku)
            && before.is_none_or(|before| before.id != *id)
        {
            let holder = name(txn.ecosystem(), id);
            let description = format!("is the order number of {holder}");
            violations.push(Violation::new("product.sku", "unique", description));
        }
        if let Some(Some(family)) = &imported.edit.product_family
            && !self.family_ids.contains(family)
        {
            let field = "product.product_family";
            violations.push(Violation::new(field, "reference", "does not exist"));
        }
        violations
    }

    fn keep(&mut self, external_id: &str, product: product::Model) {
        if let Some(sku) = &product.sku {
            self.skus.insert(sku.clone(), product.id.clone());
        }
        self.known.insert(external_id.to_owned(), product);
    }

    /// The family of a display name, made if there is none.
    async fn family(&mut self, txn: &Txn, display_name: String) -> Result<FamilyId, Error> {
        if let Some(id) = self.families.get(&display_name) {
            return Ok(id.clone());
        }
        let id = FamilyId::generate(txn.now());
        let edit = families::Edit {
            display_name: Some(display_name.clone()),
            ..families::Edit::default()
        };
        let family = families::fresh(txn, id.clone(), edit);
        record::insert::<product_family::Entity>(txn, family)
            .await
            .map_err(overtaken)?;
        let resource = name(txn.ecosystem(), &id);
        let event = NewEvent::new("product_family.created", resource);
        event::append(txn, event.because("IMPORTED"));
        self.families.insert(display_name, id.clone());
        Ok(id)
    }

    async fn finish(mut self, txn: &Txn) -> Result<(), Error> {
        let made = self
            .made
            .iter()
            .filter_map(|external_id| self.known.remove(external_id));
        let made = made.collect();
        record::insert_many::<product::Entity>(txn, made)
            .await
            .map_err(overtaken)
    }
}
