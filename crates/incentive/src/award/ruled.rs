//! What of an award moves, given what its facts come to and what people have ruled about it.

use trellis_core::Timestamp;
use trellis_evaluation::kernel::posting::{self, Moves};
use trellis_evaluation::kernel::ruling::{due, entitled_for};
use trellis_store::incentive::award::Model;
use trellis_store::incentive::ledger::Buckets;

/// What has to move for an award that comes to its entitlement, so much of it without a hold, and when the
/// next part of it is. Says in the award how much is rejected, and when something is released.
pub(super) fn moves(
    award: &mut Model,
    (matured, next): (i64, Option<Timestamp>),
    there: &Buckets,
) -> Moves {
    let due = due(award.entitled_minor, award.rulings());
    award.rejected_minor = award.entitled_minor - due;
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
    there.due() + award.rejected_minor
}

/// How much of what its facts come to was paid, or is on its way, and is not owed.
pub(super) fn paid(award: &Model, there: &Buckets) -> i64 {
    let paid = there.paid + there.in_payout - there.owed;
    if award.rulings().is_empty() {
        return paid;
    }
    entitled_for(paid, award.entitled_minor, award.rulings())
}
