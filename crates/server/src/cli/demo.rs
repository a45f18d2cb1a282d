//! `trellis demo`: a server, an ecosystem that lives through the whole journey on it, and calls to
//! try.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use tonic::transport::Endpoint;
use trellis_core::access::Grant;
use trellis_core::{Actor, EcosystemId, Role, SystemClock};
use trellis_platform::access::First;
use trellis_store::Store;

use super::serve::{Signals, until_stopped};
use super::{Error, keys};
use crate::demo::{self, Founder, Summary};
use crate::settings::{Flags, Mistake, Mistakes, Settings};
use crate::telemetry::Telemetry;
use crate::{schema, server};

/// Starts the server, lives through a demo ecosystem by real calls, and keeps serving.
///
/// Every run makes a sandbox ecosystem of its own: demo, then demo-2, and so on.
#[derive(Debug, Args)]
pub(super) struct Demo {
    #[command(flatten)]
    flags: Flags,
    /// Ends after the journey; the exit code is 0 when the ledger is sound.
    #[arg(long)]
    exit: bool,
    /// How the journey is told.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Demo {
    pub(super) async fn run(self) -> Result<ExitCode, Error> {
        let loaded = self.flags.load()?;
        if loaded.settings.tls_certificate_file.path().is_some() {
            return Err(Mistakes(vec![in_the_clear()]).into());
        }
        let telemetry = Telemetry::start(&loaded.settings)?;
        let mut signals = Signals::new()?;
        let founder = founder(&loaded.settings).await?;
        let running =
            server::start(&loaded.settings, Arc::new(SystemClock), telemetry.meter()).await?;
        let address = running.address();
        // Making an ecosystem is administration, which may have an address of its own.
        let everything = running.admin_address().unwrap_or(address);
        let summary = journey(everything, &founder).await?;
        self.tell(&summary, address, &founder, loaded.settings.reflection)?;
        let code = if self.exit {
            running.stop().await;
            if summary.sound {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        } else {
            until_stopped(running, &mut signals, loaded.settings.drain_limit).await
        };
        telemetry.flush().await;
        Ok(code)
    }

    fn tell(
        &self,
        summary: &Summary,
        address: SocketAddr,
        founder: &Founder,
        reflects: bool,
    ) -> Result<(), Error> {
        let mut out = std::io::stdout().lock();
        match self.format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut out, summary).map_err(std::io::Error::from)?;
                writeln!(out)?;
            }
            Format::Text => {
                writeln!(out, "{summary}")?;
                if !self.exit {
                    writeln!(out, "{}", calls(summary, address, founder, reflects))?;
                }
            }
        }
        Ok(out.flush()?)
    }
}

/// What is wrong with a demonstration over TLS: it trusts nobody's certificate.
fn in_the_clear() -> Mistake {
    Mistake {
        place: "tls-certificate-file".to_owned(),
        message: "is for serve: demo calls its own server in the clear; leave it out".to_owned(),
    }
}

/// Makes the key of the first person of an ecosystem that there is not yet: `demo`, or the first of
/// `demo-2`, `demo-3` … that is free.
async fn founder(settings: &Settings) -> Result<Founder, Error> {
    schema::prepare(settings).await?;
    let store = Store::connect(&server::of_store(settings), Arc::new(SystemClock)).await?;
    let taken = store.read_all().ids().await?;
    let named = (1_u32..).map(|number| match number {
        1 => "demo".to_owned(),
        _ => format!("demo-{number}"),
    });
    let mut free = named.filter_map(|name| EcosystemId::try_new(&name).ok());
    let free = free.find(|id| !taken.contains(id));
    let ecosystem = free.ok_or_else(|| std::io::Error::other("every name is taken"))?;
    let first = First {
        ecosystem: ecosystem.clone(),
        display_name: format!("The demonstration, for {}", demo::founder()),
        person: Actor::try_new(demo::founder()).ok(),
        grant: Grant::new(Role::EcosystemAdmin, None),
    };
    let (_, secret) = keys::make(settings, first).await?;
    Ok(Founder {
        ecosystem: ecosystem.to_string(),
        secret: secret.reveal().to_owned(),
    })
}

async fn journey(address: SocketAddr, founder: &Founder) -> Result<Summary, Error> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    demo::run(endpoint.connect().await?, founder)
        .await
        .map_err(|refused| Error::Demo(Box::new(refused)))
}

/// Calls to try, ready to be pasted.
fn calls(summary: &Summary, address: SocketAddr, founder: &Founder, reflects: bool) -> String {
    let Summary {
        ecosystem, names, ..
    } = summary;
    let (award, partner) = (&names.award, &names.partner);
    let Founder { secret, .. } = founder;
    let needs = match reflects {
        true => "",
        false => ", of a server that was started with --reflection",
    };
    format!(
        r#"Serving on {address}; Ctrl-C ends it. Every call must prove who makes it. This key runs {ecosystem}:

  export KEY={secret}

Calls to try{needs}:

  grpcurl -plaintext -H "authorization: Bearer $KEY" {address} list
  grpcurl -plaintext -H "authorization: Bearer $KEY" {address} \
    trellis.platform.v1.AccessService/WhoAmI
  grpcurl -plaintext -H "authorization: Bearer $KEY" -d '{{"name": "{award}"}}' {address} \
    trellis.incentive.v1.AwardService/ExplainAward
  grpcurl -plaintext -H "authorization: Bearer $KEY" \
    -d '{{"parent": "{ecosystem}", "filter": "type = \"deal.won\""}}' {address} \
    trellis.platform.v1.EventService/ListEvents
  buf curl --http2-prior-knowledge --protocol grpc -H "authorization: Bearer $KEY" \
    --reflect-header '*' -d '{{"name": "{partner}"}}' http://{address}/trellis.partner.v1.PartnerService/GetPartner
  buf curl --http2-prior-knowledge --protocol grpc -H "authorization: Bearer $KEY" \
    --reflect-header '*' -d '{{"parent": "{ecosystem}"}}' http://{address}/trellis.incentive.v1.LedgerService/GetTrialBalance
"#
    )
}
