//! Answers the calls of `WebhookService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::webhook_service_server::{WebhookService, WebhookServiceServer};
use trellis_api::{open, page_token, written};
use trellis_core::Written;
use trellis_store::Store;

use super::{Lanes, convert, deliveries, webhooks};

/// `WebhookService` over a store.
#[derive(Clone)]
pub struct Webhooks {
    store: Store,
    lanes: Arc<Lanes>,
}

impl Webhooks {
    /// The gRPC service, which sends on these lanes.
    #[must_use]
    pub fn server(store: Store, lanes: Arc<Lanes>) -> WebhookServiceServer<Self> {
        WebhookServiceServer::new(Self { store, lanes })
    }
}

/// The answer of a write with a secret beside it, which is never stored.
fn with_secret<T>(
    (written, secret): (Written<pb::Webhook>, Option<String>),
    answer: impl FnOnce(pb::Webhook, String) -> T,
) -> Written<T> {
    written.map(|webhook| answer(webhook, secret.unwrap_or_default()))
}

#[tonic::async_trait]
impl WebhookService for Webhooks {
    async fn create_webhook(
        &self,
        request: Request<pb::CreateWebhookRequest>,
    ) -> Result<Response<pb::CreateWebhookResponse>, Status> {
        let (call, create) = open(request, convert::create)?;
        let created = webhooks::create(&self.store, &self.lanes, call, create).await?;
        Ok(written(with_secret(created, |webhook, secret| {
            pb::CreateWebhookResponse {
                webhook: Some(webhook),
                secret,
            }
        })))
    }

    async fn get_webhook(
        &self,
        request: Request<pb::GetWebhookRequest>,
    ) -> Result<Response<pb::Webhook>, Status> {
        let (call, id) = open(request, convert::get)?;
        Ok(Response::new(webhooks::get(&self.store, call, id).await?))
    }

    async fn list_webhooks(
        &self,
        request: Request<pb::ListWebhooksRequest>,
    ) -> Result<Response<pb::ListWebhooksResponse>, Status> {
        let (call, query) = open(request, convert::list)?;
        let page = webhooks::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListWebhooksResponse {
            next_page_token: page_token(&query, page.next),
            webhooks: page.rows,
        }))
    }

    async fn update_webhook(
        &self,
        request: Request<pb::UpdateWebhookRequest>,
    ) -> Result<Response<pb::Webhook>, Status> {
        let (call, update) = open(request, convert::update)?;
        let updated = webhooks::update(&self.store, &self.lanes, call, update).await?;
        Ok(written(updated))
    }

    async fn delete_webhook(
        &self,
        request: Request<pb::DeleteWebhookRequest>,
    ) -> Result<Response<pb::Webhook>, Status> {
        let (call, on) = open(request, convert::delete)?;
        Ok(written(webhooks::delete(&self.store, call, on).await?))
    }

    async fn rotate_webhook_secret(
        &self,
        request: Request<pb::RotateWebhookSecretRequest>,
    ) -> Result<Response<pb::RotateWebhookSecretResponse>, Status> {
        let (call, (on, overlap)) = open(request, convert::rotate)?;
        let rotated = webhooks::rotate(&self.store, call, on, overlap).await?;
        Ok(written(with_secret(rotated, |webhook, secret| {
            pb::RotateWebhookSecretResponse {
                webhook: Some(webhook),
                secret,
            }
        })))
    }

    async fn test_webhook(
        &self,
        request: Request<pb::TestWebhookRequest>,
    ) -> Result<Response<pb::TestWebhookResponse>, Status> {
        let (call, id) = open(request, convert::test)?;
        let answer = deliveries::test(&self.store, &self.lanes, call, id).await?;
        Ok(Response::new(answer))
    }

    async fn list_deliveries(
        &self,
        request: Request<pb::ListDeliveriesRequest>,
    ) -> Result<Response<pb::ListDeliveriesResponse>, Status> {
        let (call, list) = open(request, convert::list_deliveries)?;
        let page = deliveries::list(&self.store, call, &list).await?;
        Ok(Response::new(pb::ListDeliveriesResponse {
            next_page_token: page_token(&list.query, page.next),
            deliveries: page.rows,
        }))
    }

    async fn redeliver_event(
        &self,
        request: Request<pb::RedeliverEventRequest>,
    ) -> Result<Response<pb::WebhookDelivery>, Status> {
        let (call, command) = open(request, convert::redeliver)?;
        let written_down = deliveries::redeliver(&self.store, &self.lanes, call, command).await?;
        Ok(written(written_down))
    }
}
