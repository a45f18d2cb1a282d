//! What partners are to reach in a period. Rows are added, never changed: a quota that changes is a
//! further revision.

use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect};
use trellis_core::{Currency, Date, EcosystemId, Order, Page, PageQuery, PartnerId, Timestamp};

use crate::page::{self, Columns};
use crate::record::insert_many;
use crate::{Error, Txn, View};

/// One revision of a quota.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quotas")]
pub struct Model {
    /// The ecosystem that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The partner.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner: PartnerId,
    /// What plans call it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub quota: String,
    /// The first day of the period.
    #[sea_orm(primary_key, auto_increment = false)]
    pub period_start: Date,
    /// Which revision it is, counted from 1; the last counts.
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision: i32,
    /// How much, in minor units of `currency`; how many, without one.
    pub amount: i64,
    /// The currency, where it is money.
    pub currency: Option<Currency>,
    /// Who set it.
    pub actor: String,
    /// When.
    pub record_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Columns for Entity {
    const ID: Column = Column::Revision;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "partner" => Column::Partner,
            "quota" => Column::Quota,
            "period_start_date" => Column::PeriodStart,
            _ => return None,
        })
    }
}

/// The order that quotas are listed in: the revisions of one together.
const BY_KEY: [Order; 3] = [
    Order {
        field: "partner",
        descending: false,
    },
    Order {
        field: "quota",
        descending: false,
    },
    Order {
        field: "period_start_date",
        descending: false,
    },
];

fn scoped(view: &View) -> Select<Entity> {
    Entity::find().filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
}

/// Reads one page of quotas.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(view: &View, query: &PageQuery) -> Result<Page<Model>, Error> {
    let query = PageQuery {
        order: BY_KEY.to_vec(),
        ..query.clone()
    };
    page::page(&view.db(), scoped(view), &query).await
}

/// All revisions of the quotas of some partners, or of all where none are named.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_partners(view: &View, partners: Option<&[PartnerId]>) -> Result<Vec<Model>, Error> {
    /// Partners of one statement, so that the bound values stay within what SQLite takes.
    const CHUNK: usize = 500;
    let in_order = |select: Select<Entity>| {
        select
            .order_by_asc(Column::Partner)
            .order_by_asc(Column::Quota)
            .order_by_asc(Column::PeriodStart)
            .order_by_asc(Column::Revision)
    };
    let Some(partners) = partners else {
        return Ok(in_order(scoped(view)).all(&view.db()).await?);
    };
    let mut found = Vec::new();
    for chunk in partners.chunks(CHUNK) {
        let some = scoped(view).filter(Column::Partner.is_in(chunk.to_vec()));
        found.extend(in_order(some).all(&view.db()).await?);
    }
    Ok(found)
}

/// The last revision of a quota.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn last(
    view: &View,
    partner: &PartnerId,
    quota: &str,
    period_start: Date,
) -> Result<Option<Model>, Error> {
    let select = scoped(view)
        .filter(COLUMN.partner.eq(partner.clone()))
        .filter(COLUMN.quota.eq(quota))
        .filter(Column::PeriodStart.eq(period_start))
        .order_by_desc(Column::Revision)
        .limit(1);
    Ok(select.one(&view.db()).await?)
}

/// Adds quotas.
///
/// # Errors
/// [`Error::Exists`] when a revision is there already.
pub async fn append(txn: &Txn, quotas: Vec<Model>) -> Result<(), Error> {
    insert_many::<Entity>(txn, quotas).await
}
