//! Whether two samples of times come from one distribution: Welch's t-test of their means, and the
//! test of Kolmogorov and Smirnov of their whole shapes.

use std::fmt;
use std::time::Duration;

/// Beyond this the means differ: less than one in a hundred thousand by chance.
const T_MAX: f64 = 4.5;

/// Beyond this, over the root of the samples, the shapes differ: one in ten thousand by chance.
const KS_MAX: f64 = 2.23;

/// How far the medians of alike samples may be apart, as a share of one of them.
const MEDIANS_APART: f64 = 0.02;

/// One in so many, the slowest, is left out: they tell of the machine, not of what was measured.
const SLOWEST: usize = 10;

/// Two samples, compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compared {
    counts: [usize; 2],
    medians: [f64; 2],
    t: f64,
    /// Kolmogorov's distance, times the root of the effective number of samples.
    ks: f64,
}

impl Compared {
    /// Compares two samples.
    pub(super) fn of(one: &[Duration], other: &[Duration]) -> Self {
        let [one, other] = [sorted(one), sorted(other)];
        let counts = [one.len(), other.len()];
        let [a, b] = counts.map(|count| count as f64);
        let [first, second] = [moments(&one), moments(&other)];
        Self {
            counts,
            medians: [one[one.len() / 2], other[other.len() / 2]],
            t: (first.0 - second.0) / (first.1 / a + second.1 / b).sqrt(),
            ks: distance(&one, &other) * (a * b / (a + b)).sqrt(),
        }
    }

    /// The difference of the medians, as a share of the first.
    fn apart(&self) -> f64 {
        (self.medians[1] - self.medians[0]) / self.medians[0]
    }

    fn differs(&self) -> bool {
        self.t.abs() >= T_MAX && self.ks >= KS_MAX && self.apart().abs() > MEDIANS_APART
    }

    /// Asserts that nobody can tell the samples apart.
    ///
    /// A difference must show in the mean, in the shape and in the median: a busy machine makes one
    /// of them now and then.
    #[track_caller]
    pub(super) fn assert_alike(&self) {
        assert!(!self.differs(), "{self}");
    }

    /// Asserts that the samples can be told apart.
    #[track_caller]
    pub(super) fn assert_different(&self) {
        assert!(self.differs(), "{self}");
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            counts: [a, b],
            medians: [one, other],
            t,
            ks,
        } = self;
        write!(
            formatter,
            "{a} + {b} samples, medians {one:.1} and {other:.1} µs ({:+.1} %), t = {t:.2}, \
             KS = {ks:.2}",
            self.apart() * 100.0
        )
    }
}

/// Microseconds in order, without the slowest.
fn sorted(times: &[Duration]) -> Vec<f64> {
    let mut times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e6).collect();
    times.sort_by(f64::total_cmp);
    times.truncate(times.len() - times.len() / SLOWEST);
    times
}

/// The mean and the variance.
fn moments(sample: &[f64]) -> (f64, f64) {
    let count = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / count;
    let squares = sample.iter().map(|value| (value - mean).powi(2));
    (mean, squares.sum::<f64>() / (count - 1.0))
}

/// The greatest distance between the two cumulative shares.
fn distance(one: &[f64], other: &[f64]) -> f64 {
    let share = |sample: &[f64], value: f64| {
        sample.partition_point(|held| *held <= value) as f64 / sample.len() as f64
    };
    let all = one.iter().chain(other);
    all.map(|value| (share(one, *value) - share(other, *value)).abs())
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};

    use super::*;

    /// Times around a millisecond, with the long tail that times have.
    fn times(seed: u64, longer: Duration) -> Vec<Duration> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut time = || {
            let tail = -random.random_range(1e-9_f64..1.0).ln();
            Duration::from_secs_f64(0.001 + 0.000_2 * tail) + longer
        };
        (0..2_000).map(|_| time()).collect()
    }

    #[test]
    fn samples_of_one_kind_are_alike_and_a_delay_is_found() {
        let usual = times(1, Duration::ZERO);
        for seed in 2..40 {
            Compared::of(&usual, &times(seed, Duration::ZERO)).assert_alike();
            Compared::of(&usual, &times(seed, Duration::from_micros(50))).assert_different();
        }
    }

    #[test]
    fn the_tests_are_those_of_the_books() {
        let of = |values: [u64; 5]| values.map(Duration::from_micros).to_vec();
        // Nothing of five is left out.
        let compared = Compared::of(&of([1, 2, 3, 4, 5]), &of([3, 4, 5, 6, 7]));
        assert!((compared.t + 2.0).abs() < 1e-9, "{compared}");
        assert!(
            (compared.ks - 0.4 * 2.5_f64.sqrt()).abs() < 1e-9,
            "{compared}"
        );
    }
}
