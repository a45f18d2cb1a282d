//! Territories out of rows.

use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};
use trellis_api::deal::v1::catalog_service_client::CatalogServiceClient;
use trellis_api::deal::v1::{
    ImportTerritoriesRequest, ImportTerritoriesResponse, ImportTerritoryRow, Territory,
};
use trellis_api::rpc::v1::RowOutcome;

use super::{By, Messages, Reference, Resource, set};
use crate::import::kind::Kind;
use crate::import::mapping::fields::TerritoryFields;
use crate::import::mapping::reader::Reader;
use crate::import::mapping::rule::Rule;
use crate::import::mapping::value::Text;

/// Territories.
#[derive(Debug)]
pub(in crate::import) struct Territories;

impl Resource for Territories {
    const KIND: Kind = Kind::Territories;

    type Fields = TerritoryFields;
    type Row = ImportTerritoryRow;
    type Request = ImportTerritoriesRequest;
    type Response = ImportTerritoriesResponse;

    fn read(number: i64, fields: &TerritoryFields, reader: &mut Reader<'_>) -> ImportTerritoryRow {
        let TerritoryFields {
            external_id,
            display_name,
            region_codes,
            parent_territory,
        } = fields;
        let territory = Territory {
            external_id: reader
                .required("external_id", external_id)
                .unwrap_or_default(),
            display_name: reader
                .required("display_name", display_name)
                .unwrap_or_default(),
            region_codes: reader
                .optional("region_codes", region_codes.as_ref())
                .unwrap_or_default(),
            ..Territory::default()
        };
        let parent = reader.optional("parent_territory", parent_territory.as_ref());
        ImportTerritoryRow {
            row_number: number,
            territory: Some(territory),
            parent_external_id: parent.unwrap_or_default(),
        }
    }

    fn key(fields: &TerritoryFields) -> &Rule<Text> {
        &fields.external_id
    }

    fn external_id(row: &ImportTerritoryRow) -> &str {
        row.territory
            .as_ref()
            .map_or("", |territory| &territory.external_id)
    }

    fn references(row: &mut ImportTerritoryRow) -> Vec<Reference<'_>> {
        set([Reference {
            field: "parent_territory".to_owned(),
            kind: Kind::Territories,
            id: &mut row.parent_external_id,
            by: By::ExternalId,
        }])
    }

    fn request(
        parent: String,
        rows: Vec<ImportTerritoryRow>,
        validate_only: bool,
    ) -> ImportTerritoriesRequest {
        ImportTerritoriesRequest {
            parent,
            rows,
            validate_only,
        }
    }

    fn outcomes(response: ImportTerritoriesResponse) -> Vec<RowOutcome> {
        response.outcomes
    }

    async fn send(
        channel: Channel,
        messages: Request<Messages<ImportTerritoriesRequest>>,
    ) -> Result<Response<Streaming<ImportTerritoriesResponse>>, Status> {
        CatalogServiceClient::new(channel)
            .import_territories(messages)
            .await
    }
}
