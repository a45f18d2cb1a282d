//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

mod attribution;
mod described;
mod history;
mod moves;
mod parts;
mod pipeline;
mod proposals;

use std::collections::BTreeSet;

use trellis_api::deal::v1 as pb;
use trellis_api::filter::Field;
use trellis_api::{Etag, Fields, date, money, name, time};
use trellis_core::{
    AccountId, Currency, DealId, EcosystemId, Money, PageQuery, PartnerId, ProgramId,
    RegistrationId, Scope, TerritoryId,
};
use trellis_store::deal::deal::{
    Contacts, DealType, Disputes, ExternalIds, Line, Lines, Model, PartnerRole, Role, Roles, Stage,
    Writes,
};

use crate::deal::ownership::shows;
use parts::{wire_dispute, wire_partner_role, wire_role};
use proposals::{wire_contact, wire_external_id, wire_pending, wire_version};

pub(super) use attribution::{attribution, report, wire_attribution, wire_report};
pub(super) use described::{create, described, update};
pub(super) use history::{role_changes, stage_changes, wire_role_change, wire_stage_change};
pub(super) use moves::{advance, churn, invoice, lose, refund, reopen, win};
pub(super) use parts::{dispute, resolve, set_roles};
pub(super) use pipeline::pipeline;
pub use pipeline::wire_pipeline;
pub(super) use proposals::{accept, look_up, proposal, proposals, reject, wire_proposal};

/// What lists and the pipeline filter by, and lists order by.
pub const FIELDS: &[Field] = &[
    Field::state("stage", "STAGE", STAGES),
    Field::id::<PartnerId>("partner"),
    Field::id::<AccountId>("account"),
    Field::id::<TerritoryId>("territory"),
    Field::state("deal_type", "DEAL_TYPE", DEAL_TYPES),
    Field::id::<ProgramId>("program"),
    Field::id::<RegistrationId>("registration"),
    Field::text("external_id"),
    Field::text("display_name").sortable(),
    Field::text("lost_reason_code"),
    Field::date("expected_close_date"),
    Field::date("close_date"),
    Field::time("won_time"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

const STAGES: &[&str] = &[
    "PROSPECT",
    "QUALIFIED",
    "TECHNICAL_VALIDATION",
    "BUSINESS_VALIDATION",
    "COMMITTED",
    "WON",
    "LOST",
];

/// The deal types, as filters spell them.
pub(crate) const DEAL_TYPES: &[&str] = &["NEW", "EXPANSION", "RENEWAL"];

/// A deal on the wire.
#[must_use]
pub fn wire(deal: Model) -> pb::Deal {
    let Model {
        ecosystem,
        id,
        display_name,
        account,
        partner,
        roles: Roles(roles),
        lines: Lines(lines),
        amount_minor,
        currency,
        deal_type,
        territory,
        engage_date,
        expected_close_date,
        external_id,
        stage,
        closed_from: _,
        close_date,
        period: _,
        lost_reason_code,
        win: _,
        won_time,
        invoiced_minor,
        refunded_minor,
        churn_date,
        registration,
        program,
        stage_change_count: _,
        role_change_count: _,
        disputes: Disputes(disputes),
        next_step,
        contacts: Contacts(contacts),
        partner_product,
        external_ids: ExternalIds(external_ids),
        writes: Writes {
            versions,
            said: _,
            pending,
        },
        proposal_count: _,
        version,
        create_time,
        update_time,
    } = deal;
    let worth = |minor: i64| currency.map(|currency| money::wire(Money::new(minor, currency)));
    let since_won = |minor: i64| worth(minor).filter(|_| stage == Stage::Won);
    pb::Deal {
        name: name(&ecosystem, &id),
        display_name,
        account: account
            .map(|account| name(&ecosystem, &account))
            .unwrap_or_default(),
        partner: partner
            .map(|partner| name(&ecosystem, &partner))
            .unwrap_or_default(),
        roles: roles
            .into_iter()
            .map(|role| wire_partner_role(&ecosystem, role))
            .collect(),
        lines: lines
            .into_iter()
            .map(|line| wire_line(&ecosystem, line, currency))
            .collect(),
        amount: amount_minor.and_then(worth),
        deal_type: deal_type
            .map_or(pb::DealType::Unspecified, wire_deal_type)
            .into(),
        territory: territory
            .map(|territory| name(&ecosystem, &territory))
            .unwrap_or_default(),
        engage_date: engage_date.map(date::wire),
        expected_close_date: expected_close_date.map(date::wire),
        external_id: external_id.unwrap_or_default(),
        stage: wire_stage(stage).into(),
        close_date: close_date.map(date::wire),
        lost_reason_code: lost_reason_code.unwrap_or_default(),
        won_time: won_time.map(time::wire),
        invoiced_amount: since_won(invoiced_minor),
        refunded_amount: since_won(refunded_minor),
        churn_date: churn_date.map(date::wire),
        registration: registration
            .map(|id| name(&ecosystem, &id))
            .unwrap_or_default(),
        program: program.map(|id| name(&ecosystem, &id)).unwrap_or_default(),
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        etag: Etag::of(version).to_string(),
        role_disputes: disputes
            .into_iter()
            .map(|dispute| wire_dispute(&ecosystem, dispute))
            .collect(),
        own_roles: Vec::new(),
        next_step: next_step.unwrap_or_default(),
        contacts: contacts.into_iter().map(wire_contact).collect(),
        partner_product: partner_product.unwrap_or_default(),
        external_ids: external_ids.into_iter().map(wire_external_id).collect(),
        field_versions: versions
            .into_iter()
            .map(|version| wire_version(&ecosystem, version))
            .collect(),
        open_proposals: pending
            .into_iter()
            .map(|pending| wire_pending(&ecosystem, &id, pending))
            .collect(),
    }
}

/// A deal for whoever asks: a partner's people are told which parts are their partner's, and what is
/// between their partner and the vendor only.
pub(super) fn wire_for(scope: &Scope, deal: Model) -> pb::Deal {
    if scope.is_staff() {
        return wire(deal);
    }
    let deal = shown(scope, deal);
    let own = |held: &&PartnerRole| scope.may_name(&held.partner);
    let roles: BTreeSet<Role> = deal
        .roles
        .0
        .iter()
        .filter(own)
        .map(|held| held.role)
        .collect();
    pb::Deal {
        own_roles: roles
            .into_iter()
            .map(|role| wire_role(role).into())
            .collect(),
        ..wire(deal)
    }
}

/// A deal without what is between the vendor and another partner.
fn shown(scope: &Scope, mut deal: Model) -> Model {
    let own = |partner: &PartnerId| scope.may_name(partner);
    if !shows(&deal, "next_step", own) {
        deal.next_step = None;
    }
    if !shows(&deal, "contacts", own) {
        deal.contacts = Contacts::default();
    }
    if !shows(&deal, "partner_product", own) {
        deal.partner_product = None;
    }
    deal.writes.pending.retain(|one| own(&one.partner));
    deal
}

fn wire_line(ecosystem: &EcosystemId, line: Line, currency: Option<Currency>) -> pb::deal::Line {
    let Line {
        product,
        quantity,
        amount_minor,
    } = line;
    let amount = amount_minor
        .zip(currency)
        .map(|(minor, currency)| Money::new(minor, currency));
    pb::deal::Line {
        product: name(ecosystem, &product),
        quantity,
        amount: amount.map(money::wire),
    }
}

pub(crate) fn wire_stage(stage: Stage) -> pb::deal::Stage {
    match stage {
        Stage::Prospect => pb::deal::Stage::Prospect,
        Stage::Qualified => pb::deal::Stage::Qualified,
        Stage::TechnicalValidation => pb::deal::Stage::TechnicalValidation,
        Stage::BusinessValidation => pb::deal::Stage::BusinessValidation,
        Stage::Committed => pb::deal::Stage::Committed,
        Stage::Won => pb::deal::Stage::Won,
        Stage::Lost => pb::deal::Stage::Lost,
    }
}

/// The stage that the wire's number stands for; none for zero and for numbers that the contract
/// does not know.
pub(super) fn stage(number: i32) -> Option<Stage> {
    Some(match pb::deal::Stage::try_from(number).ok()? {
        pb::deal::Stage::Unspecified => return None,
        pb::deal::Stage::Prospect => Stage::Prospect,
        pb::deal::Stage::Qualified => Stage::Qualified,
        pb::deal::Stage::TechnicalValidation => Stage::TechnicalValidation,
        pb::deal::Stage::BusinessValidation => Stage::BusinessValidation,
        pb::deal::Stage::Committed => Stage::Committed,
        pb::deal::Stage::Won => Stage::Won,
        pb::deal::Stage::Lost => Stage::Lost,
    })
}

/// A deal type on the wire.
pub(crate) fn wire_deal_type(deal_type: DealType) -> pb::DealType {
    match deal_type {
        DealType::New => pb::DealType::New,
        DealType::Expansion => pb::DealType::Expansion,
        DealType::Renewal => pb::DealType::Renewal,
    }
}

/// The deal type that the wire's number stands for; none for zero and for numbers that the contract
/// does not know.
pub(crate) fn deal_type(number: i32) -> Option<DealType> {
    Some(match pb::DealType::try_from(number).ok()? {
        pb::DealType::Unspecified => return None,
        pb::DealType::New => DealType::New,
        pb::DealType::Expansion => DealType::Expansion,
        pb::DealType::Renewal => DealType::Renewal,
    })
}

pub(super) fn get(request: pb::GetDealRequest, fields: &mut Fields) -> Option<DealId> {
    fields.id("name", &request.name)
}

pub(super) fn list(request: pb::ListDealsRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}
