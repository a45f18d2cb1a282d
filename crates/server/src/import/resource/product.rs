//! Products out of rows.

use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};
use trellis_api::deal::v1::catalog_service_client::CatalogServiceClient;
use trellis_api::deal::v1::{
    ImportProductRow, ImportProductsRequest, ImportProductsResponse, Product,
};
use trellis_api::money;
use trellis_api::rpc::v1::RowOutcome;

use super::{Messages, Reference, Resource};
use crate::import::kind::Kind;
use crate::import::mapping::fields::ProductFields;
use crate::import::mapping::reader::Reader;
use crate::import::mapping::rule::Rule;
use crate::import::mapping::value::Text;

/// Products.
#[derive(Debug)]
pub(in crate::import) struct Products;

impl Resource for Products {
    const KIND: Kind = Kind::Products;

    type Fields = ProductFields;
    type Row = ImportProductRow;
    type Request = ImportProductsRequest;
    type Response = ImportProductsResponse;

    fn read(number: i64, fields: &ProductFields, reader: &mut Reader<'_>) -> ImportProductRow {
        let ProductFields {
            external_id,
            display_name,
            product_family,
            sku,
            list_price,
        } = fields;
        let product = Product {
            external_id: reader
                .required("external_id", external_id)
                .unwrap_or_default(),
            display_name: reader
                .required("display_name", display_name)
                .unwrap_or_default(),
            sku: reader.optional("sku", sku.as_ref()).unwrap_or_default(),
            list_price: reader
                .optional("list_price", list_price.as_ref())
                .map(money::wire),
            ..Product::default()
        };
        let family = reader.optional("product_family", product_family.as_ref());
        ImportProductRow {
            row_number: number,
            product: Some(product),
            product_family_display_name: family.unwrap_or_default(),
        }
    }

    fn key(fields: &ProductFields) -> &Rule<Text> {
        &fields.external_id
    }

    fn external_id(row: &ImportProductRow) -> &str {
        row.product
            .as_ref()
            .map_or("", |product| &product.external_id)
    }

    fn references(_row: &mut ImportProductRow) -> Vec<Reference<'_>> {
        Vec::new()
    }

    fn request(
        parent: String,
        rows: Vec<ImportProductRow>,
        validate_only: bool,
    ) -> ImportProductsRequest {
        ImportProductsRequest {
            parent,
            rows,
            validate_only,
        }
    }

    fn outcomes(response: ImportProductsResponse) -> Vec<RowOutcome> {
        response.outcomes
    }

    async fn send(
        channel: Channel,
        messages: Request<Messages<ImportProductsRequest>>,
    ) -> Result<Response<Streaming<ImportProductsResponse>>, Status> {
        CatalogServiceClient::new(channel)
            .import_products(messages)
            .await
    }
}
