//! A rule: where the value of one field comes from.
//!
//! A rule that is only a text names a column. A rule that is a table says more: what else the value
//! may come from, which words become which, when the rule counts at all, and what belongs to the
//! type of the field.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::format::Format;
use super::row::Row;
use super::template::Template;
use super::value::Reads;
use super::when::When;

/// The keys that every rule takes.
const KEYS: &[&str] = &[
    "column", "constant", "template", "replace", "map", "default", "when",
];

/// Which words become which.
pub(in crate::import) type Words = Arc<HashMap<String, String>>;

/// Where the value of one field comes from.
#[derive(Debug)]
pub(in crate::import) struct Rule<T> {
    source: Source,
    /// Mends some words and leaves the others.
    replace: Option<Table>,
    /// Knows every word that there may be.
    map: Option<Table>,
    default: Option<String>,
    when: When,
    reads: T,
}

/// What a rule begins with.
#[derive(Debug)]
enum Source {
    Column(String),
    Constant(String),
    Template(Template),
}

/// A table of words.
#[derive(Debug)]
enum Table {
    /// Under this name elsewhere in the mapping; `bind` finds it.
    Named(String),
    /// Found.
    Words {
        words: Words,
        /// Whether they were read from a file, where bad ones are a matter of single rows.
        looked_up: bool,
    },
}

/// The tables of words that a mapping names.
#[derive(Debug, Default)]
pub(in crate::import) struct Tables {
    /// Those that the mapping spells out.
    pub(super) maps: BTreeMap<String, Words>,
    /// Those that were read from files.
    pub(super) lookups: BTreeMap<String, Words>,
}

impl<T: Reads> Rule<T> {
    /// The value for a row, nothing if it is empty, and what is wrong if it cannot be read.
    pub(in crate::import) fn read(&self, row: &Row<'_>) -> Result<Option<T::Value>, String> {
        if !self.when.holds(row) {
            return Ok(None);
        }
        let found = match &self.source {
            Source::Column(column) => row.cell(column).to_owned(),
            Source::Constant(constant) => constant.clone(),
            Source::Template(template) => template.fill(row),
        };
        self.value(&found, row)
            .map_err(|wrong| format!("{wrong}{}", self.origin()))
    }

    /// What a rule says of an empty value that is needed.
    pub(in crate::import) fn missing(&self) -> String {
        format!("is required and empty{}", self.origin())
    }

    fn value(&self, found: &str, row: &Row<'_>) -> Result<Option<T::Value>, String> {
        let mut text = match self.reads.separator() {
            None => self.translate(found)?,
            Some(separator) => {
                let pieces = found
                    .split(separator)
                    .map(|piece| self.translate(piece.trim()));
                let pieces: Vec<_> = pieces.collect::<Result<_, _>>()?;
                let filled: Vec<_> = pieces
                    .into_iter()
                    .filter(|piece| !piece.is_empty())
                    .collect();
                filled.join(separator)
            }
        };
        if text.is_empty() {
            match &self.default {
                Some(default) => default.clone_into(&mut text),
                None => return Ok(None),
            }
        }
        self.reads.read(&text, row).map(Some)
    }

    /// The word that a word of the file becomes.
    fn translate(&self, found: &str) -> Result<String, String> {
        if found.is_empty() {
            return Ok(String::new());
        }
        let mended = self.replace.as_ref().and_then(|table| table.get(found));
        let word = mended.map_or(found, String::as_str);
        match &self.map {
            None => Ok(word.to_owned()),
            Some(table) => table
                .get(word)
                .cloned()
                .ok_or_else(|| format!("{word:?} is not {}", table.describe())),
        }
    }

    /// The end of a sentence that says where the value came from.
    fn origin(&self) -> String {
        match &self.source {
            Source::Column(column) => format!(" (column `{column}`)"),
            Source::Constant(_) => String::new(),
            Source::Template(template) => format!(" (template `{template}`)"),
        }
    }
}

impl Table {
    fn get(&self, word: &str) -> Option<&String> {
        match self {
            Self::Named(_) => None,
            Self::Words { words, .. } => words.get(word),
        }
    }

    /// Says what the words are, and names them when they are few.
    fn describe(&self) -> String {
        let Self::Words { words, looked_up } = self else {
            return "in the map".to_owned();
        };
        if *looked_up {
            return "in the file that it is looked up in".to_owned();
        }
        if words.len() > 12 {
            return format!("one of the {} values that the map knows", words.len());
        }
        let mut known: Vec<_> = words.keys().map(|word| format!("{word:?}")).collect();
        known.sort();
        format!("in the map, which knows {}", known.join(", "))
    }
}

/// What can be done with a rule whatever its type.
pub(in crate::import) trait AnyRule {
    /// The columns that it reads.
    fn columns(&self) -> Vec<&str>;

    /// The names of the tables that it uses.
    fn tables(&self) -> Vec<&str>;

    /// Finds the tables that it names, takes over the format, and checks what the mapping itself
    /// gives.
    fn bind(&mut self, tables: &Tables, format: &Format) -> Result<(), String>;
}

impl<T: Reads> AnyRule for Rule<T> {
    fn columns(&self) -> Vec<&str> {
        let mut columns = match &self.source {
            Source::Column(column) => vec![column.as_str()],
            Source::Constant(_) => Vec::new(),
            Source::Template(template) => template.columns().collect(),
        };
        columns.extend(self.reads.further_column());
        columns.extend(self.when.columns());
        columns
    }

    fn tables(&self) -> Vec<&str> {
        let tables = [&self.replace, &self.map].into_iter().flatten();
        let named = tables.filter_map(|table| match table {
            Table::Named(name) => Some(name.as_str()),
            Table::Words { .. } => None,
        });
        named.collect()
    }

    fn bind(&mut self, tables: &Tables, format: &Format) -> Result<(), String> {
        self.reads.settle(format)?;
        let mut given: Vec<&String> = Vec::new();
        for table in [&mut self.replace, &mut self.map].into_iter().flatten() {
            if let Table::Named(name) = table {
                *table = tables.find(name)?;
            }
        }
        if let Source::Constant(constant) = &self.source {
            given.push(constant);
        }
        given.extend(&self.default);
        // What `replace` mends still goes through `map`, if there is one.
        if let Some(Table::Words {
            words,
            looked_up: false,
        }) = self.map.as_ref().or(self.replace.as_ref())
        {
            given.extend(words.values());
        }
        for text in given.into_iter().filter(|text| !text.is_empty()) {
            self.reads.check(text)?;
        }
        Ok(())
    }
}

impl Tables {
    fn find(&self, name: &str) -> Result<Table, String> {
        let found = |words: &Words, looked_up| Table::Words {
            words: Arc::clone(words),
            looked_up,
        };
        let maps = self.maps.get(name).map(|words| found(words, false));
        let lookups = || self.lookups.get(name).map(|words| found(words, true));
        maps.or_else(lookups).ok_or_else(|| {
            let known: Vec<_> = self.maps.keys().chain(self.lookups.keys()).collect();
            let known = match known.as_slice() {
                [] => "there are none".to_owned(),
                known => format!(
                    "there are {}",
                    known
                        .iter()
                        .map(|name| name.as_str())
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            };
            format!("no table `{name}` under [maps] or [lookups]; {known}")
        })
    }
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrWords;
        impl<'de> Visitor<'de> for NameOrWords {
            type Value = Table;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a table of words, or the table itself")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Table, E> {
                Ok(Table::Named(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Table, A::Error> {
                let words = HashMap::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Table::Words {
                    words: Arc::new(words),
                    looked_up: false,
                })
            }
        }
        deserializer.deserialize_any(NameOrWords)
    }
}

impl<'de, T: Reads> Deserialize<'de> for Rule<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RuleVisitor(PhantomData))
    }
}

struct RuleVisitor<T>(PhantomData<T>);

impl<'de, T: Reads> Visitor<'de> for RuleVisitor<T> {
    type Value = Rule<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column, or a table that says where the value comes from")
    }

    fn visit_str<E: de::Error>(self, column: &str) -> Result<Rule<T>, E> {
        Ok(Rule {
            source: Source::Column(column.to_owned()),
            replace: None,
            map: None,
            default: None,
            when: When::default(),
            reads: T::default(),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rule<T>, A::Error> {
        let mut source = Vec::new();
        let (mut replace, mut words, mut default) = (None, None, None);
        let (mut when, mut reads) = (When::default(), T::default());
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "column" => source.push(Source::Column(map.next_value()?)),
                "constant" => source.push(Source::Constant(map.next_value()?)),
                "template" => source.push(Source::Template(map.next_value()?)),
                "replace" => replace = Some(map.next_value()?),
                "map" => words = Some(map.next_value()?),
                "default" => default = Some(map.next_value()?),
                "when" => when = map.next_value()?,
                key if T::KEYS.contains(&key) => {
                    let value = map.next_value()?;
                    reads.set(key, value).map_err(de::Error::custom)?;
                }
                unknown => return Err(unknown_key(unknown, T::KEYS)),
            }
        }
        let (Some(source), true) = (source.pop(), source.is_empty()) else {
            return Err(de::Error::custom(
                "a rule must have exactly one of `column`, `constant` and `template`",
            ));
        };
        if matches!(source, Source::Constant(_))
            && (replace.is_some() || words.is_some() || default.is_some())
        {
            return Err(de::Error::custom(
                "a `constant` is taken as it stands: leave out `replace`, `map` and `default`",
            ));
        }
        Ok(Rule {
            source,
            replace,
            map: words,
            default,
            when,
            reads,
        })
    }
}

/// Names the key that nobody knows, and those that may stand there.
fn unknown_key<E: de::Error>(unknown: &str, further: &[&str]) -> E {
    let allowed: Vec<_> = KEYS
        .iter()
        .chain(further)
        .map(|key| format!("`{key}`"))
        .collect();
    let allowed = allowed.join(", ");
    E::custom(format!(
        "unknown key `{unknown}`, expected one of {allowed}"
    ))
}
