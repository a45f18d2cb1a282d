//! Which moves a payout batch and its items can make. Pure.
//!
//! ```text
//! DRAFT ─submit─▶ SUBMITTED ─approve─▶ APPROVED ─send─▶ SENT ─settle─▶ SETTLED
//!   └────cancel───────┴──────────▶ CANCELLED
//! ```
//!
//! Two moves may end elsewhere: a batch of which nothing is left to send is cancelled by sending it,
//! and one of which something is left to settle stays sent. What the bank does not pay, or returns, is
//! told by its item alone; with the last one that is neither paid nor refused a batch is settled.

use trellis_core::Problem;
use trellis_core::lifecycle::{Named, Transition, next};
use trellis_store::incentive::payout_batch::State;
use trellis_store::incentive::payout_item::State as ItemState;

/// What can be done to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Ask for approval.
    Submit,
    /// Say yes, as the second person.
    Approve,
    /// Give it up.
    Cancel,
    /// Hand it to the bank.
    Send,
    /// Learn that the bank has paid.
    Settle,
    /// Learn that the bank has not paid one of its items.
    Fail,
    /// Learn that the bank has returned one of its items.
    Return,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 7] = [
        Self::Submit,
        Self::Approve,
        Self::Cancel,
        Self::Send,
        Self::Settle,
        Self::Fail,
        Self::Return,
    ];
}

impl Named for Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Submit => "SUBMIT",
            Self::Approve => "APPROVE",
            Self::Cancel => "CANCEL",
            Self::Send => "SEND",
            Self::Settle => "SETTLE",
            Self::Fail => "FAIL",
            Self::Return => "RETURN",
        }
    }
}

const fn row(from: State, verb: Verb, to: State) -> Transition<State, Verb> {
    Transition { from, verb, to }
}

/// Every legal move of a batch.
pub const TABLE: &[Transition<State, Verb>] = &[
    row(State::Draft, Verb::Submit, State::Submitted),
    row(State::Draft, Verb::Cancel, State::Cancelled),
    row(State::Submitted, Verb::Approve, State::Approved),
    row(State::Submitted, Verb::Cancel, State::Cancelled),
    row(State::Approved, Verb::Send, State::Sent),
    row(State::Sent, Verb::Settle, State::Settled),
    row(State::Sent, Verb::Fail, State::Settled),
    row(State::Sent, Verb::Return, State::Sent),
    row(State::Settled, Verb::Return, State::Settled),
];

/// Where a verb leads a batch.
///
/// # Errors
/// [`Problem::IllegalTransition`], naming the verbs that are legal.
pub fn moved(state: State, verb: Verb, resource: &str) -> Result<State, Problem> {
    next(TABLE, state, verb, resource)
}

/// Where a batch stands after it was sent.
#[must_use]
pub const fn after_sending(anything_sent: bool) -> State {
    if anything_sent {
        State::Sent
    } else {
        State::Cancelled
    }
}

/// Where a sent batch stands after some of it was settled, or failed.
#[must_use]
pub const fn after_settling(anything_left: bool) -> State {
    if anything_left {
        State::Sent
    } else {
        State::Settled
    }
}

/// What becomes of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemVerb {
    /// It is sent with its batch.
    Send,
    /// It is not sent with its batch: the partner was suspended in the meantime.
    Block,
    /// The bank has paid it.
    Settle,
    /// It is given up with its batch.
    Cancel,
    /// The bank has not paid it.
    Fail,
    /// The bank has returned it.
    Return,
}

impl ItemVerb {
    /// Every verb.
    pub const ALL: [Self; 6] = [
        Self::Send,
        Self::Block,
        Self::Settle,
        Self::Cancel,
        Self::Fail,
        Self::Return,
    ];
}

impl Named for ItemVerb {
    fn name(self) -> &'static str {
        match self {
            Self::Send => "SEND",
            Self::Block => "BLOCK",
            Self::Settle => "SETTLE",
            Self::Cancel => "CANCEL",
            Self::Fail => "FAIL",
            Self::Return => "RETURN",
        }
    }
}

const fn item(from: ItemState, verb: ItemVerb, to: ItemState) -> Transition<ItemState, ItemVerb> {
    Transition { from, verb, to }
}

/// Every legal move of an item.
pub const ITEM_TABLE: &[Transition<ItemState, ItemVerb>] = &[
    item(ItemState::Ready, ItemVerb::Send, ItemState::Sent),
    item(ItemState::Ready, ItemVerb::Block, ItemState::Blocked),
    item(ItemState::Ready, ItemVerb::Cancel, ItemState::Cancelled),
    item(ItemState::Sent, ItemVerb::Settle, ItemState::Settled),
    item(ItemState::Sent, ItemVerb::Fail, ItemState::Failed),
    item(ItemState::Settled, ItemVerb::Return, ItemState::Returned),
];

/// Where a verb leads an item.
///
/// # Errors
/// [`Problem::IllegalTransition`], naming the verbs that are legal.
pub fn item_moved(state: ItemState, verb: ItemVerb, resource: &str) -> Result<ItemState, Problem> {
    next(ITEM_TABLE, state, verb, resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 6] = [
        State::Draft,
        State::Submitted,
        State::Approved,
        State::Sent,
        State::Settled,
        State::Cancelled,
    ];

    const ITEM_STATES: [ItemState; 7] = [
        ItemState::Ready,
        ItemState::Blocked,
        ItemState::Sent,
        ItemState::Settled,
        ItemState::Cancelled,
        ItemState::Failed,
        ItemState::Returned,
    ];

    /// The contract's own words, written apart from the tables: state, verb, state.
    const CONTRACT: &str = "
        DRAFT SUBMIT SUBMITTED
        SUBMITTED APPROVE APPROVED
        APPROVED SEND SENT
        SENT SETTLE SETTLED
        SENT FAIL SETTLED
        SENT RETURN SENT
        SETTLED RETURN SETTLED
        DRAFT CANCEL CANCELLED
        SUBMITTED CANCEL CANCELLED";

    const ITEM_CONTRACT: &str = "
        READY SEND SENT
        READY BLOCK BLOCKED
        READY CANCEL CANCELLED
        SENT SETTLE SETTLED
        SENT FAIL FAILED
        SETTLED RETURN RETURNED";

    fn expected<'a>(contract: &'a str, state: &str, verb: &str) -> Option<&'a str> {
        let start = format!("{state} {verb} ");
        contract
            .lines()
            .find_map(|line| line.trim().strip_prefix(start.as_str()))
    }

    #[test]
    fn every_state_and_verb_of_a_batch_does_what_the_contract_says() {
        for state in STATES {
            for verb in Verb::ALL {
                let found = moved(state, verb, "b").ok().map(Named::name);
                assert_eq!(found, expected(CONTRACT, state.name(), verb.name()));
            }
        }
    }

    #[test]
    fn every_state_and_verb_of_an_item_does_what_the_contract_says() {
        for state in ITEM_STATES {
            for verb in ItemVerb::ALL {
                let found = item_moved(state, verb, "i").ok().map(Named::name);
                assert_eq!(found, expected(ITEM_CONTRACT, state.name(), verb.name()));
            }
        }
    }

    #[test]
    fn a_refusal_names_the_verbs_that_are_legal() {
        let resource = "ecosystems/acme/payoutBatches/b";
        let refused = moved(State::Submitted, Verb::Send, resource).unwrap_err();
        let Problem::IllegalTransition {
            state,
            verb,
            allowed,
            ..
        } = refused
        else {
            panic!("another problem: {refused}");
        };
        assert_eq!((state, verb), ("SUBMITTED", "SEND"));
        assert_eq!(allowed, ["APPROVE", "CANCEL"]);
    }

    #[test]
    fn a_batch_is_sent_if_anything_is_and_settled_when_nothing_is_left() {
        assert_eq!(after_sending(true), State::Sent);
        assert_eq!(after_sending(false), State::Cancelled);
        assert_eq!(after_settling(true), State::Sent);
        assert_eq!(after_settling(false), State::Settled);
    }
}
