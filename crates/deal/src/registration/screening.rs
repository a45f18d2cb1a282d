//! What is looked at besides the line when a registration is handed in or decided about: whether its
//! partner asks too much, and whether a person must look. It runs in the transaction that holds the
//! customer.
//!
//! Whether or not there is anything to be found, the same statements are run and as many events are
//! written: neither the time nor the places in the feed tell whose account it is.

use serde_json::Value;
use trellis_api::name;
use trellis_core::lifecycle::Named;
use trellis_store::deal::canary_hit;
use trellis_store::deal::eligibility::Facts;
use trellis_store::deal::registration::{self, Model, Screening};
use trellis_store::deal::submission::{self, Alarm, History};
use trellis_store::event::{self, NewEvent};
use trellis_store::{Txn, View};

use super::budget::{self, Budget};
use super::disclosure::Seen;
use super::gather::Found;
use super::suspicion::suspicion;
use super::told;
use crate::Error;
use crate::account::identity;
use crate::customer::Customer;

/// Counts a registration that is handed in, unless that is too much, and screens it; answers what is
/// to be [reported](report). The caller holds the lock of the partner's submissions, and the customer.
///
/// # Errors
/// `SUBMISSION_BUDGET`, `OPEN_REGISTRATIONS`.
pub(super) async fn admit(
    txn: &Txn,
    registration: &mut Model,
    customer: &Customer,
    found: &Found,
    seen: Seen,
) -> Result<&'static str, Error> {
    limited(txn, registration, &found.facts, seen).await?;
    let before = &found.submissions;
    let cost = budget::cost(customer, &before.known);
    let budget = Budget::of(&found.facts);
    let spent = budget::spend(budget, &before.spent, cost, txn.now()).map_err(|exceeded| {
        Error::SubmissionBudget {
            resource: name(txn.ecosystem(), &registration.id),
            exceeded,
            cost,
            now: txn.now(),
        }
    })?;
    let mut screening = looked_at(txn, customer, before);
    screening.cost = cost;
    if !budget.is_none() {
        screening.daily_spent = spent.daily;
        screening.monthly_spent = spent.monthly;
    }
    let alarm = if screening.canaries.is_empty() {
        spent.used_up.then_some(Alarm::Budget)
    } else {
        Some(Alarm::Canary)
    };
    let suspected = screening.alarm_time.is_some();
    if alarm.is_some() {
        screening.alarm_time = Some(txn.now());
    }
    let submission = submission::Model {
        ecosystem: txn.ecosystem().clone(),
        partner: registration.partner.clone(),
        registration: registration.id.clone(),
        time: txn.now(),
        cost,
        alarm,
        decide_time: None,
        refused: None,
    };
    registration.suspicion = suspicion(&screening);
    registration.screening = Some(screening);
    let names = (&*registration, customer.named());
    let named = canary_hit::note_submitted(txn, submission, &customer.keys, names).await?;
    Ok(if !named.is_empty() {
        CANARY_NAMED
    } else if alarm.is_some() && !suspected {
        "registration.probing_suspected"
    } else {
        "registration.screened"
    })
}

/// Screens a registration anew that is decided about later than it was handed in.
pub(super) async fn again(
    txn: &Txn,
    registration: &mut Model,
    customer: &Customer,
    submissions: &History,
) -> Result<(), Error> {
    let screening = anew(txn, registration, customer, submissions).await?;
    registration.suspicion = suspicion(&screening);
    registration.screening = Some(screening);
    if !canary_hit::note(txn, registration, customer.named())
        .await?
        .is_empty()
    {
        submission::alarm(txn, registration, Alarm::Canary).await?;
        report(txn, CANARY_NAMED, registration);
    }
    Ok(())
}

/// What is found now about a registration that may have been handed in already.
pub(super) async fn anew(
    view: &View,
    registration: &Model,
    customer: &Customer,
    submissions: &History,
) -> Result<Screening, Error> {
    let before = registration.screening.clone().unwrap_or_default();
    let then = submission::keys_of(view, registration).await?;
    Ok(Screening {
        cost: before.cost,
        daily_spent: before.daily_spent,
        monthly_spent: before.monthly_spent,
        account_changed: identity::changed(&then, &customer.keys),
        ..looked_at(view, customer, submissions)
    })
}

/// A canary was named by a partner for the first time.
const CANARY_NAMED: &str = "registration.canary_named";

/// Holds the partner, and the person who drafted a registration, to how many they may hold open.
async fn limited(txn: &Txn, registration: &Model, facts: &Facts, seen: Seen) -> Result<(), Error> {
    // The staff and systems draft for many people.
    let person = (seen != Seen::Staff).then_some(registration.creator.as_str());
    let holders = [
        ("person", person, facts.person_open_limit),
        ("partner", None, facts.partner_open_limit),
    ];
    for (holder, creator, limit) in holders {
        if limit == 0 || (holder == "person" && creator.is_none()) {
            continue;
        }
        let open = registration::open(txn, registration, creator).await?;
        if u64::try_from(limit).is_ok_and(|limit| open >= limit) {
            return Err(Error::OpenRegistrations {
                resource: name(txn.ecosystem(), &registration.id),
                holder,
                limit,
                open,
            });
        }
    }
    Ok(())
}

/// What is looked at whenever a registration is decided about.
fn looked_at(view: &View, customer: &Customer, submissions: &History) -> Screening {
    let outcomes = &submissions.outcomes;
    Screening {
        decided_count: outcomes.len(),
        refused_count: outcomes.iter().filter(|refused| **refused).count(),
        canaries: customer.canaries().to_vec(),
        alarm_time: submissions.alarm_time,
        screen_time: Some(view.now()),
        ..Screening::default()
    }
}

/// Tells the staff what was found. No partner reads it.
pub(super) fn report(txn: &Txn, kind: &'static str, registration: &Model) {
    let mut event = NewEvent::new(kind, name(txn.ecosystem(), &registration.id));
    if let Some(suspicion) = registration.suspicion {
        event = event.because(suspicion.name());
    }
    let mut data = told::told_of_claim(registration);
    if let (Value::Object(data), Some(screening)) = (&mut data, &registration.screening) {
        data.insert("cost".into(), screening.cost.into());
        let canaries: Vec<&str> = screening.canaries.iter().map(|one| one.as_str()).collect();
        data.insert("canaries".into(), canaries.into());
    }
    event::append(txn, event.with(data));
}
