//! Refuses what names something that does not exist.

use trellis_api::name;
use trellis_core::Problem;
use trellis_store::View;
use trellis_store::deal::reference::{self, Missing, References};

use crate::Error;

/// Checks that everything that is named exists. For a partner only what it reaches does; the staff
/// may name whatever they can read, also where they do not reach far enough to change it.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` naming the first that does not.
pub(crate) async fn all_exist(view: &View, named: &References) -> Result<(), Error> {
    let missing = if view.scope().is_staff() {
        reference::missing(&view.whole(), named).await?
    } else {
        reference::missing(view, named).await?
    };
    let Some(first) = missing.first() else {
        return Ok(());
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
