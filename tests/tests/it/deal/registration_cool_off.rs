//! Handing in again what was refused, was revoked or ran out.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::State;
use trellis_api::program::v1 as program;
use trellis_tests::{on_both, refused};

use super::desk::{read, seconds};
use super::market::{Market, automatic};

const DAY: i64 = 86_400;

/// Noon of Friday, 27 March 2026 by UTC.
const IN_MARCH: i64 = 1_774_612_800;

fn met(market: &Market, partner: &str, whom: &str) -> pb::Registration {
    pb::Registration {
        program: market.name("programs", "quick"),
        evidence: format!("Met {whom} on 2026-02-20."),
        ..market.claim(partner)
    }
}

async fn quick(market: &Market) -> [String; 2] {
    market.program("quick", automatic(None)).await;
    let partners = [
        market.partner("nimbus").await,
        market.partner("stratus").await,
    ];
    for partner in &partners {
        market.enroll(partner, "quick").await;
    }
    market.until(IN_MARCH).await;
    partners
}

fn outcome(registration: &pb::Registration) -> (State, &str) {
    let reason = registration
        .decision
        .as_ref()
        .map_or("", |decision| decision.reason_code.as_str());
    (registration.state(), reason)
}

on_both! {
    async fn what_was_revoked_comes_back_with_new_evidence_or_later(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus] = quick(&market).await;
        let first = market.submit(met(&market, &nimbus, "Ms Lumbergh")).await;
        assert_eq!(first.state(), State::Approved);
        market.revoke(&first.name).await.unwrap();
        for nothing_new in ["Ms Lumbergh", "  MS  lumbergh"] {
            let again = market.try_submit(met(&market, &nimbus, nothing_new)).await;
            refused(again, Code::FailedPrecondition, "COOL_OFF").tells("resource", &first.name);
        }
        let none = pb::Registration { evidence: String::new(), ..met(&market, &nimbus, "") };
        let again = market.try_submit(none).await;
        refused(again, Code::FailedPrecondition, "COOL_OFF")
            .tells("cool_off_time", "2026-04-26T12:00:00Z");
        // Not for something else, and nobody else.
        let other = pb::Registration {
            products: vec![market.name("products", "backup")], ..met(&market, &nimbus, "Ms Lumbergh")
        };
        assert_eq!(outcome(&market.submit(other).await), (State::Approved, "AUTOMATIC"));
        // A person decides whether the evidence is new.
        let new = market.submit(met(&market, &nimbus, "Mr Waddams")).await;
        assert_eq!(outcome(&new), (State::Submitted, "COOL_OFF"));
        market.withdraw(&new.name).await.unwrap();
        let theirs = market.submit(met(&market, &stratus, "Ms Lumbergh")).await;
        assert_eq!(outcome(&theirs), (State::Approved, "AUTOMATIC"));
        market.revoke(&theirs.name).await.unwrap();
        market.until(IN_MARCH + 30 * DAY - 1).await;
        let early = market.try_submit(met(&market, &nimbus, "Ms Lumbergh")).await;
        refused(early, Code::FailedPrecondition, "COOL_OFF");
        market.until(IN_MARCH + 30 * DAY).await;
        let late = market.submit(met(&market, &nimbus, "Ms Lumbergh")).await;
        assert_eq!(outcome(&late), (State::Approved, "AUTOMATIC"));
    }

    async fn what_ran_out_and_what_was_refused_cool_off_alike(world: World) {
        let market = Market::open(world).await;
        let [nimbus, _] = quick(&market).await;
        let first = market.submit(met(&market, &nimbus, "Ms Lumbergh")).await;
        let end = seconds(first.protection_end_time);
        market.until(end - 1).await;
        let standing = market.try_submit(met(&market, &nimbus, "Ms Lumbergh")).await;
        refused(standing, Code::FailedPrecondition, "SELF_DUPLICATE");
        market.until(end).await;
        let over = market.try_submit(met(&market, &nimbus, "Ms Lumbergh")).await;
        refused(over, Code::FailedPrecondition, "COOL_OFF").tells("resource", &first.name);
        let new = market.submit(met(&market, &nimbus, "Mr Waddams")).await;
        market.reject(&new.name).await.unwrap();
        let again = market.try_submit(met(&market, &nimbus, "Mr Waddams")).await;
        refused(again, Code::FailedPrecondition, "COOL_OFF").tells("resource", &new.name);
        // Taken back by the partner itself it was never decided about.
        let third = market.submit(met(&market, &nimbus, "Mr Bolton")).await;
        market.withdraw(&third.name).await.unwrap();
        assert_eq!(market.submit(met(&market, &nimbus, "Mr Bolton")).await.state(), State::Submitted);
    }

    async fn a_program_may_do_without(world: World) {
        let market = Market::open(world).await;
        let [nimbus, _] = quick(&market).await;
        let request = program::UpdateProgramRequest {
            program: Some(program::Program {
                name: market.name("programs", "quick"),
                registration_clock: Some(program::RegistrationClock {
                    cool_off_days: Some(0),
                    ..program::RegistrationClock::default()
                }),
                ..program::Program::default()
            }),
            ..program::UpdateProgramRequest::default()
        };
        market.programs().update_program(request).await.unwrap();
        let first = market.submit(met(&market, &nimbus, "Ms Lumbergh")).await;
        market.revoke(&first.name).await.unwrap();
        let again = market.submit(met(&market, &nimbus, "Ms Lumbergh")).await;
        assert_eq!(outcome(&again), (State::Approved, "AUTOMATIC"));
    }

    async fn what_waits_is_not_approved_by_itself_when_its_turn_comes(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus] = quick(&market).await;
        let first = market.submit(met(&market, &nimbus, "Ms Lumbergh")).await;
        market.revoke(&first.name).await.unwrap();
        let theirs = market.submit(met(&market, &stratus, "Ms Lumbergh")).await;
        let again = market.submit(met(&market, &nimbus, "Mr Waddams")).await;
        assert_eq!(again.state(), State::Waitlisted);
        market.revoke(&theirs.name).await.unwrap();
        let turn = read(&market, &again.name).await;
        assert_eq!(outcome(&turn), (State::Waitlisted, "PROMOTED"));
    }
}
