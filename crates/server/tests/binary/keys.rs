//! `trellis keys`, and what a key changes.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};
use trellis_api::platform::v1::access_service_client::AccessServiceClient;
use trellis_api::platform::v1::{WhoAmIRequest, WhoAmIResponse};

use crate::binary::{Serving, run, trellis};

/// Makes a key, and answers its secret.
fn made(folder: &Path, more: &[&str]) -> String {
    let arguments = ["keys", "create", "--ecosystem", "acme", "--role"];
    let (code, secret, told) = run(&mut trellis(folder, &[&arguments[..], more].concat()));
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("is told this once"), "{told}");
    let secret = secret.trim_end();
    assert!(secret.starts_with("trellis_acme_") && !secret.contains(char::is_whitespace));
    assert!(!told.contains(secret), "the log has the secret: {told}");
    secret.to_owned()
}

async fn who_am_i(address: SocketAddr, secret: Option<&str>) -> Result<WhoAmIResponse, Status> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut client = AccessServiceClient::new(endpoint.connect().await.unwrap());
    let mut request = Request::new(WhoAmIRequest {});
    if let Some(secret) = secret {
        let credential = format!("Bearer {secret}").parse().unwrap();
        request.metadata_mut().insert("authorization", credential);
    }
    Ok(client.who_am_i(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_asks_from_the_first_key_on_even_one_that_runs_already() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    assert!(who_am_i(serving.address, None).await.unwrap().unlimited);
    let secret = made(
        folder.path(),
        &["ecosystem_admin", "--person", "ada@acme.example"],
    );
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let refused = who_am_i(serving.address, None).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let who = who_am_i(serving.address, Some(&secret)).await.unwrap();
    assert_eq!(who.person, "ada@acme.example");
    assert_eq!(who.memberships[0].ecosystem, "ecosystems/acme");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_key_the_server_listens_for_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let secret = made(folder.path(), &["auditor"]);
    let serving = Serving::on(folder.path(), "0.0.0.0:0", &[]);
    let address = SocketAddr::from(([127, 0, 0, 1], serving.address.port()));
    let refused = who_am_i(address, None).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    who_am_i(address, Some(&secret)).await.unwrap();
}

#[test]
fn a_key_is_told_to_programs_too() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "keys",
        "create",
        "--ecosystem",
        "acme",
        "--role",
        "partner_rep",
        "--partner",
        "nimbus",
        "--format",
        "json",
    ];
    let (code, told, _) = run(&mut trellis(folder.path(), &arguments));
    assert_eq!(code, 0);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let name = told["name"].as_str().unwrap();
    assert!(name.starts_with("ecosystems/acme/apiKeys/"), "{told}");
    assert_eq!(told["role"], "partner_rep");
    assert!(
        told["secret"]
            .as_str()
            .unwrap()
            .starts_with("trellis_acme_")
    );
}

#[test]
fn what_is_wrong_with_a_key_is_told_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (
            &["--ecosystem", "acme", "--role", "root"][..],
            "must be one of ecosystem_admin",
        ),
        (
            &["--ecosystem", "ACME", "--role", "auditor"],
            "invalid value 'ACME'",
        ),
        (
            &["--ecosystem", "acme", "--role", "partner_rep"],
            "--partner <ID>",
        ),
        (&["--ecosystem", "acme"], "--role <ROLE>"),
    ] {
        let arguments = [&["keys", "create"], arguments].concat();
        let (code, out, told) = run(&mut trellis(folder.path(), &arguments));
        assert_eq!((code, out.as_str()), (2, ""), "{told}");
        assert!(told.contains(expected), "{told}");
    }
    let arguments = [
        "keys",
        "create",
        "--ecosystem",
        "acme",
        "--role",
        "auditor",
        "--partner",
        "nimbus",
    ];
    let (code, out, told) = run(&mut trellis(folder.path(), &arguments));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        told.contains("--partner: is for roles of a partner"),
        "{told}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
