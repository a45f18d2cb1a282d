//! What partners learn of an engagement, and of each other: looked for in every byte of every answer.

use prost::Message as _;
use prost_types::FieldMask;
use tonic::{Code, Response};
use trellis_api::deal::v1 as pb;
use trellis_api::platform::v1 as platform;
use trellis_core::Role;
use trellis_tests::{Seat, on_both, refused};

use super::scene::{Scene, Verb, does, get, list, member, members, snapshot, snapshots};
use crate::deal::market::money;
use crate::refusals::stage::method;
use crate::server::raw::{Line, framed};

/// What nobody may read before they have accepted.
const SECRETS: [&str; 3] = ["Pied Piper Secret", "Forty secret shops", "QAR"];

/// What only the staff read, ever.
const OF_STAFF: [&str; 1] = ["crm-secret-1"];

fn secret(scene: &Scene) -> pb::Engagement {
    let [name, description, currency] = SECRETS.map(str::to_owned);
    let mut engagement = scene.something();
    engagement.customer.as_mut().unwrap().display_name = name;
    engagement.description = description;
    engagement.estimated_value = money(777, &currency);
    engagement.external_id = OF_STAFF[0].to_owned();
    engagement
}

/// Everything that somebody is answered about an engagement, to the byte: bodies, headers, trailers.
async fn heard(scene: &Scene, seat: &Seat, engagement: &str, own: &str) -> String {
    let line = Line::open(seat.address()).await;
    let (parent, engagement) = (scene.parent.clone(), engagement.to_owned());
    let mut asked: Vec<(&str, Vec<u8>)> = vec![(
        "GetEngagement",
        pb::GetEngagementRequest {
            name: engagement.clone(),
        }
        .encode_to_vec(),
    )];
    for (filter, order_by) in [
        ("", "create_time desc"),
        ("state = ACTIVE", ""),
        ("state = CLOSED OR state = DRAFT", ""),
        ("customer.display_name : \"e\"", ""),
        ("description : \"e\"", ""),
        ("external_id : \"e\"", ""),
        ("members_visible = true", ""),
        ("", "external_id"),
    ] {
        let request = pb::ListEngagementsRequest {
            parent: parent.clone(),
            filter: filter.to_owned(),
            order_by: order_by.to_owned(),
            ..pb::ListEngagementsRequest::default()
        };
        asked.push(("ListEngagements", request.encode_to_vec()));
    }
    for (below, filter, order_by) in [
        (engagement.clone(), "", ""),
        (format!("{parent}/engagements/-"), "", "role desc"),
        (
            engagement.clone(),
            "state = ACCEPTED OR state = INVITED",
            "",
        ),
        (engagement.clone(), "message : \"Dear\"", ""),
        (engagement.clone(), "role = \"IMPLEMENTATION\"", "role"),
    ] {
        let request = pb::ListMembersRequest {
            parent: below,
            filter: filter.to_owned(),
            order_by: order_by.to_owned(),
            ..pb::ListMembersRequest::default()
        };
        asked.push(("ListMembers", request.encode_to_vec()));
    }
    for (filter, order_by) in [
        ("", "revision desc"),
        ("resource : \"e\"", ""),
        ("state = SHARED", ""),
    ] {
        let request = pb::ListSnapshotsRequest {
            parent: engagement.clone(),
            filter: filter.to_owned(),
            order_by: order_by.to_owned(),
            ..pb::ListSnapshotsRequest::default()
        };
        asked.push(("ListSnapshots", request.encode_to_vec()));
    }
    let events = platform::ListEventsRequest {
        parent: parent.clone(),
        page_size: 1_000,
        ..platform::ListEventsRequest::default()
    };
    asked.push(("ListEvents", events.encode_to_vec()));
    for (etag, validate_only) in [("", true), ("\"999\"", false)] {
        let accept = pb::AcceptInvitationRequest {
            name: own.to_owned(),
            etag: etag.to_owned(),
            validate_only,
            ..pb::AcceptInvitationRequest::default()
        };
        asked.push(("EngagementService.AcceptInvitation", accept.encode_to_vec()));
    }
    let mut all = String::new();
    for (name, message) in asked {
        let answer = line.call(method(name).path, &[], framed(&message)).await;
        all.extend(answer.body.iter().copied().map(char::from));
        all.push_str(&format!("{:?} {:?}", answer.headers, answer.trailers));
        let status = answer.status();
        all.push_str(status.message());
        all.extend(status.details().iter().copied().map(char::from));
    }
    all
}

/// The words that are heard.
fn told<'a>(heard: &str, words: &[&'a str]) -> Vec<&'a str> {
    words
        .iter()
        .copied()
        .filter(|word| heard.contains(word))
        .collect()
}

async fn show_members(scene: &Scene, engagement: &str, members_visible: bool) {
    let request = pb::UpdateEngagementRequest {
        engagement: Some(pb::Engagement {
            name: engagement.to_owned(),
            members_visible,
            ..pb::Engagement::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["members_visible".to_owned()],
        }),
        ..pb::UpdateEngagementRequest::default()
    };
    scene
        .engagements()
        .update_engagement(request)
        .await
        .unwrap();
}

/// A filter by a partner, as its own name is written.
async fn found(scene: &Scene, seat: &Seat, engagement: &str, partner: &str) -> usize {
    let request = pb::ListMembersRequest {
        parent: engagement.to_owned(),
        page_size: 1,
        filter: format!("partner = \"{}\"", scene.name("partners", partner)),
        ..pb::ListMembersRequest::default()
    };
    let answer = seat
        .engagements()
        .list_members(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.next_page_token, "");
    answer.members.len()
}

on_both! {
    async fn until_it_accepts_a_partner_hears_neither_customer_nor_worth(world: World) {
        let scene = Scene::open(world, &["nimbus", "cirrus"]).await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let rep = scene.seat("rep@nimbus.example", Role::PartnerRep, Some("nimbus")).await;
        let staff = scene.seat("ada@acme.example", Role::EcosystemAdmin, None).await;
        let engagement = scene.active(secret(&scene)).await.name;
        let own = scene.invite(&engagement, "nimbus").await.name;
        let account = scene.name("accounts", "initech");
        scene.share(&own, &account, &["display_name"]).await;

        // The control: the staff hear all of it.
        let all = heard(&scene, &staff, &engagement, &own).await;
        assert_eq!(told(&all, &SECRETS), SECRETS);
        assert_eq!(told(&all, &OF_STAFF), OF_STAFF);
        assert_eq!(told(&all, &["initech"]), ["initech"]);
        for (partner, known) in [(&nimbus, 4), (&rep, 4), (&cirrus, 0)] {
            let all = heard(&scene, partner, &engagement, &own).await;
            assert_eq!(told(&all, &SECRETS), [""; 0]);
            assert_eq!(told(&all, &OF_STAFF), [""; 0]);
            assert_eq!(told(&all, &["initech"]), [""; 0], "what is shared waits");
            // The control: what it may know it hears.
            let may = ["Move a retailer", "1000-4999", "IMPLEMENTATION", "Dear nimbus"];
            assert_eq!(told(&all, &may).len(), known);
        }
        does(&nimbus, Verb::Accept, &own).await.unwrap();
        for partner in [&nimbus, &rep] {
            let all = heard(&scene, partner, &engagement, &own).await;
            assert_eq!(told(&all, &SECRETS), SECRETS, "once it has accepted");
            assert_eq!(told(&all, &OF_STAFF), [""; 0]);
            assert_eq!(told(&all, &["initech"]), ["initech"]);
        }
        does(&nimbus, Verb::Leave, &own).await.unwrap();
        for partner in [&nimbus, &rep, &cirrus] {
            let all = heard(&scene, partner, &engagement, &own).await;
            assert_eq!(told(&all, &SECRETS), [""; 0], "once it has left");
            assert_eq!(told(&all, &["initech"]), [""; 0]);
        }
    }

    async fn a_member_learns_of_no_other_unless_the_engagement_says_so(world: World) {
        let scene = Scene::open(world, &["nimbus", "cirrus", "altus"]).await;
        let (nimbus, altus) = (scene.admin("nimbus").await, scene.admin("altus").await);
        let engagement = scene.active(scene.something()).await.name;
        let own = scene.member(&engagement, "nimbus").await.name;
        let alone = members(&nimbus, &engagement).await;
        let seen_alone = get(&nimbus, &engagement).await.unwrap();
        let other = scene.member(&engagement, "cirrus").await;
        let invited = scene.invite(&engagement, "altus").await;
        let account = scene.name("accounts", "initech");
        let shared = scene.share(&other.name, &account, &["display_name"]).await;
        let ids = [&other.name, &invited.name, &shared.name];
        let ids = ids.map(|name| name.rsplit_once('/').unwrap().1);
        let others = ["cirrus", "altus", ids[0], ids[1], ids[2]];

        let all = heard(&scene, &nimbus, &engagement, &own).await;
        assert_eq!(told(&all, &others), [""; 0]);
        assert_eq!(members(&nimbus, &engagement).await, alone);
        assert_eq!(get(&nimbus, &engagement).await.unwrap(), seen_alone, "nothing moves for it");
        assert_eq!(found(&scene, &nimbus, &engagement, "cirrus").await, 0);
        assert_eq!(found(&scene, &nimbus, &engagement, "nimbus").await, 1);
        // Word for word like what is not there.
        let there = member(&nimbus, &other.name).await.unwrap_err();
        let nowhere = format!("{engagement}/members/{}0", &ids[0][..ids[0].len() - 1]);
        let absent = member(&nimbus, &nowhere).await.unwrap_err();
        assert_eq!(there.message(), absent.message().replace(&nowhere, &other.name));

        // The control: where members are visible, who has accepted finds who else has, and no more.
        show_members(&scene, &engagement, true).await;
        let all = heard(&scene, &nimbus, &engagement, &own).await;
        assert_eq!(told(&all, &others), ["cirrus", ids[0]]);
        assert_eq!(told(&all, &["Dear cirrus"]), [""; 0]);
        assert_eq!(found(&scene, &nimbus, &engagement, "cirrus").await, 1);
        let beside = member(&nimbus, &other.name).await.unwrap();
        let expected = pb::EngagementMember {
            name: other.name.clone(),
            partner: other.partner.clone(),
            role: other.role.clone(),
            state: other.state,
            accept_time: other.accept_time,
            ..pb::EngagementMember::default()
        };
        assert_eq!(beside, expected);
        // Nobody moves another's membership, and who is only invited sees nobody.
        let strange = does(&nimbus, Verb::Leave, &other.name).await.map(Response::new);
        refused(strange, Code::NotFound, "RESOURCE_NOT_FOUND");
        let strange = snapshot(&nimbus, &shared.name).await.map(Response::new);
        refused(strange, Code::NotFound, "RESOURCE_NOT_FOUND");
        assert_eq!(members(&altus, &engagement).await.len(), 1);
        show_members(&scene, &engagement, false).await;
        assert_eq!(members(&nimbus, &engagement).await, alone);
    }

    async fn who_is_in_no_engagement_is_told_nothing_of_it(world: World) {
        let scene = Scene::open(world, &["nimbus", "cirrus"]).await;
        let cirrus = scene.admin("cirrus").await;
        let engagement = scene.active(scene.something()).await.name;
        let own = scene.member(&engagement, "nimbus").await.name;
        let draft = scene.create(scene.something()).await.name;
        assert_eq!(list(&cirrus, &scene.parent, "").await, []);
        let everywhere = format!("{}/engagements/-", scene.parent);
        assert_eq!(members(&cirrus, &everywhere).await, []);
        for gone in [
            get(&cirrus, &engagement).await.map(drop),
            get(&cirrus, &draft).await.map(drop),
            member(&cirrus, &own).await.map(drop),
            does(&cirrus, Verb::Leave, &own).await.map(drop),
        ] {
            refused(gone.map(Response::new), Code::NotFound, "RESOURCE_NOT_FOUND");
        }
        let rival = scene.admin("nimbus").await;
        assert_eq!(list(&rival, &scene.parent, "").await.len(), 1, "its own, and no draft");
        let request = pb::ListSnapshotsRequest {
            parent: engagement.clone(),
            ..pb::ListSnapshotsRequest::default()
        };
        let strange = cirrus.engagements().list_snapshots(request).await;
        refused(strange, Code::NotFound, "RESOURCE_NOT_FOUND");
        assert_eq!(snapshots(&rival, &engagement).await, []);
    }
}
