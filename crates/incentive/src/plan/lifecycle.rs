//! Which moves a plan version can make, and what its days do to it. Pure.

use trellis_core::lifecycle::{Named, Transition, next};
use trellis_core::{Problem, Timestamp};
use trellis_store::incentive::plan_version::{Model, State};

/// What can be done to a plan version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Decide it.
    Schedule,
    /// Its first day has come.
    Activate,
    /// End it, from a day on.
    Retire,
}

impl Named for Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Schedule => "SCHEDULE",
            Self::Activate => "ACTIVATE",
            Self::Retire => "RETIRE",
        }
    }
}

const fn row(from: State, verb: Verb, to: State) -> Transition<State, Verb> {
    Transition { from, verb, to }
}

/// Every legal move.
pub(crate) const TABLE: &[Transition<State, Verb>] = &[
    row(State::Draft, Verb::Schedule, State::Scheduled),
    row(State::Scheduled, Verb::Activate, State::Active),
    row(State::Scheduled, Verb::Retire, State::Retired),
    row(State::Active, Verb::Retire, State::Retired),
];

/// Where a verb leads from a state.
///
/// # Errors
/// [`Problem::IllegalTransition`], naming the verbs that are legal.
pub(crate) fn moved(state: State, verb: Verb, resource: &str) -> Result<State, Problem> {
    next(TABLE, state, verb, resource)
}

/// The move that a day that has come makes, if one has.
pub(crate) fn due(version: &Model, now: Timestamp) -> Option<Verb> {
    let passed = |time: Option<Timestamp>| time.is_some_and(|time| time <= now);
    match version.state {
        State::Scheduled | State::Active if passed(version.end_time) => Some(Verb::Retire),
        State::Scheduled if passed(version.start_time) => Some(Verb::Activate),
        State::Draft | State::Scheduled | State::Active | State::Retired => None,
    }
}

/// The version as it stands at `now`, the days that have come applied.
pub(crate) fn as_of(mut version: Model, now: Timestamp) -> Model {
    if let Some(state) = due(&version, now).and_then(|verb| moved(version.state, verb, "").ok()) {
        version.state = state;
    }
    version
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 4] = [
        State::Draft,
        State::Scheduled,
        State::Active,
        State::Retired,
    ];
    const VERBS: [Verb; 3] = [Verb::Schedule, Verb::Activate, Verb::Retire];

    /// The contract's own words, written apart from the table: state, verb, state.
    const CONTRACT: &str = "
        DRAFT SCHEDULE SCHEDULED
        SCHEDULED ACTIVATE ACTIVE
        SCHEDULED RETIRE RETIRED
        ACTIVE RETIRE RETIRED";

    #[test]
    fn every_state_and_verb_does_what_the_contract_says() {
        for state in STATES {
            for verb in VERBS {
                let start = format!("{} {} ", state.name(), verb.name());
                let expected = CONTRACT
                    .lines()
                    .find_map(|line| line.trim().strip_prefix(start.as_str()));
                let found = moved(state, verb, "v").ok().map(Named::name);
                assert_eq!(found, expected, "{start}");
            }
        }
    }
}
