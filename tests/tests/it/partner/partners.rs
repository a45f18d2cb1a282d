//! `PartnerService`.

use tonic::Code;
use trellis_api::partner::v1 as pb;
use trellis_tests::{on_both, refused};

fn create(parent: &str, id: &str) -> pb::CreatePartnerRequest {
    pb::CreatePartnerRequest {
        parent: parent.to_owned(),
        partner_id: id.to_owned(),
        partner: Some(pb::Partner {
            display_name: "Nimbus".to_owned(),
            partner_type: pb::partner::PartnerType::Reseller.into(),
            ..pb::Partner::default()
        }),
        ..pb::CreatePartnerRequest::default()
    }
}

on_both! {
    async fn a_new_partner_is_a_prospect_and_can_be_read_by_its_name(world: World) {
        let acme = world.ecosystem("acme").await;
        let created = world.partners().create_partner(create(&acme, "nimbus")).await.unwrap();
        let created = created.into_inner();
        assert_eq!(created.name, "ecosystems/acme/partners/nimbus");
        assert_eq!(created.state(), pb::partner::State::Prospect);
        let request = pb::GetPartnerRequest { name: created.name.clone() };
        let read = world.partners().get_partner(request).await.unwrap().into_inner();
        assert_eq!(read, created);
    }

    async fn an_id_is_given_once(world: World) {
        let acme = world.ecosystem("acme").await;
        world.partners().create_partner(create(&acme, "nimbus")).await.unwrap();
        let again = world.partners().create_partner(create(&acme, "nimbus")).await;
        refused(again, Code::AlreadyExists, "RESOURCE_EXISTS");
    }
}
