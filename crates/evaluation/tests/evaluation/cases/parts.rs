//! What is split and exchanged.

use super::{rate, shares};
use crate::scene::*;
use trellis_core::allocate;
use trellis_evaluation::evaluate::{Detail, ExchangeRate, Recipient, convert};
use trellis_evaluation::plan::*;

#[test]
fn n14_three_levers_and_two_funds() {
    let lever = |id: &str, metric: &str, rate: &str| {
        let mut plan = plan(id, &[("0", rate, 0)]);
        plan.trigger.condition = format!("event.metric == '{metric}'");
        plan
    };
    let plans = [
        lever("core", "core", "0.0375"),
        lever("strategic", "strategic", "0.07"),
        lever("growth", "growth", "0.075"),
    ];
    let fact = |id: &str, metric: &str, minor| {
        let mut fact = invoice(id, "2026-05-04", minor);
        fact.fields.set("event.metric", metric);
        fact
    };
    let facts = [
        fact("f-1", "core", 8_321_746),
        fact("f-2", "strategic", 2_190_410),
        fact("f-3", "growth", 931_005),
    ];
    let mut paid: Vec<i64> = awards(&plans, &told(&facts))
        .iter()
        .map(|award| award.entitled)
        .filter(|paid| *paid > 0)
        .collect();
    paid.sort_unstable();
    assert_eq!(paid, [69_825, 153_329, 312_065]);
    let mut funds = plan("rebate", &[("0", "1", 0)]);
    funds.sharing = Sharing::Funds(vec![
        FundWeight {
            fund: Fund::Rebate,
            weight: 60,
        },
        FundWeight {
            fund: Fund::Coop,
            weight: 40,
        },
    ]);
    let split = only(&funds, &[invoice("i-1", "2026-05-04", 535_219)]);
    assert_eq!(shares(&split), [321_131, 214_088]);
}

#[test]
fn n23_to_n27_largest_remainders() {
    assert_eq!(allocate(100, &[1, 1, 1]), [34, 33, 33]);
    assert_eq!(allocate(101, &[1, 1, 1]), [34, 34, 33]);
    assert_eq!(allocate(5, &[3, 7]), [2, 3]);
    assert_eq!(allocate(5, &[7, 3]), [4, 1]);
    let shared = |minor: i64, currency_code: &str, weights: &[u32]| {
        let mut plan = plan("plan", &[("0", "1", 0)]);
        plan.currency = currency(currency_code);
        let roles = weights
            .iter()
            .enumerate()
            .map(|(index, weight)| RoleWeight {
                role: format!("role-{index}"),
                weight: *weight,
            });
        plan.sharing = Sharing::RoleWeights {
            roles: roles.collect(),
            unfilled: Unfilled::VendorKeeps,
        };
        let mut fact = invoice("i-1", "2026-05-04", minor);
        fact.currency = Some(currency(currency_code));
        let filled = |index| party(&format!("partner-{index}"), &format!("role-{index}"));
        fact.parties = (0..weights.len()).map(filled).collect();
        shares(&only(&plan, &[fact]))
    };
    assert_eq!(shared(15, "USD", &[80, 8, 12]), [12, 1, 2]);
    assert_eq!(
        shared(156_251, "USD", &[50, 30, 20]),
        [78_126, 46_875, 31_250]
    );
    assert_eq!(shared(9_999, "JPY", &[40, 35, 25]), [3_999, 3_500, 2_500]);
    assert_eq!(shared(154_321, "KWD", &[60, 40]), [92_593, 61_728]);
    for (code, percent, minor, expected) in [
        ("JPY", "0.075", 123_457, 9_259),
        ("KWD", "0.125", 1_234_567, 154_321),
    ] {
        let mut plan = plan("plan", &[("0", percent, 0)]);
        plan.currency = currency(code);
        let mut fact = invoice("i-1", "2026-05-04", minor);
        fact.currency = Some(currency(code));
        assert_eq!(only(&plan, &[fact]).entitled, expected);
    }
}

#[test]
fn n28_and_n29_exchanging() {
    let (eur, jpy, kwd) = (currency("EUR"), currency("JPY"), currency("KWD"));
    let mut plan = plan("plan", &[("0", "0.1", 0)]);
    plan.policy.fx = Some(Fx {
        rate: FxType::Spot,
        date: FxDate::Event,
    });
    let mut deal = invoice("i-1", "2026-05-04", 1_000_000);
    deal.currency = Some(eur);
    let mut facts = told(&[deal]);
    let without = awards(std::slice::from_ref(&plan), &facts);
    assert_eq!(reason(&without[0]), "NO_EXCHANGE_RATE");
    let spot = |id: &str, date: &str, rate: &str| ExchangeRate {
        id: id.to_owned(),
        kind: FxType::Spot,
        from: eur,
        to: USD,
        date: day(date),
        rate: rate.parse().unwrap(),
        recorded: trellis_core::Timestamp::EPOCH,
    };
    facts.rates = vec![
        spot("r-3", "2026-05-05", "1.2"),
        spot("r-2", "2026-05-04", "1.0837"),
        spot("r-1", "2026-05-01", "1.1"),
    ];
    let award = &awards(std::slice::from_ref(&plan), &facts)[0];
    assert_eq!(award.entitled, 108_370);
    assert!(award.trace.steps.iter().any(|step| matches!(
        &step.detail,
        Detail::Exchange { lines } if lines[0].rate_id == "r-2" && lines[0].after == 1_083_700
    )));
    assert_eq!(convert(100_000, eur, USD, rate("1.0837")), Ok(108_370));
    assert_eq!(convert(108_370, USD, jpy, rate("151.337")), Ok(164_004));
    assert_eq!(convert(108_370, USD, kwd, rate("0.30712")), Ok(332_826));
    // Accrued at one rate and paid at another: the difference is a gain.
    let paid = convert(100_000, eur, USD, rate("1.0712")).unwrap();
    assert_eq!((paid, 108_370 - paid), (107_120, 1_250));
}

#[test]
fn n40_position_based_touches() {
    let mut plan = plan("plan", &[("0", "1", 0)]);
    let role = |role: &str, weight| RoleWeight {
        role: role.to_owned(),
        weight,
    };
    plan.sharing = Sharing::RoleWeights {
        roles: vec![role("first", 40), role("middle", 20), role("last", 40)],
        unfilled: Unfilled::Redistribute,
    };
    let touches = |parties: Vec<trellis_evaluation::evaluate::Party>| {
        let mut fact = invoice("i-1", "2026-05-04", 1_000_000);
        fact.parties = parties;
        shares(&only(&plan, &[fact]))
    };
    let five = vec![
        party("a", "first"),
        party("b", "middle"),
        party("c", "middle"),
        party("d", "middle"),
        party("e", "last"),
    ];
    assert_eq!(touches(five), [400_000, 66_667, 66_667, 66_666, 400_000]);
    assert_eq!(
        touches(vec![party("a", "first"), party("a", "last")]),
        [1_000_000]
    );
    assert_eq!(
        touches(vec![party("a", "first"), party("b", "last")]),
        [500_000, 500_000]
    );
    assert_eq!(touches(vec![]), Vec::<i64>::new());
    // Who keeps the part of a role that nobody has.
    plan.sharing = Sharing::RoleWeights {
        roles: vec![role("first", 40), role("middle", 20), role("last", 40)],
        unfilled: Unfilled::VendorKeeps,
    };
    let mut fact = invoice("i-1", "2026-05-04", 1_000_000);
    fact.parties = vec![party("a", "first"), party("b", "last")];
    let kept = only(&plan, &[fact]);
    assert_eq!(shares(&kept), [400_000, 200_000, 400_000]);
    assert_eq!(kept.shares[1].to, Recipient::Vendor);
}
