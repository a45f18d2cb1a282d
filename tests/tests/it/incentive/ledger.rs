//! `LedgerService`.

use std::time::Duration;

use prost_types::Timestamp;
use sqlx::{AssertSqlSafe, Connection};
use tonic::Code;
use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::statement_movement::Kind as MovementKind;
use trellis_core::{AwardId, Clock, Currency, PartnerId};
use trellis_store::incentive::ledger::{Account, Key, Kind, Line, Posting, Rail};
use trellis_tests::{Engine, World, on_both, refused};

use super::books::{
    Books, accrued, clawback, day, earned, held, in_payout, moving, owed, payable, receivable,
    review, today, usd,
};

fn cash() -> Account {
    Account::cash(Rail::Bank, Currency::USD)
}

fn clearing() -> Account {
    Account::payout_clearing(Rail::Bank, Currency::USD)
}

/// 100.00 earned, released, approved, paid; 30.00 of it taken back, set off against 50.00 more.
fn history() -> Vec<Posting> {
    let nimbus = PartnerId::try_new("nimbus").unwrap();
    let set_off = Account::set_off(&nimbus, Currency::USD);
    let (a, b) = (
        AwardId::try_new("a").unwrap(),
        AwardId::try_new("b").unwrap(),
    );
    let reserve = [
        Line::pair(payable("nimbus"), set_off.clone(), Some(&b), 3_000),
        Line::pair(payable("nimbus"), in_payout("nimbus"), Some(&b), 2_000),
        Line::pair(set_off, receivable("nimbus"), Some(&a), 3_000),
    ]
    .concat();
    let key = Key::new("payoutBatches/two/items/nimbus", 1);
    vec![
        accrued("nimbus", "a", 1, 10_000),
        moving(
            "a",
            2,
            Kind::Release,
            held("nimbus"),
            review("nimbus"),
            10_000,
        ),
        moving(
            "a",
            3,
            Kind::Approval,
            review("nimbus"),
            payable("nimbus"),
            10_000,
        ),
        moving(
            "a",
            4,
            Kind::PayoutReserve,
            payable("nimbus"),
            in_payout("nimbus"),
            10_000,
        ),
        moving(
            "a",
            5,
            Kind::PayoutSend,
            in_payout("nimbus"),
            clearing(),
            10_000,
        ),
        moving("a", 6, Kind::PayoutSettle, clearing(), cash(), 10_000),
        clawback("nimbus", "a", 7, receivable("nimbus"), 3_000),
        earned("nimbus", "b", 5_000),
        Posting::try_new(key, Kind::PayoutReserve, today(), reserve).unwrap(),
        moving(
            "b",
            2,
            Kind::PayoutSend,
            in_payout("nimbus"),
            clearing(),
            2_000,
        ),
    ]
}

async fn journals(books: &Books, filter: &str) -> Vec<pb::Journal> {
    let request = pb::ListJournalsRequest {
        parent: books.ecosystem.clone(),
        filter: filter.to_owned(),
        page_size: 1_000,
        ..pb::ListJournalsRequest::default()
    };
    books
        .world
        .ledger()
        .list_journals(request)
        .await
        .unwrap()
        .into_inner()
        .journals
}

fn statement_request(books: &Books, partner: &str) -> pb::GetStatementRequest {
    pb::GetStatementRequest {
        parent: books.name(&format!("partners/{partner}")),
        start_date: day((2026, 3, 1)),
        end_date: day((2026, 4, 1)),
        ..pb::GetStatementRequest::default()
    }
}

/// Writes beneath the server, as nobody should.
async fn tamper(books: &Books, sql: &str) {
    forge(&books.world, &books.ecosystem, sql).await;
}

/// The same, in an ecosystem: PostgreSQL lets it touch one.
pub(super) async fn forge(world: &World, ecosystem: &str, sql: &str) {
    let whose = ecosystem.trim_start_matches("ecosystems/");
    let sql = match world.engine() {
        Engine::Sqlite => AssertSqlSafe(sql.to_owned()),
        Engine::Postgres => AssertSqlSafe(format!("SET trellis.ecosystem = '{whose}'; {sql}")),
    };
    match world.engine() {
        Engine::Sqlite => {
            let mut database = sqlx::SqliteConnection::connect(world.database_url())
                .await
                .unwrap();
            sqlx::raw_sql(sql).execute(&mut database).await.unwrap();
        }
        Engine::Postgres => {
            let mut database = sqlx::PgConnection::connect(world.database_url())
                .await
                .unwrap();
            sqlx::raw_sql(sql).execute(&mut database).await.unwrap();
        }
    }
}

on_both! {
    async fn an_account_tells_what_it_is_and_what_it_has(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(history()).await;
        let name = books.name("ledgerAccounts/held.nimbus.hold.usd");
        let request = pb::GetLedgerAccountRequest { name: name.clone() };
        let account = books.world.ledger().get_ledger_account(request).await.unwrap().into_inner();
        assert_eq!(account.name, name);
        assert_eq!(account.account_class(), pb::AccountClass::Held);
        assert_eq!(account.partner, books.name("partners/nimbus"));
        assert_eq!((account.program.as_str(), account.rail.as_str()), ("", ""));
        assert_eq!((account.detail.as_str(), account.currency_code.as_str()), ("hold", "USD"));
        assert_eq!((account.normal_side(), account.constrained), (pb::Side::Credit, true));
        assert_eq!((account.debit_amount, account.credit_amount), (usd(10_000), usd(10_000)));
        assert_eq!((account.balance, account.entry_count), (usd(0), 2));
        let request = pb::GetLedgerAccountRequest { name: books.name("ledgerAccounts/cash.bank.usd") };
        let cash = books.world.ledger().get_ledger_account(request).await.unwrap().into_inner();
        assert_eq!((cash.rail.as_str(), cash.partner.as_str()), ("bank", ""));
        assert_eq!((cash.normal_side(), cash.constrained), (pb::Side::Debit, false));
        assert_eq!(cash.balance, usd(-10_000));
    }

    async fn an_account_that_nothing_was_posted_to_is_not_found(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(history()).await;
        let other = books.world.ecosystem("other").await;
        for name in [
            books.name("ledgerAccounts/payable.nobody.usd"),
            format!("{other}/ledgerAccounts/payable.nimbus.usd"),
        ] {
            let request = pb::GetLedgerAccountRequest { name: name.clone() };
            let answer = books.world.ledger().get_ledger_account(request).await;
            let absent = refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
            assert_eq!(absent.metadata["resource"], name);
            let request = pb::GetBalanceAsOfRequest { name, ..pb::GetBalanceAsOfRequest::default() };
            let answer = books.world.ledger().get_balance_as_of(request).await;
            refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
        }
        let request = pb::GetLedgerAccountRequest { name: books.name("ledgerAccounts/payable") };
        let answer = books.world.ledger().get_ledger_account(request).await;
        assert_eq!(refused(answer, Code::InvalidArgument, "INVALID_FIELDS").fields(), ["name"]);
    }

    async fn accounts_are_listed_by_what_they_are_and_whose(world: World) {
        let books = Books::open(world, &["cirrus", "nimbus"]).await;
        books.post(history()).await;
        books.post(vec![earned("cirrus", "c", 100)]).await;
        let list = async |filter: &str, page_size: i32| -> Vec<String> {
            let (mut names, mut page_token) = (Vec::new(), String::new());
            loop {
                let request = pb::ListLedgerAccountsRequest {
                    parent: books.ecosystem.clone(),
                    filter: filter.to_owned(),
                    page_size,
                    page_token,
                    ..pb::ListLedgerAccountsRequest::default()
                };
                let page =
                    books.world.ledger().list_ledger_accounts(request).await.unwrap().into_inner();
                names.extend(page.ledger_accounts.into_iter().map(|account| {
                    account.name.rsplit('/').next().unwrap().to_owned()
                }));
                page_token = page.next_page_token;
                if page_token.is_empty() { return names; }
            }
        };
        let all = list("", 0).await;
        assert_eq!(all.len(), 10);
        assert_eq!(list("", 3).await, all);
        let payables = ["payable.cirrus.usd", "payable.nimbus.usd"];
        assert_eq!(list("account_class = PAYABLE AND currency_code = \"USD\"", 0).await, payables);
        let of = format!("partner = \"{}\"", books.name("partners/cirrus"));
        assert_eq!(list(&of, 0).await, ["payable.cirrus.usd"]);
        let of = format!("program = \"{}\"", books.name("programs/gold"));
        assert_eq!(list(&of, 0).await, ["commission-expense.gold.usd"]);
        assert_eq!(list("rail = bank AND detail != hold", 0).await.len(), 2);
        let request = pb::ListLedgerAccountsRequest {
            parent: books.ecosystem.clone(),
            filter: "balance > 0".to_owned(),
            order_by: "balance".to_owned(),
            ..pb::ListLedgerAccountsRequest::default()
        };
        let answer = books.world.ledger().list_ledger_accounts(request).await;
        let wrong = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(wrong.fields(), ["filter", "order_by"]);
    }

    async fn journals_are_listed_with_their_lines_and_found_by_what_they_touch(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(history()).await;
        let all = journals(&books, "").await;
        assert_eq!(all.len(), 10);
        for journal in &all {
            assert_eq!((journal.effective_date, journal.reverses.as_str()), (day((2026, 3, 2)), ""));
            let sum = |side: pb::Side| -> i64 {
                let lines = journal.lines.iter().filter(|line| line.side() == side);
                lines.map(|line| line.amount.as_ref().unwrap().units).sum()
            };
            assert_eq!(sum(pb::Side::Debit), sum(pb::Side::Credit), "{journal:#?}");
        }
        let [sent] = &journals(&books, "kind = PAYOUT_SEND AND sequence = 2").await[..] else {
            panic!("one journal sends b")
        };
        assert_eq!(sent.cause, books.name("awards/b"));
        let [debit, credit] = &sent.lines[..] else { panic!("{sent:#?}") };
        assert_eq!(debit.ledger_account, books.name("ledgerAccounts/in-payout.nimbus.usd"));
        assert_eq!((debit.side(), debit.entry_number), (pb::Side::Debit, 4));
        assert_eq!((debit.amount.clone(), debit.balance.clone()), (usd(2_000), usd(0)));
        assert_eq!(credit.award, books.name("awards/b"));
        assert_eq!(credit.balance, usd(2_000));
        let of_a = format!("cause = \"{}\"", books.name("awards/a"));
        assert_eq!(journals(&books, &of_a).await.len(), 7);
        assert_eq!(journals(&books, "cause:payoutBatches").await.len(), 1);
        assert!(journals(&books, "effective_date > \"2026-03-02\"").await.is_empty());
        let touching = async |account: &str, award: &str| {
            let request = pb::ListJournalsRequest {
                parent: books.ecosystem.clone(),
                ledger_account: account.to_owned(),
                award: award.to_owned(),
                ..pb::ListJournalsRequest::default()
            };
            books.world.ledger().list_journals(request).await.map(|page| {
                page.into_inner().journals.len()
            })
        };
        let account = books.name("ledgerAccounts/receivable.nimbus.usd");
        assert_eq!(touching(&account, "").await.unwrap(), 2);
        assert_eq!(touching("", &books.name("awards/b")).await.unwrap(), 3);
        assert_eq!(touching(&account, &books.name("awards/a")).await.unwrap(), 2);
        assert_eq!(touching("x", "y").await.unwrap_err().code(), Code::InvalidArgument);
        // Page by page it is the same list.
        let (mut paged, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListJournalsRequest {
                parent: books.ecosystem.clone(),
                page_size: 3,
                page_token,
                order_by: "record_time".to_owned(),
                ..pb::ListJournalsRequest::default()
            };
            let page = books.world.ledger().list_journals(request).await.unwrap().into_inner();
            paged.extend(page.journals);
            page_token = page.next_page_token;
            if page_token.is_empty() { break; }
        }
        assert_eq!(paged, all);
    }

    async fn the_trial_balance_balances_by_currency_class_and_account(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(history()).await;
        let before = books.world.clock().now();
        books.world.clock().advance(Duration::from_secs(60));
        books.post(vec![accrued("nimbus", "later", 1, 700)]).await;
        let get = async |as_of_time: Option<Timestamp>, page_size: i32| {
            let mut accounts = Vec::new();
            let mut page_token = String::new();
            loop {
                let request = pb::GetTrialBalanceRequest {
                    parent: books.ecosystem.clone(),
                    as_of_time,
                    page_size,
                    page_token,
                };
                let answer = books.world.ledger().get_trial_balance(request).await.unwrap();
                let answer = answer.into_inner();
                accounts.extend(answer.accounts);
                page_token = answer.next_page_token;
                if page_token.is_empty() { return (answer.currencies, accounts); }
            }
        };
        let (currencies, accounts) = get(None, 0).await;
        let [dollars] = &currencies[..] else { panic!("{currencies:#?}") };
        assert_eq!(dollars.currency_code, "USD");
        assert!(dollars.balanced);
        assert_eq!(dollars.debit_amount, dollars.credit_amount);
        let class = |class: pb::AccountClass| {
            dollars.classes.iter().find(|one| one.account_class() == class).unwrap().balance.clone()
        };
        // 120.00 of the 127.00 that was granted is paid or on its way, 7.00 is held.
        assert_eq!(class(pb::AccountClass::CommissionExpense), usd(12_700));
        assert_eq!(class(pb::AccountClass::Held), usd(700));
        assert_eq!(class(pb::AccountClass::Cash), usd(-10_000));
        assert_eq!(class(pb::AccountClass::PayoutClearing), usd(2_000));
        assert_eq!(class(pb::AccountClass::Receivable), usd(0));
        assert_eq!(class(pb::AccountClass::SetOff), usd(0));
        assert_eq!(accounts.len(), 9);
        assert_eq!(get(None, 2).await, (currencies.clone(), accounts));
        // As it was known before the last journal, read from the lines.
        let micros = before.micros();
        let as_of = Timestamp { seconds: micros / 1_000_000, nanos: 0 };
        let (then, accounts) = get(Some(as_of), 0).await;
        let [dollars] = &then[..] else { panic!("{then:#?}") };
        assert!(dollars.balanced);
        let spent = dollars.classes.last().unwrap();
        assert_eq!(spent.account_class(), pb::AccountClass::CommissionExpense);
        assert_eq!(spent.balance, usd(12_000));
        assert_eq!(accounts.len(), 9);
        assert_eq!(get(Some(as_of), 4).await.1, accounts);
        assert_eq!(get(Some(Timestamp { seconds: 0, nanos: 0 }), 0).await, (vec![], vec![]));
    }

    async fn a_balance_is_told_as_it_was_known_and_as_it_counts(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        let name = books.name("ledgerAccounts/payable.nimbus.usd");
        books.post(vec![earned("nimbus", "a", 100)]).await;
        let then = books.world.clock().now().micros() / 1_000_000;
        books.world.clock().advance(Duration::from_secs(60));
        let id = AwardId::try_new("b").unwrap();
        let lines = earned("nimbus", "b", 7).lines().to_vec();
        let early = today().plus_days(-10);
        let posting = Posting::try_new(Key::new("awards/b", 1), Kind::Accrual, early, lines).unwrap();
        assert_eq!(posting.lines()[0].award, Some(id));
        books.post(vec![posting]).await;
        let balance = async |seconds: Option<i64>, date: Option<(i32, i32, i32)>| {
            let request = pb::GetBalanceAsOfRequest {
                name: name.clone(),
                as_of_time: seconds.map(|seconds| Timestamp { seconds, nanos: 0 }),
                effective_date: date.and_then(day),
            };
            let answer = books.world.ledger().get_balance_as_of(request).await.unwrap().into_inner();
            assert_eq!((answer.ledger_account.as_str(), &answer.debit_amount), (&*name, &usd(0)));
            assert_eq!(answer.balance, answer.credit_amount);
            (answer.balance, answer.entry_count)
        };
        assert_eq!(balance(None, None).await, (usd(107), 2));
        assert_eq!(balance(Some(then), None).await, (usd(100), 1));
        assert_eq!(balance(Some(then - 1), None).await, (usd(0), 0));
        assert_eq!(balance(None, Some((2026, 3, 1))).await, (usd(7), 1));
        assert_eq!(balance(None, Some((2026, 3, 2))).await, (usd(107), 2));
        assert_eq!(balance(Some(then), Some((2026, 3, 1))).await, (usd(0), 0));
    }

    async fn verification_tells_what_is_broken_and_where(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(history()).await;
        books.assert_sound().await;
        tamper(&books, "UPDATE ledger_accounts SET credit_minor = credit_minor + 1 \
            WHERE class = 'CASH'").await;
        let request = pb::VerifyLedgerRequest { parent: books.ecosystem.clone() };
        let verified = books.world.ledger().verify_ledger(request).await.unwrap().into_inner();
        assert!(!verified.sound);
        assert_eq!((verified.journal_count, verified.line_count), (10, 24));
        let broken: Vec<_> =
            verified.checks.iter().filter(|check| check.finding_count > 0).collect();
        let found: Vec<_> = broken
            .iter()
            .map(|check| (check.rule(), check.findings[0].resource.as_str()))
            .collect();
        let cash = books.name("ledgerAccounts/cash.bank.usd");
        assert_eq!(found, [
            (pb::ledger_check::Rule::CurrenciesBalance, "USD"),
            (pb::ledger_check::Rule::AccountsEqualLines, cash.as_str()),
        ]);
        assert!(broken[1].findings[0].description.contains("10001"), "{broken:#?}");
        // Somebody else's ledger is as it was.
        let parent = books.world.ecosystem("other").await;
        let request = pb::VerifyLedgerRequest { parent };
        let other = books.world.ledger().verify_ledger(request).await.unwrap().into_inner();
        assert!(other.sound && other.line_count == 0);
    }

    async fn a_statement_leads_from_its_opening_to_its_closing_balance(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(history()).await;
        books.post(vec![accrued("nimbus", "c", 1, 999)]).await;
        let request = statement_request(&books, "nimbus");
        let statement = books.world.ledger().get_statement(request.clone()).await.unwrap().into_inner();
        assert_eq!(statement.partner, books.name("partners/nimbus"));
        assert_eq!((statement.start_date, statement.end_date), (request.start_date, request.end_date));
        let none = usd(0);
        assert_eq!(statement.currencies, [pb::StatementCurrency {
            currency_code: "USD".to_owned(),
            opening_balance: none.clone(),
            earned_amount: usd(15_999),
            clawed_back_amount: usd(3_000),
            paid_amount: usd(12_000),
            set_off_amount: usd(3_000),
            closing_balance: usd(999),
            held_amount: usd(999),
            review_amount: none.clone(),
            payable_amount: none.clone(),
            in_payout_amount: none.clone(),
            owed_amount: none.clone(),
            rejected_amount: none.clone(),
            adjusted_amount: none.clone(),
        }]);
        let mut told: Vec<_> = statement
            .movements
            .iter()
            .map(|movement| {
                let award = movement.award.rsplit('/').next().unwrap();
                (movement.kind(), award, movement.amount.as_ref().unwrap().units)
            })
            .collect();
        told.sort_unstable();
        assert_eq!(told, [
            (MovementKind::Earned, "a", 100),
            (MovementKind::Earned, "b", 50),
            (MovementKind::Earned, "c", 9),
            (MovementKind::ClawedBack, "a", -30),
            (MovementKind::Paid, "a", -100),
            (MovementKind::Paid, "b", -20),
            (MovementKind::SetOff, "a", 30),
            (MovementKind::SetOff, "b", -30),
        ]);
        let set_off = statement.movements.iter().find(|one| one.kind() == MovementKind::SetOff);
        let set_off = set_off.unwrap();
        assert_eq!(set_off.journal_kind(), pb::journal::Kind::PayoutReserve);
        assert_eq!(set_off.cause, books.name("payoutBatches/two/items/nimbus"));
        // Page by page it is the same list, with the same totals on every page.
        let (mut paged, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::GetStatementRequest { page_size: 3, page_token, ..request.clone() };
            let page = books.world.ledger().get_statement(request).await.unwrap().into_inner();
            assert_eq!(page.currencies, statement.currencies);
            paged.extend(page.movements);
            page_token = page.next_page_token;
            if page_token.is_empty() { break; }
        }
        assert_eq!(paged, statement.movements);
    }

    async fn the_closing_balance_of_a_period_is_the_opening_balance_of_the_next(world: World) {
        let books = Books::open(world, &["nimbus", "stratus"]).await;
        books.post(history()).await;
        books.post(owed("stratus", "s", 400)).await;
        let of = async |partner: &str, start, end| {
            let request = pb::GetStatementRequest {
                start_date: day(start),
                end_date: day(end),
                ..statement_request(&books, partner)
            };
            books.world.ledger().get_statement(request).await.unwrap().into_inner()
        };
        books.post(vec![accrued("nimbus", "c", 1, 999)]).await;
        let march = of("nimbus", (2026, 3, 2), (2026, 3, 3)).await;
        let april = of("nimbus", (2026, 3, 3), (2026, 4, 3)).await;
        assert_eq!(march.currencies[0].closing_balance, usd(999));
        assert_eq!(april.currencies[0].opening_balance, usd(999));
        assert_eq!(april.currencies[0].closing_balance, usd(999));
        assert_eq!(april.currencies[0].earned_amount, usd(0));
        assert!(april.movements.is_empty() && !march.movements.is_empty());
        // Who owes has a balance below zero.
        let owing = of("stratus", (2026, 3, 2), (2026, 3, 3)).await;
        assert_eq!(owing.currencies[0].closing_balance, usd(-400));
        assert_eq!(owing.currencies[0].owed_amount, usd(400));
        // Before anything happened there was nothing.
        assert!(of("nimbus", (2026, 1, 1), (2026, 3, 2)).await.currencies.is_empty());
    }

    async fn a_statement_needs_a_partner_and_a_period(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        let request = statement_request(&books, "nobody");
        let answer = books.world.ledger().get_statement(request).await;
        let absent = refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
        assert_eq!(absent.metadata["resource"], books.name("partners/nobody"));
        let request = pb::GetStatementRequest {
            end_date: day((2026, 3, 1)),
            ..statement_request(&books, "nimbus")
        };
        let answer = books.world.ledger().get_statement(request).await;
        let empty = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(empty.fields(), ["end_date"]);
        let request = pb::GetStatementRequest {
            parent: books.name("partners/nimbus"),
            start_date: day((2026, 2, 30)),
            ..pb::GetStatementRequest::default()
        };
        let answer = books.world.ledger().get_statement(request).await;
        let wrong = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(wrong.fields(), ["end_date", "start_date"]);
    }

    async fn an_export_brings_every_journal_once_and_is_taken_up_where_it_broke_off(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        for batch in 0..3 {
            books.post((0..401).map(|at| {
                earned("nimbus", &format!("a-{batch}-{at}"), 1)
            }).collect()).await;
            books.world.clock().advance(Duration::from_secs(1));
        }
        let export = async |after: &str, start: Option<(i32, i32, i32)>, end: Option<(i32, i32, i32)>| {
            let request = pb::ExportJournalsRequest {
                parent: books.ecosystem.clone(),
                start_date: start.and_then(day),
                end_date: end.and_then(day),
                after: after.to_owned(),
            };
            let mut stream = books.world.ledger().export_journals(request).await.unwrap().into_inner();
            let mut messages = Vec::new();
            while let Some(message) = stream.message().await.unwrap() {
                assert!(!message.journals.is_empty());
                messages.push(message.journals);
            }
            messages
        };
        let messages = export("", None, None).await;
        let sizes: Vec<usize> = messages.iter().map(Vec::len).collect();
        assert_eq!(sizes, [500, 500, 203]);
        let all = messages.concat();
        assert!(all.iter().all(|journal| journal.lines.len() == 2));
        let names: Vec<&str> = all.iter().map(|journal| journal.name.as_str()).collect();
        assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]));
        let rest = export(names[499], None, None).await.concat();
        assert_eq!(rest, all[500..]);
        assert!(export(names[1_202], None, None).await.is_empty());
        assert_eq!(export("", Some((2026, 3, 2)), Some((2026, 3, 3))).await.concat(), all);
        assert!(export("", Some((2026, 3, 3)), None).await.is_empty());
        assert!(export("", None, Some((2026, 3, 2))).await.is_empty());
        let request = pb::ExportJournalsRequest {
            parent: books.ecosystem.clone(),
            start_date: day((2026, 3, 2)),
            end_date: day((2026, 3, 2)),
            after: "x".to_owned(),
        };
        let answer = books.world.ledger().export_journals(request).await;
        let Err(status) = answer else { panic!("an empty period is refused") };
        let wrong = refused(Err::<tonic::Response<()>, _>(status), Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(wrong.fields(), ["after", "end_date"]);
    }

    async fn no_method_answers_for_an_ecosystem_that_does_not_exist(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        let parent = || "ecosystems/nope".to_owned();
        let mut ledger = books.world.ledger();
        let missing = |status: tonic::Status| {
            refused(Err::<tonic::Response<()>, _>(status), Code::NotFound, "RESOURCE_NOT_FOUND");
        };
        let request = pb::ListLedgerAccountsRequest { parent: parent(), ..Default::default() };
        missing(ledger.list_ledger_accounts(request).await.unwrap_err());
        let request = pb::ListJournalsRequest { parent: parent(), ..Default::default() };
        missing(ledger.list_journals(request).await.unwrap_err());
        let request = pb::GetTrialBalanceRequest { parent: parent(), ..Default::default() };
        missing(ledger.get_trial_balance(request).await.unwrap_err());
        missing(ledger.verify_ledger(pb::VerifyLedgerRequest { parent: parent() }).await.unwrap_err());
        let request = pb::ExportJournalsRequest { parent: parent(), ..Default::default() };
        missing(ledger.export_journals(request).await.unwrap_err());
    }
}
