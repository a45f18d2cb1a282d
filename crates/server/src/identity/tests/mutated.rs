//! No change of a token is accepted.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use super::super::algorithm::{Algorithm, PublicKey};
use super::super::rejected::Reason;
use super::super::token::Token;
use super::forge::Signer;
use super::scene::{Scene, now};

/// What becomes of a token at an issuer that takes its keys from memory.
fn verify(runtime: &Runtime, scene: &Scene, token: &[u8]) -> Result<(), Reason> {
    // What is not text never gets here: gRPC metadata is.
    let Ok(token) = std::str::from_utf8(token) else {
        return Err(Reason::NotCompact);
    };
    let verified = runtime.block_on(scene.issuers.verify_at(token, now()));
    verified.map(drop)
}

fn scene() -> (Runtime, Scene) {
    let runtime = Runtime::new().unwrap();
    let scene = runtime.block_on(Scene::new());
    (runtime, scene)
}

#[test]
fn no_single_bit_of_a_token_can_be_flipped() {
    let (runtime, scene) = scene();
    let tokens = [
        scene.ec.token(&scene.claims()),
        scene.rsa.token(&scene.claims()),
        scene.pss.token(&scene.claims()),
        scene.ed.token(&scene.other_claims()),
        scene.p384.token(&scene.other_claims()),
    ];
    for token in tokens {
        assert!(runtime.block_on(scene.verify(&token)).is_ok());
        for bit in 0..token.len() * 8 {
            let mut flipped = token.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(flipped) = String::from_utf8(flipped) {
                let verified = runtime.block_on(scene.verify(&flipped));
                assert!(verified.is_err(), "bit {bit} of {token}");
            }
        }
    }
}

#[test]
fn no_change_of_a_token_is_accepted() {
    let (runtime, scene) = scene();
    let token = scene.ec.token(&scene.claims()).into_bytes();
    assert_eq!(verify(&runtime, &scene, &token), Ok(()));
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4);
    let mut runner = TestRunner::new(Config::with_cases(512));
    let outcome = runner.run(&changes, |changes| {
        let mut changed = token.clone();
        for (place, byte, how) in changes {
            let at = place.index(changed.len());
            match how {
                0 => changed[at] = byte,
                1 => changed.insert(at, byte),
                _ => drop(changed.remove(at)),
            }
        }
        if changed != token {
            prop_assert!(verify(&runtime, &scene, &changed).is_err());
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn no_text_makes_the_reader_of_tokens_panic() {
    let mut runner = TestRunner::new(Config::with_cases(2048));
    let outcome = runner.run(&("\\PC*", "[A-Za-z0-9_.-]{0,200}"), |(any, near)| {
        for text in [any, near] {
            if let Ok(token) = Token::try_new(&text) {
                // What was read is the only way to write it.
                prop_assert_eq!(text.split('.').count(), 3);
                prop_assert!(token.signed.len() < text.len());
            }
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_key_verifies_its_own_algorithm_only() {
    let message = b"message";
    for signer in Algorithm::ALL.map(|algorithm| Signer::new("k", algorithm)) {
        let set = serde_json::json!({"keys": [signer.jwk()]}).to_string();
        let set = super::super::jwk::KeySet::try_new(set.as_bytes()).unwrap();
        let key: &PublicKey = set.find(Some("k"), signer.algorithm).unwrap();
        let signature = signer.sign(message);
        for algorithm in Algorithm::ALL {
            let same = algorithm == signer.algorithm;
            assert_eq!(key.verifies(algorithm, message, &signature), same);
        }
    }
}
