//! The clock by which the vendor responds to registrations, across both changes of the clocks.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::State;
use trellis_api::google::r#type::{Date, DayOfWeek};
use trellis_api::platform::v1 as platform;
use trellis_api::program::v1 as program;
use trellis_core::Timestamp;
use trellis_tests::{on_both, refused};

use super::desk::{read, seconds};
use super::market::{Market, automatic, manual, usd};

/// Noon of Friday, 27 March 2026 by UTC. In Berlin the clocks are put forward on the 29th.
const IN_MARCH: i64 = 1_774_612_800;

/// Midnight in Berlin after Tuesday, 31 March, the second business day after: 22:00 by UTC.
const RESPONSE_DUE: i64 = 1_774_994_400;

/// Midnight in Berlin after Friday, 3 April, the third business day after that.
const FINAL: i64 = 1_775_253_600;

/// Noon of Friday, 23 October 2026 by UTC. In Berlin the clocks are put back on the 25th.
const IN_OCTOBER: i64 = 1_792_756_800;

/// Midnight in Berlin after Tuesday, 27 October: 23:00 by UTC.
const RESPONSE_DUE_IN_OCTOBER: i64 = 1_793_142_000;

/// Midnight in Berlin after Friday, 30 October.
const FINAL_IN_OCTOBER: i64 = 1_793_401_200;

const DAY: i64 = 86_400;

fn level(registration: &pb::Registration) -> (State, i32) {
    (registration.state(), registration.escalation_level)
}

/// The events that tell that nobody responded to a registration.
async fn overdue(market: &Market, name: &str) -> Vec<platform::Event> {
    let mut events = market.events_about(name).await;
    events.retain(|event| event.r#type == "registration.response_overdue");
    events
}

fn reason(registration: &pb::Registration) -> &str {
    registration
        .decision
        .as_ref()
        .map_or("", |decision| decision.reason_code.as_str())
}

on_both! {
    async fn nobody_has_responded_at_local_midnight_and_three_business_days_later(world: World) {
        let market = Market::open(world).await;
        for (handed_in, due, last) in [
            (IN_MARCH, RESPONSE_DUE, FINAL),
            (IN_OCTOBER, RESPONSE_DUE_IN_OCTOBER, FINAL_IN_OCTOBER),
        ] {
            let ids = if due == RESPONSE_DUE { ["nimbus", "stratus"] } else { ["altus", "boreas"] };
            let [one, other] = market.partners_at_work(ids).await;
            market.until(handed_in).await;
            let one = market.submit(market.claim(&one)).await;
            let account = market.name("accounts", "globex");
            let other = market.submit(pb::Registration { account, ..market.claim(&other) }).await;
            for registration in [&one, &other] {
                assert_eq!(seconds(registration.response_due_time), due);
                assert_eq!(seconds(registration.escalation_time), due);
            }
            let before = market.until(due - 1).await;
            assert_eq!(level(&read(&before, &one.name).await), (State::Submitted, 0));
            let answered = market.approve(&other.name).await.unwrap().into_inner();
            assert_eq!((answered.response_due_time, answered.escalation_time), (None, None));
            for at in [due, due + 1, last - 1] {
                let now = market.until(at).await;
                let registration = read(&now, &one.name).await;
                assert_eq!(level(&registration), (State::Submitted, 1));
                assert_eq!(seconds(registration.response_due_time), due);
                assert_eq!(seconds(registration.escalation_time), last);
                // It is no change of its partner's.
                assert_eq!(registration.etag, one.etag);
            }
            for at in [last, last + 1] {
                let now = market.until(at).await;
                assert_eq!(level(&read(&now, &one.name).await), (State::Submitted, 2));
                assert_eq!(read(&now, &other.name).await.escalation_level, 0);
            }
            market.tells(&one.name, &[
                "registration.created", "registration.submitted", "registration.cleared",
                "registration.screened", "registration.response_overdue",
                "registration.response_overdue",
            ]).await;
            assert!(overdue(&market, &other.name).await.is_empty());
            let told = overdue(&market, &one.name).await;
            let told: Vec<String> = told.iter().map(|event| format!("{:?}", event.data)).collect();
            assert!(told[0].contains("CHANNEL_MANAGER") && told[1].contains("PROGRAM_OWNER"), "{told:?}");
            let seat = market.admin(&one.partner).await;
            let seen = read(&seat, &one.name).await;
            assert_eq!((seen.escalation_level, seen.escalation_time), (0, None));
            assert_eq!(seconds(seen.response_due_time), due);
            let request = platform::ListEventsRequest {
                parent: market.parent.clone(),
                filter: format!("resource = \"{}\"", one.name),
                ..platform::ListEventsRequest::default()
            };
            let events = seat.events().list_events(request).await.unwrap().into_inner().events;
            assert!(events.iter().all(|event| event.r#type != "registration.response_overdue"));
            market.withdraw(&one.name).await.unwrap();
        }
    }

    async fn holidays_and_the_days_of_the_week_are_the_programs(world: World) {
        let market = Market::open(world).await;
        let clock = |holidays: &[Date], days: &[DayOfWeek]| program::RegistrationClock {
            business_days: days.iter().map(|day| (*day).into()).collect(),
            holidays: holidays.to_vec(),
            ..program::RegistrationClock::default()
        };
        let good_friday = Date { year: 2026, month: 4, day: 3 };
        let monday = Date { year: 2026, month: 3, day: 30 };
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        market.until(IN_MARCH).await;
        for (index, (clock, due)) in [
            (clock(&[monday], &[]), RESPONSE_DUE + DAY),
            (clock(&[good_friday], &[]), RESPONSE_DUE),
            (clock(&[], &[DayOfWeek::Saturday, DayOfWeek::Sunday]), RESPONSE_DUE - 2 * DAY),
            (clock(&[], &[DayOfWeek::Friday]), FINAL + 7 * DAY),
        ].into_iter().enumerate() {
            let name = market.name("programs", "gold");
            let request = program::UpdateProgramRequest {
                program: Some(program::Program {
                    name,
                    registration_clock: Some(clock.clone()),
                    ..program::Program::default()
                }),
                ..program::UpdateProgramRequest::default()
            };
            let updated = market.programs().update_program(request).await.unwrap().into_inner();
            let set = updated.registration_clock.unwrap();
            assert_eq!(set.holidays, clock.holidays);
            assert_eq!(set.business_days.len(), if clock.business_days.is_empty() { 5 } else { clock.business_days.len() });
            let account = market.account(&format!("customer-{index}"), &[]).await;
            let one = market.submit(pb::Registration { account, ..market.claim(&nimbus) }).await;
            assert_eq!(seconds(one.response_due_time), due, "{index}");
        }
        let wrong = program::UpdateProgramRequest {
            program: Some(program::Program {
                name: market.name("programs", "gold"),
                registration_clock: Some(clock(&[Date { year: 2026, month: 2, day: 30 }], &[])),
                ..program::Program::default()
            }),
            ..program::UpdateProgramRequest::default()
        };
        let refusal = market.programs().update_program(wrong).await;
        refused(refusal, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("program.registration_clock.holidays[0]", "date");
    }

    async fn one_that_waits_is_promised_the_same_and_escalated_from_its_turn_on(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus] = market.partners_at_work(["nimbus", "stratus"]).await;
        market.until(IN_MARCH).await;
        let first = market.submit(market.claim(&nimbus)).await;
        let second = market.submit(market.claim(&stratus)).await;
        assert_eq!(second.response_due_time, first.response_due_time);
        assert_eq!((second.state(), second.escalation_time), (State::Waitlisted, None));
        market.approve(&first.name).await.unwrap();
        market.until(FINAL + 1).await;
        assert_eq!(level(&market.registration(&second.name).await), (State::Waitlisted, 0));
        // Saturday, 4 April: its turn has come, and what it was promised stands.
        market.revoke(&first.name).await.unwrap();
        let turn = market.registration(&second.name).await;
        assert_eq!(seconds(turn.response_due_time), RESPONSE_DUE);
        let due = seconds(turn.escalation_time);
        assert_eq!(due, FINAL + 4 * DAY);
        market.until(due - 1).await;
        assert_eq!(market.registration(&second.name).await.escalation_level, 0);
        let now = market.until(due).await;
        assert_eq!(read(&now, &second.name).await.escalation_level, 1);
    }

    async fn the_clock_stands_still_while_the_partner_is_asked(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        market.until(IN_MARCH).await;
        let one = market.submit(market.claim(&nimbus)).await;
        // Monday, 30 March: one business day is left.
        market.until(IN_MARCH + 3 * DAY).await;
        let asked = market.ask(&one.name).await.unwrap().into_inner();
        assert_eq!((asked.response_due_time, asked.escalation_time), (None, None));
        let later = market.until(FINAL + 1).await;
        assert_eq!(level(&read(&later, &one.name).await), (State::NeedsInfo, 0));
        // Saturday, 4 April: the day that is left is the Monday after.
        let again = market.hand_in(&one.name).await.unwrap().into_inner();
        assert_eq!(seconds(again.response_due_time), FINAL + 3 * DAY);
        assert_eq!(seconds(again.escalation_time), FINAL + 3 * DAY);
        assert!(overdue(&market, &one.name).await.is_empty());
    }

    async fn at_the_last_a_program_may_approve_what_nothing_speaks_against(world: World) {
        let market = Market::open(world).await;
        let mut limited = manual();
        limited.auto_approve_limit = usd(5_000);
        for (id, breach) in [
            ("keen", program::registration_clock::FinalBreach::AutoApprove),
            ("calm", program::registration_clock::FinalBreach::Escalate),
        ] {
            market.program(id, limited.clone()).await;
            let request = program::UpdateProgramRequest {
                program: Some(program::Program {
                    name: market.name("programs", id),
                    registration_clock: Some(program::RegistrationClock {
                        on_final_breach: breach.into(),
                        ..program::RegistrationClock::default()
                    }),
                    ..program::Program::default()
                }),
                ..program::UpdateProgramRequest::default()
            };
            market.programs().update_program(request).await.unwrap();
        }
        let nimbus = market.partner("nimbus").await;
        let stratus = market.partner("stratus").await;
        for partner in [&nimbus, &stratus] {
            for id in ["keen", "calm"] {
                market.enroll(partner, id).await;
            }
        }
        market.until(IN_MARCH - 1).await;
        let claim = |partner: &str, id: &str, account: &str| pb::Registration {
            program: market.name("programs", id), account: account.to_owned(), ..market.claim(partner)
        };
        let own = |id: &str| market.name("accounts", id);
        for (id, country) in [("thomson-ca", "CA"), ("thomson-fr", "FR")] {
            let request = pb::CreateAccountRequest {
                parent: market.parent.clone(),
                account_id: id.to_owned(),
                account: Some(pb::Account {
                    display_name: "Thomson Marine Corp".to_owned(),
                    region_code: country.to_owned(),
                    ..pb::Account::default()
                }),
                ..pb::CreateAccountRequest::default()
            };
            market.accounts().create_account(request).await.unwrap();
        }
        for id in ["calm-co", "large-co", "behind-co"] {
            market.account(id, &[]).await;
        }
        let near = market.submit(claim(&stratus, "calm", &own("thomson-ca"))).await;
        let ahead = market.submit(claim(&stratus, "calm", &own("behind-co"))).await;
        // Who comes first is told by the moment.
        market.until(IN_MARCH).await;
        let free = market.submit(claim(&nimbus, "keen", &own("initech"))).await;
        // The controls: a program that only escalates, more than its limit, a customer that somebody
        // else's may be, and one that another stands before.
        let calm = market.submit(claim(&nimbus, "calm", &own("calm-co"))).await;
        let large = pb::Registration {
            estimated_value: usd(5_001), ..claim(&nimbus, "keen", &own("large-co"))
        };
        let large = market.submit(large).await;
        let behind = market.submit(claim(&nimbus, "keen", &own("behind-co"))).await;
        let unsure = market.submit(claim(&nimbus, "keen", &own("thomson-fr"))).await;
        assert_eq!(reason(&unsure), "IDENTITY_REVIEW");
        let before = market.until(FINAL - 1).await;
        assert_eq!(level(&read(&before, &free.name).await), (State::Submitted, 1));
        let now = market.until(FINAL).await;
        let approved = read(&now, &free.name).await;
        assert_eq!((approved.state(), reason(&approved)), (State::Approved, "RESPONSE_OVERDUE"));
        for one in [&calm, &large, &unsure, &ahead, &near] {
            assert_eq!(level(&read(&now, &one.name).await), (State::Submitted, 2), "{}", one.account);
        }
        assert_eq!(level(&read(&now, &behind.name).await), (State::Waitlisted, 0));
    }

    async fn a_deadline_counts_before_anybody_was_told(world: World) {
        let market = Market::open(world).await;
        let parent = market.ecosystem("plain").await;
        let plain = Market { world: market.world.clone(), parent };
        plain.product("firewall", None).await;
        plain.account("initech", &[]).await;
        plain.program("gold", automatic(usd(1))).await;
        let [nimbus] = plain.partners_at_work(["nimbus"]).await;
        let one = plain.submit(plain.claim(&nimbus)).await;
        let due = seconds(one.response_due_time);
        plain.clock().set(Timestamp::from_micros(due * 1_000_000));
        // The sweep may or may not have been quicker: it makes no difference, and it comes by once.
        assert_eq!(plain.registration(&one.name).await.escalation_level, 1);
        let noted = pb::Registration { note: "Please.".to_owned(), ..one.clone() };
        let noted = plain.edit(noted, &["note"]).await.unwrap().into_inner();
        assert_eq!(noted.escalation_level, 1);
        for _ in 0..500 {
            if !overdue(&plain, &one.name).await.is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(overdue(&plain, &one.name).await.len(), 1);
        assert_eq!(plain.registration(&one.name).await.escalation_level, 1);
    }
}
