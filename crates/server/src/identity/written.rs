//! Reads issuers as an operator writes them, and tells everything that is wrong with them at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use trellis_core::EcosystemId;

use super::algorithm::Algorithm;
use super::issuer::{ClaimPath, IssuerSettings, KeySource, PersonClaim, RoleName, TokenType};
use super::location::{InvalidLocation, Location};
use crate::settings::Value;

/// The leeway when none is written.
const LEEWAY: Duration = Duration::from_secs(30);

/// The largest leeway: more would keep tokens alive that have expired.
const LEEWAY_MOST: Duration = Duration::from_secs(60);

/// Everything that is wrong with the issuers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidIssuers(pub Vec<String>);

impl std::error::Error for InvalidIssuers {}

impl fmt::Display for InvalidIssuers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("\n"))
    }
}

/// One issuer as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    alias: String,
    issuer: String,
    #[serde(default)]
    audiences: Vec<String>,
    #[serde(default)]
    algorithms: Vec<String>,
    jwks_url: Option<String>,
    jwks_file: Option<PathBuf>,
    token_types: Option<Vec<String>>,
    leeway: Option<String>,
    lifetime_max: Option<String>,
    #[serde(default)]
    ecosystems: Vec<String>,
    ecosystem_claim: Option<WrittenPath>,
    roles_claim: Option<WrittenPath>,
    #[serde(default)]
    roles: BTreeMap<String, String>,
    partner_claim: Option<WrittenPath>,
    person_claim: Option<String>,
}

/// A claim: its name, or the names on the way to it.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenPath {
    Name(String),
    Names(Vec<String>),
}

/// Reads a list of issuers.
///
/// # Errors
/// Everything that is wrong, each with the issuer and the key.
pub fn read_issuers(list: &[toml::Value]) -> Result<Vec<IssuerSettings>, InvalidIssuers> {
    let mut mistakes = Vec::new();
    let mut issuers: Vec<IssuerSettings> = Vec::new();
    for (index, value) in list.iter().enumerate() {
        let written: Written = match value.clone().try_into() {
            Ok(written) => written,
            Err(error) => {
                // The parser appends the key that it stands in on lines of its own.
                let message = error.to_string().trim().replace('\n', " ");
                mistakes.push(format!("issuers[{index}]: {message}"));
                continue;
            }
        };
        let place = format!("issuers[{index}] {:?}", written.alias);
        let mut wrong = Wrong(Vec::new());
        let read = written.read(&mut wrong);
        if let Some(issuer) = &read {
            for other in &issuers {
                if other.alias == issuer.alias {
                    wrong.say("alias", "is another issuer's too");
                }
                if other.issuer == issuer.issuer {
                    wrong.say("issuer", "stands twice; give one entry all audiences");
                }
            }
        }
        mistakes.extend(wrong.0.into_iter().map(|wrong| format!("{place}: {wrong}")));
        issuers.extend(read);
    }
    if mistakes.is_empty() {
        Ok(issuers)
    } else {
        Err(InvalidIssuers(mistakes))
    }
}

/// What is wrong with one issuer.
struct Wrong(Vec<String>);

impl Wrong {
    fn say(&mut self, key: &str, message: impl fmt::Display) {
        self.0.push(format!("{key} {message}"));
    }

    /// The parts of a list, each read; every part that cannot be read is told.
    fn each<T>(
        &mut self,
        key: &str,
        list: &[String],
        expects: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        if list.is_empty() {
            self.say(key, format_args!("expects at least one of {expects}"));
        }
        let mut found = Vec::new();
        for text in list {
            match read(text) {
                Some(value) => found.push(value),
                None => self.say(key, format_args!("has {text:?}, but expects {expects}")),
            }
        }
        found
    }

    fn duration(&mut self, key: &str, text: Option<&str>) -> Option<Duration> {
        let text = text?;
        let read = Duration::read(text);
        if read.is_none() {
            self.say(key, format_args!("expects {}", Duration::EXPECTS));
        }
        read
    }

    fn path(&mut self, key: &str, written: Option<WrittenPath>) -> Option<ClaimPath> {
        let names = match written? {
            WrittenPath::Name(name) => vec![name],
            WrittenPath::Names(names) => names,
        };
        if names.is_empty() || names.iter().any(String::is_empty) {
            self.say(
                key,
                "expects a claim's name, or the list of names on the way to it",
            );
        }
        Some(ClaimPath(names))
    }
}

/// What the names of those begin with who are nobody's subjects.
const TAKEN: [&str; 3] = ["certificate", "sha256", "system"];

impl Written {
    /// The issuer; nothing when what is wrong leaves none to speak of.
    fn read(self, wrong: &mut Wrong) -> Option<IssuerSettings> {
        let alias =
            EcosystemId::try_new(&self.alias).map_err(|invalid| wrong.say("alias", invalid));
        // A subject must not act under a name that the server gives to others.
        if TAKEN.contains(&self.alias.as_str()) {
            wrong.say(
                "alias",
                "is what names of others begin with; choose another",
            );
        }
        let keys = self.keys(wrong);
        let any = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let audiences = wrong.each("audiences", &self.audiences, "what aud must name", any);
        let algorithms = "ES256, ES384, EdDSA, RS256, PS256";
        let algorithms = wrong.each("algorithms", &self.algorithms, algorithms, Algorithm::named);
        let token_types = match &self.token_types {
            None => vec![TokenType::AccessToken],
            Some(types) => wrong.each("token-types", types, "at+jwt, JWT", TokenType::named),
        };
        let leeway = match self.leeway.as_deref() {
            Some("0s") => Duration::ZERO,
            text => wrong.duration("leeway", text).unwrap_or(LEEWAY),
        };
        if leeway > LEEWAY_MOST {
            wrong.say("leeway", "must not be longer than 60s");
        }
        let lifetime_max = wrong.duration("lifetime-max", self.lifetime_max.as_deref());
        let ecosystem = |text: &str| EcosystemId::try_new(text).ok();
        let ecosystems = wrong.each(
            "ecosystems",
            &self.ecosystems,
            "an ecosystem's id",
            ecosystem,
        );
        let ecosystem_claim = wrong.path("ecosystem-claim", self.ecosystem_claim);
        if ecosystems.len() > 1 && ecosystem_claim.is_none() {
            wrong.say(
                "ecosystem-claim",
                "is needed when there are several ecosystems",
            );
        }
        let roles = roles(&self.roles, wrong);
        let roles_claim = wrong.path("roles-claim", self.roles_claim);
        let partner_claim = wrong.path("partner-claim", self.partner_claim);
        if roles_claim.is_some() == roles.is_empty() {
            wrong.say(
                "roles",
                "and roles-claim go together: one says where, one says what",
            );
        }
        if partner_claim.is_none() && roles.values().any(|role| role.is_of_partner()) {
            wrong.say(
                "partner-claim",
                "is needed for the roles partner_admin and partner_rep",
            );
        }
        let person_claim = person(self.person_claim.as_deref(), wrong);
        Some(IssuerSettings {
            alias: alias.ok()?.into_string(),
            issuer: self.issuer,
            audiences,
            algorithms,
            keys: keys?,
            token_types,
            leeway,
            lifetime_max,
            ecosystems,
            ecosystem_claim,
            roles_claim,
            roles,
            partner_claim,
            person_claim,
        })
    }

    /// Where the keys are.
    fn keys(&self, wrong: &mut Wrong) -> Option<KeySource> {
        if self.issuer.is_empty() {
            wrong.say("issuer", "expects what iss must be, letter by letter");
        }
        let mut located = |key: &str, found: Result<Location, InvalidLocation>| {
            found.map_err(|invalid| wrong.say(key, invalid)).ok()
        };
        match (&self.jwks_url, &self.jwks_file) {
            (None, None) => {
                located("issuer", Location::discovery(&self.issuer)).map(KeySource::Discovery)
            }
            (Some(url), None) => located("jwks-url", Location::try_new(url)).map(KeySource::Url),
            (None, Some(path)) => Some(KeySource::File(path.clone())),
            (Some(_), Some(_)) => {
                wrong.say("jwks-url", "and jwks-file are two places for the same keys");
                None
            }
        }
    }
}

fn roles(written: &BTreeMap<String, String>, wrong: &mut Wrong) -> BTreeMap<String, RoleName> {
    let mut roles = BTreeMap::new();
    for (value, name) in written {
        match RoleName::named(name) {
            Some(role) => {
                roles.insert(value.clone(), role);
            }
            None => {
                let names: Vec<_> = RoleName::ALL.iter().map(|role| role.as_str()).collect();
                let names = names.join(", ");
                wrong.say("roles", format_args!("has {name:?}, but expects {names}"));
            }
        }
    }
    roles
}

fn person(name: Option<&str>, wrong: &mut Wrong) -> Option<PersonClaim> {
    let claim = PersonClaim::named(name?);
    if claim.is_none() {
        wrong.say("person-claim", "expects email or preferred_username");
    }
    claim
}
