//! Money: whole minor units of one currency, and the two ways to get there from a fraction.
//!
//! There is one rounding and one splitting. [`round_half_up`] makes the nearest whole number, a half
//! away from zero. [`allocate`] splits an amount so that the parts add up to it, to the last unit, so
//! that no account for rounding differences is ever needed.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use num_rational::Ratio;
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

use crate::column::never_counted;

/// A currency of ISO 4217 that has a minor unit.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    DeriveValueType,
    Serialize,
    Deserialize,
)]
#[sea_orm(value_type = "String")]
#[serde(try_from = "String", into = "String")]
pub struct Currency(iso_currency::Currency);

never_counted!(Currency);

/// There is no such currency, or it has no minor unit, as gold has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the three capital letters of an ISO 4217 currency that money is counted in")]
pub struct InvalidCurrency;

impl Currency {
    /// The US dollar.
    pub const USD: Self = Self(iso_currency::Currency::USD);
    /// The euro.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);

    /// Reads a currency by its three capital letters.
    ///
    /// # Errors
    /// When ISO 4217 has no such currency, or says of it that it has no minor unit.
    pub fn try_new(code: &str) -> Result<Self, InvalidCurrency> {
        let currency = iso_currency::Currency::from_code(code).ok_or(InvalidCurrency)?;
        if currency.exponent().is_some() {
            Ok(Self(currency))
        } else {
            Err(InvalidCurrency)
        }
    }

    /// Its three letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimal digits its minor unit has: 2 for the euro, 0 for the yen, 3 for the dinar of
    /// Kuwait.
    #[must_use]
    pub fn exponent(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or_default())
    }

    /// How many minor units make one unit.
    #[must_use]
    pub fn minor_per_unit(self) -> i64 {
        10_i64.pow(self.exponent())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(code: &str) -> Result<Self, InvalidCurrency> {
        Self::try_new(code)
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;

    fn try_from(code: String) -> Result<Self, InvalidCurrency> {
        Self::try_new(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

/// An amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Whole minor units, such as cents.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

/// Amounts that cannot be reckoned with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit.
    #[error("the amount is too large to be counted in 64 bits of minor units")]
    Overflow,
    /// The currencies differ.
    #[error("{left} and {right} cannot be reckoned together without a rate between them")]
    CurrencyMismatch {
        /// The currency of the one.
        left: Currency,
        /// The currency of the other.
        right: Currency,
    },
}

impl Money {
    /// So many minor units.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// No money.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The sum of two amounts.
    ///
    /// # Errors
    /// When the currencies differ or the sum does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_add)
    }

    /// What is left after taking the other amount away.
    ///
    /// # Errors
    /// When the currencies differ or the difference does not fit.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_sub)
    }

    /// The same amount the other way.
    ///
    /// # Errors
    /// When the amount is the least that there is, which has no opposite.
    pub fn checked_neg(self) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_neg().ok_or(MoneyError::Overflow)?;
        Ok(Self {
            minor,
            currency: self.currency,
        })
    }

    fn with(self, other: Self, how: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            let (left, right) = (self.currency, other.currency);
            return Err(MoneyError::CurrencyMismatch { left, right });
        }
        let minor = how(self.minor, other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self {
            minor,
            currency: self.currency,
        })
    }
}

impl fmt::Display for Money {
    /// For people: `1,234.50 USD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_unit = self.currency.minor_per_unit().unsigned_abs();
        let units = (self.minor.unsigned_abs() / per_unit).to_string();
        if self.minor < 0 {
            f.write_str("-")?;
        }
        for (at, digit) in units.chars().enumerate() {
            if at > 0 && (units.len() - at).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        let exponent = usize::try_from(self.currency.exponent()).unwrap_or_default();
        if exponent > 0 {
            write!(f, ".{:0exponent$}", self.minor.unsigned_abs() % per_unit)?;
        }
        write!(f, " {}", self.currency)
    }
}

/// The nearest whole number; a half goes away from zero.
///
/// # Errors
/// When it does not fit 64 bits.
pub fn round_half_up(exact: Ratio<i128>) -> Result<i64, MoneyError> {
    let (numerator, denominator) = (*exact.numer(), *exact.denom());
    let whole = numerator / denominator;
    let rest = (numerator % denominator).unsigned_abs();
    let rounded = if rest >= denominator.unsigned_abs() - rest {
        whole + numerator.signum()
    } else {
        whole
    };
    i64::try_from(rounded).map_err(|_| MoneyError::Overflow)
}

/// Splits a total by weights: each part is its share cut to a whole number, and what is left goes,
/// one by one, to those whose shares were cut the most; of equals, to the first.
///
/// The parts always add up to the total, and the parts of a negative total are those of the positive
/// one turned round. When nobody weighs anything, all weigh the same. Without weights there are no
/// parts.
#[must_use]
pub fn allocate(total: i64, weights: &[u64]) -> Vec<i64> {
    let sum: u128 = weights.iter().copied().map(u128::from).sum();
    if sum == 0 {
        return if weights.is_empty() {
            Vec::new()
        } else {
            allocate(total, &vec![1; weights.len()])
        };
    }
    let amount = u128::from(total.unsigned_abs());
    let share = |weight: &u64| amount * u128::from(*weight);
    let mut parts: Vec<u128> = weights.iter().map(|weight| share(weight) / sum).collect();
    let mut left = amount - parts.iter().sum::<u128>();
    let mut cut_most: Vec<_> = parts.iter_mut().zip(weights).collect();
    cut_most.sort_by_key(|(_, weight)| Reverse(share(weight) % sum));
    for (part, _) in cut_most {
        if left == 0 {
            break;
        }
        *part += 1;
        left -= 1;
    }
    parts
        .into_iter()
        .map(|part| signed(part, total < 0))
        .collect()
}

/// A part of a 64-bit total, with its sign. Such a part always fits.
fn signed(part: u128, negative: bool) -> i64 {
    let part = i128::try_from(part).unwrap_or(i128::MAX);
    let part = if negative { -part } else { part };
    i64::try_from(part).unwrap_or(if negative { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests;
