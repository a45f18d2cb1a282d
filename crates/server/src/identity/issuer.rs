//! What an operator says of one issuer: who it is, how its tokens are signed, and what its word is
//! worth here.
//!
//! The settings bind an issuer to the ecosystems that it may speak for. A token's own word never
//! widens that: whoever runs the identity provider of one ecosystem has no say in another.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use trellis_core::EcosystemId;

use super::algorithm::Algorithm;
use super::location::Location;

/// The settings of one issuer. They are made by reading what is [written](super::written), so that
/// no combination stands here that could accept too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerSettings {
    pub(super) alias: String,
    pub(super) issuer: String,
    pub(super) audiences: Vec<String>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) keys: KeySource,
    pub(super) token_types: Vec<TokenType>,
    pub(super) leeway: Duration,
    pub(super) lifetime_max: Option<Duration>,
    pub(super) ecosystems: Vec<EcosystemId>,
    pub(super) ecosystem_claim: Option<ClaimPath>,
    pub(super) roles_claim: Option<ClaimPath>,
    pub(super) roles: BTreeMap<String, RoleName>,
    pub(super) partner_claim: Option<ClaimPath>,
    pub(super) person_claim: Option<PersonClaim>,
}

impl IssuerSettings {
    /// What the issuer is called here: in logs, and in the names of its subjects.
    #[must_use]
    pub fn alias(&self) -> &str {
        &self.alias
    }

    /// The ecosystems that it may speak for.
    #[must_use]
    pub fn ecosystems(&self) -> &[EcosystemId] {
        &self.ecosystems
    }
}

/// Where an issuer's keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeySource {
    /// From where the issuer's discovery document says.
    Discovery(Location),
    /// From here.
    Url(Location),
    /// From a file, which is read again now and then.
    File(PathBuf),
}

/// What a token says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenType {
    /// An access token, by RFC 9068.
    AccessToken,
    /// A JWT of no stated purpose. A token without `typ` is one too.
    Jwt,
}

impl TokenType {
    /// The type of this name. Media types know no case, and `application/` may be left out.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        match name.strip_prefix("application/").unwrap_or(&name) {
            "at+jwt" => Some(Self::AccessToken),
            "jwt" => Some(Self::Jwt),
            _ => None,
        }
    }
}

/// The claim that names the person behind a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PersonClaim {
    /// The address, unless the token says that it is not verified.
    Email,
    /// The name that the person logs in with.
    PreferredUsername,
}

impl PersonClaim {
    /// The claim of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Email, Self::PreferredUsername]
            .into_iter()
            .find(|claim| claim.name() == name)
    }

    /// The claim's name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::PreferredUsername => "preferred_username",
        }
    }
}

/// Where in a token's claims a value stands: the names from the outermost object inwards. A name
/// may hold dots and slashes, as those of Auth0 do, so the names are a list and not a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClaimPath(pub(super) Vec<String>);

/// What a caller may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleName {
    /// Runs the ecosystem.
    EcosystemAdmin,
    /// Works with the partners.
    ChannelManager,
    /// Approves what is paid.
    FinanceApprover,
    /// Runs a partner's own house.
    PartnerAdmin,
    /// Sells for a partner.
    PartnerRep,
    /// A program.
    Service,
    /// Reads everything, changes nothing.
    Auditor,
}

impl RoleName {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::EcosystemAdmin,
        Self::ChannelManager,
        Self::FinanceApprover,
        Self::PartnerAdmin,
        Self::PartnerRep,
        Self::Service,
        Self::Auditor,
    ];

    /// The role of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The role as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EcosystemAdmin => "ecosystem_admin",
            Self::ChannelManager => "channel_manager",
            Self::FinanceApprover => "finance_approver",
            Self::PartnerAdmin => "partner_admin",
            Self::PartnerRep => "partner_rep",
            Self::Service => "service",
            Self::Auditor => "auditor",
        }
    }

    /// Whether it is a role at a partner.
    #[must_use]
    pub const fn is_of_partner(self) -> bool {
        matches!(self, Self::PartnerAdmin | Self::PartnerRep)
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
