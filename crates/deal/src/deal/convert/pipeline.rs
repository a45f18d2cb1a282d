//! The pipeline.

use trellis_api::deal::v1 as pb;
use trellis_api::{Fields, date, money, name};
use trellis_core::{Currency, EcosystemId, Money};
use trellis_store::deal::pipeline::Which;

use super::{FIELDS, wire_stage};
use crate::deal::pipeline::{Group, Grouping, Pipeline, Sums};
use crate::deal::summary::Ask;

pub(in crate::deal) fn pipeline(
    request: pb::GetPipelineRequest,
    fields: &mut Fields,
) -> Option<Ask> {
    let shown = fields.shown::<pb::ListDealsRequest>(FIELDS);
    let filter = fields.filter("filter", &request.filter, &shown);
    let products = fields.ids("products", &request.products);
    let by = match pb::get_pipeline_request::Grouping::try_from(request.group_by).ok()? {
        pb::get_pipeline_request::Grouping::Unspecified
        | pb::get_pipeline_request::Grouping::Stage => Grouping::Stage,
        pb::get_pipeline_request::Grouping::Partner => Grouping::Partner,
        pb::get_pipeline_request::Grouping::Month => Grouping::Month,
        pb::get_pipeline_request::Grouping::Quarter => Grouping::Quarter,
        pb::get_pipeline_request::Grouping::Territory => Grouping::Territory,
        pb::get_pipeline_request::Grouping::Product => Grouping::Product,
    };
    Some(Ask {
        by,
        which: Which {
            filter: filter?,
            products: products?,
        },
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
        Group::Territory(territory) => pb::pipeline_row::Group::Territory(
            territory
                .map(|territory| name(ecosystem, &territory))
                .unwrap_or_default(),
        ),
        Group::Product(product) => pb::pipeline_row::Group::Product(
            product
                .map(|product| name(ecosystem, &product))
                .unwrap_or_default(),
        ),
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
