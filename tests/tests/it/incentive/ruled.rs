//! What is ruled about awards, as those do who rule.

use std::time::Duration;

use tonic::{Response, Status};
use trellis_api::incentive::v1 as pb;

use super::scene::{Scene, band, buckets, minor, usd, version};

pub(super) const DAY: Duration = Duration::from_hours(24);

/// Two plans that pay a tenth of what is won in a quarter: the kernel computes the one, the evaluation
/// the other.
pub(super) const PLANS: [&str; 2] = ["sales", "growth"];

pub(super) async fn promise(scene: &Scene) {
    promise_held(scene, 0).await;
}

/// The same, held for so many days after the quarter.
pub(super) async fn promise_held(scene: &Scene, hold_days: i32) {
    let (window, mode) = (pb::measure::Window::Quarter, pb::schedule::Mode::Marginal);
    let sales = pb::PlanVersion {
        hold_days,
        ..version(window, mode, vec![band(0, "0.1", 0)])
    };
    let growth = pb::PlanVersion {
        trigger_condition: "event.amount_minor > 0".to_owned(),
        ..sales.clone()
    };
    for (plan, version) in PLANS.into_iter().zip([sales, growth]) {
        scene.promise(plan, version).await;
    }
}

pub(super) fn rejection(award: &pb::Award, minor: i64) -> pb::RejectAwardRequest {
    pb::RejectAwardRequest {
        name: award.name.clone(),
        amount: usd(minor),
        reason_code: "NOT_ELIGIBLE".to_owned(),
        ..pb::RejectAwardRequest::default()
    }
}

pub(super) async fn reject(
    scene: &Scene,
    request: pb::RejectAwardRequest,
) -> Result<Response<pb::Award>, Status> {
    let answer = scene.world.awards().reject_award(request).await;
    if let Ok(answer) = &answer {
        scene.note(trellis_tests::position(answer));
    }
    answer
}

/// Asserts what both plans come to: entitled, rejected, and where the money is.
pub(super) async fn is(scene: &Scene, entitled: i64, rejected: i64, there: [i64; 6]) {
    for plan in PLANS {
        let award = scene.award(plan).await;
        let said = (
            minor(&award.entitled_amount),
            minor(&award.rejected_amount),
            buckets(&award),
        );
        assert_eq!(said, (entitled, rejected, there), "{plan}");
    }
    scene.is_sound().await;
}

/// The journals of a kind.
pub(super) async fn journals(scene: &Scene, kind: &str) -> Vec<pb::Journal> {
    let request = pb::ListJournalsRequest {
        parent: scene.name.clone(),
        filter: format!("kind = {kind}"),
        page_size: 1_000,
        ..pb::ListJournalsRequest::default()
    };
    let listed = scene.now().ledger().list_journals(request).await;
    listed.unwrap().into_inner().journals
}

pub(super) async fn reverse(scene: &Scene, journal: &str) -> Result<Response<pb::Journal>, Status> {
    let request = pb::ReverseJournalRequest {
        name: journal.to_owned(),
        reason_code: "REJECTED_BY_MISTAKE".to_owned(),
        ..pb::ReverseJournalRequest::default()
    };
    let answer = scene.world.ledger().reverse_journal(request).await;
    if let Ok(answer) = &answer {
        scene.note(trellis_tests::position(answer));
    }
    answer
}

/// Holds an award.
pub(super) async fn hold(
    scene: &Scene,
    award: &pb::Award,
    reason: pb::award::HoldReason,
) -> Result<Response<pb::Award>, Status> {
    let request = pb::HoldAwardRequest {
        name: award.name.clone(),
        reason: reason.into(),
        note: "The customer says that it has never heard of them.".to_owned(),
        ..pb::HoldAwardRequest::default()
    };
    let answer = scene.world.awards().hold_award(request).await;
    if let Ok(answer) = &answer {
        scene.note(trellis_tests::position(answer));
    }
    answer
}

/// Releases an award.
pub(super) async fn release(
    scene: &Scene,
    award: &pb::Award,
) -> Result<Response<pb::Award>, Status> {
    let request = pb::ReleaseAwardRequest {
        name: award.name.clone(),
        ..pb::ReleaseAwardRequest::default()
    };
    let answer = scene.world.awards().release_award(request).await;
    if let Ok(answer) = &answer {
        scene.note(trellis_tests::position(answer));
    }
    answer
}

/// By how much an award is adjusted.
pub(super) fn adjustment(award: &pb::Award, minor: i64) -> pb::AdjustAwardRequest {
    pb::AdjustAwardRequest {
        name: award.name.clone(),
        amount: usd(minor),
        reason_code: "DISPUTE_SETTLED".to_owned(),
        note: "Letter of March 2.".to_owned(),
        ..pb::AdjustAwardRequest::default()
    }
}

/// Adjusts an award.
pub(super) async fn adjust(
    scene: &Scene,
    request: pb::AdjustAwardRequest,
) -> Result<Response<pb::Award>, Status> {
    let answer = scene.world.awards().adjust_award(request).await;
    if let Ok(answer) = &answer {
        scene.note(trellis_tests::position(answer));
    }
    answer
}
