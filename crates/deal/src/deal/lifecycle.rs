//! Which moves a deal can make, and what may be edited. Pure.
//!
//! The five open stages are one state as far as the verbs are concerned: a deal moves freely among
//! them, and whatever can be done in one can be done in the others.

use trellis_core::Problem;
use trellis_core::lifecycle::{Named, Transition, allowed, next};
use trellis_store::deal::deal::Stage;
use trellis_store::deal::proposal::State;

/// What the stage of a deal means for its verbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In one of the five open stages.
    Open,
    /// Won.
    Won,
    /// Lost.
    Lost,
}

/// What the stage of a deal means for its verbs.
#[must_use]
pub fn standing(stage: Stage) -> Standing {
    match stage {
        Stage::Prospect
        | Stage::Qualified
        | Stage::TechnicalValidation
        | Stage::BusinessValidation
        | Stage::Committed => Standing::Open,
        Stage::Won => Standing::Won,
        Stage::Lost => Standing::Lost,
    }
}

/// What can be done to a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Move it to another open stage.
    Advance,
    /// Win it.
    Win,
    /// Lose it.
    Lose,
    /// Open it again.
    Reopen,
    /// Record an invoice.
    RecordInvoice,
    /// Record a refund.
    RecordRefund,
    /// Record that the customer left.
    RecordChurn,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 7] = [
        Self::Advance,
        Self::Win,
        Self::Lose,
        Self::Reopen,
        Self::RecordInvoice,
        Self::RecordRefund,
        Self::RecordChurn,
    ];
}

impl Named for Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Advance => "ADVANCE",
            Self::Win => "WIN",
            Self::Lose => "LOSE",
            Self::Reopen => "REOPEN",
            Self::RecordInvoice => "RECORD_INVOICE",
            Self::RecordRefund => "RECORD_REFUND",
            Self::RecordChurn => "RECORD_CHURN",
        }
    }
}

const fn row(from: Standing, verb: Verb, to: Standing) -> Transition<Standing, Verb> {
    Transition { from, verb, to }
}

/// Every legal move.
pub const TABLE: &[Transition<Standing, Verb>] = &[
    row(Standing::Open, Verb::Advance, Standing::Open),
    row(Standing::Open, Verb::Win, Standing::Won),
    row(Standing::Open, Verb::Lose, Standing::Lost),
    row(Standing::Won, Verb::RecordInvoice, Standing::Won),
    row(Standing::Won, Verb::RecordRefund, Standing::Won),
    row(Standing::Won, Verb::RecordChurn, Standing::Won),
    row(Standing::Won, Verb::Reopen, Standing::Open),
    row(Standing::Lost, Verb::Reopen, Standing::Open),
];

/// Checks that a verb is legal in a stage.
///
/// # Errors
/// [`Problem::IllegalTransition`], naming the verbs that are legal.
pub fn check(stage: Stage, verb: Verb, resource: &str) -> Result<(), Problem> {
    let from = standing(stage);
    if TABLE.iter().any(|row| row.from == from && row.verb == verb) {
        return Ok(());
    }
    Err(Problem::IllegalTransition {
        resource: resource.to_owned(),
        state: stage.name(),
        verb: verb.name(),
        allowed: allowed(TABLE, from).into_iter().map(Named::name).collect(),
    })
}

/// The fields that may be edited in a stage.
#[must_use]
pub fn editable(stage: Stage) -> &'static [&'static str] {
    match standing(stage) {
        Standing::Open => &[
            "display_name",
            "account",
            "lines",
            "amount",
            "deal_type",
            "territory",
            "engage_date",
            "expected_close_date",
            "external_id",
            "external_ids",
            "next_step",
            "contacts",
            "partner_product",
        ],
        Standing::Won | Standing::Lost => &[
            "display_name",
            "external_id",
            "external_ids",
            "next_step",
            "contacts",
            "partner_product",
        ],
    }
}

/// What can be done to a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalVerb {
    /// Take the value.
    Accept,
    /// Leave the deal as it is.
    Reject,
}

impl ProposalVerb {
    /// Every verb.
    pub const ALL: [Self; 2] = [Self::Accept, Self::Reject];
}

impl Named for ProposalVerb {
    fn name(self) -> &'static str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Reject => "REJECT",
        }
    }
}

/// Every legal decision about a proposal. That it is superseded nobody decides.
pub const PROPOSALS: &[Transition<State, ProposalVerb>] = &[
    Transition {
        from: State::Open,
        verb: ProposalVerb::Accept,
        to: State::Accepted,
    },
    Transition {
        from: State::Open,
        verb: ProposalVerb::Reject,
        to: State::Rejected,
    },
];

/// The state of a proposal after a decision.
///
/// # Errors
/// [`Problem::IllegalTransition`] when it is not open.
pub fn decided(state: State, verb: ProposalVerb, resource: &str) -> Result<State, Problem> {
    next(PROPOSALS, state, verb, resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: [Stage; 7] = [
        Stage::Prospect,
        Stage::Qualified,
        Stage::TechnicalValidation,
        Stage::BusinessValidation,
        Stage::Committed,
        Stage::Won,
        Stage::Lost,
    ];

    /// The contract's own words, written apart from the table.
    fn contract(stage: Stage) -> &'static [&'static str] {
        match stage {
            Stage::Won => &["RECORD_INVOICE", "RECORD_REFUND", "RECORD_CHURN", "REOPEN"],
            Stage::Lost => &["REOPEN"],
            Stage::Prospect
            | Stage::Qualified
            | Stage::TechnicalValidation
            | Stage::BusinessValidation
            | Stage::Committed => &["ADVANCE", "WIN", "LOSE"],
        }
    }

    #[test]
    fn every_stage_and_verb_does_what_the_contract_says() {
        for stage in STAGES {
            for verb in Verb::ALL {
                let legal = check(stage, verb, "d").is_ok();
                let expected = contract(stage).contains(&verb.name());
                assert_eq!(legal, expected, "{stage:?} {verb:?}");
            }
        }
    }

    #[test]
    fn a_refusal_names_the_stage_and_what_can_be_done_in_it() {
        for stage in STAGES {
            for verb in Verb::ALL {
                let Err(refused) = check(stage, verb, "d") else {
                    continue;
                };
                let Problem::IllegalTransition {
                    state,
                    verb: asked,
                    allowed,
                    ..
                } = refused
                else {
                    panic!("another problem: {refused}");
                };
                assert_eq!((state, asked), (stage.name(), verb.name()));
                assert_eq!(allowed, contract(stage));
            }
        }
    }

    #[test]
    fn every_way_out_of_won_and_lost_is_reopening() {
        for row in TABLE {
            let out = row.from != Standing::Open && row.to != row.from;
            assert_eq!(out, row.verb == Verb::Reopen, "{row:?}");
        }
    }

    #[test]
    fn a_proposal_is_decided_once() {
        for state in [
            State::Open,
            State::Accepted,
            State::Rejected,
            State::Superseded,
        ] {
            for (verb, to) in ProposalVerb::ALL
                .into_iter()
                .zip([State::Accepted, State::Rejected])
            {
                let decided = decided(state, verb, "d");
                let expected = (state == State::Open).then_some(to);
                assert_eq!(decided.ok(), expected, "{state:?} {verb:?}");
            }
        }
    }

    #[test]
    fn what_incentives_rely_on_cannot_be_edited_after_the_end() {
        for stage in STAGES {
            let open = standing(stage) == Standing::Open;
            assert_eq!(editable(stage).contains(&"amount"), open, "{stage:?}");
            assert!(editable(stage).contains(&"display_name"));
            assert!(!editable(stage).contains(&"roles") && !editable(stage).contains(&"partner"));
        }
    }
}
