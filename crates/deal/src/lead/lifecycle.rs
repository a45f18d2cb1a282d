//! Which moves a lead can make, and what its deadlines do to it. Pure.

use trellis_core::lifecycle::{Named, Transition, next};
use trellis_core::{Problem, Timestamp};
use trellis_store::deal::lead::{Model, State};

/// What can be done to a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Offer it to a partner.
    Route,
    /// Find nobody to offer it to.
    Strand,
    /// Take the offer.
    Accept,
    /// Refuse the offer.
    Decline,
    /// The time to accept runs out.
    Lapse,
    /// Begin work.
    Work,
    /// The time to begin work runs out.
    Lose,
    /// Find a need.
    Qualify,
    /// Find that nothing will come of it.
    Disqualify,
    /// Give it back.
    Return,
    /// Make a deal of it.
    Convert,
    /// Find that it is the same as another.
    MarkDuplicate,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 12] = [
        Self::Route,
        Self::Strand,
        Self::Accept,
        Self::Decline,
        Self::Lapse,
        Self::Work,
        Self::Lose,
        Self::Qualify,
        Self::Disqualify,
        Self::Return,
        Self::Convert,
        Self::MarkDuplicate,
    ];
}

impl Named for Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Route => "ROUTE",
            Self::Strand => "STRAND",
            Self::Accept => "ACCEPT",
            Self::Decline => "DECLINE",
            Self::Lapse => "LAPSE",
            Self::Work => "WORK",
            Self::Lose => "LOSE",
            Self::Qualify => "QUALIFY",
            Self::Disqualify => "DISQUALIFY",
            Self::Return => "RETURN",
            Self::Convert => "CONVERT",
            Self::MarkDuplicate => "MARK_DUPLICATE",
        }
    }
}

const fn row(from: State, verb: Verb, to: State) -> Transition<State, Verb> {
    Transition { from, verb, to }
}

/// Every legal move. What leads back to `NEW` is routed in the same breath.
pub const TABLE: &[Transition<State, Verb>] = &[
    row(State::New, Verb::Route, State::Offered),
    row(State::New, Verb::Strand, State::Unroutable),
    row(State::New, Verb::Disqualify, State::Spam),
    row(State::New, Verb::MarkDuplicate, State::Duplicate),
    row(State::Unroutable, Verb::Route, State::Offered),
    row(State::Unroutable, Verb::Strand, State::Unroutable),
    row(State::Unroutable, Verb::Disqualify, State::Disqualified),
    row(State::Offered, Verb::Accept, State::Accepted),
    row(State::Offered, Verb::Decline, State::New),
    row(State::Offered, Verb::Lapse, State::New),
    row(State::Accepted, Verb::Work, State::Working),
    row(State::Accepted, Verb::Lose, State::LostAuto),
    row(State::Accepted, Verb::Disqualify, State::Disqualified),
    row(State::Accepted, Verb::Return, State::New),
    row(State::Working, Verb::Qualify, State::Qualified),
    row(State::Working, Verb::Disqualify, State::Disqualified),
    row(State::Working, Verb::Return, State::New),
    row(State::Qualified, Verb::Convert, State::Converted),
    row(State::Qualified, Verb::Disqualify, State::Disqualified),
    row(State::Qualified, Verb::Return, State::New),
];

/// Where a verb leads from a state.
///
/// # Errors
/// [`Problem::IllegalTransition`], naming the verbs that are legal.
pub fn moved(state: State, verb: Verb, resource: &str) -> Result<State, Problem> {
    next(TABLE, state, verb, resource)
}

/// What the deadline of a lead does to it at `now`: nothing before it has passed, or where the state
/// has none.
#[must_use]
pub fn overdue(lead: &Model, now: Timestamp) -> Option<Verb> {
    if lead.due_time.is_none_or(|due| due > now) {
        return None;
    }
    match lead.state {
        State::Offered => Some(Verb::Lapse),
        State::Accepted => Some(Verb::Lose),
        State::New
        | State::Working
        | State::Qualified
        | State::Converted
        | State::Disqualified
        | State::Unroutable
        | State::Spam
        | State::Duplicate
        | State::LostAuto => None,
    }
}

/// Takes a lead from its partner: it waits to be routed.
pub(super) fn take_back(lead: &mut Model) {
    lead.partner = None;
    lead.due_time = None;
    lead.offer_time = None;
    lead.accept_by_time = None;
    lead.accept_time = None;
    lead.act_by_time = None;
}

/// The lead as it stands at `now`: an offer that lapsed is none, and what was not acted on in time is
/// lost.
#[must_use]
pub fn as_of(mut lead: Model, now: Timestamp) -> Model {
    match overdue(&lead, now) {
        Some(Verb::Lapse) => {
            lead.state = State::New;
            take_back(&mut lead);
        }
        Some(_) => lead.state = State::LostAuto,
        None => {}
    }
    lead
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 11] = [
        State::New,
        State::Offered,
        State::Accepted,
        State::Working,
        State::Qualified,
        State::Converted,
        State::Disqualified,
        State::Unroutable,
        State::Spam,
        State::Duplicate,
        State::LostAuto,
    ];

    /// The contract's own words, written apart from the table: state, verb, state.
    const CONTRACT: &str = "
        NEW ROUTE OFFERED
        NEW STRAND UNROUTABLE
        NEW DISQUALIFY SPAM
        NEW MARK_DUPLICATE DUPLICATE
        OFFERED ACCEPT ACCEPTED
        OFFERED DECLINE NEW
        OFFERED LAPSE NEW
        ACCEPTED WORK WORKING
        ACCEPTED RETURN NEW
        ACCEPTED DISQUALIFY DISQUALIFIED
        ACCEPTED LOSE LOST_AUTO
        WORKING QUALIFY QUALIFIED
        WORKING RETURN NEW
        WORKING DISQUALIFY DISQUALIFIED
        QUALIFIED CONVERT CONVERTED
        QUALIFIED RETURN NEW
        QUALIFIED DISQUALIFY DISQUALIFIED
        UNROUTABLE ROUTE OFFERED
        UNROUTABLE STRAND UNROUTABLE
        UNROUTABLE DISQUALIFY DISQUALIFIED";

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
    fn what_has_ended_stays_as_it_is() {
        let ended = STATES
            .into_iter()
            .filter(|state| !TABLE.iter().any(|row| row.from == *state));
        let ended: Vec<_> = ended.map(Named::name).collect();
        let expected = [
            "CONVERTED",
            "DISQUALIFIED",
            "SPAM",
            "DUPLICATE",
            "LOST_AUTO",
        ];
        assert_eq!(ended, expected);
    }
}
