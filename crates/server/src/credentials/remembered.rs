//! What is remembered of those who call often.

use std::sync::Arc;
use std::time::Instant;

use moka::Entry;
use moka::future::Cache;
use moka::ops::compute::Op;
use sha2::{Digest, Sha256};
use trellis_api::open::Unauthenticated;
use trellis_core::{Clock, Principal, Timestamp};

use super::{Asked, MEMORY, Unknown};

/// How many callers are remembered.
const MOST: u64 = 10_000;

/// Somebody who proved who they are.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) principal: Arc<Principal>,
    /// When what they proved it with ends.
    pub(super) expire_time: Option<Timestamp>,
    /// When the database was asked.
    pub(super) read_time: Timestamp,
    /// The moment before it was.
    pub(super) read: Instant,
}

impl Known {
    fn is_fresh(&self, now: Timestamp, asked: Asked) -> bool {
        let age = now.since(self.read_time);
        let lately = match asked {
            Asked::Lately => true,
            Asked::AtOnce => false,
            Asked::Since(moment) => self.read >= moment,
        };
        let ends = self.expire_time.is_some_and(|end| now >= end);
        lately && self.read_time <= now && age < MEMORY && !ends
    }
}

/// Remembers callers by a hash of what they show, for [`MEMORY`] and not longer. Whoever proves
/// nothing is not remembered.
pub(super) struct Remembered {
    callers: Cache<[u8; 32], Arc<Known>>,
    clock: Arc<dyn Clock>,
}

impl Remembered {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let callers = Cache::builder().max_capacity(MOST).time_to_live(MEMORY);
        Self {
            callers: callers.build(),
            clock,
        }
    }

    /// Who shows this, from memory where that is lately enough. Of many who show the same at the same
    /// time one asks the database, unless they must be known at once.
    pub(super) async fn get(
        &self,
        shown: &str,
        asked: Asked,
        load: impl Future<Output = Result<Known, Unknown>>,
    ) -> Result<Arc<Known>, Unknown> {
        let key: [u8; 32] = Sha256::digest(shown).into();
        if asked == Asked::AtOnce {
            // What was remembered goes first: it must not outlive a refusal.
            self.callers.invalidate(&key).await;
            let known = Arc::new(load.await?);
            self.callers.insert(key, known.clone()).await;
            return Ok(known);
        }
        if let Asked::Since(_) = asked {
            return Box::pin(self.since(key, asked, load)).await;
        }
        if let Some(known) = self.callers.get(&key).await {
            if known.is_fresh(self.clock.now(), asked) {
                return Ok(known);
            }
            self.callers.invalidate(&key).await;
        }
        let load = async { load.await.map(Arc::new) };
        let loaded = self.callers.try_get_with(key, load).await;
        loaded.map_err(|error| match &*error {
            Unknown::Unauthenticated(unknown) => Unknown::Unauthenticated(*unknown),
            Unknown::Store(error) => Unknown::Store(error.clone()),
        })
    }

    /// The same, as of a moment or later. Of many who ask one after the other does, so that those after
    /// the first find what that one did.
    async fn since(
        &self,
        key: [u8; 32],
        asked: Asked,
        load: impl Future<Output = Result<Known, Unknown>>,
    ) -> Result<Arc<Known>, Unknown> {
        let now = self.clock.now();
        let compute = |entry: Option<Entry<[u8; 32], Arc<Known>>>| async move {
            match entry {
                Some(entry) if entry.value().is_fresh(now, asked) => Ok(Op::Nop),
                _ => load.await.map(|known| Op::Put(Arc::new(known))),
            }
        };
        match self.callers.entry(key).and_try_compute_with(compute).await {
            Ok(outcome) => {
                let entry = outcome.into_entry();
                // Nothing else comes of it: what was there stayed, or something was put there.
                entry
                    .map(Entry::into_value)
                    .ok_or_else(|| Unauthenticated.into())
            }
            Err(unknown) => {
                // What was remembered must not outlive a refusal.
                self.callers.invalidate(&key).await;
                Err(unknown)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use trellis_core::{Actor, ManualClock};

    use super::Asked::{AtOnce, Lately, Since};
    use super::*;

    struct Scene {
        remembered: Remembered,
        clock: Arc<ManualClock>,
        asked: AtomicU32,
    }

    impl Scene {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000_000)));
            Self {
                remembered: Remembered::new(clock.clone()),
                clock,
                asked: AtomicU32::new(0),
            }
        }

        async fn get(&self, asked: Asked, expire_time: Option<Timestamp>) -> bool {
            let load = async {
                self.asked.fetch_add(1, Ordering::SeqCst);
                let read = Instant::now();
                tokio::task::yield_now().await;
                Ok(Known {
                    principal: Arc::new(Principal::unidentified(Actor::anonymous())),
                    expire_time,
                    read_time: self.clock.now(),
                    read,
                })
            };
            self.remembered.get("key", asked, load).await.is_ok()
        }

        async fn refused(&self, asked: Asked) -> bool {
            let load = async {
                self.asked.fetch_add(1, Ordering::SeqCst);
                Err(Unauthenticated.into())
            };
            self.remembered.get("key", asked, load).await.is_err()
        }

        fn asked(&self) -> u32 {
            self.asked.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn a_caller_is_remembered_for_five_seconds_and_not_longer() {
        let scene = Scene::new();
        assert!(scene.get(Lately, None).await);
        scene.clock.advance(MEMORY - Duration::from_micros(1));
        assert!(scene.get(Lately, None).await);
        assert_eq!(scene.asked(), 1);
        scene.clock.advance(Duration::from_micros(1));
        assert!(scene.get(Lately, None).await);
        assert_eq!(scene.asked(), 2);
    }

    #[tokio::test]
    async fn who_must_be_known_at_once_is_asked_for_and_tells_the_others() {
        let scene = Scene::new();
        assert!(scene.get(Lately, None).await);
        assert!(scene.get(AtOnce, None).await);
        assert_eq!(scene.asked(), 2);
        // What was refused at once is refused by memory too.
        assert!(scene.refused(AtOnce).await);
        assert!(scene.refused(Lately).await);
        assert_eq!(scene.asked(), 4);
    }

    #[tokio::test]
    async fn what_ends_is_not_remembered_beyond_its_end() {
        let scene = Scene::new();
        let end = scene.clock.now().saturating_add(Duration::from_secs(1));
        assert!(scene.get(Lately, Some(end)).await);
        scene.clock.advance(Duration::from_secs(1));
        assert!(scene.refused(Lately).await);
        assert_eq!(scene.asked(), 2);
    }

    #[tokio::test]
    async fn many_who_come_together_ask_once() {
        let scene = Scene::new();
        let all = (0..100).map(|_| scene.get(Lately, None));
        assert!(
            futures::future::join_all(all)
                .await
                .into_iter()
                .all(|ok| ok)
        );
        assert_eq!(scene.asked(), 1);
    }

    #[tokio::test]
    async fn many_who_ask_as_of_a_moment_ask_once_and_not_what_was_known_before() {
        let scene = Scene::new();
        assert!(scene.get(Lately, None).await);
        let moment = Instant::now();
        let all = (0..100).map(|_| scene.get(Since(moment), None));
        let all = futures::future::join_all(all).await;
        assert!(all.into_iter().all(|ok| ok));
        assert_eq!(scene.asked(), 2);
        // The control: whoever does not ask as of a moment is told from memory.
        assert!(scene.get(Lately, None).await);
        assert_eq!(scene.asked(), 2);
        assert!(scene.refused(Since(Instant::now())).await);
        assert!(scene.refused(Lately).await);
    }
}
