//! What a setting's value can be: how it is written, and how it is shown again.
//!
//! A value is always written as text, whether it comes from a file, the environment or a flag, so
//! that each kind has one parser and one way to be wrong. What is shown never contains a secret.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::uri::Authority;
use http::{HeaderName, HeaderValue, Uri};
use tracing_subscriber::EnvFilter;
use trellis_core::EcosystemId;
use trellis_platform::audit::note::{self, PublicKey};

/// What stands in for a secret wherever settings are shown.
const HIDDEN: &str = "********";

/// A kind of value that a setting can have.
pub(crate) trait Value: Sized {
    /// What may be written, as the end of the sentence "expects …".
    const EXPECTS: &'static str;

    /// Whether a flag without a value means `true`.
    const SWITCH: bool = false;

    /// Reads a text; nothing when it is not such a value.
    fn read(text: &str) -> Option<Self>;

    /// What is wrong with a text that is not such a value. The text is not repeated: what does not
    /// parse may be a secret all the same.
    fn mistakes(text: &str) -> Vec<String> {
        let _ = text;
        vec![format!("expects {}", Self::EXPECTS)]
    }

    /// Shows the value so that [`Value::read`] would read it again, but for secrets, which are
    /// hidden.
    fn show(&self) -> String;
}

impl Value for bool {
    const EXPECTS: &'static str = "true or false";
    const SWITCH: bool = true;

    fn read(text: &str) -> Option<Self> {
        match text {
            "true" | "on" | "yes" | "1" => Some(true),
            "false" | "off" | "no" | "0" => Some(false),
            _ => None,
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// A count that may be none.
impl Value for usize {
    const EXPECTS: &'static str = "a whole number from 0 to 1000000";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|count| *count <= 1_000_000)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// A count that is at least one.
impl Value for u32 {
    const EXPECTS: &'static str = "a whole number from 1 to 1000000";

    fn read(text: &str) -> Option<Self> {
        text.parse()
            .ok()
            .filter(|count| (1..=1_000_000).contains(count))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for SocketAddr {
    const EXPECTS: &'static str = "an IP address and a port, such as 127.0.0.1:50051";

    fn read(text: &str) -> Option<Self> {
        match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}").parse().ok(),
            None => text.parse().ok(),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// A time that is longer than nothing.
impl Value for Duration {
    const EXPECTS: &'static str = "a duration such as 250ms, 10s, 5m or 1h";

    fn read(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let (count, unit) = text.split_at(digits);
        let count: u64 = count.parse().ok()?;
        let duration = match unit {
            "ms" => Self::from_millis(count),
            "s" => Self::from_secs(count),
            "m" => Self::from_secs(count.checked_mul(60)?),
            "h" => Self::from_secs(count.checked_mul(3600)?),
            _ => return None,
        };
        // A year is more than anybody waits, and far from where adding to a clock overflows.
        (!duration.is_zero() && duration <= Self::from_secs(365 * 86_400)).then_some(duration)
    }

    fn show(&self) -> String {
        let (millis, seconds) = (self.as_millis(), self.as_secs());
        match () {
            () if millis % 1000 != 0 => format!("{millis}ms"),
            () if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
            () if seconds % 60 == 0 => format!("{}m", seconds / 60),
            () => format!("{seconds}s"),
        }
    }
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// For ever.
    Forever,
    /// For so long.
    For(Duration),
}

const DAY: u64 = 86_400;

impl Value for Kept {
    const EXPECTS: &'static str = "forever, or an hour or more, such as 36h or 400d";

    fn read(text: &str) -> Option<Self> {
        if text == "forever" {
            return Some(Self::Forever);
        }
        let kept = match text.strip_suffix('d') {
            Some(days) => {
                Duration::from_secs(days.parse::<u32>().ok()?.into()).checked_mul(86_400)?
            }
            None => <Duration as Value>::read(text)?,
        };
        // A hundred years are far from where subtracting from a clock overflows.
        let sane = Duration::from_secs(3_600)..=Duration::from_secs(36_500 * DAY);
        sane.contains(&kept).then_some(Self::For(kept))
    }

    fn show(&self) -> String {
        match self {
            Self::Forever => "forever".to_owned(),
            Self::For(kept) if kept.as_secs() % DAY == 0 && kept.subsec_nanos() == 0 => {
                format!("{}d", kept.as_secs() / DAY)
            }
            Self::For(kept) => kept.show(),
        }
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u32);

impl Size {
    /// The number of bytes, as HTTP/2 counts.
    #[must_use]
    pub fn bytes_u32(self) -> u32 {
        self.0
    }

    /// The number of bytes, as memory is counted.
    #[must_use]
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Value for Size {
    const EXPECTS: &'static str = "a size such as 16KiB or 1MiB, at most 1024MiB";

    fn read(text: &str) -> Option<Self> {
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (count, unit) = text.split_at(digits);
        let scale: u32 = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            _ => return None,
        };
        let bytes = count.parse::<u32>().ok()?.checked_mul(scale)?;
        (1024..=1 << 30).contains(&bytes).then_some(Self(bytes))
    }

    fn show(&self) -> String {
        match self.0 {
            bytes if bytes % (1 << 20) == 0 => format!("{}MiB", bytes >> 20),
            bytes if bytes % (1 << 10) == 0 => format!("{}KiB", bytes >> 10),
            bytes => format!("{bytes}B"),
        }
    }
}

/// Where the database is. It may hold a password, which is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The whole URL, password included: for the driver only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.show())
    }
}

impl Value for DatabaseUrl {
    const EXPECTS: &'static str =
        "sqlite:PATH or postgres://user:password@host:port/database (or ?host=/socket/directory)";

    fn read(text: &str) -> Option<Self> {
        let sqlite = text.strip_prefix("sqlite:").is_some_and(|path| {
            let path = path.trim_start_matches("//");
            // A database in memory is another one for each connection.
            !path.is_empty() && !path.starts_with(":memory:") && !path.contains("mode=memory")
        });
        let postgres = ["postgres://", "postgresql://"].iter().any(|scheme| {
            text.strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty())
        });
        (sqlite || postgres).then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return self.0.clone();
        };
        // An unescaped `@`, `/` or `?` in a password is not legal, but people write it: whatever
        // stands before the last `@` is taken for credentials.
        let rest = match rest.rsplit_once('@') {
            Some((credentials, rest)) => match credentials.split_once(':') {
                Some((user, _)) => format!("{user}:{HIDDEN}@{rest}"),
                None => format!("{credentials}@{rest}"),
            },
            None => rest.to_owned(),
        };
        let (address, query) = rest.split_once('?').unwrap_or((&rest, ""));
        let query: Vec<String> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| match pair.split_once('=') {
                Some((key, _)) if key.eq_ignore_ascii_case("password") => format!("{key}={HIDDEN}"),
                _ => pair.to_owned(),
            })
            .collect();
        let question = if query.is_empty() { "" } else { "?" };
        format!("{scheme}://{address}{question}{}", query.join("&"))
    }
}

/// A service of the contract that this server can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Ecosystems and their change feed.
    Platform,
    /// Partners.
    Partner,
    /// Programs and enrolments.
    Program,
    /// Catalog, accounts, registrations and deals.
    Deal,
    /// Plans, awards, ledger and payouts.
    Incentive,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 5] = [
        Self::Platform,
        Self::Partner,
        Self::Program,
        Self::Deal,
        Self::Incentive,
    ];

    /// Its name, as settings and packages write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Partner => "partner",
            Self::Program => "program",
            Self::Deal => "deal",
            Self::Incentive => "incentive",
        }
    }
}

/// The services that a server serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Services(BTreeSet<Service>);

impl Services {
    /// Whether a service is served.
    #[must_use]
    pub fn has(&self, service: Service) -> bool {
        self.0.contains(&service)
    }
}

impl Value for Services {
    const EXPECTS: &'static str =
        "all, or some of platform, partner, program, deal, incentive, separated by commas";

    fn read(text: &str) -> Option<Self> {
        if text == "all" {
            return Some(Self(Service::ALL.into()));
        }
        let named = list(text)
            .map(|name| {
                Service::ALL
                    .into_iter()
                    .find(|service| service.name() == name)
            })
            .collect::<Option<BTreeSet<_>>>()?;
        (!named.is_empty()).then_some(Self(named))
    }

    fn show(&self) -> String {
        if self.0.len() == Service::ALL.len() {
            return "all".to_owned();
        }
        let names: Vec<_> = self.0.iter().map(|service| service.name()).collect();
        names.join(",")
    }
}

/// The web origins whose pages may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins(Vec<HeaderValue>);

impl Origins {
    /// The origins, as the header writes them.
    #[must_use]
    pub fn values(&self) -> &[HeaderValue] {
        &self.0
    }
}

impl Value for Origins {
    const EXPECTS: &'static str =
        "origins such as https://portal.example.com, separated by commas, or none";

    fn read(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self(Vec::new()));
        }
        list(text)
            .map(|origin| {
                let uri: Uri = origin.parse().ok()?;
                let web = matches!(uri.scheme_str(), Some("http" | "https"));
                let bare = uri.host().is_some() && !origin.ends_with('/');
                (web && bare && uri.path() == "/").then(|| HeaderValue::from_str(origin).ok())?
            })
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    fn show(&self) -> String {
        if self.0.is_empty() {
            return "none".to_owned();
        }
        let origins: Vec<_> = self
            .0
            .iter()
            .filter_map(|origin| origin.to_str().ok())
            .collect();
        origins.join(",")
    }
}

/// Hosts, each with a port or for all of its ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// The hosts, as they were written.
    #[must_use]
    pub fn values(&self) -> &[String] {
        &self.0
    }
}

impl Value for Hosts {
    const EXPECTS: &'static str =
        "hosts such as hooks.internal, 10.0.0.7:8080 or [::1]:8080, separated by commas, or none";

    fn read(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self(Vec::new()));
        }
        list(text)
            .map(|host| {
                let authority: Authority = host.parse().ok()?;
                let port = authority.port_u16().map(|port| format!(":{port}"));
                let spelled = format!("{}{}", authority.host(), port.unwrap_or_default());
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
                (spelled == host && host.bytes().all(plain)).then_some(spelled)
            })
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    fn show(&self) -> String {
        if self.0.is_empty() {
            return "none".to_owned();
        }
        self.0.join(",")
    }
}

/// The name of a log of checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogName(String);

impl LogName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for LogName {
    const EXPECTS: &'static str = "a name such as audit.acme.example: at most 100 letters, digits, \
        dots, hyphens and slashes";

    fn read(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-/".contains(&byte);
        let fits = (1..=100).contains(&text.len()) && text.bytes().all(plain);
        fits.then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// Public keys of Ed25519, as they end a key that notes are verified by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKeys(Vec<PublicKey>);

impl PublicKeys {
    /// The keys.
    #[must_use]
    pub fn values(&self) -> &[PublicKey] {
        &self.0
    }
}

impl Value for PublicKeys {
    const EXPECTS: &'static str = "what follows the last + of a verifier_key of GetCheckpoint, \
        several separated by commas, or none";

    fn read(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self(Vec::new()));
        }
        let keys = list(text).map(note::read_key);
        keys.collect::<Option<Vec<_>>>().map(Self)
    }

    fn show(&self) -> String {
        if self.0.is_empty() {
            return "none".to_owned();
        }
        let keys: Vec<_> = self.0.iter().map(note::spelled).collect();
        keys.join(",")
    }
}

/// Ecosystems, by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ecosystems(Vec<EcosystemId>);

impl Ecosystems {
    /// The ids.
    #[must_use]
    pub fn values(&self) -> &[EcosystemId] {
        &self.0
    }
}

impl Value for Ecosystems {
    const EXPECTS: &'static str = "ids of ecosystems such as acme, separated by commas, or none";

    fn read(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self(Vec::new()));
        }
        let ids = list(text).map(|id| EcosystemId::try_new(id).ok());
        ids.collect::<Option<Vec<_>>>().map(Self)
    }

    fn show(&self) -> String {
        if self.0.is_empty() {
            return "none".to_owned();
        }
        let ids: Vec<_> = self.0.iter().map(EcosystemId::as_str).collect();
        ids.join(",")
    }
}

/// What is done when row level security does not hold the server's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowSecurity {
    /// The server does not start.
    Require,
    /// The log says so.
    Warn,
    /// Nothing is looked at.
    Off,
}

impl Value for RowSecurity {
    const EXPECTS: &'static str = "require, warn or off";

    fn read(text: &str) -> Option<Self> {
        match text {
            "require" => Some(Self::Require),
            "warn" => Some(Self::Warn),
            "off" => Some(Self::Off),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Require => "require".to_owned(),
            Self::Warn => "warn".to_owned(),
            Self::Off => "off".to_owned(),
        }
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl Value for LogFormat {
    const EXPECTS: &'static str = "text or json";

    fn read(text: &str) -> Option<Self> {
        match text {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

/// Which log lines are written: levels, for everything or for a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLevel(String);

impl LogLevel {
    /// The filter that the text describes.
    #[must_use]
    pub fn filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl Value for LogLevel {
    const EXPECTS: &'static str =
        "off, error, warn, info, debug or trace, or a list such as info,trellis_store=debug";

    fn read(text: &str) -> Option<Self> {
        let known = |level: &str| {
            ["off", "error", "warn", "info", "debug", "trace"]
                .iter()
                .any(|known| level.eq_ignore_ascii_case(known))
        };
        let levels = list(text).all(|part| match part.rsplit_once('=') {
            Some((_, level)) => known(level),
            None => known(part),
        });
        (!text.is_empty() && levels && EnvFilter::try_new(text).is_ok())
            .then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// Where telemetry is sent, if anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpEndpoint(Option<String>);

impl OtlpEndpoint {
    /// The URL of the collector.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl Value for OtlpEndpoint {
    const EXPECTS: &'static str = "the http:// URL of a collector's OTLP/gRPC port, such as \
                                   http://127.0.0.1:4317, or none (this build exports without \
                                   TLS: run the collector beside the server)";

    fn read(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self(None));
        }
        let uri: Uri = text.parse().ok()?;
        let plain = uri.scheme_str() == Some("http") && uri.host().is_some();
        // A password in the URL would be shown; secrets belong in the headers.
        let open = uri
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@'));
        (plain && open).then(|| Self(Some(text.to_owned())))
    }

    fn show(&self) -> String {
        self.0.clone().unwrap_or_else(|| "none".to_owned())
    }
}

/// Headers that are sent along with telemetry. Their values are secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct OtlpHeaders(Vec<(HeaderName, HeaderValue)>);

impl OtlpHeaders {
    /// Each header's name and value.
    pub fn reveal(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.iter().map(|(name, value)| (name, value))
    }
}

impl fmt::Debug for OtlpHeaders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.show())
    }
}

impl Value for OtlpHeaders {
    const EXPECTS: &'static str = "headers such as api-key=secret, separated by commas, or none";

    fn read(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self(Vec::new()));
        }
        list(text)
            .map(|pair| {
                let (name, value) = pair.split_once('=')?;
                let mut value = HeaderValue::from_str(value.trim()).ok()?;
                value.set_sensitive(true);
                Some((name.trim().parse().ok()?, value))
            })
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    fn show(&self) -> String {
        if self.0.is_empty() {
            return "none".to_owned();
        }
        let headers: Vec<_> = self
            .0
            .iter()
            .map(|(name, _)| format!("{name}={HIDDEN}"))
            .collect();
        headers.join(",")
    }
}

/// The path of a file.
impl Value for PathBuf {
    const EXPECTS: &'static str = "a path";

    fn read(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self::from(text))
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

/// The path of a file that need not be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File(Option<PathBuf>);

impl File {
    /// The path, if one is given.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}

impl Value for File {
    const EXPECTS: &'static str = "the path of a file, or none";

    fn read(text: &str) -> Option<Self> {
        match text {
            "" => None,
            "none" => Some(Self(None)),
            path => Some(Self(Some(PathBuf::from(path)))),
        }
    }

    fn show(&self) -> String {
        match &self.0 {
            Some(path) => path.display().to_string(),
            None => "none".to_owned(),
        }
    }
}

/// An address that need not be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherAddress(Option<SocketAddr>);

impl OtherAddress {
    /// The address, if one is given.
    #[must_use]
    pub fn address(self) -> Option<SocketAddr> {
        self.0
    }
}

impl Value for OtherAddress {
    const EXPECTS: &'static str = "an IP address and a port, such as 127.0.0.1:50052, or none";

    fn read(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self(None)),
            text => SocketAddr::read(text).map(|address| Self(Some(address))),
        }
    }

    fn show(&self) -> String {
        self.0
            .map_or_else(|| "none".to_owned(), |address| address.to_string())
    }
}

/// Whether clients show certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Who has none may call all the same.
    Optional,
    /// Who has none cannot connect.
    Required,
}

impl Value for ClientCertificates {
    const EXPECTS: &'static str = "optional or required";

    fn read(text: &str) -> Option<Self> {
        match text {
            "optional" => Some(Self::Optional),
            "required" => Some(Self::Required),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Optional => "optional".to_owned(),
            Self::Required => "required".to_owned(),
        }
    }
}

pub(super) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads<V: Value>(text: &str, shown: &str) {
        assert_eq!(
            V::read(text).map(|value| value.show()).as_deref(),
            Some(shown),
            "{text}"
        );
    }

    #[track_caller]
    fn refuses<V: Value>(texts: &[&str]) {
        for text in texts {
            assert!(V::read(text).is_none(), "{text} was read");
        }
    }

    #[test]
    fn what_is_kept_is_kept_for_an_hour_or_more_or_for_ever() {
        for (text, shown) in [
            ("forever", "forever"),
            ("400d", "400d"),
            ("90m", "90m"),
            ("48h", "2d"),
        ] {
            assert_eq!(Kept::read(text).unwrap().show(), shown);
        }
        for bad in [
            "",
            "never",
            "59m",
            "0d",
            "36501d",
            "1.5d",
            "-1d",
            "d",
            "99999999999d",
        ] {
            assert_eq!(Kept::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_duration_is_a_count_and_a_unit() {
        reads::<Duration>("250ms", "250ms");
        reads::<Duration>("1500ms", "1500ms");
        reads::<Duration>("60s", "1m");
        reads::<Duration>("90s", "90s");
        reads::<Duration>("120m", "2h");
        refuses::<Duration>(&[
            "",
            "10",
            "s",
            "0s",
            "-1s",
            "1d",
            "1.5s",
            "99999999999999999h",
        ]);
    }

    #[test]
    fn a_size_is_a_count_and_a_binary_unit() {
        reads::<Size>("1MiB", "1MiB");
        reads::<Size>("16384", "16KiB");
        reads::<Size>("1025B", "1025B");
        refuses::<Size>(&["", "1MB", "0", "100", "4GiB", "2048MiB", "5000000000"]);
    }

    #[test]
    fn an_address_has_a_port() {
        reads::<SocketAddr>("127.0.0.1:50051", "127.0.0.1:50051");
        reads::<SocketAddr>("localhost:0", "127.0.0.1:0");
        reads::<SocketAddr>("[::1]:50051", "[::1]:50051");
        refuses::<SocketAddr>(&["127.0.0.1", "50051", "example.com:1", "127.0.0.1:99999"]);
    }

    #[test]
    fn services_are_all_or_a_list_of_names() {
        reads::<Services>("all", "all");
        reads::<Services>("incentive, deal", "deal,incentive");
        reads::<Services>("incentive,deal,platform,partner,program", "all");
        refuses::<Services>(&["", ",", "deals", "deal,unknown"]);
    }

    #[test]
    fn a_database_is_a_file_or_a_server() {
        reads::<DatabaseUrl>("sqlite:trellis.db", "sqlite:trellis.db");
        reads::<DatabaseUrl>(
            "sqlite:///var/lib/trellis.db",
            "sqlite:///var/lib/trellis.db",
        );
        refuses::<DatabaseUrl>(&[
            "",
            "trellis.db",
            "sqlite:",
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite:a.db?mode=memory",
            "mysql://localhost/trellis",
            "postgres://",
        ]);
    }

    #[test]
    fn a_database_password_is_never_shown() {
        for (url, shown) in [
            (
                "postgres://ada:s3cret@db/trellis",
                "postgres://ada:********@db/trellis",
            ),
            ("postgres://ada@db/trellis", "postgres://ada@db/trellis"),
            (
                "postgres://db:5432/trellis?host=/run",
                "postgres://db:5432/trellis?host=/run",
            ),
            (
                "postgres://db/x?user=ada&password=s3cret",
                "postgres://db/x?user=ada&password=********",
            ),
            (
                "postgres://ada:s3/cret@db/trellis",
                "postgres://ada:********@db/trellis",
            ),
            (
                "postgres://ada:s3?cret@db/trellis",
                "postgres://ada:********@db/trellis",
            ),
            (
                "postgresql://ada:s3@cret@db/t?a=b",
                "postgresql://ada:********@db/t?a=b",
            ),
        ] {
            let read = DatabaseUrl::read(url).unwrap();
            assert_eq!(read.show(), shown);
            assert_eq!(format!("{read:?}"), shown);
            assert_eq!(read.reveal(), url);
        }
    }

    #[test]
    fn telemetry_headers_show_their_names_only() {
        reads::<OtlpHeaders>(
            "api-key=s3cret, x-team = blue",
            "api-key=********,x-team=********",
        );
        reads::<OtlpHeaders>("none", "none");
        refuses::<OtlpHeaders>(&["api-key", "sp ace=1"]);
        let headers = OtlpHeaders::read("api-key=s3cret").unwrap();
        assert!(!format!("{headers:?}").contains("s3cret"));
    }

    #[test]
    fn telemetry_is_sent_in_the_clear_to_a_collector_nearby_or_not_at_all() {
        reads::<OtlpEndpoint>("http://127.0.0.1:4317", "http://127.0.0.1:4317");
        reads::<OtlpEndpoint>("none", "none");
        refuses::<OtlpEndpoint>(&["", "127.0.0.1:4317", "https://otel", "http://u:p@otel:4317"]);
    }

    #[test]
    fn a_log_level_is_a_word_or_a_list_by_module() {
        reads::<LogLevel>("info", "info");
        reads::<LogLevel>("warn,trellis_store=debug", "warn,trellis_store=debug");
        refuses::<LogLevel>(&["", "loud", "info,trellis_store=loud"]);
    }

    #[test]
    fn an_origin_has_a_scheme_and_no_path() {
        reads::<Origins>("https://portal.example.com", "https://portal.example.com");
        reads::<Origins>(
            "http://localhost:3000,https://a.b",
            "http://localhost:3000,https://a.b",
        );
        reads::<Origins>("none", "none");
        refuses::<Origins>(&["*", "portal.example.com", "https://a.b/", "https://a.b/c"]);
    }

    #[test]
    fn hosts_have_a_port_or_all_of_them() {
        reads::<Hosts>("hooks.internal", "hooks.internal");
        reads::<Hosts>("127.0.0.1:8080,[::1]", "127.0.0.1:8080,[::1]");
        reads::<Hosts>("none", "none");
        refuses::<Hosts>(&["http://a.b", "a@b", "a:99999", "a:", "a/b", "*"]);
    }

    #[test]
    fn what_need_not_be_given_may_be_none() {
        reads::<File>("none", "none");
        reads::<File>("tls/server.pem", "tls/server.pem");
        refuses::<File>(&[""]);
        reads::<OtherAddress>("none", "none");
        reads::<OtherAddress>("localhost:7", "127.0.0.1:7");
        refuses::<OtherAddress>(&["", "7"]);
    }

    #[test]
    fn certificates_of_clients_are_optional_or_required() {
        reads::<ClientCertificates>("optional", "optional");
        reads::<ClientCertificates>("required", "required");
        refuses::<ClientCertificates>(&["", "none", "on"]);
    }

    #[test]
    fn a_switch_is_on_or_off() {
        reads::<bool>("on", "true");
        reads::<bool>("0", "false");
        refuses::<bool>(&["", "maybe", "TRUE "]);
    }
}
