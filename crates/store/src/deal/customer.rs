//! What is read to tell which accounts are one customer, and what stands at a customer.
//!
//! Accounts that have a key in common may be the same customer; whether they are is a rule of the deal
//! service, which reads what it needs from here. Whoever decides about claims holds the locks of the
//! keys, and so does whoever changes what an account is recognised by.

use std::collections::BTreeSet;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, ExprTrait, Func, Query, SelectStatement, SimpleExpr, UnionType};
use sea_orm::{DatabaseBackend, Iterable, QueryResult, QuerySelect, QueryTrait, Statement};
use trellis_core::AccountId;

use super::{account, account_key};
use crate::kept::{Asks, Kept};
use crate::record::{self, scoped};
use crate::{Error, View, given};

/// An account with its keys, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The account.
    pub account: account::Model,
    /// Its keys, without [its own](account::own_key).
    pub keys: Vec<String>,
}

/// Reads some accounts, each with its keys, in the order of their ids. One statement.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn keyed(view: &View, accounts: &BTreeSet<AccountId>) -> Result<Vec<Keyed>, Error> {
    let asked = account::Column::Id.is_in(accounts.iter().cloned());
    let accounts = scoped::<account::Entity>(view).filter(asked).into_query();
    let accounts = Query::select().from_subquery(accounts, ACCOUNTS).take();
    let db = view.db();
    let accounts = with_keys(accounts, db.get_database_backend());
    sorted(&db.query_all(&accounts).await?)
}

/// Reads the accounts that have one of these keys, and some others, each with all of its keys, in the order
/// of their ids. One statement.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn sharing(
    view: &View,
    keys: &BTreeSet<String>,
    and: &BTreeSet<AccountId>,
) -> Result<Vec<Keyed>, Error> {
    static KEPT: Kept = Kept::new();
    let others = (BTreeSet::from(["key".to_owned()]), BTreeSet::new());
    let others = Sharing {
        keys: &others.0,
        and: &others.1,
    };
    let statement = KEPT.asking(view, &Sharing { keys, and }, &others);
    let rows = view.db().query_all_raw(statement).await?;
    if let [alone] = &rows[..] {
        // Nobody asks for it; but an account that shares no key takes as long as one that does, or a
        // stopwatch would tell whether somebody else named the customer.
        std::hint::black_box(keyed_of(alone)?);
    }
    sorted(&rows)
}

/// Asks for the accounts that have one of these keys, and for some others.
struct Sharing<'a> {
    keys: &'a BTreeSet<String>,
    and: &'a BTreeSet<AccountId>,
}

impl Asks<3> for Sharing<'_> {
    fn values(&self, view: &View) -> [Value; 3] {
        [
            view.ecosystem().clone().into(),
            given::list(self.keys.iter().map(String::as_str)).into(),
            given::list(self.and.iter().map(AccountId::as_str)).into(),
        ]
    }

    fn statement(&self, view: &View) -> Statement {
        let backend = view.db().get_database_backend();
        let holding = account_key::Entity::find()
            .filter(account_key::Column::Ecosystem.eq(view.ecosystem().clone()))
            .select_only()
            .column(account_key::Column::Account)
            .into_query();
        let key = Expr::col((account_key::Entity, account_key::Column::Key));
        let keys = self.keys.iter().map(String::as_str).collect();
        let mut ids = given::of_each(backend, keys, holding, key, &["account"]);
        // One set of ids: of one set or another no index is used, but every account looked at.
        let and = self.and.iter().map(AccountId::as_str).collect();
        ids.union(UnionType::Distinct, given::select(backend, and));
        let accounts = scoped::<account::Entity>(view).into_query();
        let id = Expr::col((account::Entity, account::Column::Id));
        let accounts = given::from_each_found(backend, accounts, ACCOUNTS, id, (ids, "account"));
        backend.build(&with_keys(accounts, backend))
    }
}

/// Accounts that are selected from as [`ACCOUNTS`], each with its keys.
fn with_keys(mut accounts: SelectStatement, backend: DatabaseBackend) -> SelectStatement {
    let together = match backend {
        DatabaseBackend::Postgres => "json_agg",
        _ => "json_group_array",
    };
    let account = |column: account::Column| Expr::col((Alias::new(ACCOUNTS), column));
    let key = |column: account_key::Column| Expr::col((account_key::Entity, column));
    let keys = Query::select()
        .expr(
            Func::cust(together)
                .arg(key(account_key::Column::Key))
                .cast_as("text"),
        )
        .from(account_key::Entity)
        .and_where(key(account_key::Column::Ecosystem).eq(account(account::Column::Ecosystem)))
        .and_where(key(account_key::Column::Account).eq(account(account::Column::Id)))
        .take();
    accounts
        .exprs(account::Column::iter().map(account))
        .expr_as(SimpleExpr::from(keys), KEYS)
        .take()
}

/// The accounts of these rows, each with its keys, in the order of their ids.
fn sorted(rows: &[QueryResult]) -> Result<Vec<Keyed>, Error> {
    let found: Result<Vec<Keyed>, Error> = rows.iter().map(keyed_of).collect();
    let mut found = found?;
    found.sort_unstable_by(|one, other| one.account.id.cmp(&other.account.id));
    Ok(found)
}

fn keyed_of(row: &QueryResult) -> Result<Keyed, Error> {
    let keys: Option<String> = row.try_get("", KEYS)?;
    // None where PostgreSQL finds none.
    let keys = keys.as_deref().unwrap_or("[]");
    let mut keys: Vec<String> = serde_json::from_str(keys).map_err(|error| Error::Corrupt {
        table: "account_keys",
        what: error.to_string(),
    })?;
    // Databases sort by their own rules.
    keys.sort_unstable();
    Ok(Keyed {
        account: record::model_of::<account::Entity>(row)?,
        keys,
    })
}

/// What the accounts are called that are selected from.
const ACCOUNTS: &str = "accounts";

/// What the keys of an account are called beside its columns.
const KEYS: &str = "keys";

/// Whether an account is a canary and one of these.
pub(super) fn is_canary(view: &View, accounts: &[AccountId]) -> SimpleExpr {
    let backend = view.db().get_database_backend();
    let id = Expr::col((account::Entity, account::Column::Id));
    let accounts = given::select(backend, accounts.iter().map(AccountId::as_str).collect());
    account::COLUMN
        .ecosystem
        .eq(view.ecosystem().clone())
        // The bare column, for the partial index.
        .and(Expr::col((account::Entity, account::Column::Canary)))
        .and(given::is_found(backend, id, accounts))
}
