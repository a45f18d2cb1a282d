//! Facts: what happened, as incentives know it. Rows are added, never changed.
//!
//! A fact has two times: the day on which it happened and the moment at which it was recorded. A
//! correction is a further revision under the same external id, which names the one that it
//! replaces. `(source, external id, revision)` occurs once, so that news that come twice are one
//! fact.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, OnConflict};
use sea_orm::{FromJsonQueryResult, IntoActiveModel, QueryOrder, QuerySelect, QueryTrait};
use serde::{Deserialize, Serialize};
use trellis_core::incentive::Fact;
pub use trellis_core::incentive::Kind;
use trellis_core::{AccountId, Currency, Date, DealId, EcosystemId, PartnerId, Timestamp};

use super::standing::Standing;
use super::{Span, within};
use crate::deal::deal::DealType;
use crate::deal::facts::WonLine;
use crate::deal::part::PartnerRole;
use crate::{Error, Txn, View};

/// One fact.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "incentive_facts")]
pub struct Model {
    /// The ecosystem that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// Who says so: `deal` is the deal service.
    #[sea_orm(primary_key, auto_increment = false)]
    pub source: String,
    /// What the source calls it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub external_id: String,
    /// Which revision of it this is, counted from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision: i64,
    /// The revision that this one replaces, if it does.
    pub supersedes: Option<i64>,
    /// What happened.
    pub kind: Kind,
    /// To which deal.
    pub deal: DealId,
    /// To which win of the deal, counted from 1.
    pub win: i64,
    /// The partner that a win is credited to, if any is.
    pub partner: Option<PartnerId>,
    /// What that partner was when the win was recorded.
    pub standing: Option<Standing>,
    /// How much it is about, in minor units; 0 where it is about no amount.
    pub amount_minor: i64,
    /// The currency of the amount.
    pub currency: Option<Currency>,
    /// The day on which it happened.
    pub occur_date: Date,
    /// When it was recorded.
    pub record_time: Timestamp,
    /// What a win says besides; none of those that were recorded before it was kept.
    pub detail: Option<Detail>,
}

/// What a win says besides its amount, and what its partner was then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Detail {
    /// The customer.
    pub customer: Option<AccountId>,
    /// What was bought.
    pub lines: Vec<WonLine>,
    /// Who played which part.
    pub roles: Vec<PartnerRole>,
    /// What kind of business it is.
    pub deal_type: Option<DealType>,
    /// Whether the deal was made from a registration that protected it on the day on which it was won.
    pub registration_active: bool,
    /// The partner's country, ISO 3166-1 alpha-2.
    pub partner_country: Option<String>,
    /// Where the partner stood, such as `ACTIVE`.
    pub partner_status: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What an evaluation sees of it.
    #[must_use]
    pub fn as_fact(&self) -> Fact<'_> {
        Fact {
            kind: self.kind,
            deal: &self.deal,
            win: self.win,
            partner: self.partner.as_ref(),
            standing: self.standing.as_ref(),
            amount_minor: self.amount_minor,
            currency: self.currency,
            occur_date: self.occur_date,
        }
    }
}

fn scoped(view: &View) -> Select<Entity> {
    Entity::find().filter(Column::Ecosystem.eq(view.ecosystem().clone()))
}

fn in_order(select: Select<Entity>) -> Select<Entity> {
    select
        .order_by_asc(Column::Deal)
        .order_by_asc(Column::Win)
        .order_by_asc(Column::OccurDate)
        .order_by_asc(Column::ExternalId)
        .order_by_asc(Column::Revision)
}

/// All facts about some deals.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_deals(
    view: &View,
    deals: impl IntoIterator<Item = DealId>,
) -> Result<Vec<Model>, Error> {
    let select = scoped(view).filter(Column::Deal.is_in(deals));
    Ok(in_order(select).all(&view.db()).await?)
}

/// All facts about the deals that some partners, at most 500, have won on days of `from..until`, whoever
/// else they were credited to.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_period(
    view: &View,
    partners: &[PartnerId],
    from: Date,
    until: Date,
) -> Result<Vec<Model>, Error> {
    let deals = won_between(view, from, until)
        .filter(Column::Partner.is_in(partners.to_vec()))
        .select_only()
        .column(Column::Deal)
        .into_query();
    let select = scoped(view).filter(Column::Deal.in_subquery(deals));
    Ok(in_order(select).all(&view.db()).await?)
}

fn won_between(view: &View, from: Date, until: Date) -> Select<Entity> {
    scoped(view)
        .filter(Column::Kind.eq(Kind::DealWon))
        .filter(Column::OccurDate.gte(from))
        .filter(Column::OccurDate.lt(until))
}

/// How many wins are credited to each partner, on days of `from..until` or on all days, by the ids of the
/// partners.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn wins_by_partner(
    view: &View,
    days: Option<(Date, Date)>,
) -> Result<Vec<(PartnerId, i64)>, Error> {
    let wins = match days {
        Some((from, until)) => won_between(view, from, until),
        None => scoped(view).filter(Column::Kind.eq(Kind::DealWon)),
    };
    Ok(wins
        .filter(Column::Partner.is_not_null())
        .select_only()
        .column(Column::Partner)
        .column_as(Column::Deal.count(), "wins")
        .group_by(Column::Partner)
        .order_by_asc(Column::Partner)
        .into_tuple()
        .all(&view.db())
        .await?)
}

/// All facts about the deals that some partners, or anybody where none are named, have won on some days,
/// whoever else they were credited to.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_partners(
    view: &View,
    partners: Option<&[PartnerId]>,
    spans: Option<&[Span]>,
) -> Result<Vec<Model>, Error> {
    /// Partners of one statement, so that the bound values stay within what SQLite takes.
    const CHUNK: usize = 500;
    let won = || {
        scoped(view)
            .filter(Column::Kind.eq(Kind::DealWon))
            .filter(within(Column::OccurDate, spans))
            .select_only()
            .column(Column::Deal)
    };
    let of_deals = |deals: Select<Entity>| {
        in_order(scoped(view).filter(Column::Deal.in_subquery(deals.into_query())))
    };
    let Some(partners) = partners else {
        let all = match spans {
            None => in_order(scoped(view)),
            Some(_) => of_deals(won()),
        };
        return Ok(all.all(&view.db()).await?);
    };
    let mut found = Vec::new();
    for chunk in partners.chunks(CHUNK) {
        let own = won().filter(Column::Partner.is_in(chunk.to_vec()));
        found.extend(of_deals(own).all(&view.db()).await?);
    }
    Ok(found)
}

/// The next partners that wins are credited to, by their ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn partners_after(
    view: &View,
    after: Option<&PartnerId>,
    limit: u64,
) -> Result<Vec<PartnerId>, Error> {
    let mut partners = scoped(view)
        .filter(Column::Partner.is_not_null())
        .filter(Column::Kind.eq(Kind::DealWon));
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

/// The next wins of partners on days of `from..until`, in the order of partner, day, deal and win.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn wins_after(
    view: &View,
    after: Option<&(PartnerId, Date, DealId, i64)>,
    from: Date,
    until: Option<Date>,
    limit: u64,
) -> Result<Vec<Model>, Error> {
    let mut wins = scoped(view)
        .filter(Column::Partner.is_not_null())
        .filter(Column::Kind.eq(Kind::DealWon))
        .filter(Column::OccurDate.gte(from));
    if let Some(until) = until {
        wins = wins.filter(Column::OccurDate.lt(until));
    }
    if let Some((partner, date, deal, win)) = after {
        let place = Expr::tuple([
            Expr::col(Column::Partner),
            Expr::col(Column::OccurDate),
            Expr::col(Column::Deal),
            Expr::col(Column::Win),
        ]);
        let last = Expr::tuple([
            Expr::value(partner.clone()),
            Expr::value(*date),
            Expr::value(deal.clone()),
            Expr::value(*win),
        ]);
        wins = wins.filter(place.gt(last));
    }
    Ok(wins
        .order_by_asc(Column::Partner)
        .order_by_asc(Column::OccurDate)
        .order_by_asc(Column::Deal)
        .order_by_asc(Column::Win)
        .limit(limit)
        .all(&view.db())
        .await?)
}

/// Adds facts. Those that are there already stay as they are.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn append(txn: &Txn, facts: Vec<Model>) -> Result<(), Error> {
    /// 15 columns each: far below what one statement binds.
    const CHUNK: usize = 500;
    let mut rows = facts
        .into_iter()
        .map(|fact| fact.into_active_model().reset_all())
        .peekable();
    while rows.peek().is_some() {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
        let key = [
            Column::Ecosystem,
            Column::Source,
            Column::ExternalId,
            Column::Revision,
        ];
        Entity::insert_many(chunk)
            .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
            .exec_without_returning(&txn.db())
            .await?;
    }
    Ok(())
}
