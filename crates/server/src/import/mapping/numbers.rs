//! How numbers look.

use trellis_core::Rate;

use super::value::text;

/// How numbers look.
#[derive(Clone, Debug, Default)]
pub(in crate::import) struct Numbers {
    decimal: Option<char>,
    grouping: Option<char>,
    strip: Option<String>,
}

impl Numbers {
    /// The keys that say it.
    pub(super) const KEYS: &'static [&'static str] = &["decimal", "grouping", "strip"];

    /// Takes the value of one of `KEYS`.
    pub(super) fn set(&mut self, key: &str, value: toml::Value) -> Result<(), String> {
        let text = text(key, value)?;
        match key {
            "decimal" => self.decimal = Some(mark(key, &text)?),
            "grouping" => self.grouping = Some(mark(key, &text)?),
            _ => self.strip = Some(text),
        }
        Ok(())
    }

    /// Takes over what is left open, and checks that the two marks differ.
    pub(super) fn settle(&mut self, other: &Self) -> Result<(), String> {
        self.take(other);
        if self.grouping == Some(self.decimal()) {
            return Err("`decimal` and `grouping` must differ".to_owned());
        }
        Ok(())
    }

    /// Takes over what is left open.
    pub(super) fn take(&mut self, other: &Self) {
        self.decimal = self.decimal.or(other.decimal);
        self.grouping = self.grouping.or(other.grouping);
        self.strip = self.strip.take().or_else(|| other.strip.clone());
    }

    /// The mark before the decimals.
    pub(super) fn decimal(&self) -> char {
        self.decimal.unwrap_or('.')
    }

    /// Reads a number exactly.
    ///
    /// Groups must be where groups belong. Otherwise a decimal comma in a file whose commas are
    /// said to group would make 15 of 1,5 and nobody would notice.
    pub(super) fn read(&self, text: &str) -> Result<Rate, String> {
        let wrong = || format!("{text:?} is not a number");
        let strip = self.strip.as_deref().unwrap_or_default();
        let bare: String = text.chars().filter(|sign| !strip.contains(*sign)).collect();
        let bare = bare.trim();
        let (whole, fraction) = match bare.split_once(self.decimal()) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (bare, None),
        };
        let whole = match self.grouping {
            Some(mark) => ungrouped(whole, mark).ok_or_else(wrong)?,
            None => whole.to_owned(),
        };
        let plain = match fraction {
            Some(fraction) if fraction.contains('.') => return Err(wrong()),
            Some(fraction) => format!("{whole}.{fraction}"),
            None if whole.contains('.') => return Err(wrong()),
            None => whole,
        };
        plain.parse().map_err(|_| wrong())
    }
}

/// Reads a mark that stands inside a number.
fn mark(key: &str, text: &str) -> Result<char, String> {
    let mut signs = text.chars();
    match (signs.next(), signs.next()) {
        (Some(sign), None) if !sign.is_ascii_digit() && !"+-".contains(sign) => Ok(sign),
        _ => Err(format!(
            "`{key}` must be one character that is no digit and no sign"
        )),
    }
}

/// The digits without the marks between their groups; nothing when a group is too long or too
/// short. The last has three digits, those in the middle two or three, as in India.
fn ungrouped(whole: &str, mark: char) -> Option<String> {
    let unsigned = whole.trim_start_matches(['+', '-']);
    let groups: Vec<&str> = unsigned.split(mark).collect();
    let [first, middle @ .., last] = groups.as_slice() else {
        return Some(whole.to_owned());
    };
    let placed = (1..=3).contains(&first.len())
        && middle.iter().all(|group| (2..=3).contains(&group.len()))
        && last.len() == 3;
    placed.then(|| whole.replace(mark, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(decimal: char, grouping: Option<char>, strip: &str) -> Numbers {
        Numbers {
            decimal: Some(decimal),
            grouping,
            strip: Some(strip.to_owned()),
        }
    }

    #[test]
    fn numbers_are_read_as_the_format_says() {
        let cases = [
            (numbers('.', None, ""), "1100.04", "1100.04"),
            (numbers('.', Some(','), "$ "), "$ 1,234,567.50", "1234567.5"),
            (numbers(',', Some('.'), "€"), "1.234,56 €", "1234.56"),
            (numbers(',', Some('\''), ""), "-12'345,5", "-12345.5"),
            (numbers('.', Some(','), ""), "12,34,567", "1234567"),
            (numbers('.', Some(','), ""), "1234", "1234"),
            (numbers(',', None, ""), ",5", "0.5"),
        ];
        for (numbers, text, expected) in cases {
            assert_eq!(numbers.read(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_number_in_another_notation_is_refused_and_never_misread() {
        let cases = [
            (numbers('.', Some(','), ""), "1,5"),
            (numbers('.', Some(','), ""), "1,23,4"),
            (numbers('.', Some(','), ""), ",123"),
            (numbers('.', None, ""), "1,234"),
            (numbers(',', None, ""), "1.234"),
            (numbers(',', Some('.'), ""), "1.5"),
            (numbers(',', None, ""), "1,2.3"),
            (numbers('.', None, ""), "1e6"),
            (numbers('.', None, ""), "12 USD"),
            (numbers('.', None, "$"), "$"),
        ];
        for (numbers, text) in cases {
            assert!(numbers.read(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_number_is_read_back_from_its_groups(value in any::<i64>(), cents in 0..100_u8) {
            let digits = value.unsigned_abs().to_string();
            let mut grouped = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(3) {
                    grouped.push('.');
                }
                grouped.push(digit);
            }
            let sign = if value < 0 { "-" } else { "" };
            let text = format!("{sign}{grouped},{cents:02}");
            let read = numbers(',', Some('.'), "").read(&text);
            let plain: Result<Rate, _> = format!("{sign}{digits}.{cents:02}").parse();
            match plain {
                Ok(plain) => prop_assert_eq!(read, Ok(plain)),
                // More than 18 digits are more than a number may have.
                Err(_) => prop_assert!(read.is_err()),
            }
        }

        #[test]
        fn reading_a_number_never_panics(text in ".{0,40}") {
            let _ = numbers(',', Some('.'), "€").read(&text);
            let _ = numbers('.', None, "").read(&text);
        }
    }
}
