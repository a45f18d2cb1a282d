//! Secrets that are none, all refused alike.

use std::collections::BTreeSet;

use tonic::{Code, Status};
use trellis_api::options::v1::Role as WireRole;
use trellis_tests::{Caller, on_both};

use super::scene::{Made, Scene, key};

/// What a secret can be made into that is none: its parts changed, left out, doubled, or another's.
fn forged(good: &Made, others: &Made) -> BTreeSet<String> {
    let secret = &good.secret;
    let parts: Vec<&str> = secret.splitn(4, '_').collect();
    let [prefix, ecosystem, id, random] = parts[..] else {
        panic!("{secret}")
    };
    let joined =
        |ecosystem: &str, id: &str, random: &str| format!("{prefix}_{ecosystem}_{id}_{random}");
    let (other_id, other_random) = {
        let mut rest = others.secret.splitn(4, '_').skip(2);
        (rest.next().unwrap(), rest.next().unwrap())
    };
    let mut all: BTreeSet<String> = [
        joined("globex", id, random),
        joined("acme2", id, random),
        joined("ACME", id, random),
        joined("", id, random),
        joined(ecosystem, other_id, random),
        joined(ecosystem, id, other_random),
        joined(ecosystem, "", random),
        joined(ecosystem, "00000000-0000-0000-0000-000000000000", random),
        joined(ecosystem, &id.to_uppercase(), random),
        joined(ecosystem, &id.replace('-', ""), random),
        joined(ecosystem, "*", random),
        joined(ecosystem, "' OR 1=1 --", random),
        joined(ecosystem, id, ""),
        joined(ecosystem, id, "*"),
        joined(ecosystem, id, &random.to_uppercase()),
        joined(ecosystem, id, &random.to_lowercase()),
        joined(ecosystem, id, &format!("{random}=")),
        joined(ecosystem, id, &format!("{random}A")),
        joined(ecosystem, id, &format!("{random}_{random}")),
        joined(ecosystem, id, &random.chars().rev().collect::<String>()),
        joined(ecosystem, id, &good.key.secret_prefix),
        joined(ecosystem, id, &"A".repeat(43)),
        joined(ecosystem, id, &"A".repeat(16_000 / 8)),
        "trellis_".to_owned(),
        "trellis_acme".to_owned(),
        format!("trellis_acme_{id}"),
        format!("trellis_{id}_acme_{random}"),
        format!("trellis_{random}"),
        format!("trellis-acme-{id}-{random}"),
        format!("Trellis_acme_{id}_{random}"),
        format!("{secret} "),
        format!("{secret}\t"),
        format!("{secret},{secret}"),
        format!("{secret} {secret}"),
        format!("Bearer {secret}"),
        good.key.name.clone(),
        good.key.principal.clone(),
        random.to_owned(),
        String::new(),
    ]
    .into();
    // One letter wrong, at every place of the random part.
    for at in 0..random.len() {
        let mut wrong: Vec<u8> = random.bytes().collect();
        wrong[at] = if wrong[at] == b'x' { b'y' } else { b'x' };
        all.insert(joined(ecosystem, id, &String::from_utf8(wrong).unwrap()));
        all.insert(joined(ecosystem, id, &random[..at]));
    }
    // The last letter holds two bits that the secret has not; another spelling of the same bits is
    // another secret.
    all.remove(secret);
    all
}

fn said(status: &Status) -> (Code, String, Vec<u8>) {
    (
        status.code(),
        status.message().to_owned(),
        status.details().to_vec(),
    )
}

on_both! {
    async fn whatever_is_no_secret_is_refused_in_one_and_the_same_way(world: World) {
        let scene = Scene::open(world).await;
        let good = scene.made(&scene.admin, key(&[WireRole::Auditor])).await;
        let others = scene.made(&scene.admin, key(&[WireRole::Service])).await;
        let revoked = scene.made(&scene.admin, key(&[WireRole::Auditor])).await;
        scene.revoke(&scene.admin, &revoked.key.name).await;
        let mut all = forged(&good, &others);
        all.insert(revoked.secret);
        assert!(all.len() >= 60, "{}", all.len());

        let nothing = scene.list(&Caller::new(scene.channel())).await.unwrap_err();
        let expected = said(&nothing);
        assert_eq!(expected.0, Code::Unauthenticated);
        for secret in all {
            let refused = scene.list(&scene.bearing(&secret)).await.unwrap_err();
            assert_eq!(said(&refused), expected, "{secret}");
        }
        // The control.
        scene.list(&scene.bearing(&good.secret)).await.unwrap();
    }
}
