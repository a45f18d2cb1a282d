//! A partner that registers business is told alike whether or not somebody was first.

use prost::Message as _;
use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::State;
use trellis_api::program::v1::DealRegistrationSettings;
use trellis_api::program::v1::deal_registration_settings::ConflictDisclosure;
use trellis_core::Position;
use trellis_tests::{Seat, World, on_both, position, refused};

use super::scene::{Scene, get, said, submit};
use crate::deal::market::automatic;

/// Two claims of nimbus that differ in one thing: at the second customer cirrus was first.
struct Bait {
    scene: Scene,
    nimbus: Seat,
    free: pb::Registration,
    taken: pb::Registration,
}

impl Bait {
    async fn lay(world: World, program: &str, settings: DealRegistrationSettings) -> Self {
        let scene = Scene::open(world).await;
        scene.market.program(program, settings).await;
        scene.enroll(&scene.nimbus, program).await;
        scene.enroll(&scene.cirrus, program).await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let of = |partner: &str, account: pb::Account| pb::Registration {
            program: scene.name("programs", program),
            ..scene.claim_at(partner, &account.name)
        };
        let theirs = scene.brings(&cirrus, "taken.example").await;
        scene.claims(&cirrus, of(&scene.cirrus, theirs)).await;
        let mut drafts = Vec::new();
        for domain in ["free.example", "taken.example"] {
            let account = scene.brings(&nimbus, domain).await;
            let draft = scene.drafts(&nimbus, of(&scene.nimbus, account)).await;
            drafts.push(draft.unwrap().into_inner());
        }
        let [free, taken] = drafts.try_into().unwrap();
        Self {
            scene,
            nimbus,
            free,
            taken,
        }
    }
}

/// A registration without what differs by itself.
fn alike(registration: pb::Registration) -> Vec<u8> {
    pb::Registration {
        name: String::new(),
        account: String::new(),
        ..registration
    }
    .encode_to_vec()
}

on_both! {
    async fn taken_and_free_accounts_are_answered_alike(world: World) {
        let Bait { scene, nimbus, free, taken } =
            Bait::lay(world, "sealed", DealRegistrationSettings::default()).await;
        let first = submit(&nimbus, &free.name).await.unwrap();
        let second = submit(&nimbus, &taken.name).await.unwrap();
        let places = [position(&first), position(&second)];
        assert_eq!(alike(first.into_inner()), alike(second.into_inner()));
        let read = get(&nimbus, &free.name).await.unwrap().into_inner();
        assert_eq!(read.state(), State::Submitted);
        assert_eq!(alike(read), alike(get(&nimbus, &taken.name).await.unwrap().into_inner()));
        // The control: the staff see the difference.
        assert_eq!(scene.registration(&free.name).await.state(), State::Submitted);
        assert_eq!(scene.registration(&taken.name).await.state(), State::Waitlisted);

        let find = |filter: &'static str| scene.found(&nimbus, filter, "create_time");
        assert_eq!(find("state = WAITLISTED").await, [""; 0]);
        assert_eq!(find("state != SUBMITTED").await, [""; 0]);
        assert_eq!(find("state = SUBMITTED").await.len(), 2);
        assert_eq!(find("NOT state = SUBMITTED").await, [""; 0]);

        let convert = |name: &str| pb::ConvertRegistrationRequest {
            name: name.to_owned(),
            ..pb::ConvertRegistrationRequest::default()
        };
        let mut calls = nimbus.registrations();
        let refusals = [
            said(calls.convert_registration(convert(&free.name)).await, &free.name),
            said(calls.convert_registration(convert(&taken.name)).await, &taken.name),
            said(submit(&nimbus, &free.name).await, &free.name),
            said(submit(&nimbus, &taken.name).await, &taken.name),
        ];
        assert_eq!(refusals[0], refusals[1]);
        assert_eq!(refusals[2], refusals[3]);
        assert_eq!(refusals[0].0, Code::FailedPrecondition);

        // As many events are written, at places as far apart, and those that are read are the same.
        let another = scene.drafts(&nimbus, scene.claim_at(&scene.nimbus, &free.account)).await;
        let places = places.into_iter().chain([position(&another.unwrap())]);
        let places: Vec<i64> = places.map(|place| place.parse::<Position>().unwrap().sequence).collect();
        assert_eq!(places[1] - places[0], places[2] - places[1]);
        let events = scene.events_of(&nimbus, 12).await;
        let told = |name: &str| -> Vec<String> {
            let about = events.iter().filter(|event| event.resource == name);
            about
                .map(|event| {
                    let mut data = event.data.clone().unwrap_or_default();
                    data.fields.remove("registration");
                    data.fields.remove("account");
                    format!("{} {data:?}", event.r#type)
                })
                .collect()
        };
        assert_eq!(told(&free.name).len(), 2);
        assert_eq!(told(&free.name), told(&taken.name));
    }

    async fn nothing_tells_when_those_in_the_way_leave(world: World) {
        let Bait { scene, nimbus, taken, .. } =
            Bait::lay(world, "sealed", DealRegistrationSettings::default()).await;
        let before = submit(&nimbus, &taken.name).await.unwrap().into_inner();
        let cirrus = scene.admin("cirrus").await;
        let theirs = scene.found(&cirrus, "", "").await;
        scene.reject(&theirs[0]).await.unwrap();
        let staff = scene.registration(&taken.name).await;
        assert_eq!(staff.decision.unwrap().reason_code, "PROMOTED");
        let after = get(&nimbus, &taken.name).await.unwrap().into_inner();
        assert_eq!(after, before);
        scene.reject(&taken.name).await.unwrap();
        let refusal = get(&nimbus, &taken.name).await.unwrap().into_inner().decision.unwrap();
        assert_eq!((refusal.rule.as_str(), refusal.reason_code.as_str()), ("", "INCOMPLETE"));
    }

    async fn a_dry_run_looks_nothing_up_for_a_partner(world: World) {
        let Bait { scene, nimbus, free, taken } =
            Bait::lay(world, "sealed", DealRegistrationSettings::default()).await;
        let ask = |name: &str| pb::SubmitRegistrationRequest {
            name: name.to_owned(),
            validate_only: true,
            ..pb::SubmitRegistrationRequest::default()
        };
        let mut calls = nimbus.registrations();
        let one = calls.submit_registration(ask(&free.name)).await.unwrap().into_inner();
        let other = calls.submit_registration(ask(&taken.name)).await.unwrap().into_inner();
        assert_eq!(one.state(), State::Submitted);
        assert_eq!(alike(one), alike(other));
        assert_eq!(get(&nimbus, &taken.name).await.unwrap().into_inner().state(), State::Draft);
        // The control.
        let staff = scene.registrations().submit_registration(ask(&taken.name)).await.unwrap();
        assert_eq!(staff.into_inner().state(), State::Waitlisted);
    }

    async fn what_a_program_approves_by_itself_is_told_at_the_tick(world: World) {
        let Bait { scene, nimbus, free, taken } = Bait::lay(world, "quick", automatic(None)).await;
        let first = submit(&nimbus, &free.name).await.unwrap().into_inner();
        let second = submit(&nimbus, &taken.name).await.unwrap().into_inner();
        assert_eq!(first.state(), State::Submitted);
        assert_eq!(alike(first), alike(second));
        scene.wait_days(1).await;
        let mut read = get(&nimbus, &free.name).await.unwrap().into_inner();
        for _ in 0..100 {
            if read.state() == State::Approved {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            read = get(&nimbus, &free.name).await.unwrap().into_inner();
        }
        assert_eq!(read.state(), State::Approved);
        assert_eq!(read.decision.unwrap().reason_code, "APPROVED");
        let waits = get(&nimbus, &taken.name).await.unwrap().into_inner();
        assert_eq!(waits.state(), State::Submitted);
    }

    async fn what_a_rule_refuses_reads_like_all_others_until_the_tick(world: World) {
        let Bait { scene, nimbus, free, .. } = Bait::lay(world, "quick", automatic(None)).await;
        let account = scene.brings(&nimbus, "kept.example").await;
        let kept = pb::CreateHouseAccountRequest {
            parent: scene.parent.clone(),
            house_account: Some(pb::HouseAccount {
                account: account.name.clone(),
                ..pb::HouseAccount::default()
            }),
            ..pb::CreateHouseAccountRequest::default()
        };
        scene.catalog().create_house_account(kept).await.unwrap();
        let claim = pb::Registration {
            program: free.program.clone(),
            ..scene.claim_at(&scene.nimbus, &account.name)
        };
        let kept = scene.drafts(&nimbus, claim).await.unwrap().into_inner();
        let first = submit(&nimbus, &free.name).await.unwrap();
        let second = submit(&nimbus, &kept.name).await.unwrap();
        let places = [position(&first), position(&second)];
        assert_eq!(alike(first.into_inner()), alike(second.into_inner()));
        let explained = async |name: &str| {
            let request = pb::ExplainDecisionRequest { name: name.to_owned() };
            let explained = nimbus.registrations().explain_decision(request).await;
            explained.unwrap().into_inner().decisions
        };
        assert_eq!((explained(&free.name).await, explained(&kept.name).await), (vec![], vec![]));
        // As many events are written.
        let another = scene.drafts(&nimbus, scene.claim_at(&scene.nimbus, &free.account)).await;
        let places = places.into_iter().chain([position(&another.unwrap())]);
        let places: Vec<i64> = places.map(|place| place.parse::<Position>().unwrap().sequence).collect();
        assert_eq!(places[1] - places[0], places[2] - places[1]);
        // The control: the staff see what is coming.
        let staff = scene.registration(&kept.name).await;
        assert_eq!(staff.state(), State::Submitted);
        assert_eq!(staff.decision.unwrap().reason_code, "HOUSE");
        scene.wait_days(1).await;
        let mut read = get(&nimbus, &kept.name).await.unwrap().into_inner();
        for _ in 0..100 {
            if read.state() == State::Rejected {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            read = get(&nimbus, &kept.name).await.unwrap().into_inner();
        }
        assert_eq!(read.state(), State::Rejected);
        let told = read.decision.unwrap();
        assert_eq!((told.rule.as_str(), told.reason_code.as_str()), ("", "POLICY"));
        let told = explained(&kept.name).await.remove(0);
        assert_eq!((told.decision.unwrap().reason_code.as_str(), told.explanation), ("POLICY", None));
    }

    async fn a_program_may_tell_that_a_registration_waits_and_no_more(world: World) {
        let settings = DealRegistrationSettings {
            conflict_disclosure: ConflictDisclosure::State.into(),
            ..DealRegistrationSettings::default()
        };
        let Bait { scene, nimbus, free, taken } = Bait::lay(world, "open", settings).await;
        submit(&nimbus, &free.name).await.unwrap();
        let waits = submit(&nimbus, &taken.name).await.unwrap().into_inner();
        assert_eq!((waits.state(), waits.waitlist_position), (State::Waitlisted, 0));
        let decision = waits.decision.unwrap();
        assert_eq!((decision.rule.as_str(), decision.reason_code.as_str()), ("", "POLICY"));
        assert_eq!(scene.found(&nimbus, "state = WAITLISTED", "").await, [taken.name.as_str()]);
        assert_eq!(scene.found(&nimbus, "state = SUBMITTED", "").await, [free.name]);
        let staff = scene.registration(&taken.name).await;
        assert_eq!(staff.waitlist_position, 1);
        let duplicate = scene.drafts(&nimbus, pb::Registration {
            program: taken.program.clone(),
            ..scene.claim_at(&scene.nimbus, &taken.account)
        });
        let duplicate = duplicate.await.unwrap().into_inner();
        let refusal = submit(&nimbus, &duplicate.name).await;
        let refusal = refused(refusal, Code::FailedPrecondition, "SELF_DUPLICATE");
        assert_eq!(refusal.metadata["resource"], taken.name);
    }
}
