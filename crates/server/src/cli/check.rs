//! `trellis check`: looks whether what the database holds fits together.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use trellis_core::{Call, EcosystemId, SystemClock};
use trellis_store::incentive::ledger::verify;
use trellis_store::{Store, check};

use super::Error;
use crate::settings::DatabaseFlags;
use crate::telemetry::Telemetry;
use crate::{schema, server};

/// Verifies the ledger, the references between rows and the change feed of every ecosystem.
///
/// Exits with 0 when everything fits, with 1 when anything does not. Nothing is changed.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    flags: DatabaseFlags,
}

impl Check {
    pub(super) async fn run(self) -> Result<ExitCode, Error> {
        let loaded = self.flags.load()?;
        Telemetry::start_lines(&loaded.settings)?;
        schema::require(&loaded.settings).await?;
        let settings = server::of_store(&loaded.settings);
        let store = Store::connect(&settings, Arc::new(SystemClock)).await?;
        let mut out = std::io::stdout().lock();
        let mut wrong = 0_usize;
        for ecosystem in store.read_all().ids().await? {
            let findings = findings(&store, &ecosystem).await?;
            let verdict = if findings.is_empty() {
                "everything fits"
            } else {
                "DOES NOT FIT"
            };
            writeln!(out, "ecosystems/{ecosystem}: {verdict}")?;
            for finding in &findings {
                writeln!(out, "  {}: {}", finding.place, finding.what)?;
            }
            wrong += findings.len();
        }
        Ok(if wrong == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

async fn findings(store: &Store, ecosystem: &EcosystemId) -> Result<Vec<check::Finding>, Error> {
    let view = store.read(&call(ecosystem)).await?;
    let mut findings = check::references(&view).await?;
    findings.extend(check::feed(&view).await?);
    for rule in verify::Rule::ALL {
        let found = verify::check(&view, rule).await?;
        findings.extend(found.findings.into_iter().map(|finding| check::Finding {
            place: format!("ledger, {rule:?}: {}", finding.subject),
            what: finding.what,
        }));
    }
    Ok(findings)
}

fn call(ecosystem: &EcosystemId) -> Call {
    Call::of_system(ecosystem.clone(), "check")
}
