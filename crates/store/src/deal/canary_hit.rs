//! Which canaries a partner has named. A canary is an account that nobody honest has a reason to
//! name; what the staff are told of is the first time.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{InsertStatement, OnConflict, Query};
use trellis_core::{AccountId, EcosystemId, PartnerId, RegistrationId, Timestamp};

use super::{account, customer, registration, submission};
use crate::{Error, Txn, record};

/// That a partner has named a canary.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "canary_hits")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// Who named it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner: PartnerId,
    /// The canary.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account: AccountId,
    /// The registration that named it first.
    pub registration: RegistrationId,
    /// When.
    pub time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

/// Notes the canaries that a registration names, which are among its customer's accounts; answers those
/// that its partner has not named before. One statement, whether or not there is one, so that the time it
/// takes tells nothing.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn note(
    txn: &Txn,
    of: &registration::Model,
    accounts: &[AccountId],
) -> Result<Vec<AccountId>, Error> {
    note_after(txn, [], of, accounts).await
}

/// Adds a submission with the keys of its customer, and notes the canaries of its registration as
/// [`note`] does.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn note_submitted(
    txn: &Txn,
    submission: submission::Model,
    keys: &[String],
    (of, accounts): (&registration::Model, &[AccountId]),
) -> Result<Vec<AccountId>, Error> {
    note_after(txn, submission::adding(submission, keys), of, accounts).await
}

async fn note_after<const N: usize>(
    txn: &Txn,
    before: [InsertStatement; N],
    of: &registration::Model,
    accounts: &[AccountId],
) -> Result<Vec<AccountId>, Error> {
    let mut canaries = Query::select();
    canaries
        .expr(Expr::value(txn.ecosystem().as_str()))
        .expr(Expr::value(of.partner.as_str()))
        .column(account::Column::Id)
        .expr(Expr::value(of.id.as_str()))
        .expr(Expr::value(txn.now().micros()))
        .from(account::Entity)
        .and_where(customer::is_canary(txn, accounts));
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([
            Column::Ecosystem,
            Column::Partner,
            Column::Account,
            Column::Registration,
            Column::Time,
        ])
        .select_from(canaries)
        .map_err(|error| DbErr::Custom(error.to_string()))?
        .on_conflict(
            OnConflict::columns([Column::Ecosystem, Column::Partner, Column::Account])
                .do_nothing()
                .to_owned(),
        )
        .returning_col(Column::Account);
    let rows = record::insert_after(&txn.db(), before, insert).await?;
    let mut named = rows
        .iter()
        .map(|row| row.try_get("", "account"))
        .collect::<Result<Vec<AccountId>, DbErr>>()?;
    named.sort_unstable();
    Ok(named)
}
