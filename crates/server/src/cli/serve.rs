//! `trellis serve`: serves until a signal says to stop.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use trellis_core::SystemClock;

use super::Error;
use crate::listen::Drained;
use crate::server::{self, Running};
use crate::settings::Flags;
use crate::telemetry::Telemetry;

/// Serves the services until it is told to stop.
///
/// SIGTERM and SIGINT end it gracefully: health says NOT_SERVING, nobody new is accepted, and calls
/// under way are finished for at most `drain-limit`. A second signal ends it at once.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    flags: Flags,
}

impl Serve {
    pub(super) async fn run(self) -> Result<ExitCode, Error> {
        let loaded = self.flags.load()?;
        let telemetry = Telemetry::start(&loaded.settings)?;
        for name in &loaded.unknown_variables {
            tracing::warn!(name, "this variable of the environment is no setting");
        }
        let mut signals = Signals::new()?;
        let clock = Arc::new(SystemClock);
        let running = server::start(&loaded.settings, clock, telemetry.meter()).await?;
        let address = running.address();
        writeln!(std::io::stdout(), "listening on {address}")?;
        if let Some(address) = running.admin_address() {
            writeln!(std::io::stdout(), "administration on {address}")?;
        }
        tracing::info!(%address, services = ?running.services(), "serving");

        let code = until_stopped(running, &mut signals, loaded.settings.drain_limit).await;
        telemetry.flush().await;
        Ok(code)
    }
}

/// Serves until a signal comes, then drains. A second signal ends it at once.
pub(super) async fn until_stopped(
    running: Running,
    signals: &mut Signals,
    limit: Duration,
) -> ExitCode {
    let signal = signals.next().await;
    tracing::info!(signal, ?limit, "stopping");
    tokio::select! {
        drained = running.stop() => {
            match drained {
                Drained::Whole => tracing::info!("stopped; every call was finished"),
                Drained::Cut(connections) => {
                    tracing::warn!(connections, "stopped at the limit; connections were cut");
                }
            }
            ExitCode::SUCCESS
        }
        signal = signals.next() => {
            tracing::warn!(signal, "stopped at once");
            ExitCode::FAILURE
        }
    }
}

/// The signals that ask to stop.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one and answers its name.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
