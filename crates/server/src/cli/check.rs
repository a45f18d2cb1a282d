//! `trellis check`: looks whether what the database holds fits together.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use trellis_core::{Call, EcosystemId, SystemClock};
use trellis_platform::audit::note::{Signer, Unproven};
use trellis_platform::audit::verify::Verifying;
use trellis_store::incentive::ledger::verify;
use trellis_store::{Store, check};

use super::Error;
use crate::settings::DatabaseFlags;
use crate::telemetry::Telemetry;
use crate::{audit, schema, server};

/// Verifies the ledger, the references between rows, the change feed and the audit trail of every
/// ecosystem.
///
/// Exits with 0 when everything fits, with 1 when anything does not. Nothing is changed.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    flags: DatabaseFlags,
    /// A file with a checkpoint of an audit trail that was kept elsewhere: the `note` of `GetCheckpoint`.
    /// Can be given several times. Without one it is not found that the end of a trail was removed.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
}

impl Check {
    pub(super) async fn run(self) -> Result<ExitCode, Error> {
        let loaded = self.flags.load()?;
        Telemetry::start_lines(&loaded.settings)?;
        schema::require(&loaded.settings).await?;
        let settings = server::of_store(&loaded.settings);
        let store = Store::connect(&settings, Arc::new(SystemClock)).await?;
        let signer = Arc::new(audit::signer(&loaded.settings, &store).await?);
        let mut kept = read(&self.checkpoint)?;
        let mut out = std::io::stdout().lock();
        let mut wrong = 0_usize;
        for ecosystem in store.read_all().ids().await? {
            let findings = findings(&store, &signer, &ecosystem, &mut kept).await?;
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
        for Kept { file, .. } in &kept {
            let file = file.display();
            writeln!(
                out,
                "{file}: it is no checkpoint of an ecosystem that is here"
            )?;
        }
        wrong += kept.len();
        Ok(if wrong == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// A checkpoint that was kept elsewhere.
struct Kept {
    file: PathBuf,
    note: String,
}

fn read(files: &[PathBuf]) -> Result<Vec<Kept>, Error> {
    let read = |file: &PathBuf| {
        let note = std::fs::read_to_string(file).map_err(|source| Error::Kept {
            file: file.clone(),
            source,
        })?;
        Ok(Kept {
            file: file.clone(),
            note,
        })
    };
    files.iter().map(read).collect()
}

/// What does not fit in an ecosystem. Takes the checkpoints that are of its trail.
async fn findings(
    store: &Store,
    signer: &Arc<Signer>,
    ecosystem: &EcosystemId,
    kept: &mut Vec<Kept>,
) -> Result<Vec<check::Finding>, Error> {
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
    let mut checkpoints = Vec::new();
    kept.retain(|Kept { file, note }| match signer.read(ecosystem, note) {
        Ok(checkpoint) => {
            checkpoints.push(checkpoint);
            false
        }
        Err(Unproven::Signature) => {
            findings.push(check::Finding {
                place: format!("audit trail, {}", file.display()),
                what: Unproven::Signature.to_string(),
            });
            false
        }
        Err(Unproven::Form | Unproven::Origin) => true,
    });
    let verifying = Verifying::begin(view, signer.clone(), checkpoints).await?;
    let verdict = verifying.whole().await?;
    findings.extend(verdict.findings.into_iter().map(|finding| check::Finding {
        place: format!("audit trail, {}", finding.subject),
        what: finding.what,
    }));
    Ok(findings)
}

fn call(ecosystem: &EcosystemId) -> Call {
    Call::of_system(ecosystem.clone(), "check")
}
