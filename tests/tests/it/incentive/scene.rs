//! An ecosystem with a published program, two partners in it, and what they win.
//!
//! What happens to deals is told as the deal service tells it, by the events of its facts, so that
//! these tests are about incentives alone.

use std::sync::Mutex;
use std::time::Duration;

use tonic::Status;
use trellis_api::google::r#type::{Date as WireDate, Decimal, Money as WireMoney};
use trellis_api::incentive::v1 as pb;
use trellis_api::{date, money, partner, platform, program};
use trellis_core::{Actor, Call, Currency, DealId, EcosystemId, Money, PartnerId};
use trellis_store::deal::deal::Stage;
use trellis_store::deal::facts::{DealRefunded, DealReopened, DealWon, Fact};
use trellis_store::incentive::ledger::verify;
use trellis_store::{Error, event};
use trellis_tests::{Caller, World};

/// The ecosystem of a test.
pub(super) struct Scene {
    pub(super) world: World,
    /// Its name.
    pub(super) name: String,
    latest: Mutex<Option<String>>,
}

/// An amount of US dollars, in cents.
pub(super) fn usd(minor: i64) -> Option<WireMoney> {
    Some(money::wire(Money::new(minor, Currency::USD)))
}

/// The cents, or other minor units, of an amount.
pub(super) fn minor(amount: &Option<WireMoney>) -> i64 {
    money::read(amount.as_ref().unwrap()).unwrap().minor
}

/// A day, written as `2026-03-02`.
pub(super) fn day(text: &str) -> Option<WireDate> {
    Some(date::wire(text.parse().unwrap()))
}

/// A band: where it begins, its rate, its fixed amount.
pub(super) fn band(from: i64, rate: &str, fixed: i64) -> pb::Band {
    pb::Band {
        from_amount: usd(from),
        rate: Some(Decimal {
            value: rate.to_owned(),
        }),
        fixed_amount: usd(fixed),
        ..pb::Band::default()
    }
}

/// A version that holds since the beginning of the year.
pub(super) fn version(
    window: pb::measure::Window,
    mode: pb::schedule::Mode,
    bands: Vec<pb::Band>,
) -> pb::PlanVersion {
    pb::PlanVersion {
        effective_from_date: day("2026-01-01"),
        currency_code: "USD".to_owned(),
        kind: pb::plan_version::Kind::Commission.into(),
        trigger: pb::plan_version::Trigger::DealWon.into(),
        measure: Some(pb::Measure {
            source: pb::measure::Source::DealNet.into(),
            window: window.into(),
            ..pb::Measure::default()
        }),
        schedule: Some(pb::Schedule {
            mode: mode.into(),
            bands,
            ..pb::Schedule::default()
        }),
        ..pb::PlanVersion::default()
    }
}

/// A share of each deal.
pub(super) fn percent(rate: &str) -> pb::PlanVersion {
    version(
        pb::measure::Window::Event,
        pb::schedule::Mode::Marginal,
        vec![band(0, rate, 0)],
    )
}

/// 2 % of everything from 5,000.00 in a quarter on, 4 % from 10,000.00 on.
pub(super) fn quarterly() -> pb::PlanVersion {
    version(
        pb::measure::Window::Quarter,
        pb::schedule::Mode::Whole,
        vec![band(500_000, "0.02", 0), band(1_000_000, "0.04", 0)],
    )
}

impl Scene {
    /// `acme`, whose program `channel` counts its days in New York and has the tiers `base` and
    /// `gold`. `nimbus`, a reseller, holds `gold`; `cirrus`, who refers, holds `base`.
    pub(super) async fn new(world: World) -> Self {
        let name = world.sandbox("acme").await;
        Self::of(world, name).await
    }

    pub(super) async fn of(world: World, name: String) -> Self {
        let scene = Self {
            world,
            name,
            latest: Mutex::new(None),
        };
        scene.program("channel", true).await;
        scene
            .partner("nimbus", partner::v1::partner::PartnerType::Reseller)
            .await;
        scene
            .partner("cirrus", partner::v1::partner::PartnerType::Referral)
            .await;
        scene.enrol("nimbus", "gold").await;
        scene.enrol("cirrus", "base").await;
        scene
    }

    /// The same in another ecosystem of the same world.
    pub(super) async fn beside(&self, id: &str) -> Self {
        let name = self.world.sandbox(id).await;
        Self::of(self.world.clone(), name).await
    }

    pub(super) async fn program(&self, id: &str, published: bool) {
        let request = program::v1::CreateProgramRequest {
            parent: self.name.clone(),
            program_id: id.to_owned(),
            program: Some(program::v1::Program {
                display_name: id.to_owned(),
                time_zone: "America/New_York".to_owned(),
                currency_code: "USD".to_owned(),
                ..program::v1::Program::default()
            }),
            ..program::v1::CreateProgramRequest::default()
        };
        let made = self
            .world
            .programs()
            .create_program(request)
            .await
            .unwrap()
            .into_inner();
        for (tier, rank) in [("base", 1), ("gold", 2)] {
            let request = program::v1::CreateTierRequest {
                parent: made.name.clone(),
                tier_id: tier.to_owned(),
                tier: Some(program::v1::Tier {
                    display_name: tier.to_owned(),
                    rank,
                    ..program::v1::Tier::default()
                }),
                ..program::v1::CreateTierRequest::default()
            };
            self.world.programs().create_tier(request).await.unwrap();
        }
        if published {
            let request = program::v1::PublishProgramRequest {
                name: made.name,
                ..program::v1::PublishProgramRequest::default()
            };
            self.world
                .programs()
                .publish_program(request)
                .await
                .unwrap();
        }
    }

    pub(super) async fn partner(&self, id: &str, kind: partner::v1::partner::PartnerType) {
        let mut partners = self.world.partners();
        let request = partner::v1::CreatePartnerRequest {
            parent: self.name.clone(),
            partner_id: id.to_owned(),
            partner: Some(partner::v1::Partner {
                display_name: id.to_owned(),
                partner_type: kind.into(),
                ..partner::v1::Partner::default()
            }),
            ..partner::v1::CreatePartnerRequest::default()
        };
        let name = partners
            .create_partner(request)
            .await
            .unwrap()
            .into_inner()
            .name;
        let invite = partner::v1::InvitePartnerRequest {
            name: name.clone(),
            ..partner::v1::InvitePartnerRequest::default()
        };
        partners.invite_partner(invite).await.unwrap();
        let accept = partner::v1::AcceptInvitationRequest {
            name: name.clone(),
            ..partner::v1::AcceptInvitationRequest::default()
        };
        partners.accept_invitation(accept).await.unwrap();
        let activate = partner::v1::ActivatePartnerRequest {
            name,
            ..partner::v1::ActivatePartnerRequest::default()
        };
        partners.activate_partner(activate).await.unwrap();
    }

    pub(super) async fn enrol(&self, partner: &str, tier: &str) {
        let request = program::v1::CreateEnrollmentRequest {
            parent: self.name.clone(),
            enrollment: Some(program::v1::Enrollment {
                program: format!("{}/programs/channel", self.name),
                partner: format!("{}/partners/{partner}", self.name),
                tier: format!("{}/programs/channel/tiers/{tier}", self.name),
                ..program::v1::Enrollment::default()
            }),
            ..program::v1::CreateEnrollmentRequest::default()
        };
        self.world
            .enrollments()
            .create_enrollment(request)
            .await
            .unwrap();
    }

    /// Makes a plan of the program `channel`, and answers its name.
    pub(super) async fn plan(&self, id: &str) -> String {
        let request = pb::CreatePlanRequest {
            parent: self.name.clone(),
            plan_id: id.to_owned(),
            plan: Some(pb::Plan {
                display_name: id.to_owned(),
                program: format!("{}/programs/channel", self.name),
                ..pb::Plan::default()
            }),
            ..pb::CreatePlanRequest::default()
        };
        self.world
            .plans()
            .create_plan(request)
            .await
            .unwrap()
            .into_inner()
            .name
    }

    /// Makes a draft of a plan.
    pub(super) async fn draft(&self, plan: &str, version: pb::PlanVersion) -> pb::PlanVersion {
        let request = pb::CreatePlanVersionRequest {
            parent: plan.to_owned(),
            plan_version: Some(version),
            ..pb::CreatePlanVersionRequest::default()
        };
        self.world
            .plans()
            .create_plan_version(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Makes a plan with one version, scheduled.
    pub(super) async fn promise(&self, id: &str, version: pb::PlanVersion) -> pb::PlanVersion {
        let plan = self.plan(id).await;
        let draft = self.draft(&plan, version).await;
        self.schedule(&draft.name).await
    }

    pub(super) async fn schedule(&self, version: &str) -> pb::PlanVersion {
        self.supersede(version, None).await
    }

    /// Schedules a version that takes days from others, from a day on.
    pub(super) async fn supersede(&self, version: &str, from: Option<WireDate>) -> pb::PlanVersion {
        let request = pb::SchedulePlanVersionRequest {
            name: version.to_owned(),
            supersede_from_date: from,
            ..pb::SchedulePlanVersionRequest::default()
        };
        let scheduled = self
            .world
            .plans()
            .schedule_plan_version(request)
            .await
            .unwrap();
        self.note(trellis_tests::position(&scheduled));
        scheduled.into_inner()
    }

    /// A partner won a deal for so many cents on a day.
    pub(super) async fn win(&self, deal: &str, partner: &str, minor: i64, date: &str) {
        self.tell(won(deal, 1, Some(partner), minor, Currency::USD, date))
            .await;
    }

    /// So many cents of a deal's first win were paid back.
    pub(super) async fn refund(&self, deal: &str, id: &str, minor: i64) {
        self.tell(refunded(deal, 1, id, minor)).await;
    }

    /// Tells what happened to a deal.
    pub(super) async fn tell(&self, fact: Fact) {
        self.tell_all(vec![fact]).await;
    }

    /// Tells what happened to deals, all at once.
    pub(super) async fn tell_all(&self, facts: Vec<Fact>) {
        let told = self
            .world
            .store()
            .write(self.call(), facts, |txn, facts| async move {
                for fact in facts {
                    let deal = format!("ecosystems/{}/deals/{}", txn.ecosystem(), fact.deal());
                    event::append(&txn, fact.event(deal)?);
                }
                Ok::<(), Error>(())
            })
            .await
            .unwrap();
        self.note(told.position.unwrap().to_string());
    }

    /// A call as the server would make it of a request.
    pub(super) fn call(&self) -> Call {
        let id = self.name.strip_prefix("ecosystems/").unwrap();
        Call {
            actor: Actor::anonymous(),
            method: "/test",
            ..Call::of_system(EcosystemId::try_new(id).unwrap(), "test")
        }
    }

    pub(super) fn note(&self, position: String) {
        *self.latest.lock().unwrap() = Some(position);
    }

    /// Calls that see everything that was told so far.
    pub(super) fn now(&self) -> Caller {
        match self.latest.lock().unwrap().as_deref() {
            Some(position) => self.world.since(position),
            None => self.world.actor("somebody"),
        }
    }

    /// Moves the clock of the ecosystem, and lets happen what falls due.
    pub(super) async fn pass(&self, duration: Duration) {
        let moved = self.world.advance(&self.name, duration).await;
        self.note(trellis_tests::position(&moved));
    }

    /// The awards that fit a filter: by plan, then by deal or period, then by partner. The clock
    /// stands still in tests, so that the order of their ids says nothing.
    pub(super) async fn awards(&self, filter: &str) -> Vec<pb::Award> {
        let request = pb::ListAwardsRequest {
            parent: self.name.clone(),
            filter: filter.to_owned(),
            page_size: 1_000,
            ..pb::ListAwardsRequest::default()
        };
        let listed = self.now().awards().list_awards(request).await.unwrap();
        let mut awards = listed.into_inner().awards;
        awards.sort_by_key(|award| {
            let scope = match award.scope.as_ref() {
                Some(pb::award::Scope::Deal(deal)) => deal.clone(),
                Some(pb::award::Scope::Period(period)) => {
                    let start = date::read(period.start_date.as_ref().unwrap());
                    start.unwrap().to_string()
                }
                None => String::new(),
            };
            let fact = award.fact.clone();
            (award.plan.clone(), scope, fact, award.partner.clone())
        });
        awards
    }

    /// The awards of a plan.
    pub(super) async fn of_plan(&self, plan: &str) -> Vec<pb::Award> {
        self.awards(&format!("plan = \"{}/plans/{plan}\"", self.name))
            .await
    }

    /// The one award of a plan.
    pub(super) async fn award(&self, plan: &str) -> pb::Award {
        let mut awards = self.of_plan(plan).await;
        assert_eq!(awards.len(), 1, "{awards:?}");
        awards.remove(0)
    }

    pub(super) async fn explain(&self, award: &pb::Award) -> pb::AwardExplanation {
        let request = pb::ExplainAwardRequest {
            name: award.name.clone(),
        };
        let explained = self
            .now()
            .awards()
            .explain_award(request)
            .await
            .unwrap()
            .into_inner();
        explained.explanation.unwrap()
    }

    pub(super) async fn approve(&self, awards: &[&pb::Award]) -> Vec<pb::Award> {
        let request = pb::ApproveAwardsRequest {
            parent: self.name.clone(),
            names: awards.iter().map(|award| award.name.clone()).collect(),
            ..pb::ApproveAwardsRequest::default()
        };
        let approved = self.world.awards().approve_awards(request).await.unwrap();
        self.note(trellis_tests::position(&approved));
        approved.into_inner().awards
    }

    /// Pays everything out that is payable, to the end.
    pub(super) async fn pay_out(&self) {
        self.try_pay_out().await.unwrap();
    }

    /// The same, where anything is payable.
    pub(super) async fn try_pay_out(&self) -> Result<(), Status> {
        let mut maker = self.world.actor("ada@acme.example").payouts();
        let mut checker = self.world.actor("grace@acme.example").payouts();
        let create = pb::CreateBatchRequest {
            parent: self.name.clone(),
            batch: Some(pb::PayoutBatch {
                currency_code: "USD".to_owned(),
                ..pb::PayoutBatch::default()
            }),
            ..pb::CreateBatchRequest::default()
        };
        let name = maker.create_batch(create).await?.into_inner().name;
        let submit = pb::SubmitBatchRequest {
            name: name.clone(),
            ..pb::SubmitBatchRequest::default()
        };
        maker.submit_batch(submit).await.unwrap();
        let approve = pb::ApproveBatchRequest {
            name: name.clone(),
            ..pb::ApproveBatchRequest::default()
        };
        checker.approve_batch(approve).await.unwrap();
        let send = pb::SendBatchRequest {
            name: name.clone(),
            ..pb::SendBatchRequest::default()
        };
        maker.send_batch(send).await.unwrap();
        let settle = pb::SettleItemsRequest {
            name,
            ..pb::SettleItemsRequest::default()
        };
        maker.settle_items(settle).await.unwrap();
        Ok(())
    }

    /// Asserts which kinds of events there are about a resource, in order. On PostgreSQL the newest
    /// are hidden for as long as an older transaction runs, be it one of another test.
    pub(super) async fn has_events(&self, resource: &str, expected: &[&str]) {
        let request = platform::v1::ListEventsRequest {
            parent: self.name.clone(),
            filter: format!("resource = \"{resource}\""),
            ..platform::v1::ListEventsRequest::default()
        };
        let mut kinds = Vec::new();
        for _ in 0..200 {
            let listed = self
                .now()
                .events()
                .list_events(request.clone())
                .await
                .unwrap();
            let events = listed.into_inner().events;
            kinds = events
                .into_iter()
                .map(|event| event.r#type)
                .collect::<Vec<_>>();
            if kinds == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        assert_eq!(kinds, expected);
    }

    /// Asserts that every award computes to what was posted, and that the ledger holds all that it
    /// must.
    pub(super) async fn is_sound(&self) {
        for award in self.awards("").await {
            let buckets = award.buckets.as_ref().unwrap();
            let there = [
                &buckets.held_amount,
                &buckets.review_amount,
                &buckets.payable_amount,
                &buckets.in_payout_amount,
                &buckets.paid_amount,
            ];
            let sum: i64 = there.into_iter().map(minor).sum();
            let due = minor(&award.entitled_amount) + minor(&award.adjusted_amount)
                - minor(&award.rejected_amount);
            assert_eq!(sum - minor(&buckets.owed_amount), due, "{award:?}");
            let explanation = self.explain(&award).await;
            assert_eq!(
                explanation.trace_hash, explanation.replay_hash,
                "{explanation:?}"
            );
            assert_eq!(explanation.entitled_amount, award.entitled_amount);
        }
        self.ledger_is_sound().await;
    }

    /// Asserts that the ledger holds all that it must.
    pub(super) async fn ledger_is_sound(&self) {
        let view = self.world.store().read(&self.call()).await.unwrap();
        for rule in verify::Rule::ALL {
            let check = verify::check(&view, rule).await.unwrap();
            assert_eq!(check.count, 0, "{check:?}");
        }
    }
}

/// What the deal service says of a win.
pub(super) fn won(
    deal: &str,
    win: i64,
    partner: Option<&str>,
    amount_minor: i64,
    currency: Currency,
    date: &str,
) -> Fact {
    Fact::Won(DealWon {
        deal: DealId::try_new(deal).unwrap(),
        win,
        partner: partner.map(|partner| PartnerId::try_new(partner).unwrap()),
        roles: Vec::new(),
        account: None,
        deal_type: None,
        territory: None,
        program: None,
        registration: None,
        lines: Vec::new(),
        amount_minor,
        currency,
        close_date: date.parse().unwrap(),
        won_time: trellis_core::Timestamp::EPOCH,
    })
}

/// What the deal service says of a refund.
pub(super) fn refunded(deal: &str, win: i64, id: &str, amount_minor: i64) -> Fact {
    Fact::Refunded(DealRefunded {
        deal: DealId::try_new(deal).unwrap(),
        win,
        external_id: id.to_owned(),
        amount_minor,
        refunded_minor: amount_minor,
        currency: Currency::USD,
        refund_date: "2026-03-03".parse().unwrap(),
    })
}

/// What the deal service says of a win that is taken back.
pub(super) fn reopened(deal: &str, win: i64) -> Fact {
    Fact::Reopened(DealReopened {
        deal: DealId::try_new(deal).unwrap(),
        win: Some(win),
        stage: Stage::Committed,
    })
}

/// Where the money of an award is: held, in review, payable, in payout, paid, owed.
pub(super) fn buckets(award: &pb::Award) -> [i64; 6] {
    let buckets = award.buckets.as_ref().unwrap();
    [
        minor(&buckets.held_amount),
        minor(&buckets.review_amount),
        minor(&buckets.payable_amount),
        minor(&buckets.in_payout_amount),
        minor(&buckets.paid_amount),
        minor(&buckets.owed_amount),
    ]
}
