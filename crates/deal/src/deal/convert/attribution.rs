//! Attribution.

use std::time::Duration;

use trellis_api::deal::v1 as pb;
use trellis_api::{Fields, money, name, time};
use trellis_core::{Currency, EcosystemId, LeadId, Money, MoneyError, PartnerId, RegistrationId};
use trellis_store::deal::part::EvidenceKind;

use super::parts::wire_kind;
use crate::attribution::parts::Weights;
use crate::attribution::{Credit, Model, Settings, Touch};
use crate::deal::credit::{Asked, Attributed, Report, Reported, Sums};

pub(in crate::deal) fn attribution(
    request: pb::GetAttributionRequest,
    fields: &mut Fields,
) -> Option<Asked> {
    let deal = fields.id("name", &request.name);
    let settings = settings(request.half_life_days, request.role_weights);
    let mut models: Vec<Model> = request.models.into_iter().filter_map(model).collect();
    if models.is_empty() {
        models = Model::ALL.into();
    }
    Some(Asked {
        deal: deal?,
        models,
        settings,
    })
}

pub(in crate::deal) fn report(
    request: pb::ReportAttributionRequest,
    fields: &mut Fields,
) -> Option<Report> {
    let from = fields.date("start_date", request.start_date);
    let until = fields.date("end_date", request.end_date);
    let (from, until) = (from?, until?);
    if until <= from {
        fields.refuse("end_date", "date.after", "must be later than start_date");
    }
    Some(Report {
        from,
        until,
        model: model(request.model)?,
        settings: settings(request.half_life_days, request.role_weights),
    })
}

fn settings(half_life_days: i32, weights: Option<pb::RoleWeights>) -> Settings {
    let default = Settings::default();
    let days = u64::from(half_life_days.unsigned_abs());
    Settings {
        half_life: match days {
            0 => default.half_life,
            days => Duration::from_secs(days * 86_400),
        },
        weights: weights.map_or(default.weights, |weights| Weights {
            sourced: weights.sourced.unsigned_abs(),
            co_sell: weights.co_sell.unsigned_abs(),
            fulfil: weights.fulfil.unsigned_abs(),
        }),
    }
}

fn model(number: i32) -> Option<Model> {
    use pb::AttributionModel as Wire;
    Some(match Wire::try_from(number).ok()? {
        Wire::Unspecified => return None,
        Wire::First => Model::First,
        Wire::Last => Model::Last,
        Wire::Linear => Model::Linear,
        Wire::UShaped => Model::UShaped,
        Wire::WShaped => Model::WShaped,
        Wire::TimeDecay => Model::TimeDecay,
        Wire::RoleWeighted => Model::RoleWeighted,
    })
}

fn wire_model(model: Model) -> pb::AttributionModel {
    use pb::AttributionModel as Wire;
    match model {
        Model::First => Wire::First,
        Model::Last => Wire::Last,
        Model::Linear => Wire::Linear,
        Model::UShaped => Wire::UShaped,
        Model::WShaped => Wire::WShaped,
        Model::TimeDecay => Wire::TimeDecay,
        Model::RoleWeighted => Wire::RoleWeighted,
    }
}

/// The credit for a deal on the wire.
pub(in crate::deal) fn wire_attribution(
    ecosystem: &EcosystemId,
    attributed: Attributed,
) -> pb::GetAttributionResponse {
    let Attributed {
        currency,
        touches,
        shared,
    } = attributed;
    let credit = |credit: Credit| pb::get_attribution_response::Credit {
        partner: name(ecosystem, &credit.partner),
        basis_points: points(credit.basis_points),
        amount: currency.map(|currency| money::wire(Money::new(credit.amount_minor, currency))),
    };
    pb::GetAttributionResponse {
        touches: touches
            .into_iter()
            .map(|touch| wire_touch(ecosystem, touch))
            .collect(),
        attributions: shared
            .into_iter()
            .map(
                |(model, shared)| pb::get_attribution_response::Attribution {
                    model: wire_model(model).into(),
                    credits: shared.credits.into_iter().map(credit).collect(),
                    touch_basis_points: shared.touches.into_iter().map(points).collect(),
                },
            )
            .collect(),
    }
}

/// No share is more than the whole, which fits.
fn points(points: i64) -> i32 {
    i32::try_from(points).unwrap_or(i32::MAX)
}

fn wire_touch(ecosystem: &EcosystemId, touch: Touch) -> pb::get_attribution_response::Touch {
    let Touch {
        time: moment,
        kind,
        partner,
        source,
    } = touch;
    let source = source.unwrap_or_default();
    let registration = RegistrationId::try_new(&source).ok();
    let registration = registration.filter(|_| kind == EvidenceKind::Registration);
    let lead = LeadId::try_new(&source).ok();
    let lead = lead.filter(|_| kind == EvidenceKind::Lead);
    pb::get_attribution_response::Touch {
        partner: name(ecosystem, &partner),
        r#type: wire_kind(kind).into(),
        touch_time: Some(time::wire(moment)),
        registration: registration
            .map(|id| name(ecosystem, &id))
            .unwrap_or_default(),
        lead: lead.map(|id| name(ecosystem, &id)).unwrap_or_default(),
    }
}

/// A report on the wire.
///
/// # Errors
/// [`MoneyError::Overflow`] when an amount is more than can be counted.
pub(in crate::deal) fn wire_report(
    ecosystem: &EcosystemId,
    reported: Reported,
) -> Result<pb::ReportAttributionResponse, MoneyError> {
    let Reported { rows, totals } = reported;
    let rows = rows.into_iter();
    let rows = rows.map(|((partner, currency), sums)| {
        let row = wire_row(Some((ecosystem, &partner)), currency, sums)?;
        Ok(pb::AttributionRow {
            won_amount: None,
            ..row
        })
    });
    let totals = totals.into_iter();
    let totals = totals.map(|(currency, sums)| wire_row(None, currency, sums));
    Ok(pb::ReportAttributionResponse {
        rows: rows.collect::<Result<_, _>>()?,
        totals: totals.collect::<Result<_, _>>()?,
    })
}

fn wire_row(
    partner: Option<(&EcosystemId, &PartnerId)>,
    currency: Currency,
    sums: Sums,
) -> Result<pb::AttributionRow, MoneyError> {
    let Sums {
        deals,
        attributed,
        sourced,
        influenced,
        either,
        won,
    } = sums;
    let worth = |minor: i128| {
        let minor = i64::try_from(minor).map_err(|_| MoneyError::Overflow)?;
        Ok::<_, MoneyError>(Some(money::wire(Money::new(minor, currency))))
    };
    Ok(pb::AttributionRow {
        partner: partner
            .map(|(ecosystem, partner)| name(ecosystem, partner))
            .unwrap_or_default(),
        currency_code: currency.code().to_owned(),
        deal_count: deals,
        attributed_amount: worth(attributed)?,
        sourced_amount: worth(sourced)?,
        influenced_amount: worth(influenced)?,
        sourced_or_influenced_amount: worth(either)?,
        won_amount: worth(won)?,
    })
}
