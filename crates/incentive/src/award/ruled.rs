//! What of an award moves, given what its facts come to and what people have ruled about it.

use trellis_core::Timestamp;
use trellis_evaluation::kernel::posting::{self, Moves};
use trellis_evaluation::kernel::ruling::{Due, due, entitled_for};
use trellis_store::incentive::award::Model;
use trellis_store::incentive::ledger::Buckets;

/// Says in an award how much is rejected and adjusted; answers what is due of it.
pub(super) fn rule(award: &mut Model) -> i64 {
    let Due {
        minor,
        rejected,
        adjusted,
    } = due(award.entitled_minor, award.rulings());
    award.rejected_minor = rejected;
    award.adjusted_minor = adjusted;
    minor
}

/// What has to move for an award once it is adjusted. What is added waits for approval, whatever the plan
/// holds and the partner owes, so that a second person sees it; it is held while somebody holds the award.
pub(super) fn adjusted(award: &mut Model, there: &Buckets) -> Moves {
    let due = rule(award);
    let more = due - there.due();
    match award.hold_reason {
        _ if more <= 0 => Moves {
            release: 0,
            ..posting::moves(due, 0, there)
        },
        None => Moves {
            accrue_review: more,
            ..Moves::default()
        },
        Some(_) => Moves {
            accrue_held: more,
            ..Moves::default()
        },
    }
}

/// What has to move for an award that comes to its entitlement, so much of it without a hold, and when the
/// next part of it is. Says in the award what was ruled, and when something is released.
pub(super) fn moves(
    award: &mut Model,
    (matured, next): (i64, Option<Timestamp>),
    there: &Buckets,
) -> Moves {
    let due = rule(award);
    if award.hold_reason.is_some() {
        award.release_time = None;
        return posting::moves_on_hold(due, there);
    }
    // What is held longest is due last.
    let held = (award.entitled_minor - matured).clamp(0, due);
    let moves = posting::moves(due, due - held, there);
    award.release_time = next.filter(|_| posting::apply(there, &moves).held > 0);
    moves
}

/// How much of what its facts come to was posted for an award: also what was rejected is no longer new.
pub(super) fn posted(award: &Model, there: &Buckets) -> i64 {
    there.due() + award.rejected_minor - award.adjusted_minor
}

/// How much of what its facts come to was paid, or is on its way, and is not owed.
pub(super) fn paid(award: &Model, there: &Buckets) -> i64 {
    let paid = there.paid + there.in_payout - there.owed;
    if award.rulings().is_empty() {
        return paid;
    }
    entitled_for(paid, award.entitled_minor, award.rulings())
}
