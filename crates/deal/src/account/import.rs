//! Brings accounts from another system. One message of rows is one transaction; a row is found
//! again by its external id, and a rejected one changes nothing and stops nothing.
//!
//! A parent may come after its children. Within a message parents are taken first, in whatever
//! order the rows stand. A parent that is nowhere yet is waited for: the child keeps its external
//! id, and whoever comes with that id, by a later message, another import or a call, gets the child
//! below it.

use std::collections::{BTreeSet, HashMap, HashSet};

use trellis_api::deal::v1 as pb;
use trellis_api::import::{Outcome, Row};
use trellis_api::{Fields, name};
use trellis_core::{AccountId, Call, PartnerId, Violation, Written};
use trellis_store::deal::account::{self, Entity, Model, State};
use trellis_store::deal::account_key;
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner;
use trellis_store::{Store, Txn, lock, record};

use super::accounts::{Edit, PARENT_ARRIVED, apply, below, canary, fresh, regroup, rewrite};
use super::convert::whole;
use super::{ancestry, identity};
use crate::edit::some;
use crate::error::overtaken;
use crate::{Error, hierarchy};

/// An account as it stands elsewhere.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Its fields, all of them set.
    edit: Edit,
    /// The account that it belongs to, by its id there.
    parent: Option<String>,
}

/// Reads each row of a message for itself.
pub(super) fn rows(
    request: pb::ImportAccountsRequest,
    fields: &mut Fields,
) -> Option<Vec<Row<Imported>>> {
    let rows = request.rows.into_iter().map(|row| {
        let account = row.account.as_ref();
        let external_id = account.map(|account| account.external_id.clone());
        let external_id = external_id.unwrap_or_default();
        Row::read(fields, row.row_number, external_id, row, imported)
    });
    Some(rows.collect())
}

fn imported(row: pb::ImportAccountRow, fields: &mut Fields) -> Option<Imported> {
    let account = row.account?;
    let parent = some(row.parent_external_id);
    if account.external_id.is_empty() {
        fields.refuse(
            "account.external_id",
            "required",
            "is what finds the row again",
        );
    }
    if parent.is_some() && !account.parent_account.is_empty() {
        fields.refuse(
            "parent_external_id",
            "exclusive",
            "must be empty beside account.parent_account",
        );
    }
    let mut edit = whole(account, fields)?;
    // Another system seldom knows who brought a customer; a row that does not say so takes it from
    // nobody.
    edit.partner = edit.partner.filter(Option::is_some);
    // Nor does it know of canaries, of who took whom over, or of records in a third system.
    edit.canary = edit.canary.filter(|canary| *canary);
    edit.successor_account = edit.successor_account.filter(Option::is_some);
    edit.identifiers = edit.identifiers.filter(|given| !given.is_empty());
    edit.aliases = edit.aliases.filter(|given| !given.is_empty());
    edit.crm_records = edit.crm_records.filter(|given| !given.is_empty());
    Some(Imported { edit, parent })
}

/// Imports one message of rows.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when the ecosystem does not exist. What is wrong with a row is its outcome.
pub async fn accounts(
    store: &Store,
    call: Call,
    rows: Vec<Row<Imported>>,
) -> Result<Written<pb::ImportAccountsResponse>, Error> {
    store
        .write(call, rows, |txn, rows| async move {
            lock::keys(&txn, &[account::LINKS]).await?;
            let mut import = Import::begin(&txn, &rows).await?;
            let links: Vec<(String, Option<String>)> = rows.iter().map(link).collect();
            let mut outcomes = vec![None; rows.len()];
            let mut rows: Vec<_> = rows.into_iter().map(Some).collect();
            for at in hierarchy::parents_first(&links) {
                let (Some(row), Some(place)) = (
                    rows.get_mut(at).and_then(Option::take),
                    outcomes.get_mut(at),
                ) else {
                    continue;
                };
                let outcome = match row.command {
                    Ok(imported) => import.row(&txn, &row.external_id, imported).await?,
                    Err(violations) => Outcome::Rejected(violations),
                };
                *place = Some(outcome.wire(row.row_number, row.external_id));
            }
            import.finish(&txn).await?;
            let outcomes = outcomes.into_iter().flatten().collect();
            Ok(pb::ImportAccountsResponse { outcomes })
        })
        .await
}

/// A row's external id and its parent's.
fn link(row: &Row<Imported>) -> (String, Option<String>) {
    let imported = row.command.as_ref().ok();
    let parent = imported.and_then(|imported| imported.parent.clone());
    (row.external_id.clone(), parent)
}

/// What one message has found and made so far.
struct Import {
    known: HashMap<AccountId, Model>,
    /// By external id. That of an account which was merged leads to the one that it was merged into.
    by_external_id: HashMap<String, AccountId>,
    /// The external ids of those that were merged.
    merged: HashSet<String>,
    /// Those of the partners that the rows name which exist.
    partners: HashSet<PartnerId>,
    /// Who has ever waited for which external id; [`Import::waiting`] says who still does.
    waiting: HashMap<String, Vec<AccountId>>,
    /// Those that this message makes; their rows are written at its end.
    made: Vec<AccountId>,
    /// Those that it changes.
    changed: BTreeSet<AccountId>,
}

impl Import {
    /// Looks up everything that the rows name, together.
    async fn begin(txn: &Txn, rows: &[Row<Imported>]) -> Result<Self, Error> {
        let wanted = || rows.iter().filter_map(|row| row.command.as_ref().ok());
        let own = || rows.iter().map(|row| row.external_id.clone());
        let parents = wanted().filter_map(|row| row.parent.clone());
        let mut found = account::lock_by_external_ids(txn, own().chain(parents)).await?;
        let mut ids = BTreeSet::new();
        for row in wanted() {
            ids.extend(row.edit.parent_account.clone().flatten());
            ids.extend(row.edit.successor_account.clone().flatten());
        }
        found.extend(record::find_many::<Entity>(txn, ids).await?);
        found.extend(account::lock_waiting(txn, own()).await?);
        let stand_for: BTreeSet<AccountId> = found
            .iter()
            .filter_map(|account| account.merged_into.clone())
            .collect();
        if !stand_for.is_empty() {
            found.extend(record::lock_many::<Entity>(txn, stand_for).await?);
        }
        let named = wanted().filter_map(|row| row.edit.partner.clone()?);
        let partners = record::find_many::<partner::Entity>(txn, named).await?;
        let mut import = Self {
            partners: partners.into_iter().map(|partner| partner.id).collect(),
            known: HashMap::with_capacity(found.len() + rows.len()),
            by_external_id: HashMap::with_capacity(found.len() + rows.len()),
            merged: HashSet::new(),
            waiting: HashMap::new(),
            made: Vec::new(),
            changed: BTreeSet::new(),
        };
        for account in found {
            import.keep(account);
        }
        Ok(import)
    }

    fn keep(&mut self, account: Model) {
        if let Some(external_id) = &account.external_id {
            if account.state == State::Merged {
                self.merged.insert(external_id.clone());
            }
            let stands = account.merged_into.as_ref().unwrap_or(&account.id);
            self.by_external_id
                .insert(external_id.clone(), stands.clone());
        }
        if let Some(awaited) = &account.pending_parent_external_id {
            let waiting = self.waiting.entry(awaited.clone()).or_default();
            // One may be found twice: as the parent of a row, and as one that waits for another.
            if !waiting.contains(&account.id) {
                waiting.push(account.id.clone());
            }
        }
        self.known.insert(account.id.clone(), account);
    }

    async fn row(
        &mut self,
        txn: &Txn,
        external_id: &str,
        imported: Imported,
    ) -> Result<Outcome, Error> {
        let (edit, pending) = match self.resolved(imported) {
            Ok(resolved) => resolved,
            Err(violation) => return Ok(Outcome::Rejected(vec![violation])),
        };
        let before = self.by_external_id.get(external_id);
        if let Some(stands) = before.filter(|_| self.merged.contains(external_id)) {
            return Ok(Outcome::Unchanged(name(txn.ecosystem(), stands)));
        }
        let before = before.and_then(|id| self.known.get(id)).cloned();
        let mut after = match &before {
            Some(before) => {
                let mut after = before.clone();
                apply(&mut after, edit);
                identity::keep_verified(&before.identifiers, &mut after.identifiers);
                after
            }
            None => fresh(txn, AccountId::generate(txn.now()), edit),
        };
        after.pending_parent_external_id = pending;
        if let Some(violation) = canary(&after) {
            return Ok(Outcome::Rejected(vec![violation]));
        }
        let resource = name(txn.ecosystem(), &after.id);
        if before.as_ref() == Some(&after) {
            return Ok(Outcome::Unchanged(resource));
        }
        if let Some(violation) = self.closes_circle(txn, before.as_ref(), &after).await? {
            return Ok(Outcome::Rejected(vec![violation]));
        }
        match before {
            Some(before) => self.change(txn, &before, after, None).await?,
            None => return self.make(txn, external_id, after).await,
        }
        Ok(Outcome::Updated(resource))
    }

    /// The edit of a row with the parent that it names, however it names it, or the external id of
    /// a parent that has not come yet.
    fn resolved(
        &self,
        Imported { mut edit, parent }: Imported,
    ) -> Result<(Edit, Option<String>), Violation> {
        if let Some(Some(partner)) = &edit.partner
            && !self.partners.contains(partner)
        {
            let field = "account.partner";
            return Err(Violation::new(field, "reference", "does not exist"));
        }
        if let Some(external_id) = parent {
            let Some(id) = self.by_external_id.get(&external_id).cloned() else {
                return Ok((edit, Some(external_id)));
            };
            edit.parent_account = Some(Some(id));
        }
        if let Some(Some(id)) = &edit.parent_account {
            let parent = self.known.get(id);
            if parent.is_none_or(|parent| parent.state == State::Merged) {
                let field = "account.parent_account";
                return Err(Violation::new(field, "reference", "does not exist"));
            }
        }
        if let Some(Some(id)) = &edit.successor_account
            && !self.known.contains_key(id)
        {
            let field = "account.successor_account";
            return Err(Violation::new(field, "reference", "does not exist"));
        }
        Ok((edit, None))
    }

    /// Whether an account would belong to itself.
    async fn closes_circle(
        &self,
        txn: &Txn,
        before: Option<&Model>,
        after: &Model,
    ) -> Result<Option<Violation>, Error> {
        let stays = before.is_some_and(|before| {
            before.parent_account == after.parent_account
                && before.pending_parent_external_id == after.pending_parent_external_id
        });
        if stays {
            return Ok(None);
        }
        let chain = match &after.parent_account {
            Some(parent) => account::chain_over(txn, parent, &self.known).await?,
            None => Vec::new(),
        };
        let Some(circle) = ancestry::circle(after, &chain) else {
            return Ok(None);
        };
        // By external ids, as the rows name each other: a new account has no name yet.
        let shown = |id: &AccountId| {
            let mut along = chain.iter().chain([after]);
            let account = along.find(|account| account.id == *id);
            let external_id = account.and_then(|account| account.external_id.clone());
            external_id.unwrap_or_else(|| name(txn.ecosystem(), id))
        };
        let circle: Vec<String> = circle.iter().map(shown).collect();
        let description = format!("would close a circle: {}", circle.join(" in "));
        Ok(Some(Violation::new(
            "account.parent_account",
            "cycle",
            description,
        )))
    }

    /// Makes an account, and puts below it those that have waited for it.
    async fn make(
        &mut self,
        txn: &Txn,
        external_id: &str,
        account: Model,
    ) -> Result<Outcome, Error> {
        let resource = name(txn.ecosystem(), &account.id);
        event::append(
            txn,
            NewEvent::new("account.created", &resource)
                .because("IMPORTED")
                .for_partner(account.partner.as_ref()),
        );
        self.made.push(account.id.clone());
        self.keep(account.clone());
        for child in self.waiting(external_id) {
            let adopted = below(&account, child.clone());
            self.change(txn, &child, adopted, Some(PARENT_ARRIVED))
                .await?;
        }
        Ok(Outcome::Created(resource))
    }

    /// Those who still wait for an external id.
    fn waiting(&mut self, external_id: &str) -> Vec<Model> {
        let ids = self.waiting.remove(external_id).unwrap_or_default();
        ids.iter()
            .filter_map(|id| self.known.get(id))
            .filter(|account| account.pending_parent_external_id.as_deref() == Some(external_id))
            .cloned()
            .collect()
    }

    /// Changes an account; one that this message makes only in what is yet to be written.
    async fn change(
        &mut self,
        txn: &Txn,
        before: &Model,
        mut after: Model,
        reason: Option<&'static str>,
    ) -> Result<(), Error> {
        let resource = name(txn.ecosystem(), &after.id);
        // Where it stands in the end is known when the message has been read.
        after.ultimate_parent.clone_from(&before.ultimate_parent);
        if !self.made.contains(&after.id) {
            after = rewrite(txn, before, after).await.map_err(overtaken)?;
            self.changed.insert(after.id.clone());
        }
        let event = NewEvent::new("account.updated", resource).for_partner(after.partner.as_ref());
        self.keep(after);
        event::append(txn, event.because(reason.unwrap_or("IMPORTED")));
        Ok(())
    }

    /// Writes what this message makes, and puts everybody below the top that they have now: parents may
    /// have come in any order.
    async fn finish(mut self, txn: &Txn) -> Result<(), Error> {
        let mut made: Vec<Model> = Vec::with_capacity(self.made.len());
        for id in &self.made {
            if let Some(account) = self.known.get(id).cloned() {
                let ultimate_parent = self.top(txn, &account).await?;
                made.push(Model {
                    ultimate_parent,
                    ..account
                });
            }
        }
        let keys: Vec<(AccountId, String)> = made
            .iter()
            .flat_map(|account| {
                identity::keys(account)
                    .into_iter()
                    .map(|key| (account.id.clone(), key))
            })
            .collect();
        record::insert_many::<Entity>(txn, made)
            .await
            .map_err(overtaken)?;
        account_key::add(txn, keys).await?;
        for id in std::mem::take(&mut self.changed) {
            if let Some(account) = self.known.get(&id) {
                let ultimate_parent = self.top(txn, account).await?;
                let after = Model {
                    ultimate_parent,
                    ..account.clone()
                };
                regroup(txn, account, &after).await?;
            }
        }
        Ok(())
    }

    /// The top of those that an account belongs to, as this message leaves them.
    async fn top(&self, txn: &Txn, account: &Model) -> Result<Option<AccountId>, Error> {
        let Some(parent) = &account.parent_account else {
            return Ok(None);
        };
        let chain = account::chain_over(txn, parent, &self.known).await?;
        Ok(chain.last().map(|top| top.id.clone()))
    }
}
