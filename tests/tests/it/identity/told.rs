//! What callers are told of themselves, and the staff of others.

use tonic::Code;
use trellis_api::options::v1::Role as WireRole;
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::check_access_response::Extent;
use trellis_tests::{Caller, on_both, refused};

use super::scene::{Scene, key, partner_key};

const LIST: &str = "trellis.partner.v1.PartnerService/ListPartners";
const GET: &str = "trellis.partner.v1.PartnerService/GetPartner";
const APPROVE: &str = "trellis.incentive.v1.PayoutService/ApproveBatch";

fn ask(method: &str, principal: &str, resource: &str) -> pb::CheckAccessRequest {
    pb::CheckAccessRequest {
        parent: "ecosystems/acme".to_owned(),
        method: method.to_owned(),
        principal: principal.to_owned(),
        resource: resource.to_owned(),
    }
}

async fn told(by: &Caller, question: pb::CheckAccessRequest) -> pb::CheckAccessResponse {
    by.access()
        .check_access(question)
        .await
        .unwrap()
        .into_inner()
}

on_both! {
    async fn whoever_calls_is_told_who_they_are(world: World) {
        let scene = Scene::with_partners(world, &["nimbus"]).await;
        let mut request = partner_key("nimbus", &[WireRole::PartnerRep, WireRole::PartnerAdmin]);
        request.api_key.as_mut().unwrap().person = "noor@nimbus.example".to_owned();
        let made = scene.made(&scene.admin, request).await;
        let who = scene.bearing(&made.secret).access().who_am_i(pb::WhoAmIRequest {}).await;
        let who = who.unwrap().into_inner();
        assert_eq!(who.principal, made.key.principal);
        assert_eq!(who.person, "noor@nimbus.example");
        assert!(!who.unlimited);
        let [membership] = &who.memberships[..] else { panic!("{who:?}") };
        assert_eq!(membership.ecosystem, "ecosystems/acme");
        let roles: Vec<_> =
            membership.roles.iter().map(|held| (held.role(), held.partner.as_str())).collect();
        let nimbus = "ecosystems/acme/partners/nimbus";
        assert_eq!(roles, [(WireRole::PartnerAdmin, nimbus), (WireRole::PartnerRep, nimbus)]);
    }

    async fn where_nobody_is_asked_the_caller_may_everything_and_is_told_so(world: World) {
        world.ecosystem("acme").await;
        let who = world.access().who_am_i(pb::WhoAmIRequest {}).await.unwrap().into_inner();
        assert!(who.unlimited && who.memberships.is_empty());
        let answer = told(&world, ask(APPROVE, "", "")).await;
        assert!(answer.allowed);
        assert_eq!(answer.permission, "payouts.approve");
        assert_eq!(answer.verdicts, []);
    }

    async fn what_somebody_may_is_explained_role_by_role(world: World) {
        let scene = Scene::with_partners(world, &["nimbus", "cirrus"]).await;
        let rep = partner_key("nimbus", &[WireRole::PartnerRep]);
        let rep = scene.made(&scene.admin, rep).await;
        let manager = scene.made(&scene.admin, key(&[WireRole::ChannelManager])).await;
        let bearer = scene.bearing(&rep.secret);

        let own = told(&bearer, ask(GET, "", "ecosystems/acme/partners/nimbus")).await;
        assert!(own.allowed, "{own:?}");
        assert_eq!(own.permission, "partners.get");
        assert_eq!(own.verdicts[0].role.as_ref().unwrap().role(), WireRole::PartnerRep);
        assert_eq!(own.verdicts[0].extent(), Extent::Organization);
        let answers = ["cirrus", "none"].map(|id| format!("ecosystems/acme/partners/{id}"));
        let mut said = Vec::new();
        for other in &answers {
            let answer = told(&bearer, ask(GET, "", other)).await;
            assert!(!answer.allowed);
            said.push(answer);
        }
        assert_eq!(said[0], said[1], "another's is told like none");

        let money = told(&bearer, ask(APPROVE, "", "")).await;
        assert!(!money.allowed);
        assert_eq!(money.verdicts[0].extent(), Extent::Nothing);
        let principal = &rep.key.principal;
        assert_eq!(money.explanation, format!("no role of {principal} has payouts.approve"));

        // The staff ask about others, and are told what those would be.
        let auditor = scene.bearer(&[WireRole::Auditor]).await;
        let same = told(&auditor, ask(GET, principal, "ecosystems/acme/partners/cirrus")).await;
        assert_eq!(same, said[0]);
        let managed = told(&auditor, ask(GET, &manager.key.principal, &answers[0])).await;
        assert!(managed.allowed);
        let stranger = told(&auditor, ask(LIST, "people:nobody", "")).await;
        assert_eq!(stranger.explanation, "people:nobody has no role in this ecosystem");
        let who_am_i = "trellis.platform.v1.AccessService/WhoAmI";
        assert!(told(&auditor, ask(who_am_i, "people:nobody", "")).await.allowed);
        // A partner does not.
        let answer = bearer.access().check_access(ask(GET, &manager.key.principal, "")).await;
        refused(answer, Code::PermissionDenied, "PERMISSION_DENIED");

        for (method, resource, field) in [
            ("trellis.partner.v1.PartnerService/Nothing", "", "method"),
            (GET, "ecosystems/acme/events/1", "resource"),
            (GET, "ecosystems/globex/partners/nimbus", "resource"),
        ] {
            let answer = auditor.access().check_access(ask(method, "", resource)).await;
            let wrong = refused(answer, Code::InvalidArgument, "INVALID_FIELDS").violations;
            assert_eq!(wrong[0].0, field);
        }
    }
}
