//! Reads the values that many messages hold: money, rates, days, moments and the like.
//!
//! Each comes in two forms: one for a field that must be set, and `optional_…` for one that may be
//! left empty.

use std::time::Duration;

use trellis_core::{Currency, Date, Money, Rate, TimeZone, Timestamp, Violation};

use crate::google::r#type as wire;
use crate::{Fields, date, duration, money, rate, time};

macro_rules! readers {
    ($($what:literal $reader:ident $optional:ident $wire:ty => $value:ty, $read:path;)+) => {
        impl Fields {$(
            #[doc = concat!("Reads ", $what, " that must be set.")]
            pub fn $reader(&mut self, field: &str, value: Option<$wire>) -> Option<$value> {
                let value = self.required(field, value)?;
                self.take(field, $read(&value))
            }

            #[doc = concat!("Reads ", $what, ", or nothing when it is not set.")]
            pub fn $optional(
                &mut self,
                field: &str,
                value: Option<$wire>,
            ) -> Option<Option<$value>> {
                match value {
                    Some(value) => self.take(field, $read(&value)).map(Some),
                    None => Some(None),
                }
            }
        )+}
    };
}

readers! {
    "an amount of money" money optional_money wire::Money => Money, money::read;
    "an exact rate" rate optional_rate wire::Decimal => Rate, rate::read;
    "a day" date optional_date wire::Date => Date, date::read;
    "a moment" time optional_time prost_types::Timestamp => Timestamp, time::read;
    "a span of time" duration optional_duration prost_types::Duration => Duration, duration::read;
}

impl Fields {
    /// Reads the name of a time zone.
    pub fn time_zone(&mut self, field: &str, text: &str) -> Option<TimeZone> {
        let read = TimeZone::try_new(text);
        self.take(
            field,
            read.map_err(|error| Violation::new("", "time_zone", error.to_string())),
        )
    }

    /// Reads the name of a time zone, or nothing when the text is empty.
    pub fn optional_time_zone(&mut self, field: &str, text: &str) -> Option<Option<TimeZone>> {
        if text.is_empty() {
            Some(None)
        } else {
            self.time_zone(field, text).map(Some)
        }
    }

    /// Reads the code of a currency.
    pub fn currency(&mut self, field: &str, text: &str) -> Option<Currency> {
        let read = Currency::try_new(text);
        self.take(
            field,
            read.map_err(|error| Violation::new("", "currency", error.to_string())),
        )
    }

    /// Reads the code of a currency, or nothing when the text is empty.
    pub fn optional_currency(&mut self, field: &str, text: &str) -> Option<Option<Currency>> {
        if text.is_empty() {
            Some(None)
        } else {
            self.currency(field, text).map(Some)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read() {
        let mut fields = Fields::new(None, Vec::new());
        let money = wire::Money {
            currency_code: "USD".to_owned(),
            units: 5,
            nanos: 0,
        };
        assert_eq!(
            fields.money("amount", Some(money)),
            Some(Money::new(500, Currency::USD))
        );
        assert_eq!(fields.optional_date("day", None), Some(None));
        assert_eq!(
            fields.optional_time(
                "at",
                Some(prost_types::Timestamp {
                    seconds: 1,
                    nanos: 0
                })
            ),
            Some(Some(Timestamp::from_micros(1_000_000)))
        );
        assert_eq!(fields.time_zone("zone", "UTC"), Some(TimeZone::utc()));
        assert_eq!(fields.optional_time_zone("zone", ""), Some(None));
        assert_eq!(fields.currency("code", "EUR"), Some(Currency::EUR));
        assert_eq!(fields.optional_currency("code", ""), Some(None));
        assert!(fields.all_well());
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_by_its_path() {
        let mut fields = Fields::new(None, Vec::new());
        assert_eq!(fields.money("deal.amount", None), None);
        let half_a_cent = wire::Money {
            currency_code: "USD".to_owned(),
            units: 0,
            nanos: 5_000_000,
        };
        assert_eq!(fields.optional_money("deal.won", Some(half_a_cent)), None);
        assert_eq!(
            fields.rate(
                "rate",
                Some(wire::Decimal {
                    value: "1e3".to_owned()
                })
            ),
            None
        );
        assert_eq!(
            fields.date(
                "day",
                Some(wire::Date {
                    year: 2026,
                    month: 2,
                    day: 29
                })
            ),
            None
        );
        let negative = prost_types::Duration {
            seconds: -1,
            nanos: 0,
        };
        assert_eq!(fields.duration("ttl", Some(negative)), None);
        assert_eq!(fields.time_zone("zone", ""), None);
        assert_eq!(fields.optional_currency("code", "usd"), None);
        let found: Vec<_> = fields
            .into_violations()
            .into_iter()
            .map(|violation| (violation.field, violation.rule))
            .collect();
        let expected = [
            ("deal.amount", "required"),
            ("deal.won.nanos", "money.minor_unit"),
            ("rate.value", "decimal"),
            ("day", "date"),
            ("ttl", "duration"),
            ("zone", "time_zone"),
            ("code", "currency"),
        ];
        assert_eq!(
            found,
            expected.map(|(field, rule)| (field.to_owned(), rule.to_owned()))
        );
    }
}
