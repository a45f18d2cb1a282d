//! What a partner is told of its registrations. Pure.
//!
//! Whether an account is taken is worth money, so a partner must not learn it by asking. Under a
//! program that keeps conflicts sealed, a registration that waits looks to its partner like one that
//! nobody has decided about yet: in answers, in filters, in refusals and in the feed. What it is
//! told at last is one bit, late: its registration is approved, or refused for a coarse reason.
//!
//! Whoever looks is told apart by how far their call reaches, and not by their name.

use trellis_core::filter::{Comparison, Value};
use trellis_core::lifecycle::Named;
use trellis_core::{Filter, ProgramId, Scope, Timestamp};
use trellis_store::deal::registration::{Decision, Model, State, Transfers};
use trellis_store::program::program::ConflictDisclosure;

use super::lifecycle::INFO_DEADLINE_PASSED;

/// Who looks at a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The vendor's staff, who see everything.
    Staff,
    /// Its partner, under a program that tells so much.
    Partner(ConflictDisclosure),
}

impl Seen {
    /// How a call that reaches so far sees a registration of a program that tells so much.
    #[must_use]
    pub fn by(scope: &Scope, disclosure: ConflictDisclosure) -> Self {
        if scope.is_staff() {
            Self::Staff
        } else {
            Self::Partner(disclosure)
        }
    }

    /// Whether what is decided at the submission is kept from whoever hands in.
    #[must_use]
    pub fn waits_for_the_tick(self) -> bool {
        self == Self::Partner(ConflictDisclosure::Sealed)
    }
}

/// What a program tells, of which `telling` are those that tell which registrations wait.
#[must_use]
pub fn of(program: &ProgramId, telling: &[ProgramId]) -> ConflictDisclosure {
    if telling.contains(program) {
        ConflictDisclosure::State
    } else {
        ConflictDisclosure::Sealed
    }
}

/// A registration as it is shown.
#[must_use]
pub fn shown(mut registration: Model, to: Seen) -> Model {
    let Seen::Partner(disclosure) = to else {
        return registration;
    };
    registration.decision = told(&registration, disclosure);
    registration.state = state(registration.state, disclosure);
    registration.suspicion = None;
    registration.screening = None;
    registration.waitlist_position = None;
    registration.escalation_time = None;
    registration.escalation_level = 0;
    registration.transfers = Transfers::default();
    registration.submit_time = registration.receive_time.or(registration.submit_time);
    registration
}

/// The state that a partner is told.
#[must_use]
pub fn state(state: State, disclosure: ConflictDisclosure) -> State {
    match (state, disclosure) {
        (State::Waitlisted, ConflictDisclosure::Sealed) => State::Submitted,
        (state, _) => state,
    }
}

/// The decision that a partner is told: never by which rule, by whom or against whom.
fn told(registration: &Model, disclosure: ConflictDisclosure) -> Option<Decision> {
    let coarse = |reason_code: &str, decide_time: Option<Timestamp>| {
        decide_time.map(|decide_time| Decision {
            rule: String::new(),
            reason_code: reason_code.to_owned(),
            note: None,
            blocked_by: None,
            actor: String::new(),
            decide_time,
        })
    };
    match registration.state {
        State::Draft | State::Submitted | State::NeedsInfo => None,
        // Only what a passed deadline of its own has decided.
        State::Withdrawn => registration
            .decision
            .as_ref()
            .filter(|decision| decision.reason_code == INFO_DEADLINE_PASSED)
            .and_then(|decision| coarse(INFO_DEADLINE_PASSED, Some(decision.decide_time))),
        State::Waitlisted => match disclosure {
            ConflictDisclosure::Sealed => None,
            // When it was handed in. The decision itself may have been made anew since, when
            // somebody else left.
            ConflictDisclosure::State => coarse(POLICY, registration.receive_time),
        },
        State::Approved | State::Converted | State::Expired => {
            coarse("APPROVED", registration.protection_start_time)
        }
        State::Rejected | State::Revoked => {
            let decision = registration.decision.as_ref()?;
            coarse(refusal(&decision.reason_code), Some(decision.decide_time))
        }
    }
}

pub(super) const NOT_ELIGIBLE: &str = "NOT_ELIGIBLE";
const INCOMPLETE: &str = "INCOMPLETE";
const POLICY: &str = "POLICY";

/// The coarse reason of a refusal. Whatever word the staff use for a conflict is one of policy.
pub(super) fn refusal(reason_code: &str) -> &'static str {
    match reason_code {
        "INELIGIBLE" | NOT_ELIGIBLE => NOT_ELIGIBLE,
        "NO_EVIDENCE" | INCOMPLETE => INCOMPLETE,
        _ => POLICY,
    }
}

const MINUTE: i64 = 60_000_000;

/// The decision tick after a moment: the first full hour that is at least 15 minutes away. It depends
/// on nothing but the clock, so when it comes tells nothing.
#[must_use]
pub fn tick(now: Timestamp) -> Timestamp {
    let hour = 60 * MINUTE;
    let earliest = now.micros().saturating_add(15 * MINUTE);
    let into = earliest.rem_euclid(hour);
    let rest = if into == 0 { 0 } else { hour - into };
    Timestamp::from_micros(earliest.saturating_add(rest))
}

/// A filter of a partner, so that it finds what the partner is shown. `telling` are the programs that
/// tell their partners which registrations wait.
#[must_use]
pub fn filtered(filter: Filter, telling: &[ProgramId]) -> Filter {
    let each = |parts: Vec<Filter>| {
        let parts = parts.into_iter();
        parts.map(|part| filtered(part, telling)).collect()
    };
    match filter {
        Filter::All(parts) => Filter::All(each(parts)),
        Filter::Any(parts) => Filter::Any(each(parts)),
        Filter::Not(part) => Filter::Not(Box::new(filtered(*part, telling))),
        Filter::Test {
            field: "state",
            comparison: Comparison::NotEqual,
            value,
        } => Filter::Not(Box::new(in_state(value, telling))),
        Filter::Test {
            field: "state",
            comparison: Comparison::Equal | Comparison::Has,
            value,
        } => in_state(value, telling),
        Filter::Test {
            field: "submit_time",
            comparison,
            value,
        } => Filter::Test {
            field: "receive_time",
            comparison,
            value,
        },
        other @ Filter::Test { .. } => other,
    }
}

/// Those that are shown in a state.
fn in_state(value: Value, telling: &[ProgramId]) -> Filter {
    let is = |field, value| Filter::Test {
        field,
        comparison: Comparison::Equal,
        value,
    };
    let text = |text: &str| Value::Text(text.to_owned());
    let waiting = || is("state", text(State::Waitlisted.name()));
    let tell = || {
        let programs = telling.iter();
        Filter::Any(
            programs
                .map(|program| is("program", text(program.as_str())))
                .collect(),
        )
    };
    if value == text(State::Waitlisted.name()) {
        if telling.is_empty() {
            // No row is in two states.
            let submitted = is("state", text(State::Submitted.name()));
            return Filter::All(vec![waiting(), submitted]);
        }
        return Filter::All(vec![waiting(), tell()]);
    }
    if value == text(State::Submitted.name()) {
        let sealed = if telling.is_empty() {
            waiting()
        } else {
            Filter::All(vec![waiting(), Filter::Not(Box::new(tell()))])
        };
        return Filter::Any(vec![is("state", value), sealed]);
    }
    is("state", value)
}

#[cfg(test)]
mod tests;
