//! What registrations ask about besides the line that they stand in: what the vendor keeps to itself,
//! the deals at a customer, and what the partner has asked for before.

use sea_orm::Statement;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, SelectStatement};
use trellis_core::{AccountId, PartnerId, ProductId, Timestamp};

use super::deal::{COLUMN, Column, Entity, Model, Stage};
use super::{house_account, product, registration, submission};
use crate::bundle::{Bundle, Part};
use crate::kept::{Asks, Kept};
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

fn reads<'a>(bundle: &mut Bundle<'a>, view: &'a View, asked: &'a Asked<'_>) -> Reads {
    let partner = asked.submissions.partner;
    Reads {
        houses: bundle.records(move || house_account::at(view, asked.accounts)),
        deals: bundle.records(move || deals(view, asked)),
        products: bundle.records(move || products(view, asked)),
        before: bundle.records(move || registration::decided_before(view, partner, asked.customer)),
        submissions: submission::history(bundle, view, &asked.submissions),
    }
}

/// Reads what surrounds a registration. One statement, and always the same one: what it takes must not
/// tell of how many accounts a customer has, and so of whether somebody else named it too.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of(view: &View, asked: &Asked<'_>) -> Result<Surroundings, Error> {
    let (reads, found) = {
        let mut bundle = Bundle::default();
        let reads = reads(&mut bundle, view, asked);
        (reads, bundle.found(view.db().get_database_backend()))
    };
    let mut found = found.read(view, statement(view, asked)).await?;
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

/// The statement that asks about what surrounds a registration.
fn statement(view: &View, asked: &Asked<'_>) -> Statement {
    static KEPT: [Kept; 2] = [Kept::new(), Kept::new()];
    let [without_spent, with_spent] = &KEPT;
    let kept = match asked.submissions.spent {
        true => with_spent,
        false => without_spent,
    };
    let [customer, account] = [(); 2].map(|()| AccountId::generate(view.now()));
    let others = Asked {
        customer: &[customer],
        accounts: &[account],
        products: &[ProductId::generate(view.now())],
        changed_since: Timestamp::from_micros(-1),
        won_since: Timestamp::from_micros(-2),
        submissions: submission::Asked {
            partner: &PartnerId::generate(view.now()),
            keys: &["key".to_owned()],
            since: Timestamp::from_micros(-3),
            spent: asked.submissions.spent,
            last: u64::MAX,
        },
    };
    kept.asking(view, asked, &others)
}

impl Asks<10> for Asked<'_> {
    fn values(&self, view: &View) -> [Value; 10] {
        let submissions = &self.submissions;
        [
            view.ecosystem().clone().into(),
            given::list(self.customer.iter().map(AccountId::as_str)).into(),
            given::list(self.accounts.iter().map(AccountId::as_str)).into(),
            given::list(self.products.iter().map(ProductId::as_str)).into(),
            self.changed_since.into(),
            self.won_since.into(),
            submissions.partner.clone().into(),
            given::list(submissions.keys.iter().map(String::as_str)).into(),
            submissions.since.into(),
            submissions.last.into(),
        ]
    }

    fn statement(&self, view: &View) -> Statement {
        let mut bundle = Bundle::default();
        reads(&mut bundle, view, self);
        bundle.statement(view.db().get_database_backend())
    }
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
