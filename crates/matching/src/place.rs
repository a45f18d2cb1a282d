//! Where a company is and what number it answers: weak signs, which sustain or weaken a name.

use crate::name::fold::{Folding, words};

/// An address in parts, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// Street and number.
    pub street: Option<String>,
    /// Town.
    pub city: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
}

/// An address and a phone number, made ready to compare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) given: Address,
    street: Vec<String>,
    number: Option<String>,
    city: Vec<String>,
    postal_code: Option<String>,
    pub(crate) phone: Option<String>,
}

/// What two places say to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreement {
    Agree,
    Differ,
    Unknown,
}

/// Ways of writing the kinds of streets and directions.
const ABBREVIATED: &[(&str, &str)] = &[
    ("ave", "avenue"),
    ("av", "avenue"),
    ("blv", "boulevard"),
    ("blvd", "boulevard"),
    ("dr", "drive"),
    ("e", "east"),
    ("hwy", "highway"),
    ("ln", "lane"),
    ("n", "north"),
    ("pkwy", "parkway"),
    ("pl", "place"),
    ("rd", "road"),
    ("s", "south"),
    ("sq", "square"),
    ("st", "street"),
    ("str", "strasse"),
    ("w", "west"),
];

/// Words of a street that many streets have.
const KINDS: &[&str] = &[
    "avenue",
    "boulevard",
    "drive",
    "east",
    "highway",
    "lane",
    "north",
    "parkway",
    "place",
    "road",
    "south",
    "square",
    "strasse",
    "street",
    "suite",
    "west",
    "rue",
    "via",
    "calle",
    "and",
    "at",
    "between",
    "the",
    "of",
    "near",
];

/// Digits of a phone number without its country's code that are at least needed to tell it apart.
const PHONE_DIGITS: usize = 8;

impl Place {
    pub(crate) fn new(address: &Address, phone: Option<&str>) -> Self {
        let read = |part: &Option<String>| part.as_deref().map(address_words).unwrap_or_default();
        let all = read(&address.street);
        let number = all
            .iter()
            .find(|word| word.starts_with(|sign: char| sign.is_numeric()));
        let number = number.cloned();
        let street = all
            .into_iter()
            .filter(|word| Some(word) != number.as_ref() && !KINDS.contains(&word.as_str()));
        Self {
            given: address.clone(),
            street: street.collect(),
            number,
            city: read(&address.city),
            postal_code: Some(read(&address.postal_code).concat()).filter(|code| !code.is_empty()),
            phone: phone.and_then(phone_digits),
        }
    }

    /// The address on one line.
    pub(crate) fn text(&self) -> String {
        let Address {
            street,
            city,
            postal_code,
        } = &self.given;
        let parts = [street, postal_code, city].into_iter().flatten();
        parts.map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn phones(&self, other: &Self) -> Agreement {
        match (&self.phone, &other.phone) {
            (Some(one), Some(other)) if same_number(one, other) => Agreement::Agree,
            (Some(_), Some(_)) => Agreement::Differ,
            _ => Agreement::Unknown,
        }
    }

    /// The same house: number and street, in what may be the same town.
    pub(crate) fn addresses(&self, other: &Self) -> Agreement {
        let (Some(one), Some(second)) = (&self.number, &other.number) else {
            return Agreement::Unknown;
        };
        let shares_street = self.street.iter().any(|word| other.street.contains(word));
        if one == second && shares_street && self.towns(other) != Agreement::Differ {
            Agreement::Agree
        } else {
            Agreement::Differ
        }
    }

    pub(crate) fn town_words(&self) -> impl Iterator<Item = &String> {
        self.city.iter()
    }

    pub(crate) fn towns(&self, other: &Self) -> Agreement {
        if let (Some(one), Some(other)) = (&self.postal_code, &other.postal_code)
            && one == other
        {
            return Agreement::Agree;
        }
        if self.city.is_empty() || other.city.is_empty() {
            return Agreement::Unknown;
        }
        let shared = self.city.iter().any(|word| other.city.contains(word));
        if shared {
            Agreement::Agree
        } else {
            Agreement::Differ
        }
    }
}

fn address_words(text: &str) -> Vec<String> {
    let spelled = |word: String| {
        let known = ABBREVIATED.iter().find(|(short, _)| *short == word);
        known.map_or(word, |(_, long)| (*long).to_owned())
    };
    words(text, Folding::Expanded)
        .into_iter()
        .map(spelled)
        .collect()
}

fn phone_digits(given: &str) -> Option<String> {
    // The zero in `+44 (0)20` is dialled within the country only.
    let digits: String = given
        .replace("(0)", "")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let digits = digits.trim_start_matches('0');
    (digits.len() >= PHONE_DIGITS).then(|| digits.to_owned())
}

/// With the code of the country or without.
fn same_number(one: &str, other: &str) -> bool {
    one.ends_with(other) || other.ends_with(one)
}

#[cfg(test)]
mod tests;
