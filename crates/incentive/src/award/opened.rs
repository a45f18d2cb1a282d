//! An award that somebody rules about.

use trellis_api::{Etag, name};
use trellis_core::{AwardId, Date, Money, Problem, Timestamp, Violation};
use trellis_store::incentive::award::{Entity, Model, Ruling, RulingKind, Rulings};
use trellis_store::incentive::ledger::{self, Buckets};
use trellis_store::{Txn, event, record};

use super::awards::{absent, settled_anew};
use super::convert::wire;
use super::settle::Settled;
use crate::Error;

/// An award under the lock of its partner, brought to what the clock says.
pub(super) struct Opened {
    /// Its name.
    pub(super) resource: String,
    /// The award.
    pub(super) award: Model,
    /// Where its money is.
    pub(super) buckets: Buckets,
    /// The day by the calendar of its program.
    pub(super) today: Date,
}

impl Opened {
    /// Opens an award.
    ///
    /// # Errors
    /// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`.
    pub(super) async fn find(txn: &Txn, id: &AwardId, etag: Etag) -> Result<Self, Error> {
        let found = record::find::<Entity>(txn, id).await?;
        let partner = found.ok_or_else(|| absent(txn, id))?.partner;
        ledger::lock(txn, [&partner]).await?;
        // As it is now that nobody else can change it, and before the clock does.
        let found = record::find::<Entity>(txn, id).await?;
        let before = found.ok_or_else(|| absent(txn, id))?;
        let resource = name(txn.ecosystem(), id);
        etag.check(before.version, &resource)?;
        let mut settled = settled_anew(txn, std::slice::from_ref(id)).await?;
        let (Settled { award, buckets }, zone) =
            settled.remove(id).ok_or_else(|| absent(txn, id))?;
        let today = zone.local_date(txn.now());
        event::was(txn, wire(award.clone(), buckets));
        Ok(Self {
            resource,
            award,
            buckets,
            today,
        })
    }

    /// Refuses an award that is held by hand.
    ///
    /// # Errors
    /// `AWARD_ON_HOLD`.
    pub(super) fn not_on_hold(&self) -> Result<(), Error> {
        not_on_hold(&self.resource, &self.award)
    }

    /// Writes down what is ruled about the award. Whoever adds something has prepared what another one
    /// approves.
    ///
    /// # Errors
    /// `TOO_MANY_RULINGS`.
    pub(super) fn rule(
        &mut self,
        txn: &Txn,
        kind: RulingKind,
        minor: i64,
        reason_code: &str,
    ) -> Result<(), Error> {
        if self.award.rulings().len() >= Rulings::MOST {
            let resource = self.resource.clone();
            return Err(Error::TooManyRulings { resource });
        }
        let adds = kind == RulingKind::Adjusted && minor > 0;
        let ruling = Ruling {
            posting: self.award.posting_count + 1,
            kind,
            minor,
            entitled_minor: self.award.entitled_minor,
            reason_code: reason_code.to_owned(),
            time: txn.now(),
            prepared_by: adds.then(|| txn.signatory().clone()),
        };
        self.award.rulings.get_or_insert_default().add(ruling);
        Ok(())
    }

    /// Counts a change of the award.
    pub(super) fn touch(&mut self, now: Timestamp) {
        self.award.version += 1;
        self.award.update_time = now;
        if self.buckets.held == 0 {
            self.award.release_time = None;
        }
    }

    /// An amount that was asked for, which must be in the currency of the award and no more than is
    /// there.
    ///
    /// # Errors
    /// `INVALID_FIELDS`, `AMOUNT_NOT_AVAILABLE`.
    pub(super) fn amount(&self, asked: Money, available: i64) -> Result<i64, Error> {
        let currency = self.award.currency;
        if asked.currency != currency {
            let otherwise = format!("must be {currency}, the currency of the award");
            let violation = Violation::new("amount.currency_code", "award.currency", otherwise);
            return Err(Problem::Invalid(vec![violation]).into());
        }
        if asked.minor == 0 || asked.minor > available {
            return Err(Error::AmountNotAvailable {
                resource: self.resource.clone(),
                available: Money::new(available, currency),
            });
        }
        Ok(asked.minor)
    }
}

/// Refuses an award that is held by hand.
///
/// # Errors
/// `AWARD_ON_HOLD`.
pub(super) fn not_on_hold(resource: &str, award: &Model) -> Result<(), Error> {
    match award.hold_reason {
        None => Ok(()),
        Some(reason) => Err(Error::AwardOnHold {
            resource: resource.to_owned(),
            hold_reason: reason.name(),
        }),
    }
}
