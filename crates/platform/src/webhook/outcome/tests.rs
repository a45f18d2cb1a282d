use trellis_core::{EcosystemId, WebhookDeliveryId, WebhookId};
use trellis_store::platform::webhook_delivery::Attempts;

use super::super::sender::Unanswered;
use super::*;

const NOON: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

fn fresh() -> Model {
    Model {
        ecosystem: EcosystemId::try_new("acme").unwrap(),
        webhook: WebhookId::try_new("crm").unwrap(),
        id: WebhookDeliveryId::generate(NOON),
        epoch: 1,
        xid: 0,
        sequence: 1,
        event_type: "deal.won".to_owned(),
        resource: "ecosystems/acme/deals/1".to_owned(),
        state: State::Pending,
        attempts: Attempts::default(),
        attempt_count: 0,
        next_attempt_time: Some(NOON),
        lease_expire_time: Some(NOON),
        create_time: NOON,
        update_time: NOON,
        head: true,
    }
}

fn sent(answer: Result<u16, Unanswered>) -> Sent {
    Sent {
        answer,
        retry_after: None,
        latency: Duration::from_millis(7),
    }
}

#[test]
fn an_event_is_taken_with_any_answer_of_success_and_with_no_other() {
    for (status, state) in [
        (200, State::Delivered),
        (204, State::Delivered),
        (299, State::Delivered),
        (199, State::Pending),
        (300, State::Pending),
        (302, State::Pending),
        (404, State::Pending),
        (500, State::Pending),
        (410, State::Failed),
    ] {
        let settled = settled(&fresh(), &sent(Ok(status)), NOON, 0.5);
        assert_eq!(settled.state, state, "{status}");
        assert_eq!(settled.lease_expire_time, None);
        let waits = settled.next_attempt_time.is_some();
        assert_eq!(waits, state == State::Pending);
    }
}

#[test]
fn an_event_is_tried_ten_times_over_three_days() {
    for (chance, days) in [(0.0, 2.8), (0.5, 3.1), (1.0, 3.5)] {
        let (mut delivery, mut now) = (fresh(), NOON);
        let mut attempts = 0;
        while delivery.state == State::Pending {
            delivery = settled(&delivery, &sent(Err(Unanswered::TooSlow)), now, chance);
            attempts += 1;
            now = delivery.next_attempt_time.unwrap_or(now);
        }
        assert_eq!((delivery.state, attempts), (State::Failed, 10));
        let lasted = now.since(NOON).as_secs_f64() / 86_400.0;
        assert!((lasted - days).abs() < 0.1, "{lasted}");
        assert_eq!(delivery.attempts.0.len(), 10);
    }
}

#[test]
fn who_asks_to_be_left_alone_is_for_a_day_at_most() {
    let wait = |asked: u64| {
        let busy = Sent {
            retry_after: Some(Duration::from_secs(asked)),
            ..sent(Ok(503))
        };
        let settled = settled(&fresh(), &busy, NOON, 0.5);
        settled.next_attempt_time.unwrap().since(NOON).as_secs()
    };
    assert_eq!(wait(0), 5);
    assert_eq!(wait(600), 600);
    assert_eq!(wait(u64::MAX), 86_400);
}

#[test]
fn the_log_keeps_the_latest_attempts() {
    let mut delivery = fresh();
    for status in 500..530 {
        delivery = settled(&delivery, &sent(Ok(status)), NOON, 0.5);
    }
    let kept: Vec<_> = delivery
        .attempts
        .0
        .iter()
        .map(|one| one.status_code)
        .collect();
    assert_eq!(kept.len(), 20);
    assert_eq!((kept[0], kept[19]), (Some(510), Some(529)));
}

#[test]
fn a_webhook_that_took_nothing_for_as_long_as_an_event_was_tried_is_disabled() {
    let failed = sent(Ok(500));
    let (mut delivery, mut now, mut since) = (fresh(), NOON, None);
    while delivery.state == State::Pending {
        delivery = settled(&delivery, &failed, now, 0.5);
        since = failing_since(since, &failed, now);
        assert_eq!(since, Some(NOON));
        let expected = (delivery.state == State::Failed).then_some(DisableReason::Failing);
        assert_eq!(disables(&delivery, &failed, since), expected);
        now = delivery.next_attempt_time.unwrap_or(now);
    }
    // It took another event meanwhile: it lives.
    let later = NOON.saturating_add(Duration::from_secs(60));
    assert_eq!(disables(&delivery, &failed, Some(later)), None);
    assert_eq!(failing_since(since, &sent(Ok(200)), now), None);
}

#[test]
fn who_says_that_there_is_nothing_any_more_is_believed_at_once() {
    let gone = sent(Ok(410));
    let settled = settled(&fresh(), &gone, NOON, 0.5);
    assert_eq!(disables(&settled, &gone, None), Some(DisableReason::Gone));
}
