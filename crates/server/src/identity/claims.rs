//! What a token claims, checked against the issuer's settings, and who that makes its bearer.
//!
//! Types are checked here one by one. A library that lets an `exp` of text count as no `exp` at all
//! has made tokens valid for ever before.

use std::time::Duration;

use serde_json::{Map, Value};
use trellis_core::{EcosystemId, PartnerId, Timestamp};

use super::issuer::{ClaimPath, IssuerSettings, PersonClaim, RoleName, TokenType};
use super::rejected::Reason;

/// Who a token proves its bearer to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The issuer's alias.
    pub issuer: String,
    /// The subject, which the issuer never gives to anybody else.
    pub subject: String,
    /// The person behind the subject, when the settings trust the issuer to name one.
    pub person: Option<String>,
    /// What the bearer may be, and where.
    pub ecosystems: Vec<EcosystemGrant>,
    /// When the token expires.
    pub expire_time: Timestamp,
}

/// What a bearer may be in one ecosystem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcosystemGrant {
    /// The ecosystem.
    pub ecosystem: EcosystemId,
    /// The roles, those at a partner with the partner. May be empty: then the token says who the
    /// bearer is and leaves to others what they may do.
    pub roles: Vec<(RoleName, Option<PartnerId>)>,
}

/// The longest subject and the longest name of a person.
const NAME_LONGEST: usize = 255;

/// The most values of a claim that lists some.
const LISTED_MOST: usize = 100;

/// The last second of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// Claims that stand in an ID token, a logout token or the like, and never in an access token.
const MARKS_OF_OTHERS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// The issuer that the token says it comes from. Not yet verified.
pub(super) fn issuer(claims: &Map<String, Value>) -> Result<&str, Reason> {
    text(claims, "iss")
}

/// Checks the claims, all but who issued them.
pub(super) fn check(
    claims: &Map<String, Value>,
    settings: &IssuerSettings,
    now: Timestamp,
) -> Result<Identity, Reason> {
    let expire_time = check_times(claims, settings, now)?;
    check_audience(claims, &settings.audiences)?;
    check_purpose(claims)?;
    let subject = name(text(claims, "sub")?).ok_or(Reason::Malformed("sub"))?;
    let roles = roles(claims, settings)?;
    let ecosystems = ecosystems(claims, settings)?
        .into_iter()
        .map(|ecosystem| EcosystemGrant {
            ecosystem,
            roles: roles.clone(),
        })
        .collect();
    Ok(Identity {
        issuer: settings.alias.clone(),
        subject,
        person: person(claims, settings.person_claim)?,
        ecosystems,
        expire_time,
    })
}

/// Whether the settings accept a token that says it is of this type.
pub(super) fn accepts(settings: &IssuerSettings, typ: Option<&str>) -> bool {
    let found = typ.map_or(Some(TokenType::Jwt), TokenType::named);
    found.is_some_and(|found| settings.token_types.contains(&found))
}

/// Checks when the token is valid, and answers until when.
fn check_times(
    claims: &Map<String, Value>,
    settings: &IssuerSettings,
    now: Timestamp,
) -> Result<Timestamp, Reason> {
    let leeway = settings.leeway;
    let expire_time = moment(claims, "exp")?.ok_or(Reason::Missing("exp"))?;
    if now >= expire_time.saturating_add(leeway) {
        return Err(Reason::Expired);
    }
    if moment(claims, "nbf")?.is_some_and(|from| from > now.saturating_add(leeway)) {
        return Err(Reason::NotYetValid);
    }
    let issued = moment(claims, "iat")?;
    if issued.is_some_and(|issued| issued > now.saturating_add(leeway)) {
        return Err(Reason::IssuedInFuture);
    }
    if let Some(most) = settings.lifetime_max {
        let issued = issued.ok_or(Reason::Missing("iat"))?;
        if expire_time.since(issued) > most {
            return Err(Reason::LivesTooLong);
        }
    }
    Ok(expire_time)
}

fn check_audience(claims: &Map<String, Value>, ours: &[String]) -> Result<(), Reason> {
    let value = claims.get("aud").ok_or(Reason::Missing("aud"))?;
    let named = match value {
        Value::String(one) => vec![one.as_str()],
        _ => listed(value).ok_or(Reason::Malformed("aud"))?,
    };
    let is_ours = |name: &&str| ours.iter().any(|our| our == name);
    if named.iter().any(is_ours) {
        Ok(())
    } else {
        Err(Reason::Audience)
    }
}

/// Checks that the token is an access token that whoever bears it may use.
fn check_purpose(claims: &Map<String, Value>) -> Result<(), Reason> {
    if claims.contains_key("cnf") {
        return Err(Reason::Bound);
    }
    // Keycloak signs all of its tokens with the same `typ` in the header and tells them apart here.
    let named = match claims.get("typ") {
        None => true,
        Some(Value::String(purpose)) => purpose == "Bearer",
        Some(_) => return Err(Reason::Malformed("typ")),
    };
    let marked = MARKS_OF_OTHERS
        .iter()
        .any(|mark| claims.contains_key(*mark));
    if named && !marked {
        Ok(())
    } else {
        Err(Reason::NotAnAccessToken)
    }
}

/// The ecosystems that the token speaks for: never one that the issuer is not bound to.
fn ecosystems(
    claims: &Map<String, Value>,
    settings: &IssuerSettings,
) -> Result<Vec<EcosystemId>, Reason> {
    let Some(path) = &settings.ecosystem_claim else {
        return Ok(settings.ecosystems.clone());
    };
    let named = values(claims, path, "of the ecosystem")?;
    let mut found = Vec::new();
    for name in named {
        let bound = settings.ecosystems.iter().find(|one| one.as_str() == name);
        let ecosystem = bound.ok_or(Reason::Ecosystem)?;
        if !found.contains(ecosystem) {
            found.push(ecosystem.clone());
        }
    }
    if found.is_empty() {
        return Err(Reason::Missing("of the ecosystem"));
    }
    Ok(found)
}

/// The roles that the settings find in the token. A value that they do not name is somebody else's.
fn roles(
    claims: &Map<String, Value>,
    settings: &IssuerSettings,
) -> Result<Vec<(RoleName, Option<PartnerId>)>, Reason> {
    let Some(path) = &settings.roles_claim else {
        return Ok(Vec::new());
    };
    let mut partners = Vec::new();
    if let Some(path) = &settings.partner_claim {
        for name in values(claims, path, "of the partner")? {
            let partner = PartnerId::try_new(name);
            partners.push(partner.map_err(|_| Reason::Malformed("of the partner"))?);
        }
    }
    let mut found = Vec::new();
    for value in values(claims, path, "of the roles")? {
        let Some(role) = settings.roles.get(value).copied() else {
            continue;
        };
        if !role.is_of_partner() {
            found.push((role, None));
        } else if partners.is_empty() {
            return Err(Reason::NoPartner);
        } else {
            found.extend(partners.iter().map(|partner| (role, Some(partner.clone()))));
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn person(
    claims: &Map<String, Value>,
    claim: Option<PersonClaim>,
) -> Result<Option<String>, Reason> {
    let Some(claim) = claim else {
        return Ok(None);
    };
    let Some(value) = claims.get(claim.name()) else {
        return Ok(None);
    };
    let verified = |value: &Value| *value == Value::Bool(true);
    // Where anybody can enter an address, an unverified one is somebody else's.
    if claim == PersonClaim::Email && !claims.get("email_verified").is_none_or(verified) {
        return Ok(None);
    }
    let text = value.as_str().and_then(name);
    text.map(Some).ok_or(Reason::Malformed(claim.name()))
}

/// A text of the claims that must be there.
fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Reason> {
    let value = claims.get(name).ok_or(Reason::Missing(name))?;
    value.as_str().ok_or(Reason::Malformed(name))
}

/// A name as a row and a log line can hold it.
fn name(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.len() <= NAME_LONGEST;
    let plain = text.trim() == text && !text.chars().any(char::is_control);
    (fits && plain).then(|| text.to_owned())
}

/// A moment of the claims: whole seconds, as a number.
fn moment(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, Reason> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = value
        .as_i64()
        .filter(|seconds| (0..=LAST_SECOND).contains(seconds))
        .and_then(|seconds| u64::try_from(seconds).ok())
        .ok_or(Reason::Malformed(name))?;
    Ok(Some(
        Timestamp::EPOCH.saturating_add(Duration::from_secs(seconds)),
    ))
}

/// The values at a path: a list has one text each; a text has them separated by spaces, as OAuth
/// writes a scope. None when nothing is there.
fn values<'a>(
    claims: &'a Map<String, Value>,
    path: &ClaimPath,
    name: &'static str,
) -> Result<Vec<&'a str>, Reason> {
    let mut names = path.0.iter();
    let mut found = names.next().and_then(|first| claims.get(first));
    for inner in names {
        found = match found {
            Some(Value::Object(object)) => object.get(inner),
            Some(_) => return Err(Reason::Malformed(name)),
            None => None,
        };
    }
    match found {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => {
            let values: Vec<_> = text.split(' ').filter(|value| !value.is_empty()).collect();
            (values.len() <= LISTED_MOST)
                .then_some(values)
                .ok_or(Reason::Malformed(name))
        }
        Some(value) => listed(value).ok_or(Reason::Malformed(name)),
    }
}

/// A list of nothing but texts.
fn listed(value: &Value) -> Option<Vec<&str>> {
    let values = value.as_array()?;
    (values.len() <= LISTED_MOST)
        .then(|| values.iter().map(Value::as_str).collect())
        .flatten()
}
