//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, Field, Fields, name};
use trellis_core::{PageQuery, TerritoryId};
use trellis_store::deal::territory::Model;

use super::territories::{Create, Edit, Update};
use crate::edit::some;

/// What lists filter and order by.
pub const FIELDS: &[Field] = &[
    Field::id::<TerritoryId>("parent_territory"),
    Field::text("display_name").sortable(),
    Field::text("external_id"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

/// The fields that an update may change.
const MUTABLE: &[&str] = &[
    "display_name",
    "region_codes",
    "parent_territory",
    "external_id",
];

/// A territory on the wire.
#[must_use]
pub fn wire(territory: Model) -> pb::Territory {
    let Model {
        ecosystem,
        id,
        display_name,
        region_codes,
        parent_territory,
        external_id,
        version,
        create_time,
        update_time,
    } = territory;
    pb::Territory {
        name: name(&ecosystem, &id),
        display_name,
        region_codes: region_codes.0,
        parent_territory: parent_territory.map_or_else(String::new, |id| name(&ecosystem, &id)),
        external_id: external_id.unwrap_or_default(),
        create_time: Some(trellis_api::time::wire(create_time)),
        update_time: Some(trellis_api::time::wire(update_time)),
        etag: Etag::of(version).to_string(),
    }
}

/// Every field of a territory that callers set, as an edit that sets them all.
pub(super) fn whole(territory: pb::Territory, fields: &mut Fields) -> Option<Edit> {
    let parent = fields.optional_id("territory.parent_territory", &territory.parent_territory);
    Some(Edit {
        display_name: Some(territory.display_name),
        region_codes: Some(territory.region_codes),
        parent_territory: Some(parent?),
        external_id: Some(some(territory.external_id)),
    })
}

pub(crate) fn create(request: pb::CreateTerritoryRequest, fields: &mut Fields) -> Option<Create> {
    let id = fields.new_id::<TerritoryId>("territory_id", &request.territory_id);
    let edit = whole(request.territory?, fields);
    Some(Create {
        id: id?,
        edit: edit?,
    })
}

pub(crate) fn get(request: pb::GetTerritoryRequest, fields: &mut Fields) -> Option<TerritoryId> {
    fields.id("name", &request.name)
}

pub(crate) fn list(request: pb::ListTerritoriesRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(crate) fn update(request: pb::UpdateTerritoryRequest, fields: &mut Fields) -> Option<Update> {
    let territory = fields.required("territory", request.territory)?;
    let mask = fields.mask("territory", &territory, request.update_mask, MUTABLE);
    let id = fields.id("territory.name", &territory.name);
    let etag = fields.etag("territory.etag", &territory.etag);
    let mask = mask?;
    let parent_territory = mask.read("parent_territory", || {
        fields.optional_id("territory.parent_territory", &territory.parent_territory)
    });
    let edit = Edit {
        display_name: mask.keep("display_name", Some(territory.display_name)),
        region_codes: mask.keep("region_codes", Some(territory.region_codes)),
        parent_territory: parent_territory?,
        external_id: mask.keep("external_id", Some(some(territory.external_id))),
    };
    Some(Update {
        id: id?,
        etag: etag?,
        edit,
    })
}
