//! `trellis config`: prints the settings that another command would run with.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use super::Error;
use crate::settings::Flags;

/// Prints the settings with where each comes from; secrets are hidden.
///
/// What is printed can be kept as a settings file once its secrets are put back.
#[derive(Debug, Args)]
pub(super) struct Config {
    #[command(flatten)]
    flags: Flags,
}

impl Config {
    pub(super) fn run(&self) -> Result<ExitCode, Error> {
        let loaded = self.flags.load()?;
        write!(std::io::stdout(), "{loaded}")?;
        Ok(ExitCode::SUCCESS)
    }
}
