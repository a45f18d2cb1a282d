//! Brings money into the ledger of a test, past the services that would earn it.

use std::future::Future;

use trellis_api::google::r#type::{Date as WireDate, Money};
use trellis_api::incentive::v1 as pb;
use trellis_core::{
    Actor, AwardId, Call, Currency, Date, EcosystemId, PartnerId, ProgramId, Timestamp,
};
use trellis_store::incentive::ledger::{self, Account, HoldReason, Key, Kind, Line, Posting, Rail};
use trellis_store::partner::partner::{self, PartnerType, State};
use trellis_store::{Error, Store, Txn, record};
use trellis_tests::World;

/// The day on which every test begins.
pub(super) const TODAY: (i32, i32, i32) = (2026, 3, 2);

/// The books of one ecosystem.
#[derive(Clone)]
pub(super) struct Books {
    pub(super) world: World,
    pub(super) ecosystem: String,
}

pub(super) fn usd(minor: i64) -> Option<Money> {
    let nanos = i32::try_from(minor % 100 * 10_000_000).unwrap();
    Some(Money {
        currency_code: "USD".to_owned(),
        units: minor / 100,
        nanos,
    })
}

pub(super) fn day((year, month, day): (i32, i32, i32)) -> Option<WireDate> {
    Some(WireDate { year, month, day })
}

pub(super) fn today() -> Date {
    Date::try_new(TODAY.0, TODAY.1, TODAY.2).unwrap()
}

fn partner(id: &str) -> PartnerId {
    PartnerId::try_new(id).unwrap()
}

pub(super) fn expense() -> Account {
    Account::commission_expense(&ProgramId::try_new("gold").unwrap(), Currency::USD)
}

pub(super) fn held(of: &str) -> Account {
    Account::held(&partner(of), HoldReason::Hold, Currency::USD)
}

/// What somebody holds.
pub(super) fn on_hold(of: &str) -> Account {
    Account::held(&partner(of), HoldReason::Dispute, Currency::USD)
}

pub(super) fn review(of: &str) -> Account {
    Account::review(&partner(of), Currency::USD)
}

pub(super) fn payable(of: &str) -> Account {
    Account::payable(&partner(of), Currency::USD)
}

pub(super) fn receivable(of: &str) -> Account {
    Account::receivable(&partner(of), Currency::USD)
}

pub(super) fn in_payout(of: &str) -> Account {
    Account::in_payout(&partner(of), Currency::USD)
}

/// A posting of an award that moves an amount from one account to another, today.
pub(super) fn moving(
    award: &str,
    sequence: i64,
    kind: Kind,
    from: Account,
    to: Account,
    minor: i64,
) -> Posting {
    let id = AwardId::try_new(award).unwrap();
    let lines = Line::pair(from, to, Some(&id), minor).to_vec();
    Posting::try_new(
        Key::new(format!("awards/{award}"), sequence),
        kind,
        today(),
        lines,
    )
    .unwrap()
}

/// What an award earns for a partner at once, without a hold or a review.
pub(super) fn earned(of: &str, award: &str, minor: i64) -> Posting {
    moving(award, 1, Kind::Accrual, expense(), payable(of), minor)
}

/// What a partner was paid for an award, and part of it taken back: it owes.
pub(super) fn owed(of: &str, award: &str, minor: i64) -> Vec<Posting> {
    let clearing = Account::payout_clearing(Rail::Bank, Currency::USD);
    let cash = Account::cash(Rail::Bank, Currency::USD);
    vec![
        earned(of, award, minor),
        moving(
            award,
            2,
            Kind::PayoutReserve,
            payable(of),
            in_payout(of),
            minor,
        ),
        moving(
            award,
            3,
            Kind::PayoutSend,
            in_payout(of),
            clearing.clone(),
            minor,
        ),
        moving(award, 4, Kind::PayoutSettle, clearing, cash, minor),
        clawback(of, award, 5, receivable(of), minor),
    ]
}

/// What is taken back of an award, from what it has on an account.
pub(super) fn clawback(of: &str, award: &str, number: i64, from: Account, minor: i64) -> Posting {
    assert_eq!(from.partner(), Some(&partner(of)));
    moving(award, number, Kind::Clawback, from, expense(), minor)
}

/// What an award earns for a partner and is held.
pub(super) fn accrued(of: &str, award: &str, number: i64, minor: i64) -> Posting {
    moving(award, number, Kind::Accrual, expense(), held(of), minor)
}

impl Books {
    /// An ecosystem with partners at work.
    pub(super) async fn open(world: World, partners: &[&str]) -> Self {
        let ecosystem = world.ecosystem("acme").await;
        let books = Self { world, ecosystem };
        books.partners(partners).await;
        books
    }

    pub(super) fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.ecosystem)
    }

    fn call(&self) -> Call {
        let id = self.ecosystem.strip_prefix("ecosystems/").unwrap();
        Call {
            actor: Actor::system("tests"),
            method: "/tests",
            ..Call::of_system(EcosystemId::try_new(id).unwrap(), "test")
        }
    }

    async fn write<C, F>(&self, command: C, work: impl Fn(Txn, C) -> F + Send + Sync + 'static)
    where
        C: Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.world
            .store()
            .write(self.call(), command, work)
            .await
            .unwrap();
    }

    pub(super) async fn partners(&self, ids: &[&str]) {
        let ids: Vec<PartnerId> = ids.iter().map(|id| partner(id)).collect();
        self.write(ids, |txn, ids| async move {
            let rows = ids.into_iter().map(|id| at_work(&txn, id)).collect();
            record::insert_many::<partner::Entity>(&txn, rows).await
        })
        .await;
    }

    pub(super) async fn post(&self, postings: Vec<Posting>) {
        self.post_by(self.world.store(), postings).await;
    }

    /// Posts by the store of another server.
    pub(super) async fn post_by(&self, store: &Store, postings: Vec<Posting>) {
        let post =
            |txn: Txn, postings| async move { ledger::append(&txn, postings).await.map(drop) };
        let written = store.write(self.call(), postings, post).await;
        written.map(drop).unwrap();
    }

    /// What an account has, in minor units.
    pub(super) async fn balance(&self, account: &Account) -> i64 {
        let view = self.world.store().read(&self.call()).await.unwrap();
        let found = ledger::balance::find(&view, account.id()).await.unwrap();
        found.map_or(0, |account| account.balance_minor())
    }

    /// Asserts that the ledger is sound.
    pub(super) async fn assert_sound(&self) {
        let request = pb::VerifyLedgerRequest {
            parent: self.ecosystem.clone(),
        };
        let verified = self
            .world
            .ledger()
            .verify_ledger(request)
            .await
            .unwrap()
            .into_inner();
        assert!(verified.sound, "{:#?}", verified.checks);
        assert_eq!(verified.checks.len(), 11);
    }
}

fn at_work(txn: &Txn, id: PartnerId) -> partner::Model {
    let now: Timestamp = txn.now();
    partner::Model {
        ecosystem: txn.ecosystem().clone(),
        display_name: id.to_string(),
        id,
        partner_type: PartnerType::Referral,
        region_code: None,
        domain: None,
        contact_email: None,
        external_id: None,
        channel_manager: None,
        state: State::Active,
        invitation_expire_time: None,
        suspend_until_time: None,
        terminate_time: None,
        version: 1,
        create_time: now,
        update_time: now,
    }
}
