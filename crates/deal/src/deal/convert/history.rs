//! What is remembered of a deal.

use trellis_api::deal::v1 as pb;
use trellis_api::{Fields, date, money, numbered_name, time};
use trellis_core::{DealId, Money, PageQuery};
use trellis_store::deal::history::{Cause, role_change, stage_change};

use super::parts::wire_partner_role;
use super::wire_stage;
use crate::deal::history::Remembered;

pub(in crate::deal) fn wire_stage_change(change: stage_change::Model) -> pb::StageChange {
    let stage_change::Model {
        ecosystem,
        deal,
        number,
        from_stage,
        to_stage,
        amount_minor,
        currency,
        close_date,
        actor,
        reason_code,
        note,
        create_time,
    } = change;
    let amount = amount_minor.zip(currency);
    pb::StageChange {
        name: numbered_name(&ecosystem, &deal, "stageChanges", number),
        from_stage: from_stage
            .map_or(pb::deal::Stage::Unspecified, wire_stage)
            .into(),
        to_stage: wire_stage(to_stage).into(),
        amount: amount.map(|(minor, currency)| money::wire(Money::new(minor, currency))),
        close_date: close_date.map(date::wire),
        actor,
        reason_code: reason_code.unwrap_or_default(),
        note: note.unwrap_or_default(),
        create_time: Some(time::wire(create_time)),
    }
}

pub(in crate::deal) fn wire_role_change(change: role_change::Model) -> pb::RoleChange {
    let role_change::Model {
        ecosystem,
        deal,
        number,
        cause,
        roles,
        actor,
        note,
        create_time,
    } = change;
    let cause = match cause {
        Cause::Created => pb::role_change::Cause::Created,
        Cause::Set => pb::role_change::Cause::Set,
        Cause::Imported => pb::role_change::Cause::Imported,
        Cause::Dispute => pb::role_change::Cause::Dispute,
    };
    pb::RoleChange {
        name: numbered_name(&ecosystem, &deal, "roleChanges", number),
        cause: cause.into(),
        roles: roles
            .0
            .into_iter()
            .map(|role| wire_partner_role(&ecosystem, role))
            .collect(),
        actor,
        note: note.unwrap_or_default(),
        create_time: Some(time::wire(create_time)),
    }
}

pub(in crate::deal) fn stage_changes(
    request: pb::ListStageChangesRequest,
    fields: &mut Fields,
) -> Option<Remembered> {
    let deal = fields.id("parent", &request.parent);
    remembered(deal, fields.page(&request, &[]))
}

pub(in crate::deal) fn role_changes(
    request: pb::ListRoleChangesRequest,
    fields: &mut Fields,
) -> Option<Remembered> {
    let deal = fields.id("parent", &request.parent);
    remembered(deal, fields.page(&request, &[]))
}

fn remembered(deal: Option<DealId>, query: Option<PageQuery>) -> Option<Remembered> {
    Some(Remembered {
        deal: deal?,
        query: query?,
    })
}
