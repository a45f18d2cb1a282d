//! An ecosystem, somebody who runs it, and somebody who reads what was done in it.

use std::ops::Deref;
use std::time::{Duration, Instant};

use tonic::Request;
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as pb;
use trellis_core::Role;
use trellis_tests::{Caller, World};

/// How long it may take until what was refused is entered.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) const CREATE: &str = "/trellis.partner.v1.PartnerService/CreatePartner";

pub(super) struct Scene {
    pub(super) world: World,
    /// `ecosystems/acme`.
    pub(super) parent: String,
    pub(super) admin: Caller,
    pub(super) auditor: Caller,
}

impl Deref for Scene {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Scene {
    pub(super) async fn open(world: World) -> Self {
        let parent = world.ecosystem("acme").await;
        let admin = world.first("acme", Role::EcosystemAdmin).await;
        let auditor = world.first("acme", Role::Auditor).await;
        Self {
            world,
            parent,
            admin,
            auditor,
        }
    }

    /// The entries that a filter lets through, the oldest first.
    pub(super) async fn entries(&self, filter: &str) -> Vec<pb::AuditEntry> {
        let mut all = Vec::new();
        let mut request = pb::ListAuditEntriesRequest {
            parent: self.parent.clone(),
            page_size: 1_000,
            filter: filter.to_owned(),
            ..pb::ListAuditEntriesRequest::default()
        };
        loop {
            let page = self
                .auditor
                .audit()
                .list_audit_entries(request.clone())
                .await;
            let page = page.unwrap().into_inner();
            all.extend(page.audit_entries);
            if page.next_page_token.is_empty() {
                return all;
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Waits for the entry of a call, by the id that it was called with.
    pub(super) async fn entry_of(&self, call: &str) -> pb::AuditEntry {
        let begun = Instant::now();
        loop {
            let found = self.entries(&format!("call_id = \"{call}\"")).await;
            if let [one] = found.as_slice() {
                return one.clone();
            }
            assert!(found.is_empty(), "one call is entered once: {found:?}");
            assert!(begun.elapsed() < PATIENCE, "{call} is not entered");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A request with an id of its call.
pub(super) fn called<T>(call: &str, request: T) -> Request<T> {
    let mut request = Request::new(request);
    let id = call.parse().unwrap();
    request.metadata_mut().insert("x-request-id", id);
    request
}

/// A request for a partner.
pub(super) fn create(parent: &str, id: &str) -> partner::CreatePartnerRequest {
    partner::CreatePartnerRequest {
        parent: parent.to_owned(),
        partner_id: id.to_owned(),
        partner: Some(partner::Partner {
            display_name: id.to_owned(),
            partner_type: partner::partner::PartnerType::Reseller.into(),
            ..partner::Partner::default()
        }),
        ..partner::CreatePartnerRequest::default()
    }
}
