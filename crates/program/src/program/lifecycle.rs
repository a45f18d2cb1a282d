//! Which moves a program can make, and what of it can still be edited where. Pure.

use trellis_core::lifecycle::{Named, Transition, next};
use trellis_core::{Problem, Timestamp};
use trellis_store::program::program::{Model, State};

/// What can be done to a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Let partners in.
    Publish,
    /// End it.
    Retire,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 2] = [Self::Publish, Self::Retire];
}

impl Named for Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Publish => "PUBLISH",
            Self::Retire => "RETIRE",
        }
    }
}

const fn row(from: State, verb: Verb, to: State) -> Transition<State, Verb> {
    Transition { from, verb, to }
}

/// Every legal move.
pub const TABLE: &[Transition<State, Verb>] = &[
    row(State::Draft, Verb::Publish, State::Active),
    row(State::Active, Verb::Retire, State::Retired),
];

/// Where a verb leads from a state.
///
/// # Errors
/// [`Problem::IllegalTransition`], naming the verbs that are legal.
pub fn moved(state: State, verb: Verb, resource: &str) -> Result<State, Problem> {
    next(TABLE, state, verb, resource)
}

/// Puts a program into a state, and notes when it got there.
pub(crate) fn enter(program: &mut Model, state: State, now: Timestamp) {
    program.state = state;
    match state {
        State::Draft => {}
        State::Active => program.publish_time = Some(now),
        State::Retired => program.retire_time = Some(now),
    }
}

/// The fields that stand once a program is published: dates were promised in its time zone, and
/// amounts in its currency.
pub const FIXED_BY_PUBLICATION: [&str; 2] = ["time_zone", "currency_code"];

/// Refuses an edit of fields that cannot be edited in this state.
///
/// # Errors
/// [`Problem::NotEditable`], naming those fields of `changed` that cannot.
pub fn editable(state: State, changed: &[&'static str], resource: &str) -> Result<(), Problem> {
    let fixed: Vec<String> = changed
        .iter()
        .filter(|field| match state {
            State::Draft => false,
            State::Active => FIXED_BY_PUBLICATION.contains(field),
            State::Retired => true,
        })
        .map(|field| (*field).to_owned())
        .collect();
    if fixed.is_empty() {
        return Ok(());
    }
    Err(Problem::NotEditable {
        resource: resource.to_owned(),
        state: state.name(),
        fields: fixed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 3] = [State::Draft, State::Active, State::Retired];

    /// The contract's own words, written apart from the table: state, verb, state.
    const CONTRACT: &str = "
        DRAFT PUBLISH ACTIVE
        ACTIVE RETIRE RETIRED";

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
        let refused = |state, verb| match moved(state, verb, "ecosystems/acme/programs/p") {
            Err(Problem::IllegalTransition { allowed, .. }) => allowed,
            other => panic!("not a refusal: {other:?}"),
        };
        assert_eq!(refused(State::Draft, Verb::Retire), ["PUBLISH"]);
        assert_eq!(refused(State::Active, Verb::Publish), ["RETIRE"]);
        assert!(refused(State::Retired, Verb::Publish).is_empty());
    }

    #[test]
    fn what_can_be_edited_shrinks_from_state_to_state() {
        let asked = ["display_name", "time_zone", "currency_code"];
        let refused = |state| match editable(state, &asked, "ecosystems/acme/programs/p") {
            Ok(()) => Vec::new(),
            Err(Problem::NotEditable { fields, .. }) => fields,
            Err(other) => panic!("another problem: {other}"),
        };
        assert!(refused(State::Draft).is_empty());
        assert_eq!(refused(State::Active), ["time_zone", "currency_code"]);
        assert_eq!(refused(State::Retired), asked);
        for state in STATES {
            assert_eq!(editable(state, &[], "p"), Ok(()), "{state:?}");
        }
        assert_eq!(editable(State::Active, &["description"], "p"), Ok(()));
    }
}
