//! What measures come to: percentages, bands, targets, curves.

use super::of;
use crate::scene::*;
use trellis_evaluation::evaluate::{NotPaid, Quota};
use trellis_evaluation::plan::*;

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
