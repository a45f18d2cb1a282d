//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use trellis_api::incentive::v1 as pb;
use trellis_api::{Etag, Field, Fields, Mask, date, name, numbered_name, time};
use trellis_core::{PageQuery, PlanId, ProgramId};
use trellis_store::incentive::plan;
use trellis_store::incentive::plan_version;
use trellis_store::incentive::terms::{Hold, Terms};

use super::edit::Edit;
use super::terms::{
    Reader, read_audience, read_kind, read_limits, read_measure, read_policy, read_protection,
    read_schedule, read_sharing, read_trigger, wire_audience, wire_kind, wire_limits, wire_measure,
    wire_policy, wire_protection, wire_schedule, wire_sharing, wire_state, wire_trigger,
};
use super::{plans, versions};

/// What lists of plans filter and order by.
pub(super) const FIELDS: &[Field] = &[
    Field::id::<ProgramId>("program"),
    Field::text("display_name").sortable(),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

/// What lists of versions filter and order by.
pub(super) const VERSION_FIELDS: &[Field] = &[
    Field::text("currency_code"),
    Field::state(
        "kind",
        "KIND",
        &[
            "COMMISSION",
            "REBATE",
            "REFERRAL",
            "SPIFF",
            "BONUS",
            "FUND_ACCRUAL",
            "DRAW",
        ],
    ),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

/// The fields of a plan that an update may change.
const MUTABLE: &[&str] = &["display_name", "description"];

/// The fields of a version that an update may change.
const VERSION_MUTABLE: &[&str] = &[
    "effective_from_date",
    "effective_until_date",
    "currency_code",
    "kind",
    "audience",
    "trigger",
    "trigger_condition",
    "measure",
    "schedule",
    "sharing",
    "limits",
    "hold_days",
    "protection",
    "policy",
];

/// A plan on the wire.
pub(super) fn wire(plan: plan::Model) -> pb::Plan {
    let plan::Model {
        ecosystem,
        id,
        display_name,
        description,
        program,
        version,
        create_time,
        update_time,
    } = plan;
    pb::Plan {
        name: name(&ecosystem, &id),
        display_name,
        description,
        program: name(&ecosystem, &program),
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        etag: Etag::of(version).to_string(),
    }
}

/// A version on the wire.
pub(crate) fn wire_version(plan_version: plan_version::Model) -> pb::PlanVersion {
    let plan_version::Model {
        ecosystem,
        plan,
        number,
        program,
        state,
        effective_from,
        effective_until,
        retire_date,
        retire_decision_time: _,
        currency,
        kind,
        terms,
        time_zone: _,
        start_time: _,
        end_time: _,
        schedule_time,
        catch_up: _,
        version,
        create_time,
        update_time,
    } = plan_version;
    let Terms {
        audience,
        trigger,
        measure,
        schedule,
        sharing,
        limits,
        protection,
        policy,
    } = terms;
    let hold_days = match protection.hold {
        Hold::Days(days) => i32::try_from(days).unwrap_or(i32::MAX),
        Hold::None | Hold::Months(_) | Hold::Until(_) => 0,
    };
    pb::PlanVersion {
        name: numbered_name(&ecosystem, &plan, "versions", number.into()),
        state: wire_state(state).into(),
        effective_from_date: Some(date::wire(effective_from)),
        effective_until_date: effective_until.map(date::wire),
        currency_code: currency.code().to_owned(),
        kind: wire_kind(kind),
        audience: Some(wire_audience(&ecosystem, &program, audience)),
        trigger: wire_trigger(trigger.fact).into(),
        trigger_condition: trigger.condition,
        schedule: Some(wire_schedule(schedule, &measure, currency)),
        measure: Some(wire_measure(measure, currency)),
        sharing: wire_sharing(sharing),
        limits: wire_limits(limits, currency),
        hold_days,
        protection: wire_protection(protection),
        policy: wire_policy(policy, currency),
        retire_date: retire_date.map(date::wire),
        schedule_time: schedule_time.map(time::wire),
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        etag: Etag::of(version).to_string(),
    }
}

pub(super) fn create(request: pb::CreatePlanRequest, fields: &mut Fields) -> Option<plans::Create> {
    let id = fields.new_id("plan_id", &request.plan_id);
    let plan = fields.required("plan", request.plan)?;
    let program = fields.id("plan.program", &plan.program);
    Some(plans::Create {
        id: id?,
        display_name: plan.display_name,
        description: plan.description,
        program: program?,
    })
}

pub(super) fn get(request: pb::GetPlanRequest, fields: &mut Fields) -> Option<PlanId> {
    fields.id("name", &request.name)
}

pub(super) fn list(request: pb::ListPlansRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(super) fn update(request: pb::UpdatePlanRequest, fields: &mut Fields) -> Option<plans::Update> {
    let plan = fields.required("plan", request.plan)?;
    let mask = fields.mask("plan", &plan, request.update_mask, MUTABLE);
    let id = fields.id("plan.name", &plan.name);
    let etag = fields.etag("plan.etag", &plan.etag);
    let mask = mask?;
    Some(plans::Update {
        id: id?,
        etag: etag?,
        display_name: mask.keep("display_name", Some(plan.display_name)),
        description: mask.keep("description", Some(plan.description)),
        mask,
    })
}

pub(super) fn create_version(
    request: pb::CreatePlanVersionRequest,
    fields: &mut Fields,
) -> Option<versions::Create> {
    let plan = fields.id("parent", &request.parent);
    let version = fields.required("plan_version", request.plan_version)?;
    let edit = edit(version, None, fields);
    Some(versions::Create {
        plan: plan?,
        edit: edit?,
    })
}

pub(super) fn get_version(
    request: pb::GetPlanVersionRequest,
    fields: &mut Fields,
) -> Option<versions::Key> {
    key("name", &request.name, fields)
}

pub(super) fn list_versions(
    request: pb::ListPlanVersionsRequest,
    fields: &mut Fields,
) -> Option<(PlanId, PageQuery)> {
    let plan = fields.id("parent", &request.parent);
    let query = fields.page(&request, VERSION_FIELDS);
    Some((plan?, query?))
}

pub(super) fn update_version(
    request: pb::UpdatePlanVersionRequest,
    fields: &mut Fields,
) -> Option<versions::Update> {
    let version = fields.required("plan_version", request.plan_version)?;
    let mask = fields.mask(
        "plan_version",
        &version,
        request.update_mask,
        VERSION_MUTABLE,
    );
    let key = key("plan_version.name", &version.name, fields);
    let etag = fields.etag("plan_version.etag", &version.etag);
    let edit = edit(version, Some(&mask?), fields);
    Some(versions::Update {
        key: key?,
        etag: etag?,
        edit: edit?,
    })
}

pub(super) fn schedule(
    request: pb::SchedulePlanVersionRequest,
    fields: &mut Fields,
) -> Option<versions::Schedule> {
    let key = key("name", &request.name, fields);
    let etag = fields.etag("etag", &request.etag);
    let supersede_from = fields.optional_date("supersede_from_date", request.supersede_from_date);
    Some(versions::Schedule {
        supersede_from: supersede_from?,
        key: key?,
        etag: etag?,
        note: request.note,
    })
}

pub(super) fn retire(
    request: pb::RetirePlanVersionRequest,
    fields: &mut Fields,
) -> Option<versions::Retire> {
    let key = key("name", &request.name, fields);
    let etag = fields.etag("etag", &request.etag);
    let date = fields.date("retire_date", request.retire_date);
    Some(versions::Retire {
        key: key?,
        etag: etag?,
        date: date?,
        note: request.note,
    })
}

pub(super) fn lint(
    request: pb::LintPlanVersionRequest,
    fields: &mut Fields,
) -> Option<versions::Key> {
    key("name", &request.name, fields)
}

pub(super) fn describe(request: pb::DescribePlanRequest, fields: &mut Fields) -> Option<PlanId> {
    fields.id("name", &request.name)
}

/// Reads the name of a version.
pub(crate) fn key(field: &str, text: &str, fields: &mut Fields) -> Option<versions::Key> {
    let (plan, number) = fields.numbered("versions", field, text)?;
    match i32::try_from(number) {
        Ok(number) => Some(versions::Key { plan, number }),
        Err(_) => {
            fields.refuse(
                field,
                "resource_name",
                "has a larger number than any version",
            );
            None
        }
    }
}

/// The fields that a mask covers, or all of them, as an edit.
pub(crate) fn edit(
    version: pb::PlanVersion,
    mask: Option<&Mask>,
    fields: &mut Fields,
) -> Option<Edit> {
    let covers = |field| mask.is_none_or(|mask| mask.covers(field));
    let pb::PlanVersion {
        effective_from_date,
        effective_until_date,
        currency_code,
        kind,
        audience,
        trigger,
        trigger_condition,
        measure,
        schedule,
        sharing,
        limits,
        hold_days,
        protection,
        policy,
        ..
    } = version;
    /// What was read of a covered field: nothing if it is not covered, nothing at all if it is wrong.
    fn read<T>(covered: bool, read: impl FnOnce() -> Option<T>) -> Option<Option<T>> {
        if covered {
            read().map(Some)
        } else {
            Some(None)
        }
    }
    let path = |field: &str| format!("plan_version.{field}");
    let effective_from = read(covers("effective_from_date"), || {
        fields.date(&path("effective_from_date"), effective_from_date)
    });
    let effective_until = read(covers("effective_until_date"), || {
        fields.optional_date(&path("effective_until_date"), effective_until_date)
    });
    let currency = read(covers("currency_code"), || {
        fields.currency(&path("currency_code"), &currency_code)
    });
    let kind = read(covers("kind"), || read_kind(kind));
    let audience = read(covers("audience"), || read_audience(fields, audience));
    let trigger = read(covers("trigger"), || read_trigger(trigger));
    let trigger_condition = read(covers("trigger_condition"), || {
        Some(trigger_condition.trim().to_owned())
    });
    let hold_days = read(covers("hold_days"), || u32::try_from(hold_days).ok());
    let mut reader = Reader::new(fields);
    let measure = read(covers("measure"), || read_measure(&mut reader, measure));
    let schedule = read(covers("schedule"), || {
        read_schedule(
            &mut reader,
            schedule,
            measure.as_ref().and_then(Option::as_ref),
        )
    });
    let sharing = read(covers("sharing"), || read_sharing(&mut reader, sharing));
    let limits = read(covers("limits"), || read_limits(&mut reader, limits));
    let protection = read(covers("protection"), || {
        read_protection(&mut reader, protection)
    });
    let policy = read(covers("policy"), || read_policy(&mut reader, policy));
    Some(Edit {
        effective_from: effective_from?,
        effective_until: effective_until?,
        currency: currency?,
        kind: kind?,
        audience: audience?,
        trigger: trigger?,
        trigger_condition: trigger_condition?,
        measure: measure?,
        schedule: schedule?,
        sharing: sharing?,
        limits: limits?,
        hold_days: hold_days?,
        protection: protection?,
        policy: policy?,
        currencies: reader.into_currencies(),
    })
}
