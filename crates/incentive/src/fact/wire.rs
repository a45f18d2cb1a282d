//! Recorded facts, quotas and exchange rates on the wire.

use std::collections::BTreeMap;

use trellis_api::google::r#type::Decimal;
use trellis_api::incentive::v1 as pb;
use trellis_api::{date, money, name, time};
use trellis_core::{Currency, EcosystemId, Money, Rate};
use trellis_evaluation::evaluate::Fact;
use trellis_evaluation::plan::{FactKind, FxType};
use trellis_evaluation::predicate::{Record, Value};
use trellis_store::incentive::{exchange_rate, quota, recorded_fact};

use crate::Error;

/// A fact, with what its partner was among its fields.
pub(super) fn fact(row: recorded_fact::Model) -> Result<pb::RecordedFact, Error> {
    let corrupt = |error: serde_json::Error| {
        Error::from(trellis_store::Error::Corrupt {
            table: "recorded_facts",
            what: format!("{} of {}: {error}", row.external_id, row.source),
        })
    };
    let said: Fact = serde_json::from_value(row.said.clone()).map_err(corrupt)?;
    Ok(pb::RecordedFact {
        source: row.source,
        fact: Some(pb::IncentiveFact {
            record_time: Some(time::wire(row.record_time)),
            ..said_on_wire(&row.ecosystem, said)
        }),
        actor: row.actor,
    })
}

fn said_on_wire(ecosystem: &EcosystemId, said: Fact) -> pb::IncentiveFact {
    let Fact {
        id,
        revision,
        withdrawn,
        kind,
        date: occur_date,
        recorded: _,
        partner,
        customer,
        product,
        deal,
        about,
        amount_minor,
        annual_minor,
        cost_minor,
        currency,
        quantity,
        share,
        contract_start,
        booked,
        parties,
        fields,
    } = said;
    let amount = |minor: Option<i64>| Some(money::wire(Money::new(minor?, currency?)));
    pb::IncentiveFact {
        external_id: id,
        revision: i32::try_from(revision).unwrap_or(i32::MAX),
        withdrawn,
        kind: wire_kind(kind).into(),
        occur_date: Some(date::wire(occur_date)),
        partner: partner.map_or(String::new(), |partner| name(ecosystem, &partner)),
        customer: customer.unwrap_or_default(),
        product: product.unwrap_or_default(),
        deal: deal.map_or(String::new(), |deal| name(ecosystem, &deal)),
        about: about.unwrap_or_default(),
        amount: amount(amount_minor),
        annual_amount: amount(annual_minor),
        cost_amount: amount(cost_minor),
        quantity,
        share: share.map(decimal),
        contract_start_date: contract_start.map(date::wire),
        book_date: booked.map(date::wire),
        parties: parties
            .into_iter()
            .map(|party| pb::FactParty {
                partner: name(ecosystem, &party.partner),
                role: party.role,
            })
            .collect(),
        fields: values(&fields),
        record_time: None,
    }
}

fn decimal(rate: Rate) -> Decimal {
    Decimal {
        value: rate.to_string(),
    }
}

fn values(fields: &Record) -> BTreeMap<String, pb::FactValue> {
    let value = |value: &Value| match value {
        Value::Bool(truth) => pb::FactValue {
            truth: Some(*truth),
            ..pb::FactValue::default()
        },
        Value::Int(number) => pb::FactValue {
            number: Some(*number),
            ..pb::FactValue::default()
        },
        Value::Text(text) => pb::FactValue {
            text: Some(text.clone()),
            ..pb::FactValue::default()
        },
        Value::List(values) => pb::FactValue {
            texts: values
                .iter()
                .map(|value| match value {
                    Value::Text(text) => text.clone(),
                    other => other.to_string(),
                })
                .collect(),
            ..pb::FactValue::default()
        },
    };
    fields
        .iter()
        .map(|(field, told)| (field.to_owned(), value(told)))
        .collect()
}

const fn wire_kind(kind: FactKind) -> pb::incentive_fact::Kind {
    use pb::incentive_fact::Kind as Wire;
    match kind {
        FactKind::DealWon => Wire::DealWon,
        FactKind::InvoicePaid => Wire::InvoicePaid,
        FactKind::OrderLine => Wire::OrderLine,
        FactKind::RegistrationApproved => Wire::RegistrationApproved,
        FactKind::CertificationEarned => Wire::CertificationEarned,
        FactKind::SubmissionApproved => Wire::SubmissionApproved,
        FactKind::MetricReported => Wire::MetricReported,
        FactKind::Refund => Wire::Refund,
        FactKind::Churn => Wire::Churn,
        FactKind::Revocation => Wire::Revocation,
    }
}

/// A quota.
pub(super) fn quota(row: quota::Model) -> pb::RecordedQuota {
    let quota::Model {
        ecosystem,
        partner,
        quota,
        period_start,
        revision,
        amount,
        currency,
        actor,
        record_time,
    } = row;
    let money = |currency: Currency| money::wire(Money::new(amount, currency));
    pb::RecordedQuota {
        quota: Some(pb::FactQuota {
            quota,
            partner: name(&ecosystem, &partner),
            period_start_date: Some(date::wire(period_start)),
            amount: currency.map(money),
            number: if currency.is_none() { amount } else { 0 },
            record_time: Some(time::wire(record_time)),
        }),
        revision,
        actor,
    }
}

/// An exchange rate.
pub(super) fn exchange_rate(row: exchange_rate::Model) -> pb::RecordedExchangeRate {
    let exchange_rate::Model {
        ecosystem: _,
        external_id,
        kind,
        from_currency,
        to_currency,
        rate_date,
        rate,
        actor,
        record_time,
    } = row;
    use pb::exchange_rate::Kind as Wire;
    let kind = match kind {
        FxType::Spot => Wire::Spot,
        FxType::MonthAverage => Wire::MonthAverage,
        FxType::PlanFixed => Wire::PlanFixed,
    };
    pb::RecordedExchangeRate {
        exchange_rate: Some(pb::ExchangeRate {
            external_id,
            kind: kind.into(),
            from_currency_code: from_currency.code().to_owned(),
            to_currency_code: to_currency.code().to_owned(),
            date: Some(date::wire(rate_date)),
            rate: Some(decimal(rate)),
            record_time: Some(time::wire(record_time)),
        }),
        actor,
    }
}
