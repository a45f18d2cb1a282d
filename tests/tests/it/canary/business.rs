//! Plants what partners and staff do: accounts, registrations, deals, and the money of them.

use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::account_identifier::Type;
use trellis_api::google::r#type::{Date, Decimal};
use trellis_api::incentive::v1 as incentive;
use trellis_tests::{Caller, position};

use super::leak::canary;
use super::plant::{
    Catalog, DAY, PARTNERS, Planter, batch_id, deal_id, lead_id, partner, plan_id, registration_id,
    tier_id, usd,
};
use super::who::{SECOND, of_deal};

/// A customer that nobody honest names, and the third partner does.
const BAIT: &str = "bait.example";

pub(super) fn owner(partner: usize) -> char {
    char::from_digit(u32::try_from(partner).unwrap(), 10).unwrap()
}

impl Planter {
    /// An account of the vendor's own, and one for each partner. Answers their names.
    pub(super) async fn accounts(&self) -> [String; PARTNERS + 1] {
        let mut names: Vec<String> = Vec::new();
        for of in ['v'].into_iter().chain((0..PARTNERS).map(owner)) {
            let partner = of.to_digit(10).map(|of| self.partner_name(of as usize));
            let request = pb::CreateAccountRequest {
                parent: self.parent.clone(),
                account_id: self.text(of),
                account: Some(pb::Account {
                    display_name: self.text(of),
                    region_code: "DE".to_owned(),
                    domains: vec![format!("{}.example", self.text(of))],
                    industry: self.text(of),
                    annual_revenue: usd(1_000),
                    parent_account: names.first().cloned().unwrap_or_default(),
                    external_id: self.text('v'),
                    partner: partner.unwrap_or_default(),
                    identifiers: vec![pb::AccountIdentifier {
                        r#type: Type::RegistrationNumber.into(),
                        value: self.text(of),
                        region_code: "DE".to_owned(),
                        source: self.text(of),
                        ..pb::AccountIdentifier::default()
                    }],
                    aliases: vec![self.text(of)],
                    crm_records: vec![pb::CrmRecord {
                        system: self.text('v'),
                        record_id: self.text('v'),
                    }],
                    successor_account: names.first().cloned().unwrap_or_default(),
                    ..pb::Account::default()
                }),
                ..pb::CreateAccountRequest::default()
            };
            let made = self.staff.accounts().create_account(request).await;
            names.push(made.unwrap().into_inner().name);
        }
        let bait = pb::CreateAccountRequest {
            parent: self.parent.clone(),
            account_id: self.text('v'),
            account: Some(pb::Account {
                display_name: self.text('v'),
                domains: vec![BAIT.to_owned()],
                canary: true,
                ..pb::Account::default()
            }),
            ..pb::CreateAccountRequest::default()
        };
        self.staff.accounts().create_account(bait).await.unwrap();
        // Another one of each, which turns out to be the same.
        for (of, name) in ['v']
            .into_iter()
            .chain((0..PARTNERS).map(owner))
            .zip(&names)
        {
            let partner = of.to_digit(10).map(|of| self.partner_name(of as usize));
            let again = pb::CreateAccountRequest {
                parent: self.parent.clone(),
                account_id: self.text(of),
                account: Some(pb::Account {
                    display_name: self.text(of),
                    partner: partner.unwrap_or_default(),
                    ..pb::Account::default()
                }),
                ..pb::CreateAccountRequest::default()
            };
            let again = self.staff.accounts().create_account(again).await.unwrap();
            let merge = pb::MergeAccountsRequest {
                name: name.clone(),
                merged_account: again.into_inner().name,
                note: self.text('v'),
                ..pb::MergeAccountsRequest::default()
            };
            self.staff.accounts().merge_accounts(merge).await.unwrap();
        }
        names.try_into().unwrap()
    }

    /// A customer that was kept to the vendor, long ago.
    pub(super) async fn house(&self, catalog: &Catalog, account: &str) {
        let end = prost_types::Timestamp {
            seconds: 1,
            nanos: 0,
        };
        let request = pb::CreateHouseAccountRequest {
            parent: self.parent.clone(),
            house_account_id: self.text('v'),
            house_account: Some(pb::HouseAccount {
                account: account.to_owned(),
                program: self.program_name(),
                products: vec![catalog.products[0].clone()],
                product_families: vec![catalog.family.clone()],
                territories: vec![catalog.territory.clone()],
                note: self.text('v'),
                valid_until_time: Some(end),
                ..pb::HouseAccount::default()
            }),
            ..pb::CreateHouseAccountRequest::default()
        };
        let kept = self.staff.catalog().create_house_account(request).await;
        kept.unwrap();
    }

    /// Each partner's seller brings the same customer and hands it in: the first is approved by the
    /// staff and becomes a deal, the second is asked for more and waits, the third is rejected, the last
    /// stays a draft.
    pub(super) async fn registrations(&self, catalog: &Catalog) {
        for number in 0..PARTNERS {
            let (of, seat) = (owner(number), self.seller(number).await);
            let request = pb::CreateAccountRequest {
                parent: self.parent.clone(),
                account: Some(pb::Account {
                    display_name: self.text(of),
                    industry: self.text(of),
                    domains: [
                        format!("{}.example", self.text(of)),
                        "wanted.example".to_owned(),
                    ]
                    .into_iter()
                    .chain((number == 2).then(|| BAIT.to_owned()))
                    .collect(),
                    ..pb::Account::default()
                }),
                ..pb::CreateAccountRequest::default()
            };
            let account = seat.accounts().create_account(request).await.unwrap();
            let request = pb::CreateRegistrationRequest {
                parent: self.parent.clone(),
                registration: Some(pb::Registration {
                    display_name: self.text(of),
                    partner: self.partner_name(number),
                    program: self.program_name(),
                    account: account.into_inner().name,
                    products: vec![catalog.products[0].clone()],
                    territory: catalog.territory.clone(),
                    deal_type: pb::DealType::New.into(),
                    estimated_value: usd(5_000),
                    note: self.text(of),
                    evidence: self.text(of),
                    proofs: vec![pb::registration::Proof {
                        kind: pb::registration::proof::Kind::Mail.into(),
                        date: Some(DAY),
                        note: self.text(of),
                        ..pb::registration::Proof::default()
                    }],
                    // The last one stays a draft, so that the others ask for the same.
                    entity_scope: match number == PARTNERS - 1 {
                        true => pb::registration::EntityScope::Site.into(),
                        false => 0,
                    },
                    site: match number == PARTNERS - 1 {
                        true => self.text(of),
                        false => String::new(),
                    },
                    ..pb::Registration::default()
                }),
                ..pb::CreateRegistrationRequest::default()
            };
            let draft = seat.registrations().create_registration(request).await;
            let name = draft.unwrap().into_inner().name;
            if number == PARTNERS - 1 {
                continue;
            }
            let submit = pb::SubmitRegistrationRequest {
                name: name.clone(),
                note: self.text(of),
                ..pb::SubmitRegistrationRequest::default()
            };
            seat.registrations()
                .submit_registration(submit)
                .await
                .unwrap();
            self.decide(number, name).await;
        }
    }

    /// The first partner has another registration, and logs what it does for it.
    pub(super) async fn activities(&self, catalog: &Catalog, account: &str) {
        let mut calls = self.staff.registrations();
        let request = pb::CreateRegistrationRequest {
            parent: self.parent.clone(),
            registration_id: registration_id(0),
            registration: Some(pb::Registration {
                partner: self.partner_name(0),
                program: self.program_name(),
                account: account.to_owned(),
                products: vec![catalog.products[0].clone()],
                deal_type: pb::DealType::Renewal.into(),
                estimated_value: usd(100),
                evidence: self.text('0'),
                ..pb::Registration::default()
            }),
            ..pb::CreateRegistrationRequest::default()
        };
        let name = calls
            .create_registration(request)
            .await
            .unwrap()
            .into_inner()
            .name;
        let submit = pb::SubmitRegistrationRequest {
            name: name.clone(),
            ..pb::SubmitRegistrationRequest::default()
        };
        calls.submit_registration(submit).await.unwrap();
        let approve = pb::ApproveRegistrationRequest {
            name: name.clone(),
            ..pb::ApproveRegistrationRequest::default()
        };
        calls.approve_registration(approve).await.unwrap();
        let log = pb::LogActivityRequest {
            name,
            kind: pb::registration_activity::Kind::Meeting.into(),
            activity_date: Some(DAY),
            note: self.text('0'),
            ..pb::LogActivityRequest::default()
        };
        calls.log_activity(log).await.unwrap();
    }

    /// A registration of the first partner's at a customer of the vendor's, which the second has now:
    /// what the first wrote is told to the staff, and to neither.
    pub(super) async fn transfer(&self, catalog: &Catalog) {
        let request = pb::CreateAccountRequest {
            parent: self.parent.clone(),
            account: Some(pb::Account {
                display_name: self.text('v'),
                ..pb::Account::default()
            }),
            ..pb::CreateAccountRequest::default()
        };
        let account = self.staff.accounts().create_account(request).await;
        let mut calls = self.staff.registrations();
        let request = pb::CreateRegistrationRequest {
            parent: self.parent.clone(),
            registration: Some(pb::Registration {
                display_name: self.text('0'),
                partner: self.partner_name(0),
                program: self.program_name(),
                account: account.unwrap().into_inner().name,
                products: vec![catalog.products[0].clone()],
                deal_type: pb::DealType::Expansion.into(),
                estimated_value: usd(100),
                note: self.text('0'),
                evidence: self.text('0'),
                ..pb::Registration::default()
            }),
            ..pb::CreateRegistrationRequest::default()
        };
        let created = calls.create_registration(request).await;
        let name = created.unwrap().into_inner().name;
        let submit = pb::SubmitRegistrationRequest {
            name: name.clone(),
            ..pb::SubmitRegistrationRequest::default()
        };
        calls.submit_registration(submit).await.unwrap();
        let approve = pb::ApproveRegistrationRequest {
            name: name.clone(),
            ..pb::ApproveRegistrationRequest::default()
        };
        calls.approve_registration(approve).await.unwrap();
        let transfer = pb::TransferRegistrationRequest {
            name,
            partner: self.partner_name(1),
            reason_code: self.word('v'),
            note: self.text('v'),
            ..pb::TransferRegistrationRequest::default()
        };
        calls.transfer_registration(transfer).await.unwrap();
    }

    async fn decide(&self, number: usize, name: String) {
        let mut calls = self.staff.registrations();
        if number == 0 {
            let approve = pb::ApproveRegistrationRequest {
                name: name.clone(),
                note: self.text('v'),
                ..pb::ApproveRegistrationRequest::default()
            };
            calls.approve_registration(approve).await.unwrap();
            let convert = pb::ConvertRegistrationRequest {
                name,
                deal_id: self.text('0'),
                note: self.text('v'),
                ..pb::ConvertRegistrationRequest::default()
            };
            calls.convert_registration(convert).await.unwrap();
        } else if number == 1 {
            let ask = pb::RequestRegistrationInfoRequest {
                name: name.clone(),
                note: self.text(owner(number)),
                ..pb::RequestRegistrationInfoRequest::default()
            };
            calls.request_registration_info(ask).await.unwrap();
            let again = pb::SubmitRegistrationRequest {
                name,
                note: self.text(owner(number)),
                ..pb::SubmitRegistrationRequest::default()
            };
            calls.submit_registration(again).await.unwrap();
        } else if number == 2 {
            let reject = pb::RejectRegistrationRequest {
                name,
                reason_code: self.word('v'),
                note: self.text('v'),
                ..pb::RejectRegistrationRequest::default()
            };
            calls.reject_registration(reject).await.unwrap();
        }
    }

    /// Each partner wins one deal and loses another. In most of them a second partner has a part: it reads
    /// what the first does, and neither knows of the other. Managers see both, and look after both or may.
    pub(super) async fn deals(&self, catalog: &Catalog, accounts: &[String; PARTNERS + 1]) {
        let mut calls = self.staff.deals();
        for (number, second) in SECOND.into_iter().enumerate() {
            let of = of_deal(number);
            for lost in [false, true] {
                let mut parts = vec![(number, pb::deal::Role::Sourced)];
                parts.extend(second.map(|second| (second, pb::deal::Role::Influenced)));
                let roles = parts
                    .into_iter()
                    .map(|(partner, role)| pb::deal::PartnerRole {
                        partner: self.partner_name(partner),
                        role: role.into(),
                        evidence: vec![pb::deal::Evidence {
                            r#type: pb::deal::evidence::Type::Meeting.into(),
                            description: self.text('v'),
                            ..pb::deal::Evidence::default()
                        }],
                        ..pb::deal::PartnerRole::default()
                    });
                let request = pb::CreateDealRequest {
                    parent: self.parent.clone(),
                    deal_id: match (number, lost) {
                        (0, false) => deal_id(0),
                        _ => self.text(of),
                    },
                    deal: Some(pb::Deal {
                        display_name: self.text(of),
                        partner: self.partner_name(number),
                        roles: roles.collect(),
                        lines: vec![pb::deal::Line {
                            product: catalog.products[1].clone(),
                            quantity: 10,
                            amount: None,
                        }],
                        // In the others its partner proposes it.
                        territory: match lost {
                            true => catalog.territory.clone(),
                            false => String::new(),
                        },
                        external_id: self.text('v'),
                        ..pb::Deal::default()
                    }),
                    ..pb::CreateDealRequest::default()
                };
                let name = calls.create_deal(request).await.unwrap().into_inner().name;
                let own = &accounts[number + 1];
                self.propose(number, &name, catalog, own).await;
                self.dispute(number, &name, &catalog.products[1]).await;
                if lost {
                    let lose = pb::LoseDealRequest {
                        name,
                        reason_code: self.word(of),
                        note: self.text('v'),
                        ..pb::LoseDealRequest::default()
                    };
                    calls.lose_deal(lose).await.unwrap();
                } else {
                    let win = pb::WinDealRequest {
                        name,
                        note: self.text('v'),
                        // In the month before, so that what it earns says so.
                        close_date: Some(Date {
                            month: 2,
                            day: 20,
                            ..DAY
                        }),
                        ..pb::WinDealRequest::default()
                    };
                    calls.win_deal(win).await.unwrap();
                }
            }
        }
        // One that nobody brought, at the vendor's own customer.
        let request = pb::CreateDealRequest {
            parent: self.parent.clone(),
            deal_id: self.text('v'),
            deal: Some(pb::Deal {
                display_name: self.text('v'),
                account: accounts[0].clone(),
                amount: usd(100),
                external_id: self.text('v'),
                ..pb::Deal::default()
            }),
            ..pb::CreateDealRequest::default()
        };
        calls.create_deal(request).await.unwrap();
    }

    /// A registration and a lead of the first partner, as evidence.
    async fn origins(&self) -> [pb::deal::Evidence; 2] {
        let request = pb::ListRegistrationsRequest {
            parent: self.parent.clone(),
            filter: format!("partner = \"{}\"", self.partner_name(0)),
            ..pb::ListRegistrationsRequest::default()
        };
        let claims = self.staff.registrations().list_registrations(request).await;
        let mut claims = claims.unwrap().into_inner().registrations;
        [
            pb::deal::Evidence {
                r#type: pb::deal::evidence::Type::Registration.into(),
                registration: claims.remove(0).name,
                ..pb::deal::Evidence::default()
            },
            pb::deal::Evidence {
                r#type: pb::deal::evidence::Type::Lead.into(),
                lead: self.name("leads", &lead_id(0)),
                ..pb::deal::Evidence::default()
            },
        ]
    }

    /// What is disputed about a deal, and decided; the parts are set anew, and the deal moves on.
    async fn dispute(&self, number: usize, name: &str, product: &str) {
        let mut calls = self.staff.deals();
        let of = of_deal(number);
        let mut part = pb::deal::PartnerRole {
            partner: self.partner_name(number),
            role: pb::deal::Role::Fulfil.into(),
            products: vec![product.to_owned()],
            evidence: vec![pb::deal::Evidence {
                r#type: pb::deal::evidence::Type::Quote.into(),
                description: self.text('v'),
                sha256: "0".repeat(64),
                ..pb::deal::Evidence::default()
            }],
        };
        if number == 0 {
            part.evidence.extend(self.origins().await);
        }
        let dispute = pb::DisputeDealRoleRequest {
            name: name.to_owned(),
            role: Some(part.clone()),
            reason_code: self.word('v'),
            note: self.text('v'),
            ..pb::DisputeDealRoleRequest::default()
        };
        calls.dispute_deal_role(dispute).await.unwrap();
        let resolve = pb::ResolveDealRoleDisputeRequest {
            name: name.to_owned(),
            number: 1,
            resolution: pb::resolve_deal_role_dispute_request::Resolution::Dismiss.into(),
            reason_code: self.word('v'),
            note: self.text('v'),
            ..pb::ResolveDealRoleDisputeRequest::default()
        };
        let deal = calls.resolve_deal_role_dispute(resolve).await.unwrap();
        let mut roles = deal.into_inner().roles;
        roles.push(part);
        let set = pb::SetDealRolesRequest {
            name: name.to_owned(),
            roles,
            note: self.text('v'),
            ..pb::SetDealRolesRequest::default()
        };
        calls.set_deal_roles(set).await.unwrap();
        let advance = pb::AdvanceDealRequest {
            name: name.to_owned(),
            stage: pb::deal::Stage::Qualified.into(),
            reason_code: self.word(of),
            note: self.text('v'),
            ..pb::AdvanceDealRequest::default()
        };
        calls.advance_deal(advance).await.unwrap();
    }

    /// The partner's seller writes what is its own, and proposes the rest; so do the staff, and the seller
    /// of another partner that has a part.
    async fn propose(&self, number: usize, name: &str, catalog: &Catalog, account: &str) {
        let only = |paths: &[&str]| prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        };
        let of = owner(number);
        let mut said = self.said(of, name);
        let deal = said.deal.as_mut().unwrap();
        account.clone_into(&mut deal.account);
        deal.territory.clone_from(&catalog.territory);
        deal.lines = vec![pb::deal::Line {
            product: catalog.products[1].clone(),
            quantity: 3,
            amount: None,
        }];
        let seat = self.seller(number).await;
        seat.deals().update_deal(said).await.unwrap();
        if let Some(second) = SECOND[number] {
            let mut said = self.said(owner(second), name);
            said.update_mask = Some(only(&["display_name"]));
            let seat = self.seller(second).await;
            seat.deals().update_deal(said).await.unwrap();
        }
        let mut calls = self.staff.deals();
        let mut said = self.said(of, name);
        said.source_system = self.text('v');
        said.deal.as_mut().unwrap().external_ids = vec![pb::deal::ExternalId {
            system: self.text('v'),
            external_id: self.text('v'),
        }];
        said.update_mask = Some(only(&[
            "next_step",
            "contacts",
            "partner_product",
            "external_ids",
        ]));
        calls.update_deal(said).await.unwrap();
        let reject = pb::RejectDealProposalRequest {
            name: format!("{name}/proposals/1"),
            note: self.text(of),
            ..pb::RejectDealProposalRequest::default()
        };
        calls.reject_deal_proposal(reject).await.unwrap();
    }

    /// What somebody may say of a deal, in words of their own.
    fn said(&self, of: char, name: &str) -> pb::UpdateDealRequest {
        pb::UpdateDealRequest {
            deal: Some(pb::Deal {
                name: name.to_owned(),
                display_name: self.text(of),
                next_step: self.text(of),
                contacts: vec![pb::deal::Contact {
                    display_name: self.text(of),
                    title: self.text(of),
                    email: self.text(of),
                    phone: self.text(of),
                }],
                partner_product: self.text(of),
                ..pb::Deal::default()
            }),
            ..pb::UpdateDealRequest::default()
        }
    }

    /// A plan pays for what was won; one batch pays a part of that, another is cancelled.
    pub(super) async fn money(&self) {
        let plans = &mut self.staff.plans();
        let request = incentive::CreatePlanRequest {
            parent: self.parent.clone(),
            plan_id: plan_id(0),
            plan: Some(incentive::Plan {
                display_name: self.text('v'),
                description: self.text('v'),
                program: self.program_name(),
                ..incentive::Plan::default()
            }),
            ..incentive::CreatePlanRequest::default()
        };
        let plan = plans.create_plan(request).await.unwrap().into_inner().name;
        let request = incentive::CreatePlanVersionRequest {
            parent: plan.clone(),
            plan_version: Some(tenth()),
            ..incentive::CreatePlanVersionRequest::default()
        };
        let draft = plans.create_plan_version(request).await.unwrap();
        let request = incentive::SchedulePlanVersionRequest {
            name: draft.into_inner().name,
            ..incentive::SchedulePlanVersionRequest::default()
        };
        let scheduled = plans.schedule_plan_version(request).await.unwrap();
        // A draft that is for one tier only.
        let request = incentive::CreatePlanVersionRequest {
            parent: plan.clone(),
            plan_version: Some(incentive::PlanVersion {
                audience: Some(incentive::Audience {
                    tiers: vec![format!("{}/tiers/{}", self.program_name(), tier_id(0))],
                    ..incentive::Audience::default()
                }),
                ..tenth()
            }),
            ..incentive::CreatePlanVersionRequest::default()
        };
        plans.create_plan_version(request).await.unwrap();
        self.other_terms(&plan).await;
        let now = self.staff.since(&position(&scheduled));
        let list = incentive::ListAwardsRequest {
            parent: self.parent.clone(),
            ..incentive::ListAwardsRequest::default()
        };
        let awards = now
            .awards()
            .list_awards(list)
            .await
            .unwrap()
            .into_inner()
            .awards;
        assert_eq!(awards.len(), PARTNERS, "{awards:?}");
        let approve = incentive::ApproveAwardsRequest {
            parent: self.parent.clone(),
            names: awards.into_iter().map(|award| award.name).collect(),
            note: self.text('v'),
            ..incentive::ApproveAwardsRequest::default()
        };
        let approved = self.staff.awards().approve_awards(approve).await;
        self.rule(approved.unwrap().into_inner().awards.remove(0).name)
            .await;
        let other = self.world.actor(&canary(0, 'v', 8_001));
        let paid = self.batch(0, &[0, 1]).await;
        self.pay(&other, paid).await;
        let cancel = incentive::CancelBatchRequest {
            name: self.batch(1, &[2, 3]).await,
            note: self.text('v'),
            ..incentive::CancelBatchRequest::default()
        };
        self.staff.payouts().cancel_batch(cancel).await.unwrap();
        self.facts(&plan).await;
    }

    /// Something is added to an award, held, taken back of it, and released.
    async fn rule(&self, name: String) {
        let mut awards = self.staff.awards();
        let adjust = incentive::AdjustAwardRequest {
            name: name.clone(),
            amount: super::plant::usd(2),
            reason_code: "GOODWILL".to_owned(),
            note: self.text('v'),
            ..incentive::AdjustAwardRequest::default()
        };
        awards.adjust_award(adjust).await.unwrap();
        let hold = incentive::HoldAwardRequest {
            name: name.clone(),
            reason: incentive::award::HoldReason::Review.into(),
            note: self.text('v'),
            ..incentive::HoldAwardRequest::default()
        };
        awards.hold_award(hold).await.unwrap();
        let reject = incentive::RejectAwardRequest {
            name: name.clone(),
            amount: super::plant::usd(1),
            reason_code: "NOT_ELIGIBLE".to_owned(),
            note: self.text('v'),
            ..incentive::RejectAwardRequest::default()
        };
        awards.reject_award(reject).await.unwrap();
        let release = incentive::ReleaseAwardRequest {
            name,
            note: self.text('v'),
            ..incentive::ReleaseAwardRequest::default()
        };
        awards.release_award(release).await.unwrap();
    }

    /// Drafts with conditions, roles, a group and a quota.
    async fn other_terms(&self, plan: &str) {
        let mut shared = tenth();
        shared.audience = Some(incentive::Audience {
            condition: format!("partner.country == \"{}\"", self.text('v')),
            ..incentive::Audience::default()
        });
        shared.trigger_condition = format!("line.product == \"{}\"", self.text('v'));
        shared.sharing = Some(incentive::Sharing {
            roles: vec![incentive::RoleWeight {
                role: self.text('v'),
                weight: 1,
            }],
            ..incentive::Sharing::default()
        });
        shared.protection = Some(incentive::Protection {
            hold_until: format!("event.metric == \"{}\"", self.text('v')),
            ..incentive::Protection::default()
        });
        shared.policy = Some(incentive::Policy {
            stack: Some(incentive::PolicyStack {
                group: self.text('v'),
                rule: incentive::policy_stack::Rule::Add.into(),
                rank: 1,
                ..incentive::PolicyStack::default()
            }),
            ..incentive::Policy::default()
        });
        let mut yearly = tenth();
        yearly.measure = Some(incentive::Measure {
            window: incentive::measure::Window::Year.into(),
            target: Some(incentive::MeasureTarget {
                kind: incentive::measure_target::Kind::Quota.into(),
                quota: self.text('v'),
                ..incentive::MeasureTarget::default()
            }),
            ..yearly.measure.unwrap()
        });
        yearly.effective_from_date = Some(Date {
            day: 1,
            month: 1,
            ..DAY
        });
        for version in [shared, yearly] {
            let request = incentive::CreatePlanVersionRequest {
                parent: plan.to_owned(),
                plan_version: Some(version),
                ..incentive::CreatePlanVersionRequest::default()
            };
            let made = self.staff.plans().create_plan_version(request).await;
            made.unwrap();
        }
    }

    async fn batch(&self, number: usize, partners: &[usize]) -> String {
        let request = incentive::CreateBatchRequest {
            parent: self.parent.clone(),
            batch_id: batch_id(0, number),
            batch: Some(incentive::PayoutBatch {
                currency_code: "USD".to_owned(),
                partners: partners.iter().map(|of| self.partner_name(*of)).collect(),
                ..incentive::PayoutBatch::default()
            }),
            ..incentive::CreateBatchRequest::default()
        };
        let made = self.staff.payouts().create_batch(request).await;
        made.unwrap().into_inner().name
    }

    async fn pay(&self, other: &Caller, name: String) {
        let submit = incentive::SubmitBatchRequest {
            name: name.clone(),
            note: self.text('v'),
            ..incentive::SubmitBatchRequest::default()
        };
        self.staff.payouts().submit_batch(submit).await.unwrap();
        let approve = incentive::ApproveBatchRequest {
            name: name.clone(),
            note: self.text('v'),
            ..incentive::ApproveBatchRequest::default()
        };
        other.payouts().approve_batch(approve).await.unwrap();
        let send = incentive::SendBatchRequest {
            name: name.clone(),
            note: self.text('v'),
            ..incentive::SendBatchRequest::default()
        };
        self.staff.payouts().send_batch(send).await.unwrap();
        let fail = incentive::FailItemRequest {
            name: format!("{name}/items/{}", partner(0, 0)),
            reason_code: self.word('v'),
            note: self.text('v'),
            ..incentive::FailItemRequest::default()
        };
        self.staff.payouts().fail_item(fail).await.unwrap();
    }
}

/// A tenth of every deal.
pub(super) fn tenth() -> incentive::PlanVersion {
    let rate = Decimal {
        value: "0.1".to_owned(),
    };
    let band = incentive::Band {
        from_amount: usd(0),
        rate: Some(rate),
        fixed_amount: usd(0),
        ..incentive::Band::default()
    };
    incentive::PlanVersion {
        effective_from_date: Some(Date {
            day: 1,
            month: 1,
            ..DAY
        }),
        currency_code: "USD".to_owned(),
        kind: incentive::plan_version::Kind::Commission.into(),
        trigger: incentive::plan_version::Trigger::DealWon.into(),
        measure: Some(incentive::Measure {
            source: incentive::measure::Source::DealNet.into(),
            window: incentive::measure::Window::Event.into(),
            ..incentive::Measure::default()
        }),
        schedule: Some(incentive::Schedule {
            mode: incentive::schedule::Mode::Marginal.into(),
            bands: vec![band],
            ..incentive::Schedule::default()
        }),
        ..incentive::PlanVersion::default()
    }
}
