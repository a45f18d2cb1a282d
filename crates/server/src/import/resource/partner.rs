//! Partners out of rows.

use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};
use trellis_api::partner::v1::partner_service_client::PartnerServiceClient;
use trellis_api::partner::v1::{
    ImportPartnerRow, ImportPartnersRequest, ImportPartnersResponse, Partner,
};
use trellis_api::rpc::v1::RowOutcome;

use super::{Messages, Reference, Resource};
use crate::import::kind::Kind;
use crate::import::mapping::fields::PartnerFields;
use crate::import::mapping::reader::Reader;
use crate::import::mapping::rule::Rule;
use crate::import::mapping::value::Text;

/// Partners.
#[derive(Debug)]
pub(in crate::import) struct Partners;

impl Resource for Partners {
    const KIND: Kind = Kind::Partners;

    type Fields = PartnerFields;
    type Row = ImportPartnerRow;
    type Request = ImportPartnersRequest;
    type Response = ImportPartnersResponse;

    fn read(number: i64, fields: &PartnerFields, reader: &mut Reader<'_>) -> ImportPartnerRow {
        let PartnerFields {
            external_id,
            display_name,
            partner_type,
            region_code,
            domain,
            contact_email,
            channel_manager,
        } = fields;
        let mut partner = Partner {
            external_id: reader
                .required("external_id", external_id)
                .unwrap_or_default(),
            display_name: reader
                .required("display_name", display_name)
                .unwrap_or_default(),
            region_code: reader
                .optional("region_code", region_code.as_ref())
                .unwrap_or_default(),
            domain: reader
                .optional("domain", domain.as_ref())
                .unwrap_or_default(),
            contact_email: reader
                .optional("contact_email", contact_email.as_ref())
                .unwrap_or_default(),
            channel_manager: reader
                .optional("channel_manager", channel_manager.as_ref())
                .unwrap_or_default(),
            ..Partner::default()
        };
        if let Some(partner_type) = reader.required("partner_type", partner_type) {
            partner.set_partner_type(partner_type);
        }
        ImportPartnerRow {
            row_number: number,
            partner: Some(partner),
        }
    }

    fn key(fields: &PartnerFields) -> &Rule<Text> {
        &fields.external_id
    }

    fn external_id(row: &ImportPartnerRow) -> &str {
        row.partner
            .as_ref()
            .map_or("", |partner| &partner.external_id)
    }

    fn references(_row: &mut ImportPartnerRow) -> Vec<Reference<'_>> {
        Vec::new()
    }

    fn request(
        parent: String,
        rows: Vec<ImportPartnerRow>,
        validate_only: bool,
    ) -> ImportPartnersRequest {
        ImportPartnersRequest {
            parent,
            rows,
            validate_only,
        }
    }

    fn outcomes(response: ImportPartnersResponse) -> Vec<RowOutcome> {
        response.outcomes
    }

    async fn send(
        channel: Channel,
        messages: Request<Messages<ImportPartnersRequest>>,
    ) -> Result<Response<Streaming<ImportPartnersResponse>>, Status> {
        PartnerServiceClient::new(channel)
            .import_partners(messages)
            .await
    }
}
