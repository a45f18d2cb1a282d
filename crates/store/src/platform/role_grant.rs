//! Role grants: what principals may be.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use trellis_core::access::Grant;
use trellis_core::lifecycle::Named;
use trellis_core::{Actor, Currency, EcosystemId, Money, PartnerId, Role, RoleGrantId, Timestamp};

use crate::reach::Reach;
use crate::record::scoped;
use crate::{Error, Txn, View};

/// One role of one principal.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "role_grants")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RoleGrantId,
    /// Who has it.
    pub principal: Actor,
    /// The role, by its name.
    pub role: String,
    /// The partner that it is for.
    pub partner: Option<PartnerId>,
    /// The most that may be approved by it, in minor units of `limit_currency`.
    pub limit_minor: Option<i64>,
    /// The currency of the limit.
    pub limit_currency: Option<Currency>,
    /// Who granted it.
    pub creator: Actor,
    /// Counts the changes.
    pub version: i64,
    /// When it was granted.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

crate::record!(id: RoleGrantId, Id; reach: Reach::Partner(Column::Partner); {
    "principal" => Principal,
    "role" => Role,
    "partner" => Partner,
    "create_time" => CreateTime,
});

impl Model {
    /// The grant as rules know it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the row names a role that no version of Trellis has.
    pub fn grant(&self) -> Result<Grant, Error> {
        let role = Role::try_new(&self.role).map_err(|unknown| Error::Corrupt {
            table: "role_grants",
            what: format!("the role {}: {unknown}", self.role),
        })?;
        let limit = self.limit_minor.zip(self.limit_currency);
        Ok(Grant {
            role,
            partner: self.partner.clone(),
            approval_limit: limit.map(|(minor, currency)| Money { minor, currency }),
        })
    }

    /// A row for a grant that somebody makes now.
    #[must_use]
    pub fn fresh(txn: &Txn, principal: Actor, grant: Grant) -> Self {
        let now = txn.now();
        let Grant {
            role,
            partner,
            approval_limit,
        } = grant;
        Self {
            ecosystem: txn.ecosystem().clone(),
            id: RoleGrantId::generate(now),
            principal,
            role: role.name().to_owned(),
            partner,
            limit_minor: approval_limit.map(|limit| limit.minor),
            limit_currency: approval_limit.map(|limit| limit.currency),
            creator: txn.actor().clone(),
            version: 1,
            create_time: now,
            update_time: now,
        }
    }
}

/// The roles that a principal has here, in the order of the roles and of their partners.
///
/// # Errors
/// [`Error::Corrupt`] when a row names a role that no version of Trellis has; [`Error::Driver`] and
/// its kin.
pub async fn of_principal(view: &View, principal: &Actor) -> Result<Vec<Grant>, Error> {
    let rows = scoped::<Entity>(view)
        .filter(COLUMN.principal.eq(principal.clone()))
        .all(&view.db())
        .await?;
    let grants = rows.iter().map(Model::grant);
    let mut grants = grants.collect::<Result<Vec<_>, _>>()?;
    grants.sort_by(|one, other| (one.role, &one.partner).cmp(&(other.role, &other.partner)));
    Ok(grants)
}

/// Takes a role away.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn delete(txn: &Txn, id: &RoleGrantId) -> Result<(), Error> {
    Entity::delete_many()
        .filter(Expr::col(Column::Ecosystem).eq(txn.ecosystem().as_str()))
        .filter(COLUMN.id.eq(id.clone()))
        .exec(&txn.db())
        .await?;
    Ok(())
}
