//! Whatever is done to the trail past the server is found and named; and nothing else is.
//!
//! Copies of the same trail are damaged, one after the other.

use rand::Rng as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sqlx::{AssertSqlSafe, Connection, Row as _, SqliteConnection};
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as pb;
use trellis_tests::{Engine, World, number, on_both};

use super::owner::{BLOCKS, Bytes, ENTRIES, OF_BLOCKS, OF_ENTRIES, Owner, flipped, of_both};
use super::scene::{Scene, called, create};

/// How many bits are flipped in each column when nobody says otherwise.
const FLIPS: u64 = 3;

/// A trail of several blocks, in which every column says something somewhere.
pub(super) async fn filled(scene: &Scene) -> pb::AuditCheckpoint {
    let ada = scene.ada(&scene.admin, &scene.parent).await;
    let mut kept = scene.sealed().await;
    for round in 0..3 {
        for number in 0..3 {
            let request = partner::CreatePartnerRequest {
                request_id: format!("7d1c2f6e-3f0b-4a53-9d2a-0b1f5a3c9e{round}{number}"),
                ..create(&scene.parent, &format!("p-{round}-{number}"))
            };
            ada.partners()
                .create_partner(called(&format!("c-{round}{number}"), request))
                .await
                .unwrap();
        }
        let taken = create(&scene.parent, "p-0-0");
        ada.partners().create_partner(taken).await.unwrap_err();
        kept = scene.sealed().await;
    }
    kept
}

/// Worlds whose servers do not seal by themselves, and so do not mend what is damaged at its end.
macro_rules! on_both_unsealed {
    ($(async fn $name:ident($world:ident: World) $body:block)+) => {$(
        mod $name {
            use super::*;

            async fn body($world: World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                trellis_tests::run(Engine::Sqlite, SELDOM, body).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                trellis_tests::run(Engine::Postgres, SELDOM, body).await;
            }
        }
    )+};
}

const SELDOM: &[(&str, &str)] = &[("audit-seal-interval", "1h")];

on_both_unsealed! {
    async fn every_damage_is_found_and_named(world: World) {
        let scene = Scene::open(world).await;
        let kept = filled(&scene).await;
        let seed = rand::rng().random();
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let mut owner = Owner::open(&scene).await;
        owner.unbind().await;
        let verdict = scene.verify(&kept.note).await;
        assert_eq!((verdict.findings, verdict.unsealed_count), (Vec::new(), 0));
        assert!(verdict.block_count >= 4);

        // One bit, in each column of both tables.
        let columns = of_both();
        let mut planted = 0;
        for _ in 0..number("TRELLIS_TESTS_AUDIT_FLIPS").unwrap_or(FLIPS) {
            for (table, column, kind) in &columns {
                let rows = owner.rows(table, &format!("{column} IS NOT NULL")).await;
                let row = &rows[random.random_range(0..rows.len())];
                let value = owner.value(table, (column, *kind), row).await;
                let changed = flipped(*kind, &value, &mut random);
                let literal = owner.literal(*kind, &changed);
                let sql = format!("UPDATE {table} SET {column} = {literal} WHERE {row}");
                if owner.run(&sql).await.is_err() {
                    // Another row has this key, or the database takes no such text.
                    continue;
                }
                planted += 1;
                let verdict = scene.verify(&kept.note).await;
                assert!(!verdict.findings.is_empty(), "not found: {sql}");
                let named = |finding: &pb::AuditFinding| {
                    ["ecosystems/acme/auditEntries/", "block", "the "]
                        .iter()
                        .any(|begin| finding.subject.starts_with(begin))
                };
                assert!(verdict.findings.iter().all(named), "{verdict:?}");
                owner.restore().await;
            }
        }
        assert!(planted >= columns.len(), "{planted}");
        assert_eq!(scene.verify(&kept.note).await.findings, []);

        // Rows removed, added, exchanged.
        let entries = owner.rows(ENTRIES, "1 = 1").await;
        let blocks = owner.rows(BLOCKS, "1 = 1").await;
        let any = random.random_range(1..entries.len() - 1);
        let (this, that) = (&entries[any], &entries[any - 1]);
        let (first, last) = (&entries[0], &entries[entries.len() - 1]);
        let columns: Vec<_> = OF_ENTRIES.iter().map(|(column, _)| *column).collect();
        let columns = columns.join(", ");
        let added = columns.replacen("sequence", "sequence + 1000000", 1).replacen("epoch", "0", 1);
        let hidden = columns.replacen("epoch", "-1", 1);
        for (sql, says) in [
            (format!("DELETE FROM {ENTRIES} WHERE {this}"), "removed"),
            (format!("DELETE FROM {ENTRIES} WHERE {first}"), "removed"),
            // The end cut off, but for its block.
            (format!("DELETE FROM {ENTRIES} WHERE {last}"), "removed"),
            (format!("DELETE FROM {BLOCKS} WHERE {}", blocks[1]), "missing"),
            (format!("DELETE FROM {BLOCKS} WHERE {}", blocks[0]), "missing"),
            (
                format!(
                    "INSERT INTO {ENTRIES} ({columns}) SELECT {added} FROM {ENTRIES} WHERE {this}"
                ),
                "added",
            ),
            (
                format!(
                    "INSERT INTO {ENTRIES} ({columns}) SELECT {hidden} FROM {ENTRIES} WHERE {this}"
                ),
                "added",
            ),
            (
                format!(
                    "UPDATE {ENTRIES} SET epoch = -7 WHERE {this}; \
                     UPDATE {ENTRIES} SET epoch = -8 WHERE {that}; \
                     UPDATE {ENTRIES} SET {} WHERE epoch = -7; \
                     UPDATE {ENTRIES} SET {} WHERE epoch = -8",
                    place(that),
                    place(this)
                ),
                "changed",
            ),
            (
                format!(
                    "UPDATE {BLOCKS} SET number = -1 WHERE {}; \
                     UPDATE {BLOCKS} SET number = 2 WHERE number = 3; \
                     UPDATE {BLOCKS} SET number = 3 WHERE number = -1",
                    blocks[1]
                ),
                "block",
            ),
        ] {
            owner.run(&sql).await.unwrap();
            let verdict = scene.verify("").await;
            let said = verdict.findings.iter().any(|finding| finding.what.contains(says));
            assert!(said, "{sql}: {verdict:?}");
            owner.restore().await;
            assert_eq!(scene.verify(&kept.note).await.findings, []);
        }
    }

    async fn an_end_that_was_cut_off_with_its_block_is_found_by_what_was_kept(world: World) {
        let scene = Scene::open(world).await;
        let kept = filled(&scene).await;
        let mut owner = Owner::open(&scene).await;
        owner.unbind().await;
        let block = owner.rows(BLOCKS, "1 = 1").await.pop().unwrap();
        let place = "(epoch, xid, sequence)";
        let sql = format!(
            "DELETE FROM {BLOCKS} WHERE {block}; \
             DELETE FROM {ENTRIES} WHERE ecosystem = 'acme' AND {place} > \
             (SELECT last_epoch, last_xid, last_sequence FROM {BLOCKS} \
             WHERE ecosystem = 'acme' ORDER BY number DESC LIMIT 1)"
        );
        owner.run(&sql).await.unwrap();
        // By itself the trail that is left is whole.
        assert_eq!(scene.verify("").await.findings, []);
        let verdict = scene.verify(&kept.note).await;
        let said: Vec<_> = verdict.findings.iter().map(|finding| &finding.subject).collect();
        assert_eq!(said, ["the end of the trail"]);
    }
}

on_both! {
    async fn a_changed_block_is_not_signed_again_with_the_next_one(world: World) {
        let scene = Scene::open(world).await;
        let kept = filled(&scene).await;
        let mut owner = Owner::open(&scene).await;
        owner.unbind().await;
        let block = owner.rows(BLOCKS, "1 = 1").await.pop().unwrap();
        let peaks = owner.value(BLOCKS, ("peaks", Bytes), &block).await;
        let other = owner.literal(Bytes, &format!("{}{}", &peaks[2..], "00"));
        owner.run(&format!("UPDATE {BLOCKS} SET peaks = {other} WHERE {block}")).await.unwrap();
        scene.admin.partners().create_partner(create(&scene.parent, "late")).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        let verdict = scene.verify(&kept.note).await;
        assert!(verdict.unsealed_count > 0 && !verdict.findings.is_empty(), "{verdict:?}");
        // The control: once it is mended, sealing goes on.
        owner.restore_blocks().await;
        scene.sealed().await;
    }
}

/// The words that name a row as words that put one in its place.
fn place(row: &str) -> String {
    let (_, key) = row.split_once(" AND ").unwrap();
    key.replace(" AND ", ", ")
}

/// No column of the two tables is left out above.
#[tokio::test]
async fn every_column_is_damaged() {
    let mut database = trellis_tests::database::Database::fresh(Engine::Sqlite)
        .await
        .unwrap();
    let mut file = SqliteConnection::connect(database.url()).await.unwrap();
    for (table, columns) in [
        (ENTRIES, OF_ENTRIES.as_slice()),
        (BLOCKS, OF_BLOCKS.as_slice()),
    ] {
        let sql = format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid");
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut file)
            .await
            .unwrap();
        let mut found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let mut listed: Vec<_> = columns
            .iter()
            .map(|(column, _)| (*column).to_owned())
            .collect();
        found.sort();
        listed.sort();
        assert_eq!(found, listed);
    }
    file.close().await.unwrap();
    database.delete().await;
}
