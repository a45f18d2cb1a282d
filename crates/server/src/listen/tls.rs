//! TLS with certificates that can be exchanged while the server runs.
//!
//! The files are looked at every few seconds, and at once on SIGHUP. They are compared by content,
//! so that whatever puts them there (a rename, a symbolic link, a mounted secret) is noticed. New
//! connections get the new certificate; those that stand keep theirs until their age ends them.
//! Files that cannot be used change nothing and are told loudly: a server that refused everybody
//! because half a certificate was written would be worse than one whose certificate is a day old.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig, crypto};
use tokio_util::sync::CancellationToken;

use crate::settings::{ClientCertificates, Settings};

/// The files of TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{} holds no {what} in PEM: {source}", path.display())]
    Pem {
        /// Its path.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The certificate and the key are of no use together.
    #[error("{} cannot be used with its key: {source}", path.display())]
    Certificate {
        /// The certificate's path.
        path: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
    /// Nobody can be verified by these authorities.
    #[error("{} cannot verify clients: {source}", path.display())]
    Authorities {
        /// Their path.
        path: PathBuf,
        /// Why not.
        source: VerifierBuilderError,
    },
    /// The library does not offer what we ask it for.
    #[error("this build is broken: it offers no version of TLS")]
    Library(#[from] rustls::Error),
}

/// The files of TLS, and what was last made of them.
pub(crate) struct Tls {
    files: Files,
    current: ArcSwap<ServerConfig>,
    /// The content that was looked at last, good or bad.
    looked_at: Mutex<[u8; 32]>,
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
    authorities: Option<PathBuf>,
    clients: ClientCertificates,
    http1: bool,
}

/// What was in the files at one time.
struct Content {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authorities: Option<Vec<u8>>,
}

impl Tls {
    /// Reads the files that the settings name; nothing when they name none.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn try_new(settings: &Settings) -> Result<Option<Arc<Self>>, Error> {
        let (Some(certificate), Some(key)) = (
            settings.tls_certificate_file.path(),
            settings.tls_key_file.path(),
        ) else {
            return Ok(None);
        };
        let files = Files {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            authorities: settings.client_ca_file.path().map(ToOwned::to_owned),
            clients: settings.client_certificates,
            http1: settings.grpc_web,
        };
        let content = files.read()?;
        let current = ArcSwap::from(files.config(&content)?);
        Ok(Some(Arc::new(Self {
            files,
            current,
            looked_at: Mutex::new(content.digest()),
        })))
    }

    /// What greets the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.current.load_full().into()
    }

    /// Looks at the files again and takes what has changed.
    fn reload(&self) {
        let path = self.files.certificate.display();
        let content = match self.files.read() {
            Ok(content) => content,
            Err(error) => {
                tracing::error!(%error, "the certificate cannot be looked at; the old one stays");
                return;
            }
        };
        let digest = content.digest();
        let mut looked_at = self
            .looked_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *looked_at, digest) == digest {
            return;
        }
        match self.files.config(&content) {
            Ok(config) => {
                self.current.store(config);
                tracing::info!(%path, "the new certificate is taken");
            }
            Err(error) => {
                tracing::error!(%error, "the new certificate cannot be used; the old one stays");
            }
        }
    }

    /// Looks at the files again and again, and on SIGHUP, until the server stops. From here on
    /// SIGHUP does not end the process.
    pub(crate) fn watch(self: Arc<Self>, settings: &Settings, stop: CancellationToken) {
        let hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => Some(hangup),
            Err(error) => {
                tracing::warn!(%error, "SIGHUP cannot be waited for");
                None
            }
        };
        tokio::spawn(self.look_again(hangup, settings.tls_reload_interval, stop));
    }

    async fn look_again(
        self: Arc<Self>,
        mut hangup: Option<Signal>,
        time: Duration,
        stop: CancellationToken,
    ) {
        // They were looked at when the server began.
        let mut again = tokio::time::interval_at(tokio::time::Instant::now() + time, time);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let hung_up = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                _ = again.tick() => {}
                _ = hung_up => tracing::info!("SIGHUP: looking at the certificate"),
            }
            let this = self.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || this.reload()).await {
                tracing::error!(%error, "looking at the certificate failed");
            }
        }
    }
}

impl Files {
    fn read(&self) -> Result<Content, Error> {
        Ok(Content {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
            authorities: self.authorities.as_deref().map(read).transpose()?,
        })
    }

    fn config(&self, content: &Content) -> Result<Arc<ServerConfig>, Error> {
        let provider = Arc::new(crypto::ring::default_provider());
        let chain = certificates(&self.certificate, &content.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&content.key).map_err(|source| Error::Pem {
            path: self.key.clone(),
            what: "private key",
            source,
        })?;
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let builder = match (&self.authorities, &content.authorities) {
            (Some(path), Some(content)) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(path, content)? {
                    roots.add(authority)?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = match self.clients {
                    ClientCertificates::Optional => verifier.allow_unauthenticated(),
                    ClientCertificates::Required => verifier,
                };
                let verifier = verifier.build().map_err(|source| Error::Authorities {
                    path: path.clone(),
                    source,
                })?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config =
            builder
                .with_single_cert(chain, key)
                .map_err(|source| Error::Certificate {
                    path: self.certificate.clone(),
                    source,
                })?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        if self.http1 {
            config.alpn_protocols.push(b"http/1.1".to_vec());
        }
        Ok(Arc::new(config))
    }
}

impl Content {
    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for part in [
            Some(&self.certificate),
            Some(&self.key),
            self.authorities.as_ref(),
        ]
        .into_iter()
        .flatten()
        {
            digest.update(Sha256::digest(part));
        }
        digest.finalize().into()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })
}

/// The certificates in a file, of which there is at least one.
fn certificates(path: &Path, content: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(content).collect();
    let read = match read {
        Ok(read) if read.is_empty() => Err(pem::Error::NoItemsFound),
        read => read,
    };
    read.map_err(|source| Error::Pem {
        path: path.to_owned(),
        what: "certificate",
        source,
    })
}
