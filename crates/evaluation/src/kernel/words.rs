//! Exact amounts as text.

use num_rational::Ratio;
use num_traits::{CheckedDiv, CheckedMul};
use trellis_core::{Currency, Money};

use super::schedule::Exact;

/// An amount for people.
pub fn amount(minor: i128, currency: Currency) -> String {
    match i64::try_from(minor) {
        Ok(minor) => Money::new(minor, currency).to_string(),
        Err(_) => format!("{} {currency}", exact(Ratio::from(minor), currency)),
    }
}

/// An exact amount for people: as money where it is whole coins, else with all its digits.
pub fn in_words(minor: Exact, currency: Currency) -> String {
    if minor.is_integer() {
        amount(minor.to_integer(), currency)
    } else {
        format!("{} {currency}", exact(minor, currency))
    }
}

/// A share as a percentage, such as `12.5 %`.
pub fn percent(rate: Exact) -> String {
    // What has too many digits is told as it is.
    rate.checked_mul(&Ratio::from(100))
        .map_or_else(|| rate.to_string(), |rate| format!("{} %", decimal(rate)))
}

/// An exact amount of minor units, in units of the currency.
pub fn exact(minor: Exact, currency: Currency) -> String {
    let per_unit = i128::from(currency.minor_per_unit());
    minor
        .checked_div(&Ratio::from(per_unit))
        .map_or_else(|| format!("{minor}/{per_unit}"), decimal)
}

/// An exact number as a decimal, or as a fraction where it has no end.
pub fn decimal(number: Exact) -> String {
    let mut rest = *number.denom();
    for factor in [2, 5] {
        while rest % factor == 0 {
            rest /= factor;
        }
    }
    if rest != 1 {
        return number.to_string();
    }
    let (mut scaled, mut digits) = (number, 0_usize);
    while !scaled.is_integer() {
        let Some(more) = scaled.checked_mul(&Ratio::from(10)) else {
            return number.to_string();
        };
        scaled = more;
        digits += 1;
    }
    let sign = if number < Ratio::from(0) { "-" } else { "" };
    let text = format!(
        "{:0>width$}",
        scaled.to_integer().unsigned_abs(),
        width = digits + 1
    );
    let (whole, fraction) = text.split_at(text.len() - digits);
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}
