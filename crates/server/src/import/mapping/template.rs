//! A text with columns in it: `{product} for {account}`.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use super::row::Row;

/// A text in which names of columns stand between braces. Two braces are one that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::import) struct Template {
    written: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Column(String),
}

impl Template {
    /// Reads a template.
    fn try_new(written: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut signs = written.chars().peekable();
        while let Some(sign) = signs.next() {
            match sign {
                '{' | '}' if signs.peek() == Some(&sign) => {
                    signs.next();
                    text.push(sign);
                }
                '{' => {
                    let mut column = String::new();
                    while let Some(sign) = signs.next_if(|sign| !matches!(sign, '{' | '}')) {
                        column.push(sign);
                    }
                    let column = column.trim();
                    if signs.next() != Some('}') || column.is_empty() {
                        return Err(wrong(written));
                    }
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    parts.push(Part::Column(column.to_owned()));
                }
                '}' => return Err(wrong(written)),
                _ => text.push(sign),
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        if !parts.iter().any(|part| matches!(part, Part::Column(_))) {
            return Err(wrong(written));
        }
        let written = written.to_owned();
        Ok(Self { written, parts })
    }

    /// The columns in it.
    pub(in crate::import) fn columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Column(column) => Some(column.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text for a row; empty when all of its columns are.
    pub(in crate::import) fn fill(&self, row: &Row<'_>) -> String {
        if self.columns().all(|column| row.cell(column).is_empty()) {
            return String::new();
        }
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Column(column) => row.cell(column),
        });
        parts.collect::<String>().trim().to_owned()
    }
}

fn wrong(written: &str) -> String {
    format!(
        "{written:?} is no template: write names of columns between braces, as in \
         \"{{product}} for {{account}}\", and two braces for one that is meant"
    )
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = String::deserialize(deserializer)?;
        Self::try_new(&written).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::row::Header;
    use super::*;

    fn fill(template: &str, cells: [&str; 2]) -> String {
        let header = Header::new(vec!["product".to_owned(), "account".to_owned()]);
        let cells = cells.map(str::to_owned);
        let row = Row::new(&header, &cells, &[]);
        Template::try_new(template).unwrap().fill(&row)
    }

    #[test]
    fn columns_are_put_in_where_they_are_named() {
        assert_eq!(
            fill("{product} for { account }", ["GTX", "Acme"]),
            "GTX for Acme"
        );
        assert_eq!(fill("{{{product}}}", ["GTX", ""]), "{GTX}");
        assert_eq!(fill("{product} {account}", ["GTX", ""]), "GTX");
    }

    #[test]
    fn a_template_whose_columns_are_all_empty_is_empty() {
        assert_eq!(fill("{product} for {account}", ["", ""]), "");
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for bad in [
            "", "text", "{", "{product", "product}", "{}", "{ }", "{a{b}}", "{{a}}",
        ] {
            assert!(Template::try_new(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn reading_a_template_never_panics(text in ".{0,40}") {
            let _ = Template::try_new(&text);
        }
    }
}
