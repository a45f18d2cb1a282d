//! Decisions: what the rules made of a registration, kept with all that they looked at.

use trellis_store::deal::eligibility::Facts;
use trellis_store::deal::registration::{self, Decision, Model};
use trellis_store::deal::registration_decision::{self, Occasion};
use trellis_store::{Txn, View, record};

use super::basis::{self, Basis, RULES_VERSION};
use super::gather::{Asked, Found};
use super::rules::{self, Outcome, Verdict};
use crate::Error;
use crate::customer::Customer;

/// A person decided.
const STAFF: &str = "STAFF";

/// What the rules make of a registration, and what they looked at.
pub(super) struct Judged {
    pub(super) found: Found,
    pub(super) basis: Basis,
    pub(super) outcome: Outcome,
}

impl Judged {
    /// Asks the rules about a registration of which everything was found.
    pub(super) fn of(view: &View, found: Found, asking: &Model, asked: Asked) -> Self {
        let basis = found.basis(asking, view.now(), asked).kept();
        Self {
            outcome: rules::decide(&basis),
            found,
            basis,
        }
    }

    /// Finds everything about a registration and asks the rules.
    pub(super) async fn about(
        view: &View,
        customer: &Customer,
        asking: &Model,
        facts: Facts,
        asked: Asked,
    ) -> Result<Self, Error> {
        let found = Box::pin(Found::about(view, customer, asking, facts)).await?;
        Ok(Self::of(view, found, asking, asked))
    }

    /// Asks the rules again, after the screening.
    pub(super) fn screened(self, view: &View, asking: &Model) -> Self {
        let asked = Asked {
            by_a_person: self.basis.by_a_person,
            waited: self.basis.waited,
            overdue: self.basis.overdue,
            asks_a_person: self.basis.asks_a_person,
        };
        Self::of(view, self.found, asking, asked)
    }

    /// The decision that the rules made.
    pub(super) fn decision(&self, txn: &Txn) -> Decision {
        let blocked_by = match &self.outcome.verdict {
            Verdict::Waitlist { by } => Some(by.clone()),
            Verdict::Approve
            | Verdict::Review
            | Verdict::Reject
            | Verdict::Ineligible { .. }
            | Verdict::NeedsInfo { .. }
            | Verdict::SelfDuplicate { .. } => None,
        };
        Decision {
            blocked_by,
            ..decision(txn, &self.outcome.rule, &self.outcome.reason_code, "")
        }
    }

    /// Writes a changed registration back, with the decision that was just made and what it was made from.
    pub(super) async fn write(
        &self,
        txn: &Txn,
        changed: Model,
        occasion: Occasion,
    ) -> Result<Model, Error> {
        Ok(match self.row(txn, &changed, occasion)? {
            Some(decision) => registration::update_decided(txn, changed, &decision).await?,
            None => record::update::<registration::Entity>(txn, changed).await?,
        })
    }

    /// Keeps the decision of a registration that was just made, with what it was made from.
    pub(super) async fn keep(
        &self,
        txn: &Txn,
        registration: &Model,
        occasion: Occasion,
    ) -> Result<(), Error> {
        if let Some(decision) = self.row(txn, registration, occasion)? {
            registration_decision::add(txn, decision).await?;
        }
        Ok(())
    }

    fn row(
        &self,
        txn: &Txn,
        registration: &Model,
        occasion: Occasion,
    ) -> Result<Option<registration_decision::Model>, Error> {
        let Some(decision) = &registration.decision else {
            return Ok(None);
        };
        let basis = self.basis.canonical().map_err(unwritable)?;
        if self.basis.rivals.is_empty() {
            // Nobody asks for it; but where nobody stands a decision takes as long as where one does.
            let nobody = basis::canonical(&self.found.nobody(registration)).map_err(unwritable)?;
            std::hint::black_box(basis::hash(&nobody));
        }
        Ok(Some(registration_decision::Model {
            ecosystem: txn.ecosystem().clone(),
            registration: registration.id.clone(),
            number: 0,
            occasion,
            rule: decision.rule.clone(),
            reason_code: decision.reason_code.clone(),
            rules_version: RULES_VERSION.into(),
            actor: decision.actor.clone(),
            note: decision.note.clone(),
            decide_time: decision.decide_time,
            basis_sha256: basis::hash(&basis),
            basis,
            outcome: serde_json::to_string(&self.outcome).map_err(unwritable)?,
        }))
    }
}

fn unwritable(error: serde_json::Error) -> trellis_store::Error {
    corrupt(error.to_string())
}

fn corrupt(what: String) -> trellis_store::Error {
    trellis_store::Error::Corrupt {
        table: "registration_decisions",
        what,
    }
}

/// The decision of a person.
pub(super) fn by_the_staff(txn: &Txn, reason_code: &str, note: &str) -> Decision {
    decision(txn, STAFF, reason_code, note)
}

fn decision(txn: &Txn, rule: &str, reason_code: &str, note: &str) -> Decision {
    Decision {
        rule: rule.to_owned(),
        reason_code: reason_code.to_owned(),
        note: Some(note.to_owned()).filter(|note| !note.is_empty()),
        blocked_by: None,
        actor: txn.actor().as_str().to_owned(),
        decide_time: txn.now(),
    }
}

/// A kept decision, read back.
pub(super) struct Kept {
    pub(super) basis: Basis,
    pub(super) outcome: Outcome,
    /// Whether the basis has the hash that was kept with it, and the rules answer the same when they
    /// are asked again with it. What other rules answered is not asked again.
    pub(super) agrees: bool,
}

impl Kept {
    /// Reads a decision back, and asks the rules again.
    pub(super) fn read(row: &registration_decision::Model) -> Result<Self, trellis_store::Error> {
        let unreadable = |error: serde_json::Error| {
            corrupt(format!("{} {}: {error}", row.registration, row.number))
        };
        let basis: Basis = serde_json::from_str(&row.basis).map_err(unreadable)?;
        let outcome: Outcome = serde_json::from_str(&row.outcome).map_err(unreadable)?;
        let answered = basis.rules_version != RULES_VERSION || rules::decide(&basis) == outcome;
        let decided = row.occasion.is_a_persons()
            || (row.rule == outcome.rule && row.reason_code == outcome.reason_code);
        Ok(Self {
            agrees: basis::hash(&row.basis) == row.basis_sha256 && answered && decided,
            basis,
            outcome,
        })
    }
}

#[cfg(test)]
mod tests;
