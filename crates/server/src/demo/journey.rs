//! The journey: from an empty deployment to a settled payout and a refund after it.

use std::time::Duration;

use tonic::Status;
use tonic::transport::Channel;
use trellis_api::deal::v1 as deal;
use trellis_api::google::r#type::{Date, Decimal, Money};
use trellis_api::incentive::v1 as incentive;
use trellis_api::options::v1::Role;
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as platform;
use trellis_api::program::v1 as program;

use super::session::{Session, request_id};
use super::summary::{Summary, amount};
use super::{backtest, engagement, lead, registration};

use deal::catalog_service_client::CatalogServiceClient;
use deal::deal_service_client::DealServiceClient;
use deal::registration_service_client::RegistrationServiceClient;
use incentive::award_service_client::AwardServiceClient;
use incentive::ledger_service_client::LedgerServiceClient;
use incentive::payout_service_client::PayoutServiceClient;
use incentive::plan_service_client::PlanServiceClient;
use partner::partner_service_client::PartnerServiceClient;
use platform::access_service_client::AccessServiceClient;
use platform::ecosystem_service_client::EcosystemServiceClient;
use program::enrollment_service_client::EnrollmentServiceClient;
use program::program_service_client::ProgramServiceClient;

/// Who acts: the ecosystem's owner has three people, each partner one.
const MANAGER: &str = "mara@demo.example";
const ACCOUNTANT: &str = "alex@demo.example";
const CONTROLLER: &str = "kim@demo.example";
const NIMBUS: &str = "noor@nimbus.example";
const CIRRUS: &str = "cato@cirrus.example";

/// For how many days awards of the demonstration are held.
const HOLD_DAYS: i32 = 30;

/// Who founds the ecosystem of the demonstration, as its administrator.
#[derive(Clone, Debug)]
pub struct Founder {
    /// The ecosystem's id. There is none of this id yet.
    pub ecosystem: String,
    /// The secret of the administrator's key.
    pub secret: String,
}

/// Who acts with the founder's key.
#[must_use]
pub const fn founder() -> &'static str {
    MANAGER
}

/// Lives through the journey against the server behind a channel.
///
/// # Errors
/// The first refusal of a call.
pub async fn run(channel: Channel, founder: &Founder) -> Result<Summary, Status> {
    let mut journey = Journey {
        session: found(channel, founder).await?,
        summary: Summary::default(),
        year: 0,
    };
    journey
        .summary
        .ecosystem
        .clone_from(&journey.session.ecosystem);
    journey.staff().await?;
    journey.strategize().await?;
    journey.recruit().await?;
    journey.onboard().await?;
    let registration = journey.register().await?;
    let deal = journey.sell(registration).await?;
    let award = journey.earn(&deal).await?;
    let batch = journey.pay().await?;
    journey.refund(&deal, &award).await?;
    journey.reconsider().await?;
    journey.account().await?;
    journey.summary.names.deal = deal;
    journey.summary.names.award = award;
    journey.summary.names.batch = batch;
    journey.summary.names.partner = journey.session.name("partners", "nimbus");
    Ok(journey.summary)
}

/// Founds a sandbox ecosystem.
async fn found(channel: Channel, founder: &Founder) -> Result<Session, Status> {
    let mut client = EcosystemServiceClient::new(channel.clone());
    let mut session = Session::new(channel, format!("ecosystems/{}", founder.ecosystem));
    session.equip(MANAGER, &founder.secret)?;
    let create = platform::CreateEcosystemRequest {
        ecosystem_id: founder.ecosystem.clone(),
        ecosystem: Some(platform::Ecosystem {
            display_name: "Demo Networks".into(),
            time_zone: "America/New_York".into(),
            currency_code: "USD".into(),
            sandbox: true,
            ..Default::default()
        }),
        request_id: request_id(),
        ..Default::default()
    };
    session.wrote(client.create_ecosystem(session.by(MANAGER, create)).await)?;
    Ok(session)
}

struct Journey {
    session: Session,
    summary: Summary,
    /// The year by the ecosystem's clock.
    year: i32,
}

pub(super) fn dollars(units: i64, cents: i32) -> Option<Money> {
    Some(Money {
        currency_code: "USD".into(),
        units,
        nanos: cents * 10_000_000,
    })
}

pub(super) fn percent(hundredths: &str) -> Option<Decimal> {
    Some(Decimal {
        value: hundredths.into(),
    })
}

impl Journey {
    /// The owner's people get keys.
    async fn staff(&mut self) -> Result<(), Status> {
        self.summary
            .pillar("Found: the ecosystem, and who may what");
        self.summary.step(
            "CreateEcosystem",
            format!(
                "{} is a sandbox: its clock can be moved",
                self.session.ecosystem
            ),
        );
        self.key(ACCOUNTANT, Role::FinanceApprover, None).await?;
        self.key(CONTROLLER, Role::FinanceApprover, None).await
    }

    /// Makes a key for somebody: of the owner's people, or of a partner's.
    async fn key(
        &mut self,
        person: &'static str,
        role: Role,
        partner: Option<&str>,
    ) -> Result<(), Status> {
        let mut client = AccessServiceClient::new(self.session.channel.clone());
        let create = platform::CreateApiKeyRequest {
            parent: self.session.ecosystem.clone(),
            api_key: Some(platform::ApiKey {
                display_name: format!("The demonstration, for {person}"),
                person: person.into(),
                partner: partner.map(ToOwned::to_owned).unwrap_or_default(),
                ..Default::default()
            }),
            roles: vec![platform::InitialRole {
                role: role.into(),
                ..Default::default()
            }],
            request_id: request_id(),
            ..Default::default()
        };
        let made = client
            .create_api_key(self.session.by(MANAGER, create))
            .await;
        let made = self.session.wrote(made)?;
        self.session.equip(person, &made.secret)?;
        let role = role
            .as_str_name()
            .trim_start_matches("ROLE_")
            .to_lowercase();
        let at = partner.map(|partner| format!(" of {partner}"));
        self.summary.step(
            "CreateApiKey",
            format!("{person} is {role}{}", at.unwrap_or_default()),
        );
        Ok(())
    }

    /// The owner's program, what is sold, and what is promised for selling it.
    async fn strategize(&mut self) -> Result<(), Status> {
        self.summary
            .pillar("Strategize: the program, the catalogue, the plans");
        self.year = self.session.today(MANAGER).await?.year();
        self.program().await?;
        self.catalogue().await?;
        self.plan("deal-commission", "12.5 % of every deal", commission())
            .await?;
        self.plan(
            "quarterly-rebate",
            "2 % of the quarter from 50,000, 4 % from 100,000",
            rebate(),
        )
        .await
    }

    async fn program(&mut self) -> Result<(), Status> {
        let mut client = ProgramServiceClient::new(self.session.channel.clone());
        let parent = self.session.ecosystem.clone();
        let create = program::CreateProgramRequest {
            parent,
            program_id: "growth".into(),
            program: Some(program::Program {
                display_name: "Growth".into(),
                description: "For partners that bring new customers.".into(),
                time_zone: "America/New_York".into(),
                currency_code: "USD".into(),
                ..Default::default()
            }),
            request_id: request_id(),
            ..Default::default()
        };
        let made = self.session.wrote(
            client
                .create_program(self.session.by(MANAGER, create))
                .await,
        )?;
        for (rank, tier) in (1_i32..).zip(["registered", "silver", "gold"]) {
            let create = program::CreateTierRequest {
                parent: made.name.clone(),
                tier_id: tier.into(),
                tier: Some(program::Tier {
                    display_name: tier.to_uppercase(),
                    rank,
                    ..Default::default()
                }),
                request_id: request_id(),
                ..Default::default()
            };
            self.session
                .wrote(client.create_tier(self.session.by(MANAGER, create)).await)?;
        }
        let publish = program::PublishProgramRequest {
            name: made.name,
            request_id: request_id(),
            ..Default::default()
        };
        let published = self.session.wrote(
            client
                .publish_program(self.session.by(MANAGER, publish))
                .await,
        )?;
        self.summary.step(
            "PublishProgram",
            format!("{} with the tiers registered, silver, gold", published.name),
        );
        Ok(())
    }

    async fn catalogue(&mut self) -> Result<(), Status> {
        let mut client = CatalogServiceClient::new(self.session.channel.clone());
        let parent = self.session.ecosystem.clone();
        let family = deal::CreateProductFamilyRequest {
            parent: parent.clone(),
            product_family_id: "security".into(),
            product_family: Some(deal::ProductFamily {
                display_name: "Security".into(),
                ..Default::default()
            }),
            request_id: request_id(),
            ..Default::default()
        };
        let family = self.session.wrote(
            client
                .create_product_family(self.session.by(MANAGER, family))
                .await,
        )?;
        for (id, display_name, price) in
            [("firewall", "Firewall", 8_500), ("backup", "Backup", 2_400)]
        {
            let create = deal::CreateProductRequest {
                parent: parent.clone(),
                product_id: id.into(),
                product: Some(deal::Product {
                    display_name: display_name.into(),
                    product_family: family.name.clone(),
                    list_price: dollars(price, 0),
                    ..Default::default()
                }),
                request_id: request_id(),
                ..Default::default()
            };
            self.session.wrote(
                client
                    .create_product(self.session.by(MANAGER, create))
                    .await,
            )?;
        }
        let territory = deal::CreateTerritoryRequest {
            parent,
            territory_id: "north-america".into(),
            territory: Some(deal::Territory {
                display_name: "North America".into(),
                region_codes: vec!["US".into(), "CA".into()],
                ..Default::default()
            }),
            request_id: request_id(),
            ..Default::default()
        };
        self.session.wrote(
            client
                .create_territory(self.session.by(MANAGER, territory))
                .await,
        )?;
        self.summary.step(
            "CreateProduct",
            "Firewall and Backup, sold in North America".to_owned(),
        );
        Ok(())
    }

    async fn plan(
        &mut self,
        id: &str,
        promise: &str,
        version: incentive::PlanVersion,
    ) -> Result<(), Status> {
        let mut client = PlanServiceClient::new(self.session.channel.clone());
        let plan = incentive::CreatePlanRequest {
            parent: self.session.ecosystem.clone(),
            plan_id: id.into(),
            plan: Some(incentive::Plan {
                display_name: promise.into(),
                program: self.session.name("programs", "growth"),
                ..Default::default()
            }),
            request_id: request_id(),
            ..Default::default()
        };
        let plan = self
            .session
            .wrote(client.create_plan(self.session.by(MANAGER, plan)).await)?;
        let create = incentive::CreatePlanVersionRequest {
            parent: plan.name,
            plan_version: Some(incentive::PlanVersion {
                effective_from_date: Some(Date {
                    year: self.year,
                    month: 1,
                    day: 1,
                }),
                ..version
            }),
            request_id: request_id(),
            ..Default::default()
        };
        let version = self.session.wrote(
            client
                .create_plan_version(self.session.by(MANAGER, create))
                .await,
        )?;
        let schedule = incentive::SchedulePlanVersionRequest {
            name: version.name,
            request_id: request_id(),
            ..Default::default()
        };
        let version = self.session.wrote(
            client
                .schedule_plan_version(self.session.by(MANAGER, schedule))
                .await,
        )?;
        self.summary.step(
            "SchedulePlanVersion",
            format!("{} pays {promise}, held for {HOLD_DAYS} days", version.name),
        );
        Ok(())
    }

    /// Two partners are asked to join, say yes, and are set up.
    async fn recruit(&mut self) -> Result<(), Status> {
        self.summary.pillar("Recruit: partners join");
        let mut client = PartnerServiceClient::new(self.session.channel.clone());
        for (id, display_name, person) in [
            ("nimbus", "Nimbus Consulting", NIMBUS),
            ("cirrus", "Cirrus Partners", CIRRUS),
        ] {
            let create = partner::CreatePartnerRequest {
                parent: self.session.ecosystem.clone(),
                partner_id: id.into(),
                partner: Some(partner::Partner {
                    display_name: display_name.into(),
                    partner_type: partner::partner::PartnerType::Referral.into(),
                    region_code: "US".into(),
                    contact_email: person.into(),
                    ..Default::default()
                }),
                request_id: request_id(),
                ..Default::default()
            };
            let made = self.session.wrote(
                client
                    .create_partner(self.session.by(MANAGER, create))
                    .await,
            )?;
            let invite = partner::InvitePartnerRequest {
                name: made.name.clone(),
                request_id: request_id(),
                ..Default::default()
            };
            self.session.wrote(
                client
                    .invite_partner(self.session.by(MANAGER, invite))
                    .await,
            )?;
            self.key(person, Role::PartnerAdmin, Some(&made.name))
                .await?;
            let accept = partner::AcceptInvitationRequest {
                name: made.name.clone(),
                request_id: request_id(),
                ..Default::default()
            };
            self.session.wrote(
                client
                    .accept_invitation(self.session.by(person, accept))
                    .await,
            )?;
            let activate = partner::ActivatePartnerRequest {
                name: made.name,
                request_id: request_id(),
                ..Default::default()
            };
            let active = self.session.wrote(
                client
                    .activate_partner(self.session.by(MANAGER, activate))
                    .await,
            )?;
            let state = active.state().as_str_name();
            self.summary
                .step("ActivatePartner", format!("{} is {state}", active.name));
        }
        Ok(())
    }

    /// Both partners enrol in the program.
    async fn onboard(&mut self) -> Result<(), Status> {
        self.summary.pillar("Onboard: partners enrol");
        let mut client = EnrollmentServiceClient::new(self.session.channel.clone());
        for (id, tier) in [("nimbus", "silver"), ("cirrus", "gold")] {
            let program = self.session.name("programs", "growth");
            let create = program::CreateEnrollmentRequest {
                parent: self.session.ecosystem.clone(),
                enrollment: Some(program::Enrollment {
                    partner: self.session.name("partners", id),
                    tier: format!("{program}/tiers/{tier}"),
                    program,
                    ..Default::default()
                }),
                request_id: request_id(),
                ..Default::default()
            };
            let enrolled = self.session.wrote(
                client
                    .create_enrollment(self.session.by(MANAGER, create))
                    .await,
            )?;
            self.summary
                .step("CreateEnrollment", format!("{id} holds {}", enrolled.tier));
        }
        Ok(())
    }

    /// A lead is given to one of them. Both register the same customer and product; the first is protected,
    /// whatever its tier.
    async fn register(&mut self) -> Result<deal::Registration, Status> {
        self.summary.pillar("Sell: who was first, on what, and why");
        let people = [("nimbus", NIMBUS), ("cirrus", CIRRUS)];
        let Self {
            session,
            summary,
            year,
        } = self;
        lead::give(session, summary, MANAGER, people).await?;
        registration::protect(session, summary, MANAGER, people, *year).await
    }

    /// The registration becomes a deal, and the deal is won.
    async fn sell(&mut self, registration: deal::Registration) -> Result<String, Status> {
        let mut client = RegistrationServiceClient::new(self.session.channel.clone());
        let convert = deal::ConvertRegistrationRequest {
            name: registration.name,
            deal_id: "contoso-branch".into(),
            request_id: request_id(),
            ..Default::default()
        };
        let converted = self.session.wrote(
            client
                .convert_registration(self.session.by(MANAGER, convert))
                .await,
        )?;
        self.summary.step(
            "ConvertRegistration",
            format!("{} is its deal", converted.deal),
        );
        let people = [("nimbus", NIMBUS), ("cirrus", CIRRUS)];
        engagement::together(
            &mut self.session,
            &mut self.summary,
            MANAGER,
            &converted.deal,
            people,
        )
        .await?;
        let mut client = DealServiceClient::new(self.session.channel.clone());
        let advance = deal::AdvanceDealRequest {
            name: converted.deal.clone(),
            stage: deal::deal::Stage::Committed.into(),
            request_id: request_id(),
            ..Default::default()
        };
        self.session
            .wrote(client.advance_deal(self.session.by(MANAGER, advance)).await)?;
        self.share(&mut client, &converted.deal).await?;
        let win = deal::WinDealRequest {
            name: converted.deal,
            amount: dollars(84_999, 99),
            request_id: request_id(),
            ..Default::default()
        };
        let won = self
            .session
            .wrote(client.win_deal(self.session.by(MANAGER, win)).await)?;
        self.summary.step(
            "WinDeal",
            format!("won for {}", amount(won.amount.as_ref())),
        );
        Ok(won.name)
    }

    /// Another partner helps to sell the deal, and has its part in it. The one that sourced it keeps its
    /// own, with the registration as its evidence.
    async fn share(
        &mut self,
        client: &mut DealServiceClient<Channel>,
        name: &str,
    ) -> Result<(), Status> {
        let part = |partner: &str, role: deal::deal::Role| deal::deal::PartnerRole {
            partner: self.session.name("partners", partner),
            role: role.into(),
            ..Default::default()
        };
        let helps = deal::deal::PartnerRole {
            evidence: vec![deal::deal::Evidence {
                r#type: deal::deal::evidence::Type::ProofOfConcept.into(),
                description: "ran the trial in the branch".into(),
                ..Default::default()
            }],
            ..part("cirrus", deal::deal::Role::CoSell)
        };
        let set = deal::SetDealRolesRequest {
            name: name.to_owned(),
            roles: vec![part("nimbus", deal::deal::Role::Sourced), helps],
            request_id: request_id(),
            ..Default::default()
        };
        self.session
            .wrote(client.set_deal_roles(self.session.by(MANAGER, set)).await)?;
        let ask = deal::GetAttributionRequest {
            name: name.to_owned(),
            models: vec![deal::AttributionModel::RoleWeighted.into()],
            ..Default::default()
        };
        let answer = client
            .get_attribution(self.session.by(MANAGER, ask))
            .await?
            .into_inner();
        let credits = answer.attributions.iter().flat_map(|one| &one.credits);
        let told: Vec<String> = credits
            .map(|credit| {
                let (_, id) = credit.partner.rsplit_once('/').unwrap_or_default();
                let points = credit.basis_points;
                format!("{id} {}.{:02} %", points / 100, points % 100)
            })
            .collect();
        self.summary.step(
            "GetAttribution",
            format!("credit by the parts, for reports: {}", told.join(", ")),
        );
        Ok(())
    }

    /// The win has become awards; one of them is explained.
    async fn earn(&mut self, deal: &str) -> Result<String, Status> {
        self.summary.pillar("Incentivize: what the win earned");
        let mut client = AwardServiceClient::new(self.session.channel.clone());
        let awards = self.awards(&mut client).await?;
        for award in &awards {
            let what = amount(award.entitled_amount.as_ref());
            self.summary
                .step("ListAwards", format!("{} earned {what}", award.plan));
        }
        let award = awards
            .iter()
            .find(|award| award.scope == Some(incentive::award::Scope::Deal(deal.to_owned())))
            .ok_or_else(|| Status::not_found("the deal has no award"))?;
        let name = award.name.clone();
        let explain = incentive::ExplainAwardRequest { name: name.clone() };
        let explained = client
            .explain_award(self.session.by(NIMBUS, explain))
            .await?
            .into_inner();
        let explanation = explained.explanation.unwrap_or_default();
        self.summary.explanation = explanation
            .steps
            .iter()
            .map(|step| step.text.clone())
            .collect();
        self.summary.explanation.push(explanation.summary);

        let mut clock = EcosystemServiceClient::new(self.session.channel.clone());
        let days = u64::from(HOLD_DAYS.unsigned_abs()) + 1;
        let span = Duration::from_secs(days * 24 * 60 * 60);
        let advance = platform::AdvanceClockRequest {
            name: self.session.ecosystem.clone(),
            duration: Some(trellis_api::duration::wire(span)),
            request_id: request_id(),
            ..Default::default()
        };
        self.session
            .wrote(clock.advance_clock(self.session.by(MANAGER, advance)).await)?;
        self.summary.step(
            "AdvanceClock",
            format!("{days} days later the hold of what the deal earned has ended"),
        );
        let in_review = |award: &&incentive::Award| {
            let review = award.buckets.as_ref().map(|buckets| &buckets.review_amount);
            review.is_some_and(|sum| sum.as_ref().is_some_and(|sum| sum.units > 0))
        };
        let awards = self.awards(&mut client).await?;

        let approve = incentive::ApproveAwardsRequest {
            parent: self.session.ecosystem.clone(),
            names: awards
                .iter()
                .filter(in_review)
                .map(|award| award.name.clone())
                .collect(),
            request_id: request_id(),
            ..Default::default()
        };
        let approved = self.session.wrote(
            client
                .approve_awards(self.session.by(CONTROLLER, approve))
                .await,
        )?;
        for award in approved.awards {
            let payable = award.buckets.and_then(|buckets| buckets.payable_amount);
            let what = amount(payable.as_ref());
            self.summary.step(
                "ApproveAwards",
                format!("{what} of {} is payable", award.plan),
            );
        }
        Ok(name)
    }

    async fn awards(
        &self,
        client: &mut AwardServiceClient<Channel>,
    ) -> Result<Vec<incentive::Award>, Status> {
        let list = incentive::ListAwardsRequest {
            parent: self.session.ecosystem.clone(),
            ..Default::default()
        };
        Ok(client
            .list_awards(self.session.by(NIMBUS, list))
            .await?
            .into_inner()
            .awards)
    }

    /// What is payable is paid: one prepares the batch, another approves it.
    async fn pay(&mut self) -> Result<String, Status> {
        let mut client = PayoutServiceClient::new(self.session.channel.clone());
        let create = incentive::CreateBatchRequest {
            parent: self.session.ecosystem.clone(),
            batch_id: "first".into(),
            batch: Some(incentive::PayoutBatch {
                currency_code: "USD".into(),
                minimum_amount: dollars(50, 0),
                ..Default::default()
            }),
            request_id: request_id(),
            ..Default::default()
        };
        let batch = self.session.wrote(
            client
                .create_batch(self.session.by(ACCOUNTANT, create))
                .await,
        )?;
        let name = batch.name.clone();
        let net = amount(batch.net_amount.as_ref());
        self.summary.step(
            "CreateBatch",
            format!("{name} pays {net}, prepared by {ACCOUNTANT}"),
        );
        let submit = incentive::SubmitBatchRequest {
            name: name.clone(),
            request_id: request_id(),
            ..Default::default()
        };
        self.session.wrote(
            client
                .submit_batch(self.session.by(ACCOUNTANT, submit))
                .await,
        )?;
        let approval = || incentive::ApproveBatchRequest {
            name: name.clone(),
            request_id: request_id(),
            ..Default::default()
        };
        let own = client
            .approve_batch(self.session.by(ACCOUNTANT, approval()))
            .await;
        let refused = own
            .err()
            .ok_or_else(|| Status::internal("a batch passed two eyes only"))?;
        self.summary.step(
            "ApproveBatch",
            format!("by {ACCOUNTANT}: refused, {}", refused.message()),
        );
        let approved = self.session.wrote(
            client
                .approve_batch(self.session.by(CONTROLLER, approval()))
                .await,
        )?;
        self.summary.step(
            "ApproveBatch",
            format!("by {}: approved", approved.approver),
        );
        let send = incentive::SendBatchRequest {
            name: name.clone(),
            request_id: request_id(),
            ..Default::default()
        };
        self.session
            .wrote(client.send_batch(self.session.by(ACCOUNTANT, send)).await)?;
        let settle = incentive::SettleItemsRequest {
            name: name.clone(),
            request_id: request_id(),
            ..Default::default()
        };
        let settled = self.session.wrote(
            client
                .settle_items(self.session.by(ACCOUNTANT, settle))
                .await,
        )?;
        let state = settled.state().as_str_name();
        self.summary
            .step("SettleItems", format!("{name} is {state}"));
        Ok(name)
    }

    /// The customer gets a part back, after everything was paid.
    async fn refund(&mut self, deal: &str, award: &str) -> Result<(), Status> {
        self.summary
            .pillar("Accelerate: a refund after the payout, and the books");
        let mut client = DealServiceClient::new(self.session.channel.clone());
        let refund = deal::RecordRefundRequest {
            name: deal.to_owned(),
            external_id: "credit-note-1".into(),
            amount: dollars(20_000, 0),
            reason_code: "GOODS_RETURNED".into(),
            request_id: request_id(),
            ..Default::default()
        };
        let refunded = self
            .session
            .wrote(client.record_refund(self.session.by(MANAGER, refund)).await)?;
        let back = amount(refunded.refunded_amount.as_ref());
        self.summary
            .step("RecordRefund", format!("{back} went back to the customer"));
        let mut client = AwardServiceClient::new(self.session.channel.clone());
        let get = incentive::GetAwardRequest {
            name: award.to_owned(),
        };
        let award = client
            .get_award(self.session.by(NIMBUS, get))
            .await?
            .into_inner();
        let buckets = award.buckets.unwrap_or_default();
        self.summary.step(
            "GetAward",
            format!(
                "entitled to {}; {} was paid, so {} is owed and comes off the next payout",
                amount(award.entitled_amount.as_ref()),
                amount(buckets.paid_amount.as_ref()),
                amount(buckets.owed_amount.as_ref()),
            ),
        );
        Ok(())
    }

    /// Other terms are tried on what has happened.
    async fn reconsider(&mut self) -> Result<(), Status> {
        self.summary
            .pillar("Strategize again: 10 %, and 15 % from 50,000, on the same deals");
        let (session, summary) = (&self.session, &mut self.summary);
        backtest::try_on(session, summary, CONTROLLER, self.year, commission()).await
    }

    /// The statement and the trial balance.
    async fn account(&mut self) -> Result<(), Status> {
        let mut client = LedgerServiceClient::new(self.session.channel.clone());
        let statement = incentive::GetStatementRequest {
            parent: self.session.name("partners", "nimbus"),
            start_date: Some(Date {
                year: self.year,
                month: 1,
                day: 1,
            }),
            end_date: Some(Date {
                year: self.year + 2,
                month: 1,
                day: 1,
            }),
            ..Default::default()
        };
        let statement = client
            .get_statement(self.session.by(NIMBUS, statement))
            .await?
            .into_inner();
        for currency in &statement.currencies {
            self.summary.statement = [
                ("opening balance", &currency.opening_balance),
                ("earned", &currency.earned_amount),
                ("clawed back", &currency.clawed_back_amount),
                ("rejected", &currency.rejected_amount),
                ("adjusted", &currency.adjusted_amount),
                ("paid", &currency.paid_amount),
                ("closing balance", &currency.closing_balance),
            ]
            .map(|(what, sum)| (what.to_owned(), amount(sum.as_ref())))
            .to_vec();
        }
        let balance = incentive::GetTrialBalanceRequest {
            parent: self.session.ecosystem.clone(),
            ..Default::default()
        };
        let balance = client
            .get_trial_balance(self.session.by(CONTROLLER, balance))
            .await?
            .into_inner();
        for currency in &balance.currencies {
            for class in &currency.classes {
                let name = class.account_class().as_str_name();
                self.summary.trial_balance.push((
                    name.trim_start_matches("ACCOUNT_CLASS_").to_lowercase(),
                    amount(class.debit_amount.as_ref()),
                    amount(class.credit_amount.as_ref()),
                ));
            }
            self.summary.trial_balance.push((
                "total".to_owned(),
                amount(currency.debit_amount.as_ref()),
                amount(currency.credit_amount.as_ref()),
            ));
        }
        let verify = incentive::VerifyLedgerRequest {
            parent: self.session.ecosystem.clone(),
        };
        let verified = client
            .verify_ledger(self.session.by(CONTROLLER, verify))
            .await?
            .into_inner();
        self.summary.sound =
            verified.sound && balance.currencies.iter().all(|currency| currency.balanced);
        self.summary.step(
            "VerifyLedger",
            format!(
                "{} journals, {} lines",
                verified.journal_count, verified.line_count
            ),
        );
        Ok(())
    }
}

fn commission() -> incentive::PlanVersion {
    incentive::PlanVersion {
        kind: incentive::plan_version::Kind::Commission.into(),
        measure: measure(incentive::measure::Window::Event),
        schedule: Some(incentive::Schedule {
            mode: incentive::schedule::Mode::Marginal.into(),
            bands: vec![incentive::Band {
                rate: percent("0.125"),
                ..Default::default()
            }],
            ..Default::default()
        }),
        ..promised()
    }
}

fn rebate() -> incentive::PlanVersion {
    let band = |from: i64, rate| incentive::Band {
        from_amount: dollars(from, 0),
        rate: percent(rate),
        ..Default::default()
    };
    incentive::PlanVersion {
        kind: incentive::plan_version::Kind::Rebate.into(),
        measure: measure(incentive::measure::Window::Quarter),
        schedule: Some(incentive::Schedule {
            mode: incentive::schedule::Mode::Whole.into(),
            bands: vec![band(0, "0"), band(50_000, "0.02"), band(100_000, "0.04")],
            ..Default::default()
        }),
        ..promised()
    }
}

/// What both plans have in common.
fn promised() -> incentive::PlanVersion {
    incentive::PlanVersion {
        currency_code: "USD".into(),
        trigger: incentive::plan_version::Trigger::DealWon.into(),
        hold_days: HOLD_DAYS,
        ..Default::default()
    }
}

fn measure(window: incentive::measure::Window) -> Option<incentive::Measure> {
    Some(incentive::Measure {
        source: incentive::measure::Source::DealNet.into(),
        window: window.into(),
        ..incentive::Measure::default()
    })
}
