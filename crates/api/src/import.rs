//! Imports: streams of rows, one transaction and one answer for each message, one outcome for each
//! row.
//!
//! A message that is wrong as a whole ends the stream; a row that is wrong is rejected by itself.

use std::pin::Pin;

use futures::{Stream, StreamExt as _, stream};
use prost_protovalidate::Validate;
use tonic::{Request, Response, Status, Streaming};
use trellis_core::{Call, Problem, Violation};

use crate::method::Routed;
use crate::open::{Caller, Refusal};
use crate::rpc::v1::RowOutcome;
use crate::rpc::v1::row_outcome::Result as Wire;
use crate::{Fields, status};

/// The answers of an import.
pub type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Answers each message of a stream: opens it and does the work, one after the other.
///
/// All messages are about the resource that the first one is about. The stream ends at the first
/// message that cannot be opened or worked on; what was answered before stands.
///
/// # Errors
/// `INVALID_ARGUMENT` when the call's metadata is wrong.
pub fn answer_each<R, C, T, W>(
    request: Request<Streaming<R>>,
    parse: impl Fn(R, &mut Fields) -> Option<C> + Send + 'static,
    work: impl FnMut(Call, C) -> W + Send + 'static,
) -> Result<Response<Answers<T>>, Status>
where
    R: Routed,
    C: Send + 'static,
    T: Send + 'static,
    W: Future<Output = Result<T, Status>> + Send + 'static,
{
    let (metadata, extensions, messages) = request.into_parts();
    let (caller, violations) = Caller::of(&metadata, &extensions);
    caller.principal().map_err(|unknown| status(&unknown))?;
    if !violations.is_empty() {
        return Err(status(&Problem::Invalid(violations)));
    }
    Ok(Response::new(Box::pin(answers(
        caller, messages, parse, work,
    ))))
}

fn answers<R, C, T, W>(
    caller: Caller,
    messages: impl Stream<Item = Result<R, Status>> + Send + Unpin + 'static,
    parse: impl Fn(R, &mut Fields) -> Option<C> + Send + 'static,
    work: impl FnMut(Call, C) -> W + Send + 'static,
) -> impl Stream<Item = Result<T, Status>> + Send
where
    R: Routed,
    C: Send + 'static,
    W: Future<Output = Result<T, Status>> + Send + 'static,
{
    let begin = (messages, None, work, parse);
    stream::try_unfold(begin, move |(mut messages, mut about, mut work, parse)| {
        let caller = caller.clone();
        async move {
            let Some(message) = messages.next().await else {
                return Ok(None);
            };
            let opened = open(&caller, message?, &mut about, &parse);
            let (call, command) = opened.map_err(|refusal| status(&refusal))?;
            let answer = work(call, command).await?;
            Ok(Some((answer, (messages, about, work, parse))))
        }
    })
}

fn open<R: Routed, C>(
    caller: &Caller,
    message: R,
    about: &mut Option<String>,
    parse: impl Fn(R, &mut Fields) -> Option<C>,
) -> Result<(Call, C), Refusal> {
    let resource = message.resource().into_owned();
    let mut violations = Vec::new();
    if let Some(about) = about.as_ref().filter(|about| **about != resource) {
        let description = format!("must be {about} as in the first message");
        violations.push(Violation::new(R::ADDRESS, "stream.address", description));
    }
    let opened = caller.open(message, violations, parse)?;
    about.get_or_insert(resource);
    Ok(opened)
}

/// A row of an import, checked for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<C> {
    /// The number that the caller gave it.
    pub row_number: i64,
    /// The external id that the caller gave it.
    pub external_id: String,
    /// What the row asks for, or everything that is wrong with it.
    pub command: Result<C, Vec<Violation>>,
}

impl<C> Row<C> {
    /// Reads a row. The contract's rules for it and what `parse` refuses are its violations, with
    /// paths inside of the row.
    pub fn read<M: Validate>(
        fields: &Fields,
        row_number: i64,
        external_id: impl Into<String>,
        row: M,
        parse: impl FnOnce(M, &mut Fields) -> Option<C>,
    ) -> Self {
        let command = fields.apart(row, parse);
        Self {
            row_number,
            external_id: external_id.into(),
            command,
        }
    }
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It made the resource of this name.
    Created(String),
    /// It changed the resource of this name.
    Updated(String),
    /// The resource of this name stands already as the row says.
    Unchanged(String),
    /// It was refused and changed nothing.
    Rejected(Vec<Violation>),
}

impl Outcome {
    /// The outcome of a row on the wire.
    #[must_use]
    pub fn wire(self, row_number: i64, external_id: impl Into<String>) -> RowOutcome {
        let (result, name, rejected) = match self {
            Self::Created(name) => (Wire::Created, name, Vec::new()),
            Self::Updated(name) => (Wire::Updated, name, Vec::new()),
            Self::Unchanged(name) => (Wire::Unchanged, name, Vec::new()),
            Self::Rejected(violations) => (Wire::Rejected, String::new(), violations),
        };
        RowOutcome {
            row_number,
            external_id: external_id.into(),
            result: result.into(),
            name,
            violations: status::violations(rejected),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::executor::block_on;
    use tonic::Extensions;
    use tonic::metadata::MetadataMap;
    use tonic_types::StatusExt;
    use trellis_core::{Actor, EcosystemId, Principal};

    use super::*;
    use crate::partner::v1::{ImportPartnerRow, ImportPartnersRequest, Partner};

    fn message(parent: &str, rows: usize) -> Result<ImportPartnersRequest, Status> {
        Ok(ImportPartnersRequest {
            parent: parent.to_owned(),
            rows: vec![ImportPartnerRow::default(); rows],
            validate_only: rows == 2,
        })
    }

    fn import(messages: Vec<Result<ImportPartnersRequest, Status>>) -> Vec<Result<String, Status>> {
        let mut extensions = Extensions::new();
        extensions.insert(Arc::new(Principal::unidentified(Actor::anonymous())));
        let (caller, _) = Caller::of(&MetadataMap::new(), &extensions);
        let answers = answers(
            caller,
            stream::iter(messages),
            |request: ImportPartnersRequest, _| Some(request.rows.len()),
            |call, rows| async move {
                if rows == 3 {
                    return Err(Status::aborted("three is too many"));
                }
                Ok(format!("{} {rows} {}", call.ecosystem, call.validate_only))
            },
        );
        block_on(answers.collect())
    }

    fn seen(answers: &[Result<String, Status>]) -> Vec<&str> {
        answers
            .iter()
            .map(|answer| answer.as_deref().unwrap_or("refused"))
            .collect()
    }

    #[test]
    fn each_message_has_one_answer() {
        let acme = "ecosystems/acme";
        let answers = import(vec![message(acme, 1), message(acme, 2)]);
        assert_eq!(seen(&answers), ["acme 1 false", "acme 2 true"]);
        assert!(import(Vec::new()).is_empty());
    }

    #[test]
    fn a_message_that_cannot_be_worked_on_ends_the_stream() {
        let acme = "ecosystems/acme";
        for bad in [
            message(acme, 0),
            message(acme, 501),
            message(acme, 3),
            message("x", 1),
        ] {
            let answers = import(vec![message(acme, 1), bad, message(acme, 1)]);
            assert_eq!(seen(&answers), ["acme 1 false", "refused"]);
        }
        let broken = import(vec![Err(Status::cancelled("gone")), message(acme, 1)]);
        assert_eq!(
            broken.first().unwrap().as_ref().unwrap_err().code(),
            tonic::Code::Cancelled
        );
    }

    #[test]
    fn all_messages_are_about_one_ecosystem() {
        let answers = import(vec![
            message("ecosystems/acme", 1),
            message("ecosystems/other", 1),
        ]);
        let refused = answers.last().unwrap().as_ref().unwrap_err();
        let violations = refused.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations.first().unwrap().field, "parent");
    }

    #[test]
    fn a_row_is_judged_by_itself() {
        let fields = Fields::new(Some(EcosystemId::try_new("acme").unwrap()), Vec::new());
        let good = ImportPartnerRow {
            row_number: 1,
            partner: Some(Partner {
                display_name: "Nimbus".to_owned(),
                partner_type: 1,
                ..Partner::default()
            }),
        };
        let bad = ImportPartnerRow {
            row_number: 2,
            partner: None,
        };
        let read = |row: ImportPartnerRow| {
            Row::read(&fields, row.row_number, "crm-1", row, |row, fields| {
                fields
                    .required("partner", row.partner)
                    .map(|partner| partner.display_name)
            })
        };
        assert_eq!(read(good).command.unwrap(), "Nimbus");
        let rejected = read(bad);
        assert_eq!(
            (rejected.row_number, rejected.external_id.as_str()),
            (2, "crm-1")
        );
        let violations = rejected.command.unwrap_err();
        assert_eq!(violations.len(), 1);
        assert_eq!(violations.first().unwrap().field, "partner");
    }

    #[test]
    fn outcomes_name_what_they_made_or_say_what_is_wrong() {
        let name = "ecosystems/acme/partners/nimbus".to_owned();
        let outcome = Outcome::Created(name.clone()).wire(7, "crm-1");
        assert_eq!(
            (outcome.row_number, outcome.external_id.as_str()),
            (7, "crm-1")
        );
        assert_eq!(
            (outcome.result(), outcome.name),
            (Wire::Created, name.clone())
        );
        assert_eq!(
            Outcome::Updated(name.clone()).wire(7, "").result(),
            Wire::Updated
        );
        assert_eq!(
            Outcome::Unchanged(name).wire(7, "").result(),
            Wire::Unchanged
        );
        let violations = vec![Violation::new("domain", "string.max_len", "is too long")];
        let outcome = Outcome::Rejected(violations).wire(7, "");
        assert_eq!(
            (outcome.result(), outcome.name.as_str()),
            (Wire::Rejected, "")
        );
        assert_eq!(outcome.violations.first().unwrap().reason, "string.max_len");
    }
}
