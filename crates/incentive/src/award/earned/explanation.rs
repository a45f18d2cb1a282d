//! The explanation of an award that is computed from facts, on the wire.

use trellis_api::incentive::v1 as pb;
use trellis_api::{date, money, name, time};
use trellis_core::{EcosystemId, Money, Timestamp};
use trellis_evaluation::evaluate::{Award, Detail, Fact, Step};
use trellis_evaluation::kernel::words;
use trellis_evaluation::plan::{FactKind, LimitScope, Quantity};
use trellis_store::View;
use trellis_store::incentive::award::{Basis, Model};

use super::super::convert::{wire_engine, wire_reason};
use super::super::rulings;
use super::super::simulated;
use super::replay::Replayed;
use crate::plan::convert::wire_version;
use crate::plan::lifecycle;

/// Facts of one answer.
const FACTS_MAX: usize = 1_000;

/// How an award was computed, as far as the view's caller is told, and all of the computation.
pub(crate) fn wire(
    view: &View,
    row: &Model,
    basis: &Basis,
    replayed: Replayed,
) -> (pb::AwardExplanation, pb::SimulatedAward) {
    let Replayed {
        award,
        component,
        known,
    } = replayed;
    let version = component.version(&award.key.plan, award.version).cloned();
    let quantity = version.as_ref().map_or(Quantity::Money, |version| {
        version.terms.measure.source.quantity()
    });
    let ecosystem = view.ecosystem();
    let amount = |minor| Some(money::wire(Money::new(minor, row.currency)));
    let facts = known.with_ids(&award.trace.fact_ids);
    let reach = reach(view, row);
    let told: Vec<&Step> = award
        .trace
        .steps
        .iter()
        .filter(|step| match reach {
            Reach::All => true,
            Reach::Own => is_own(&step.detail),
            Reach::Part => false,
        })
        .collect();
    let facts = if reach == Reach::Part {
        Vec::new()
    } else {
        facts
    };
    let explanation = pb::AwardExplanation {
        plan_version: version.map(|version| wire_version(lifecycle::as_of(version, view.now()))),
        fact_count: i32::try_from(facts.len()).unwrap_or(i32::MAX),
        facts: facts
            .into_iter()
            .take(FACTS_MAX)
            .map(|fact| wire_fact(ecosystem, fact))
            .collect(),
        amounts: Vec::new(),
        steps: told.iter().map(|step| simulated::wire_step(step)).collect(),
        measured_amount: match (quantity, reach) {
            (Quantity::Money, Reach::All | Reach::Own) => amount(award.measure),
            (Quantity::Number, _) | (_, Reach::Part) => None,
        },
        bands: Vec::new(),
        rounding: rounding(&told, row),
        entitled_amount: amount(row.entitled_minor),
        posted_before_amount: amount(row.posted_before_minor),
        delta_amount: amount(row.entitled_minor - row.posted_before_minor),
        not_paid_reason: wire_reason(row.not_paid).into(),
        summary: rulings::told(summary(row, &award, &told, reach), row),
        next_band: None,
        trace_hash: row.trace_hash.clone(),
        replay_hash: award.trace.hash(),
        engine_version: wire_engine(basis.engine_version),
        known_time: Some(time::wire(basis.known_time)),
        rulings: rulings::wire_all(row),
        due_amount: Some(money::wire(rulings::due(row))),
    };
    (explanation, simulated::wire(ecosystem, award, quantity))
}

/// How much of a computation somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// All of it.
    All,
    /// What is about the partner whose facts they are.
    Own,
    /// What comes out for a partner that has a part of what another one earned.
    Part,
}

fn reach(view: &View, row: &Model) -> Reach {
    let scope = view.scope();
    let earner = row.earner.as_ref();
    if scope.is_staff() {
        Reach::All
    } else if earner.is_some_and(|earner| scope.may_name(earner)) {
        Reach::Own
    } else {
        Reach::Part
    }
}

/// The story in plain words.
fn summary(row: &Model, award: &Award, told: &[&Step], reach: Reach) -> String {
    let texts = told.iter().map(|step| step.text.as_str());
    let mut words: Vec<String> = texts
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect();
    if reach != Reach::Part {
        words.extend(award.next_band().map(str::to_owned));
    }
    if row.entitled_minor != award.entitled {
        let part = Money::new(row.entitled_minor, row.currency);
        words.push(format!("The part of {} is {part}.", row.partner));
    }
    words.extend(award.not_paid.as_ref().map(|reason| reason.in_words()));
    words.join(" ")
}

/// Whether a step is about the award alone: who else gets parts, and what others took of a budget, a
/// partner is not told.
const fn is_own(detail: &Detail) -> bool {
    match detail {
        Detail::Split { .. } => false,
        Detail::Limit { limit, .. } => !matches!(limit.scope, LimitScope::Plan),
        _ => true,
    }
}

fn rounding(steps: &[&Step], row: &Model) -> Option<pb::AwardRounding> {
    let exact = |minor| trellis_api::google::r#type::Decimal {
        value: words::exact(minor, row.currency),
    };
    steps.iter().find_map(|step| match &step.detail {
        Detail::Round {
            exact: before,
            rounded,
            remainder,
            how: _,
        } => Some(pb::AwardRounding {
            exact_amount: Some(exact(*before)),
            rounded_amount: Some(money::wire(Money::new(*rounded, row.currency))),
            remainder: Some(exact(*remainder)),
        }),
        _ => None,
    })
}

fn wire_fact(ecosystem: &EcosystemId, fact: &Fact) -> pb::AwardFact {
    let money = |minor: i64| {
        let currency = fact.currency?;
        Some(money::wire(Money::new(minor, currency)))
    };
    let uid = |revision: u32| format!("{}:{revision}", fact.id);
    let replaced = fact.revision.checked_sub(1).filter(|before| *before > 0);
    pb::AwardFact {
        uid: uid(fact.revision),
        kind: wire_kind(fact.kind).into(),
        deal: fact
            .deal
            .as_ref()
            .map(|deal| name(ecosystem, deal))
            .unwrap_or_default(),
        amount: fact.amount_minor.and_then(money),
        occur_date: Some(date::wire(fact.date)),
        record_time: (fact.recorded != Timestamp::EPOCH).then(|| time::wire(fact.recorded)),
        supersedes: replaced.map(uid).unwrap_or_default(),
    }
}

const fn wire_kind(kind: FactKind) -> pb::award_fact::Kind {
    use pb::award_fact::Kind as Wire;
    match kind {
        FactKind::DealWon => Wire::DealWon,
        FactKind::InvoicePaid => Wire::InvoicePaid,
        FactKind::OrderLine => Wire::OrderLine,
        FactKind::RegistrationApproved => Wire::RegistrationApproved,
        FactKind::CertificationEarned => Wire::CertificationEarned,
        FactKind::SubmissionApproved => Wire::SubmissionApproved,
        FactKind::MetricReported => Wire::MetricReported,
        FactKind::Refund => Wire::Refund,
        FactKind::Churn => Wire::Churn,
        FactKind::Revocation => Wire::Revocation,
    }
}
