//! Names are erased, and the proof holds.

use trellis_api::platform::v1 as pb;
use trellis_tests::on_both;

use super::owner::{ENTRIES, Owner};
use super::scene::Scene;
use super::tampered::filled;

const ADA: &str = "ada@acme.example";

async fn erase(scene: &Scene, principal: &str) -> i64 {
    let request = pb::ErasePersonalDataRequest {
        name: scene.parent.clone(),
        principal: principal.to_owned(),
        ..pb::ErasePersonalDataRequest::default()
    };
    let erased = scene.admin.audit().erase_personal_data(request).await;
    erased.unwrap().into_inner().erased_count
}

on_both! {
    async fn a_name_is_erased_and_the_trail_is_as_it_was(world: World) {
        let scene = Scene::open(world).await;
        let kept = filled(&scene).await;
        let before = scene.entries(&format!("person = \"{ADA}\"")).await;
        assert!(before.len() >= 9);
        // The key is hers: what was done with it names her, too.
        assert_eq!(erase(&scene, ADA).await, i64::try_from(before.len()).unwrap());
        assert!(scene.entries(&format!("person = \"{ADA}\"")).await.is_empty());
        let after = scene.entries("method:\"CreatePartner\"").await;
        for old in before.iter().filter(|entry| entry.method.ends_with("CreatePartner")) {
            let tombstone = pb::AuditEntry {
                principal: String::new(),
                person: String::new(),
                salt: Vec::new(),
                ..old.clone()
            };
            assert!(after.contains(&tombstone), "{old:?}");
        }
        assert_eq!(scene.verify(&kept.note).await.findings, []);
        // That somebody was erased is told, and not who.
        let erases = scene.entries("method:\"ErasePersonalData\"").await;
        let of: Vec<_> = erases.iter().map(|entry| entry.resource.as_str()).collect();
        let names = before.iter().map(|entry| entry.name.as_str());
        assert_eq!(of, names.chain([scene.parent.as_str()]).collect::<Vec<_>>());
        // Once more there is nothing left to erase.
        assert_eq!(erase(&scene, ADA).await, 0);
        let mut owner = Owner::open(&scene).await;
        owner.unbind().await;
        let all = format!(
            "SELECT CAST(COUNT(*) AS TEXT) FROM {ENTRIES} WHERE person = '{ADA}' \
             OR principal = '{ADA}' OR resource LIKE '%{ADA}%'"
        );
        assert_eq!(owner.texts(&all).await, ["0"]);
        // What is erased is held like everything else.
        let row = owner.rows(ENTRIES, "salt IS NULL").await.remove(0);
        let sql = format!("UPDATE {ENTRIES} SET principal = 'x', salt = personal_hash WHERE {row}");
        owner.run(&sql).await.unwrap();
        assert_eq!(scene.verify(&kept.note).await.findings.len(), 1);
    }

    async fn names_that_nobody_erased_are_missed(world: World) {
        let scene = Scene::open(world).await;
        let kept = filled(&scene).await;
        // That somebody else was erased is no excuse.
        let other = scene.entries("person = \"\" AND principal != \"\"").await;
        assert!(erase(&scene, &other[0].principal).await > 0);
        assert_eq!(scene.verify(&kept.note).await.findings, []);
        let mut owner = Owner::open(&scene).await;
        owner.unbind().await;
        let row = owner.rows(ENTRIES, "person IS NOT NULL").await.remove(0);
        let sql = format!(
            "UPDATE {ENTRIES} SET principal = NULL, person = NULL, salt = NULL WHERE {row}"
        );
        owner.run(&sql).await.unwrap();
        let findings = scene.verify(&kept.note).await.findings;
        assert_eq!(findings.len(), 1);
        assert!(findings[0].what.contains("no entry says"), "{findings:?}");
    }
}
