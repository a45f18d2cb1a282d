//! The policy costs no index, nor does a plan that was made long ago.

use std::time::{Duration, Instant};

use sea_orm::{DatabaseBackend, Statement};
use trellis_core::EcosystemId;

use super::{as_superuser, column};
use crate::session::{Reach, Session, Sessions};
use crate::support::postgres;

/// What the planner makes of a statement once tables are large enough for an index.
async fn plan(statement: &str) -> Option<String> {
    let fixture = postgres().await?;
    let rows = "INSERT INTO partners (ecosystem, id, display_name, partner_type, state, version, \
        create_time, update_time) SELECT 'e' || g % 20, 'p' || g, 'P', 'RESELLER', 'ACTIVE', 1, 0, 0 \
        FROM generate_series(1, 20000) AS g";
    as_superuser(&fixture, &[rows.to_owned(), "ANALYZE partners".to_owned()]).await;
    let acme = trellis_core::EcosystemId::try_new("e7").unwrap();
    let source = fixture.store.reading(&acme);
    let lines = column(&source.db(), &format!("EXPLAIN (COSTS OFF) {statement}"))
        .await
        .unwrap();
    Some(lines.join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_is_found_by_its_key_and_the_setting_is_compared_once() {
    let statement = "SELECT * FROM partners WHERE ecosystem = 'e7' AND id = 'p7'";
    let Some(plan) = plan(statement).await else {
        return;
    };
    assert!(plan.contains("Index Scan using partners_pkey"), "{plan}");
    let condition = "Index Cond: ((ecosystem = 'e7'::text) AND (id = 'p7'::text))";
    assert!(plan.contains(condition), "{plan}");
    assert!(plan.contains("One-Time Filter: (NULLIF"), "{plan}");
    assert_eq!(plan.matches("current_setting").count(), 1, "{plan}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn even_a_query_that_forgot_its_filter_reads_one_ecosystem_by_the_index() {
    let Some(plan) = plan("SELECT * FROM partners ORDER BY id LIMIT 10").await else {
        return;
    };
    assert!(plan.contains("Index Cond: (ecosystem = NULLIF"), "{plan}");
    assert!(!plan.contains("Seq Scan"), "{plan}");
}

const HOUSE_ACCOUNTS: i64 = 20_000;

/// How often the index of the house accounts by their accounts was read, lately.
async fn scans(session: &mut Session) -> i64 {
    let scans = "SELECT pg_stat_get_xact_numscans('house_accounts_account'::regclass)";
    let scans = Statement::from_string(DatabaseBackend::Postgres, scans);
    let scans = session.query_one(scans).await.unwrap().unwrap();
    scans.try_get_by_index(0).unwrap()
}

/// Finds one of many house accounts by its key; answers whether another index was read for it than that of
/// the key.
async fn reads_another_index(sessions: &Sessions, reach: &Reach) -> bool {
    let mut session = sessions.take(reach).await.unwrap();
    session.begin().await.unwrap();
    let before = scans(&mut session).await;
    let find = Statement::from_sql_and_values(
        DatabaseBackend::Postgres,
        "SELECT version FROM house_accounts WHERE ecosystem = $1 AND id = $2",
        ["acme".into(), "h7".into()],
    );
    assert_eq!(session.query_all(find).await.unwrap().len(), 1);
    let after = scans(&mut session).await;
    session.commit().await.unwrap();
    after > before
}

/// Makes connections that rest as old as that, and the plans that were made for them.
fn age(sessions: &Sessions, opened: u64, planned: u64) {
    let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds));
    for connection in &mut sessions.resting().connections {
        connection.opened = ago(opened).unwrap();
        connection.planned = ago(planned).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_for_a_small_table_do_not_outlive_its_growth() {
    let Some(fixture) = postgres().await else {
        return;
    };
    let options = fixture.url.parse().unwrap();
    let one = Sessions::open(options, 1, Duration::from_secs(10)).await;
    let (one, reach) = (
        one.unwrap(),
        Reach::One(EcosystemId::try_new("acme").unwrap()),
    );
    let rows = |from: i64, to: i64| {
        format!(
            "INSERT INTO house_accounts (ecosystem, id, account, products, product_families, \
             territories, version, create_time, update_time) \
             SELECT 'acme', 'h' || g, 'a' || g, '[]', '[]', '[]', 1, 0, 0 \
             FROM generate_series({from}, {to}) AS g"
        )
    };
    // Whoever counts the rows makes all plans anew, which may take a minute to happen.
    let uncounted = "ALTER TABLE house_accounts SET (autovacuum_enabled = off)";
    as_superuser(&fixture, &[uncounted.to_owned(), rows(1, 10)]).await;
    // From the sixth time on there is one plan for whatever is asked for.
    for _ in 0..8 {
        reads_another_index(&one, &reach).await;
    }
    as_superuser(&fixture, &[rows(11, HOUSE_ACCOUNTS)]).await;
    // The control: of two indexes that are as good for ten rows one is read as a whole for one of many.
    assert!(reads_another_index(&one, &reach).await);
    for (opened, planned) in [(4, 4), (100, 45), (1_000, 55)] {
        age(&one, opened, planned);
        assert!(
            reads_another_index(&one, &reach).await,
            "{opened} {planned}"
        );
        assert!(
            reads_another_index(&one, &reach).await,
            "{opened} {planned}"
        );
    }
    // They are made anew when somebody has used the connection, not before somebody does.
    age(&one, 100, 55);
    assert!(reads_another_index(&one, &reach).await);
    assert!(!reads_another_index(&one, &reach).await);
}
