//! One run of an import against one server.

use std::time::Duration;

use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};
use trellis_api::open::ACTOR;
use trellis_api::platform::v1::ecosystem_service_client::EcosystemServiceClient;
use trellis_api::platform::v1::{CreateEcosystemRequest, Ecosystem, GetEcosystemRequest};
use trellis_core::{Currency, EcosystemId};

use super::error::{Error, transient};
use super::references::{Names, Planned};
use super::retry::Patience;

/// Who imports, unless that is said or proved.
const IMPORTER: &str = "trellis-import";

/// How long the server may take to accept the connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where calls go and what they are about.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The connection.
    pub(super) channel: Channel,
    /// The ecosystem: `ecosystems/{ecosystem}`.
    pub(super) parent: String,
    credentials: Credentials,
}

/// What every call says of who makes it.
#[derive(Clone, Debug)]
struct Credentials {
    authorization: Option<AsciiMetadataValue>,
    actor: Option<AsciiMetadataValue>,
}

impl Credentials {
    /// # Errors
    /// What was given is no text that metadata can carry.
    fn read(key: Option<&str>, actor: Option<&str>) -> Result<Self, Error> {
        let printable = |what: &str| Error::Argument(format!("--{what} must be printable ASCII"));
        let mut authorization: Option<AsciiMetadataValue> = None;
        if let Some(key) = key {
            let value = format!("Bearer {key}").parse();
            let mut value: AsciiMetadataValue = value.map_err(|_| printable("key"))?;
            value.set_sensitive(true);
            authorization = Some(value);
        }
        // With a key it is known who imports.
        let actor = actor.or(match key {
            None => Some(IMPORTER),
            Some(_) => None,
        });
        let actor = actor.map(str::parse).transpose();
        Ok(Self {
            authorization,
            actor: actor.map_err(|_| printable("actor"))?,
        })
    }
}

impl Caller {
    /// A request in the name of whoever imports.
    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let Credentials {
            authorization,
            actor,
        } = &self.credentials;
        let metadata = request.metadata_mut();
        if let Some(authorization) = authorization {
            metadata.insert("authorization", authorization.clone());
        }
        if let Some(actor) = actor {
            metadata.insert(ACTOR, actor.clone());
        }
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
    /// What proves who imports.
    pub(super) key: Option<&'a str>,
    /// Who imports, if that is said.
    pub(super) actor: Option<&'a str>,
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
        let credentials = Credentials::read(self.key, self.actor)?;
        let program = self.program.map(|program| match program.rsplit_once('/') {
            Some(_) => program.to_owned(),
            None => format!("{parent}/programs/{program}"),
        });
        let channel = connect(self.server).await?;
        let caller = Caller {
            channel,
            parent,
            credentials,
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
    let wrong = |wrong| Error::Argument(format!("--server {server:?}: {wrong}"));
    let mut endpoint = Endpoint::from_shared(address.clone()).map_err(wrong)?;
    match endpoint.uri().scheme_str() {
        Some("http") => {}
        // The authorities that this machine trusts, or those of SSL_CERT_FILE.
        Some("https") => {
            let tls = ClientTlsConfig::new().with_native_roots();
            endpoint = endpoint.tls_config(tls).map_err(wrong)?;
        }
        _ => {
            let wrong = format!("--server {server:?} must begin with http:// or https://");
            return Err(Error::Argument(wrong));
        }
    }
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
