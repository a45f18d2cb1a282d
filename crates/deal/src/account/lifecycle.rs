//! Which moves an account can make. Pure.

use trellis_core::Problem;
use trellis_core::lifecycle::{Named, Transition, next};
use trellis_store::deal::account::State;

/// What can be done to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Merge it into another one, or another one into it.
    Merge,
    /// Take something out of it.
    Split,
    /// Let it stand for itself again.
    Restore,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 3] = [Self::Merge, Self::Split, Self::Restore];
}

impl Named for Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Merge => "MERGE",
            Self::Split => "SPLIT",
            Self::Restore => "RESTORE",
        }
    }
}

const fn row(from: State, verb: Verb, to: State) -> Transition<State, Verb> {
    Transition { from, verb, to }
}

/// Every legal move. `MERGE` leads the account that is merged away; the one that stays must be able to
/// make the same move, and does not.
pub const TABLE: &[Transition<State, Verb>] = &[
    row(State::Active, Verb::Merge, State::Merged),
    row(State::Active, Verb::Split, State::Active),
    row(State::Merged, Verb::Restore, State::Active),
];

/// Where a verb leads from a state.
///
/// # Errors
/// [`Problem::IllegalTransition`], naming the verbs that are legal.
pub fn moved(state: State, verb: Verb, resource: &str) -> Result<State, Problem> {
    next(TABLE, state, verb, resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_all_that_an_account_does() {
        for state in [State::Active, State::Merged] {
            for verb in Verb::ALL {
                let expected = match (state, verb) {
                    (State::Active, Verb::Merge) => Some(State::Merged),
                    (State::Active, Verb::Split) | (State::Merged, Verb::Restore) => {
                        Some(State::Active)
                    }
                    (State::Active, Verb::Restore) | (State::Merged, Verb::Merge | Verb::Split) => {
                        None
                    }
                };
                assert_eq!(
                    moved(state, verb, "it").ok(),
                    expected,
                    "{state:?} {verb:?}"
                );
            }
        }
    }
}
