//! Whether what a registration or a deal names exists, and what stands for it: one statement, whatever
//! it names.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{SelectStatement, SimpleExpr, UnionType};
use sea_orm::{ConnectionTrait, QuerySelect, QueryTrait};
use trellis_core::{AccountId, PartnerId, ProductId, ProgramId, TerritoryId};

use super::{account, product, territory};
use crate::partner::partner;
use crate::program::program;
use crate::record::{Record, scoped};
use crate::{Error, View};

/// What is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Partners.
    pub partners: BTreeSet<PartnerId>,
    /// Programs.
    pub programs: BTreeSet<ProgramId>,
    /// Accounts.
    pub accounts: BTreeSet<AccountId>,
    /// Products.
    pub products: BTreeSet<ProductId>,
    /// Territories.
    pub territories: BTreeSet<TerritoryId>,
}

/// Something that is named and does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A partner.
    Partner(PartnerId),
    /// A program.
    Program(ProgramId),
    /// An account.
    Account(AccountId),
    /// A product.
    Product(ProductId),
    /// A territory.
    Territory(TerritoryId),
}

/// What became of that which is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What does not exist, in the order of [`References`].
    pub missing: Vec<Missing>,
    /// Accounts that were merged, with those that they were merged into.
    pub merged: BTreeMap<AccountId, AccountId>,
}

/// Looks up everything that is named.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn look_up(view: &View, named: &References) -> Result<Found, Error> {
    let none = || Expr::cust("CAST(NULL AS TEXT)");
    let parts: Vec<SelectStatement> = [
        among::<partner::Entity>(view, "partner", &named.partners, none()),
        among::<program::Entity>(view, "program", &named.programs, none()),
        among::<account::Entity>(view, "account", &named.accounts, merged_into()),
        among::<product::Entity>(view, "product", &named.products, none()),
        among::<territory::Entity>(view, "territory", &named.territories, none()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let Some(select) = parts.into_iter().reduce(|mut all, part| {
        all.union(UnionType::All, part);
        all
    }) else {
        return Ok(Found::default());
    };
    let mut merged = BTreeMap::new();
    let mut found: BTreeSet<(String, String)> = BTreeSet::new();
    for row in view.db().query_all(&select).await? {
        let id: String = row.try_get("", "id")?;
        let stands: Option<String> = row.try_get("", "stands")?;
        if let Some(stands) = stands
            && let (Ok(id), Ok(stands)) = (AccountId::try_new(&id), AccountId::try_new(&stands))
        {
            merged.insert(id, stands);
        }
        found.insert((row.try_get("", "kind")?, id));
    }
    let lacks = |kind: &str, id: &str| !found.contains(&(kind.to_owned(), id.to_owned()));
    let References {
        partners,
        programs,
        accounts,
        products,
        territories,
    } = named;
    let partners = partners.iter().filter(|id| lacks("partner", id.as_str()));
    let programs = programs.iter().filter(|id| lacks("program", id.as_str()));
    let accounts = accounts.iter().filter(|id| lacks("account", id.as_str()));
    let products = products.iter().filter(|id| lacks("product", id.as_str()));
    let territories = territories
        .iter()
        .filter(|id| lacks("territory", id.as_str()));
    let missing = partners
        .map(|id| Missing::Partner(id.clone()))
        .chain(programs.map(|id| Missing::Program(id.clone())))
        .chain(accounts.map(|id| Missing::Account(id.clone())))
        .chain(products.map(|id| Missing::Product(id.clone())))
        .chain(territories.map(|id| Missing::Territory(id.clone())))
        .collect();
    Ok(Found { missing, merged })
}

fn merged_into() -> SimpleExpr {
    Expr::col((account::Entity, account::Column::MergedInto))
}

/// The ids of one table that are among those named, beside the name of their kind and what stands for
/// them.
fn among<E: Record>(
    view: &View,
    kind: &'static str,
    ids: &BTreeSet<E::Id>,
    stands: SimpleExpr,
) -> Option<SelectStatement> {
    if ids.is_empty() {
        return None;
    }
    let select = scoped::<E>(view)
        .filter(E::ID.is_in(ids.iter().cloned()))
        .select_only()
        .expr_as(Expr::value(kind), "kind")
        .column_as(E::ID, "id")
        .column_as(stands, "stands");
    Some(select.into_query())
}
