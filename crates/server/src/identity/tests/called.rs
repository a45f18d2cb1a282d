//! Calls through the port's layers: who is let in, and as whom.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::{ServiceExt, service_fn};
use trellis_core::access::{Grant, Rights};
use trellis_core::{Actor, EcosystemId, ManualClock, PartnerId, Principal, Role};
use trellis_platform::access::secret::Pepper;
use trellis_store::Store;

use super::super::Issuers;
use super::scene::{Scene, now};
use crate::audit::Recorder;
use crate::credentials::Credentials;
use crate::layers::{Parts, assemble};
use crate::methods::Methods;
use crate::schema;
use crate::server::of_store;
use crate::settings::Sources;

const GET: &str = "/trellis.partner.v1.PartnerService/GetPartner";
const HEALTH: &str = "/grpc.health.v1.Health/Check";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// What a call came to: its status, and as whom it reached the service, if it did.
struct Came {
    status: Status,
    principal: Option<Arc<Principal>>,
    reached: bool,
}

async fn call(issuers: &Arc<Issuers>, path: &str, credentials: &[&str]) -> Came {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("called.db").display());
    let sources = Sources {
        flags: vec![("database-url", url)],
        ..Sources::default()
    };
    let settings = sources.load().unwrap().settings;
    schema::prepare(&settings).await.unwrap();
    let clock = Arc::new(ManualClock::new(now()));
    let store = Store::connect(&of_store(&settings), clock.clone())
        .await
        .unwrap();
    let pepper = Pepper::new([7; 32]);
    let found = Credentials::try_new(&settings, issuers.clone(), store, pepper, clock).await;
    let met = Arc::new(Mutex::new((false, None)));
    let meeting = met.clone();
    let service = service_fn(move |request: Request<Body>| {
        let principal = request.extensions().get::<Arc<Principal>>().cloned();
        *meeting.lock().unwrap() = (true, principal);
        async { Ok::<Response<Body>, Infallible>(Status::ok("").into_http()) }
    });
    let parts = Parts {
        settings: &settings,
        methods: Methods::try_new().unwrap(),
        meter: opentelemetry::global::meter("tests"),
        stop: CancellationToken::new(),
        credentials: found.unwrap(),
        recorder: Recorder::deaf(),
    };
    let mut request = Request::post(path)
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for credential in credentials {
        request = request.header("authorization", *credential);
    }
    let request = request.body(Body::empty()).unwrap();
    let (_, service) = assemble(parts, service);
    let response = service.oneshot(request).await.unwrap();
    let status = Status::from_header_map(response.headers()).unwrap();
    let (reached, principal) = met.lock().unwrap().clone();
    Came {
        status,
        principal,
        reached,
    }
}

fn claims(scene: &Scene) -> serde_json::Value {
    let mut claims = scene.claims();
    claims["realm"] = json!({ "roles": ["seller"] });
    claims["https://trellis.example/partner"] = json!("nimbus");
    claims
}

#[tokio::test]
async fn a_bearer_calls_as_who_the_token_proves_them_to_be() {
    let mut scene = Scene::new().await;
    let claims = claims(&scene);
    let token = scene.ec.token(&claims);
    let issuers = Arc::new(std::mem::take(&mut scene.issuers));
    let came = call(&issuers, GET, &[&format!("Bearer {token}")]).await;
    assert!(came.reached);
    let principal = came.principal.unwrap();
    let subject = claims["sub"].as_str().unwrap();
    let actor = Actor::try_new(&format!("acme-id:{subject}")).unwrap();
    assert_eq!(principal.actor, actor);
    let acme = EcosystemId::try_new("acme").unwrap();
    let grant = Grant::new(
        Role::PartnerRep,
        Some(PartnerId::try_new("nimbus").unwrap()),
    );
    assert_eq!(principal.rights, Rights::Granted(vec![(acme, vec![grant])]));
}

#[tokio::test]
async fn whoever_proves_nothing_is_refused_in_one_and_the_same_way() {
    let mut scene = Scene::new().await;
    let claims = claims(&scene);
    let good = format!("Bearer {}", scene.ec.token(&claims));
    let forged = format!("Bearer {}", scene.stranger.token(&claims));
    let issuers = Arc::new(std::mem::take(&mut scene.issuers));
    let cases: [&[&str]; 6] = [
        &[],
        &["Bearer "],
        &["Bearer x"],
        &["Basic YTpi"],
        &[&forged],
        &[&good, &good],
    ];
    for path in [GET, REFLECTION, "/no.Such/Method"] {
        for credentials in cases {
            let came = call(&issuers, path, credentials).await;
            assert!(!came.reached, "{path} {credentials:?}");
            assert_eq!(came.status.code(), Code::Unauthenticated);
            let info = came.status.get_details_error_info().unwrap();
            assert_eq!(info.reason, "UNAUTHENTICATED");
        }
        // The control: the same call with a token gets through.
        assert!(call(&issuers, path, &[&good]).await.reached, "{path}");
    }
}

#[tokio::test]
async fn health_is_told_to_anybody() {
    let mut scene = Scene::new().await;
    let issuers = Arc::new(std::mem::take(&mut scene.issuers));
    let came = call(&issuers, HEALTH, &[]).await;
    assert!(came.reached);
    assert_eq!(came.principal, None);
}

#[tokio::test]
async fn without_issuers_whoever_reaches_the_port_is_believed() {
    let came = call(&Arc::new(Issuers::default()), GET, &[]).await;
    assert_eq!(came.principal.unwrap().rights, Rights::Unlimited);
}
