//! A sandbox in which things happen that somebody is told of.

use std::ops::Deref;
use std::time::Duration;

use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as pb;
use trellis_tests::World;

use super::receiver::{Receiver, eventually};

pub(super) struct Scene {
    pub(super) world: World,
    /// `ecosystems/acme`.
    pub(super) parent: String,
}

impl Deref for Scene {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// A webhook with its secret.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) webhook: pb::Webhook,
    pub(super) secret: String,
}

impl Scene {
    pub(super) async fn open(world: World) -> Self {
        let parent = world.sandbox("acme").await;
        Self { world, parent }
    }

    pub(super) fn request(&self, url: &str, filter: &str) -> pb::CreateWebhookRequest {
        pb::CreateWebhookRequest {
            parent: self.parent.clone(),
            webhook: Some(pb::Webhook {
                display_name: "CRM, production".to_owned(),
                url: url.to_owned(),
                filter: filter.to_owned(),
                ..pb::Webhook::default()
            }),
            ..pb::CreateWebhookRequest::default()
        }
    }

    /// Has a receiver told of what a filter lets through, from now on.
    pub(super) async fn tell(&self, receiver: &Receiver, filter: &str) -> Made {
        self.world.readable().await;
        self.tell_late(receiver, filter).await
    }

    /// The same although something is under way.
    pub(super) async fn tell_late(&self, receiver: &Receiver, filter: &str) -> Made {
        let request = self.request(&receiver.url, filter);
        let made = self
            .webhooks()
            .create_webhook(request)
            .await
            .unwrap()
            .into_inner();
        Made {
            webhook: made.webhook.unwrap(),
            secret: made.secret,
        }
    }

    /// Makes a partner; answers its name.
    pub(super) async fn partner(&self, id: &str) -> String {
        let request = partner::CreatePartnerRequest {
            parent: self.parent.clone(),
            partner_id: id.to_owned(),
            partner: Some(partner::Partner {
                display_name: id.to_owned(),
                partner_type: partner::partner::PartnerType::Reseller.into(),
                external_id: format!("crm-{id}"),
                ..partner::Partner::default()
            }),
            ..partner::CreatePartnerRequest::default()
        };
        let made = self.partners().create_partner(request).await;
        made.unwrap().into_inner().name
    }

    /// Changes a partner, which is an event about it.
    pub(super) async fn rename(&self, name: &str, to: &str) {
        let request = partner::UpdatePartnerRequest {
            partner: Some(partner::Partner {
                name: name.to_owned(),
                display_name: to.to_owned(),
                ..partner::Partner::default()
            }),
            ..partner::UpdatePartnerRequest::default()
        };
        self.partners().update_partner(request).await.unwrap();
    }

    /// Moves the sandbox's clock.
    pub(super) async fn advance(&self, span: Duration) {
        self.world.advance(&self.parent, span).await;
    }

    pub(super) async fn get(&self, name: &str) -> pb::Webhook {
        let request = pb::GetWebhookRequest {
            name: name.to_owned(),
        };
        self.webhooks()
            .get_webhook(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// What a webhook was sent, the first first.
    pub(super) async fn deliveries(&self, name: &str, filter: &str) -> Vec<pb::WebhookDelivery> {
        let mut all = Vec::new();
        let mut request = pb::ListDeliveriesRequest {
            parent: name.to_owned(),
            page_size: 1_000,
            filter: filter.to_owned(),
            ..pb::ListDeliveriesRequest::default()
        };
        loop {
            let page = self.webhooks().list_deliveries(request.clone()).await;
            let page = page.unwrap().into_inner();
            all.extend(page.deliveries);
            if page.next_page_token.is_empty() {
                return all;
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Waits until so many deliveries of a webhook are in a state.
    pub(super) async fn until(
        &self,
        name: &str,
        state: pb::webhook_delivery::State,
        count: usize,
    ) -> Vec<pb::WebhookDelivery> {
        let filter = format!("state = {}", state.as_str_name());
        eventually(&format!("{count} of {filter}"), || async {
            let found = self.deliveries(name, &filter).await;
            (found.len() >= count).then_some(found)
        })
        .await
    }

    /// Everything that has happened, as a caller lists it.
    pub(super) async fn events(&self, filter: &str) -> Vec<pb::Event> {
        self.world.readable().await;
        let mut all = Vec::new();
        let mut request = pb::ListEventsRequest {
            parent: self.parent.clone(),
            page_size: 1_000,
            filter: filter.to_owned(),
            ..pb::ListEventsRequest::default()
        };
        loop {
            let page = self.world.events().list_events(request.clone()).await;
            let page = page.unwrap().into_inner();
            all.extend(page.events);
            if page.next_page_token.is_empty() {
                return all;
            }
            request.page_token = page.next_page_token;
        }
    }
}
