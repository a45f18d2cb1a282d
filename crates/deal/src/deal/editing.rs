//! Edits a deal, as far as its stage lets.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, Mask};
use trellis_core::lifecycle::Named;
use trellis_core::{AccountId, Call, Date, DealId, Money, Problem, TerritoryId, Written};
use trellis_store::deal::deal::{self, DealType, Entity, Lines, Model};
use trellis_store::deal::reference::References;
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, record};

use super::amounts::{self, Draft, Worth};
use super::convert::wire;
use super::deals::{lock, period, told, worth};
use super::lifecycle;
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
}

/// Edits a deal, as far as its stage lets.
///
/// # Errors
/// `INVALID_FIELDS` when the amounts do not fit together or what is set otherwise would change,
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `NOT_EDITABLE`, `RESOURCE_EXISTS` when the external id is
/// taken.
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
                let merged = all_exist(&txn, &edit.references()).await?;
                if let Some(Some(account)) = &mut edit.account {
                    merged.stand_for(account);
                }
                apply(&txn, &mut deal, edit).await?;
                let deal = record::update::<Entity>(&txn, deal)
                    .await
                    .map_err(|error| exists(error, &resource))?;
                event::append(
                    &txn,
                    NewEvent::new("deal.updated", resource)
                        .for_partner(deal.partner.as_ref())
                        .with(told(&deal)),
                );
                Ok(wire(deal))
            },
        )
        .await
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
        ]
        .into_iter()
        .filter_map(|(field, changes)| changes.then_some(field))
        .collect()
    }

    /// What it names.
    fn references(&self) -> References {
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
    } = edit;
    revalue(txn, deal, lines, amount).await?;
    set(&mut deal.display_name, display_name);
    set(&mut deal.account, account);
    set(&mut deal.deal_type, deal_type);
    set(&mut deal.territory, territory);
    set(&mut deal.engage_date, engage_date);
    set(&mut deal.expected_close_date, expected_close_date);
    set(&mut deal.external_id, external_id);
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
