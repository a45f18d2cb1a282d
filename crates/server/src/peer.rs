//! Who is at the other end of a call, as far as the connection itself tells.
//!
//! What a TLS handshake has proved, and the name under which limits count a caller, travel in the
//! extensions of every request. Who may do what is decided elsewhere, from these.

use http::Request;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use tonic::transport::server::TcpConnectInfo;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The certificate that the peer has shown and whose key it holds. It is in the extensions of
/// every request of its connection, in an [`Arc`](std::sync::Arc).
///
/// It was issued by one of the authorities of `client-ca-file` and was valid when the connection
/// was made. Whom it stands for is not said here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The certificate and those that lead from it to its authority, DER, the peer's own first.
    pub chain: Vec<Vec<u8>>,
    /// The common name of its subject, if it has one.
    pub common_name: Option<String>,
    /// The DNS names that it stands for.
    pub dns_names: Vec<String>,
    /// The mail addresses that it stands for.
    pub emails: Vec<String>,
    /// The URIs that it stands for, such as a SPIFFE id.
    pub uris: Vec<String>,
    /// The SHA-256 of the peer's own certificate.
    pub fingerprint: [u8; 32],
}

/// A chain that passed the handshake does not parse.
#[derive(Debug, thiserror::Error)]
#[error("the peer's certificate cannot be read: {0}")]
pub struct Unreadable(String);

impl PeerCertificate {
    /// Reads what a chain says of its first certificate.
    ///
    /// # Errors
    /// The chain is empty or its first certificate is not X.509.
    pub fn read(chain: &[impl AsRef<[u8]>]) -> Result<Self, Unreadable> {
        let own = chain
            .first()
            .ok_or_else(|| Unreadable("it sent none".to_owned()))?
            .as_ref();
        let (_, certificate) =
            X509Certificate::from_der(own).map_err(|error| Unreadable(error.to_string()))?;
        let common_name = certificate
            .subject()
            .iter_common_name()
            .find_map(|name| name.as_str().ok())
            .map(ToOwned::to_owned);
        let mut read = Self {
            chain: chain.iter().map(|one| one.as_ref().to_vec()).collect(),
            common_name,
            dns_names: Vec::new(),
            emails: Vec::new(),
            uris: Vec::new(),
            fingerprint: Sha256::digest(own).into(),
        };
        let names = certificate
            .subject_alternative_name()
            .map_err(|error| Unreadable(error.to_string()))?;
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::DNSName(name) => read.dns_names.push((*name).to_owned()),
                GeneralName::RFC822Name(name) => read.emails.push((*name).to_owned()),
                GeneralName::URI(name) => read.uris.push((*name).to_owned()),
                _ => {}
            }
        }
        Ok(read)
    }
}

/// The name under which the limits of the port count a caller. Whoever authenticates a call puts
/// it into the request's extensions; a call without one is counted under its peer's address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PrincipalKey(pub String);

impl PrincipalKey {
    /// The name under which a call is counted.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let extensions = request.extensions();
        extensions.get::<Self>().cloned().unwrap_or_else(|| {
            let address = extensions
                .get::<TcpConnectInfo>()
                .and_then(TcpConnectInfo::remote_addr);
            Self(address.map_or_else(
                || "unknown".to_owned(),
                |address| Network::of(address.ip()).to_string(),
            ))
        })
    }
}

/// Where a peer connects from: an address, or for IPv6 the network of 64 bits that one host
/// usually has for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Network(IpAddr);

impl Network {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) & (u128::MAX << 64);
                Self(IpAddr::V6(network.into()))
            }
            address @ IpAddr::V4(_) => Self(address),
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    #[test]
    fn a_certificate_tells_its_names_and_its_fingerprint() {
        let mut params = CertificateParams::new(vec!["crm.acme.example".to_owned()]).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "crm connector");
        for name in [
            SanType::Rfc822Name("ops@acme.example".try_into().unwrap()),
            SanType::URI("spiffe://acme/crm".try_into().unwrap()),
        ] {
            params.subject_alt_names.push(name);
        }
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let read = PeerCertificate::read(&[made.der()]).unwrap();
        assert_eq!(read.common_name.as_deref(), Some("crm connector"));
        assert_eq!(read.dns_names, ["crm.acme.example"]);
        assert_eq!(read.emails, ["ops@acme.example"]);
        assert_eq!(read.uris, ["spiffe://acme/crm"]);
        assert_eq!(read.chain, [made.der().to_vec()]);
        let digest: [u8; 32] = Sha256::digest(made.der()).into();
        assert_eq!(read.fingerprint, digest);
    }

    #[test]
    fn what_is_no_certificate_is_not_read() {
        assert!(PeerCertificate::read(&[b"no"]).is_err());
        assert!(PeerCertificate::read(&[] as &[&[u8]]).is_err());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
    }
}
