//! `google.type.Money` and money in whole minor units. Nothing is rounded on the way.

use trellis_core::{Currency, Money, Violation};

use crate::google::r#type::Money as Wire;

const NANOS_PER_UNIT: i64 = 1_000_000_000;

/// Money on the wire.
#[must_use]
pub fn wire(money: Money) -> Wire {
    let per_unit = money.currency.minor_per_unit();
    let nanos = (money.minor % per_unit) * (NANOS_PER_UNIT / per_unit);
    Wire {
        currency_code: money.currency.code().to_owned(),
        units: money.minor / per_unit,
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

/// Money from the wire.
///
/// # Errors
/// When the currency is unknown, the parts contradict each other, or the amount is finer than the
/// currency's minor unit or too large.
pub fn read(wire: &Wire) -> Result<Money, Violation> {
    let Wire {
        currency_code,
        units,
        nanos,
    } = wire;
    let currency = Currency::try_new(currency_code)
        .map_err(|error| Violation::new("currency_code", "money.currency", error.to_string()))?;
    let nanos = i64::from(*nanos);
    if nanos.abs() >= NANOS_PER_UNIT {
        return Err(Violation::new(
            "nanos",
            "money.nanos",
            "must be between -999,999,999 and 999,999,999",
        ));
    }
    if (*units > 0 && nanos < 0) || (*units < 0 && nanos > 0) {
        return Err(Violation::new(
            "nanos",
            "money.sign",
            "must have the sign of units",
        ));
    }
    let per_unit = currency.minor_per_unit();
    let nanos_per_minor = NANOS_PER_UNIT / per_unit;
    if nanos % nanos_per_minor != 0 {
        let exponent = currency.exponent();
        return Err(Violation::new(
            "nanos",
            "money.minor_unit",
            format!("must not be finer than {currency} is counted: {exponent} decimal digits"),
        ));
    }
    let minor = units
        .checked_mul(per_unit)
        .and_then(|minor| minor.checked_add(nanos / nanos_per_minor))
        .ok_or_else(|| Violation::new("units", "money.range", "is too large an amount"))?;
    Ok(Money::new(minor, currency))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sent(currency_code: &str, units: i64, nanos: i32) -> Wire {
        Wire {
            currency_code: currency_code.to_owned(),
            units,
            nanos,
        }
    }

    #[test]
    fn amounts_are_read_in_the_minor_unit_of_their_currency() {
        let cases = [
            ("USD", 1_562, 500_000_000, 156_250),
            ("USD", -1, -10_000_000, -101),
            ("USD", 0, -10_000_000, -1),
            ("JPY", 9_259, 0, 9_259),
            ("KWD", 154, 321_000_000, 154_321),
        ];
        for (code, units, nanos, minor) in cases {
            let currency = Currency::try_new(code).unwrap();
            assert_eq!(
                read(&sent(code, units, nanos)),
                Ok(Money::new(minor, currency))
            );
        }
    }

    #[test]
    fn what_is_not_an_amount_is_refused_and_never_rounded() {
        let cases = [
            (sent("", 1, 0), "currency_code", "money.currency"),
            (sent("usd", 1, 0), "currency_code", "money.currency"),
            (sent("USD", 1, 1_000_000_000), "nanos", "money.nanos"),
            (sent("USD", 1, -1_000_000_000), "nanos", "money.nanos"),
            (sent("USD", 1, i32::MIN), "nanos", "money.nanos"),
            (sent("USD", 1, -1), "nanos", "money.sign"),
            (sent("USD", -1, 10_000_000), "nanos", "money.sign"),
            (sent("USD", 1, 1), "nanos", "money.minor_unit"),
            (sent("USD", 1, 5_000_000), "nanos", "money.minor_unit"),
            (sent("JPY", 1, 500_000_000), "nanos", "money.minor_unit"),
            (sent("USD", i64::MAX, 0), "units", "money.range"),
            (sent("USD", i64::MIN, 0), "units", "money.range"),
        ];
        for (wire, field, rule) in cases {
            let violation = read(&wire).unwrap_err();
            assert_eq!(
                (violation.field.as_str(), violation.rule.as_str()),
                (field, rule)
            );
        }
    }

    proptest! {
        #[test]
        fn every_amount_reads_back_as_it_was_sent(
            minor in any::<i64>(),
            code in prop::sample::select(vec!["USD", "EUR", "JPY", "KWD", "CLF"]),
        ) {
            let money = Money::new(minor, Currency::try_new(code).unwrap());
            prop_assert_eq!(read(&wire(money)), Ok(money));
        }

        #[test]
        fn reading_never_panics(units in any::<i64>(), nanos in any::<i32>()) {
            let _ = read(&sent("USD", units, nanos));
        }
    }
}
