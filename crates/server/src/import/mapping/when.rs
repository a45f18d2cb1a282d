//! Conditions: which rows something counts for.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

use super::row::Row;

/// Which rows something counts for: those in which each of these columns holds one of its texts.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(in crate::import) struct When(BTreeMap<String, Texts>);

impl When {
    /// Whether it counts for this row.
    pub(in crate::import) fn holds(&self, row: &Row<'_>) -> bool {
        self.0
            .iter()
            .all(|(column, texts)| texts.0.iter().any(|text| text == row.cell(column)))
    }

    /// The columns that it looks at.
    pub(in crate::import) fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// One text or a list of them.
#[derive(Debug)]
struct Texts(Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(vec![text.to_owned()]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut texts: A) -> Result<Texts, A::Error> {
                let mut all = Vec::new();
                while let Some(text) = texts.next_element()? {
                    all.push(text);
                }
                Ok(Texts(all))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}
