//! An ecosystem, somebody who runs it, and somebody who reads what was done in it.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tonic::Request;
use trellis_api::options::v1 as options;
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::verify_audit_response::Part;
use trellis_core::{EcosystemId, Role};
use trellis_platform::audit::note::Signer;
use trellis_platform::audit::sealer;
use trellis_store::platform::secret::{self, Purpose};
use trellis_tests::{Caller, World};

/// How long it may take until what was refused is entered.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) const ADA: &str = "ada@acme.example";

pub(super) const CREATE: &str = "/trellis.partner.v1.PartnerService/CreatePartner";

pub(super) struct Scene {
    pub(super) world: World,
    /// `ecosystems/acme`.
    pub(super) parent: String,
    pub(super) admin: Caller,
    /// The secret of the admin's key.
    pub(super) secret: String,
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
        let secret = world.first_secret("acme", Role::EcosystemAdmin).await;
        let admin = Caller::new(world.channel()).bearing(&secret);
        let auditor = world.first("acme", Role::Auditor).await;
        Self {
            world,
            parent,
            admin,
            secret,
            auditor,
        }
    }

    /// Ada, who runs an ecosystem too, by a key that its administrator makes for her.
    pub(super) async fn ada(&self, admin: &Caller, parent: &str) -> Caller {
        let key = pb::CreateApiKeyRequest {
            parent: parent.to_owned(),
            api_key: Some(pb::ApiKey {
                display_name: "Ada".to_owned(),
                person: ADA.to_owned(),
                ..pb::ApiKey::default()
            }),
            roles: vec![pb::InitialRole {
                role: options::Role::EcosystemAdmin.into(),
                ..pb::InitialRole::default()
            }],
            ..pb::CreateApiKeyRequest::default()
        };
        let made = admin.access().create_api_key(key).await.unwrap();
        Caller::new(self.world.channel()).bearing(&made.into_inner().secret)
    }

    /// The entries that a filter lets through, the oldest first.
    pub(super) async fn entries(&self, filter: &str) -> Vec<pb::AuditEntry> {
        self.world.readable().await;
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

    /// What a verification finds, also beside a checkpoint that was kept.
    pub(super) async fn verify(&self, kept: &str) -> pb::AuditVerdict {
        self.verify_telling(kept).await.1
    }

    /// The same, after how far it says that it has come.
    pub(super) async fn verify_telling(
        &self,
        kept: &str,
    ) -> (Vec<pb::AuditProgress>, pb::AuditVerdict) {
        self.world.readable().await;
        let request = pb::VerifyAuditRequest {
            name: self.parent.clone(),
            checkpoint: kept.to_owned(),
        };
        let told = self.auditor.audit().verify_audit(request).await;
        let mut told = told.unwrap().into_inner();
        let mut progress = Vec::new();
        loop {
            let message = told.message().await.unwrap().expect("a verdict");
            match message.part.unwrap() {
                Part::Progress(far) => progress.push(far),
                Part::Verdict(verdict) => return (progress, verdict),
            }
        }
    }

    /// Waits until everything that was entered is sealed; answers the latest checkpoint.
    pub(super) async fn sealed(&self) -> pb::AuditCheckpoint {
        self.sealed_within(PATIENCE).await
    }

    pub(super) async fn sealed_within(&self, patience: Duration) -> pb::AuditCheckpoint {
        let begun = Instant::now();
        let acme = EcosystemId::try_new("acme").unwrap();
        let secret = secret::get(self.world.store(), Purpose::Audit)
            .await
            .unwrap();
        let signer = Signer::of_seed("trellis", &secret, &[]).unwrap();
        let signer = Arc::new(signer);
        let mut before = 0;
        loop {
            // What was refused, or read, is entered a little later.
            tokio::time::sleep(Duration::from_millis(120)).await;
            self.world.readable().await;
            sealer::seal(self.world.store(), &signer, &acme)
                .await
                .unwrap();
            let verdict = self.verify("").await;
            if verdict.unsealed_count == 0 && verdict.entry_count == before {
                let request = pb::GetCheckpointRequest {
                    name: self.parent.clone(),
                    tree_size: 0,
                };
                let told = self.auditor.audit().get_checkpoint(request).await;
                return told.unwrap().into_inner();
            }
            before = verdict.entry_count;
            assert!(begun.elapsed() < patience, "{verdict:?}");
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
