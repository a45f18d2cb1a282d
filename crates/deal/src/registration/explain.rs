//! How a registration was decided about, for whoever asks.

use std::collections::HashSet;

use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::check_conflict_response::Rival as WireRival;
use trellis_api::deal::v1::explain_decision_response::explanation::{Fact, Occasion as Wire};
use trellis_api::deal::v1::explain_decision_response::{ExplainedDecision, Explanation};
use trellis_api::{name, time};
use trellis_core::{Call, DealId, EcosystemId, RegistrationId};
use trellis_store::deal::registration::{Decision, Entity};
use trellis_store::deal::registration_decision::{self, Model, Occasion};
use trellis_store::deal::{deal, registration};
use trellis_store::{Store, View, record};

use super::basis::{Basis, Rival};
use super::check::names;
use super::conflict::holds;
use super::convert::{wire_decision, wire_state};
use super::decisions::Kept;
use super::disclosure::{Seen, shown};
use super::lifecycle;
use super::registrations::{find, seen};
use super::rules::{Answer, OfferedRole, Result as Answered};
use crate::Error;

/// Tells how a registration was decided about.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn explain(
    store: &Store,
    call: Call,
    id: RegistrationId,
) -> Result<pb::ExplainDecisionResponse, Error> {
    let view = store.read(&call).await?;
    let registration = find(&view, &id).await?;
    let seen = seen(&view, &registration).await?;
    if seen != Seen::Staff {
        // What the registration itself tells, and nothing of how it came about, or how often.
        let shown = shown(lifecycle::as_of(registration, view.now()), seen);
        return Ok(pb::ExplainDecisionResponse {
            decisions: shown.decision.map(only).into_iter().collect(),
        });
    }
    let mut decisions = Vec::new();
    for row in registration_decision::of(&view.whole(), &id).await? {
        decisions.push(explained(&view, row).await?);
    }
    Ok(pb::ExplainDecisionResponse { decisions })
}

/// A decision, and nothing else.
fn only(decision: Decision) -> ExplainedDecision {
    ExplainedDecision {
        decision: Some(wire_decision(decision)),
        ..ExplainedDecision::default()
    }
}

async fn explained(view: &View, row: Model) -> Result<ExplainedDecision, Error> {
    let Kept {
        basis,
        outcome,
        agrees,
    } = Kept::read(&row)?;
    let rivals: Vec<&Rival> = basis.rivals.iter().collect();
    let deals = basis.direct.iter().chain(&basis.won);
    let reached = Reached::among(view, &rivals, deals.map(|deal| deal.deal.clone())).await?;
    let decision = Decision {
        rule: row.rule,
        reason_code: row.reason_code,
        note: row.note,
        blocked_by: None,
        actor: row.actor,
        decide_time: row.decide_time,
    };
    let explanation = Explanation {
        occasion: wire_occasion(row.occasion).into(),
        answers: wire_answers(&outcome.answers),
        rivals: rivals
            .iter()
            .map(|rival| reached.told(&basis, rival))
            .collect(),
        facts: reached.facts(&basis),
        offered_role: match outcome.offered_role {
            Some(OfferedRole::CoSell) => "CO_SELL".to_owned(),
            Some(OfferedRole::Influenced) => "INFLUENCED".to_owned(),
            None => String::new(),
        },
        free_products: names(view, &outcome.free),
        rules_version: i32::try_from(row.rules_version).unwrap_or(i32::MAX),
        basis_sha256: row.basis_sha256,
        replay_agrees: agrees,
        others_ahead_count: count(basis.others.ahead),
        others_behind_count: count(basis.others.behind),
    };
    Ok(ExplainedDecision {
        explanation: Some(explanation),
        ..only(decision)
    })
}

fn count(of: u32) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}

/// Of what was found, what a caller reaches. Only that is named.
pub(super) struct Reached {
    ecosystem: EcosystemId,
    registrations: HashSet<RegistrationId>,
    deals: HashSet<DealId>,
}

impl Reached {
    pub(super) async fn among(
        view: &View,
        rivals: &[&Rival],
        deals: impl IntoIterator<Item = DealId>,
    ) -> Result<Self, Error> {
        let ids = rivals.iter().map(|rival| rival.registration.clone());
        let registrations: Vec<registration::Model> =
            record::find_many::<Entity>(view, ids).await?;
        let deals: Vec<deal::Model> = record::find_many::<deal::Entity>(view, deals).await?;
        Ok(Self {
            ecosystem: view.ecosystem().clone(),
            registrations: registrations.into_iter().map(|one| one.id).collect(),
            deals: deals.into_iter().map(|one| one.id).collect(),
        })
    }

    /// What is told of a rival.
    pub(super) fn told(&self, basis: &Basis, rival: &Rival) -> WireRival {
        let named = |resource: String| match self.registrations.contains(&rival.registration) {
            true => resource,
            false => String::new(),
        };
        let protected = holds(rival.state, rival.protection_end_time, basis.now);
        let end = rival.protection_end_time.filter(|_| protected);
        WireRival {
            registration: named(name(&self.ecosystem, &rival.registration)),
            partner: named(name(&self.ecosystem, &rival.partner)),
            account: named(name(&self.ecosystem, &rival.account)),
            state: wire_state(rival.state).into(),
            submit_time: rival.place.submit_time.map(time::wire),
            protection_end_time: end.map(time::wire),
            certain: rival.relation.certain,
            products: rival
                .products
                .iter()
                .map(|one| name(&self.ecosystem, one))
                .collect(),
        }
    }

    fn facts(&self, basis: &Basis) -> Vec<Fact> {
        let deals = |rule: &'static str, deals: &[super::basis::Business]| {
            let each = deals.iter();
            let each = each.map(|deal| Fact {
                resource: match self.deals.contains(&deal.deal) {
                    true => name(&self.ecosystem, &deal.deal),
                    false => String::new(),
                },
                rule: rule.to_owned(),
                certain: deal.relation.certain,
            });
            each.collect::<Vec<_>>()
        };
        let house = basis.house.iter().map(|house| Fact {
            resource: name(&self.ecosystem, &house.house_account),
            rule: "R4".to_owned(),
            certain: house.relation.certain,
        });
        let direct = deals("R5", &basis.direct);
        house.chain(direct).chain(deals("R7", &basis.won)).collect()
    }
}

pub(super) fn wire_answers(answers: &[Answer]) -> Vec<pb::RuleAnswer> {
    let wire = |answer: &Answer| pb::RuleAnswer {
        rule: answer.rule.clone(),
        result: match answer.result {
            Answered::Passed => pb::rule_answer::Result::Passed,
            Answered::Changed => pb::rule_answer::Result::Changed,
            Answered::SetAside => pb::rule_answer::Result::SetAside,
            Answered::Overruled => pb::rule_answer::Result::Overruled,
            Answered::Decided => pb::rule_answer::Result::Decided,
        }
        .into(),
        reason_code: answer.reason_code.clone().unwrap_or_default(),
        explanation: answer.explanation.clone(),
    };
    answers.iter().map(wire).collect()
}

fn wire_occasion(occasion: Occasion) -> Wire {
    match occasion {
        Occasion::Submission => Wire::Submission,
        Occasion::Tick => Wire::Tick,
        Occasion::Promotion => Wire::Promotion,
        Occasion::Recognition => Wire::Recognition,
        Occasion::Breach => Wire::Breach,
        Occasion::Approval => Wire::Approval,
        Occasion::Rejection => Wire::Rejection,
    }
}
