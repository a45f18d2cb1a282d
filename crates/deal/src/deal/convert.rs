//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use trellis_api::deal::v1 as pb;
use trellis_api::filter::Field;
use trellis_api::google::r#type as google;
use trellis_api::{Etag, Fields, date, money, name, time};
use trellis_core::{
    AccountId, Currency, DealId, EcosystemId, Money, PageQuery, PartnerId, ProductId, ProgramId,
    RegistrationId, TerritoryId,
};
use trellis_store::deal::deal::{DealType, Line, Lines, Model, PartnerRole, Role, Roles, Stage};

use super::amounts::Draft;
use super::deals::{
    Advance, Ask, Create, Described, Edit, Lose, Move, Reopen, SetRoles, Update, Win,
};
use super::pipeline::{Group, Grouping, Pipeline, Sums};
use super::records::{Record, What};
use super::roles;
use crate::edit::{not_negative, some};

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

/// The fields that an update may change, as far as the stage lets.
const MUTABLE: &[&str] = &[
    "display_name",
    "account",
    "lines",
    "amount",
    "deal_type",
    "territory",
    "engage_date",
    "expected_close_date",
    "external_id",
];

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
    }
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

fn wire_partner_role(ecosystem: &EcosystemId, role: PartnerRole) -> pb::deal::PartnerRole {
    let PartnerRole { partner, role } = role;
    pb::deal::PartnerRole {
        partner: name(ecosystem, &partner),
        role: wire_role(role).into(),
    }
}

fn wire_role(role: Role) -> pb::deal::Role {
    match role {
        Role::Sourced => pb::deal::Role::Sourced,
        Role::Fulfil => pb::deal::Role::Fulfil,
        Role::CoSell => pb::deal::Role::CoSell,
        Role::Influenced => pb::deal::Role::Influenced,
    }
}

fn role(number: i32) -> Option<Role> {
    Some(match pb::deal::Role::try_from(number).ok()? {
        pb::deal::Role::Unspecified => return None,
        pb::deal::Role::Sourced => Role::Sourced,
        pb::deal::Role::Fulfil => Role::Fulfil,
        pb::deal::Role::CoSell => Role::CoSell,
        pb::deal::Role::Influenced => Role::Influenced,
    })
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

fn positive(fields: &mut Fields, field: &str, value: Option<google::Money>) -> Option<Money> {
    let amount = fields.money(field, value)?;
    if amount.minor <= 0 {
        fields.refuse(field, "money.gt_zero", "must be more than nothing");
        return None;
    }
    Some(amount)
}

pub(super) fn create(request: pb::CreateDealRequest, fields: &mut Fields) -> Option<Create> {
    let id = fields.new_id::<DealId>("deal_id", &request.deal_id);
    let deal = described(request.deal?, fields);
    Some(Create {
        id: id?,
        deal: deal?,
    })
}

/// Everything that a caller says of a deal, from its field `deal`.
pub(super) fn described(deal: pb::Deal, fields: &mut Fields) -> Option<Described> {
    let account = fields.optional_id("deal.account", &deal.account);
    let sourced = fields.optional_id("deal.partner", &deal.partner);
    let roles = partner_roles("deal.roles", deal.roles, fields);
    let lines = drafts(deal.lines, fields);
    let amount = not_negative(fields, "deal.amount", deal.amount);
    let territory = fields.optional_id("deal.territory", &deal.territory);
    let engage_date = fields.optional_date("deal.engage_date", deal.engage_date);
    let expected_close_date =
        fields.optional_date("deal.expected_close_date", deal.expected_close_date);
    let roles = fitting("deal.roles", sourced?, roles?, fields);
    Some(Described {
        display_name: deal.display_name,
        account: account?,
        roles: roles?,
        lines: lines?,
        amount: amount?,
        deal_type: deal_type(deal.deal_type),
        territory: territory?,
        engage_date: engage_date?,
        expected_close_date: expected_close_date?,
        external_id: some(deal.external_id),
    })
}

fn partner_roles(
    path: &str,
    given: Vec<pb::deal::PartnerRole>,
    fields: &mut Fields,
) -> Option<Vec<PartnerRole>> {
    let read: Vec<Option<PartnerRole>> = given
        .into_iter()
        .enumerate()
        .map(|(index, given)| {
            let partner = fields.id(&format!("{path}[{index}].partner"), &given.partner);
            Some(PartnerRole {
                partner: partner?,
                role: role(given.role)?,
            })
        })
        .collect();
    read.into_iter().collect()
}

fn fitting(
    path: &str,
    sourced: Option<PartnerId>,
    given: Vec<PartnerRole>,
    fields: &mut Fields,
) -> Option<Vec<PartnerRole>> {
    match roles::settle(path, sourced, given) {
        Ok(roles) => Some(roles),
        Err(wrong) => {
            for violation in wrong {
                fields.refuse(violation.field, violation.rule, violation.description);
            }
            None
        }
    }
}

fn drafts(lines: Vec<pb::deal::Line>, fields: &mut Fields) -> Option<Vec<Draft>> {
    let mut drafts: Vec<Option<Draft>> = Vec::with_capacity(lines.len());
    // Also those of lines that are wrong in another way: everything is told at once.
    let mut seen: Vec<ProductId> = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        let path = format!("deal.lines[{index}]");
        let product = fields.id::<ProductId>(&format!("{path}.product"), &line.product);
        let amount = not_negative(fields, &format!("{path}.amount"), line.amount);
        let again = product
            .as_ref()
            .is_some_and(|product| seen.contains(product));
        seen.extend(product.clone());
        if again {
            let description = "stands in another line already";
            fields.refuse(format!("{path}.product"), "repeated.unique", description);
        }
        let quantity = if line.quantity == 0 { 1 } else { line.quantity };
        drafts.push(product.zip(amount).map(|(product, amount)| Draft {
            product,
            quantity,
            amount,
        }));
    }
    drafts.into_iter().collect()
}

pub(super) fn get(request: pb::GetDealRequest, fields: &mut Fields) -> Option<DealId> {
    fields.id("name", &request.name)
}

pub(super) fn list(request: pb::ListDealsRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(super) fn update(request: pb::UpdateDealRequest, fields: &mut Fields) -> Option<Update> {
    let sent = fields.required("deal", request.deal)?;
    let mask = fields.mask("deal", &sent, request.update_mask, MUTABLE);
    let id = fields.id("deal.name", &sent.name);
    let etag = fields.etag("deal.etag", &sent.etag);
    let mask = mask?;
    let account = mask.read("account", || {
        fields.optional_id("deal.account", &sent.account)
    });
    let lines = mask.read("lines", || drafts(sent.lines, fields));
    let amount = mask.read("amount", || {
        not_negative(fields, "deal.amount", sent.amount)
    });
    let territory = mask.read("territory", || {
        fields.optional_id("deal.territory", &sent.territory)
    });
    let engage_date = mask.read("engage_date", || {
        fields.optional_date("deal.engage_date", sent.engage_date)
    });
    let expected_close_date = mask.read("expected_close_date", || {
        fields.optional_date("deal.expected_close_date", sent.expected_close_date)
    });
    let edit = Edit {
        display_name: mask.keep("display_name", Some(sent.display_name)),
        account: account?,
        lines: lines?,
        amount: amount?,
        deal_type: mask.keep("deal_type", Some(deal_type(sent.deal_type))),
        territory: territory?,
        engage_date: engage_date?,
        expected_close_date: expected_close_date?,
        external_id: mask.keep("external_id", Some(some(sent.external_id))),
    };
    Some(Update {
        id: id?,
        etag: etag?,
        mask,
        edit,
    })
}

pub(super) fn advance(request: pb::AdvanceDealRequest, fields: &mut Fields) -> Option<Advance> {
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    let reason_code = some(request.reason_code);
    Some(Advance {
        on: Move { reason_code, ..on },
        stage: stage(request.stage)?,
    })
}

pub(super) fn win(request: pb::WinDealRequest, fields: &mut Fields) -> Option<Win> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let amount = not_negative(fields, "amount", request.amount);
    let close_date = fields.optional_date("close_date", request.close_date);
    Some(Win {
        on: on?,
        amount: amount?,
        close_date: close_date?,
    })
}

pub(super) fn lose(request: pb::LoseDealRequest, fields: &mut Fields) -> Option<Lose> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let close_date = fields.optional_date("close_date", request.close_date);
    let on = Move {
        reason_code: Some(request.reason_code),
        ..on?
    };
    Some(Lose {
        on,
        close_date: close_date?,
    })
}

pub(super) fn reopen(request: pb::ReopenDealRequest, fields: &mut Fields) -> Option<Reopen> {
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    let on = Move {
        reason_code: Some(request.reason_code),
        ..on
    };
    Some(Reopen {
        on,
        stage: stage(request.stage),
    })
}

pub(super) fn invoice(request: pb::RecordInvoiceRequest, fields: &mut Fields) -> Option<Record> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let amount = positive(fields, "amount", request.amount);
    let date = fields.optional_date("invoice_date", request.invoice_date);
    let external_id = request.external_id;
    Some(Record {
        on: on?,
        what: What::Invoice(amount?),
        external_id,
        date: date?,
    })
}

pub(super) fn refund(request: pb::RecordRefundRequest, fields: &mut Fields) -> Option<Record> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let amount = positive(fields, "amount", request.amount);
    let date = fields.optional_date("refund_date", request.refund_date);
    let external_id = request.external_id;
    let on = Move {
        reason_code: Some(request.reason_code),
        ..on?
    };
    Some(Record {
        on,
        what: What::Refund(amount?),
        external_id,
        date: date?,
    })
}

pub(super) fn churn(request: pb::RecordChurnRequest, fields: &mut Fields) -> Option<Record> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let date = fields.optional_date("churn_date", request.churn_date);
    let external_id = request.external_id;
    let on = Move {
        reason_code: Some(request.reason_code),
        ..on?
    };
    Some(Record {
        on,
        what: What::Churn,
        external_id,
        date: date?,
    })
}

pub(super) fn set_roles(request: pb::SetDealRolesRequest, fields: &mut Fields) -> Option<SetRoles> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let roles = partner_roles("roles", request.roles, fields);
    let roles = fitting("roles", None, roles?, fields);
    Some(SetRoles {
        on: on?,
        roles: roles?,
    })
}

pub(super) fn pipeline(request: pb::GetPipelineRequest, fields: &mut Fields) -> Option<Ask> {
    let shown = fields.shown::<pb::ListDealsRequest>(FIELDS);
    let filter = fields.filter("filter", &request.filter, &shown);
    let by = match pb::get_pipeline_request::Grouping::try_from(request.group_by).ok()? {
        pb::get_pipeline_request::Grouping::Unspecified
        | pb::get_pipeline_request::Grouping::Stage => Grouping::Stage,
        pb::get_pipeline_request::Grouping::Partner => Grouping::Partner,
        pb::get_pipeline_request::Grouping::Month => Grouping::Month,
        pb::get_pipeline_request::Grouping::Quarter => Grouping::Quarter,
    };
    Some(Ask {
        by,
        filter: filter?,
    })
}

fn moving(fields: &mut Fields, name: &str, etag: &str, note: String) -> Option<Move> {
    let id = fields.id("name", name);
    let etag = fields.etag("etag", etag);
    Some(Move {
        id: id?,
        etag: etag?,
        reason_code: None,
        note,
    })
}

/// A pipeline on the wire.
#[must_use]
pub fn wire_pipeline(ecosystem: &EcosystemId, pipeline: Pipeline) -> pb::GetPipelineResponse {
    let Pipeline { rows, totals } = pipeline;
    let row = |(group, currency, sums): (Group, Option<Currency>, Sums)| {
        wire_row(Some(wire_group(ecosystem, group)), currency, sums)
    };
    let total = |((), currency, sums): ((), Option<Currency>, Sums)| wire_row(None, currency, sums);
    pb::GetPipelineResponse {
        rows: rows.into_iter().map(row).collect(),
        totals: totals.into_iter().map(total).collect(),
    }
}

fn wire_group(ecosystem: &EcosystemId, group: Group) -> pb::pipeline_row::Group {
    match group {
        Group::Stage(stage) => pb::pipeline_row::Group::Stage(wire_stage(stage).into()),
        Group::Partner(partner) => pb::pipeline_row::Group::Partner(
            partner
                .map(|partner| name(ecosystem, &partner))
                .unwrap_or_default(),
        ),
        Group::Period(start) => pb::pipeline_row::Group::PeriodStartDate(date::wire(start)),
        Group::Undated => pb::pipeline_row::Group::Undated(true),
    }
}

fn wire_row(
    group: Option<pb::pipeline_row::Group>,
    currency: Option<Currency>,
    sums: Sums,
) -> pb::PipelineRow {
    let Sums {
        open_count,
        open_minor,
        weighted_minor,
        won_count,
        won_minor,
        lost_count,
    } = sums;
    let worth = |minor| currency.map(|currency| money::wire(Money::new(minor, currency)));
    pb::PipelineRow {
        group,
        currency_code: currency
            .map(|currency| currency.code().to_owned())
            .unwrap_or_default(),
        open_count,
        open_amount: worth(open_minor),
        weighted_amount: worth(weighted_minor),
        won_count,
        won_amount: worth(won_minor),
        lost_count,
    }
}
