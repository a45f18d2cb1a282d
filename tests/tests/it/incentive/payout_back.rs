//! What the bank does not pay, and what it returns.

use tonic::Code;
use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::payout_batch::State;
use trellis_api::incentive::v1::payout_item::State as ItemState;
use trellis_api::platform::v1::ListEventsRequest;
use trellis_store::incentive::ledger::Account;
use trellis_tests::{on_both, refused};

use super::books::{Books, day, earned, in_payout, owed, payable, receivable, usd};
use super::desk::{CHECKER, Desk, MAKER, approved, cash, clearing, dollars};

/// What `nimbus` is due and owes, what is on its way, and what the bank has paid.
async fn balances(books: &Books) -> [i64; 5] {
    let mut balances = [0; 5];
    let accounts: [Account; 5] = [
        payable("nimbus"),
        receivable("nimbus"),
        in_payout("nimbus"),
        clearing(),
        cash(),
    ];
    for (balance, account) in balances.iter_mut().zip(accounts) {
        *balance = books.balance(&account).await;
    }
    balances
}

async fn item(desk: &Desk, batch: &str) -> pb::PayoutItem {
    let items = desk.items(batch, "").await.into_iter();
    let mut items = items.filter(|item| item.name == format!("{batch}/items/nimbus"));
    items.next().unwrap()
}

/// The movements of `nimbus` in the month in which tests begin, and what it has then.
async fn statement(books: &Books) -> pb::StatementCurrency {
    let request = pb::GetStatementRequest {
        parent: books.name("partners/nimbus"),
        start_date: day((2026, 3, 1)),
        end_date: day((2026, 4, 1)),
        ..pb::GetStatementRequest::default()
    };
    let said = books.world.ledger().get_statement(request).await;
    said.unwrap().into_inner().currencies.swap_remove(0)
}

on_both! {
    async fn what_the_bank_does_not_pay_is_due_again_and_paid_by_the_next_batch(world: World) {
        let books = Books::open(world, &["cirrus", "nimbus"]).await;
        books.post(owed("nimbus", "debt", 4_000)).await;
        books.post(vec![earned("nimbus", "a", 10_000), earned("cirrus", "c", 700)]).await;
        let before = balances(&books).await;
        assert_eq!(before, [10_000, 4_000, 0, 0, -4_000]);
        let (maker, checker) = (Desk::of(&books, MAKER), Desk::of(&books, CHECKER));
        let batch = approved(&books, "march").await.name;
        let nimbus = format!("{batch}/items/nimbus");
        checker.send(&batch).await.unwrap();
        assert_eq!(balances(&books).await, [0, 0, 0, 6_700, -4_000]);

        let failed = checker.fail(&nimbus).await.unwrap().into_inner();
        assert_eq!(balances(&books).await, [10_000, 4_000, 0, 700, -4_000]);
        // The other item is still with the bank; what was sent stays what was sent.
        assert_eq!((failed.state(), failed.net_amount.clone()), (State::Sent, usd(6_700)));
        let told = item(&maker, &batch).await;
        assert_eq!((told.state(), told.bank_reason_code.as_str()), (ItemState::Failed, "AC04"));
        refused(checker.fail(&nimbus).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        refused(checker.come_back(&nimbus).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        books.assert_sound().await;

        let settled = checker.settle(&batch, &[]).await.unwrap().into_inner();
        assert_eq!((settled.state(), settled.settle_time.is_some()), (State::Settled, true));
        let again = approved(&books, "april").await.name;
        checker.send(&again).await.unwrap();
        checker.settle(&again, &[]).await.unwrap();
        assert_eq!(balances(&books).await, [0, 0, 0, 0, -10_700]);
        books.assert_sound().await;
    }

    async fn what_the_bank_returns_is_due_again_and_a_statement_says_so(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(owed("nimbus", "debt", 4_000)).await;
        books.post(vec![earned("nimbus", "a", 10_000)]).await;
        let before = (balances(&books).await, statement(&books).await);
        let checker = Desk::of(&books, CHECKER);
        let batch = approved(&books, "march").await.name;
        let nimbus = format!("{batch}/items/nimbus");
        refused(checker.come_back(&nimbus).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        checker.send(&batch).await.unwrap();
        refused(checker.come_back(&nimbus).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        checker.settle(&batch, &[]).await.unwrap();
        let paid = statement(&books).await;
        assert_eq!((paid.paid_amount.clone(), paid.set_off_amount.clone()), (usd(10_000), usd(4_000)));
        refused(checker.fail(&nimbus).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION");

        let last = checker.come_back(&nimbus).await.unwrap();
        assert_eq!(last.get_ref().state(), State::Settled);
        let told = item(&checker, &batch).await;
        assert_eq!((told.state(), told.bank_reason_code.as_str()), (ItemState::Returned, "MD06"));
        assert!(told.settle_time.is_some(), "it was settled, too");
        // Nothing is left of the payout but its journals.
        assert_eq!((balances(&books).await, statement(&books).await), before);
        refused(checker.come_back(&nimbus).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        books.assert_sound().await;

        let request = ListEventsRequest {
            parent: books.ecosystem.clone(),
            filter: format!("resource = \"{nimbus}\""),
            ..ListEventsRequest::default()
        };
        let reader = books.world.after(&last);
        let events = reader.events().list_events(request).await.unwrap().into_inner().events;
        let [event] = &events[..] else { panic!("{events:?}") };
        assert_eq!((event.r#type.as_str(), event.reason_code.as_str()), ("payout_item.returned", "MD06"));
        assert_eq!(event.actor, CHECKER);
    }

    async fn a_batch_of_which_everything_failed_is_settled_and_pays_nothing(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(vec![earned("nimbus", "a", 10_000)]).await;
        let checker = Desk::of(&books, CHECKER);
        let batch = approved(&books, "march").await.name;
        checker.send(&batch).await.unwrap();
        let failed = checker.fail(&format!("{batch}/items/nimbus")).await.unwrap().into_inner();
        assert_eq!((failed.state(), failed.settle_time.is_some()), (State::Settled, true));
        assert_eq!(balances(&books).await, [10_000, 0, 0, 0, 0]);
        let missing = checker.fail(&format!("{batch}/items/cirrus")).await;
        refused(missing, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        let maker = Desk::of(&books, MAKER);
        assert_eq!(maker.made("april", dollars()).await.net_amount, usd(10_000));
    }

    async fn told_twice_at_once_it_comes_back_once(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(vec![earned("nimbus", "a", 10_000)]).await;
        let checker = Desk::of(&books, CHECKER);
        let batch = approved(&books, "march").await.name;
        let nimbus = format!("{batch}/items/nimbus");
        checker.send(&batch).await.unwrap();
        let (one, other) = tokio::join!(checker.fail(&nimbus), checker.settle(&batch, &[]));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        let due = if one.is_ok() { 10_000 } else { 0 };
        assert_eq!(balances(&books).await, [due, 0, 0, 0, due - 10_000]);
        books.assert_sound().await;
    }
}
