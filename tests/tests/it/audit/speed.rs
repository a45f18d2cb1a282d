//! How long verifying takes, and that names are erased from as many. `TRELLIS_TESTS_AUDIT_ENTRIES` says of
//! how many entries; to verify a million is to take less than half a minute in a release build.

use std::time::{Duration, Instant};

use tonic::Code;
use trellis_core::{Actor, EcosystemId, Timestamp};
use trellis_store::audit::{self, Draft};
use trellis_tests::{number, on_both};

use super::erased::erasure;
use super::scene::{ADA, CREATE, Scene};

/// How many entries there are when nobody says otherwise.
const FEW: u64 = 2_500;

/// How long a million may take.
const LIMIT: Duration = Duration::from_secs(30);

/// How often it is told how far one has come, about.
const TELL: Duration = Duration::from_secs(1);

fn draft(number: u64) -> Draft {
    Draft {
        time: Timestamp::from_micros(i64::try_from(number).unwrap()),
        method: CREATE.to_owned(),
        resource: format!("ecosystems/acme/partners/p-{number}"),
        code: "PERMISSION_DENIED",
        reason: Some("PERMISSION_DENIED".to_owned()),
        call_id: Some(format!("0b1f5a3c-9e10-4a53-9d2a-{number:012}")),
        request_id: None,
        principal: Actor::try_new("apiKeys/0b1f5a3c").ok(),
        person: Actor::try_new(ADA).ok(),
    }
}

on_both! {
    async fn many_entries_are_verified_soon(world: World) {
        let scene = Scene::open(world).await;
        let many = number("TRELLIS_TESTS_AUDIT_ENTRIES").unwrap_or(FEW);
        let acme = EcosystemId::try_new("acme").unwrap();
        let numbers: Vec<u64> = (0..many).collect();
        for chunk in numbers.chunks(1_000) {
            let drafts = chunk.iter().map(|number| draft(*number)).collect();
            assert!(audit::record(scene.world.store(), &acme, drafts).await.unwrap());
        }
        let kept = scene.sealed_within(LIMIT * 20).await;
        let begun = Instant::now();
        let (progress, verdict) = scene.verify_telling(&kept.note).await;
        let took = begun.elapsed();
        println!("{} entries verified in {took:?}", verdict.entry_count);
        assert_eq!(verdict.findings, []);
        assert!(verdict.entry_count >= i64::try_from(many).unwrap());
        assert!(took < LIMIT, "{took:?}");
        // Twice in a second it says how far it has come.
        assert!(!progress.is_empty() || took < TELL * 2, "nothing in {took:?}");
        assert!(progress.is_sorted_by_key(|far| far.entry_count));
        let sealed = verdict.entry_count;
        assert!(progress.iter().all(|far| far.entry_count <= sealed && far.tree_size == sealed));

        // Of a million one call erases some, until its time runs out; the next one goes on.
        let (begun, mut calls) = (Instant::now(), 0);
        let left = loop {
            calls += 1;
            match scene.admin.audit().erase_personal_data(erasure(&scene, ADA)).await {
                Ok(erased) => break erased.into_inner().erased_count,
                Err(status) => assert_eq!(status.code(), Code::DeadlineExceeded, "{status}"),
            }
        };
        println!("erased from {many} entries in {calls} calls, {:?}; {left} by the last", begun.elapsed());
        assert!(calls > 1 || left == i64::try_from(many).unwrap());
        assert_eq!(scene.entries(&format!("person = \"{ADA}\"")).await, []);
        let verdict = scene.verify(&kept.note).await;
        assert_eq!(verdict.findings, []);
        assert!(verdict.entry_count + verdict.unsealed_count >= 2 * i64::try_from(many).unwrap());
    }
}
