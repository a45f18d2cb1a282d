//! Which moves a partner can make, and what its deadlines do to it. Pure.

use trellis_core::lifecycle::{Named, Transition, next};
use trellis_core::{Problem, Timestamp};
use trellis_store::partner::partner::{Model, State};

/// What can be done to a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Ask it to join.
    Invite,
    /// It says yes.
    Accept,
    /// It says no.
    Decline,
    /// It did not answer in time.
    Expire,
    /// Its onboarding is complete.
    Activate,
    /// Stop it for a while.
    Suspend,
    /// Let it go on.
    Reinstate,
    /// Announce its end.
    GiveNotice,
    /// End it.
    Terminate,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 9] = [
        Self::Invite,
        Self::Accept,
        Self::Decline,
        Self::Expire,
        Self::Activate,
        Self::Suspend,
        Self::Reinstate,
        Self::GiveNotice,
        Self::Terminate,
    ];
}

impl Named for Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Invite => "INVITE",
            Self::Accept => "ACCEPT",
            Self::Decline => "DECLINE",
            Self::Expire => "EXPIRE",
            Self::Activate => "ACTIVATE",
            Self::Suspend => "SUSPEND",
            Self::Reinstate => "REINSTATE",
            Self::GiveNotice => "GIVE_NOTICE",
            Self::Terminate => "TERMINATE",
        }
    }
}

const fn row(from: State, verb: Verb, to: State) -> Transition<State, Verb> {
    Transition { from, verb, to }
}

/// Every legal move.
pub const TABLE: &[Transition<State, Verb>] = &[
    row(State::Prospect, Verb::Invite, State::Invited),
    row(State::Declined, Verb::Invite, State::Invited),
    row(State::Expired, Verb::Invite, State::Invited),
    row(State::Invited, Verb::Accept, State::Onboarding),
    row(State::Invited, Verb::Decline, State::Declined),
    row(State::Invited, Verb::Expire, State::Expired),
    row(State::Onboarding, Verb::Activate, State::Active),
    row(State::Active, Verb::Suspend, State::Suspended),
    row(State::Suspended, Verb::Reinstate, State::Active),
    row(State::Active, Verb::GiveNotice, State::Terminating),
    row(State::Suspended, Verb::GiveNotice, State::Terminating),
    row(State::Terminating, Verb::Terminate, State::Terminated),
];

/// Where a verb leads from a state.
///
/// # Errors
/// [`Problem::IllegalTransition`], naming the verbs that are legal.
pub fn moved(state: State, verb: Verb, resource: &str) -> Result<State, Problem> {
    next(TABLE, state, verb, resource)
}

/// The move that a passed deadline makes, if one has passed.
#[must_use]
pub fn due(partner: &Model, now: Timestamp) -> Option<Verb> {
    let passed = |time: Option<Timestamp>| time.is_some_and(|time| time <= now);
    match partner.state {
        State::Invited if passed(partner.invitation_expire_time) => Some(Verb::Expire),
        State::Suspended if passed(partner.suspend_until_time) => Some(Verb::Reinstate),
        State::Terminating if passed(partner.terminate_time) => Some(Verb::Terminate),
        State::Prospect
        | State::Invited
        | State::Onboarding
        | State::Active
        | State::Suspended
        | State::Terminating
        | State::Terminated
        | State::Declined
        | State::Expired => None,
    }
}

/// The partner as it stands at `now`, its passed deadlines applied.
#[must_use]
pub fn as_of(mut partner: Model, now: Timestamp) -> Model {
    if let Some(verb) = due(&partner, now) {
        settle(&mut partner, verb);
    }
    partner
}

/// Applies the move of a passed deadline. The table allows it in every state that has one.
pub(crate) fn settle(partner: &mut Model, verb: Verb) {
    if let Ok(state) = moved(partner.state, verb, "") {
        enter(partner, state);
    }
}

/// Puts a partner into a state: what belongs to the state it leaves is cleared.
pub(crate) fn enter(partner: &mut Model, state: State) {
    partner.state = state;
    if state != State::Invited {
        partner.invitation_expire_time = None;
    }
    if state != State::Suspended {
        partner.suspend_until_time = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 9] = [
        State::Prospect,
        State::Invited,
        State::Onboarding,
        State::Active,
        State::Suspended,
        State::Terminating,
        State::Terminated,
        State::Declined,
        State::Expired,
    ];

    /// The contract's own words, written apart from the table: state, verb, state.
    const CONTRACT: &str = "
        PROSPECT INVITE INVITED
        DECLINED INVITE INVITED
        EXPIRED INVITE INVITED
        INVITED ACCEPT ONBOARDING
        INVITED DECLINE DECLINED
        INVITED EXPIRE EXPIRED
        ONBOARDING ACTIVATE ACTIVE
        ACTIVE SUSPEND SUSPENDED
        SUSPENDED REINSTATE ACTIVE
        ACTIVE GIVE_NOTICE TERMINATING
        SUSPENDED GIVE_NOTICE TERMINATING
        TERMINATING TERMINATE TERMINATED";

    #[test]
    fn every_state_and_verb_does_what_the_contract_says() {
        for state in STATES {
            for verb in Verb::ALL {
                let start = format!("{} {} ", state.name(), verb.name());
                let expected = CONTRACT
                    .lines()
                    .find_map(|line| line.trim().strip_prefix(start.as_str()));
                let found = moved(state, verb, "p").ok().map(Named::name);
                assert_eq!(found, expected, "{start}");
            }
        }
    }

    #[test]
    fn a_refusal_names_the_verbs_that_are_legal() {
        let refused = moved(State::Active, Verb::Invite, "ecosystems/acme/partners/p").unwrap_err();
        let Problem::IllegalTransition {
            state,
            verb,
            allowed,
            ..
        } = refused
        else {
            panic!("another problem: {refused}");
        };
        assert_eq!((state, verb), ("ACTIVE", "INVITE"));
        assert_eq!(allowed, ["SUSPEND", "GIVE_NOTICE"]);
    }
}
