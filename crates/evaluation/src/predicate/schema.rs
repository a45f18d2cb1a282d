//! The fields that conditions may ask for.

use std::collections::BTreeMap;

/// What a field may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A text.
    Text,
    /// A day, as a text such as `2026-07-31`: its order as a text is that of the calendar.
    Date,
    /// One of these texts.
    Enumeration(Vec<String>),
    /// Several texts.
    Texts,
    /// Several of these texts.
    Enumerations(Vec<String>),
}

impl Type {
    /// An enumeration of these values.
    #[must_use]
    pub fn one_of(values: &[&str]) -> Self {
        Self::Enumeration(values.iter().map(|value| (*value).to_owned()).collect())
    }

    /// Whether a value of it is a text.
    pub(super) const fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Date | Self::Enumeration(_))
    }

    /// Whether a value of it is a list.
    pub(super) const fn is_list(&self) -> bool {
        matches!(self, Self::Texts | Self::Enumerations(_))
    }

    /// The values that there are, where they are counted.
    pub(super) fn values(&self) -> Option<&[String]> {
        match self {
            Self::Enumeration(values) | Self::Enumerations(values) => Some(values),
            Self::Bool | Self::Int | Self::Text | Self::Date | Self::Texts => None,
        }
    }

    /// What it is, for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Int => "a whole number".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Date => "a day such as \"2026-07-31\"".to_owned(),
            Self::Enumeration(values) => format!("one of {}", values.join(", ")),
            Self::Texts => "a list of texts".to_owned(),
            Self::Enumerations(values) => format!("some of {}", values.join(", ")),
        }
    }
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it holds.
    pub holds: Type,
    /// What it means, as words that can stand in a sentence: `the partner's tier`.
    pub meaning: String,
}

/// All fields, by their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema(BTreeMap<String, Field>);

impl Schema {
    /// A schema without a field.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The schema with one more field.
    #[must_use]
    pub fn with(mut self, path: &str, holds: Type, meaning: &str) -> Self {
        let meaning = meaning.to_owned();
        self.0.insert(path.to_owned(), Field { holds, meaning });
        self
    }

    /// The field with a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Field> {
        self.0.get(path)
    }

    /// All fields, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.0.iter().map(|(path, field)| (path.as_str(), field))
    }

    /// The known path that was most likely meant by one that is not known.
    pub(super) fn nearest(&self, path: &str) -> Option<&str> {
        nearest(path, self.0.keys().map(String::as_str))
    }
}

/// What is nearest to a word, when it differs in no more than every third letter.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Comparing what is longer takes time, and nobody's slip is that long.
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_lowercase();
    let slips = |known: &&str| strsim::osa_distance(&word, &known.to_lowercase());
    let nearest = known.min_by_key(slips)?;
    (slips(&nearest) <= word.len().max(3) / 3).then_some(nearest)
}
