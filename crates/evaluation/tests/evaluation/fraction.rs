//! Exact fractions without a bound, for what the tests compute by themselves.

use num_bigint::BigInt;
use trellis_evaluation::plan::Rounding;

#[derive(Clone, Debug)]
pub(crate) struct Fraction {
    top: BigInt,
    bottom: BigInt,
}

impl Fraction {
    /// `bottom` must be more than nothing.
    pub(crate) fn new(top: BigInt, bottom: BigInt) -> Self {
        assert!(bottom > BigInt::from(0));
        Self { top, bottom }
    }

    /// A decimal such as `-1.25`.
    pub(crate) fn decimal(text: &str) -> Self {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let top: BigInt = format!("{whole}{part}").parse().unwrap();
        let scale = u32::try_from(part.len()).unwrap();
        Self::new(top, BigInt::from(10).pow(scale))
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        let top = &self.top * &other.bottom + &other.top * &self.bottom;
        Self::new(top, &self.bottom * &other.bottom)
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        self.plus(&Self::new(-&other.top, other.bottom.clone()))
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        Self::new(&self.top * &other.top, &self.bottom * &other.bottom)
    }

    /// `other` must be more than nothing.
    pub(crate) fn over(&self, other: &Self) -> Self {
        Self::new(&self.top * &other.bottom, &self.bottom * &other.top)
    }

    pub(crate) fn or_nothing(&self) -> Self {
        if self.top < BigInt::from(0) {
            Self::from(0)
        } else {
            self.clone()
        }
    }

    /// The greatest whole number that is not more.
    fn floor(&self) -> BigInt {
        let cut = &self.top / &self.bottom;
        if &cut * &self.bottom > self.top {
            cut - 1
        } else {
            cut
        }
    }

    /// The same for what is less than nothing, turned round.
    pub(crate) fn rounded(&self, how: Rounding) -> BigInt {
        let nothing = Self::from(0);
        if *self < nothing {
            return -Self::new(-&self.top, self.bottom.clone()).rounded(how);
        }
        let floor = self.floor();
        let rest = self.minus(&Self::new(floor.clone(), BigInt::from(1)));
        let half = Self::new(BigInt::from(1), BigInt::from(2));
        let up = match how {
            Rounding::Down => false,
            Rounding::Up => rest > nothing,
            Rounding::HalfUp => rest >= half,
            Rounding::HalfEven => rest > half || (rest == half && &floor % 2 == BigInt::from(1)),
        };
        floor + i32::from(up)
    }
}

impl From<i64> for Fraction {
    fn from(whole: i64) -> Self {
        Self::new(BigInt::from(whole), BigInt::from(1))
    }
}

impl PartialEq for Fraction {
    fn eq(&self, other: &Self) -> bool {
        &self.top * &other.bottom == &other.top * &self.bottom
    }
}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        (&self.top * &other.bottom).partial_cmp(&(&other.top * &self.bottom))
    }
}
