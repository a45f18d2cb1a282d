//! Statements of partners.

use trellis_api::incentive::v1 as pb;
use trellis_api::name;
use trellis_core::{Call, Cursor, Date, PageQuery, PartnerId, Problem, Value};
use trellis_store::incentive::ledger::statement::{self as lines, Movement, Place};
use trellis_store::partner::partner;
use trellis_store::{Store, record};

use super::convert::{wire_movement, wire_totals};
use super::statement;
use crate::Error;

/// Whose statement is asked for, and for which days.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) partner: PartnerId,
    pub(super) start: Date,
    pub(super) end: Date,
}

/// A statement without the token of its next page.
pub(super) struct Statement {
    pub(super) currencies: Vec<pb::StatementCurrency>,
    pub(super) movements: Vec<pb::StatementMovement>,
    pub(super) next: Option<Cursor>,
}

/// Gets the statement of a partner.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`; `INVALID_FIELDS` when the page token was made for another statement;
/// `INTERNAL` when the statement does not add up, which is never answered as if it did.
pub(super) async fn get(
    store: &Store,
    call: Call,
    asked: &Asked,
    query: &PageQuery,
) -> Result<Statement, Error> {
    let Asked {
        partner,
        start,
        end,
    } = asked;
    let after = query.after.as_ref().map(place).transpose()?;
    let view = store.read(&call).await?;
    if record::find::<partner::Entity>(&view, partner)
        .await?
        .is_none()
    {
        return Err(Problem::NotFound {
            resource: name(view.ecosystem(), partner),
        }
        .into());
    }
    let parts = lines::parts(&view, partner, *start, *end).await?;
    let mut currencies = Vec::new();
    for (currency, totals) in statement::totals(&parts) {
        if !totals.adds_up() {
            tracing::error!(%partner, %currency, ?totals, "a statement does not add up");
            let what = format!("the statement of {partner} in {currency} does not add up");
            return Err(trellis_store::Error::Corrupt {
                table: "ledger_lines",
                what,
            }
            .into());
        }
        currencies.push(wire_totals(currency, &totals));
    }
    let limit = u64::from(query.size) + 1;
    let mut rows = lines::movements(&view, partner, *start, *end, after.as_ref(), limit).await?;
    let size = usize::try_from(query.size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(cursor);
    let movements = rows
        .into_iter()
        .map(|movement| wire_movement(view.ecosystem(), movement))
        .collect();
    Ok(Statement {
        currencies,
        movements,
        next,
    })
}

fn cursor(movement: &Movement) -> Cursor {
    let award = movement
        .award
        .as_ref()
        .map_or("", trellis_core::AwardId::as_str);
    Cursor(vec![
        Value::Integer(movement.effective_date.days().into()),
        Value::Text(movement.journal.to_string()),
        Value::Text(award.to_owned()),
    ])
}

fn place(Cursor(values): &Cursor) -> Result<Place, Error> {
    match &values[..] {
        [
            Value::Integer(days),
            Value::Text(journal),
            Value::Text(award),
        ] => Ok(Place {
            effective_date: Date::from_days(
                i32::try_from(*days).map_err(|_| trellis_store::Error::BadCursor)?,
            ),
            journal: journal.clone(),
            award: award.clone(),
        }),
        _ => Err(trellis_store::Error::BadCursor.into()),
    }
}
