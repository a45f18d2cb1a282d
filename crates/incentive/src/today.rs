//! The day on which what is posted now counts, where no program says it.

use trellis_core::{Date, TimeZone};
use trellis_store::View;
use trellis_store::platform::ecosystem;

use crate::Error;

/// The day by the ecosystem's clock and time zone.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn today(view: &View) -> Result<Date, Error> {
    let zone = ecosystem::get(view)
        .await?
        .map_or_else(TimeZone::utc, |found| found.time_zone);
    Ok(zone.local_date(view.now()))
}
