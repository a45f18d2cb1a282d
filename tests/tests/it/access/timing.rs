//! What takes the same way is answered in the same time: whether an account is taken, or something is
//! there that the caller does not reach, cannot be told with a stopwatch.
//!
//! It wants the machine for itself: `make endurance` runs it, with as many samples as
//! `TRELLIS_TESTS_TIMING_SAMPLES` says. Samples of both kinds alternate, so that whatever else the
//! machine does hits both alike.

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

use tonic::{Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_tests::{World, number, on_both};

use super::scene::{Scene, get, nobody, submit};
use super::statistics::Compared;

/// How many samples of each kind when nobody says otherwise.
const SAMPLES: usize = 500;

/// A read costs a fraction of a write, and of what must be there for it.
const READS: usize = 4;

fn samples() -> usize {
    number("TRELLIS_TESTS_TIMING_SAMPLES").unwrap_or(SAMPLES)
}

/// Two things that are done in turn, and how long each took.
#[derive(Default)]
struct Clocked {
    took: [Vec<Duration>; 2],
}

impl Clocked {
    async fn time<T>(&mut self, kind: usize, call: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let answer = call.await;
        self.took[kind].push(began.elapsed());
        answer
    }

    fn compare(&self, world: &World, what: &str) -> Compared {
        let compared = Compared::of(&self.took[0], &self.took[1]);
        println!("{what} on {:?}: {compared}", world.engine());
        compared
    }
}

/// Reads one name and another in turn.
async fn reads<T, F>(calls: usize, names: [&str; 2], read: impl Fn(String) -> F) -> Clocked
where
    T: Debug,
    F: Future<Output = Result<Response<T>, Status>>,
{
    let mut clocked = Clocked::default();
    for call in 0..2 * calls {
        // Neither always comes first.
        let kind = (call ^ (call / 2)) % 2;
        let name = names[kind].to_owned();
        let _answer = clocked.time(kind, read(name)).await;
    }
    clocked
}

on_both! {
    #[ignore = "it wants the machine for itself: `make endurance` runs it"]
    async fn what_is_not_reached_takes_as_long_as_what_is_not_there(world: World) {
        let scene = Scene::open(world.clone()).await;
        let beside = world.ecosystem("other").await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let mut mine = String::new();
        let mut theirs = String::new();
        for (seat, partner, name) in [
            (&nimbus, &scene.nimbus, &mut mine),
            (&cirrus, &scene.cirrus, &mut theirs),
        ] {
            let account = scene.brings(seat, "one.example").await.name;
            *name = scene.claims(seat, scene.claim_at(partner, &account)).await.name;
        }
        let calls = READS * samples();
        let read = async |name: String| get(&nimbus, &name).await;
        let absent = nobody(&theirs);
        let compared = reads(calls, [&theirs, &absent], read).await;
        compared.compare(&world, "another partner's, and none").assert_alike();
        let (other, none) = (format!("{beside}/registrations/x"), "ecosystems/nowhr/registrations/x");
        let compared = reads(calls, [&other, none], read).await;
        compared.compare(&world, "another ecosystem, and none").assert_alike();
        // The control: what is reached takes longer than what is not.
        let compared = reads(calls, [&mine, &absent], read).await;
        compared.compare(&world, "one's own, and none").assert_different();
    }

    #[ignore = "it wants the machine for itself: `make endurance` runs it"]
    async fn a_registration_takes_as_long_whether_or_not_somebody_was_first(world: World) {
        let scene = Scene::open(world.clone()).await;
        let unlimited = scene.unlimited().await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let claim = |partner: &str, account: &str| pb::Registration {
            program: unlimited.clone(),
            ..scene.claim_at(partner, account)
        };
        let mut drafts = Vec::new();
        let [mut named, mut drafted] = [Clocked::default(), Clocked::default()];
        for sample in 0..2 * samples() {
            let kind = (sample ^ (sample / 2)) % 2;
            // A rival handed in for each, at the same customer or at one that nobody else wants.
            let rivals = [format!("c{sample}.example"), format!("d{sample}.example")];
            let theirs = scene.brings(&cirrus, &rivals[1 - kind]).await;
            scene.claims(&cirrus, claim(&scene.cirrus, &theirs.name)).await;
            let domain = format!("c{sample}.example");
            let account = named.time(kind, scene.brings(&nimbus, &domain)).await;
            let claim = claim(&scene.nimbus, &account.name);
            let drafting = Box::pin(scene.drafts(&nimbus, claim));
            let draft = drafted.time(kind, drafting).await;
            drafts.push((kind, draft.unwrap().into_inner().name));
        }
        let mut clocked = Clocked::default();
        for (kind, name) in &drafts {
            let answer = clocked.time(*kind, submit(&nimbus, name)).await;
            assert_eq!(answer.unwrap().into_inner().state(), pb::registration::State::Submitted);
        }
        // What was told apart is apart: the staff see who waits.
        let waits = scene.found_all("state = WAITLISTED").await;
        assert_eq!(waits, samples());
        let compared = [
            named.compare(&world, "naming a customer, free and taken"),
            drafted.compare(&world, "a draft, free and taken"),
            clocked.compare(&world, "handing in, free and taken"),
        ];
        // The control: what is refused before it looks for rivals takes less.
        let mut control = Clocked::default();
        for (_, name) in &drafts {
            let _again = control.time(1, submit(&nimbus, name)).await;
        }
        control.took[0].clone_from(&clocked.took[0]);
        control.compare(&world, "handing in, free and handed in before").assert_different();
        for compared in compared {
            compared.assert_alike();
        }
    }
}

impl Scene {
    /// How many registrations the staff find by a filter.
    async fn found_all(&self, filter: &str) -> usize {
        let mut request = pb::ListRegistrationsRequest {
            parent: self.parent.clone(),
            filter: filter.to_owned(),
            page_size: 1_000,
            ..pb::ListRegistrationsRequest::default()
        };
        let mut count = 0;
        loop {
            let page = self
                .registrations()
                .list_registrations(request.clone())
                .await;
            let page = page.unwrap().into_inner();
            count += page.registrations.len();
            if page.next_page_token.is_empty() {
                return count;
            }
            request.page_token = page.next_page_token;
        }
    }
}
