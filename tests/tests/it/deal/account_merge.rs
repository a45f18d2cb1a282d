//! Accounts that turn out to be one customer, or two: matching, merging and splitting them.

use std::ops::Deref;

use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::account_identifier::Type;
use trellis_api::deal::v1::match_account_response::{Candidate, Level};
use trellis_api::deal::v1::registration::State;
use trellis_api::platform::v1::Event;
use trellis_tests::{World, on_both, refused};

use super::market::Market;

struct Customers(Market);

impl Deref for Customers {
    type Target = Market;

    fn deref(&self) -> &Market {
        &self.0
    }
}

fn named(display_name: &str, region_code: &str, domains: &[&str]) -> pb::Account {
    pb::Account {
        display_name: display_name.to_owned(),
        region_code: region_code.to_owned(),
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        ..pb::Account::default()
    }
}

fn lei(value: &str) -> pb::AccountIdentifier {
    pb::AccountIdentifier {
        r#type: Type::Lei.into(),
        value: value.to_owned(),
        ..pb::AccountIdentifier::default()
    }
}

const LEI: &str = "HWUPKR0MPOU8FGXBT394";
const OTHER_LEI: &str = "529900T8BM49AURSDO55";

impl Customers {
    async fn open(world: World) -> Self {
        Self(Market::open(world).await)
    }

    fn at(&self, id: &str) -> String {
        self.name("accounts", id)
    }

    async fn make(&self, id: &str, account: pb::Account) -> pb::Account {
        let request = pb::CreateAccountRequest {
            parent: self.parent.clone(),
            account_id: id.to_owned(),
            account: Some(account),
            ..pb::CreateAccountRequest::default()
        };
        self.accounts()
            .create_account(request)
            .await
            .unwrap()
            .into_inner()
    }

    async fn read(&self, id: &str) -> pb::Account {
        let request = pb::GetAccountRequest { name: self.at(id) };
        self.accounts()
            .get_account(request)
            .await
            .unwrap()
            .into_inner()
    }

    async fn merge(&self, into: &str, merged: &str) -> Result<Response<pb::Account>, Status> {
        let request = pb::MergeAccountsRequest {
            name: self.at(into),
            merged_account: self.at(merged),
            ..pb::MergeAccountsRequest::default()
        };
        self.accounts().merge_accounts(request).await
    }

    async fn restore(&self, from: &str, merged: &str) -> Result<Response<pb::Account>, Status> {
        let request = pb::SplitAccountRequest {
            name: self.at(from),
            merged_account: self.at(merged),
            ..pb::SplitAccountRequest::default()
        };
        self.accounts().split_account(request).await
    }

    async fn matches(&self, request: pb::MatchAccountRequest) -> Vec<Candidate> {
        let request = pb::MatchAccountRequest {
            parent: self.parent.clone(),
            ..request
        };
        let answer = self
            .accounts()
            .match_account(request)
            .await
            .unwrap()
            .into_inner();
        assert!(answer.rules_version > 0);
        answer.candidates
    }

    async fn described(&self, account: pb::Account) -> Vec<(String, Level, String)> {
        let description = pb::match_account_request::Description {
            display_name: account.display_name,
            region_code: account.region_code,
            domains: account.domains,
            identifiers: account.identifiers,
            aliases: account.aliases,
        };
        let request = pb::MatchAccountRequest {
            description: Some(description),
            ..pb::MatchAccountRequest::default()
        };
        told(self.matches(request).await)
    }

    /// The events of a kind about an account, of which there are some.
    async fn is_told(&self, id: &str, kind: &str) -> Vec<Event> {
        let mut events = self.events_about(&self.at(id)).await;
        events.retain(|event| event.r#type == kind);
        assert!(!events.is_empty(), "nobody is told of {kind} at {id}");
        events
    }

    /// A claim of a partner to the firewall at an account, granted.
    async fn granted(&self, partner: &str, account: &str) -> pb::Registration {
        let claim = pb::Registration {
            account: self.at(account),
            ..self.claim(partner)
        };
        let asked = self.submit(claim).await;
        self.approve(&asked.name).await.unwrap().into_inner()
    }
}

/// The ids of candidates, how they compare and by which rule.
fn told(candidates: Vec<Candidate>) -> Vec<(String, Level, String)> {
    candidates
        .into_iter()
        .map(|one| {
            let id = one.account.rsplit('/').next().unwrap().to_owned();
            (id, one.level(), one.rule)
        })
        .collect()
}

fn ids(found: &[(String, Level, String)]) -> Vec<&str> {
    found.iter().map(|(id, ..)| id.as_str()).collect()
}

on_both! {
    async fn candidates_are_told_best_first_with_what_speaks_for_them(world: World) {
        let customers = Customers::open(world).await;
        let acme = || named("Muster Werkzeugbau GmbH", "DE", &["muster.example"]);
        customers.make("acme", pb::Account { identifiers: vec![lei(LEI)], ..acme() }).await;
        customers.make("abroad", named("Muster Werkzeugbau S.A.", "FR", &[])).await;
        customers.make("other", named("Ganz Anders AG", "DE", &[])).await;
        let found = customers.described(acme()).await;
        assert_eq!(ids(&found)[0], "acme", "{found:?}");
        assert_eq!((found[0].1, found[0].2.as_str()), (Level::Same, "DOMAIN_AND_NAME"));
        assert!(ids(&found).contains(&"abroad"), "{found:?}");
        assert!(!ids(&found).contains(&"other"), "{found:?}");
        let by_number = pb::Account { identifiers: vec![lei(LEI)], ..pb::Account::default() };
        let found = customers.described(by_number).await;
        assert_eq!((ids(&found), found[0].1), (vec!["acme"], Level::Identical));

        let request = pb::MatchAccountRequest {
            account: customers.at("acme"),
            ..pb::MatchAccountRequest::default()
        };
        let found = customers.matches(request).await;
        assert!(!told(found.clone()).iter().any(|(id, ..)| id == "acme"), "not itself");
        let abroad = found.iter().find(|one| one.account == customers.at("abroad")).unwrap();
        assert_eq!((abroad.level(), abroad.rule.as_str()), (Level::Probable, "NAME"));
        let about = |kind: &str| abroad.evidence.iter().find(|one| one.kind == kind).unwrap();
        let against = about("COUNTRY");
        assert!(against.against && !about("NAME").against, "{abroad:?}");
        let said = (against.kind.as_str(), against.asked.as_str(), against.found.as_str());
        assert_eq!(said, ("COUNTRY", "DE", "FR"));
        let few = pb::MatchAccountRequest {
            account: customers.at("acme"),
            candidate_count: 1,
            ..pb::MatchAccountRequest::default()
        };
        assert_eq!(customers.matches(few).await.len(), 1);
    }

    async fn what_is_asked_wrongly_is_refused(world: World) {
        let customers = Customers::open(world).await;
        let ask = async |request: pb::MatchAccountRequest| {
            let request = pb::MatchAccountRequest { parent: customers.parent.clone(), ..request };
            customers.accounts().match_account(request).await
        };
        let neither = ask(pb::MatchAccountRequest::default()).await;
        refused(neither, Code::InvalidArgument, "INVALID_FIELDS");
        let both = pb::MatchAccountRequest {
            account: customers.at("initech"),
            description: Some(pb::match_account_request::Description::default()),
            ..pb::MatchAccountRequest::default()
        };
        refused(ask(both).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("description", "exclusive");
        let absent = pb::MatchAccountRequest {
            account: customers.at("nobody"),
            ..pb::MatchAccountRequest::default()
        };
        refused(ask(absent).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        let wrong = pb::MatchAccountRequest {
            description: Some(pb::match_account_request::Description {
                domains: vec!["no domain".to_owned()],
                identifiers: vec![lei("HWUPKR0MPOU8FGXBT395")],
                ..pb::match_account_request::Description::default()
            }),
            ..pb::MatchAccountRequest::default()
        };
        let refusal = refused(ask(wrong).await, Code::InvalidArgument, "INVALID_FIELDS");
        let mut fields = refusal.fields();
        fields.sort_unstable();
        assert_eq!(fields, ["description.domains[0]", "description.identifiers[0].value"]);
    }

    async fn a_merged_account_leads_to_the_one_that_has_what_it_had(world: World) {
        let customers = Customers::open(world).await;
        let [nimbus] = customers.partners_at_work(["nimbus"]).await;
        customers.make("top", named("Konzern", "DE", &[])).await;
        customers.make("stays", named("Acme GmbH", "DE", &["acme.example"])).await;
        let goes = pb::Account {
            identifiers: vec![lei(LEI)],
            aliases: vec!["アクメ".to_owned()],
            parent_account: customers.at("top"),
            external_id: "crm-goes".to_owned(),
            ..named("Acme Deutschland", "DE", &["acme.de", "acme.example"])
        };
        customers.make("goes", goes).await;
        let child = pb::Account { parent_account: customers.at("goes"), ..named("Kind", "DE", &[]) };
        customers.make("child", child).await;
        let registration = customers.granted(&nimbus, "goes").await;
        let deal = pb::Deal { account: customers.at("goes"), ..customers.ten_firewalls() };
        let deal = customers.deal(deal).await;

        let merged = customers.merge("stays", "goes").await.unwrap().into_inner();
        assert_eq!(merged.domains, ["acme.example", "acme.de"]);
        assert_eq!(merged.aliases, ["Acme Deutschland", "アクメ"]);
        assert_eq!(merged.identifiers, [lei(LEI)]);
        assert_eq!(merged.parent_account, customers.at("top"));
        assert_eq!(merged, customers.read("stays").await);
        let gone = customers.read("goes").await;
        assert_eq!(gone.state(), pb::account::State::Merged);
        assert_eq!((gone.merged_into, gone.parent_account), (customers.at("stays"), String::new()));
        let child = customers.read("child").await;
        assert_eq!(
            (child.parent_account, child.ultimate_parent),
            (customers.at("stays"), customers.at("top"))
        );
        let moved = customers.registration(&registration.name).await;
        assert_eq!((moved.account.clone(), moved.state()), (customers.at("stays"), State::Approved));
        assert_eq!(customers.read_deal(&deal.name).await.account, customers.at("stays"));
        for id in ["stays", "goes"] {
            customers.is_told(id, "account.merged").await;
        }
        // It identifies nobody any more, and cannot be changed.
        let rename = pb::UpdateAccountRequest {
            account: Some(pb::Account {
                name: customers.at("goes"),
                display_name: "X".to_owned(),
                ..pb::Account::default()
            }),
            ..pb::UpdateAccountRequest::default()
        };
        let refusal = customers.accounts().update_account(rename).await;
        refused(refusal, Code::FailedPrecondition, "NOT_EDITABLE").tells("state", "MERGED");
        let found = customers.described(named("", "", &["acme.de"])).await;
        assert_eq!(ids(&found), ["stays"]);
        // Whoever names it names the one that stands.
        let [stratus] = customers.partners_at_work(["stratus"]).await;
        let claim = pb::Registration { account: customers.at("goes"), ..customers.claim(&stratus) };
        let claim = customers.submit(claim).await;
        assert_eq!((claim.account.clone(), claim.state()), (customers.at("stays"), State::Waitlisted));
        let late = pb::Deal { account: customers.at("goes"), ..customers.ten_firewalls() };
        assert_eq!(customers.deal(late).await.account, customers.at("stays"));
    }

    async fn what_was_protected_stays_so_and_the_staff_are_told(world: World) {
        let customers = Customers::open(world).await;
        let [nimbus, stratus, cirrus] =
            customers.partners_at_work(["nimbus", "stratus", "cirrus"]).await;
        customers.make("one", named("Acme GmbH", "DE", &[])).await;
        customers.make("other", named("Ganz Anders AG", "DE", &[])).await;
        let first = customers.granted(&nimbus, "one").await;
        let second = customers.granted(&stratus, "other").await;
        customers.merge("one", "other").await.unwrap();
        for registration in [&first, &second] {
            let now = customers.registration(&registration.name).await;
            assert_eq!(now.state(), State::Approved);
            assert_eq!(now.protection_end_time, registration.protection_end_time);
        }
        let told = customers.is_told("one", "account.protections_overlap").await;
        assert_eq!(told.len(), 1, "{told:?}");
        let claim = pb::Registration { account: customers.at("one"), ..customers.claim(&cirrus) };
        assert_eq!(customers.submit(claim).await.state(), State::Waitlisted);
        // The control: where nothing overlaps nobody is told anything.
        customers.make("third", named("Dritte KG", "DE", &[])).await;
        customers.merge("globex", "third").await.unwrap();
        customers.is_told("globex", "account.merged").await;
        let events = customers.events_about(&customers.at("globex")).await;
        assert!(events.iter().all(|event| event.r#type != "account.protections_overlap"));
    }

    async fn a_merge_is_taken_back_with_what_is_still_there(world: World) {
        let customers = Customers::open(world).await;
        let [nimbus] = customers.partners_at_work(["nimbus"]).await;
        customers.make("stays", named("Acme GmbH", "DE", &["acme.example"])).await;
        let goes = pb::Account {
            identifiers: vec![lei(LEI)],
            ..named("Acme Deutschland", "DE", &["acme.de"])
        };
        let goes = customers.make("goes", goes).await;
        let child = pb::Account { parent_account: customers.at("goes"), ..named("Kind", "DE", &[]) };
        customers.make("child", child).await;
        let registration = customers.granted(&nimbus, "goes").await;
        customers.merge("stays", "goes").await.unwrap();
        let back = customers.restore("stays", "goes").await.unwrap().into_inner();
        let expected = pb::Account {
            etag: back.etag.clone(),
            update_time: back.update_time,
            ..goes
        };
        assert_eq!(back, expected);
        let stays = customers.read("stays").await;
        assert_eq!((stays.domains.clone(), stays.identifiers.len()), (vec!["acme.example".to_owned()], 0));
        assert_eq!((stays.aliases.len(), stays.state()), (0, pb::account::State::Active));
        assert_eq!(customers.read("child").await.parent_account, customers.at("goes"));
        let moved = customers.registration(&registration.name).await;
        assert_eq!((moved.account.clone(), moved.state()), (customers.at("goes"), State::Approved));
        for id in ["stays", "goes"] {
            customers.is_told(id, "account.split").await;
        }
        let again = customers.restore("stays", "goes").await;
        refused(again, Code::FailedPrecondition, "ILLEGAL_TRANSITION").tells("state", "ACTIVE");
        customers.merge("globex", "goes").await.unwrap();
        let elsewhere = customers.restore("stays", "goes").await;
        refused(elsewhere, Code::FailedPrecondition, "PRECONDITION");
    }

    async fn a_part_of_an_account_becomes_one_of_its_own(world: World) {
        let customers = Customers::open(world).await;
        let [nimbus, stratus] = customers.partners_at_work(["nimbus", "stratus"]).await;
        let whole = pb::Account {
            identifiers: vec![lei(LEI), lei(OTHER_LEI)],
            aliases: vec!["Globex Ost".to_owned()],
            ..named("Acme GmbH", "DE", &["acme.example", "globex-ost.example"])
        };
        customers.make("whole", whole).await;
        let goes = customers.granted(&nimbus, "whole").await;
        let split = |part: pb::Account, registrations: Vec<String>| pb::SplitAccountRequest {
            name: customers.at("whole"),
            account_id: "part".to_owned(),
            account: Some(part),
            registrations,
            ..pb::SplitAccountRequest::default()
        };
        let part = || pb::Account {
            identifiers: vec![lei(OTHER_LEI)],
            aliases: vec!["Globex Ost".to_owned()],
            ..named("Globex Ost AG", "AT", &["globex-ost.example"])
        };
        let more = pb::Account {
            domains: vec!["globex-ost.example".to_owned(), "elsewhere.example".to_owned()],
            ..part()
        };
        let mut accounts = customers.accounts();
        let refusal = accounts.split_account(split(more, Vec::new())).await;
        refused(refusal, Code::InvalidArgument, "INVALID_FIELDS").breaks("account.domains[1]", "there");
        let other = customers.submit(customers.claim(&stratus)).await;
        let refusal = accounts.split_account(split(part(), vec![other.name])).await;
        refused(refusal, Code::InvalidArgument, "INVALID_FIELDS").breaks("registrations[0]", "there");

        let made = accounts.split_account(split(part(), vec![goes.name.clone()])).await.unwrap();
        let made = made.into_inner();
        assert_eq!((made.name.clone(), made.identifiers), (customers.at("part"), vec![lei(OTHER_LEI)]));
        let whole = customers.read("whole").await;
        assert_eq!(whole.domains, ["acme.example"]);
        assert_eq!((whole.identifiers, whole.aliases.len()), (vec![lei(LEI)], 0));
        assert_eq!(customers.registration(&goes.name).await.account, customers.at("part"));
        let claim = pb::Registration { account: customers.at("whole"), ..customers.claim(&stratus) };
        assert_eq!(customers.submit(claim).await.state(), State::Submitted, "free again");
    }

    async fn what_may_not_be_merged_is_refused_and_says_why(world: World) {
        let customers = Customers::open(world).await;
        let [nimbus, stratus] = customers.partners_at_work(["nimbus", "stratus"]).await;
        let of = |partner: &str| pb::Account {
            partner: partner.to_owned(),
            ..named("Acme", "DE", &[])
        };
        customers.make("hers", of(&nimbus)).await;
        customers.make("his", of(&stratus)).await;
        customers.make("ours", of("")).await;
        let denied = |answer| refused(answer, Code::FailedPrecondition, "PRECONDITION");
        denied(customers.merge("hers", "his").await);
        denied(customers.merge("hers", "ours").await);
        denied(customers.merge("ours", "hers").await);
        customers.make("bait", pb::Account { canary: true, ..of("") }).await;
        denied(customers.merge("ours", "bait").await);
        let itself = customers.merge("ours", "ours").await;
        refused(itself, Code::InvalidArgument, "INVALID_FIELDS").breaks("merged_account", "other");
        let nobody = customers.merge("ours", "nobody").await;
        refused(nobody, Code::NotFound, "RESOURCE_NOT_FOUND").tells("resource", &customers.at("nobody"));
        // Within one partner they may be.
        customers.make("hers-too", of(&nimbus)).await;
        customers.merge("hers", "hers-too").await.unwrap();
        let again = customers.merge("ours", "hers-too").await;
        refused(again, Code::FailedPrecondition, "ILLEGAL_TRANSITION").tells("state", "MERGED");
        // Above and below.
        let below = |parent: &str| pb::Account { parent_account: customers.at(parent), ..of("") };
        customers.make("top", of("")).await;
        customers.make("middle", below("top")).await;
        customers.make("bottom", below("middle")).await;
        refused(customers.merge("bottom", "top").await, Code::FailedPrecondition, "CYCLE");
        let flat = customers.merge("middle", "top").await.unwrap().into_inner();
        assert_eq!(flat.parent_account, "");
        assert_eq!(customers.read("bottom").await.ultimate_parent, customers.at("middle"));
        let many = |at: usize| (0..30).map(|n| format!("d{}.example", at * 30 + n)).collect();
        customers.make("many", pb::Account { domains: many(0), ..of("") }).await;
        customers.make("more", pb::Account { domains: many(1), ..of("") }).await;
        denied(customers.merge("many", "more").await);
    }

    async fn a_merge_beside_a_claim_is_seen_or_comes_after_it(world: World) {
        let customers = Customers::open(world).await;
        let [nimbus, stratus] = customers.partners_at_work(["nimbus", "stratus"]).await;
        for round in 0..6 {
            let (one, other) = (format!("one-{round}"), format!("other-{round}"));
            customers.make(&one, named(&format!("Erste {round}"), "DE", &[])).await;
            customers.make(&other, named(&format!("Zweite {round}"), "DE", &[])).await;
            let granted = customers.granted(&nimbus, &one).await;
            let claim = pb::Registration { account: customers.at(&other), ..customers.claim(&stratus) };
            let draft = customers.draft(claim).await;
            let (answer, merged) =
                futures::join!(customers.hand_in(&draft.name), customers.merge(&one, &other));
            merged.unwrap();
            let state = answer.unwrap().into_inner().state();
            assert!([State::Submitted, State::Waitlisted].contains(&state), "{state:?}");
            // Whichever came first, it stands at the account that stands.
            let now = customers.registration(&draft.name).await;
            assert_eq!(now.account, customers.at(&one), "round {round}");
            if state == State::Submitted {
                refused(
                    customers.approve(&draft.name).await,
                    Code::FailedPrecondition, "REGISTRATION_CONFLICT",
                );
            }
            assert_eq!(customers.registration(&granted.name).await.state(), State::Approved);
        }
    }

    async fn one_request_id_merges_once_and_a_trial_merges_nothing(world: World) {
        let customers = Customers::open(world).await;
        customers.make("stays", named("Acme GmbH", "DE", &[])).await;
        customers.make("goes", named("Acme AG", "DE", &["acme.example"])).await;
        let mut request = pb::MergeAccountsRequest {
            name: customers.at("stays"),
            merged_account: customers.at("goes"),
            validate_only: true,
            ..pb::MergeAccountsRequest::default()
        };
        let would = customers.accounts().merge_accounts(request.clone()).await.unwrap().into_inner();
        assert_eq!(would.domains, ["acme.example"]);
        assert_eq!(customers.read("goes").await.state(), pb::account::State::Active);
        let stale = pb::MergeAccountsRequest {
            merged_account_etag: "\"7\"".to_owned(),
            ..request.clone()
        };
        let stale = customers.accounts().merge_accounts(stale).await;
        refused(stale, Code::Aborted, "ETAG_MISMATCH").tells("resource", &customers.at("goes"));
        request.validate_only = false;
        request.request_id = "7d0c1f8e-64e3-4d3a-9f0d-1b8e0f5a2c11".to_owned();
        let first = customers.accounts().merge_accounts(request.clone()).await.unwrap().into_inner();
        let second = customers.accounts().merge_accounts(request).await.unwrap().into_inner();
        assert_eq!(first, second);
    }
}
