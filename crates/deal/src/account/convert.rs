//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, Field, Fields, name};
use trellis_core::{AccountId, Money, PageQuery, PartnerId};
use trellis_matching::domain;
use trellis_store::deal::account::{Model, State};

use super::accounts::{Create, Edit, Update};
use super::identifiers;
use super::matched::{Ask, Description, Of};
use super::merge::Merge;
use super::split::{Off, Part, Split};
use crate::edit::{not_negative, some};

/// What lists filter and order by.
pub const FIELDS: &[Field] = &[
    Field::text("display_name").sortable(),
    Field::text("region_code"),
    Field::text("industry"),
    Field::integer("employee_count").sortable(),
    Field::integer("founded_year"),
    Field::id::<AccountId>("parent_account"),
    Field::text("pending_parent_external_id"),
    Field::text("external_id"),
    Field::id::<PartnerId>("partner"),
    Field::boolean("canary"),
    Field::id::<AccountId>("ultimate_parent"),
    Field::id::<AccountId>("successor_account"),
    Field::state("state", "STATE", STATES),
    Field::id::<AccountId>("merged_into"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

const STATES: &[&str] = &["ACTIVE", "MERGED"];

/// The fields that an update may change.
const MUTABLE: &[&str] = &[
    "display_name",
    "region_code",
    "domains",
    "industry",
    "annual_revenue",
    "employee_count",
    "founded_year",
    "parent_account",
    "external_id",
    "partner",
    "canary",
    "identifiers",
    "aliases",
    "crm_records",
    "successor_account",
];

/// An account on the wire.
#[must_use]
pub fn wire(account: Model) -> pb::Account {
    let Model {
        ecosystem,
        id,
        partner,
        display_name,
        region_code,
        domains,
        registrable_domains,
        industry,
        annual_revenue_minor,
        annual_revenue_currency,
        employee_count,
        founded_year,
        parent_account,
        pending_parent_external_id,
        external_id,
        canary,
        identifiers,
        aliases,
        crm_records,
        ultimate_parent,
        successor_account,
        state,
        merged_into,
        moved: _,
        key_version: _,
        version,
        create_time,
        update_time,
    } = account;
    let named = |id: Option<AccountId>| id.map_or_else(String::new, |id| name(&ecosystem, &id));
    let annual_revenue = annual_revenue_minor
        .zip(annual_revenue_currency)
        .map(|(minor, currency)| trellis_api::money::wire(Money::new(minor, currency)));
    pb::Account {
        name: name(&ecosystem, &id),
        display_name,
        region_code: region_code.unwrap_or_default(),
        domains: domains.0,
        registrable_domains: registrable_domains.0,
        industry: industry.unwrap_or_default(),
        annual_revenue,
        employee_count,
        founded_year: i32::try_from(founded_year).unwrap_or_default(),
        parent_account: named(parent_account),
        pending_parent_external_id: pending_parent_external_id.unwrap_or_default(),
        external_id: external_id.unwrap_or_default(),
        create_time: Some(trellis_api::time::wire(create_time)),
        update_time: Some(trellis_api::time::wire(update_time)),
        etag: Etag::of(version).to_string(),
        partner: partner.map_or_else(String::new, |id| name(&ecosystem, &id)),
        canary,
        identifiers: identifiers.0.into_iter().map(identifiers::wire).collect(),
        aliases: aliases.0,
        crm_records: crm_records.0.into_iter().map(identifiers::record).collect(),
        ultimate_parent: named(ultimate_parent),
        successor_account: named(successor_account),
        state: match state {
            State::Active => pb::account::State::Active,
            State::Merged => pb::account::State::Merged,
        }
        .into(),
        merged_into: named(merged_into),
    }
}

/// Every field of an account that callers set, as an edit that sets them all.
pub(super) fn whole(account: pb::Account, fields: &mut Fields) -> Option<Edit> {
    let domains = hosts("account.domains", account.domains, fields);
    let revenue = not_negative(fields, "account.annual_revenue", account.annual_revenue);
    let parent = fields.optional_id("account.parent_account", &account.parent_account);
    let partner = fields.optional_id("account.partner", &account.partner);
    let successor = fields.optional_id("account.successor_account", &account.successor_account);
    let numbers = identifiers::read("account.identifiers", account.identifiers, fields);
    let records = identifiers::records("account.crm_records", account.crm_records, fields);
    Some(Edit {
        display_name: Some(account.display_name),
        region_code: Some(some(account.region_code)),
        domains: Some(domains?),
        industry: Some(some(account.industry)),
        annual_revenue: Some(revenue?),
        employee_count: Some(account.employee_count),
        founded_year: Some(account.founded_year.into()),
        parent_account: Some(parent?),
        external_id: Some(some(account.external_id)),
        partner: Some(partner?),
        canary: Some(account.canary),
        identifiers: Some(numbers?),
        aliases: Some(account.aliases),
        crm_records: Some(records?),
        successor_account: Some(successor?),
    })
}

/// The domains as they were given, if each of them names a host.
fn hosts(at: &str, domains: Vec<String>, fields: &mut Fields) -> Option<Vec<String>> {
    let mut all = true;
    for (index, given) in domains.iter().enumerate() {
        if domain::host(given).is_none() {
            all = false;
            fields.refuse(
                format!("{at}[{index}]"),
                "domain",
                "must be a domain or a web address, such as acme.example",
            );
        }
    }
    all.then_some(domains)
}

pub(super) fn create(request: pb::CreateAccountRequest, fields: &mut Fields) -> Option<Create> {
    let id = fields.new_id::<AccountId>("account_id", &request.account_id);
    let edit = whole(request.account?, fields);
    Some(Create {
        id: id?,
        edit: edit?,
    })
}

pub(super) fn get(request: pb::GetAccountRequest, fields: &mut Fields) -> Option<AccountId> {
    fields.id("name", &request.name)
}

pub(super) fn list(request: pb::ListAccountsRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(super) fn update(request: pb::UpdateAccountRequest, fields: &mut Fields) -> Option<Update> {
    let account = fields.required("account", request.account)?;
    let mask = fields.mask("account", &account, request.update_mask, MUTABLE);
    let id = fields.id("account.name", &account.name);
    let etag = fields.etag("account.etag", &account.etag);
    let mask = mask?;
    let domains = mask.read("domains", || {
        hosts("account.domains", account.domains, fields)
    });
    let annual_revenue = mask.read("annual_revenue", || {
        not_negative(fields, "account.annual_revenue", account.annual_revenue)
    });
    let parent_account = mask.read("parent_account", || {
        fields.optional_id("account.parent_account", &account.parent_account)
    });
    let partner = mask.read("partner", || {
        fields.optional_id("account.partner", &account.partner)
    });
    let numbers = mask.read("identifiers", || {
        identifiers::read("account.identifiers", account.identifiers, fields)
    });
    let records = mask.read("crm_records", || {
        identifiers::records("account.crm_records", account.crm_records, fields)
    });
    let successor_account = mask.read("successor_account", || {
        fields.optional_id("account.successor_account", &account.successor_account)
    });
    let edit = Edit {
        display_name: mask.keep("display_name", Some(account.display_name)),
        region_code: mask.keep("region_code", Some(some(account.region_code))),
        domains: domains?,
        industry: mask.keep("industry", Some(some(account.industry))),
        annual_revenue: annual_revenue?,
        employee_count: mask.keep("employee_count", Some(account.employee_count)),
        founded_year: mask.keep("founded_year", Some(account.founded_year.into())),
        parent_account: parent_account?,
        external_id: mask.keep("external_id", Some(some(account.external_id))),
        partner: partner?,
        canary: mask.keep("canary", Some(account.canary)),
        identifiers: numbers?,
        aliases: mask.keep("aliases", Some(account.aliases)),
        crm_records: records?,
        successor_account: successor_account?,
    };
    Some(Update {
        id: id?,
        etag: etag?,
        edit,
    })
}

/// How many candidates are answered, if the caller does not say, and at most.
const CANDIDATES: usize = 20;
const CANDIDATES_MAX: usize = 100;

pub(super) fn matched(request: pb::MatchAccountRequest, fields: &mut Fields) -> Option<Ask> {
    let asked = usize::try_from(request.candidate_count).unwrap_or_default();
    let count = match asked {
        0 => CANDIDATES,
        count => count.min(CANDIDATES_MAX),
    };
    let of = match (request.account.as_str(), request.description) {
        ("", Some(description)) => described(description, fields)
            .map(Box::new)
            .map(Of::Description),
        (_, None) => fields.id("account", &request.account).map(Of::Account),
        (_, Some(_)) => {
            fields.refuse("description", "exclusive", "must be empty beside account");
            None
        }
    };
    Some(Ask { of: of?, count })
}

fn described(
    description: pb::match_account_request::Description,
    fields: &mut Fields,
) -> Option<Description> {
    let domains = hosts("description.domains", description.domains, fields);
    let identifiers = identifiers::read("description.identifiers", description.identifiers, fields);
    Some(Description {
        display_name: description.display_name,
        aliases: description.aliases,
        region_code: some(description.region_code),
        domains: domains?,
        identifiers: identifiers?,
    })
}

pub(super) fn merge(request: pb::MergeAccountsRequest, fields: &mut Fields) -> Option<Merge> {
    let into = fields.id::<AccountId>("name", &request.name);
    let merged = fields.id::<AccountId>("merged_account", &request.merged_account);
    let etag = fields.etag("etag", &request.etag);
    let merged_etag = fields.etag("merged_account_etag", &request.merged_account_etag);
    let (into, merged) = (into?, merged?);
    if into == merged {
        fields.refuse("merged_account", "other", "must be another account");
        return None;
    }
    Some(Merge {
        into,
        etag: etag?,
        merged,
        merged_etag: merged_etag?,
        note: request.note,
    })
}

pub(super) fn split(request: pb::SplitAccountRequest, fields: &mut Fields) -> Option<Split> {
    let id = fields.id::<AccountId>("name", &request.name);
    let etag = fields.etag("etag", &request.etag);
    let new_id = fields.new_id::<AccountId>("account_id", &request.account_id);
    let registrations = fields.ids("registrations", &request.registrations);
    let deals = fields.ids("deals", &request.deals);
    let off = match (request.merged_account.as_str(), request.account) {
        (merged, None) => fields.id("merged_account", merged).map(Off::Merged),
        ("", Some(account)) => whole(account, fields).and_then(|edit| {
            let part = Part {
                id: new_id?,
                edit,
                registrations: registrations?,
                deals: deals?,
            };
            Some(Off::New(Box::new(part)))
        }),
        (_, Some(_)) => {
            fields.refuse(
                "account",
                "exclusive",
                "must be empty beside merged_account",
            );
            None
        }
    };
    Some(Split {
        account: id?,
        etag: etag?,
        note: request.note,
        off: off?,
    })
}
