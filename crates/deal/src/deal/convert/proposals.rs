//! The fields that partners own, what is proposed, and ids in other systems.

use trellis_api::deal::v1 as pb;
use trellis_api::filter::Field;
use trellis_api::{Fields, date, money, name, numbered_name, time};
use trellis_core::{DealId, EcosystemId};
use trellis_store::deal::field::{Contact, ExternalId, Offered, Pending, Value, Version};
use trellis_store::deal::proposal::{self, Side, State};

use super::wire_deal_type;
use crate::deal::lifecycle::ProposalVerb;
use crate::deal::proposals::{Decide, Listed};
use crate::edit::some;

/// What the list filters by.
const FIELDS: &[Field] = &[
    Field::state(
        "state",
        "STATE",
        &["OPEN", "ACCEPTED", "REJECTED", "SUPERSEDED"],
    ),
    Field::text("field"),
];

/// What names are made of.
const COLLECTION: &str = "proposals";

pub(super) fn wire_contact(contact: Contact) -> pb::deal::Contact {
    let Contact {
        display_name,
        title,
        email,
        phone,
    } = contact;
    pb::deal::Contact {
        display_name,
        title: title.unwrap_or_default(),
        email: email.unwrap_or_default(),
        phone: phone.unwrap_or_default(),
    }
}

pub(super) fn contacts(contacts: Vec<pb::deal::Contact>) -> Vec<Contact> {
    let contact = |contact: pb::deal::Contact| Contact {
        display_name: contact.display_name,
        title: some(contact.title),
        email: some(contact.email),
        phone: some(contact.phone),
    };
    contacts.into_iter().map(contact).collect()
}

pub(super) fn wire_external_id(id: ExternalId) -> pb::deal::ExternalId {
    let ExternalId {
        system,
        external_id,
    } = id;
    pb::deal::ExternalId {
        system,
        external_id,
    }
}

/// The ids, in the order of their systems. In each there is one.
pub(super) fn external_ids(
    given: Vec<pb::deal::ExternalId>,
    fields: &mut Fields,
) -> Option<Vec<ExternalId>> {
    let mut ids: Vec<ExternalId> = Vec::with_capacity(given.len());
    let mut good = true;
    for (index, given) in given.into_iter().enumerate() {
        if ids.iter().any(|id| id.system == given.system) {
            let description = "has an id of this system already";
            let path = format!("deal.external_ids[{index}].system");
            fields.refuse(path, "repeated.unique", description);
            good = false;
        }
        ids.push(ExternalId {
            system: given.system,
            external_id: given.external_id,
        });
    }
    ids.sort_unstable();
    good.then_some(ids)
}

pub(super) fn wire_version(ecosystem: &EcosystemId, version: Version) -> pb::deal::FieldVersion {
    let Version {
        field,
        version,
        partner,
        source_system,
        source_time,
        update_time,
    } = version;
    pb::deal::FieldVersion {
        field,
        version,
        partner: partner.map(|id| name(ecosystem, &id)).unwrap_or_default(),
        source_system: source_system.unwrap_or_default(),
        source_time: source_time.map(time::wire),
        update_time: Some(time::wire(update_time)),
    }
}

pub(super) fn wire_pending(
    ecosystem: &EcosystemId,
    deal: &DealId,
    pending: Pending,
) -> pb::deal::OpenProposal {
    let Pending {
        number,
        field,
        side,
        partner: _,
    } = pending;
    pb::deal::OpenProposal {
        proposal: numbered_name(ecosystem, deal, COLLECTION, number),
        field,
        side: wire_side(side).into(),
    }
}

fn wire_side(side: Side) -> pb::deal::Side {
    match side {
        Side::Vendor => pb::deal::Side::Vendor,
        Side::Partner => pb::deal::Side::Partner,
    }
}

/// A proposal on the wire.
pub(in crate::deal) fn wire_proposal(proposal: proposal::Model) -> pb::DealProposal {
    let proposal::Model {
        ecosystem,
        deal,
        number,
        side,
        partner,
        field,
        value,
        actor,
        source_system,
        source_time,
        state,
        decider,
        note,
        decide_time,
        create_time,
    } = proposal;
    let state = match state {
        State::Open => pb::deal_proposal::State::Open,
        State::Accepted => pb::deal_proposal::State::Accepted,
        State::Rejected => pb::deal_proposal::State::Rejected,
        State::Superseded => pb::deal_proposal::State::Superseded,
    };
    pb::DealProposal {
        name: numbered_name(&ecosystem, &deal, COLLECTION, number),
        side: wire_side(side).into(),
        partner: name(&ecosystem, &partner),
        field,
        value: Some(wire_value(&ecosystem, value)),
        actor,
        source_system: source_system.unwrap_or_default(),
        source_time: source_time.map(time::wire),
        state: state.into(),
        decider: decider.unwrap_or_default(),
        note: note.unwrap_or_default(),
        decide_time: decide_time.map(time::wire),
        create_time: Some(time::wire(create_time)),
    }
}

/// A value in the field that is called as its own.
fn wire_value(ecosystem: &EcosystemId, value: Value) -> pb::deal_proposal::Value {
    let mut to = pb::deal_proposal::Value::default();
    match value {
        Value::DisplayName(value) => to.display_name = value,
        Value::Account(value) => {
            to.account = value.map(|id| name(ecosystem, &id)).unwrap_or_default();
        }
        Value::Lines(lines) => {
            let line = |line: Offered| pb::deal::Line {
                product: name(ecosystem, &line.product),
                quantity: line.quantity,
                amount: line.amount.map(money::wire),
            };
            to.lines = lines.into_iter().map(line).collect();
        }
        Value::Amount(value) => to.amount = value.map(money::wire),
        Value::DealType(value) => {
            to.deal_type = value
                .map_or(pb::DealType::Unspecified, wire_deal_type)
                .into();
        }
        Value::Territory(value) => {
            to.territory = value.map(|id| name(ecosystem, &id)).unwrap_or_default();
        }
        Value::EngageDate(value) => to.engage_date = value.map(date::wire),
        Value::ExpectedCloseDate(value) => to.expected_close_date = value.map(date::wire),
        // The vendor owns them and partners cannot say them, so nobody proposes them.
        Value::ExternalId(_) | Value::ExternalIds(_) => {}
        Value::NextStep(value) => to.next_step = value.unwrap_or_default(),
        Value::Contacts(value) => to.contacts = value.into_iter().map(wire_contact).collect(),
        Value::PartnerProduct(value) => to.partner_product = value.unwrap_or_default(),
    }
    to
}

pub(in crate::deal) fn look_up(
    request: pb::LookupDealRequest,
    _: &mut Fields,
) -> Option<ExternalId> {
    Some(ExternalId {
        system: request.system,
        external_id: request.external_id,
    })
}

pub(in crate::deal) fn proposal(
    request: pb::GetDealProposalRequest,
    fields: &mut Fields,
) -> Option<(DealId, i64)> {
    fields.numbered(COLLECTION, "name", &request.name)
}

pub(in crate::deal) fn proposals(
    request: pb::ListDealProposalsRequest,
    fields: &mut Fields,
) -> Option<Listed> {
    let deal = fields.id_or_all("parent", &request.parent);
    let query = fields.page(&request, FIELDS);
    Some(Listed {
        deal: deal?,
        query: query?,
    })
}

pub(in crate::deal) fn accept(
    request: pb::AcceptDealProposalRequest,
    fields: &mut Fields,
) -> Option<Decide> {
    let (name, etag) = (&request.name, &request.etag);
    decide(fields, name, etag, request.note, ProposalVerb::Accept)
}

pub(in crate::deal) fn reject(
    request: pb::RejectDealProposalRequest,
    fields: &mut Fields,
) -> Option<Decide> {
    let (name, etag) = (&request.name, &request.etag);
    decide(fields, name, etag, request.note, ProposalVerb::Reject)
}

fn decide(
    fields: &mut Fields,
    name: &str,
    etag: &str,
    note: String,
    verb: ProposalVerb,
) -> Option<Decide> {
    let named = fields.numbered::<DealId>(COLLECTION, "name", name);
    let etag = fields.etag("etag", etag);
    let (deal, number) = named?;
    Some(Decide {
        deal,
        number,
        etag: etag?,
        note,
        verb,
    })
}
