//! An export of a CRM as the shipped mapping reads it, and what must be in the ecosystem when it has
//! come in. It is reckoned from the files alone, apart from everything that the import does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One row of a file, by the names of its columns.
pub(super) type Row = BTreeMap<String, String>;

/// The rows of the four files.
#[derive(Clone, Debug, Default)]
pub(super) struct Export {
    pub(super) teams: Vec<Row>,
    pub(super) products: Vec<Row>,
    pub(super) accounts: Vec<Row>,
    pub(super) pipeline: Vec<Row>,
}

const TEAMS: [&str; 3] = ["sales_agent", "manager", "regional_office"];
const PRODUCTS: [&str; 3] = ["product", "series", "sales_price"];
const ACCOUNTS: [&str; 7] = [
    "account",
    "sector",
    "year_established",
    "revenue",
    "employees",
    "office_location",
    "subsidiary_of",
];
const PIPELINE: [&str; 8] = [
    "opportunity_id",
    "sales_agent",
    "product",
    "account",
    "deal_stage",
    "engage_date",
    "close_date",
    "close_value",
];

impl Export {
    /// Reads an export from a folder.
    pub(super) fn read(folder: &Path) -> Self {
        let read = |file: &str| {
            let mut reader = csv::Reader::from_path(folder.join(file)).unwrap();
            reader.deserialize().map(Result::unwrap).collect()
        };
        Self {
            teams: read("sales_teams.csv"),
            products: read("products.csv"),
            accounts: read("accounts.csv"),
            pipeline: read("sales_pipeline.csv"),
        }
    }

    /// Writes the export into a folder.
    pub(super) fn write(&self, folder: &Path) {
        write(&folder.join("sales_teams.csv"), &TEAMS, &self.teams);
        write(&folder.join("products.csv"), &PRODUCTS, &self.products);
        write(&folder.join("accounts.csv"), &ACCOUNTS, &self.accounts);
        write(
            &folder.join("sales_pipeline.csv"),
            &PIPELINE,
            &self.pipeline,
        );
    }

    /// Makes one up: seven agents of two offices, one of them without opportunities, five products,
    /// nine customers, the daughters before and after their mothers, and so many opportunities.
    pub(super) fn made_up(opportunities: usize) -> Self {
        let agents = [
            "Ada",
            "Bo",
            "Cy",
            "Di",
            "Ed",
            "Flo \"Flash\" O'Hara",
            "Gus, junior",
        ];
        let teams = agents.iter().enumerate().map(|(at, agent)| {
            let office = ["North", "South"][at % 2];
            row(&TEAMS, &[agent, &format!("Manager {}", at / 2), office])
        });
        let priced = [
            ("A1", "A", "550"),
            ("A2", "A", "4821"),
            ("B1", "B", "55.50"),
            ("B2", "B", "3393"),
            ("C", "C", "1"),
        ];
        let products = priced.map(|(name, series, price)| row(&PRODUCTS, &[name, series, price]));
        let countries = ["United States", "Korea", "Philipines", "Germany"];
        let accounts = (0..9).map(|at: usize| {
            let parent = match at {
                0 => "Customer 8",
                7 => "Customer 0",
                _ => "",
            };
            row(
                &ACCOUNTS,
                &[
                    &format!("Customer {at}"),
                    ["technolgy", "retail"][at % 2],
                    &(1980 + at).to_string(),
                    &format!("{}.{at}4", at * 700),
                    &(at * 1_000).to_string(),
                    countries[at % 4],
                    parent,
                ],
            )
        });
        let pipeline = (0..opportunities).map(|at| {
            let stage = ["Won", "Lost", "Engaging", "Prospecting", "Won"][at % 5];
            let customer = if stage == "Prospecting" && at % 3 > 0 {
                String::new()
            } else {
                format!("Customer {}", at % 9)
            };
            let engaged = format!("{:02}-{:02}-2016", 1 + at % 28, 1 + at % 12);
            let closed = format!("{:02}-{:02}-2017", 1 + at % 28, 1 + at % 12);
            let (engaged, closed, value) = match stage {
                "Won" => (engaged, closed, (at % 997 + 1).to_string()),
                "Lost" => (engaged, closed, "0".to_owned()),
                "Engaging" => (engaged, String::new(), String::new()),
                _ => Default::default(),
            };
            row(
                &PIPELINE,
                &[
                    &format!("OPP{at:05}"),
                    agents[at % 6],
                    priced[at % 5].0,
                    &customer,
                    stage,
                    &engaged,
                    &closed,
                    &value,
                ],
            )
        });
        Self {
            teams: teams.collect(),
            products: products.into(),
            accounts: accounts.collect(),
            pipeline: pipeline.collect(),
        }
    }

    /// The offices.
    pub(super) fn offices(&self) -> BTreeSet<&str> {
        self.teams
            .iter()
            .map(|team| team["regional_office"].as_str())
            .collect()
    }
}

fn row(columns: &[&str], cells: &[&str]) -> Row {
    assert_eq!(columns.len(), cells.len());
    let columns = columns.iter().map(|column| (*column).to_owned());
    columns
        .zip(cells.iter().map(|cell| (*cell).to_owned()))
        .collect()
}

fn write(path: &Path, columns: &[&str], rows: &[Row]) {
    // Lines end as on Windows, as those of the public data set do.
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_path(path)
        .unwrap();
    writer.write_record(columns).unwrap();
    for row in rows {
        writer
            .write_record(columns.iter().map(|column| &row[*column]))
            .unwrap();
    }
    writer.flush().unwrap();
}

/// What a group of deals comes to, in cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) open: i64,
    pub(super) open_cents: i64,
    pub(super) won: i64,
    pub(super) won_cents: i64,
    pub(super) lost: i64,
}

impl Export {
    /// What all opportunities come to.
    pub(super) fn total(&self) -> Sum {
        self.sums(|_| ()).remove(&()).unwrap_or_default()
    }

    /// What the opportunities of each agent come to.
    pub(super) fn by_agent(&self) -> BTreeMap<String, Sum> {
        self.sums(|row| row["sales_agent"].clone())
    }

    /// What the opportunities of each quarter come to, by the year and month in which it begins;
    /// those that are open have no date.
    pub(super) fn by_quarter(&self) -> BTreeMap<Option<(i32, i32)>, Sum> {
        self.sums(|row| {
            let (year, month, _) = day(&row["close_date"])?;
            Some((year, (month - 1) / 3 * 3 + 1))
        })
    }

    /// What the opportunities with each product come to.
    pub(super) fn by_product(&self) -> BTreeMap<String, Sum> {
        self.sums(|row| row["product"].clone())
    }

    /// What the opportunities of each office come to.
    pub(super) fn by_office(&self) -> BTreeMap<String, Sum> {
        self.sums(|row| {
            let mut teams = self.teams.iter();
            let team = teams.find(|team| team["sales_agent"] == row["sales_agent"]);
            team.unwrap()["regional_office"].clone()
        })
    }

    fn sums<K: Ord>(&self, key: impl Fn(&Row) -> K) -> BTreeMap<K, Sum> {
        let mut sums: BTreeMap<K, Sum> = BTreeMap::new();
        for row in &self.pipeline {
            let sum = sums.entry(key(row)).or_default();
            let worth = self.worth(row);
            match row["deal_stage"].as_str() {
                "Won" => {
                    sum.won += 1;
                    sum.won_cents += worth;
                }
                "Lost" => sum.lost += 1,
                _ => {
                    sum.open += 1;
                    sum.open_cents += worth;
                }
            }
        }
        sums
    }

    /// What an opportunity is worth in cents: its value, or the list price of its product.
    pub(super) fn worth(&self, row: &Row) -> i64 {
        let price = || {
            let product = self
                .products
                .iter()
                .find(|product| product["product"] == row["product"]);
            cents(&product.unwrap()["sales_price"])
        };
        match row["close_value"].as_str() {
            "" => price(),
            value => cents(value),
        }
    }
}

/// A day of the export: day, month, year.
pub(super) fn day(text: &str) -> Option<(i32, i32, i32)> {
    let mut parts = text.split('-').map(|part| part.parse().unwrap_or_default());
    match (parts.next()?, parts.next(), parts.next()) {
        (day, Some(month), Some(year)) => Some((year, month, day)),
        _ => None,
    }
}

/// An amount of the export in cents.
pub(super) fn cents(text: &str) -> i64 {
    let (units, decimals) = text.split_once('.').unwrap_or((text, ""));
    let units: i64 = units.parse().unwrap();
    let decimals: i64 = format!("{decimals:0<2}").parse().unwrap();
    units * 100 + decimals
}
