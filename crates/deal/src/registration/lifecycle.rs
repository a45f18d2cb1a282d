//! Which moves a registration can make, what may be edited, and what its deadline does to it. Pure.

use trellis_core::lifecycle::{Named, Transition, next};
use trellis_core::{Problem, Timestamp};
use trellis_store::deal::registration::{Decision, Model, State};

/// What can be done to a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Hand it in.
    Submit,
    /// Grant it.
    Approve,
    /// Let it wait: somebody stands in its way.
    Waitlist,
    /// Refuse it.
    Reject,
    /// Take it back.
    Withdraw,
    /// Make a deal of it.
    Convert,
    /// Its protection ends.
    Expire,
    /// Ask its partner for more.
    RequestInfo,
    /// The time to answer runs out.
    Lapse,
    /// Take its protection away.
    Revoke,
    /// Let its protection last longer.
    Extend,
    /// Tell what was done for it.
    LogActivity,
    /// Give it to another partner.
    Transfer,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 13] = [
        Self::Submit,
        Self::Approve,
        Self::Waitlist,
        Self::Reject,
        Self::Withdraw,
        Self::Convert,
        Self::Expire,
        Self::RequestInfo,
        Self::Lapse,
        Self::Revoke,
        Self::Extend,
        Self::LogActivity,
        Self::Transfer,
    ];
}

impl Named for Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Submit => "SUBMIT",
            Self::Approve => "APPROVE",
            Self::Waitlist => "WAITLIST",
            Self::Reject => "REJECT",
            Self::Withdraw => "WITHDRAW",
            Self::Convert => "CONVERT",
            Self::Expire => "EXPIRE",
            Self::RequestInfo => "REQUEST_INFO",
            Self::Lapse => "LAPSE",
            Self::Revoke => "REVOKE",
            Self::Extend => "EXTEND",
            Self::LogActivity => "LOG_ACTIVITY",
            Self::Transfer => "TRANSFER",
        }
    }
}

const fn row(from: State, verb: Verb, to: State) -> Transition<State, Verb> {
    Transition { from, verb, to }
}

/// Every legal move. `SUBMIT` decides in the same breath: what it leaves in `SUBMITTED` may be
/// approved or wait-listed before anybody sees it there.
pub const TABLE: &[Transition<State, Verb>] = &[
    row(State::Draft, Verb::Submit, State::Submitted),
    row(State::Draft, Verb::Withdraw, State::Withdrawn),
    row(State::Submitted, Verb::Approve, State::Approved),
    row(State::Submitted, Verb::Waitlist, State::Waitlisted),
    row(State::Submitted, Verb::Reject, State::Rejected),
    row(State::Submitted, Verb::Withdraw, State::Withdrawn),
    row(State::Submitted, Verb::RequestInfo, State::NeedsInfo),
    row(State::Waitlisted, Verb::Approve, State::Approved),
    row(State::Waitlisted, Verb::Reject, State::Rejected),
    row(State::Waitlisted, Verb::Withdraw, State::Withdrawn),
    row(State::Waitlisted, Verb::RequestInfo, State::NeedsInfo),
    row(State::NeedsInfo, Verb::Submit, State::Submitted),
    row(State::NeedsInfo, Verb::Withdraw, State::Withdrawn),
    row(State::NeedsInfo, Verb::Lapse, State::Withdrawn),
    row(State::Approved, Verb::Convert, State::Converted),
    row(State::Approved, Verb::Expire, State::Expired),
    row(State::Approved, Verb::Revoke, State::Revoked),
    row(State::Approved, Verb::Extend, State::Approved),
    row(State::Approved, Verb::LogActivity, State::Approved),
    row(State::Approved, Verb::Transfer, State::Approved),
    row(State::Converted, Verb::Extend, State::Converted),
    row(State::Converted, Verb::LogActivity, State::Converted),
];

/// Where a verb leads from a state.
///
/// # Errors
/// [`Problem::IllegalTransition`], naming the verbs that are legal.
pub fn moved(state: State, verb: Verb, resource: &str) -> Result<State, Problem> {
    next(TABLE, state, verb, resource)
}

/// Whether a protection that ends then has ended.
#[must_use]
pub fn over(protection_end_time: Option<Timestamp>, now: Timestamp) -> bool {
    protection_end_time.is_some_and(|end| end <= now)
}

/// Whether the time has run out in which the partner of a registration in this state was to answer.
#[must_use]
pub fn unanswered(state: State, info_due_time: Option<Timestamp>, now: Timestamp) -> bool {
    state == State::NeedsInfo && info_due_time.is_some_and(|due| due <= now)
}

/// Why a registration was taken back that nobody did anything about.
pub const INFO_DEADLINE_PASSED: &str = "INFO_DEADLINE_PASSED";

/// What a decision is called that a passed deadline makes.
const CLOCK: &str = "CLOCK";

/// The decision that a deadline has made, by whoever notes it.
pub(super) fn unanswered_since(due: Timestamp, actor: &str) -> Decision {
    Decision {
        rule: CLOCK.to_owned(),
        reason_code: INFO_DEADLINE_PASSED.to_owned(),
        note: None,
        blocked_by: None,
        actor: actor.to_owned(),
        decide_time: due,
    }
}

/// The registration as it stands at `now`: approved and over is expired, and what was not answered in
/// time is taken back.
#[must_use]
pub fn as_of(mut registration: Model, now: Timestamp) -> Model {
    if registration.state == State::Approved && over(registration.protection_end_time, now) {
        registration.state = State::Expired;
    } else if unanswered(registration.state, registration.info_due_time, now) {
        registration.state = State::Withdrawn;
        let due = registration.info_due_time.take();
        registration.decision = due.map(|due| unanswered_since(due, ""));
    }
    registration
}

/// The registration as it is answered at `now`: also who has been told, or is about to be, that nobody
/// responds. What is written back is without that, so that whoever is about to be told is.
#[must_use]
pub fn answered(registration: Model, now: Timestamp) -> Model {
    let mut registration = as_of(registration, now);
    while escalates(&registration, now) {
        escalate(&mut registration);
    }
    registration
}

/// Whether nobody has responded to a registration for as long as it may wait.
#[must_use]
pub fn escalates(registration: &Model, now: Timestamp) -> bool {
    let waits = matches!(registration.state, State::Submitted | State::Waitlisted);
    waits && registration.escalation_time.is_some_and(|due| due <= now)
}

/// Escalates a registration: first to who looks after its partner, at last to who owns the program.
pub(super) fn escalate(registration: &mut Model) {
    registration.escalation_level += 1;
    registration.escalation_time = registration.final_escalation_time.take();
}

/// What makes one claim another: changed while its partner is asked for more, it costs the place in
/// the line. Less than was estimated is no other claim.
#[must_use]
pub fn is_another_claim(before: &Model, after: &Model) -> bool {
    before.program != after.program
        || before.account != after.account
        || before.products != after.products
        || before.territory != after.territory
        || before.deal_type != after.deal_type
        || before.entity_scope != after.entity_scope
        || before.site != after.site
        || before.currency != after.currency
        || before.estimated_minor < after.estimated_minor
}

/// The fields that may be edited in a state.
#[must_use]
pub fn editable(state: State) -> &'static [&'static str] {
    match state {
        State::Draft | State::NeedsInfo => &[
            "display_name",
            "program",
            "account",
            "products",
            "territory",
            "deal_type",
            "estimated_value",
            "expected_close_date",
            "note",
            "evidence",
            "entity_scope",
            "site",
            "proofs",
            "tender_publish_time",
            "accept_partial",
        ],
        State::Submitted | State::Waitlisted => &["display_name", "note", "evidence"],
        State::Approved => &["display_name", "expected_close_date", "note", "evidence"],
        State::Rejected | State::Converted | State::Expired | State::Withdrawn | State::Revoked => {
            &[]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 10] = [
        State::Draft,
        State::Submitted,
        State::Approved,
        State::Rejected,
        State::Waitlisted,
        State::Converted,
        State::Expired,
        State::Withdrawn,
        State::NeedsInfo,
        State::Revoked,
    ];

    /// The contract's own words, written apart from the table: state, verb, state.
    const CONTRACT: &str = "
        DRAFT SUBMIT SUBMITTED
        DRAFT WITHDRAW WITHDRAWN
        SUBMITTED APPROVE APPROVED
        SUBMITTED WAITLIST WAITLISTED
        SUBMITTED REJECT REJECTED
        SUBMITTED WITHDRAW WITHDRAWN
        SUBMITTED REQUEST_INFO NEEDS_INFO
        WAITLISTED APPROVE APPROVED
        WAITLISTED REJECT REJECTED
        WAITLISTED WITHDRAW WITHDRAWN
        WAITLISTED REQUEST_INFO NEEDS_INFO
        NEEDS_INFO SUBMIT SUBMITTED
        NEEDS_INFO WITHDRAW WITHDRAWN
        NEEDS_INFO LAPSE WITHDRAWN
        APPROVED CONVERT CONVERTED
        APPROVED EXPIRE EXPIRED
        APPROVED REVOKE REVOKED
        APPROVED EXTEND APPROVED
        APPROVED LOG_ACTIVITY APPROVED
        APPROVED TRANSFER APPROVED
        CONVERTED EXTEND CONVERTED
        CONVERTED LOG_ACTIVITY CONVERTED";

    #[test]
    fn every_state_and_verb_does_what_the_contract_says() {
        for state in STATES {
            for verb in Verb::ALL {
                let start = format!("{} {} ", state.name(), verb.name());
                let expected = CONTRACT
                    .lines()
                    .find_map(|line| line.trim().strip_prefix(start.as_str()));
                let found = moved(state, verb, "r").ok().map(Named::name);
                assert_eq!(found, expected, "{start}");
            }
        }
    }

    #[test]
    fn what_is_final_can_neither_move_nor_be_edited() {
        for state in STATES {
            let moves = Verb::ALL
                .into_iter()
                .any(|verb| moved(state, verb, "r").is_ok_and(|to| to != state));
            assert_eq!(moves, !editable(state).is_empty(), "{state:?}");
        }
    }

    #[test]
    fn what_is_claimed_can_be_edited_in_a_draft_and_when_more_is_asked_for() {
        let claim = [
            "program",
            "account",
            "products",
            "territory",
            "deal_type",
            "estimated_value",
            "entity_scope",
            "site",
            "proofs",
            "tender_publish_time",
            "accept_partial",
        ];
        for state in STATES {
            let editable = editable(state);
            let open = claim.iter().any(|field| editable.contains(field));
            let asked = matches!(state, State::Draft | State::NeedsInfo);
            assert_eq!(open, asked, "{state:?}");
            assert!(!editable.contains(&"partner"), "{state:?}");
        }
    }
}
