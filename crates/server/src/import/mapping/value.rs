//! The values that a mapping can read out of a text, one type each with its own keys.

use std::fmt;
use std::marker::PhantomData;

use jiff::civil;
use num_rational::Ratio;
use trellis_core::{Currency, Date, Money, Rate, round_half_up};

use super::format::Format;
use super::numbers::Numbers;
use super::row::Row;

/// What a field of the contract can hold, and how a text of a file becomes it.
pub(in crate::import) trait Reads: Default + fmt::Debug {
    /// What it becomes.
    type Value;

    /// The keys that a rule of this type takes besides those that every rule takes.
    const KEYS: &'static [&'static str];

    /// Takes the value of one of `KEYS`.
    fn set(&mut self, key: &str, value: toml::Value) -> Result<(), String>;

    /// Takes from the format of the file what the rule leaves open.
    fn settle(&mut self, _format: &Format) -> Result<(), String> {
        Ok(())
    }

    /// What separates the values when one cell holds several.
    fn separator(&self) -> Option<&str> {
        None
    }

    /// A column that is read besides the one that the rule names.
    fn further_column(&self) -> Option<&str> {
        None
    }

    /// Tells what is wrong with a text that the mapping itself gives: a constant, a default, or
    /// what a map makes of a value.
    fn check(&self, text: &str) -> Result<(), String>;

    /// Reads a text that is not empty.
    fn read(&self, text: &str, row: &Row<'_>) -> Result<Self::Value, String>;
}

/// Takes no key.
pub(super) fn takes_nothing(_key: &str, _value: toml::Value) -> Result<(), String> {
    Ok(())
}

/// A text out of a value of the mapping.
pub(super) fn text(key: &str, value: toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text),
        toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => Err(format!("`{key}` must be a text in quotation marks")),
    }
}

/// Text as it stands.
#[derive(Debug, Default)]
pub(in crate::import) struct Text;

impl Reads for Text {
    type Value = String;
    const KEYS: &'static [&'static str] = &[];

    fn set(&mut self, key: &str, value: toml::Value) -> Result<(), String> {
        takes_nothing(key, value)
    }

    fn check(&self, _text: &str) -> Result<(), String> {
        Ok(())
    }

    fn read(&self, text: &str, _row: &Row<'_>) -> Result<String, String> {
        Ok(text.to_owned())
    }
}

/// Several texts in one cell.
#[derive(Debug)]
pub(in crate::import) struct List {
    separator: String,
}

impl Default for List {
    fn default() -> Self {
        let separator = ";".to_owned();
        Self { separator }
    }
}

impl Reads for List {
    type Value = Vec<String>;
    const KEYS: &'static [&'static str] = &["separator"];

    fn set(&mut self, key: &str, value: toml::Value) -> Result<(), String> {
        let separator = text(key, value)?;
        if separator.is_empty() {
            return Err("`separator` must not be empty".to_owned());
        }
        self.separator = separator;
        Ok(())
    }

    fn separator(&self) -> Option<&str> {
        Some(&self.separator)
    }

    fn check(&self, _text: &str) -> Result<(), String> {
        Ok(())
    }

    /// Each text once, in the order of the cell.
    fn read(&self, text: &str, _row: &Row<'_>) -> Result<Vec<String>, String> {
        let mut found: Vec<String> = Vec::new();
        for piece in text.split(&self.separator).map(str::trim) {
            if !piece.is_empty() && !found.iter().any(|known| known == piece) {
                found.push(piece.to_owned());
            }
        }
        Ok(found)
    }
}

/// A whole number.
#[derive(Debug, Default)]
pub(in crate::import) struct Whole<N> {
    numbers: Numbers,
    type_: PhantomData<N>,
}

impl<N: TryFrom<i128> + fmt::Debug + Default> Whole<N> {
    fn number(&self, text: &str) -> Result<N, String> {
        let exact = self.numbers.read(text)?.ratio();
        if !exact.is_integer() {
            return Err(format!("{text:?} is not a whole number"));
        }
        N::try_from(exact.to_integer()).map_err(|_| format!("{text:?} is out of range"))
    }
}

impl<N: TryFrom<i128> + fmt::Debug + Default> Reads for Whole<N> {
    type Value = N;
    const KEYS: &'static [&'static str] = Numbers::KEYS;

    fn set(&mut self, key: &str, value: toml::Value) -> Result<(), String> {
        self.numbers.set(key, value)
    }

    fn settle(&mut self, format: &Format) -> Result<(), String> {
        self.numbers.settle(&format.numbers)
    }

    fn check(&self, text: &str) -> Result<(), String> {
        self.number(text).map(|_| ())
    }

    fn read(&self, text: &str, _row: &Row<'_>) -> Result<N, String> {
        self.number(text)
    }
}

/// A day of the calendar.
#[derive(Debug, Default)]
pub(in crate::import) struct Day {
    format: Option<String>,
}

impl Day {
    fn day(&self, text: &str) -> Result<Date, String> {
        let format = self.format.as_deref().unwrap_or(super::format::ISO_DATE);
        let unreadable = |_| format!("{text:?} is not a day written as {format}");
        let day = civil::Date::strptime(format, text).map_err(unreadable)?;
        Date::try_new(day.year().into(), day.month().into(), day.day().into())
            .map_err(|outside| format!("{text:?} {outside}"))
    }
}

impl Reads for Day {
    type Value = Date;
    const KEYS: &'static [&'static str] = &["format"];

    fn set(&mut self, key: &str, value: toml::Value) -> Result<(), String> {
        self.format = Some(super::format::date_format(text(key, value)?)?);
        Ok(())
    }

    fn settle(&mut self, format: &Format) -> Result<(), String> {
        self.format = self.format.take().or_else(|| format.date.clone());
        Ok(())
    }

    fn check(&self, text: &str) -> Result<(), String> {
        self.day(text).map(|_| ())
    }

    fn read(&self, text: &str, _row: &Row<'_>) -> Result<Date, String> {
        self.day(text)
    }
}

/// An amount of money.
#[derive(Debug)]
pub(in crate::import) struct Amount {
    numbers: Numbers,
    currency: Option<Currency>,
    currency_column: Option<String>,
    scale: Rate,
    round: bool,
}

impl Default for Amount {
    fn default() -> Self {
        Self {
            numbers: Numbers::default(),
            currency: None,
            currency_column: None,
            scale: Rate::ONE,
            round: false,
        }
    }
}

impl Amount {
    /// The text as an amount in this currency, exact unless the mapping says to round.
    fn money(&self, text: &str, currency: Currency) -> Result<Money, String> {
        let units = self.numbers.read(text)?;
        let too_large = || format!("{text:?} is too large an amount");
        // 18 digits before the point and 18 after it on each side could leave an `i128`.
        let minor = checked_product(
            checked_product(units.ratio(), self.scale.ratio()).ok_or_else(too_large)?,
            Ratio::from_integer(i128::from(currency.minor_per_unit())),
        )
        .ok_or_else(too_large)?;
        if !minor.is_integer() && !self.round {
            let digits = currency.exponent();
            return Err(format!(
                "{text:?} is finer than {currency} is counted, which is to {digits} decimals"
            ));
        }
        let minor = round_half_up(minor).map_err(|_| too_large())?;
        Ok(Money::new(minor, currency))
    }
}

/// The product of two fractions, unless it needs more digits than there are.
fn checked_product(left: Ratio<i128>, right: Ratio<i128>) -> Option<Ratio<i128>> {
    // Reduced crosswise first, so that no product is larger than the result needs.
    let (one, other) = (
        Ratio::new(*left.numer(), *right.denom()),
        Ratio::new(*right.numer(), *left.denom()),
    );
    let numerator = one.numer().checked_mul(*other.numer())?;
    let denominator = one.denom().checked_mul(*other.denom())?;
    Some(Ratio::new_raw(numerator, denominator))
}

impl Reads for Amount {
    type Value = Money;
    const KEYS: &'static [&'static str] = &[
        "currency",
        "currency_column",
        "scale",
        "round",
        "decimal",
        "grouping",
        "strip",
    ];

    fn set(&mut self, key: &str, value: toml::Value) -> Result<(), String> {
        match key {
            "currency" => self.currency = Some(super::format::currency(&text(key, value)?)?),
            "currency_column" => self.currency_column = Some(text(key, value)?),
            "scale" => self.scale = scale(value)?,
            "round" => {
                self.round = value
                    .as_bool()
                    .ok_or_else(|| "`round` must be true or false".to_owned())?;
            }
            _ => self.numbers.set(key, value)?,
        }
        Ok(())
    }

    fn settle(&mut self, format: &Format) -> Result<(), String> {
        self.numbers.settle(&format.numbers)?;
        if self.currency.is_none() && self.currency_column.is_none() {
            self.currency = format.currency;
        }
        if self.currency.is_none() && self.currency_column.is_none() {
            return Err(
                "an amount needs a currency: give `currency` or `currency_column` here, or \
                 `currency` under [format]"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn further_column(&self) -> Option<&str> {
        self.currency_column.as_deref()
    }

    fn check(&self, text: &str) -> Result<(), String> {
        match self.currency {
            Some(currency) => self.money(text, currency).map(|_| ()),
            None => self.numbers.read(text).map(|_| ()),
        }
    }

    /// The currency column counts where it says something, and `currency` where it does not.
    fn read(&self, text: &str, row: &Row<'_>) -> Result<Money, String> {
        let stated = self
            .currency_column
            .as_deref()
            .map_or("", |column| row.cell(column));
        let currency = match (stated, self.currency) {
            ("", Some(currency)) => currency,
            ("", None) => {
                let column = self.currency_column.as_deref().unwrap_or_default();
                return Err(format!(
                    "{text:?} has no currency: column `{column}` is empty"
                ));
            }
            (code, _) => Currency::try_new(code).map_err(|bad| format!("{code:?} {bad}"))?,
        };
        self.money(text, currency)
    }
}

/// What an amount is multiplied with: a whole number, or a decimal one in quotation marks.
fn scale(value: toml::Value) -> Result<Rate, String> {
    let written = match value {
        toml::Value::Integer(whole) => whole.to_string(),
        toml::Value::String(text) => text,
        toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => String::new(),
    };
    written
        .parse::<Rate>()
        .ok()
        .filter(|rate| !rate.is_zero() && !rate.is_negative())
        .ok_or_else(|| {
            "`scale` must be a positive number: a whole one such as 1000, or a decimal one in \
             quotation marks such as \"0.01\""
                .to_owned()
        })
}

#[cfg(test)]
mod tests;
