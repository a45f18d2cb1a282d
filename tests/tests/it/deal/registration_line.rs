//! `RegistrationService`: who stands in whose way, who waits, and who comes next.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::State;
use trellis_tests::{on_both, refused};

use super::market::{Market, automatic, usd};

/// When a registration took its place in the line.
fn moment(registration: &pb::Registration) -> (i64, i32) {
    let time = registration.submit_time.unwrap();
    (time.seconds, time.nanos)
}

on_both! {
    async fn whoever_comes_second_waits_and_is_told_only_that(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus, cirrus] =
            market.partners_at_work(["nimbus", "stratus", "cirrus"]).await;
        let first = market.submit(market.claim(&nimbus)).await;
        assert_eq!(first.state(), State::Submitted);
        let second = market.submit(market.claim(&stratus)).await;
        assert_eq!((second.state(), second.waitlist_position), (State::Waitlisted, 1));
        let decision = second.decision.clone().unwrap();
        assert_eq!((decision.rule.as_str(), decision.reason_code.as_str()), ("R6", "DUPLICATE_ACTIVE"));
        assert!(!format!("{second:?}").contains("nimbus"), "{second:?}");
        let third = market.submit(market.claim(&cirrus)).await;
        assert_eq!((third.state(), third.waitlist_position), (State::Waitlisted, 2));
        assert!(moment(&first) < moment(&second), "each has a place of its own in the line");
        assert!(moment(&second) < moment(&third));
        let kinds = [
            "registration.created", "registration.submitted", "registration.waitlisted",
            "registration.screened",
        ];
        market.tells(&second.name, &kinds).await;
        let ahead = refused(
            market.approve(&second.name).await, Code::FailedPrecondition, "REGISTRATION_CONFLICT",
        );
        ahead.tells("resource", &second.name);
    }

    async fn only_overlapping_business_competes(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus] = market.partners_at_work(["nimbus", "stratus"]).await;
        let emea = market.territory("emea", "", &[]).await;
        let dach = market.territory("dach", &emea, &["DE", "AT", "CH"]).await;
        let apac = market.territory("apac", "", &["JP"]).await;
        let granted = pb::Registration { territory: emea, ..market.claim(&nimbus) };
        let granted = market.submit(granted).await;
        market.approve(&granted.name).await.unwrap();
        let theirs = || market.claim(&stratus);
        let cases = [
            ("another product", State::Submitted, pb::Registration {
                products: vec![market.name("products", "backup")], ..theirs()
            }),
            ("another deal type", State::Submitted, pb::Registration {
                deal_type: pb::DealType::Expansion.into(), ..theirs()
            }),
            ("another customer", State::Submitted, pb::Registration {
                account: market.name("accounts", "globex"), ..theirs()
            }),
            ("another territory", State::Submitted, pb::Registration {
                territory: apac, ..theirs()
            }),
            ("a territory within", State::Waitlisted, pb::Registration {
                territory: dach, ..theirs()
            }),
        ];
        for (what, expected, claim) in cases {
            assert_eq!(market.submit(claim).await.state(), expected, "{what}");
        }
    }

    async fn one_product_in_common_is_enough_and_no_territory_is_everywhere(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus] = market.partners_at_work(["nimbus", "stratus"]).await;
        let apac = market.territory("apac", "", &["JP"]).await;
        market.submit(pb::Registration { territory: apac, ..market.claim(&nimbus) }).await;
        let both = vec![market.name("products", "backup"), market.name("products", "firewall")];
        let second = market.submit(pb::Registration { products: both, ..market.claim(&stratus) }).await;
        assert_eq!(second.state(), State::Waitlisted);
    }

    async fn accounts_with_a_registrable_domain_in_common_are_one_customer(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus, cirrus] =
            market.partners_at_work(["nimbus", "stratus", "cirrus"]).await;
        let limited = market.account("acme-ltd", &["www.acme.co.uk"]).await;
        let shop = market.account("acme-shop", &["https://shop.acme.co.uk/cart"]).await;
        let other = market.account("other", &["other.co.uk"]).await;
        let at = |account: &str, partner: &str| pb::Registration {
            account: account.to_owned(), ..market.claim(partner)
        };
        let first = market.submit(at(&limited, &nimbus)).await;
        market.approve(&first.name).await.unwrap();
        assert_eq!(market.submit(at(&shop, &stratus)).await.state(), State::Waitlisted);
        assert_eq!(market.submit(at(&other, &cirrus)).await.state(), State::Submitted);
    }

    async fn mail_providers_and_shared_hosts_make_nobody_the_same_customer(world: World) {
        let market = Market::open(world).await;
        let partners = market.partners_at_work(["nimbus", "stratus", "cirrus", "altus"]).await;
        let accounts = [
            market.account("blue-harbor-dental", &["gmail.com"]).await,
            market.account("ridge-dental", &["gmail.com"]).await,
            market.account("acme", &["acme.myshopify.com"]).await,
            market.account("zen", &["zen.myshopify.com"]).await,
        ];
        for (partner, account) in partners.iter().zip(accounts) {
            let claim = pb::Registration { account, ..market.claim(partner) };
            assert_eq!(market.submit(claim).await.state(), State::Submitted);
        }
    }

    async fn a_partner_registers_the_same_business_once(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        let first = market.submit(market.claim(&nimbus)).await;
        let again = market.try_submit(market.claim(&nimbus)).await;
        refused(again, Code::FailedPrecondition, "SELF_DUPLICATE").tells("resource", &first.name);
        market.withdraw(&first.name).await.unwrap();
        assert_eq!(market.submit(market.claim(&nimbus)).await.state(), State::Submitted);
    }

    async fn when_the_first_is_rejected_the_next_has_its_turn(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus, cirrus] =
            market.partners_at_work(["nimbus", "stratus", "cirrus"]).await;
        let first = market.submit(market.claim(&nimbus)).await;
        let second = market.submit(market.claim(&stratus)).await;
        let third = market.submit(market.claim(&cirrus)).await;
        market.reject(&first.name).await.unwrap();
        let promoted = market.registration(&second.name).await;
        assert_eq!((promoted.state(), promoted.waitlist_position), (State::Waitlisted, 1));
        let decision = promoted.decision.unwrap();
        assert_eq!((decision.rule.as_str(), decision.reason_code.as_str()), ("R10", "PROMOTED"));
        assert_eq!(market.registration(&third.name).await.decision.unwrap().rule, "R6");
        refused(
            market.approve(&third.name).await, Code::FailedPrecondition, "REGISTRATION_CONFLICT",
        );
        let approved = market.approve(&second.name).await.unwrap().into_inner();
        assert_eq!((approved.state(), approved.waitlist_position), (State::Approved, 0));
        assert_eq!(market.registration(&third.name).await.waitlist_position, 1);
        market.tells(&second.name, &[
            "registration.created", "registration.submitted", "registration.waitlisted",
            "registration.screened", "registration.promoted", "registration.approved",
        ]).await;
    }

    async fn where_the_program_approves_by_itself_the_next_is_granted_at_once(world: World) {
        let market = Market::open(world).await;
        market.program("quick", automatic(usd(5_000))).await;
        let [nimbus, stratus, cirrus] =
            market.partners_at_work(["nimbus", "stratus", "cirrus"]).await;
        for partner in [&nimbus, &stratus, &cirrus] {
            market.enroll(partner, "quick").await;
        }
        let quick = |partner: &str| pb::Registration {
            program: market.name("programs", "quick"), ..market.claim(partner)
        };
        let first = market.submit(market.claim(&nimbus)).await;
        let second = market.submit(quick(&stratus)).await;
        let third = market.submit(quick(&cirrus)).await;
        market.withdraw(&first.name).await.unwrap();
        let granted = market.registration(&second.name).await;
        assert_eq!((granted.state(), granted.waitlist_position), (State::Approved, 0));
        assert!(granted.protection_end_time.is_some());
        let waits = market.registration(&third.name).await;
        assert_eq!((waits.state(), waits.waitlist_position), (State::Waitlisted, 1));
    }

    async fn whoever_may_not_register_any_more_is_passed_over(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus, cirrus] =
            market.partners_at_work(["nimbus", "stratus", "cirrus"]).await;
        let first = market.submit(market.claim(&nimbus)).await;
        let second = market.submit(market.claim(&stratus)).await;
        let third = market.submit(market.claim(&cirrus)).await;
        market.suspend(&stratus).await;
        market.withdraw(&first.name).await.unwrap();
        let passed = market.registration(&second.name).await;
        assert_eq!(passed.state(), State::Rejected);
        let decision = passed.decision.unwrap();
        assert_eq!((decision.rule.as_str(), decision.reason_code.as_str()), ("R1", "INELIGIBLE"));
        let next = market.registration(&third.name).await;
        assert_eq!((next.waitlist_position, next.decision.unwrap().reason_code.as_str()), (1, "PROMOTED"));
    }

    async fn leaving_the_middle_of_the_line_moves_up_those_behind(world: World) {
        let market = Market::open(world).await;
        let partners = market.partners_at_work(["nimbus", "stratus", "cirrus", "altus"]).await;
        let mut line = Vec::new();
        for partner in &partners {
            line.push(market.submit(market.claim(partner)).await);
        }
        let [_, second, third, fourth] = line.try_into().unwrap();
        market.withdraw(&third.name).await.unwrap();
        assert_eq!(market.registration(&second.name).await, second, "nothing has changed ahead");
        let moved = market.registration(&fourth.name).await;
        assert_eq!(moved.waitlist_position, 2);
        assert_eq!(moved.etag, fourth.etag, "an etag outlives a move of the line");
    }

    async fn nobody_overtakes_one_whose_turn_has_come(world: World) {
        let market = Market::open(world).await;
        market.program("quick", automatic(None)).await;
        let [nimbus, stratus, cirrus] =
            market.partners_at_work(["nimbus", "stratus", "cirrus"]).await;
        market.enroll(&cirrus, "quick").await;
        let first = market.submit(market.claim(&nimbus)).await;
        let second = market.submit(market.claim(&stratus)).await;
        market.withdraw(&first.name).await.unwrap();
        let late = pb::Registration {
            program: market.name("programs", "quick"), ..market.claim(&cirrus)
        };
        let late = market.submit(late).await;
        assert_eq!((late.state(), late.waitlist_position), (State::Waitlisted, 2));
        assert_eq!(
            market.approve(&second.name).await.unwrap().into_inner().state(),
            State::Approved
        );
    }

    async fn when_the_protection_ends_the_next_has_its_turn(world: World) {
        let market = Market::open(world).await;
        market.program("quick", automatic(None)).await;
        let [nimbus, stratus] = market.partners_at_work(["nimbus", "stratus"]).await;
        market.enroll(&stratus, "quick").await;
        let first = market.submit(market.claim(&nimbus)).await;
        market.approve(&first.name).await.unwrap();
        let second = pb::Registration {
            program: market.name("programs", "quick"), ..market.claim(&stratus)
        };
        let second = market.submit(second).await;
        assert_eq!(second.state(), State::Waitlisted);
        let read = |caller: trellis_tests::Caller, name: String| async move {
            let request = pb::GetRegistrationRequest { name };
            let read = caller.registrations().get_registration(request).await;
            read.unwrap().into_inner()
        };
        // Through May 31, and it is March 2.
        let day_90 = market.wait_days(90).await;
        assert_eq!(read(day_90.clone(), first.name.clone()).await.state(), State::Approved);
        assert_eq!(read(day_90, second.name.clone()).await.state(), State::Waitlisted);
        let day_91 = market.wait_days(1).await;
        assert_eq!(read(day_91.clone(), first.name.clone()).await.state(), State::Expired);
        let granted = read(day_91, second.name.clone()).await;
        assert_eq!(granted.state(), State::Approved);
        market.tells(&first.name, &[
            "registration.created", "registration.submitted", "registration.cleared",
            "registration.screened", "registration.approved", "registration.expired",
        ]).await;
        market.tells(&second.name, &[
            "registration.created", "registration.submitted", "registration.waitlisted",
            "registration.screened", "registration.approved",
        ]).await;
    }

    async fn a_deal_keeps_the_protection_of_its_registration_until_that_ends(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus] = market.partners_at_work(["nimbus", "stratus"]).await;
        let first = market.submit(market.claim(&nimbus)).await;
        market.approve(&first.name).await.unwrap();
        market.convert(&first.name).await.unwrap();
        let second = market.submit(market.claim(&stratus)).await;
        assert_eq!(second.state(), State::Waitlisted);
        let later = market.wait_days(91).await;
        let request = pb::GetRegistrationRequest { name: second.name.clone() };
        let next = later.registrations().get_registration(request).await.unwrap().into_inner();
        assert_eq!(next.decision.unwrap().reason_code, "PROMOTED");
        assert_eq!(market.registration(&first.name).await.state(), State::Converted);
        market.approve(&second.name).await.unwrap();
    }

    async fn an_ended_protection_stands_in_nobodys_way_before_anybody_swept(world: World) {
        let market = Market::open(world).await;
        let parent = market.ecosystem("plain").await;
        let plain = Market { world: market.world.clone(), parent };
        plain.product("firewall", None).await;
        plain.account("initech", &[]).await;
        plain.program("gold", automatic(None)).await;
        let [nimbus, stratus] = plain.partners_at_work(["nimbus", "stratus"]).await;
        let first = plain.submit(plain.claim(&nimbus)).await;
        let end = first.protection_end_time.unwrap();
        let draft = plain.draft(plain.claim(&stratus)).await;
        plain.clock().set(trellis_core::Timestamp::from_micros(end.seconds * 1_000_000));
        // The sweep may or may not have been quicker: it makes no difference.
        let second = plain.hand_in(&draft.name).await.unwrap().into_inner();
        assert_eq!(second.state(), State::Approved);
        assert_eq!(plain.registration(&first.name).await.state(), State::Expired);
    }
}
