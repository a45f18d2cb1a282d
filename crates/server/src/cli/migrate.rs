//! `trellis migrate`: brings the schema up to date, or tells how it stands.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Error;
use crate::schema;
use crate::settings::DatabaseFlags;
use crate::telemetry::Telemetry;

/// Brings the database's schema up to date, or tells how it stands.
///
/// There is no way down: a database that holds money is mended by going forward.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Applies every migration that the database lacks.
    Up {
        #[command(flatten)]
        flags: DatabaseFlags,
    },
    /// Lists the migrations and whether the database has them; exits with 1 when any is missing.
    Status {
        #[command(flatten)]
        flags: DatabaseFlags,
    },
}

impl Migrate {
    pub(super) async fn run(self) -> Result<ExitCode, Error> {
        let mut out = std::io::stdout();
        match self.verb {
            Verb::Up { flags } => {
                let loaded = flags.load()?;
                Telemetry::start_lines(&loaded.settings)?;
                let applied = schema::up(&loaded.settings).await?;
                for name in &applied {
                    writeln!(out, "applied {name}")?;
                }
                if applied.is_empty() {
                    writeln!(out, "the schema is up to date")?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Verb::Status { flags } => {
                let loaded = flags.load()?;
                Telemetry::start_lines(&loaded.settings)?;
                let statuses = schema::status(&loaded.settings).await?;
                for (name, applied) in &statuses {
                    writeln!(
                        out,
                        "{} {name}",
                        if *applied { "applied" } else { "missing" }
                    )?;
                }
                let whole = statuses.iter().all(|(_, applied)| *applied);
                Ok(if whole {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                })
            }
        }
    }
}
