//! Between the wire and the rows.

use trellis_api::platform::v1 as pb;
use trellis_api::{Etag, Field, Fields, ecosystem_name};
use trellis_core::{PageQuery, Timestamp};
use trellis_store::platform::ecosystem::Model;

use super::ecosystems::{Advance, Create, Edit, Update};

/// What lists filter and order by.
pub const FIELDS: &[Field] = &[
    Field::text("display_name").sortable(),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

/// The fields that an update may change.
const MUTABLE: &[&str] = &["display_name", "time_zone", "currency_code"];

/// An ecosystem on the wire; `now` is the time by its clock.
#[must_use]
pub fn wire(ecosystem: Model, now: Timestamp) -> pb::Ecosystem {
    let Model {
        ecosystem,
        display_name,
        time_zone,
        currency,
        sandbox,
        clock_offset: _,
        version,
        create_time,
        update_time,
    } = ecosystem;
    pb::Ecosystem {
        name: ecosystem_name(&ecosystem),
        display_name,
        time_zone: time_zone.to_string(),
        currency_code: currency.code().to_owned(),
        sandbox,
        clock_time: Some(trellis_api::time::wire(now)),
        create_time: Some(trellis_api::time::wire(create_time)),
        update_time: Some(trellis_api::time::wire(update_time)),
        etag: Etag::of(version).to_string(),
    }
}

pub(super) fn create(request: pb::CreateEcosystemRequest, fields: &mut Fields) -> Option<Create> {
    let ecosystem = request.ecosystem?;
    let time_zone = fields.optional_time_zone("ecosystem.time_zone", &ecosystem.time_zone);
    let currency = fields.optional_currency("ecosystem.currency_code", &ecosystem.currency_code);
    Some(Create {
        sandbox: ecosystem.sandbox,
        edit: Edit {
            display_name: Some(ecosystem.display_name),
            time_zone: time_zone?,
            currency: currency?,
        },
    })
}

pub(super) fn get(_: pb::GetEcosystemRequest, _: &mut Fields) -> Option<()> {
    Some(())
}

pub(super) fn list(request: pb::ListEcosystemsRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(super) fn update(request: pb::UpdateEcosystemRequest, fields: &mut Fields) -> Option<Update> {
    let ecosystem = fields.required("ecosystem", request.ecosystem)?;
    let mask = fields.mask("ecosystem", &ecosystem, request.update_mask, MUTABLE);
    let etag = fields.etag("ecosystem.etag", &ecosystem.etag);
    let mask = mask?;
    let time_zone = mask.read("time_zone", || {
        fields.time_zone("ecosystem.time_zone", &ecosystem.time_zone)
    });
    let currency = mask.read("currency_code", || {
        fields.currency("ecosystem.currency_code", &ecosystem.currency_code)
    });
    let edit = Edit {
        display_name: mask.keep("display_name", Some(ecosystem.display_name)),
        time_zone: time_zone?,
        currency: currency?,
    };
    Some(Update {
        etag: etag?,
        edit,
        mask,
    })
}

pub(super) fn advance(request: pb::AdvanceClockRequest, fields: &mut Fields) -> Option<Advance> {
    Some(Advance {
        by: fields.duration("duration", request.duration)?,
    })
}
