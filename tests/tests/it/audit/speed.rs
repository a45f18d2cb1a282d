//! How long verifying takes. `TRELLIS_TESTS_AUDIT_ENTRIES` says of how many entries; a million are to take
//! less than half a minute in a release build.

use std::time::{Duration, Instant};

use trellis_core::{Actor, EcosystemId, Timestamp};
use trellis_store::audit::{self, Draft};
use trellis_tests::{number, on_both};

use super::scene::{CREATE, Scene};

/// How many entries there are when nobody says otherwise.
const FEW: u64 = 2_500;

/// How long a million may take.
const LIMIT: Duration = Duration::from_secs(30);

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
        person: Actor::try_new("ada@acme.example").ok(),
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
        let verdict = scene.verify(&kept.note).await;
        let took = begun.elapsed();
        println!("{} entries verified in {took:?}", verdict.entry_count);
        assert_eq!(verdict.findings, []);
        assert!(verdict.entry_count >= i64::try_from(many).unwrap());
        assert!(took < LIMIT, "{took:?}");
    }
}
