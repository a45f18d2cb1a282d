//! Some rows on their way: as many as one message holds.

use trellis_api::rpc::v1::RowOutcome;
use trellis_api::rpc::v1::row_outcome::Result as Became;

use super::error::Error;
use super::kind::Kind;
use super::mapping::row::Reason;
use super::resource::Resource;
use super::source::Record;

/// How many rows one message may have.
pub(super) const ROWS_MAX: usize = 500;

/// How many bytes a message may have before it takes no further row. A server takes at least four
/// times as many.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// Some rows in the order of the file.
pub(super) struct Batch<R: Resource> {
    /// The rows.
    pub(super) entries: Vec<Entry<R>>,
}

/// A row as it stands in the file, and what it asks for or why it cannot.
pub(super) struct Entry<R: Resource> {
    /// The row as it stands.
    pub(super) record: Record,
    /// What it asks for, or why it cannot.
    pub(super) row: Result<R::Row, Vec<Reason>>,
}

/// A row and what became of it.
pub(super) struct Settled<R: Resource> {
    /// The row as it stands.
    pub(super) record: Record,
    /// What it asked the server for, if it was sent.
    pub(super) row: Option<R::Row>,
    /// What became of it.
    pub(super) fate: Fate,
}

/// What became of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It made the resource of this name.
    Created(String),
    /// It changed the resource of this name.
    Updated(String),
    /// The resource of this name was so already.
    Unchanged(String),
    /// It was refused.
    Rejected(Vec<Reason>),
}

impl<R: Resource> Batch<R> {
    /// Whether no row of it goes to the server.
    pub(super) fn stays(&self) -> bool {
        self.entries.iter().all(|entry| entry.row.is_err())
    }

    /// The message for the server.
    pub(super) fn request(&self, parent: &str, validate_only: bool) -> R::Request {
        let rows = self
            .entries
            .iter()
            .filter_map(|entry| entry.row.as_ref().ok());
        R::request(parent.to_owned(), rows.cloned().collect(), validate_only)
    }

    /// Joins the rows with what the server answered to those that it was sent.
    ///
    /// # Errors
    /// When it did not answer each of them, in their order.
    pub(super) fn settle(self, outcomes: Vec<RowOutcome>) -> Result<Vec<Settled<R>>, Error> {
        let sent = self
            .entries
            .iter()
            .filter(|entry| entry.row.is_ok())
            .count();
        let answered = outcomes.len();
        if sent != answered {
            return Err(Error::Answer(format!(
                "{answered} outcomes for {sent} rows"
            )));
        }
        let mut outcomes = outcomes.into_iter();
        let settled = self
            .entries
            .into_iter()
            .map(|Entry { record, row }| match row {
                Err(reasons) => Ok(Settled {
                    record,
                    row: None,
                    fate: Fate::Rejected(reasons),
                }),
                Ok(row) => {
                    let outcome = outcomes.next().unwrap_or_default();
                    let fate = fate(R::KIND, record.line, outcome)?;
                    let row = Some(row);
                    Ok(Settled { record, row, fate })
                }
            });
        settled.collect()
    }
}

/// The number of a row: its line.
pub(super) fn number(line: u64) -> i64 {
    i64::try_from(line).unwrap_or(i64::MAX)
}

fn fate(kind: Kind, line: u64, outcome: RowOutcome) -> Result<Fate, Error> {
    let result = outcome.result();
    let RowOutcome {
        row_number,
        external_id: _,
        result: _,
        name,
        violations,
    } = outcome;
    if row_number != number(line) {
        let wrong = format!("the outcome of row {row_number} in the place of row {line}");
        return Err(Error::Answer(wrong));
    }
    match result {
        Became::Created => Ok(Fate::Created(name)),
        Became::Updated => Ok(Fate::Updated(name)),
        Became::Unchanged => Ok(Fate::Unchanged(name)),
        Became::Rejected => {
            let reasons = violations.into_iter().map(|violation| {
                Reason::new(mapped_field(kind, &violation.field), violation.description)
            });
            Ok(Fate::Rejected(reasons.collect()))
        }
        Became::Unspecified => Err(Error::Answer(format!("no result for row {line}"))),
    }
}

/// The name that a mapping has for a field of a row of an import.
fn mapped_field(kind: Kind, path: &str) -> String {
    let inside = path.strip_prefix(kind.singular());
    let field = inside
        .and_then(|path| path.strip_prefix('.'))
        .unwrap_or(path);
    let mapped = match (kind, field) {
        (Kind::Deals, "partner_external_id") => "partner",
        (Kind::Deals, "account_external_id") => "account",
        (Kind::Accounts, "parent_external_id") => "parent_account",
        (Kind::Territories, "parent_external_id") => "parent_territory",
        (Kind::Products, "product_family_display_name") => "product_family",
        (_, field) => field,
    };
    mapped.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_called_as_the_mapping_calls_them() {
        let cases = [
            (Kind::Deals, "deal.close_date", "close_date"),
            (Kind::Deals, "deal.lines[0].product", "lines[0].product"),
            (Kind::Deals, "partner_external_id", "partner"),
            (Kind::Accounts, "parent_external_id", "parent_account"),
            (
                Kind::Territories,
                "territory.region_codes[1]",
                "region_codes[1]",
            ),
            (Kind::Products, "product", "product"),
        ];
        for (kind, path, expected) in cases {
            assert_eq!(mapped_field(kind, path), expected);
        }
    }

    #[test]
    fn an_outcome_must_be_that_of_its_row() {
        let outcome = RowOutcome {
            row_number: 7,
            result: Became::Created.into(),
            name: "ecosystems/acme/deals/x".to_owned(),
            ..RowOutcome::default()
        };
        let fate_of = |line| fate(Kind::Deals, line, outcome.clone());
        assert_eq!(
            fate_of(7).unwrap(),
            Fate::Created("ecosystems/acme/deals/x".to_owned())
        );
        assert!(fate_of(8).is_err());
        assert!(fate(Kind::Deals, 0, RowOutcome::default()).is_err());
    }
}
