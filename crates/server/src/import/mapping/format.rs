//! How the files are written: what separates, what encodes, how days and numbers look.

use jiff::civil;
use serde::{Deserialize, Deserializer, de};
use trellis_core::Currency;

use super::encoding::Encoding;
use super::numbers::Numbers;

/// How days look unless the mapping says otherwise.
pub(super) const ISO_DATE: &str = "%Y-%m-%d";

/// How a file is written. What is left open is taken from the format of the whole mapping, and what
/// that leaves open is as in most files: UTF-8, commas, ISO days, decimal points.
#[derive(Clone, Debug, Default)]
pub(in crate::import) struct Format {
    pub(in crate::import) delimiter: Option<u8>,
    pub(in crate::import) encoding: Option<Encoding>,
    pub(in crate::import) empty: Option<Vec<String>>,
    pub(in crate::import) date: Option<String>,
    pub(in crate::import) currency: Option<Currency>,
    pub(in crate::import) numbers: Numbers,
}

impl Format {
    /// This format, with what it leaves open taken from `other`.
    pub(super) fn or(mut self, other: &Self) -> Self {
        self.delimiter = self.delimiter.or(other.delimiter);
        self.encoding = self.encoding.or(other.encoding);
        self.empty = self.empty.or_else(|| other.empty.clone());
        self.date = self.date.or_else(|| other.date.clone());
        self.currency = self.currency.or(other.currency);
        self.numbers.take(&other.numbers);
        self
    }

    /// The byte that stands between two cells.
    pub(in crate::import) fn delimiter(&self) -> u8 {
        self.delimiter.unwrap_or(b',')
    }

    /// What the bytes mean.
    pub(in crate::import) fn encoding(&self) -> Encoding {
        self.encoding.unwrap_or_default()
    }

    /// The texts that mean that there is nothing.
    pub(in crate::import) fn empty(&self) -> &[String] {
        self.empty.as_deref().unwrap_or_default()
    }
}

/// The keys of a format, as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    delimiter: Option<String>,
    encoding: Option<Encoding>,
    empty: Option<Vec<String>>,
    date: Option<String>,
    currency: Option<String>,
    decimal: Option<String>,
    grouping: Option<String>,
    strip: Option<String>,
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written {
            delimiter,
            encoding,
            empty,
            date,
            currency: code,
            decimal,
            grouping,
            strip,
        } = Written::deserialize(deserializer)?;
        let mut format = Self {
            encoding,
            empty,
            ..Self::default()
        };
        let delimiter = delimiter.as_deref().map(delimiter_byte).transpose();
        format.delimiter = delimiter.map_err(de::Error::custom)?;
        format.date = date
            .map(date_format)
            .transpose()
            .map_err(de::Error::custom)?;
        let code = code.as_deref().map(currency).transpose();
        format.currency = code.map_err(de::Error::custom)?;
        let given = [
            ("decimal", decimal),
            ("grouping", grouping),
            ("strip", strip),
        ];
        for (key, value) in given {
            if let Some(value) = value {
                let set = format.numbers.set(key, toml::Value::String(value));
                set.map_err(de::Error::custom)?;
            }
        }
        Ok(format)
    }
}

/// Reads what stands between two cells.
fn delimiter_byte(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => Err("`delimiter` must be one character, such as \",\", \";\" or \"\\t\"".to_owned()),
    }
}

/// Checks a format of days: what it makes of a day it must read as that day again.
pub(super) fn date_format(format: String) -> Result<String, String> {
    let day = civil::date(2017, 3, 21);
    let wrong = || {
        format!(
            "{format:?} is not a format of days; write it with %Y, %m and %d, such as %d-%m-%Y \
             for 21-03-2017"
        )
    };
    // A format with a time of day cannot be tried on a day alone, so it is tried on a moment.
    let shown = jiff::fmt::strtime::format(
        &format,
        &day.at(14, 5, 9, 0).in_tz("UTC").map_err(|_| wrong())?,
    )
    .map_err(|_| wrong())?;
    let read = civil::Date::strptime(&format, &shown);
    if read.is_ok_and(|read| read == day) {
        Ok(format)
    } else {
        Err(wrong())
    }
}

/// Reads the currency of a mapping.
pub(super) fn currency(code: &str) -> Result<Currency, String> {
    Currency::try_new(code).map_err(|bad| format!("`currency` {bad}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_days_are_tried_before_they_are_used() {
        for good in [
            "%d-%m-%Y",
            "%Y-%m-%d",
            "%m/%d/%y",
            "%d. %B %Y",
            "%Y-%m-%dT%H:%M:%SZ",
            "%Y%m%d",
        ] {
            assert_eq!(date_format(good.to_owned()), Ok(good.to_owned()));
        }
        for bad in ["", "dd-mm-yyyy", "%d-%m", "%Q", "%H:%M", "%Y-%m"] {
            assert!(date_format(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_file_leaves_open_is_taken_from_the_mapping() {
        let all: Format =
            toml::from_str("delimiter = ';'\ncurrency = 'EUR'\ndecimal = ','").unwrap();
        let own: Format = toml::from_str("delimiter = \"\\t\"\ndate = '%d.%m.%Y'").unwrap();
        let both = own.or(&all);
        assert_eq!(both.delimiter(), b'\t');
        assert_eq!(both.currency, Some(Currency::EUR));
        assert_eq!(both.date.as_deref(), Some("%d.%m.%Y"));
        assert_eq!(both.numbers.decimal(), ',');
    }
}
