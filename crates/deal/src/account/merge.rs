//! Merges an account into another one that is the same customer.
//!
//! What identified the one identifies the other afterwards, in the same transaction and under the locks
//! of both, so that no decision sees neither or both. Whatever went over is noted at the account that
//! was merged, and [`super::split`] takes it back from there.

use std::collections::BTreeSet;

use serde_json::json;
use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::{AccountId, Call, Problem, Written};
use trellis_store::deal::account::{self, Domains, Entity, Model};
use trellis_store::deal::identity::{Aliases, CrmRecords, Identifiers, Moved};
use trellis_store::deal::{deal, registration};
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, lock, record};

use super::accounts::{regrouped, rewrite};
use super::convert::wire;
use super::lifecycle::{self, Verb};
use super::{ancestry, identity};
use crate::error::absent;
use crate::registration::overlaps;
use crate::{Error, customer};

/// Merges two accounts.
#[derive(Clone, Debug)]
pub struct Merge {
    /// The one that stays.
    pub into: AccountId,
    /// The version of it that the caller read.
    pub etag: Etag,
    /// The one that is merged.
    pub merged: AccountId,
    /// The version of it that the caller read.
    pub merged_etag: Etag,
    /// Why, in a sentence.
    pub note: String,
}

/// What an account may have of each thing that goes over, as the contract says.
const DOMAINS: usize = 50;
const ALIASES: usize = 20;
const IDENTIFIERS: usize = 20;
const CRM_RECORDS: usize = 20;

/// Merges an account into another one.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`, `PRECONDITION`, `CYCLE`.
pub async fn merge(store: &Store, call: Call, merge: Merge) -> Result<Written<pb::Account>, Error> {
    store
        .write(call, merge, |txn, merge| async move {
            lock::keys(&txn, &[account::LINKS]).await?;
            let Merge {
                into,
                etag,
                merged,
                merged_etag,
                note,
            } = merge;
            let (stays, goes) = both(&txn, &into, &merged).await?;
            let resources = [&into, &merged].map(|id| name(txn.ecosystem(), id));
            etag.check(stays.version, &resources[0])?;
            merged_etag.check(goes.version, &resources[1])?;
            lifecycle::moved(stays.state, Verb::Merge, &resources[0])?;
            let state = lifecycle::moved(goes.state, Verb::Merge, &resources[1])?;
            may_be_one(&stays, &goes, &resources[0])?;
            let (mut after, mut moved) = taking(&stays, &goes);
            few_enough(&after, &resources[0])?;
            place(&txn, &mut after, &goes).await?;
            let mut locks = vec![account::own_key(&into), account::own_key(&merged)];
            for account in [&stays, &goes, &after] {
                locks.extend(identity::keys(account));
            }
            lock::keys(&txn, &locks).await?;

            moved.children = adopt(&txn, &after, &merged).await?;
            moved.accounts = account::readdress_merged(&txn, &merged, &into, None).await?;
            moved.registrations = registration::readdress(&txn, &merged, &into, None).await?;
            moved.deals = deal::readdress(&txn, &merged, &into, None).await?;
            moved.parent_account = goes.parent_account.clone();
            let gone = Model {
                state,
                merged_into: Some(into.clone()),
                moved: Some(moved),
                parent_account: None,
                pending_parent_external_id: None,
                ultimate_parent: None,
                ..goes.clone()
            };
            rewrite(&txn, &goes, gone).await?;
            let after = rewrite(&txn, &stays, after).await?;
            regrouped(&txn, &stays, &after).await?;
            for resource in &resources {
                let event = NewEvent::new("account.merged", resource)
                    .noting(note.as_str())
                    .for_partner(after.partner.as_ref())
                    .with(json!({ "account": into, "merged_account": merged }));
                event::append(&txn, event);
            }
            tell_of_overlaps(&txn, &after, &resources[0]).await?;
            Ok(wire(after))
        })
        .await
}

/// Both accounts, locked.
async fn both(txn: &Txn, one: &AccountId, other: &AccountId) -> Result<(Model, Model), Error> {
    let mut found = record::lock_many::<Entity>(txn, [one.clone(), other.clone()]).await?;
    let mut take = |id: &AccountId| {
        let at = found.iter().position(|account| account.id == *id);
        at.map(|at| found.swap_remove(at))
            .ok_or_else(|| absent(txn, id))
    };
    Ok((take(one)?, take(other)?))
}

/// Checks that nobody would see by it what is not theirs.
fn may_be_one(stays: &Model, goes: &Model, resource: &str) -> Result<(), Problem> {
    let refused = |requires: &str| {
        Err(Problem::Precondition {
            resource: resource.to_owned(),
            requires: requires.to_owned(),
        })
    };
    if stays.partner != goes.partner {
        return refused(
            "both accounts must belong to the same partner, or both to the vendor: each partner has \
             an account of its own for a customer, and they count as one without being merged",
        );
    }
    if stays.canary || goes.canary {
        return refused("neither account may be a canary");
    }
    Ok(())
}

/// The account that stays with what identified the other, and what of that it had not.
fn taking(stays: &Model, goes: &Model) -> (Model, Moved) {
    let mut after = stays.clone();
    let mut moved = Moved::default();
    let known: BTreeSet<&String> = stays.domains.0.iter().collect();
    let domains = goes
        .domains
        .0
        .iter()
        .filter(|domain| !known.contains(domain));
    moved.domains = domains.cloned().collect();
    let names = std::iter::once(&goes.display_name).chain(&goes.aliases.0);
    for name in names {
        let known = *name == after.display_name || after.aliases.0.contains(name);
        if !known && !moved.aliases.contains(name) {
            moved.aliases.push(name.clone());
        }
    }
    let known: Vec<_> = stays.identifiers.0.iter().map(identity::key_of).collect();
    let numbers = goes.identifiers.0.iter();
    let numbers = numbers.filter(|one| !known.contains(&identity::key_of(one)));
    moved.identifiers = numbers.cloned().collect();
    let records = goes.crm_records.0.iter();
    let records = records.filter(|one| !stays.crm_records.0.contains(one));
    moved.crm_records = records.cloned().collect();

    let mut domains = std::mem::take(&mut after.domains).0;
    domains.extend(moved.domains.iter().cloned());
    let registrable = trellis_matching::domain::registrable_domains(&domains);
    after.registrable_domains = Domains(registrable);
    after.domains = Domains(domains);
    let Aliases(aliases) = &mut after.aliases;
    aliases.extend(moved.aliases.iter().cloned());
    let Identifiers(identifiers) = &mut after.identifiers;
    identifiers.extend(moved.identifiers.iter().cloned());
    let CrmRecords(records) = &mut after.crm_records;
    records.extend(moved.crm_records.iter().cloned());
    after.successor_account = after
        .successor_account
        .or_else(|| goes.successor_account.clone())
        .filter(|successor| *successor != stays.id);
    (after, moved)
}

/// Checks that an account has no more of anything than one may have.
fn few_enough(account: &Model, resource: &str) -> Result<(), Problem> {
    let counted = [
        ("domains", account.domains.0.len(), DOMAINS),
        ("aliases", account.aliases.0.len(), ALIASES),
        ("identifiers", account.identifiers.0.len(), IDENTIFIERS),
        ("crm_records", account.crm_records.0.len(), CRM_RECORDS),
    ];
    match counted.into_iter().find(|(_, count, most)| count > most) {
        None => Ok(()),
        Some((what, count, most)) => Err(Problem::Precondition {
            resource: resource.to_owned(),
            requires: format!(
                "it would have {count} {what}, and an account may have {most}; take some out of \
                 either account first"
            ),
        }),
    }
}

/// Finds the account that stays its place when the other leaves the tree: that of the other, where it
/// belonged to it, or to nobody and waits for nobody.
async fn place(txn: &Txn, after: &mut Model, goes: &Model) -> Result<(), Error> {
    if after.parent_account.as_ref() == Some(&goes.id) {
        after.parent_account = goes.parent_account.clone();
        after.pending_parent_external_id = goes.pending_parent_external_id.clone();
    } else if let Some(parent) = &after.parent_account {
        let chain = account::chain(txn, parent).await?;
        if chain.iter().any(|above| above.id == goes.id) {
            // What lies between the two would belong to the one, and the one to it.
            let between = chain.iter().take_while(|above| above.id != goes.id);
            let path = [&after.id]
                .into_iter()
                .chain(between.map(|one| &one.id))
                .chain([&after.id]);
            return Err(Error::Cycle {
                resource: name(txn.ecosystem(), &after.id),
                path: path.map(|id| name(txn.ecosystem(), id)).collect(),
            });
        }
    } else if after.pending_parent_external_id.is_none()
        && let Some(parent) = &goes.parent_account
    {
        let chain = account::chain(txn, parent).await?;
        let candidate = Model {
            parent_account: Some(parent.clone()),
            ..after.clone()
        };
        if ancestry::circle(&candidate, &chain).is_none() {
            after.parent_account = Some(parent.clone());
        }
    }
    after.ultimate_parent = match &after.parent_account {
        Some(parent) => account::chain(txn, parent)
            .await?
            .last()
            .map(|top| top.id.clone()),
        None => None,
    };
    Ok(())
}

/// Puts the children of the account that goes below the one that stays; answers which.
async fn adopt(txn: &Txn, stays: &Model, goes: &AccountId) -> Result<Vec<AccountId>, Error> {
    let mut adopted = Vec::new();
    for child in account::lock_children(txn, goes).await? {
        if child.id == stays.id {
            continue;
        }
        let after = Model {
            parent_account: Some(stays.id.clone()),
            ultimate_parent: Some(stays.top().clone()),
            ..child.clone()
        };
        let after = rewrite(txn, &child, after).await?;
        regrouped(txn, &child, &after).await?;
        let event = NewEvent::new("account.updated", name(txn.ecosystem(), &after.id));
        event::append(
            txn,
            event
                .because("PARENT_MERGED")
                .for_partner(after.partner.as_ref()),
        );
        adopted.push(after.id);
    }
    Ok(adopted)
}

/// Tells the staff of protected registrations of different partners that stand at one customer now.
async fn tell_of_overlaps(txn: &Txn, account: &Model, resource: &str) -> Result<(), Error> {
    for customer in customer::read(txn, [account.id.clone()]).await? {
        let overlapping = overlaps::protected(txn, &customer).await?;
        if !overlapping.is_empty() {
            let data = json!({ "account": account.id, "registrations": overlapping });
            let event = NewEvent::new("account.protections_overlap", resource);
            event::append(txn, event.with(data));
        }
    }
    Ok(())
}
