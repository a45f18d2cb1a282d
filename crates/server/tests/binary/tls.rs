//! TLS, as clients and whoever exchanges certificates meet it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring,
};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};
use trellis_api::options::v1::Role;
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::access_service_client::AccessServiceClient;
use trellis_api::platform::v1::ecosystem_service_client::EcosystemServiceClient;

use crate::binary::{Serving, run, trellis};

const LONG: Duration = Duration::from_secs(20);

/// An authority that issues certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
struct Issued {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> Issued {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let made = params.signed_by(&key, &self.0).unwrap();
        Issued {
            certificate: made.der().clone(),
            pem: made.pem(),
            key,
        }
    }
}

/// A folder with the files of a server.
struct Files(tempfile::TempDir);

impl Files {
    fn new(server: &Issued) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.put(server);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a file there at once, as whoever exchanges certificates should.
    fn write(&self, name: &str, content: &str) {
        let new = self.path("new");
        std::fs::write(&new, content).unwrap();
        std::fs::rename(new, self.path(name)).unwrap();
    }

    fn put(&self, server: &Issued) {
        self.write("server.key", &server.key.serialize_pem());
        self.write("server.pem", &server.pem);
    }

    fn trust(&self, authority: &Authority) {
        self.write("clients.pem", &authority.0.pem());
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn serve(&self, more: &[&str]) -> Serving {
        let files = [
            "--tls-certificate-file",
            "server.pem",
            "--tls-key-file",
            "server.key",
        ];
        Serving::start(self.folder(), &[&files[..], more].concat())
    }
}

/// Connects, and answers the server's certificate once the server has spoken HTTP/2.
fn connect(
    address: SocketAddr,
    trusted: &Authority,
    own: Option<&Issued>,
) -> Result<CertificateDer<'static>, String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.0.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        None => config.with_no_client_auth(),
        Some(own) => {
            let key = PrivateKeyDer::try_from(own.key.serialize_der()).unwrap();
            config
                .with_client_auth_cert(vec![own.certificate.clone()], key)
                .unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = "trellis.example".try_into().unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let mut stream = StreamOwned::new(client, socket);
    let hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(hello).map_err(|error| error.to_string())?;
    let mut head = [0; 9];
    stream
        .read_exact(&mut head)
        .map_err(|error| error.to_string())?;
    assert_eq!(head[3], 4, "the server's first frame is SETTINGS");
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
    Ok(stream.conn.peer_certificates().unwrap()[0]
        .clone()
        .into_owned())
}

/// Waits until new connections get a certificate.
fn becomes(address: SocketAddr, trusted: &Authority, expected: &Issued) -> bool {
    let began = Instant::now();
    while began.elapsed() < LONG {
        if connect(address, trusted, None).as_ref() == Ok(&expected.certificate) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn a_new_certificate_is_taken_and_a_broken_one_is_not() {
    let authority = Authority::new();
    let (first, second) = (
        authority.issue("trellis.example"),
        authority.issue("trellis.example"),
    );
    let files = Files::new(&first);
    let serving = files.serve(&["--tls-reload-interval", "50ms"]);
    assert_eq!(
        connect(serving.address, &authority, None).as_ref(),
        Ok(&first.certificate)
    );
    files.put(&second);
    assert!(becomes(serving.address, &authority, &second));
    // Half a certificate; then a key that is of another one.
    files.write("server.pem", "-----BEGIN CERTIFICATE-----\nMII");
    std::thread::sleep(Duration::from_millis(300));
    files.write("server.pem", &first.pem);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(
        connect(serving.address, &authority, None).as_ref(),
        Ok(&second.certificate)
    );
    files.write("server.key", &first.key.serialize_pem());
    assert!(becomes(serving.address, &authority, &first));
    serving.signal("-TERM");
    let (_, told) = serving.ended(LONG);
    let times = |what| {
        let loud = |line: &&str| line.contains("ERROR") && line.contains("the old one stays");
        let lines = told.lines().filter(loud);
        lines.filter(|line| line.contains(what)).count()
    };
    // Each broken content is told once, not at every look. The two files are exchanged one after
    // the other, so that they may not have fitted for a moment.
    assert_eq!(times("holds no certificate"), 1, "{told}");
    assert!((1..=2).contains(&times("with its key")), "{told}");
}

#[test]
fn a_hangup_has_the_files_looked_at_at_once() {
    let authority = Authority::new();
    let (first, second) = (
        authority.issue("trellis.example"),
        authority.issue("trellis.example"),
    );
    let files = Files::new(&first);
    let serving = files.serve(&["--tls-reload-interval", "1h"]);
    assert!(becomes(serving.address, &authority, &first));
    files.put(&second);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(
        connect(serving.address, &authority, None).as_ref(),
        Ok(&first.certificate)
    );
    serving.signal("-HUP");
    assert!(becomes(serving.address, &authority, &second));
}

#[test]
fn a_client_shows_a_good_certificate_or_none_unless_it_must() {
    let (authority, other) = (Authority::new(), Authority::new());
    let files = Files::new(&authority.issue("trellis.example"));
    files.trust(&authority);
    let (good, bad) = (
        authority.issue("crm.acme.example"),
        other.issue("crm.acme.example"),
    );
    for (required, without) in [("optional", true), ("required", false)] {
        let serving = files.serve(&[
            "--client-ca-file",
            "clients.pem",
            "--client-certificates",
            required,
        ]);
        let address = serving.address;
        let connects = |own| connect(address, &authority, own);
        assert!(connects(Some(&good)).is_ok(), "{required}");
        assert!(connects(Some(&bad)).is_err(), "{required}");
        assert_eq!(connects(None).is_ok(), without, "{required}");
        // A client that trusts somebody else leaves.
        assert!(connect(address, &other, Some(&good)).is_err());
    }
}

#[test]
fn a_server_that_speaks_tls_speaks_nothing_else() {
    let authority = Authority::new();
    let files = Files::new(&authority.issue("trellis.example"));
    let serving = files.serve(&["--tls-handshake-timeout", "200ms"]);
    for said in [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], b"", b"\x16\x03"] {
        let mut plain = TcpStream::connect(serving.address).unwrap();
        plain.set_read_timeout(Some(LONG)).unwrap();
        plain.write_all(said).unwrap();
        let began = Instant::now();
        let mut answer = Vec::new();
        // A reset is an end too.
        let _ended = plain.read_to_end(&mut answer);
        assert!(began.elapsed() < Duration::from_secs(5), "{said:?}");
        // Nothing, or an alert.
        assert!(matches!(answer.first(), None | Some(0x15)), "{answer:?}");
    }
}

#[test]
fn files_that_cannot_be_used_keep_it_from_starting_and_are_told() {
    let authority = Authority::new();
    let files = Files::new(&authority.issue("trellis.example"));
    let other = authority.issue("trellis.example");
    files.write("other.key", &other.key.serialize_pem());
    for (certificate, key, told) in [
        ("absent.pem", "server.key", "absent.pem cannot be read"),
        (
            "server.key",
            "server.key",
            "server.key holds no certificate",
        ),
        (
            "server.pem",
            "server.pem",
            "server.pem holds no private key",
        ),
        ("server.pem", "other.key", "cannot be used with its key"),
    ] {
        let mut command = trellis(
            files.folder(),
            &[
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--tls-certificate-file",
                certificate,
                "--tls-key-file",
                key,
            ],
        );
        let (code, _, error) = run(&mut command);
        assert_eq!(code, 1, "{error}");
        assert!(error.contains(told), "{error}");
    }
    assert!(!files.path("trellis.db").exists());
}

#[test]
fn a_demonstration_over_tls_is_refused_with_what_to_do() {
    let authority = Authority::new();
    let files = Files::new(&authority.issue("trellis.example"));
    let mut command = trellis(
        files.folder(),
        &[
            "demo",
            "--exit",
            "--tls-certificate-file",
            "server.pem",
            "--tls-key-file",
            "server.key",
        ],
    );
    let (code, _, told) = run(&mut command);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("in the clear; leave it out"), "{told}");
}

/// A connection that trusts a server, and may show a certificate.
async fn channel(address: SocketAddr, trusted: &Authority, own: Option<&Issued>) -> Channel {
    let mut tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(trusted.0.pem()))
        .domain_name("trellis.example");
    if let Some(own) = own {
        tls = tls.identity(Identity::from_pem(&own.pem, own.key.serialize_pem()));
    }
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
    endpoint.tls_config(tls).unwrap().connect().await.unwrap()
}

fn bearing<T>(secret: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let credential = format!("Bearer {secret}").parse().unwrap();
    request.metadata_mut().insert("authorization", credential);
    request
}

async fn who_am_i(channel: Channel) -> Result<pb::WhoAmIResponse, Status> {
    let mut client = AccessServiceClient::new(channel);
    Ok(client.who_am_i(pb::WhoAmIRequest {}).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_is_a_credential_where_the_settings_say_so() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let server = servers.issue("trellis.example");
    let files = Files::new(&server);
    files.trust(&clients);
    let crm = clients.issue("crm.acme.example");
    let open = ["--client-ca-file", "clients.pem"];
    let serving = files.serve(&open);
    // Until then it stands for nobody: whoever calls is believed.
    let mine = channel(serving.address, &servers, Some(&crm)).await;
    assert!(who_am_i(mine).await.unwrap().unlimited);
    drop(serving);

    let named = [&open[..], &["--client-ca-ecosystems", "acme,globex"]].concat();
    let serving = files.serve(&named);
    let mine = channel(serving.address, &servers, Some(&crm)).await;
    let who = who_am_i(mine.clone()).await.unwrap();
    assert_eq!(who.principal, "certificate:crm.acme.example");
    let roles = |who: &pb::WhoAmIResponse| -> Vec<(String, usize)> {
        let all = who.memberships.iter();
        all.map(|one| (one.ecosystem.clone(), one.roles.len()))
            .collect()
    };
    let of = |acme| {
        [
            ("ecosystems/acme".to_owned(), acme),
            ("ecosystems/globex".to_owned(), 0),
        ]
    };
    assert_eq!(roles(&who), of(0));

    // What is granted to its name it has.
    let arguments = [
        "keys",
        "create",
        "--ecosystem",
        "acme",
        "--role",
        "ecosystem_admin",
    ];
    let (_, secret, _) = run(&mut trellis(files.folder(), &arguments));
    let plain = channel(serving.address, &servers, None).await;
    let create = pb::CreateEcosystemRequest {
        ecosystem_id: "acme".to_owned(),
        ecosystem: Some(pb::Ecosystem {
            display_name: "Acme".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut ecosystems = EcosystemServiceClient::new(plain.clone());
    ecosystems
        .create_ecosystem(bearing(secret.trim(), create))
        .await
        .unwrap();
    let grant = pb::CreateRoleGrantRequest {
        parent: "ecosystems/acme".to_owned(),
        role_grant: Some(pb::RoleGrant {
            principal: who.principal,
            role: Role::Auditor.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut access = AccessServiceClient::new(plain.clone());
    access
        .create_role_grant(bearing(secret.trim(), grant))
        .await
        .unwrap();
    assert_eq!(roles(&who_am_i(mine.clone()).await.unwrap()), of(1));

    // Nobody is let in without one, nor by one beside a key that is none.
    let refused = who_am_i(plain).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let mut client = AccessServiceClient::new(mine);
    let wrong = bearing("trellis_acme_x_y", pb::WhoAmIRequest {});
    let refused = client.who_am_i(wrong).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[test]
fn certificates_count_nowhere_without_an_authority() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["serve", "--client-ca-ecosystems", "acme"];
    let (code, _, told) = run(&mut trellis(folder.path(), &arguments));
    assert_eq!(code, 2);
    assert!(told.contains("is given without client-ca-file"), "{told}");
}
