//! Reversing journals.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tonic::{Code, Response, Status};
use trellis_api::incentive::v1 as pb;
use trellis_core::{Currency, JournalId};
use trellis_store::incentive::ledger::{Account, Key, Kind, Posting, Rail};
use trellis_tests::{Caller, Engine, World, number, on_both, refused, run};

use super::books::{
    Books, accrued, clawback, earned, expense, held, in_payout, moving, payable, receivable,
    review, today, usd,
};
use super::scene::{Scene, buckets, minor, percent};

async fn reverse(caller: &Caller, journal: &str) -> Result<Response<pb::Journal>, Status> {
    caller.ledger().reverse_journal(asked(journal)).await
}

fn asked(journal: &str) -> pb::ReverseJournalRequest {
    pb::ReverseJournalRequest {
        name: journal.to_owned(),
        reason_code: "APPROVED_BY_MISTAKE".to_owned(),
        ..pb::ReverseJournalRequest::default()
    }
}

/// The journals of an ecosystem that fit a filter.
async fn journals(caller: &Caller, ecosystem: &str, filter: &str) -> Vec<pb::Journal> {
    let mut request = pb::ListJournalsRequest {
        parent: ecosystem.to_owned(),
        filter: filter.to_owned(),
        page_size: 1_000,
        ..pb::ListJournalsRequest::default()
    };
    let mut journals = Vec::new();
    loop {
        let page = caller
            .ledger()
            .list_journals(request.clone())
            .await
            .unwrap()
            .into_inner();
        journals.extend(page.journals);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return journals;
        }
    }
}

/// What an award earns, waiting for review, and its approval.
fn approved(of: &str, award: &str, minor: i64) -> Vec<Posting> {
    vec![
        moving(award, 1, Kind::Accrual, expense(), review(of), minor),
        moving(award, 2, Kind::Approval, review(of), payable(of), minor),
    ]
}

/// What each line of a journal says, without its balance.
fn said(journal: &pb::Journal) -> Vec<(&str, &str, pb::Side, i64)> {
    journal
        .lines
        .iter()
        .map(|line| {
            (
                line.ledger_account.as_str(),
                line.award.as_str(),
                line.side(),
                minor(&line.amount),
            )
        })
        .collect()
}

on_both! {
    async fn an_approval_that_is_reversed_waits_for_approval_again(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        let award = scene.award("spiff").await;
        scene.approve(&[&award]).await;
        let approvals = journals(&scene.world, &scene.name, "kind = APPROVAL").await;
        let [approval] = &approvals[..] else { panic!("{approvals:#?}") };
        // Nothing is written by asking what would be.
        let tried = pb::ReverseJournalRequest { validate_only: true, ..asked(&approval.name) };
        scene.world.ledger().reverse_journal(tried).await.unwrap();
        let request = pb::ReverseJournalRequest {
            note: "not hers".to_owned(),
            request_id: "0b0f4a3e-6a55-4c0e-9d5e-0f0a2a4c1d11".to_owned(),
            ..asked(&approval.name)
        };
        let answer = scene.world.ledger().reverse_journal(request.clone()).await.unwrap();
        scene.note(trellis_tests::position(&answer));
        let reversal = answer.into_inner();
        assert_eq!(reversal.kind(), pb::journal::Kind::ApprovalReversal);
        assert_eq!((&reversal.reverses, &reversal.cause), (&approval.name, &approval.name));
        let turned: Vec<_> = said(approval)
            .into_iter()
            .map(|(account, award, side, minor)| {
                let other = match side {
                    pb::Side::Debit => pb::Side::Credit,
                    _ => pb::Side::Debit,
                };
                (account, award, other, minor)
            })
            .collect();
        assert_eq!(said(&reversal), turned);
        let back = scene.award("spiff").await;
        assert_eq!(buckets(&back), [0, 10_000, 0, 0, 0, 0]);
        assert_eq!(back.entitled_amount, award.entitled_amount);
        assert_ne!(back.etag, award.etag);
        // Sent again, it is answered the same and done once.
        let again = scene.world.ledger().reverse_journal(request).await.unwrap().into_inner();
        assert_eq!(again, reversal);
        let found = format!("reverses = \"{}\"", approval.name);
        assert_eq!(journals(&scene.world, &scene.name, &found).await, [reversal]);
        scene.has_events(&approval.name, &["journal.reversed"]).await;
        scene.has_events(&award.name, &[
            "award.posted", "award.approved", "award.approval_reversed",
        ]).await;
        // Computed anew, the award posts nothing: what follows is the approval alone.
        let before = journals(&scene.world, &scene.name, "").await.len();
        let approved = scene.approve(&[&award]).await;
        assert_eq!(buckets(&approved[0]), [0, 0, 10_000, 0, 0, 0]);
        assert_eq!(journals(&scene.world, &scene.name, "").await.len(), before + 1);
        // The second approval is another journal, and is reversed by itself.
        let filter = "kind = APPROVAL AND sequence = 3";
        let second = journals(&scene.world, &scene.name, filter).await;
        reverse(&scene.world, &second[0].name).await.unwrap();
        // What is taken back of the award is taken from where the reversal put it.
        scene.refund("deal-1", "refund-1", 40_000).await;
        assert_eq!(buckets(&scene.award("spiff").await), [0, 6_000, 0, 0, 0, 0]);
        scene.is_sound().await;
    }

    async fn a_journal_is_reversed_once(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(approved("nimbus", "a", 500)).await;
        books.post(approved("nimbus", "b", 700)).await;
        let approvals = journals(&books.world, &books.ecosystem, "kind = APPROVAL").await;
        let name = &approvals[0].name;
        let reversal = reverse(&books.world, name).await.unwrap().into_inner();
        let again = reverse(&books.world, name).await;
        let refusal = refused(again, Code::FailedPrecondition, "JOURNAL_ALREADY_REVERSED");
        assert_eq!(refusal.metadata["resource"], *name);
        assert_eq!(refusal.metadata["reversal"], reversal.name);
        let back = reverse(&books.world, &reversal.name).await;
        let refusal = refused(back, Code::FailedPrecondition, "JOURNAL_NOT_REVERSIBLE");
        assert_eq!(refusal.metadata["kind"], "APPROVAL_REVERSAL");
        let payable = books.balance(&payable("nimbus")).await;
        assert_eq!(payable + books.balance(&review("nimbus")).await, 1_200);
        books.assert_sound().await;
    }

    async fn what_was_done_elsewhere_is_undone_there(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        let usd = Currency::USD;
        let (clearing, cash) = (Account::payout_clearing(Rail::Bank, usd), Account::cash(Rail::Bank, usd));
        let paid = |number, kind, from, to| moving("a", number, kind, from, to, 100);
        books.post(vec![
            accrued("nimbus", "a", 1, 100),
            paid(2, Kind::Release, held("nimbus"), review("nimbus")),
            paid(3, Kind::Approval, review("nimbus"), payable("nimbus")),
            paid(4, Kind::PayoutReserve, payable("nimbus"), in_payout("nimbus")),
            paid(5, Kind::PayoutSend, in_payout("nimbus"), clearing.clone()),
            paid(6, Kind::PayoutSettle, clearing, cash),
            clawback("nimbus", "a", 7, receivable("nimbus"), 100),
        ]).await;
        let all = journals(&books.world, &books.ecosystem, "").await;
        let mut instead = BTreeMap::new();
        for journal in all.iter().filter(|one| one.kind() != pb::journal::Kind::Approval) {
            let answer = reverse(&books.world, &journal.name).await;
            let refusal = refused(answer, Code::FailedPrecondition, "JOURNAL_NOT_REVERSIBLE");
            assert_eq!(refusal.metadata["resource"], journal.name);
            let told = format!("KIND_{}", refusal.metadata["kind"]);
            assert_eq!(told, journal.kind().as_str_name());
            instead.insert(told, refusal.metadata["instead"].clone());
        }
        assert_eq!(instead.len(), 6, "{instead:#?}");
        assert_eq!(journals(&books.world, &books.ecosystem, "").await, all);
        let nobody = reverse(&books.world, &books.name("journals/none")).await;
        refused(nobody, Code::NotFound, "RESOURCE_NOT_FOUND");
        let other = books.world.ecosystem("other").await;
        let elsewhere = all[0].name.replace(&books.ecosystem, &other);
        refused(reverse(&books.world, &elsewhere).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        let silent = pb::ReverseJournalRequest {
            name: all[2].name.clone(),
            ..pb::ReverseJournalRequest::default()
        };
        let answer = books.world.ledger().reverse_journal(silent).await;
        let wrong = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(wrong.fields(), ["reason_code"]);
    }

    async fn what_is_no_longer_there_is_not_taken_back(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(approved("nimbus", "a", 500)).await;
        // The account has enough, and the award has not.
        books.post(vec![earned("nimbus", "b", 900)]).await;
        books.post(vec![
            moving("a", 3, Kind::PayoutReserve, payable("nimbus"), in_payout("nimbus"), 1),
        ]).await;
        let approvals = journals(&books.world, &books.ecosystem, "kind = APPROVAL").await;
        let answer = reverse(&books.world, &approvals[0].name).await;
        let refusal = refused(answer, Code::FailedPrecondition, "BALANCE_TOO_LOW");
        assert_eq!(refusal.metadata["resource"], approvals[0].name);
        assert_eq!(refusal.metadata["ledger_account"], books.name("ledgerAccounts/payable.nimbus.usd"));
        assert_eq!(refusal.metadata["award"], books.name("awards/a"));
        assert_eq!(books.balance(&payable("nimbus")).await, 1_399);
        books.assert_sound().await;
        // Back from the batch, it can be taken back.
        let reserve = journals(&books.world, &books.ecosystem, "kind = PAYOUT_RESERVE").await;
        let id = reserve[0].name.rsplit('/').next().unwrap();
        let lines = moving("a", 3, Kind::PayoutReserve, payable("nimbus"), in_payout("nimbus"), 1);
        books.post(vec![Posting::reversing(
            JournalId::try_new(id).unwrap(),
            lines.lines(),
            Key::new("awards/a", 4),
            Kind::PayoutCancel,
            today(),
        ).unwrap()]).await;
        let reversal = reverse(&books.world, &approvals[0].name).await.unwrap().into_inner();
        assert_eq!(reversal.lines[0].amount, usd(500));
        assert_eq!(books.balance(&payable("nimbus")).await, 900);
        books.assert_sound().await;
    }

    /// Two people reverse each of many journals at the same time.
    async fn of_two_who_reverse_a_journal_at_once_one_does(world: World) {
        let count = number("TRELLIS_TESTS_REVERSALS").unwrap_or(300);
        let crowd = Crowd::gather(world, count).await;
        let outcomes = crowd.reverse_each_twice(&crowd.books.world).await;
        assert_eq!(outcomes, [(1, count)].into());
        for of in PARTNERS {
            assert_eq!(crowd.books.balance(&payable(of)).await, 0, "{of}");
        }
        crowd.books.assert_sound().await;
        println!("{:?}: {count} reversed, {count} refused", crowd.books.world.engine());
    }
}

const PARTNERS: [&str; 8] = [
    "altus", "boreas", "cirrus", "nimbus", "stratus", "umbra", "ventus", "zephyr",
];

/// Approvals of many awards of several partners.
struct Crowd {
    books: Books,
    approvals: Vec<String>,
}

impl Crowd {
    async fn gather(world: World, count: usize) -> Self {
        let books = Books::open(world, &PARTNERS).await;
        let postings: Vec<Posting> = (0..count)
            .flat_map(|at| approved(PARTNERS[at % PARTNERS.len()], &format!("a-{at}"), 7))
            .collect();
        for chunk in postings.chunks(1_000) {
            books.post(chunk.to_vec()).await;
        }
        let approvals = journals(&books.world, &books.ecosystem, "kind = APPROVAL").await;
        let approvals: Vec<String> = approvals.into_iter().map(|journal| journal.name).collect();
        assert_eq!(approvals.len(), count);
        Self { books, approvals }
    }

    /// Gives each award as much once more, so that its approval could be taken back twice.
    async fn has_more(&self) {
        let more = (0..self.approvals.len()).map(|at| {
            let of = PARTNERS[at % PARTNERS.len()];
            moving(
                &format!("a-{at}"),
                9,
                Kind::Accrual,
                expense(),
                payable(of),
                7,
            )
        });
        self.books.post(more.collect()).await;
    }

    /// How many journals were reversed so many times by two who tried at the same time. Whoever is
    /// not the one who did it is told so.
    async fn reverse_each_twice(&self, caller: &Caller) -> BTreeMap<usize, usize> {
        let pairs = self.approvals.iter().map(|journal| async move {
            let once = || {
                let (caller, journal) = (caller.clone(), journal.clone());
                tokio::spawn(async move { reversed(&caller, &journal).await })
            };
            let (one, other) = futures::join!(once(), once());
            usize::from(one.unwrap()) + usize::from(other.unwrap())
        });
        let mut outcomes = BTreeMap::new();
        let mut pairs = stream::iter(pairs).buffer_unordered(16);
        while let Some(done) = pairs.next().await {
            *outcomes.entry(done).or_default() += 1;
        }
        outcomes
    }
}

/// Whether this call reversed it. Whoever meets too many others tries again.
async fn reversed(caller: &Caller, journal: &str) -> bool {
    loop {
        match reverse(caller, journal).await {
            Ok(_) => return true,
            Err(status) if status.code() == Code::Aborted => {}
            answer => {
                refused(answer, Code::FailedPrecondition, "JOURNAL_ALREADY_REVERSED");
                return false;
            }
        }
    }
}

/// Makes the locks of a database hold nothing, and does what else is asked.
async fn weaken(books: &Books, more: &str) {
    let mut owner = PgConnection::connect(books.world.owner_url())
        .await
        .unwrap();
    let unlocked = "CREATE FUNCTION public.pg_advisory_xact_lock(bigint) RETURNS void
            LANGUAGE sql AS 'SELECT';
        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog',
            current_database()); END $$;";
    let sql = format!("{unlocked} {more}");
    owner.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    owner.close().await.unwrap();
}

/// The locks are not all: without them the database itself still takes one reversal only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_locks_the_index_still_holds() {
    run(Engine::Postgres, &[], |world| async move {
        let crowd = Crowd::gather(world.clone(), 100).await;
        crowd.has_more().await;
        weaken(&crowd.books, "").await;
        let (running, caller) = world.another().await;
        let outcomes = crowd.reverse_each_twice(&caller).await;
        running.stop().await;
        assert_eq!(outcomes, [(1, 100)].into());
    })
    .await;
}

/// The control: without the locks and the indexes journals are reversed twice, as long as there is
/// enough to be taken twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_locks_and_the_indexes_journals_are_reversed_twice() {
    run(Engine::Postgres, &[], |world| async move {
        let crowd = Crowd::gather(world.clone(), 100).await;
        crowd.has_more().await;
        let indexes = "DROP INDEX ledger_journals__reverses; DROP INDEX ledger_journals__sequence;";
        weaken(&crowd.books, indexes).await;
        let (running, caller) = world.another().await;
        let outcomes = crowd.reverse_each_twice(&caller).await;
        running.stop().await;
        assert!(
            outcomes.get(&2).is_some_and(|twice| *twice > 0),
            "{outcomes:?}"
        );
    })
    .await;
}
