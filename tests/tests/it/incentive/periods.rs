//! Periods of the ledger, and what happens to what belongs to a closed one.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tonic::{Code, Response, Status};
use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::ledger_period::State;
use trellis_tests::{Caller, Engine, World, on_both, refused, run};

use super::books::{Books, TODAY, accrued, day, earned, payable, usd};
use super::scene::{Scene, minor, percent, quarterly};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn asked(name: &str) -> pb::CloseLedgerPeriodRequest {
    pb::CloseLedgerPeriodRequest {
        name: name.to_owned(),
        ..pb::CloseLedgerPeriodRequest::default()
    }
}

async fn close(
    caller: &Caller,
    ecosystem: &str,
    month: &str,
) -> Result<Response<pb::LedgerPeriod>, Status> {
    let name = format!("{ecosystem}/ledgerPeriods/{month}");
    caller.ledger().close_ledger_period(asked(&name)).await
}

async fn periods(books: &Books, page_size: i32) -> Vec<(String, State)> {
    let mut request = pb::ListLedgerPeriodsRequest {
        parent: books.ecosystem.clone(),
        page_size,
        ..pb::ListLedgerPeriodsRequest::default()
    };
    let mut all = Vec::new();
    loop {
        let answer = books
            .world
            .ledger()
            .list_ledger_periods(request.clone())
            .await;
        let page = answer.unwrap().into_inner();
        all.extend(page.ledger_periods.into_iter().map(|period| {
            (
                period.name.rsplit('/').next().unwrap().to_owned(),
                period.state(),
            )
        }));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return all;
        }
    }
}

/// The statement of a partner for March.
async fn march(caller: &Caller, ecosystem: &str) -> pb::Statement {
    let request = pb::GetStatementRequest {
        parent: format!("{ecosystem}/partners/nimbus"),
        start_date: day((2026, 3, 1)),
        end_date: day((2026, 4, 1)),
        ..pb::GetStatementRequest::default()
    };
    caller
        .ledger()
        .get_statement(request)
        .await
        .unwrap()
        .into_inner()
}

async fn april(caller: &Caller, ecosystem: &str) -> pb::Statement {
    let request = pb::GetStatementRequest {
        parent: format!("{ecosystem}/partners/nimbus"),
        start_date: day((2026, 4, 1)),
        end_date: day((2026, 5, 1)),
        ..pb::GetStatementRequest::default()
    };
    caller
        .ledger()
        .get_statement(request)
        .await
        .unwrap()
        .into_inner()
}

async fn belonging_to(caller: &Caller, ecosystem: &str, month: &str) -> Vec<pb::Journal> {
    let request = pb::ListJournalsRequest {
        parent: ecosystem.to_owned(),
        filter: format!("attributed_period = \"{ecosystem}/ledgerPeriods/{month}\""),
        page_size: 1_000,
        ..pb::ListJournalsRequest::default()
    };
    caller
        .ledger()
        .list_journals(request)
        .await
        .unwrap()
        .into_inner()
        .journals
}

on_both! {
    async fn months_are_closed_in_their_order_once_they_are_over(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        let (caller, acme) = (&books.world, books.ecosystem.as_str());
        let march = books.name("ledgerPeriods/2026-03");
        assert_eq!(periods(&books, 0).await, [("2026-03".to_owned(), State::Open)]);
        books.post(vec![earned("nimbus", "a", 500), earned("nimbus", "b", 700)]).await;
        let refusal = refused(close(caller, acme, "2026-03").await, Code::FailedPrecondition, "PERIOD_NOT_OVER");
        assert_eq!(refusal.metadata["resource"], march);
        assert_eq!(refusal.metadata["end_date"], "2026-04-01");
        for month in ["2026-02", "2026-04", "1999-12"] {
            let absent = refused(close(caller, acme, month).await, Code::NotFound, "RESOURCE_NOT_FOUND");
            assert_eq!(absent.metadata["resource"], books.name(&format!("ledgerPeriods/{month}")));
            let name = books.name(&format!("ledgerPeriods/{month}"));
            let got = caller.ledger().get_ledger_period(pb::GetLedgerPeriodRequest { name }).await;
            refused(got, Code::NotFound, "RESOURCE_NOT_FOUND");
        }
        let wrong = refused(close(caller, acme, "2026-13").await, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(wrong.fields(), ["name"]);
        // The last minute of March, and the first of April.
        caller.clock().advance(29 * DAY + Duration::from_secs(14 * 3_600 - 60));
        refused(close(caller, acme, "2026-03").await, Code::FailedPrecondition, "PERIOD_NOT_OVER");
        caller.clock().advance(Duration::from_secs(60));
        let tried = pb::CloseLedgerPeriodRequest { validate_only: true, ..asked(&march) };
        caller.ledger().close_ledger_period(tried).await.unwrap();
        caller.clock().advance(31 * DAY);
        assert_eq!(periods(&books, 2).await, [
            ("2026-03".to_owned(), State::Open),
            ("2026-04".to_owned(), State::Open),
            ("2026-05".to_owned(), State::Open),
        ]);
        let early = refused(close(caller, acme, "2026-04").await, Code::FailedPrecondition, "EARLIER_PERIOD_OPEN");
        assert_eq!(early.metadata["earliest"], march);
        let request = pb::CloseLedgerPeriodRequest {
            note: "signed off".to_owned(),
            request_id: "0b0f4a3e-6a55-4c0e-9d5e-0f0a2a4c1d12".to_owned(),
            ..asked(&march)
        };
        let finance = books.world.actor("ada@acme.example");
        let closed = finance.ledger().close_ledger_period(request.clone()).await.unwrap().into_inner();
        assert_eq!(closed.name, march);
        assert_eq!((closed.start_date, closed.end_date), (day((2026, 3, 1)), day((2026, 4, 1))));
        assert_eq!((closed.state(), closed.journal_count), (State::Closed, Some(2)));
        assert_eq!(closed.closer, "ada@acme.example");
        assert!(closed.close_time.is_some());
        let again = finance.ledger().close_ledger_period(request).await.unwrap().into_inner();
        assert_eq!(again, closed);
        let twice = close(caller, acme, "2026-03").await;
        let refusal = refused(twice, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        assert_eq!(refusal.metadata["state"], "CLOSED");
        let get = pb::GetLedgerPeriodRequest { name: march.clone() };
        assert_eq!(caller.ledger().get_ledger_period(get).await.unwrap().into_inner(), closed);
        assert_eq!(close(caller, acme, "2026-04").await.unwrap().into_inner().journal_count, Some(0));
        assert_eq!(periods(&books, 1).await, [
            ("2026-03".to_owned(), State::Closed),
            ("2026-04".to_owned(), State::Closed),
            ("2026-05".to_owned(), State::Open),
        ]);
        let get = pb::GetLedgerPeriodRequest { name: books.name("ledgerPeriods/2026-05") };
        let open = caller.ledger().get_ledger_period(get).await.unwrap().into_inner();
        assert_eq!((open.state(), open.journal_count, open.close_time), (State::Open, None, None));
        books.assert_sound().await;
    }

    async fn what_would_count_in_a_closed_month_counts_on_the_first_open_day(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        let (caller, acme) = (&books.world, books.ecosystem.as_str());
        books.post(vec![earned("nimbus", "a", 500)]).await;
        caller.clock().advance(40 * DAY);
        close(caller, acme, "2026-03").await.unwrap();
        let statement = march(caller, acme).await;
        assert_eq!(statement.currencies[0].closing_balance, usd(500));
        // All postings of these books are of a day in March.
        assert_eq!(TODAY, (2026, 3, 2));
        books.post(vec![accrued("nimbus", "b", 1, 70)]).await;
        assert_eq!(march(caller, acme).await, statement);
        let later = belonging_to(caller, acme, "2026-03").await;
        let [journal] = &later[..] else { panic!("{later:#?}") };
        assert_eq!(journal.effective_date, day((2026, 4, 1)));
        assert_eq!(journal.attributed_period, books.name("ledgerPeriods/2026-03"));
        let moved = april(caller, acme).await;
        assert_eq!(moved.currencies[0].opening_balance, usd(500));
        assert_eq!(moved.currencies[0].earned_amount, usd(70));
        assert_eq!(moved.movements[0].attributed_period, books.name("ledgerPeriods/2026-03"));
        books.assert_sound().await;
    }

    async fn what_belongs_to_a_closed_month_is_accrued_in_an_open_one(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.promise("rebate", quarterly()).await;
        scene.win("deal-1", "nimbus", 1_000_000, "2026-03-02").await;
        let march_name = format!("{}/ledgerPeriods/2026-03", scene.name);
        assert!(belonging_to(&scene.world, &scene.name, "2026-03").await.is_empty());
        // April has begun in UTC, which is the ecosystem's time, and not yet in New York, which is
        // the program's.
        scene.pass(29 * DAY + Duration::from_secs(16 * 3_600)).await;
        close(&scene.world, &scene.name, "2026-03").await.unwrap();
        scene.has_events(&march_name, &["ledger_period.closed"]).await;
        let statement = march(&scene.world, &scene.name).await;
        scene.win("deal-2", "nimbus", 500_000, "2026-03-20").await;
        assert_eq!(scene.awards("").await.len(), 3);
        let told = belonging_to(&scene.now(), &scene.name, "2026-03").await;
        assert_eq!(told.len(), 2, "{told:#?}");
        for journal in &told {
            assert_eq!(journal.kind(), pb::journal::Kind::Accrual);
            assert_eq!(journal.effective_date, day((2026, 4, 1)));
        }
        // Weeks later something is found out about March, and something happens in April.
        scene.pass(20 * DAY).await;
        scene.refund("deal-1", "refund-1", 200_000).await;
        scene.win("deal-3", "nimbus", 100_000, "2026-04-10").await;
        let told = belonging_to(&scene.now(), &scene.name, "2026-03").await;
        let mut clawed: Vec<_> = told
            .iter()
            .filter(|one| one.kind() == pb::journal::Kind::Clawback)
            .map(|one| (one.effective_date, minor(&one.lines[0].amount)))
            .collect();
        clawed.sort_unstable_by_key(|(_, minor)| *minor);
        // A tenth of the refund, and 4 % of it.
        assert_eq!(clawed, [(day((2026, 4, 20)), 8_000), (day((2026, 4, 20)), 20_000)]);
        let now = april(&scene.now(), &scene.name).await;
        let own: Vec<_> = now.movements.iter().filter(|one| one.attributed_period.is_empty()).collect();
        assert_eq!(own.len(), 1, "what was won in April: {own:#?}");
        assert_eq!(march(&scene.now(), &scene.name).await, statement);
        assert_eq!(now.currencies[0].opening_balance, statement.currencies[0].closing_balance);
        scene.is_sound().await;
    }

    async fn a_version_that_takes_the_days_of_a_closed_month_posts_in_an_open_one(world: World) {
        let scene = Scene::new(world).await;
        let first = scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 1_000_000, "2026-03-02").await;
        assert_eq!(scene.awards("").await.len(), 1);
        scene.pass(30 * DAY).await;
        close(&scene.now(), &scene.name, "2026-03").await.unwrap();
        let statement = march(&scene.now(), &scene.name).await;
        scene.pass(9 * DAY).await;
        // More for the whole of March, and then less than there was first.
        for (rate, entitled) in [("0.12", 120_000), ("0.07", 70_000)] {
            let (plan, _) = first.name.split_once("/versions/").unwrap();
            let mut version = percent(rate);
            version.effective_from_date = day((2026, 3, 1));
            let draft = scene.draft(plan, version).await;
            scene.supersede(&draft.name, day((2026, 3, 1))).await;
            let awards = scene.awards("").await;
            let entitled_now: Vec<_> = awards.iter().map(|one| minor(&one.entitled_amount)).collect();
            assert_eq!(entitled_now, [entitled]);
        }
        let told = belonging_to(&scene.now(), &scene.name, "2026-03").await;
        let mut posted: Vec<_> = told
            .iter()
            .map(|one| (one.kind(), one.effective_date, minor(&one.lines[0].amount)))
            .collect();
        posted.sort_unstable_by_key(|(_, _, minor)| *minor);
        let today = day((2026, 4, 10));
        let more = (pb::journal::Kind::Accrual, today, 20_000);
        let less = (pb::journal::Kind::Clawback, today, 50_000);
        assert_eq!(posted, [more, less]);
        assert_eq!(march(&scene.now(), &scene.name).await, statement);
        let now = april(&scene.now(), &scene.name).await;
        assert_eq!(now.currencies[0].opening_balance, statement.currencies[0].closing_balance);
        scene.is_sound().await;
    }

    async fn an_approval_of_a_closed_month_is_reversed_in_an_open_one(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        let award = scene.award("spiff").await;
        scene.approve(&[&award]).await;
        scene.pass(35 * DAY).await;
        close(&scene.world, &scene.name, "2026-03").await.unwrap();
        let list = pb::ListJournalsRequest {
            parent: scene.name.clone(),
            filter: "kind = APPROVAL".to_owned(),
            ..pb::ListJournalsRequest::default()
        };
        let approval = scene.world.ledger().list_journals(list).await.unwrap().into_inner().journals;
        let reverse = pb::ReverseJournalRequest {
            name: approval[0].name.clone(),
            reason_code: "OTHER".to_owned(),
            ..pb::ReverseJournalRequest::default()
        };
        let reversal = scene.world.ledger().reverse_journal(reverse).await.unwrap().into_inner();
        assert_eq!(reversal.effective_date, day((2026, 4, 6)));
        assert_eq!(reversal.attributed_period, format!("{}/ledgerPeriods/2026-03", scene.name));
        scene.is_sound().await;
    }

    /// Whoever posts while a month is closed is counted in it, or counts after it.
    async fn a_month_is_closed_while_many_post(world: World) {
        let books = Books::open(world, &["nimbus", "cirrus"]).await;
        books.world.clock().advance(40 * DAY);
        let posters: Vec<_> = (0..8).map(|at| {
            let books = books.clone();
            tokio::spawn(async move {
                for turn in 0..25 {
                    let of = if at % 2 == 0 { "nimbus" } else { "cirrus" };
                    books.post(vec![earned(of, &format!("a-{at}-{turn}"), 1)]).await;
                }
            })
        }).collect();
        while books.balance(&payable("nimbus")).await < 20 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let closed = close(&books.world, &books.ecosystem, "2026-03").await.unwrap().into_inner();
        for poster in posters {
            poster.await.unwrap();
        }
        let after = belonging_to(&books.world, &books.ecosystem, "2026-03").await.len();
        let before = usize::try_from(closed.journal_count.unwrap()).unwrap();
        assert!(before >= 20, "{before}");
        assert_eq!(before + after, 200);
        books.assert_sound().await;
    }
}

/// Posts to a ledger that takes a while to seal its journals, closes March meanwhile, and answers
/// what the verification says then.
async fn close_while_somebody_posts(world: World, weaken: &str) -> pb::VerifyLedgerResponse {
    let books = Books::open(world.clone(), &["nimbus"]).await;
    books.post(vec![earned("nimbus", "a", 1)]).await;
    world.clock().advance(40 * DAY);
    // Triggers take their turns by their names: this one comes after the one that looks at periods.
    let slow = "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep(0.7); RETURN NULL; END';
        CREATE TRIGGER zzz AFTER INSERT ON ledger_journals FOR EACH STATEMENT
            EXECUTE FUNCTION public.slow();";
    let mut owner = PgConnection::connect(world.owner_url()).await.unwrap();
    owner
        .execute(AssertSqlSafe(format!("{slow} {weaken}")))
        .await
        .unwrap();
    owner.close().await.unwrap();
    let (running, caller) = world.another().await;
    let poster = {
        let (store, books) = (running.store().clone(), books.clone());
        tokio::spawn(async move { books.post_by(&store, vec![earned("nimbus", "b", 1)]).await })
    };
    tokio::time::sleep(Duration::from_millis(250)).await;
    close(&caller, &books.ecosystem, "2026-03").await.unwrap();
    poster.await.unwrap();
    let request = pb::VerifyLedgerRequest {
        parent: books.ecosystem.clone(),
    };
    let verified = caller
        .ledger()
        .verify_ledger(request)
        .await
        .unwrap()
        .into_inner();
    running.stop().await;
    verified
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_waits_for_whoever_is_posting() {
    run(Engine::Postgres, &[], |world| async move {
        let verified = close_while_somebody_posts(world, "").await;
        assert!(verified.sound, "{:#?}", verified.checks);
    })
    .await;
}

/// The control: without the locks a journal comes to count in the month after it was closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_locks_a_journal_slips_into_a_closed_month() {
    run(Engine::Postgres, &[], |world| async move {
        let unlocked = "CREATE FUNCTION public.pg_advisory_xact_lock(bigint) RETURNS void
                LANGUAGE sql AS 'SELECT';
            CREATE FUNCTION public.pg_advisory_xact_lock_shared(bigint) RETURNS void
                LANGUAGE sql AS 'SELECT';
            DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog',
                current_database()); END $$;";
        let verified = close_while_somebody_posts(world, unlocked).await;
        let red: Vec<_> = verified
            .checks
            .iter()
            .filter(|check| check.finding_count > 0)
            .map(|check| (check.rule(), check.findings[0].resource.as_str()))
            .collect();
        let closed = pb::ledger_check::Rule::PeriodsClosed;
        assert_eq!(red, [(closed, "ecosystems/acme/ledgerPeriods/2026-03")]);
    })
    .await;
}
