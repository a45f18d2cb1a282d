//! Vectors named N are worked examples of how incentives are reckoned.

use proptest::prelude::*;

use super::*;
use crate::rate::Rate;

fn currency(code: &str) -> Currency {
    Currency::try_new(code).unwrap()
}

/// A percentage of so many minor units, rounded once.
fn percent(minor: i64, percentage: &str) -> i64 {
    let rate: Rate = percentage.parse().unwrap();
    round_half_up(rate.ratio() / 100 * Ratio::from(i128::from(minor))).unwrap()
}

#[test]
fn a_half_goes_away_from_zero_n02() {
    let cases = [
        (500, "2.9", 15),
        (3, "20", 1),
        (15, "10", 2),
        (1, "50", 1),
        (2, "20", 0),
        (7, "20", 1),
    ];
    for (minor, percentage, expected) in cases {
        assert_eq!(
            percent(minor, percentage),
            expected,
            "{minor} at {percentage} %"
        );
        assert_eq!(
            percent(-minor, percentage),
            -expected,
            "-{minor} at {percentage} %"
        );
    }
}

#[test]
fn remainders_go_to_the_largest_then_to_the_first_n23() {
    assert_eq!(allocate(100, &[1, 1, 1]), [34, 33, 33]);
    assert_eq!(allocate(101, &[1, 1, 1]), [34, 34, 33]);
    assert_eq!(allocate(5, &[3, 7]), [2, 3]);
    assert_eq!(allocate(5, &[7, 3]), [4, 1]);
}

#[test]
fn small_totals_are_split_whole_n24() {
    assert_eq!(allocate(15, &[80, 8, 12]), [12, 1, 2]);
}

#[test]
fn cents_are_split_to_the_last_n25() {
    assert_eq!(allocate(156_251, &[50, 30, 20]), [78_126, 46_875, 31_250]);
}

#[test]
fn yen_have_no_minor_unit_n26() {
    assert_eq!(currency("JPY").exponent(), 0);
    assert_eq!(percent(123_457, "7.5"), 9_259);
    assert_eq!(allocate(9_999, &[40, 35, 25]), [3_999, 3_500, 2_500]);
}

#[test]
fn dinars_have_a_thousand_fils_n27() {
    assert_eq!(currency("KWD").exponent(), 3);
    assert_eq!(percent(1_234_567, "12.5"), 154_321);
    assert_eq!(allocate(154_321, &[60, 40]), [92_593, 61_728]);
}

#[test]
fn a_total_is_split_evenly_when_nobody_weighs_anything() {
    assert_eq!(allocate(5, &[0, 0]), [3, 2]);
    assert_eq!(allocate(5, &[]), Vec::<i64>::new());
    assert_eq!(allocate(5, &[0, 1]), [0, 5]);
}

#[test]
fn currencies_are_those_of_iso_4217_that_money_is_counted_in() {
    assert_eq!(currency("USD"), Currency::USD);
    assert_eq!(currency("EUR").minor_per_unit(), 100);
    for bad in ["", "usd", "US", "USDX", "ZZZ", "XAU", "XXX"] {
        assert_eq!(Currency::try_new(bad), Err(InvalidCurrency), "{bad}");
    }
}

#[test]
fn amounts_are_shown_for_people() {
    let shown = |minor, code| Money::new(minor, currency(code)).to_string();
    assert_eq!(shown(123_450, "USD"), "1,234.50 USD");
    assert_eq!(shown(-5, "EUR"), "-0.05 EUR");
    assert_eq!(shown(0, "USD"), "0.00 USD");
    assert_eq!(shown(1_234_567, "JPY"), "1,234,567 JPY");
    assert_eq!(shown(100_000_001, "KWD"), "100,000.001 KWD");
    assert_eq!(shown(i64::MIN, "USD"), "-92,233,720,368,547,758.08 USD");
}

#[test]
fn sums_need_one_currency_and_must_fit() {
    let usd = |minor| Money::new(minor, Currency::USD);
    let eur = Money::zero(Currency::EUR);
    assert_eq!(usd(1).checked_add(usd(2)), Ok(usd(3)));
    assert_eq!(usd(1).checked_sub(usd(2)), Ok(usd(-1)));
    assert_eq!(usd(1).checked_neg(), Ok(usd(-1)));
    let mismatch = MoneyError::CurrencyMismatch {
        left: Currency::USD,
        right: Currency::EUR,
    };
    assert_eq!(usd(1).checked_add(eur), Err(mismatch));
    assert_eq!(usd(1).checked_sub(eur), Err(mismatch));
    assert_eq!(usd(i64::MAX).checked_add(usd(1)), Err(MoneyError::Overflow));
    assert_eq!(usd(i64::MIN).checked_sub(usd(1)), Err(MoneyError::Overflow));
    assert_eq!(usd(i64::MIN).checked_neg(), Err(MoneyError::Overflow));
}

#[test]
fn what_does_not_fit_is_not_rounded() {
    let most = Ratio::new(i128::from(i64::MAX) * 2 + 1, 2);
    assert_eq!(round_half_up(most), Err(MoneyError::Overflow));
    assert_eq!(
        round_half_up(Ratio::from(i128::MAX)),
        Err(MoneyError::Overflow)
    );
    assert_eq!(
        round_half_up(Ratio::from(i128::from(i64::MIN))),
        Ok(i64::MIN)
    );
}

proptest! {
    #[test]
    fn parts_add_up_to_the_total(total in any::<i64>(), weights in prop::collection::vec(any::<u64>(), 1..20)) {
        let parts = allocate(total, &weights);
        prop_assert_eq!(parts.len(), weights.len());
        prop_assert_eq!(parts.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(total));
    }

    #[test]
    fn a_negative_total_is_the_positive_one_turned_round(
        total in 0..=i64::MAX, weights in prop::collection::vec(0..1_000_u64, 0..20),
    ) {
        let turned: Vec<i64> = allocate(total, &weights).into_iter().map(|part| -part).collect();
        prop_assert_eq!(allocate(-total, &weights), turned);
    }

    #[test]
    fn no_part_is_more_than_one_unit_from_its_share(
        total in 0..1_000_000_i64, weights in prop::collection::vec(1..1_000_u64, 1..20),
    ) {
        let sum: u64 = weights.iter().sum();
        for (part, weight) in allocate(total, &weights).into_iter().zip(&weights) {
            let share = Ratio::new(i128::from(total) * i128::from(*weight), i128::from(sum));
            let off = Ratio::from(i128::from(part)) - share;
            prop_assert!(off < Ratio::from(1) && off > Ratio::from(-1));
        }
    }

    #[test]
    fn rounding_is_never_off_by_more_than_a_half(
        numerator in -1_000_000_000_i128..1_000_000_000, denominator in 1..1_000_000_i128,
    ) {
        let exact = Ratio::new(numerator, denominator);
        let off = Ratio::from(i128::from(round_half_up(exact).unwrap())) - exact;
        prop_assert!(off <= Ratio::new(1, 2) && off >= Ratio::new(-1, 2));
    }
}
