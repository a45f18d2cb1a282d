//! What is held, refunded and taken back.

use super::{clawback, rate, shares};
use crate::scene::*;
use trellis_core::allocate;
use trellis_evaluation::evaluate::Detail;
use trellis_evaluation::plan::*;

fn churned(months: &str, plan: &PlanVersion) -> i64 {
    let facts = [
        invoice("i-1", "2026-01-15", 150_000),
        back("c-1", FactKind::Churn, "i-1", months, 0),
    ];
    150_000 - only(plan, &facts).entitled
}

#[test]
fn n19_clawback_by_months() {
    let mut plan = plan("plan", &[("0", "1", 0)]);
    plan.protection.clawback = Some(clawback(ClawbackMode::LinearMonths, 6));
    let taken: Vec<i64> = [
        "01-20", "02-20", "03-20", "04-20", "05-20", "06-20", "07-20",
    ]
    .into_iter()
    .map(|date| churned(&format!("2026-{date}"), &plan))
    .collect();
    assert_eq!(
        taken,
        [150_000, 125_000, 100_000, 75_000, 50_000, 25_000, 0]
    );
}

#[test]
fn n20_clawback_after_half_of_the_year() {
    let mut plan = plan("plan", &[("0", "1", 0)]);
    plan.protection.clawback = Some(clawback(ClawbackMode::LinearMonths, 12));
    let facts = [
        invoice("i-1", "2026-01-15", 240_000),
        back("c-1", FactKind::Churn, "i-1", "2026-07-15", 0),
    ];
    assert_eq!(only(&plan, &facts).entitled, 120_000);
}

#[test]
fn n21_clawback_by_days() {
    let mut plan = plan("plan", &[("0", "1", 0)]);
    plan.protection.clawback = Some(clawback(ClawbackMode::LinearDays, 180));
    let facts = [
        invoice("i-1", "2026-01-31", 123_457),
        back("c-1", FactKind::Churn, "i-1", "2026-04-12", 0),
    ];
    let award = only(&plan, &facts);
    assert_eq!(award.entitled, 48_697);
    let claw = award
        .trace
        .steps
        .iter()
        .find_map(|step| match &step.detail {
            Detail::Clawback { claws, .. } => Some(claws[0].minor),
            _ => None,
        });
    assert_eq!(claw, Some(74_760));
}

#[test]
fn n22_holdback_and_refund() {
    let mut plan = plan("plan", &[("0", "1", 0)]);
    plan.protection.holdback = Some(Holdback {
        share: rate("0.1"),
        days: 90,
    });
    let sale = invoice("i-1", "2026-01-01", 100_000);
    let award = only(&plan, std::slice::from_ref(&sale));
    let held: Vec<_> = award
        .held
        .iter()
        .map(|held| (held.minor, held.until.unwrap()))
        .collect();
    assert_eq!(
        held,
        [(90_000, day("2026-01-01")), (10_000, day("2026-04-01"))]
    );
    let facts = [
        sale,
        back("r-1", FactKind::Refund, "i-1", "2026-01-21", 100_000),
    ];
    let refunded = awards(std::slice::from_ref(&plan), &posted(&facts, &[award]));
    assert_eq!((refunded[0].entitled, refunded[0].delta), (0, -100_000));
    assert_eq!(reason(&refunded[0]), "FULLY_REFUNDED");
}

#[test]
fn n33_holds() {
    let free = |hold: Hold, date: &str| {
        let mut plan = plan("plan", &[("0", "1", 0)]);
        plan.protection.hold = hold;
        only(&plan, &[invoice("i-1", date, 100)]).held[0]
            .until
            .unwrap()
    };
    assert_eq!(free(Hold::Days(30), "2026-01-31"), day("2026-03-02"));
    assert_eq!(free(Hold::Months(1), "2026-01-31"), day("2026-02-28"));
    assert_eq!(free(Hold::Months(1), "2024-01-31"), day("2024-02-29"));
    // The day of an event is that of the program: January 31 in New York is February 1 in UTC.
    let zone = trellis_core::TimeZone::try_new("America/New_York").unwrap();
    let moment = zone
        .midnight(day("2026-02-01"))
        .saturating_sub(std::time::Duration::from_secs(1_800));
    assert_eq!(
        trellis_core::TimeZone::utc().local_date(moment),
        day("2026-02-01")
    );
    let local = zone.local_date(moment).to_string();
    assert_eq!(free(Hold::Days(30), &local), day("2026-03-02"));
    // A hold until something holds has no day before it does.
    let mut plan = plan("plan", &[("0", "1", 0)]);
    plan.protection.hold = Hold::Until("event.valid".to_owned());
    let mut sale = invoice("i-1", "2026-01-31", 100);
    assert_eq!(only(&plan, std::slice::from_ref(&sale)).held[0].until, None);
    sale.fields.set("event.valid", true);
    assert_eq!(only(&plan, &[sale]).held[0].until, Some(day("2026-01-31")));
}

#[test]
fn n41_clawback_of_a_split_pays_nobody() {
    let mut plan = plan("plan", &[("0", "1", 0)]);
    let roles = ["a", "b", "c"].map(|role| RoleWeight {
        role: role.to_owned(),
        weight: 1,
    });
    plan.sharing = Sharing::RoleWeights {
        roles: roles.to_vec(),
        unfilled: Unfilled::VendorKeeps,
    };
    plan.protection.clawback = Some(clawback(ClawbackMode::Full, 365));
    let mut sale = invoice("i-1", "2026-01-01", 10_001);
    sale.parties = ["a", "b", "c"].map(|role| party(role, role)).to_vec();
    let mut half = back("c-1", FactKind::Churn, "i-1", "2026-02-01", 0);
    half.share = Some(rate("0.5"));
    let mut rest = half.clone();
    (rest.id, rest.date) = ("c-2".to_owned(), day("2026-03-01"));
    let mut facts = vec![sale];
    assert_eq!(shares(&only(&plan, &facts)), [3_334, 3_334, 3_333]);
    facts.push(half);
    assert_eq!(shares(&only(&plan, &facts)), [1_667, 1_667, 1_666]);
    facts.push(rest);
    let all = only(&plan, &facts);
    assert_eq!(shares(&all), [0, 0, 0]);
    assert_eq!(reason(&all), "CLAWED_BACK");
    // Splitting the smaller total again would pay the third one more.
    assert_eq!(allocate(11, &[6, 6, 2]), [5, 5, 1]);
    assert_eq!(allocate(10, &[6, 6, 2]), [4, 4, 2]);
    plan.sharing = Sharing::RoleWeights {
        roles: [("a", 6), ("b", 6), ("c", 2)]
            .map(|(role, weight)| RoleWeight {
                role: role.to_owned(),
                weight,
            })
            .to_vec(),
        unfilled: Unfilled::VendorKeeps,
    };
    let mut sale = invoice("i-1", "2026-01-01", 11);
    sale.parties = ["a", "b", "c"].map(|role| party(role, role)).to_vec();
    let refund = back("r-1", FactKind::Refund, "i-1", "2026-02-01", 1);
    let before = shares(&only(&plan, std::slice::from_ref(&sale)));
    let after = shares(&only(&plan, &[sale, refund]));
    assert_eq!(before, [5, 5, 1]);
    assert!(
        after
            .iter()
            .zip(&before)
            .all(|(after, before)| after <= before),
        "{after:?}"
    );
    assert_eq!(after.iter().sum::<i64>(), 10);
}

#[test]
fn n48_a_partial_refund_takes_back_its_part() {
    let plan = plan("plan", &[("0", "0.1", 0)]);
    let sale = invoice("i-1", "2026-05-04", 80_000);
    let before = awards(
        std::slice::from_ref(&plan),
        &told(std::slice::from_ref(&sale)),
    );
    let facts = [
        sale,
        back("r-1", FactKind::Refund, "i-1", "2026-06-01", 20_000),
    ];
    let after = awards(std::slice::from_ref(&plan), &posted(&facts, &before));
    assert_eq!(
        (before[0].entitled, after[0].entitled, after[0].delta),
        (8_000, 6_000, -2_000)
    );
}

#[test]
fn what_is_not_there_any_longer_is_taken_back() {
    let plan = plan("plan", &[("0", "0.1", 0)]);
    let sale = invoice("i-1", "2026-05-04", 80_000);
    let before = awards(
        std::slice::from_ref(&plan),
        &told(std::slice::from_ref(&sale)),
    );
    let mut moved = sale.clone();
    (moved.revision, moved.partner) = (2, Some(partner("orbit")));
    let after = awards(
        std::slice::from_ref(&plan),
        &posted(&[sale.clone(), moved], &before),
    );
    let deltas: Vec<(&str, i64, &str)> = after
        .iter()
        .map(|award| (award.key.partner.as_str(), award.delta, reason(award)))
        .collect();
    assert_eq!(
        deltas,
        [("nimbus", -8_000, "NOTHING_LEFT"), ("orbit", 8_000, "")]
    );
    let mut withdrawn = sale.clone();
    (withdrawn.revision, withdrawn.withdrawn) = (2, true);
    let after = awards(
        std::slice::from_ref(&plan),
        &posted(&[sale, withdrawn], &before),
    );
    assert_eq!(
        (after.len(), after[0].entitled, after[0].delta),
        (1, 0, -8_000)
    );
}

#[test]
fn no_share_takes_back_more_than_all() {
    let mut plan = plan("plan", &[("0", "1", 0)]);
    plan.protection.clawback = Some(clawback(ClawbackMode::LinearDays, 365));
    let sale = invoice("i-1", "2026-01-01", 10_000);
    let taken = |share: Option<&str>| {
        let mut churn = back("c-1", FactKind::Churn, "i-1", "2026-02-01", 0);
        churn.share = share.map(rate);
        (
            churn.validate().len(),
            only(&plan, &[sale.clone(), churn]).entitled,
        )
    };
    let (_, all) = taken(None);
    assert_eq!(all, 849);
    assert_eq!(taken(Some("1")), (0, all));
    assert_eq!(taken(Some("0.5")), (0, 5_425));
    // What nobody may say takes back no more than all of it, and ends no process.
    assert_eq!(taken(Some("1.5")), (1, all));
    assert_eq!(
        taken(Some("999999999999999999.999999999999999999")),
        (1, all)
    );
    assert_eq!(taken(Some("0")), (1, 10_000));
    assert_eq!(taken(Some("-1")), (1, 10_000));
}
