//! Edits a deal, as far as its stage lets.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, Mask};
use trellis_core::lifecycle::Named;
use trellis_core::{AccountId, Call, Date, DealId, Money, Problem, TerritoryId, Written};
use trellis_store::deal::deal::{self, DealType, Entity, Lines, Model};
use trellis_store::deal::field::{Contact, ExternalId, Value};
use trellis_store::deal::reference::References;
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, record};

use super::amounts::{self, Draft, Worth};
use super::convert::{wire, wire_for};
use super::deals::{lock, period, refuse, told, worth};
use super::ownership::{self, By, Sorted, Source};
use super::proposals::{self, writer};
use super::{external, lifecycle, roles};
use crate::edit::set;
use crate::{Error, all_exist, exists};

/// Changes to a deal; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// What people call it.
    pub display_name: Option<String>,
    /// The customer.
    pub account: Option<Option<AccountId>>,
    /// What the customer buys.
    pub lines: Option<Vec<Draft>>,
    /// What it is worth.
    pub amount: Option<Option<Money>>,
    /// What kind of business it is.
    pub deal_type: Option<Option<DealType>>,
    /// Where the customer is served.
    pub territory: Option<Option<TerritoryId>>,
    /// When work on it began.
    pub engage_date: Option<Option<Date>>,
    /// When it is expected to close.
    pub expected_close_date: Option<Option<Date>>,
    /// Its id elsewhere.
    pub external_id: Option<Option<String>>,
    /// Its ids in other systems.
    pub external_ids: Option<Vec<ExternalId>>,
    /// What its partner does next.
    pub next_step: Option<Option<String>>,
    /// Whom its partner knows at the customer.
    pub contacts: Option<Vec<Contact>>,
    /// What of its own its partner sells with it.
    pub partner_product: Option<Option<String>>,
}

/// Edits a deal.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub id: DealId,
    /// The version that the caller read.
    pub etag: Etag,
    /// Which fields the caller sent.
    pub mask: Mask,
    /// What to change.
    pub edit: Edit,
    /// Where the values come from.
    pub source: Source,
}

/// Edits a deal, as far as its stage lets. What a side writes to a field of the other is proposed.
///
/// # Errors
/// `INVALID_FIELDS` when the amounts do not fit together, what is set otherwise would change, or a
/// product is dropped that a part names; `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `NOT_EDITABLE`;
/// `RESOURCE_EXISTS` when an external id is taken; `LATE_WRITE`; `PRECONDITION` when another partner
/// owns a field.
pub async fn update(store: &Store, call: Call, update: Update) -> Result<Written<pb::Deal>, Error> {
    store
        .write(
            call,
            update,
            |txn,
             Update {
                 id,
                 etag,
                 mask,
                 mut edit,
                 source,
             }| async move {
                let (mut deal, resource) = lock(&txn, &id, &etag).await?;
                mask.unchanged(&wire(deal.clone()))?;
                let allowed = lifecycle::editable(deal.stage);
                let closed: Vec<_> = edit
                    .fields()
                    .into_iter()
                    .filter(|field| !allowed.contains(field))
                    .collect();
                if !closed.is_empty() {
                    return Err(not_editable(resource, &deal, &closed));
                }
                // What the deal names already is not looked up: a partner may not reach it.
                let new = edit.clone().values().into_iter();
                let new = Edit::of(new.filter(|value| !value.is_held(&deal)));
                let merged = all_exist(&txn, &new.references()).await?;
                if let Some(Some(account)) = &mut edit.account {
                    merged.stand_for(account);
                }
                let by = writer(&txn, &deal)?;
                let changes = say(&txn, &mut deal, by.as_ref(), edit, &source, &resource).await?;
                let deal = record::update::<Entity>(&txn, deal)
                    .await
                    .map_err(|error| exists(error, &resource))?;
                if changes {
                    event::append(
                        &txn,
                        NewEvent::new("deal.updated", resource)
                            .for_partner(deal.partner.as_ref())
                            .with(told(&deal)),
                    );
                }
                event::is(&txn, &wire(deal.clone()));
                Ok(wire_for(txn.scope(), deal))
            },
        )
        .await
}

/// Does what a side says: changes what it owns, and proposes the rest. Answers whether it owns any of it.
async fn say(
    txn: &Txn,
    deal: &mut Model,
    by: By<'_>,
    edit: Edit,
    source: &Source,
    resource: &str,
) -> Result<bool, Error> {
    let values = edit.values();
    let fields: Vec<_> = values.iter().map(Value::field).collect();
    let anothers = ownership::anothers(deal, by, &values);
    if !anothers.is_empty() {
        return Err(Problem::Precondition {
            resource: resource.to_owned(),
            requires: format!(
                "be sourced by who writes {}; leave it out of the mask",
                anothers.join(", ")
            ),
        }
        .into());
    }
    if let Some((fields, latest_time)) = ownership::late(deal, by, &values, source, txn.now()) {
        return Err(Error::LateWrite {
            resource: resource.to_owned(),
            fields,
            latest_time,
        });
    }
    let Sorted { written, proposed } = ownership::sort(deal, by, values);
    if !proposed.is_empty() {
        // What could not be taken is refused now, and not whoever is to decide.
        let mut taken = deal.clone();
        apply(txn, &mut taken, Edit::of(proposed.clone())).await?;
    }
    let changes = !written.is_empty();
    let changed = write(txn, deal, by, Edit::of(written), source).await?;
    let said = fields.iter().copied().chain(changed.iter().copied());
    ownership::said(deal, by, said, source.as_of(txn.now()));
    proposals::follow(txn, deal, by, source, &fields, proposed).await?;
    Ok(changes)
}

/// Gives a deal new values, each of which counts as a version of its field; answers the fields that
/// have changed.
pub(super) async fn write(
    txn: &Txn,
    deal: &mut Model,
    by: By<'_>,
    edit: Edit,
    source: &Source,
) -> Result<Vec<&'static str>, Error> {
    let before = deal.clone();
    apply(txn, deal, edit).await?;
    let wrong = roles::dropped(&deal.roles.0, &before.lines.0, &deal.lines.0);
    refuse(wrong, Vec::new())?;
    if deal.external_ids != before.external_ids {
        external::claim(txn, deal).await?;
    }
    Ok(ownership::stamp(deal, &before, by, source, txn.now()))
}

/// Says which fields cannot be edited in the stage of a deal.
pub(super) fn not_editable(resource: String, deal: &Model, fields: &[&'static str]) -> Error {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    Problem::NotEditable {
        resource,
        state: deal.stage.name(),
        fields,
    }
    .into()
}

impl Edit {
    /// The names of the fields that it changes.
    fn fields(&self) -> Vec<&'static str> {
        [
            ("display_name", self.display_name.is_some()),
            ("account", self.account.is_some()),
            ("lines", self.lines.is_some()),
            ("amount", self.amount.is_some()),
            ("deal_type", self.deal_type.is_some()),
            ("territory", self.territory.is_some()),
            ("engage_date", self.engage_date.is_some()),
            ("expected_close_date", self.expected_close_date.is_some()),
            ("external_id", self.external_id.is_some()),
            ("external_ids", self.external_ids.is_some()),
            ("next_step", self.next_step.is_some()),
            ("contacts", self.contacts.is_some()),
            ("partner_product", self.partner_product.is_some()),
        ]
        .into_iter()
        .filter_map(|(field, changes)| changes.then_some(field))
        .collect()
    }

    /// What it names.
    pub(super) fn references(&self) -> References {
        References {
            accounts: self.account.iter().flatten().cloned().collect(),
            products: self
                .lines
                .iter()
                .flatten()
                .map(|line| line.product.clone())
                .collect(),
            territories: self.territory.iter().flatten().cloned().collect(),
            ..References::default()
        }
    }
}

async fn apply(txn: &Txn, deal: &mut Model, edit: Edit) -> Result<(), Error> {
    let Edit {
        display_name,
        account,
        lines,
        amount,
        deal_type,
        territory,
        engage_date,
        expected_close_date,
        external_id,
        external_ids,
        next_step,
        contacts,
        partner_product,
    } = edit;
    revalue(txn, deal, lines, amount).await?;
    set(&mut deal.display_name, display_name);
    set(&mut deal.account, account);
    set(&mut deal.deal_type, deal_type);
    set(&mut deal.territory, territory);
    set(&mut deal.engage_date, engage_date);
    set(&mut deal.expected_close_date, expected_close_date);
    set(&mut deal.external_id, external_id);
    set(&mut deal.external_ids.0, external_ids);
    set(&mut deal.next_step, next_step);
    set(&mut deal.contacts.0, contacts);
    set(&mut deal.partner_product, partner_product);
    deal.period = period(deal.close_date, deal.expected_close_date);
    Ok(())
}

/// Changes what a deal consists of or is worth. An amount alone scales the lines; lines alone, or
/// an amount taken away, make the amount anew.
async fn revalue(
    txn: &Txn,
    deal: &mut Model,
    lines: Option<Vec<Draft>>,
    amount: Option<Option<Money>>,
) -> Result<(), Error> {
    let worth = match (lines, amount) {
        (None, None) => return Ok(()),
        (Some(lines), amount) => worth(txn, lines, amount.flatten()).await?,
        (None, Some(Some(amount))) => {
            let lines = amounts::scale(std::mem::take(&mut deal.lines.0), amount.minor);
            Worth {
                lines,
                amount: Some(amount),
            }
        }
        (None, Some(None)) => {
            let currency = deal.currency;
            let draft = |line: deal::Line| Draft {
                product: line.product,
                quantity: line.quantity,
                amount: line
                    .amount_minor
                    .zip(currency)
                    .map(|(minor, of)| Money::new(minor, of)),
            };
            let lines = std::mem::take(&mut deal.lines.0)
                .into_iter()
                .map(draft)
                .collect();
            worth(txn, lines, None).await?
        }
    };
    deal.lines = Lines(worth.lines);
    deal.amount_minor = worth.amount.map(|amount| amount.minor);
    deal.currency = worth.amount.map(|amount| amount.currency);
    Ok(())
}
