//! The product: the release binary behind its real port, and clients of it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use trellis_api::deal::v1 as deal;
use trellis_api::deal::v1::account_service_client::AccountServiceClient;
use trellis_api::deal::v1::catalog_service_client::CatalogServiceClient;
use trellis_api::deal::v1::deal_service_client::DealServiceClient;
use trellis_api::deal::v1::registration_service_client::RegistrationServiceClient;
use trellis_api::google::r#type::{Date, Decimal, Money};
use trellis_api::incentive::v1 as incentive;
use trellis_api::incentive::v1::award_service_client::AwardServiceClient;
use trellis_api::incentive::v1::ledger_service_client::LedgerServiceClient;
use trellis_api::incentive::v1::plan_service_client::PlanServiceClient;
use trellis_api::open::{MIN_POSITION, POSITION};
use trellis_api::partner::v1 as partner;
use trellis_api::partner::v1::partner_service_client::PartnerServiceClient;
use trellis_api::platform::v1 as platform;
use trellis_api::platform::v1::ecosystem_service_client::EcosystemServiceClient;
use trellis_api::program::v1 as program;
use trellis_api::program::v1::enrollment_service_client::EnrollmentServiceClient;
use trellis_api::program::v1::program_service_client::ProgramServiceClient;

use crate::seed::PARTNERS;
use crate::{Case, ROWS, scattered};

pub(crate) const ECOSYSTEM: &str = "ecosystems/bench";

/// How many connections the clients share.
const CONNECTIONS: usize = 4;

/// What clients call through.
pub(crate) type Called = InterceptedService<Channel, Bearing>;

/// The API key that every call bears, if the server asks for one.
#[derive(Clone, Debug)]
pub(crate) struct Bearing(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearing {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(credential) = &self.0 {
            let metadata = request.metadata_mut();
            metadata.insert("authorization", credential.clone());
        }
        Ok(request)
    }
}

/// A server that runs, and its clients.
pub(crate) struct Product {
    process: Mutex<Child>,
    channels: Vec<Called>,
    /// Where the last win stands in the feed.
    position: Mutex<Option<MetadataValue<Ascii>>>,
}

impl Drop for Product {
    fn drop(&mut self) {
        let process = self.process.get_mut().expect("nobody panicked with it");
        // It may have ended by itself, which the calls have told already.
        drop(process.kill());
        drop(process.wait());
    }
}

fn request_id(number: u64, of: u64) -> String {
    format!("{of:08x}-0000-4000-8000-{number:012x}")
}

pub(crate) fn dollars(units: i64) -> Option<Money> {
    Some(Money {
        currency_code: "USD".into(),
        units,
        nanos: 0,
    })
}

/// A database as the product's flags name it.
fn plain(url: &str) -> &str {
    url.trim_end_matches("?mode=rwc")
}

/// Makes the API key that all calls bear then.
pub(crate) fn make_key(url: &str, binary: &Path) -> String {
    let made = Command::new(binary)
        .args(["keys", "create", "--ecosystem", "bench"])
        .args(["--role", "ecosystem_admin"])
        .args(["--database-url", plain(url)])
        .output()
        .expect("the product runs");
    let secret = String::from_utf8(made.stdout).expect("a key is text");
    assert!(made.status.success(), "no key could be made");
    secret.trim_end().to_owned()
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}

/// Connects to a server that was just started.
pub(crate) async fn connect(port: u16, key: Option<&str>) -> Vec<Called> {
    let credential = key.map(|key| format!("Bearer {key}").parse().expect("a key is printable"));
    let bearing = Bearing(credential);
    let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).expect("an address");
    let mut channels = Vec::new();
    let patience = Instant::now() + Duration::from_secs(30);
    while channels.len() < CONNECTIONS {
        match endpoint.connect().await {
            Ok(channel) => channels.push(InterceptedService::new(channel, bearing.clone())),
            Err(error) => {
                assert!(
                    Instant::now() < patience,
                    "the server does not answer: {error}"
                );
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    channels
}

/// The connection that a client uses.
pub(crate) fn one_of(channels: &[Called], client: usize) -> Called {
    channels
        .get(client % CONNECTIONS)
        .expect("there are connections")
        .clone()
}

fn get(number: u64) -> deal::GetDealRequest {
    let name = format!("{ECOSYSTEM}/deals/d-{}", scattered(number, ROWS));
    deal::GetDealRequest { name }
}

fn registration(number: u64) -> deal::CreateRegistrationRequest {
    deal::CreateRegistrationRequest {
        parent: ECOSYSTEM.into(),
        registration: Some(deal::Registration {
            partner: format!("{ECOSYSTEM}/partners/p-{}", number % PARTNERS),
            program: format!("{ECOSYSTEM}/programs/growth"),
            account: format!("{ECOSYSTEM}/accounts/a-{}", number % PARTNERS),
            products: vec![format!("{ECOSYSTEM}/products/firewall")],
            deal_type: deal::DealType::New.into(),
            estimated_value: dollars(1_000),
            evidence: "Met their head of IT.".into(),
            ..Default::default()
        }),
        request_id: request_id(number, 1),
        ..Default::default()
    }
}

/// A request that is of no use after some time.
fn limited<T>(message: T, deadline: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(deadline);
    request
}

fn list(number: u64) -> deal::ListDealsRequest {
    let partner = format!("{ECOSYSTEM}/partners/p-{}", scattered(number, PARTNERS));
    deal::ListDealsRequest {
        parent: ECOSYSTEM.into(),
        page_size: 50,
        filter: format!("stage = COMMITTED AND partner = \"{partner}\""),
        ..Default::default()
    }
}

/// Calls one of the reading cases.
pub(crate) async fn read(channel: Called, case: Case, number: u64) -> Result<(), String> {
    let mut client = DealServiceClient::new(channel);
    let answered = match case {
        Case::List => client.list_deals(list(number)).await.map(drop),
        Case::Get | Case::Create | Case::Win => client.get_deal(get(number)).await.map(drop),
    };
    answered.map_err(|refused| format!("{case:?} {number}: {refused}"))
}

impl Product {
    pub(crate) async fn start(url: &str, binary: &Path, key: Option<&str>) -> Self {
        Self::start_on(url, binary, key, &[], None).await
    }

    /// The same with more flags, and on one processor alone.
    pub(crate) async fn start_on(
        url: &str,
        binary: &Path,
        key: Option<&str>,
        flags: &[&str],
        processor: Option<usize>,
    ) -> Self {
        let port = free_port();
        let mut command = match processor {
            None => Command::new(binary),
            Some(processor) => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", &processor.to_string()]);
                command.arg(binary);
                command
            }
        };
        let process = command
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .args(["--database-url", plain(url)])
            .args(["--database-connections-max", "32"])
            .args(flags)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let channels = connect(port, key).await;
        Self {
            process: Mutex::new(process),
            channels,
            position: Mutex::new(None),
        }
    }

    pub(crate) fn channel(&self, client: usize) -> Called {
        one_of(&self.channels, client)
    }

    /// The processor time that the server has used so far.
    pub(crate) fn cpu(&self) -> Duration {
        let process = self.process.lock().expect("nobody panicked with it").id();
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // After the name, which may hold anything, come eleven fields before the two that count.
        let ticks: u64 = stat
            .rsplit(')')
            .next()
            .iter()
            .flat_map(|fields| fields.split_whitespace().skip(11).take(2))
            .filter_map(|ticks| ticks.parse::<u64>().ok())
            .sum();
        Duration::from_millis(ticks * 10)
    }

    /// The memory that the server holds, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let process = self.process.lock().expect("nobody panicked with it").id();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|held| held.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or_default() * 1024
    }

    /// What the server answers to the reading cases.
    pub(crate) async fn answers(&self) -> (deal::Deal, deal::ListDealsResponse) {
        let mut client = DealServiceClient::new(self.channel(0));
        let deal = client.get_deal(get(1)).await.expect("a deal").into_inner();
        let page = client.list_deals(list(1)).await.expect("a page");
        let page = page.into_inner();
        assert_eq!(page.deals.len(), 50, "a page is full");
        (deal, page)
    }

    /// Calls one of the cases, within a deadline; the code of its refusal tells how it ended.
    pub(crate) async fn within(
        &self,
        case: Case,
        client: usize,
        number: u64,
        deadline: Duration,
    ) -> Result<(), Code> {
        let channel = self.channel(client);
        let answered = match case {
            Case::Create => {
                let request = limited(registration(number), deadline);
                let mut client = RegistrationServiceClient::new(channel);
                client.create_registration(request).await.map(drop)
            }
            Case::List => {
                let request = limited(list(number), deadline);
                let mut client = DealServiceClient::new(channel);
                client.list_deals(request).await.map(drop)
            }
            Case::Get | Case::Win => {
                let request = limited(get(number), deadline);
                let mut client = DealServiceClient::new(channel);
                client.get_deal(request).await.map(drop)
            }
        };
        answered.map_err(|refused| refused.code())
    }

    pub(crate) async fn call(&self, case: Case, client: usize, number: u64) -> Result<(), String> {
        let channel = self.channel(client);
        match case {
            Case::Get | Case::List => return read(channel, case, number).await,
            Case::Create => {
                let create = registration(number);
                let mut client = RegistrationServiceClient::new(channel);
                client.create_registration(create).await.map(drop)
            }
            Case::Win => {
                let win = deal::WinDealRequest {
                    name: format!("{ECOSYSTEM}/deals/d-{}", number % ROWS),
                    request_id: request_id(number, 2),
                    ..Default::default()
                };
                DealServiceClient::new(channel)
                    .win_deal(win)
                    .await
                    .map(|won| {
                        self.note(won.metadata().get(POSITION).cloned());
                    })
            }
        }
        .map_err(|refused| format!("{case:?} {number}: {refused}"))
    }

    /// Where the last of what awards follow from stands in the feed.
    pub(crate) fn note(&self, position: Option<MetadataValue<Ascii>>) {
        *self.position.lock().expect("nobody panicked with it") = position;
    }

    /// Waits until the awards of all that was noted are posted; answers how long that took.
    pub(crate) async fn wait_for_awards(&self) -> Duration {
        let start = Instant::now();
        let position = self
            .position
            .lock()
            .expect("nobody panicked with it")
            .clone();
        let Some(position) = position else {
            return Duration::ZERO;
        };
        let list = incentive::ListAwardsRequest {
            parent: ECOSYSTEM.into(),
            page_size: 1,
            ..Default::default()
        };
        loop {
            let mut request = Request::new(list.clone());
            request
                .metadata_mut()
                .insert(MIN_POSITION, position.clone());
            if AwardServiceClient::new(self.channel(0))
                .list_awards(request)
                .await
                .is_ok()
            {
                return start.elapsed();
            }
            assert!(
                start.elapsed() < Duration::from_secs(120),
                "the awards are not posted"
            );
        }
    }

    /// What was measured was also right: the ledger is sound.
    pub(crate) async fn check(&self) {
        let verify = incentive::VerifyLedgerRequest {
            parent: ECOSYSTEM.into(),
        };
        let mut client = LedgerServiceClient::new(self.channel(0));
        let verified = client
            .verify_ledger(verify)
            .await
            .expect("a verdict")
            .into_inner();
        assert!(verified.sound, "the ledger is not sound: {verified:?}");
        println!(
            "<!-- the ledger is sound: {} journals -->",
            verified.journal_count
        );
    }

    /// The ecosystem that the cases happen in.
    pub(crate) async fn found(&self) {
        let channel = self.channel(0);
        let create = platform::CreateEcosystemRequest {
            ecosystem_id: "bench".into(),
            ecosystem: Some(platform::Ecosystem {
                display_name: "Bench".into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let mut client = EcosystemServiceClient::new(channel.clone());
        client.create_ecosystem(create).await.expect("an ecosystem");
        self.program(&channel).await;
        self.catalogue(&channel).await;
        for number in 0..PARTNERS {
            self.partner(&channel, number).await;
        }
        self.plan().await;
    }

    async fn program(&self, channel: &Called) {
        let mut client = ProgramServiceClient::new(channel.clone());
        let create = program::CreateProgramRequest {
            parent: ECOSYSTEM.into(),
            program_id: "growth".into(),
            program: Some(program::Program {
                display_name: "Growth".into(),
                time_zone: "UTC".into(),
                currency_code: "USD".into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let name = client
            .create_program(create)
            .await
            .expect("a program")
            .into_inner()
            .name;
        let tier = program::CreateTierRequest {
            parent: name.clone(),
            tier_id: "registered".into(),
            tier: Some(program::Tier {
                display_name: "Registered".into(),
                rank: 1,
                ..Default::default()
            }),
            ..Default::default()
        };
        client.create_tier(tier).await.expect("a tier");
        let publish = program::PublishProgramRequest {
            name,
            ..Default::default()
        };
        client
            .publish_program(publish)
            .await
            .expect("it is published");
    }

    async fn catalogue(&self, channel: &Called) {
        let mut client = CatalogServiceClient::new(channel.clone());
        let product = deal::CreateProductRequest {
            parent: ECOSYSTEM.into(),
            product_id: "firewall".into(),
            product: Some(deal::Product {
                display_name: "Firewall".into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        client.create_product(product).await.expect("a product");
    }

    async fn partner(&self, channel: &Called, number: u64) {
        let mut client = PartnerServiceClient::new(channel.clone());
        let create = partner::CreatePartnerRequest {
            parent: ECOSYSTEM.into(),
            partner_id: format!("p-{number}"),
            partner: Some(partner::Partner {
                display_name: format!("Partner {number}"),
                partner_type: partner::partner::PartnerType::Referral.into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let name = client
            .create_partner(create)
            .await
            .expect("a partner")
            .into_inner()
            .name;
        let invite = partner::InvitePartnerRequest {
            name: name.clone(),
            ..Default::default()
        };
        client.invite_partner(invite).await.expect("it is invited");
        let accept = partner::AcceptInvitationRequest {
            name: name.clone(),
            ..Default::default()
        };
        client.accept_invitation(accept).await.expect("it accepts");
        let activate = partner::ActivatePartnerRequest {
            name: name.clone(),
            ..Default::default()
        };
        client
            .activate_partner(activate)
            .await
            .expect("it is active");
        let enrol = program::CreateEnrollmentRequest {
            parent: ECOSYSTEM.into(),
            enrollment: Some(program::Enrollment {
                program: format!("{ECOSYSTEM}/programs/growth"),
                partner: name,
                ..Default::default()
            }),
            ..Default::default()
        };
        let mut client = EnrollmentServiceClient::new(channel.clone());
        client.create_enrollment(enrol).await.expect("it enrols");
        let account = deal::CreateAccountRequest {
            parent: ECOSYSTEM.into(),
            account_id: format!("a-{number}"),
            account: Some(deal::Account {
                display_name: format!("Customer {number}"),
                ..Default::default()
            }),
            ..Default::default()
        };
        let mut client = AccountServiceClient::new(channel.clone());
        client.create_account(account).await.expect("a customer");
    }

    /// A banded plan for each deal, and one for the quarter: two awards for each win.
    async fn plan(&self) {
        for (id, window) in [
            ("deal", incentive::measure::Window::Event),
            ("quarter", incentive::measure::Window::Quarter),
        ] {
            let band = |from: i64, rate: &str| incentive::Band {
                from_amount: dollars(from),
                rate: Some(Decimal { value: rate.into() }),
                ..Default::default()
            };
            let version = incentive::PlanVersion {
                effective_from_date: Some(Date {
                    year: 2020,
                    month: 1,
                    day: 1,
                }),
                currency_code: "USD".into(),
                kind: incentive::plan_version::Kind::Commission.into(),
                trigger: incentive::plan_version::Trigger::DealWon.into(),
                measure: Some(incentive::Measure {
                    source: incentive::measure::Source::DealNet.into(),
                    window: window.into(),
                    ..incentive::Measure::default()
                }),
                schedule: Some(incentive::Schedule {
                    mode: incentive::schedule::Mode::Marginal.into(),
                    bands: vec![band(0, "0.05"), band(1_000, "0.06"), band(1_500, "0.07")],
                    ..Default::default()
                }),
                hold_days: 30,
                ..Default::default()
            };
            self.promise(id, version).await;
        }
    }

    /// Makes a plan of one version, which holds; answers the version's name.
    pub(crate) async fn promise(&self, id: &str, version: incentive::PlanVersion) -> String {
        let mut client = PlanServiceClient::new(self.channel(0));
        let create = incentive::CreatePlanRequest {
            parent: ECOSYSTEM.into(),
            plan_id: id.into(),
            plan: Some(incentive::Plan {
                display_name: id.into(),
                program: format!("{ECOSYSTEM}/programs/growth"),
                ..Default::default()
            }),
            ..Default::default()
        };
        let plan = client
            .create_plan(create)
            .await
            .expect("a plan")
            .into_inner();
        let create = incentive::CreatePlanVersionRequest {
            parent: plan.name,
            plan_version: Some(version),
            ..Default::default()
        };
        let version = client
            .create_plan_version(create)
            .await
            .expect("a version")
            .into_inner();
        let schedule = incentive::SchedulePlanVersionRequest {
            name: version.name.clone(),
            ..Default::default()
        };
        client
            .schedule_plan_version(schedule)
            .await
            .expect("it holds");
        version.name
    }
}
