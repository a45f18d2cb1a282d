//! Registrations over random histories, against a model that was written separately: whatever happens in
//! whatever order, nobody is protected beside somebody else, nobody overtakes, every decision follows from
//! the rules, says why and comes out the same once more.

mod model;
mod moves;
mod play;

use std::collections::BTreeSet;
use std::ops::Range;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use trellis_tests::{Engine, World, number, run};

use self::model::Fault;
use self::moves::{Claim, Kind, Move, Proof, Scope, history};
use self::play::Stage;

/// How many moves a history has.
const LENGTH: usize = 14;

/// For how many histories a market is used.
const PER_MARKET: u64 = 20;

/// For how many a world is used: it looks at all markets that there were.
const PER_WORLD: u64 = 1_000;

/// How many histories are played; `make endurance` plays more.
fn wanted(usual: u64) -> u64 {
    number("TRELLIS_TESTS_HISTORIES").unwrap_or(usual)
}

/// What they follow from.
fn first_seed() -> u64 {
    number("TRELLIS_TESTS_HISTORY_SEED").unwrap_or_else(rand::random)
}

/// Plays one history; answers where the server and the model part.
async fn played(stage: &Stage, moves: &[Move], fault: Option<Fault>) -> Result<(), String> {
    // The names of its companies are new whenever it is played.
    stage.play(moves, &mut StdRng::from_os_rng(), fault).await
}

/// A history that parts as well and cannot do without any of its moves.
async fn shortened(stage: &Stage, moves: Vec<Move>, parts: String) -> (Vec<Move>, String) {
    let (mut shortest, mut parts) = (moves, parts);
    let mut at = shortest.len();
    while at > 0 {
        at -= 1;
        let mut shorter = shortest.clone();
        shorter.remove(at);
        if let Err(still) = played(stage, &shorter, None).await {
            (shortest, parts) = (shorter, still);
        }
    }
    (shortest, parts)
}

async fn agree(engine: Engine, usual: u64) {
    let (first, wanted) = (first_seed(), wanted(usual));
    for begin in (0..wanted).step_by(usize::try_from(PER_WORLD).unwrap()) {
        let numbers = begin..wanted.min(begin + PER_WORLD);
        run(engine, &[], |world| agree_on(world, first, numbers)).await;
    }
}

async fn agree_on(world: World, first: u64, numbers: Range<u64>) {
    let mut stage = None;
    for number in numbers {
        let seed = first.wrapping_add(number);
        if number % PER_MARKET == 0 {
            stage = Some(Stage::open(&world, &format!("market-{number}")).await);
        }
        let stage = stage.as_ref().unwrap();
        let moves = history(&mut StdRng::seed_from_u64(seed), LENGTH);
        if let Err(parts) = played(stage, &moves, None).await {
            let (moves, parts) = shortened(stage, moves, parts).await;
            panic!("TRELLIS_TESTS_HISTORY_SEED={seed}\n{moves:#?}\n{parts}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registrations_are_what_the_model_says_on_sqlite() {
    agree(Engine::Sqlite, 25).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registrations_are_what_the_model_says_on_postgres() {
    agree(Engine::Postgres, 10).await;
}

fn asks(partner: usize, products: &[usize]) -> Claim {
    Claim {
        partner,
        account: 2,
        scope: Scope::Entity,
        products: products.iter().copied().collect(),
        territory: None,
        kind: Kind::New,
        value: 10_000,
        automatic: true,
        proofs: Vec::new(),
        partial: false,
        tender: None,
    }
}

/// A history that random ones showed once: whoever waited behind one that was granted a part only, of
/// what it had asked for, went on waiting for nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_is_granted_is_in_nobody_elses_way() {
    run(Engine::Sqlite, &[], |world| async move {
        let stage = Stage::open(&world, "market").await;
        let a_part = Claim {
            partial: true,
            proofs: vec![Proof::Meeting],
            ..asks(0, &[0, 2])
        };
        let moves = [
            Move::Register(asks(2, &[0, 1, 2])),
            Move::Register(a_part),
            Move::Register(asks(1, &[0, 1])),
            Move::Keep(3, BTreeSet::from([0])),
            Move::Wait(200 * 86_400),
        ];
        played(&stage, &moves, None).await.unwrap();
    })
    .await;
}

/// Another: whoever waited behind several was judged when one of them left, or was not, by who the others
/// were. Whoever still stands behind somebody is not: it is when its turn comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_not_register_any_more_leaves_the_line_at_its_turn() {
    run(Engine::Sqlite, &[], |world| async move {
        let stage = Stage::open(&world, "market").await;
        // The one in front names the customer by another account, so that the line of the one that
        // leaves does not tell by itself that the last one still stands behind somebody.
        let in_front = Claim {
            account: 3,
            ..asks(1, &[0])
        };
        let moves = [
            Move::Register(in_front),
            Move::Register(asks(2, &[0, 1])),
            Move::Register(Claim {
                proofs: vec![Proof::Meeting],
                ..asks(0, &[0])
            }),
            Move::Suspend(0),
            Move::Withdraw(1),
            Move::Revoke(0),
        ];
        played(&stage, &moves, None).await.unwrap();
    })
    .await;
}

/// Another, which showed the model wrong: of what the vendor keeps to itself nothing is granted, so its own
/// deal about that does not make the rest sold together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_is_sold_together_only_where_the_vendor_sells_it() {
    run(Engine::Sqlite, &[], |world| async move {
        for (number, sold) in [&[0, 1][..], &[1, 2]].into_iter().enumerate() {
            let stage = Stage::open(&world, &format!("market-{number}")).await;
            let moves = [
                Move::Direct(2, sold.iter().copied().collect(), Kind::New),
                Move::Wait(60),
                Move::Keep(2, BTreeSet::from([0, 1])),
                Move::Register(Claim {
                    partial: true,
                    proofs: vec![Proof::Meeting],
                    ..asks(2, &[0, 2])
                }),
            ];
            played(&stage, &moves, None).await.unwrap();
        }
    })
    .await;
}

/// Another: whoever is refused when its turn comes may ask for the group, and have others behind it at accounts
/// where nobody waited for the one that left. The worker came to no end of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_behind_somebody_who_is_refused_have_their_turn_wherever_they_stand() {
    run(Engine::Sqlite, &[], |world| async move {
        let stage = Stage::open(&world, "market").await;
        let at = |account, scope, claim| Claim {
            account,
            scope,
            ..claim
        };
        let moves = [
            Move::Register(at(1, Scope::Site(1), asks(1, &[0, 1, 2]))),
            Move::Register(at(1, Scope::Group, asks(2, &[1]))),
            Move::Register(at(0, Scope::Entity, asks(0, &[0, 1, 2]))),
            Move::Suspend(2),
            Move::Wait(200 * 86_400),
        ];
        played(&stage, &moves, None).await.unwrap();
    })
    .await;
}

/// The control: a model that is wrong parts from the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_is_wrong_is_found() {
    run(Engine::Sqlite, &[], |world| async move {
        for (number, fault) in Fault::ALL.into_iter().enumerate() {
            let stage = Stage::open(&world, &format!("market-{number}")).await;
            let mut seed = 0;
            loop {
                let moves = history(&mut StdRng::seed_from_u64(seed), LENGTH);
                if played(&stage, &moves, Some(fault)).await.is_err() {
                    break;
                }
                seed += 1;
                assert!(seed < 300, "nobody notices {fault:?}");
            }
        }
    })
    .await;
}
