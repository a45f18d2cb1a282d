//! Reads what a backtest asks for.

use trellis_api::Fields;
use trellis_api::incentive::v1 as pb;

use super::run::Backtest;
use super::sides::Days;
use crate::plan::asked;

pub(in crate::plan) fn backtest(
    request: pb::BacktestPlanRequest,
    fields: &mut Fields,
) -> Option<Backtest> {
    let pb::BacktestPlanRequest {
        parent: _,
        plan_versions,
        given_versions,
        start_date,
        end_date,
    } = request;
    let asked = asked::read(&plan_versions, given_versions, fields);
    let start = fields.date("start_date", start_date);
    let end = fields.date("end_date", end_date);
    let (start, end) = (start?, end?);
    if end <= start {
        let otherwise = format!("must be after {start}, the first day");
        fields.refuse("end_date", "date.order", otherwise);
    }
    Some(Backtest {
        asked: asked?,
        days: Days { start, end },
    })
}
