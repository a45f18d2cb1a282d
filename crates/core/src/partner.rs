//! What kind of organisation a partner is.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// What kind of partner an organisation is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PartnerType {
    /// Sells to end customers.
    Reseller,
    /// Sells to resellers.
    Distributor,
    /// Brings a product.
    Technology,
    /// Runs infrastructure.
    CloudProvider,
    /// Builds solutions.
    SystemIntegrator,
    /// Advises.
    Consultant,
    /// Brings customers.
    Referral,
    /// Delivers goods.
    Supplier,
    /// Runs the product as a service.
    ManagedServiceProvider,
}

impl PartnerType {
    /// Its name, such as `RESELLER`.
    #[must_use]
    pub fn name(self) -> String {
        self.to_value()
    }
}
