//! The command line: one file for each command.
//!
//! Standard output is what a command answers; whatever it tells beside that goes to standard
//! error. The exit code is 0 when the command did what it was asked for, 1 when it found that it
//! cannot or that something is wrong, 2 when it was asked wrongly.

mod check;
mod config;
mod demo;
mod keys;
mod migrate;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::import;
use crate::settings::Mistakes;

/// Trellis runs partner ecosystems: partners, programs, deals and what they earn.
#[derive(Debug, Parser)]
#[command(name = "trellis", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the services until it is told to stop.
    Serve(serve::Serve),
    /// Serves, and lives through a demo ecosystem first.
    Demo(demo::Demo),
    /// Imports CSV files of another system through a mapping. Exits with 0 when every row is in, 1
    /// when some were rejected, 2 when it could not run.
    Import(Box<import::Arguments>),
    /// Makes API keys, above all the first one of an ecosystem.
    Keys(keys::Keys),
    /// Brings the database's schema up to date, or tells how it stands.
    Migrate(migrate::Migrate),
    /// Verifies the ledger, the references, the change feed and the audit trail; the exit code tells.
    Check(check::Check),
    /// Prints the settings with where each comes from; secrets are hidden.
    Config(config::Config),
}

/// Why a command ended without having done what it was asked for.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] Mistakes),
    /// Telemetry could not be set up.
    #[error("telemetry")]
    Telemetry(#[from] crate::telemetry::Error),
    /// The server did not start.
    #[error("the server does not start")]
    Server(#[from] crate::server::Error),
    /// The database cannot be read.
    #[error("the database")]
    Store(#[from] trellis_store::Error),
    /// The schema is not as it must be.
    #[error("the schema")]
    Schema(#[from] crate::schema::Error),
    /// What was signed cannot be verified.
    #[error("the audit trail")]
    Audit(#[from] crate::KeyError),
    /// What was kept of an audit trail cannot be read.
    #[error("--checkpoint {}", file.display())]
    Kept {
        /// Where it is said to be.
        file: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A key could not be made.
    #[error("the key")]
    Key(#[from] trellis_platform::Error),
    /// The demonstration could not reach its server.
    #[error("the server cannot be reached")]
    Unreachable(#[from] tonic::transport::Error),
    /// A call of the demonstration was refused.
    #[error("a call of the demonstration was refused: {0}")]
    Demo(Box<tonic::Status>),
    /// The import could not run, or not to its end.
    #[error(transparent)]
    Import(#[from] import::Error),
    /// Standard output is closed, or signals cannot be waited for.
    #[error("the system refuses")]
    System(#[from] std::io::Error),
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return tell(&Error::System(error)),
    };
    let ended = runtime.block_on(async {
        match cli.command {
            Command::Serve(serve) => serve.run().await,
            Command::Check(check) => check.run().await,
            Command::Demo(demo) => demo.run().await,
            Command::Import(arguments) => Ok(import::run(&arguments).await?.into()),
            Command::Keys(keys) => keys.run().await,
            Command::Migrate(migrate) => migrate.run().await,
            Command::Config(config) => config.run(),
        }
    });
    // What is still running is of no use to anybody.
    runtime.shutdown_background();
    ended.unwrap_or_else(|error| tell(&error))
}

/// Tells why a command failed, down to the cause.
fn tell(error: &Error) -> ExitCode {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    eprintln!("error: {text}");
    match error {
        Error::Settings(_) | Error::Import(_) => ExitCode::from(2),
        Error::Telemetry(_)
        | Error::Server(_)
        | Error::Schema(_)
        | Error::Store(_)
        | Error::Audit(_)
        | Error::Kept { .. }
        | Error::Key(_)
        | Error::Unreachable(_)
        | Error::Demo(_)
        | Error::System(_) => ExitCode::FAILURE,
    }
}
