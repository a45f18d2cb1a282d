//! Facts that others have recorded. Rows are added, never changed: a correction is a further revision of
//! the same id.

use std::collections::BTreeSet;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, ExprTrait, SelectStatement, UnionType};
use sea_orm::{
    Condition, ConnectionTrait, FromQueryResult, Iterable, QueryOrder, QuerySelect, QueryTrait,
};
use trellis_core::{Date, EcosystemId, Order, Page, PageQuery, PartnerId, Timestamp};

use super::standing::Standing;
use super::{Span, within};
use crate::page::{self, Columns};
use crate::record::insert_many;
use crate::{Error, Txn, View, given};

/// One revision of a fact.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recorded_facts")]
pub struct Model {
    /// The ecosystem that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The system that says so.
    #[sea_orm(primary_key, auto_increment = false)]
    pub source: String,
    /// What that system calls it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub external_id: String,
    /// Which revision of it this is, counted from 1; the highest counts.
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision: i32,
    /// What happened.
    pub kind: String,
    /// Whether it says that it did not happen after all.
    pub withdrawn: bool,
    /// The partner that it is credited to.
    pub partner: Option<PartnerId>,
    /// The fact of the same source that it takes back of.
    pub about: Option<String>,
    /// The day on which it happened.
    pub occur_date: Date,
    /// What its partner was when it was recorded.
    pub standing: Option<Standing>,
    /// All that it says.
    pub said: Json,
    /// The hash of all that it says, in hexadecimal.
    pub digest: String,
    /// Who recorded it.
    pub actor: String,
    /// When.
    pub record_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Columns for Entity {
    const ID: Column = Column::Revision;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "source" => Column::Source,
            "external_id" => Column::ExternalId,
            "kind" => Column::Kind,
            "partner" => Column::Partner,
            "record_time" => Column::RecordTime,
            _ => return None,
        })
    }
}

/// The order that facts are listed in: those of a source together, and the revisions of one.
const BY_KEY: [Order; 2] = [
    Order {
        field: "source",
        descending: false,
    },
    Order {
        field: "external_id",
        descending: false,
    },
];

/// Keys of one statement, so that the bound values stay within what SQLite takes.
const CHUNK: usize = 500;

fn scoped(view: &View) -> Select<Entity> {
    Entity::find().filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
}

fn in_order(select: Select<Entity>) -> Select<Entity> {
    select
        .order_by_asc(Column::Source)
        .order_by_asc(Column::ExternalId)
        .order_by_asc(Column::Revision)
}

/// Reads one page of facts.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(view: &View, query: &PageQuery) -> Result<Page<Model>, Error> {
    let mut query = query.clone();
    query.order.extend(BY_KEY);
    page::page(&view.db(), scoped(view), &query).await
}

/// All revisions of the facts with some ids of a source, each of which is given once.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_ids(view: &View, source: &str, ids: &[String]) -> Result<Vec<Model>, Error> {
    let ids = ids.iter().map(String::as_str).collect();
    let ids = given::select(view.db().get_database_backend(), ids);
    of_each(view, source, (ids, "value")).await
}

/// All revisions of the facts of a source whose ids a select finds, each once.
async fn of_each(
    view: &View,
    source: &str,
    ids: (SelectStatement, &'static str),
) -> Result<Vec<Model>, Error> {
    let db = view.db();
    let of_source = scoped(view).filter(COLUMN.source.eq(source)).into_query();
    let id = Expr::col((Entity, Column::ExternalId));
    let mut facts = given::from_each_found(db.get_database_backend(), of_source, "facts", id, ids);
    let column = |column| Expr::col((Alias::new("facts"), column));
    facts.exprs(Column::iter().map(column));
    for by in [Column::Source, Column::ExternalId, Column::Revision] {
        facts.order_by_expr(column(by), sea_orm::Order::Asc);
    }
    let rows = db.query_all(&facts).await?;
    let facts = rows.iter().map(|row| Model::from_query_result(row, ""));
    Ok(facts.collect::<Result<_, _>>()?)
}

/// All revisions of the facts with some ids of a source, and of those that take back of one of these, or
/// ever did.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_ids_and_about(
    view: &View,
    source: &str,
    ids: &BTreeSet<String>,
) -> Result<Vec<Model>, Error> {
    let backend = view.db().get_database_backend();
    let of_source = || scoped(view).filter(COLUMN.source.eq(source));
    let column = |column: Column| Expr::col((Entity, column));
    let ids = || ids.iter().map(String::as_str).collect();
    let mut found = given::of_each(
        backend,
        ids(),
        of_source()
            .select_only()
            .column(Column::ExternalId)
            .into_query(),
        column(Column::About),
        &["external_id"],
    );
    found.union(UnionType::Distinct, given::select(backend, ids()));
    of_each(view, source, (found, "external_id")).await
}

/// All revisions of the facts that are or were credited to some partners, or to anybody where none are
/// named, and are or were of some days, and of those that take back of one of these.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_partners(
    view: &View,
    partners: Option<&[PartnerId]>,
    spans: Option<&[Span]>,
) -> Result<Vec<Model>, Error> {
    let with_those_that_take_back = |own: Select<Entity>| {
        let among = |column: Column| {
            let own = own.clone().select_only();
            let own = own.column(Column::Source).column(Column::ExternalId);
            let key = Expr::tuple([Expr::col(Column::Source), Expr::col(column)]);
            key.in_subquery(own.into_query())
        };
        let either = Condition::any()
            .add(among(Column::ExternalId))
            .add(Column::About.is_not_null().and(among(Column::About)));
        in_order(scoped(view).filter(either))
    };
    let of_days = || scoped(view).filter(within(Column::OccurDate, spans));
    let Some(partners) = partners else {
        let all = match spans {
            None => in_order(scoped(view)),
            Some(_) => with_those_that_take_back(of_days()),
        };
        return Ok(all.all(&view.db()).await?);
    };
    let mut found = Vec::new();
    for chunk in partners.chunks(CHUNK) {
        let own = of_days().filter(Column::Partner.is_in(chunk.to_vec()));
        found.extend(with_those_that_take_back(own).all(&view.db()).await?);
    }
    // A fact that was credited to two partners one after the other is found with each of them.
    found.sort_by(|one, other| key(one).cmp(&key(other)));
    found.dedup_by(|one, other| key(one) == key(other));
    Ok(found)
}

fn key(fact: &Model) -> (&str, &str, i32) {
    (&fact.source, &fact.external_id, fact.revision)
}

/// The next partners that facts are credited to on or after a day, by their ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn partners_after(
    view: &View,
    after: Option<&PartnerId>,
    limit: u64,
) -> Result<Vec<PartnerId>, Error> {
    let mut partners = scoped(view).filter(Column::Partner.is_not_null());
    if let Some(after) = after {
        partners = partners.filter(Column::Partner.gt(after.clone()));
    }
    Ok(partners
        .select_only()
        .column(Column::Partner)
        .distinct()
        .order_by_asc(Column::Partner)
        .limit(limit)
        .into_tuple()
        .all(&view.db())
        .await?)
}

/// How many revisions of facts are credited to each partner, by the ids of the partners.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn count_by_partner(view: &View) -> Result<Vec<(PartnerId, i64)>, Error> {
    Ok(scoped(view)
        .filter(Column::Partner.is_not_null())
        .select_only()
        .column(Column::Partner)
        .column_as(Column::Revision.count(), "revisions")
        .group_by(Column::Partner)
        .order_by_asc(Column::Partner)
        .into_tuple()
        .all(&view.db())
        .await?)
}

/// Adds facts.
///
/// # Errors
/// [`Error::Exists`] when a revision is there already.
pub async fn append(txn: &Txn, facts: Vec<Model>) -> Result<(), Error> {
    insert_many::<Entity>(txn, facts).await
}
