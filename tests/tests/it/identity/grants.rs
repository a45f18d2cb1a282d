//! Roles: given, taken, and by whom.

use tonic::Code;
use trellis_api::options::v1::Role as WireRole;
use trellis_api::platform::v1 as pb;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, key, partner_key};

fn grant(principal: &str, role: WireRole, partner: &str) -> pb::CreateRoleGrantRequest {
    let partner = match partner {
        "" => String::new(),
        id => format!("ecosystems/acme/partners/{id}"),
    };
    pb::CreateRoleGrantRequest {
        parent: "ecosystems/acme".to_owned(),
        role_grant: Some(pb::RoleGrant {
            principal: principal.to_owned(),
            role: role.into(),
            partner,
            ..pb::RoleGrant::default()
        }),
        ..pb::CreateRoleGrantRequest::default()
    }
}

on_both! {
    async fn a_role_is_given_once_listed_and_taken(world: World) {
        let scene = Scene::open(world).await;
        let mut access = scene.admin.access();
        let given = access.create_role_grant(grant("people:ada", WireRole::Auditor, "")).await;
        let given = given.unwrap().into_inner();
        assert_eq!((given.principal.as_str(), given.role()), ("people:ada", WireRole::Auditor));
        assert_ne!(given.creator, "");
        let again = access.create_role_grant(grant("people:ada", WireRole::Auditor, "")).await;
        refused(again, Code::AlreadyExists, "RESOURCE_EXISTS");
        let list = || pb::ListRoleGrantsRequest {
            parent: scene.parent.clone(),
            filter: "principal = \"people:ada\"".to_owned(),
            ..Default::default()
        };
        let listed = access.list_role_grants(list()).await.unwrap().into_inner().role_grants;
        assert_eq!(listed, std::slice::from_ref(&given));
        let delete = || pb::DeleteRoleGrantRequest { name: given.name.clone(), ..Default::default() };
        let taken = access.delete_role_grant(delete()).await.unwrap().into_inner();
        assert_eq!(taken, given);
        refused(access.delete_role_grant(delete()).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        let listed = access.list_role_grants(list()).await.unwrap().into_inner().role_grants;
        assert_eq!(listed, []);
    }

    async fn a_key_has_roles_of_its_partner_or_of_the_vendor_and_never_both(world: World) {
        let scene = Scene::with_partners(world, &["nimbus", "cirrus"]).await;
        let theirs = partner_key("nimbus", &[WireRole::PartnerRep]);
        let theirs = scene.made(&scene.admin, theirs).await.key.principal;
        let vendors = scene.made(&scene.admin, key(&[WireRole::Service])).await.key.principal;
        let mut access = scene.admin.access();
        for (principal, role, partner, field) in [
            (&theirs, WireRole::Auditor, "", "role_grant.partner"),
            (&theirs, WireRole::PartnerAdmin, "cirrus", "role_grant.partner"),
            (&vendors, WireRole::PartnerAdmin, "nimbus", "role_grant.partner"),
            (&vendors, WireRole::PartnerAdmin, "", "role_grant.role"),
            (&vendors, WireRole::Auditor, "nimbus", "role_grant.role"),
        ] {
            let answer = access.create_role_grant(grant(principal, role, partner)).await;
            let wrong = refused(answer, Code::InvalidArgument, "INVALID_FIELDS").violations;
            assert_eq!(wrong[0].0, field, "{role:?} {partner}");
        }
        for (principal, role, partner) in [
            (&theirs, WireRole::PartnerAdmin, "nimbus"),
            (&vendors, WireRole::Auditor, ""),
        ] {
            access.create_role_grant(grant(principal, role, partner)).await.unwrap();
        }
        let nobody = "apiKeys/01890000-0000-7000-8000-000000000000";
        let answer = access.create_role_grant(grant(nobody, WireRole::Auditor, "")).await;
        refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
        let missing = grant("people:noor", WireRole::PartnerRep, "none");
        let answer = access.create_role_grant(missing).await;
        refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
    }

    async fn nobody_gives_what_they_do_not_have(world: World) {
        let scene = Scene::with_partners(world, &["nimbus", "cirrus"]).await;
        let partners = scene.of_partner("nimbus", &[WireRole::PartnerAdmin]).await;
        let given = grant("people:noor", WireRole::PartnerRep, "nimbus");
        let given = partners.access().create_role_grant(given).await.unwrap().into_inner();
        let vendors = grant("people:mara", WireRole::Auditor, "");
        let vendors = scene.admin.access().create_role_grant(vendors).await.unwrap().into_inner();
        for (role, partner) in [
            (WireRole::PartnerRep, "cirrus"),
            (WireRole::PartnerAdmin, "none"),
            (WireRole::EcosystemAdmin, ""),
            (WireRole::Service, ""),
        ] {
            let request = grant("people:noor", role, partner);
            let answer = partners.access().create_role_grant(request).await;
            refused(answer, Code::PermissionDenied, "PERMISSION_DENIED");
        }
        let list = pb::ListRoleGrantsRequest { parent: scene.parent.clone(), ..Default::default() };
        let seen = partners.access().list_role_grants(list).await.unwrap().into_inner().role_grants;
        // Its own key's, and what it has given.
        assert_eq!(seen.len(), 2);
        let delete = |name: &str| pb::DeleteRoleGrantRequest {
            name: name.to_owned(),
            ..Default::default()
        };
        let answer = partners.access().delete_role_grant(delete(&vendors.name)).await;
        refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
        partners.access().delete_role_grant(delete(&given.name)).await.unwrap();
        for role in [WireRole::ChannelManager, WireRole::FinanceApprover, WireRole::Auditor] {
            let other = scene.bearer(&[role]).await;
            let request = grant("people:x", WireRole::Auditor, "");
            let answer = other.access().create_role_grant(request).await;
            refused(answer, Code::PermissionDenied, "PERMISSION_DENIED");
        }
    }
}
