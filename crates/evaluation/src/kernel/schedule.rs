//! How a measure becomes an exact amount: the bands of a schedule.
//!
//! Everything here is an exact rational number of minor units. Nothing is rounded: that happens
//! once, to the result, by who called.

use num_rational::Ratio;
use trellis_core::MoneyError;
use trellis_core::incentive::terms::{self, Mode, Threshold};

use crate::evaluate::{add, mul};

/// An exact amount, in minor units.
pub type Exact = Ratio<i128>;

/// The bands of a plan version, ready to compute with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    mode: Mode,
    threshold: Threshold,
    bands: Vec<Band>,
}

/// One step of a schedule; it ends where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Where it begins, in minor units.
    pub from: i128,
    /// The share that it pays.
    pub rate: Exact,
    /// What it pays once, in minor units.
    pub fixed: i128,
}

/// What one band pays for a measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Which band.
    pub band: usize,
    /// How much of the measure it pays for, in minor units.
    pub base: i128,
    /// What it pays.
    pub exact: Exact,
}

/// What the band above the measure would need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Which band.
    pub band: usize,
    /// How much is missing until it is reached, in minor units.
    pub missing: i128,
}

impl Schedule {
    /// Bands by rising beginning.
    #[must_use]
    pub fn new(mode: Mode, threshold: Threshold, bands: Vec<Band>) -> Self {
        Self {
            mode,
            threshold,
            bands,
        }
    }

    /// The bands.
    #[must_use]
    pub fn bands(&self) -> &[Band] {
        &self.bands
    }

    /// What each band pays for `measure`, lowest first. Bands that are not reached are left out. A
    /// measure of nothing earns nothing, fixed amounts included.
    ///
    /// # Errors
    /// When what a band pays needs more than 128 bits.
    pub fn slices(&self, measure: i128) -> Result<Vec<Slice>, MoneyError> {
        if measure <= 0 {
            return Ok(Vec::new());
        }
        let mut reached = self
            .bands
            .iter()
            .enumerate()
            .filter(|(_, band)| self.reaches(band, measure));
        match self.mode {
            Mode::Marginal => reached
                .map(|(index, band)| {
                    let end = self.bands.get(index + 1).map_or(measure, |next| next.from);
                    pays(index, band, measure.min(end) - band.from)
                })
                .collect(),
            Mode::Whole => reached
                .next_back()
                .map(|(index, band)| pays(index, band, measure))
                .into_iter()
                .collect(),
        }
    }

    /// The lowest band that `measure` does not reach.
    pub fn next(&self, measure: i128) -> Option<Next> {
        let measure = measure.max(0);
        let (band, next) = self
            .bands
            .iter()
            .enumerate()
            .find(|(_, band)| !self.reaches(band, measure))?;
        let enough = match self.threshold {
            Threshold::AtOrAbove => next.from,
            Threshold::Above => next.from + 1,
        };
        Some(Next {
            band,
            missing: enough - measure,
        })
    }

    fn reaches(&self, band: &Band, measure: i128) -> bool {
        match self.threshold {
            Threshold::AtOrAbove => measure >= band.from,
            Threshold::Above => measure > band.from,
        }
    }
}

fn pays(index: usize, band: &Band, base: i128) -> Result<Slice, MoneyError> {
    let share = mul(band.rate, Ratio::from(base))?;
    Ok(Slice {
        band: index,
        base,
        exact: add(share, Ratio::from(band.fixed))?,
    })
}

impl From<&terms::Schedule> for Schedule {
    fn from(schedule: &terms::Schedule) -> Self {
        let bands = schedule
            .bands
            .iter()
            .map(|band| Band {
                from: band.from_minor.into(),
                rate: band.rate.ratio(),
                fixed: band.fixed_minor.into(),
            })
            .collect();
        Self::new(schedule.mode, schedule.threshold, bands)
    }
}
