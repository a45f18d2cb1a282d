//! Where two computations of an award part ways. Pure.

use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::award_step::Operation;

/// The steps that come to something else, or are there on one side only, in the order of the steps.
pub(super) fn differences(
    current: &[pb::AwardStep],
    proposed: &[pb::AwardStep],
) -> Vec<pb::BacktestStep> {
    let (current, proposed) = (counted(current), counted(proposed));
    let mut pairs = Vec::new();
    let mut rest = proposed.as_slice();
    for one in &current {
        // What the other side does first, unless this side does it later.
        while let [next, after @ ..] = rest
            && next.0 != one.0
            && !current.iter().any(|(key, _)| *key == next.0)
        {
            pairs.push((None, Some(next.1)));
            rest = after;
        }
        let other = rest.iter().position(|(key, _)| *key == one.0);
        let step = other.and_then(|at| rest.get(at)).map(|(_, step)| *step);
        pairs.push((Some(one.1), step));
        if other == Some(0) {
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    let left = rest
        .iter()
        .filter(|(key, _)| !current.iter().any(|(other, _)| other == key));
    pairs.extend(left.map(|(_, step)| (None, Some(*step))));
    pairs
        .into_iter()
        .filter(|(one, other)| differ(*one, *other))
        .map(|(one, other)| wire(one, other))
        .collect()
}

/// What a step does, and how often that was done before.
type Key = (i32, usize);

/// The steps but for the one that compares with what was posted, which is not what is compared here.
fn counted(steps: &[pb::AwardStep]) -> Vec<(Key, &pb::AwardStep)> {
    let told = steps
        .iter()
        .filter(|step| step.operation() != Operation::Delta);
    let mut counted: Vec<(Key, &pb::AwardStep)> = Vec::new();
    for step in told {
        let same = |(key, _): &&(Key, _)| key.0 == step.operation;
        let before = counted.iter().filter(same).count();
        counted.push(((step.operation, before), step));
    }
    counted
}

fn differ(one: Option<&pb::AwardStep>, other: Option<&pb::AwardStep>) -> bool {
    let said = |step: &pb::AwardStep| (step.output.clone(), step.text.clone());
    one.map(said) != other.map(said)
}

fn wire(current: Option<&pb::AwardStep>, proposed: Option<&pb::AwardStep>) -> pb::BacktestStep {
    let output = |step: &pb::AwardStep| step.output.clone();
    let text = |step: &pb::AwardStep| step.text.clone();
    let operation = current.or(proposed).map(pb::AwardStep::operation);
    pb::BacktestStep {
        operation: operation.unwrap_or_default().into(),
        current_output: current.map(output).unwrap_or_default(),
        current_text: current.map(text).unwrap_or_default(),
        proposed_output: proposed.map(output).unwrap_or_default(),
        proposed_text: proposed.map(text).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(operation: Operation, output: &str) -> pb::AwardStep {
        pb::AwardStep {
            operation: operation.into(),
            output: output.to_owned(),
            text: format!("it is {output}"),
            ..pb::AwardStep::default()
        }
    }

    fn told(current: &[pb::AwardStep], proposed: &[pb::AwardStep]) -> Vec<(Operation, String)> {
        let outputs =
            |step: &pb::BacktestStep| format!("{} {}", step.current_output, step.proposed_output);
        differences(current, proposed)
            .iter()
            .map(|step| (step.operation(), outputs(step)))
            .collect()
    }

    #[test]
    fn only_what_differs_is_told_and_each_step_beside_its_like() {
        use Operation::{Delta, Limit, Measure, Round, Schedule, Target};
        let current = [
            step(Measure, "100"),
            step(Schedule, "10"),
            step(Round, "10"),
            step(Limit, "8"),
            step(Delta, "8"),
        ];
        assert_eq!(told(&current, &current), []);
        let proposed = [
            step(Measure, "100"),
            step(Target, "200"),
            step(Schedule, "12"),
            step(Round, "12"),
            step(Limit, "8"),
            step(Limit, "7"),
            step(Delta, "7"),
        ];
        let expected = [
            (Target, " 200"),
            (Schedule, "10 12"),
            (Round, "10 12"),
            (Limit, " 7"),
        ];
        let expected = expected.map(|(operation, outputs)| (operation, outputs.to_owned()));
        assert_eq!(told(&current, &proposed), expected);
        let back = told(&proposed, &current);
        assert_eq!(back.len(), expected.len());
        assert!(back.contains(&(Target, "200 ".to_owned())), "{back:?}");
        // An award that is there on one side only.
        assert_eq!(told(&[], &current).len(), 4);
        assert_eq!(told(&current, &[]).len(), 4);
    }
}
