//! Puts the plans of a worked case in their own place: a backtest says of everybody what the books say,
//! and that nothing changes.

use std::collections::BTreeMap;

use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::backtest_plan_response::Part;
use trellis_api::{date, money};
use trellis_evaluation::plan::PlanVersion;
use trellis_tests::Caller;

use crate::through::HOME;

/// What somebody gets: partner, currency, minor units.
type Sums = BTreeMap<(String, String), i64>;

/// Compares a backtest of plans with their awards.
pub(crate) async fn agree(caller: &Caller, plans: &[PlanVersion], awards: &[pb::Award]) {
    let Some(request) = request(plans) else {
        return;
    };
    let stream = caller.plans().backtest_plan(request).await.unwrap();
    let mut stream = stream.into_inner();
    let mut told = Sums::new();
    while let Some(message) = stream.message().await.unwrap() {
        let Some(Part::Partners(some)) = message.part else {
            continue;
        };
        for partner in some.partners {
            let amounts = partner.amounts.unwrap();
            assert_eq!(amounts.current_amount, amounts.proposed_amount);
            add(&mut told, &partner.partner, amounts.current_amount.as_ref());
        }
    }
    let mut books = Sums::new();
    for award in awards {
        add(&mut books, &award.partner, award.entitled_amount.as_ref());
    }
    books.retain(|_, sum| *sum != 0);
    assert_eq!(told, books);
}

fn add(sums: &mut Sums, partner: &str, amount: Option<&trellis_api::google::r#type::Money>) {
    let amount = money::read(amount.unwrap()).unwrap();
    let key = (partner.to_owned(), amount.currency.code().to_owned());
    *sums.entry(key).or_default() += amount.minor;
}

/// The versions in their own place, where each is the only one of its plan and all hold from the same
/// day on.
fn request(plans: &[PlanVersion]) -> Option<pb::BacktestPlanRequest> {
    let start = plans.first()?.effective_from;
    let alone = |plan: &PlanVersion| {
        let same = plans.iter().filter(|other| other.plan == plan.plan);
        same.count() == 1 && plan.effective_from == start && plan.effective_until.is_none()
    };
    plans.iter().all(alone).then(|| pb::BacktestPlanRequest {
        parent: HOME.to_owned(),
        plan_versions: plans
            .iter()
            .map(|plan| format!("{HOME}/plans/{}/versions/1", plan.plan))
            .collect(),
        start_date: Some(date::wire(start)),
        end_date: Some(date::wire("2100-01-01".parse().unwrap())),
        ..pb::BacktestPlanRequest::default()
    })
}
