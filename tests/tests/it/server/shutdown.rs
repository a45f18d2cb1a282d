//! How the server stops.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_stream::wrappers::ReceiverStream;
use trellis_api::partner::v1 as pb;
use trellis_server::Drained;
use trellis_tests::{Engine, Started};

#[tokio::test]
async fn silent_peers_do_not_hold_a_server_beyond_its_limit() {
    let started = Started::new(Engine::Sqlite, &[("drain-limit", "500ms")])
        .await
        .unwrap();
    let address = started.world.address();
    let silent = TcpStream::connect(address).await.unwrap();
    let mut polite = TcpStream::connect(address).await.unwrap();
    polite
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    // Both are accepted before the stop.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    let _drained = started.running.stop().await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    drop((silent, polite));
}

#[tokio::test]
async fn a_server_without_calls_stops_at_once() {
    let started = Started::new(Engine::Sqlite, &[("drain-limit", "30s")])
        .await
        .unwrap();
    let mut partners = started.world.partners();
    let _refused = partners
        .get_partner(pb::GetPartnerRequest::default())
        .await
        .unwrap_err();
    let began = Instant::now();
    assert_eq!(started.running.stop().await, Drained::Whole);
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_call_under_way_is_finished_and_a_new_connection_is_refused() {
    let started = Started::new(Engine::Sqlite, &[("drain-limit", "20s")])
        .await
        .unwrap();
    let (rows, receiver) = tokio::sync::mpsc::channel(1);
    let mut partners = started.world.partners();
    let call = tokio::spawn(async move {
        let answers = partners
            .import_partners(ReceiverStream::new(receiver))
            .await?;
        answers.into_inner().message().await
    });
    // The call has begun once its first message was taken.
    rows.send(pb::ImportPartnersRequest::default())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;

    let address = started.world.address();
    let stopping = tokio::spawn(started.running.stop());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(
        TcpStream::connect(address).await.is_err(),
        "the port is free"
    );
    drop(rows);
    let ended = call.await.unwrap();
    // The empty message is refused by its own rules, not by the stop.
    assert_eq!(ended.unwrap_err().code(), tonic::Code::InvalidArgument);
    assert_eq!(stopping.await.unwrap(), Drained::Whole);
}

#[tokio::test]
async fn calls_that_do_not_end_are_cut_at_the_limit() {
    let started = Started::new(Engine::Sqlite, &[("drain-limit", "300ms")])
        .await
        .unwrap();
    let (rows, receiver) = tokio::sync::mpsc::channel::<pb::ImportPartnersRequest>(1);
    let mut partners = started.world.partners();
    let call = tokio::spawn(async move {
        match partners
            .import_partners(ReceiverStream::new(receiver))
            .await
        {
            Ok(answers) => answers.into_inner().message().await.map(drop),
            Err(status) => Err(status),
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    assert_eq!(started.running.stop().await, Drained::Cut(1));
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert!(call.await.unwrap().is_err());
    drop(rows);
}
