//! `RegistrationService`: its standard methods, and the life of one registration.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::State;
use trellis_tests::{on_both, refused};

use super::market::{Market, automatic, day, manual, money, usd};

fn update(registration: pb::Registration, paths: &[&str]) -> pb::UpdateRegistrationRequest {
    pb::UpdateRegistrationRequest {
        registration: Some(registration),
        update_mask: (!paths.is_empty()).then(|| prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..pb::UpdateRegistrationRequest::default()
    }
}

on_both! {
    async fn a_new_registration_is_a_draft_and_can_be_read_by_its_name(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        let mut claim = market.claim(&nimbus);
        claim.display_name = "Firewalls for Initech".to_owned();
        claim.expected_close_date = day(2026, 6, 30);
        claim.note = "They asked us.".to_owned();
        claim.evidence = "Met on 2026-02-20.".to_owned();
        claim.territory = market.territory("dach", "", &["DE"]).await;
        let request = pb::CreateRegistrationRequest {
            parent: market.parent.clone(),
            registration_id: "initech-firewalls".to_owned(),
            registration: Some(claim.clone()),
            ..pb::CreateRegistrationRequest::default()
        };
        let created = market.registrations().create_registration(request.clone()).await.unwrap();
        let created = created.into_inner();
        assert_eq!(created.name, market.name("registrations", "initech-firewalls"));
        assert_eq!(created.state(), State::Draft);
        let expected = pb::Registration {
            name: created.name.clone(),
            state: State::Draft.into(),
            entity_scope: pb::registration::EntityScope::Entity.into(),
            create_time: created.create_time,
            update_time: created.create_time,
            etag: "\"1\"".to_owned(),
            ..claim
        };
        assert_eq!(created, expected);
        assert_eq!(market.registration(&created.name).await, created);
        market.tells(&created.name, &["registration.created"]).await;

        let again = market.registrations().create_registration(request).await;
        refused(again, Code::AlreadyExists, "RESOURCE_EXISTS").tells("field", "id");
    }

    async fn everything_that_is_wrong_with_a_registration_is_told_at_once(world: World) {
        let market = Market::open(world).await;
        let wrong = pb::Registration {
            partner: "nimbus".to_owned(),
            account: market.name("partners", "initech"),
            products: Vec::new(),
            estimated_value: usd(-1),
            expected_close_date: day(2026, 2, 30),
            ..pb::Registration::default()
        };
        let refusal = refused(
            market.try_draft(wrong).await, Code::InvalidArgument, "INVALID_FIELDS",
        );
        refusal
            .breaks("registration.partner", "resource_name")
            .breaks("registration.program", "string.min_len")
            .breaks("registration.account", "resource_name")
            .breaks("registration.products", "repeated.min_items")
            .breaks("registration.deal_type", "enum.not_in")
            .breaks("registration.estimated_value", "money.gte_zero")
            .breaks("registration.expected_close_date", "date");
    }

    async fn what_a_registration_names_must_exist(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        let unknown = |collection: &str| market.name(collection, "unknown");
        let cases = [
            ("partners", pb::Registration { partner: unknown("partners"), ..market.claim(&nimbus) }),
            ("programs", pb::Registration { program: unknown("programs"), ..market.claim(&nimbus) }),
            ("accounts", pb::Registration { account: unknown("accounts"), ..market.claim(&nimbus) }),
            ("territories", pb::Registration {
                territory: unknown("territories"), ..market.claim(&nimbus)
            }),
            ("products", pb::Registration {
                products: vec![market.name("products", "backup"), unknown("products")],
                ..market.claim(&nimbus)
            }),
        ];
        for (collection, claim) in cases {
            let refusal = refused(
                market.try_draft(claim).await, Code::NotFound, "RESOURCE_NOT_FOUND",
            );
            refusal.tells("resource", &unknown(collection));
        }
    }

    async fn nothing_reaches_another_ecosystem(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        let draft = market.draft(market.claim(&nimbus)).await;
        let other = market.ecosystem("other").await;
        let name = draft.name.replace(&market.parent, &other);
        let request = pb::GetRegistrationRequest { name: name.clone() };
        let read = market.registrations().get_registration(request).await;
        refused(read, Code::NotFound, "RESOURCE_NOT_FOUND").tells("resource", &name);
        refused(market.hand_in(&name).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        let foreign = pb::CreateRegistrationRequest {
            parent: other,
            registration: Some(market.claim(&nimbus)),
            ..pb::CreateRegistrationRequest::default()
        };
        let made = market.registrations().create_registration(foreign).await;
        refused(made, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("registration.partner", "resource_name");
    }

    async fn drafts_can_be_rewritten_except_for_the_partner(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus] = market.partners_at_work(["nimbus", "stratus"]).await;
        let draft = market.draft(market.claim(&nimbus)).await;
        let changed = pb::Registration {
            account: market.name("accounts", "globex"),
            products: vec![market.name("products", "backup")],
            deal_type: pb::DealType::Renewal.into(),
            estimated_value: money(7, "EUR"),
            ..draft.clone()
        };
        let updated = market.registrations().update_registration(update(changed.clone(), &[])).await;
        let updated = updated.unwrap().into_inner();
        assert_eq!(updated.account, changed.account);
        assert_eq!(updated.products, changed.products);
        assert_eq!(updated.deal_type(), pb::DealType::Renewal);
        assert_eq!(updated.estimated_value, changed.estimated_value);
        assert_ne!(updated.etag, draft.etag);

        let stale = pb::Registration { note: "x".to_owned(), ..draft.clone() };
        let stale = market.registrations().update_registration(update(stale, &["note"])).await;
        refused(stale, Code::Aborted, "ETAG_MISMATCH");
        let other = pb::Registration { partner: stratus, etag: String::new(), ..updated };
        let other = market.registrations().update_registration(update(other, &[])).await;
        refused(other, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("registration.partner", "immutable");
    }

    async fn each_state_says_what_may_be_edited(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus] = market.partners_at_work(["nimbus", "stratus"]).await;
        let submitted = market.submit(market.claim(&nimbus)).await;
        let waiting = market.submit(market.claim(&stratus)).await;
        for name in [&submitted.name, &waiting.name] {
            let edit = |paths: &[&str]| {
                let registration = pb::Registration {
                    name: name.clone(),
                    note: "More to say.".to_owned(),
                    evidence: "A letter.".to_owned(),
                    estimated_value: usd(1),
                    products: vec![market.name("products", "backup")],
                    ..pb::Registration::default()
                };
                update(registration, paths)
            };
            let mut registrations = market.registrations();
            let told = registrations.update_registration(edit(&["note", "evidence"])).await.unwrap();
            assert_eq!(told.into_inner().evidence, "A letter.");
            let claimed = edit(&["note", "estimated_value", "products"]);
            let claimed = registrations.update_registration(claimed).await;
            refused(claimed, Code::FailedPrecondition, "NOT_EDITABLE")
                .tells("fields", "products,estimated_value");
        }
        let approved = market.approve(&submitted.name).await.unwrap().into_inner();
        let later = pb::Registration { expected_close_date: day(2026, 9, 1), ..approved };
        let later = market
            .registrations()
            .update_registration(update(later, &["expected_close_date"]))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(later.expected_close_date, day(2026, 9, 1));
        assert_eq!(later.state(), State::Approved);
        market.convert(&submitted.name).await.unwrap();
        let over = pb::Registration { etag: String::new(), ..later };
        let over = market.registrations().update_registration(update(over, &["note"])).await;
        refused(over, Code::FailedPrecondition, "NOT_EDITABLE").tells("state", "CONVERTED");
    }

    async fn lists_are_filtered_and_paged(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus] = market.partners_at_work(["nimbus", "stratus"]).await;
        let mut expected = Vec::new();
        for account in ["initech", "globex"] {
            let account = market.name("accounts", account);
            let claim = pb::Registration { account, ..market.claim(&nimbus) };
            expected.push(market.submit(claim).await.name);
        }
        market.draft(market.claim(&stratus)).await;
        expected.sort();
        let mut found = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListRegistrationsRequest {
                parent: market.parent.clone(),
                page_size: 1,
                page_token,
                filter: format!("state = SUBMITTED AND partner = \"{nimbus}\""),
                ..pb::ListRegistrationsRequest::default()
            };
            let page = market.registrations().list_registrations(request).await.unwrap();
            let page = page.into_inner();
            found.extend(page.registrations.into_iter().map(|one| one.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, expected);
        let wrong = pb::ListRegistrationsRequest {
            parent: market.parent.clone(),
            filter: "colour = blue".to_owned(),
            order_by: "protection_end_time".to_owned(),
            ..pb::ListRegistrationsRequest::default()
        };
        let wrong = market.registrations().list_registrations(wrong).await;
        let wrong = refused(wrong, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(wrong.fields(), ["filter", "order_by"]);
    }

    async fn only_a_partner_at_work_in_an_active_program_may_register(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        let stranger = market.partner("stranger").await;
        let refusal = refused(
            market.try_submit(market.claim(&stranger)).await,
            Code::FailedPrecondition, "PRECONDITION",
        );
        refusal.tells("requires", "the partner must be enrolled in the program");
        let draft = market.draft(market.claim(&nimbus)).await;
        market.suspend(&nimbus).await;
        let refusal = refused(
            market.hand_in(&draft.name).await, Code::FailedPrecondition, "PRECONDITION",
        );
        refusal.tells("requires", "the partner must be ACTIVE").tells("resource", &draft.name);
        assert_eq!(market.registration(&draft.name).await.state(), State::Draft);
    }

    async fn a_person_approves_and_the_protection_lasts_through_its_last_day(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        let submitted = market.submit(market.claim(&nimbus)).await;
        assert_eq!(submitted.state(), State::Submitted);
        assert!(submitted.submit_time.is_some());
        let decision = submitted.decision.clone().unwrap();
        assert_eq!((decision.rule.as_str(), decision.reason_code.as_str()), ("R10", "MANUAL_APPROVAL"));

        let approved = market.approve(&submitted.name).await.unwrap().into_inner();
        assert_eq!(approved.state(), State::Approved);
        let decision = approved.decision.clone().unwrap();
        assert_eq!((decision.rule.as_str(), decision.reason_code.as_str()), ("STAFF", "APPROVED"));
        assert_eq!(decision.note, "well prepared");
        // Approved on March 2 at 10:00 UTC, 90 days: through May 31, by the clocks of Berlin.
        let end = approved.protection_end_time.unwrap();
        assert_eq!(end.to_string(), "2026-05-31T22:00:00Z");
        assert_eq!(approved.protection_start_time, approved.decision.unwrap().decide_time);
        let kinds = [
            "registration.created", "registration.submitted", "registration.cleared",
            "registration.screened", "registration.approved",
        ];
        market.tells(&submitted.name, &kinds).await;
    }

    async fn a_program_may_approve_by_itself_up_to_a_value(world: World) {
        let market = Market::open(world).await;
        market.program("quick", automatic(usd(5_000))).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        market.enroll(&nimbus, "quick").await;
        let claim = |product: &str, estimated_value| pb::Registration {
            program: market.name("programs", "quick"),
            products: vec![market.name("products", product)],
            estimated_value,
            ..market.claim(&nimbus)
        };
        let within = market.submit(claim("firewall", usd(5_000))).await;
        assert_eq!(within.state(), State::Approved);
        assert_eq!(within.decision.unwrap().reason_code, "AUTOMATIC");
        let above = market.submit(claim("backup", usd(5_001))).await;
        assert_eq!(above.state(), State::Submitted);
        assert_eq!(above.decision.unwrap().reason_code, "ABOVE_LIMIT");
    }

    async fn a_granted_registration_becomes_a_deal(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        let claim = pb::Registration {
            products: vec![market.name("products", "firewall"), market.name("products", "backup")],
            expected_close_date: day(2026, 5, 4),
            ..market.claim(&nimbus)
        };
        let granted = market.submit(claim).await;
        market.approve(&granted.name).await.unwrap();
        let request = pb::ConvertRegistrationRequest {
            name: granted.name.clone(),
            deal_id: "initech".to_owned(),
            ..pb::ConvertRegistrationRequest::default()
        };
        let converted = market.registrations().convert_registration(request).await.unwrap();
        let converted = converted.into_inner();
        assert_eq!(converted.state(), State::Converted);
        assert_eq!(converted.deal, market.name("deals", "initech"));
        let deal = market.read_deal(&converted.deal).await;
        assert_eq!(deal.registration, granted.name);
        assert_eq!(deal.program, market.name("programs", "gold"));
        assert_eq!(deal.display_name, "initech", "named after the account");
        assert_eq!(deal.account, granted.account);
        assert_eq!(deal.partner, nimbus);
        assert_eq!(deal.amount, usd(5_000));
        assert_eq!(deal.expected_close_date, day(2026, 5, 4));
        assert_eq!(deal.deal_type(), pb::DealType::New);
        assert_eq!(deal.stage(), pb::deal::Stage::Prospect);
        let lines: Vec<_> =
            deal.lines.iter().map(|line| (line.product.clone(), line.amount.clone())).collect();
        assert_eq!(lines, [
            (market.name("products", "firewall"), usd(2_500)),
            (market.name("products", "backup"), usd(2_500)),
        ]);
        market.tells(&converted.deal, &["deal.created"]).await;
        let again = refused(
            market.convert(&granted.name).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION",
        );
        again
            .tells("state", "CONVERTED")
            .tells("move", "CONVERT")
            .tells("allowed", "EXTEND,LOG_ACTIVITY");
    }

    async fn a_taken_deal_id_leaves_the_registration_as_it_was(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        let granted = market.submit(market.claim(&nimbus)).await;
        market.approve(&granted.name).await.unwrap();
        let taken = pb::CreateDealRequest {
            parent: market.parent.clone(),
            deal_id: "initech".to_owned(),
            deal: Some(market.ten_firewalls()),
            ..pb::CreateDealRequest::default()
        };
        market.deals().create_deal(taken).await.unwrap();
        let request = pb::ConvertRegistrationRequest {
            name: granted.name.clone(),
            deal_id: "initech".to_owned(),
            ..pb::ConvertRegistrationRequest::default()
        };
        let converted = market.registrations().convert_registration(request).await;
        refused(converted, Code::AlreadyExists, "RESOURCE_EXISTS")
            .tells("resource", &market.name("deals", "initech"));
        assert_eq!(market.registration(&granted.name).await.state(), State::Approved);
    }

    async fn moves_that_its_state_does_not_have_are_refused(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        let draft = market.draft(market.claim(&nimbus)).await;
        let refusal = refused(
            market.approve(&draft.name).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION",
        );
        refusal.tells("state", "DRAFT").tells("move", "APPROVE").tells("allowed", "SUBMIT,WITHDRAW");
        refused(market.reject(&draft.name).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        refused(market.convert(&draft.name).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        market.hand_in(&draft.name).await.unwrap();
        refused(market.hand_in(&draft.name).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        let rejected = market.reject(&draft.name).await.unwrap().into_inner();
        assert_eq!(rejected.state(), State::Rejected);
        assert_eq!(rejected.decision.unwrap().reason_code, "NO_EVIDENCE");
        refused(market.withdraw(&draft.name).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
    }

    async fn a_submission_sent_twice_with_one_request_id_is_one_submission(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        let draft = market.draft(market.claim(&nimbus)).await;
        let request = pb::SubmitRegistrationRequest {
            name: draft.name.clone(),
            request_id: "5c0c4f4e-7b1c-4f0e-9d0a-2f8b8a3d1c11".to_owned(),
            ..pb::SubmitRegistrationRequest::default()
        };
        let first = market.registrations().submit_registration(request.clone()).await.unwrap();
        let second = market.registrations().submit_registration(request).await.unwrap();
        assert_eq!(first.into_inner(), second.into_inner());
        let kinds = [
            "registration.created", "registration.submitted", "registration.cleared",
            "registration.screened",
        ];
        market.tells(&draft.name, &kinds).await;
    }

    async fn a_dry_run_says_what_would_be_and_changes_nothing(world: World) {
        let market = Market::open(world).await;
        market.program("quick", automatic(None)).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        market.enroll(&nimbus, "quick").await;
        let claim = pb::Registration {
            program: market.name("programs", "quick"), ..market.claim(&nimbus)
        };
        let draft = market.draft(claim).await;
        let request = pb::SubmitRegistrationRequest {
            name: draft.name.clone(),
            validate_only: true,
            ..pb::SubmitRegistrationRequest::default()
        };
        let would = market.registrations().submit_registration(request).await.unwrap();
        assert_eq!(would.into_inner().state(), State::Approved);
        assert_eq!(market.registration(&draft.name).await, draft);
    }

    async fn a_protection_that_has_ended_reads_as_expired_before_anybody_swept(world: World) {
        let market = Market::open(world).await;
        // Not a sandbox: only the clock of the server moves, and no event says so.
        let parent = market.ecosystem("plain").await;
        let plain = Market { world: market.world.clone(), parent };
        plain.product("firewall", None).await;
        plain.account("initech", &[]).await;
        plain.program("gold", manual()).await;
        let [nimbus] = plain.partners_at_work(["nimbus"]).await;
        let granted = plain.submit(plain.claim(&nimbus)).await;
        let granted = plain.approve(&granted.name).await.unwrap().into_inner();
        let end = granted.protection_end_time.unwrap();
        let end = trellis_core::Timestamp::from_micros(end.seconds * 1_000_000);
        plain.clock().set(trellis_core::Timestamp::from_micros(end.micros() - 1));
        assert_eq!(plain.registration(&granted.name).await.state(), State::Approved);
        plain.clock().set(end);
        assert_eq!(plain.registration(&granted.name).await.state(), State::Expired);
        let late = refused(
            plain.convert(&granted.name).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION",
        );
        late.tells("state", "EXPIRED");
    }
}
