//! A partner learns nothing of another one.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as platform;
use trellis_api::program::v1 as program;
use trellis_core::Role;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, get, nobody, said, submit};

on_both! {
    async fn lists_filters_and_orders_find_what_is_ones_own(world: World) {
        let scene = Scene::open(world).await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let auditor = scene.seat("aud", Role::Auditor, None).await;
        let mut own = Vec::new();
        for (seat, partner, domain) in [
            (&nimbus, &scene.nimbus, "one.example"),
            (&cirrus, &scene.cirrus, "two.example"),
        ] {
            let account = scene.brings(seat, domain).await;
            let registration = scene.claims(seat, scene.claim_at(partner, &account.name)).await;
            let deal = pb::Deal { partner: partner.clone(), ..scene.ten_firewalls() };
            own.push((account.name, registration.name, scene.deal(deal).await.name));
        }
        let [(account, mine, deal), (other, theirs, _)] = &own[..] else { panic!("two") };

        for order in ["", "create_time", "create_time desc", "update_time desc"] {
            assert_eq!(scene.found(&nimbus, "", order).await, [mine.as_str()], "{order}");
            // The control.
            assert_eq!(scene.found(&auditor, "", order).await.len(), 2, "{order}");
        }
        for filter in [format!("account = \"{other}\""), format!("partner = \"{}\"", scene.cirrus)] {
            assert_eq!(scene.found(&nimbus, &filter, "").await, [""; 0], "{filter}");
            assert_eq!(scene.found(&auditor, &filter, "").await, [theirs.as_str()], "{filter}");
        }

        let parent = scene.parent.clone();
        let list = pb::ListAccountsRequest { parent: parent.clone(), ..Default::default() };
        let accounts = nimbus.accounts().list_accounts(list.clone()).await.unwrap().into_inner();
        let names: Vec<_> = accounts.accounts.iter().map(|row| row.name.clone()).collect();
        assert_eq!(names, [account.as_str()]);
        let all = auditor.accounts().list_accounts(list).await.unwrap().into_inner();
        // `initech` and `globex` are the vendor's own.
        assert_eq!(all.accounts.len(), 4);

        let list = pb::ListDealsRequest { parent: parent.clone(), ..Default::default() };
        let deals = nimbus.deals().list_deals(list.clone()).await.unwrap().into_inner().deals;
        let shown: Vec<_> = deals.iter().map(|row| (row.name.clone(), row.roles.len())).collect();
        assert_eq!(shown, [(deal.clone(), 0)]);
        let all = auditor.deals().list_deals(list).await.unwrap().into_inner().deals;
        assert_eq!(all.iter().map(|row| row.roles.len()).collect::<Vec<_>>(), [1, 1]);
        let ask = pb::GetPipelineRequest { parent: parent.clone(), ..Default::default() };
        let counted = |pipeline: pb::GetPipelineResponse| -> i64 {
            pipeline.rows.iter().map(|row| row.open_count).sum()
        };
        let pipeline = nimbus.deals().get_pipeline(ask.clone()).await.unwrap().into_inner();
        assert_eq!(counted(pipeline), 1);
        assert_eq!(counted(auditor.deals().get_pipeline(ask).await.unwrap().into_inner()), 2);

        let list = partner::ListPartnersRequest { parent: parent.clone(), ..Default::default() };
        let partners = nimbus.partners().list_partners(list.clone()).await.unwrap().into_inner();
        let names: Vec<_> = partners.partners.iter().map(|row| row.name.clone()).collect();
        assert_eq!(names, [scene.nimbus.as_str()]);
        let all = auditor.partners().list_partners(list).await.unwrap().into_inner();
        assert_eq!(all.partners.len(), 2);

        let list = program::ListEnrollmentsRequest { parent, ..Default::default() };
        let rows = nimbus.enrollments().list_enrollments(list).await.unwrap().into_inner();
        let of: Vec<_> = rows.enrollments.iter().map(|row| row.partner.clone()).collect();
        assert_eq!(of, [scene.nimbus.as_str()]);
    }
}

on_both! {
    async fn what_belongs_to_another_is_refused_like_what_is_not_there(world: World) {
        let scene = Scene::open(world).await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let account = scene.brings(&cirrus, "two.example").await.name;
        let theirs = scene.claims(&cirrus, scene.claim_at(&scene.cirrus, &account)).await.name;
        let deal = pb::Deal { partner: scene.cirrus.clone(), ..scene.ten_firewalls() };
        let deal = scene.deal(deal).await.name;

        let none = nobody(&theirs);
        let refusal = said(get(&nimbus, &theirs).await, &theirs);
        assert_eq!(refusal, said(get(&nimbus, &none).await, &none));
        assert_eq!(refusal.0, Code::NotFound);
        // The control.
        assert!(get(&cirrus, &theirs).await.is_ok());
        let refusal = said(submit(&nimbus, &theirs).await, &theirs);
        assert_eq!(refusal, said(submit(&nimbus, &none).await, &none));

        let change = |name: &str| pb::UpdateRegistrationRequest {
            registration: Some(pb::Registration {
                name: name.to_owned(),
                note: "mine".to_owned(),
                etag: "\"9\"".to_owned(),
                ..pb::Registration::default()
            }),
            ..pb::UpdateRegistrationRequest::default()
        };
        let mut calls = nimbus.registrations();
        let refusal = said(calls.update_registration(change(&theirs)).await, &theirs);
        assert_eq!(refusal, said(calls.update_registration(change(&none)).await, &none));

        let none = nobody(&deal);
        let read = |name: &str| pb::GetDealRequest { name: name.to_owned() };
        let refusal = said(nimbus.deals().get_deal(read(&deal)).await, &deal);
        assert_eq!(refusal, said(nimbus.deals().get_deal(read(&none)).await, &none));

        let none = nobody(&account);
        let read = |name: &str| pb::GetAccountRequest { name: name.to_owned() };
        let refusal = said(nimbus.accounts().get_account(read(&account)).await, &account);
        assert_eq!(refusal, said(nimbus.accounts().get_account(read(&none)).await, &none));
        let claim = |account: &str| scene.claim_at(&scene.nimbus, account);
        let refusal = said(scene.drafts(&nimbus, claim(&account)).await, &account);
        assert_eq!(refusal, said(scene.drafts(&nimbus, claim(&none)).await, &none));
        assert_eq!(refusal.0, Code::NotFound);

        let none = nobody(&scene.cirrus);
        let read = |name: &str| partner::GetPartnerRequest { name: name.to_owned() };
        let refusal = said(nimbus.partners().get_partner(read(&scene.cirrus)).await, &scene.cirrus);
        assert_eq!(refusal, said(nimbus.partners().get_partner(read(&none)).await, &none));
        assert_eq!(refusal.0, Code::PermissionDenied);
        let named = scene.claim_at(&scene.cirrus, &account);
        refused(scene.drafts(&nimbus, named).await, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}

on_both! {
    async fn the_feed_tells_a_partner_of_its_own_and_of_no_staff(world: World) {
        let scene = Scene::open(world).await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let auditor = scene.seat("aud", Role::Auditor, None).await;
        for (seat, partner) in [(&nimbus, &scene.nimbus), (&cirrus, &scene.cirrus)] {
            let account = scene.brings(seat, "one.example").await.name;
            let registration = scene.claims(seat, scene.claim_at(partner, &account)).await;
            scene.reject(&registration.name).await.unwrap();
            let deal = pb::Deal { partner: partner.clone(), ..scene.ten_firewalls() };
            let deal = scene.deal(deal).await;
            scene.win(&deal.name).await;
        }
        let events = scene.events_of(&nimbus, 12).await;
        let kinds: Vec<_> = events.iter().map(|event| event.r#type.as_str()).collect();
        assert_eq!(kinds, [
            "partner.created", "partner.invited", "partner.invitation_accepted",
            "partner.activated", "enrollment.created", "account.created", "registration.created",
            "registration.submitted", "registration.rejected", "deal.created", "deal.won",
        ]);
        for event in &events {
            assert!(!format!("{event:?}").contains("cirrus"), "{event:?}");
            let hidden = (event.actor.as_str(), event.note.as_str(), event.reason_code.as_str());
            assert_eq!(hidden, ("", "", ""));
            let data = event.data.clone().unwrap_or_default();
            assert!(!data.fields.contains_key("roles"), "{data:?}");
        }
        // The control: the same feed has the other's events, and whose they are.
        let all = scene.events_of(&auditor, 22).await;
        assert!(all.iter().any(|event| format!("{event:?}").contains("cirrus")));
        assert!(all.iter().any(|event| !event.actor.is_empty()));

        let ask = platform::GetPositionRequest { name: scene.parent.clone() };
        let position = nimbus.events().get_position(ask).await.unwrap().into_inner().position;
        assert_eq!(Some(position), events.last().map(|event| event.position.clone()));
        let filter = platform::ListEventsRequest {
            parent: scene.parent.clone(),
            filter: "actor = \"kim\"".to_owned(),
            ..platform::ListEventsRequest::default()
        };
        let by_actor = nimbus.events().list_events(filter).await;
        refused(by_actor, Code::InvalidArgument, "INVALID_FIELDS");
    }
}

on_both! {
    async fn a_draft_program_is_not_there_for_partners_nor_are_its_tiers(world: World) {
        let scene = Scene::open(world).await;
        let nimbus = scene.admin("nimbus").await;
        let request = program::CreateProgramRequest {
            parent: scene.parent.clone(),
            program_id: "secret".to_owned(),
            program: Some(program::Program {
                display_name: "Secret".to_owned(),
                time_zone: "UTC".to_owned(),
                currency_code: "USD".to_owned(),
                ..program::Program::default()
            }),
            ..program::CreateProgramRequest::default()
        };
        let made = scene.programs().create_program(request).await.unwrap().into_inner();
        let tier = program::CreateTierRequest {
            parent: made.name.clone(),
            tier_id: "gold".to_owned(),
            tier: Some(program::Tier {
                display_name: "Gold".to_owned(),
                rank: 1,
                ..program::Tier::default()
            }),
            ..program::CreateTierRequest::default()
        };
        let tier = scene.programs().create_tier(tier).await.unwrap().into_inner();
        let read = program::GetTierRequest { name: tier.name };
        let list = program::ListTiersRequest { parent: made.name.clone(), ..Default::default() };
        let get = program::GetProgramRequest { name: made.name };
        let (code, reason) = (Code::NotFound, "RESOURCE_NOT_FOUND");
        refused(nimbus.programs().get_tier(read.clone()).await, code, reason);
        refused(nimbus.programs().list_tiers(list.clone()).await, code, reason);
        refused(nimbus.programs().get_program(get.clone()).await, code, reason);
        // The control, and what a published program shows.
        assert!(scene.programs().get_tier(read).await.is_ok());
        assert!(scene.programs().list_tiers(list).await.is_ok());
        let gold = program::GetProgramRequest { name: scene.name("programs", "gold") };
        assert!(nimbus.programs().get_program(gold).await.is_ok());
    }
}
