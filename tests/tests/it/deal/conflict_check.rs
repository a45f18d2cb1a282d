//! What `CheckConflict` says would become of a registration is what becomes of it.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::check_conflict_response::Rival;
use trellis_api::deal::v1::registration::State;
use trellis_tests::{Caller, World, on_both, refused};

use super::market::{Market, automatic, usd};

async fn check(caller: &Caller, name: &str) -> pb::CheckConflictResponse {
    let request = pb::CheckConflictRequest {
        name: name.to_owned(),
    };
    let checked = caller.registrations().check_conflict(request).await;
    checked.unwrap().into_inner()
}

/// A market with a program that approves by itself up to 10,000 dollars, and two partners in it.
async fn open(world: World) -> (Market, [String; 2]) {
    let market = Market::open(world).await;
    market.program("auto", automatic(usd(10_000))).await;
    let partners = market.partners_at_work(["nimbus", "stratus"]).await;
    for partner in &partners {
        market.enroll(partner, "auto").await;
    }
    (market, partners)
}

async fn named(market: &Market, id: &str, display_name: &str, region_code: &str) -> String {
    let request = pb::CreateAccountRequest {
        parent: market.parent.clone(),
        account_id: id.to_owned(),
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

on_both! {
    async fn what_is_said_is_what_becomes(world: World) {
        let (market, [nimbus, stratus]) = open(world).await;
        let auto = |partner: &str| pb::Registration {
            program: market.name("programs", "auto"),
            ..market.claim(partner)
        };
        let canadian = named(&market, "canadian", "Thomson Corp", "CA").await;
        let french = named(&market, "french", "Thomson S.A.", "FR").await;
        let at = |account: &str, claim: pb::Registration| pb::Registration {
            account: account.to_owned(),
            ..claim
        };
        let cases = [
            ("free, in a program that asks a person", market.claim(&stratus), "R10", "MANUAL_APPROVAL"),
            ("free, and above the limit",
                pb::Registration { estimated_value: usd(10_001), ..at(&market.name("accounts", "globex"), auto(&stratus)) },
                "R10", "ABOVE_LIMIT"),
            ("free, in a program that approves by itself", at(&canadian, auto(&nimbus)), "R10", "AUTOMATIC"),
            ("after another partner", market.claim(&nimbus), "R6", "DUPLICATE_ACTIVE"),
            ("perhaps the customer of another", at(&french, auto(&stratus)), "R9", "IDENTITY_REVIEW"),
        ];
        for (case, claim, rule, reason_code) in cases {
            let draft = market.draft(claim).await;
            let said = check(&market, &draft.name).await;
            assert_eq!((said.rule.as_str(), said.reason_code.as_str()), (rule, reason_code), "{case}");
            assert_eq!(check(&market, &draft.name).await, said, "{case}: asking changes nothing");
            let became = market.hand_in(&draft.name).await.unwrap().into_inner();
            assert_eq!(said.waitlist_position, became.waitlist_position, "{case}");
            let decision = became.decision.unwrap();
            assert_eq!((decision.rule, decision.reason_code), (said.rule, said.reason_code), "{case}");
        }
    }

    async fn what_would_be_refused_is_said_with_the_reason(world: World) {
        let (market, [nimbus, stratus]) = open(world).await;
        market.submit(market.claim(&nimbus)).await;
        let again = market.draft(market.claim(&nimbus)).await;
        let said = check(&market, &again.name).await;
        assert_eq!((said.rule.as_str(), said.reason_code.as_str()), ("R6", "SELF_DUPLICATE"));
        let handed_in = market.hand_in(&again.name).await;
        refused(handed_in, Code::FailedPrecondition, "SELF_DUPLICATE");

        let draft = market.draft(market.claim(&stratus)).await;
        assert_eq!(check(&market, &draft.name).await.rule, "R6");
        market.suspend(&stratus).await;
        let said = check(&market, &draft.name).await;
        assert_eq!((said.rule.as_str(), said.reason_code.as_str()), ("R1", "INELIGIBLE"));
        assert_eq!(said.requirement, "the partner must be ACTIVE");
        refused(market.hand_in(&draft.name).await, Code::FailedPrecondition, "PRECONDITION");
    }

    async fn rivals_stand_in_the_order_in_which_they_count(world: World) {
        let (market, [nimbus, stratus]) = open(world).await;
        let [cirrus] = market.partners_at_work(["cirrus"]).await;
        let both = vec![market.name("products", "backup"), market.name("products", "firewall")];
        let first = market.submit(market.claim(&nimbus)).await;
        market.approve(&first.name).await.unwrap();
        let second = pb::Registration { products: both.clone(), ..market.claim(&stratus) };
        let second = market.submit(second).await;
        let asking = pb::Registration { products: both.clone(), ..market.claim(&cirrus) };
        let asking = market.draft(asking).await;
        let said = check(&market, &asking.name).await;
        assert_eq!(said.waitlist_position, 2);
        let protected = market.registration(&first.name).await;
        let rival = |of: &pb::Registration, products: &[String]| Rival {
            registration: of.name.clone(),
            partner: of.partner.clone(),
            account: of.account.clone(),
            state: of.state,
            submit_time: of.submit_time,
            protection_end_time: of.protection_end_time,
            certain: true,
            products: products.to_vec(),
        };
        let expected = [rival(&protected, &both[1..]), rival(&second, &both)];
        assert_eq!(said.rivals, expected);
        assert_eq!(said.rivals[0].state(), State::Approved);
        // Nobody stands in the way of the one who is protected.
        assert_eq!(check(&market, &first.name).await.rivals, []);
    }
}
