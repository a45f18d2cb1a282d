//! Registrations that wait while what their customers are recognised by changes.

use tonic::Response;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::explain_decision_response::explanation::Occasion;
use trellis_api::deal::v1::registration::State;
use trellis_tests::on_both;

use super::desk::read;
use super::market::{Market, automatic};

async fn company(market: &Market, display_name: &str, region_code: &str) -> String {
    let request = pb::CreateAccountRequest {
        parent: market.parent.clone(),
        account: Some(pb::Account {
            display_name: display_name.to_owned(),
            region_code: region_code.to_owned(),
            ..pb::Account::default()
        }),
        ..pb::CreateAccountRequest::default()
    };
    let made = market.accounts().create_account(request).await;
    made.unwrap().into_inner().name
}

/// A market with two spellings of one company and a namesake elsewhere.
struct Companies {
    market: Market,
    short: String,
    long: String,
    abroad: String,
    partners: [String; 4],
}

impl Companies {
    async fn open(world: trellis_tests::World) -> Self {
        let market = Market::open(world).await;
        market.program("quick", automatic(None)).await;
        let partners = market
            .partners_at_work(["nimbus", "stratus", "cirrus", "altus"])
            .await;
        for partner in &partners {
            market.enroll(partner, "quick").await;
        }
        let long = "Kelmar Gesellschaft mit beschränkter Haftung";
        Self {
            short: company(&market, "Kelmar GmbH", "DE").await,
            long: company(&market, long, "DE").await,
            abroad: company(&market, "Orvando S.A.", "FR").await,
            market,
            partners,
        }
    }

    /// What becomes of the claim of a partner to the firewall at an account.
    async fn claims(&self, partner: usize, account: &str) -> pb::Registration {
        let claim = pb::Registration {
            program: self.market.name("programs", "quick"),
            account: account.to_owned(),
            ..self.market.claim(&self.partners[partner])
        };
        self.market.submit(claim).await
    }

    async fn renamed(&self, account: &str, display_name: &str) -> Response<pb::Account> {
        let request = pb::UpdateAccountRequest {
            account: Some(pb::Account {
                name: account.to_owned(),
                display_name: display_name.to_owned(),
                ..pb::Account::default()
            }),
            ..pb::UpdateAccountRequest::default()
        };
        self.market
            .accounts()
            .update_account(request)
            .await
            .unwrap()
    }
}

fn place(registration: &pb::Registration) -> (State, i32) {
    (registration.state(), registration.waitlist_position)
}

on_both! {
    async fn who_waited_for_another_company_has_its_turn_once_that_is_known(world: World) {
        let companies = Companies::open(world).await;
        let market = &companies.market;
        assert_eq!(place(&companies.claims(0, &companies.short).await), (State::Approved, 0));
        let second = companies.claims(1, &companies.long).await;
        let third = companies.claims(2, &companies.long).await;
        assert_eq!((place(&second), place(&third)), ((State::Waitlisted, 1), (State::Waitlisted, 2)));
        // The one that stands before them gets another name, then the one at which they stand.
        let told = companies.renamed(&companies.short, "Kelmar International GmbH").await;
        let now = market.after(&told);
        assert_eq!(place(&read(&now, &second.name).await), (State::Approved, 0));
        assert_eq!(place(&read(&now, &third.name).await), (State::Waitlisted, 1));
        market.tells(&second.name, &[
            "registration.created", "registration.submitted", "registration.waitlisted",
            "registration.screened", "registration.approved",
        ]).await;
        market.withdraw(&third.name).await.unwrap();
    }

    async fn who_has_its_own_company_back_waits_no_more(world: World) {
        let companies = Companies::open(world).await;
        let market = &companies.market;
        companies.claims(0, &companies.short).await;
        let request = pb::MergeAccountsRequest {
            name: companies.short.clone(),
            merged_account: companies.abroad.clone(),
            ..pb::MergeAccountsRequest::default()
        };
        market.accounts().merge_accounts(request).await.unwrap();
        let waits = companies.claims(1, &companies.abroad).await;
        assert_eq!((waits.account.as_str(), place(&waits)), (companies.short.as_str(), (State::Waitlisted, 1)));
        let request = pb::SplitAccountRequest {
            name: companies.short.clone(),
            account: Some(pb::Account {
                display_name: "Orvando S.A.".to_owned(),
                region_code: "FR".to_owned(),
                aliases: vec!["Orvando S.A.".to_owned()],
                ..pb::Account::default()
            }),
            registrations: vec![waits.name.clone()],
            ..pb::SplitAccountRequest::default()
        };
        let split = market.accounts().split_account(request).await.unwrap();
        let now = read(&market.after(&split), &waits.name).await;
        assert_ne!(now.account, companies.short);
        // Its account is another one than it was judged on, so a person decides.
        assert_eq!(now.decision.unwrap().reason_code, "PROMOTED");
        market.approve(&waits.name).await.unwrap();
    }

    async fn who_stands_elsewhere_behind_one_who_leaves_the_line_moves_up(world: World) {
        let companies = Companies::open(world).await;
        let market = &companies.market;
        let dotted = company(market, "Kelmar G.m.b.H.", "DE").await;
        companies.claims(0, &companies.short).await;
        let second = companies.claims(1, &companies.long).await;
        let third = companies.claims(2, &dotted).await;
        assert_eq!((place(&second), place(&third)), ((State::Waitlisted, 1), (State::Waitlisted, 2)));
        // It has become another company than either of the others.
        let told = companies.renamed(&companies.long, "Tarnow Optik GmbH").await;
        let now = market.after(&told);
        // Its account is another one than it was judged on, so a person decides.
        let turned = read(&now, &second.name).await.decision.unwrap();
        assert_eq!(turned.reason_code, "PROMOTED");
        assert_eq!(place(&read(&now, &third.name).await), (State::Waitlisted, 1));
        for moved in [&second, &third] {
            let request = pb::ExplainDecisionRequest { name: moved.name.clone() };
            let explained = market.registrations().explain_decision(request).await.unwrap();
            let last = explained.into_inner().decisions.pop().unwrap();
            let explanation = last.explanation.unwrap();
            assert_eq!(explanation.occasion(), Occasion::Recognition);
            assert!(explanation.replay_agrees);
        }
    }

    async fn those_of_two_lines_that_become_one_are_counted_anew(world: World) {
        let companies = Companies::open(world).await;
        let market = &companies.market;
        companies.claims(0, &companies.short).await;
        companies.claims(1, &companies.abroad).await;
        let first = companies.claims(2, &companies.short).await;
        market.wait_days(1).await;
        let second = companies.claims(3, &companies.abroad).await;
        assert_eq!((place(&first), place(&second)), ((State::Waitlisted, 1), (State::Waitlisted, 1)));
        let request = pb::MergeAccountsRequest {
            name: companies.short.clone(),
            merged_account: companies.abroad.clone(),
            ..pb::MergeAccountsRequest::default()
        };
        let merged = market.accounts().merge_accounts(request).await.unwrap();
        let now = market.after(&merged);
        assert_eq!(place(&read(&now, &first.name).await), (State::Waitlisted, 1));
        assert_eq!(place(&read(&now, &second.name).await), (State::Waitlisted, 2));
    }
}
