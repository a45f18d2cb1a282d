//! A market with two partners that know nothing of each other, and seats for their people.

use std::ops::Deref;

use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::platform::v1 as platform;
use trellis_api::program::v1::DealRegistrationSettings;
use trellis_core::access::{Grant, Rights};
use trellis_core::{Actor, EcosystemId, PartnerId, Principal, Role};
use trellis_tests::{Seat, World};

use crate::deal::market::{Market, manual, usd};

pub(super) struct Scene {
    pub(super) market: Market,
    pub(super) nimbus: String,
    pub(super) cirrus: String,
}

impl Deref for Scene {
    type Target = Market;

    fn deref(&self) -> &Market {
        &self.market
    }
}

/// Somebody with one role in the ecosystem of the scene.
pub(super) fn principal(actor: &str, role: Role, partner: Option<&str>) -> Principal {
    let actor = Actor::try_new(actor).unwrap();
    let grant = Grant::new(
        role,
        partner.map(|partner| PartnerId::try_new(partner).unwrap()),
    );
    Principal {
        person: Some(actor.clone()),
        actor,
        rights: Rights::Granted(vec![(EcosystemId::try_new("acme").unwrap(), vec![grant])]),
    }
}

impl Scene {
    pub(super) async fn open(world: World) -> Self {
        let market = Market::open(world).await;
        let [nimbus, cirrus] = market.partners_at_work(["nimbus", "cirrus"]).await;
        Self {
            market,
            nimbus,
            cirrus,
        }
    }

    /// The admin of a partner.
    pub(super) async fn admin(&self, partner: &str) -> Seat {
        let actor = format!("admin@{partner}.example");
        self.seat(&actor, Role::PartnerAdmin, Some(partner)).await
    }

    /// Somebody who sells for a partner.
    pub(super) async fn rep(&self, actor: &str, partner: &str) -> Seat {
        self.seat(actor, Role::PartnerRep, Some(partner)).await
    }

    pub(super) async fn seat(&self, actor: &str, role: Role, partner: Option<&str>) -> Seat {
        Seat::take(&self.world, principal(actor, role, partner)).await
    }

    /// A program in which both hand in as much as they want: more than one lets them where it does not say.
    pub(super) async fn unlimited(&self) -> String {
        let unlimited = DealRegistrationSettings {
            daily_account_budget: Some(0),
            monthly_account_budget: Some(0),
            person_open_limit: Some(0),
            partner_open_limit: Some(0),
            ..manual()
        };
        let name = self.market.program("unlimited", unlimited).await;
        for partner in [&self.nimbus, &self.cirrus] {
            self.enroll(partner, "unlimited").await;
        }
        name
    }

    /// An account that a partner brings, named like its domain.
    pub(super) async fn brings(&self, seat: &Seat, domain: &str) -> pb::Account {
        let name = domain.split('.').next().unwrap();
        let request = pb::CreateAccountRequest {
            parent: self.parent.clone(),
            account: Some(pb::Account {
                display_name: name.to_owned(),
                domains: vec![domain.to_owned()],
                ..pb::Account::default()
            }),
            ..pb::CreateAccountRequest::default()
        };
        let made = seat.accounts().create_account(request).await;
        made.unwrap().into_inner()
    }

    /// A claim to the firewall at an account.
    pub(super) fn claim_at(&self, partner: &str, account: &str) -> pb::Registration {
        pb::Registration {
            account: account.to_owned(),
            estimated_value: usd(500),
            ..self.claim(partner)
        }
    }

    pub(super) async fn drafts(
        &self,
        seat: &Seat,
        claim: pb::Registration,
    ) -> Result<Response<pb::Registration>, Status> {
        let request = pb::CreateRegistrationRequest {
            parent: self.parent.clone(),
            registration: Some(claim),
            ..pb::CreateRegistrationRequest::default()
        };
        seat.registrations().create_registration(request).await
    }

    /// Drafts a claim and hands it in.
    pub(super) async fn claims(&self, seat: &Seat, claim: pb::Registration) -> pb::Registration {
        let draft = self.drafts(seat, claim).await.unwrap().into_inner();
        submit(seat, &draft.name).await.unwrap().into_inner()
    }

    /// All registrations that somebody finds by a filter, in an order.
    pub(super) async fn found(&self, seat: &Seat, filter: &str, order_by: &str) -> Vec<String> {
        let request = pb::ListRegistrationsRequest {
            parent: self.parent.clone(),
            filter: filter.to_owned(),
            order_by: order_by.to_owned(),
            ..pb::ListRegistrationsRequest::default()
        };
        let found = seat.registrations().list_registrations(request).await;
        let rows = found.unwrap().into_inner().registrations;
        rows.into_iter().map(|row| row.name).collect()
    }

    /// All events that somebody reads. On PostgreSQL the last ones may take a moment.
    pub(super) async fn events_of(&self, seat: &Seat, at_least: usize) -> Vec<platform::Event> {
        let mut read = Vec::new();
        for _ in 0..100 {
            let request = platform::ListEventsRequest {
                parent: self.parent.clone(),
                page_size: 1_000,
                ..platform::ListEventsRequest::default()
            };
            let events = seat.events().list_events(request).await.unwrap();
            read = events.into_inner().events;
            if read.len() >= at_least {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        read
    }
}

pub(super) async fn submit(seat: &Seat, name: &str) -> Result<Response<pb::Registration>, Status> {
    let request = pb::SubmitRegistrationRequest {
        name: name.to_owned(),
        ..pb::SubmitRegistrationRequest::default()
    };
    seat.registrations().submit_registration(request).await
}

pub(super) async fn get(seat: &Seat, name: &str) -> Result<Response<pb::Registration>, Status> {
    let request = pb::GetRegistrationRequest {
        name: name.to_owned(),
    };
    seat.registrations().get_registration(request).await
}

/// Everything that a refusal says, but for the name that was asked about. The names that are compared
/// are of one length. The bytes of the details are sorted: a map's entries come in no order.
#[track_caller]
pub(super) fn said<T: std::fmt::Debug>(
    refused: Result<Response<T>, Status>,
    name: &str,
) -> (Code, String, Vec<u8>) {
    let status = refused.expect_err("it is refused");
    let details: Vec<char> = status.details().iter().copied().map(char::from).collect();
    let details: String = details.into_iter().collect();
    let mut details = details.replace(name, "it").into_bytes();
    details.sort_unstable();
    (status.code(), status.message().replace(name, "it"), details)
}

/// A name of the same length as another, of something that does not exist.
pub(super) fn nobody(name: &str) -> String {
    let last = if name.ends_with('0') { '1' } else { '0' };
    let mut nobody = name.to_owned();
    nobody.pop();
    nobody.push(last);
    nobody
}
