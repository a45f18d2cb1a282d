//! Servers of one deployment know the same callers and read each other's page tokens.

use tonic::Code;
use trellis_api::options::v1::Role as WireRole;
use trellis_api::partner::v1 as partner;
use trellis_tests::{Caller, on_both, refused};

use super::scene::{Scene, key};

async fn page(by: &Caller, token: &str) -> Result<partner::ListPartnersResponse, tonic::Status> {
    let list = partner::ListPartnersRequest {
        parent: "ecosystems/acme".to_owned(),
        page_size: 1,
        page_token: token.to_owned(),
        ..partner::ListPartnersRequest::default()
    };
    Ok(by.partners().list_partners(list).await?.into_inner())
}

on_both! {
    async fn a_page_token_is_good_at_another_server_and_for_nobody_else(world: World) {
        let scene = Scene::with_partners(world, &["nimbus", "cirrus"]).await;
        let made = scene.made(&scene.admin, key(&[WireRole::Auditor])).await;
        let others = scene.made(&scene.admin, key(&[WireRole::Auditor])).await;
        let first = page(&scene.bearing(&made.secret), "").await.unwrap();

        let (running, caller) = scene.another().await;
        // It was started with keys there, and asks for one at once.
        let nobody = page(&caller, "").await.map(tonic::Response::new);
        refused(nobody, Code::Unauthenticated, "UNAUTHENTICATED");
        let second = page(&caller.clone().bearing(&made.secret), &first.next_page_token).await;
        let second = second.unwrap();
        assert_ne!(second.partners, first.partners);
        assert_eq!(second.next_page_token, "");
        // The control: the same token, shown by somebody else.
        let stolen = page(&caller.bearing(&others.secret), &first.next_page_token).await;
        let stolen = stolen.map(tonic::Response::new);
        refused(stolen, Code::InvalidArgument, "INVALID_FIELDS");
        running.stop().await;
    }
}
