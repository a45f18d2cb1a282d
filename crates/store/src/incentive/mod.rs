//! Plans and their versions, the facts that they pay for, what the facts add up to, the awards, the
//! ledger that their money moves in, and the payouts that take it out.

pub mod award;
pub mod exchange_rate;
pub mod fact;
pub mod ledger;
pub mod payout_batch;
pub mod payout_item;
pub mod payout_line;
pub mod plan;
pub mod plan_budget;
pub mod plan_version;
pub mod quota;
pub mod recorded_fact;
pub mod standing;
pub mod total;

pub use trellis_core::incentive::plan as terms;

/// Days: the first of them, and the first after them.
pub type Span = (trellis_core::Date, trellis_core::Date);

/// Whether a day is one of some; all are where none are said.
fn within(column: impl sea_orm::ColumnTrait, spans: Option<&[Span]>) -> sea_orm::Condition {
    let Some(spans) = spans else {
        return sea_orm::Condition::all();
    };
    let any = sea_orm::Condition::any();
    spans.iter().fold(any, |any, (from, until)| {
        any.add(
            sea_orm::Condition::all()
                .add(column.gte(*from))
                .add(column.lt(*until)),
        )
    })
}
