//! What registrations ask about besides the line that they stand in: what the vendor keeps to itself,
//! the deals at a customer, and what the partner has asked for before.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, SelectStatement};
use trellis_core::{AccountId, ProductId, Timestamp};

use super::deal::{COLUMN, Column, Entity, Model, Stage};
use super::{house_account, product, registration, submission};
use crate::bundle::{Bundle, Part};
use crate::record::{is_one_of, scoped};
use crate::{Error, View, given};

/// What surrounds a registration, each in the order of the ids.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// What the vendor keeps to itself at the accounts.
    pub houses: Vec<house_account::Model>,
    /// The vendor's own open deals there, which no partner sourced.
    pub direct: Vec<Model>,
    /// The deals there that partners won and whose customer is still one.
    pub won: Vec<Model>,
    /// The products that are asked for.
    pub products: Vec<product::Model>,
    /// The partner's registrations for the customer that were refused, revoked, or granted once.
    pub before: Vec<registration::Model>,
    /// What the partner's submissions tell.
    pub submissions: submission::History,
}

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The accounts of the customer.
    pub customer: &'a [AccountId],
    /// Those, and the ones that may be the customer's.
    pub accounts: &'a [AccountId],
    /// The products.
    pub products: &'a [ProductId],
    /// From when on the vendor's own deals count that were changed.
    pub changed_since: Timestamp,
    /// From when on deals count that were won.
    pub won_since: Timestamp,
    /// Who asks, with what.
    pub submissions: submission::Asked<'a>,
}

/// The reads of what surrounds a registration.
struct Reads {
    houses: Part<house_account::Entity>,
    deals: Part<Entity>,
    products: Part<product::Entity>,
    before: Part<registration::Entity>,
    submissions: submission::Reads,
}

fn reads(bundle: &mut Bundle, view: &View, asked: &Asked<'_>) -> Reads {
    let partner = asked.submissions.partner;
    Reads {
        houses: bundle.records(house_account::at(view, asked.accounts)),
        deals: bundle.records(deals(view, asked)),
        products: bundle.records(products(view, asked)),
        before: bundle.records(registration::decided_before(view, partner, asked.customer)),
        submissions: submission::history(bundle, view, &asked.submissions),
    }
}

/// Reads what surrounds a registration. One statement, and always the same one: what it takes must not
/// tell of how many accounts a customer has, and so of whether somebody else named it too.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of(view: &View, asked: &Asked<'_>) -> Result<Surroundings, Error> {
    let mut bundle = Bundle::default();
    let reads = reads(&mut bundle, view, asked);
    let mut found = bundle.read(view).await?;
    let mut deals = found.records(&reads.deals)?;
    deals.sort_by(|one, other| one.id.cmp(&other.id));
    let (direct, won) = deals.into_iter().partition(|deal| deal.partner.is_none());
    let mut houses = found.records(&reads.houses)?;
    houses.sort_by(|one, other| one.id.cmp(&other.id));
    let mut products = found.records(&reads.products)?;
    products.sort_by(|one, other| one.id.cmp(&other.id));
    let mut before = found.records(&reads.before)?;
    before.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(Surroundings {
        houses,
        direct,
        won,
        products,
        before,
        submissions: reads.submissions.take(&mut found)?,
    })
}

fn products(view: &View, asked: &Asked<'_>) -> SelectStatement {
    let products = asked.products.iter().map(ProductId::as_str).collect();
    let any = scoped::<product::Entity>(view);
    given::records_of_each(view, products, any, product::Column::Id)
}

/// The vendor's own open deals that were changed, and the partners' that were won, since a moment each.
fn deals(view: &View, asked: &Asked<'_>) -> SelectStatement {
    let direct = COLUMN
        .partner
        .is_null()
        .and(is_one_of(Column::Stage, [Stage::Won, Stage::Lost]).not())
        .and(Column::UpdateTime.gte(asked.changed_since));
    let won = COLUMN
        .partner
        .is_not_null()
        .and(is_one_of(Column::Stage, [Stage::Won]))
        .and(Column::ChurnDate.is_null())
        .and(Column::WonTime.gte(asked.won_since));
    let deals = scoped::<Entity>(view).filter(direct.or(won));
    let accounts = asked.accounts.iter().map(AccountId::as_str).collect();
    given::records_of_each(view, accounts, deals, Column::Account)
}

#[cfg(test)]
mod tests;
