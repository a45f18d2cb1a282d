//! What is proposed anywhere: `deals/-` lists it across deals, for each caller what is theirs.

use std::time::Duration;

use prost_types::FieldMask;
use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::deal::Role;
use trellis_core::Role as Of;
use trellis_tests::{Caller, on_both, refused};

use super::scene::Scene;
use crate::deal::market::{part, usd};

/// A page of proposals, and the token of the next one.
type Page = (Vec<String>, String);

/// Writes an amount to a deal.
async fn write(by: &Caller, deal: &str, units: i64) {
    let request = pb::UpdateDealRequest {
        deal: Some(pb::Deal {
            name: deal.to_owned(),
            amount: usd(units),
            ..pb::Deal::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["amount".to_owned()],
        }),
        ..pb::UpdateDealRequest::default()
    };
    by.deals().update_deal(request).await.unwrap();
}

fn all(scene: &Scene) -> pb::ListDealProposalsRequest {
    pb::ListDealProposalsRequest {
        parent: format!("{}/deals/-", scene.parent),
        ..pb::ListDealProposalsRequest::default()
    }
}

async fn page(by: &Caller, request: pb::ListDealProposalsRequest) -> Page {
    let listed = by.deals().list_deal_proposals(request).await.unwrap();
    let listed = listed.into_inner();
    let names = listed.deal_proposals.into_iter().map(|one| one.name);
    (names.collect(), listed.next_page_token)
}

impl Scene {
    /// A deal that a partner sourced.
    async fn sourced_by(&self, partner: &str) -> String {
        let deal = pb::Deal {
            partner: partner.to_owned(),
            ..self.ten_firewalls()
        };
        self.deal(deal).await.name
    }
}

on_both! {
    async fn what_is_proposed_anywhere_is_one_list_and_each_sees_their_own(world: World) {
        let scene = Scene::open(world).await;
        let [nimbus, cirrus] = [scene.admin("nimbus").await, scene.admin("cirrus").await];
        let first = scene.sourced_by(&scene.nimbus).await;
        let second = scene.sourced_by(&scene.nimbus).await;
        let other = scene.sourced_by(&scene.cirrus).await;
        // What nimbus says of the first at last supersedes what it said before.
        let written = [
            (&nimbus, &first, 2_000), (&cirrus, &other, 3_000), (&nimbus, &second, 4_000),
            (&nimbus, &first, 5_000),
        ];
        for (by, deal, units) in written {
            scene.world.clock().advance(Duration::from_secs(1));
            write(by, deal, units).await;
        }
        let nth = |deal: &str, number: i32| format!("{deal}/proposals/{number}");
        let latest_first = [nth(&first, 2), nth(&second, 1), nth(&other, 1), nth(&first, 1)];
        assert_eq!(page(&scene.world, all(&scene)).await, (latest_first.to_vec(), String::new()));
        // Page by page the same, none twice.
        let (mut walked, mut token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListDealProposalsRequest {
                page_size: 1, page_token: token, ..all(&scene)
            };
            let (mut names, next) = page(&scene.world, request).await;
            walked.append(&mut names);
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(walked, latest_first);
        let open = pb::ListDealProposalsRequest { filter: "state = OPEN".to_owned(), ..all(&scene) };
        assert_eq!(page(&scene.world, open).await.0, latest_first[..3]);
        let own = [nth(&first, 2), nth(&second, 1), nth(&first, 1)];
        assert_eq!(page(&nimbus, all(&scene)).await.0, own);
        assert_eq!(page(&cirrus, all(&scene)).await.0, [nth(&other, 1)]);
        // A manager sees those of deals that she reaches.
        scene.manages("kim@vendor.example", &scene.nimbus).await;
        scene.manages("lee@vendor.example", &scene.cirrus).await;
        let kim = scene.seat("kim@vendor.example", Of::ChannelManager, None).await;
        assert_eq!(page(&kim, all(&scene)).await.0, own);
        let lee = scene.seat("lee@vendor.example", Of::ChannelManager, None).await;
        assert_eq!(page(&lee, all(&scene)).await.0, [nth(&other, 1)]);
        // What only ends like it is no such name.
        for strange in ["partners/nimbus/deals/-", "deals/-/proposals", "-"] {
            let request = pb::ListDealProposalsRequest {
                parent: format!("{}/{strange}", scene.parent), ..all(&scene)
            };
            refused(
                scene.deals().list_deal_proposals(request).await,
                Code::InvalidArgument, "INVALID_FIELDS",
            );
        }
    }

    async fn a_partner_with_a_part_in_a_deal_sees_nothing_of_what_others_propose(world: World) {
        let scene = Scene::open(world).await;
        let [nimbus, cirrus] = [scene.admin("nimbus").await, scene.admin("cirrus").await];
        let deal = scene.sourced_by(&scene.nimbus).await;
        let parts = [(&scene.nimbus, Role::Sourced), (&scene.cirrus, Role::CoSell)];
        scene.set(&deal, parts.map(|(partner, role)| part(partner, role)).to_vec()).await;
        write(&nimbus, &deal, 2_000).await;
        write(&cirrus, &deal, 3_000).await;
        let nth = |number: i32| format!("{deal}/proposals/{number}");
        assert_eq!(page(&nimbus, all(&scene)).await.0, [nth(1)]);
        assert_eq!(page(&cirrus, all(&scene)).await.0, [nth(2)]);
        assert_eq!(page(&scene.world, all(&scene)).await.0, [nth(2), nth(1)]);
    }
}
