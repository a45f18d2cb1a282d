//! Money and rates: what is read is written back, what is rounded is the nearest, and what is split
//! adds up.

use arbitrary::{Arbitrary, Unstructured};
use num_rational::Ratio;
use trellis_api::google::r#type::{Decimal, Money as Wire};
use trellis_api::{money, rate};
use trellis_core::{Currency, Money, Rate, allocate, round_half_up};

use crate::plant;

#[derive(Arbitrary, Debug)]
enum Input {
    Money {
        code: [u8; 3],
        units: i64,
        nanos: i32,
    },
    Shown {
        currency: u8,
        minor: i64,
    },
    Rate(String),
    Round {
        numerator: i128,
        denominator: i128,
    },
    Split {
        total: i64,
        weights: Vec<u64>,
    },
}

pub(crate) fn run(data: &[u8]) {
    let Ok(input) = Input::arbitrary(&mut Unstructured::new(data)) else {
        return;
    };
    match input {
        Input::Money { code, units, nanos } => read(&code, units, nanos),
        Input::Shown { currency, minor } => shown(currency, minor),
        Input::Rate(text) => rated(text),
        Input::Round {
            numerator,
            denominator,
        } => round(numerator, denominator),
        Input::Split { total, mut weights } => {
            weights.truncate(64);
            split(total, &weights);
        }
    }
}

fn read(code: &[u8; 3], units: i64, nanos: i32) {
    // Letters of any three bytes, so that a currency is found soon.
    let letter = |byte: &u8| char::from(b'A' + byte % 26);
    let wire = Wire {
        currency_code: code.iter().map(letter).collect(),
        units,
        nanos,
    };
    match money::read(&wire) {
        Ok(read) => assert_eq!(money::wire(read), wire),
        Err(violation) => assert!(violation.rule.starts_with("money.")),
    }
}

fn shown(currency: u8, minor: i64) {
    let codes = ["USD", "EUR", "JPY", "KWD", "CLF", "MGA"];
    let code = codes[usize::from(currency) % codes.len()];
    let currency = Currency::try_new(code).expect("a currency");
    let amount = Money::new(minor, currency);
    assert_eq!(money::read(&money::wire(amount)), Ok(amount));
    let text = amount.to_string();
    let digits: String = text
        .chars()
        .filter(|letter| letter.is_ascii_digit() || *letter == '-')
        .collect();
    assert_eq!(digits.parse(), Ok(minor), "{text}");
    assert!(text.ends_with(code));
}

fn rated(text: String) {
    if let Ok(read) = text.parse::<Rate>() {
        let written = read.to_string();
        assert_eq!(written.parse(), Ok(read));
        assert!(written.len() <= text.len() + 1, "{written} of {text}");
        assert_eq!(read.is_zero(), read.ratio() == Ratio::from(0));
        assert_eq!(read.is_negative(), read.ratio() < Ratio::from(0));
    }
    let wire = Decimal { value: text };
    if let Ok(read) = rate::read(&wire) {
        assert_eq!(rate::read(&rate::wire(read)), Ok(read));
    }
}

fn round(numerator: i128, denominator: i128) {
    // The range that incentives are reckoned in: an amount times a rate.
    let numerator = numerator >> 2;
    let denominator = (denominator >> 2).max(1);
    let exact = Ratio::new(numerator, denominator);
    let Ok(rounded) = round_half_up(exact) else {
        let whole = exact.to_integer().unsigned_abs();
        return assert!(whole >= u128::from(i64::MAX.unsigned_abs()));
    };
    let exactly = i128::from(rounded).checked_mul(*exact.denom());
    let Some(off) = exactly.and_then(|whole| exact.numer().checked_sub(whole)) else {
        return;
    };
    let (off, all) = (off.unsigned_abs(), exact.denom().unsigned_abs());
    assert!(off <= all - off, "{exact} became {rounded}");
    if off == all - off {
        assert!(i128::from(rounded).abs() > exact.to_integer().abs());
    }
}

fn split(total: i64, weights: &[u64]) {
    let parts = allocate(total, weights);
    assert_eq!(parts.len(), weights.len());
    if weights.is_empty() {
        return;
    }
    let sum: i128 = parts.iter().copied().map(i128::from).sum();
    assert_eq!(sum, i128::from(total));
    plant::fault(parts.len() > 2 && parts.iter().all(|part| *part < -1));

    let whole: u128 = weights.iter().copied().map(u128::from).sum();
    for (part, weight) in parts.iter().zip(weights) {
        assert!(*part == 0 || (*part < 0) == (total < 0));
        if whole > 0 {
            let share = u128::from(total.unsigned_abs()) * u128::from(*weight) / whole;
            let part = u128::from(part.unsigned_abs());
            assert!(part == share || part == share + 1);
        }
    }
    if let Some(opposite) = total.checked_neg() {
        let turned: Vec<_> = parts.iter().map(|part| -part).collect();
        assert_eq!(allocate(opposite, weights), turned);
    }
}
