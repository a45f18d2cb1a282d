//! The standard methods of `LeadService`, and the settings that leads are routed by.

use tonic::{Code, Response};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::lead::State;
use trellis_api::program::v1 as program;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, Terms, Verb, does, found, get, id_of, mark};
use crate::deal::market::usd;

const REQUEST_ID: &str = "3f0e2a4c-7d3b-4c39-9d53-1f7a5e1c2b66";

on_both! {
    async fn a_new_lead_is_told_as_it_was_given(world: World) {
        let scene = Scene::open(world).await;
        let given = pb::Lead {
            campaign: "Spring".to_owned(),
            contact: Some(pb::lead::Contact {
                display_name: "Gavin".to_owned(),
                email: "gavin@hooli.example".to_owned(),
                phone: "+1 555 0199".to_owned(),
            }),
            territory: scene.territory("dach", "", &["DE"]).await,
            score: 70,
            note: "Asked twice.".to_owned(),
            external_id: "crm-1".to_owned(),
            ..scene.somebody()
        };
        let made = scene.try_lead("hooli", given.clone()).await.unwrap().into_inner();
        let expected = pb::Lead {
            name: scene.name("leads", "hooli"),
            state: State::New.into(),
            create_time: made.create_time,
            update_time: made.create_time,
            etag: "\"1\"".to_owned(),
            ..given.clone()
        };
        assert_eq!(made, expected);
        assert_eq!(scene.read(&made.name).await, made);
        let again = scene.try_lead("hooli", scene.somebody()).await;
        refused(again, Code::AlreadyExists, "RESOURCE_EXISTS").tells("field", "id");
        let same = pb::Lead { external_id: "crm-1".to_owned(), ..scene.somebody() };
        refused(scene.try_lead("", same).await, Code::AlreadyExists, "RESOURCE_EXISTS")
            .tells("field", "external_id");
    }

    async fn everything_that_is_wrong_with_a_lead_is_told_at_once(world: World) {
        let scene = Scene::open(world).await;
        let wrong = pb::Lead {
            program: "gold".to_owned(),
            source: "web form".to_owned(),
            company: Some(pb::lead::Company {
                region_code: "Germany".to_owned(),
                account: "initech".to_owned(),
                ..pb::lead::Company::default()
            }),
            contact: Some(pb::lead::Contact {
                email: "nobody".to_owned(),
                ..pb::lead::Contact::default()
            }),
            products: vec!["firewall".to_owned()],
            territory: "dach".to_owned(),
            estimated_value: usd(-1),
            score: 101,
            ..pb::Lead::default()
        };
        refused(scene.try_lead("", wrong).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("lead.program", "resource_name")
            .breaks("lead.source", "string.pattern")
            .breaks("lead.company.display_name", "string.min_len")
            .breaks("lead.company.region_code", "string.pattern")
            .breaks("lead.company.account", "resource_name")
            .breaks("lead.contact.email", "string.email")
            .breaks("lead.products[0]", "resource_name")
            .breaks("lead.territory", "resource_name")
            .breaks("lead.estimated_value", "money.gte_zero")
            .breaks("lead.score", "int32.gte_lte");
        let unknown = pb::Lead { program: scene.name("programs", "none"), ..scene.somebody() };
        refused(scene.try_lead("", unknown).await, Code::NotFound, "RESOURCE_NOT_FOUND")
            .tells("resource", &scene.name("programs", "none"));
    }

    async fn leads_that_may_be_the_same_are_told_and_stand_in_nobodys_way(world: World) {
        let scene = Scene::open(world).await;
        let with = |domain: &str, email: &str| {
            let mut lead = scene.somebody();
            lead.company.as_mut().unwrap().domain = domain.to_owned();
            lead.contact = Some(pb::lead::Contact {
                email: email.to_owned(),
                ..pb::lead::Contact::default()
            });
            lead
        };
        let first = scene.lead(with("www.hooli.example", "gavin@hooli.example")).await;
        assert_eq!(first.possible_duplicates, [""; 0]);
        let by_domain = scene.lead(with("https://hooli.example/about", "")).await;
        assert_eq!(by_domain.possible_duplicates, std::slice::from_ref(&first.name));
        let by_email = scene.lead(with("", "Gavin@Hooli.example")).await;
        assert_eq!(by_email.possible_duplicates, std::slice::from_ref(&first.name));
        let neither = scene.lead(with("gmail.com", "")).await;
        assert_eq!(neither.possible_duplicates, [""; 0]);
        let shared = scene.lead(with("gmail.com", "")).await;
        assert_eq!(shared.possible_duplicates, [""; 0], "what many share identifies nobody");
        mark(&scene, &by_email.name, &first.name).await.unwrap();
        let after = scene.lead(with("", "gavin@hooli.example")).await;
        assert_eq!(after.possible_duplicates, std::slice::from_ref(&first.name), "only what is open");

        let marked = scene.read(&by_email.name).await;
        assert_eq!((marked.state(), &marked.duplicate_of), (State::Duplicate, &first.name));
        let of_duplicate = mark(&scene, &after.name, &by_email.name).await;
        refused(of_duplicate.map(Response::new), Code::FailedPrecondition, "PRECONDITION");
        let itself = mark(&scene, &after.name, &after.name).await;
        refused(itself.map(Response::new), Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("duplicate_of", "duplicate_of.name");
    }

    async fn a_move_is_made_once_for_a_request_id_and_not_by_a_stale_etag(world: World) {
        let scene = Scene::open(world).await;
        for id in ["nimbus", "stratus"] {
            scene.member(id, Terms::default()).await;
        }
        let lead = scene.lead(scene.somebody()).await;
        let route = pb::RouteLeadRequest {
            name: lead.name.clone(),
            etag: lead.etag.clone(),
            request_id: REQUEST_ID.to_owned(),
            ..pb::RouteLeadRequest::default()
        };
        let once = scene.leads().route_lead(route.clone()).await.unwrap().into_inner();
        assert_eq!(scene.leads().route_lead(route.clone()).await.unwrap().into_inner(), once);
        let other = pb::RouteLeadRequest { seed: Some(9), ..route };
        refused(scene.leads().route_lead(other).await, Code::InvalidArgument, "REQUEST_ID_REUSED");
        let stale = pb::AcceptLeadRequest {
            name: lead.name.clone(),
            etag: lead.etag,
            ..pb::AcceptLeadRequest::default()
        };
        refused(scene.leads().accept_lead(stale).await, Code::Aborted, "ETAG_MISMATCH");
        let decline = pb::DeclineLeadRequest {
            name: lead.name.clone(),
            reason_code: "NO_CAPACITY".to_owned(),
            request_id: REQUEST_ID.to_owned(),
            ..pb::DeclineLeadRequest::default()
        };
        scene.leads().decline_lead(decline.clone()).await.unwrap();
        scene.leads().decline_lead(decline).await.unwrap();
        let offers = scene.read(&lead.name).await.offers;
        assert_eq!(offers.len(), 2, "declined once");
        assert_eq!(offers[0].reason_code, "NO_CAPACITY");
    }

    async fn nothing_reaches_another_ecosystem(world: World) {
        let scene = Scene::open(world).await;
        let lead = scene.lead(scene.somebody()).await;
        let other = scene.ecosystem("other").await;
        let name = lead.name.replace(&scene.parent, &other);
        refused(get(&scene, &name).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        let moved = does(&scene, Verb::Route, &name).await;
        refused(moved.map(Response::new), Code::NotFound, "RESOURCE_NOT_FOUND");
        assert_eq!(found(&scene, &other, "").await, []);
    }

    async fn leads_are_found_ordered_and_cut_into_pages(world: World) {
        let scene = Scene::open(world).await;
        scene.member("nimbus", Terms::default()).await;
        for (id, score) in [("a", 10), ("b", 30), ("c", 20)] {
            let lead = pb::Lead { score, external_id: format!("crm-{id}"), ..scene.somebody() };
            scene.try_lead(id, lead).await.unwrap();
        }
        does(&scene, Verb::Route, &scene.name("leads", "b")).await.unwrap();
        let ids = |leads: Vec<pb::Lead>| -> Vec<String> {
            leads.iter().map(|lead| id_of(&lead.name).to_owned()).collect()
        };
        let nimbus = scene.name("partners", "nimbus");
        for (filter, expected) in [
            ("state = NEW", vec!["a", "c"]),
            (&*format!("partner = \"{nimbus}\""), vec!["b"]),
            ("score >= 20", vec!["b", "c"]),
            ("external_id = \"crm-c\"", vec!["c"]),
            ("source = \"WEB_FORM\" AND NOT accept_by_time:*", vec!["a", "c"]),
        ] {
            assert_eq!(ids(found(&scene, &scene.parent, filter).await), expected, "{filter}");
        }
        let mut seen = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListLeadsRequest {
                parent: scene.parent.clone(),
                page_size: 1,
                page_token,
                order_by: "score desc".to_owned(),
                ..pb::ListLeadsRequest::default()
            };
            let page = scene.leads().list_leads(request).await.unwrap().into_inner();
            seen.extend(ids(page.leads));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, ["b", "c", "a"]);
    }

    async fn an_enrolment_says_where_for_what_and_how_many_leads(world: World) {
        let scene = Scene::open(world).await;
        let dach = scene.territory("dach", "", &["DE"]).await;
        let partner = scene.partner("nimbus").await;
        let terms = Terms { territories: vec![dach.clone()], capacity: 4, ..Terms::default() };
        let name = scene.enrol(&partner, "gold", terms).await;
        let get = program::GetEnrollmentRequest { name: name.clone() };
        let before = scene.enrollments().get_enrollment(get).await.unwrap().into_inner();
        assert_eq!((&before.territories, before.lead_capacity), (&vec![dach], 4));
        let update = |enrollment: program::Enrollment, paths: &[&str]| {
            program::UpdateEnrollmentRequest {
                enrollment: Some(enrollment),
                update_mask: Some(prost_types::FieldMask {
                    paths: paths.iter().map(|path| (*path).to_owned()).collect(),
                }),
                ..program::UpdateEnrollmentRequest::default()
            }
        };
        let changed = program::Enrollment {
            territories: Vec::new(),
            products: vec![scene.name("products", "backup")],
            lead_capacity: 0,
            ..before.clone()
        };
        let all = ["territories", "products", "lead_capacity"];
        let mut calls = scene.enrollments();
        let after = calls.update_enrollment(update(changed.clone(), &all)).await.unwrap().into_inner();
        let expected = program::Enrollment { etag: "\"2\"".to_owned(), ..changed.clone() };
        assert_eq!(after, expected);
        let stale = calls.update_enrollment(update(changed.clone(), &all)).await;
        refused(stale, Code::Aborted, "ETAG_MISMATCH");
        let tier = program::Enrollment {
            tier: format!("{}/tiers/other", scene.name("programs", "gold")),
            etag: String::new(),
            ..changed.clone()
        };
        let tier = calls.update_enrollment(update(tier, &["tier"])).await;
        refused(tier, Code::InvalidArgument, "INVALID_FIELDS");
        let unknown = program::Enrollment {
            products: vec![scene.name("products", "none")],
            etag: String::new(),
            ..changed
        };
        let unknown = calls.update_enrollment(update(unknown, &["products"])).await;
        refused(unknown, Code::NotFound, "RESOURCE_NOT_FOUND")
            .tells("resource", &scene.name("products", "none"));
        scene.tells(&name, &["enrollment.created", "enrollment.updated"]).await;
    }

    async fn a_program_says_how_long_and_how_often(world: World) {
        let scene = Scene::open(world).await;
        let get = program::GetProgramRequest { name: scene.name("programs", "gold") };
        let usual = scene.programs().get_program(get).await.unwrap().into_inner().leads.unwrap();
        let numbers = (usual.accept_days, usual.act_days, usual.offer_limit);
        assert_eq!(numbers, (Some(14), Some(60), Some(3)));
        let settings = program::LeadSettings {
            accept_days: Some(2),
            act_days: Some(5),
            offer_limit: Some(1),
        };
        let name = scene.program_with("quick", settings).await;
        let get = program::GetProgramRequest { name: name.clone() };
        let told = scene.programs().get_program(get).await.unwrap().into_inner();
        assert_eq!(told.leads, Some(settings));
        scene.enrol(&scene.partner("nimbus").await, "quick", Terms::default()).await;
        let lead = scene.routed(pb::Lead { program: name, ..scene.somebody() }).await;
        // The tests begin at 10:00 on 2 March by UTC: two days on is the 4th, in Berlin at UTC+1.
        assert_eq!(lead.accept_by_time.unwrap().seconds, 1_772_665_200);
        let accepted = does(&scene, Verb::Accept, &lead.name).await.unwrap();
        assert_eq!(accepted.act_by_time.unwrap().seconds, 1_772_665_200 + 3 * 86_400);
    }
}
