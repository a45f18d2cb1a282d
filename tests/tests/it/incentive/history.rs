//! Random histories: whatever writes to the ledger writes, in any order, and everything that must hold
//! holds after it.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tonic::{Code, Response, Status};
use trellis_api::incentive::v1 as pb;
use trellis_core::{AwardId, Call, EcosystemId};
use trellis_store::incentive::ledger::{self, Buckets, Kind};
use trellis_tests::{World, number, on_both};

use super::books::{Books, day, expense, moving, on_hold, payable, receivable, review};

const PARTNERS: [&str; 2] = ["cirrus", "nimbus"];

/// An award, and what was due of it by what was posted.
struct Award {
    id: String,
    partner: &'static str,
    sequence: i64,
    due: i64,
}

/// An approval, and whether it was reversed.
struct Approval {
    award: usize,
    sequence: i64,
    minor: i64,
    reversed: bool,
}

/// What a closed month said of each partner when it was closed.
struct Closed {
    month: (i32, i32),
    said: Vec<pb::Statement>,
}

struct History {
    books: Books,
    random: StdRng,
    awards: Vec<Award>,
    approvals: Vec<Approval>,
    batches: Vec<pb::PayoutBatch>,
    closed: Vec<Closed>,
    /// How often each of the outcomes that must come about did.
    outcomes: [usize; 12],
}

const REVERSED: usize = 0;
const ALREADY: usize = 1;
const TOO_LOW: usize = 2;
const PAID: usize = 3;
const CANCELLED: usize = 4;
const OWED: usize = 5;
const FAILED: usize = 6;
const RETURNED: usize = 7;
const REJECTED: usize = 8;
const HELD: usize = 9;
const RELEASED: usize = 10;
const ADJUSTED: usize = 11;

impl History {
    async fn new(world: World, seed: u64) -> Self {
        Self {
            books: Books::open(world, &PARTNERS).await,
            random: StdRng::seed_from_u64(seed),
            awards: Vec::new(),
            approvals: Vec::new(),
            batches: Vec::new(),
            closed: Vec::new(),
            outcomes: [0; 12],
        }
    }

    fn one_of(&mut self, count: usize) -> usize {
        self.random.random_range(0..count)
    }

    fn part(&mut self, whole: i64) -> i64 {
        self.random.random_range(1..=whole)
    }

    async fn buckets(&self, award: usize) -> Buckets {
        let id = AwardId::try_new(&self.awards[award].id).unwrap();
        let acme = EcosystemId::try_new("acme").unwrap();
        let view = self
            .books
            .world
            .store()
            .read(&Call::of_system(acme, "test"))
            .await
            .unwrap();
        let found = ledger::award_buckets(&view, std::slice::from_ref(&id))
            .await
            .unwrap();
        found[&id]
    }

    async fn step(&mut self) {
        match self.random.random_range(0..26) {
            0..=4 => self.accrue().await,
            5..=9 if !self.awards.is_empty() => self.approve().await,
            10..=15 if !self.approvals.is_empty() => self.reverse().await,
            16 | 17 if !self.awards.is_empty() => self.claw_back().await,
            18 => self.create().await,
            19..=22 if !self.batches.is_empty() => self.move_batch().await,
            23 => self.let_time_pass().await,
            24 | 25 if !self.awards.is_empty() => self.rule().await,
            _ => {}
        }
    }

    async fn move_money(
        &mut self,
        award: usize,
        kind: Kind,
        accounts: (ledger::Account, ledger::Account),
        minor: i64,
    ) -> i64 {
        let award = &mut self.awards[award];
        award.sequence += 1;
        let sequence = award.sequence;
        let posting = moving(&award.id, sequence, kind, accounts.0, accounts.1, minor);
        self.books.post(vec![posting]).await;
        sequence
    }

    async fn accrue(&mut self) {
        let (partner, minor) = (PARTNERS[self.one_of(2)], self.part(900));
        let award = self.awards.len();
        self.awards.push(Award {
            id: format!("a-{award}"),
            partner,
            sequence: 0,
            due: minor,
        });
        let accounts = (expense(), review(partner));
        self.move_money(award, Kind::Accrual, accounts, minor).await;
    }

    async fn approve(&mut self) {
        let award = self.one_of(self.awards.len());
        let waits = self.buckets(award).await.review;
        if waits == 0 {
            return;
        }
        let (minor, partner) = (self.part(waits), self.awards[award].partner);
        let accounts = (review(partner), payable(partner));
        let sequence = self
            .move_money(award, Kind::Approval, accounts, minor)
            .await;
        self.approvals.push(Approval {
            award,
            sequence,
            minor,
            reversed: false,
        });
    }

    /// Reverses an approval; what comes of it follows from what was done before.
    async fn reverse(&mut self) {
        // One of the last ones: of those before, little is left to be taken back.
        let last = self.approvals.len();
        let which = last - 1 - self.one_of(last.min(6));
        let Approval {
            award,
            sequence,
            minor,
            reversed,
        } = self.approvals[which];
        let before = self.buckets(award).await;
        let cause = self
            .books
            .name(&format!("awards/{}", self.awards[award].id));
        let list = pb::ListJournalsRequest {
            parent: self.books.ecosystem.clone(),
            filter: format!("cause = \"{cause}\" AND sequence = {sequence}"),
            ..pb::ListJournalsRequest::default()
        };
        let mut ledger = self.books.world.ledger();
        let found = ledger
            .list_journals(list)
            .await
            .unwrap()
            .into_inner()
            .journals;
        let request = pb::ReverseJournalRequest {
            name: found[0].name.clone(),
            reason_code: "OTHER".to_owned(),
            ..pb::ReverseJournalRequest::default()
        };
        let answer = ledger.reverse_journal(request).await;
        let after = self.buckets(award).await;
        let outcome = if reversed {
            refused(answer, "JOURNAL_ALREADY_REVERSED");
            ALREADY
        } else if before.payable < minor {
            refused(answer, "BALANCE_TOO_LOW");
            TOO_LOW
        } else {
            answer.unwrap();
            self.approvals[which].reversed = true;
            let moved = (before.payable - after.payable, after.review - before.review);
            assert_eq!(moved, (minor, minor));
            REVERSED
        };
        self.outcomes[outcome] += 1;
        if outcome != REVERSED {
            assert_eq!(after, before);
        }
    }

    async fn claw_back(&mut self) {
        let award = self.one_of(self.awards.len());
        let (has, partner) = (self.buckets(award).await, self.awards[award].partner);
        let (from, most) = match self.one_of(3) {
            0 => (review(partner), has.review),
            1 => (payable(partner), has.payable),
            _ => (
                receivable(partner),
                (has.paid + has.in_payout - has.owed).max(0),
            ),
        };
        if most > 0 {
            let minor = self.part(most);
            self.move_money(award, Kind::Clawback, (from, expense()), minor)
                .await;
            self.awards[award].due -= minor;
        }
    }

    /// Rejects what waits for approval, holds it and what is payable, releases that, or adjusts.
    async fn rule(&mut self) {
        let award = self.one_of(self.awards.len());
        let (has, partner) = (self.buckets(award).await, self.awards[award].partner);
        let more = self.random.random_bool(0.5);
        let (kind, from, to, most, outcome) = match self.one_of(6) {
            // What is held is released sooner or later.
            0..=2 if has.on_hold > 0 => (
                Kind::HoldRelease,
                on_hold(partner),
                if more {
                    review(partner)
                } else {
                    payable(partner)
                },
                has.on_hold,
                RELEASED,
            ),
            0 => (
                Kind::Rejection,
                review(partner),
                expense(),
                has.review,
                REJECTED,
            ),
            1 => (
                Kind::Hold,
                review(partner),
                on_hold(partner),
                has.review,
                HELD,
            ),
            2 => (
                Kind::Hold,
                payable(partner),
                on_hold(partner),
                has.payable,
                HELD,
            ),
            3 | 4 => (Kind::Adjustment, expense(), review(partner), 90, ADJUSTED),
            _ if more => (
                Kind::Adjustment,
                payable(partner),
                expense(),
                has.payable,
                ADJUSTED,
            ),
            _ => (
                Kind::Adjustment,
                on_hold(partner),
                expense(),
                has.on_hold,
                ADJUSTED,
            ),
        };
        if most == 0 {
            return;
        }
        let minor = self.part(most);
        let due = match kind {
            Kind::Hold | Kind::HoldRelease => 0,
            _ if from == expense() => minor,
            _ => -minor,
        };
        self.move_money(award, kind, (from, to), minor).await;
        self.awards[award].due += due;
        self.outcomes[outcome] += 1;
    }

    async fn create(&mut self) {
        let request = pb::CreateBatchRequest {
            parent: self.books.ecosystem.clone(),
            batch: Some(pb::PayoutBatch {
                currency_code: "USD".to_owned(),
                ..pb::PayoutBatch::default()
            }),
            ..pb::CreateBatchRequest::default()
        };
        let maker = self.books.world.actor("ada@acme.example");
        match maker.payouts().create_batch(request).await {
            Ok(made) => {
                let made = made.into_inner();
                self.outcomes[OWED] += usize::from(super::scene::minor(&made.set_off_amount) > 0);
                self.batches.push(made);
            }
            refusal => refused(refusal, "NOTHING_PAYABLE"),
        }
    }

    /// Moves a batch on, or cancels it.
    async fn move_batch(&mut self) {
        use pb::payout_batch::State;
        let which = self.one_of(self.batches.len());
        let (name, state) = (
            self.batches[which].name.clone(),
            self.batches[which].state(),
        );
        let world = &self.books.world;
        let mut maker = world.actor("ada@acme.example").payouts();
        let mut checker = world.actor("grace@acme.example").payouts();
        let cancel = self.random.random_bool(0.3);
        let moved = match state {
            State::Draft | State::Submitted if cancel => {
                self.outcomes[CANCELLED] += 1;
                let request = pb::CancelBatchRequest {
                    name,
                    ..Default::default()
                };
                maker.cancel_batch(request).await
            }
            State::Draft => {
                maker
                    .submit_batch(pb::SubmitBatchRequest {
                        name,
                        ..Default::default()
                    })
                    .await
            }
            State::Submitted => {
                checker
                    .approve_batch(pb::ApproveBatchRequest {
                        name,
                        ..Default::default()
                    })
                    .await
            }
            State::Approved => {
                maker
                    .send_batch(pb::SendBatchRequest {
                        name,
                        ..Default::default()
                    })
                    .await
            }
            // The bank does not pay one item, or returns one that it paid.
            State::Sent | State::Settled if self.random.random_bool(0.5) => {
                let Some(item) = self.item(&name).await else {
                    return;
                };
                let reason_code = "AC04".to_owned();
                if item.state() == pb::payout_item::State::Sent {
                    self.outcomes[FAILED] += 1;
                    let request = pb::FailItemRequest {
                        name: item.name,
                        reason_code,
                        ..Default::default()
                    };
                    maker.fail_item(request).await
                } else {
                    self.outcomes[RETURNED] += 1;
                    let request = pb::ReturnItemRequest {
                        name: item.name,
                        reason_code,
                        ..Default::default()
                    };
                    maker.return_item(request).await
                }
            }
            State::Sent => {
                self.outcomes[PAID] += 1;
                maker
                    .settle_items(pb::SettleItemsRequest {
                        name,
                        ..Default::default()
                    })
                    .await
            }
            _ => return,
        };
        self.batches[which] = moved.unwrap().into_inner();
    }

    /// One of the items of a batch that the bank has or has paid.
    async fn item(&mut self, batch: &str) -> Option<pb::PayoutItem> {
        let request = pb::ListItemsRequest {
            parent: batch.to_owned(),
            filter: "state = \"SENT\" OR state = \"SETTLED\"".to_owned(),
            ..Default::default()
        };
        let items = self.books.world.payouts().list_items(request).await;
        let mut items = items.unwrap().into_inner().items;
        if items.is_empty() {
            return None;
        }
        let at = self.one_of(items.len());
        Some(items.swap_remove(at))
    }

    /// Lets some days pass, and closes the month before if one has ended.
    async fn let_time_pass(&mut self) {
        let days = self.random.random_range(1..=20);
        self.books
            .world
            .clock()
            .advance(Duration::from_secs(days * 24 * 3_600));
        let month = self
            .closed
            .last()
            .map_or((2026, 3), |closed| after(closed.month));
        let name = self
            .books
            .name(&format!("ledgerPeriods/{:04}-{:02}", month.0, month.1));
        let request = pb::CloseLedgerPeriodRequest {
            name,
            ..Default::default()
        };
        match self.books.world.ledger().close_ledger_period(request).await {
            Ok(_) => {
                let said = self.said(month).await;
                self.closed.push(Closed { month, said });
            }
            refusal => {
                let status = refusal.unwrap_err();
                let early = [Code::FailedPrecondition, Code::NotFound].contains(&status.code());
                assert!(early, "{status:?}");
            }
        }
    }

    async fn said(&self, month: (i32, i32)) -> Vec<pb::Statement> {
        let mut said = Vec::new();
        for partner in PARTNERS {
            let end = after(month);
            let request = pb::GetStatementRequest {
                parent: self.books.name(&format!("partners/{partner}")),
                start_date: day((month.0, month.1, 1)),
                end_date: day((end.0, end.1, 1)),
                page_size: 1_000,
                ..pb::GetStatementRequest::default()
            };
            let answer = self.books.world.ledger().get_statement(request).await;
            said.push(answer.unwrap().into_inner());
        }
        said
    }

    async fn check(&self) {
        self.books.assert_sound().await;
        for (at, award) in self.awards.iter().enumerate() {
            assert_eq!(self.buckets(at).await.due(), award.due, "{}", award.id);
        }
        for Closed { month, said } in &self.closed {
            assert_eq!(&self.said(*month).await, said, "{month:?}");
        }
    }
}

fn after((year, month): (i32, i32)) -> (i32, i32) {
    if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    }
}

fn refused<T>(answer: Result<Response<T>, Status>, reason: &str) {
    let Err(status) = answer else {
        panic!("{reason} was to be answered");
    };
    trellis_tests::refused(
        Err::<Response<()>, _>(status),
        Code::FailedPrecondition,
        reason,
    );
}

on_both! {
    async fn whatever_is_written_the_ledger_is_sound_and_closed_months_stay_as_they_were(world: World) {
        let steps = number("TRELLIS_TESTS_LEDGER_STEPS").unwrap_or(300);
        let mut history = History::new(world, 0x2026_1127).await;
        for step in 0..4 * steps {
            history.step().await;
            if step % 50 == 49 {
                history.check().await;
            }
            // As long as it takes for everything to come about.
            if step >= steps && history.outcomes.iter().all(|count| *count > 0) {
                break;
            }
        }
        history.check().await;
        assert!(history.outcomes.iter().all(|count| *count > 0), "{:?}", history.outcomes);
        assert!(history.closed.len() > 2, "{} months were closed", history.closed.len());
    }
}
