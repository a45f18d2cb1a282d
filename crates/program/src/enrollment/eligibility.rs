//! Who can enrol in what, and where an enrolment begins. Pure.

use trellis_core::lifecycle::Named;
use trellis_core::{Problem, Timestamp};
use trellis_store::partner::partner;
use trellis_store::program::{program, tier};

/// Whether a partner can enrol now. A suspension that has ended counts as ended, whether or not
/// the partner service has made it visible yet.
///
/// # Errors
/// [`Problem::Precondition`] when it is not active.
pub fn partner_can_enrol(
    partner: &partner::Model,
    now: Timestamp,
    resource: &str,
) -> Result<(), Problem> {
    let suspension_ended = partner.suspend_until_time.is_some_and(|until| until <= now);
    let active = match partner.state {
        partner::State::Active => true,
        partner::State::Suspended => suspension_ended,
        partner::State::Prospect
        | partner::State::Invited
        | partner::State::Onboarding
        | partner::State::Terminating
        | partner::State::Terminated
        | partner::State::Declined
        | partner::State::Expired => false,
    };
    required(active, resource, "the partner must be ACTIVE")
}

/// Whether partners can enrol in a program.
///
/// # Errors
/// [`Problem::Precondition`] when it is not active.
pub fn program_takes_partners(program: &program::Model, resource: &str) -> Result<(), Problem> {
    let active = match program.state {
        program::State::Active => true,
        program::State::Draft | program::State::Retired => false,
    };
    let requires = format!(
        "the program must be ACTIVE, and it is {}",
        program.state.name()
    );
    required(active, resource, &requires)
}

fn required(holds: bool, resource: &str, requires: &str) -> Result<(), Problem> {
    if holds {
        return Ok(());
    }
    Err(Problem::Precondition {
        resource: resource.to_owned(),
        requires: requires.to_owned(),
    })
}

/// The tier of the lowest rank.
#[must_use]
pub fn lowest(tiers: Vec<tier::Model>) -> Option<tier::Model> {
    tiers.into_iter().min_by_key(|tier| tier.rank)
}

#[cfg(test)]
mod tests {
    use trellis_core::Timestamp;

    use super::*;
    use crate::fixture::{partner, program, tier};

    const NOW: Timestamp = Timestamp::from_micros(1_000);

    #[test]
    fn only_an_active_partner_can_enrol() {
        for state in [
            partner::State::Prospect,
            partner::State::Invited,
            partner::State::Onboarding,
            partner::State::Active,
            partner::State::Suspended,
            partner::State::Terminating,
            partner::State::Terminated,
            partner::State::Declined,
            partner::State::Expired,
        ] {
            let can = partner_can_enrol(&partner(state, None), NOW, "p").is_ok();
            assert_eq!(can, state == partner::State::Active, "{state:?}");
        }
    }

    #[test]
    fn a_suspension_ends_at_its_end() {
        let suspended = |until| {
            let partner = partner(
                partner::State::Suspended,
                Some(Timestamp::from_micros(until)),
            );
            partner_can_enrol(&partner, NOW, "p")
        };
        assert!(suspended(1_001).is_err());
        assert_eq!(suspended(1_000), Ok(()));
    }

    #[test]
    fn only_an_active_program_takes_partners() {
        let refused = |state| match program_takes_partners(&program(state), "p") {
            Ok(()) => None,
            Err(Problem::Precondition { requires, .. }) => Some(requires),
            Err(other) => panic!("another problem: {other}"),
        };
        assert_eq!(refused(program::State::Active), None);
        assert_eq!(
            refused(program::State::Draft).unwrap(),
            "the program must be ACTIVE, and it is DRAFT"
        );
        assert_eq!(
            refused(program::State::Retired).unwrap(),
            "the program must be ACTIVE, and it is RETIRED"
        );
    }

    #[test]
    fn an_enrolment_begins_at_the_lowest_rank() {
        let tiers = vec![tier("gold", 3), tier("bronze", 1), tier("silver", 2)];
        assert_eq!(lowest(tiers).unwrap().id.as_str(), "bronze");
        assert_eq!(lowest(Vec::new()), None);
    }
}
