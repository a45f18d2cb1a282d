//! Awards that are computed once more come out as they were, or are told.

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use trellis_api::incentive::v1 as pb;
use trellis_tests::{Engine, World, on_both, position, run};

use super::facts::{invoice, of_invoices, refund, tell, telling};
use super::ledger::forge;
use super::scene::{Scene, quarterly};
use crate::watch::hold;

/// Computes all awards once more, so many a call: how many there are, and which come out otherwise.
async fn mismatches(scene: &Scene, limit: i32) -> (i32, Vec<pb::AwardMismatch>) {
    let (mut count, mut otherwise, mut after) = (0, Vec::new(), String::new());
    loop {
        let request = pb::ReplayAwardsRequest {
            parent: scene.name.clone(),
            after,
            limit,
        };
        let answer = scene.now().awards().replay_awards(request).await;
        let answer = answer.unwrap().into_inner();
        count += answer.replayed_count;
        otherwise.extend(answer.mismatches);
        if answer.last_award.is_empty() {
            return (count, otherwise);
        }
        after = answer.last_award;
    }
}

/// The same, with the names of those alone.
pub(super) async fn replays(scene: &Scene, limit: i32) -> (i32, Vec<String>) {
    let (count, otherwise) = mismatches(scene, limit).await;
    let names = otherwise.into_iter().map(|mismatch| mismatch.award);
    (count, names.collect())
}

async fn explained(scene: &Scene, award: &str) -> pb::ExplainAwardResponse {
    let request = pb::ExplainAwardRequest {
        name: award.to_owned(),
    };
    let explained = scene.now().awards().explain_award(request).await;
    explained.unwrap().into_inner()
}

fn hash(trace: &str) -> String {
    HEXLOWER.encode(digest(&SHA256, trace.as_bytes()).as_ref())
}

/// Makes an award one that an earlier version of the arithmetic computed, with this trace.
async fn age(world: &World, award: &str, version: i32, trace: &str) {
    let (id, hash) = (award.rsplit('/').next().unwrap(), hash(trace));
    let basis = match world.engine() {
        Engine::Sqlite => format!("json_set(basis, '$.engine_version', {version})"),
        Engine::Postgres => format!("jsonb_set(basis::jsonb, '{{engine_version}}', '{version}')"),
    };
    let sql = format!("UPDATE awards SET trace_hash = '{hash}', basis = {basis} WHERE id = '{id}'");
    forge(world, "ecosystems/acme", &sql).await;
}

on_both! {
    async fn awards_come_out_as_they_were_or_are_told(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("commission", of_invoices("0.1")).await;
        scene.promise("rebate", quarterly()).await;
        tell(&scene, (1..=3).map(|at| invoice(&format!("INV-{at}"), 10_000, "2026-03-02")).collect()).await;
        scene.win("deal-1", "cirrus", 700_000, "2026-03-02").await;
        // What becomes known later is no part of what was known then.
        scene.pass(std::time::Duration::from_secs(1)).await;
        tell(&scene, vec![refund("CN-1", "INV-1", 4_000, "2026-03-03")]).await;
        assert_eq!(replays(&scene, 100).await, (4, Vec::new()));
        assert_eq!(replays(&scene, 2).await, (4, Vec::new()), "a few at a time");
        // The control: somebody changes a fact in the database, and what was counted with it is told.
        let touched = scene.award("rebate").await.name;
        forge(&scene.world, &scene.name, "UPDATE incentive_facts SET amount_minor = amount_minor + 1 \
            WHERE ecosystem = 'acme'").await;
        assert_eq!(replays(&scene, 100).await, (4, vec![touched]));
        forge(&scene.world, &scene.name, "UPDATE recorded_facts SET said = (SELECT o.said FROM recorded_facts o \
            WHERE o.ecosystem = 'acme' AND o.external_id = 'CN-1') \
            WHERE ecosystem = 'acme' AND external_id = 'INV-3'").await;
        assert_eq!(replays(&scene, 100).await.1.len(), 2);
    }

    async fn what_an_earlier_arithmetic_computed_is_compared_as_of_that(world: World) {
        let scene = Scene::new(world.clone()).await;
        scene.promise("commission", of_invoices("0.1")).await;
        tell(&scene, vec![invoice("INV-1", 10_000, "2026-03-02")]).await;
        let award = scene.award("commission").await.name;
        let answer = explained(&scene, &award).await;
        let (now, trace) = (answer.explanation.unwrap().engine_version, answer.computation.unwrap().trace);
        assert_eq!(hash(&trace), scene.explain(&scene.award("commission").await).await.trace_hash);
        let said = |version: i32| format!("\"engine_version\":{version}");
        let before = trace.replace(&said(now), &said(now - 1));
        assert_ne!(before, trace);
        age(&world, &award, now - 1, &before).await;
        assert_eq!(replays(&scene, 100).await, (1, Vec::new()));
        let explanation = explained(&scene, &award).await.explanation.unwrap();
        assert_eq!(explanation.engine_version, now - 1);
        assert_eq!(explanation.replay_hash, hash(&before));
        // The control: the version of then answered otherwise.
        let other = before.replace("\"entitled\":1000", "\"entitled\":999");
        assert_ne!(other, before);
        age(&world, &award, now - 1, &other).await;
        let (_, otherwise) = mismatches(&scene, 100).await;
        let expected = pb::AwardMismatch {
            award,
            trace_hash: hash(&other),
            replay_hash: hash(&before),
            engine_version: now - 1,
            replay_engine_version: now,
        };
        assert_eq!(otherwise, [expected]);
    }
}

/// What had been recorded by the moment as of which an award is, and came to the worker later, together with
/// what takes it back, leaves the award as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_late_and_is_withdrawn_makes_no_award_another() {
    run(Engine::Postgres, &[], async |world: World| {
        let scene = Scene::new(world).await;
        let mut plan = of_invoices("0.1");
        plan.measure.as_mut().unwrap().window = pb::measure::Window::Quarter.into();
        scene.promise("rebate", plan).await;
        tell(&scene, vec![invoice("INV-1", 10_000, "2026-03-02")]).await;
        let award = scene.award("rebate").await;
        let late = invoice("INV-2", 4_000, "2026-03-02");
        let withdrawn = pb::IncentiveFact {
            revision: 2,
            withdrawn: true,
            ..late.clone()
        };
        let held = hold(scene.world.owner_url()).await;
        for facts in [vec![late], vec![withdrawn]] {
            let recorded = scene.world.facts().record_facts(telling(facts)).await;
            scene.note(position(&recorded.unwrap()));
            // Nobody is waited for: nothing of it can be read yet.
            scene
                .world
                .clock()
                .advance(std::time::Duration::from_secs(1));
        }
        drop(held);
        assert_eq!(scene.award("rebate").await, award);
        assert_eq!(replays(&scene, 100).await, (1, Vec::new()));
        let explanation = scene.explain(&award).await;
        assert_eq!(explanation.replay_hash, explanation.trace_hash);
    })
    .await;
}
