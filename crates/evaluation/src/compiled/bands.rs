//! A schedule as whole numbers: where bands begin and what they pay over common denominators, so that
//! an amount is a few multiplications, one division and one rounding.
//!
//! There are three ways to the same amount. Where everything fits 64 bits, which is where all real
//! amounts are, a band is found by comparing and paid by one multiplication and one division. Where it
//! fits 128 bits, the same is done with those. What may not fit those goes the way of `evaluate`
//! itself, and ends in the same error if that does. How large a measure and a target may be for each
//! way is known when the plan is compiled, from the numbers of bits of everything that is multiplied.

use trellis_core::MoneyError;

use super::column::at;
use super::quick::{Quick, rounded};
use crate::evaluate::{Exact, ToMeasure, round, schedule};
use crate::plan::{Band, BandBy, Mode, PayOn, PlanVersion, Quantity, Rounding, Threshold};

/// What chooses a band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Measure,
    /// A share of the target: where bands begin, times what the target is.
    Target,
    Tenure,
}

/// What is measured of one award.
pub(crate) type Measure = ToMeasure;

/// A compiled schedule.
#[derive(Clone, Debug)]
pub(crate) struct Bands {
    pub(crate) mode: Mode,
    pub(crate) above: bool,
    pub(crate) by: By,
    pub(crate) pay_on: PayOn,
    pub(crate) each: i128,
    rounding: Rounding,
    pub(crate) needs_target: bool,
    /// Where bands begin, times `scale`; times the target too, where that chooses.
    pub(crate) begins: Vec<i128>,
    pub(crate) scale: i128,
    /// What they pay, times `parts`.
    pub(crate) rates: Vec<i128>,
    pub(crate) parts: i128,
    pub(crate) fixed: Vec<i64>,
    /// Up to what measure, target and tenure 128 bits do.
    pub(crate) most: i64,
    quick: Option<Quick>,
    pub(crate) version: PlanVersion,
}

pub(crate) const fn bits(number: i128) -> u32 {
    128 - number.unsigned_abs().leading_zeros()
}

fn common(denominators: impl Iterator<Item = i128>) -> Option<i128> {
    denominators.into_iter().try_fold(1_i128, |common, other| {
        let (mut divisor, mut rest) = (common, other);
        while rest > 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        (common / divisor.max(1)).checked_mul(other)
    })
}

fn over(exact: Exact, denominator: i128) -> Option<i128> {
    (denominator / exact.denom()).checked_mul(*exact.numer())
}

/// The most that a number of so many bits may be.
pub(crate) fn of_bits(bits: u32) -> i64 {
    match bits {
        0 => 0,
        1..63 => (1 << bits) - 1,
        _ => i64::MAX,
    }
}

impl Bands {
    pub(crate) fn new(version: &PlanVersion) -> Self {
        let by = match version.measure.band_by {
            BandBy::Measure => By::Measure,
            BandBy::Attainment | BandBy::Growth => By::Target,
            BandBy::TenureMonths => By::Tenure,
        };
        let number = version.measure.source.quantity() == Quantity::Number;
        let payout = matches!(version.measure.pay_on, PayOn::TargetPayout(_));
        let mut bands = Self {
            mode: version.schedule.mode,
            above: version.schedule.threshold == Threshold::Above,
            by,
            pay_on: version.measure.pay_on,
            each: if number && !payout {
                version.currency.minor_per_unit().into()
            } else {
                1
            },
            rounding: version.policy.rounding,
            needs_target: by == By::Target || version.measure.pay_on == PayOn::Increment,
            begins: Vec::new(),
            scale: 1,
            rates: Vec::new(),
            parts: 1,
            fixed: Vec::new(),
            most: -1,
            quick: None,
            version: version.clone(),
        };
        if bands.numbers().is_some() {
            bands.most = bands.measure_most();
            bands.quick = bands.quickened();
        }
        bands
    }

    pub(crate) fn by_tenure(&self) -> bool {
        self.by == By::Tenure
    }

    /// Whether there is nothing to compare with.
    pub(crate) fn lacks_baseline(&self, target: Option<i64>) -> bool {
        self.needs_target && target.unwrap_or_default() <= 0
    }

    /// Brings bands to common denominators; none where those do not fit.
    fn numbers(&mut self) -> Option<()> {
        let growth = self.version.measure.band_by == BandBy::Growth;
        let bands = &self.version.schedule.bands;
        let begin = |band: &Band| {
            let from = band.from.ratio();
            if growth { from + Exact::from(1) } else { from }
        };
        self.scale = common(bands.iter().map(|band| *begin(band).denom()))?;
        self.parts = common(bands.iter().map(|band| *band.rate.ratio().denom()))?;
        for band in bands {
            self.begins.push(over(begin(band), self.scale)?);
            self.rates.push(over(band.rate.ratio(), self.parts)?);
            self.fixed.push(band.fixed_minor);
        }
        Some(())
    }

    /// Up to what measure and target neither this nor `evaluate` can pass 128 bits, nor the next band
    /// be further than 64 bits can say: by the bits of everything that is multiplied, with some to
    /// spare. Less than nothing where even small ones might.
    fn measure_most(&self) -> i64 {
        let most = |numbers: &[i128]| numbers.iter().copied().map(bits).max().unwrap_or(0);
        let (scale, parts) = (bits(self.scale), bits(self.parts));
        let (rate, begin) = (most(&self.rates).max(parts), most(&self.begins).max(scale));
        let each = bits(self.each);
        let fixed = self.fixed.iter().map(|fixed| bits(i128::from(*fixed)));
        let fixed = fixed.max().unwrap_or(0) + scale + parts + 7;
        let base = match self.pay_on {
            PayOn::TargetPayout(amount) => bits(i128::from(amount)),
            PayOn::Measure | PayOn::Increment => 0,
        };
        let mut free = 120_u32;
        let room = |free: &mut u32, taken: u32, times: u32| {
            *free = (*free).min(120_u32.saturating_sub(taken) / times);
        };
        match self.mode {
            // The measure, or the amount, times a rate: once in each of 64 bands.
            Mode::Marginal | Mode::Whole => {
                room(&mut free, 2 * scale + parts + rate + each + base + 7, 1);
            }
            // A part of the way between two points, times a difference of rates, times the measure.
            Mode::Linear => room(
                &mut free,
                4 * scale + begin + 2 * parts + 2 * rate + each + base,
                3,
            ),
        }
        match self.by {
            // Where a band begins is the target times a share, and so many less than 64 bits say what
            // it would still need.
            By::Target => {
                room(&mut free, begin + scale, 1);
                free = free.min((62 + scale - 1).saturating_sub(begin));
            }
            By::Measure | By::Tenure => {
                if begin > 62 + scale - 1 {
                    return -1;
                }
            }
        }
        if fixed > 120 || free == 0 {
            return -1;
        }
        of_bits(free)
    }

    /// What one award by itself comes to, rounded, before its limits.
    ///
    /// # Errors
    /// Whenever `evaluate` has one.
    #[inline]
    pub(crate) fn pay(&self, measured: Measure) -> Result<i64, MoneyError> {
        if let Some(quick) = &self.quick
            && measured.measure <= quick.most
        {
            return Ok(quick.pay(measured.measure, self.rounding));
        }
        self.pay_any(measured)
    }

    #[cold]
    fn pay_slowly(&self, measured: Measure) -> Result<i64, MoneyError> {
        match schedule(&self.version, measured)? {
            Ok(scheduled) if !scheduled.slices.is_empty() => round(scheduled.exact, self.rounding),
            _ => Ok(0),
        }
    }

    pub(crate) fn pay_any(&self, measured: Measure) -> Result<i64, MoneyError> {
        match self.exact(measured)? {
            Paid::Over(numerator, denominator) => rounded(numerator, denominator, self.rounding),
            Paid::Nothing => Ok(0),
            Paid::Slowly => self.pay_slowly(measured),
        }
    }

    /// The exact amount; none where 128 bits may not do.
    pub(crate) fn exact(&self, measured: Measure) -> Result<Paid, MoneyError> {
        let measure = measured.measure;
        let target = measured.target.unwrap_or_default();
        let tenure = measured.tenure.unwrap_or_default();
        let small = |number: i64| number <= self.most && number >= -self.most;
        if !small(measure) || !small(target) || !small(tenure) {
            return Ok(Paid::Slowly);
        }
        if measure <= 0 || (self.needs_target && target <= 0) {
            return Ok(Paid::Nothing);
        }
        let (measure, target) = (i128::from(measure), i128::from(target));
        let times = match self.by {
            By::Target => target,
            By::Measure | By::Tenure => 1,
        };
        let place = self.scale
            * if self.by == By::Tenure {
                tenure.into()
            } else {
                measure
            };
        let reached = self
            .begins
            .iter()
            .take_while(|begin| {
                let begin = **begin * times;
                place > begin || (place == begin && !self.above)
            })
            .count();
        let Some(last) = reached.checked_sub(1) else {
            return Ok(Paid::Nothing);
        };
        let base = match self.pay_on {
            PayOn::Measure => measure,
            PayOn::Increment => (measure - target).max(0),
            PayOn::TargetPayout(amount) => amount.into(),
        };
        let begin = |band: usize| at(&self.begins, band) * times;
        let fixed = i128::from(at(&self.fixed, last));
        Ok(match self.mode {
            Mode::Whole => Paid::Over(
                base * at(&self.rates, last) * self.each + fixed * self.parts,
                self.parts,
            ),
            Mode::Linear if reached == self.begins.len() => {
                Paid::Over(base * at(&self.rates, last) * self.each, self.parts)
            }
            Mode::Linear => {
                let (x0, x1) = (begin(last), begin(reached));
                let (y0, y1) = (at(&self.rates, last), at(&self.rates, reached));
                let rate = y0 * (x1 - place) + y1 * (place - x0);
                Paid::Over(base * rate * self.each, self.parts * (x1 - x0))
            }
            Mode::Marginal => {
                let bottom = match self.pay_on {
                    PayOn::Increment => target * self.scale,
                    PayOn::Measure | PayOn::TargetPayout(_) => 0,
                };
                let over = self.scale * self.parts;
                let mut sum = 0;
                for band in 0..reached {
                    let end = if band == last {
                        place
                    } else {
                        begin(band + 1).min(place)
                    };
                    let length = (end.max(bottom) - begin(band).max(bottom)).max(0);
                    sum += length * at(&self.rates, band) * self.each;
                    sum += i128::from(at(&self.fixed, band)) * over;
                }
                Paid::Over(sum, over)
            }
        })
    }
}

/// What a schedule pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paid {
    /// The one over the other.
    Over(i128, i128),
    Nothing,
    /// What 128 bits may not do.
    Slowly,
}
