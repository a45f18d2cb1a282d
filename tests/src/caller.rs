//! Who calls, and the typed clients to call with.

use std::time::{Duration, Instant};

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use trellis_api::duration;
use trellis_api::open::{ACTOR, MIN_POSITION, POSITION};
use trellis_api::platform::v1::{AdvanceClockRequest, Ecosystem, GetEcosystemRequest};
use uuid::Uuid;

use crate::Witness;

/// How long a clock that is moved may take to have moved everything with it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client calls through.
pub type Called = InterceptedService<Witness, Saying>;

/// Somebody who calls the server.
#[derive(Clone, Debug)]
pub struct Caller {
    channel: Witness,
    saying: Saying,
}

/// What is said with every call.
#[derive(Clone, Debug, Default)]
pub struct Saying {
    authorization: Option<MetadataValue<Ascii>>,
    actor: Option<MetadataValue<Ascii>>,
    min_position: Option<MetadataValue<Ascii>>,
}

impl Interceptor for Saying {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        if let Some(authorization) = &self.authorization {
            metadata.insert("authorization", authorization.clone());
        }
        if let Some(actor) = &self.actor {
            metadata.insert(ACTOR, actor.clone());
        }
        if let Some(position) = &self.min_position {
            metadata.insert(MIN_POSITION, position.clone());
        }
        Ok(request)
    }
}

/// Makes a method for each service of the contract that answers a client of it.
macro_rules! clients {
    ($($(#[doc = $about:literal])+ $name:ident: $package:ident, $module:ident, $client:ident;)+) => {
        impl Caller {
            $(
                $(#[doc = $about])+
                #[must_use]
                pub fn $name(&self) -> trellis_api::$package::v1::$module::$client<Called> {
                    trellis_api::$package::v1::$module::$client::with_interceptor(
                        self.channel.clone(),
                        self.saying.clone(),
                    )
                }
            )+
        }
    };
}

clients! {
    /// API keys, roles, and answers about both.
    access: platform, access_service_client, AccessServiceClient;
    /// Ecosystems.
    ecosystems: platform, ecosystem_service_client, EcosystemServiceClient;
    /// The change feed.
    events: platform, event_service_client, EventServiceClient;
    /// The audit trail.
    audit: platform, audit_service_client, AuditServiceClient;
    /// Webhooks, and what they were sent.
    webhooks: platform, webhook_service_client, WebhookServiceClient;
    /// Partners.
    partners: partner, partner_service_client, PartnerServiceClient;
    /// Programs and their tiers.
    programs: program, program_service_client, ProgramServiceClient;
    /// Enrolments.
    enrollments: program, enrollment_service_client, EnrollmentServiceClient;
    /// Product families, products and territories.
    catalog: deal, catalog_service_client, CatalogServiceClient;
    /// Accounts.
    accounts: deal, account_service_client, AccountServiceClient;
    /// Registrations.
    registrations: deal, registration_service_client, RegistrationServiceClient;
    /// Leads.
    leads: deal, lead_service_client, LeadServiceClient;
    /// Engagements.
    engagements: deal, engagement_service_client, EngagementServiceClient;
    /// Deals.
    deals: deal, deal_service_client, DealServiceClient;
    /// Plans and their versions.
    plans: incentive, plan_service_client, PlanServiceClient;
    /// Facts, quotas and exchange rates.
    facts: incentive, fact_service_client, FactServiceClient;
    /// Awards.
    awards: incentive, award_service_client, AwardServiceClient;
    /// The ledger.
    ledger: incentive, ledger_service_client, LedgerServiceClient;
    /// Payout batches.
    payouts: incentive, payout_service_client, PayoutServiceClient;
}

impl Caller {
    /// Somebody who calls through a channel and says nothing of themselves.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self {
            channel: Witness(channel),
            saying: Saying::default(),
        }
    }

    /// The same, but calling as somebody.
    #[must_use]
    pub fn named(mut self, actor: &str) -> Self {
        self.saying.actor = Some(actor.parse().expect("an actor is printable"));
        self
    }

    /// The same, but bearing a credential: the secret of an API key, or a token.
    #[must_use]
    pub fn bearing(mut self, secret: &str) -> Self {
        let authorization = format!("Bearer {secret}").parse();
        self.saying.authorization = Some(authorization.expect("a credential is printable"));
        self
    }

    /// The same, but reading only once the workers have dealt with what an answer reports.
    #[must_use]
    pub fn after<T>(&self, response: &Response<T>) -> Self {
        self.since(&position(response))
    }

    /// The same, but reading only once the workers have reached a position.
    #[must_use]
    pub fn since(&self, position: &str) -> Self {
        let mut caller = self.clone();
        caller.saying.min_position = Some(position.parse().expect("a position is printable"));
        caller
    }

    /// Moves the clock of a sandbox, and answers once everything that fell due has been done. Where
    /// the workers are not there before the call's deadline, as when a transaction of another test
    /// holds the feed of its server back, it is asked again with the same request id.
    ///
    /// # Panics
    /// When it is refused, or not done within [`PATIENCE`].
    pub async fn advance(&self, ecosystem: &str, by: Duration) -> Response<Ecosystem> {
        let request = AdvanceClockRequest {
            name: ecosystem.to_owned(),
            duration: Some(duration::wire(by)),
            request_id: Uuid::from_u128(rand::random()).to_string(),
            ..AdvanceClockRequest::default()
        };
        let begun = Instant::now();
        loop {
            match self.ecosystems().advance_clock(request.clone()).await {
                Ok(moved) => return moved,
                Err(status) => {
                    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
                    assert!(begun.elapsed() < PATIENCE, "{status}");
                }
            }
        }
    }

    /// The same, up to a moment in seconds since 1970.
    ///
    /// # Panics
    /// As [`Self::advance`] does, and when the moment is past.
    pub async fn advance_to(&self, ecosystem: &str, moment: u64) -> Response<Ecosystem> {
        let get = GetEcosystemRequest {
            name: ecosystem.to_owned(),
        };
        let read = self.ecosystems().get_ecosystem(get).await;
        let now = read.expect("the ecosystem").into_inner().clock_time;
        let now = now.expect("its time");
        let passed = duration::read(&prost_types::Duration {
            seconds: now.seconds,
            nanos: now.nanos,
        });
        let left = Duration::from_secs(moment).checked_sub(passed.expect("after 1970"));
        self.advance(ecosystem, left.expect("a moment to come"))
            .await
    }
}

/// The place in the change feed that a write answers with.
///
/// # Panics
/// When it has none, as an answer to `validate_only`.
#[must_use]
pub fn position<T>(response: &Response<T>) -> String {
    let position = response
        .metadata()
        .get(POSITION)
        .expect("a write answers with a position");
    position
        .to_str()
        .expect("a position is printable")
        .to_owned()
}
