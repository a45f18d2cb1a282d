use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::*;

fn ecosystem(id: &str) -> EcosystemId {
    EcosystemId::try_new(id).unwrap()
}

/// Counts how often something is made for each who asks.
#[derive(Clone, Default)]
struct Makers(Arc<AtomicUsize>);

impl Makers {
    fn made(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Makes it when it is let go on.
    fn when(&self, go_on: &Arc<Notify>) -> impl Future<Output = Result<usize, ()>> + use<> {
        let (count, go_on) = (self.0.clone(), go_on.clone());
        async move {
            let made = count.fetch_add(1, Ordering::SeqCst) + 1;
            go_on.notified().await;
            Ok(made)
        }
    }

    fn at_once(&self) -> impl Future<Output = Result<usize, ()>> + use<> {
        let go_on = Arc::new(Notify::new());
        go_on.notify_one();
        self.when(&go_on)
    }
}

/// Lets everything run that can.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn two_who_ask_at_once_have_it_made_once() {
    let (recent, makers) = (Recent::new(2), Makers::default());
    let go_on = Arc::new(Notify::new());
    let asking: Vec<_> = (0..2)
        .map(|_| {
            let slot = recent.slot(&ecosystem("acme"));
            let make = makers.when(&go_on);
            tokio::spawn(async move { slot.get_or_make(make).await })
        })
        .collect();
    settle().await;
    go_on.notify_one();
    for one in asking {
        assert_eq!(one.await.unwrap(), Ok(1));
    }
    assert_eq!(makers.made(), 1);
}

#[tokio::test]
async fn what_is_long_in_the_making_keeps_no_other_waiting() {
    let (recent, makers) = (Recent::new(2), Makers::default());
    let go_on = Arc::new(Notify::new());
    let (slow, make) = (recent.slot(&ecosystem("acme")), makers.when(&go_on));
    let waiting = tokio::spawn(async move { slow.get_or_make(make).await });
    settle().await;
    let other = recent.slot(&ecosystem("globex"));
    assert_eq!(other.get_or_make(makers.at_once()).await, Ok(2));
    assert!(!waiting.is_finished());
    go_on.notify_one();
    assert_eq!(waiting.await.unwrap(), Ok(1));
}

#[tokio::test]
async fn who_gives_up_throws_away_nothing() {
    let (recent, makers) = (Recent::new(1), Makers::default());
    let go_on = Arc::new(Notify::new());
    let slot = recent.slot(&ecosystem("acme"));
    let waits = slot.get_or_make(makers.when(&go_on));
    let gave_up = tokio::time::timeout(Duration::from_millis(1), waits).await;
    assert!(gave_up.is_err());
    go_on.notify_one();
    let again = recent.slot(&ecosystem("acme"));
    assert_eq!(again.get_or_make(makers.at_once()).await, Ok(1));
    assert_eq!(makers.made(), 1);
}

#[tokio::test]
async fn what_failed_is_tried_again() {
    let (recent, makers) = (Recent::new(1), Makers::default());
    let slot = recent.slot(&ecosystem("acme"));
    assert_eq!(
        slot.get_or_make(async { Err(()) }).await,
        Err::<usize, ()>(())
    );
    assert_eq!(slot.get_or_make(makers.at_once()).await, Ok(1));
    assert_eq!(
        slot.get_or_make(async { Err(()) }).await,
        Ok(1),
        "it is kept"
    );
}

#[tokio::test]
async fn what_was_asked_for_longest_ago_gives_way() {
    let (recent, makers) = (Recent::new(2), Makers::default());
    let ask = async |id: &str| {
        recent
            .slot(&ecosystem(id))
            .get_or_make(makers.at_once())
            .await
    };
    assert_eq!(ask("acme").await, Ok(1));
    assert_eq!(ask("globex").await, Ok(2));
    assert_eq!(ask("acme").await, Ok(1));
    assert_eq!(ask("hooli").await, Ok(3));
    assert_eq!(ask("acme").await, Ok(1), "it was asked for again");
    assert_eq!(ask("globex").await, Ok(4), "it was not");
    assert_eq!(recent.slots.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn only_the_slot_that_is_meant_is_forgotten() {
    let (recent, makers) = (Recent::new(2), Makers::default());
    let old = recent.slot(&ecosystem("acme"));
    assert_eq!(old.get_or_make(makers.at_once()).await, Ok(1));
    recent.forget(&ecosystem("acme"), &old);
    let new = recent.slot(&ecosystem("acme"));
    assert_eq!(new.get_or_make(makers.at_once()).await, Ok(2));
    // Somebody else found the old one outdated too.
    recent.forget(&ecosystem("acme"), &old);
    let still = recent.slot(&ecosystem("acme"));
    assert_eq!(still.get_or_make(makers.at_once()).await, Ok(2));
}

#[test]
fn waiting_ends_in_time_to_answer() {
    let now = Instant::now();
    let waits = |limit: u64| give_up(now, Some(now + Duration::from_millis(limit))) - now;
    assert_eq!(waits(1_000), Duration::from_millis(900));
    assert_eq!(waits(10_000), Duration::from_millis(9_500));
    assert_eq!(waits(0), Duration::ZERO);
    assert_eq!(give_up(now, None) - now, Duration::from_millis(9_500));
}
