//! How much a partner may register, and when a person must look. The staff hand in here, so that what
//! they are told is seen at once.

use futures::future::join_all;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::{State, Suspicion};
use trellis_api::program::v1::DealRegistrationSettings;
use trellis_tests::{on_both, refused};

use super::market::{Market, automatic, usd};

/// No limits but these.
fn budget(daily: i32, monthly: i32) -> DealRegistrationSettings {
    DealRegistrationSettings {
        daily_account_budget: Some(daily),
        monthly_account_budget: Some(monthly),
        ..automatic(None)
    }
}

/// A program with these settings, in which a partner is at work.
async fn open<const N: usize>(
    market: &Market,
    settings: DealRegistrationSettings,
    partners: [&str; N],
) -> [String; N] {
    market.program("quick", settings).await;
    let partners = market.partners_at_work(partners).await;
    for partner in &partners {
        market.enroll(partner, "quick").await;
    }
    partners
}

fn claim(market: &Market, partner: &str, account: &str) -> pb::Registration {
    pb::Registration {
        program: market.name("programs", "quick"),
        account: market.name("accounts", account),
        ..market.claim(partner)
    }
}

async fn accounts(market: &Market, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for index in 0..count {
        let id = format!("customer-{index}");
        market.account(&id, &[&format!("{id}.example")]).await;
        ids.push(id);
    }
    ids
}

/// Hands in at once, each until it is answered, and answers how many went through.
async fn race(market: &Market, drafts: Vec<pb::Registration>, reason: &str) -> usize {
    let submissions = drafts.into_iter().map(|draft| {
        let market = market.clone();
        tokio::spawn(async move {
            loop {
                match market.hand_in(&draft.name).await {
                    Err(status) if status.code() == Code::Aborted => {}
                    answer => return answer,
                }
            }
        })
    });
    let mut through = 0;
    for answer in join_all(submissions).await {
        match answer.unwrap() {
            Ok(_) => through += 1,
            refusal => drop(refused(refusal, Code::ResourceExhausted, reason)),
        }
    }
    through
}

async fn drafts(market: &Market, partner: &str, accounts: &[String]) -> Vec<pb::Registration> {
    let mut drafts = Vec::new();
    for account in accounts {
        drafts.push(market.draft(claim(market, partner, account)).await);
    }
    drafts
}

fn retry_after(answer: &Result<Response<pb::Registration>, Status>) -> Option<u64> {
    let status = answer.as_ref().expect_err("it is refused");
    let info = status.get_details_retry_info()?;
    Some(info.retry_delay?.as_secs())
}

on_both! {
    async fn beyond_the_budget_a_partner_is_told_from_when_on_there_is_room(world: World) {
        let market = Market::open(world).await;
        let [nimbus, cirrus] = open(&market, budget(2, 3), ["nimbus", "cirrus"]).await;
        let ids = accounts(&market, 4).await;
        market.submit(claim(&market, &nimbus, &ids[0])).await;
        market.submit(claim(&market, &nimbus, &ids[1])).await;
        let draft = market.draft(claim(&market, &nimbus, &ids[2])).await;
        let answer = market.hand_in(&draft.name).await;
        // It is March 2, 10:00 UTC.
        assert_eq!(retry_after(&answer), Some(86_400));
        let refusal = refused(answer, Code::ResourceExhausted, "SUBMISSION_BUDGET");
        let metadata: Vec<_> = refusal.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(metadata, [
            ("cost", "1"), ("limit", "2"), ("resource", draft.name.as_str()),
            ("retry_time", "2026-03-03T10:00:00Z"), ("spent", "2"), ("window_hours", "24"),
        ]);
        assert_eq!(market.registration(&draft.name).await.state(), State::Draft);
        // Nobody else's budget is touched.
        market.submit(claim(&market, &cirrus, &ids[2])).await;

        market.wait_days(1).await;
        let third = market.hand_in(&draft.name).await.unwrap().into_inner();
        assert_eq!(third.screening.unwrap().monthly_spent_count, 3);
        let draft = market.draft(claim(&market, &nimbus, &ids[3])).await;
        let answer = market.hand_in(&draft.name).await;
        assert_eq!(retry_after(&answer), Some(29 * 86_400));
        let refusal = refused(answer, Code::ResourceExhausted, "SUBMISSION_BUDGET");
        refusal.tells("window_hours", "720").tells("retry_time", "2026-04-01T10:00:00Z");
        market.wait_days(29).await;
        market.hand_in(&draft.name).await.unwrap();
    }

    async fn honest_second_tries_and_further_products_cost_nothing(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = open(&market, budget(1, 1), ["nimbus"]).await;
        market.without_cool_off("quick").await;
        market.account("twin", &["initech.example"]).await;
        let gold = |product: &str| pb::Registration {
            products: vec![market.name("products", product)],
            ..market.claim(&nimbus)
        };
        // In another program a person decides; what was registered there counts here too.
        let first = market.submit(gold("firewall")).await;
        assert_eq!(first.screening.unwrap().cost, 1);
        market.reject(&first.name).await.unwrap();
        for product in ["firewall", "backup"] {
            let again = pb::Registration { program: market.name("programs", "quick"), ..gold(product) };
            let again = market.submit(again).await;
            assert_eq!(again.screening.unwrap().cost, 0, "{product}");
        }
        let second = market.draft(claim(&market, &nimbus, "globex")).await;
        let answer = market.hand_in(&second.name).await;
        refused(answer, Code::ResourceExhausted, "SUBMISSION_BUDGET").tells("cost", "1");
        // Another account for the same customer is paid for.
        let twin = market.draft(claim(&market, &nimbus, "twin")).await;
        let answer = market.hand_in(&twin.name).await;
        refused(answer, Code::ResourceExhausted, "SUBMISSION_BUDGET").tells("cost", "1");
    }

    async fn of_a_partners_submissions_at_once_as_many_go_through_as_its_budget_has_room(
        world: World
    ) {
        let market = Market::open(world).await;
        let [nimbus, cirrus] = open(&market, budget(8, 0), ["nimbus", "cirrus"]).await;
        let ids = accounts(&market, 24).await;
        let drafts_of_nimbus = drafts(&market, &nimbus, &ids).await;
        assert_eq!(race(&market, drafts_of_nimbus, "SUBMISSION_BUDGET").await, 8);
        // The control: without a budget all of them do.
        market.program("free", budget(0, 0)).await;
        market.enroll(&cirrus, "free").await;
        let mut free = Vec::new();
        for id in &ids {
            let program = market.name("programs", "free");
            let claim = pb::Registration { program, ..claim(&market, &cirrus, id) };
            free.push(market.draft(claim).await);
        }
        assert_eq!(race(&market, free, "SUBMISSION_BUDGET").await, 24);
    }

    async fn a_partner_holds_no_more_registrations_open_than_it_may(world: World) {
        let market = Market::open(world).await;
        let settings = DealRegistrationSettings {
            partner_open_limit: Some(3),
            ..budget(0, 0)
        };
        let [nimbus] = open(&market, settings, ["nimbus"]).await;
        let ids = accounts(&market, 12).await;
        let drafts = drafts(&market, &nimbus, &ids).await;
        assert_eq!(race(&market, drafts.clone(), "OPEN_REGISTRATIONS").await, 3);
        let mut left = Vec::new();
        for draft in drafts {
            let read = market.registration(&draft.name).await;
            if read.state() == State::Draft {
                left.push(read.name);
            }
        }
        let [over, ..] = &left[..] else { panic!("some are left") };
        let answer = market.hand_in(over).await;
        assert_eq!(retry_after(&answer), None);
        refused(answer, Code::ResourceExhausted, "OPEN_REGISTRATIONS")
            .tells("holder", "partner").tells("limit", "3").tells("open", "3");
        // What is no longer protected is not open, whether or not anybody swept.
        market.wait_days(91).await;
        market.hand_in(over).await.unwrap();
    }

    async fn a_partner_of_whom_most_was_refused_is_decided_about_by_a_person(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = open(&market, budget(0, 0), ["nimbus"]).await;
        market.without_cool_off("gold").await;
        let refuse = async |count: usize| {
            for _ in 0..count {
                let claimed = market.submit(market.claim(&nimbus)).await;
                market.reject(&claimed.name).await.unwrap();
            }
        };
        let grant = async |id: &str| {
            market.account(id, &[&format!("{id}.example")]).await;
            market.submit(claim(&market, &nimbus, id)).await
        };
        refuse(10).await;
        // The control: ten are not more than half of twenty.
        let granted = grant("one").await;
        assert_eq!((granted.state(), granted.suspicion()), (State::Approved, Suspicion::Unspecified));
        refuse(1).await;
        let looked_at = grant("two").await;
        assert_eq!((looked_at.state(), looked_at.suspicion()), (State::Submitted, Suspicion::Refusals));
        let decision = looked_at.decision.unwrap();
        assert_eq!((decision.rule.as_str(), decision.reason_code.as_str()), ("R10", "REFUSALS"));
        let screening = looked_at.screening.unwrap();
        assert_eq!((screening.decided_count, screening.refused_count), (12, 11));
        // It stays as it was found, whatever a person decides, and is found by it.
        let approved = market.approve(&looked_at.name).await.unwrap().into_inner();
        assert_eq!((approved.suspicion(), approved.decision.unwrap().rule.as_str()), (Suspicion::Refusals, "STAFF"));
        let request = pb::ListRegistrationsRequest {
            parent: market.parent.clone(),
            filter: "suspicion = REFUSALS".to_owned(),
            ..pb::ListRegistrationsRequest::default()
        };
        let found = market.registrations().list_registrations(request).await.unwrap();
        let names: Vec<_> =
            found.into_inner().registrations.into_iter().map(|one| one.name).collect();
        assert_eq!(names, [looked_at.name]);
        // Refusals that are further back than twenty decisions are forgotten.
        market.wait_days(1).await;
        let mut last = None;
        for index in 0..18 {
            let one = grant(&format!("more-{index}")).await;
            if one.state() == State::Submitted {
                market.approve(&one.name).await.unwrap();
            }
            last = Some(one);
        }
        assert_eq!(last.unwrap().state(), State::Approved);
    }

    async fn whoever_waits_is_screened_anew_when_its_turn_comes(world: World) {
        let market = Market::open(world).await;
        let [nimbus, cirrus] = open(&market, budget(2, 0), ["nimbus", "cirrus"]).await;
        market.account("hooli", &["hooli.example"]).await;
        let first = market.submit(market.claim(&cirrus)).await;
        let other = market.submit(pb::Registration {
            account: market.name("accounts", "hooli"), ..market.claim(&cirrus)
        }).await;
        let waits = market.submit(claim(&market, &nimbus, "initech")).await;
        assert_eq!((waits.state(), waits.suspicion()), (State::Waitlisted, Suspicion::Unspecified));
        // Then its partner uses its budget up.
        let up = market.submit(claim(&market, &nimbus, "hooli")).await;
        assert_eq!((up.state(), up.suspicion()), (State::Waitlisted, Suspicion::Probing));
        market.reject(&first.name).await.unwrap();
        let turn = market.registration(&waits.name).await;
        assert_eq!((turn.state(), turn.suspicion()), (State::Waitlisted, Suspicion::Probing));
        assert_eq!(turn.decision.unwrap().reason_code, "PROMOTED");
        // The control: after 30 days that is forgotten.
        market.wait_days(30).await;
        market.reject(&other.name).await.unwrap();
        assert_eq!(market.registration(&up.name).await.state(), State::Approved);
        market.approve(&waits.name).await.unwrap();
    }

    async fn an_estimate_above_the_limit_is_told_before_a_suspicion(world: World) {
        let market = Market::open(world).await;
        let settings = DealRegistrationSettings { auto_approve_limit: usd(1), ..budget(1, 0) };
        let [nimbus] = open(&market, settings, ["nimbus"]).await;
        let above = market.submit(claim(&market, &nimbus, "initech")).await;
        assert_eq!(above.decision.unwrap().reason_code, "ABOVE_LIMIT");
        assert_eq!(above.suspicion, i32::from(Suspicion::Probing));
    }
}
