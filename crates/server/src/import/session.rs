//! One run of an import against one server.

use std::time::Duration;

use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use trellis_api::open::ACTOR;
use trellis_api::platform::v1::ecosystem_service_client::EcosystemServiceClient;
use trellis_api::platform::v1::{CreateEcosystemRequest, Ecosystem, GetEcosystemRequest};
use trellis_core::{Currency, EcosystemId};

use super::error::{Error, transient};
use super::references::{Names, Planned};
use super::retry::Patience;

/// How long the server may take to accept the connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where calls go and what they are about.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The connection.
    pub(super) channel: Channel,
    /// The ecosystem: `ecosystems/{ecosystem}`.
    pub(super) parent: String,
    actor: AsciiMetadataValue,
}

impl Caller {
    /// A request in the name of whoever imports.
    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert(ACTOR, self.actor.clone());
        request
    }
}

/// One run.
#[derive(Debug)]
pub(super) struct Session {
    /// Where calls go.
    pub(super) caller: Caller,
    /// Whether everything is only checked.
    pub(super) dry_run: bool,
    /// The names of what rows refer to.
    pub(super) names: Names,
    /// What a dry run would have made.
    pub(super) planned: Planned,
    /// The program that partners are enrolled in, by its full name.
    pub(super) program: Option<String>,
}

/// What a run needs to know of the server and the ecosystem.
#[derive(Debug)]
pub(super) struct Target<'a> {
    /// The address of the server.
    pub(super) server: &'a str,
    /// The ecosystem, by its id or its name.
    pub(super) ecosystem: &'a str,
    /// Who imports.
    pub(super) actor: &'a str,
    /// The program that partners are enrolled in, by its id or its name.
    pub(super) program: Option<&'a str>,
    /// Whether everything is only checked.
    pub(super) dry_run: bool,
    /// Whether the ecosystem is made if there is none, and in which currency it reports.
    pub(super) create: Option<Option<Currency>>,
}

impl Target<'_> {
    /// Connects to the server and finds the ecosystem, or makes it.
    ///
    /// # Errors
    /// When something was given wrongly, the server cannot be reached, or there is no such
    /// ecosystem.
    pub(super) async fn open(&self) -> Result<Session, Error> {
        let id = self
            .ecosystem
            .strip_prefix("ecosystems/")
            .unwrap_or(self.ecosystem);
        let id = EcosystemId::try_new(id).map_err(|wrong| {
            Error::Argument(format!("--ecosystem {:?} {wrong}", self.ecosystem))
        })?;
        let parent = trellis_api::ecosystem_name(&id);
        let actor = self.actor.parse().map_err(|_| {
            Error::Argument(format!("--actor {:?} must be printable ASCII", self.actor))
        })?;
        let program = self.program.map(|program| match program.rsplit_once('/') {
            Some(_) => program.to_owned(),
            None => format!("{parent}/programs/{program}"),
        });
        let channel = connect(self.server).await?;
        let caller = Caller {
            channel,
            parent,
            actor,
        };
        self.find_ecosystem(&caller, &id).await?;
        Ok(Session {
            names: Names::new(caller.clone()),
            caller,
            dry_run: self.dry_run,
            planned: Planned::default(),
            program,
        })
    }

    async fn find_ecosystem(&self, caller: &Caller, id: &EcosystemId) -> Result<(), Error> {
        let get = |client: EcosystemServiceClient<Channel>| {
            let name = caller.parent.clone();
            let request = caller.request(GetEcosystemRequest { name });
            let mut client = client;
            async move { client.get_ecosystem(request).await }
        };
        let client = EcosystemServiceClient::new(caller.channel.clone());
        let missing = match patiently(|| get(client.clone())).await {
            Ok(_) => return Ok(()),
            Err(status) if status.code() == Code::NotFound => status,
            Err(status) => return Err(Error::refused("get the ecosystem", status)),
        };
        match self.create {
            Some(currency) if !self.dry_run => create_ecosystem(caller, id, currency).await,
            Some(_) | None => {
                drop(missing);
                Err(Error::NoEcosystem(caller.parent.clone()))
            }
        }
    }
}

/// Makes an ecosystem that is called like its id.
async fn create_ecosystem(
    caller: &Caller,
    id: &EcosystemId,
    currency: Option<Currency>,
) -> Result<(), Error> {
    let request = CreateEcosystemRequest {
        ecosystem_id: id.as_str().to_owned(),
        ecosystem: Some(Ecosystem {
            display_name: id.as_str().to_owned(),
            currency_code: currency.map(Currency::code).unwrap_or_default().to_owned(),
            ..Ecosystem::default()
        }),
        ..CreateEcosystemRequest::default()
    };
    let mut client = EcosystemServiceClient::new(caller.channel.clone());
    let created = client.create_ecosystem(caller.request(request)).await;
    match created {
        Ok(_) => Ok(()),
        // Somebody else was quicker.
        Err(status) if status.code() == Code::AlreadyExists => Ok(()),
        Err(status) => Err(Error::refused("create the ecosystem", status)),
    }
}

/// Makes a call, and makes it again as long as that may help.
pub(super) async fn patiently<T, F: Future<Output = Result<T, Status>>>(
    call: impl Fn() -> F,
) -> Result<T, Status> {
    let mut patience = Patience::default();
    loop {
        match call().await {
            Err(status) if transient(&status) && patience.wait().await => {}
            answer => return answer,
        }
    }
}

async fn connect(server: &str) -> Result<Channel, Error> {
    let address = if server.contains("://") {
        server.to_owned()
    } else {
        format!("http://{server}")
    };
    if !address.starts_with("http://") {
        let wrong = format!("--server {server:?} must begin with http://");
        return Err(Error::Argument(wrong));
    }
    let endpoint = Endpoint::from_shared(address.clone())
        .map_err(|wrong| Error::Argument(format!("--server {server:?}: {wrong}")))?;
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    endpoint
        .connect()
        .await
        .map_err(|wrong| Error::Unreachable {
            server: address,
            why: innermost(&wrong),
        })
}

/// What a failure comes from, in the words of the system.
fn innermost(wrong: &dyn std::error::Error) -> String {
    let mut cause = wrong;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
