//! When the tiers of a program can be changed, and when one of them can be deleted. Pure.

use trellis_core::Problem;
use trellis_core::lifecycle::Named;
use trellis_store::program::program::State;

/// Whether the tiers of a program in this state can be changed. `program` is its name.
///
/// # Errors
/// [`Problem::Precondition`] once it is retired.
pub fn changeable(state: State, program: &str) -> Result<(), Problem> {
    match state {
        State::Draft | State::Active => Ok(()),
        State::Retired => Err(Problem::Precondition {
            resource: program.to_owned(),
            requires: format!(
                "the program must be DRAFT or ACTIVE, and it is {}",
                state.name()
            ),
        }),
    }
}

/// What decides whether a tier can be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Where its program stands.
    pub program: State,
    /// Whether an enrolment holds it.
    pub held: bool,
    /// Whether the program has another tier that is not deleted.
    pub has_others: bool,
}

/// Whether a tier can be deleted. `tier` is its name.
///
/// # Errors
/// [`Problem::Precondition`] when an enrolment holds it, or it is the last of a program that
/// partners can enrol in.
pub fn deletable(standing: Standing, tier: &str) -> Result<(), Problem> {
    let requires = match standing {
        Standing { held: true, .. } => "no enrolment may hold the tier",
        Standing {
            program: State::Active,
            has_others: false,
            ..
        } => "the ACTIVE program must have another tier",
        Standing { .. } => return Ok(()),
    };
    Err(Problem::Precondition {
        resource: tier.to_owned(),
        requires: requires.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requires(outcome: Result<(), Problem>) -> Option<String> {
        match outcome {
            Ok(()) => None,
            Err(Problem::Precondition { requires, .. }) => Some(requires),
            Err(other) => panic!("another problem: {other}"),
        }
    }

    #[test]
    fn tiers_change_until_their_program_is_retired() {
        assert_eq!(requires(changeable(State::Draft, "p")), None);
        assert_eq!(requires(changeable(State::Active, "p")), None);
        assert_eq!(
            requires(changeable(State::Retired, "p")).unwrap(),
            "the program must be DRAFT or ACTIVE, and it is RETIRED"
        );
    }

    #[test]
    fn a_tier_that_is_held_is_never_deleted() {
        for program in [State::Draft, State::Active, State::Retired] {
            for has_others in [false, true] {
                let standing = Standing {
                    program,
                    held: true,
                    has_others,
                };
                assert_eq!(
                    requires(deletable(standing, "t")).unwrap(),
                    "no enrolment may hold the tier"
                );
            }
        }
    }

    #[test]
    fn the_last_tier_is_deleted_only_while_nobody_can_enrol() {
        let last = |program| {
            requires(deletable(
                Standing {
                    program,
                    held: false,
                    has_others: false,
                },
                "t",
            ))
        };
        assert_eq!(last(State::Draft), None);
        assert_eq!(
            last(State::Active).unwrap(),
            "the ACTIVE program must have another tier"
        );
        let standing = Standing {
            program: State::Active,
            held: false,
            has_others: true,
        };
        assert_eq!(requires(deletable(standing, "t")), None);
    }
}
