//! State machines, each one const table of moves.
//!
//! The table is the truth and the documentation: a move that is not in it is refused, and the
//! refusal names the moves that can be made instead.

use crate::failure::Problem;

/// A state or a verb that can be named in a refusal and in the history.
pub trait Named {
    /// The name as the contract writes it, such as `ACTIVE` or `suspend`.
    fn name(self) -> &'static str;
}

/// One move that a state machine allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition<S, V> {
    /// The state that it leaves.
    pub from: S,
    /// What is done.
    pub verb: V,
    /// The state that it leads to.
    pub to: S,
}

/// The state that a verb leads to.
///
/// # Errors
/// `IllegalTransition` when the table has no such move, naming those it has from this state.
pub fn next<S, V>(
    table: &[Transition<S, V>],
    state: S,
    verb: V,
    resource: &str,
) -> Result<S, Problem>
where
    S: Copy + Eq + Named,
    V: Copy + Eq + Named,
{
    let found = table
        .iter()
        .find(|row| row.from == state && row.verb == verb);
    found
        .map(|row| row.to)
        .ok_or_else(|| Problem::IllegalTransition {
            resource: resource.to_owned(),
            state: state.name(),
            verb: verb.name(),
            allowed: allowed(table, state).into_iter().map(Named::name).collect(),
        })
}

/// The verbs that a state allows, in the order of the table.
#[must_use]
pub fn allowed<S, V>(table: &[Transition<S, V>], state: S) -> Vec<V>
where
    S: Copy + Eq,
    V: Copy + Eq,
{
    let mut verbs = Vec::new();
    for row in table.iter().filter(|row| row.from == state) {
        if !verbs.contains(&row.verb) {
            verbs.push(row.verb);
        }
    }
    verbs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Door {
        Open,
        Shut,
        Gone,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Verb {
        Open,
        Shut,
        Remove,
    }

    impl Named for Door {
        fn name(self) -> &'static str {
            match self {
                Self::Open => "OPEN",
                Self::Shut => "SHUT",
                Self::Gone => "GONE",
            }
        }
    }

    impl Named for Verb {
        fn name(self) -> &'static str {
            match self {
                Self::Open => "open",
                Self::Shut => "shut",
                Self::Remove => "remove",
            }
        }
    }

    const TABLE: &[Transition<Door, Verb>] = &[
        Transition {
            from: Door::Open,
            verb: Verb::Shut,
            to: Door::Shut,
        },
        Transition {
            from: Door::Shut,
            verb: Verb::Open,
            to: Door::Open,
        },
        Transition {
            from: Door::Shut,
            verb: Verb::Remove,
            to: Door::Gone,
        },
    ];

    #[test]
    fn every_move_of_the_table_is_made_and_no_other() {
        for state in [Door::Open, Door::Shut, Door::Gone] {
            for verb in [Verb::Open, Verb::Shut, Verb::Remove] {
                let row = TABLE
                    .iter()
                    .find(|row| row.from == state && row.verb == verb);
                match (next(TABLE, state, verb, "doors/front"), row) {
                    (Ok(to), Some(row)) => assert_eq!(to, row.to),
                    (Err(Problem::IllegalTransition { .. }), None) => {}
                    (got, row) => panic!("{state:?} {verb:?}: {got:?}, table says {row:?}"),
                }
            }
        }
    }

    #[test]
    fn a_refusal_names_what_can_be_done_instead() {
        let refusal = next(TABLE, Door::Shut, Verb::Shut, "doors/front").unwrap_err();
        assert_eq!(
            refusal,
            Problem::IllegalTransition {
                resource: "doors/front".to_owned(),
                state: "SHUT",
                verb: "shut",
                allowed: vec!["open", "remove"],
            }
        );
    }
}
