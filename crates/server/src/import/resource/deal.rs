//! Deals out of rows.

use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};
use trellis_api::deal::v1::deal::Line;
use trellis_api::deal::v1::deal_service_client::DealServiceClient;
use trellis_api::deal::v1::{Deal, ImportDealRow, ImportDealsRequest, ImportDealsResponse};
use trellis_api::rpc::v1::RowOutcome;
use trellis_api::{date, money};
use trellis_core::Money;

use super::{By, Messages, Reference, Resource, set};
use crate::import::kind::Kind;
use crate::import::mapping::fields::{DealFields, LineFields};
use crate::import::mapping::reader::Reader;
use crate::import::mapping::rule::Rule;
use crate::import::mapping::value::Text;

/// Deals.
#[derive(Debug)]
pub(in crate::import) struct Deals;

impl Resource for Deals {
    const KIND: Kind = Kind::Deals;

    type Fields = DealFields;
    type Row = ImportDealRow;
    type Request = ImportDealsRequest;
    type Response = ImportDealsResponse;

    fn read(number: i64, fields: &DealFields, reader: &mut Reader<'_>) -> ImportDealRow {
        let DealFields {
            external_id,
            display_name,
            stage,
            account,
            partner,
            lines,
            amount,
            deal_type,
            territory,
            engage_date,
            expected_close_date,
            close_date,
            lost_reason_code,
        } = fields;
        let mut deal = Deal {
            external_id: reader
                .required("external_id", external_id)
                .unwrap_or_default(),
            display_name: reader
                .required("display_name", display_name)
                .unwrap_or_default(),
            lines: read_lines(lines, reader),
            amount: reader.optional("amount", amount.as_ref()).map(money::wire),
            territory: reader
                .optional("territory", territory.as_ref())
                .unwrap_or_default(),
            engage_date: reader
                .optional("engage_date", engage_date.as_ref())
                .map(date::wire),
            expected_close_date: reader
                .optional("expected_close_date", expected_close_date.as_ref())
                .map(date::wire),
            close_date: reader
                .optional("close_date", close_date.as_ref())
                .map(date::wire),
            lost_reason_code: reader
                .optional("lost_reason_code", lost_reason_code.as_ref())
                .unwrap_or_default(),
            ..Deal::default()
        };
        if let Some(stage) = reader.required("stage", stage) {
            deal.set_stage(stage);
        }
        if let Some(deal_type) = reader.optional("deal_type", deal_type.as_ref()) {
            deal.set_deal_type(deal_type);
        }
        let partner = reader.optional("partner", partner.as_ref());
        let account = reader.optional("account", account.as_ref());
        ImportDealRow {
            row_number: number,
            deal: Some(deal),
            partner_external_id: partner.unwrap_or_default(),
            account_external_id: account.unwrap_or_default(),
        }
    }

    fn key(fields: &DealFields) -> &Rule<Text> {
        &fields.external_id
    }

    fn external_id(row: &ImportDealRow) -> &str {
        row.deal.as_ref().map_or("", |deal| &deal.external_id)
    }

    fn references(row: &mut ImportDealRow) -> Vec<Reference<'_>> {
        let reference = |field: &str, kind, id, by| {
            let field = field.to_owned();
            Reference {
                field,
                kind,
                id,
                by,
            }
        };
        let mut references = vec![
            reference(
                "partner",
                Kind::Partners,
                &mut row.partner_external_id,
                By::ExternalId,
            ),
            reference(
                "account",
                Kind::Accounts,
                &mut row.account_external_id,
                By::ExternalId,
            ),
        ];
        if let Some(deal) = &mut row.deal {
            let territory = &mut deal.territory;
            references.push(reference(
                "territory",
                Kind::Territories,
                territory,
                By::Name,
            ));
            for (place, line) in deal.lines.iter_mut().enumerate() {
                let field = format!("lines[{place}].product");
                references.push(reference(
                    &field,
                    Kind::Products,
                    &mut line.product,
                    By::Name,
                ));
            }
        }
        set(references)
    }

    /// Without one of its lines the others no longer make up the deal, so all of them go, and the
    /// deal keeps what they were worth together.
    fn mend(row: &mut ImportDealRow) {
        let Some(deal) = &mut row.deal else {
            return;
        };
        if deal.lines.iter().all(|line| !line.product.is_empty()) {
            return;
        }
        let lines = std::mem::take(&mut deal.lines);
        if deal.amount.is_none() {
            deal.amount = worth(&lines).map(money::wire);
        }
    }

    fn request(
        parent: String,
        rows: Vec<ImportDealRow>,
        validate_only: bool,
    ) -> ImportDealsRequest {
        ImportDealsRequest {
            parent,
            rows,
            validate_only,
        }
    }

    fn outcomes(response: ImportDealsResponse) -> Vec<RowOutcome> {
        response.outcomes
    }

    async fn send(
        channel: Channel,
        messages: Request<Messages<ImportDealsRequest>>,
    ) -> Result<Response<Streaming<ImportDealsResponse>>, Status> {
        DealServiceClient::new(channel).import_deals(messages).await
    }
}

/// The lines whose product is not empty.
fn read_lines(lines: &[LineFields], reader: &mut Reader<'_>) -> Vec<Line> {
    let mut read = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let LineFields {
            product,
            quantity,
            amount,
        } = line;
        let field = |name: &str| format!("lines[{place}].{name}");
        let Some(product) = reader.optional(&field("product"), Some(product)) else {
            continue;
        };
        let quantity = reader.optional(&field("quantity"), quantity.as_ref());
        let amount = reader.optional(&field("amount"), amount.as_ref());
        read.push(Line {
            product,
            quantity: quantity.unwrap_or_default(),
            amount: amount.map(money::wire),
        });
    }
    read
}

/// What lines are worth together; nothing when any does not say, or not in the same currency.
fn worth(lines: &[Line]) -> Option<Money> {
    let mut amounts = lines
        .iter()
        .map(|line| money::read(line.amount.as_ref()?).ok());
    let first = amounts.next()??;
    amounts.try_fold(first, |sum, amount| sum.checked_add(amount?).ok())
}
