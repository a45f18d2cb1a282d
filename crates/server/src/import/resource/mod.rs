//! What is particular to each kind: how a row of a file becomes a row of an import, to whom it
//! refers, and which method takes it.

mod account;
mod deal;
mod partner;
mod product;
mod territory;

pub(super) use account::Accounts;
pub(super) use deal::Deals;
pub(super) use partner::Partners;
pub(super) use product::Products;
pub(super) use territory::Territories;

use prost::Message;
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};
use trellis_api::rpc::v1::RowOutcome;

use super::kind::Kind;
use super::mapping::fields::Rules;
use super::mapping::reader::Reader;
use super::mapping::rule::Rule;
use super::mapping::value::Text;

/// The messages of an import on their way to the server.
pub(super) type Messages<T> = tokio_stream::wrappers::ReceiverStream<T>;

/// One kind of resource.
pub(super) trait Resource {
    /// The kind.
    const KIND: Kind;

    /// The fields that a mapping fills.
    type Fields: Rules;
    /// A row of an import.
    type Row: Message + Clone + Default;
    /// Some rows on their way to the server.
    type Request: Send + 'static;
    /// The answer to them.
    type Response: Send + 'static;

    /// What says by which column a row is found again.
    fn key(fields: &Self::Fields) -> &Rule<Text>;

    /// Reads a row. What is wrong with it is left with the reader, and the row is then not used.
    fn read(number: i64, fields: &Self::Fields, reader: &mut Reader<'_>) -> Self::Row;

    /// What the row is found again by.
    fn external_id(row: &Self::Row) -> &str;

    /// The resources that the row refers to by their external ids.
    fn references(row: &mut Self::Row) -> Vec<Reference<'_>>;

    /// Makes good what is left of a row when references were taken out of it.
    fn mend(_row: &mut Self::Row) {}

    /// Some rows as one message.
    fn request(parent: String, rows: Vec<Self::Row>, validate_only: bool) -> Self::Request;

    /// What became of the rows of a message.
    fn outcomes(response: Self::Response) -> Vec<RowOutcome>;

    /// Sends the messages.
    async fn send(
        channel: Channel,
        messages: Request<Messages<Self::Request>>,
    ) -> Result<Response<Streaming<Self::Response>>, Status>;
}

/// What one row says of another resource.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// The field of the mapping that says it.
    pub(super) field: String,
    /// The kind of the other resource.
    pub(super) kind: Kind,
    /// Its external id.
    pub(super) id: &'a mut String,
    /// How the contract wants it to be named.
    pub(super) by: By,
}

/// How a row of an import names another resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// By its external id; the server finds it.
    ExternalId,
    /// By its resource name; the external id has to be looked up first.
    Name,
}

/// The references that are set.
fn set<'a>(references: impl IntoIterator<Item = Reference<'a>>) -> Vec<Reference<'a>> {
    let references = references.into_iter();
    references
        .filter(|reference| !reference.id.is_empty())
        .collect()
}

#[cfg(test)]
mod tests;
