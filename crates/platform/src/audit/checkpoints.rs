//! The use cases of checkpoints: what to keep, and whether the trail is as it was.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::Semaphore;
use trellis_api::ecosystem_name;
use trellis_api::platform::v1 as pb;
use trellis_core::{Call, Problem};
use trellis_store::audit::block;
use trellis_store::{Store, View};

use super::convert;
use super::note::{Checkpoint, Signer};
use super::verify::Verifying;
use crate::Error;

/// How many verifications are under way at a time: each keeps a core busy.
static TURNS: Semaphore = Semaphore::const_new(2);

/// How often it is told how far one has come.
const TELL: Duration = Duration::from_millis(500);

/// Gets a checkpoint: the first with at least so many entries, or the latest.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when so many are not sealed.
pub(super) async fn get(
    store: &Store,
    signer: &Signer,
    call: Call,
    tree_size: Option<i64>,
) -> Result<pb::AuditCheckpoint, Error> {
    let view = store.read(&call).await?;
    let block = block::find(&view, tree_size).await?;
    let block = block.ok_or_else(|| Problem::NotFound {
        resource: match tree_size {
            Some(size) => format!("a checkpoint of {size} entries of {}", name(&view)),
            None => format!("a checkpoint of {}", name(&view)),
        },
    })?;
    let note = String::from_utf8(block.checkpoint).map_err(|_| trellis_store::Error::Corrupt {
        table: "audit_blocks",
        what: format!("the checkpoint of block {} is no text", block.number),
    })?;
    Ok(pb::AuditCheckpoint {
        tree_size: block.tree_size,
        root_hash: block.root,
        note,
        verifier_key: signer.verifier(view.ecosystem()),
    })
}

fn name(view: &View) -> String {
    ecosystem_name(view.ecosystem())
}

/// Verifies the trail, telling how far it has come.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when the ecosystem does not exist.
pub(super) async fn verify(
    store: &Store,
    signer: Arc<Signer>,
    call: Call,
    kept: Option<Checkpoint>,
) -> Result<BoxStream<'static, Result<pb::VerifyAuditResponse, Error>>, Error> {
    // It is closed by nobody.
    let turn = TURNS.acquire().await;
    let view = store.read(&call).await?;
    let last = block::find(&view, None).await?;
    let size = last.map_or(0, |block| block.tree_size);
    let verifying = Verifying::begin(view, signer, kept.into_iter().collect()).await?;
    let begun = Some((verifying, turn));
    Ok(stream::try_unfold(begun, move |state| async move {
        let Some((mut verifying, turn)) = state else {
            return Ok(None);
        };
        let told = Instant::now();
        while verifying.step().await? {
            if told.elapsed() >= TELL {
                let progress = convert::progress(verifying.so_far(), size);
                return Ok(Some((progress, Some((verifying, turn)))));
            }
        }
        let verdict = verifying.end().await?;
        Ok(Some((convert::verdict(verdict), None)))
    })
    .boxed())
}
