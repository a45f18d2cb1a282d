//! Exact arithmetic that never wraps: rationals of 128 bits, and their rounding to coins.

use num_rational::Ratio;
use num_traits::{CheckedAdd, CheckedDiv, CheckedMul, CheckedSub};
use trellis_core::{MoneyError, round_half_up};

use crate::plan::Rounding;

/// An exact number.
pub type Exact = Ratio<i128>;

pub(crate) fn add(one: Exact, other: Exact) -> Result<Exact, MoneyError> {
    one.checked_add(&other).ok_or(MoneyError::Overflow)
}

pub(crate) fn sub(one: Exact, other: Exact) -> Result<Exact, MoneyError> {
    one.checked_sub(&other).ok_or(MoneyError::Overflow)
}

pub(crate) fn mul(one: Exact, other: Exact) -> Result<Exact, MoneyError> {
    one.checked_mul(&other).ok_or(MoneyError::Overflow)
}

pub(crate) fn div(one: Exact, other: Exact) -> Result<Exact, MoneyError> {
    if other == zero() {
        return Err(MoneyError::Overflow);
    }
    one.checked_div(&other).ok_or(MoneyError::Overflow)
}

pub(crate) fn whole(number: i64) -> Exact {
    Ratio::from(i128::from(number))
}

pub(crate) fn zero() -> Exact {
    Ratio::from(0)
}

pub(crate) fn small(amount: i64, other: i64) -> Result<i64, MoneyError> {
    amount.checked_add(other).ok_or(MoneyError::Overflow)
}

/// The whole number that stands for an exact one.
pub(crate) fn round(exact: Exact, how: Rounding) -> Result<i64, MoneyError> {
    let cut = exact.to_integer();
    let rest = exact - Ratio::from(cut);
    let away = cut.saturating_add(exact.numer().signum());
    let rounded = match how {
        Rounding::HalfUp => return round_half_up(exact),
        Rounding::Down => cut,
        Rounding::Up if rest == zero() => cut,
        Rounding::Up => away,
        Rounding::HalfEven => {
            let part = rest.numer().unsigned_abs();
            match part.cmp(&(rest.denom().unsigned_abs() - part)) {
                std::cmp::Ordering::Less => cut,
                std::cmp::Ordering::Greater => away,
                std::cmp::Ordering::Equal if cut % 2 == 0 => cut,
                std::cmp::Ordering::Equal => away,
            }
        }
    };
    i64::try_from(rounded).map_err(|_| MoneyError::Overflow)
}

/// What rounding took away; negative where it added. It is less than one whole and so fits, also where
/// what it is the difference of does not.
pub(crate) fn remainder(exact: Exact, rounded: i64) -> Exact {
    let whole = i128::from(rounded).wrapping_mul(*exact.denom());
    Ratio::new(exact.numer().wrapping_sub(whole), *exact.denom())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remainder_fits_where_its_parts_do_not() {
        let exact = Ratio::new(i128::MAX, i128::MAX / 3);
        assert_eq!(remainder(exact, 3), exact - Ratio::from(3));
        assert_eq!(remainder(Ratio::new(5, 2), 3), Ratio::new(-1, 2));
        let almost = Ratio::new(i128::MAX, i128::MAX / 2 - 1);
        let missing = Ratio::from(1) - (almost - Ratio::from(2));
        assert_eq!(remainder(almost, 3), -missing);
    }

    #[test]
    fn halves_go_where_the_plan_says() {
        for (number, halves, expected) in [
            (5, Rounding::HalfUp, 3),
            (-5, Rounding::HalfUp, -3),
            (5, Rounding::HalfEven, 2),
            (7, Rounding::HalfEven, 4),
            (-5, Rounding::HalfEven, -2),
            (5, Rounding::Down, 2),
            (-5, Rounding::Down, -2),
            (5, Rounding::Up, 3),
            (-5, Rounding::Up, -3),
            (4, Rounding::Up, 2),
        ] {
            assert_eq!(
                round(Ratio::new(number, 2), halves),
                Ok(expected),
                "{number}/2"
            );
        }
        assert_eq!(round(Ratio::new(26, 10), Rounding::HalfEven), Ok(3));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let most = Ratio::from(i128::MAX);
        assert_eq!(mul(most, Ratio::from(2)), Err(MoneyError::Overflow));
        assert_eq!(add(most, Ratio::from(1)), Err(MoneyError::Overflow));
        assert_eq!(div(most, zero()), Err(MoneyError::Overflow));
        assert_eq!(round(most, Rounding::Down), Err(MoneyError::Overflow));
    }
}
