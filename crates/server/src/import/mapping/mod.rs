//! The mapping: which files feed which kinds, and which columns feed which fields.
//!
//! A mapping is a TOML file. It is read strictly: a key that nobody knows is an error that names the
//! key and those that may stand there, and everything that the mapping itself gives, such as a
//! constant or the words of a map, is checked before the first row is read. After that the mapping
//! only ever refuses single rows.

mod choice;
pub(in crate::import) mod encoding;
pub(in crate::import) mod fields;
pub(in crate::import) mod format;
mod numbers;
pub(in crate::import) mod reader;
pub(in crate::import) mod row;
pub(in crate::import) mod rule;
mod template;
pub(in crate::import) mod value;
mod when;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use trellis_core::Currency;

use self::fields::{
    AccountFields, DealFields, PartnerFields, ProductFields, Rules, TerritoryFields,
};
use self::format::Format;
use self::rule::{Tables, Words};
use self::when::When;
use super::kind::Kind;

/// A whole mapping, checked and ready to use.
#[derive(Debug)]
pub(in crate::import) struct Mapping {
    /// The currency of amounts that name none.
    pub(in crate::import) currency: Option<Currency>,
    /// Where territories come from, if they do.
    pub(in crate::import) territories: Option<Sheet<TerritoryFields>>,
    /// Where products come from.
    pub(in crate::import) products: Option<Sheet<ProductFields>>,
    /// Where partners come from.
    pub(in crate::import) partners: Option<Sheet<PartnerFields>>,
    /// Where accounts come from.
    pub(in crate::import) accounts: Option<Sheet<AccountFields>>,
    /// Where deals come from.
    pub(in crate::import) deals: Option<Sheet<DealFields>>,
}

/// Where the resources of one kind come from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::import) struct Sheet<F> {
    /// The file, inside the folder that is imported.
    pub(in crate::import) file: String,
    /// Whether the file repeats them, so that only the first row of each counts.
    #[serde(default)]
    pub(in crate::import) distinct: bool,
    /// Which rows of the file are such a resource. The others are passed over.
    #[serde(default)]
    pub(in crate::import) when: When,
    /// How the file is written.
    #[serde(default)]
    pub(in crate::import) format: Format,
    /// Where each field comes from.
    pub(in crate::import) fields: F,
    /// Every column that is read.
    #[serde(skip)]
    pub(in crate::import) columns: BTreeSet<String>,
    /// The files that its lookups read.
    #[serde(skip)]
    pub(in crate::import) lookups: BTreeSet<String>,
}

/// A table of words that is read from a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::import) struct Lookup {
    /// The file, inside the folder that is imported.
    pub(in crate::import) file: String,
    /// The column with the words of the rows that look something up.
    pub(in crate::import) key: String,
    /// The column with what they become.
    pub(in crate::import) value: String,
    /// How the file is written.
    #[serde(default)]
    pub(in crate::import) format: Format,
}

/// A mapping as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    format: Format,
    #[serde(default)]
    maps: BTreeMap<String, HashMap<String, String>>,
    #[serde(default)]
    lookups: BTreeMap<String, Lookup>,
    territories: Option<Sheet<TerritoryFields>>,
    products: Option<Sheet<ProductFields>>,
    partners: Option<Sheet<PartnerFields>>,
    accounts: Option<Sheet<AccountFields>>,
    deals: Option<Sheet<DealFields>>,
}

/// Reads the words of a lookup that these kinds use.
pub(in crate::import) type LookUp<'a> =
    &'a mut dyn FnMut(&Lookup, &BTreeSet<Kind>) -> Result<HashMap<String, String>, String>;

impl Mapping {
    /// Reads a mapping, and with `look_up` the files of its lookups.
    ///
    /// # Errors
    /// Everything that is wrong with it, a line each.
    pub(in crate::import) fn parse(text: &str, look_up: LookUp<'_>) -> Result<Self, String> {
        let document: Document = toml::from_str(text).map_err(|wrong| wrong.to_string())?;
        let Document {
            format,
            maps,
            mut lookups,
            mut territories,
            mut products,
            mut partners,
            mut accounts,
            mut deals,
        } = document;
        let mut wrong = Vec::new();
        for name in maps.keys().filter(|name| lookups.contains_key(*name)) {
            wrong.push(format!("`{name}` is both under [maps] and under [lookups]"));
        }
        let mut users = BTreeMap::new();
        gather(Kind::Territories, territories.as_mut(), &mut users);
        gather(Kind::Products, products.as_mut(), &mut users);
        gather(Kind::Partners, partners.as_mut(), &mut users);
        gather(Kind::Accounts, accounts.as_mut(), &mut users);
        gather(Kind::Deals, deals.as_mut(), &mut users);
        let mut tables = Tables::default();
        for (name, words) in maps {
            tables.maps.insert(name, Words::new(words));
        }
        for (name, lookup) in &mut lookups {
            lookup.format = std::mem::take(&mut lookup.format).or(&format);
            let users = users.get(name).cloned().unwrap_or_default();
            let words = look_up(lookup, &users).unwrap_or_else(|problem| {
                wrong.push(format!("lookups.{name}: {problem}"));
                HashMap::new()
            });
            tables.lookups.insert(name.clone(), Words::new(words));
        }
        let mut binding = Binding {
            format: &format,
            tables: &tables,
            lookups: &lookups,
            wrong: &mut wrong,
        };
        let sheets = [
            binding.bind(Kind::Territories, territories.as_mut()),
            binding.bind(Kind::Products, products.as_mut()),
            binding.bind(Kind::Partners, partners.as_mut()),
            binding.bind(Kind::Accounts, accounts.as_mut()),
            binding.bind(Kind::Deals, deals.as_mut()),
        ];
        if !sheets.contains(&true) {
            wrong.push(
                "there is nothing to import: give at least one of [territories], [products], \
                 [partners], [accounts] and [deals]"
                    .to_owned(),
            );
        }
        if !wrong.is_empty() {
            return Err(wrong.join("\n"));
        }
        Ok(Self {
            currency: format.currency,
            territories,
            products,
            partners,
            accounts,
            deals,
        })
    }
}

/// The file of a kind, whatever its fields are.
#[derive(Debug)]
pub(in crate::import) struct Table<'a> {
    /// The kind.
    pub(in crate::import) kind: Kind,
    /// The file, inside the folder that is imported.
    pub(in crate::import) file: &'a str,
    /// How it is written.
    pub(in crate::import) format: &'a Format,
    /// Every column that is read.
    pub(in crate::import) columns: &'a BTreeSet<String>,
}

impl Mapping {
    /// The files of all kinds that it speaks of, in the order of the kinds.
    pub(in crate::import) fn tables(&self) -> Vec<Table<'_>> {
        let tables = [
            self.territories
                .as_ref()
                .map(|sheet| sheet.table(Kind::Territories)),
            self.products
                .as_ref()
                .map(|sheet| sheet.table(Kind::Products)),
            self.partners
                .as_ref()
                .map(|sheet| sheet.table(Kind::Partners)),
            self.accounts
                .as_ref()
                .map(|sheet| sheet.table(Kind::Accounts)),
            self.deals.as_ref().map(|sheet| sheet.table(Kind::Deals)),
        ];
        tables.into_iter().flatten().collect()
    }
}

impl<F> Sheet<F> {
    fn table(&self, kind: Kind) -> Table<'_> {
        let Self {
            file,
            format,
            columns,
            ..
        } = self;
        Table {
            kind,
            file,
            format,
            columns,
        }
    }
}

/// Gathers which kinds use which table.
fn gather<F: Rules>(
    kind: Kind,
    sheet: Option<&mut Sheet<F>>,
    users: &mut BTreeMap<String, BTreeSet<Kind>>,
) {
    if let Some(sheet) = sheet {
        sheet.fields.visit("", &mut |_, rule| {
            for table in rule.tables() {
                users.entry(table.to_owned()).or_default().insert(kind);
            }
        });
    }
}

/// What binds the rules of a sheet to the rest of the mapping.
struct Binding<'a> {
    format: &'a Format,
    tables: &'a Tables,
    lookups: &'a BTreeMap<String, Lookup>,
    wrong: &'a mut Vec<String>,
}

impl Binding<'_> {
    /// Binds the rules of a sheet; tells whether there is one.
    fn bind<F: Rules>(&mut self, kind: Kind, sheet: Option<&mut Sheet<F>>) -> bool {
        let Some(sheet) = sheet else {
            return false;
        };
        sheet.format = std::mem::take(&mut sheet.format).or(self.format);
        let columns = sheet.when.columns().map(str::to_owned);
        sheet.columns = columns.collect();
        let path = format!("{kind}.fields");
        sheet.fields.visit(&path, &mut |path, rule| {
            sheet
                .columns
                .extend(rule.columns().into_iter().map(str::to_owned));
            let files = rule
                .tables()
                .into_iter()
                .filter_map(|name| self.lookups.get(name));
            sheet
                .lookups
                .extend(files.map(|lookup| lookup.file.clone()));
            if let Err(problem) = rule.bind(self.tables, &sheet.format) {
                self.wrong.push(format!("{path}: {problem}"));
            }
        });
        true
    }
}

#[cfg(test)]
mod tests;
