//! Who may claim business under a program (R1), and what is approved without a person. Pure.

use trellis_core::{Money, Timestamp};
use trellis_store::deal::eligibility::Facts;
use trellis_store::deal::registration::Suspicion;
use trellis_store::partner::partner;
use trellis_store::program::program;

/// What is missing for a partner to claim business; the end of a sentence that begins with
/// `first`. None: nothing is.
#[must_use]
pub fn lacks(facts: &Facts, now: Timestamp) -> Option<&'static str> {
    if !at_work(facts.partner_state, facts.suspend_until_time, now) {
        return Some("the partner must be ACTIVE");
    }
    match facts.program_state {
        program::State::Active => {}
        program::State::Draft | program::State::Retired => {
            return Some("the program must be ACTIVE");
        }
    }
    if facts.enrolled {
        None
    } else {
        Some("the partner must be enrolled in the program")
    }
}

/// Whether the partner is active. A suspension whose end has passed is over, whether or not that
/// has been made visible.
#[must_use]
pub fn at_work(
    state: partner::State,
    suspend_until_time: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    match state {
        partner::State::Active => true,
        partner::State::Suspended => suspend_until_time.is_some_and(|until| until <= now),
        partner::State::Prospect
        | partner::State::Invited
        | partner::State::Onboarding
        | partner::State::Terminating
        | partner::State::Terminated
        | partner::State::Declined
        | partner::State::Expired => false,
    }
}

/// How a claim that nothing stands in the way of is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// At once, by the program.
    Automatic,
    /// By a person, because the program asks one about everything.
    Manual,
    /// By a person, because the value is above the program's limit or in a currency that the limit
    /// says nothing about.
    AboveLimit,
    /// By a person, for this reason.
    Suspicious(Suspicion),
}

/// How a claim of this value, with this suspicion, is decided under a program.
#[must_use]
pub fn approval(facts: &Facts, value: Money, suspicion: Option<Suspicion>) -> Approval {
    if !facts.auto_approve {
        return Approval::Manual;
    }
    let within = |limit: i64| value.currency == facts.currency && value.minor <= limit;
    if !facts.auto_approve_limit_minor.is_none_or(within) {
        return Approval::AboveLimit;
    }
    suspicion.map_or(Approval::Automatic, Approval::Suspicious)
}

#[cfg(test)]
mod tests {
    use trellis_core::{Currency, TimeZone};

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000);

    fn approval(facts: &Facts, value: Money) -> Approval {
        super::approval(facts, value, None)
    }

    fn facts() -> Facts {
        Facts {
            partner_state: partner::State::Active,
            suspend_until_time: None,
            program_state: program::State::Active,
            time_zone: TimeZone::utc(),
            currency: Currency::EUR,
            registration_clock: program::RegistrationClock::default(),
            protection_days: 90,
            auto_approve: true,
            auto_approve_limit_minor: Some(100),
            conflict_disclosure: program::ConflictDisclosure::Sealed,
            daily_account_budget: 20,
            monthly_account_budget: 100,
            person_open_limit: 100,
            partner_open_limit: 0,
            direct_lookback_days: 180,
            teaming: false,
            incumbent_days: 365,
            evidence_minimum: 0,
            enrolled: true,
        }
    }

    #[test]
    fn an_active_partner_claims_in_an_active_program_that_it_is_enrolled_in() {
        let partners = [
            (partner::State::Prospect, false),
            (partner::State::Invited, false),
            (partner::State::Onboarding, false),
            (partner::State::Active, true),
            (partner::State::Suspended, false),
            (partner::State::Terminating, false),
            (partner::State::Terminated, false),
            (partner::State::Declined, false),
            (partner::State::Expired, false),
        ];
        for (partner_state, may) in partners {
            let lacks = lacks(
                &Facts {
                    partner_state,
                    ..facts()
                },
                NOW,
            );
            assert_eq!(lacks.is_none(), may, "{partner_state:?}");
        }
        let programs = [
            (program::State::Draft, false),
            (program::State::Active, true),
            (program::State::Retired, false),
        ];
        for (program_state, may) in programs {
            let lacks = lacks(
                &Facts {
                    program_state,
                    ..facts()
                },
                NOW,
            );
            assert_eq!(lacks.is_none(), may, "{program_state:?}");
        }
        assert_eq!(
            lacks(
                &Facts {
                    enrolled: false,
                    ..facts()
                },
                NOW
            ),
            Some("the partner must be enrolled in the program")
        );
    }

    #[test]
    fn a_suspension_is_over_at_the_moment_of_its_end() {
        let until = |micros| {
            let suspended = Facts {
                partner_state: partner::State::Suspended,
                suspend_until_time: Some(Timestamp::from_micros(micros)),
                ..facts()
            };
            lacks(&suspended, NOW).is_none()
        };
        assert!(until(999));
        assert!(until(1_000));
        assert!(!until(1_001));
    }

    #[test]
    fn a_program_approves_by_itself_up_to_its_limit_in_its_currency() {
        let euro = |minor| Money::new(minor, Currency::EUR);
        assert_eq!(approval(&facts(), euro(100)), Approval::Automatic);
        assert_eq!(approval(&facts(), euro(101)), Approval::AboveLimit);
        assert_eq!(
            approval(&facts(), Money::new(1, Currency::USD)),
            Approval::AboveLimit
        );
        let unlimited = Facts {
            auto_approve_limit_minor: None,
            ..facts()
        };
        assert_eq!(
            approval(&unlimited, Money::new(i64::MAX, Currency::USD)),
            Approval::Automatic
        );
        let manual = Facts {
            auto_approve: false,
            ..facts()
        };
        assert_eq!(approval(&manual, euro(1)), Approval::Manual);
    }

    #[test]
    fn whatever_is_suspicious_is_approved_by_a_person() {
        let value = Money::new(1, Currency::EUR);
        let suspicion = Some(Suspicion::Refusals);
        assert_eq!(
            super::approval(&facts(), value, suspicion),
            Approval::Suspicious(Suspicion::Refusals)
        );
        let manual = Facts {
            auto_approve: false,
            ..facts()
        };
        assert_eq!(super::approval(&manual, value, suspicion), Approval::Manual);
    }
}
