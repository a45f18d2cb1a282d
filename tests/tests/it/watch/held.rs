//! What holds the feed back is told, and only that.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use trellis_tests::database::Database;
use trellis_tests::{Caller, Cluster};

use super::losses::hold;
use super::scene::{make_ecosystem, named};
use crate::edge::process::Process;

/// Longer than a feed is held back before it is told.
const A_WHILE: Duration = Duration::from_secs(10);

async fn health(channel: &Channel, service: &str) -> ServingStatus {
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let answer = HealthClient::new(channel.clone()).check(request).await;
    answer.unwrap().into_inner().status()
}

/// Waits until health says so of the feed.
async fn until(channel: &Channel, status: ServingStatus) {
    let says = async {
        while health(channel, "trellis.feed").await != status {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(3 * A_WHILE, says).await.expect("health says so");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_tells_that_a_transaction_holds_the_feed_back() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let database = Database::on(&cluster).await;
    let server = Process::start(&[("database-url", database.url())]);
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address));
    let channel = endpoint.unwrap().connect_lazy();
    let caller = Caller::new(channel.clone());
    make_ecosystem(&caller).await;
    until(&channel, ServingStatus::Serving).await;

    // The control: one that only reads holds nothing back, however long it does.
    let mut reads = PgConnection::connect(database.owner_url()).await.unwrap();
    let begin = sqlx::raw_sql("BEGIN; SELECT 1");
    begin.execute(&mut reads).await.unwrap();
    caller
        .partners()
        .create_partner(named("before"))
        .await
        .unwrap();
    sleep(A_WHILE).await;
    assert_eq!(
        health(&channel, "trellis.feed").await,
        ServingStatus::Serving
    );

    let held = hold(database.owner_url()).await;
    caller
        .partners()
        .create_partner(named("meanwhile"))
        .await
        .unwrap();
    until(&channel, ServingStatus::NotServing).await;
    // Calls are answered all the same, and whoever sends them elsewhere by health sends them here.
    caller
        .partners()
        .create_partner(named("later"))
        .await
        .unwrap();
    assert_eq!(health(&channel, "").await, ServingStatus::Serving);
    drop(held);
    until(&channel, ServingStatus::Serving).await;
}
