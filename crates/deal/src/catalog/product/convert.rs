//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, Field, Fields, name};
use trellis_core::{FamilyId, Money, PageQuery, ProductId};
use trellis_store::deal::product::Model;

use super::products::{Create, Edit, Update};
use crate::edit::{not_negative, some};

/// What lists filter and order by.
pub const FIELDS: &[Field] = &[
    Field::id::<FamilyId>("product_family"),
    Field::text("display_name").sortable(),
    Field::text("sku"),
    Field::text("external_id"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

/// The fields that an update may change.
const MUTABLE: &[&str] = &[
    "display_name",
    "product_family",
    "sku",
    "list_price",
    "external_id",
];

/// A product on the wire.
#[must_use]
pub fn wire(product: Model) -> pb::Product {
    let Model {
        ecosystem,
        id,
        display_name,
        product_family,
        sku,
        list_price_minor,
        list_price_currency,
        external_id,
        version,
        create_time,
        update_time,
    } = product;
    let list_price = list_price_minor
        .zip(list_price_currency)
        .map(|(minor, currency)| trellis_api::money::wire(Money::new(minor, currency)));
    pb::Product {
        name: name(&ecosystem, &id),
        display_name,
        product_family: product_family.map_or_else(String::new, |id| name(&ecosystem, &id)),
        sku: sku.unwrap_or_default(),
        list_price,
        external_id: external_id.unwrap_or_default(),
        create_time: Some(trellis_api::time::wire(create_time)),
        update_time: Some(trellis_api::time::wire(update_time)),
        etag: Etag::of(version).to_string(),
    }
}

/// Every field of a product that callers set, as an edit that sets them all.
pub(super) fn whole(product: pb::Product, fields: &mut Fields) -> Option<Edit> {
    let family = fields.optional_id("product.product_family", &product.product_family);
    let list_price = not_negative(fields, "product.list_price", product.list_price);
    Some(Edit {
        display_name: Some(product.display_name),
        product_family: Some(family?),
        sku: Some(some(product.sku)),
        list_price: Some(list_price?),
        external_id: Some(some(product.external_id)),
    })
}

pub(crate) fn create(request: pb::CreateProductRequest, fields: &mut Fields) -> Option<Create> {
    let id = fields.new_id::<ProductId>("product_id", &request.product_id);
    let edit = whole(request.product?, fields);
    Some(Create {
        id: id?,
        edit: edit?,
    })
}

pub(crate) fn get(request: pb::GetProductRequest, fields: &mut Fields) -> Option<ProductId> {
    fields.id("name", &request.name)
}

pub(crate) fn list(request: pb::ListProductsRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(crate) fn update(request: pb::UpdateProductRequest, fields: &mut Fields) -> Option<Update> {
    let product = fields.required("product", request.product)?;
    let mask = fields.mask("product", &product, request.update_mask, MUTABLE);
    let id = fields.id("product.name", &product.name);
    let etag = fields.etag("product.etag", &product.etag);
    let mask = mask?;
    let product_family = mask.read("product_family", || {
        fields.optional_id("product.product_family", &product.product_family)
    });
    let list_price = mask.read("list_price", || {
        not_negative(fields, "product.list_price", product.list_price)
    });
    let edit = Edit {
        display_name: mask.keep("display_name", Some(product.display_name)),
        product_family: product_family?,
        sku: mask.keep("sku", Some(some(product.sku))),
        list_price: list_price?,
        external_id: mask.keep("external_id", Some(some(product.external_id))),
    };
    Some(Update {
        id: id?,
        etag: etag?,
        edit,
    })
}
