use trellis_core::EcosystemId;

use super::*;
use crate::support::{Fixture, postgres};
use crate::worker::transact;

/// How many locks are held after some were taken, and how PostgreSQL plans then.
async fn holding(
    fixture: &Fixture,
    first: Option<&'static str>,
    keys: &'static [&str],
) -> (i64, String) {
    let acme = EcosystemId::try_new("acme").unwrap();
    let held = transact(&fixture.store, &acme, "test", move |txn| async move {
        keys_after(&txn, first, keys).await?;
        let ask = "SELECT (SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' \
                   AND pid = pg_backend_pid()), current_setting('plan_cache_mode')";
        let ask = Statement::from_string(DatabaseBackend::Postgres, ask);
        let row = txn.db().query_all_raw(ask).await?.remove(0);
        Ok::<_, Error>((row.try_get_by_index(0)?, row.try_get_by_index(1)?))
    });
    held.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_the_locks_is_planned_for_any_values() {
    let Some(fixture) = postgres().await else {
        return;
    };
    for (first, keys, locks) in [
        (None, &["one", "other", "one"][..], 2),
        (Some("first"), &["one", "other"][..], 3),
        (Some("first"), &[][..], 1),
        (None, &[][..], 0),
    ] {
        let held = holding(&fixture, first, keys).await;
        assert_eq!(
            held,
            (locks, "force_generic_plan".to_owned()),
            "{first:?} {keys:?}"
        );
    }
    // Nobody else is touched by it.
    let view = fixture
        .store
        .read(&crate::support::call("acme"))
        .await
        .unwrap();
    let ask = Statement::from_string(DatabaseBackend::Postgres, "SHOW plan_cache_mode");
    let row = view.db().query_all_raw(ask).await.unwrap().remove(0);
    assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "auto");
}
