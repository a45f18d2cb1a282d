//! What partners learn of a lead: looked for in every byte of every answer.

use prost::Message as _;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::lead::State;
use trellis_api::platform::v1 as platform;
use trellis_core::Role;
use trellis_tests::{Seat, on_both};

use super::scene::{Scene, Terms, Verb, does, found, id_of, seat};
use crate::refusals::stage::method;
use crate::server::raw::{Line, framed};

/// What nobody may read before they have accepted.
const SECRETS: [&str; 7] = [
    "Pied Piper Secret",
    "piper-secret.example",
    "Richard Secret",
    "richard.secret@piper.example",
    "+1 555 0100 secret",
    "Secret Summer Campaign",
    "They asked for Secret",
];

/// What only the staff read, ever.
const OF_STAFF: [&str; 2] = ["crm-secret-1", "accounts/initech"];

fn lead(scene: &Scene) -> pb::Lead {
    let [name, domain, person, email, phone, campaign, note] = SECRETS.map(str::to_owned);
    pb::Lead {
        campaign,
        company: Some(pb::lead::Company {
            display_name: name,
            region_code: "DE".to_owned(),
            industry: "middle-out".to_owned(),
            domain,
            account: scene.name("accounts", "initech"),
        }),
        contact: Some(pb::lead::Contact {
            display_name: person,
            email,
            phone,
        }),
        note,
        external_id: "crm-secret-1".to_owned(),
        ..scene.somebody()
    }
}

/// Everything that somebody is answered about a lead, to the byte: bodies, headers and trailers.
async fn heard(scene: &Scene, seat: &Seat, name: &str) -> String {
    let line = Line::open(seat.address()).await;
    let parent = scene.parent.clone();
    let listing = |filter: &str, order_by: &str| pb::ListLeadsRequest {
        parent: parent.clone(),
        filter: filter.to_owned(),
        order_by: order_by.to_owned(),
        ..pb::ListLeadsRequest::default()
    };
    let mut asked: Vec<(&str, Vec<u8>)> = vec![
        (
            "GetLead",
            pb::GetLeadRequest {
                name: name.to_owned(),
            }
            .encode_to_vec(),
        ),
        (
            "ListLeadRoutings",
            pb::ListLeadRoutingsRequest {
                parent: name.to_owned(),
                ..pb::ListLeadRoutingsRequest::default()
            }
            .encode_to_vec(),
        ),
        (
            "ListEvents",
            platform::ListEventsRequest {
                parent: parent.clone(),
                page_size: 1_000,
                ..platform::ListEventsRequest::default()
            }
            .encode_to_vec(),
        ),
        (
            "ListDeals",
            pb::ListDealsRequest {
                parent: parent.clone(),
                ..pb::ListDealsRequest::default()
            }
            .encode_to_vec(),
        ),
    ];
    for (filter, order) in [
        ("", "create_time desc"),
        ("state = OFFERED OR state = ACCEPTED", ""),
        ("state = UNROUTABLE OR state = NEW", ""),
        ("company.display_name : \"e\"", ""),
        ("external_id : \"e\"", ""),
        ("domain : \"e\"", ""),
        ("", "external_id"),
    ] {
        asked.push(("ListLeads", listing(filter, order).encode_to_vec()));
    }
    for (verb, body) in [
        (
            "WorkLead",
            pb::WorkLeadRequest {
                name: name.to_owned(),
                validate_only: true,
                ..Default::default()
            }
            .encode_to_vec(),
        ),
        (
            "RouteLead",
            pb::RouteLeadRequest {
                name: name.to_owned(),
                validate_only: true,
                ..Default::default()
            }
            .encode_to_vec(),
        ),
        (
            "AcceptLead",
            pb::AcceptLeadRequest {
                name: name.to_owned(),
                validate_only: true,
                ..Default::default()
            }
            .encode_to_vec(),
        ),
        (
            "AcceptLead",
            pb::AcceptLeadRequest {
                name: name.to_owned(),
                etag: "\"999\"".to_owned(),
                ..Default::default()
            }
            .encode_to_vec(),
        ),
    ] {
        asked.push((verb, body));
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

/// The secrets that are heard.
fn told<'a>(heard: &str, secrets: &[&'a str]) -> Vec<&'a str> {
    secrets
        .iter()
        .copied()
        .filter(|secret| heard.contains(secret))
        .collect()
}

on_both! {
    async fn until_it_accepts_a_partner_hears_neither_company_nor_person(world: World) {
        let scene = Scene::open(world).await;
        for id in ["nimbus", "cirrus"] {
            scene.member(id, Terms::default()).await;
        }
        let nimbus = seat(&scene, "admin@nimbus.example", Role::PartnerAdmin, Some("nimbus")).await;
        let rep = seat(&scene, "rep@nimbus.example", Role::PartnerRep, Some("nimbus")).await;
        let cirrus = seat(&scene, "admin@cirrus.example", Role::PartnerAdmin, Some("cirrus")).await;
        let staff = seat(&scene, "ada@acme.example", Role::EcosystemAdmin, None).await;
        let made = scene.lead(lead(&scene)).await;
        let (id, name) = (id_of(&made.name), made.name.as_str());

        // The control: the staff hear all of it.
        let heard_by_staff = heard(&scene, &staff, name).await;
        assert_eq!(told(&heard_by_staff, &SECRETS), SECRETS);
        assert_eq!(told(&heard_by_staff, &OF_STAFF), OF_STAFF);
        for partner in [&nimbus, &rep, &cirrus] {
            let heard = heard(&scene, partner, name).await;
            assert_eq!(told(&heard, &SECRETS), [""; 0], "before it is offered");
            assert_eq!(found(partner, &scene.parent, "").await, []);
        }

        let offered = scene.route(name).await.lead.unwrap();
        if id_of(&offered.partner) == "cirrus" {
            // Whom it goes to first follows from its name; here it is to be nimbus.
            does(&cirrus, Verb::Decline, name).await.unwrap();
        }
        for partner in [&nimbus, &rep] {
            let heard = heard(&scene, partner, name).await;
            assert_eq!(told(&heard, &SECRETS), [""; 0], "before it accepts");
            assert_eq!(told(&heard, &OF_STAFF), [""; 0]);
            assert_eq!(told(&heard, &["cirrus"]), [""; 0], "of another partner");
            // The control: what it may know it hears.
            assert_eq!(told(&heard, &["middle-out", id, "products/firewall"]).len(), 3);
            let shown = found(partner, &scene.parent, "").await;
            let company = shown[0].company.clone().unwrap();
            assert_eq!((company.region_code.as_str(), shown[0].contact.clone()), ("DE", None));
            assert_eq!(shown[0].estimated_value, made.estimated_value);
        }

        let accepted = does(&rep, Verb::Accept, name).await.unwrap();
        assert_eq!(accepted.contact, made.contact, "the answer shows the whole");
        for partner in [&nimbus, &rep] {
            let heard = heard(&scene, partner, name).await;
            assert_eq!(told(&heard, &SECRETS), SECRETS);
            assert_eq!(told(&heard, &OF_STAFF), [""; 0]);
        }
        let heard_by_other = heard(&scene, &cirrus, name).await;
        assert_eq!(told(&heard_by_other, &SECRETS), [""; 0]);
        assert_eq!(told(&heard_by_other, &["nimbus", "middle-out"]), [""; 0]);
        // In no event, whoever reads it, is anything of it.
        let events = scene.events_about(name).await;
        assert!(events.len() >= 3, "{events:?}");
        let all = format!("{events:?}");
        assert_eq!(told(&all, &SECRETS), [""; 0]);
    }

    async fn who_let_a_lead_go_learns_nothing_of_what_becomes_of_it(world: World) {
        let scene = Scene::open(world).await;
        for id in ["nimbus", "cirrus"] {
            scene.member(id, Terms::default()).await;
        }
        let seats = [
            seat(&scene, "admin@nimbus.example", Role::PartnerAdmin, Some("nimbus")).await,
            seat(&scene, "admin@cirrus.example", Role::PartnerAdmin, Some("cirrus")).await,
        ];
        let offered = scene.routed(lead(&scene)).await;
        let first = usize::from(id_of(&offered.partner) == "cirrus");
        let (one, other) = (&seats[first], &seats[1 - first]);
        let theirs = ["cirrus", "nimbus"][first];
        let answer = does(one, Verb::Decline, &offered.name).await.unwrap();
        let bare = pb::Lead { name: offered.name.clone(), ..pb::Lead::default() };
        assert_eq!(answer, bare);
        assert_eq!(found(one, &scene.parent, "").await, []);
        let taken = does(other, Verb::Accept, &offered.name).await.unwrap();
        assert_eq!(taken.state(), State::Accepted);
        let kinds = [
            "lead.created", "lead.routed", "lead.offered", "lead.declined", "lead.routed",
            "lead.offered", "lead.accepted",
        ];
        scene.tells(&offered.name, &kinds).await;
        let heard = heard(&scene, one, &offered.name).await;
        assert_eq!(told(&heard, &SECRETS), [""; 0]);
        assert_eq!(told(&heard, &[theirs]), [""; 0], "who has it now");
        assert_eq!(told(&heard, &["lead.declined"]).len(), 1, "what it did itself stays");
        assert_eq!(told(&heard, &["lead.accepted", "lead.routed"]), [""; 0]);

        // What is given back is answered alike, whoever has it next; here nobody.
        let answer = does(other, Verb::Return, &offered.name).await.unwrap();
        assert_eq!(answer, bare);
        assert_eq!(found(other, &scene.parent, "").await, []);
        assert_eq!(scene.read(&offered.name).await.state(), State::Unroutable);
    }
}
