//! Worked cases, exact to the coin, each under its number. Those that come from a public source are
//! an oracle that was not written here.

use crate::scene::*;
use trellis_core::{Rate, allocate};
use trellis_evaluation::evaluate::{
    Detail, ExchangeRate, Fact, NotPaid, Quota, Recipient, convert,
};
use trellis_evaluation::plan::*;
use trellis_evaluation::predicate::Value;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

/// What one invoice of so much comes to.
fn of(plan: &PlanVersion, minor: i64) -> i64 {
    only(plan, &[invoice("i-1", "2026-05-04", minor)]).entitled
}

fn shares(award: &trellis_evaluation::evaluate::Award) -> Vec<i64> {
    award.shares.iter().map(|share| share.minor).collect()
}

// Schedules.

#[test]
fn n01_percent() {
    assert_eq!(of(&plan("plan", &[("0", "0.125", 0)]), 1_249_999), 156_250);
}

#[test]
fn n02_a_half_goes_away_from_zero() {
    for (minor, percent, expected) in [
        (500, "0.029", 15),
        (3, "0.2", 1),
        (15, "0.1", 2),
        (1, "0.5", 1),
        (2, "0.2", 0),
        (7, "0.2", 1),
    ] {
        assert_eq!(
            of(&plan("plan", &[("0", percent, 0)]), minor),
            expected,
            "{minor} at {percent}"
        );
    }
    let nothing = only(
        &plan("plan", &[("0", "0.2", 0)]),
        &[invoice("i-1", "2026-05-04", 2)],
    );
    assert_eq!(reason(&nothing), "ROUNDS_TO_ZERO");
}

#[test]
fn n03_flat_by_quantity_and_percent_without() {
    let flat = units(Window::Event, Mode::Marginal, &[("0", "5", 0)]);
    assert_eq!(total(&flat, &[pieces("i-1", "2026-05-04", 2)]), 1_000);
    let none = only(&flat, &[pieces("i-1", "2026-05-04", 0)]);
    assert_eq!((none.entitled, reason(&none)), (0, "NOTHING_SOLD"));
    let mut five = invoice("i-1", "2026-05-04", 1_000);
    five.quantity = Some(5);
    assert_eq!(total(&plan("plan", &[("0", "0.2", 0)]), &[five]), 200);
}

#[test]
fn n04_each_line_is_rounded_by_itself() {
    let per_product = |id: &str, product: &str, rate: &str| {
        let mut plan = plan(id, &[("0", rate, 0)]);
        plan.trigger.condition = format!("line.product == '{product}'");
        plan
    };
    let plans = [per_product("a", "A", "0.15"), per_product("b", "B", "0.08")];
    let line = |id: &str, product: &str, minor| {
        let mut line = invoice(id, "2026-05-04", minor);
        line.fields.set("line.product", product);
        line
    };
    let lines = [
        line("l-1", "A", 199_900),
        line("l-2", "B", 34_950),
        line("l-3", "C", 12_005),
    ];
    let all = awards(&plans, &told(&lines));
    let paid: Vec<i64> = all
        .iter()
        .map(|award| award.entitled)
        .filter(|paid| *paid > 0)
        .collect();
    assert_eq!(paid, [29_985, 2_796]);
    assert_eq!(paid.iter().sum::<i64>(), 32_781);
    let excluded = all
        .iter()
        .find(|award| award.key.scope == "fact/l-3")
        .unwrap();
    assert_eq!(reason(excluded), "CONDITION_NOT_MET");
    assert_eq!(
        excluded.not_paid.as_ref().unwrap().in_words(),
        "The plan does not pay for this: `line.product == 'A'` does not hold, because `line.product` \
         is \"C\"."
    );
}

#[test]
fn n05_bands_marginal_and_whole() {
    let of_bands = [
        ("0", "0.05", 0),
        ("10000000", "0.06", 0),
        ("12500000", "0.07", 0),
    ];
    assert_eq!(
        of(
            &over(Window::Quarter, Mode::Marginal, &of_bands),
            15_000_000
        ),
        825_000
    );
    assert_eq!(
        of(&over(Window::Quarter, Mode::Whole, &of_bands), 15_000_000),
        1_050_000
    );
}

#[test]
fn n06_units_marginal_and_whole() {
    let prices = [("0", "0.10", 0), ("1000", "0.05", 0), ("10000", "0.01", 0)];
    let sold = [pieces("i-1", "2026-05-04", 15_000)];
    assert_eq!(
        total(&units(Window::Month, Mode::Marginal, &prices), &sold),
        60_000
    );
    assert_eq!(
        total(&units(Window::Month, Mode::Whole, &prices), &sold),
        15_000
    );
    let autumn = [
        ("0", "0.01", 0),
        ("1000", "0.008", 0),
        ("10000", "0.005", 0),
    ];
    assert_eq!(
        total(&units(Window::Month, Mode::Marginal, &autumn), &sold),
        10_700
    );
}

#[test]
fn n07_slabs_by_rate_and_fixed() {
    let rates = [("0", "1", 0), ("250", "2", 0), ("500", "3", 0)];
    let fixed = [("0", "0", 1_000), ("250", "0", 2_000), ("500", "0", 3_000)];
    let sold = [pieces("i-1", "2026-05-04", 1_000)];
    for (mode, by_rate, by_fixed) in [
        (Mode::Marginal, 225_000, 6_000),
        (Mode::Whole, 300_000, 3_000),
    ] {
        assert_eq!(total(&units(Window::Month, mode, &rates), &sold), by_rate);
        assert_eq!(total(&units(Window::Month, mode, &fixed), &sold), by_fixed);
    }
}

#[test]
fn n08_and_n09_back_to_the_first_dollar_and_down_again() {
    let plan = over(
        Window::Year,
        Mode::Whole,
        &[("500000", "0.02", 0), ("1000000", "0.04", 0)],
    );
    let facts = [
        invoice("i-1", "2026-02-01", 300_000),
        invoice("i-2", "2026-05-01", 400_000),
        invoice("i-3", "2026-08-01", 2_000_000),
        back("r-1", FactKind::Refund, "i-3", "2026-09-01", 1_800_000),
    ];
    let mut before = Vec::new();
    let mut deltas = Vec::new();
    for known in 1..=facts.len() {
        before = awards(
            std::slice::from_ref(&plan),
            &posted(&facts[..known], &before),
        );
        deltas.push((before[0].entitled, before[0].delta));
    }
    assert_eq!(
        deltas,
        [
            (0, 0),
            (14_000, 14_000),
            (108_000, 94_000),
            (18_000, -90_000)
        ]
    );
    assert_eq!(reason(&only(&plan, &facts[..1])), "BELOW_FIRST_BAND");
}

#[test]
fn n10_graduated_with_a_fee_on_entering() {
    let plan = over(
        Window::Month,
        Mode::Marginal,
        &[
            ("0", "0.01", 20_000),
            ("100000", "0.02", 30_000),
            ("1000000", "0.03", 40_000),
        ],
    );
    let facts = [
        invoice("i-1", "2026-05-01", 50_000),
        invoice("i-2", "2026-05-02", 55_000),
        invoice("i-3", "2026-05-03", 400_000),
    ];
    let mut before = Vec::new();
    let mut deltas = Vec::new();
    for known in 1..=facts.len() {
        before = awards(
            std::slice::from_ref(&plan),
            &posted(&facts[..known], &before),
        );
        deltas.push(before[0].delta);
    }
    assert_eq!(deltas, [20_500, 30_600, 8_000]);
}

#[test]
fn n11_more_than_is_not_at_least() {
    let mut plan = units(Window::Year, Mode::Whole, &[("600", "48", 0)]);
    plan.schedule.threshold = Threshold::Above;
    assert_eq!(total(&plan, &[pieces("i-1", "2026-05-04", 600)]), 0);
    assert_eq!(total(&plan, &[pieces("i-1", "2026-05-04", 601)]), 2_884_800);
    // The catch-up of an estimate is the same subtraction: 75 and then 225 pieces at 48 each, once
    // the whole year is expected to exceed 600.
    let expected = units(Window::Year, Mode::Whole, &[("0", "48", 0)]);
    let quarters = [
        pieces("i-1", "2026-02-01", 75),
        pieces("i-2", "2026-05-01", 225),
    ];
    assert_eq!(total(&expected, &quarters), 1_440_000);
    assert_eq!(total(&expected, &quarters[..1]), 360_000);
}

#[test]
fn n12_a_rate_is_never_rounded() {
    // 30,000 pieces at 1,450,000 / 150,000 each: as a curve between (0, 0) and (150,000, 1,450,000).
    let mut plan = units(
        Window::Year,
        Mode::Linear,
        &[("0", "0", 0), ("150000", "1", 0)],
    );
    plan.measure.pay_on = PayOn::TargetPayout(145_000_000);
    let paid = total(&plan, &[pieces("i-1", "2026-05-04", 30_000)]);
    assert_eq!(paid, 29_000_000);
    // The public solution rounds the rate to 9.67 and is 100.00 wrong.
    let rounded = units(Window::Year, Mode::Marginal, &[("0", "9.67", 0)]);
    let wrong = total(&rounded, &[pieces("i-1", "2026-05-04", 30_000)]);
    assert_eq!(wrong, 29_010_000);
    assert_ne!(paid, wrong);
}

#[test]
fn n13_growth_over_the_year_before() {
    let mut plan = over(
        Window::Quarter,
        Mode::Whole,
        &[
            ("-1", "0.02", 0),
            ("0.15", "0.03", 0),
            ("0.30", "0.05", 0),
            ("0.45", "0.07", 0),
        ],
    );
    plan.measure.band_by = BandBy::Growth;
    plan.measure.target = Target::SamePeriodLastYear;
    for (minor, expected) in [
        (11_499_999, 230_000),
        (11_850_000, 355_500),
        (12_999_999, 390_000),
        (13_000_000, 650_000),
        (14_500_000, 1_015_000),
    ] {
        let facts = [
            invoice("i-0", "2025-05-04", 10_000_000),
            invoice("i-1", "2026-05-04", minor),
        ];
        let award = awards(std::slice::from_ref(&plan), &told(&facts));
        let award = award
            .iter()
            .find(|award| award.key == key("2026-Q2"))
            .unwrap();
        assert_eq!(award.entitled, expected, "{minor}");
    }
}

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
fn n15_limits_see_rounded_amounts() {
    let mut plan = plan("plan", &[("0", "0.025", 0)]);
    plan.limits.limits = vec![Limit {
        min_minor: Some(20_000),
        ..cap(LimitScope::Award, Window::Event, 1_200_000)
    }];
    for (minor, expected) in [
        (799_979, 0),
        (799_980, 20_000),
        (48_000_000, 1_200_000),
        (48_000_040, 1_200_000),
        (50_000_000, 1_200_000),
    ] {
        assert_eq!(of(&plan, minor), expected, "{minor}");
    }
    let forfeited = only(&plan, &[invoice("i-1", "2026-05-04", 799_979)]);
    assert_eq!(reason(&forfeited), "BELOW_MINIMUM");
}

#[test]
fn n16_from_unit_one_once_the_minimum_is_reached() {
    let plan = units(Window::Month, Mode::Whole, &[("5", "5", 0)]);
    assert_eq!(total(&plan, &[pieces("i-1", "2026-05-04", 4)]), 0);
    assert_eq!(total(&plan, &[pieces("i-1", "2026-05-04", 5)]), 2_500);
    let without = units(Window::Month, Mode::Whole, &[("0", "5", 0)]);
    assert_eq!(total(&without, &[pieces("i-1", "2026-05-04", 4)]), 2_000);
    let thirty = units(Window::Month, Mode::Whole, &[("5", "20", 0)]);
    assert_eq!(total(&thirty, &[pieces("i-1", "2026-05-04", 30)]), 60_000);
}

#[test]
fn n35_accelerator_and_decelerator() {
    let quota = |amount| Quota {
        id: "q-1".to_owned(),
        name: "sales".to_owned(),
        partner: partner("nimbus"),
        period_start: day("2026-04-01"),
        amount,
        recorded: trellis_core::Timestamp::EPOCH,
    };
    let mut plan = over(
        Window::Quarter,
        Mode::Marginal,
        &[("0", "0.06", 0), ("0.8", "0.08", 0), ("1", "0.12", 0)],
    );
    plan.measure.band_by = BandBy::Attainment;
    plan.measure.target = Target::Quota("sales".to_owned());
    let mut facts = told(&[invoice("i-1", "2026-05-04", 28_750_000)]);
    let missing = awards(std::slice::from_ref(&plan), &facts);
    assert_eq!(
        missing[0].not_paid,
        Some(NotPaid::NoQuota("sales".to_owned()))
    );
    facts.quotas = vec![quota(25_000_000)];
    assert_eq!(
        awards(std::slice::from_ref(&plan), &facts)[0].entitled,
        2_050_000
    );
    plan.schedule.mode = Mode::Whole;
    plan.schedule.bands = bands(&[("0", "0.03", 0), ("0.7", "0.06", 0), ("1", "0.08", 0)]);
    let mut facts = told(&[invoice("i-1", "2026-05-04", 15_000_000)]);
    facts.quotas = vec![quota(25_000_000)];
    assert_eq!(
        awards(std::slice::from_ref(&plan), &facts)[0].entitled,
        450_000
    );
}

#[test]
fn n36_payout_curve() {
    let mut plan = over(
        Window::Quarter,
        Mode::Linear,
        &[("0.8", "0.5", 0), ("1", "1", 0), ("1.2", "1.5", 0)],
    );
    plan.measure.band_by = BandBy::Attainment;
    plan.measure.target = Target::Fixed(10_000_000);
    plan.measure.pay_on = PayOn::TargetPayout(1_000_000);
    assert_eq!(of(&plan, 9_375_000), 843_750);
    assert_eq!(of(&plan, 7_999_000), 0);
    assert_eq!(of(&plan, 13_000_000), 1_500_000);
}

#[test]
fn n46_growth_over_nothing() {
    let mut plan = over(Window::Quarter, Mode::Whole, &[("-1", "0.02", 0)]);
    plan.measure.band_by = BandBy::Growth;
    plan.measure.target = Target::SamePeriodLastYear;
    let award = only(&plan, &[invoice("i-1", "2026-05-04", 10_000_000)]);
    assert_eq!((award.entitled, reason(&award)), (0, "NO_BASELINE"));
}

#[test]
fn n47_the_measure_is_whole_in_any_order() {
    let mut plan = over(Window::Year, Mode::Whole, &[("0", "1", 0)]);
    plan.trigger.fact = FactKind::MetricReported;
    plan.trigger.condition = "event.metric in ['revenue', 'bookings']".to_owned();
    plan.measure.source = Source::Metric;
    let metric = |id: &str, name: &str, date: &str, number| {
        let mut fact = pieces(id, date, number);
        fact.kind = FactKind::MetricReported;
        fact.fields.set("event.metric", name);
        fact
    };
    let early = [
        metric("m-1", "revenue", "2026-01-10", 100),
        metric("m-2", "bookings", "2026-02-10", 50),
    ];
    let order = |id: &str| {
        [
            metric(&format!("{id}-r"), "revenue", "2026-03-10", 50),
            metric(&format!("{id}-b"), "bookings", "2026-03-10", 100),
        ]
    };
    let one = [early.as_slice(), &order("o-1")].concat();
    assert_eq!(only(&plan, &one).measure, 300);
    let mut both = [one.as_slice(), &order("o-2")].concat();
    let forward = only(&plan, &both);
    both.reverse();
    assert_eq!(only(&plan, &both), forward);
    assert_eq!(forward.measure, 450);
}

// Limits, splits, clawback, currencies.

fn churned(months: &str, plan: &PlanVersion) -> i64 {
    let facts = [
        invoice("i-1", "2026-01-15", 150_000),
        back("c-1", FactKind::Churn, "i-1", months, 0),
    ];
    150_000 - only(plan, &facts).entitled
}

fn clawback(mode: ClawbackMode, window: u32) -> Clawback {
    Clawback {
        triggers: vec![ClawbackTrigger::Churn, ClawbackTrigger::Revocation],
        mode,
        window,
        grace: 0,
        anchor: Anchor::Event,
    }
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
fn n32_draws() {
    let mut plan = over(Window::Month, Mode::Marginal, &[("0", "1", 0)]);
    plan.kind = Kind::Draw;
    let earn = |amounts: &[i64]| -> Vec<Fact> {
        let month = |(index, minor): (usize, &i64)| {
            invoice(
                &format!("i-{index}"),
                &format!("2026-{:02}-10", index + 1),
                *minor,
            )
        };
        amounts.iter().enumerate().map(month).collect()
    };
    plan.limits.draw = Some(Draw {
        amount_minor: 200_000,
        recoverable: true,
    });
    let facts = earn(&[275_000, 300_000, 150_000, 237_500, 300_000, 275_000]);
    let paid = awards(std::slice::from_ref(&plan), &told(&facts));
    assert_eq!(
        amounts(&paid),
        [275_000, 300_000, 200_000, 200_000, 287_500, 275_000]
    );
    let debts: Vec<i64> = paid
        .iter()
        .flat_map(|award| &award.trace.steps)
        .filter_map(|step| match step.detail {
            Detail::Draw { debt_after, .. } => Some(debt_after),
            _ => None,
        })
        .collect();
    assert_eq!(debts, [0, 0, 50_000, 12_500, 0, 0]);
    plan.limits.draw = Some(Draw {
        amount_minor: 150_000,
        recoverable: true,
    });
    let paid = awards(
        std::slice::from_ref(&plan),
        &told(&earn(&[50_000, 300_000])),
    );
    assert_eq!(amounts(&paid), [150_000, 200_000]);
    plan.limits.draw = Some(Draw {
        amount_minor: 150_000,
        recoverable: false,
    });
    let paid = awards(
        std::slice::from_ref(&plan),
        &told(&earn(&[50_000, 300_000])),
    );
    assert_eq!(amounts(&paid), [150_000, 300_000]);
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
fn n34_recurring_for_twelve_months() {
    let mut plan = plan("plan", &[("0", "0.2", 0)]);
    plan.limits.term = Term::Months {
        months: 12,
        anchor: Anchor::Event,
    };
    let facts: Vec<Fact> = (0..13)
        .map(|month| {
            let date = day("2026-01-15").plus_months(month).to_string();
            invoice(&format!("i-{month:02}"), &date, 4_999)
        })
        .collect();
    let paid = awards(std::slice::from_ref(&plan), &told(&facts));
    assert_eq!(amounts(&paid), [vec![1_000; 12], vec![0]].concat());
    let last = paid
        .iter()
        .find(|award| award.key.scope == "fact/i-12")
        .unwrap();
    assert_eq!(reason(last), "TERM_ENDED");
    plan.limits.term = Term::FirstEvent;
    let paid = awards(std::slice::from_ref(&plan), &told(&facts[..3]));
    assert_eq!(amounts(&paid), [1_000, 0, 0]);
    assert_eq!(
        paid.iter()
            .filter(|award| reason(award) == "NOT_FIRST_EVENT")
            .count(),
        2
    );
}

#[test]
fn n37_versions_by_the_day() {
    let mut first = plan("plan", &[("0", "0.10", 0)]);
    first.effective_until = Some(day("2026-07-01"));
    let mut second = plan("plan", &[("0", "0.12", 0)]);
    (second.version, second.effective_from) = (2, day("2026-07-01"));
    let facts = [
        invoice("i-1", "2026-06-30", 100_000),
        invoice("i-2", "2026-07-01", 100_000),
    ];
    let versions = [first.clone(), second.clone()];
    let before = awards(&versions, &told(&facts));
    assert_eq!(amounts(&before), [10_000, 12_000]);
    let mut retro = plan("plan", &[("0", "0.11", 0)]);
    retro.version = 3;
    retro.effective_from = day("2026-06-01");
    retro.effective_until = Some(day("2026-07-01"));
    let after = awards(
        &[first.clone(), second, retro.clone()],
        &posted(&facts, &before),
    );
    let deltas: Vec<(i32, i64)> = after
        .iter()
        .map(|award| (award.version, award.delta))
        .collect();
    assert_eq!(deltas, [(3, 1_000), (2, 0)]);
    // What was paid is not reduced, unless the version may.
    retro.schedule.bands = bands(&[("0", "0.05", 0)]);
    let mut paid = posted(&facts[..1], &before[..1]);
    paid.posted
        .values_mut()
        .for_each(|posted| posted.paid_minor = 8_000);
    let kept = awards(&[first.clone(), retro.clone()], &paid);
    assert_eq!((kept[0].entitled, kept[0].delta), (8_000, -2_000));
    // A refund is not the version: what the old one would pay of the rest is all that is kept.
    let refund = back("r-1", FactKind::Refund, "i-1", "2026-07-15", 40_000);
    let mut refunded = paid.clone();
    refunded.facts.push(refund);
    let kept = awards(&[first.clone(), retro.clone()], &refunded);
    assert_eq!((kept[0].entitled, kept[0].delta), (6_000, -4_000));
    retro.policy.may_reduce_paid = true;
    let reduced = awards(&[first, retro], &paid);
    assert_eq!((reduced[0].entitled, reduced[0].delta), (5_000, -5_000));
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
fn n42_plans_of_one_group() {
    let stacked = |how: Stacking, cap: Option<StackCap>| {
        let mut commission = plan("commission", &[("0", "0.12", 0)]);
        let stack = |rank, cap| {
            Some(Stack {
                group: "sales".to_owned(),
                how,
                rank,
                cap,
            })
        };
        commission.policy.stack = stack(1, cap);
        let mut spiff = plan("spiff", &[("0", "0", 15_000)]);
        spiff.measure.source = Source::Count;
        spiff.policy.stack = stack(2, None);
        awards(
            &[commission, spiff],
            &told(&[invoice("i-1", "2026-05-04", 100_000)]),
        )
    };
    let best = stacked(Stacking::BestOf, None);
    assert_eq!(
        best.iter().map(|award| award.entitled).collect::<Vec<_>>(),
        [0, 15_000]
    );
    assert_eq!(
        best[0].not_paid,
        Some(NotPaid::StackedOut(plan_id("spiff")))
    );
    let paid = |awards: Vec<trellis_evaluation::evaluate::Award>| {
        awards
            .iter()
            .map(|award| award.entitled)
            .collect::<Vec<_>>()
    };
    assert_eq!(paid(stacked(Stacking::Add, None)), [12_000, 15_000]);
    assert_eq!(paid(stacked(Stacking::First, None)), [12_000, 0]);
    let capped = stacked(Stacking::Add, Some(StackCap::Share(rate("0.2"))));
    assert_eq!(paid(capped), [12_000, 8_000]);
}

#[test]
fn n43_a_budget_runs_out() {
    let mut plan = plan("plan", &[("0", "0", 15_000)]);
    plan.measure.source = Source::Count;
    plan.limits.limits = vec![cap(LimitScope::Plan, Window::Lifetime, 100_000)];
    let facts: Vec<Fact> = (1..=8)
        .map(|at| invoice(&format!("i-{at}"), "2026-05-04", 1))
        .collect();
    let paid = awards(std::slice::from_ref(&plan), &told(&facts));
    let expected = [vec![15_000; 6], vec![10_000, 0]].concat();
    assert_eq!(amounts(&paid), expected);
    let eighth = paid
        .iter()
        .find(|award| award.key.scope == "fact/i-8")
        .unwrap();
    assert_eq!(reason(eighth), "BUDGET_EXHAUSTED");
}

#[test]
fn n44_and_n45_a_limit_per_customer_and_a_refund() {
    let mut plan = plan("plan", &[("0", "1", 0)]);
    plan.limits.limits = vec![cap(LimitScope::Customer, Window::Month, 50_000)];
    let sale = |at: usize| invoice(&format!("i-{at}"), &format!("2026-05-{at:02}"), 20_000);
    let four: Vec<Fact> = (1..=4).map(sale).collect();
    let paid = awards(std::slice::from_ref(&plan), &told(&four));
    assert_eq!(amounts(&paid), [20_000, 20_000, 10_000, 0]);
    // Another customer, and another month, have limits of their own.
    let mut other = sale(5);
    other.customer = Some("fabrikam".to_owned());
    let june = invoice("i-6", "2026-06-01", 20_000);
    let more = [four.clone(), vec![other, june]].concat();
    assert_eq!(
        amounts(&awards(std::slice::from_ref(&plan), &told(&more)))[4..],
        [20_000, 20_000]
    );
    // The first is refunded: the limit is applied anew, so that 400 of the 500 stay.
    let three = &four[..3];
    let before = awards(std::slice::from_ref(&plan), &told(three));
    let refund = back("r-1", FactKind::Refund, "i-1", "2026-05-20", 20_000);
    let facts = [three, &[refund]].concat();
    let after = awards(std::slice::from_ref(&plan), &posted(&facts, &before));
    assert_eq!(amounts(&after), [0, 20_000, 20_000]);
    assert_eq!(after.iter().map(|award| award.delta).sum::<i64>(), -10_000);
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

// What is not known is a reason.

#[test]
fn what_is_not_known_is_named() {
    let mut plan = plan("plan", &[("0", "0.1", 0)]);
    plan.audience = "partner.tier == 'gold'".to_owned();
    let mut sale = invoice("i-1", "2026-05-04", 80_000);
    let named = |plan: &PlanVersion, fact: &Fact| only(plan, std::slice::from_ref(fact)).not_paid;
    let missing = |field: &str| Some(NotPaid::MissingFact(field.to_owned()));
    assert_eq!(named(&plan, &sale), missing("partner.tier"));
    sale.fields.set("partner.tier", Value::from("silver"));
    assert_eq!(named(&plan, &sale).unwrap().name(), "NOT_IN_AUDIENCE");
    sale.fields.set("partner.tier", Value::from("gold"));
    assert_eq!(named(&plan, &sale), None);
    sale.amount_minor = None;
    assert_eq!(named(&plan, &sale), missing("amount_minor"));
    plan.measure.source = Source::LineMargin;
    sale.amount_minor = Some(80_000);
    assert_eq!(named(&plan, &sale), missing("cost_minor"));
    sale.cost_minor = Some(50_000);
    assert_eq!(only(&plan, std::slice::from_ref(&sale)).entitled, 3_000);
    sale.currency = Some(currency("EUR"));
    assert_eq!(named(&plan, &sale).unwrap().name(), "CURRENCY_MISMATCH");
    plan.limits.term = Term::FirstEvent;
    sale.customer = None;
    assert_eq!(named(&plan, &sale), missing("customer"));
}

#[test]
fn tenure_chooses_the_band() {
    let mut plan = plan("plan", &[("0", "0.1", 0), ("12", "0.15", 0)]);
    plan.schedule.mode = Mode::Whole;
    plan.measure.band_by = BandBy::TenureMonths;
    let mut sale = invoice("i-1", "2026-05-04", 80_000);
    assert_eq!(
        reason(&only(&plan, std::slice::from_ref(&sale))),
        "MISSING_FACT"
    );
    for (months, paid) in [(11, 8_000), (12, 12_000)] {
        sale.fields.set("partner.joined_months", months);
        assert_eq!(only(&plan, std::slice::from_ref(&sale)).entitled, paid);
    }
}

#[test]
fn as_it_was_known_then() {
    let plan = plan("plan", &[("0", "0.1", 0)]);
    let mut sale = invoice("i-1", "2026-05-04", 80_000);
    sale.recorded = trellis_core::Timestamp::from_micros(10);
    let mut corrected = sale.clone();
    (corrected.revision, corrected.amount_minor) = (2, Some(90_000));
    corrected.recorded = trellis_core::Timestamp::from_micros(20);
    let mut withdrawn = corrected.clone();
    (withdrawn.revision, withdrawn.withdrawn) = (3, true);
    withdrawn.recorded = trellis_core::Timestamp::from_micros(30);
    let facts = told(&[withdrawn, sale, corrected]);
    let at = |micros| {
        let moment = trellis_core::Timestamp::from_micros(micros);
        let found = trellis_evaluation::evaluate::evaluate(
            &ready(std::slice::from_ref(&plan)),
            &facts,
            moment,
        );
        found
            .unwrap()
            .iter()
            .map(|award| award.entitled)
            .collect::<Vec<_>>()
    };
    assert_eq!(at(9), Vec::<i64>::new());
    assert_eq!(at(10), [8_000]);
    assert_eq!(at(20), [9_000]);
    assert_eq!(at(30), Vec::<i64>::new());
}

#[test]
fn the_story_of_an_award() {
    let plan = over(
        Window::Quarter,
        Mode::Whole,
        &[
            ("0", "0.05", 0),
            ("10000000", "0.06", 0),
            ("25000000", "0.08", 0),
        ],
    );
    let mut facts = told(&[
        invoice("i-1", "2026-05-04", 12_000_000),
        invoice("i-2", "2026-06-04", 8_000_000),
    ]);
    facts.posted.insert(
        key("2026-Q2"),
        trellis_evaluation::evaluate::Posted {
            minor: 577_125,
            paid_minor: 0,
            version: 1,
        },
    );
    let award = &awards(&[plan], &facts)[0];
    assert_eq!(
        award.trace.summary(),
        "Version 1 of plan plan holds for 2026-Q2. 2 of 2026-Q2 reached 200,000.00 USD. The band from \
         100,000.00 USD applies to all of it: 6 % of 200,000.00 USD: 12,000.00 USD. Already credited \
         5,771.25 USD. Now credited 6,228.75 USD."
    );
    assert_eq!(award.next.unwrap().missing, 5_000_000);
    assert_eq!(
        award.next_band().unwrap(),
        "50,000.00 USD more reach the band from 250,000.00 USD."
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
fn a_trace_is_the_same_bytes_for_the_same_inputs() {
    let plan = plan("plan", &[("0", "0.1", 0)]);
    let sale = invoice("i-1", "2026-05-04", 80_000);
    let hash = |plan: &PlanVersion, fact: &Fact| {
        let award = only(plan, std::slice::from_ref(fact));
        assert_eq!(
            award.trace.canonical_bytes(),
            only(plan, std::slice::from_ref(fact))
                .trace
                .canonical_bytes()
        );
        award.trace.hash()
    };
    let told = hash(&plan, &sale);
    // Kept, so that a change of the arithmetic or of the form is seen.
    assert_eq!(
        told,
        "a98f5582d57fff54c20d7650579f911998f4e308e2d2bb9be09ae39edfe31b12"
    );
    let mut later = sale.clone();
    later.recorded = trellis_core::Timestamp::from_micros(5);
    assert_eq!(
        hash(&plan, &later),
        told,
        "when it became known is no part of it"
    );
    let mut other = sale.clone();
    other.fields.set("customer.country", "DE");
    assert_ne!(hash(&plan, &other), told);
    let mut renamed = plan.clone();
    renamed.name = "another".to_owned();
    assert_ne!(hash(&renamed, &sale), told);
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
