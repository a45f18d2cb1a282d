//! Which moves a period of the ledger can make. Pure.
//!
//! ```text
//! OPEN ─close─▶ CLOSED
//! ```
//!
//! What is closed stays closed.

use trellis_core::Problem;
use trellis_core::lifecycle::{Named, Transition, next};

/// Where a period stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Journals may count in it.
    Open,
    /// No further journal counts in it.
    Closed,
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Closed => "CLOSED",
        }
    }
}

/// What can be done to a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Let nothing more count in it.
    Close,
}

impl Named for Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Close => "CLOSE",
        }
    }
}

/// Every legal move.
pub const TABLE: &[Transition<State, Verb>] = &[Transition {
    from: State::Open,
    verb: Verb::Close,
    to: State::Closed,
}];

/// Where a verb leads a period.
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
    fn an_open_period_is_closed_and_a_closed_one_stays_so() {
        let moved = |state| moved(state, Verb::Close, "p").map(Named::name);
        assert_eq!(moved(State::Open), Ok("CLOSED"));
        let refused = moved(State::Closed).unwrap_err();
        let Problem::IllegalTransition { state, allowed, .. } = refused else {
            panic!("another problem: {refused}");
        };
        assert_eq!((state, allowed.len()), ("CLOSED", 0));
    }
}
