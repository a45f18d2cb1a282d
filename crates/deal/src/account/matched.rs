//! Tells the staff which accounts may be the same customer, and why.
//!
//! Candidates are those that share a key, from the database, and those whose names come near; all of
//! them are compared as they stand in the database.

use std::cmp::Reverse;

use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::match_account_response::{Candidate, Evidence, Level as Shown};
use trellis_api::name;
use trellis_core::{AccountId, Call};
use trellis_matching::{Argues, Level, Match, Prepared, Profile, RULES_VERSION};
use trellis_store::deal::account::{Entity, Model};
use trellis_store::deal::identity::Identifier;
use trellis_store::{Store, View, record};

use super::identity;
use super::nearby::Nearby;
use crate::error::absent;
use crate::{Error, customer};

/// Asks which accounts may be the same customer.
#[derive(Clone, Debug)]
pub struct Ask {
    /// As which.
    pub of: Of,
    /// How many at most.
    pub count: usize,
}

/// Whose match is asked for.
#[derive(Clone, Debug)]
pub enum Of {
    /// An account that exists.
    Account(AccountId),
    /// One that need not.
    Description(Box<Description>),
}

/// What is known of somebody.
#[derive(Clone, Debug)]
pub struct Description {
    /// The name.
    pub display_name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// The country.
    pub region_code: Option<String>,
    /// Domains; each names a host.
    pub domains: Vec<String>,
    /// Numbers of registers; each is valid.
    pub identifiers: Vec<Identifier>,
}

/// Finds the accounts that may be the same customer, the best first.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn matched(
    store: &Store,
    nearby: &Nearby,
    call: Call,
    ask: Ask,
) -> Result<pb::MatchAccountResponse, Error> {
    let view = store.read(&call).await?;
    let asked = match ask.of {
        Of::Account(id) => standing(&view, &id).await?,
        Of::Description(description) => identity::described(&description),
    };
    let asked = Prepared::new(asked);
    let near = if asked.names().next().is_some() {
        nearby.find(&view, &asked, call.deadline).await?
    } else {
        Some(Vec::new())
    };
    let keys_only = near.is_none();
    let mut found = customer::candidates(&view, asked, near.unwrap_or_default()).await?;
    found.sort_by_key(|(account, found)| (Reverse((found.level, found.score)), account.id.clone()));
    found.truncate(ask.count);
    let candidates = found
        .into_iter()
        .map(|(account, found)| wire(account, found));
    Ok(pb::MatchAccountResponse {
        candidates: candidates.collect(),
        rules_version: i32::try_from(RULES_VERSION).unwrap_or(i32::MAX),
        keys_only,
    })
}

/// An account as it is compared; one that was merged is the one that it was merged into.
async fn standing(view: &View, id: &AccountId) -> Result<Profile, Error> {
    let mut account = find(view, id).await?;
    if let Some(into) = &account.merged_into {
        account = find(view, into).await?;
    }
    Ok(identity::compared(&account))
}

async fn find(view: &View, id: &AccountId) -> Result<Model, Error> {
    let found = record::find::<Entity>(view, id).await?;
    found.ok_or_else(|| absent(view, id))
}

fn wire(account: Model, found: Match) -> Candidate {
    let level = match found.level {
        Level::Identical => Shown::Identical,
        Level::Same => Shown::Same,
        Level::Probable => Shown::Probable,
        Level::Related => Shown::Related,
        // It is left out where candidates are compared.
        Level::Distinct => Shown::Unspecified,
    };
    let evidence = found.evidence.into_iter().map(|evidence| Evidence {
        kind: evidence.kind.name().to_owned(),
        asked: evidence.left,
        found: evidence.right,
        against: evidence.argues == Argues::Against,
    });
    Candidate {
        account: name(&account.ecosystem, &account.id),
        display_name: account.display_name,
        level: level.into(),
        score: found.score.into(),
        rule: found.rule.name().to_owned(),
        evidence: evidence.collect(),
    }
}
