//! Sums up the deals of an ecosystem: one statement, whatever their number.

use sea_orm::entity::prelude::*;
use sea_orm::{DatabaseBackend, FromQueryResult, QuerySelect, QueryTrait, Statement};
use trellis_core::{Currency, Date, Filter, PartnerId, ProductId, TerritoryId};

use super::deal::{Column, Entity, Stage};
use crate::page;
use crate::record::scoped;
use crate::{Error, View};

/// What a pipeline is gathered by. Stage and currency always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gathering {
    /// By nothing else.
    Stage,
    /// By the partner that sourced the deals.
    Partner,
    /// By the month of the close, reached or expected.
    Month,
    /// By the territory.
    Territory,
    /// By the products of the lines. A deal is in each of them.
    Product,
}

/// The deals of one stage, currency and group.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Tally {
    /// The stage.
    pub stage: Stage,
    /// The currency; none for the deals without an amount.
    pub currency: Option<Currency>,
    /// The partner, where that is what they are gathered by.
    pub partner: Option<PartnerId>,
    /// The month, where that is what they are gathered by, as in [`super::deal::Model::period`].
    pub period: Option<Date>,
    /// The territory, where that is what they are gathered by.
    pub territory: Option<TerritoryId>,
    /// The product, where that is what they are gathered by.
    pub product: Option<ProductId>,
    /// Whether it is about a group. Where deals are in several, another tally, about all of them,
    /// has each once.
    pub grouped: bool,
    /// Whether it counts in the totals.
    pub counted: bool,
    /// How many.
    pub count: i64,
    /// What they are worth, in minor units.
    pub amount_minor: i64,
}

/// Which deals a pipeline is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// What must hold of them.
    pub filter: Option<Filter>,
    /// Only those with one of these products; none named: all.
    pub products: Vec<ProductId>,
}

/// Counts and sums up deals: one scan of the ecosystem, one row for each stage, currency and group.
///
/// # Errors
/// [`Error::UnknownField`] when the filter names a field that deals do not have.
pub async fn tallies(view: &View, which: &Which, by: Gathering) -> Result<Vec<Tally>, Error> {
    let db = view.db();
    let backend = db.get_database_backend();
    let deals = page::narrowed(scoped::<Entity>(view), which.filter.as_ref())?
        .select_only()
        .columns([
            Column::Stage,
            Column::Currency,
            Column::AmountMinor,
            Column::Partner,
            Column::Period,
            Column::Territory,
            Column::Lines,
        ])
        .build(backend);
    let mut values = deals.values.map(|values| values.0).unwrap_or_default();
    let sold = if which.products.is_empty() {
        String::new()
    } else {
        let bound: Vec<String> = which
            .products
            .iter()
            .map(|product| {
                values.push(product.as_str().into());
                format!("${}", values.len())
            })
            .collect();
        format!(
            " WHERE EXISTS (SELECT 1 FROM {lines} WHERE {product} IN ({}))",
            bound.join(", "),
            lines = lines(backend, "chosen.lines"),
            product = of_line(backend, "product"),
        )
    };
    let sql = format!(
        "WITH chosen AS ({}), asked AS (SELECT * FROM chosen{sold}) {}",
        deals.sql,
        gathered(backend, by)
    );
    let select = Statement::from_sql_and_values(backend, sql, values);
    Ok(Tally::find_by_statement(select).all(&db).await?)
}

/// The lines of deals as a table.
fn lines(backend: DatabaseBackend, column: &str) -> String {
    match backend {
        DatabaseBackend::Postgres => format!("jsonb_array_elements({column}) AS line(value)"),
        _ => format!("json_each({column}) AS line"),
    }
}

/// A field of a line, as a text.
fn of_line(backend: DatabaseBackend, field: &str) -> String {
    match backend {
        DatabaseBackend::Postgres => format!("(line.value ->> '{field}')"),
        _ => format!("json_extract(line.value, '$.{field}')"),
    }
}

const BARE: [(&str, &str); 4] = [
    ("partner", "CAST(NULL AS TEXT)"),
    ("period", "CAST(NULL AS INTEGER)"),
    ("territory", "CAST(NULL AS TEXT)"),
    ("product", "CAST(NULL AS TEXT)"),
];

fn gathered(backend: DatabaseBackend, by: Gathering) -> String {
    let field = match by {
        Gathering::Stage => None,
        Gathering::Partner => Some("partner"),
        Gathering::Month => Some("period"),
        Gathering::Territory => Some("territory"),
        Gathering::Product => return by_product(backend),
    };
    tallied(field, field, "amount_minor", "TRUE", "TRUE", "asked")
}

/// The lines by their products, and then the deals by themselves.
fn by_product(backend: DatabaseBackend) -> String {
    let product = of_line(backend, "product");
    let worth = of_line(backend, "amount_minor");
    let from = match backend {
        DatabaseBackend::Postgres => "asked LEFT JOIN LATERAL ",
        _ => "asked LEFT JOIN ",
    };
    let from = format!("{from}{} ON TRUE", lines(backend, "asked.lines"));
    // A deal without lines is worth what it is; a line of which nobody has said it is worth nothing.
    let worth =
        format!("CASE WHEN {product} IS NULL THEN amount_minor ELSE CAST({worth} AS BIGINT) END");
    let each = tallied(
        Some("product"),
        Some(&product),
        &worth,
        "TRUE",
        "FALSE",
        &from,
    );
    let all = tallied(None, None, "amount_minor", "FALSE", "TRUE", "asked");
    format!("{each} UNION ALL {all}")
}

fn tallied(
    field: Option<&str>,
    expression: Option<&str>,
    worth: &str,
    grouped: &str,
    counted: &str,
    from: &str,
) -> String {
    let group = BARE.map(|(name, none)| match expression {
        Some(expression) if field == Some(name) => format!("{expression} AS {name}"),
        _ => format!("{none} AS {name}"),
    });
    let by = expression.map(|by| format!(", {by}")).unwrap_or_default();
    // PostgreSQL sums integers up to a decimal.
    format!(
        "SELECT stage, currency, {}, {grouped} AS grouped, {counted} AS counted, \
         COUNT(*) AS count, CAST(COALESCE(SUM({worth}), 0) AS BIGINT) AS amount_minor \
         FROM {from} GROUP BY stage, currency{by}",
        group.join(", ")
    )
}
