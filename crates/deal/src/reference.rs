//! Refuses what names something that does not exist, and puts what stands in the place of what was
//! merged.

use std::collections::BTreeMap;

use trellis_api::name;
use trellis_core::{AccountId, Problem};
use trellis_store::View;
use trellis_store::deal::reference::{self, Missing, References};

use crate::Error;

/// The accounts that were named and had been merged, with those that they were merged into.
pub(crate) struct Merged(BTreeMap<AccountId, AccountId>);

impl Merged {
    /// Puts the account that stands in the place of one that was merged.
    pub(crate) fn stand_for(&self, account: &mut AccountId) {
        if let Some(stands) = self.0.get(account) {
            account.clone_from(stands);
        }
    }
}

/// Checks that everything that is named exists. For a partner only what it reaches does; the staff
/// may name whatever they can read, also where they do not reach far enough to change it.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` naming the first that does not.
pub(crate) async fn all_exist(view: &View, named: &References) -> Result<Merged, Error> {
    let found = if view.scope().is_staff() {
        reference::look_up(&view.whole(), named).await?
    } else {
        reference::look_up(view, named).await?
    };
    let Some(first) = found.missing.first() else {
        return Ok(Merged(found.merged));
    };
    let ecosystem = view.ecosystem();
    let resource = match first {
        Missing::Partner(id) => name(ecosystem, id),
        Missing::Program(id) => name(ecosystem, id),
        Missing::Account(id) => name(ecosystem, id),
        Missing::Product(id) => name(ecosystem, id),
        Missing::Territory(id) => name(ecosystem, id),
    };
    Err(Problem::NotFound { resource }.into())
}
