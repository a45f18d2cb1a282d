//! The line in which registrations of one customer stand: being granted and leaving it. Who comes next
//! is told in `turns`. Everything here runs in a transaction that holds the customer.
//!
//! What it must keep, whatever happens at the same time: of registrations of different partners
//! that overlap, at most one is protected; and nobody overtakes.

use trellis_api::name;
use trellis_core::Problem;
use trellis_store::deal::claim::EntityScope;
use trellis_store::deal::contender::Contender;
use trellis_store::deal::eligibility::{self, Facts};
use trellis_store::deal::registration::{self, Entity, Model, Products, State};
use trellis_store::deal::registration_decision::Occasion;
use trellis_store::deal::{protection, submission};
use trellis_store::event::{self, NewEvent};
use trellis_store::program::program::ConflictDisclosure;
use trellis_store::{Txn, record};

use super::conflict::{Line, site};
use super::decisions::{Judged, by_the_staff};
use super::gather::Asked;
use super::held::Held;
use super::lifecycle::{self, Verb};
use super::protection::window;
use super::response;
use super::rules::Verdict;
use super::told::{report, report_neighbours, told};
use super::turns::next;
use crate::Error;
use crate::customer::Customer;

/// Grants a locked registration that a person approves.
pub(super) async fn approve(
    txn: &Txn,
    held: &Held,
    mut registration: Model,
    resource: &str,
    note: String,
) -> Result<Model, Error> {
    lifecycle::moved(registration.state, Verb::Approve, resource)?;
    let facts = known(txn, &registration, resource).await?;
    let disclosure = facts.conflict_disclosure;
    let customer = held.customer(&registration)?;
    let asked = Asked {
        by_a_person: true,
        waited: registration.state == State::Waitlisted,
        ..Asked::default()
    };
    let judged = Judged::about(txn, customer, &registration, facts, asked).await?;
    match &judged.outcome.verdict {
        Verdict::Ineligible { requires } => {
            return Err(Problem::Precondition {
                resource: resource.to_owned(),
                requires: requires.clone(),
            }
            .into());
        }
        Verdict::Waitlist { .. } => {
            return Err(Error::RegistrationConflict {
                resource: resource.to_owned(),
            });
        }
        Verdict::SelfDuplicate { of } => {
            return Err(Error::SelfDuplicate {
                resource: name(txn.ecosystem(), of),
            });
        }
        Verdict::Approve | Verdict::Review | Verdict::Reject | Verdict::NeedsInfo { .. } => {}
    }
    grant(txn, customer, &judged, &mut registration).await?;
    registration.decision = Some(by_the_staff(txn, "APPROVED", &note));
    let registration = judged.write(txn, registration, Occasion::Approval).await?;
    report(
        txn,
        "registration.approved",
        &registration,
        &note,
        disclosure,
    );
    report_neighbours(txn, &registration, &judged.basis.neighbours);
    Ok(registration)
}

/// How a registration leaves the line.
pub(super) struct Leaving {
    /// By which move.
    pub(super) verb: Verb,
    /// Why, in a word.
    pub(super) reason_code: Option<String>,
    /// Why, in a sentence.
    pub(super) note: String,
}

/// Takes a locked registration out of the line, and looks who is next.
pub(super) async fn leave(
    txn: &Txn,
    held: &Held,
    mut registration: Model,
    resource: &str,
    leaving: Leaving,
) -> Result<Model, Error> {
    let Leaving {
        verb,
        reason_code,
        note,
    } = leaving;
    let left = registration.clone();
    registration.state = lifecycle::moved(registration.state, verb, resource)?;
    registration.contends = false;
    registration.waitlist_position = None;
    registration.tick_time = None;
    registration.info_due_time = None;
    response::stop(&mut registration);
    let kind = match verb {
        Verb::Reject => {
            submission::decided(txn, &registration, true).await?;
            let reason_code = reason_code.as_deref().unwrap_or_default();
            registration.decision = Some(by_the_staff(txn, reason_code, &note));
            Box::pin(keep_refusal(txn, held, &left, &registration)).await?;
            "registration.rejected"
        }
        Verb::Revoke => {
            let reason_code = reason_code.as_deref().unwrap_or_default();
            registration.decision = Some(by_the_staff(txn, reason_code, &note));
            "registration.revoked"
        }
        Verb::Expire => "registration.expired",
        Verb::Submit
        | Verb::Approve
        | Verb::Waitlist
        | Verb::Withdraw
        | Verb::Convert
        | Verb::RequestInfo
        | Verb::Extend
        | Verb::LogActivity
        | Verb::Transfer
        | Verb::Lapse => "registration.withdrawn",
    };
    let registration = record::update::<Entity>(txn, registration).await?;
    let mut event = NewEvent::new(kind, resource)
        .noting(note)
        .for_partner(&registration.partner)
        .with(told(&registration));
    if let Some(reason_code) = reason_code {
        event = event.because(reason_code);
    }
    event::append(txn, event);
    if left.contends {
        Box::pin(next(txn, held, &left)).await?;
    }
    Ok(registration)
}

/// Keeps that a person refused a registration, with what the rules would have made of it.
async fn keep_refusal(txn: &Txn, held: &Held, left: &Model, refused: &Model) -> Result<(), Error> {
    let facts = eligibility::facts(txn, &left.partner, &left.program).await?;
    let Some(facts) = facts else {
        return Ok(());
    };
    let asked = Asked {
        waited: left.state == State::Waitlisted,
        ..Asked::default()
    };
    let judged = Judged::about(txn, held.customer(left)?, left, facts, asked).await?;
    judged.keep(txn, refused, Occasion::Rejection).await
}

/// Acts upon the end of the protection that a registration had; it was locked after `held`.
/// Answers whether there was anything to act upon.
pub(super) async fn end_protection(
    txn: &Txn,
    held: &Held,
    mut registration: Model,
) -> Result<(), Error> {
    if !registration.contends || !lifecycle::over(registration.protection_end_time, txn.now()) {
        return Ok(());
    }
    protection::release(txn, [registration.id.clone()]).await?;
    if registration.state == State::Approved {
        let resource = name(txn.ecosystem(), &registration.id);
        let leaving = Leaving {
            verb: Verb::Expire,
            reason_code: Some("DEADLINE_PASSED".into()),
            note: String::new(),
        };
        leave(txn, held, registration, &resource, leaving).await?;
        return Ok(());
    }
    registration.contends = false;
    let left = record::update::<Entity>(txn, registration).await?;
    let disclosure = ConflictDisclosure::Sealed;
    report(txn, "registration.protection_ended", &left, "", disclosure);
    Box::pin(next(txn, held, &left)).await
}

/// Refuses a locked registration by a rule. Whoever waited with it is looked at by the caller.
pub(super) async fn turn_away(
    txn: &Txn,
    judged: &Judged,
    mut registration: Model,
    occasion: Occasion,
) -> Result<(), Error> {
    let resource = name(txn.ecosystem(), &registration.id);
    registration.state = lifecycle::moved(registration.state, Verb::Reject, &resource)?;
    registration.contends = false;
    registration.waitlist_position = None;
    response::stop(&mut registration);
    submission::decided(txn, &registration, true).await?;
    let registration = judged.write(txn, registration, occasion).await?;
    let disclosure = ConflictDisclosure::Sealed;
    report(txn, "registration.rejected", &registration, "", disclosure);
    Ok(())
}

/// Protects a registration that nothing stands in the way of, for what the rules left of it.
pub(super) async fn grant(
    txn: &Txn,
    customer: &Customer,
    judged: &Judged,
    registration: &mut Model,
) -> Result<(), Error> {
    let resource = name(txn.ecosystem(), &registration.id);
    let line = judged.found.standing.line();
    if registration.waitlist_position.take().is_some() {
        move_up(txn, &line, &Contender::from(&*registration)).await?;
    }
    registration.state = lifecycle::moved(registration.state, Verb::Approve, &resource)?;
    registration.tick_time = None;
    response::stop(registration);
    registration.judged = Some(customer.snapshot().clone());
    registration.products = Products(judged.outcome.products.clone());
    registration.granted_role = Some(judged.outcome.role);
    // Protections that are over give way, whether or not the sweeper has come by.
    let over = line
        .standing
        .iter()
        .filter(|other| lifecycle::over(other.protection_end_time, txn.now()));
    let over: Vec<_> = over.map(|other| other.id.clone()).collect();
    if !over.is_empty() {
        protection::release(txn, over).await?;
    }
    let facts = &judged.basis.facts;
    let window = window(txn.now(), facts.protection_days, &facts.time_zone);
    registration.protection_start_time = Some(window.start);
    registration.protection_end_time = Some(window.end);
    let identities = identities(customer, registration);
    protection::grant(txn, registration, &identities, (window.start, window.end)).await?;
    Ok(submission::decided(txn, registration, false).await?)
}

/// Under which keys a registration is protected. One site of a customer leaves the others free.
fn identities(customer: &Customer, registration: &Model) -> Vec<String> {
    match registration.entity_scope {
        EntityScope::Entity => customer.exclusive().to_vec(),
        EntityScope::Group => customer.exclusive_of_the_group(),
        EntityScope::Site => {
            let site = site(&Contender::from(registration)).unwrap_or_default();
            let keys = customer.exclusive().iter();
            keys.map(|key| format!("{key}#{site}")).collect()
        }
    }
}

/// Those behind a registration that leaves the waiting line move up one place.
pub(super) async fn move_up(txn: &Txn, line: &Line<'_>, leaving: &Contender) -> Result<(), Error> {
    let behind: Vec<_> = line
        .behind(leaving)
        .into_iter()
        .map(|one| one.id.clone())
        .collect();
    if !behind.is_empty() {
        registration::move_up(txn, behind).await?;
    }
    Ok(())
}

/// What is known of the partner of a registration and its program.
pub(super) async fn known(txn: &Txn, registration: &Model, resource: &str) -> Result<Facts, Error> {
    let facts = eligibility::facts(txn, &registration.partner, &registration.program).await?;
    let missing = || Problem::Precondition {
        resource: resource.to_owned(),
        requires: "its partner and its program must exist".to_owned(),
    };
    Ok(facts.ok_or_else(missing)?)
}
