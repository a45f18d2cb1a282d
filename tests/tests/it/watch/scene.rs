//! Somebody who watches.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use tonic::{Code, Status, Streaming};
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::watch_events_request::Start;
use trellis_core::{Call, EcosystemId, PartnerId, Position};
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner::{self as rows, PartnerType, State};
use trellis_store::{Error, Store, record};
use trellis_tests::Caller;

/// How long anything may take that should come soon.
pub(super) const SOON: Duration = Duration::from_secs(20);

/// A stream of events.
pub(super) struct Watcher(Streaming<pb::WatchEventsResponse>);

/// A request to watch from now on, with a heartbeat each second.
pub(super) fn from_now(ecosystem: &str) -> pb::WatchEventsRequest {
    pb::WatchEventsRequest {
        parent: format!("ecosystems/{ecosystem}"),
        start: Start::Now.into(),
        heartbeat_interval: Some(prost_types::Duration {
            seconds: 1,
            nanos: 0,
        }),
        ..pb::WatchEventsRequest::default()
    }
}

/// The same from the first event.
pub(super) fn from_first(ecosystem: &str) -> pb::WatchEventsRequest {
    pb::WatchEventsRequest {
        start: Start::First.into(),
        ..from_now(ecosystem)
    }
}

/// The same after a position.
pub(super) fn after(ecosystem: &str, position: &str) -> pb::WatchEventsRequest {
    pb::WatchEventsRequest {
        start: Start::Unspecified.into(),
        after_position: position.to_owned(),
        ..from_now(ecosystem)
    }
}

/// The ecosystem of most tests.
pub(super) fn acme() -> EcosystemId {
    EcosystemId::try_new("acme").unwrap()
}

/// Makes the ecosystem acme, and waits until that is told: on PostgreSQL, once no transaction that is older
/// is running any more, of whichever test. Whoever watches from now on is not told of it.
pub(super) async fn make_ecosystem(by: &Caller) {
    let create = pb::CreateEcosystemRequest {
        ecosystem_id: "acme".to_owned(),
        ecosystem: Some(pb::Ecosystem {
            display_name: "Acme".to_owned(),
            ..pb::Ecosystem::default()
        }),
        ..pb::CreateEcosystemRequest::default()
    };
    by.ecosystems().create_ecosystem(create).await.unwrap();
    let mut told = Watcher::open(by, from_first("acme")).await.unwrap();
    assert_eq!(told.events(1).await[0].r#type, "ecosystem.created");
}

/// A request for a partner of an id.
pub(super) fn named(id: &str) -> partner::CreatePartnerRequest {
    partner::CreatePartnerRequest {
        parent: "ecosystems/acme".to_owned(),
        partner_id: id.to_owned(),
        partner: Some(partner::Partner {
            display_name: id.to_owned(),
            partner_type: partner::partner::PartnerType::Reseller.into(),
            ..partner::Partner::default()
        }),
        ..partner::CreatePartnerRequest::default()
    }
}

/// Makes partners beneath the services: `row-0` and so on.
pub(super) async fn make_rows(store: &Store, count: usize, display_name: &str) {
    let display_name = display_name.to_owned();
    let call = Call::of_system(acme(), "test");
    let write = store.write(call, display_name, move |txn, display_name| async move {
        for index in 0..count {
            let model = rows::Model {
                ecosystem: acme(),
                id: PartnerId::try_new(&format!("row-{index}")).unwrap(),
                display_name: display_name.clone(),
                partner_type: PartnerType::Reseller,
                region_code: None,
                domain: None,
                contact_email: None,
                external_id: None,
                channel_manager: None,
                state: State::Prospect,
                invitation_expire_time: None,
                suspend_until_time: None,
                terminate_time: None,
                version: 1,
                create_time: txn.now(),
                update_time: txn.now(),
            };
            record::insert::<rows::Entity>(&txn, model).await?;
        }
        Ok::<(), Error>(())
    });
    write.await.unwrap();
}

impl Watcher {
    pub(super) async fn open(
        by: &Caller,
        request: impl tonic::IntoRequest<pb::WatchEventsRequest>,
    ) -> Result<Self, Status> {
        Ok(Self(by.events().watch_events(request).await?.into_inner()))
    }

    /// The next message; nothing when the stream ended without an error.
    pub(super) async fn next(&mut self) -> Result<Option<pb::WatchEventsResponse>, Status> {
        let next = timeout(SOON, self.0.message()).await;
        next.expect("there is a heartbeat every second")
    }

    /// The next message of a stream that goes on.
    pub(super) async fn message(&mut self) -> pb::WatchEventsResponse {
        self.next().await.unwrap().expect("it goes on")
    }

    /// Everything up to the next heartbeat, and the position that it tells.
    pub(super) async fn until_heartbeat(&mut self) -> (Vec<pb::Event>, String) {
        let mut events = Vec::new();
        loop {
            let message = self.message().await;
            match message.event {
                Some(event) => events.push(event),
                None => return (events, message.position),
            }
        }
    }

    /// The next so many events, whatever heartbeats are between them.
    pub(super) async fn events(&mut self, count: usize) -> Vec<pb::Event> {
        let mut events = Vec::new();
        let began = Instant::now();
        while events.len() < count {
            assert!(began.elapsed() < SOON, "{} of {count} events", events.len());
            events.extend(self.message().await.event);
        }
        events
    }

    /// How the stream ends, and how soon.
    pub(super) async fn end(mut self) -> (Status, Duration) {
        let began = Instant::now();
        while began.elapsed() < SOON {
            match self.next().await {
                Ok(Some(_)) => {}
                Ok(None) => return (Status::new(Code::Ok, ""), began.elapsed()),
                Err(status) => return (status, began.elapsed()),
            }
        }
        panic!("the stream goes on");
    }
}

/// Reports events beneath the services.
pub(crate) async fn report(store: &Store, ecosystem: &str, events: Vec<NewEvent>) -> Position {
    let ecosystem = EcosystemId::try_new(ecosystem).unwrap();
    let call = Call::of_system(ecosystem, "test");
    let write = store.write(call, events, |txn, events| async move {
        for event in events {
            event::append(&txn, event);
        }
        Ok::<(), Error>(())
    });
    write.await.unwrap().position.unwrap()
}
