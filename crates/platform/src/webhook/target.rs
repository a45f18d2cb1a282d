//! Where requests may go: to public addresses, and to hosts that the operator has named.
//!
//! A server that sends requests to whatever address it is told can be made to call what only it can reach:
//! the metadata service of a cloud, an administration page, itself. So a host is looked up once, all of its
//! addresses must be public, and the connection goes to the very address that was looked at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The hosts that the operator has named: requests may go there, whatever their addresses are, and without TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named(Vec<String>);

impl Named {
    /// These hosts, each `host` (any port) or `host:port`.
    #[must_use]
    pub fn new(hosts: impl IntoIterator<Item = String>) -> Self {
        Self(hosts.into_iter().map(|host| host.to_lowercase()).collect())
    }

    fn has(&self, host: &str, port: u16) -> bool {
        let with_port = format!("{host}:{port}");
        self.0.iter().any(|one| *one == host || *one == with_port)
    }
}

/// A URL that requests may be sent to, as far as that can be told without looking its host up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
    /// Whether the operator has named its host.
    is_named: bool,
}

/// Why requests may not be sent to a URL: the end of a sentence that begins with the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// It cannot be read.
    #[error("must be an https:// URL such as https://hooks.example.com/trellis")]
    NoUrl,
    /// It says more than where.
    #[error("must have no user, password or fragment")]
    Extras,
    /// Anybody on the way could read what is sent.
    #[error("must begin with https://; the operator allows hosts by name that may be http://")]
    Plain,
    /// It names an address that only somebody inside can reach.
    #[error("must name a public address; the operator allows hosts by name that are not public")]
    NotPublic,
    /// Port 0 is none.
    #[error("must not have the port 0")]
    NoPort,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// Why requests may not be sent there.
    pub fn try_new(text: &str, named: &Named) -> Result<Self, InvalidTarget> {
        let url = Url::parse(text).map_err(|_| InvalidTarget::NoUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidTarget::NoUrl);
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(InvalidTarget::NoUrl);
        };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(InvalidTarget::Extras);
        }
        if port == 0 {
            return Err(InvalidTarget::NoPort);
        }
        let is_named = named.has(&host.to_string(), port);
        if !is_named {
            if url.scheme() != "https" {
                return Err(InvalidTarget::Plain);
            }
            let address = match host {
                Host::Domain(_) => None,
                Host::Ipv4(address) => Some(IpAddr::V4(address)),
                Host::Ipv6(address) => Some(IpAddr::V6(address)),
            };
            if address.is_some_and(|address| !is_public(address)) {
                return Err(InvalidTarget::NotPublic);
            }
        }
        Ok(Self { url, is_named })
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it is reached over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether a request may go to an address that its host has.
    #[must_use]
    pub fn may_be_at(&self, address: IpAddr) -> bool {
        self.is_named || is_public(address)
    }
}

/// The networks of IPv4 that are not public, as IANA lists them, each with the length of its prefix.
/// Source: <https://www.iana.org/assignments/iana-ipv4-special-registry>, with those for multicast.
const NOT_PUBLIC: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(192, 175, 48, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
];

/// The networks of global unicast IPv6 (2000::/3) that are not public or carry an address of IPv4 in them.
/// Source: <https://www.iana.org/assignments/iana-ipv6-special-registry>.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether anybody on the internet can reach an address, as far as its number tells.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let bits = address.to_bits();
            let within = |(network, length): &(Ipv4Addr, u32)| {
                (bits ^ network.to_bits()) >> (32 - length) == 0
            };
            // From 224 on there is multicast, and what is kept for later.
            bits < Ipv4Addr::new(224, 0, 0, 0).to_bits() && !NOT_PUBLIC.iter().any(within)
        }
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            let within = |(network, length): &(Ipv6Addr, u32)| {
                (bits ^ network.to_bits()) >> (128 - length) == 0
            };
            bits >> 125 == 1 && !NOT_PUBLIC_V6.iter().any(within)
        }
    }
}

#[cfg(test)]
mod tests;
