//! Which moves a registration can make, what may be edited, and what its deadline does to it. Pure.

use trellis_core::lifecycle::{Named, Transition, next};
use trellis_core::{Problem, Timestamp};
use trellis_store::deal::registration::{Model, State};

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
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 7] = [
        Self::Submit,
        Self::Approve,
        Self::Waitlist,
        Self::Reject,
        Self::Withdraw,
        Self::Convert,
        Self::Expire,
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
    row(State::Waitlisted, Verb::Approve, State::Approved),
    row(State::Waitlisted, Verb::Reject, State::Rejected),
    row(State::Waitlisted, Verb::Withdraw, State::Withdrawn),
    row(State::Approved, Verb::Convert, State::Converted),
    row(State::Approved, Verb::Expire, State::Expired),
];

/// Where a verb leads from a state.
///
/// # Errors
/// [`Problem::IllegalTransition`], naming the verbs that are legal.
pub fn moved(state: State, verb: Verb, resource: &str) -> Result<State, Problem> {
    next(TABLE, state, verb, resource)
}

/// Whether the protection of an approved registration has ended.
#[must_use]
pub fn over(registration: &Model, now: Timestamp) -> bool {
    registration
        .protection_end_time
        .is_some_and(|end| end <= now)
}

/// The registration as it stands at `now`: approved and over is expired.
#[must_use]
pub fn as_of(mut registration: Model, now: Timestamp) -> Model {
    if registration.state == State::Approved && over(&registration, now) {
        registration.state = State::Expired;
    }
    registration
}

/// The fields that may be edited in a state.
#[must_use]
pub fn editable(state: State) -> &'static [&'static str] {
    match state {
        State::Draft => &[
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
        State::Rejected | State::Converted | State::Expired | State::Withdrawn => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 8] = [
        State::Draft,
        State::Submitted,
        State::Approved,
        State::Rejected,
        State::Waitlisted,
        State::Converted,
        State::Expired,
        State::Withdrawn,
    ];

    /// The contract's own words, written apart from the table: state, verb, state.
    const CONTRACT: &str = "
        DRAFT SUBMIT SUBMITTED
        DRAFT WITHDRAW WITHDRAWN
        SUBMITTED APPROVE APPROVED
        SUBMITTED WAITLIST WAITLISTED
        SUBMITTED REJECT REJECTED
        SUBMITTED WITHDRAW WITHDRAWN
        WAITLISTED APPROVE APPROVED
        WAITLISTED REJECT REJECTED
        WAITLISTED WITHDRAW WITHDRAWN
        APPROVED CONVERT CONVERTED
        APPROVED EXPIRE EXPIRED";

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
                .any(|verb| moved(state, verb, "r").is_ok());
            assert_eq!(moves, !editable(state).is_empty(), "{state:?}");
        }
    }

    #[test]
    fn nothing_that_is_claimed_can_be_edited_once_it_is_handed_in() {
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
            assert_eq!(open, state == State::Draft, "{state:?}");
            assert!(!editable.contains(&"partner"), "{state:?}");
        }
    }
}
