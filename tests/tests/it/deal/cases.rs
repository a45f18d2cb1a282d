//! What becomes of registrations that meet each other, and of those that meet what the vendor has: the
//! cases that channel managers argue about.

use std::ops::Deref;

use prost_types::Timestamp;
use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::explain_decision_response::ExplainedDecision;
use trellis_api::deal::v1::registration::proof::Kind;
use trellis_api::deal::v1::registration::{EntityScope, Proof, Role, State};
use trellis_api::google::r#type::Date;
use trellis_api::program::v1::{
    DealRegistrationSettings, Program, RegistrationClock, UpdateProgramRequest,
};
use trellis_tests::{World, on_both, refused};

use super::market::{Market, automatic};

/// A market with three partners in a program that approves by itself.
struct Case {
    market: Market,
    p1: String,
    p2: String,
    p3: String,
}

impl Deref for Case {
    type Target = Market;

    fn deref(&self) -> &Market {
        &self.market
    }
}

/// Before every test begins.
const JANUARY: Date = Date {
    year: 2026,
    month: 1,
    day: 5,
};

fn proof(kind: Kind) -> Proof {
    Proof {
        kind: kind.into(),
        date: Some(JANUARY),
        note: "Introduced by mail".to_owned(),
        ..Proof::default()
    }
}

impl Case {
    async fn open(world: World) -> Self {
        Self::under(world, automatic(None)).await
    }

    async fn under(world: World, settings: DealRegistrationSettings) -> Self {
        let market = Market::open(world).await;
        let auto = market.program("auto", settings).await;
        // One case tries the same several times.
        let request = UpdateProgramRequest {
            program: Some(Program {
                name: auto,
                registration_clock: Some(RegistrationClock {
                    cool_off_days: Some(0),
                    ..RegistrationClock::default()
                }),
                ..Program::default()
            }),
            ..UpdateProgramRequest::default()
        };
        market.programs().update_program(request).await.unwrap();
        market.product("edr", None).await;
        let [p1, p2, p3] = market.partners_at_work(["p1", "p2", "p3"]).await;
        for partner in [&p1, &p2, &p3] {
            market.enroll(partner, "auto").await;
        }
        Self { market, p1, p2, p3 }
    }

    async fn company(&self, display_name: &str, region_code: &str, domains: &[&str]) -> String {
        self.brought(pb::Account {
            display_name: display_name.to_owned(),
            region_code: region_code.to_owned(),
            domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            ..pb::Account::default()
        })
        .await
    }

    async fn brought(&self, account: pb::Account) -> String {
        let request = pb::CreateAccountRequest {
            parent: self.parent.clone(),
            account: Some(account),
            ..pb::CreateAccountRequest::default()
        };
        let made = self.accounts().create_account(request).await;
        made.unwrap().into_inner().name
    }

    /// A claim of a partner to some products at an account.
    fn asks(&self, partner: &str, account: &str, products: &[&str]) -> pb::Registration {
        pb::Registration {
            program: self.name("programs", "auto"),
            account: account.to_owned(),
            products: products
                .iter()
                .map(|id| self.name("products", id))
                .collect(),
            ..self.claim(partner)
        }
    }

    /// Hands a claim in, after asking what would become of it; both agree.
    async fn claims(&self, claim: pb::Registration) -> pb::Registration {
        let draft = self.draft(claim).await;
        let request = pb::CheckConflictRequest {
            name: draft.name.clone(),
        };
        let said = self.registrations().check_conflict(request).await;
        let said = said.unwrap().into_inner();
        let became = self.hand_in(&draft.name).await.unwrap().into_inner();
        let decision = became.decision.clone().unwrap();
        assert_eq!(
            (said.rule, said.reason_code),
            (decision.rule, decision.reason_code)
        );
        assert_eq!(said.waitlist_position, became.waitlist_position);
        became
    }

    async fn explained(&self, registration: &pb::Registration) -> Vec<ExplainedDecision> {
        let request = pb::ExplainDecisionRequest {
            name: registration.name.clone(),
        };
        let explained = self.registrations().explain_decision(request).await;
        let decisions = explained.unwrap().into_inner().decisions;
        assert!(!decisions.is_empty());
        for decision in &decisions {
            let explanation = decision.explanation.as_ref().unwrap();
            assert!(explanation.replay_agrees, "{decision:?}");
            assert_eq!(explanation.basis_sha256.len(), 64);
        }
        decisions
    }

    async fn keeps(&self, account: &str, products: &[&str]) -> String {
        let request = pb::CreateHouseAccountRequest {
            parent: self.parent.clone(),
            house_account: Some(pb::HouseAccount {
                account: account.to_owned(),
                products: products
                    .iter()
                    .map(|id| self.name("products", id))
                    .collect(),
                ..pb::HouseAccount::default()
            }),
            ..pb::CreateHouseAccountRequest::default()
        };
        let kept = self.catalog().create_house_account(request).await;
        kept.unwrap().into_inner().name
    }

    async fn parent_of(&self, child: &str, parent: &str) {
        let request = pb::UpdateAccountRequest {
            account: Some(pb::Account {
                name: child.to_owned(),
                parent_account: parent.to_owned(),
                ..pb::Account::default()
            }),
            ..pb::UpdateAccountRequest::default()
        };
        self.accounts().update_account(request).await.unwrap();
    }
}

/// The state, the rule and the reason.
fn became(registration: &pb::Registration) -> (State, String, String) {
    let decision = registration.decision.clone().unwrap();
    (registration.state(), decision.rule, decision.reason_code)
}

fn is(state: State, rule: &str, reason_code: &str) -> (State, String, String) {
    (state, rule.to_owned(), reason_code.to_owned())
}

fn granted() -> (State, String, String) {
    is(State::Approved, "R10", "AUTOMATIC")
}

on_both! {
    async fn c01_the_second_partner_of_a_customer_waits_behind_the_first(world: World) {
        let case = Case::open(world).await;
        let first = case.company("Acme Ltd", "GB", &["acme.co.uk"]).await;
        let second = case.company("ACME LIMITED", "", &["www.shop.acme.co.uk"]).await;
        let one = case.claims(case.asks(&case.p1, &first, &["firewall"])).await;
        assert_eq!(became(&one), granted());
        case.wait_days(40).await;
        let other = case.claims(case.asks(&case.p2, &second, &["firewall"])).await;
        assert_eq!(became(&other), is(State::Waitlisted, "R6", "DUPLICATE_ACTIVE"));
        assert_eq!(other.waitlist_position, 1);
        let explained = case.explained(&other).await.remove(0).explanation.unwrap();
        assert_eq!(explained.rivals[0].registration, one.name);
        let results: Vec<_> = explained.answers.iter().map(|answer| answer.rule.as_str()).collect();
        assert_eq!(results, ["R1", "R2", "R3", "R4", "R5", "R6"]);
        // Once the first is over, the second has its turn.
        let later = case.wait_days(60).await;
        let request = pb::GetRegistrationRequest { name: other.name.clone() };
        let promoted = later.registrations().get_registration(request).await.unwrap();
        assert_eq!(promoted.into_inner().state(), State::Approved);
        assert_eq!(case.explained(&other).await.len(), 2);
    }

    async fn c02_free_mail_and_a_common_word_make_nobody_the_same(world: World) {
        let case = Case::open(world).await;
        let blue = case.company("Blue Harbor Dental", "US", &["joe@gmail.com"]).await;
        let ridge = case.company("Ridge Dental", "US", &["ann@gmail.com"]).await;
        assert_eq!(became(&case.claims(case.asks(&case.p1, &blue, &["firewall"])).await), granted());
        assert_eq!(became(&case.claims(case.asks(&case.p2, &ridge, &["firewall"])).await), granted());
    }

    async fn c03_two_shops_of_one_platform_are_two_customers(world: World) {
        let case = Case::open(world).await;
        let acme = case.company("Acme", "US", &["acme.myshopify.com"]).await;
        let zen = case.company("Zen", "US", &["zen.myshopify.com"]).await;
        assert_eq!(became(&case.claims(case.asks(&case.p1, &acme, &["firewall"])).await), granted());
        assert_eq!(became(&case.claims(case.asks(&case.p2, &zen, &["firewall"])).await), granted());
    }

    async fn c04_one_name_in_two_spellings_is_one_customer(world: World) {
        let case = Case::open(world).await;
        let first = case.company("Müller Maschinenbau GmbH", "DE", &[]).await;
        let long = "Mueller Maschinenbau Gesellschaft mit beschränkter Haftung";
        let second = case.company(long, "DE", &[]).await;
        assert_eq!(became(&case.claims(case.asks(&case.p1, &first, &["firewall"])).await), granted());
        let waits = case.claims(case.asks(&case.p2, &second, &["firewall"])).await;
        assert_eq!(became(&waits), is(State::Waitlisted, "R6", "DUPLICATE_ACTIVE"));
    }

    async fn c05_one_name_in_two_countries_is_looked_at_and_does_not_wait(world: World) {
        let case = Case::open(world).await;
        let canadian = case.company("Thomson Corp", "CA", &[]).await;
        let french = case.company("Thomson S.A.", "FR", &[]).await;
        let first = case.claims(case.asks(&case.p1, &canadian, &["firewall"])).await;
        assert_eq!(became(&first), granted());
        let looked_at = case.claims(case.asks(&case.p2, &french, &["firewall"])).await;
        assert_eq!(became(&looked_at), is(State::Submitted, "R9", "IDENTITY_REVIEW"));
        let explained = case.explained(&looked_at).await.remove(0).explanation.unwrap();
        assert!(!explained.rivals[0].certain);
        // A person tells that they are two, and the decision of the person is kept too.
        case.approve(&looked_at.name).await.unwrap();
        let decisions = case.explained(&looked_at).await;
        let reasons: Vec<_> = decisions.iter().map(|one| one.decision.clone().unwrap().rule).collect();
        assert_eq!(reasons, ["R9", "STAFF"]);
    }

    async fn c06_a_child_is_its_own_customer_unless_the_group_is_asked_for(world: World) {
        let case = Case::open(world).await;
        let holding = case.company("Contoso Holding plc", "GB", &[]).await;
        let retail = case.company("Contoso Retail Ltd", "GB", &[]).await;
        case.parent_of(&retail, &holding).await;
        let first = case.claims(case.asks(&case.p1, &holding, &["firewall"])).await;
        assert_eq!(became(&first), granted());
        let child = case.claims(case.asks(&case.p2, &retail, &["firewall"])).await;
        assert_eq!(became(&child), granted());
        // The staff are told that two are protected in one group; the partner is not.
        let events = case.events_about(&child.name).await;
        let kinds: Vec<_> = events.iter().map(|event| event.r#type.as_str()).collect();
        assert!(kinds.contains(&"registration.group_protected"), "{kinds:?}");

        let group = |partner: &str, account: &str| pb::Registration {
            entity_scope: EntityScope::Group.into(),
            ..case.asks(partner, account, &["backup"])
        };
        let all = case.claims(group(&case.p1, &holding)).await;
        assert_eq!(became(&all), granted());
        let child = case.claims(case.asks(&case.p2, &retail, &["backup"])).await;
        assert_eq!(became(&child), is(State::Waitlisted, "R6", "DUPLICATE_ACTIVE"));
        // The other way round: who asks for the group waits for whoever is protected in it.
        let edr = case.claims(case.asks(&case.p2, &retail, &["edr"])).await;
        assert_eq!(became(&edr), granted());
        let waits = pb::Registration {
            entity_scope: EntityScope::Group.into(),
            ..case.asks(&case.p3, &holding, &["edr"])
        };
        let waits = case.claims(waits).await;
        assert_eq!(became(&waits), is(State::Waitlisted, "R6", "DUPLICATE_ACTIVE"));
        // Once the group is free again, whoever waited in it has their turn.
        let later = case.wait_days(92).await;
        for name in [&child.name, &waits.name] {
            let request = pb::GetRegistrationRequest { name: name.clone() };
            let now = later.registrations().get_registration(request).await.unwrap();
            assert_eq!(now.into_inner().state(), State::Approved, "{name}");
        }
    }

    async fn c07_whoever_takes_what_is_free_is_granted_that_and_others_wait(world: World) {
        let case = Case::open(world).await;
        let account = case.name("accounts", "initech");
        case.claims(case.asks(&case.p1, &account, &["firewall"])).await;
        case.claims(case.asks(&case.p2, &account, &["backup"])).await;
        let all = ["firewall", "backup", "edr"];
        let takes = pb::Registration {
            accept_partial: true,
            ..case.asks(&case.p3, &account, &all)
        };
        let waits = case.draft(case.asks(&case.p3, &account, &all)).await;
        let request = pb::CheckConflictRequest { name: waits.name.clone() };
        let said = case.registrations().check_conflict(request).await.unwrap().into_inner();
        assert_eq!(said.reason_code, "PARTIAL_OVERLAP");
        assert_eq!(said.free_products, [case.name("products", "edr")]);
        assert_eq!(said.rivals.len(), 2);
        let granted = case.claims(takes).await;
        assert_eq!(became(&granted), self::granted());
        assert_eq!(granted.products, [case.name("products", "edr")]);
        // The control: without it, a partner waits for all of them.
        let fourth = case.partner("p4").await;
        case.enroll(&fourth, "auto").await;
        let waits = case.claims(case.asks(&fourth, &account, &["firewall", "backup"])).await;
        assert_eq!(became(&waits), is(State::Waitlisted, "R6", "DUPLICATE_ACTIVE"));
    }

    async fn c08_business_that_the_vendor_keeps_is_refused(world: World) {
        let case = Case::open(world).await;
        let ours = case.company("Umbrella Inc", "US", &["umbrella.example"]).await;
        let theirs = case.company("Umbrella Incorporated", "US", &["umbrella.example"]).await;
        let kept = case.keeps(&ours, &["backup"]).await;
        let claim = pb::Registration {
            proofs: vec![proof(Kind::Mail)],
            ..case.asks(&case.p1, &theirs, &["backup"])
        };
        let refused = case.claims(claim.clone()).await;
        assert_eq!(became(&refused), is(State::Rejected, "R4", "HOUSE"));
        let explained = case.explained(&refused).await.remove(0).explanation.unwrap();
        assert_eq!(explained.offered_role, "INFLUENCED");
        assert_eq!(explained.facts[0].resource, kept);
        assert_eq!(refused.proofs, claim.proofs);
        // Another product is free, and so is this one once it is no longer kept.
        let other = case.claims(case.asks(&case.p1, &theirs, &["firewall"])).await;
        assert_eq!(became(&other), granted());
        let delete = pb::DeleteHouseAccountRequest {
            name: kept,
            ..pb::DeleteHouseAccountRequest::default()
        };
        case.catalog().delete_house_account(delete).await.unwrap();
        assert_eq!(became(&case.claims(claim).await), granted());
    }

    async fn c09_the_vendors_own_deal_counts_while_it_is_worked_on(world: World) {
        let case = Case::open(world).await;
        case.deal(case.ten_firewalls()).await;
        case.wait_days(55).await;
        let account = case.name("accounts", "initech");
        let refused = case.claims(case.asks(&case.p1, &account, &["firewall"])).await;
        assert_eq!(became(&refused), is(State::Rejected, "R5", "DIRECT_ACTIVE"));
        // Nobody has touched it for 212 days.
        case.wait_days(212 - 55).await;
        let later = case.claims(case.asks(&case.p1, &account, &["firewall"])).await;
        assert_eq!(became(&later), granted());
        assert_eq!(later.granted_role(), Role::Sourced);
    }

    async fn c09_where_the_vendor_teams_up_a_partner_with_proof_sells_with_it(world: World) {
        let settings = DealRegistrationSettings {
            teaming: true,
            ..automatic(None)
        };
        let case = Case::under(world, settings).await;
        case.deal(case.ten_firewalls()).await;
        case.wait_days(55).await;
        let account = case.name("accounts", "initech");
        let bare = case.claims(case.asks(&case.p1, &account, &["firewall"])).await;
        assert_eq!(became(&bare), is(State::Rejected, "R5", "DIRECT_ACTIVE"));
        let proven = pb::Registration {
            proofs: vec![proof(Kind::Poc)],
            ..case.asks(&case.p1, &account, &["firewall"])
        };
        let proven = case.claims(proven).await;
        assert_eq!(became(&proven), granted());
        assert_eq!(proven.granted_role(), Role::CoSell);
    }

    async fn c10_who_is_complete_first_counts_and_no_tier_does(world: World) {
        let settings = DealRegistrationSettings {
            evidence_minimum: 1,
            ..automatic(None)
        };
        let case = Case::under(world, settings).await;
        let account = case.name("accounts", "initech");
        let early = case.draft(case.asks(&case.p1, &account, &["firewall"])).await;
        let incomplete = case.hand_in(&early.name).await;
        let refusal = refused(incomplete, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(refusal.violations[0].0, "registration.proofs");
        let complete = |partner: &str| pb::Registration {
            proofs: vec![proof(Kind::Meeting)],
            ..case.asks(partner, &account, &["firewall"])
        };
        let second = case.claims(complete(&case.p2)).await;
        assert_eq!(became(&second), granted());
        let mended = pb::UpdateRegistrationRequest {
            registration: Some(pb::Registration {
                name: early.name.clone(),
                proofs: vec![proof(Kind::Meeting), proof(Kind::CustomerLetter)],
                ..pb::Registration::default()
            }),
            ..pb::UpdateRegistrationRequest::default()
        };
        case.registrations().update_registration(mended).await.unwrap();
        let late = case.hand_in(&early.name).await.unwrap().into_inner();
        assert_eq!(became(&late), is(State::Waitlisted, "R6", "DUPLICATE_ACTIVE"));
    }

    async fn a_tender_that_was_public_already_cannot_be_registered(world: World) {
        let case = Case::open(world).await;
        let published = |seconds: i64| pb::Registration {
            tender_publish_time: Some(Timestamp { seconds, nanos: 0 }),
            ..case.asks(&case.p1, &case.name("accounts", "initech"), &["firewall"])
        };
        let refused = case.claims(published(1_700_000_000)).await;
        assert_eq!(became(&refused), is(State::Rejected, "R3", "TENDER"));
        assert_eq!(became(&case.claims(published(4_000_000_000)).await), granted());
    }

    async fn whoever_won_the_customer_renews_it(world: World) {
        let case = Case::open(world).await;
        let won = case.deal(pb::Deal { partner: case.p1.clone(), ..case.ten_firewalls() }).await;
        case.win(&won.name).await;
        let renewal = |partner: &str| pb::Registration {
            deal_type: pb::DealType::Renewal.into(),
            ..case.asks(partner, &case.name("accounts", "initech"), &["firewall"])
        };
        let other = case.claims(renewal(&case.p2)).await;
        assert_eq!(became(&other), is(State::Rejected, "R7", "INCUMBENT"));
        let letter = pb::Registration {
            proofs: vec![proof(Kind::NominationLetter)],
            ..renewal(&case.p2)
        };
        let nominated = case.claims(letter).await;
        assert_eq!(became(&nominated), is(State::Submitted, "R8", "NOMINATION"));
        case.reject(&nominated.name).await.unwrap();
        assert_eq!(became(&case.claims(renewal(&case.p1)).await), granted());
    }

    async fn what_two_sites_are_a_person_tells(world: World) {
        let case = Case::open(world).await;
        let account = case.name("accounts", "initech");
        let site = |partner: &str, site: &str| pb::Registration {
            entity_scope: EntityScope::Site.into(),
            site: site.to_owned(),
            ..case.asks(partner, &account, &["firewall"])
        };
        let nameless = case.try_submit(site(&case.p1, "")).await;
        refused(nameless, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(became(&case.claims(site(&case.p1, "Plant Leipzig")).await), granted());
        let same = case.claims(site(&case.p2, "plant  leipzig")).await;
        assert_eq!(became(&same), is(State::Waitlisted, "R6", "DUPLICATE_ACTIVE"));
        let other = case.claims(site(&case.p3, "Plant Kassel")).await;
        assert_eq!(became(&other), is(State::Submitted, "R9", "IDENTITY_REVIEW"));
        let approved = case.approve(&other.name).await.unwrap().into_inner();
        assert_eq!(approved.state(), State::Approved);
    }

    async fn whom_the_customer_nominated_comes_first_once_a_person_looked_at_the_letter(world: World) {
        let case = Case::under(world, DealRegistrationSettings::default()).await;
        let account = case.name("accounts", "initech");
        let first = case.claims(case.asks(&case.p1, &account, &["firewall"])).await;
        assert_eq!(became(&first), is(State::Submitted, "R10", "MANUAL_APPROVAL"));
        let letter = pb::Registration {
            proofs: vec![proof(Kind::NominationLetter)],
            ..case.asks(&case.p2, &account, &["firewall"])
        };
        let nominated = case.claims(letter).await;
        assert_eq!(became(&nominated), is(State::Submitted, "R8", "NOMINATION"));
        let refusal = case.approve(&first.name).await;
        refused(refusal, Code::FailedPrecondition, "REGISTRATION_CONFLICT");
        let granted = case.approve(&nominated.name).await.unwrap().into_inner();
        assert_eq!(granted.state(), State::Approved);
        assert_eq!(case.explained(&nominated).await.len(), 2);
    }
}
