//! Schedules where everything fits 64 bits, and the roundings.

use trellis_core::MoneyError;

use super::bands::{Bands, By, bits, of_bits};
use super::column::at;
use crate::plan::{Mode, PayOn, Rounding, Target};

/// The same for a measure and a target that need no more than 64 bits.
#[derive(Clone, Debug)]
pub(crate) struct Quick {
    pub(crate) most: i64,
    /// The least measure that reaches each band.
    least: Vec<i64>,
    /// What a band pays: `before + (measure * scale).max(bottom) * rate - taken`, over `over`.
    slopes: Vec<Slope>,
    scale: u64,
    bottom: u64,
    over: Divisor,
}

/// Division by a number that is known before: a multiplication and a shift. With `bits` so many that
/// the divisor is no more than two to them, `multiplier` is more than `2^(62 + bits) / divisor` by less
/// than one part in `2^62`, which no numerator of 62 bits can see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Divisor {
    divisor: u64,
    multiplier: u64,
    shift: u32,
}

impl Divisor {
    /// None for nothing, and for what is too much to divide 62 bits by.
    pub(crate) fn new(divisor: u64) -> Option<Self> {
        if divisor == 0 || divisor >> 61 != 0 {
            return None;
        }
        let shift = 62 + (64 - (divisor - 1).leading_zeros());
        let multiplier = (1_u128 << shift) / u128::from(divisor) + 1;
        Some(Self {
            divisor,
            multiplier: u64::try_from(multiplier).ok()?,
            shift,
        })
    }

    /// The whole number of times that it is in a number of at most 62 bits, and the rest.
    #[inline]
    pub(crate) fn divide(self, numerator: u64) -> (u64, u64) {
        let product = u128::from(numerator) * u128::from(self.multiplier);
        let whole = u64::try_from(product >> self.shift).unwrap_or_default();
        (whole, numerator - whole * self.divisor)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Slope {
    /// Below it nothing of the measure is paid for.
    begin: u64,
    rate: u64,
    before: u64,
}

impl Bands {
    /// The quick way, where the plan has one: no target that is known only later, and no line to be
    /// drawn between points.
    pub(crate) fn quickened(&self) -> Option<Quick> {
        let target = match self.version.measure.target {
            Target::Fixed(target) => i128::from(target),
            Target::None => 0,
            Target::Quota(_) | Target::PriorPeriod | Target::SamePeriodLastYear
                if !self.needs_target =>
            {
                0
            }
            _ => return None,
        };
        let number = |number: i128| u64::try_from(number).ok();
        if self.mode == Mode::Linear || self.by == By::Tenure || target > i128::from(self.most) {
            return None;
        }
        let times = if self.by == By::Target { target } else { 1 };
        let begins: Vec<i128> = self.begins.iter().map(|begin| begin * times).collect();
        let most_rate = self.rates.iter().copied().max()?;
        let fixed: i128 = self.fixed.iter().copied().map(i128::from).sum();
        let over = self.scale * self.parts;
        let per_measure = bits(self.scale) + bits(most_rate) + bits(self.each);
        let base = match self.pay_on {
            PayOn::TargetPayout(_) => return None,
            PayOn::Measure | PayOn::Increment => 61_u32.checked_sub(per_measure)?,
        };
        if bits(over) > 60 || bits(fixed) + bits(over) > 61 || bits(target * self.scale) > 61 {
            return None;
        }
        let most = of_bits(base).min(self.most);
        let increment = self.pay_on == PayOn::Increment;
        let bottom = if increment { target * self.scale } else { 0 };
        let (mut least, mut slopes) = (Vec::new(), Vec::new());
        // What all bands before pay in full, and where the one before begins and what it pays.
        let (mut before, mut below) = (0_i128, None);
        for (index, begin) in begins.iter().enumerate() {
            // The first whole number that is where it begins, or above.
            let whole = begin.div_euclid(self.scale);
            let enough = if self.above || begin.rem_euclid(self.scale) > 0 {
                whole + 1
            } else {
                whole
            };
            let Some(reach) = i64::try_from(enough).ok().filter(|reach| *reach <= most) else {
                break;
            };
            least.push(reach);
            let rate = at(&self.rates, index) * self.each;
            let fixed = i128::from(at(&self.fixed, index)) * over;
            let slope = match self.mode {
                Mode::Marginal => {
                    let begin = (*begin).max(bottom);
                    if let Some((from, rate)) = below.replace((begin, rate)) {
                        before += (begin - from) * rate;
                    }
                    before += fixed;
                    Slope {
                        begin: number(begin)?,
                        rate: number(rate)?,
                        before: number(before)?,
                    }
                }
                _ => Slope {
                    begin: number(bottom)?,
                    rate: number(rate)?,
                    before: number(fixed)?,
                },
            };
            slopes.push(slope);
        }
        Some(Quick {
            most,
            least,
            slopes,
            scale: number(self.scale)?,
            bottom: number(bottom)?,
            over: Divisor::new(number(over)?)?,
        })
    }
}

impl Quick {
    #[inline]
    pub(crate) fn pay(&self, measure: i64, rounding: Rounding) -> i64 {
        if measure <= 0 {
            return 0;
        }
        let reached = self.least.iter().filter(|least| measure >= **least).count();
        let Some(slope) = reached
            .checked_sub(1)
            .and_then(|band| self.slopes.get(band))
        else {
            return 0;
        };
        let place = (measure.unsigned_abs() * self.scale).max(self.bottom);
        let exact = slope.before + place.saturating_sub(slope.begin) * slope.rate;
        let (whole, rest) = self.over.divide(exact);
        up(whole, rest, self.over.divisor, rounding)
    }
}

/// The whole number that stands for a fraction of at most 62 bits.
#[inline]
pub(crate) fn rounded_quickly(numerator: u64, denominator: u64, how: Rounding) -> i64 {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    up(whole, rest, denominator, how)
}

#[inline]
fn up(whole: u64, rest: u64, denominator: u64, how: Rounding) -> i64 {
    let up = match how {
        Rounding::HalfUp => rest >= denominator - rest,
        Rounding::HalfEven => {
            rest > denominator - rest || (rest == denominator - rest && whole % 2 == 1)
        }
        Rounding::Down => false,
        Rounding::Up => rest > 0,
    };
    (whole + u64::from(up)).cast_signed()
}

/// The same for one that is not less than nothing.
pub(crate) fn rounded(
    numerator: i128,
    denominator: i128,
    how: Rounding,
) -> Result<i64, MoneyError> {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    let up = match how {
        Rounding::HalfUp => rest >= denominator - rest,
        Rounding::HalfEven => {
            rest > denominator - rest || (rest == denominator - rest && whole % 2 == 1)
        }
        Rounding::Down => false,
        Rounding::Up => rest > 0,
    };
    i64::try_from(whole + i128::from(up)).map_err(|_| MoneyError::Overflow)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn a_divisor_divides(
            divisor in prop_oneof![1..2_000_u64, 1..1_u64 << 61],
            numerator in 0..1_u64 << 62,
            near in -2..=2_i64,
        ) {
            let by = Divisor::new(divisor).unwrap();
            let multiple = (numerator / divisor * divisor).saturating_add_signed(near);
            for numerator in [numerator, multiple, (1 << 62) - 1, 0] {
                let numerator = numerator.min((1 << 62) - 1);
                let expected = (numerator / divisor, numerator % divisor);
                prop_assert_eq!(by.divide(numerator), expected);
            }
        }
    }
}
