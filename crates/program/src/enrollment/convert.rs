//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use trellis_api::program::v1 as pb;
use trellis_api::{Etag, Field, Fields, child_name, name, time};
use trellis_core::{EnrollmentId, PageQuery, PartnerId, ProgramId, TierId};
use trellis_store::program::enrollment::{Model, Products, State, Territories};

use super::enrollments::{Create, Edit, Leads, Update};

/// What lists filter and order by.
pub const FIELDS: &[Field] = &[
    Field::id::<ProgramId>("program"),
    Field::id::<PartnerId>("partner"),
    Field::child::<ProgramId, TierId>("tier", "program"),
    Field::state("state", "STATE", &["ENROLLED"]),
    Field::time("enroll_time").sortable(),
];

/// The fields that an update may change.
const MUTABLE: &[&str] = &["territories", "products", "lead_capacity"];

/// An enrolment on the wire.
#[must_use]
pub fn wire(enrollment: Model) -> pb::Enrollment {
    let Model {
        ecosystem,
        id,
        program,
        partner,
        tier,
        state,
        enroll_time,
        territories: Territories(territories),
        products: Products(products),
        lead_capacity,
        version,
        create_time: _,
        update_time: _,
    } = enrollment;
    pb::Enrollment {
        name: name(&ecosystem, &id),
        program: name(&ecosystem, &program),
        partner: name(&ecosystem, &partner),
        tier: child_name(&ecosystem, &program, &tier),
        state: wire_state(state).into(),
        enroll_time: Some(time::wire(enroll_time)),
        territories: territories.iter().map(|id| name(&ecosystem, id)).collect(),
        products: products.iter().map(|id| name(&ecosystem, id)).collect(),
        lead_capacity,
        etag: Etag::of(version).to_string(),
    }
}

fn wire_state(state: State) -> pb::enrollment::State {
    match state {
        State::Enrolled => pb::enrollment::State::Enrolled,
    }
}

pub(super) fn create(request: pb::CreateEnrollmentRequest, fields: &mut Fields) -> Option<Create> {
    let id = fields.new_id::<EnrollmentId>("enrollment_id", &request.enrollment_id);
    let enrollment = request.enrollment?;
    let program = fields.id::<ProgramId>("enrollment.program", &enrollment.program);
    let partner = fields.id::<PartnerId>("enrollment.partner", &enrollment.partner);
    let tier = fields.optional_child::<ProgramId, TierId>("enrollment.tier", &enrollment.tier);
    let territories = fields.ids("enrollment.territories", &enrollment.territories);
    let products = fields.ids("enrollment.products", &enrollment.products);
    if let (Some(program), Some(Some((of, _)))) = (&program, &tier)
        && of != program
    {
        fields.refuse(
            "enrollment.tier",
            "tier.program",
            "must be a tier of the program",
        );
    }
    Some(Create {
        id: id?,
        program: program?,
        partner: partner?,
        tier: tier?.map(|(_, tier)| tier),
        leads: Leads {
            territories: territories?,
            products: products?,
            capacity: enrollment.lead_capacity,
        },
    })
}

pub(super) fn update(request: pb::UpdateEnrollmentRequest, fields: &mut Fields) -> Option<Update> {
    let sent = fields.required("enrollment", request.enrollment)?;
    let mask = fields.mask("enrollment", &sent, request.update_mask, MUTABLE);
    let id = fields.id("enrollment.name", &sent.name);
    let etag = fields.etag("enrollment.etag", &sent.etag);
    let mask = mask?;
    let territories = mask.read("territories", || {
        fields.ids("enrollment.territories", &sent.territories)
    });
    let products = mask.read("products", || {
        fields.ids("enrollment.products", &sent.products)
    });
    let edit = Edit {
        territories: territories?,
        products: products?,
        capacity: mask.keep("lead_capacity", Some(sent.lead_capacity)),
    };
    Some(Update {
        id: id?,
        etag: etag?,
        mask,
        edit,
    })
}

pub(super) fn get(request: pb::GetEnrollmentRequest, fields: &mut Fields) -> Option<EnrollmentId> {
    fields.id("name", &request.name)
}

pub(super) fn list(request: pb::ListEnrollmentsRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}
