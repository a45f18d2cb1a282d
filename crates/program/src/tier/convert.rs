//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use trellis_api::program::v1 as pb;
use trellis_api::{Etag, Field, Fields, child_name, time};
use trellis_core::TierId;
use trellis_store::program::tier::Model;

use super::tiers::{Create, Delete, Edit, Key, List, Terms, Update};

/// What lists filter and order by.
pub const FIELDS: &[Field] = &[
    Field::integer("rank").sortable(),
    Field::text("display_name").sortable(),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

/// The fields that an update may change.
const MUTABLE: &[&str] = &["display_name", "rank", "description", "lead_weight"];

/// How many leads holders of a tier are given, unless it says otherwise: as many as all.
const LEAD_WEIGHT: i32 = 1;

/// A tier on the wire.
#[must_use]
pub fn wire(tier: Model) -> pb::Tier {
    let Model {
        ecosystem,
        program,
        id,
        display_name,
        rank,
        description,
        lead_weight,
        version,
        create_time,
        update_time,
        delete_time,
    } = tier;
    pb::Tier {
        name: child_name(&ecosystem, &program, &id),
        display_name,
        rank,
        description,
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        delete_time: delete_time.map(time::wire),
        etag: Etag::of(version).to_string(),
        lead_weight: Some(lead_weight),
    }
}

fn key(fields: &mut Fields, field: &str, name: &str) -> Option<Key> {
    let (program, id) = fields.child(field, name)?;
    Some(Key { program, id })
}

pub(crate) fn create(request: pb::CreateTierRequest, fields: &mut Fields) -> Option<Create> {
    let program = fields.id("parent", &request.parent);
    let id = fields.new_id::<TierId>("tier_id", &request.tier_id);
    let tier = request.tier?;
    Some(Create {
        program: program?,
        id: id?,
        terms: Terms {
            display_name: tier.display_name,
            rank: tier.rank,
            description: tier.description,
            lead_weight: tier.lead_weight.unwrap_or(LEAD_WEIGHT),
        },
    })
}

pub(crate) fn get(request: pb::GetTierRequest, fields: &mut Fields) -> Option<Key> {
    key(fields, "name", &request.name)
}

pub(crate) fn list(request: pb::ListTiersRequest, fields: &mut Fields) -> Option<List> {
    let program = fields.id("parent", &request.parent);
    let query = fields.page(&request, FIELDS);
    Some(List {
        program: program?,
        query: query?,
    })
}

pub(crate) fn update(request: pb::UpdateTierRequest, fields: &mut Fields) -> Option<Update> {
    let tier = fields.required("tier", request.tier)?;
    let mask = fields.mask("tier", &tier, request.update_mask, MUTABLE);
    let key = key(fields, "tier.name", &tier.name);
    let etag = fields.etag("tier.etag", &tier.etag);
    let mask = mask?;
    Some(Update {
        key: key?,
        etag: etag?,
        edit: Edit {
            display_name: mask.keep("display_name", Some(tier.display_name)),
            rank: mask.keep("rank", Some(tier.rank)),
            description: mask.keep("description", Some(tier.description)),
            lead_weight: mask.keep("lead_weight", Some(tier.lead_weight.unwrap_or(LEAD_WEIGHT))),
        },
    })
}

pub(crate) fn delete(request: pb::DeleteTierRequest, fields: &mut Fields) -> Option<Delete> {
    let key = key(fields, "name", &request.name);
    let etag = fields.etag("etag", &request.etag);
    Some(Delete {
        key: key?,
        etag: etag?,
        note: request.note,
    })
}
