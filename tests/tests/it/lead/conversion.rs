//! `ConvertLead`: what deal a lead becomes.

use tonic::{Code, Response};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::deal::Role;
use trellis_api::deal::v1::deal::evidence::Type;
use trellis_api::deal::v1::lead::State;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, Terms, Verb, does, whose};
use crate::deal::market::usd;

async fn qualified(scene: &Scene, lead: pb::Lead) -> pb::Lead {
    let name = scene.lead(lead).await.name;
    for verb in [Verb::Route, Verb::Accept, Verb::Work, Verb::Qualify] {
        does(scene, verb, &name).await.unwrap();
    }
    scene.read(&name).await
}

on_both! {
    async fn a_lead_becomes_the_deal_of_its_partner(world: World) {
        let scene = Scene::open(world).await;
        scene.member("nimbus", Terms::default()).await;
        let dach = scene.territory("dach", "", &["DE"]).await;
        let mut lead = scene.somebody();
        lead.territory = dach.clone();
        lead.products.push(scene.name("products", "backup"));
        lead.company.as_mut().unwrap().account = scene.name("accounts", "initech");
        let lead = qualified(&scene, lead).await;
        let seat = whose(&scene, &lead).await;
        let converted = does(&seat, Verb::Convert, &lead.name).await.unwrap();
        assert_eq!(converted.state(), State::Converted);
        let get = pb::GetDealRequest { name: converted.deal.clone() };
        let deal = scene.deals().get_deal(get.clone()).await.unwrap().into_inner();
        assert_eq!(deal.display_name, "Hooli");
        assert_eq!(deal.account, scene.name("accounts", "initech"));
        assert_eq!((&deal.partner, &deal.territory), (&lead.partner, &dach));
        assert_eq!(deal.amount, usd(5_000));
        assert_eq!(deal.lines.len(), 2);
        let [role] = deal.roles.as_slice() else { panic!("one part: {:?}", deal.roles) };
        assert_eq!((role.partner.as_str(), role.role()), (lead.partner.as_str(), Role::Sourced));
        let [evidence] = role.evidence.as_slice() else { panic!("one piece: {role:?}") };
        assert_eq!((evidence.r#type(), &evidence.lead), (Type::Lead, &lead.name));
        assert_eq!(deal.registration, "");
        let own = seat.deals().get_deal(get).await.unwrap().into_inner();
        assert_eq!(own.name, deal.name, "its partner reaches it");
        scene.tells(&deal.name, &["deal.created"]).await;
    }

    async fn a_lead_of_an_account_that_was_merged_becomes_the_deal_of_the_one_that_stands(world: World) {
        let scene = Scene::open(world).await;
        scene.member("nimbus", Terms::default()).await;
        let [goes, stands] = ["initech", "globex"].map(|id| scene.name("accounts", id));
        let named = || {
            let mut lead = scene.somebody();
            lead.company.as_mut().unwrap().account = goes.clone();
            lead
        };
        let before = qualified(&scene, named()).await;
        let merge = pb::MergeAccountsRequest {
            name: stands.clone(),
            merged_account: goes.clone(),
            ..pb::MergeAccountsRequest::default()
        };
        scene.accounts().merge_accounts(merge).await.unwrap();
        let after = qualified(&scene, named()).await;
        assert_eq!(after.company.clone().unwrap().account, stands);
        for lead in [before, after] {
            let seat = whose(&scene, &lead).await;
            let name = does(&seat, Verb::Convert, &lead.name).await.unwrap().deal;
            let get = pb::GetDealRequest { name };
            assert_eq!(scene.deals().get_deal(get).await.unwrap().into_inner().account, stands);
        }
    }

    async fn a_deal_is_worth_what_is_said_or_what_was_estimated_or_nothing_yet(world: World) {
        let scene = Scene::open(world).await;
        scene.member("nimbus", Terms::default()).await;
        let unknown = pb::Lead { estimated_value: None, products: Vec::new(), ..scene.somebody() };
        for (lead, said, expected) in [
            (scene.somebody(), usd(7), usd(7)),
            (scene.somebody(), None, usd(5_000)),
            (unknown, None, None),
        ] {
            let lead = qualified(&scene, lead).await;
            let request = pb::ConvertLeadRequest {
                name: lead.name,
                amount: said,
                ..pb::ConvertLeadRequest::default()
            };
            let converted = scene.leads().convert_lead(request).await.unwrap().into_inner();
            assert_eq!(scene.read_deal(&converted.deal).await.amount, expected);
        }
    }

    async fn where_the_id_is_taken_nothing_is_done(world: World) {
        let scene = Scene::open(world).await;
        scene.member("nimbus", Terms::default()).await;
        let lead = qualified(&scene, scene.somebody()).await;
        let request = |id: &str| pb::ConvertLeadRequest {
            name: lead.name.clone(),
            deal_id: id.to_owned(),
            ..pb::ConvertLeadRequest::default()
        };
        let other = pb::CreateDealRequest {
            parent: scene.parent.clone(),
            deal_id: "taken".to_owned(),
            deal: Some(scene.ten_firewalls()),
            ..pb::CreateDealRequest::default()
        };
        scene.deals().create_deal(other).await.unwrap();
        let taken = scene.leads().convert_lead(request("taken")).await;
        refused(taken, Code::AlreadyExists, "RESOURCE_EXISTS")
            .tells("resource", &scene.name("deals", "taken"));
        assert_eq!(scene.read(&lead.name).await, lead);
        let free = scene.leads().convert_lead(request("free")).await.unwrap().into_inner();
        assert_eq!(free.deal, scene.name("deals", "free"));
        let again = does(&scene, Verb::Convert, &lead.name).await;
        refused(again.map(Response::new), Code::FailedPrecondition, "ILLEGAL_TRANSITION");
    }
}
