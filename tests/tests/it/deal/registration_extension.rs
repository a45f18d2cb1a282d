//! `ExtendRegistration`, and the activities that speak for it.

use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::State;
use trellis_api::deal::v1::registration_activity::Kind;
use trellis_api::google::r#type::Date;
use trellis_api::program::v1::DealRegistrationSettings;
use trellis_tests::{on_both, refused};

use super::desk::{read, seconds};
use super::market::{Market, automatic, day, manual};

/// Noon of Friday, 27 March 2026 by UTC.
const IN_MARCH: i64 = 1_774_612_800;

/// Midnight in Berlin after 25 June, day 90: 22:00 by UTC.
const END: i64 = 1_782_424_800;

const DAY: i64 = 86_400;

/// Midnight in Berlin after 24 August, 60 days later.
const EXTENDED: i64 = END + 60 * DAY;

/// Midnight in Berlin after 28 October, 125 days later, in winter time: 23:00 by UTC.
const IN_WINTER: i64 = END + 125 * DAY + 3_600;

async fn extend(market: &Market, name: &str) -> Result<Response<pb::Registration>, Status> {
    let request = pb::ExtendRegistrationRequest {
        name: name.to_owned(),
        ..pb::ExtendRegistrationRequest::default()
    };
    market.registrations().extend_registration(request).await
}

async fn log(
    market: &Market,
    name: &str,
    date: Option<Date>,
) -> Result<Response<pb::RegistrationActivity>, Status> {
    let request = pb::LogActivityRequest {
        name: name.to_owned(),
        kind: Kind::Meeting.into(),
        activity_date: date,
        note: "Showed the console".to_owned(),
        ..pb::LogActivityRequest::default()
    };
    market.registrations().log_activity(request).await
}

async fn logged(market: &Market, name: &str) -> Vec<pb::RegistrationActivity> {
    let request = pb::ListActivitiesRequest {
        parent: name.to_owned(),
        ..pb::ListActivitiesRequest::default()
    };
    let list = market.registrations().list_activities(request).await;
    list.unwrap().into_inner().registration_activities
}

/// A registration that is approved on 27 March, and one that waits behind it.
async fn approved(market: &Market, program: &str) -> [pb::Registration; 2] {
    let partners = [
        market.partner("nimbus").await,
        market.partner("stratus").await,
    ];
    market.until(IN_MARCH).await;
    let mut both = Vec::new();
    for partner in &partners {
        market.enroll(partner, program).await;
        let claim = pb::Registration {
            program: market.name("programs", program),
            ..market.claim(partner)
        };
        both.push(market.submit(claim).await);
    }
    let first = market.approve(&both[0].name).await.unwrap().into_inner();
    assert_eq!(seconds(first.protection_end_time), END);
    [first, both.remove(1)]
}

fn lacking(answer: Result<Response<pb::Registration>, Status>, what: &str) {
    let refusal = refused(answer, Code::FailedPrecondition, "PRECONDITION");
    let requires = &refusal.metadata["requires"];
    assert!(requires.contains(what), "{requires}");
}

on_both! {
    async fn a_protection_that_comes_on_is_extended_once_to_a_local_midnight(world: World) {
        let market = Market::open(world).await;
        let [first, second] = approved(&market, "gold").await;
        lacking(extend(&market, &first.name).await, "an activity");
        let activity = log(&market, &first.name, day(2026, 3, 27)).await.unwrap().into_inner();
        assert_eq!(activity.name, format!("{}/activities/1", first.name));
        // To the second before the end.
        market.until(END - 1).await;
        lacking(extend(&market, &first.name).await, "an activity");
        log(&market, &first.name, day(2026, 5, 26)).await.unwrap();
        let activities = logged(&market, &first.name).await;
        assert_eq!(activities.len(), 2);
        assert_eq!(activities[1], activity);
        let extended = extend(&market, &first.name).await.unwrap().into_inner();
        assert_eq!(seconds(extended.protection_end_time), EXTENDED);
        assert_eq!((extended.state(), extended.extension_count), (State::Approved, 1));
        assert_eq!(extended.protection_start_time, first.protection_start_time);
        lacking(extend(&market, &first.name).await, "before");
        for (at, state, next) in [
            (END, State::Approved, "DUPLICATE_ACTIVE"),
            (EXTENDED - 1, State::Approved, "DUPLICATE_ACTIVE"),
            (EXTENDED, State::Expired, "PROMOTED"),
            (EXTENDED + 1, State::Expired, "PROMOTED"),
        ] {
            let now = market.until(at).await;
            assert_eq!(read(&now, &first.name).await.state(), state, "{at}");
            let waiting = read(&now, &second.name).await;
            assert_eq!(waiting.decision.unwrap().reason_code, next, "{at}");
        }
        market.tells(&first.name, &[
            "registration.created", "registration.submitted", "registration.cleared",
            "registration.screened", "registration.approved", "registration.activity_logged",
            "registration.activity_logged", "registration.extended", "registration.expired",
        ]).await;
    }

    async fn what_is_over_is_not_extended(world: World) {
        let market = Market::open(world).await;
        let [first, _] = approved(&market, "gold").await;
        market.until(END - 1).await;
        log(&market, &first.name, day(2026, 6, 25)).await.unwrap();
        market.until(END).await;
        let late = extend(&market, &first.name).await;
        refused(late, Code::FailedPrecondition, "ILLEGAL_TRANSITION").tells("state", "EXPIRED");
    }

    async fn an_extension_ends_at_the_hard_stop_and_lasts_into_winter_time(world: World) {
        let market = Market::open(world).await;
        let days = |extension_days, hard_stop_days| DealRegistrationSettings {
            extension_days: Some(extension_days), hard_stop_days: Some(hard_stop_days), ..manual()
        };
        market.program("long", days(125, 400)).await;
        market.program("short", days(60, 91)).await;
        market.program("none", days(0, 180)).await;
        let nimbus = market.partner("nimbus").await;
        market.until(IN_MARCH).await;
        for (program, end) in [("long", Some(IN_WINTER)), ("short", Some(END + DAY)), ("none", None)] {
            market.enroll(&nimbus, program).await;
            let claim = pb::Registration {
                program: market.name("programs", program),
                account: market.account(program, &[]).await,
                ..market.claim(&nimbus)
            };
            let one = market.submit(claim).await;
            market.approve(&one.name).await.unwrap();
            log(&market, &one.name, day(2026, 3, 27)).await.unwrap();
            match end {
                Some(end) => {
                    let extended = extend(&market, &one.name).await.unwrap().into_inner();
                    assert_eq!(seconds(extended.protection_end_time), end, "{program}");
                }
                None => lacking(extend(&market, &one.name).await, "days left"),
            }
        }
    }

    async fn a_deal_that_comes_on_speaks_for_its_registration(world: World) {
        let market = Market::open(world).await;
        let [first, _] = approved(&market, "gold").await;
        let converted = market.convert(&first.name).await.unwrap().into_inner();
        lacking(extend(&market, &first.name).await, "an activity");
        let request = pb::AdvanceDealRequest {
            name: converted.deal.clone(),
            stage: pb::deal::Stage::Qualified.into(),
            ..pb::AdvanceDealRequest::default()
        };
        market.deals().advance_deal(request).await.unwrap();
        let extended = extend(&market, &first.name).await.unwrap().into_inner();
        assert_eq!(extended.state(), State::Converted);
        assert_eq!(seconds(extended.protection_end_time), EXTENDED);
    }

    async fn an_activity_is_of_an_approved_registration_and_not_of_tomorrow(world: World) {
        let market = Market::open(world).await;
        let [first, second] = approved(&market, "gold").await;
        refused(
            log(&market, &first.name, day(2026, 3, 28)).await, Code::InvalidArgument, "INVALID_FIELDS",
        ).breaks("activity_date", "date.past");
        refused(
            log(&market, &second.name, day(2026, 3, 27)).await,
            Code::FailedPrecondition,
            "ILLEGAL_TRANSITION",
        ).tells("state", "WAITLISTED");
        // 23:30 by UTC is tomorrow in Berlin already.
        market.until(IN_MARCH + 11 * 3_600 + 1_800).await;
        log(&market, &first.name, day(2026, 3, 28)).await.unwrap();
    }

    async fn whoever_extends_at_the_end_and_whoever_comes_next_are_not_both_protected(world: World) {
        let market = Market::open(world).await;
        let parent = market.ecosystem("plain").await;
        let plain = Market { world: market.world.clone(), parent };
        plain.product("firewall", None).await;
        plain.account("initech", &[]).await;
        plain.program("gold", automatic(None)).await;
        let [nimbus, stratus] = plain.partners_at_work(["nimbus", "stratus"]).await;
        let first = plain.submit(plain.claim(&nimbus)).await;
        log(&plain, &first.name, day(2026, 3, 2)).await.unwrap();
        let second = plain.draft(plain.claim(&stratus)).await;
        let end = seconds(first.protection_end_time);
        plain.clock().set(trellis_core::Timestamp::from_micros(end * 1_000_000));
        let (extended, granted) =
            tokio::join!(extend(&plain, &first.name), plain.hand_in(&second.name));
        assert!(extended.is_err());
        assert_eq!(granted.unwrap().into_inner().state(), State::Approved);
    }
}
