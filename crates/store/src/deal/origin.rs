//! What deals came of: the registrations and the leads of partners.

use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};
use trellis_core::{Date, DealId, PartnerId};

use crate::{Error, View};

/// What a deal came of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Whether it was a lead; a registration otherwise.
    pub is_lead: bool,
    /// Its id.
    pub source: String,
    /// Whose it was.
    pub partner: PartnerId,
    /// When it was handed in or accepted, in microseconds.
    pub time: i64,
}

#[derive(FromQueryResult)]
struct Row {
    deal: DealId,
    is_lead: bool,
    source: String,
    partner: PartnerId,
    time: i64,
}

/// Registrations count from when they were handed in, leads from when they were accepted.
fn select(of: &str) -> String {
    format!(
        "SELECT deals.id AS deal, FALSE AS is_lead, registrations.id AS source, \
         registrations.partner AS partner, \
         COALESCE(registrations.receive_time, registrations.create_time) AS time FROM deals \
         JOIN registrations ON registrations.ecosystem = $1 \
         AND registrations.id = deals.registration WHERE deals.ecosystem = $1 AND {of} \
         UNION ALL \
         SELECT deals.id AS deal, TRUE AS is_lead, leads.id AS source, leads.partner AS partner, \
         COALESCE(leads.accept_time, leads.create_time) AS time FROM deals \
         JOIN leads ON leads.ecosystem = $1 AND leads.deal = deals.id \
         WHERE deals.ecosystem = $1 AND {of} AND leads.partner IS NOT NULL"
    )
}

async fn read(view: &View, of: &str, values: Vec<Value>) -> Result<Vec<(DealId, Origin)>, Error> {
    let db = view.db();
    let mut bound = vec![view.ecosystem().as_str().into()];
    bound.extend(values);
    let select = Statement::from_sql_and_values(db.get_database_backend(), select(of), bound);
    let rows = Row::find_by_statement(select).all(&db).await?;
    let origin = |row: Row| {
        let origin = Origin {
            is_lead: row.is_lead,
            source: row.source,
            partner: row.partner,
            time: row.time,
        };
        (row.deal, origin)
    };
    Ok(rows.into_iter().map(origin).collect())
}

/// What a deal came of, whoever asks.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_deal(view: &View, deal: &DealId) -> Result<Vec<Origin>, Error> {
    let found = read(view, "deals.id = $2", vec![deal.as_str().into()]).await?;
    Ok(found.into_iter().map(|(_, origin)| origin).collect())
}

/// What the deals came of that were won from a day on and before another, whoever asks.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_won(view: &View, from: Date, until: Date) -> Result<Vec<(DealId, Origin)>, Error> {
    let of = "deals.stage = 'WON' AND deals.close_date >= $2 AND deals.close_date < $3";
    read(view, of, vec![from.into(), until.into()]).await
}
