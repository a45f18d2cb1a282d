//! Partners who register the same business at the same moment.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use futures::future::join_all;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::State;
use trellis_api::program::v1::DealRegistrationSettings;
use trellis_tests::{Caller, Engine, World, on_both, run};

use super::market::{Market, automatic};

/// How many race.
const PARTNERS: usize = 64;

/// Partners at work in a program, each with a draft for the same business.
async fn drafts(market: &Market, program: &str) -> Vec<pb::Registration> {
    let mut drafts = Vec::with_capacity(PARTNERS);
    for index in 0..PARTNERS {
        let partner = market.partner(&format!("racer-{index}")).await;
        market.enroll(&partner, program).await;
        let claim = pb::Registration {
            program: market.name("programs", program),
            ..market.claim(&partner)
        };
        drafts.push(market.draft(claim).await);
    }
    drafts
}

/// All registrations, as they stand.
async fn standing(market: &Market) -> Vec<pb::Registration> {
    let request = pb::ListRegistrationsRequest {
        parent: market.parent.clone(),
        page_size: 1_000,
        ..pb::ListRegistrationsRequest::default()
    };
    let list = market.registrations().list_registrations(request).await;
    list.unwrap().into_inner().registrations
}

/// Asserts that exactly one is protected and that the others stand in one line behind it.
fn one_is_protected(registrations: &[pb::Registration]) {
    let of = |state| registrations.iter().filter(move |one| one.state() == state);
    assert_eq!(of(State::Approved).count(), 1);
    let mut waiting: Vec<_> = of(State::Waitlisted).cloned().collect();
    assert_eq!(waiting.len(), registrations.len() - 1);
    waiting.sort_by_key(|one| one.waitlist_position);
    one_line(&waiting);
}

/// Asserts that registrations stand at the places 1, 2, 3 and so on, in the order in which they
/// were handed in.
fn one_line(waiting: &[pb::Registration]) {
    let places: Vec<_> = waiting.iter().map(|one| one.waitlist_position).collect();
    assert_eq!(places, (1..).take(waiting.len()).collect::<Vec<_>>());
    let times: Vec<_> = waiting
        .iter()
        .map(|one| one.submit_time.map(|time| (time.seconds, time.nanos)))
        .collect();
    assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
}

/// Makes a move until it is answered: whoever meets too many others is told to try again.
async fn until_answered<F>(make: impl Fn() -> F) -> pb::Registration
where
    F: Future<Output = Result<Response<pb::Registration>, Status>>,
{
    loop {
        match make().await {
            Ok(answer) => return answer.into_inner(),
            Err(status) => assert_eq!(status.code(), Code::Aborted, "{status}"),
        }
    }
}

on_both! {
    async fn of_sixty_four_partners_who_register_at_once_exactly_one_is_protected(world: World) {
        let market = Market::open(world).await;
        market.program("quick", automatic(None)).await;
        let drafts = drafts(&market, "quick").await;
        let submissions = drafts.iter().map(|draft| {
            let (market, name) = (market.clone(), draft.name.clone());
            tokio::spawn(async move { until_answered(|| market.hand_in(&name)).await })
        });
        let answers: Vec<_> =
            join_all(submissions).await.into_iter().map(Result::unwrap).collect();
        one_is_protected(&answers);
        let standing = standing(&market).await;
        one_is_protected(&standing);
        // Of the long line that the last of them met its decision names the protected one.
        let last = standing.iter().max_by_key(|one| one.waitlist_position).unwrap();
        let protected = standing.iter().find(|one| one.state() == State::Approved).unwrap();
        let request = pb::ExplainDecisionRequest { name: last.name.clone() };
        let explained = market.registrations().explain_decision(request).await;
        let decision = explained.unwrap().into_inner().decisions.swap_remove(0);
        let explanation = decision.explanation.unwrap();
        let named: Vec<_> = explanation.rivals.iter().map(|one| &one.registration).collect();
        assert_eq!(named, [&protected.name]);
        assert_eq!(explanation.others_ahead_count, i32::try_from(PARTNERS).unwrap() - 2);
        assert_eq!((explanation.others_behind_count, explanation.replay_agrees), (0, true));
    }

    async fn while_those_ahead_withdraw_at_once_the_line_stays_whole(world: World) {
        let market = Market::open(world).await;
        let drafts = drafts(&market, "gold").await;
        for draft in &drafts {
            market.hand_in(&draft.name).await.unwrap();
        }
        let (leaving, staying) = drafts.split_at(PARTNERS / 2);
        let moves = leaving.iter().map(|draft| {
            let (market, name) = (market.clone(), draft.name.clone());
            tokio::spawn(async move { until_answered(|| market.withdraw(&name)).await })
        });
        join_all(moves).await.into_iter().for_each(|done| assert_eq!(
            done.unwrap().state(), State::Withdrawn
        ));
        let mut waiting = standing(&market).await;
        waiting.retain(|one| one.state() == State::Waitlisted);
        assert_eq!(waiting.len(), staying.len());
        waiting.sort_by_key(|one| one.waitlist_position);
        let names = |line: &[pb::Registration]| -> Vec<String> {
            line.iter().map(|one| one.name.clone()).collect()
        };
        assert_eq!(names(&waiting), names(staying), "nobody has overtaken");
        one_line(&waiting);
        let reasons: Vec<_> =
            waiting.iter().map(|one| one.decision.clone().unwrap().reason_code).collect();
        assert_eq!(reasons.first().unwrap(), "PROMOTED");
        assert!(reasons.iter().skip(1).all(|reason| reason == "DUPLICATE_ACTIVE"));
        market.approve(&waiting.first().unwrap().name).await.unwrap();
    }
}

/// Partners who register all customers of a market, each under another spelling than the next one.
struct Crowd {
    market: Market,
    /// The drafts of each partner.
    drafts: Vec<Vec<String>>,
    /// Which customer a draft is about.
    customers: BTreeMap<String, usize>,
}

/// A company that is spelled like no other.
fn company(mut number: usize) -> String {
    let mut name = String::from("K");
    for _ in 0..4 {
        name.push_str(["al", "en", "ir", "os", "um"][number % 5]);
        number /= 5;
    }
    name
}

impl Crowd {
    async fn gather(world: World, name: &str, partners: usize, customers: usize) -> Self {
        let parent = world.sandbox(name).await;
        let market = Market { world, parent };
        market.product("firewall", None).await;
        let unlimited = DealRegistrationSettings {
            daily_account_budget: Some(0),
            monthly_account_budget: Some(0),
            ..automatic(None)
        };
        market.program("gold", unlimited).await;
        let mut accounts = Vec::new();
        for customer in 0..customers {
            let name = company(customer);
            let spellings = [
                format!("{name} GmbH"),
                format!("{name} Gesellschaft mit beschränkter Haftung"),
                format!("{} G.m.b.H.", name.to_uppercase()),
            ];
            let mut spelled = Vec::new();
            for display_name in spellings {
                let request = pb::CreateAccountRequest {
                    parent: market.parent.clone(),
                    account: Some(pb::Account {
                        display_name,
                        region_code: "DE".to_owned(),
                        ..pb::Account::default()
                    }),
                    ..pb::CreateAccountRequest::default()
                };
                let made = market.accounts().create_account(request).await;
                spelled.push(made.unwrap().into_inner().name);
            }
            accounts.push(spelled);
        }
        let mut crowd = Self {
            drafts: Vec::new(),
            customers: BTreeMap::new(),
            market,
        };
        for partner in 0..partners {
            let name = crowd.market.partner(&format!("racer-{partner}")).await;
            crowd.market.enroll(&name, "gold").await;
            let mut drafts = Vec::new();
            for (customer, spelled) in accounts.iter().enumerate() {
                let claim = pb::Registration {
                    account: spelled[partner % spelled.len()].clone(),
                    ..crowd.market.claim(&name)
                };
                let draft = crowd.market.draft(claim).await.name;
                crowd.customers.insert(draft.clone(), customer);
                drafts.push(draft);
            }
            crowd.drafts.push(drafts);
        }
        crowd
    }

    /// All partners hand everything in at once, through a server; answers how long each took.
    async fn hands_in(&self, caller: &Caller) -> Vec<Duration> {
        let partners = self.drafts.iter().map(|drafts| {
            let (caller, drafts) = (caller.clone(), drafts.clone());
            tokio::spawn(async move {
                let mut took = Vec::new();
                for name in drafts {
                    let begun = Instant::now();
                    until_answered(|| {
                        let mut registrations = caller.registrations();
                        let request = pb::SubmitRegistrationRequest {
                            name: name.clone(),
                            ..pb::SubmitRegistrationRequest::default()
                        };
                        async move { registrations.submit_registration(request).await }
                    })
                    .await;
                    took.push(begun.elapsed());
                }
                took
            })
        });
        let took = join_all(partners).await.into_iter();
        took.flat_map(Result::unwrap).collect()
    }

    /// The customers at which not exactly the first one is protected, with the others in one line behind.
    async fn wronged(&self) -> Vec<usize> {
        let mut standing: BTreeMap<usize, Vec<pb::Registration>> = BTreeMap::new();
        for (name, customer) in &self.customers {
            let registration = self.market.registration(name).await;
            standing.entry(*customer).or_default().push(registration);
        }
        let wronged = standing.into_iter().filter_map(|(customer, mut all)| {
            all.sort_by_key(|one| one.submit_time.map(|time| (time.seconds, time.nanos)));
            let states: Vec<_> = all
                .iter()
                .map(|one| (one.state(), one.waitlist_position))
                .collect();
            let behind = (1..).map(|place| (State::Waitlisted, place));
            let right: Vec<_> = std::iter::once((State::Approved, 0))
                .chain(behind)
                .take(all.len())
                .collect();
            (states != right).then_some(customer)
        });
        wronged.collect()
    }
}

on_both! {
    async fn of_partners_who_spell_their_customers_differently_the_first_is_protected(world: World) {
        let crowd = Crowd::gather(world, "crowd", 16, 8).await;
        crowd.hands_in(&crowd.market).await;
        assert_eq!(crowd.wronged().await, [0; 0]);
    }
}

/// What tests set otherwise than a server is shipped, for there are many of them on one machine.
const AS_SHIPPED: [(&str, &str); 2] = [
    ("database-connections-max", "16"),
    ("audit-seal-interval", "5s"),
];

/// Asserts how long 64 partners wait who hand in 200 customers each at once.
async fn waits_of_a_crowd(world: World) {
    let engine = world.engine();
    // What is measured is a server at work: each connection of PostgreSQL makes the plan of a
    // statement anew for its first five times, and lets go of plans that have grown old.
    let earlier = Crowd::gather(world.clone(), "earlier", PARTNERS, 10).await;
    let crowd = Crowd::gather(world, "crowd", PARTNERS, 200).await;
    earlier.hands_in(&earlier.market).await;
    let mut took = crowd.hands_in(&crowd.market).await;
    assert_eq!(crowd.wronged().await, [0; 0]);
    took.sort_unstable();
    let percentile = |of: usize| took[took.len() * of / 100];
    println!(
        "{engine:?}: {} handed in, p50 {:?}, p99 {:?}",
        took.len(),
        percentile(50),
        percentile(99)
    );
    assert!(percentile(99) < Duration::from_millis(250));
}

mod sixty_four_partners_and_two_hundred_customers {
    use super::*;

    #[ignore = "it wants the machine for itself: `make endurance` runs it"]
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        run(Engine::Sqlite, &AS_SHIPPED, waits_of_a_crowd).await;
    }

    #[ignore = "it wants the machine for itself: `make endurance` runs it"]
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        run(Engine::Postgres, &AS_SHIPPED, waits_of_a_crowd).await;
    }
}

/// The control: before a server whose locks hold nothing, more than one is protected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_locks_more_than_one_is_protected() {
    run(Engine::Postgres, &[], |world| async move {
        let crowd = Crowd::gather(world.clone(), "crowd", 16, 8).await;
        let mut owner = PgConnection::connect(world.owner_url()).await.unwrap();
        let unlocked = "CREATE FUNCTION public.pg_advisory_xact_lock(bigint) RETURNS void
                LANGUAGE sql AS 'SELECT';
            DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog',
                current_database()); END $$";
        owner.execute(unlocked).await.unwrap();
        owner.close().await.unwrap();
        let (running, caller) = world.another().await;
        crowd.hands_in(&caller).await;
        let wronged = crowd.wronged().await;
        running.stop().await;
        assert_ne!(wronged, [0; 0]);
    })
    .await;
}
