//! Journals with their lines: a page at a time, or all of them as a stream.

use std::collections::HashMap;

use futures::stream::{self, BoxStream, StreamExt as _};
use trellis_api::ecosystem_name;
use trellis_api::incentive::v1 as pb;
use trellis_core::{
    Call, Cursor, Date, EcosystemId, Filter, JournalId, Page, PageQuery, Seal, Value,
};
use trellis_store::incentive::ledger::balance::{self, Touching};
use trellis_store::incentive::ledger::{journal, line};
use trellis_store::{Store, View};

use super::convert::wire_journal;
use crate::Error;

/// The journals of one message of an export: with some ten lines each, about a megabyte.
const MESSAGE: u32 = 500;

/// Lists journals.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another list.
pub(super) async fn list(
    store: &Store,
    call: Call,
    touching: &Touching,
    query: &PageQuery,
) -> Result<Page<pb::Journal>, Error> {
    let view = store.read(&call).await?;
    let filter = query
        .filter
        .clone()
        .map(|filter| within(filter, view.ecosystem()));
    page(
        &view,
        touching,
        &PageQuery {
            filter,
            ..query.clone()
        },
    )
    .await
}

/// A cause is kept without its ecosystem, and asked for with it.
fn within(filter: Filter, ecosystem: &EcosystemId) -> Filter {
    let all = |parts: Vec<Filter>| {
        parts
            .into_iter()
            .map(|part| within(part, ecosystem))
            .collect()
    };
    match filter {
        Filter::All(parts) => Filter::All(all(parts)),
        Filter::Any(parts) => Filter::Any(all(parts)),
        Filter::Not(part) => Filter::Not(Box::new(within(*part, ecosystem))),
        Filter::Test {
            field: "cause",
            comparison,
            value: Value::Text(text),
        } => {
            let prefix = format!("{}/", ecosystem_name(ecosystem));
            let text = text
                .strip_prefix(&prefix)
                .map(str::to_owned)
                .unwrap_or(text);
            Filter::Test {
                field: "cause",
                comparison,
                value: Value::Text(text),
            }
        }
        Filter::Test {
            field,
            comparison,
            value,
        } => Filter::Test {
            field,
            comparison,
            value,
        },
    }
}

async fn page(
    view: &View,
    touching: &Touching,
    query: &PageQuery,
) -> Result<Page<pb::Journal>, Error> {
    let Page { rows, next } = balance::journals(view, touching, query).await?;
    let ids: Vec<JournalId> = rows.iter().map(|journal| journal.id.clone()).collect();
    let mut lines: HashMap<JournalId, Vec<line::Model>> = HashMap::with_capacity(ids.len());
    for line in balance::lines(view, &ids).await? {
        lines.entry(line.journal.clone()).or_default().push(line);
    }
    let wire = |journal: journal::Model| {
        let lines = lines.remove(&journal.id).unwrap_or_default();
        wire_journal(journal, lines)
    };
    Ok(Page {
        rows: rows.into_iter().map(wire).collect(),
        next,
    })
}

/// Which journals are exported.
#[derive(Clone, Debug)]
pub(super) struct Export {
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    pub(super) after: Option<JournalId>,
}

/// The answers of an export.
pub(super) type Messages = BoxStream<'static, Result<pb::ExportJournalsResponse, Error>>;

/// Exports journals: each message is a read of its own, so that a client that is slow holds nothing.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when the ecosystem does not exist.
pub(super) async fn export(store: &Store, call: Call, export: Export) -> Result<Messages, Error> {
    let view = store.read(&call).await?;
    let Export { from, until, after } = export;
    let touching = Touching {
        account: None,
        award: None,
        from,
        until,
    };
    let query = PageQuery {
        filter: None,
        order: Vec::new(),
        size: MESSAGE,
        after: after.map(|journal| Cursor(vec![Value::Text(journal.into_string())])),
        show_deleted: false,
        seal: Seal::default(),
    };
    let messages = stream::try_unfold(Some(query), move |query| {
        let (view, touching) = (view.clone(), touching.clone());
        async move {
            let Some(mut query) = query else {
                return Ok(None);
            };
            let Page { rows, next } = page(&view, &touching, &query).await?;
            if rows.is_empty() {
                return Ok(None);
            }
            let rest = next.map(|next| {
                query.after = Some(next);
                query
            });
            Ok(Some((pb::ExportJournalsResponse { journals: rows }, rest)))
        }
    });
    Ok(messages.boxed())
}

#[cfg(test)]
mod tests {
    use trellis_core::Comparison;

    use super::*;

    fn cause(text: &str) -> Filter {
        let value = Value::Text(text.to_owned());
        Filter::Test {
            field: "cause",
            comparison: Comparison::Equal,
            value,
        }
    }

    #[test]
    fn a_cause_is_asked_for_by_its_full_name_wherever_it_stands_in_a_filter() {
        let acme = EcosystemId::try_new("acme").unwrap();
        let full = cause("ecosystems/acme/awards/a");
        let other = cause("ecosystems/other/awards/a");
        let kind = Filter::Test {
            field: "kind",
            comparison: Comparison::Equal,
            value: Value::Text("ecosystems/acme/x".to_owned()),
        };
        let asked = Filter::All(vec![
            Filter::Any(vec![full.clone(), kind.clone()]),
            Filter::Not(Box::new(full)),
            other.clone(),
        ]);
        let expected = Filter::All(vec![
            Filter::Any(vec![cause("awards/a"), kind]),
            Filter::Not(Box::new(cause("awards/a"))),
            other,
        ]);
        assert_eq!(within(asked, &acme), expected);
    }
}
