//! Answers the calls of `CatalogService`.

use tonic::{Request, Response, Status, Streaming};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::catalog_service_server::{CatalogService, CatalogServiceServer};
use trellis_api::import::{Answers, answer_each};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::house_account::house_accounts;
use super::product::products;
use super::product_family::families;
use super::territory::territories;
use super::{house_account, product, product_family, territory};

/// `CatalogService` over a store.
#[derive(Clone)]
pub struct Catalog {
    store: Store,
}

impl Catalog {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> CatalogServiceServer<Self> {
        CatalogServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl CatalogService for Catalog {
    async fn create_product_family(
        &self,
        request: Request<pb::CreateProductFamilyRequest>,
    ) -> Result<Response<pb::ProductFamily>, Status> {
        let (call, create) = open(request, product_family::convert::create)?;
        Ok(written(families::create(&self.store, call, create).await?))
    }

    async fn get_product_family(
        &self,
        request: Request<pb::GetProductFamilyRequest>,
    ) -> Result<Response<pb::ProductFamily>, Status> {
        let (call, id) = open(request, product_family::convert::get)?;
        Ok(Response::new(families::get(&self.store, call, id).await?))
    }

    async fn list_product_families(
        &self,
        request: Request<pb::ListProductFamiliesRequest>,
    ) -> Result<Response<pb::ListProductFamiliesResponse>, Status> {
        let (call, query) = open(request, product_family::convert::list)?;
        let page = families::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListProductFamiliesResponse {
            next_page_token: page_token(&query, page.next),
            product_families: page.rows,
        }))
    }

    async fn update_product_family(
        &self,
        request: Request<pb::UpdateProductFamilyRequest>,
    ) -> Result<Response<pb::ProductFamily>, Status> {
        let (call, update) = open(request, product_family::convert::update)?;
        Ok(written(families::update(&self.store, call, update).await?))
    }

    async fn create_product(
        &self,
        request: Request<pb::CreateProductRequest>,
    ) -> Result<Response<pb::Product>, Status> {
        let (call, create) = open(request, product::convert::create)?;
        Ok(written(products::create(&self.store, call, create).await?))
    }

    async fn get_product(
        &self,
        request: Request<pb::GetProductRequest>,
    ) -> Result<Response<pb::Product>, Status> {
        let (call, id) = open(request, product::convert::get)?;
        Ok(Response::new(products::get(&self.store, call, id).await?))
    }

    async fn list_products(
        &self,
        request: Request<pb::ListProductsRequest>,
    ) -> Result<Response<pb::ListProductsResponse>, Status> {
        let (call, query) = open(request, product::convert::list)?;
        let page = products::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListProductsResponse {
            next_page_token: page_token(&query, page.next),
            products: page.rows,
        }))
    }

    async fn update_product(
        &self,
        request: Request<pb::UpdateProductRequest>,
    ) -> Result<Response<pb::Product>, Status> {
        let (call, update) = open(request, product::convert::update)?;
        Ok(written(products::update(&self.store, call, update).await?))
    }

    type ImportProductsStream = Answers<pb::ImportProductsResponse>;

    async fn import_products(
        &self,
        request: Request<Streaming<pb::ImportProductsRequest>>,
    ) -> Result<Response<Self::ImportProductsStream>, Status> {
        let store = self.store.clone();
        answer_each(request, product::import::rows, move |call, rows| {
            let store = store.clone();
            async move { Ok(product::import::products(&store, call, rows).await?.value) }
        })
    }

    async fn create_territory(
        &self,
        request: Request<pb::CreateTerritoryRequest>,
    ) -> Result<Response<pb::Territory>, Status> {
        let (call, create) = open(request, territory::convert::create)?;
        Ok(written(
            territories::create(&self.store, call, create).await?,
        ))
    }

    async fn get_territory(
        &self,
        request: Request<pb::GetTerritoryRequest>,
    ) -> Result<Response<pb::Territory>, Status> {
        let (call, id) = open(request, territory::convert::get)?;
        Ok(Response::new(
            territories::get(&self.store, call, id).await?,
        ))
    }

    async fn list_territories(
        &self,
        request: Request<pb::ListTerritoriesRequest>,
    ) -> Result<Response<pb::ListTerritoriesResponse>, Status> {
        let (call, query) = open(request, territory::convert::list)?;
        let page = territories::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListTerritoriesResponse {
            next_page_token: page_token(&query, page.next),
            territories: page.rows,
        }))
    }

    async fn update_territory(
        &self,
        request: Request<pb::UpdateTerritoryRequest>,
    ) -> Result<Response<pb::Territory>, Status> {
        let (call, update) = open(request, territory::convert::update)?;
        Ok(written(
            territories::update(&self.store, call, update).await?,
        ))
    }

    type ImportTerritoriesStream = Answers<pb::ImportTerritoriesResponse>;

    async fn import_territories(
        &self,
        request: Request<Streaming<pb::ImportTerritoriesRequest>>,
    ) -> Result<Response<Self::ImportTerritoriesStream>, Status> {
        let store = self.store.clone();
        answer_each(request, territory::import::rows, move |call, rows| {
            let store = store.clone();
            async move {
                Ok(territory::import::territories(&store, call, rows)
                    .await?
                    .value)
            }
        })
    }

    async fn create_house_account(
        &self,
        request: Request<pb::CreateHouseAccountRequest>,
    ) -> Result<Response<pb::HouseAccount>, Status> {
        let (call, create) = open(request, house_account::convert::create)?;
        let made = house_accounts::create(&self.store, call, create).await?;
        Ok(written(made))
    }

    async fn get_house_account(
        &self,
        request: Request<pb::GetHouseAccountRequest>,
    ) -> Result<Response<pb::HouseAccount>, Status> {
        let (call, id) = open(request, house_account::convert::get)?;
        let house = house_accounts::get(&self.store, call, id).await?;
        Ok(Response::new(house))
    }

    async fn list_house_accounts(
        &self,
        request: Request<pb::ListHouseAccountsRequest>,
    ) -> Result<Response<pb::ListHouseAccountsResponse>, Status> {
        let (call, query) = open(request, house_account::convert::list)?;
        let page = house_accounts::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListHouseAccountsResponse {
            next_page_token: page_token(&query, page.next),
            house_accounts: page.rows,
        }))
    }

    async fn update_house_account(
        &self,
        request: Request<pb::UpdateHouseAccountRequest>,
    ) -> Result<Response<pb::HouseAccount>, Status> {
        let (call, update) = open(request, house_account::convert::update)?;
        let updated = house_accounts::update(&self.store, call, update).await?;
        Ok(written(updated))
    }

    async fn delete_house_account(
        &self,
        request: Request<pb::DeleteHouseAccountRequest>,
    ) -> Result<Response<pb::HouseAccount>, Status> {
        let (call, delete) = open(request, house_account::convert::delete)?;
        let deleted = house_accounts::delete(&self.store, call, delete).await?;
        Ok(written(deleted))
    }
}
