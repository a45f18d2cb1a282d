//! Blocks and checkpoints, of a trail that nobody has touched.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use tonic::Code;
use trellis_api::platform::v1 as pb;
use trellis_store::audit::merkle;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, create};

/// The leaf of an entry, as `docs/audit.md` says it, from what the list tells.
fn leaf(entry: &pb::AuditEntry) -> merkle::Hash {
    let time = entry.time.unwrap();
    let micros = time.seconds * 1_000_000 + i64::from(time.nanos) / 1_000;
    let micros = micros.to_string();
    let mut data = b"trellis-audit-entry/1".to_vec();
    let texts = [
        &entry.name,
        &micros,
        &entry.method,
        &entry.resource,
        &entry.code,
        &entry.reason,
        &entry.call_id,
        &entry.request_id,
        &entry.position,
    ];
    let hash = entry.personal_hash.as_slice();
    for bytes in texts.map(|text| text.as_bytes()).into_iter().chain([hash]) {
        data.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        data.extend(bytes);
    }
    merkle::leaf(&data)
}

on_both! {
    async fn a_checkpoint_signs_what_the_list_tells(world: World) {
        let scene = Scene::open(world).await;
        for id in ["nimbus", "cirrus", "stratus"] {
            scene.admin.partners().create_partner(create(&scene.parent, id)).await.unwrap();
        }
        let checkpoint = scene.sealed().await;
        let entries = scene.entries("").await;
        let mut tree = merkle::Tree::default();
        for entry in entries.iter().take(checkpoint.tree_size.try_into().unwrap()) {
            tree.push(leaf(entry));
        }
        assert_eq!(tree.root().as_slice(), checkpoint.root_hash);
        // By hand, as somebody would who knows the key.
        let (text, line) = checkpoint.note.rsplit_once("\n\n").unwrap();
        let text = format!("{text}\n");
        let root = STANDARD.encode(&checkpoint.root_hash);
        let name = "trellis/ecosystems/acme";
        assert_eq!(text, format!("{name}\n{}\n{root}\n", checkpoint.tree_size));
        let spelled = line.trim_end().rsplit(' ').next().unwrap();
        let signature = STANDARD.decode(spelled).unwrap();
        let key = checkpoint.verifier_key.strip_prefix(&format!("{name}+")).unwrap();
        let (id, key) = key.split_once('+').unwrap();
        assert_eq!(id.len(), 8);
        let key = STANDARD.decode(key).unwrap();
        let key = UnparsedPublicKey::new(&ED25519, &key[1..]);
        key.verify(text.as_bytes(), &signature[4..]).unwrap();
        // Checkpoints of before are told as they were.
        let request = pb::GetCheckpointRequest {
            name: scene.parent.clone(),
            tree_size: 1,
        };
        let first = scene.auditor.audit().get_checkpoint(request).await.unwrap().into_inner();
        assert!((1..=checkpoint.tree_size).contains(&first.tree_size));
        let request = pb::GetCheckpointRequest {
            name: scene.parent.clone(),
            tree_size: i64::MAX,
        };
        refused(
            scene.auditor.audit().get_checkpoint(request).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
        let request = pb::GetCheckpointRequest {
            name: scene.parent.clone(),
            tree_size: -1,
        };
        refused(
            scene.auditor.audit().get_checkpoint(request).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("tree_size", "int64.gte");
        // And the whole is as it was, by all of them.
        for kept in [String::new(), first.note, checkpoint.note] {
            let verdict = scene.verify(&kept).await;
            assert_eq!(verdict.findings, []);
            assert!(verdict.entry_count >= checkpoint.tree_size);
        }
        // What somebody else signed is none.
        let request = pb::VerifyAuditRequest {
            name: scene.parent.clone(),
            checkpoint: "trellis/ecosystems/acme\n1\n".to_owned(),
        };
        refused(
            scene.auditor.audit().verify_audit(request).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        );
    }

    async fn servers_seal_the_same_trail_once_while_many_write(world: World) {
        let scene = Scene::open(world).await;
        let (running, other) = scene.world.another().await;
        let mut writers = tokio::task::JoinSet::new();
        for number in 0..8 {
            let by = match number % 2 {
                0 => scene.admin.clone(),
                _ => other.clone().bearing(&scene.secret),
            };
            let parent = scene.parent.clone();
            writers.spawn(async move {
                for round in 0..12 {
                    let id = format!("p-{number}-{round}");
                    by.partners().create_partner(create(&parent, &id)).await.unwrap();
                    tokio::time::sleep(std::time::Duration::from_millis(40)).await;
                }
            });
        }
        while let Some(written) = writers.join_next().await {
            written.unwrap();
        }
        let checkpoint = scene.sealed().await;
        running.stop().await;
        let verdict = scene.verify(&checkpoint.note).await;
        assert_eq!(verdict.findings, []);
        assert!(verdict.block_count > 1, "{verdict:?}");
        let made = scene.entries("method:\"CreatePartner\"").await;
        let names: BTreeSet<_> = made.iter().map(|entry| &entry.position).collect();
        assert_eq!((made.len(), names.len()), (96, 96));
    }
}
