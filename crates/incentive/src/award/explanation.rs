//! An explained award on the wire.

use trellis_api::google::r#type::Decimal;
use trellis_api::incentive::v1 as pb;
use trellis_api::{child_name, date, money, name, time};
use trellis_core::{Currency, EcosystemId, Money};
use trellis_store::incentive::fact::{self, Kind};

use super::convert::wire_reason;
use super::explain::Explained;
use super::rulebook::Version;
use super::rulings;
use crate::plan::convert::wire_version;
use crate::plan::lifecycle;
use crate::plan::terms::wire_partner_type;
use trellis_evaluation::kernel::entitlement::{Counted, Entitlement, Rules};
use trellis_evaluation::kernel::schedule::Exact;
use trellis_evaluation::kernel::steps::{self, Operation, Step};
use trellis_evaluation::kernel::{trace, words};

/// Facts of one answer.
const FACTS_MAX: usize = 1_000;

/// How an award was computed.
pub(super) fn wire(
    ecosystem: &EcosystemId,
    now: trellis_core::Timestamp,
    explained: &Explained<'_>,
) -> pb::AwardExplanation {
    let Explained {
        award,
        case,
        known,
        evaluation,
        version: shown,
    } = explained;
    let Version {
        model,
        rules,
        hash: _,
    } = shown;
    let entitlement = &evaluation.entitlement;
    let facts: Vec<_> = known
        .facts()
        .filter(|fact| wire_kind(fact.kind).is_some())
        .collect();
    let amount = |minor| Some(money::wire(Money::new(minor, award.currency)));
    let told = steps::steps(
        &case.subject(evaluation),
        rules,
        entitlement,
        award.posted_before_minor,
    );
    let mut summary = steps::summary(&told);
    if let Some(missing) = entitlement
        .next
        .and_then(|next| steps::missing(rules, next))
    {
        summary = format!("{summary} {missing}");
    }
    let holds = evaluation.version.is_some();
    pb::AwardExplanation {
        plan_version: holds.then(|| wire_version(lifecycle::as_of(model.clone(), now))),
        fact_count: i32::try_from(facts.len()).unwrap_or(i32::MAX),
        facts: facts
            .into_iter()
            .take(FACTS_MAX)
            .map(|fact| wire_fact(ecosystem, fact))
            .collect(),
        amounts: entitlement
            .counted
            .iter()
            .map(|counted| wire_amount(ecosystem, rules, counted))
            .collect(),
        steps: told.into_iter().map(wire_step).collect(),
        measured_amount: amount(entitlement.measure),
        bands: wire_bands(rules, entitlement),
        rounding: Some(pb::AwardRounding {
            exact_amount: Some(exact(entitlement.exact, rules.currency)),
            rounded_amount: amount(entitlement.rounded),
            remainder: Some(exact(entitlement.remainder(), rules.currency)),
        }),
        entitled_amount: amount(entitlement.entitled),
        posted_before_amount: amount(award.posted_before_minor),
        delta_amount: amount(award.entitled_minor - award.posted_before_minor),
        not_paid_reason: wire_reason(entitlement.not_paid).into(),
        summary: rulings::told(summary, award),
        next_band: wire_next(rules, entitlement),
        trace_hash: award.trace_hash.clone(),
        replay_hash: case.hash(evaluation),
        engine_version: trace::ENGINE_VERSION,
        known_time: None,
        rulings: rulings::wire_all(award),
        due_amount: Some(money::wire(rulings::due(award))),
    }
}

fn exact(minor: Exact, currency: Currency) -> Decimal {
    Decimal {
        value: words::exact(minor, currency),
    }
}

/// An amount that came from the rules, where amounts fit.
fn whole(minor: i128, currency: Currency) -> Option<trellis_api::google::r#type::Money> {
    let minor = i64::try_from(minor).ok()?;
    Some(money::wire(Money::new(minor, currency)))
}

/// What happened, if awards are computed from it.
fn wire_kind(kind: Kind) -> Option<pb::award_fact::Kind> {
    match kind {
        Kind::DealWon => Some(pb::award_fact::Kind::DealWon),
        Kind::DealReopened => Some(pb::award_fact::Kind::DealReopened),
        Kind::DealRefunded => Some(pb::award_fact::Kind::DealRefunded),
        Kind::DealInvoiced | Kind::DealChurned => None,
    }
}

fn wire_fact(ecosystem: &EcosystemId, fact: &fact::Model) -> pb::AwardFact {
    let uid = |revision: i64| format!("{}:{}:{revision}", fact.source, fact.external_id);
    pb::AwardFact {
        uid: uid(fact.revision),
        kind: wire_kind(fact.kind).unwrap_or_default().into(),
        deal: name(ecosystem, &fact.deal),
        amount: fact
            .currency
            .map(|currency| money::wire(Money::new(fact.amount_minor, currency))),
        occur_date: Some(date::wire(fact.occur_date)),
        record_time: Some(time::wire(fact.record_time)),
        supersedes: fact.supersedes.map(uid).unwrap_or_default(),
    }
}

fn wire_amount(ecosystem: &EcosystemId, rules: &Rules, counted: &Counted) -> pb::AwardAmount {
    let Counted {
        group,
        sum,
        excluded,
    } = counted;
    let amount = |minor| Some(money::wire(Money::new(minor, group.currency)));
    let tier = group.standing.tier(&rules.program);
    pb::AwardAmount {
        occur_date: Some(date::wire(group.date)),
        partner_type: wire_partner_type(group.standing.partner_type()).into(),
        tier: tier
            .map(|tier| child_name(ecosystem, &rules.program, tier))
            .unwrap_or_default(),
        deal_count: sum.deals,
        won_amount: amount(sum.won),
        net_amount: amount(sum.net),
        not_counted_reason: wire_reason(*excluded).into(),
    }
}

pub(crate) fn wire_step(step: Step) -> pb::AwardStep {
    let Step {
        operation,
        inputs,
        output,
        text,
    } = step;
    let operation = match operation {
        Operation::SelectVersion => pb::award_step::Operation::SelectVersion,
        Operation::Audience => pb::award_step::Operation::Audience,
        Operation::Measure => pb::award_step::Operation::Measure,
        Operation::Schedule => pb::award_step::Operation::Schedule,
        Operation::Round => pb::award_step::Operation::Round,
        Operation::Limit => pb::award_step::Operation::Limit,
        Operation::Delta => pb::award_step::Operation::Delta,
    };
    let inputs = inputs
        .into_iter()
        .map(|(key, value)| pb::AwardStepInput {
            key: key.to_owned(),
            value,
        })
        .collect();
    pb::AwardStep {
        operation: operation.into(),
        inputs,
        output,
        text,
    }
}

fn wire_bands(rules: &Rules, entitlement: &Entitlement) -> Vec<pb::AwardBand> {
    let currency = rules.currency;
    entitlement
        .slices
        .iter()
        .filter_map(|slice| {
            let band = rules.schedule.bands().get(slice.band)?;
            Some(pb::AwardBand {
                from_amount: whole(band.from, currency),
                rate: Some(Decimal {
                    value: words::decimal(band.rate),
                }),
                fixed_amount: whole(band.fixed, currency),
                base_amount: whole(slice.base, currency),
                exact_amount: Some(exact(slice.exact, currency)),
            })
        })
        .collect()
}

fn wire_next(rules: &Rules, entitlement: &Entitlement) -> Option<pb::NextBand> {
    let next = entitlement.next?;
    let band = rules.schedule.bands().get(next.band)?;
    Some(pb::NextBand {
        from_amount: whole(band.from, rules.currency),
        missing_amount: whole(next.missing, rules.currency),
        rate: Some(Decimal {
            value: words::decimal(band.rate),
        }),
        fixed_amount: whole(band.fixed, rules.currency),
    })
}
