//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, Field, Fields, name};
use trellis_core::{FamilyId, PageQuery};
use trellis_store::deal::product_family::Model;

use super::families::{Create, Edit, Update};
use crate::edit::some;

/// What lists filter and order by.
pub const FIELDS: &[Field] = &[
    Field::text("display_name").sortable(),
    Field::text("external_id"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

/// The fields that an update may change.
const MUTABLE: &[&str] = &["display_name", "description", "external_id"];

/// A product family on the wire.
#[must_use]
pub fn wire(family: Model) -> pb::ProductFamily {
    let Model {
        ecosystem,
        id,
        display_name,
        description,
        external_id,
        version,
        create_time,
        update_time,
    } = family;
    pb::ProductFamily {
        name: name(&ecosystem, &id),
        display_name,
        description: description.unwrap_or_default(),
        external_id: external_id.unwrap_or_default(),
        create_time: Some(trellis_api::time::wire(create_time)),
        update_time: Some(trellis_api::time::wire(update_time)),
        etag: Etag::of(version).to_string(),
    }
}

/// Every field of a family that callers set, as an edit that sets them all.
fn whole(family: pb::ProductFamily) -> Edit {
    Edit {
        display_name: Some(family.display_name),
        description: Some(some(family.description)),
        external_id: Some(some(family.external_id)),
    }
}

pub(crate) fn create(
    request: pb::CreateProductFamilyRequest,
    fields: &mut Fields,
) -> Option<Create> {
    let id = fields.new_id::<FamilyId>("product_family_id", &request.product_family_id);
    let family = request.product_family?;
    Some(Create {
        id: id?,
        edit: whole(family),
    })
}

pub(crate) fn get(request: pb::GetProductFamilyRequest, fields: &mut Fields) -> Option<FamilyId> {
    fields.id("name", &request.name)
}

pub(crate) fn list(
    request: pb::ListProductFamiliesRequest,
    fields: &mut Fields,
) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(crate) fn update(
    request: pb::UpdateProductFamilyRequest,
    fields: &mut Fields,
) -> Option<Update> {
    let family = fields.required("product_family", request.product_family)?;
    let mask = fields.mask("product_family", &family, request.update_mask, MUTABLE);
    let id = fields.id("product_family.name", &family.name);
    let etag = fields.etag("product_family.etag", &family.etag);
    let mask = mask?;
    let all = whole(family);
    let edit = Edit {
        display_name: mask.keep("display_name", all.display_name),
        description: mask.keep("description", all.description),
        external_id: mask.keep("external_id", all.external_id),
    };
    Some(Update {
        id: id?,
        etag: etag?,
        edit,
    })
}
