//! Facts between the wire and the evaluation: one parser for each message inwards.

use std::collections::{BTreeMap, BTreeSet};

use trellis_api::incentive::v1 as pb;
use trellis_api::{Field, Fields};
use trellis_core::{Currency, DealId, Money, PageQuery, PartnerId, Rate, Timestamp};
use trellis_evaluation::evaluate::{ExchangeRate, Fact, Party, Quota};
use trellis_evaluation::plan::{FactKind, FxType, award_fields};
use trellis_evaluation::predicate::{Record, Schema, Type, Value};

use super::record::{self, Set, UNSAID};
use super::{DEALS, REGISTRATIONS};

/// What lists of facts filter and order by.
const FACTS: &[Field] = &[
    Field::text("source"),
    Field::text("external_id"),
    Field::state("kind", "KIND", KINDS),
    Field::id::<PartnerId>("partner"),
    Field::time("record_time").sortable(),
];

const KINDS: &[&str] = &[
    FactKind::DealWon.name(),
    FactKind::InvoicePaid.name(),
    FactKind::OrderLine.name(),
    FactKind::RegistrationApproved.name(),
    FactKind::CertificationEarned.name(),
    FactKind::SubmissionApproved.name(),
    FactKind::MetricReported.name(),
    FactKind::Refund.name(),
    FactKind::Churn.name(),
    FactKind::Revocation.name(),
];

/// What lists of quotas filter by.
const QUOTAS: &[Field] = &[Field::id::<PartnerId>("partner"), Field::text("quota")];

/// What lists of exchange rates filter by.
const EXCHANGE_RATES: &[Field] = &[
    Field::text("from_currency_code"),
    Field::text("to_currency_code"),
    Field::state("kind", "KIND", &["SPOT", "MONTH_AVERAGE", "PLAN_FIXED"]),
];

pub(super) fn record(
    request: pb::RecordFactsRequest,
    fields: &mut Fields,
) -> Option<record::Record> {
    let pb::RecordFactsRequest {
        parent: _,
        source,
        facts: told,
        quotas,
        exchange_rates: rates,
        request_id: _,
        validate_only: _,
    } = request;
    if [DEALS, REGISTRATIONS].contains(&source.as_str()) {
        let otherwise = "is the server's own; name the system that the facts come from";
        fields.refuse("source", "source.reserved", otherwise);
    }
    if told.is_empty() && quotas.is_empty() && rates.is_empty() {
        let otherwise = "tell one fact, quota or exchange rate at least";
        fields.refuse("facts", "required", otherwise);
    }
    for (at, fact) in told.iter().enumerate() {
        if fact.kind() == pb::incentive_fact::Kind::DealWon {
            let otherwise = "is told by the deal itself: win the deal, or import it";
            fields.refuse(format!("facts[{at}].kind"), "fact.kind", otherwise);
        }
    }
    let times = told.iter().map(|fact| fact.record_time.is_some());
    unsaid(fields, "facts", times);
    let times = quotas.iter().map(|quota| quota.record_time.is_some());
    unsaid(fields, "quotas", times);
    let times = rates.iter().map(|rate| rate.record_time.is_some());
    unsaid(fields, "exchange_rates", times);
    let facts = facts(fields, "facts", told);
    let quotas = set(fields, "quotas", quotas);
    let rates = exchange_rates(fields, "exchange_rates", rates);
    let (facts, quotas, rates) = (facts?, quotas?, rates?);
    let quotas: Vec<Set> = quotas.into_iter().map(|(set, _)| set).collect();
    let keys = quotas
        .iter()
        .map(|set| (&set.partner, set.quota.as_str(), set.period_start));
    once(fields, "quotas", keys);
    once(
        fields,
        "exchange_rates",
        rates.iter().map(|rate| rate.id.as_str()),
    );
    Some(record::Record {
        source,
        facts,
        quotas,
        rates,
    })
}

/// When it became known is for the server to say.
fn unsaid(fields: &mut Fields, path: &str, said: impl Iterator<Item = bool>) {
    for (at, _) in said.enumerate().filter(|(_, said)| *said) {
        let otherwise = "is set by the server; leave it out";
        fields.refuse(
            format!("{path}[{at}].record_time"),
            "fact.recorded",
            otherwise,
        );
    }
}

/// Each once: which of two would count cannot be told.
fn once<K: Ord>(fields: &mut Fields, path: &str, keys: impl Iterator<Item = K>) {
    let mut seen = BTreeSet::new();
    for (at, key) in keys.enumerate() {
        if !seen.insert(key) {
            let otherwise = "is told twice; tell it once";
            fields.refuse(format!("{path}[{at}]"), "fact.unique", otherwise);
        }
    }
}

pub(super) fn list_facts(request: pb::ListFactsRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FACTS)
}

pub(super) fn list_quotas(
    request: pb::ListQuotasRequest,
    fields: &mut Fields,
) -> Option<PageQuery> {
    fields.page(&request, QUOTAS)
}

pub(super) fn list_exchange_rates(
    request: pb::ListExchangeRatesRequest,
    fields: &mut Fields,
) -> Option<PageQuery> {
    fields.page(&request, EXCHANGE_RATES)
}

/// Reads facts, each revision of each id once.
pub(crate) fn facts(
    fields: &mut Fields,
    path: &str,
    facts: Vec<pb::IncentiveFact>,
) -> Option<Vec<Fact>> {
    let schema = award_fields();
    let mut seen = BTreeSet::new();
    let read: Vec<Option<Fact>> = facts
        .into_iter()
        .enumerate()
        .map(|(at, told)| {
            let path = format!("{path}[{at}]");
            let fact = fact(fields, &path, told, &schema)?;
            if !seen.insert((fact.id.clone(), fact.revision)) {
                let otherwise = "is told twice with this revision; tell each revision once";
                fields.refuse(format!("{path}.external_id"), "fact.unique", otherwise);
                return None;
            }
            Some(fact)
        })
        .collect();
    read.into_iter().collect()
}

fn fact(fields: &mut Fields, path: &str, told: pb::IncentiveFact, schema: &Schema) -> Option<Fact> {
    let pb::IncentiveFact {
        external_id,
        revision,
        withdrawn,
        kind,
        occur_date,
        partner,
        customer,
        product,
        deal,
        about,
        amount,
        annual_amount,
        cost_amount,
        quantity,
        share,
        contract_start_date,
        book_date,
        parties,
        fields: values,
        record_time,
    } = told;
    let at = |field: &str| format!("{path}.{field}");
    let kind = kind_of(kind);
    let date = fields.date(&at("occur_date"), occur_date);
    let partner = fields.optional_id::<PartnerId>(&at("partner"), &partner);
    let deal = fields.optional_id::<DealId>(&at("deal"), &deal);
    let amount = fields.optional_money(&at("amount"), amount);
    let annual = fields.optional_money(&at("annual_amount"), annual_amount);
    let cost = fields.optional_money(&at("cost_amount"), cost_amount);
    let share = fields.optional_rate(&at("share"), share);
    let contract_start = fields.optional_date(&at("contract_start_date"), contract_start_date);
    let booked = fields.optional_date(&at("book_date"), book_date);
    let recorded = fields.optional_time(&at("record_time"), record_time);
    let parties = self::parties(fields, path, parties);
    let values = asked(fields, path, values, schema);
    let (kind, share) = (kind?, share?);
    if kind.takes_back() && about.is_empty() {
        let otherwise = "is needed: the external_id of the fact that it takes back of";
        fields.refuse(at("about"), "required", otherwise);
        return None;
    }
    if !kind.takes_back() && !about.is_empty() {
        let otherwise = "is that of a refund, a churn or a revocation; leave it out";
        fields.refuse(at("about"), "fact.about", otherwise);
        return None;
    }
    let (amount, annual, cost) = (amount?, annual?, cost?);
    let currency = currency(
        fields,
        path,
        [
            ("amount", amount),
            ("annual_amount", annual),
            ("cost_amount", cost),
        ],
    )?;
    let minor = |money: Option<Money>| money.map(|money| money.minor);
    let text = |text: String| (!text.is_empty()).then_some(text);
    let fact = Fact {
        id: external_id,
        revision: u32::try_from(revision.max(1)).ok()?,
        withdrawn,
        kind,
        date: date?,
        recorded: recorded?.unwrap_or(UNSAID),
        partner: partner?,
        customer: text(customer),
        product: text(product),
        deal: deal?,
        about: text(about),
        amount_minor: minor(amount),
        annual_minor: minor(annual),
        cost_minor: minor(cost),
        currency,
        quantity,
        share,
        contract_start: contract_start?,
        booked: booked?,
        parties: parties?,
        fields: values?,
    };
    let wrong = fact.validate();
    let fine = wrong.is_empty();
    for violation in wrong {
        fields.refuse(at(&violation.field), violation.rule, violation.description);
    }
    fine.then_some(fact)
}

fn kind_of(number: i32) -> Option<FactKind> {
    use pb::incentive_fact::Kind as Wire;
    Some(match Wire::try_from(number).ok()? {
        Wire::Unspecified => return None,
        Wire::DealWon => FactKind::DealWon,
        Wire::InvoicePaid => FactKind::InvoicePaid,
        Wire::OrderLine => FactKind::OrderLine,
        Wire::RegistrationApproved => FactKind::RegistrationApproved,
        Wire::CertificationEarned => FactKind::CertificationEarned,
        Wire::SubmissionApproved => FactKind::SubmissionApproved,
        Wire::MetricReported => FactKind::MetricReported,
        Wire::Refund => FactKind::Refund,
        Wire::Churn => FactKind::Churn,
        Wire::Revocation => FactKind::Revocation,
    })
}

/// The currency of all amounts of a fact, of which none is negative.
fn currency(
    fields: &mut Fields,
    path: &str,
    amounts: [(&str, Option<Money>); 3],
) -> Option<Option<Currency>> {
    let given = amounts
        .into_iter()
        .filter_map(|(field, money)| Some((field, money?)));
    let mut currency: Option<Currency> = None;
    let mut fine = true;
    for (field, money) in given {
        let first = *currency.get_or_insert(money.currency);
        if money.currency != first {
            let otherwise = format!("must be in {first}, as the other amounts of the fact");
            fields.refuse(format!("{path}.{field}"), "money.currency", otherwise);
            fine = false;
        }
        if money.minor < 0 {
            let otherwise = "must be 0 or more; what is taken back is a fact of its own";
            fields.refuse(format!("{path}.{field}"), "money.gte_zero", otherwise);
            fine = false;
        }
    }
    fine.then_some(currency)
}

fn parties(fields: &mut Fields, path: &str, parties: Vec<pb::FactParty>) -> Option<Vec<Party>> {
    let read: Vec<Option<Party>> = parties
        .into_iter()
        .enumerate()
        .map(|(at, party)| {
            let field = format!("{path}.parties[{at}].partner");
            Some(Party {
                partner: fields.id(&field, &party.partner)?,
                role: party.role,
            })
        })
        .collect();
    read.into_iter().collect()
}

/// What conditions may ask of a fact. What no condition can ask for is refused: it was meant for
/// something.
fn asked(
    fields: &mut Fields,
    path: &str,
    values: BTreeMap<String, pb::FactValue>,
    schema: &Schema,
) -> Option<Record> {
    let mut record = Record::new();
    let mut fine = true;
    for (field, value) in values {
        let at = format!("{path}.fields[{field:?}]");
        let Some(known) = schema.get(&field) else {
            let known: Vec<&str> = schema.iter().map(|(known, _)| known).collect();
            let otherwise = format!(
                "is no field that a condition can ask for; there are {}",
                known.join(", ")
            );
            fields.refuse(at, "fact.field", otherwise);
            fine = false;
            continue;
        };
        match value_of(value, &known.holds) {
            Ok(value) => record.set(field, value),
            Err(otherwise) => {
                fields.refuse(at, "fact.value", otherwise);
                fine = false;
            }
        }
    }
    fine.then_some(record)
}

fn value_of(value: pb::FactValue, holds: &Type) -> Result<Value, &'static str> {
    let pb::FactValue {
        text,
        number,
        truth,
        texts,
    } = value;
    match (holds, text, number, truth) {
        (Type::Bool, None, None, Some(truth)) if texts.is_empty() => Ok(Value::Bool(truth)),
        (Type::Int, None, Some(number), None) if texts.is_empty() => Ok(Value::Int(number)),
        (Type::Text, Some(text), None, None) if texts.is_empty() => Ok(Value::Text(text)),
        (Type::Date, Some(text), None, None)
            if texts.is_empty() && text.parse::<trellis_core::Date>().is_ok() =>
        {
            Ok(Value::Text(text))
        }
        (Type::Enumeration(known), Some(text), None, None)
            if texts.is_empty() && known.contains(&text) =>
        {
            Ok(Value::Text(text))
        }
        (Type::Texts, None, None, None) => {
            Ok(Value::List(texts.into_iter().map(Value::Text).collect()))
        }
        (Type::Enumerations(known), None, None, None)
            if texts.iter().all(|text| known.contains(text)) =>
        {
            Ok(Value::List(texts.into_iter().map(Value::Text).collect()))
        }
        (Type::Bool, ..) => Err("must be true or false, as `truth` and nothing else"),
        (Type::Int, ..) => Err("must be a whole number, as `number` and nothing else"),
        (Type::Text, ..) => Err("must be a text, as `text` and nothing else"),
        (Type::Date, ..) => Err("must be a day such as 2026-07-31, as `text` and nothing else"),
        (Type::Enumeration(_), ..) => {
            Err("must be one of the values that the field has, as `text`")
        }
        (Type::Texts, ..) => Err("must be texts, as `texts` and nothing else"),
        (Type::Enumerations(_), ..) => {
            Err("must be some of the values that the field has, as `texts`")
        }
    }
}

/// Reads quotas, for an evaluation that is told of them.
pub(crate) fn quotas(
    fields: &mut Fields,
    path: &str,
    quotas: Vec<pb::FactQuota>,
) -> Option<Vec<Quota>> {
    let read = set(fields, path, quotas)?;
    let told = read.into_iter().enumerate().map(|(at, (set, recorded))| {
        let Set {
            partner,
            quota,
            period_start,
            amount,
            currency: _,
        } = set;
        Quota {
            id: format!("{at:04}"),
            name: quota,
            partner,
            period_start,
            amount,
            recorded: recorded.unwrap_or(UNSAID),
        }
    });
    Some(told.collect())
}

/// Reads quotas, each with when it became known if that is said.
fn set(
    fields: &mut Fields,
    path: &str,
    quotas: Vec<pb::FactQuota>,
) -> Option<Vec<(Set, Option<Timestamp>)>> {
    let read: Vec<Option<_>> = quotas
        .into_iter()
        .enumerate()
        .map(|(at, told)| {
            let pb::FactQuota {
                quota,
                partner,
                period_start_date,
                amount,
                number,
                record_time,
            } = told;
            let field = |field: &str| format!("{path}[{at}].{field}");
            let partner = fields.id(&field("partner"), &partner);
            let recorded = fields.optional_time(&field("record_time"), record_time);
            let period_start = fields.date(&field("period_start_date"), period_start_date);
            let amount = fields.optional_money(&field("amount"), amount)?;
            if amount.is_some() && number != 0 {
                let otherwise = "cannot be set together with amount; leave one of the two out";
                fields.refuse(field("number"), "quota.kind", otherwise);
                return None;
            }
            if amount.is_some_and(|amount| amount.minor < 0) {
                fields.refuse(field("amount"), "money.gte_zero", "must be 0 or more");
                return None;
            }
            let set = Set {
                partner: partner?,
                quota,
                period_start: period_start?,
                amount: amount.map_or(number, |amount| amount.minor),
                currency: amount.map(|amount| amount.currency),
            };
            Some((set, recorded?))
        })
        .collect();
    read.into_iter().collect()
}

/// Reads exchange rates.
pub(crate) fn exchange_rates(
    fields: &mut Fields,
    path: &str,
    rates: Vec<pb::ExchangeRate>,
) -> Option<Vec<ExchangeRate>> {
    let read: Vec<Option<ExchangeRate>> = rates
        .into_iter()
        .enumerate()
        .map(|(at, told)| {
            let pb::ExchangeRate {
                kind,
                external_id,
                from_currency_code,
                to_currency_code,
                date,
                rate,
                record_time,
            } = told;
            let field = |field: &str| format!("{path}[{at}].{field}");
            let from = fields.currency(&field("from_currency_code"), &from_currency_code);
            let to = fields.currency(&field("to_currency_code"), &to_currency_code);
            let date = fields.date(&field("date"), date);
            let recorded = fields.optional_time(&field("record_time"), record_time);
            let rate = fields.rate(&field("rate"), rate)?;
            if rate <= Rate::ZERO {
                fields.refuse(field("rate"), "rate.range", "must be more than 0");
                return None;
            }
            Some(ExchangeRate {
                id: external_id,
                kind: fx_of(kind)?,
                from: from?,
                to: to?,
                date: date?,
                rate,
                recorded: recorded?.unwrap_or(UNSAID),
            })
        })
        .collect();
    read.into_iter().collect()
}

fn fx_of(number: i32) -> Option<FxType> {
    use pb::exchange_rate::Kind as Wire;
    Some(match Wire::try_from(number).ok()? {
        Wire::Unspecified => return None,
        Wire::Spot => FxType::Spot,
        Wire::MonthAverage => FxType::MonthAverage,
        Wire::PlanFixed => FxType::PlanFixed,
    })
}
