//! Seals the trail: what has been entered since the last block becomes the next one, and its end is signed.

use std::sync::Arc;

use trellis_core::{Call, EcosystemId};
use trellis_store::audit::{block, merkle, row};
use trellis_store::{Error, Store, Txn, worker};

use super::note::{Checkpoint, Signer};

/// The part of the server that seals.
const PART: &str = "audit-sealer";

/// Seals what there is in an ecosystem.
///
/// # Errors
/// [`Error::Corrupt`] when the last block is not what was signed; [`Error::Driver`] and its kin.
pub async fn seal(
    store: &Store,
    signer: &Arc<Signer>,
    ecosystem: &EcosystemId,
) -> Result<(), Error> {
    loop {
        // Mostly there is nothing to do, which a read tells.
        let view = store
            .read(&Call::of_system(ecosystem.clone(), PART))
            .await?;
        if !row::any_after(&view, block::sealed(&view).await?.last).await? {
            return Ok(());
        }
        let signer = signer.clone();
        let sealed = worker::transact(store, ecosystem, PART, move |txn| {
            let signer = signer.clone();
            async move { next(&txn, &signer).await }
        });
        if sealed.await? < block::MOST {
            return Ok(());
        }
    }
}

/// Makes the next block; answers how many entries it has.
async fn next(txn: &Txn, signer: &Signer) -> Result<u64, Error> {
    block::lock(txn).await?;
    let before = block::sealed(txn).await?;
    require_own(txn, signer, &before)?;
    let entries = row::after(txn, before.last, block::MOST).await?;
    let Some(last) = entries.last().map(row::Row::place) else {
        return Ok(0);
    };
    let ecosystem = txn.ecosystem();
    let leaves: Vec<merkle::Hash> = entries.iter().map(|row| row.leaf(ecosystem)).collect();
    let previous_root = before.tree.root();
    let mut tree = before.tree;
    for leaf in &leaves {
        tree.push(*leaf);
    }
    let checkpoint = Checkpoint {
        size: tree.size(),
        root: tree.root(),
    };
    let block = block::Model {
        ecosystem: ecosystem.clone(),
        number: before.number.saturating_add(1),
        tree_size: i64::try_from(tree.size()).unwrap_or(i64::MAX),
        last_epoch: last.epoch,
        last_xid: last.xid,
        last_sequence: last.sequence,
        leaves: leaves.concat(),
        peaks: tree.peaks(),
        previous_root: previous_root.to_vec(),
        root: checkpoint.root.to_vec(),
        checkpoint: signer.sign(ecosystem, checkpoint).into_bytes(),
    };
    block::insert(txn, block).await?;
    Ok(u64::try_from(leaves.len()).unwrap_or(u64::MAX))
}

/// Refuses to go on from a tree that nobody signed: whoever changed a block would have the changed tree
/// signed with the next one.
fn require_own(txn: &Txn, signer: &Signer, before: &block::Sealed) -> Result<(), Error> {
    let Some(note) = &before.checkpoint else {
        return Ok(());
    };
    let said = signer.read_bytes(txn.ecosystem(), note);
    let right =
        said.is_ok_and(|said| (said.size, said.root) == (before.tree.size(), before.tree.root()));
    right.then_some(()).ok_or_else(|| Error::Corrupt {
        table: "audit_blocks",
        what: format!(
            "block {} is not what its checkpoint signs; trellis check says more",
            before.number
        ),
    })
}
