//! `trellis keys`: the first key of an ecosystem, made where the database is.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use trellis_core::access::Grant;
use trellis_core::lifecycle::Named;
use trellis_core::{Actor, EcosystemId, PartnerId, Role, SystemClock};
use trellis_platform::access::secret::{Pepper, Secret};
use trellis_platform::access::{First, bootstrap};
use trellis_store::Store;
use trellis_store::platform::secret::{self, Purpose};

use super::Error;
use crate::settings::{DatabaseFlags, Mistake, Mistakes, Settings};
use crate::telemetry::Telemetry;
use crate::{schema, server};

/// Makes API keys without asking anybody who they are: for whoever runs the server.
///
/// All later keys can be made by calls of `AccessService`.
#[derive(Debug, Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Makes a key and prints its secret, which is told this once.
    ///
    /// The ecosystem need not exist: an `ecosystem_admin` of it may create it. From the first key on
    /// every caller of every server of this database must prove who they are.
    Create(Create),
}

#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    flags: DatabaseFlags,
    /// The ecosystem that the key is for: its id, such as acme.
    #[arg(long, value_name = "ID", value_parser = |id: &str| EcosystemId::try_new(id))]
    ecosystem: EcosystemId,
    /// What the key may be.
    #[arg(long, value_name = "ROLE", value_parser = Role::try_new)]
    role: Role,
    /// The partner that a role of a partner is for: its id.
    #[arg(long, value_name = "ID", value_parser = |id: &str| PartnerId::try_new(id), required_if_eq_any = [("role", "partner_admin"), ("role", "partner_rep")])]
    partner: Option<PartnerId>,
    /// The person who uses it, such as ada@acme.example. Without one it is a system's.
    #[arg(long, value_name = "NAME", value_parser = Actor::try_new)]
    person: Option<Actor>,
    /// What people call it.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "Made on the server's machine"
    )]
    display_name: String,
    /// How the key is told.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: the secret alone on standard output, everything else beside it.
    Text,
    /// For programs.
    Json,
}

impl Keys {
    pub(super) async fn run(self) -> Result<ExitCode, Error> {
        match self.verb {
            Verb::Create(create) => create.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> Result<ExitCode, Error> {
        if self.partner.is_some() && !self.role.is_of_partner() {
            let message = format!(
                "is for roles of a partner, and not for {}",
                self.role.name()
            );
            let place = "--partner".to_owned();
            return Err(Mistakes(vec![Mistake { place, message }]).into());
        }
        let loaded = self.flags.load()?;
        Telemetry::start_lines(&loaded.settings)?;
        let first = First {
            ecosystem: self.ecosystem,
            display_name: self.display_name,
            person: self.person,
            grant: Grant::new(self.role, self.partner),
        };
        let role = self.role.name();
        let (name, secret) = make(&loaded.settings, first).await?;
        let mut out = std::io::stdout().lock();
        match self.format {
            Format::Text => {
                eprintln!("{name} is {role}. Its secret is told this once:");
                writeln!(out, "{}", secret.reveal())?;
            }
            Format::Json => {
                let told = serde_json::json!({
                    "name": name,
                    "role": role,
                    "secret": secret.reveal(),
                });
                writeln!(out, "{told}")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Makes a key in the database that the settings name; answers its name and its secret.
pub(super) async fn make(settings: &Settings, first: First) -> Result<(String, Secret), Error> {
    schema::prepare(settings).await?;
    let store = Store::connect(&server::of_store(settings), Arc::new(SystemClock)).await?;
    let pepper = Pepper::new(secret::get(&store, Purpose::ApiKeys).await?);
    Ok(bootstrap(&store, &pepper, first).await?)
}
