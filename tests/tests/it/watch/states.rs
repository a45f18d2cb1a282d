//! What events tell of the resources that they are about: what they are after the change, and which fields
//! changed; to whom; and where the call that changed them stands in a trace.

use tonic::{IntoRequest as _, Request};
use trellis_api::deal::v1 as deal;
use trellis_api::options::v1::Role as WireRole;
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as pb;
use trellis_core::Stored;
use trellis_tests::{Caller, World, on_both};

use super::scene::{Watcher, from_first, named};
use crate::identity::scene::{Scene, key};

const NIMBUS: &str = "ecosystems/acme/partners/nimbus";

/// All events, as somebody lists them.
async fn listed(world: &World, by: &Caller) -> Vec<pb::Event> {
    world.readable().await;
    let list = pb::ListEventsRequest {
        parent: "ecosystems/acme".to_owned(),
        page_size: 1_000,
        ..pb::ListEventsRequest::default()
    };
    let page = by.events().list_events(list).await.unwrap().into_inner();
    assert_eq!(page.next_page_token, "");
    page.events
}

async fn of(world: &World, by: &Caller, kind: &str) -> pb::Event {
    let events = listed(world, by).await;
    let mut of_kind = events.into_iter().filter(|event| event.r#type == kind);
    of_kind.next_back().expect(kind)
}

/// The state that an event tells, as a message.
fn state<M: prost::Message + Stored + Default>(event: &pb::Event) -> Option<M> {
    let state = event.state.as_ref()?;
    let told = M::decode(state.value.as_slice()).unwrap();
    let resource = told.resource().unwrap();
    assert_eq!(
        state.type_url,
        format!("type.googleapis.com/{}", resource.kind)
    );
    assert_eq!(resource.name, event.resource);
    Some(told)
}

fn rename(to: &str) -> partner::UpdatePartnerRequest {
    partner::UpdatePartnerRequest {
        partner: Some(partner::Partner {
            name: NIMBUS.to_owned(),
            display_name: to.to_owned(),
            ..partner::Partner::default()
        }),
        ..partner::UpdatePartnerRequest::default()
    }
}

fn invite() -> partner::InvitePartnerRequest {
    partner::InvitePartnerRequest {
        name: NIMBUS.to_owned(),
        ..partner::InvitePartnerRequest::default()
    }
}

on_both! {
    async fn an_event_tells_what_has_become_of_a_resource_and_which_fields_changed(world: World) {
        world.ecosystem("acme").await;
        let mut watcher = Watcher::open(&world, from_first("acme")).await.unwrap();
        let made = world.partners().create_partner(named("nimbus")).await.unwrap().into_inner();
        let renamed = world.partners().update_partner(rename("Nimbus")).await.unwrap().into_inner();
        let same = world.partners().update_partner(rename("Nimbus")).await.unwrap().into_inner();
        let invited = world.partners().invite_partner(invite()).await.unwrap().into_inner();
        let told = watcher.events(5).await;
        assert_eq!(told, listed(&world, &world).await);
        let changes: [(&partner::Partner, &[&str]); 4] = [
            (&made, &[]),
            (&renamed, &["display_name"]),
            (&same, &[]),
            (&invited, &["state", "invitation_expire_time"]),
        ];
        for (event, (answer, changed)) in told[1..].iter().zip(changes) {
            assert_eq!(state::<partner::Partner>(event).as_ref(), Some(answer), "{event:?}");
            assert_eq!(event.changed_fields, changed);
        }
        // It is what is got, until something else happens.
        let get = partner::GetPartnerRequest { name: NIMBUS.to_owned() };
        assert_eq!(world.partners().get_partner(get).await.unwrap().into_inner(), invited);
    }

    /// Whoever asks with `validate_only`, and whoever sends a call again, changes nothing, and is told of
    /// nothing.
    async fn what_only_was_tried_is_told_of_nobody(world: World) {
        world.ecosystem("acme").await;
        let made = partner::CreatePartnerRequest {
            request_id: uuid::Uuid::new_v4().to_string(),
            ..named("nimbus")
        };
        let tried = partner::CreatePartnerRequest { validate_only: true, ..named("cirrus") };
        world.partners().create_partner(tried).await.unwrap();
        let first = world.partners().create_partner(made.clone()).await.unwrap().into_inner();
        let again = world.partners().create_partner(made).await.unwrap().into_inner();
        assert_eq!(first, again);
        let told = listed(&world, &world).await;
        let states: Vec<partner::Partner> = told[1..].iter().filter_map(state).collect();
        assert_eq!(states, [first]);
    }

    async fn only_who_may_get_every_resource_of_a_kind_is_told_what_it_is(world: World) {
        let scene = Scene::with_partners(world, &["nimbus", "cirrus"]).await;
        let family = deal::CreateProductFamilyRequest {
            parent: scene.parent.clone(),
            product_family: Some(deal::ProductFamily {
                display_name: "Walls".to_owned(),
                ..deal::ProductFamily::default()
            }),
            ..deal::CreateProductFamilyRequest::default()
        };
        scene.admin.catalog().create_product_family(family).await.unwrap();
        let traced = with_trace(rename("Nimbus"), PARENT, "acme=1");
        scene.admin.partners().update_partner(traced).await.unwrap();

        let auditor = scene.bearer(&[WireRole::Auditor]).await;
        for by in [&scene.admin, &auditor] {
            let told = of(&scene, by, "partner.updated").await;
            assert_eq!(state::<partner::Partner>(&told).unwrap().display_name, "Nimbus");
            assert_eq!(told.changed_fields, ["display_name"]);
            assert!(of(&scene, by, "product_family.created").await.state.is_some());
            assert!(of(&scene, by, "api_key.created").await.state.is_some());
        }
        // Who looks after partners gets all partners and products, and no keys.
        let manager = scene.bearer(&[WireRole::ChannelManager]).await;
        let told = of(&scene, &manager, "api_key.created").await;
        assert_eq!((told.state, told.changed_fields), (None, Vec::new()));
        let told = of(&scene, &manager, "partner.updated").await;
        assert!(told.state.is_some() && !told.trace_parent.is_empty());
        assert!(of(&scene, &manager, "product_family.created").await.state.is_some());

        for role in [WireRole::PartnerAdmin, WireRole::PartnerRep] {
            let partner = scene.of_partner("nimbus", &[role]).await;
            let told = listed(&scene, &partner).await;
            assert!(told.iter().any(|event| event.r#type == "partner.updated"));
            for event in told {
                let none = (None, Vec::new(), String::new(), String::new());
                let pb::Event { state, changed_fields, trace_parent, trace_state, .. } = event;
                assert_eq!((state, changed_fields, trace_parent, trace_state), none);
            }
            let mut watcher = Watcher::open(&partner, from_first("acme")).await.unwrap();
            let (watched, _) = watcher.until_heartbeat().await;
            assert!(watched.iter().all(|event| event.state.is_none()));
        }
        // No secret is in what the keys of all these are told to be.
        let made = scene.made(&scene.admin, key(&[WireRole::Service])).await;
        let told: pb::ApiKey = state(&of(&scene, &scene.admin, "api_key.created").await).unwrap();
        assert_eq!(told, made.key);
    }

    async fn a_call_that_is_traced_says_where_it_stands(world: World) {
        world.ecosystem("acme").await;
        let traced = with_trace(named("nimbus"), PARENT, "acme=1,other=2");
        world.partners().create_partner(traced).await.unwrap();
        let told = of(&world, &world, "partner.created").await;
        assert_eq!((told.trace_parent.as_str(), told.trace_state.as_str()), (PARENT, "acme=1,other=2"));
        // What is no place in a trace is passed over.
        world.partners().update_partner(with_trace(rename("Nimbus"), "00-0-0-0", "acme=1")).await.unwrap();
        let told = of(&world, &world, "partner.updated").await;
        assert_eq!((told.trace_parent.as_str(), told.trace_state.as_str()), ("", ""));
    }

    async fn who_reads_what_is_sensitive_by_the_feed_is_entered(world: World) {
        let scene = Scene::with_partners(world, &["nimbus"]).await;
        let reads = async |by: &Caller, filter: &str| {
            let list = pb::ListEventsRequest {
                parent: scene.parent.clone(),
                filter: filter.to_owned(),
                ..pb::ListEventsRequest::default()
            };
            scene.readable().await;
            by.events().list_events(list).await.unwrap().into_inner().events.len()
        };
        let entered = async |method: &str| {
            scene.readable().await;
            let list = pb::ListAuditEntriesRequest {
                parent: scene.parent.clone(),
                filter: format!("method : \"{method}\""),
                ..pb::ListAuditEntriesRequest::default()
            };
            let page = scene.admin.audit().list_audit_entries(list).await.unwrap();
            page.into_inner().audit_entries.len()
        };
        let manager = scene.bearer(&[WireRole::ChannelManager]).await;
        assert!(reads(&scene.admin, "type = \"partner.created\"").await > 0);
        assert!(reads(&manager, "").await > 2);
        assert_eq!(entered("ListEvents").await, 0);
        // Reading keys is entered, and so is reading them here.
        assert_eq!(reads(&scene.admin, "type = \"api_key.created\"").await, 2);
        assert_eq!(entered("ListEvents").await, 1);
        // A stream is entered when it may come to tell any, and a manager gets all house accounts.
        let partner = scene.of_partner("nimbus", &[WireRole::PartnerAdmin]).await;
        let _told = Watcher::open(&partner, from_first("acme")).await.unwrap();
        assert_eq!(entered("WatchEvents").await, 0);
        let _told = Watcher::open(&manager, from_first("acme")).await.unwrap();
        assert_eq!(entered("WatchEvents").await, 1);
        let _told = Watcher::open(&scene.admin, from_first("acme")).await.unwrap();
        assert_eq!(entered("WatchEvents").await, 2);
    }

    async fn who_was_erased_is_in_no_state(world: World) {
        let scene = Scene::with_partners(world, &["nimbus", "cirrus"]).await;
        let mut known = rename("Nimbus");
        known.partner.as_mut().unwrap().contact_email = "ada@nimbus.example".to_owned();
        scene.admin.partners().update_partner(known).await.unwrap();
        let mut made = key(&[WireRole::Service]);
        made.api_key.as_mut().unwrap().person = "ada@nimbus.example".to_owned();
        scene.made(&scene.admin, made).await;
        let before = listed(&scene, &scene.admin).await;
        let has = |event: &&pb::Event| {
            let name = b"ada@nimbus.example";
            let state = event.state.as_ref();
            state.is_some_and(|state| state.value.windows(name.len()).any(|part| part == name))
        };
        assert_eq!(before.iter().filter(has).count(), 2);
        let erase = |validate_only| pb::ErasePersonalDataRequest {
            name: scene.parent.clone(),
            principal: "ada@nimbus.example".to_owned(),
            validate_only,
            ..pb::ErasePersonalDataRequest::default()
        };
        scene.admin.audit().erase_personal_data(erase(true)).await.unwrap();
        assert_eq!(listed(&scene, &scene.admin).await, before);
        scene.admin.audit().erase_personal_data(erase(false)).await.unwrap();
        let after = listed(&scene, &scene.admin).await;
        assert_eq!(after.len(), before.len() + 1);
        assert_eq!(after.iter().filter(has).count(), 0);
        // Everything else is told as it was.
        for (was, is) in before.iter().zip(&after) {
            let without = pb::Event { state: None, changed_fields: Vec::new(), ..was.clone() };
            assert_eq!(is, if has(&was) { &without } else { was });
        }
        let told = after.last().unwrap();
        assert_eq!(told.r#type, "audit.names_erased");
    }
}

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A call whose caller has begun a trace.
fn with_trace<T>(message: T, parent: &'static str, state: &'static str) -> Request<T> {
    let mut request = message.into_request();
    request
        .metadata_mut()
        .insert("traceparent", parent.parse().unwrap());
    request
        .metadata_mut()
        .insert("tracestate", state.parse().unwrap());
    request
}
