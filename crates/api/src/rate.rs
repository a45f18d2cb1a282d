//! `google.type.Decimal` and exact rates.

use trellis_core::{Rate, Violation};

use crate::google::r#type::Decimal;

/// A rate on the wire.
#[must_use]
pub fn wire(rate: Rate) -> Decimal {
    Decimal {
        value: rate.to_string(),
    }
}

/// A rate from the wire.
///
/// # Errors
/// When it is not a plain decimal number.
pub fn read(wire: &Decimal) -> Result<Rate, Violation> {
    let Decimal { value } = wire;
    value
        .parse::<Rate>()
        .map_err(|error| Violation::new("value", "decimal", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_reads_back_as_it_was_sent() {
        let rate = read(&Decimal {
            value: "12.50".to_owned(),
        })
        .unwrap();
        assert_eq!(
            wire(rate),
            Decimal {
                value: "12.5".to_owned()
            }
        );
        assert_eq!(read(&wire(rate)), Ok(rate));
    }

    #[test]
    fn what_is_not_a_plain_decimal_is_refused() {
        for bad in ["", "1e3", "a lot"] {
            let violation = read(&Decimal {
                value: bad.to_owned(),
            })
            .unwrap_err();
            assert_eq!(
                (violation.field.as_str(), violation.rule.as_str()),
                ("value", "decimal")
            );
        }
    }
}
