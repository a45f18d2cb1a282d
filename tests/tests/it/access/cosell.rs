//! What a partner sees of a deal that others have parts in, and what it may say about its own.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::deal::evidence::Type;
use trellis_api::deal::v1::deal::{Role, Stage};
use trellis_api::deal::v1::registration::{Proof, Role as Granted, proof};
use trellis_api::program::v1::DealRegistrationSettings;
use trellis_core::Role as Of;
use trellis_tests::{Seat, on_both, refused};

use super::scene::Scene;
use crate::deal::market::{automatic, day, part, who};

fn claims(deal: &str, role: pb::deal::PartnerRole) -> pb::DisputeDealRoleRequest {
    pb::DisputeDealRoleRequest {
        name: deal.to_owned(),
        role: Some(role),
        reason_code: "WE_DELIVER_IT".to_owned(),
        note: "see the quote".to_owned(),
        ..pb::DisputeDealRoleRequest::default()
    }
}

impl Scene {
    /// How many deals somebody counts: by listing them, and in the pipeline.
    async fn counts(&self, seat: &Seat) -> (usize, i64) {
        let list = pb::ListDealsRequest {
            parent: self.parent.clone(),
            ..Default::default()
        };
        let listed = seat
            .deals()
            .list_deals(list)
            .await
            .unwrap()
            .into_inner()
            .deals;
        let ask = pb::GetPipelineRequest {
            parent: self.parent.clone(),
            ..Default::default()
        };
        let pipeline = seat.deals().get_pipeline(ask).await.unwrap().into_inner();
        let counted = pipeline
            .totals
            .iter()
            .map(|total| total.open_count + total.won_count);
        (listed.len(), counted.sum())
    }

    /// By which partners the pipeline of somebody is gathered.
    async fn gathered(&self, seat: &Seat) -> Vec<String> {
        use trellis_api::deal::v1::pipeline_row::Group;
        let ask = pb::GetPipelineRequest {
            parent: self.parent.clone(),
            group_by: pb::get_pipeline_request::Grouping::Partner.into(),
            ..pb::GetPipelineRequest::default()
        };
        let pipeline = seat.deals().get_pipeline(ask).await.unwrap().into_inner();
        let partner = |row: pb::PipelineRow| match row.group {
            Some(Group::Partner(partner)) => partner,
            other => panic!("{other:?}"),
        };
        pipeline.rows.into_iter().map(partner).collect()
    }

    pub(super) async fn set(&self, deal: &str, roles: Vec<pb::deal::PartnerRole>) {
        let set = pb::SetDealRolesRequest {
            name: deal.to_owned(),
            roles,
            ..Default::default()
        };
        self.deals().set_deal_roles(set).await.unwrap();
    }
}

async fn read(seat: &Seat, deal: &str) -> Result<tonic::Response<pb::Deal>, tonic::Status> {
    let get = pb::GetDealRequest {
        name: deal.to_owned(),
    };
    seat.deals().get_deal(get).await
}

on_both! {
    async fn a_partner_reads_the_deals_in_which_it_has_any_part_while_it_has_it(world: World) {
        let scene = Scene::open(world).await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let rep = scene.rep("rep@cirrus.example", "cirrus").await;
        let deal = pb::Deal { partner: scene.nimbus.clone(), ..scene.ten_firewalls() };
        let deal = scene.deal(deal).await.name;
        let source = || part(&scene.nimbus, Role::Sourced);
        for role in [Role::Fulfil, Role::CoSell, Role::Influenced] {
            refused(read(&cirrus, &deal).await, Code::NotFound, "RESOURCE_NOT_FOUND");
            assert_eq!(scene.counts(&cirrus).await, (0, 0));
            scene.set(&deal, vec![source(), part(&scene.cirrus, role)]).await;
            for seat in [&cirrus, &rep] {
                let seen = read(seat, &deal).await.unwrap().into_inner();
                assert_eq!(seen.own_roles, [i32::from(role)]);
                // It learns of nobody else.
                assert_eq!([seen.partner, seen.registration, seen.program], ["", "", ""]);
                assert_eq!((seen.roles.len(), seen.role_disputes.len()), (0, 0));
                assert_eq!(scene.counts(seat).await, (1, 1));
                assert_eq!(scene.gathered(seat).await, [""]);
            }
            let seen = read(&nimbus, &deal).await.unwrap().into_inner();
            assert_eq!(seen.own_roles, [i32::from(Role::Sourced)]);
            assert_eq!(scene.gathered(&nimbus).await, [scene.nimbus.as_str()]);
            let moves = pb::ListStageChangesRequest { parent: deal.clone(), ..Default::default() };
            assert!(cirrus.deals().list_stage_changes(moves).await.is_ok());
            scene.set(&deal, vec![source()]).await;
        }
        refused(read(&cirrus, &deal).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        // Who takes the place of who sourced it takes the deal.
        scene.set(&deal, vec![part(&scene.cirrus, Role::Sourced)]).await;
        assert!(read(&cirrus, &deal).await.is_ok());
        refused(read(&nimbus, &deal).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        // The staff see the parts, and none that would be their own.
        let all = scene.read_deal(&deal).await;
        assert_eq!((who(&all.roles), all.own_roles.len()), (vec![(scene.cirrus.clone(), Role::Sourced)], 0));
    }

    async fn no_filter_tells_a_partner_who_else_has_a_part(world: World) {
        let scene = Scene::open(world).await;
        let cirrus = scene.admin("cirrus").await;
        let roles = vec![part(&scene.nimbus, Role::Sourced), part(&scene.cirrus, Role::CoSell)];
        scene.deal(pb::Deal { roles, ..scene.ten_firewalls() }).await;
        let list = |filter: String| pb::ListDealsRequest {
            parent: scene.parent.clone(), filter, ..pb::ListDealsRequest::default()
        };
        let ask = |filter: String| pb::GetPipelineRequest {
            parent: scene.parent.clone(), filter, ..pb::GetPipelineRequest::default()
        };
        let others = [
            format!("partner = \"{}\"", scene.nimbus),
            format!("registration = \"{}\"", scene.name("registrations", "r-1")),
            format!("program = \"{}\"", scene.name("programs", "gold")),
        ];
        let (code, reason) = (Code::InvalidArgument, "INVALID_FIELDS");
        for filter in others {
            refused(cirrus.deals().list_deals(list(filter.clone())).await, code, reason);
            refused(cirrus.deals().get_pipeline(ask(filter.clone())).await, code, reason);
            // The control: the staff filter by it.
            assert!(scene.deals().list_deals(list(filter)).await.is_ok());
        }
        let own = cirrus.deals().list_deals(list("stage = PROSPECT".to_owned())).await.unwrap();
        assert_eq!(own.into_inner().deals.len(), 1);
    }

    async fn a_co_sell_registration_becomes_a_deal_that_its_partner_reads(world: World) {
        let scene = Scene::open(world).await;
        let settings = DealRegistrationSettings { teaming: true, ..automatic(None) };
        scene.program("team", settings).await;
        scene.enroll(&scene.nimbus, "team").await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        // The vendor works on the customer itself.
        scene.deal(scene.ten_firewalls()).await;
        scene.wait_days(1).await;
        let proof = Proof {
            kind: proof::Kind::Poc.into(), date: day(2026, 1, 5), ..Proof::default()
        };
        let claim = pb::Registration {
            program: scene.name("programs", "team"),
            proofs: vec![proof],
            ..scene.claim(&scene.nimbus)
        };
        let claim = scene.submit(claim).await;
        assert_eq!(claim.granted_role(), Granted::CoSell);
        let convert = pb::ConvertRegistrationRequest {
            name: claim.name.clone(), ..pb::ConvertRegistrationRequest::default()
        };
        let converted = nimbus.registrations().convert_registration(convert).await.unwrap();
        let deal = converted.into_inner().deal;
        let seen = read(&nimbus, &deal).await.unwrap().into_inner();
        assert_eq!(seen.own_roles, [i32::from(Role::CoSell)]);
        // Of the vendor's own deal it still learns nothing.
        assert_eq!(scene.counts(&nimbus).await, (1, 1));
        refused(read(&cirrus, &deal).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        let all = scene.read_deal(&deal).await;
        assert_eq!((all.partner.as_str(), &all.registration), ("", &claim.name));
        assert_eq!(who(&all.roles), [(scene.nimbus.clone(), Role::CoSell)]);
        let [evidence] = all.roles[0].evidence.as_slice() else { panic!("{all:?}") };
        assert_eq!((evidence.r#type(), &evidence.registration), (Type::Registration, &claim.name));
        // The control: without its part it does not.
        scene.set(&deal, Vec::new()).await;
        refused(read(&nimbus, &deal).await, Code::NotFound, "RESOURCE_NOT_FOUND");
    }

    async fn a_manager_reaches_deals_by_who_sourced_them(world: World) {
        let scene = Scene::open(world).await;
        scene.manages("kim", &scene.cirrus).await;
        scene.manages("lee", &scene.nimbus).await;
        let kim = scene.seat("kim", Of::ChannelManager, None).await;
        let roles = vec![part(&scene.nimbus, Role::Sourced), part(&scene.cirrus, Role::CoSell)];
        let deal = scene.deal(pb::Deal { roles, ..scene.ten_firewalls() }).await.name;
        // What her partner has another part in is moved by who looks after who sourced it.
        refused(read(&kim, &deal).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        scene.set(&deal, vec![part(&scene.cirrus, Role::Sourced)]).await;
        assert!(read(&kim, &deal).await.is_ok());
    }

    async fn a_partner_reads_how_its_deal_moved_and_not_who_moved_it(world: World) {
        let scene = Scene::open(world).await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let auditor = scene.seat("audit@acme.example", Of::Auditor, None).await;
        let deal = pb::Deal { partner: scene.nimbus.clone(), ..scene.ten_firewalls() };
        let deal = scene.deal(deal).await.name;
        let advance = pb::AdvanceDealRequest {
            name: deal.clone(),
            stage: Stage::Committed.into(),
            reason_code: "RIVAL_GAVE_UP".to_owned(),
            note: "cirrus gave up".to_owned(),
            ..pb::AdvanceDealRequest::default()
        };
        scene.deals().advance_deal(advance).await.unwrap();
        let list = || pb::ListStageChangesRequest { parent: deal.clone(), ..Default::default() };
        let read = nimbus.deals().list_stage_changes(list()).await.unwrap().into_inner();
        let told: Vec<_> = read.stage_changes.iter().map(|change| {
            (change.to_stage(), change.actor.as_str(), change.reason_code.as_str(), change.note.as_str())
        }).collect();
        assert_eq!(told, [(Stage::Committed, "", "", ""), (Stage::Prospect, "", "", "")]);
        // The control: the staff are told.
        let all = auditor.deals().list_stage_changes(list()).await.unwrap().into_inner();
        assert_eq!(all.stage_changes[0].note, "cirrus gave up");
        assert!(!all.stage_changes[0].actor.is_empty());
        refused(
            cirrus.deals().list_stage_changes(list()).await, Code::NotFound, "RESOURCE_NOT_FOUND",
        );
        let roles = pb::ListRoleChangesRequest { parent: deal.clone(), ..Default::default() };
        let (code, reason) = (Code::PermissionDenied, "PERMISSION_DENIED");
        refused(nimbus.deals().list_role_changes(roles.clone()).await, code, reason);
        assert!(auditor.deals().list_role_changes(roles).await.is_ok());
        let credit = pb::GetAttributionRequest { name: deal, ..Default::default() };
        refused(nimbus.deals().get_attribution(credit).await, code, reason);
    }

    async fn a_partner_disputes_its_own_parts_in_deals_that_it_sees(world: World) {
        let scene = Scene::open(world).await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let deal = pb::Deal { partner: scene.nimbus.clone(), ..scene.ten_firewalls() };
        let deal = scene.deal(deal).await.name;
        let own = claims(&deal, part(&scene.nimbus, Role::Fulfil));
        let other = claims(&deal, part(&scene.cirrus, Role::Fulfil));
        refused(
            nimbus.deals().dispute_deal_role(other).await, Code::PermissionDenied, "PERMISSION_DENIED",
        );
        let strange = claims(&deal, part(&scene.cirrus, Role::CoSell));
        refused(
            cirrus.deals().dispute_deal_role(strange).await, Code::NotFound, "RESOURCE_NOT_FOUND",
        );
        let told = nimbus.deals().dispute_deal_role(own).await.unwrap().into_inner();
        assert_eq!((told.name.as_str(), told.role_disputes.len()), (deal.as_str(), 0));
        let all = scene.read_deal(&deal).await;
        assert_eq!(all.role_disputes[0].actor, "admin@nimbus.example");
        let decide = pb::ResolveDealRoleDisputeRequest {
            name: deal.clone(),
            number: 1,
            resolution: pb::resolve_deal_role_dispute_request::Resolution::Uphold.into(),
            reason_code: "QUOTE_SAYS_SO".to_owned(),
            ..pb::ResolveDealRoleDisputeRequest::default()
        };
        let (code, reason) = (Code::PermissionDenied, "PERMISSION_DENIED");
        refused(nimbus.deals().resolve_deal_role_dispute(decide.clone()).await, code, reason);
        // The control.
        scene.deals().resolve_deal_role_dispute(decide).await.unwrap();
    }
}
