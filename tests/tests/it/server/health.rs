//! Health, by which others learn whether to send calls here.

use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use trellis_tests::{Engine, Started, refused, run};

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

fn says(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[tokio::test]
async fn the_server_and_each_of_its_services_are_serving() {
    run(Engine::Sqlite, &[], |world| async move {
        let mut health = HealthClient::new(world.channel());
        for service in ["", "trellis.partner.v1.PartnerService"] {
            let answer = health.check(about(service)).await.unwrap().into_inner();
            assert_eq!(answer, says(ServingStatus::Serving), "{service}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_service_that_is_not_served_here_is_not_known_to_health() {
    run(
        Engine::Sqlite,
        &[("services", "deal")],
        |world| async move {
            let mut health = HealthClient::new(world.channel());
            let result = health
                .check(about("trellis.partner.v1.PartnerService"))
                .await;
            refused(result, Code::NotFound, "RESOURCE_NOT_FOUND");
        },
    )
    .await;
}

#[tokio::test]
async fn whoever_watches_health_hears_of_the_stop_and_is_let_go() {
    let started = Started::new(Engine::Sqlite, &[]).await.unwrap();
    let mut health = HealthClient::new(started.world.channel());
    let mut watch = health.watch(about("")).await.unwrap().into_inner();
    assert_eq!(
        watch.message().await.unwrap(),
        Some(says(ServingStatus::Serving))
    );
    let began = std::time::Instant::now();
    let stopping = tokio::spawn(started.end());
    assert_eq!(
        watch.message().await.unwrap(),
        Some(says(ServingStatus::NotServing))
    );
    let end = watch.message().await.unwrap_err();
    assert_eq!(end.code(), Code::Unavailable);
    stopping.await.unwrap();
    assert!(
        began.elapsed().as_millis() < 1500,
        "a watch held the server up"
    );
}
