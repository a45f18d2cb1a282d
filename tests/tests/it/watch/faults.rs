//! What becomes of writes and of those who watch when the database crashes, or goes away while it commits.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use rand::Rng as _;
use tokio::time::sleep;
use tonic::Code;
use trellis_api::partner::v1 as partner;
use trellis_tests::database::Database;
use trellis_tests::{Caller, Cluster, Engine, number};

use super::processes::{Served, a_while, undergo};
use super::proxy::Proxy;
use super::scene::{Watcher, from_first, make_ecosystem};
use crate::edge::process::Process;

/// How often the database crashes.
const CRASHES: usize = 3;

/// How many write at once.
const WRITERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_crashes_loses_nothing_that_was_answered() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let database = Database::on(&cluster).await;
    let server = Process::start(&[
        ("database-url", database.url()),
        ("database-connections-max", "8"),
    ]);
    let crashes = async {
        for _ in 0..CRASHES {
            a_while().await;
            cluster.crash();
            sleep(Duration::from_millis(200)).await;
            cluster.begin();
        }
    };
    // The server stays, and may go on with the stream that there is.
    undergo("crashes", Served::by(&server), crashes).await;
}

/// Makes partners, each asked for again until it is there; answers how often one had to be.
async fn make(caller: Caller, writer: usize, count: usize, request_ids: bool) -> usize {
    let mut again = 0;
    for number in 0..count {
        let request_id = uuid::Uuid::from_u128(rand::rng().random()).to_string();
        let request = partner::CreatePartnerRequest {
            parent: "ecosystems/acme".to_owned(),
            request_id: if request_ids {
                request_id
            } else {
                String::new()
            },
            partner: Some(partner::Partner {
                display_name: format!("{writer}-{number}"),
                partner_type: partner::partner::PartnerType::Reseller.into(),
                ..partner::Partner::default()
            }),
            ..partner::CreatePartnerRequest::default()
        };
        while let Err(status) = caller.partners().create_partner(request.clone()).await {
            assert_eq!(status.code(), Code::Unavailable, "{status}");
            again += 1;
            sleep(Duration::from_millis(10)).await;
        }
    }
    again
}

/// What each partner that there is is called.
async fn called(caller: &Caller) -> Vec<String> {
    let (mut called, mut token) = (Vec::new(), String::new());
    loop {
        let request = partner::ListPartnersRequest {
            parent: "ecosystems/acme".to_owned(),
            page_size: 1_000,
            page_token: token,
            ..partner::ListPartnersRequest::default()
        };
        let page = caller.partners().list_partners(request).await;
        let page = page.unwrap().into_inner();
        called.extend(page.partners.into_iter().map(|one| one.display_name));
        token = page.next_page_token;
        if token.is_empty() {
            return called;
        }
    }
}

/// Has many make partners while commits are cut; answers how many were asked for and what there is then. The
/// feed must tell of each once.
async fn cut(request_ids: bool) -> Option<(usize, Vec<String>)> {
    let mut database = Database::fresh(Engine::Postgres).await?;
    let proxy = Proxy::before(database.owner_url()).await;
    let through = proxy.url(database.url());
    let (cut, whole) = (
        Process::start(&[
            ("database-url", &through),
            ("database-connections-max", "8"),
        ]),
        Process::start(&[
            ("database-url", database.url()),
            ("database-connections-max", "4"),
        ]),
    );
    let (cut, whole) = (
        (Served::by(&cut).caller(), cut),
        (Served::by(&whole).caller(), whole),
    );
    make_ecosystem(&whole.0).await;
    let each = number("TRELLIS_TESTS_CUT_WRITES").unwrap_or(200) / WRITERS;
    let writers = (0..WRITERS).map(|writer| make(cut.0.clone(), writer, each, request_ids));
    let again: usize = join_all(writers).await.into_iter().sum();
    let called = called(&whole.0).await;
    let mut watcher = Watcher::open(&whole.0, from_first("acme")).await.unwrap();
    let mut told = Vec::new();
    while told.len() < called.len() {
        let event = watcher.events(1).await.remove(0);
        told.extend((event.r#type == "partner.created").then_some(event.resource));
    }
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len());
    let (before, after) = (&proxy.cuts.before, &proxy.cuts.after);
    let (before, after) = (before.load(Ordering::SeqCst), after.load(Ordering::SeqCst));
    println!(
        "{} commits were cut before, {after} after they were made; {again} calls were made again",
        before
    );
    assert!(before > 0 && after > 0, "{before} before, {after} after");
    drop((watcher, cut, whole));
    database.delete().await;
    Some((each * WRITERS, called))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_made_once_with_its_request_id() {
    let Some((asked, called)) = cut(true).await else {
        return;
    };
    assert_eq!(called.iter().collect::<BTreeSet<_>>().len(), asked);
    assert_eq!(called.len(), asked, "something was made twice");
}

/// The control: who says no request id cannot know, and makes some twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_request_id_a_commit_whose_answer_is_lost_is_made_twice() {
    let Some((asked, called)) = cut(false).await else {
        return;
    };
    assert_eq!(called.iter().collect::<BTreeSet<_>>().len(), asked);
    assert!(called.len() > asked, "{} of {asked}", called.len());
}
