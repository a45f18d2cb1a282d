//! Registrations that stand at a customer, as far as the line asks about them. A line may be long, and a
//! registration is a wide row: of the others no more is read than decides who comes first.

use std::collections::BTreeSet;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{QueryResult, QuerySelect, QueryTrait, Statement, TryGetable};
use trellis_core::{AccountId, PartnerId, RegistrationId, TerritoryId, Timestamp};

use super::claim::EntityScope;
use super::deal::DealType;
use super::registration::{Column, Entity, Model, Products, State};
use crate::kept::{Asks, Kept};
use crate::record::scoped;
use crate::{Error, View, given};

/// One of them. The fields are those of a [registration](Model).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contender {
    /// Which one.
    pub id: RegistrationId,
    /// Who asks.
    pub partner: PartnerId,
    /// For which customer.
    pub account: AccountId,
    /// For what.
    pub products: Products,
    /// Where; none means everywhere.
    pub territory: Option<TerritoryId>,
    /// What kind of business it is.
    pub deal_type: DealType,
    /// How much of the customer it asks for.
    pub entity_scope: EntityScope,
    /// Which of the customer's sites, if it asks for one.
    pub site: Option<String>,
    /// Whether the partner takes what is free where another has the rest.
    pub accept_partial: bool,
    /// Where it stands.
    pub state: State,
    /// Whether it stands at its customer.
    pub contends: bool,
    /// When it took its place in the line.
    pub submit_time: Option<Timestamp>,
    /// Whether the customer named its partner in a letter.
    pub nominated: bool,
    /// What its proofs counted when it was handed in.
    pub evidence_score: i64,
    /// Whether its partner had won the customer for one of the products when it was handed in.
    pub incumbent: bool,
    /// When its protection ends; at that moment it is over.
    pub protection_end_time: Option<Timestamp>,
    /// By when its partner answers what the staff wanted to know.
    pub info_due_time: Option<Timestamp>,
}

impl From<&Model> for Contender {
    fn from(registration: &Model) -> Self {
        Self {
            id: registration.id.clone(),
            partner: registration.partner.clone(),
            account: registration.account.clone(),
            products: registration.products.clone(),
            territory: registration.territory.clone(),
            deal_type: registration.deal_type,
            entity_scope: registration.entity_scope,
            site: registration.site.clone(),
            accept_partial: registration.accept_partial,
            state: registration.state,
            contends: registration.contends,
            submit_time: registration.submit_time,
            nominated: registration.nominated,
            evidence_score: registration.evidence_score,
            incumbent: registration.incumbent,
            protection_end_time: registration.protection_end_time,
            info_due_time: registration.info_due_time,
        }
    }
}

/// The columns of a contender, in the order in which [`read`] takes them.
const COLUMNS: [Column; 17] = [
    Column::Id,
    Column::Partner,
    Column::Account,
    Column::Products,
    Column::Territory,
    Column::DealType,
    Column::EntityScope,
    Column::Site,
    Column::AcceptPartial,
    Column::State,
    Column::Contends,
    Column::SubmitTime,
    Column::Nominated,
    Column::EvidenceScore,
    Column::Incumbent,
    Column::ProtectionEndTime,
    Column::InfoDueTime,
];

/// The columns of a row, one after the other.
struct Columns<'a> {
    row: &'a QueryResult,
    next: usize,
}

impl Columns<'_> {
    fn next<T: TryGetable>(&mut self) -> Result<T, DbErr> {
        let column = self.row.try_get_by_index(self.next)?;
        self.next += 1;
        Ok(column)
    }
}

/// A row as a contender: by the places of its columns, which costs a fraction of going by their names.
fn read(row: &QueryResult) -> Result<Contender, DbErr> {
    let mut columns = Columns { row, next: 0 };
    Ok(Contender {
        id: columns.next()?,
        partner: columns.next()?,
        account: columns.next()?,
        products: columns.next()?,
        territory: columns.next()?,
        deal_type: columns.next()?,
        entity_scope: columns.next()?,
        site: columns.next()?,
        accept_partial: columns.next()?,
        state: columns.next()?,
        contends: columns.next()?,
        submit_time: columns.next()?,
        nominated: columns.next()?,
        evidence_score: columns.next()?,
        incumbent: columns.next()?,
        protection_end_time: columns.next()?,
        info_due_time: columns.next()?,
    })
}

/// The registrations that stand at some accounts, whatever they are for, in the order in which they were
/// handed in. One statement, and always the same one, whether or not there are any.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn at(
    view: &View,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<Vec<Contender>, Error> {
    static KEPT: Kept = Kept::new();
    let (accounts, nowhere) = (accounts.into_iter().collect(), BTreeSet::new());
    let standing = KEPT.asking(view, &At(&accounts), &At(&nowhere));
    let rows = view.db().query_all_raw(standing).await?;
    let found: Result<Vec<Contender>, DbErr> = rows.iter().map(read).collect();
    let mut found = found?;
    found.sort_by(|one, other| (one.submit_time, &one.id).cmp(&(other.submit_time, &other.id)));
    Ok(found)
}

/// Asks what stands at these accounts.
struct At<'a>(&'a BTreeSet<AccountId>);

impl Asks<2> for At<'_> {
    fn values(&self, view: &View) -> [Value; 2] {
        let accounts = given::list(self.0.iter().map(AccountId::as_str));
        [view.ecosystem().clone().into(), accounts.into()]
    }

    fn statement(&self, view: &View) -> Statement {
        let standing = standing(view, self.0);
        view.db().get_database_backend().build(&standing)
    }
}

pub(super) fn standing(view: &View, accounts: &BTreeSet<AccountId>) -> SelectStatement {
    let standing = scoped::<Entity>(view)
        // The bare column, not `= true`: only so does the partial index answer for it.
        .filter(Expr::col((Entity, Column::Contends)))
        .select_only()
        .columns(COLUMNS)
        .into_query();
    given::of_each(
        view.db().get_database_backend(),
        accounts.iter().map(AccountId::as_str).collect(),
        standing,
        Expr::col((Entity, Column::Account)),
        &COLUMNS.map(|column| column.as_str()),
    )
}
