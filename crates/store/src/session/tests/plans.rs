//! The policy costs no index.

use super::{as_superuser, column};
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
