//! Workers that are late: what was written stands, and who waits for them is told so in time.

use prost_types::Duration as WireDuration;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use trellis_api::platform::v1 as pb;
use trellis_store::worker::{self, Awaited, Concern};
use trellis_tests::{Engine, World, refused, run};

/// How long the server lets a call take.
const DEADLINE: [(&str, &str); 1] = [("deadline-default", "1s")];

/// From now on the server waits for a worker that runs nowhere.
fn nobody_works(world: &World) {
    let stop = CancellationToken::new();
    let nobody = Awaited {
        name: "test.nobody",
        shown_by: &["/trellis.platform."],
        concern: Concern::Everything,
    };
    worker::start(world.store(), Vec::new(), &[nobody], &stop);
}

async fn a_clock_is_advanced_though_the_workers_are_late(world: World) {
    let acme = world.sandbox("acme").await;
    let get = pb::GetEcosystemRequest { name: acme.clone() };
    let before = world
        .ecosystems()
        .get_ecosystem(get.clone())
        .await
        .unwrap()
        .into_inner();
    nobody_works(&world);
    let advance = pb::AdvanceClockRequest {
        name: acme.clone(),
        duration: Some(WireDuration {
            seconds: 60,
            nanos: 0,
        }),
        ..pb::AdvanceClockRequest::default()
    };
    let advanced = world.ecosystems().advance_clock(advance).await;
    let refusal = refused(advanced, Code::DeadlineExceeded, "POSITION_NOT_REACHED");
    let after = world
        .ecosystems()
        .get_ecosystem(get.clone())
        .await
        .unwrap()
        .into_inner();
    let passed = after.clock_time.unwrap().seconds - before.clock_time.unwrap().seconds;
    assert_eq!(passed, 60, "the clock is advanced");

    // Whoever waits for the workers, as the refusal says, is refused in the same way.
    let waiting = world.since(&refusal.metadata["position"]);
    let read = waiting.ecosystems().get_ecosystem(get).await;
    refused(read, Code::DeadlineExceeded, "POSITION_NOT_REACHED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    run(
        Engine::Sqlite,
        &DEADLINE,
        a_clock_is_advanced_though_the_workers_are_late,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    run(
        Engine::Postgres,
        &DEADLINE,
        a_clock_is_advanced_though_the_workers_are_late,
    )
    .await;
}
