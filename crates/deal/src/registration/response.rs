//! The clock by which the vendor responds, and what becomes of a registration that nobody responds to.
//!
//! What a partner is promised follows from its own submission alone: under a program that keeps conflicts
//! sealed, one that waits for another shows the same deadline as one that waits for a person. Escalated is
//! only what waits for a person, and that is told to the staff.

use trellis_api::name;
use trellis_core::{TimeZone, Timestamp};
use trellis_store::deal::eligibility::{self, Facts};
use trellis_store::deal::registration::{self, Model, State};
use trellis_store::deal::registration_decision::Occasion;
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner;
use trellis_store::program::program::{FinalBreach, RegistrationClock};
use trellis_store::{Txn, record};

use super::decisions::Judged;
use super::gather::{Asked, Found};
use super::held::Held;
use super::lifecycle;
use super::queue;
use super::rules::Verdict;
use super::told::{report, report_neighbours, saying, told_of_claim};
use super::{cooling, screening};
use crate::Error;

/// Why somebody else is told of what nobody has responded to.
const OVERDUE: &str = "RESPONSE_OVERDUE";

/// How often a registration is escalated.
const LEVELS: i32 = 2;

/// The clock begins: a registration is handed in, and has been decided about as far as the rules do.
pub(super) fn begin(registration: &mut Model, facts: &Facts, now: Timestamp) {
    let clock = &facts.registration_clock;
    run(
        registration,
        clock,
        &facts.time_zone,
        now,
        clock.response_business_days,
    );
}

/// The clock stands still: its partner is asked for more.
pub(super) fn pause(
    registration: &mut Model,
    clock: &RegistrationClock,
    zone: &TimeZone,
    now: Timestamp,
) {
    let left = registration
        .response_due_time
        .map(|due| clock.calendar.left(now, due, zone).max(1));
    stop(registration);
    registration.response_days_left = left;
}

/// The clock goes on: its partner has answered. One that was asked before there were clocks has all of
/// the days.
pub(super) fn resume(registration: &mut Model, facts: &Facts, now: Timestamp) {
    let clock = &facts.registration_clock;
    let left = registration.response_days_left.take();
    let days = left.unwrap_or(clock.response_business_days);
    run(registration, clock, &facts.time_zone, now, days);
}

fn run(
    registration: &mut Model,
    clock: &RegistrationClock,
    zone: &TimeZone,
    now: Timestamp,
    days: i32,
) {
    stop(registration);
    match registration.state {
        State::Submitted => {
            registration.response_due_time = Some(clock.calendar.deadline(now, days, zone));
            if registration.tick_time.is_none() {
                watch(registration, clock, zone, now, days);
            }
        }
        State::Waitlisted => {
            registration.response_due_time = Some(clock.calendar.deadline(now, days, zone));
        }
        _ => {}
    }
}

/// A person is to decide about a registration now, whose turn has come or whose tick has decided nothing:
/// it is escalated as if it had been handed in now. What its partner was promised stands.
pub(super) fn turn(registration: &mut Model, facts: &Facts, now: Timestamp) {
    let clock = &facts.registration_clock;
    let days = clock.response_business_days;
    watch(registration, clock, &facts.time_zone, now, days);
}

fn watch(
    registration: &mut Model,
    clock: &RegistrationClock,
    zone: &TimeZone,
    now: Timestamp,
    days: i32,
) {
    let last = days.saturating_add(clock.escalation_business_days);
    registration.escalation_time = Some(clock.calendar.deadline(now, days, zone));
    registration.final_escalation_time = Some(clock.calendar.deadline(now, last, zone));
    registration.escalation_level = 0;
}

/// Nobody waits for a response any more.
pub(super) fn stop(registration: &mut Model) {
    registration.response_due_time = None;
    registration.response_days_left = None;
    registration.escalation_time = None;
    registration.final_escalation_time = None;
    registration.escalation_level = 0;
}

/// Tells the next one that nobody has responded to a registration, which was locked after `held`; or, the
/// last time, approves it where the program says so and nothing speaks against it.
pub(super) async fn escalate(txn: &Txn, held: &Held, mut registration: Model) -> Result<(), Error> {
    if !lifecycle::escalates(&registration, txn.now()) {
        // It waits for somebody else again.
        if registration
            .escalation_time
            .is_some_and(|due| due <= txn.now())
        {
            registration.escalation_time = None;
            registration::note(txn, &registration).await?;
        }
        return Ok(());
    }
    lifecycle::escalate(&mut registration);
    if registration.escalation_level >= LEVELS && approve(txn, held, &registration).await? {
        return Ok(());
    }
    registration::note(txn, &registration).await?;
    let partner = record::find::<partner::Entity>(txn, &registration.partner).await?;
    let escalated_to = match registration.escalation_level {
        1 => "CHANNEL_MANAGER",
        _ => "PROGRAM_OWNER",
    };
    let manager = partner.and_then(|one| one.channel_manager);
    let data = saying(
        told_of_claim(&registration),
        [
            ("escalation_level", registration.escalation_level.into()),
            ("escalated_to", escalated_to.into()),
            ("channel_manager", manager.into()),
        ],
    );
    event::append(
        txn,
        NewEvent::new(
            "registration.response_overdue",
            name(txn.ecosystem(), &registration.id),
        )
        .because(OVERDUE)
        .with(data),
    );
    Ok(())
}

/// Approves a registration that nobody has responded to, if its program does that and the rules approve
/// it: whatever would keep a person from it keeps the program from it too.
async fn approve(txn: &Txn, held: &Held, registration: &Model) -> Result<bool, Error> {
    let facts = eligibility::facts(txn, &registration.partner, &registration.program).await?;
    let Some(facts) = facts.filter(|facts| {
        let breach = facts.registration_clock.on_final_breach;
        breach == FinalBreach::AutoApprove
    }) else {
        return Ok(false);
    };
    let mut registration = registration.clone();
    let customer = held.customer(&registration)?;
    let disclosure = facts.conflict_disclosure;
    let found = Box::pin(Found::about(txn, customer, &registration, facts)).await?;
    screening::again(txn, &mut registration, customer, &found.submissions).await?;
    let asked = Asked {
        overdue: true,
        asks_a_person: cooling::was_tried_again(txn, &registration, &found).await?,
        ..Asked::default()
    };
    let judged = Judged::of(txn, found, &registration, asked);
    if judged.outcome.verdict != Verdict::Approve {
        return Ok(false);
    }
    queue::grant(txn, customer, &judged, &mut registration).await?;
    registration.decision = Some(judged.decision(txn));
    let registration = judged.write(txn, registration, Occasion::Breach).await?;
    report(txn, "registration.approved", &registration, "", disclosure);
    report_neighbours(txn, &registration, &judged.basis.neighbours);
    Ok(true)
}
