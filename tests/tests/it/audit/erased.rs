//! Names are erased, and the proof holds.

use tonic::Code;
use trellis_api::partner::v1::GetPartnerRequest;
use trellis_api::platform::v1 as pb;
use trellis_core::Role;
use trellis_tests::{on_both, refused};

use super::owner::{ENTRIES, Owner};
use super::scene::{ADA, CREATE, Scene, create};
use super::tampered::filled;

pub(super) fn erasure(scene: &Scene, principal: &str) -> pb::ErasePersonalDataRequest {
    pb::ErasePersonalDataRequest {
        name: scene.parent.clone(),
        principal: principal.to_owned(),
        ..pb::ErasePersonalDataRequest::default()
    }
}

async fn erase(scene: &Scene, principal: &str) -> i64 {
    let request = erasure(scene, principal);
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

    async fn whoever_erases_their_own_name_is_named_by_that_alone(world: World) {
        let scene = Scene::open(world).await;
        filled(&scene).await;
        let created = scene.entries("method:\"CreateApiKey\"").await;
        let own = created[0].principal.clone();
        let named = format!("principal = \"{own}\"");
        let before = scene.entries(&named).await;
        let rehearsed = pb::ErasePersonalDataRequest {
            validate_only: true,
            ..erasure(&scene, &own)
        };
        let told = scene.admin.audit().erase_personal_data(rehearsed).await;
        let count = i64::try_from(before.len()).unwrap();
        assert_eq!(told.unwrap().into_inner().erased_count, count);
        assert_eq!(scene.entries(&named).await, before);
        assert_eq!(erase(&scene, &own).await, count);
        let after = scene.entries(&named).await;
        assert_eq!(after.len(), before.len() + 1);
        assert!(after.iter().all(|entry| entry.method.ends_with("/ErasePersonalData")));
    }

    async fn two_who_erase_a_name_at_once_erase_it_once(world: World) {
        let scene = Scene::open(world).await;
        let kept = filled(&scene).await;
        let before = scene.entries(&format!("person = \"{ADA}\"")).await;
        let (one, another) = tokio::join!(erase(&scene, ADA), erase(&scene, ADA));
        assert_eq!(one + another, i64::try_from(before.len()).unwrap());
        assert!(scene.entries(&format!("person = \"{ADA}\"")).await.is_empty());
        let erases = scene.entries("method:\"ErasePersonalData\"").await;
        let mut of: Vec<_> = erases.into_iter().map(|entry| entry.resource).collect();
        of.retain(|resource| *resource != scene.parent);
        of.sort_unstable();
        let mut names: Vec<_> = before.into_iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        assert_eq!(of, names);
        assert_eq!(scene.verify(&kept.note).await.findings, []);
    }

    async fn a_name_is_erased_in_one_ecosystem(world: World) {
        let parent = world.ecosystem("globex").await;
        let scene = Scene::open(world).await;
        filled(&scene).await;
        let admin = scene.world.first("globex", Role::EcosystemAdmin).await;
        let ada = scene.ada(&admin, &parent).await;
        ada.partners().create_partner(create(&parent, "p-1")).await.unwrap();
        assert!(erase(&scene, ADA).await > 0);
        scene.world.readable().await;
        let list = pb::ListAuditEntriesRequest {
            parent,
            filter: format!("person = \"{ADA}\""),
            ..pb::ListAuditEntriesRequest::default()
        };
        let left = admin.audit().list_audit_entries(list).await.unwrap().into_inner();
        let methods: Vec<_> = left.audit_entries.into_iter().map(|entry| entry.method).collect();
        assert_eq!(methods, [CREATE]);
    }

    async fn a_request_that_was_done_erases_nothing_more(world: World) {
        let scene = Scene::open(world).await;
        filled(&scene).await;
        let hers = pb::ErasePersonalDataRequest {
            request_id: "7d1c2f6e-3f0b-4a53-9d2a-0b1f5a3c9e01".to_owned(),
            ..erasure(&scene, ADA)
        };
        let erase = async |request| scene.admin.audit().erase_personal_data(request).await;
        let done = erase(hers.clone()).await.unwrap().into_inner();
        assert!(done.erased_count > 0);
        let named = format!("person = \"{ADA}\"");
        let key = scene.ada(&scene.admin, &scene.parent).await;
        key.partners().create_partner(create(&scene.parent, "p-9")).await.unwrap();
        assert_eq!(erase(hers.clone()).await.unwrap().into_inner(), done);
        assert_eq!(scene.entries(&named).await.len(), 1);
        // Nor does one that is refused because its id is another's.
        let others = scene.entries("person = \"\" AND principal != \"\"").await;
        let another = pb::ErasePersonalDataRequest {
            principal: others[0].principal.clone(),
            ..hers
        };
        refused(erase(another).await, Code::InvalidArgument, "REQUEST_ID_REUSED");
        let left = scene.entries("person = \"\" AND principal != \"\"").await;
        assert!(left.contains(&others[0]));
    }

    async fn answers_that_name_somebody_are_kept_no_longer(world: World) {
        let scene = Scene::open(world).await;
        let kim = "kim@customer.example";
        let named = |id: &str, display_name: &str, request_id: &str| {
            let mut request = create(&scene.parent, id);
            request.partner.as_mut().unwrap().display_name = display_name.to_owned();
            request.request_id = request_id.to_owned();
            request
        };
        let hers = named("p-1", &format!("Nimbus ({kim})"), "7d1c2f6e-3f0b-4a53-9d2a-0b1f5a3c9e01");
        let another = named("p-2", "Nimbus", "7d1c2f6e-3f0b-4a53-9d2a-0b1f5a3c9e02");
        let mut partners = scene.admin.partners();
        let mut answers = Vec::new();
        for request in [&hers, &another] {
            let made = partners.create_partner(request.clone()).await.unwrap().into_inner();
            let again = partners.create_partner(request.clone()).await.unwrap().into_inner();
            assert_eq!(again, made);
            answers.push(made);
        }
        erase(&scene, kim).await;
        let again = partners.create_partner(hers.clone()).await;
        refused(again, Code::FailedPrecondition, "REQUEST_ANSWER_ERASED");
        // The id is as used as it was.
        let other = named("p-3", "Nimbus", &hers.request_id);
        let reused = partners.create_partner(other).await;
        refused(reused, Code::InvalidArgument, "REQUEST_ID_REUSED");
        let again = partners.create_partner(another).await.unwrap().into_inner();
        assert_eq!(again, answers[1]);
        // What there is has to be changed by hand.
        let request = GetPartnerRequest {
            name: answers[0].name.clone(),
        };
        assert_eq!(partners.get_partner(request).await.unwrap().into_inner(), answers[0]);
    }
}
