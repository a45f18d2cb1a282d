//! Rates: exact decimal numbers, such as a percentage or a price per unit.
//!
//! A rate is never a floating-point number and is never rounded; only the money that it makes is,
//! once, by [`round_half_up`](crate::round_half_up).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use num_rational::Ratio;
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

use crate::column::never_counted;

/// How many digits a rate may have after its point, and before it.
const DIGITS: usize = 18;

/// An exact decimal number with at most 18 digits before and 18 after the point.
///
/// Stored as text without needless zeros, so that equal rates are equal texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, DeriveValueType, Serialize, Deserialize)]
#[sea_orm(value_type = "String")]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    numerator: i128,
    scale: u8,
}

never_counted!(Rate);

/// The text is not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a plain decimal number such as 0.125, with at most 18 digits before and 18 after the \
     point and no exponent"
)]
pub struct InvalidRate;

impl Rate {
    /// Nothing.
    pub const ZERO: Self = Self {
        numerator: 0,
        scale: 0,
    };
    /// The whole.
    pub const ONE: Self = Self {
        numerator: 1,
        scale: 0,
    };

    /// The rate as a fraction, for exact arithmetic.
    #[must_use]
    pub fn ratio(self) -> Ratio<i128> {
        Ratio::new(self.numerator, 10_i128.pow(u32::from(self.scale)))
    }

    /// The same as a whole number, if it is one that fits.
    #[must_use]
    pub fn whole(self) -> Option<i64> {
        (self.scale == 0)
            .then(|| i64::try_from(self.numerator).ok())
            .flatten()
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// Whether it is less than nothing.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.numerator < 0
    }

    /// The numerator as if there were always 18 digits after the point. 36 digits fit an `i128`.
    fn widened(self) -> i128 {
        let missing = DIGITS.saturating_sub(usize::from(self.scale));
        self.numerator * 10_i128.pow(u32::try_from(missing).unwrap_or_default())
    }
}

impl From<i32> for Rate {
    fn from(whole: i32) -> Self {
        Self {
            numerator: i128::from(whole),
            scale: 0,
        }
    }
}

impl TryFrom<i64> for Rate {
    type Error = InvalidRate;

    fn try_from(whole: i64) -> Result<Self, InvalidRate> {
        if whole.unsigned_abs() >= 10_u64.pow(18) {
            return Err(InvalidRate);
        }
        Ok(Self {
            numerator: i128::from(whole),
            scale: 0,
        })
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let empty = whole.is_empty() && fraction.is_empty();
        if empty || !all_digits(whole) || !all_digits(fraction) || fraction.len() > DIGITS {
            return Err(InvalidRate);
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        if whole.len() > DIGITS {
            return Err(InvalidRate);
        }
        let mut numerator = 0_i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            numerator = numerator * 10 + i128::from(byte - b'0');
        }
        let scale = u8::try_from(fraction.len()).map_err(|_| InvalidRate)?;
        Ok(Self {
            numerator: if negative { -numerator } else { numerator },
            scale,
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.numerator < 0 { "-" } else { "" };
        let one = 10_u128.pow(u32::from(self.scale));
        let (whole, fraction) = (
            self.numerator.unsigned_abs() / one,
            self.numerator.unsigned_abs() % one,
        );
        if self.scale == 0 {
            write!(f, "{sign}{whole}")
        } else {
            write!(
                f,
                "{sign}{whole}.{fraction:0width$}",
                width = usize::from(self.scale)
            )
        }
    }
}

impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.widened().cmp(&other.widened())
    }
}

impl TryFrom<String> for Rate {
    type Error = InvalidRate;

    fn try_from(text: String) -> Result<Self, InvalidRate> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn equal_rates_are_shown_alike() {
        let cases = [
            ("0.125", "0.125"),
            ("12.50", "12.5"),
            ("012", "12"),
            (".5", "0.5"),
            ("5.", "5"),
            ("+1", "1"),
            ("-0", "0"),
            ("-0.00", "0"),
            ("-0.050", "-0.05"),
            (
                "999999999999999999.999999999999999999",
                "999999999999999999.999999999999999999",
            ),
        ];
        for (text, shown) in cases {
            assert_eq!(rate(text).to_string(), shown, "{text}");
        }
        assert_eq!(rate("1.0"), Rate::ONE);
    }

    #[test]
    fn what_is_not_a_plain_decimal_is_refused() {
        for bad in [
            "",
            ".",
            "-",
            "+",
            "--1",
            "1e3",
            "1E3",
            "NaN",
            "inf",
            "1,5",
            "1.2.3",
            " 1",
            "1 ",
            "0x1",
            "0.1234567890123456789",
            "1000000000000000000",
            "٣",
        ] {
            assert_eq!(bad.parse::<Rate>(), Err(InvalidRate), "{bad}");
        }
    }

    #[test]
    fn a_rate_is_its_fraction_exactly() {
        assert_eq!(rate("0.125").ratio(), Ratio::new(1, 8));
        assert_eq!(rate("-12.5").ratio(), Ratio::new(-25, 2));
    }

    proptest! {
        #[test]
        fn a_rate_reads_back_as_it_was_shown(text in "-?[0-9]{1,18}(\\.[0-9]{1,18})?") {
            let once = rate(&text);
            prop_assert_eq!(rate(&once.to_string()), once);
        }

        #[test]
        fn rates_sort_as_their_fractions_do(
            left in "-?[0-9]{1,18}(\\.[0-9]{1,9})?", right in "-?[0-9]{1,18}(\\.[0-9]{1,9})?",
        ) {
            let (left, right) = (rate(&left), rate(&right));
            prop_assert_eq!(left.cmp(&right), left.ratio().cmp(&right.ratio()));
        }

        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = text.parse::<Rate>();
        }
    }
}
