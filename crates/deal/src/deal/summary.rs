//! Sums up the deals of an ecosystem: one query, whatever their number.

use trellis_api::deal::v1 as pb;
use trellis_core::Call;
use trellis_store::Store;
use trellis_store::deal::pipeline::{Gathering, Which, tallies};

use super::convert::wire_pipeline;
use super::pipeline::{self, Grouping};
use crate::Error;

/// Asks for a pipeline.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What the deals are gathered by.
    pub by: Grouping,
    /// Which deals count.
    pub which: Which,
}

/// Sums up the deals of an ecosystem.
///
/// # Errors
/// `INTERNAL` when an amount is more than can be counted.
pub async fn pipeline(
    store: &Store,
    call: Call,
    Ask { by, which }: Ask,
) -> Result<pb::GetPipelineResponse, Error> {
    let view = store.read(&call).await?;
    let gathering = match by {
        Grouping::Stage => Gathering::Stage,
        Grouping::Partner => Gathering::Partner,
        Grouping::Month | Grouping::Quarter => Gathering::Month,
        Grouping::Territory => Gathering::Territory,
        Grouping::Product => Gathering::Product,
    };
    let mut tallies = tallies(&view, &which, gathering).await?;
    let scope = view.scope();
    if !scope.is_staff() {
        // Who else sourced what a partner has another part in, it is not told.
        for tally in &mut tallies {
            tally.partner = tally
                .partner
                .take()
                .filter(|partner| scope.may_name(partner));
        }
    }
    let pipeline = pipeline::sum_up(tallies, by).map_err(|error| {
        Error::Store(trellis_store::Error::Corrupt {
            table: "deals",
            what: error.to_string(),
        })
    })?;
    Ok(wire_pipeline(view.ecosystem(), pipeline))
}
