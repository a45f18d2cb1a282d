//! How a measure becomes an exact amount: bands, their targets, and what the next one would need.

use serde::Serialize;
use trellis_core::{MoneyError, Rate};

use super::exact::{Exact, add, div, mul, sub, whole, zero};
use super::reason::NotPaid;
use super::trace::text_of;
use crate::plan::{Band, BandBy, Mode, PayOn, PlanVersion, Quantity, Threshold};

/// What one band pays: `base · rate · each + fixed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Slice {
    /// Which band, counted from 0.
    pub band: usize,
    /// How much of the measure, or of what is paid on, it pays for.
    #[serde(serialize_with = "text_of")]
    pub base: Exact,
    /// The share that it pays, or the amount of money for each.
    #[serde(serialize_with = "text_of")]
    pub rate: Exact,
    /// How many minor units one of the rate is: 1 for shares of money.
    pub each: i64,
    /// What it pays once, in minor units.
    pub fixed: i64,
    /// What that comes to, in minor units.
    #[serde(serialize_with = "text_of")]
    pub exact: Exact,
}

/// What the next band would need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Next {
    /// Which band, counted from 0.
    pub band: usize,
    /// How much more: minor units, a number, or months, as what chooses the band says.
    pub missing: i64,
}

/// What a schedule makes of a measure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scheduled {
    pub(crate) slices: Vec<Slice>,
    pub(crate) exact: Exact,
    pub(crate) next: Option<Next>,
}

/// What a schedule is applied to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) measure: i64,
    pub(crate) target: Option<i64>,
    pub(crate) tenure: Option<i64>,
}

/// Applies a schedule, exactly.
pub(crate) fn schedule(
    version: &PlanVersion,
    measured: Measured,
) -> Result<Result<Scheduled, NotPaid>, MoneyError> {
    if measured.measure <= 0 {
        return Ok(Ok(Scheduled {
            next: Axis::new(version, measured)?
                .ok()
                .map(|axis| axis.next())
                .transpose()?
                .flatten(),
            ..Scheduled::default()
        }));
    }
    let axis = match Axis::new(version, measured)? {
        Ok(axis) => axis,
        Err(reason) => return Ok(Err(reason)),
    };
    let slices = match version.schedule.mode {
        Mode::Marginal => axis.marginal()?,
        Mode::Whole => axis.whole()?.into_iter().collect(),
        Mode::Linear => axis.linear()?.into_iter().collect(),
    };
    let mut exact = zero();
    for slice in &slices {
        exact = add(exact, slice.exact)?;
    }
    let next = axis.next()?;
    Ok(Ok(Scheduled {
        slices,
        exact,
        next,
    }))
}

/// Whether a measure is to be compared with something that there is nothing of. Nothing is paid then,
/// whatever is measured.
pub(crate) fn lacks_baseline(version: &PlanVersion, target: Option<i64>) -> bool {
    let needs_target = matches!(version.measure.band_by, BandBy::Attainment | BandBy::Growth)
        || version.measure.pay_on == PayOn::Increment;
    needs_target && target.unwrap_or_default() <= 0
}

/// The bands on the axis of what chooses them, and where the measure stands on it.
struct Axis<'a> {
    bands: &'a [Band],
    threshold: Threshold,
    /// Where each band begins: an amount, a number or months, the same as `at`.
    begins: Vec<Exact>,
    at: Exact,
    measure: Exact,
    pay_on: PayOn,
    target: Exact,
    each: i64,
}

impl<'a> Axis<'a> {
    fn new(
        version: &'a PlanVersion,
        measured: Measured,
    ) -> Result<Result<Self, NotPaid>, MoneyError> {
        let measure = whole(measured.measure);
        let target = measured.target.map_or(zero(), whole);
        let by = version.measure.band_by;
        if lacks_baseline(version, measured.target) {
            return Ok(Err(NotPaid::NoBaseline));
        }
        let mut begins = Vec::with_capacity(version.schedule.bands.len());
        for band in &version.schedule.bands {
            let from = band.from.ratio();
            begins.push(match by {
                BandBy::Measure | BandBy::TenureMonths => from,
                BandBy::Attainment => mul(from, target)?,
                BandBy::Growth => mul(add(from, whole(1))?, target)?,
            });
        }
        let at = match by {
            BandBy::TenureMonths => measured.tenure.map_or(zero(), whole),
            _ => measure,
        };
        let number = version.measure.source.quantity() == Quantity::Number;
        let target_payout = matches!(version.measure.pay_on, PayOn::TargetPayout(_));
        let each = if number && !target_payout {
            version.currency.minor_per_unit()
        } else {
            1
        };
        Ok(Ok(Self {
            bands: &version.schedule.bands,
            threshold: version.schedule.threshold,
            begins,
            at,
            measure,
            pay_on: version.measure.pay_on,
            target,
            each,
        }))
    }

    fn reaches(&self, begin: Exact) -> bool {
        match self.threshold {
            Threshold::AtOrAbove => self.at >= begin,
            Threshold::Above => self.at > begin,
        }
    }

    /// The bands that are reached, with where they begin and where the next one does.
    fn reached(&self) -> impl DoubleEndedIterator<Item = (usize, &Band, Exact, Option<Exact>)> {
        let ends = self.begins.iter().skip(1).copied().map(Some).chain([None]);
        let all: Vec<_> = self
            .bands
            .iter()
            .zip(&self.begins)
            .zip(ends)
            .enumerate()
            .collect();
        all.into_iter()
            .map(|(index, ((band, begin), end))| (index, band, *begin, end))
            .filter(|(_, _, begin, _)| self.reaches(*begin))
    }

    /// What rates are shares of.
    fn base(&self) -> Result<Exact, MoneyError> {
        Ok(match self.pay_on {
            PayOn::Measure => self.measure,
            PayOn::Increment => sub(self.measure, self.target)?.max(zero()),
            PayOn::TargetPayout(amount) => whole(amount),
        })
    }

    fn slice(
        &self,
        band: usize,
        base: Exact,
        rate: Exact,
        fixed: i64,
    ) -> Result<Slice, MoneyError> {
        let exact = add(mul(mul(base, rate)?, whole(self.each))?, whole(fixed))?;
        Ok(Slice {
            band,
            base,
            rate,
            each: self.each,
            fixed,
            exact,
        })
    }

    fn marginal(&self) -> Result<Vec<Slice>, MoneyError> {
        let bottom = match self.pay_on {
            PayOn::Increment => self.target,
            PayOn::Measure | PayOn::TargetPayout(_) => zero(),
        };
        let mut slices = Vec::new();
        for (index, band, begin, end) in self.reached() {
            let top = end.map_or(self.measure, |end| end.min(self.measure));
            let base = sub(top.max(bottom), begin.max(bottom))?.max(zero());
            slices.push(self.slice(index, base, band.rate.ratio(), band.fixed_minor)?);
        }
        Ok(slices)
    }

    fn whole(&self) -> Result<Option<Slice>, MoneyError> {
        let highest = self.reached().next_back();
        highest
            .map(|(index, band, ..)| {
                self.slice(index, self.base()?, band.rate.ratio(), band.fixed_minor)
            })
            .transpose()
    }

    fn linear(&self) -> Result<Option<Slice>, MoneyError> {
        let Some((index, band, begin, end)) = self.reached().next_back() else {
            return Ok(None);
        };
        let low = band.rate.ratio();
        let rate = match (end, self.bands.get(index + 1)) {
            (Some(end), Some(next)) => {
                let part = div(sub(self.at, begin)?, sub(end, begin)?)?;
                add(low, mul(part, sub(next.rate.ratio(), low)?)?)?
            }
            _ => low,
        };
        Ok(Some(self.slice(
            index,
            self.base()?,
            rate,
            band.fixed_minor,
        )?))
    }

    /// What the lowest band that is not reached would need.
    fn next(&self) -> Result<Option<Next>, MoneyError> {
        let found = self.begins.iter().position(|begin| !self.reaches(*begin));
        let Some((band, begin)) = found.and_then(|band| Some((band, self.begins.get(band)?)))
        else {
            return Ok(None);
        };
        let enough = match self.threshold {
            Threshold::AtOrAbove if begin.is_integer() => *begin,
            _ => add(begin.floor(), whole(1))?,
        };
        let missing = sub(enough, self.at.max(zero()))?.to_integer();
        let missing = i64::try_from(missing).map_err(|_| MoneyError::Overflow)?;
        Ok(Some(Next { band, missing }))
    }
}

/// The highest share that any band pays.
#[must_use]
pub(crate) fn highest_rate(version: &PlanVersion) -> Option<Rate> {
    version.schedule.bands.iter().map(|band| band.rate).max()
}
