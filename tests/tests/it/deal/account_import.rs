//! `ImportAccounts`.

use std::collections::HashMap;

use futures::StreamExt;
use prost_types::FieldMask;
use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::google::r#type::Money;
use trellis_api::platform::v1::ListEventsRequest;
use trellis_api::rpc::v1::RowOutcome;
use trellis_api::rpc::v1::row_outcome::Result as Became;
use trellis_tests::{World, on_both, refused};

use super::outcomes::{became, counts, wrong};

/// A row: the account's external id, and its parent's.
fn row(external_id: &str, parent: &str) -> pb::ImportAccountRow {
    pb::ImportAccountRow {
        row_number: 1,
        account: Some(pb::Account {
            display_name: external_id.to_uppercase(),
            external_id: external_id.to_owned(),
            ..pb::Account::default()
        }),
        parent_external_id: parent.to_owned(),
    }
}

fn rows(links: &[(&str, &str)]) -> Vec<pb::ImportAccountRow> {
    links
        .iter()
        .map(|(external_id, parent)| row(external_id, parent))
        .collect()
}

/// Sends messages through one stream; answers what became of their rows, all together.
async fn send(world: &World, messages: Vec<Vec<pb::ImportAccountRow>>) -> Vec<RowOutcome> {
    let sent = messages.len();
    let messages = messages.into_iter().map(|rows| pb::ImportAccountsRequest {
        parent: "ecosystems/acme".to_owned(),
        rows,
        validate_only: false,
    });
    let messages: Vec<_> = messages.collect();
    let answers = world
        .accounts()
        .import_accounts(tokio_stream::iter(messages))
        .await
        .unwrap();
    let answers: Vec<_> = answers
        .into_inner()
        .map(|answer| answer.unwrap())
        .collect()
        .await;
    assert_eq!(answers.len(), sent, "one answer for each message");
    answers
        .into_iter()
        .flat_map(|answer| answer.outcomes)
        .collect()
}

async fn all(world: &World, filter: &str) -> Vec<pb::Account> {
    let request = pb::ListAccountsRequest {
        parent: "ecosystems/acme".to_owned(),
        page_size: 1_000,
        filter: filter.to_owned(),
        ..pb::ListAccountsRequest::default()
    };
    let page = world
        .accounts()
        .list_accounts(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.next_page_token, "");
    page.accounts
}

/// Each account's parent, by external ids; `?` before that of one that is waited for.
async fn family(world: &World) -> HashMap<String, String> {
    let accounts = all(world, "").await;
    let parent = |account: &pb::Account| {
        let found = accounts
            .iter()
            .find(|parent| parent.name == account.parent_account);
        match found {
            Some(parent) => parent.external_id.clone(),
            None if account.pending_parent_external_id.is_empty() => String::new(),
            None => format!("?{}", account.pending_parent_external_id),
        }
    };
    accounts
        .iter()
        .map(|account| (account.external_id.clone(), parent(account)))
        .collect()
}

fn expected(links: &[(&str, &str)]) -> HashMap<String, String> {
    links
        .iter()
        .map(|(own, parent)| ((*own).to_owned(), (*parent).to_owned()))
        .collect()
}

/// Kind, reason and external id of the events of accounts.
async fn events(world: &World, position: &str) -> Vec<(String, String, String)> {
    let names: HashMap<String, String> = all(world, "")
        .await
        .into_iter()
        .map(|account| (account.name, account.external_id))
        .collect();
    let request = ListEventsRequest {
        parent: "ecosystems/acme".to_owned(),
        page_size: 1_000,
        filter: "type:\"account.\"".to_owned(),
        ..ListEventsRequest::default()
    };
    let events = world
        .since(position)
        .events()
        .list_events(request)
        .await
        .unwrap();
    let events = events.into_inner().events.into_iter();
    events
        .map(|event| {
            (
                event.r#type,
                event.reason_code,
                names[&event.resource].clone(),
            )
        })
        .collect()
}

on_both! {
    async fn a_whole_export_comes_and_again_changes_nothing(world: World) {
        world.ecosystem("acme").await;
        // Children before and after their parents, over three messages, and every field in use.
        let export = || -> Vec<Vec<pb::ImportAccountRow>> {
            let account = |at: i64| {
                let parent = if at % 4 == 0 { String::new() } else { format!("c{}", (at * 7) % 160 / 4 * 4) };
                pb::ImportAccountRow {
                    row_number: at + 2,
                    account: Some(pb::Account {
                        display_name: format!("Customer {at}"),
                        region_code: "US".to_owned(),
                        domains: vec![format!("www.customer{at}.example")],
                        industry: "retail".to_owned(),
                        annual_revenue: Some(Money {
                            currency_code: "USD".to_owned(),
                            units: at * 1_000_000,
                            nanos: 40_000_000,
                        }),
                        employee_count: at * 10,
                        founded_year: 1980,
                        external_id: format!("c{at}"),
                        ..pb::Account::default()
                    }),
                    parent_external_id: parent,
                }
            };
            let accounts: Vec<_> = (0..160).map(account).collect();
            accounts.chunks(60).map(<[_]>::to_vec).collect()
        };
        let first = send(&world, export()).await;
        assert_eq!(counts(&first), [160, 0, 0, 0]);
        assert_eq!(first[0].row_number, 2);
        assert_eq!(first[159].external_id, "c159");
        let accounts = all(&world, "").await;
        let with_parent = accounts.iter().filter(|account| !account.parent_account.is_empty());
        assert_eq!(with_parent.count(), 120);
        assert!(accounts.iter().all(|account| account.pending_parent_external_id.is_empty()));
        let one = accounts.iter().find(|account| account.external_id == "c13").unwrap();
        assert_eq!(one.registrable_domains, ["customer13.example"]);
        assert_eq!(one.name, first[13].name);

        let second = send(&world, export()).await;
        assert_eq!(counts(&second), [0, 0, 160, 0]);
        assert_eq!(all(&world, "").await, accounts);
    }

    async fn a_parent_may_stand_after_its_children_in_one_message(world: World) {
        world.ecosystem("acme").await;
        let links = [("leaf", "branch"), ("twig", "branch"), ("branch", "root"), ("root", "")];
        let outcomes = send(&world, vec![rows(&links)]).await;
        assert_eq!(counts(&outcomes), [4, 0, 0, 0]);
        let order: Vec<_> = outcomes.iter().map(|outcome| &*outcome.external_id).collect();
        assert_eq!(order, ["leaf", "twig", "branch", "root"]);
        assert_eq!(family(&world).await, expected(&links));
        // Nobody had to wait, so each is created and never touched again.
        assert!(all(&world, "").await.iter().all(|account| account.etag == "\"1\""));
    }

    async fn a_parent_may_come_by_a_later_message_or_a_later_import(world: World) {
        world.ecosystem("acme").await;
        let outcomes =
            send(&world, vec![rows(&[("leaf", "branch")]), rows(&[("branch", "root")])]).await;
        assert_eq!(counts(&outcomes), [2, 0, 0, 0]);
        let waiting = [("leaf", "branch"), ("branch", "?root")];
        assert_eq!(family(&world).await, expected(&waiting));
        let pending = all(&world, "pending_parent_external_id:*").await;
        assert_eq!(pending.len(), 1);
        assert_eq!(pending[0].pending_parent_external_id, "root");

        let again = send(&world, vec![rows(&[("branch", "root"), ("leaf", "branch")])]).await;
        assert_eq!(counts(&again), [0, 0, 2, 0], "who waits stands as the row says");

        let outcomes = send(&world, vec![rows(&[("root", "")])]).await;
        assert_eq!(counts(&outcomes), [1, 0, 0, 0]);
        let all_links = [("leaf", "branch"), ("branch", "root"), ("root", "")];
        assert_eq!(family(&world).await, expected(&all_links));
        let again = send(&world, vec![rows(&all_links)]).await;
        assert_eq!(counts(&again), [0, 0, 3, 0]);
    }

    async fn a_parent_that_comes_by_a_call_gets_its_children_too(world: World) {
        world.ecosystem("acme").await;
        send(&world, vec![rows(&[("a", "x"), ("b", "x"), ("c", "y")])]).await;
        let request = pb::CreateAccountRequest {
            parent: "ecosystems/acme".to_owned(),
            account_id: "made".to_owned(),
            account: row("x", "").account,
            ..pb::CreateAccountRequest::default()
        };
        let created = world.accounts().create_account(request).await.unwrap();
        let links = [("a", "x"), ("b", "x"), ("c", "?y"), ("x", "")];
        assert_eq!(family(&world).await, expected(&links));

        let position = trellis_tests::position(&created);
        let reported = events(&world, &position).await;
        let mut adopted: Vec<_> = reported
            .iter()
            .filter(|(_, reason, _)| reason == "PARENT_ARRIVED")
            .map(|(kind, _, external_id)| (kind.as_str(), external_id.as_str()))
            .collect();
        // By their ids, which accounts of one moment have in no particular order.
        adopted.sort_unstable();
        assert_eq!(adopted, [("account.updated", "a"), ("account.updated", "b")]);

        // An account that gets another external id is another parent.
        let request = pb::UpdateAccountRequest {
            account: Some(pb::Account {
                name: "ecosystems/acme/accounts/made".to_owned(),
                external_id: "y".to_owned(),
                ..pb::Account::default()
            }),
            ..pb::UpdateAccountRequest::default()
        };
        world.accounts().update_account(request).await.unwrap();
        let links = [("a", "y"), ("b", "y"), ("c", "y"), ("y", "")];
        assert_eq!(family(&world).await, expected(&links));
    }

    async fn who_is_given_a_parent_or_none_waits_no_longer(world: World) {
        world.ecosystem("acme").await;
        let outcomes = send(&world, vec![rows(&[("a", "x"), ("b", "x"), ("c", "x"), ("d", "")])]);
        let outcomes = outcomes.await;
        let request = pb::UpdateAccountRequest {
            account: Some(pb::Account {
                name: outcomes[0].name.clone(),
                parent_account: outcomes[3].name.clone(),
                ..pb::Account::default()
            }),
            ..pb::UpdateAccountRequest::default()
        };
        world.accounts().update_account(request).await.unwrap();
        let request = pb::UpdateAccountRequest {
            account: Some(pb::Account {
                name: outcomes[1].name.clone(),
                ..pb::Account::default()
            }),
            update_mask: Some(FieldMask { paths: vec!["parent_account".to_owned()] }),
            ..pb::UpdateAccountRequest::default()
        };
        world.accounts().update_account(request).await.unwrap();
        let moved = send(&world, vec![rows(&[("c", "d"), ("x", "")])]).await;
        assert_eq!(became(&moved), [Became::Updated, Became::Created]);
        let links = [("a", "d"), ("b", ""), ("c", "d"), ("d", ""), ("x", "")];
        assert_eq!(family(&world).await, expected(&links));
    }

    async fn a_row_that_would_close_a_circle_is_rejected_and_shows_it(world: World) {
        world.ecosystem("acme").await;
        send(&world, vec![rows(&[("root", ""), ("branch", "root"), ("leaf", "branch")])]).await;
        let outcomes = send(
            &world,
            vec![rows(&[("root", "leaf"), ("self", "self"), ("new", "leaf")])],
        )
        .await;
        assert_eq!(became(&outcomes), [Became::Rejected, Became::Rejected, Became::Created]);
        let said = |at: usize| {
            assert_eq!(wrong(&outcomes[at]), [("account.parent_account", "cycle")]);
            outcomes[at].violations[0].description.clone()
        };
        assert_eq!(said(0), "would close a circle: root in leaf in branch in root");
        assert_eq!(said(1), "would close a circle: self in self");
        let links = [("root", ""), ("branch", "root"), ("leaf", "branch"), ("new", "leaf")];
        assert_eq!(family(&world).await, expected(&links));
    }

    async fn a_circle_is_found_however_its_rows_are_spread(world: World) {
        world.ecosystem("acme").await;
        // In one message: all but one of them come, the others as far as they can.
        let outcomes = send(&world, vec![rows(&[("a", "b"), ("b", "c"), ("c", "a")])]).await;
        assert_eq!(counts(&outcomes), [2, 0, 0, 1]);
        // Over messages, each waiting for the next: the last one closes it.
        let messages = vec![rows(&[("p", "q")]), rows(&[("q", "r")]), rows(&[("r", "p")])];
        let outcomes = send(&world, messages).await;
        assert_eq!(became(&outcomes), [Became::Created, Became::Created, Became::Rejected]);
        let shown = &outcomes[2].violations[0].description;
        assert_eq!(shown, "would close a circle: r in p in q in r");
        // By a call, which waits no more than the rows did.
        let p = all(&world, "external_id = \"p\"").await.remove(0).name;
        let q = all(&world, "external_id = \"q\"").await.remove(0).name;
        let request = pb::CreateAccountRequest {
            parent: "ecosystems/acme".to_owned(),
            account_id: "r".to_owned(),
            account: Some(pb::Account { parent_account: p.clone(), ..row("r", "").account.unwrap() }),
            ..pb::CreateAccountRequest::default()
        };
        let answer = world.accounts().create_account(request).await;
        let r = "ecosystems/acme/accounts/r";
        refused(answer, Code::FailedPrecondition, "CYCLE")
            .tells("path", &[r, p.as_str(), q.as_str(), r].join(","));
        // The same row without the circle ends the wait.
        let outcomes = send(&world, vec![rows(&[("r", "")])]).await;
        assert_eq!(counts(&outcomes), [1, 0, 0, 0]);
        let family = family(&world).await;
        assert_eq!((&*family["p"], &*family["q"], &*family["r"]), ("q", "r", ""));
    }

    async fn two_accounts_may_change_places(world: World) {
        world.ecosystem("acme").await;
        send(&world, vec![rows(&[("a", ""), ("b", "a")])]).await;
        let outcomes = send(&world, vec![rows(&[("a", "b"), ("b", "")])]).await;
        assert_eq!(counts(&outcomes), [0, 2, 0, 0]);
        assert_eq!(family(&world).await, expected(&[("a", "b"), ("b", "")]));
    }

    async fn a_rejected_row_changes_nothing_and_stops_nothing(world: World) {
        world.ecosystem("acme").await;
        let known = send(&world, vec![rows(&[("known", "")])]).await;
        let mut bad = row("bad", "known");
        bad.account.as_mut().unwrap().domains = vec!["fine.example".to_owned(), "!".to_owned()];
        bad.account.as_mut().unwrap().display_name = String::new();
        let mut both = row("both", "known");
        both.account.as_mut().unwrap().parent_account = known[0].name.clone();
        let mut named = row("named", "");
        named.account.as_mut().unwrap().parent_account = known[0].name.clone();
        let mut lost = row("lost", "");
        lost.account.as_mut().unwrap().parent_account = "ecosystems/acme/accounts/x".to_owned();
        let empty = pb::ImportAccountRow { row_number: 9, ..pb::ImportAccountRow::default() };
        let message = vec![bad, row("", ""), both, named, lost, empty, row("child", "bad")];
        let outcomes = send(&world, vec![message]).await;
        let mut said = wrong(&outcomes[0]);
        said.sort_unstable();
        let expected_words =
            [("account.display_name", "string.min_len"), ("account.domains[1]", "domain")];
        assert_eq!(said, expected_words);
        assert!(wrong(&outcomes[1]).contains(&("account.external_id", "required")));
        assert_eq!(wrong(&outcomes[2]), [("parent_external_id", "exclusive")]);
        assert_eq!(outcomes[3].result(), Became::Created);
        assert_eq!(wrong(&outcomes[4]), [("account.parent_account", "reference")]);
        assert_eq!(wrong(&outcomes[5]), [("account", "required")]);
        assert_eq!((outcomes[5].row_number, &*outcomes[5].external_id), (9, ""));
        assert_eq!(outcomes[6].result(), Became::Created, "it waits for the row to be mended");
        let links = [("known", ""), ("named", "known"), ("child", "?bad")];
        assert_eq!(family(&world).await, expected(&links));

        let mended = send(&world, vec![rows(&[("bad", "known")])]).await;
        assert_eq!(counts(&mended), [1, 0, 0, 0]);
        assert_eq!(family(&world).await["child"], "bad");
    }

    async fn a_row_says_all_of_its_account(world: World) {
        world.ecosystem("acme").await;
        let mut full = row("a", "");
        let account = full.account.as_mut().unwrap();
        account.industry = "retail".to_owned();
        account.domains = vec!["a.example".to_owned()];
        let first = send(&world, vec![vec![full.clone(), row("b", "a")]]).await;
        let mut changed = full.clone();
        changed.account.as_mut().unwrap().industry = String::new();
        changed.account.as_mut().unwrap().domains = vec!["b.example".to_owned()];
        // The second row of one account in a message counts, after the first.
        let outcomes = send(&world, vec![vec![full, changed, row("b", "")]]).await;
        assert_eq!(became(&outcomes), [Became::Unchanged, Became::Updated, Became::Updated]);
        assert_eq!(outcomes[1].name, first[0].name);
        let a = all(&world, "external_id = \"a\"").await.remove(0);
        assert_eq!((&*a.industry, &*a.registrable_domains), ("", &["b.example".to_owned()][..]));
        assert_eq!(family(&world).await, expected(&[("a", ""), ("b", "")]));
    }

    async fn one_account_brought_twice_in_a_message_is_one(world: World) {
        world.ecosystem("acme").await;
        let mut second = row("a", "b");
        second.account.as_mut().unwrap().domains = vec!["a.example".to_owned()];
        let outcomes = send(&world, vec![vec![row("a", ""), second, row("b", "")]]).await;
        assert_eq!(became(&outcomes), [Became::Created, Became::Updated, Became::Created]);
        assert_eq!(outcomes[0].name, outcomes[1].name);
        assert_eq!(family(&world).await, expected(&[("a", "b"), ("b", "")]));
        let a = all(&world, "external_id = \"a\"").await.remove(0);
        assert_eq!(a.registrable_domains, ["a.example"]);
    }

    async fn the_same_rows_sent_by_many_at_once_come_once(world: World) {
        world.ecosystem("acme").await;
        let ids: Vec<String> = (0..100).map(|at| format!("c{at}")).collect();
        // Each sender has the parents in another order, so that some wait and some are found.
        let message = |turn: usize| -> Vec<pb::ImportAccountRow> {
            let mut all: Vec<_> = ids
                .iter()
                .enumerate()
                .map(|(at, id)| row(id, if at == 0 { "" } else { &ids[(at - 1) / 2] }))
                .collect();
            all.rotate_left(turn * 13);
            all
        };
        let senders = (0..6).map(|turn| {
            let messages = message(turn).chunks(20).map(<[_]>::to_vec).collect();
            send(&world, messages)
        });
        let answers = futures::future::join_all(senders).await;
        let outcomes: Vec<_> = answers.into_iter().flatten().collect();
        let [created, updated, unchanged, rejected] = counts(&outcomes);
        assert_eq!((created, updated, rejected), (100, 0, 0));
        assert_eq!(unchanged, 500);
        let family = family(&world).await;
        assert_eq!(family.len(), 100);
        for (at, id) in ids.iter().enumerate().skip(1) {
            assert_eq!(family[id], ids[(at - 1) / 2]);
        }
    }

    async fn an_import_and_a_call_at_once_never_leave_a_child_waiting(world: World) {
        world.ecosystem("acme").await;
        for round in 0..10 {
            let parent = format!("parent{round}");
            let child = row(&format!("child{round}"), &parent);
            let request = pb::CreateAccountRequest {
                parent: "ecosystems/acme".to_owned(),
                account: row(&parent, "").account,
                ..pb::CreateAccountRequest::default()
            };
            let mut accounts = world.accounts();
            let (outcomes, created) = futures::future::join(
                send(&world, vec![vec![child]]),
                accounts.create_account(request),
            )
            .await;
            assert_eq!(counts(&outcomes), [1, 0, 0, 0]);
            created.unwrap();
        }
        assert_eq!(all(&world, "pending_parent_external_id:*").await, []);
        assert_eq!(all(&world, "parent_account:*").await.len(), 10);
    }

    async fn a_message_that_is_wrong_as_a_whole_ends_the_stream(world: World) {
        world.ecosystem("acme").await;
        let message = |parent: &str, count: usize| pb::ImportAccountsRequest {
            parent: parent.to_owned(),
            rows: (0..count).map(|at| row(&format!("c{at}"), "")).collect(),
            validate_only: false,
        };
        for (parent, count, code, reason) in [
            ("ecosystems/acme", 501, Code::InvalidArgument, "INVALID_FIELDS"),
            ("ecosystems/acme", 0, Code::InvalidArgument, "INVALID_FIELDS"),
            ("", 1, Code::InvalidArgument, "INVALID_FIELDS"),
            ("ecosystems/nowhere", 1, Code::NotFound, "RESOURCE_NOT_FOUND"),
        ] {
            let messages = tokio_stream::iter([message(parent, count)]);
            let answers = world.accounts().import_accounts(messages).await.unwrap();
            let ended = answers.into_inner().message().await;
            refused(ended.map(tonic::Response::new), code, reason);
        }
        let messages = tokio_stream::iter([message("ecosystems/acme", 500)]);
        let answers = world.accounts().import_accounts(messages).await.unwrap();
        let answer = answers.into_inner().message().await.unwrap().unwrap();
        assert_eq!(counts(&answer.outcomes), [500, 0, 0, 0]);
    }
}
