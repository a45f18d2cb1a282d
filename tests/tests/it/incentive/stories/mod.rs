//! Random histories of facts: versions of a plan, also such that take days from others, facts with their
//! revisions, refunds, churn, quotas, rates and deals, in any order, with calls that are cut off and a
//! worker that reads again what it had read. In between somebody rejects, adjusts, holds and releases. After
//! each, what is in the books is what the plainest code says, whatever the order was.
//!
//! * [`told`] makes histories, [`play`] lets them happen on a server.
//! * [`reference`] says what they must come to, and the same wrong in one thing.

mod play;
mod reference;
mod told;

use tokio::task::JoinSet;
use trellis_tests::{Engine, World, number, run};

use reference::{Books, Fault, books};
use told::Story;

/// The seed of the first history when nobody says otherwise.
const FIRST: u64 = 20_261_127;

/// Histories of one server.
const OF_ONE_SERVER: u64 = 100;

/// Histories that happen at the same time.
const AT_ONCE: usize = 4;

/// Lets so many histories happen, and compares each with the reference; answers them.
async fn agree(engine: Engine, count: u64) {
    let seed = number("TRELLIS_TESTS_FACT_HISTORY_SEED").unwrap_or(FIRST);
    let mut seeds = (seed..seed + count).peekable();
    while let Some(first) = seeds.next() {
        let rest = seeds
            .by_ref()
            .take(usize::try_from(OF_ONE_SERVER - 1).unwrap());
        let of_server: Vec<u64> = std::iter::once(first).chain(rest).collect();
        run(engine, &[], |world| async move {
            let (mut playing, mut otherwise) = (JoinSet::new(), 0);
            for seed in of_server {
                if playing.len() == AT_ONCE {
                    otherwise += usize::from(playing.join_next().await.unwrap().is_err());
                }
                playing.spawn(one(world.clone(), seed));
            }
            while let Some(played) = playing.join_next().await {
                otherwise += usize::from(played.is_err());
            }
            assert_eq!(otherwise, 0, "histories that came out otherwise");
        })
        .await;
    }
}

async fn one(world: World, seed: u64) {
    let story = Story::new(seed);
    let found = play::play(&world, seed, &story).await;
    same(seed, &story, &found, &books(&story, None));
}

fn same(seed: u64, story: &Story, found: &Books, expected: &Books) {
    assert_eq!(found, expected, "history {seed}: {story:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn awards_are_what_the_reference_says_on_sqlite() {
    agree(
        Engine::Sqlite,
        number("TRELLIS_TESTS_FACT_HISTORIES").unwrap_or(16),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn awards_are_what_the_reference_says_on_postgres() {
    agree(
        Engine::Postgres,
        number("TRELLIS_TESTS_FACT_HISTORIES").unwrap_or(8),
    )
    .await;
}

/// The control: whatever a reference has wrong, histories tell.
#[test]
fn a_reference_that_is_wrong_in_one_thing_is_noticed() {
    let stories: Vec<Story> = (FIRST..FIRST + 100).map(Story::new).collect();
    for fault in Fault::ALL {
        let wrong = |story: &&Story| books(story, Some(fault)) != books(story, None);
        let noticed = stories.iter().filter(wrong).count();
        println!(
            "{fault:?} is noticed by {noticed} of {} histories",
            stories.len()
        );
        assert!(noticed > 0, "{fault:?}");
    }
}

/// The control: an award that is a coin more is noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[should_panic(expected = "history")]
async fn a_coin_more_is_noticed() {
    run(Engine::Sqlite, &[], |world| async move {
        let paid = |seed: &u64| !books(&Story::new(*seed), None).is_empty();
        let seed = (FIRST..).find(paid).unwrap();
        let story = Story::new(seed);
        let found = play::play(&world, seed, &story).await;
        let mut expected = books(&story, None);
        expected.values_mut().for_each(|minor| *minor += 1);
        same(seed, &story, &found, &expected);
    })
    .await;
}
