//! Numbers for value added tax.
//!
//! `vat_id_validator` knows the form and the check digits of some thirty countries; numbers of the
//! others are taken as they are.

use vat_id_validator::{VatCheckResult, check_vat_by_country};

use super::{Error, check};

/// How a country writes itself before its numbers, where that is not its code.
const PREFIXES: &[(&str, &str)] = &[("GR", "EL"), ("UK", "GB")];

/// How many letters and digits follow the prefix (the EU's directory of forms).
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=15;

/// The prefix and the number behind it.
pub(super) fn read(given: &str, country: Option<&str>) -> Result<(String, String), Error> {
    let value = check::compact(given, "a VAT number")?;
    let country = country.map(check::country).transpose()?;
    let (prefix, number) = split(&value, country.as_deref())?;
    if !LENGTHS.contains(&number.len()) {
        let (kind, expected) = ("a VAT number behind its prefix", "2 to 15");
        return Err(Error::Length {
            kind,
            expected,
            found: number.len(),
        });
    }
    let number = check::refuse_placeholder(number)?;
    let checked = checked(&prefix, &number);
    if !checked.is_supported_country || checked.is_valid {
        return Ok((prefix, number));
    }
    Err(if checked.is_valid_format {
        Error::CheckDigits
    } else {
        Error::Form { country: prefix }
    })
}

fn checked(prefix: &str, number: &str) -> VatCheckResult {
    // Switzerland writes three letters.
    let written = if prefix == "CH" { "CHE" } else { prefix };
    check_vat_by_country(&format!("{written}{number}"), prefix)
}

/// Parts the prefix from the number; `country` stands in for a prefix that is missing.
fn split(value: &str, country: Option<&str>) -> Result<(String, String), Error> {
    if let Some(number) = value.strip_prefix("CHE") {
        return Ok(("CH".to_owned(), swiss(number).to_owned()));
    }
    let country = country.map(prefix);
    let start = value
        .get(..2)
        .filter(|start| start.bytes().all(|sign| sign.is_ascii_uppercase()));
    if let Some(start) = start.map(prefix) {
        // Companies are registered for the tax of other countries too, so their prefix counts; but
        // a few numbers begin with two letters that are no prefix.
        let is_prefix = country.as_ref().is_none_or(|country| *country == start)
            || checked(&start, "").is_supported_country;
        if is_prefix {
            return Ok((start, value.get(2..).unwrap_or_default().to_owned()));
        }
    }
    let country = country.ok_or_else(|| Error::Country {
        given: String::new(),
    })?;
    Ok((country, value.to_owned()))
}

/// How a country begins its numbers.
fn prefix(code: &str) -> String {
    let known = PREFIXES.iter().find(|(written, _)| *written == code);
    known.map_or(code, |(_, prefix)| prefix).to_owned()
}

/// A Swiss number is the same with or without the word for the tax behind it.
fn swiss(number: &str) -> &str {
    ["MWST", "TVA", "IVA"]
        .iter()
        .find_map(|tax| number.strip_suffix(tax))
        .unwrap_or(number)
}
