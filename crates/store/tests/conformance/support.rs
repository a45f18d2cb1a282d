//! A migrated database of its own for each test, and partners to put into it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectionTrait, Database};
use trellis_core::{
    Actor, Call, Currency, EcosystemId, ManualClock, PartnerId, TimeZone, Timestamp, Written,
};
use trellis_store::partner::partner::{self, PartnerType, State};
use trellis_store::platform::ecosystem;
use trellis_store::{Error, Settings, Store, Txn, record};

/// A store over a fresh database, removed when the test ends.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) url: String,
    _folder: Option<tempfile::TempDir>,
}

/// Runs one test body on SQLite and on PostgreSQL.
#[macro_export]
macro_rules! on_both {
    ($(#[$meta:meta])* async fn $name:ident($fixture:ident: Fixture) $body:block) => {
        mod $name {
            use super::*;

            async fn body($fixture: $crate::support::Fixture) $body

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                body($crate::support::sqlite().await).await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(fixture) = $crate::support::postgres().await {
                    body(fixture).await;
                }
            }
        }
    };
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment where to look"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub(crate) async fn sqlite() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let url = format!(
        "sqlite:{}?mode=rwc",
        folder.path().join("store.db").display()
    );
    fixture(url, Some(folder)).await
}

pub(crate) async fn postgres() -> Option<Fixture> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    if variable("TRELLIS_TEST_DATABASES").as_deref() == Some("sqlite") {
        return None;
    }
    let server = variable("TRELLIS_TEST_POSTGRES_URL").expect(
        "TRELLIS_TEST_POSTGRES_URL names a PostgreSQL server; `make test` starts one, or set \
         TRELLIS_TEST_DATABASES=sqlite to leave PostgreSQL out",
    );
    let name = format!(
        "store_{}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let admin = Database::connect(&server).await.unwrap();
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    admin.close().await.unwrap();
    let (base, query) = server.split_once('?').unwrap_or((&server, ""));
    let base = base.rsplit_once('/').map_or(base, |(base, _)| base);
    Some(fixture(format!("{base}/{name}?{query}"), None).await)
}

async fn fixture(url: String, folder: Option<tempfile::TempDir>) -> Fixture {
    trellis_migrations::up(&url).await.unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(
        1_800_000_000_000_000,
    )));
    let store = Store::connect(&Settings::new(&url), clock.clone())
        .await
        .unwrap();
    let fixture = Fixture {
        store,
        clock,
        url,
        _folder: folder,
    };
    fixture.found("acme", false).await;
    fixture
}

/// A call to an ecosystem by nobody in particular.
pub(crate) fn call(ecosystem: &str) -> Call {
    Call {
        actor: Actor::anonymous(),
        method: "/test",
        ..Call::of_system(EcosystemId::try_new(ecosystem).unwrap(), "test")
    }
}

/// A partner that no test looks into.
pub(crate) fn partner(txn: &Txn, id: &str) -> partner::Model {
    partner::Model {
        ecosystem: txn.ecosystem().clone(),
        id: PartnerId::try_new(id).unwrap(),
        display_name: id.to_uppercase(),
        partner_type: PartnerType::Reseller,
        region_code: None,
        domain: None,
        contact_email: None,
        external_id: None,
        channel_manager: None,
        state: State::Prospect,
        invitation_expire_time: None,
        suspend_until_time: None,
        terminate_time: None,
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    }
}

impl Fixture {
    pub(crate) async fn found(&self, id: &str, sandbox: bool) {
        let id = id.to_owned();
        self.store
            .found(call(&id), id, move |txn, id| async move {
                let now = txn.now();
                ecosystem::insert(
                    &txn,
                    ecosystem::Model {
                        ecosystem: EcosystemId::try_new(&id).unwrap(),
                        display_name: id,
                        time_zone: TimeZone::try_new("UTC").unwrap(),
                        currency: Currency::try_new("USD").unwrap(),
                        sandbox,
                        clock_offset: 0,
                        version: 1,
                        create_time: now,
                        update_time: now,
                    },
                )
                .await?;
                Ok::<(), Error>(())
            })
            .await
            .unwrap();
    }

    pub(crate) async fn add(&self, call: Call, id: &str) -> Result<Written<()>, Error> {
        self.store
            .write(call, id.to_owned(), |txn, id| async move {
                record::insert::<partner::Entity>(&txn, partner(&txn, &id)).await?;
                trellis_store::event::append(
                    &txn,
                    trellis_store::event::NewEvent::new("partner.created", id),
                );
                Ok(())
            })
            .await
    }

    pub(crate) async fn ids(&self, ecosystem: &str) -> Vec<String> {
        let view = self.store.read(&call(ecosystem)).await.unwrap();
        let mut ids = Vec::new();
        let mut query = everything(1_000);
        loop {
            let page = record::page::<partner::Entity>(&view, &query)
                .await
                .unwrap();
            ids.extend(page.rows.into_iter().map(|partner| partner.id.to_string()));
            match page.next {
                Some(next) => query.after = Some(next),
                None => return ids,
            }
        }
    }
}

/// A query for all rows.
pub(crate) fn everything(size: u32) -> trellis_core::PageQuery {
    trellis_core::PageQuery {
        filter: None,
        order: Vec::new(),
        size,
        after: None,
        show_deleted: false,
        seal: trellis_core::Seal::default(),
    }
}
