//! Splits an account that turned out to be two customers: takes a merge back, or makes a new account of
//! a part of it.

use serde_json::json;
use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::{AccountId, Call, DealId, Problem, RegistrationId, Violation, Written};
use trellis_matching::domain::registrable_domains;
use trellis_store::deal::account::{self, Domains, Entity, Model};
use trellis_store::deal::account_key;
use trellis_store::deal::identity::Moved;
use trellis_store::deal::{deal, registration};
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, lock, record};

use super::accounts::{self, Edit, fresh, regrouped, rewrite};
use super::convert::wire;
use super::lifecycle::{self, Verb};
use super::{ancestry, identity};
use crate::Error;
use crate::error::{absent, exists};

/// Splits an account.
#[derive(Clone, Debug)]
pub struct Split {
    /// Which one.
    pub account: AccountId,
    /// The version that the caller read.
    pub etag: Etag,
    /// Why, in a sentence.
    pub note: String,
    /// What is split off.
    pub off: Off,
}

/// What is split off an account.
#[derive(Clone, Debug)]
pub enum Off {
    /// An account that was merged into it.
    Merged(AccountId),
    /// A new account.
    New(Box<Part>),
}

/// A new account that is made of a part of another one.
#[derive(Clone, Debug)]
pub struct Part {
    /// The id that the caller chose.
    pub id: Option<AccountId>,
    /// Its fields, all of them set. What identifies it is taken out of the other one.
    pub edit: Edit,
    /// The registrations that go with it.
    pub registrations: Vec<RegistrationId>,
    /// The deals that go with it.
    pub deals: Vec<DealId>,
}

/// Splits an account.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`, `PRECONDITION`, `RESOURCE_EXISTS`,
/// `INVALID_FIELDS` when what is to be taken is not there.
pub async fn split(store: &Store, call: Call, split: Split) -> Result<Written<pb::Account>, Error> {
    store
        .write(call, split, |txn, split| async move {
            lock::keys(&txn, &[account::LINKS]).await?;
            let Split {
                account,
                etag,
                note,
                off,
            } = split;
            let merged = match &off {
                Off::Merged(id) => Some(id.clone()),
                Off::New(_) => None,
            };
            let asked = [account.clone()].into_iter().chain(merged);
            let mut found = record::lock_many::<Entity>(&txn, asked).await?;
            let at = found.iter().position(|one| one.id == account);
            let whole = at.map(|at| found.swap_remove(at));
            let whole = whole.ok_or_else(|| absent(&txn, &account))?;
            let resource = name(txn.ecosystem(), &account);
            etag.check(whole.version, &resource)?;
            lifecycle::moved(whole.state, Verb::Split, &resource)?;
            let (whole, part) = match off {
                Off::Merged(id) => {
                    let part = found.pop().ok_or_else(|| absent(&txn, &id))?;
                    restore(&txn, whole, part).await?
                }
                Off::New(part) => divide(&txn, whole, *part).await?,
            };
            for id in [&whole.id, &part.id] {
                let event = NewEvent::new("account.split", name(txn.ecosystem(), id))
                    .noting(note.as_str())
                    .for_partner(part.partner.as_ref())
                    .with(json!({ "account": whole.id, "split_account": part.id }));
                event::append(&txn, event);
            }
            Ok(wire(part))
        })
        .await
}

/// Lets an account that was merged stand for itself again, with what went over and is still there.
async fn restore(txn: &Txn, whole: Model, part: Model) -> Result<(Model, Model), Error> {
    let resource = name(txn.ecosystem(), &part.id);
    let state = lifecycle::moved(part.state, Verb::Restore, &resource)?;
    if part.merged_into.as_ref() != Some(&whole.id) {
        return Err(Problem::Precondition {
            resource,
            requires: format!(
                "it must have been merged into {}",
                name(txn.ecosystem(), &whole.id)
            ),
        }
        .into());
    }
    let moved = part.moved.clone().unwrap_or_default();
    let less = without(&whole, &moved);
    let mut back = Model {
        state,
        merged_into: None,
        moved: None,
        ..part.clone()
    };
    stand(txn, &mut back, moved.parent_account.as_ref()).await?;
    hold(txn, [&whole, &less, &back]).await?;
    let less = rewrite(txn, &whole, less).await?;
    let back = rewrite(txn, &part, back).await?;
    for child in account::lock_children(txn, &whole.id).await? {
        if !moved.children.contains(&child.id) {
            continue;
        }
        let after = Model {
            parent_account: Some(back.id.clone()),
            ultimate_parent: Some(back.top().clone()),
            ..child.clone()
        };
        let after = rewrite(txn, &child, after).await?;
        regrouped(txn, &child, &after).await?;
        let event = NewEvent::new("account.updated", name(txn.ecosystem(), &after.id));
        let event = event.because("PARENT_SPLIT");
        event::append(txn, event.for_partner(after.partner.as_ref()));
    }
    let (from, to) = (&whole.id, &back.id);
    account::readdress_merged(txn, from, to, Some(&moved.accounts)).await?;
    registration::readdress(txn, from, to, Some(&moved.registrations)).await?;
    deal::readdress(txn, from, to, Some(&moved.deals)).await?;
    Ok((less, back))
}

/// Puts an account below the parent that it had, if that still stands and does not belong to it.
async fn stand(txn: &Txn, back: &mut Model, parent: Option<&AccountId>) -> Result<(), Error> {
    let Some(parent) = parent else {
        return Ok(());
    };
    let chain = account::chain(txn, parent).await?;
    let stands = chain
        .first()
        .is_some_and(|parent| parent.state == account::State::Active);
    let below = Model {
        parent_account: Some(parent.clone()),
        ..back.clone()
    };
    if stands && ancestry::circle(&below, &chain).is_none() {
        back.parent_account = below.parent_account;
        back.ultimate_parent = chain.last().map(|top| top.id.clone());
    }
    Ok(())
}

/// Makes a new account of a part of another one.
async fn divide(txn: &Txn, whole: Model, part: Part) -> Result<(Model, Model), Error> {
    let Part {
        id,
        edit,
        registrations,
        deals,
    } = part;
    let id = id.unwrap_or_else(|| AccountId::generate(txn.now()));
    let resource = name(txn.ecosystem(), &id);
    let mut new = fresh(txn, id, edit);
    new.partner.clone_from(&whole.partner);
    accounts::checked(txn, &new).await?;
    new.ultimate_parent = accounts::placed(txn, &new).await?;
    let taken = Moved {
        domains: new.domains.0.clone(),
        aliases: new.aliases.0.clone(),
        identifiers: new.identifiers.0.clone(),
        crm_records: new.crm_records.0.clone(),
        ..Moved::default()
    };
    let wrong = missing(&whole, &taken);
    if !wrong.is_empty() {
        return Err(Problem::Invalid(wrong).into());
    }
    let less = without(&whole, &taken);
    hold(txn, [&whole, &less, &new]).await?;
    let new = record::insert::<Entity>(txn, new)
        .await
        .map_err(|error| exists(error, &resource))?;
    let keys = identity::keys(&new).into_iter();
    account_key::add(txn, keys.map(|key| (new.id.clone(), key))).await?;
    accounts::adopt(txn, &new).await?;
    let less = rewrite(txn, &whole, less).await?;

    let (from, to) = (&whole.id, &new.id);
    let went = registration::readdress(txn, from, to, Some(&registrations)).await?;
    let mut wrong = not_there("registrations", &registrations, &went);
    let went = deal::readdress(txn, from, to, Some(&deals)).await?;
    wrong.extend(not_there("deals", &deals, &went));
    if !wrong.is_empty() {
        return Err(Problem::Invalid(wrong).into());
    }
    Ok((less, new))
}

/// Takes the locks of all that some accounts are recognised by.
async fn hold(txn: &Txn, accounts: [&Model; 3]) -> Result<(), Error> {
    let own = accounts.iter().map(|one| account::own_key(&one.id));
    let keys = accounts.iter().flat_map(|one| identity::keys(one));
    Ok(lock::keys(txn, &own.chain(keys).collect::<Vec<_>>()).await?)
}

/// An account without what goes.
fn without(whole: &Model, goes: &Moved) -> Model {
    let mut less = whole.clone();
    less.domains.0.retain(|one| !goes.domains.contains(one));
    less.registrable_domains = Domains(registrable_domains(&less.domains.0));
    less.aliases.0.retain(|one| !goes.aliases.contains(one));
    let numbers: Vec<_> = goes.identifiers.iter().map(identity::key_of).collect();
    let stays = |one: &_| !numbers.contains(&identity::key_of(one));
    less.identifiers.0.retain(stays);
    less.crm_records
        .0
        .retain(|one| !goes.crm_records.contains(one));
    less
}

/// What of that which is to be taken is not there.
fn missing(whole: &Model, taken: &Moved) -> Vec<Violation> {
    let numbers: Vec<_> = whole.identifiers.0.iter().map(identity::key_of).collect();
    let not = |field: &'static str, there: Vec<bool>| {
        let missing = there.into_iter().enumerate().filter(|(_, there)| !there);
        missing.map(move |(at, _)| gone(format!("account.{field}[{at}]")))
    };
    let of = |there: &mut dyn Iterator<Item = bool>| there.collect::<Vec<bool>>();
    let domains = of(&mut taken
        .domains
        .iter()
        .map(|one| whole.domains.0.contains(one)));
    let aliases = of(&mut taken
        .aliases
        .iter()
        .map(|one| whole.aliases.0.contains(one)));
    let identifiers = taken.identifiers.iter().map(identity::key_of);
    let identifiers = of(&mut identifiers.map(|key| numbers.contains(&key)));
    let records = taken.crm_records.iter();
    let records = of(&mut records.map(|one| whole.crm_records.0.contains(one)));
    not("domains", domains)
        .chain(not("aliases", aliases))
        .chain(not("identifiers", identifiers))
        .chain(not("crm_records", records))
        .collect()
}

fn not_there<I: PartialEq>(field: &str, asked: &[I], went: &[I]) -> Vec<Violation> {
    let missing = asked
        .iter()
        .enumerate()
        .filter(|(_, id)| !went.contains(id));
    missing
        .map(|(at, _)| gone(format!("{field}[{at}]")))
        .collect()
}

fn gone(field: String) -> Violation {
    Violation::new(field, "there", "is not at the account that is split")
}
