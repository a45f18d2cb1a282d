//! The settings of the message broker, and what is wrong with them beside each other.

use super::Settings;
use super::value::{Value, list};

/// The URLs of servers of NATS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsServers(Vec<String>);

impl NatsServers {
    /// The URLs.
    #[must_use]
    pub fn values(&self) -> &[String] {
        &self.0
    }
}

impl Value for NatsServers {
    const EXPECTS: &'static str = "URLs such as nats://10.0.0.7:4222 or tls://nats.example.com, \
        separated by commas, or none; who Trellis is there, say nats-user and the files";

    fn read(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self(Vec::new()));
        }
        let servers = list(text)
            .map(|server| {
                let schemes = ["nats://", "tls://"];
                let host = schemes.iter().find_map(|one| server.strip_prefix(one))?;
                // A password in the URL would be shown; secrets belong in files.
                let authority: http::uri::Authority = host.parse().ok()?;
                let open = !authority.host().is_empty() && !host.contains('@');
                let port = authority.as_str().strip_prefix(authority.host())?;
                let port = match port.strip_prefix(':') {
                    Some(number) => number.parse::<u16>().is_ok(),
                    None => port.is_empty(),
                };
                (open && port).then(|| server.to_owned())
            })
            .collect::<Option<Vec<_>>>()?;
        (!servers.is_empty()).then_some(Self(servers))
    }

    fn show(&self) -> String {
        if self.0.is_empty() {
            return "none".to_owned();
        }
        self.0.join(",")
    }
}

/// A name that need not be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsUser(Option<String>);

impl NatsUser {
    /// The name, if one is given.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl Value for NatsUser {
    const EXPECTS: &'static str = "the name of a user, or none";

    fn read(text: &str) -> Option<Self> {
        match text {
            "" => None,
            "none" => Some(Self(None)),
            name => Some(Self(Some(name.to_owned()))),
        }
    }

    fn show(&self) -> String {
        self.0.clone().unwrap_or_else(|| "none".to_owned())
    }
}

/// The name of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamName(String);

impl StreamName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for StreamName {
    const EXPECTS: &'static str =
        "a name such as TRELLIS: at most 32 letters, digits, hyphens and underscores";

    fn read(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let fits = (1..=32).contains(&text.len()) && text.bytes().all(plain);
        fits.then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// What subjects begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectPrefix(String);

impl SubjectPrefix {
    /// The prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for SubjectPrefix {
    const EXPECTS: &'static str = "the beginning of subjects, such as trellis or acme.trellis: at \
        most 100 letters, digits, hyphens and underscores, in parts joined by dots";

    fn read(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let part = |part: &str| !part.is_empty() && part.bytes().all(plain);
        (text.len() <= 100 && text.split('.').all(part)).then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// From when on events are published in a deployment that has published none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NatsStart {
    /// From the first that there is.
    First,
    /// From now on.
    Now,
}

impl Value for NatsStart {
    const EXPECTS: &'static str = "first or now";

    fn read(text: &str) -> Option<Self> {
        match text {
            "first" => Some(Self::First),
            "now" => Some(Self::Now),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::First => "first".to_owned(),
            Self::Now => "now".to_owned(),
        }
    }
}

impl Settings {
    /// What is wrong with the settings of the broker beside each other.
    pub(super) fn contradictions_of_nats(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let ways = [
            ("nats-credentials-file", &self.nats_credentials_file),
            ("nats-nkey-file", &self.nats_nkey_file),
            ("nats-password-file", &self.nats_password_file),
            ("nats-token-file", &self.nats_token_file),
        ];
        let given: Vec<_> = ways
            .iter()
            .filter(|(_, file)| file.path().is_some())
            .map(|(name, _)| *name)
            .collect();
        if self.nats_url.values().is_empty() {
            let user = self.nats_user.name().map(|_| "nats-user");
            let authority = self.nats_ca_file.path().map(|_| "nats-ca-file");
            let idle = given.iter().copied().chain(user).chain(authority);
            found.extend(idle.map(|name| {
                let message = "is given without nats-url: nothing is published";
                (name, message.to_owned())
            }));
        }
        if let [first, others @ ..] = &given[..] {
            found.extend(others.iter().map(|other| {
                let message = format!("is given beside {first}: one of them says who Trellis is");
                (*other, message)
            }));
        }
        match (self.nats_user.name(), self.nats_password_file.path()) {
            (Some(_), None) => found.push((
                "nats-user",
                "is given without nats-password-file".to_owned(),
            )),
            (None, Some(_)) => found.push((
                "nats-password-file",
                "is given without nats-user".to_owned(),
            )),
            _ => {}
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads<V: Value>(text: &str, shown: &str) {
        let read = V::read(text).map(|value| value.show());
        assert_eq!(read.as_deref(), Some(shown), "{text}");
    }

    #[track_caller]
    fn refuses<V: Value>(texts: &[&str]) {
        for text in texts {
            assert!(V::read(text).is_none(), "{text} was read");
        }
    }

    #[test]
    fn servers_have_a_scheme_and_no_secrets() {
        reads::<NatsServers>("none", "none");
        reads::<NatsServers>("nats://127.0.0.1:4222", "nats://127.0.0.1:4222");
        reads::<NatsServers>("tls://a.b, nats://[::1]:1", "tls://a.b,nats://[::1]:1");
        refuses::<NatsServers>(&[
            "",
            ",",
            "127.0.0.1:4222",
            "http://a.b",
            "nats://",
            "nats://ada:s3cret@a.b",
            "nats://a.b:99999",
            "nats://a.b/c",
        ]);
    }

    #[test]
    fn names_are_what_nats_takes_for_one() {
        reads::<StreamName>("TRELLIS", "TRELLIS");
        refuses::<StreamName>(&["", "a.b", "a b", "*", &"a".repeat(33)]);
        reads::<SubjectPrefix>("trellis", "trellis");
        reads::<SubjectPrefix>("acme.trellis", "acme.trellis");
        refuses::<SubjectPrefix>(&["", ".", "a.", ".a", "a..b", "a.*", ">", &"a".repeat(101)]);
        reads::<NatsUser>("ada", "ada");
        reads::<NatsUser>("none", "none");
        refuses::<NatsUser>(&[""]);
        reads::<NatsStart>("now", "now");
        refuses::<NatsStart>(&["", "last"]);
    }
}
