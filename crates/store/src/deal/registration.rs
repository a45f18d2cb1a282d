//! Registrations: partners' claims to business with customers.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, SelectStatement};
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{
    AccountId, Currency, Date, DealId, EcosystemId, PartnerId, ProgramId, RegistrationId,
    TerritoryId, Timestamp,
};

use super::claim::{EntityScope, GrantedRole, Proofs};
use super::deal::DealType;
use super::identity::Snapshot;
use crate::record::{self, is_one_of, scoped};
use crate::{Error, Txn, View, given};

mod due;
mod line;
mod parts;

pub use due::{due, ticking, unanswered, unresponded};
pub use line::{move_down, move_up, note, update_decided, waiting_about};
pub use parts::{Decision, InfoRequest, Products, Screening, Suspicion, Transfer, Transfers};

/// Where a registration stands. The legal moves are the deal service's.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Being written.
    Draft,
    /// Handed in, and nobody stands in its way.
    Submitted,
    /// Granted.
    Approved,
    /// Refused.
    Rejected,
    /// Handed in, and somebody stands in its way.
    Waitlisted,
    /// Became a deal.
    Converted,
    /// Its protection ended before it became a deal.
    Expired,
    /// Taken back.
    Withdrawn,
    /// The staff want to know more.
    NeedsInfo,
    /// Its protection was taken away.
    Revoked,
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Submitted => "SUBMITTED",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Waitlisted => "WAITLISTED",
            Self::Converted => "CONVERTED",
            Self::Expired => "EXPIRED",
            Self::Withdrawn => "WITHDRAWN",
            Self::NeedsInfo => "NEEDS_INFO",
            Self::Revoked => "REVOKED",
        }
    }
}

/// One registration.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "registrations")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RegistrationId,
    /// What people call the business.
    pub display_name: Option<String>,
    /// Who asks.
    pub partner: PartnerId,
    /// Who drafted it. Empty for rows that are older than this column.
    pub creator: String,
    /// Under which program's rules.
    pub program: ProgramId,
    /// For which customer.
    pub account: AccountId,
    /// For what.
    pub products: Products,
    /// Where; none means everywhere.
    pub territory: Option<TerritoryId>,
    /// What kind of business it is.
    pub deal_type: DealType,
    /// What it is expected to be worth, in minor units of `currency`.
    pub estimated_minor: i64,
    /// The currency of the estimate.
    pub currency: Currency,
    /// When it is expected to close.
    pub expected_close_date: Option<Date>,
    /// What the partner has to say.
    pub note: Option<String>,
    /// What the partner has done so far.
    pub evidence: Option<String>,
    /// How much of the customer it asks for.
    pub entity_scope: EntityScope,
    /// Which of the customer's sites, if it asks for one.
    pub site: Option<String>,
    /// What the partner can prove.
    pub proofs: Proofs,
    /// When the customer published the tender that it is about, if it is about one.
    pub tender_publish_time: Option<Timestamp>,
    /// Whether the partner takes what is free where another has the rest.
    pub accept_partial: bool,
    /// Where it stands.
    pub state: State,
    /// Whether it stands at its customer: handed in and neither refused, taken back nor over. The
    /// end of a protection clears it only when it has been acted upon, so that nobody who waits
    /// is forgotten.
    pub contends: bool,
    /// When it took its place in the line. Of two that overlap, one is strictly earlier.
    pub submit_time: Option<Timestamp>,
    /// Whether the customer named its partner in a letter. Those come first in the line.
    pub nominated: bool,
    /// What its proofs counted when it was handed in. It tells apart who came in one minute.
    pub evidence_score: i64,
    /// Whether its partner had won the customer for one of the products when it was handed in.
    pub incumbent: bool,
    /// When it was handed in by the clock. That tells nothing of anybody else in the line.
    pub receive_time: Option<Timestamp>,
    /// When it is approved by itself, if nothing stands in its way and its partner is not told so at
    /// once.
    pub tick_time: Option<Timestamp>,
    /// The latest decision.
    pub decision: Option<Decision>,
    /// Why a person looks at it.
    pub suspicion: Option<Suspicion>,
    /// What was looked at besides the line.
    pub screening: Option<Screening>,
    /// The account as it stood at the latest decision.
    pub judged: Option<Snapshot>,
    /// Its place among those that wait, beginning with 1.
    pub waitlist_position: Option<i64>,
    /// The part that its partner was granted.
    pub granted_role: Option<GrantedRole>,
    /// When its protection began.
    pub protection_start_time: Option<Timestamp>,
    /// When its protection ends; at that moment it is over.
    pub protection_end_time: Option<Timestamp>,
    /// The deal that it became.
    pub deal: Option<DealId>,
    /// What the staff wanted to know the last time.
    pub info_request: Option<InfoRequest>,
    /// By when its partner answers that; set while it needs to.
    pub info_due_time: Option<Timestamp>,
    /// How often it was handed in again.
    pub resubmission_count: i32,
    /// How often its protection was extended.
    pub extension_count: i32,
    /// By when the vendor is to respond; set while it waits. It follows from what its partner did alone.
    pub response_due_time: Option<Timestamp>,
    /// How many business days of that are left; set while the clock stands still.
    pub response_days_left: Option<i32>,
    /// When it is escalated next; set while it waits for a person.
    pub escalation_time: Option<Timestamp>,
    /// When it is escalated the last time.
    pub final_escalation_time: Option<Timestamp>,
    /// How often it was escalated.
    pub escalation_level: i32,
    /// From whom it was transferred.
    pub transfers: Transfers,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

crate::record!(id: RegistrationId, Id; reach: crate::reach::Reach::PartnerAndCreator(Column::Partner, Column::Creator); {
    "display_name" => DisplayName,
    "partner" => Partner,
    "program" => Program,
    "account" => Account,
    "territory" => Territory,
    "deal_type" => DealType,
    "entity_scope" => EntityScope,
    "state" => State,
    "suspicion" => Suspicion,
    "deal" => Deal,
    "expected_close_date" => ExpectedCloseDate,
    "submit_time" => SubmitTime,
    "receive_time" => ReceiveTime,
    "protection_end_time" => ProtectionEndTime,
    "response_due_time" => ResponseDueTime,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

/// Locks a registration until the transaction ends if it is a draft; nothing if it is none.
///
/// # Errors
/// [`Error::Contended`] when its lock cannot be had in time.
pub async fn lock_draft(txn: &Txn, id: &RegistrationId) -> Result<Option<Model>, Error> {
    let draft = scoped::<Entity>(txn)
        .filter(COLUMN.id.eq(id.clone()))
        .filter(COLUMN.state.eq(State::Draft));
    Ok(record::all(txn, record::for_update(txn, draft))
        .await?
        .pop())
}

/// The registrations of a partner for some accounts that were refused, revoked, or granted once.
pub(super) fn decided_before(
    view: &View,
    partner: &PartnerId,
    accounts: &[AccountId],
) -> SelectStatement {
    let ended = [
        State::Rejected,
        State::Revoked,
        State::Expired,
        State::Approved,
    ];
    let decided = scoped::<Entity>(view)
        .filter(COLUMN.partner.eq(partner.clone()))
        .filter(is_one_of(Column::State, ended));
    let accounts = accounts.iter().map(AccountId::as_str).collect();
    given::records_of_each(view, accounts, decided, Column::Account)
}

/// How many other registrations of a registration's partner stand open in its program: handed in and
/// not refused, revoked, taken back, over or a deal. With a creator, those that they drafted.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn open(view: &View, than: &Model, creator: Option<&str>) -> Result<u64, Error> {
    let granted = COLUMN
        .state
        .eq(State::Approved)
        .and(Column::ProtectionEndTime.gt(view.now()));
    let asked = COLUMN
        .state
        .eq(State::NeedsInfo)
        .and(Column::InfoDueTime.gt(view.now()));
    let waits = COLUMN.state.is_in([State::Submitted, State::Waitlisted]);
    let mut select = scoped::<Entity>(view)
        .filter(COLUMN.partner.eq(than.partner.clone()))
        .filter(COLUMN.program.eq(than.program.clone()))
        .filter(COLUMN.id.ne(than.id.clone()))
        .filter(waits.or(asked).or(granted));
    if let Some(creator) = creator {
        select = select.filter(COLUMN.creator.eq(creator));
    }
    Ok(select.count(&view.db()).await?)
}

/// Puts the registrations of an account, or some of them, at another account; answers which. Their versions
/// count it: what they name has changed.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn readdress(
    txn: &Txn,
    from: &AccountId,
    to: &AccountId,
    only: Option<&[RegistrationId]>,
) -> Result<Vec<RegistrationId>, Error> {
    let mut select = scoped::<Entity>(txn).filter(COLUMN.account.eq(from.clone()));
    if let Some(only) = only {
        select = select.filter(COLUMN.id.is_in(only.iter().cloned()));
    }
    let select = select.order_by_asc(Column::Id);
    let found = record::for_update(txn, select).all(&txn.db()).await?;
    let ids: Vec<RegistrationId> = found.into_iter().map(|one| one.id).collect();
    for some in ids.chunks(READDRESSED) {
        Entity::update_many()
            .col_expr(Column::Account, Expr::value(to.as_str()))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1_i64))
            .col_expr(Column::UpdateTime, Expr::value(txn.now()))
            .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
            .filter(COLUMN.id.is_in(some.iter().cloned()))
            .exec(&txn.db())
            .await?;
    }
    Ok(ids)
}

/// Registrations of one statement; SQLite binds at most 32,766 values.
const READDRESSED: usize = 10_000;
