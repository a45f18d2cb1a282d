//! Blocks of the audit trail: which entries follow one another, for ever.
//!
//! A block holds the hashes of its entries, and the tree of all entries up to its end ([`merkle`]), whose
//! root is signed. The tree goes on from that of the block before.
//!
//! [`merkle`]: super::merkle

use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect};
use trellis_core::{EcosystemId, Position};

use super::merkle::{Hash, LENGTH, Tree};
use crate::{Error, Txn, View};

/// How many entries a block has at most.
pub const MOST: u64 = 1_000;

/// One block.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_blocks")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// Its number, from 1 on, without gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// How many entries there are up to its end.
    pub tree_size: i64,
    /// The place of its last entry, first part.
    pub last_epoch: i64,
    /// The same, second part.
    pub last_xid: i64,
    /// The same, third part.
    pub last_sequence: i64,
    /// The hashes of its entries, one after the other.
    pub leaves: Vec<u8>,
    /// What the tree up to its end is told by.
    pub peaks: Vec<u8>,
    /// The root of the tree up to the end of the block before.
    pub previous_root: Vec<u8>,
    /// The root of the tree up to its own end.
    pub root: Vec<u8>,
    /// That root, signed.
    pub checkpoint: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The place of its last entry.
    #[must_use]
    pub fn last(&self) -> Position {
        Position {
            epoch: self.last_epoch,
            xid: self.last_xid,
            sequence: self.last_sequence,
        }
    }

    /// The hashes of its entries; nothing when they are no hashes.
    #[must_use]
    pub fn hashes(&self) -> Option<&[Hash]> {
        let (hashes, rest) = self.leaves.as_chunks::<LENGTH>();
        rest.is_empty().then_some(hashes)
    }

    /// The tree up to its end; nothing when it is none.
    #[must_use]
    pub fn tree(&self) -> Option<Tree> {
        Tree::try_new(u64::try_from(self.tree_size).ok()?, &self.peaks)
    }
}

/// How far the trail is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The number of the last block.
    pub number: i64,
    /// The place of its last entry; there is none before the first block.
    pub last: Option<Position>,
    /// The tree up to there.
    pub tree: Tree,
    /// Its root, signed.
    pub checkpoint: Option<Vec<u8>>,
}

fn of_ecosystem(view: &View) -> Select<Entity> {
    Entity::find().filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
}

/// How far the trail is sealed; not at all: number 0.
///
/// # Errors
/// [`Error::Corrupt`] when the last block is none; [`Error::Driver`] and its kin.
pub async fn sealed(view: &View) -> Result<Sealed, Error> {
    let last = of_ecosystem(view)
        .order_by_desc(Column::Number)
        .limit(1)
        .one(&view.db())
        .await?;
    let Some(last) = last else {
        return Ok(Sealed {
            number: 0,
            last: None,
            tree: Tree::default(),
            checkpoint: None,
        });
    };
    let tree = last.tree().ok_or_else(|| Error::Corrupt {
        table: "audit_blocks",
        what: format!("block {} has no tree", last.number),
    })?;
    Ok(Sealed {
        number: last.number,
        last: Some(last.last()),
        tree,
        checkpoint: Some(last.checkpoint),
    })
}

/// The first block up to whose end there are at least so many entries; the last one where nothing is said.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find(view: &View, tree_size: Option<i64>) -> Result<Option<Model>, Error> {
    let select = match tree_size {
        Some(size) => of_ecosystem(view)
            .filter(COLUMN.tree_size.gte(size))
            .order_by_asc(Column::TreeSize),
        None => of_ecosystem(view).order_by_desc(Column::Number),
    };
    Ok(select.limit(1).one(&view.db()).await?)
}

/// The next blocks after a number, or from the first one on, in their order.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn after(view: &View, number: Option<i64>, limit: u64) -> Result<Vec<Model>, Error> {
    let mut select = of_ecosystem(view);
    if let Some(number) = number {
        select = select.filter(COLUMN.number.gt(number));
    }
    let select = select.order_by_asc(Column::Number).limit(limit);
    Ok(select.all(&view.db()).await?)
}

/// Keeps all others from sealing until the transaction ends.
///
/// # Errors
/// [`Error::Contended`] when the lock cannot be had in time.
pub async fn lock(txn: &Txn) -> Result<(), Error> {
    crate::lock::keys(txn, &["audit:seal"]).await
}

/// Adds a block.
///
/// # Errors
/// [`Error::Exists`] when there is one of its number.
pub async fn insert(txn: &Txn, block: Model) -> Result<(), Error> {
    Entity::insert(block.into_active_model().reset_all())
        .exec_without_returning(&txn.db())
        .await?;
    Ok(())
}
