//! Plans of one group for the same thing: all are paid, or the best, or the first, within a cap.

use std::collections::BTreeMap;

use trellis_core::MoneyError;

use super::award::Draft;
use super::exact::{mul, round, whole};
use super::reason::NotPaid;
use super::trace::Detail;
use crate::plan::{Stack, StackCap, Stacking};

/// What plans compete for: the partner's deal or fact, or its period.
fn rivals(draft: &Draft<'_>) -> Option<(String, String, String)> {
    let stack = draft.plan().policy.stack.as_ref()?;
    let deal = match (draft.place.period, draft.lines.first()) {
        (None, Some(line)) => line.fact.deal.as_ref(),
        _ => None,
    };
    let what = deal.map_or_else(|| draft.place.scope.clone(), |deal| format!("deal/{deal}"));
    Some((stack.group.clone(), draft.partner.to_string(), what))
}

/// Applies the groups of plans to the awards of all plans.
pub(crate) fn groups(drafts: &mut [Draft<'_>]) -> Result<(), MoneyError> {
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, draft) in drafts.iter().enumerate() {
        if let Some(key) = rivals(draft) {
            groups.entry(key).or_default().push(index);
        }
    }
    for mut members in groups.into_values() {
        // By rank, then by plan and scope.
        members.sort_by_key(|index| drafts.get(*index).map(order));
        group(drafts, &members)?;
    }
    Ok(())
}

fn order(draft: &Draft<'_>) -> (u32, String, String) {
    let rank = stack(draft).map_or(u32::MAX, |stack| stack.rank);
    (
        rank,
        draft.plan().plan.to_string(),
        draft.place.scope.clone(),
    )
}

fn stack<'a>(draft: &Draft<'a>) -> Option<&'a Stack> {
    draft.plan().policy.stack.as_ref()
}

fn group(drafts: &mut [Draft<'_>], members: &[usize]) -> Result<(), MoneyError> {
    let all = || {
        members
            .iter()
            .filter_map(|index| Some((*index, drafts.get(*index)?)))
    };
    let how = all()
        .next()
        .and_then(|(_, draft)| stack(draft))
        .map(|stack| stack.how);
    // Of equals, the first: that is what `max_by_key` answers of a list turned round.
    let paid = match how {
        Some(Stacking::BestOf) => all()
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .max_by_key(|(_, draft)| draft.amount),
        Some(Stacking::First) => all().find(|(_, draft)| draft.amount != 0),
        Some(Stacking::Add) | None => None,
    };
    let paid = paid.map(|(index, draft)| (index, draft.plan().plan.clone()));
    let mut cap: Option<i64> = None;
    for (_, draft) in all() {
        let most = match stack(draft).and_then(|stack| stack.cap) {
            None => continue,
            Some(StackCap::AmountMinor(most)) => most,
            Some(StackCap::Share(share)) => {
                let exact = mul(whole(draft.measure.max(0)), share.ratio())?;
                round(exact, draft.plan().policy.rounding)?
            }
        };
        cap = Some(cap.map_or(most, |cap| cap.min(most)));
    }
    let alone = members.len() == 1 && cap.is_none();
    for index in members {
        let Some(draft) = drafts.get_mut(*index) else {
            continue;
        };
        let before = draft.amount;
        let instead = paid
            .as_ref()
            .filter(|(winner, _)| winner != index)
            .map(|(_, plan)| plan.clone());
        let room = cap;
        let after = match (&instead, room) {
            (Some(_), _) => 0,
            (None, Some(room)) => before.min(room),
            (None, None) => before,
        };
        cap = cap.map(|cap| cap - after);
        if before == 0 || alone {
            continue;
        }
        draft.amount = after;
        draft.step(Detail::Stack {
            before,
            instead: instead.clone(),
            room,
            after,
        });
        if after == 0 {
            draft.because(instead.map_or(NotPaid::LimitReached, NotPaid::StackedOut));
        }
    }
    Ok(())
}
