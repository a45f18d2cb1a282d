//! Where an issuer's documents may be fetched from: over TLS, or from this machine itself.

use http::Uri;

/// A URL that keys may be fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location(Uri);

/// The URL is not one that keys may be fetched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expects an https:// URL without user, password or fragment; http:// only for localhost, \
     127.0.0.0/8 and [::1]"
)]
pub(super) struct InvalidLocation;

impl Location {
    /// Reads a URL.
    pub(super) fn try_new(text: &str) -> Result<Self, InvalidLocation> {
        let uri: Uri = text.parse().map_err(|_| InvalidLocation)?;
        let authority = uri.authority().ok_or(InvalidLocation)?;
        let scheme = uri.scheme_str().ok_or(InvalidLocation)?;
        let secure = scheme == "https" || (scheme == "http" && is_loopback(authority.host()));
        // A fragment is dropped by the parser, so what was written is looked at.
        if secure && !authority.as_str().contains('@') && !text.contains('#') {
            Ok(Self(uri))
        } else {
            Err(InvalidLocation)
        }
    }

    /// Where the issuer publishes its discovery document.
    pub(super) fn discovery(issuer: &str) -> Result<Self, InvalidLocation> {
        let base = issuer.trim_end_matches('/');
        if base.contains('?') {
            return Err(InvalidLocation);
        }
        Self::try_new(&format!("{base}/.well-known/openid-configuration"))
    }

    /// The URL.
    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }

    /// Whether it is reached over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        for url in [
            "https://id.example.com/realms/acme",
            "https://id.example.com:8443/keys?version=2",
            "http://localhost:8080/keys",
            "http://127.0.0.1:1/",
            "http://127.9.9.9/keys",
            "http://[::1]:8080/keys",
        ] {
            assert!(Location::try_new(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "id.example.com",
            "/etc/keys.json",
            "file:///etc/keys.json",
            "http://id.example.com/",
            "http://localhost.example.com/",
            "http://169.254.169.254/latest",
            "http://0.0.0.0/",
            "http://127.0.0.1.example.com/",
            "https://user:secret@id.example.com/",
            "https://id.example.com/#keys",
            "ftp://id.example.com/",
        ] {
            assert!(Location::try_new(url).is_err(), "{url}");
        }
    }

    #[test]
    fn discovery_is_found_under_the_issuer_with_or_without_its_last_slash() {
        for issuer in ["https://a.example/realm", "https://a.example/realm/"] {
            let location = Location::discovery(issuer).unwrap();
            let expected = "https://a.example/realm/.well-known/openid-configuration";
            assert_eq!(location.uri().to_string(), expected);
        }
        assert!(Location::discovery("https://a.example/?tenant=1").is_err());
    }
}
