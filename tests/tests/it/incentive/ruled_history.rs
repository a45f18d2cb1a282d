//! Random histories of what is won, paid back, approved, paid out, and of what people rule about it. After
//! each step what is due is what the plainest code says, coin by coin, and the parts add up to it.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tonic::{Code, Response, Status};
use trellis_api::incentive::v1 as pb;
use trellis_tests::{Engine, World, number, on_both, run};

use super::coins::{Coins, Ruled};
use super::ruled::{
    DAY, PLANS, adjust, adjustment, hold, journals, promise_held, reject, rejection, release,
    reverse,
};
use super::scene::{Scene, buckets, minor};

/// Something that the plainest code has wrong, as if the server had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// What was rejected is earned by the next evaluation.
    ForgetsRejections,
    /// As time passes nobody holds the award any longer.
    ReleasesHolds,
    /// An adjustment is posted twice.
    AdjustsTwice,
    /// Nothing was approved.
    ForgetsApprovals,
}

/// Steps of a history, each with how often it did something.
const KINDS: usize = 9;

struct History {
    scene: Scene,
    random: StdRng,
    coins: Coins,
    /// The rejections that stand: where among what was ruled, and their journals.
    rejections: Vec<(usize, Vec<String>)>,
    /// What is left of each deal.
    deals: Vec<i64>,
    /// The awards as the last step left them.
    awards: Vec<pb::Award>,
    on_hold: bool,
    /// Whether something may be in review although somebody holds the award: it was rejected before.
    back_in_review: bool,
    /// How much was approved in all.
    approved: i64,
    steps: usize,
    fault: Option<Fault>,
    outcomes: [usize; KINDS],
}

impl History {
    async fn new(world: World, seed: u64, fault: Option<Fault>) -> Self {
        let name = world.sandbox(&format!("h-{seed}")).await;
        let scene = Scene::of(world, name).await;
        promise_held(&scene, 5).await;
        Self {
            scene,
            random: StdRng::seed_from_u64(seed),
            coins: Coins::default(),
            rejections: Vec::new(),
            deals: Vec::new(),
            awards: Vec::new(),
            on_hold: false,
            back_in_review: false,
            approved: 0,
            steps: 0,
            fault,
            outcomes: [0; KINDS],
        }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn up_to(&mut self, most: i64) -> i64 {
        self.random.random_range(1..=most)
    }

    /// A tenth of what is left of all deals.
    fn earned(&self) -> i64 {
        self.deals.iter().sum::<i64>() / 10
    }

    fn due(&self) -> i64 {
        self.coins.due(self.earned())
    }

    /// Looks at the awards: one of each plan, once anything was won.
    async fn look(&mut self) {
        self.awards = self.scene.awards("").await;
        assert_eq!(self.awards.len(), PLANS.len(), "{:#?}", self.awards);
    }

    /// Takes a step, and tells what is otherwise than it must be after it.
    async fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        // What is held is released soon, and what is approved is paid: otherwise nothing ever is.
        let kinds: &[usize] = if self.on_hold {
            &[0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 8]
        } else {
            &[0, 0, 1, 2, 2, 3, 4, 4, 4, 5, 5, 6, 6, 6, 7, 7, 8, 8, 8]
        };
        let kind = kinds[self.random.random_range(0..kinds.len())];
        let done = match kind {
            0 => self.win().await,
            1 => self.refund().await,
            _ if self.deals.is_empty() => false,
            2 => self.reject().await,
            3 => self.take_back().await,
            4 => self.adjust().await,
            5 => self.turn_hold().await,
            6 => self.approve().await,
            7 => self.pay().await,
            _ => self.pass().await,
        };
        self.outcomes[kind] += usize::from(done);
        if self.deals.is_empty() {
            return Ok(());
        }
        self.look().await;
        self.check()
    }

    async fn win(&mut self) -> bool {
        let amount = self.up_to(90) * 10;
        let deal = format!("deal-{}", self.deals.len());
        self.scene.win(&deal, "nimbus", amount, "2026-03-02").await;
        self.deals.push(amount);
        true
    }

    async fn refund(&mut self) -> bool {
        let left: Vec<usize> = (0..self.deals.len())
            .filter(|at| self.deals[*at] > 0)
            .collect();
        if left.is_empty() {
            return false;
        }
        let at = left[self.random.random_range(0..left.len())];
        let amount = self.up_to(self.deals[at] / 10) * 10;
        let id = format!("refund-{}", self.steps);
        self.scene.refund(&format!("deal-{at}"), &id, amount).await;
        self.deals[at] -= amount;
        true
    }

    async fn reject(&mut self) -> bool {
        let awards = self.awards.clone();
        let [held, review, ..] = buckets(&awards[0]);
        let available = (held + review).min(self.due());
        if available == 0 {
            return false;
        }
        let count = self.up_to(available);
        for award in &awards {
            reject(&self.scene, rejection(award, count)).await.unwrap();
        }
        let earned = self.earned();
        let (at, written) = (self.coins.0.len(), journals(&self.scene, "REJECTION").await);
        let of = |award: &pb::Award| {
            let own = written.iter().filter(|journal| journal.cause == award.name);
            let last = own.max_by_key(|journal| journal.sequence).unwrap();
            last.name.clone()
        };
        self.rejections.push((at, awards.iter().map(of).collect()));
        // As many as nothing where the code forgets them.
        let count = if self.is(Fault::ForgetsRejections) {
            0
        } else {
            count
        };
        self.coins.0.push(Ruled::Rejected { earned, count });
        true
    }

    /// Somebody sees that a rejection was a mistake.
    async fn take_back(&mut self) -> bool {
        if self.rejections.is_empty() {
            return false;
        }
        let which = self.random.random_range(0..self.rejections.len());
        let (at, written) = self.rejections.swap_remove(which);
        for journal in &written {
            reverse(&self.scene, journal).await.unwrap();
        }
        // It stays where it is, so that those after it do too, and is of nothing.
        self.coins.0[at] = Ruled::Adjusted(0);
        self.back_in_review = self.on_hold;
        true
    }

    async fn adjust(&mut self) -> bool {
        let due = self.due();
        let more = self.random.random_bool(0.5);
        let count = if more || due == 0 {
            self.up_to(30)
        } else {
            -self.up_to(due)
        };
        for award in &self.awards {
            let answer = adjust(&self.scene, adjustment(award, count)).await;
            answer.unwrap();
        }
        self.coins.0.push(Ruled::Adjusted(count));
        if self.is(Fault::AdjustsTwice) {
            self.coins.0.push(Ruled::Adjusted(count));
        }
        true
    }

    async fn turn_hold(&mut self) -> bool {
        for award in &self.awards {
            let turned = if self.on_hold {
                release(&self.scene, award).await
            } else {
                hold(&self.scene, award, pb::award::HoldReason::Review).await
            };
            turned.unwrap();
        }
        self.on_hold = !self.on_hold;
        self.back_in_review = false;
        true
    }

    async fn approve(&mut self) -> bool {
        let mut waits = 0;
        for award in &self.awards {
            waits = buckets(award)[1];
            let request = pb::ApproveAwardsRequest {
                parent: self.scene.name.clone(),
                names: vec![award.name.clone()],
                ..pb::ApproveAwardsRequest::default()
            };
            let grace = self.scene.world.actor("grace@acme.example");
            let answer = grace.awards().approve_awards(request).await;
            match (self.on_hold, waits) {
                (true, _) => refused(answer, "AWARD_ON_HOLD"),
                (false, 0) => refused(answer, "NOTHING_TO_APPROVE"),
                (false, _) => drop(answer.unwrap()),
            }
        }
        let approves = !self.on_hold && waits > 0;
        if approves && !self.is(Fault::ForgetsApprovals) {
            self.approved += waits;
        }
        approves
    }

    /// Pays what is payable, less what is owed; while somebody holds the awards, nothing is.
    async fn pay(&mut self) -> bool {
        let net = self.awards.iter().map(|award| {
            let [_, _, payable, _, _, owed] = buckets(award);
            payable - owed
        });
        let pays = !self.on_hold && net.sum::<i64>() > 0;
        match self.scene.try_pay_out().await {
            Ok(()) => assert!(pays, "after {} steps: {:#?}", self.steps, self.awards),
            Err(status) => {
                assert!(
                    !pays,
                    "after {} steps: {status:?}: {:#?}",
                    self.steps, self.awards
                );
                refused(Err::<Response<()>, _>(status), "NOTHING_PAYABLE");
            }
        }
        pays
    }

    async fn pass(&mut self) -> bool {
        self.scene.pass(20 * DAY).await;
        if self.is(Fault::ReleasesHolds) {
            self.on_hold = false;
        }
        true
    }

    fn check(&self) -> Result<(), String> {
        let mut otherwise = Vec::new();
        for award in &self.awards {
            let [held, review, payable, in_payout, paid, owed] = buckets(award);
            let there = held + review + payable + in_payout + paid - owed;
            let due = minor(&award.entitled_amount) + minor(&award.adjusted_amount)
                - minor(&award.rejected_amount);
            let holds = award.hold_reason() != pb::award::HoldReason::Unspecified;
            let said = (minor(&award.entitled_amount), there, due, holds);
            let expected = (self.earned(), self.due(), self.due(), self.on_hold);
            let gets_on = payable > 0 || review > 0 && !self.back_in_review;
            if said != expected || holds && gets_on || payable + in_payout + paid > self.approved {
                otherwise.push(format!("{expected:?}, and not {said:?}: {award:#?}"));
            }
        }
        // Both ways of computing them end in the same places.
        let places: Vec<_> = self.awards.iter().map(buckets).collect();
        if places[0] != places[1] {
            otherwise.push(format!("{places:?}"));
        }
        if otherwise.is_empty() {
            return Ok(());
        }
        Err(format!("after {} steps: {otherwise:#?}", self.steps))
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<Response<T>, Status>, reason: &str) {
    trellis_tests::refused(answer, Code::FailedPrecondition, reason);
}

/// The seed of the first history.
const FIRST: u64 = 20_261_127;

/// Steps of one history, if everything comes about in them, and the most that there are: no more is ruled
/// in those than may be about one award.
const STEPS: std::ops::Range<usize> = 30..150;

on_both! {
    async fn whatever_is_ruled_what_is_due_is_what_it_is_coin_by_coin(world: World) {
        let count = number("TRELLIS_TESTS_RULED_HISTORIES").unwrap_or(1);
        let mut outcomes = [0; KINDS];
        for seed in FIRST..FIRST + count {
            let mut history = History::new(world.clone(), seed, None).await;
            for step in 0..STEPS.end {
                history.step().await.unwrap();
                // As long as it takes for everything to come about.
                if step >= STEPS.start && history.outcomes.iter().all(|count| *count > 0) {
                    break;
                }
            }
            history.scene.is_sound().await;
            for (all, of_one) in outcomes.iter_mut().zip(history.outcomes) {
                *all += of_one;
            }
        }
        assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
    }
}

/// The control: whatever the plainest code has wrong, a history tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_ruled_otherwise_is_noticed() {
    let faults = [
        Fault::ForgetsRejections,
        Fault::ReleasesHolds,
        Fault::AdjustsTwice,
        Fault::ForgetsApprovals,
    ];
    let play = move |world: World| async move {
        for (fault, seed) in faults.into_iter().zip(FIRST..) {
            let mut history = History::new(world.clone(), seed, Some(fault)).await;
            let mut noticed = None;
            for _ in 0..STEPS.end {
                noticed = history.step().await.err();
                if noticed.is_some() {
                    break;
                }
            }
            assert!(noticed.is_some(), "{fault:?} is not noticed");
            println!("{fault:?} is noticed after {} steps", history.steps);
        }
    };
    Box::pin(run(Engine::Sqlite, &[], play)).await;
}
