//! Keys come and go while tokens are verified, and the issuer is asked no more than it must be.

use std::time::Duration;

use futures::future::join_all;
use http::StatusCode;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::Issuers;
use super::super::algorithm::Algorithm;
use super::super::fetch::{FetchError, Fetcher};
use super::super::issuer::KeySource;
use super::super::keys::{Keys, KeysError, Pace};
use super::super::location::Location;
use super::super::rejected::Reason;
use super::forge::{Signer, parts};
use super::provider::{Answer, DISCOVERY, KEYS, Provider};
use super::scene::{NOW, fetcher, issuers, now};

/// A pace at which a test can wait for the background.
const QUICK: Pace = Pace {
    least: Duration::from_millis(20),
    retry: Duration::from_millis(20),
    ..Pace::STANDARD
};

async fn start(provider: &Provider, pace: Pace) -> Issuers {
    let text = format!(
        r#"
        [[issuers]]
        alias = "id"
        issuer = "{}"
        audiences = ["trellis"]
        algorithms = ["ES256"]
        ecosystems = ["acme"]
        "#,
        provider.url
    );
    issuers(&text, pace).await
}

fn claims(provider: &Provider) -> Value {
    json!({"iss": provider.url, "sub": "u", "aud": "trellis", "exp": NOW + 600})
}

async fn refused(issuers: &Issuers, token: &str) -> Option<Reason> {
    issuers.verify_at(token, now()).await.err()
}

/// Tokens with key ids that nobody has.
fn made_up(provider: &Provider, signer: &Signer, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| {
            let mut header = signer.header();
            header["kid"] = format!("made-up-{number}").into();
            signer.seal(&parts(&header, &claims(provider)))
        })
        .collect()
}

#[tokio::test]
async fn a_thousand_unknown_key_ids_cost_one_fetch() {
    let signer = Signer::new("a", Algorithm::Es256);
    let provider = Provider::start(&[signer.jwk()]).await;
    let issuers = start(&provider, Pace::STANDARD).await;
    assert_eq!(provider.asked(KEYS), 1);
    let tokens = made_up(&provider, &signer, 500);
    for token in &tokens {
        assert_eq!(refused(&issuers, token).await, Some(Reason::UnknownKey));
    }
    join_all(tokens.iter().map(|token| refused(&issuers, token))).await;
    assert_eq!(provider.asked(KEYS), 2);
    assert_eq!(
        refused(&issuers, &signer.token(&claims(&provider))).await,
        None
    );
}

#[tokio::test]
async fn without_the_least_time_between_them_every_unknown_key_id_would_cost_a_fetch() {
    let signer = Signer::new("a", Algorithm::Es256);
    let provider = Provider::start(&[signer.jwk()]).await;
    let pace = Pace {
        unknown: Duration::ZERO,
        ..Pace::STANDARD
    };
    let issuers = start(&provider, pace).await;
    for token in made_up(&provider, &signer, 20) {
        assert_eq!(refused(&issuers, &token).await, Some(Reason::UnknownKey));
    }
    assert_eq!(provider.asked(KEYS), 21);
}

#[tokio::test]
async fn calls_that_come_together_share_one_fetch_and_one_that_leaves_does_not_end_it() {
    let (old, new) = (
        Signer::new("old", Algorithm::Es256),
        Signer::new("new", Algorithm::Es256),
    );
    let provider = Provider::start(&[old.jwk()]).await;
    let issuers = start(&provider, Pace::STANDARD).await;
    let mut slow = Answer::keys(&[old.jwk(), new.jwk()]);
    slow.delay = Duration::from_millis(200);
    provider.answer(KEYS, slow);
    let token = new.token(&claims(&provider));
    // The first caller hangs up while the keys are being fetched for it.
    let left = tokio::time::timeout(Duration::from_millis(50), refused(&issuers, &token)).await;
    assert!(left.is_err());
    provider.until_asked(KEYS, 2).await;
    let waited = async {
        while refused(&issuers, &token).await.is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waited)
        .await
        .unwrap();
    assert!(
        join_all((0..50).map(|_| refused(&issuers, &token)))
            .await
            .iter()
            .all(Option::is_none)
    );
    assert_eq!(provider.asked(KEYS), 2);
}

#[tokio::test]
async fn a_new_key_is_found_at_once_and_an_old_one_goes_when_the_issuer_takes_it_away() {
    let (old, new) = (
        Signer::new("old", Algorithm::Es256),
        Signer::new("new", Algorithm::Es256),
    );
    let provider = Provider::start(&[old.jwk()]).await;
    let issuers = start(&provider, QUICK).await;
    let (by_old, by_new) = (old.token(&claims(&provider)), new.token(&claims(&provider)));
    assert_eq!(refused(&issuers, &by_old).await, None);
    assert_eq!(provider.asked(KEYS), 1);

    // The issuer begins to sign with a new key, and asks to be asked every 20 ms from now on.
    let mut both = Answer::keys(&[old.jwk(), new.jwk()]);
    both.headers.push(("cache-control", "max-age=0".to_owned()));
    provider.answer(KEYS, both.clone());
    assert_eq!(refused(&issuers, &by_new).await, None);
    assert_eq!(provider.asked(KEYS), 2);
    assert_eq!(refused(&issuers, &by_old).await, None);

    // It takes the old one away. Nobody shows an unknown key id, so the background must find out;
    // its first pause is still the usual one, so this issuer starts anew.
    let issuers = start(&provider, QUICK).await;
    assert_eq!(refused(&issuers, &by_old).await, None);
    both.body = Answer::keys(&[new.jwk()]).body;
    provider.answer(KEYS, both);
    let asked = provider.asked(KEYS);
    provider.until_asked(KEYS, asked + 3).await;
    assert_eq!(refused(&issuers, &by_old).await, Some(Reason::UnknownKey));
    assert_eq!(refused(&issuers, &by_new).await, None);
}

#[tokio::test]
async fn keys_outlive_an_issuer_that_fails_but_not_for_ever() {
    let signer = Signer::new("a", Algorithm::Es256);
    let mut failing = Answer::json(&json!({}));
    failing.status = StatusCode::BAD_GATEWAY;
    for (stale, expected) in [
        (Pace::STANDARD.stale, None),
        (Duration::from_millis(50), Some(Reason::NoKeys)),
    ] {
        let provider = Provider::start(&[signer.jwk()]).await;
        let mut keys = Answer::keys(&[signer.jwk()]);
        keys.headers.push(("cache-control", "max-age=0".to_owned()));
        provider.answer(KEYS, keys);
        let issuers = start(&provider, Pace { stale, ..QUICK }).await;
        provider.answer(KEYS, failing.clone());
        let asked = provider.asked(KEYS);
        provider.until_asked(KEYS, asked + 4).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let token = signer.token(&claims(&provider));
        assert_eq!(refused(&issuers, &token).await, expected);
    }
}

#[tokio::test]
async fn a_server_starts_without_its_issuer_and_finds_it_later() {
    let signer = Signer::new("a", Algorithm::Es256);
    let provider = Provider::start(&[signer.jwk()]).await;
    let mut failing = Answer::json(&json!({}));
    failing.status = StatusCode::SERVICE_UNAVAILABLE;
    provider.answer(KEYS, failing);
    let issuers = start(&provider, Pace::STANDARD).await;
    let token = signer.token(&claims(&provider));
    provider.answer(KEYS, Answer::keys(&[signer.jwk()]));
    assert_eq!(refused(&issuers, &token).await, None);
    assert_eq!(provider.asked(KEYS), 2);
}

/// The keys of an issuer, to load them.
fn keys(issuer: &str) -> std::sync::Arc<Keys> {
    let source = KeySource::Discovery(Location::discovery(issuer).unwrap());
    Keys::new("id", issuer, source, fetcher(), Pace::STANDARD)
}

#[tokio::test]
async fn a_discovery_document_counts_only_when_it_is_the_issuers_own() {
    let provider = Provider::start(&[]).await;
    let (url, evil) = (&provider.url, "https://evil.example");
    let load = async |document: Value| {
        provider.answer(DISCOVERY, Answer::json(&document));
        keys(url).load().await.err()
    };
    let jwks = format!("{url}{KEYS}");
    assert!(
        load(json!({"issuer": url, "jwks_uri": jwks}))
            .await
            .is_none()
    );
    let other = load(json!({"issuer": evil, "jwks_uri": jwks})).await;
    assert!(matches!(other, Some(KeysError::OtherIssuer)), "{other:?}");
    let slash = load(json!({"issuer": format!("{url}/"), "jwks_uri": jwks})).await;
    assert!(matches!(slash, Some(KeysError::OtherIssuer)), "{slash:?}");
    for uri in ["http://169.254.169.254/keys", "file:///etc/passwd", "/keys"] {
        let place = load(json!({"issuer": url, "jwks_uri": uri})).await;
        assert!(
            matches!(place, Some(KeysError::JwksUri(_))),
            "{uri}: {place:?}"
        );
    }
    let none = load(json!({"issuer": url})).await;
    assert!(matches!(none, Some(KeysError::Discovery)), "{none:?}");
}

#[tokio::test]
async fn a_document_is_little_and_comes_from_where_it_was_asked_for() {
    let provider = Provider::start(&[]).await;
    let location = Location::try_new(&format!("{}{KEYS}", provider.url)).unwrap();
    let get = async |answer: Answer| {
        provider.answer(KEYS, answer);
        fetcher().get(&location).await
    };
    let mut redirect = Answer::json(&json!({}));
    redirect.status = StatusCode::FOUND;
    redirect
        .headers
        .push(("location", format!("{}/elsewhere", provider.url)));
    let redirected = get(redirect).await;
    assert!(matches!(
        redirected,
        Err(FetchError::Status(_, StatusCode::FOUND))
    ));
    assert_eq!(provider.asked("/elsewhere"), 0);

    let mut large = Answer::json(&json!({}));
    large.body = vec![b' '; (256 << 10) + 1];
    assert!(matches!(get(large.clone()).await, Err(FetchError::Body(_))));
    large.body.pop();
    assert_eq!(get(large).await.unwrap().bytes.len(), 256 << 10);

    let mut slow = Answer::json(&json!({}));
    slow.delay = Duration::from_secs(60);
    assert!(matches!(get(slow).await, Err(FetchError::TooSlow(_))));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let certificate = CertificateDer::from(&include_bytes!("keys/localhost.der")[..]);
    let key = PrivatePkcs8KeyDer::from(&include_bytes!("keys/localhost.pk8")[..]);
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/keys", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut request = [0; 1024];
                assert!(stream.read(&mut request).await.unwrap() > 0);
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                stream.write_all(answer).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        }
    });
    let location = Location::try_new(&url).unwrap();
    for fetcher in [fetcher(), Fetcher::try_new().unwrap()] {
        let refused = fetcher.get(&location).await;
        assert!(
            matches!(refused, Err(FetchError::Unreachable(..))),
            "{refused:?}"
        );
    }
    // Control: with this certificate among the roots it is accepted.
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let document = Fetcher::trusting(roots)
        .unwrap()
        .get(&location)
        .await
        .unwrap();
    assert_eq!(&document.bytes[..], b"{}");
    server.abort();
}
