//! A migrated database of its own for each test, and partners to put into it.
//!
//! On PostgreSQL one role owns the tables and another works with them, as in a deployment: so
//! everything that is tested is tested under row level security.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use trellis_core::access::{Access, Extent, Grant, Principal, Rights, authorize};
use trellis_core::{
    Actor, Call, Currency, EcosystemId, ManualClock, PartnerId, Role, Scope, TimeZone, Timestamp,
    Written,
};
use trellis_store::partner::partner::{self, PartnerType, State};
use trellis_store::platform::ecosystem;
use trellis_store::{Error, Settings, Store, Txn, record};

/// A store over a fresh database, removed when the test ends.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    /// The database as the store reaches it.
    pub(crate) url: String,
    /// The database as whoever owns its tables reaches it.
    pub(crate) owner_url: String,
    /// The database as a superuser reaches it, who is above row level security.
    pub(crate) superuser_url: String,
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
    fixture([url.clone(), url.clone(), url], Some(folder)).await
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
    let admin = one_connection(&server).await;
    // Roles belong to the whole server, and other test processes make them too.
    admin.execute_unprepared(ROLES).await.unwrap();
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name} OWNER {OWNER}"))
        .await
        .unwrap();
    admin.close().await.unwrap();
    let (base, query) = server.split_once('?').unwrap_or((&server, ""));
    let base = base.rsplit_once('/').map_or(base, |(base, _)| base);
    let superuser = format!("{base}/{name}?{query}");
    let owner = format!("{superuser}&user={OWNER}&password={OWNER}");
    let database = one_connection(&owner).await;
    database
        .execute_unprepared(&format!(
            "ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {WORKER}"
        ))
        .await
        .unwrap();
    database.close().await.unwrap();
    let worker = format!("{superuser}&user={WORKER}&password={WORKER}");
    Some(fixture([worker, owner, superuser], None).await)
}

/// Who owns the tables in tests.
const OWNER: &str = "trellis_test_owner";

/// Who works with them.
const WORKER: &str = "trellis_test_worker";

const ROLES: &str = "DO $$ BEGIN \
    PERFORM pg_advisory_xact_lock(hashtextextended('trellis_test_roles', 0)); \
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'trellis_test_worker') THEN \
        CREATE ROLE trellis_test_owner LOGIN PASSWORD 'trellis_test_owner'; \
        CREATE ROLE trellis_test_worker LOGIN PASSWORD 'trellis_test_worker'; \
    END IF; END $$";

/// One plain connection to a database, beneath the store.
pub(crate) async fn one_connection(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

async fn fixture(urls: [String; 3], folder: Option<tempfile::TempDir>) -> Fixture {
    let [url, owner_url, superuser_url] = urls;
    trellis_migrations::up(&owner_url).await.unwrap();
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
        owner_url,
        superuser_url,
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

/// How far somebody reaches who has these roles, as the method that lists events lets them.
pub(crate) fn scope(roles: &[(Role, &str)]) -> Scope {
    let acme = EcosystemId::try_new("acme").unwrap();
    let grant = |(role, partner): &(Role, &str)| {
        Grant::new(*role, Some(PartnerId::try_new(partner).unwrap()))
    };
    let principal = Principal {
        actor: Actor::try_new("people:ada").unwrap(),
        person: None,
        rights: Rights::Granted(vec![(acme.clone(), roles.iter().map(grant).collect())]),
    };
    let access = Access {
        permission: "events.list",
        roles: &[
            (Role::PartnerAdmin, Extent::Organization),
            (Role::PartnerRep, Extent::Own),
        ],
        everybody: false,
        moves_money: false,
        second_person: false,
        administration: false,
        at_once: false,
        audited: false,
    };
    authorize(&principal, &access, &acme).unwrap()
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
    /// A connection of the tables' owner, who says whose work it is as the store does: what is
    /// tried beneath the store is tried under row level security too.
    pub(crate) async fn beneath(&self, ecosystem: &str) -> DatabaseConnection {
        if trellis_store::is_sqlite(&self.url) {
            return one_connection(&self.url).await;
        }
        let setting = format!("options=-c%20trellis.ecosystem%3D{ecosystem}");
        one_connection(&format!("{}&{setting}", self.owner_url)).await
    }

    /// Waits until the feed shows everything that was committed so far. It waits for every older
    /// transaction of the whole server, and other tests run theirs.
    pub(crate) async fn settled(&self) {
        if trellis_store::is_sqlite(&self.url) {
            return;
        }
        let database = one_connection(&self.url).await;
        let ask = async |what: &str| -> i64 {
            let sql = format!("SELECT {what}(pg_current_snapshot())::text::bigint");
            let ask = Statement::from_string(database.get_database_backend(), sql);
            let row = database.query_one_raw(ask).await.unwrap().unwrap();
            row.try_get_by_index(0).unwrap()
        };
        let committed = ask("pg_snapshot_xmax").await;
        let patience = Instant::now() + Duration::from_secs(60);
        while ask("pg_snapshot_xmin").await < committed {
            assert!(Instant::now() < patience, "a transaction does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        database.close().await.unwrap();
    }

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
