//! Length, signs and check digits.

use super::Error;

/// What people put between the digits of a number.
fn is_separator(sign: char) -> bool {
    sign.is_whitespace() || matches!(sign, '-' | '.' | '/' | '_' | '\u{2010}'..='\u{2015}')
}

/// Letters in upper case and digits, without what stands between them.
pub(super) fn compact(given: &str, kind: &'static str) -> Result<String, Error> {
    let signs = given.chars().filter(|sign| !is_separator(*sign));
    let value: String = signs
        .map(|sign| match sign.to_ascii_uppercase() {
            sign if sign.is_ascii_alphanumeric() => Ok(sign),
            sign => Err(Error::Sign { kind, sign }),
        })
        .collect::<Result<_, _>>()?;
    if value.is_empty() {
        Err(Error::Empty)
    } else {
        Ok(value)
    }
}

pub(super) fn country(given: &str) -> Result<String, Error> {
    let country = given.trim().to_ascii_uppercase();
    if country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_uppercase()) {
        Ok(country)
    } else {
        Err(Error::Country {
            given: given.to_owned(),
        })
    }
}

pub(super) fn lei(given: &str) -> Result<String, Error> {
    let value = compact(given, "an LEI")?;
    if value.len() != 20 {
        return Err(Error::Length {
            kind: "an LEI",
            expected: "20",
            found: value.len(),
        });
    }
    if let Some(sign) = value.chars().skip(18).find(|sign| !sign.is_ascii_digit()) {
        return Err(Error::Sign {
            kind: "an LEI",
            sign,
        });
    }
    if is_mod_97_10(&value) {
        Ok(value)
    } else {
        Err(Error::CheckDigits)
    }
}

/// ISO 7064, mod 97-10: letters count from 10 on, and the whole number leaves 1.
fn is_mod_97_10(value: &str) -> bool {
    let rest = value
        .chars()
        .filter_map(|sign| sign.to_digit(36))
        .fold(0, |rest, digit| {
            let shift = if digit < 10 { 10 } else { 100 };
            (rest * shift + digit) % 97
        });
    rest == 1
}

/// Since 2006 the last digit of a D-U-N-S number checks nothing.
pub(super) fn duns(given: &str) -> Result<String, Error> {
    let value = compact(given, "a D-U-N-S number")?;
    if let Some(sign) = value.chars().find(|sign| !sign.is_ascii_digit()) {
        return Err(Error::Sign {
            kind: "a D-U-N-S number",
            sign,
        });
    }
    if value.len() != 9 {
        return Err(Error::Length {
            kind: "a D-U-N-S number",
            expected: "9",
            found: value.len(),
        });
    }
    refuse_placeholder(value)
}

/// Registers differ in everything, so letters, digits and their order are kept, and that is all.
pub(super) fn reg_no(given: &str) -> Result<String, Error> {
    let signs = given.chars().filter(|sign| !is_separator(*sign));
    let value: String = signs.flat_map(char::to_uppercase).collect();
    if let Some(sign) = value.chars().find(|sign| !sign.is_alphanumeric()) {
        return Err(Error::Sign {
            kind: "a register number",
            sign,
        });
    }
    if value.is_empty() {
        Err(Error::Empty)
    } else {
        refuse_placeholder(value)
    }
}

pub(super) fn refuse_placeholder(value: String) -> Result<String, Error> {
    let mut signs = value.chars();
    let first = signs.next();
    if value.chars().count() > 3 && signs.all(|sign| Some(sign) == first) {
        return Err(Error::Placeholder);
    }
    Ok(value)
}
