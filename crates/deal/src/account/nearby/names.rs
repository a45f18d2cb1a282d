//! The names of one ecosystem's accounts, held so that near ones are found.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use indexmap::IndexSet;
use tokio::sync::{Mutex, mpsc};
use tokio::task::spawn_blocking;
use trellis_core::AccountId;
use trellis_matching::{Index, Prepared, Profile};
use trellis_store::View;
use trellis_store::deal::account;
use trellis_store::event::follow::Known;

use super::joined;
use crate::Error;

/// How many accounts are looked at beside those that share a key.
const NEAR: usize = 64;

/// Accounts that are read at a time.
const CHUNK: u64 = 1_000;

/// Chunks that wait to be made ready while the next one is read.
const WAITING: usize = 2;

/// What changes by which names an account is found, or whether it is.
const KINDS: &[&str] = &[
    "account.created",
    "account.updated",
    "account.merged",
    "account.split",
];

/// The names of one ecosystem's accounts.
pub(super) struct Names {
    held: Arc<RwLock<Held>>,
    followed: Arc<Mutex<Followed>>,
    /// Counts who has asked.
    asked: AtomicU64,
}

/// What is known of the feed.
struct Followed {
    known: Known,
    /// So many had asked when it was last read.
    asked: u64,
}

struct Held {
    index: Index,
    /// The accounts. The place of each is the number by which the index knows it.
    accounts: IndexSet<AccountId>,
}

impl Names {
    /// Reads the names of all accounts. What changes meanwhile the feed tells afterwards.
    pub(super) async fn read(view: &View) -> Result<Arc<Self>, Error> {
        let began = Instant::now();
        let known = Known::now(view).await?;
        let (chunks, waiting) = mpsc::channel(WAITING);
        let making = spawn_blocking(move || Held::of(waiting));
        let mut after = None;
        loop {
            let chunk = account::names_after(view, after.as_ref(), CHUNK).await?;
            let is_last = (chunk.len() as u64) < CHUNK;
            after = chunk.last().map(|last| last.id.clone());
            if chunks.send(chunk).await.is_err() || is_last {
                break;
            }
        }
        drop(chunks);
        let held = joined(making.await);
        tracing::info!(
            ecosystem = %view.ecosystem(),
            accounts = held.accounts.len(),
            index_bytes = held.index.bytes(),
            took = ?began.elapsed(),
            "holds the names of accounts"
        );
        Ok(Arc::new(Self {
            held: Arc::new(RwLock::new(held)),
            followed: Arc::new(Mutex::new(Followed { known, asked: 0 })),
            asked: AtomicU64::new(0),
        }))
    }

    /// Follows the feed to where it ends now. Whether it is still the feed of what was read.
    pub(super) async fn catch_up(&self, view: &View) -> Result<bool, Error> {
        let mine = self.asked.fetch_add(1, Ordering::SeqCst);
        let mut followed = self.followed.clone().lock_owned().await;
        // Somebody who had the turn before has read what had been committed when this one asked.
        if mine < followed.asked {
            return Ok(true);
        }
        let asked = self.asked.load(Ordering::SeqCst);
        loop {
            let Some(news) = followed.known.news(view, KINDS).await? else {
                return Ok(false);
            };
            let ids = news.resources.iter().filter_map(|resource| {
                let (_, id) = resource.rsplit_once('/')?;
                AccountId::try_new(id).ok()
            });
            let ids: Vec<AccountId> = ids.collect();
            if ids.is_empty() {
                followed.known = news.known;
            } else {
                let names = account::names_of(view, ids.iter().cloned()).await?;
                let held = self.held.clone();
                // The turn goes along: whoever comes next finds it all learned, even if nobody waits for
                // it any more.
                let learning = spawn_blocking(move || {
                    let mut held = held.write().unwrap_or_else(PoisonError::into_inner);
                    held.learn(ids, names);
                    followed.known = news.known;
                    followed
                });
                followed = joined(learning.await);
            }
            if !news.more {
                followed.asked = asked;
                return Ok(true);
            }
        }
    }

    /// The accounts whose names come near, the nearest first.
    pub(super) async fn near(&self, asked: &Prepared) -> Vec<AccountId> {
        let (held, asked) = (self.held.clone(), asked.clone());
        let searching = spawn_blocking(move || {
            let held = held.read().unwrap_or_else(PoisonError::into_inner);
            held.near(&asked)
        });
        joined(searching.await)
    }
}

impl Held {
    /// Makes an index of accounts as they come.
    fn of(mut chunks: mpsc::Receiver<Vec<account::Names>>) -> Self {
        let mut accounts = IndexSet::new();
        let coming = std::iter::from_fn(|| chunks.blocking_recv()).flatten();
        let index = Index::build(coming.map(|names| {
            let ready = prepared(&names);
            (number(accounts.insert_full(names.id).0), ready)
        }));
        accounts.shrink_to_fit();
        Self { index, accounts }
    }

    /// Learns the names of some accounts; those that have none any more are found by none.
    fn learn(&mut self, ids: Vec<AccountId>, names: Vec<account::Names>) {
        let mut names: HashMap<AccountId, account::Names> = names
            .into_iter()
            .map(|names| (names.id.clone(), names))
            .collect();
        for id in ids {
            match names.remove(&id) {
                Some(names) => {
                    let (at, _) = self.accounts.insert_full(id);
                    self.index.insert(number(at), &prepared(&names));
                }
                None => {
                    if let Some(at) = self.accounts.get_index_of(&id) {
                        self.index.remove(number(at));
                    }
                }
            }
        }
    }

    fn near(&self, asked: &Prepared) -> Vec<AccountId> {
        let found = self.index.search(asked, NEAR).into_iter();
        found
            .filter_map(|(at, _)| self.accounts.get_index(at as usize).cloned())
            .collect()
    }
}

/// There are never as many accounts as there are numbers.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX - 1)
}

/// What of an account the index knows.
fn prepared(names: &account::Names) -> Prepared {
    Prepared::new(Profile {
        legal_name: names.display_name.clone(),
        aliases: names.aliases.0.clone(),
        ..Profile::default()
    })
}
