//! The ledger: what can be posted, what the database refuses by itself, and that every check of the
//! verification goes red when what it checks is broken underneath.

use std::sync::{Arc, Mutex};

use sea_orm::{ConnectionTrait, DatabaseConnection};
use trellis_core::{AwardId, Currency, Date, LedgerAccountId, PartnerId, ProgramId, Timestamp};
use trellis_store::incentive::ledger::statement::Part;
use trellis_store::incentive::ledger::verify::{self, Rule};
use trellis_store::incentive::ledger::{
    self, Account, Buckets, Class, Fault, HoldReason, Key, Kind, Line, Posted, Posting, Rail,
    balance, period, statement,
};
use trellis_store::{Error, Txn};

use crate::on_both;
use crate::support::{Fixture, call, everything};

const USD: Currency = Currency::USD;
const DAY: Date = Date::EPOCH;

fn nimbus() -> PartnerId {
    PartnerId::try_new("nimbus").unwrap()
}

fn award(id: &str) -> AwardId {
    AwardId::try_new(id).unwrap()
}

fn expense() -> Account {
    Account::commission_expense(&ProgramId::try_new("gold").unwrap(), USD)
}

fn held() -> Account {
    Account::held(&nimbus(), HoldReason::Hold, USD)
}

fn review() -> Account {
    Account::review(&nimbus(), USD)
}

fn payable() -> Account {
    Account::payable(&nimbus(), USD)
}

fn receivable() -> Account {
    Account::receivable(&nimbus(), USD)
}

fn in_payout() -> Account {
    Account::in_payout(&nimbus(), USD)
}

fn set_off() -> Account {
    Account::set_off(&nimbus(), USD)
}

fn clearing() -> Account {
    Account::payout_clearing(Rail::Bank, USD)
}

fn cash() -> Account {
    Account::cash(Rail::Bank, USD)
}

/// A posting that moves an amount of one award between two accounts.
fn moving(of: &str, sequence: i64, kind: Kind, from: Account, to: Account, minor: i64) -> Posting {
    let award = award(of);
    let lines = Line::pair(from, to, Some(&award), minor).to_vec();
    Posting::try_new(Key::new(format!("awards/{of}"), sequence), kind, DAY, lines).unwrap()
}

fn accrual(of: &str, sequence: i64, minor: i64) -> Posting {
    moving(of, sequence, Kind::Accrual, expense(), held(), minor)
}

async fn post(fixture: &Fixture, postings: Vec<Posting>) -> Result<Vec<Posted>, Error> {
    let posted = Arc::new(Mutex::new(Vec::new()));
    fixture
        .store
        .write(
            call("acme"),
            (postings, posted.clone()),
            |txn, (postings, posted)| async move {
                *posted.lock().unwrap() = ledger::append(&txn, postings).await?;
                Ok::<(), Error>(())
            },
        )
        .await?;
    let posted = posted.lock().unwrap().clone();
    Ok(posted)
}

async fn buckets(fixture: &Fixture, of: &str) -> Buckets {
    let view = fixture.store.read(&call("acme")).await.unwrap();
    let award = award(of);
    let buckets = ledger::award_buckets(&view, std::slice::from_ref(&award))
        .await
        .unwrap();
    buckets.get(&award).copied().unwrap_or(Buckets::empty(USD))
}

async fn balance_of(fixture: &Fixture, account: &Account) -> i64 {
    let view = fixture.store.read(&call("acme")).await.unwrap();
    balance::find(&view, account.id())
        .await
        .unwrap()
        .map_or(0, |account| account.balance_minor())
}

/// The rules that find something, with what they find.
async fn broken(fixture: &Fixture) -> Vec<(Rule, String)> {
    let view = fixture.store.read(&call("acme")).await.unwrap();
    let mut broken = Vec::new();
    for rule in Rule::ALL {
        let check = verify::check(&view, rule).await.unwrap();
        assert_eq!(check.count, i64::try_from(check.findings.len()).unwrap());
        for finding in check.findings {
            broken.push((rule, format!("{}: {}", finding.subject, finding.what)));
        }
    }
    broken
}

/// Closes the month of a day.
async fn close(fixture: &Fixture, day: Date) -> Result<(), Error> {
    let close = |txn: Txn, day| async move {
        period::lock(&txn).await?;
        period::close(&txn, period::of(day)).await.map(drop)
    };
    fixture
        .store
        .write(call("acme"), day, close)
        .await
        .map(drop)
}

/// One award on its whole way, and another one that owes and is set off.
async fn whole_way(fixture: &Fixture) {
    let (a, b) = (award("a"), award("b"));
    let reserve = [
        Line::pair(payable(), set_off(), Some(&a), 30),
        Line::pair(payable(), in_payout(), Some(&a), 70),
        Line::pair(set_off(), receivable(), Some(&b), 30),
    ]
    .concat();
    let batch = Key::new("payoutBatches/1/items/nimbus", 1);
    let reserve = Posting::try_new(batch, Kind::PayoutReserve, DAY.plus_days(2), reserve).unwrap();
    let postings = vec![
        accrual("a", 1, 100),
        moving("a", 2, Kind::Release, held(), review(), 100),
        moving("a", 3, Kind::Approval, review(), payable(), 100),
        moving("b", 1, Kind::Accrual, expense(), payable(), 50),
        moving("b", 2, Kind::PayoutReserve, payable(), in_payout(), 50),
        moving("b", 3, Kind::PayoutSend, in_payout(), clearing(), 50),
        moving("b", 4, Kind::PayoutSettle, clearing(), cash(), 50),
        moving("b", 5, Kind::Clawback, receivable(), expense(), 30),
        reserve,
        moving("a", 4, Kind::PayoutSend, in_payout(), clearing(), 70),
        moving("a", 5, Kind::PayoutSettle, clearing(), cash(), 70),
    ];
    let posted = post(fixture, postings).await.unwrap();
    assert!(posted.iter().all(|posted| posted.fresh));
}

on_both! {
    async fn an_award_on_its_whole_way_always_adds_up_to_what_it_is_entitled_to(fixture: Fixture) {
        whole_way(&fixture).await;
        let paid = Buckets { paid: 100, ..Buckets::empty(USD) };
        assert_eq!(buckets(&fixture, "a").await, paid);
        assert_eq!(paid.due(), 100);
        let b = buckets(&fixture, "b").await;
        assert_eq!(b, Buckets { paid: 20, ..Buckets::empty(USD) });
        assert_eq!(b.due(), 20);
        assert_eq!(balance_of(&fixture, &cash()).await, -120);
        assert_eq!(balance_of(&fixture, &expense()).await, 120);
        assert_eq!(balance_of(&fixture, &set_off()).await, 0);
        assert_eq!(broken(&fixture).await, []);
    }
}

on_both! {
    async fn each_line_tells_its_number_and_the_balance_after_it(fixture: Fixture) {
        post(&fixture, vec![accrual("a", 1, 100), accrual("b", 1, 5)]).await.unwrap();
        let posted = post(&fixture, vec![accrual("a", 2, 7)]).await.unwrap();
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let lines = balance::lines(&view, &[posted[0].journal.clone()]).await.unwrap();
        let [debit, credit] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((debit.account.as_str(), debit.debit_minor), (expense().id().as_str(), 7));
        assert_eq!((credit.entry, credit.balance_minor), (3, 112));
        assert_eq!(credit.award_balance_minor, Some(107));
        assert_eq!(credit.posted().unwrap(), Line::credit(held(), Some(&award("a")), 7));
    }
}

on_both! {
    async fn a_posting_sent_again_is_posted_once(fixture: Fixture) {
        let first = post(&fixture, vec![accrual("a", 1, 100)]).await.unwrap();
        let again = post(&fixture, vec![accrual("a", 1, 100), accrual("a", 2, 5)]).await.unwrap();
        assert_eq!(again[0], Posted { fresh: false, ..first[0].clone() });
        assert!(again[1].fresh);
        // Twice in one batch is twice.
        let twice = post(&fixture, vec![accrual("a", 3, 1), accrual("a", 3, 1)]).await.unwrap();
        assert_eq!(twice[0].journal, twice[1].journal);
        assert!(!twice[1].fresh);
        assert_eq!(buckets(&fixture, "a").await.held, 106);
        assert_eq!(broken(&fixture).await, []);
    }
}

on_both! {
    async fn another_posting_under_a_used_key_is_refused_by_place_and_key(fixture: Fixture) {
        post(&fixture, vec![accrual("a", 1, 100)]).await.unwrap();
        for batch in [
            vec![accrual("b", 1, 1), accrual("a", 1, 99)],
            vec![accrual("c", 1, 1), accrual("c", 1, 2)],
        ] {
            let key = batch[1].key().clone();
            let Err(Error::Posting(refused)) = post(&fixture, batch).await else {
                panic!("it is not refused")
            };
            assert_eq!((refused.index, refused.key), (Some(1), key));
            assert_eq!(refused.fault, Fault::KeyReused);
        }
        assert_eq!(buckets(&fixture, "b").await.held, 0, "nothing of the batch was posted");
    }
}

on_both! {
    async fn no_line_takes_an_account_or_an_award_below_zero_even_for_a_moment(fixture: Fixture) {
        post(&fixture, vec![accrual("a", 1, 100), accrual("b", 1, 100)]).await.unwrap();
        let release = |of: &str, minor| moving(of, 9, Kind::Release, held(), review(), minor);
        for (batch, index, of) in [
            // More than there is.
            (vec![accrual("b", 2, 1), release("a", 250)], 1, None),
            // Enough on the account, but not for this award.
            (vec![release("a", 101)], 0, Some(award("a"))),
            // Made up for later in the same batch.
            (vec![release("a", 130), accrual("a", 2, 30)], 0, Some(award("a"))),
            // An account that does not even exist.
            (vec![moving("a", 9, Kind::Approval, review(), payable(), 1)], 0, None),
        ] {
            let refused = post(&fixture, batch).await;
            let Err(Error::Posting(refused)) = refused else { panic!("{refused:?}") };
            assert_eq!(refused.index, Some(index));
            let Fault::BelowZero { award, .. } = refused.fault else { panic!("{refused:?}") };
            assert_eq!(award, of);
        }
        assert_eq!(balance_of(&fixture, &held()).await, 200);
        assert_eq!(broken(&fixture).await, []);
    }
}

on_both! {
    async fn a_hot_account_loses_nothing_when_many_post_to_it_at_once(fixture: Fixture) {
        let fixture = Arc::new(fixture);
        let tasks = (0..16).map(|task| {
            let fixture = fixture.clone();
            tokio::spawn(async move {
                for round in 0..10 {
                    let of = format!("a-{task}-{round}");
                    let postings = vec![
                        accrual(&of, 1, 10),
                        moving(&of, 2, Kind::Release, held(), review(), 4),
                    ];
                    post(&fixture, postings).await.unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        assert_eq!(balance_of(&fixture, &expense()).await, 1_600);
        assert_eq!(balance_of(&fixture, &held()).await, 960);
        assert_eq!(balance_of(&fixture, &review()).await, 640);
        assert_eq!(broken(&fixture).await, []);
    }
}

on_both! {
    async fn one_key_posted_by_many_at_once_is_posted_once(fixture: Fixture) {
        let fixture = Arc::new(fixture);
        let tasks = (0..16).map(|_| {
            let fixture = fixture.clone();
            tokio::spawn(async move { post(&fixture, vec![accrual("a", 1, 10)]).await.unwrap() })
        });
        let mut fresh = 0;
        for task in tasks.collect::<Vec<_>>() {
            fresh += task.await.unwrap().iter().filter(|posted| posted.fresh).count();
        }
        assert_eq!(fresh, 1);
        assert_eq!(buckets(&fixture, "a").await.held, 10);
        assert_eq!(broken(&fixture).await, []);
    }
}

on_both! {
    async fn amounts_that_would_not_fit_are_refused(fixture: Fixture) {
        let most = |sequence| moving("a", sequence, Kind::Accrual, expense(), held(), i64::MAX);
        let refused = post(&fixture, vec![most(1), most(2)]).await;
        let Err(Error::Posting(refused)) = refused else { panic!("{refused:?}") };
        assert!(matches!(refused.fault, Fault::TooLarge { .. }), "{refused:?}");
    }
}

on_both! {
    async fn a_batch_of_many_statements_is_one(fixture: Fixture) {
        let postings = (0..1_200).map(|number| accrual(&format!("a-{number}"), 1, 1)).collect();
        let posted = post(&fixture, postings).await.unwrap();
        assert_eq!(posted.len(), 1_200);
        assert!(posted.is_sorted_by(|one, next| one.journal < next.journal));
        assert_eq!(balance_of(&fixture, &held()).await, 1_200);
        assert_eq!(broken(&fixture).await, []);
    }
}

on_both! {
    async fn ecosystems_have_ledgers_of_their_own(fixture: Fixture) {
        fixture.found("other", false).await;
        post(&fixture, vec![accrual("a", 1, 100)]).await.unwrap();
        let view = fixture.store.read(&call("other")).await.unwrap();
        assert!(ledger::award_buckets(&view, &[award("a")]).await.unwrap().is_empty());
        assert!(balance::find(&view, held().id()).await.unwrap().is_none());
        assert!(balance::by_class(&view, None).await.unwrap().is_empty());
        assert!(balance::by_account(&view, None, None, 10).await.unwrap().is_empty());
        assert!(balance::page(&view, &everything(10)).await.unwrap().rows.is_empty());
        let touching = balance::Touching::default();
        let journals = balance::journals(&view, &touching, &everything(10)).await.unwrap();
        assert!(journals.rows.is_empty());
        assert_eq!(verify::size(&view).await.unwrap(), (0, 0));
        let end = DAY.plus_days(9);
        assert!(statement::parts(&view, &nimbus(), DAY, end).await.unwrap().is_empty());
        let moved = statement::movements(&view, &nimbus(), DAY, end, None, 10).await.unwrap();
        assert!(moved.is_empty());
    }
}

on_both! {
    async fn balances_are_known_as_of_a_time_and_as_of_a_day(fixture: Fixture) {
        post(&fixture, vec![accrual("a", 1, 100)]).await.unwrap();
        let before = fixture.store.clock_now();
        fixture.clock.advance(std::time::Duration::from_secs(60));
        let later = Posting::try_new(
            Key::new("awards/a", 2),
            Kind::Accrual,
            DAY.plus_days(10),
            Line::pair(expense(), held(), Some(&award("a")), 7).to_vec(),
        );
        post(&fixture, vec![later.unwrap()]).await.unwrap();
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let credit = async |time: Timestamp, date: Option<Date>| {
            balance::as_of(&view, held().id(), time, date).await.unwrap().credit
        };
        assert_eq!(credit(view.now(), None).await, 107);
        assert_eq!(credit(before, None).await, 100);
        assert_eq!(credit(Timestamp::from_micros(before.micros() - 1), None).await, 0);
        assert_eq!(credit(view.now(), Some(DAY.plus_days(9))).await, 100);
        assert_eq!(credit(view.now(), Some(DAY.plus_days(10))).await, 107);
        for (time, expected) in [(None, 107), (Some(before), 100)] {
            let classes = balance::by_class(&view, time).await.unwrap();
            assert_eq!(classes.len(), 2);
            for one in classes {
                let sums = one.sums;
                assert_eq!(one.class.normal().balance(sums.debit, sums.credit), expected);
            }
            let accounts = balance::by_account(&view, time, None, 1).await.unwrap();
            assert_eq!(accounts[0].0, *expense().id());
            let after = Some(&accounts[0].0);
            let accounts = balance::by_account(&view, time, after, 9).await.unwrap();
            assert_eq!(accounts.len(), 1);
            assert_eq!((&accounts[0].0, accounts[0].1.credit), (held().id(), expected));
        }
    }
}

on_both! {
    async fn journals_are_found_by_account_by_award_and_by_day(fixture: Fixture) {
        whole_way(&fixture).await;
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let count = async |touching: balance::Touching| {
            balance::journals(&view, &touching, &everything(100)).await.unwrap().rows.len()
        };
        let all = balance::Touching::default();
        assert_eq!(count(all.clone()).await, 11);
        let account = Some(receivable().id().clone());
        assert_eq!(count(balance::Touching { account: account.clone(), ..all.clone() }).await, 2);
        let award = Some(award("b"));
        assert_eq!(count(balance::Touching { award: award.clone(), ..all.clone() }).await, 6);
        assert_eq!(count(balance::Touching { account, award, ..all.clone() }).await, 2);
        let from = Some(DAY.plus_days(1));
        assert_eq!(count(balance::Touching { from, ..all.clone() }).await, 1);
        assert_eq!(count(balance::Touching { until: from, ..all }).await, 10);
    }
}

on_both! {
    async fn movements_are_read_in_pages_that_neither_skip_nor_repeat(fixture: Fixture) {
        whole_way(&fixture).await;
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let (start, end) = (DAY, DAY.plus_days(3));
        let all = statement::movements(&view, &nimbus(), start, end, None, 100).await.unwrap();
        let mut paged = Vec::new();
        let mut place = None;
        loop {
            let page =
                statement::movements(&view, &nimbus(), start, end, place.as_ref(), 1).await.unwrap();
            let Some(last) = page.last() else { break };
            place = Some(statement::Place {
                effective_date: last.effective_date,
                journal: last.journal.to_string(),
                award: last.award.clone().map_or_else(String::new, AwardId::into_string),
            });
            paged.extend(page);
        }
        assert_eq!(paged, all);
        let mut amounts: Vec<i64> = all.iter().map(|movement| movement.minor).collect();
        amounts.sort_unstable();
        // Sent 70 and 50, taken back 30, set off 30 from a to b, earned 50 and 100.
        assert_eq!(amounts, [-70, -50, -30, -30, 30, 50, 100]);
        let parts = statement::parts(&view, &nimbus(), DAY.plus_days(2), end).await.unwrap();
        let within: Vec<_> = parts.iter().filter(|part| part.within).collect();
        assert!(within.iter().all(|part| part.kind == Kind::PayoutReserve));
        assert_eq!(within.len(), 4);
    }
}

/// The database beneath the store, with the writes that the store has no words for.
struct Beneath {
    database: DatabaseConnection,
    sqlite: bool,
}

impl Beneath {
    async fn of(fixture: &Fixture) -> Self {
        Self {
            database: fixture.beneath("acme").await,
            sqlite: trellis_store::is_sqlite(&fixture.url),
        }
    }

    async fn refuses(&self, sql: &str) -> String {
        let refused = self.run(sql).await.expect_err(sql);
        refused.to_string()
    }

    async fn run(&self, sql: &str) -> Result<u64, sea_orm::DbErr> {
        let (yes, no) = if self.sqlite {
            ("1", "0")
        } else {
            ("true", "false")
        };
        let sql = sql.replace("{yes}", yes).replace("{no}", no);
        Ok(self
            .database
            .execute_unprepared(&sql)
            .await?
            .rows_affected())
    }

    /// Removes what protects the ledger from whoever writes beneath the store.
    async fn unlock(&self) {
        let sql: &[&str] = if self.sqlite {
            &[
                "PRAGMA ignore_check_constraints = ON",
                "DROP TRIGGER ledger_journals_seal",
                "DROP TRIGGER ledger_lines_unsealed",
                "DROP TRIGGER ledger_journals_open",
                "DROP TRIGGER ledger_periods_no_update",
                "DROP TRIGGER ledger_periods_no_delete",
                "DROP TRIGGER ledger_journals_no_update",
                "DROP TRIGGER ledger_journals_no_delete",
                "DROP TRIGGER ledger_lines_no_update",
                "DROP TRIGGER ledger_lines_no_delete",
            ]
        } else {
            &[
                "ALTER TABLE ledger_lines DISABLE TRIGGER USER",
                "ALTER TABLE ledger_journals DISABLE TRIGGER USER",
                "ALTER TABLE ledger_periods DISABLE TRIGGER USER",
                "ALTER TABLE ledger_lines DROP CONSTRAINT ledger_lines_never_below_zero",
            ]
        };
        for sql in sql {
            self.run(sql).await.unwrap();
        }
    }
}

const LINE: &str = "INSERT INTO ledger_lines (ecosystem, journal, line, account, entry, award, \
    currency, debit_minor, credit_minor, constrained, balance_minor, award_balance_minor, \
    effective_date, record_time) VALUES ";
const JOURNAL: &str = "INSERT INTO ledger_journals (ecosystem, id, kind, cause, sequence, \
    content_hash, effective_date, record_time, reverses, line_count) VALUES ";

/// The bytes of an empty hash, as both databases write them.
fn no_hash(sqlite: bool) -> &'static str {
    if sqlite { "x''" } else { "'\\x'" }
}

on_both! {
    async fn the_database_itself_refuses_what_a_ledger_must_not_hold(fixture: Fixture) {
        post(&fixture, vec![accrual("a", 1, 100)]).await.unwrap();
        let beneath = Beneath::of(&fixture).await;
        let hash = no_hash(beneath.sqlite);
        let line = |number: i64, entry: i64, award: &str, debit: i64, credit: i64| {
            format!(
                "('acme', 'j', {number}, 'held.nimbus.hold.usd', {entry}, '{award}', 'USD', \
                 {debit}, {credit}, {{yes}}, 1, 1, 0, 0)"
            )
        };
        let journal =
            |count: i64| format!("{JOURNAL} ('acme', 'j', 'ACCRUAL', 'x', 1, {hash}, 0, 0, NULL, {count})");
        for table in ["ledger_lines", "ledger_journals"] {
            let never = beneath.refuses(&format!("UPDATE {table} SET record_time = 1")).await;
            assert!(never.contains("never changed"), "{never}");
            let never = beneath.refuses(&format!("DELETE FROM {table}")).await;
            assert!(never.contains("never"), "{never}");
        }
        let sealed = format!(
            "{LINE} ('acme', (SELECT id FROM ledger_journals), 7, 'held.nimbus.hold.usd', 7, 'a', \
             'USD', 0, 5, {{yes}}, 1, 1, 0, 0)"
        );
        assert!(beneath.refuses(&sealed).await.contains("sealed"));
        // Each case in a transaction of its own, which is given up.
        let refused = async |lines: &[String], count: i64| {
            beneath.run("BEGIN").await.unwrap();
            beneath.run(&format!("{LINE} {}", lines.join(", "))).await.unwrap();
            let refused = beneath.refuses(&journal(count)).await;
            beneath.run("ROLLBACK").await.unwrap();
            refused
        };
        let two = [line(0, 7, "a", 5, 0), line(1, 8, "a", 0, 5)];
        let missing = refused(&two, 3).await;
        assert!(missing.contains("all of its lines"), "{missing}");
        let unequal = [line(0, 7, "a", 5, 0), line(1, 8, "a", 0, 6)];
        assert!(refused(&unequal, 2).await.contains("do not balance"));
        let crossed = [line(0, 7, "a", 5, 0), line(1, 8, "b", 0, 5)];
        assert!(refused(&crossed, 2).await.contains("do not balance"));
        let open = [
            line(0, 7, "a", 5, 0),
            line(1, 8, "a", 0, 5).replace("held.nimbus.hold.usd", "set-off.nimbus.usd"),
        ];
        assert!(refused(&open, 2).await.contains("set-off"));
        for below in [", 1, -1, 0, 0)", ", -1, 1, 0, 0)"] {
            let line = line(0, 7, "a", 5, 0).replace(", 1, 1, 0, 0)", below);
            assert!(beneath.refuses(&format!("{LINE} {line}")).await.contains("never_below_zero"));
        }
        for sides in [(0, 0), (5, 5), (-5, 0)] {
            let sql = format!("{LINE} {}", line(0, 7, "a", sides.0, sides.1));
            assert!(beneath.refuses(&sql).await.contains("one_side"), "{sides:?}");
        }
        // What is right is taken, so it is not the statement that was refused.
        beneath.run("BEGIN").await.unwrap();
        beneath.run(&format!("{LINE} {}", two.join(", "))).await.unwrap();
        beneath.run(&journal(2)).await.unwrap();
        beneath.run("ROLLBACK").await.unwrap();
        assert_eq!(broken(&fixture).await, []);
    }
}

const TABLES: [&str; 6] = [
    "ledger_lines",
    "ledger_journals",
    "ledger_accounts",
    "ledger_slices",
    "ledger_periods",
    "plan_budgets",
];

/// Breaks the ledger of an award on its whole way, and tells which rules must find it.
const BREAKS: &[(&str, &[Rule])] = &[
    // An amount is changed: the journal no longer balances, and neither does anything above it.
    (
        "UPDATE ledger_lines SET credit_minor = credit_minor + 1, balance_minor = balance_minor + 1 \
         WHERE account = 'held.nimbus.hold.usd' AND credit_minor > 0",
        &[
            Rule::JournalsBalance,
            Rule::CurrenciesBalance,
            Rule::AccountsEqualLines,
            Rule::AwardsEqualLines,
            Rule::LinesFollow,
            Rule::AwardsAddUp,
        ],
    ),
    // A line belongs to another award.
    (
        "UPDATE ledger_lines SET award = 'c' WHERE account = 'review.nimbus.usd' \
         AND credit_minor > 0",
        &[
            Rule::JournalsBalance,
            Rule::AwardsEqualLines,
            Rule::NeverBelowZero,
            Rule::LinesFollow,
            Rule::AwardsAddUp,
        ],
    ),
    // The total of an account is changed, so that it no longer balances against the others.
    (
        "UPDATE ledger_accounts SET debit_minor = debit_minor + 1 WHERE class = 'CASH'",
        &[Rule::CurrenciesBalance, Rule::AccountsEqualLines],
    ),
    // The count of an account is changed.
    (
        "UPDATE ledger_accounts SET entries = entries + 1 WHERE class = 'CASH'",
        &[Rule::AccountsEqualLines],
    ),
    // What an award has on an account is changed.
    (
        "UPDATE ledger_slices SET credit_minor = credit_minor + 1 WHERE account = \
         'payable.nimbus.usd' AND award = 'a'",
        &[Rule::AwardsEqualLines],
    ),
    // A slice disappears.
    (
        "DELETE FROM ledger_slices WHERE account = 'cash.bank.usd'",
        &[Rule::AwardsEqualLines],
    ),
    // Two lines change places: first out, then in.
    (
        "UPDATE ledger_lines SET entry = 3 - entry + 100 WHERE account = 'review.nimbus.usd'; \
         UPDATE ledger_lines SET entry = entry - 100 WHERE account = 'review.nimbus.usd'",
        &[Rule::NeverBelowZero, Rule::LinesFollow],
    ),
    // A number is left out.
    (
        "UPDATE ledger_lines SET entry = 9 WHERE account = 'cash.bank.usd' AND entry = 2",
        &[Rule::LinesFollow],
    ),
    // A line lies about the balance after it.
    (
        "UPDATE ledger_lines SET balance_minor = 7 WHERE account = 'cash.bank.usd' AND entry = 1",
        &[Rule::LinesFollow],
    ),
    (
        "UPDATE ledger_lines SET award_balance_minor = 7 WHERE account = 'cash.bank.usd' \
         AND entry = 1",
        &[Rule::LinesFollow],
    ),
    // A journal disappears, and its lines stay.
    (
        "DELETE FROM ledger_journals WHERE kind = 'RELEASE'",
        &[Rule::LinesSealed],
    ),
    // The lines disappear, and the journal stays.
    (
        "DELETE FROM ledger_lines WHERE journal IN \
         (SELECT id FROM ledger_journals WHERE kind = 'RELEASE')",
        &[
            Rule::AccountsEqualLines,
            Rule::AwardsEqualLines,
            Rule::NeverBelowZero,
            Rule::LinesFollow,
            Rule::LinesSealed,
        ],
    ),
    // A journal says another day than its lines.
    (
        "UPDATE ledger_journals SET effective_date = 99 WHERE kind = 'RELEASE'",
        &[Rule::LinesSealed],
    ),
    // A journal claims to reverse one that it does not mirror.
    (
        "UPDATE ledger_journals SET reverses = (SELECT id FROM ledger_journals \
         WHERE kind = 'APPROVAL') WHERE kind = 'RELEASE'",
        &[Rule::ReversalsMirror],
    ),
    // A journal comes to count in a closed month.
    (
        "UPDATE ledger_lines SET effective_date = -1 WHERE journal IN \
         (SELECT id FROM ledger_journals WHERE kind = 'RELEASE'); \
         UPDATE ledger_journals SET effective_date = -1 WHERE kind = 'RELEASE'",
        &[Rule::PeriodsClosed],
    ),
    // One comes to count before anything was closed.
    (
        "UPDATE ledger_lines SET effective_date = -99 WHERE journal IN \
         (SELECT id FROM ledger_journals WHERE kind = 'RELEASE'); \
         UPDATE ledger_journals SET effective_date = -99 WHERE kind = 'RELEASE'",
        &[Rule::PeriodsClosed],
    ),
    // A closed month is open again.
    (
        "DELETE FROM ledger_periods WHERE id = '1969-11'",
        &[Rule::PeriodsClosed],
    ),
    // More is said to be spent of a budget than there are awards for.
    (
        "INSERT INTO plan_budgets \
         (ecosystem, plan, period_start, period_end, spent_minor, first_cut, terms) \
         VALUES ('acme', 'spiff', 0, 365, 7, NULL, '')",
        &[Rule::BudgetsAddUp],
    ),
    // A journal claims to reverse one that does not exist.
    (
        "UPDATE ledger_journals SET reverses = 'gone' WHERE kind = 'RELEASE'",
        &[Rule::ReversalsMirror],
    ),
];

on_both! {
    async fn every_check_goes_red_when_what_it_checks_is_broken_underneath(fixture: Fixture) {
        for month in [-3, -2, -1] {
            close(&fixture, DAY.plus_months(month)).await.unwrap();
        }
        whole_way(&fixture).await;
        assert_eq!(broken(&fixture).await, []);
        let beneath = Beneath::of(&fixture).await;
        beneath.unlock().await;
        for table in TABLES {
            beneath.run(&format!("CREATE TABLE good_{table} AS SELECT * FROM {table}")).await.unwrap();
        }
        let mut red: Vec<Rule> = Vec::new();
        for (sql, expected) in BREAKS {
            for sql in sql.split("; ") {
                assert!(beneath.run(sql).await.unwrap() > 0, "it changes nothing: {sql}");
            }
            let broken = broken(&fixture).await;
            let mut rules: Vec<Rule> = broken.iter().map(|(rule, _)| *rule).collect();
            rules.dedup();
            assert_eq!(rules, *expected, "{sql}\n{broken:#?}");
            red.extend(rules);
            for table in TABLES {
                beneath.run(&format!("DELETE FROM {table}")).await.unwrap();
                let back = format!("INSERT INTO {table} SELECT * FROM good_{table}");
                beneath.run(&back).await.unwrap();
            }
        }
        assert_eq!(self::broken(&fixture).await, []);
        for rule in Rule::ALL {
            assert!(red.contains(&rule), "nothing turned {rule:?} red");
        }
    }
}

on_both! {
    async fn a_reversal_mirrors_its_journal_and_can_be_made_once(fixture: Fixture) {
        whole_way(&fixture).await;
        post(&fixture, vec![accrual("c", 1, 40)]).await.unwrap();
        let pay = |sequence, kind, from, to| moving("c", sequence, kind, from, to, 40);
        let posted = post(&fixture, vec![
            pay(2, Kind::Approval, held(), payable()),
            pay(3, Kind::PayoutReserve, payable(), in_payout()),
        ])
        .await
        .unwrap();
        let reserve = posted[1].journal.clone();
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let lines: Vec<Line> = balance::lines(&view, std::slice::from_ref(&reserve))
            .await
            .unwrap()
            .iter()
            .map(|line| line.posted().unwrap())
            .collect();
        let back = |sequence| {
            let key = Key::new("awards/c", sequence);
            Posting::reversing(reserve.clone(), &lines, key, Kind::PayoutCancel, DAY).unwrap()
        };
        post(&fixture, vec![back(4)]).await.unwrap();
        assert_eq!(buckets(&fixture, "c").await.payable, 40);
        assert_eq!(broken(&fixture).await, []);
        // Under another key it would be a second reversal of the same journal.
        post(&fixture, vec![pay(5, Kind::PayoutReserve, payable(), in_payout())]).await.unwrap();
        post(&fixture, vec![back(6)]).await.unwrap_err();
        assert_eq!(buckets(&fixture, "c").await.in_payout, 40);
    }
}

on_both! {
    async fn no_journal_counts_in_a_closed_month(fixture: Fixture) {
        post(&fixture, vec![accrual("a", 1, 100)]).await.unwrap();
        close(&fixture, DAY).await.unwrap();
        assert!(close(&fixture, DAY).await.is_err(), "it is closed once");
        let late = moving("a", 2, Kind::Release, held(), review(), 60);
        let same = Posting::try_new(
            Key::new("awards/a", 3),
            Kind::Release,
            DAY.plus_days(40),
            Line::pair(held(), review(), Some(&award("a")), 40).to_vec(),
        )
        .unwrap();
        let own = same.clone().belonging_to(DAY.plus_days(35));
        let posted = post(&fixture, vec![late.clone(), own]).await.unwrap();
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let told = async |which: usize| {
            let journal = balance::journal(&view, &posted[which].journal).await.unwrap().unwrap();
            let lines = balance::lines(&view, std::slice::from_ref(&journal.id)).await.unwrap();
            assert!(lines.iter().all(|line| line.effective_date == journal.effective_date));
            (journal.effective_date, journal.attributed_period.map(String::from))
        };
        // The first day that is open, and the month that it belongs to; or its own day and month.
        assert_eq!(told(0).await, (DAY.plus_days(31), Some("1970-01".to_owned())));
        assert_eq!(told(1).await, (DAY.plus_days(40), None));
        // Sent again, it is the same posting.
        assert!(!post(&fixture, vec![late]).await.unwrap()[0].fresh);
        assert_eq!(broken(&fixture).await, []);
        // Whoever writes past the store is refused by the database.
        let beneath = Beneath::of(&fixture).await;
        let hash = no_hash(beneath.sqlite);
        let write = async |day: i32| {
            beneath.run("BEGIN").await.unwrap();
            let line = |number, debit, credit| format!(
                "('acme', 'j', {number}, 'cash.bank.usd', {}, NULL, 'USD', {debit}, {credit}, \
                 {{no}}, 0, NULL, {day}, 0)", 7 + number
            );
            let lines = format!("{LINE} {}, {}", line(0, 5, 0), line(1, 0, 5));
            beneath.run(&lines).await.unwrap();
            let journal =
                format!("{JOURNAL} ('acme', 'j', 'ACCRUAL', 'x', 1, {hash}, {day}, 0, NULL, 2)");
            let written = beneath.run(&journal).await;
            beneath.run("ROLLBACK").await.unwrap();
            written
        };
        for day in [0, 30, -1, -400] {
            let refused = write(day).await.unwrap_err().to_string();
            assert!(refused.contains("the period is closed"), "{day}: {refused}");
        }
        write(31).await.unwrap();
        for sql in ["UPDATE ledger_periods SET journal_count = 9", "DELETE FROM ledger_periods"] {
            let never = beneath.refuses(sql).await;
            assert!(never.contains("never"), "{never}");
        }
    }
}

/// What a closed month says: the parts of its statement, and the balance of each account after it.
#[derive(Debug, PartialEq)]
struct Said {
    start: Date,
    end: Date,
    parts: Vec<Part>,
    movements: Vec<statement::Movement>,
    balances: Vec<balance::Sums>,
}

impl Said {
    async fn by(fixture: &Fixture, start: Date) -> Self {
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let end = start.plus_months(1);
        let mut parts = statement::parts(&view, &nimbus(), start, end)
            .await
            .unwrap();
        parts.sort_by_key(|part| format!("{:?}", (part.class, part.kind, part.within)));
        let of = nimbus();
        let movements = statement::movements(&view, &of, start, end, None, 10_000);
        let movements = movements.await.unwrap();
        let mut balances = Vec::new();
        let ever = Timestamp::from_micros(i64::MAX);
        for account in [
            expense(),
            held(),
            review(),
            payable(),
            receivable(),
            in_payout(),
            cash(),
        ] {
            let day = Some(end.plus_days(-1));
            balances.push(
                balance::as_of(&view, account.id(), ever, day)
                    .await
                    .unwrap(),
            );
        }
        Self {
            start,
            end,
            parts,
            movements,
            balances,
        }
    }
}

on_both! {
    /// Postings of any day come in, and months are closed; what a month says when it is closed, it
    /// says for ever.
    async fn closed_months_never_change(fixture: Fixture) {
        let mut dice = Dice(0x2026_1127_0181_0001);
        let mut said: Vec<Said> = Vec::new();
        let (mut today, mut held_minor) = (DAY, 0);
        for sequence in 0..120 {
            let day = today.plus_days(i32::try_from(-dice.roll(90)).unwrap());
            let (kind, from, to, minor) = if held_minor > 0 && dice.roll(2) == 0 {
                let minor = 1 + dice.roll(held_minor);
                held_minor -= minor;
                match dice.roll(2) {
                    0 => (Kind::Release, held(), review(), minor),
                    _ => (Kind::Clawback, held(), expense(), minor),
                }
            } else {
                let minor = 1 + dice.roll(500);
                held_minor += minor;
                (Kind::Accrual, expense(), held(), minor)
            };
            let a = award("a");
            let lines = Line::pair(from, to, Some(&a), minor).to_vec();
            let posting = Posting::try_new(Key::new("awards/a", sequence), kind, day, lines);
            let posting = posting.unwrap().belonging_to(day.plus_days(-3));
            post(&fixture, vec![posting]).await.unwrap();
            today = today.plus_days(i32::try_from(dice.roll(8)).unwrap());
            let next = said.last().map_or(DAY.plus_months(-4), |last| last.end);
            if dice.roll(4) == 0 && next.plus_months(1) <= today {
                close(&fixture, next).await.unwrap();
                said.push(Said::by(&fixture, next).await);
            }
            if sequence % 10 == 0 {
                for before in &said {
                    assert_eq!(&Said::by(&fixture, before.start).await, before);
                }
                assert_eq!(broken(&fixture).await, [], "after {sequence}");
            }
        }
        assert!(said.len() > 5, "{} months were closed", said.len());
        let late = fixture.store.read(&call("acme")).await.unwrap();
        let all = balance::journals(&late, &balance::Touching::default(), &everything(1_000)).await.unwrap();
        let moved = all.rows.iter().filter(|journal| journal.attributed_period.is_some()).count();
        assert!(moved > 20, "{moved} came too late");
        // The control: what comes to count in a closed month past all that protects it is seen.
        let beneath = Beneath::of(&fixture).await;
        beneath.unlock().await;
        let day = said[0].start.days();
        let slip = format!("UPDATE ledger_lines SET effective_date = {day} WHERE entry = 1");
        beneath.run(&slip).await.unwrap();
        assert_ne!(Said::by(&fixture, said[0].start).await, said[0]);
    }
}

/// A random but repeatable number generator: the seed is the test's.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }
}

on_both! {
    async fn random_histories_never_leave_what_a_model_of_the_ledger_says(fixture: Fixture) {
        let mut dice = Dice(0x2026_1123_0042_0001);
        let of = ["a", "b", "c"];
        let mut model = [Buckets::empty(USD); 3];
        let mut sequence = 0;
        for round in 0..60 {
            let mut batch = Vec::new();
            for _ in 0..=dice.roll(4) {
                sequence += 1;
                let which = usize::try_from(dice.roll(3)).unwrap();
                let (award, has) = (of[which], &mut model[which]);
                let mut pay = |kind, from, to, minor| {
                    batch.push(moving(award, sequence, kind, from, to, minor));
                };
                let part = |dice: &mut Dice, whole: i64| 1 + dice.roll(whole);
                match dice.roll(8) {
                    0 | 1 => {
                        let minor = part(&mut dice, 1_000);
                        has.held += minor;
                        pay(Kind::Accrual, expense(), held(), minor);
                    }
                    2 if has.held > 0 => {
                        let minor = part(&mut dice, has.held);
                        has.held -= minor;
                        has.review += minor;
                        pay(Kind::Release, held(), review(), minor);
                    }
                    3 if has.review > 0 => {
                        let minor = part(&mut dice, has.review);
                        has.review -= minor;
                        has.payable += minor;
                        pay(Kind::Approval, review(), payable(), minor);
                    }
                    4 if has.payable > 0 => {
                        let minor = part(&mut dice, has.payable);
                        has.payable -= minor;
                        has.in_payout += minor;
                        pay(Kind::PayoutReserve, payable(), in_payout(), minor);
                    }
                    5 if has.in_payout > 0 => {
                        let minor = has.in_payout;
                        has.in_payout = 0;
                        has.paid += minor;
                        pay(Kind::PayoutSend, in_payout(), clearing(), minor);
                        sequence += 1;
                        let settle = Kind::PayoutSettle;
                        batch.push(moving(award, sequence, settle, clearing(), cash(), minor));
                    }
                    6 if has.payable > 0 => {
                        let minor = part(&mut dice, has.payable);
                        has.payable -= minor;
                        pay(Kind::Clawback, payable(), expense(), minor);
                    }
                    7 if has.paid > has.owed => {
                        let minor = part(&mut dice, has.paid - has.owed);
                        has.owed += minor;
                        pay(Kind::Clawback, receivable(), expense(), minor);
                    }
                    _ => {}
                }
            }
            post(&fixture, batch).await.unwrap();
            for (award, has) in of.iter().zip(&model) {
                assert_eq!(buckets(&fixture, award).await, *has, "after round {round}");
            }
            if round % 10 == 0 {
                assert_eq!(broken(&fixture).await, [], "after round {round}");
            }
        }
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let due: i64 = model.iter().map(Buckets::due).sum();
        let classes = balance::by_class(&view, None).await.unwrap();
        let spent = classes.iter().find(|one| one.class == Class::CommissionExpense).unwrap();
        assert_eq!(spent.sums.debit - spent.sums.credit, due);
        assert_eq!(broken(&fixture).await, []);
        let unknown = LedgerAccountId::try_new("payable.nobody.usd").unwrap();
        assert!(balance::find(&view, &unknown).await.unwrap().is_none());
    }
}
