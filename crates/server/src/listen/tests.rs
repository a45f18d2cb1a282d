//! What the layers get to know of whoever is at the other end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;

use http::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::body::Body;

use super::*;
use crate::peer::PeerCertificate;
use crate::settings::Sources;

/// An authority, and a client's configuration that trusts it.
struct Trust {
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Trust {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { authority }
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        (params.signed_by(&key, &self.authority).unwrap(), key)
    }

    fn client(&self, own: Option<(rcgen::Certificate, KeyPair)>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match own {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                let chain = vec![certificate.der().clone()];
                config.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }

    /// The settings of a server that shows a certificate of ours and asks for one of ours.
    fn settings(&self, folder: &Path) -> Settings {
        let (certificate, key) = self.issue("trellis.example");
        let put = |name: &str, text: String| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let flags = vec![
            ("tls-certificate-file", put("server.pem", certificate.pem())),
            ("tls-key-file", put("server.key", key.serialize_pem())),
            ("client-ca-file", put("clients.pem", self.authority.pem())),
        ];
        let sources = Sources {
            flags,
            ..Sources::default()
        };
        sources.load().unwrap().settings
    }
}

/// Answers each request with what is known of its peer.
async fn echo(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let certificate = request.extensions().get::<Arc<PeerCertificate>>();
    let known = certificate.map_or_else(
        || "nobody".to_owned(),
        |known| {
            format!(
                "{} {:?} {}",
                known.common_name.as_deref().unwrap(),
                known.dns_names,
                known.chain.len()
            )
        },
    );
    let response = Response::builder().header("peer", known);
    Ok(response.body(Body::empty()).unwrap())
}

async fn ask(address: SocketAddr, client: ClientConfig) -> String {
    let socket = TcpStream::connect(address).await.unwrap();
    let name = "trellis.example".try_into().unwrap();
    let socket = TlsConnector::from(Arc::new(client))
        .connect(name, socket)
        .await
        .unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let request = Request::post("https://trellis.example/x").body(Body::empty());
    let response = sender.send_request(request.unwrap()).await.unwrap();
    response.headers()["peer"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_request_carries_the_certificate_that_the_handshake_proved() {
    let folder = tempfile::tempdir().unwrap();
    let trust = Trust::new();
    let settings = trust.settings(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let tls = Tls::try_new(&settings).unwrap();
    let meter = opentelemetry::global::meter("tests");
    let acceptor = Acceptor::new(&settings, tls, None, &meter);
    let serving = tokio::spawn(acceptor.run(listener, tower::service_fn(echo), stop.clone()));
    let own = trust.issue("crm.acme.example");
    assert_eq!(
        ask(address, trust.client(Some(own))).await,
        "crm.acme.example [\"crm.acme.example\"] 1"
    );
    assert_eq!(ask(address, trust.client(None)).await, "nobody");
    stop.cancel();
    assert_eq!(serving.await.unwrap(), Drained::Whole);
}
