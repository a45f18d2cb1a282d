//! Accounts out of rows.

use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};
use trellis_api::deal::v1::account_identifier::Type;
use trellis_api::deal::v1::account_service_client::AccountServiceClient;
use trellis_api::deal::v1::{
    Account, AccountIdentifier, ImportAccountRow, ImportAccountsRequest, ImportAccountsResponse,
};
use trellis_api::money;
use trellis_api::rpc::v1::RowOutcome;

use super::{Messages, Reference, Resource};
use crate::import::kind::Kind;
use crate::import::mapping::fields::AccountFields;
use crate::import::mapping::reader::Reader;
use crate::import::mapping::rule::Rule;
use crate::import::mapping::value::Text;

/// Accounts.
#[derive(Debug)]
pub(in crate::import) struct Accounts;

impl Resource for Accounts {
    const KIND: Kind = Kind::Accounts;

    type Fields = AccountFields;
    type Row = ImportAccountRow;
    type Request = ImportAccountsRequest;
    type Response = ImportAccountsResponse;

    fn read(number: i64, fields: &AccountFields, reader: &mut Reader<'_>) -> ImportAccountRow {
        let AccountFields {
            external_id,
            display_name,
            region_code,
            domains,
            aliases,
            lei,
            duns,
            vat,
            registration_number,
            industry,
            annual_revenue,
            employee_count,
            founded_year,
            parent_account,
        } = fields;
        let region = reader
            .optional("region_code", region_code.as_ref())
            .unwrap_or_default();
        let numbers = [
            (Type::Lei, reader.optional("lei", lei.as_ref())),
            (Type::Duns, reader.optional("duns", duns.as_ref())),
            (Type::Vat, reader.optional("vat", vat.as_ref())),
            (
                Type::RegistrationNumber,
                reader.optional("registration_number", registration_number.as_ref()),
            ),
        ];
        let account = Account {
            external_id: reader
                .required("external_id", external_id)
                .unwrap_or_default(),
            display_name: reader
                .required("display_name", display_name)
                .unwrap_or_default(),
            identifiers: numbers
                .into_iter()
                .filter_map(|(kind, value)| Some(identifier(kind, value?, &region)))
                .collect(),
            aliases: reader
                .optional("aliases", aliases.as_ref())
                .unwrap_or_default(),
            region_code: region,
            domains: reader
                .optional("domains", domains.as_ref())
                .unwrap_or_default(),
            industry: reader
                .optional("industry", industry.as_ref())
                .unwrap_or_default(),
            annual_revenue: reader
                .optional("annual_revenue", annual_revenue.as_ref())
                .map(money::wire),
            employee_count: reader
                .optional("employee_count", employee_count.as_ref())
                .unwrap_or_default(),
            founded_year: reader
                .optional("founded_year", founded_year.as_ref())
                .unwrap_or_default(),
            ..Account::default()
        };
        let parent = reader.optional("parent_account", parent_account.as_ref());
        ImportAccountRow {
            row_number: number,
            account: Some(account),
            parent_external_id: parent.unwrap_or_default(),
        }
    }

    fn key(fields: &AccountFields) -> &Rule<Text> {
        &fields.external_id
    }

    fn external_id(row: &ImportAccountRow) -> &str {
        row.account
            .as_ref()
            .map_or("", |account| &account.external_id)
    }

    /// None: an account waits for its parent, so that a parent that is not there yet is no matter.
    fn references(_row: &mut ImportAccountRow) -> Vec<Reference<'_>> {
        Vec::new()
    }

    fn request(
        parent: String,
        rows: Vec<ImportAccountRow>,
        validate_only: bool,
    ) -> ImportAccountsRequest {
        ImportAccountsRequest {
            parent,
            rows,
            validate_only,
        }
    }

    fn outcomes(response: ImportAccountsResponse) -> Vec<RowOutcome> {
        response.outcomes
    }

    async fn send(
        channel: Channel,
        messages: Request<Messages<ImportAccountsRequest>>,
    ) -> Result<Response<Streaming<ImportAccountsResponse>>, Status> {
        AccountServiceClient::new(channel)
            .import_accounts(messages)
            .await
    }
}

/// An identifier of an account. Those of a country are those of the account's.
fn identifier(kind: Type, value: String, region_code: &str) -> AccountIdentifier {
    let of_a_country = matches!(kind, Type::Vat | Type::RegistrationNumber);
    AccountIdentifier {
        r#type: kind.into(),
        value,
        region_code: if of_a_country {
            region_code.to_owned()
        } else {
            String::new()
        },
        ..AccountIdentifier::default()
    }
}
