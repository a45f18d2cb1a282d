//! Who calls, and the typed clients to call with.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use trellis_api::open::{ACTOR, MIN_POSITION, POSITION};

use crate::Witness;

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
