//! Lets a history happen on a server, and looks at what is in the books after it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use data_encoding::HEXLOWER;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tonic::{Code, Status};
use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::award::HoldReason;
use trellis_api::{date, partner};
use trellis_core::{Cadence, Currency, Period, Timestamp};
use trellis_evaluation::evaluate::{ExchangeRate, Fact, Quota};
use trellis_evaluation::plan::FxType;
use trellis_store::incentive::ledger::verify;
use trellis_tests::{World, position};

use super::super::coins::{Coins, Ruled};
use super::super::ledger::forge;
use super::super::ruled::{adjustment, hold, reject, rejection, release};
use super::super::scene::{Scene, buckets, minor};
use super::reference::Books;
use super::told::{Event, PARTNERS, Story, rate};
use crate::scene;
use crate::through::{self, HOME};

/// A history on its way.
struct Play<'a> {
    story: &'a Story,
    scene: Scene,
    random: StdRng,
    rates: usize,
    /// What was ruled about awards, by their names.
    ruled: BTreeMap<String, Coins>,
}

/// Lets a history happen in an ecosystem of its own, and answers what its awards come to.
pub(super) async fn play(world: &World, seed: u64, story: &Story) -> Books {
    let name = world.sandbox(&format!("h-{seed}")).await;
    let scene = Scene::of(world.clone(), name).await;
    let reseller = partner::v1::partner::PartnerType::Reseller;
    scene.partner("orbit", reseller).await;
    scene.enrol("orbit", "base").await;
    scene.plan("plan").await;
    let mut play = Play {
        story,
        scene,
        random: StdRng::seed_from_u64(seed),
        rates: 0,
        ruled: BTreeMap::new(),
    };
    for event in &story.events {
        play.happen(event).await;
    }
    play.is_sound().await;
    play.books().await
}

impl Play<'_> {
    async fn happen(&mut self, event: &Event) {
        match event {
            Event::Schedule(at) => self.schedule(*at).await,
            Event::Record(facts) => {
                let facts = facts.iter().map(|fact| self.fact(fact)).collect();
                self.record(pb::RecordFactsRequest {
                    facts,
                    ..pb::RecordFactsRequest::default()
                })
                .await;
            }
            Event::Quotas(amount) => {
                let quotas = self.quotas(*amount);
                self.record(pb::RecordFactsRequest {
                    quotas,
                    ..pb::RecordFactsRequest::default()
                })
                .await;
            }
            Event::Rate(text) => {
                self.rates += 1;
                let told = self.exchange_rate(text);
                self.record(pb::RecordFactsRequest {
                    exchange_rates: vec![told],
                    ..pb::RecordFactsRequest::default()
                })
                .await;
            }
            Event::Deals(facts) => self.scene.tell_all(facts.clone()).await,
            Event::Pay => self.pay().await,
            Event::Pass(days) => {
                let days = Duration::from_secs(days * 24 * 3_600);
                self.scene.pass(days).await;
            }
            Event::Rule => self.rule().await,
            Event::Rewind => self.rewind().await,
        }
    }

    async fn schedule(&mut self, at: usize) {
        let plan = format!("{}/plans/plan", self.scene.name);
        let version = pb::PlanVersion {
            name: String::new(),
            ..through::version(&self.story.versions[at])
        };
        let draft = self.scene.draft(&plan, version).await;
        let request = pb::SchedulePlanVersionRequest {
            name: draft.name,
            supersede_from_date: self.story.supersedes(at).map(date::wire),
            request_id: self.request_id(),
            ..pb::SchedulePlanVersionRequest::default()
        };
        let mut plans = self.scene.world.plans();
        if let Some(wait) = self.loses_the_answer() {
            let lost = plans.schedule_plan_version(request.clone());
            drop(tokio::time::timeout(wait, lost).await);
        }
        let scheduled = plans.schedule_plan_version(request).await.unwrap();
        self.scene.note(position(&scheduled));
    }

    async fn record(&mut self, told: pb::RecordFactsRequest) {
        let request = pb::RecordFactsRequest {
            parent: self.scene.name.clone(),
            source: "erp".to_owned(),
            request_id: self.request_id(),
            ..told
        };
        let mut facts = self.scene.world.facts();
        if let Some(wait) = self.loses_the_answer() {
            drop(tokio::time::timeout(wait, facts.record_facts(request.clone())).await);
        }
        let recorded = facts.record_facts(request).await.unwrap();
        self.scene.note(position(&recorded));
        if self.random.random_ratio(1, 3) {
            // What comes next is looked at by itself.
            self.scene.awards("").await;
        }
    }

    fn request_id(&mut self) -> String {
        let mut bytes: [u8; 16] = self.random.random();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = HEXLOWER.encode(&bytes);
        let parts = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ];
        parts.join("-")
    }

    /// Now and then a call is cut off before it is answered, at whatever it is doing, and sent again.
    fn loses_the_answer(&mut self) -> Option<Duration> {
        let loses = self.random.random_ratio(1, 5);
        loses.then(|| Duration::from_micros(self.random.random_range(0..20_000)))
    }

    fn fact(&self, told: &Fact) -> pb::IncentiveFact {
        let mut fact = pb::IncentiveFact {
            record_time: None,
            ..through::fact(told)
        };
        fact.partner = self.home(&fact.partner);
        for party in &mut fact.parties {
            party.partner = self.home(&party.partner);
        }
        fact
    }

    fn home(&self, name: &str) -> String {
        name.replacen(HOME, &self.scene.name, 1)
    }

    fn quotas(&self, amount: i64) -> Vec<pb::FactQuota> {
        let periods = self.story.periods();
        let each = |id: &'static str| {
            periods.iter().map(move |start| Quota {
                id: String::new(),
                name: "sales".to_owned(),
                partner: scene::partner(id),
                period_start: *start,
                amount,
                recorded: Timestamp::EPOCH,
            })
        };
        let quotas = PARTNERS[..2].iter().flat_map(|id| each(id));
        quotas
            .map(|quota| {
                let told = through::quota(&quota, &self.story.versions);
                pb::FactQuota {
                    partner: self.home(&told.partner),
                    record_time: None,
                    ..told
                }
            })
            .collect()
    }

    fn exchange_rate(&self, text: &str) -> pb::ExchangeRate {
        let told = ExchangeRate {
            id: format!("euro-{}", self.rates),
            kind: FxType::Spot,
            from: Currency::EUR,
            to: Currency::USD,
            date: scene::day("2020-01-01"),
            rate: rate(text),
            recorded: Timestamp::EPOCH,
        };
        pb::ExchangeRate {
            record_time: None,
            ..through::exchange_rate(&told)
        }
    }

    /// Approves what waits, and pays it where anything is payable.
    async fn pay(&self) {
        let awards = self.scene.awards("").await;
        let waiting: Vec<&pb::Award> = awards
            .iter()
            .filter(|award| buckets(award)[1] > 0)
            .collect();
        if !waiting.is_empty() {
            // To some of them somebody else has added.
            let grace = self.scene.world.actor("grace@acme.example");
            let request = pb::ApproveAwardsRequest {
                parent: self.scene.name.clone(),
                names: waiting.iter().map(|award| award.name.clone()).collect(),
                ..pb::ApproveAwardsRequest::default()
            };
            let approved = grace.awards().approve_awards(request).await.unwrap();
            self.scene.note(position(&approved));
        }
        match self.scene.try_pay_out().await {
            Ok(()) => {}
            Err(status) => nothing_payable(&status),
        }
    }

    /// Rules about one of the awards, if there are any and it has anything.
    async fn rule(&mut self) {
        let awards = self.scene.awards("").await;
        let Some(award) = awards.choose(&mut self.random) else {
            return;
        };
        let [held, review, payable, in_payout, paid, owed] = buckets(award);
        let due = held + review + payable + in_payout + paid - owed;
        let rejectable = (held + review).min(due);
        let ruled = match self.random.random_range(0..5) {
            0 | 1 if rejectable > 0 => {
                let count = self.random.random_range(1..=rejectable);
                reject(&self.scene, rejection(award, count)).await.unwrap();
                let earned = minor(&award.entitled_amount);
                Ruled::Rejected { earned, count }
            }
            2 if due > 0 => self.adjust(award, -due..0).await,
            2 | 3 => self.adjust(award, 1..100).await,
            _ => {
                let turned = match award.hold_reason() {
                    HoldReason::Unspecified => hold(&self.scene, award, HoldReason::Dispute).await,
                    _ => release(&self.scene, award).await,
                };
                return drop(turned.unwrap());
            }
        };
        let coins = self.ruled.entry(award.name.clone()).or_default();
        coins.0.push(ruled);
    }

    /// Adjusts an award; now and then the answer is lost, and the call sent again.
    async fn adjust(&mut self, award: &pb::Award, by: Range<i64>) -> Ruled {
        let count = self.random.random_range(by);
        let request = pb::AdjustAwardRequest {
            request_id: self.request_id(),
            ..adjustment(award, count)
        };
        let mut awards = self.scene.world.actor("ada@acme.example").awards();
        if let Some(wait) = self.loses_the_answer() {
            drop(tokio::time::timeout(wait, awards.adjust_award(request.clone())).await);
        }
        let adjusted = awards.adjust_award(request).await.unwrap();
        self.scene.note(position(&adjusted));
        Ruled::Adjusted(count)
    }

    /// The worker reads everything once more, as one that was stopped before it knew that it had.
    async fn rewind(&self) {
        self.scene.awards("").await;
        let ecosystem = self.scene.name.trim_start_matches("ecosystems/");
        let sql = format!(
            "UPDATE feed_cursors SET epoch = 0, xid = 0, sequence = 0 \
             WHERE ecosystem = '{ecosystem}' AND worker = 'incentive.accruals'"
        );
        forge(&self.scene.world, &self.scene.name, &sql).await;
        self.scene.pass(Duration::from_secs(1)).await;
    }

    /// The money of each award adds up, each can be computed again, the ledger is sound, and statements
    /// lead from their opening to their closing balance.
    async fn is_sound(&self) {
        for award in self.scene.awards("").await {
            let [held, review, payable, in_payout, paid, owed] = buckets(&award);
            let there = held + review + payable + in_payout + paid - owed;
            let entitled = minor(&award.entitled_amount);
            let ruled = self.ruled.get(&award.name);
            let due = ruled.map_or(entitled, |coins| coins.due(entitled));
            assert_eq!(there, due, "{ruled:?}: {award:?}");
            let told = minor(&award.adjusted_amount) - minor(&award.rejected_amount);
            assert_eq!(entitled + told, due, "{ruled:?}: {award:?}");
        }
        let request = pb::ReplayAwardsRequest {
            parent: self.scene.name.clone(),
            limit: 500,
            ..pb::ReplayAwardsRequest::default()
        };
        let replayed = self.scene.now().awards().replay_awards(request).await;
        let otherwise = replayed.unwrap().into_inner().mismatches;
        assert!(otherwise.is_empty(), "{otherwise:#?}");
        let scene = &self.scene;
        let view = scene.world.store().read(&scene.call()).await.unwrap();
        for rule in verify::Rule::ALL {
            let check = verify::check(&view, rule).await.unwrap();
            assert_eq!(check.count, 0, "{check:?}");
        }
        for partner in PARTNERS {
            self.statement_adds_up(partner).await;
        }
    }

    async fn statement_adds_up(&self, partner: &str) {
        let request = pb::GetStatementRequest {
            parent: format!("{}/partners/{partner}", self.scene.name),
            start_date: super::super::scene::day("2026-03-01"),
            end_date: super::super::scene::day("2027-03-01"),
            page_size: 1_000,
            ..pb::GetStatementRequest::default()
        };
        let mut ledger = self.scene.now().ledger();
        let statement = ledger.get_statement(request).await.unwrap().into_inner();
        let moved: i64 = statement
            .movements
            .iter()
            .map(|movement| minor(&movement.amount))
            .sum();
        let opened: i64 = statement
            .currencies
            .iter()
            .map(|currency| minor(&currency.opening_balance))
            .sum();
        let mut closed = 0;
        for currency in &statement.currencies {
            let closing = minor(&currency.closing_balance);
            let there = [
                &currency.held_amount,
                &currency.review_amount,
                &currency.payable_amount,
                &currency.in_payout_amount,
            ];
            let there: i64 = there.into_iter().map(minor).sum();
            assert_eq!(
                there - minor(&currency.owed_amount),
                closing,
                "{currency:?}"
            );
            closed += closing;
        }
        assert_eq!(opened + moved, closed, "{statement:#?}");
    }

    async fn books(&self) -> Books {
        let mut books = Books::new();
        for award in self.scene.awards("").await {
            let last = |name: &str| name.rsplit('/').next().unwrap().to_owned();
            let who = last(&award.partner);
            let earner = if award.earner.is_empty() {
                who.clone()
            } else {
                last(&award.earner)
            };
            let entitled = minor(&award.entitled_amount);
            if entitled != 0 {
                let key = (what(&award), earner, who);
                *books.entry(key).or_default() += entitled;
            }
        }
        books
    }
}

/// What an award is for, as the reference calls it.
fn what(award: &pb::Award) -> String {
    let scope = match &award.scope {
        Some(pb::award::Scope::Deal(deal)) => {
            return format!("deal/{}", deal.rsplit('/').next().unwrap());
        }
        Some(pb::award::Scope::Period(period)) => label(period),
        None if !award.fact.is_empty() => {
            return format!("fact/{}", award.fact.trim_start_matches("erp:"));
        }
        None => "lifetime".to_owned(),
    };
    if award.group.is_empty() {
        scope
    } else {
        format!("{scope}/{}", award.group)
    }
}

fn label(told: &pb::AwardPeriod) -> String {
    let start = date::read(told.start_date.as_ref().unwrap()).unwrap();
    let end = date::read(told.end_date.as_ref().unwrap()).unwrap();
    let cadences = [
        Cadence::Month,
        Cadence::Quarter,
        Cadence::HalfYear,
        Cadence::Year,
    ];
    let mut periods = cadences
        .into_iter()
        .map(|cadence| Period::containing(start, cadence));
    periods
        .find(|period| period.start() == start && period.end() == end)
        .unwrap()
        .label()
}

fn nothing_payable(status: &Status) {
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    let message = status.message();
    assert!(message.contains("would pay nobody"), "{message}");
}
