//! What other terms would have paid, before anybody decides on them.

use tonic::Status;
use trellis_api::google::r#type::Date;
use trellis_api::incentive::v1 as incentive;

use super::journey::{dollars, percent};
use super::session::Session;
use super::summary::{Summary, amount};

use incentive::backtest_plan_response::Part;
use incentive::plan_service_client::PlanServiceClient;

/// Tries other bands of a commission on the deals of a year.
pub(super) async fn try_on(
    session: &Session,
    summary: &mut Summary,
    person: &'static str,
    year: i32,
    commission: incentive::PlanVersion,
) -> Result<(), Status> {
    let band = |from: i64, rate| incentive::Band {
        from_amount: dollars(from, 0),
        rate: percent(rate),
        ..Default::default()
    };
    let new_year = |year: i32| {
        Some(Date {
            year,
            month: 1,
            day: 1,
        })
    };
    let backtest = incentive::BacktestPlanRequest {
        parent: session.ecosystem.clone(),
        given_versions: vec![incentive::PlanVersion {
            name: session.name("plans", "deal-commission/versions/2"),
            effective_from_date: new_year(year + 1),
            schedule: Some(incentive::Schedule {
                mode: incentive::schedule::Mode::Marginal.into(),
                bands: vec![band(0, "0.1"), band(50_000, "0.15")],
                ..Default::default()
            }),
            ..commission
        }],
        start_date: new_year(year),
        end_date: new_year(year + 1),
        ..Default::default()
    };
    let mut client = PlanServiceClient::new(session.channel.clone());
    let answer = client.backtest_plan(session.by(person, backtest)).await?;
    let mut messages = answer.into_inner();
    while let Some(message) = messages.message().await? {
        match message.part {
            Some(Part::Partners(some)) => {
                for partner in some.partners {
                    let told = told(&partner.amounts.unwrap_or_default());
                    let id = partner.partner.rsplit('/').next().unwrap_or_default();
                    summary.step("BacktestPlan", format!("{id}: {told}"));
                }
            }
            Some(Part::Result(result)) => {
                for currency in result.currencies {
                    let told = told(&currency.amounts.unwrap_or_default());
                    let counts = currency.counts.unwrap_or_default();
                    let awards =
                        counts.up_count + counts.down_count + counts.new_count + counts.lost_count;
                    summary.step(
                        "BacktestPlan",
                        format!("all: {told}; {awards} awards change, nothing was written"),
                    );
                }
            }
            Some(Part::Progress(_)) | None => {}
        }
    }
    Ok(())
}

fn told(amounts: &incentive::BacktestAmounts) -> String {
    let percent = amounts.difference_percent.as_ref();
    format!(
        "{} would have been {}{}",
        amount(amounts.current_amount.as_ref()),
        amount(amounts.proposed_amount.as_ref()),
        percent.map_or(String::new(), |percent| format!(" ({} %)", percent.value)),
    )
}
