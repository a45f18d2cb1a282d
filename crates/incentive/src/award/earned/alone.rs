//! Awards of facts each of which stands alone: what became known of some facts is computed from these
//! facts, however many others there are. Where a budget is for all of them, those are looked at, too, to
//! which it leaves more now or less.

use std::collections::BTreeSet;

use trellis_core::AwardId;
use trellis_store::incentive::award::{self, Entity, Key, Model};
use trellis_store::incentive::ledger;
use trellis_store::{Txn, record};

use super::book::Component;
use super::budget::Spending;
use super::settle::{Books, computed, key, posted};
use crate::Error;
use crate::award::settle::where_money_is;
use crate::fact::known::{Known, Things, Touched};

/// Settles the awards of what is touched, if they can be computed from that; answers whether they were.
///
/// # Errors
/// When a row cannot be read, or an amount does not fit.
pub(super) async fn settle(
    txn: &Txn,
    component: &Component,
    touched: &Touched,
) -> Result<bool, Error> {
    let (Some(days), Some(things), true) =
        (&touched.days, &touched.things, component.stands_alone())
    else {
        return Ok(false);
    };
    let budget = component.budget();
    if budget.is_none() && component.is_of_everybody() {
        return Ok(false);
    }
    let mut spending = None;
    if let Some(budget) = &budget {
        let Some(opened) = Spending::open(txn, budget, days).await? else {
            return Ok(false);
        };
        spending = Some(opened);
    }
    let mut looked = Looked::at(txn, component, things.clone()).await?;
    if let Some(spending) = &mut spending {
        looked.also_at(txn, spending.ended_at()).await?;
        if !spending.begin(&looked.rows) {
            return Ok(false);
        }
    }
    let moment = component.known_time(txn.now());
    loop {
        let buckets = where_money_is(txn, looked.rows.iter()).await?;
        let mut facts = looked.known.for_program(&component.program);
        facts.posted = posted(&looked.rows, &buckets);
        if let Some(spending) = &spending {
            facts.spent = spending.by_others(&looked.rows);
        }
        // What was read is known, by whatever clock it was recorded.
        let moment = looked
            .known
            .last_recorded()
            .max(Some(moment))
            .unwrap_or(moment);
        let told = facts.posted.clone();
        let awards = computed(component.ready().to_vec(), facts, moment).await?;
        if let Some(spending) = &mut spending {
            if !spending.covers(&awards) {
                return Ok(false);
            }
            let more = spending.more(txn, &awards, &looked.rows).await?;
            if !more.is_empty() {
                looked.also_at(txn, more).await?;
                continue;
            }
        }
        let rows = looked.rows.clone();
        let mut books = Books::open(txn, component, &looked.known, rows, buckets, &awards).await?;
        for award in &awards {
            books.enter(award, told.get(&award.key))?;
        }
        let ids = books.close().await?;
        if let Some(spending) = spending {
            spending.close(txn, &awards, &looked.rows, &ids).await?;
        }
        return Ok(true);
    }
}

/// What is looked at.
struct Looked<'a> {
    component: &'a Component,
    /// What is known of the facts.
    known: Known,
    /// The awards that there are of them, locked.
    rows: Vec<Model>,
}

impl<'a> Looked<'a> {
    /// Looks at some things, and at the awards that were made of them.
    async fn at(txn: &Txn, component: &'a Component, things: Things) -> Result<Self, Error> {
        let known = Known::of_things(txn, things, component.currencies()).await?;
        ledger::lock(txn, &known.partners()).await?;
        let currencies: BTreeSet<_> = component
            .versions()
            .iter()
            .map(|version| version.currency)
            .collect();
        let mut keys = Vec::new();
        for plan in component.plans() {
            for (scope, partner) in known.scopes() {
                keys.extend(currencies.iter().map(|currency| Key {
                    plan: plan.clone(),
                    partner: partner.clone(),
                    scope: format!("{currency}/{scope}"),
                }));
            }
        }
        let rows = award::lock_by_keys(txn, &keys).await?;
        Ok(Self {
            component,
            known,
            rows,
        })
    }

    /// Looks at some awards, too, and at what they are for.
    async fn also_at(&mut self, txn: &Txn, mut ids: Vec<AwardId>) -> Result<(), Error> {
        ids.retain(|id| self.rows.iter().all(|row| row.id != *id));
        if ids.is_empty() {
            return Ok(());
        }
        let found = record::find_many::<Entity>(txn, ids.clone()).await?;
        let mut things = Things::default();
        for row in &found {
            things.add(&key(row).scope, row.deal.as_ref());
        }
        let currencies = self.component.currencies();
        let known = Known::of_things(txn, things, currencies).await?;
        ledger::lock(txn, &known.partners()).await?;
        // As they are now that nobody else can change them.
        self.rows
            .extend(record::lock_many::<Entity>(txn, ids).await?);
        self.known.extend(known);
        Ok(())
    }
}
