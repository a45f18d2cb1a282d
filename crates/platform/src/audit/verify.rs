//! Verifies the trail: reads all of its entries beside its blocks, and says what does not fit.
//!
//! Each block is judged by itself: it goes on from the tree that the block before it says. So one fault is
//! told where it is, and does not hide another one behind it.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use trellis_api::Routed as _;
use trellis_api::platform::v1 as pb;
use trellis_core::Position;
use trellis_store::audit::block::{self, Model as Block};
use trellis_store::audit::merkle::{Hash, Tree};
use trellis_store::audit::row::{self, Row};
use trellis_store::{Error, View};

use super::note::{Checkpoint, Signer};

/// Entries of one statement.
const ENTRIES: u64 = 5_000;

/// Blocks of one statement, each with some kilobytes of hashes.
const BLOCKS: u64 = 200;

/// How many entries that were added to one block are told as such; more are told at the next.
const ADDED: usize = 1_000;

/// How many findings are told; more say the same.
const TOLD: usize = 100;

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: an entry by its name, or a block by its number.
    pub subject: String,
    /// What is wrong.
    pub what: String,
}

/// What has been verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How many entries were read that are sealed.
    pub entries: u64,
    /// In how many blocks.
    pub blocks: u64,
    /// How many entries are not sealed yet.
    pub unsealed: u64,
    /// What does not fit.
    pub findings: Vec<Finding>,
}

/// Verifies the trail of an ecosystem, step by step.
pub struct Verifying {
    view: View,
    signer: Arc<Signer>,
    /// What somebody kept elsewhere, as far as it was not compared yet.
    kept: Vec<Checkpoint>,
    /// The last block that there was when it began.
    until: i64,
    /// The last block that was verified.
    number: i64,
    /// The last one that was read.
    read: Option<i64>,
    blocks: VecDeque<Block>,
    place: Option<Position>,
    entries: VecDeque<Row>,
    tree: Tree,
    /// Entries whose names are missing.
    nameless: BTreeSet<Position>,
    /// The names of the entries of which it is said that they were erased.
    erased: HashSet<Vec<u8>>,
    verdict: Verdict,
}

impl Verifying {
    /// Begins, beside checkpoints that were kept.
    ///
    /// # Errors
    /// [`Error::Driver`] and its kin.
    pub async fn begin(
        view: View,
        signer: Arc<Signer>,
        kept: Vec<Checkpoint>,
    ) -> Result<Self, Error> {
        let until = block::find(&view, None).await?;
        Ok(Self {
            view,
            signer,
            kept,
            until: until.map_or(0, |block| block.number),
            number: 0,
            read: None,
            blocks: VecDeque::new(),
            place: None,
            entries: VecDeque::new(),
            tree: Tree::default(),
            nameless: BTreeSet::new(),
            erased: HashSet::new(),
            verdict: Verdict::default(),
        })
    }

    /// Verifies the whole trail.
    ///
    /// # Errors
    /// [`Error::Driver`] and its kin.
    pub async fn whole(mut self) -> Result<Verdict, Error> {
        while self.step().await? {}
        self.end().await
    }

    /// How far it has come.
    pub(super) fn so_far(&self) -> &Verdict {
        &self.verdict
    }

    /// Verifies the next block; answers whether there was one.
    ///
    /// # Errors
    /// [`Error::Driver`] and its kin.
    pub(super) async fn step(&mut self) -> Result<bool, Error> {
        let Some(block) = self.next_block().await? else {
            return Ok(false);
        };
        self.miss_until(block.number);
        self.number = block.number;
        let entries = self.entries_of(&block).await?;
        self.judge(&block, &entries);
        // What comes after is judged by what this block says of itself.
        if let Some(tree) = block.tree() {
            self.tree = tree;
        }
        self.verdict.blocks += 1;
        self.verdict.entries += u64::try_from(entries.len()).unwrap_or(u64::MAX);
        Ok(true)
    }

    /// The next block of those that there were when it began.
    async fn next_block(&mut self) -> Result<Option<Block>, Error> {
        loop {
            if self.blocks.is_empty() {
                let next = block::after(&self.view, self.read, BLOCKS).await?;
                self.read = next.last().map_or(self.read, |last| Some(last.number));
                self.blocks = next.into();
            }
            match self.blocks.pop_front() {
                Some(block) if block.number < 1 => {
                    let subject = format!("block {}", block.number);
                    self.find(subject, "blocks are numbered from 1 on");
                }
                next => return Ok(next.filter(|block| block.number <= self.until)),
            }
        }
    }

    /// Says which blocks there should be before one.
    fn miss_until(&mut self, number: i64) {
        let (first, last) = (self.number.saturating_add(1), number.saturating_sub(1));
        if first == last {
            self.find(format!("block {first}"), "it is missing");
        } else if first < last {
            self.find(format!("blocks {first} to {last}"), "they are missing");
        }
    }

    /// Looks at what is behind the last block, and at what was kept.
    ///
    /// # Errors
    /// [`Error::Driver`] and its kin.
    pub(super) async fn end(mut self) -> Result<Verdict, Error> {
        while let Some(entry) = self.next_entry().await? {
            self.look(&entry);
            self.verdict.unsealed += 1;
        }
        for kept in std::mem::take(&mut self.kept) {
            let there = self.tree.size();
            self.find(
                "the end of the trail".to_owned(),
                format!(
                    "the checkpoint that was kept has {} entries, and {there} are sealed: its end was \
                     removed",
                    kept.size
                ),
            );
        }
        self.look_for_erasures().await?;
        Ok(self.verdict)
    }

    /// Says of which entries the names are missing although nothing says that they were erased.
    async fn look_for_erasures(&mut self) -> Result<(), Error> {
        let erase = pb::ErasePersonalDataRequest::METHOD;
        // What is entered while somebody else's transaction runs is not read by its place yet.
        for row in row::of_method(&self.view, erase, self.place).await? {
            self.note_erasure(&row);
        }
        for place in std::mem::take(&mut self.nameless) {
            let name = row::name(self.view.ecosystem(), place);
            if !self.erased.contains(name.as_bytes()) {
                let what = "who called is missing, and no entry says that it was erased";
                self.find(name, what);
            }
        }
        Ok(())
    }

    fn note_erasure(&mut self, row: &Row) {
        if let Some(resource) = row.done_by(pb::ErasePersonalDataRequest::METHOD) {
            self.erased.insert(resource.to_vec());
        }
    }

    fn name(&self, row: &Row) -> String {
        row::name(self.view.ecosystem(), row.place())
    }

    fn find(&mut self, subject: String, what: impl Into<String>) {
        if self.verdict.findings.len() < TOLD {
            let what = what.into();
            self.verdict.findings.push(Finding { subject, what });
        }
    }

    async fn next_entry(&mut self) -> Result<Option<Row>, Error> {
        if self.entries.is_empty() {
            self.entries = row::after(&self.view, self.place, ENTRIES).await?.into();
            self.place = self.entries.back().map(Row::place).or(self.place);
        }
        Ok(self.entries.pop_front())
    }

    /// The entries up to where a block says that it ends: not many more than it has hashes, however far
    /// that is.
    async fn entries_of(&mut self, block: &Block) -> Result<Vec<Row>, Error> {
        let last = block.last();
        let most = block.hashes().map_or(0, <[Hash]>::len) + ADDED;
        let mut until = Vec::new();
        while until.len() < most
            && let Some(entry) = self.next_entry().await?
        {
            if entry.place() > last {
                self.entries.push_front(entry);
                break;
            }
            until.push(entry);
        }
        Ok(until)
    }

    /// What an entry says for itself.
    fn look(&mut self, entry: &Row) {
        if !entry.says_who() {
            let what = "it names somebody else than it did, or nobody";
            self.find(self.name(entry), what);
        }
        if entry.is_erased() {
            self.nameless.insert(entry.place());
        }
        self.note_erasure(entry);
    }

    fn judge(&mut self, block: &Block, entries: &[Row]) {
        let subject = || format!("block {}", block.number);
        let ecosystem = self.view.ecosystem();
        let found: Vec<Hash> = entries.iter().map(|row| row.leaf(ecosystem)).collect();
        for entry in entries {
            self.look(entry);
        }
        let Some(leaves) = block.hashes() else {
            return self.find(subject(), "its hashes are none");
        };
        if found != leaves {
            self.compare(block, leaves, &found, entries);
        }
        if entries.last().map(Row::place) != Some(block.last()) {
            let what = "the last entry is not where the block says that it is";
            self.find(subject(), what);
        }
        if self.tree.root().as_slice() != block.previous_root {
            self.find(subject(), "it does not go on from the block before");
        }
        let mut tree = self.tree.clone();
        self.compare_kept(&tree);
        for leaf in leaves {
            tree.push(*leaf);
            self.compare_kept(&tree);
        }
        if block.tree().as_ref() != Some(&tree) || tree.root().as_slice() != block.root {
            self.find(subject(), "its tree is not that of its hashes");
        }
        match self
            .signer
            .read_bytes(self.view.ecosystem(), &block.checkpoint)
        {
            Ok(signed) if (signed.size, signed.root) == (tree.size(), tree.root()) => {}
            Ok(_) => self.find(subject(), "its checkpoint signs another tree"),
            Err(unproven) => self.find(subject(), format!("its checkpoint: {unproven}")),
        }
    }

    /// Compares what was kept with the tree of the same size.
    fn compare_kept(&mut self, tree: &Tree) {
        let comes_later = |kept: &Checkpoint| kept.size != tree.size();
        if self.kept.iter().all(comes_later) {
            return;
        }
        let (later, now) = self.kept.iter().copied().partition(comes_later);
        self.kept = later;
        let now: Vec<Checkpoint> = now;
        if now.iter().any(|kept| kept.root != tree.root()) {
            self.find(
                format!("the first {} entries", tree.size()),
                "they are not those of the checkpoint that was kept",
            );
        }
    }

    /// Says which entries are not those of their block.
    fn compare(&mut self, block: &Block, leaves: &[Hash], found: &[Hash], entries: &[Row]) {
        let mut sealed: HashMap<&Hash, usize> = HashMap::new();
        for leaf in leaves {
            *sealed.entry(leaf).or_default() += 1;
        }
        let mut strange = 0;
        for (leaf, entry) in found.iter().zip(entries) {
            match sealed.get_mut(leaf).filter(|count| **count > 0) {
                Some(count) => *count -= 1,
                None => {
                    strange += 1;
                    let what = "it was changed, or added, after it was sealed";
                    self.find(self.name(entry), what);
                }
            }
        }
        let lost: usize = sealed.values().sum();
        let subject = format!("block {}", block.number);
        if lost > strange {
            let gone = lost - strange;
            self.find(subject, format!("{gone} of its entries were removed"));
        } else if lost == 0 && strange == 0 {
            self.find(subject, "its entries stand in another order");
        }
    }
}
