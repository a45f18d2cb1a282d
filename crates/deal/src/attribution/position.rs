//! The models that go by the place of a touch among the others.

use trellis_core::Timestamp;
use trellis_store::deal::part::EvidenceKind;

use super::Touch;

fn only(count: usize, chosen: usize) -> Vec<u64> {
    (0..count).map(|index| u64::from(index == chosen)).collect()
}

/// All to the first.
pub(super) fn first(count: usize) -> Vec<u64> {
    only(count, 0)
}

/// All to the last.
pub(super) fn last(count: usize) -> Vec<u64> {
    only(count, count.saturating_sub(1))
}

/// The same to each.
pub(super) fn linear(count: usize) -> Vec<u64> {
    vec![1; count]
}

/// 40 percent to the first and the last, 20 to those between together. One alone has all, two have
/// half each.
pub(super) fn u_shaped(count: usize) -> Vec<u64> {
    match count {
        0..=2 => linear(count),
        _ => {
            let between = as_weight(count - 2);
            // Multiplied by their number, so that those between weigh whole numbers.
            let mut weights = vec![20; count];
            for end in [0, count - 1] {
                if let Some(weight) = weights.get_mut(end) {
                    *weight = 40 * between;
                }
            }
            weights
        }
    }
}

/// 30 percent each to three touches, 10 to all others together:
///
/// * the first;
/// * the claim: the first that is a registration or an accepted lead;
/// * the one that made the deal: the last that is not later than the deal itself.
///
/// One that is two or three of these has the share of each. What there is none of is left out, and
/// the others have the whole in the same proportions.
pub(super) fn w_shaped(touches: &[Touch], create_time: Timestamp) -> Vec<u64> {
    let claim = touches
        .iter()
        .position(|touch| matches!(touch.kind, EvidenceKind::Registration | EvidenceKind::Lead));
    let made = touches.iter().rposition(|touch| touch.time <= create_time);
    let first = (!touches.is_empty()).then_some(0);
    let milestones: Vec<usize> = [first, claim, made].into_iter().flatten().collect();
    let others = (0..touches.len())
        .filter(|index| !milestones.contains(index))
        .count();
    let scale = as_weight(others.max(1));
    (0..touches.len())
        .map(|index| {
            let times = milestones.iter().filter(|one| **one == index).count();
            if times == 0 {
                10
            } else {
                30 * scale * as_weight(times)
            }
        })
        .collect()
}

fn as_weight(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
