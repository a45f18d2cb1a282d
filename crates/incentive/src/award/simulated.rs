//! An evaluated award on the wire.

use serde_json::Value;
use trellis_api::incentive::v1 as pb;
use trellis_api::{date, money, name, numbered_name};
use trellis_core::{EcosystemId, Money, Period};
use trellis_evaluation::evaluate::{Award, Detail, Held, Recipient, Share, Step};
use trellis_evaluation::plan::{Fund, Quantity};

/// An award as it would be.
pub(super) fn wire(
    ecosystem: &EcosystemId,
    award: Award,
    quantity: Quantity,
) -> pb::SimulatedAward {
    let amount = |minor| Some(money::wire(Money::new(minor, award.currency)));
    let next_band_text = award.next_band().unwrap_or_default().to_owned();
    let (measured_amount, measured_number) = match quantity {
        Quantity::Money => (amount(award.measure), 0),
        Quantity::Number => (None, award.measure),
    };
    let version = award.version.into();
    pb::SimulatedAward {
        plan_version: numbered_name(ecosystem, &award.key.plan, "versions", version),
        partner: name(ecosystem, &award.key.partner),
        scope: award.key.scope.clone(),
        period: award.period.map(wire_period),
        entitled_amount: amount(award.entitled),
        measured_amount,
        measured_number,
        shares: award
            .shares
            .iter()
            .map(|share| pb::SimulatedShare {
                amount: amount(share.minor),
                ..wire_recipient(ecosystem, share)
            })
            .collect(),
        holds: award
            .held
            .iter()
            .map(|Held { minor, until }| pb::SimulatedHold {
                amount: amount(*minor),
                release_date: until.map(date::wire),
            })
            .collect(),
        not_paid_reason: award
            .not_paid
            .as_ref()
            .map_or(String::new(), |reason| reason.name().to_owned()),
        not_paid_text: award
            .not_paid
            .as_ref()
            .map_or(String::new(), |reason| reason.in_words()),
        left_out: award
            .left_out
            .iter()
            .map(|(fact, reason)| pb::SimulatedLeftOut {
                external_id: fact.clone(),
                reason: reason.name().to_owned(),
                text: reason.in_words(),
            })
            .collect(),
        next_band_text,
        steps: award.trace.steps.iter().map(wire_step).collect(),
        summary: award.trace.summary(),
        trace: String::from_utf8(award.trace.canonical_bytes()).unwrap_or_default(),
        trace_hash: award.trace.hash(),
        delta_amount: amount(award.delta),
    }
}

fn wire_period(period: Period) -> pb::AwardPeriod {
    pb::AwardPeriod {
        start_date: Some(date::wire(period.start())),
        end_date: Some(date::wire(period.end())),
    }
}

fn wire_recipient(ecosystem: &EcosystemId, share: &Share) -> pb::SimulatedShare {
    use pb::simulated_award::Recipient as Wire;
    let (recipient, partner) = match &share.to {
        Recipient::Partner(partner) => (Wire::Partner, name(ecosystem, partner)),
        Recipient::Fund(Fund::Rebate) => (Wire::RebateFund, String::new()),
        Recipient::Fund(Fund::Coop) => (Wire::CoopFund, String::new()),
        Recipient::Vendor => (Wire::Vendor, String::new()),
    };
    pb::SimulatedShare {
        recipient: recipient.into(),
        partner,
        amount: None,
    }
}

/// A step: its numbers are the leaves of what it wrote down.
pub(crate) fn wire_step(step: &Step) -> pb::AwardStep {
    let (operation, output) = told(&step.detail);
    let mut inputs = Vec::new();
    let detail = serde_json::to_value(&step.detail).unwrap_or_default();
    leaves("", &detail, &mut inputs);
    pb::AwardStep {
        operation: operation.into(),
        inputs: inputs
            .into_iter()
            .filter(|input| input.key != "op")
            .collect(),
        output,
        text: step.text.clone(),
    }
}

/// What a step does, and what came out.
fn told(detail: &Detail) -> (pb::award_step::Operation, String) {
    use pb::award_step::Operation;
    match detail {
        Detail::SelectVersion { version } => (Operation::SelectVersion, version.to_string()),
        Detail::Admit { counted, .. } => (Operation::Admit, counted.len().to_string()),
        Detail::Exchange { lines } => (Operation::Exchange, lines.len().to_string()),
        Detail::Measure { total, .. } => (Operation::Measure, total.to_string()),
        Detail::Target { amount } => (Operation::Target, amount.to_string()),
        Detail::Schedule { exact, .. } => (Operation::Schedule, exact.to_string()),
        Detail::Round { rounded, .. } => (Operation::Round, rounded.to_string()),
        Detail::Limit { after, .. } => (Operation::Limit, after.to_string()),
        Detail::Clawback { after, .. } => (Operation::Clawback, after.to_string()),
        Detail::Draw { after, .. } => (Operation::Draw, after.to_string()),
        Detail::Stack { after, .. } => (Operation::Stack, after.to_string()),
        Detail::KeepPaid { after, .. } => (Operation::KeepPaid, after.to_string()),
        Detail::Split { shares, .. } => (Operation::Split, shares.len().to_string()),
        Detail::Hold { slices } => (Operation::Hold, slices.len().to_string()),
        Detail::Delta { delta, .. } => (Operation::Delta, delta.to_string()),
    }
}

/// The values within a value, by their paths.
fn leaves(path: &str, value: &Value, into: &mut Vec<pb::AwardStepInput>) {
    let beneath = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    let leaf = match value {
        Value::Object(map) => {
            for (key, value) in map {
                leaves(&beneath(key), value, into);
            }
            return;
        }
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                leaves(&format!("{path}[{at}]"), value, into);
            }
            return;
        }
        Value::Null => return,
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    into.push(pb::AwardStepInput {
        key: path.to_owned(),
        value: leaf,
    });
}
