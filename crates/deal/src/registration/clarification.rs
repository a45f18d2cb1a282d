//! What the staff want to know before they decide: asking, answering, and what becomes of a registration
//! whose partner does not answer. Everything here runs in a transaction that holds the customer.
//!
//! Whoever is asked keeps the place in the line, and so keeps those behind waiting: the vendor asked,
//! and nobody overtakes meanwhile. Whoever makes another claim of the registration gives the place up
//! at that moment, or a place would be kept at a customer that nobody asked for in time.

use trellis_api::name;
use trellis_core::Problem;
use trellis_store::deal::contender::Contender;
use trellis_store::deal::registration::{Entity, InfoRequest, Model};
use trellis_store::deal::registration_decision::Occasion;
use trellis_store::event::{self, NewEvent};
use trellis_store::program::program;
use trellis_store::{Txn, record};

use super::basis::AsksAPerson;
use super::decisions::Judged;
use super::gather::{Asked, Found, Standing};
use super::held::Held;
use super::joining::{self, CLEARED};
use super::lifecycle::{self, INFO_DEADLINE_PASSED, Verb};
use super::queue::{self, Leaving};
use super::rules::Verdict;
use super::told::{report, told};
use super::turns;
use super::{response, screening};
use crate::{Error, absent};

/// Asks the partner of a locked registration for more.
pub(super) async fn ask(
    txn: &Txn,
    held: &Held,
    mut registration: Model,
    resource: &str,
    question: InfoRequest,
) -> Result<Model, Error> {
    let before = registration.clone();
    registration.state = lifecycle::moved(before.state, Verb::RequestInfo, resource)?;
    let program = record::find::<program::Entity>(txn, &before.program).await?;
    let program = program.ok_or_else(|| absent(txn, &before.program))?;
    let clock = program.registration_clock;
    if registration.resubmission_count >= clock.resubmission_limit {
        return Err(Problem::Precondition {
            resource: resource.to_owned(),
            requires: format!(
                "its partner may hand it in again {} times, and has; decide",
                clock.resubmission_limit
            ),
        }
        .into());
    }
    if registration.waitlist_position.take().is_some() {
        let standing = Standing::at(txn, held.customer(&before)?, &before).await?;
        queue::move_up(txn, &standing.line(), &Contender::from(&before)).await?;
    }
    registration.tick_time = None;
    response::pause(&mut registration, &clock, &program.time_zone, txn.now());
    registration.info_request = Some(question);
    registration.info_due_time = Some(clock.calendar.deadline(
        txn.now(),
        clock.info_business_days,
        &program.time_zone,
    ));
    let registration = record::update::<Entity>(txn, registration).await?;
    event::append(
        txn,
        NewEvent::new("registration.info_requested", resource)
            .for_partner(&registration.partner)
            .with(told(&registration)),
    );
    Ok(registration)
}

/// Hands a locked registration in again at the place that it has kept. A person has asked, so a person
/// goes on with it, whatever the program approves by itself and whatever a rule would refuse.
///
/// Whatever is decided, as many events are written: their places in the feed tell nothing.
pub(super) async fn answer(
    txn: &Txn,
    held: &Held,
    mut registration: Model,
    resource: &str,
    note: String,
) -> Result<Model, Error> {
    registration.state = lifecycle::moved(registration.state, Verb::Submit, resource)?;
    registration.resubmission_count += 1;
    registration.info_due_time = None;
    let facts = queue::known(txn, &registration, resource).await?;
    let customer = held.customer(&registration)?;
    let found = Box::pin(Found::about(txn, customer, &registration, facts)).await?;
    let facts = found.facts.clone();
    screening::again(txn, &mut registration, customer, &found.submissions).await?;
    registration.judged = Some(customer.snapshot().clone());
    let asked = Asked {
        asks_a_person: Some(AsksAPerson::AskedForMore),
        ..Asked::default()
    };
    let judged = Judged::of(txn, found, &registration, asked);
    joining::admissible(&judged.outcome, resource)?;
    let claimed = registration.clone();
    let kind = match &judged.outcome.verdict {
        Verdict::SelfDuplicate { of } => {
            return Err(Error::SelfDuplicate {
                resource: name(txn.ecosystem(), of),
            });
        }
        Verdict::Waitlist { .. } => {
            joining::wait(txn, &judged, &mut registration, resource).await?;
            "registration.waitlisted"
        }
        Verdict::Approve
        | Verdict::Review
        | Verdict::Reject
        | Verdict::Ineligible { .. }
        | Verdict::NeedsInfo { .. } => CLEARED,
    };
    registration.decision = Some(judged.decision(txn));
    response::resume(&mut registration, &facts, txn.now());
    let registration = judged
        .write(txn, registration, Occasion::Submission)
        .await?;
    event::append(
        txn,
        NewEvent::new("registration.resubmitted", resource)
            .noting(note)
            .for_partner(&registration.partner)
            .with(told(&claimed)),
    );
    report(txn, kind, &registration, "", facts.conflict_disclosure);
    Ok(registration)
}

/// A registration that has become another claim, as it is handed in like a draft.
pub(super) fn again(registration: Model) -> Model {
    Model {
        resubmission_count: registration.resubmission_count + 1,
        info_due_time: None,
        response_days_left: None,
        ..registration
    }
}

/// Writes a locked registration, of which its partner has made another claim, out of the line: whoever
/// waited for what it asked before has their turn. `before` is the registration as it was.
pub(super) async fn give_up_place(
    txn: &Txn,
    held: &Held,
    before: &Model,
    mut registration: Model,
) -> Result<Model, Error> {
    registration.contends = false;
    let registration = record::update::<Entity>(txn, registration).await?;
    if before.contends {
        turns::next(txn, held, before).await?;
    }
    Ok(registration)
}

/// Takes a registration back whose partner did not answer in time; it was locked after `held`.
pub(super) async fn lapse(txn: &Txn, held: &Held, mut registration: Model) -> Result<(), Error> {
    if !lifecycle::unanswered(registration.state, registration.info_due_time, txn.now()) {
        return Ok(());
    }
    let resource = name(txn.ecosystem(), &registration.id);
    let actor = txn.actor().as_str();
    registration.decision = registration
        .info_due_time
        .map(|due| lifecycle::unanswered_since(due, actor));
    let leaving = Leaving {
        verb: Verb::Lapse,
        reason_code: Some(INFO_DEADLINE_PASSED.into()),
        note: String::new(),
    };
    queue::leave(txn, held, registration, &resource, leaving).await?;
    Ok(())
}
