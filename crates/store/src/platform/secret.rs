//! The deployment's own secrets. They were made at random together with their table, belong to no
//! ecosystem, and are the same for all servers of a database.

use sea_orm::{ConnectionTrait, Statement};

use crate::{Error, Store};

/// How long a secret is, in bytes.
pub const LENGTH: usize = 32;

const SELECT: &str = "SELECT value FROM deployment_secrets WHERE name = $1";

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The secrets of API keys are hashed with it.
    ApiKeys,
    /// Page tokens are sealed with it.
    PageTokens,
    /// Checkpoints of audit trails are signed with it, where the operator gives no key.
    Audit,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::ApiKeys => "api_keys",
            Self::PageTokens => "page_tokens",
            Self::Audit => "audit",
        }
    }
}

/// Reads a secret.
///
/// # Errors
/// [`Error::Corrupt`] when it is missing or of another length; [`Error::Driver`] and its kin.
pub async fn get(store: &Store, purpose: Purpose) -> Result<[u8; LENGTH], Error> {
    let source = store.reading_all();
    let db = source.db();
    let backend = db.get_database_backend();
    let select = Statement::from_sql_and_values(backend, SELECT, [purpose.name().into()]);
    let row = db.query_one_raw(select).await?;
    let corrupt = || Error::Corrupt {
        table: "deployment_secrets",
        what: format!("{} is missing, or not {LENGTH} bytes long", purpose.name()),
    };
    let value: Vec<u8> = row.ok_or_else(corrupt)?.try_get("", "value")?;
    value.try_into().map_err(|_| corrupt())
}
