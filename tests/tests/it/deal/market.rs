//! A market to register and close business in: partners at work in a program, products, customers.

use std::ops::Deref;
use std::time::Duration;

use tonic::{Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::google::r#type::{Date, Money};
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as platform;
use trellis_api::program::v1 as program;
use trellis_tests::{Caller, World};

/// A market in a sandbox ecosystem. Calls go through it as through the world.
#[derive(Clone)]
pub(crate) struct Market {
    pub(crate) world: World,
    /// `ecosystems/acme`.
    pub(crate) parent: String,
}

/// A day without a change of the clocks.
const DAY: Duration = Duration::from_secs(86_400);

impl Deref for Market {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// The first of the month in which every test begins.
pub(crate) const MARCH_2: Date = Date {
    year: 2026,
    month: 3,
    day: 2,
};

pub(crate) fn usd(units: i64) -> Option<Money> {
    money(units, "USD")
}

pub(crate) fn money(units: i64, currency: &str) -> Option<Money> {
    Some(Money {
        currency_code: currency.to_owned(),
        units,
        nanos: 0,
    })
}

pub(crate) fn day(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

/// A part of a partner's, with a meeting as its evidence.
pub(crate) fn part(partner: &str, role: pb::deal::Role) -> pb::deal::PartnerRole {
    pb::deal::PartnerRole {
        partner: partner.to_owned(),
        role: role.into(),
        evidence: vec![pb::deal::Evidence {
            r#type: pb::deal::evidence::Type::Meeting.into(),
            date: day(2026, 2, 1),
            ..pb::deal::Evidence::default()
        }],
        ..pb::deal::PartnerRole::default()
    }
}

/// Who has which part.
pub(crate) fn who(roles: &[pb::deal::PartnerRole]) -> Vec<(String, pb::deal::Role)> {
    let told = |role: &pb::deal::PartnerRole| (role.partner.clone(), role.role());
    roles.iter().map(told).collect()
}

impl Market {
    /// A market with the products `firewall` and `backup` (100 and 40 dollars), the customers
    /// `initech` and `globex`, and the program `gold` in which a person decides.
    pub(crate) async fn open(world: World) -> Self {
        let parent = world.sandbox("acme").await;
        let market = Self { world, parent };
        market.product("firewall", usd(100)).await;
        market.product("backup", usd(40)).await;
        market.account("initech", &["initech.example"]).await;
        market.account("globex", &[]).await;
        market.program("gold", manual()).await;
        market
    }

    pub(crate) fn name(&self, collection: &str, id: &str) -> String {
        format!("{}/{collection}/{id}", self.parent)
    }

    pub(crate) async fn product(&self, id: &str, list_price: Option<Money>) -> String {
        let request = pb::CreateProductRequest {
            parent: self.parent.clone(),
            product_id: id.to_owned(),
            product: Some(pb::Product {
                display_name: id.to_owned(),
                list_price,
                external_id: format!("crm-{id}"),
                ..pb::Product::default()
            }),
            ..pb::CreateProductRequest::default()
        };
        let made = self.catalog().create_product(request).await;
        made.unwrap().into_inner().name
    }

    pub(crate) async fn territory(&self, id: &str, within: &str, codes: &[&str]) -> String {
        let request = pb::CreateTerritoryRequest {
            parent: self.parent.clone(),
            territory_id: id.to_owned(),
            territory: Some(pb::Territory {
                display_name: id.to_owned(),
                parent_territory: within.to_owned(),
                region_codes: codes.iter().map(|code| (*code).to_owned()).collect(),
                ..pb::Territory::default()
            }),
            ..pb::CreateTerritoryRequest::default()
        };
        let made = self.catalog().create_territory(request).await;
        made.unwrap().into_inner().name
    }

    pub(crate) async fn account(&self, id: &str, domains: &[&str]) -> String {
        let request = pb::CreateAccountRequest {
            parent: self.parent.clone(),
            account_id: id.to_owned(),
            account: Some(pb::Account {
                display_name: id.to_owned(),
                domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
                external_id: format!("crm-{id}"),
                ..pb::Account::default()
            }),
            ..pb::CreateAccountRequest::default()
        };
        let made = self.accounts().create_account(request).await;
        made.unwrap().into_inner().name
    }

    /// A published program with one tier.
    pub(crate) async fn program(
        &self,
        id: &str,
        settings: program::DealRegistrationSettings,
    ) -> String {
        let request = program::CreateProgramRequest {
            parent: self.parent.clone(),
            program_id: id.to_owned(),
            program: Some(program::Program {
                display_name: id.to_owned(),
                time_zone: "Europe/Berlin".to_owned(),
                currency_code: "USD".to_owned(),
                deal_registration: Some(settings),
                ..program::Program::default()
            }),
            ..program::CreateProgramRequest::default()
        };
        let made = self.programs().create_program(request).await.unwrap();
        let name = made.into_inner().name;
        let request = program::CreateTierRequest {
            parent: name.clone(),
            tier_id: "member".to_owned(),
            tier: Some(program::Tier {
                display_name: "Member".to_owned(),
                rank: 1,
                ..program::Tier::default()
            }),
            ..program::CreateTierRequest::default()
        };
        self.programs().create_tier(request).await.unwrap();
        let request = program::PublishProgramRequest {
            name: name.clone(),
            ..program::PublishProgramRequest::default()
        };
        self.programs().publish_program(request).await.unwrap();
        name
    }

    /// Partners at work in the program `gold`, in the order of the ids.
    pub(crate) async fn partners_at_work<const N: usize>(&self, ids: [&str; N]) -> [String; N] {
        let mut names = Vec::new();
        for id in ids {
            let name = self.partner(id).await;
            self.enroll(&name, "gold").await;
            names.push(name);
        }
        names.try_into().unwrap()
    }

    /// An active partner with this id that is enrolled nowhere.
    pub(crate) async fn partner(&self, id: &str) -> String {
        let request = partner::CreatePartnerRequest {
            parent: self.parent.clone(),
            partner_id: id.to_owned(),
            partner: Some(partner::Partner {
                display_name: id.to_owned(),
                partner_type: partner::partner::PartnerType::Reseller.into(),
                external_id: format!("crm-{id}"),
                ..partner::Partner::default()
            }),
            ..partner::CreatePartnerRequest::default()
        };
        let mut partners = self.partners();
        let name = partners
            .create_partner(request)
            .await
            .unwrap()
            .into_inner()
            .name;
        let invite = partner::InvitePartnerRequest {
            name: name.clone(),
            ..partner::InvitePartnerRequest::default()
        };
        partners.invite_partner(invite).await.unwrap();
        let accept = partner::AcceptInvitationRequest {
            name: name.clone(),
            ..partner::AcceptInvitationRequest::default()
        };
        partners.accept_invitation(accept).await.unwrap();
        let activate = partner::ActivatePartnerRequest {
            name: name.clone(),
            ..partner::ActivatePartnerRequest::default()
        };
        partners.activate_partner(activate).await.unwrap();
        name
    }

    pub(crate) async fn suspend(&self, partner: &str) {
        let request = partner::SuspendPartnerRequest {
            name: partner.to_owned(),
            reason_code: "COMPLIANCE_REVIEW".to_owned(),
            ..partner::SuspendPartnerRequest::default()
        };
        self.partners().suspend_partner(request).await.unwrap();
    }

    pub(crate) async fn enroll(&self, partner: &str, program: &str) {
        let request = program::CreateEnrollmentRequest {
            parent: self.parent.clone(),
            enrollment: Some(program::Enrollment {
                partner: partner.to_owned(),
                program: self.name("programs", program),
                ..program::Enrollment::default()
            }),
            ..program::CreateEnrollmentRequest::default()
        };
        self.enrollments().create_enrollment(request).await.unwrap();
    }

    /// A claim of a partner to the firewall at `initech`, to be changed before it is created.
    pub(crate) fn claim(&self, partner: &str) -> pb::Registration {
        pb::Registration {
            partner: partner.to_owned(),
            program: self.name("programs", "gold"),
            account: self.name("accounts", "initech"),
            products: vec![self.name("products", "firewall")],
            deal_type: pb::DealType::New.into(),
            estimated_value: usd(5_000),
            ..pb::Registration::default()
        }
    }

    pub(crate) async fn draft(&self, claim: pb::Registration) -> pb::Registration {
        self.try_draft(claim).await.unwrap().into_inner()
    }

    pub(crate) async fn try_draft(
        &self,
        claim: pb::Registration,
    ) -> Result<Response<pb::Registration>, Status> {
        let request = pb::CreateRegistrationRequest {
            parent: self.parent.clone(),
            registration: Some(claim),
            ..pb::CreateRegistrationRequest::default()
        };
        self.registrations().create_registration(request).await
    }

    /// Drafts a claim and hands it in.
    pub(crate) async fn submit(&self, claim: pb::Registration) -> pb::Registration {
        self.try_submit(claim).await.unwrap().into_inner()
    }

    pub(crate) async fn try_submit(
        &self,
        claim: pb::Registration,
    ) -> Result<Response<pb::Registration>, Status> {
        let draft = self.draft(claim).await;
        self.hand_in(&draft.name).await
    }

    pub(crate) async fn hand_in(&self, name: &str) -> Result<Response<pb::Registration>, Status> {
        let request = pb::SubmitRegistrationRequest {
            name: name.to_owned(),
            ..pb::SubmitRegistrationRequest::default()
        };
        self.registrations().submit_registration(request).await
    }

    pub(crate) async fn approve(&self, name: &str) -> Result<Response<pb::Registration>, Status> {
        let request = pb::ApproveRegistrationRequest {
            name: name.to_owned(),
            note: "well prepared".to_owned(),
            ..pb::ApproveRegistrationRequest::default()
        };
        self.registrations().approve_registration(request).await
    }

    pub(crate) async fn reject(&self, name: &str) -> Result<Response<pb::Registration>, Status> {
        let request = pb::RejectRegistrationRequest {
            name: name.to_owned(),
            reason_code: "NO_EVIDENCE".to_owned(),
            ..pb::RejectRegistrationRequest::default()
        };
        self.registrations().reject_registration(request).await
    }

    pub(crate) async fn withdraw(&self, name: &str) -> Result<Response<pb::Registration>, Status> {
        let request = pb::WithdrawRegistrationRequest {
            name: name.to_owned(),
            ..pb::WithdrawRegistrationRequest::default()
        };
        self.registrations().withdraw_registration(request).await
    }

    pub(crate) async fn convert(&self, name: &str) -> Result<Response<pb::Registration>, Status> {
        let request = pb::ConvertRegistrationRequest {
            name: name.to_owned(),
            ..pb::ConvertRegistrationRequest::default()
        };
        self.registrations().convert_registration(request).await
    }

    pub(crate) async fn registration(&self, name: &str) -> pb::Registration {
        let request = pb::GetRegistrationRequest {
            name: name.to_owned(),
        };
        let read = self.registrations().get_registration(request).await;
        read.unwrap().into_inner()
    }

    /// Moves the clock of the ecosystem. What fell due has been done for whoever reads through the
    /// answer.
    pub(crate) async fn wait_days(&self, days: i64) -> Caller {
        let moved = self
            .advance(&self.parent, DAY * u32::try_from(days).unwrap())
            .await;
        self.after(&moved)
    }

    /// Creates a deal.
    pub(crate) async fn deal(&self, deal: pb::Deal) -> pb::Deal {
        self.try_deal(deal).await.unwrap().into_inner()
    }

    pub(crate) async fn try_deal(&self, deal: pb::Deal) -> Result<Response<pb::Deal>, Status> {
        let request = pb::CreateDealRequest {
            parent: self.parent.clone(),
            deal: Some(deal),
            ..pb::CreateDealRequest::default()
        };
        self.deals().create_deal(request).await
    }

    /// A deal for 10 firewalls, to be changed before it is created.
    pub(crate) fn ten_firewalls(&self) -> pb::Deal {
        pb::Deal {
            display_name: "Ten firewalls".to_owned(),
            account: self.name("accounts", "initech"),
            lines: vec![self.line("firewall", 10, None)],
            ..pb::Deal::default()
        }
    }

    pub(crate) fn line(
        &self,
        product: &str,
        quantity: i64,
        amount: Option<Money>,
    ) -> pb::deal::Line {
        pb::deal::Line {
            product: self.name("products", product),
            quantity,
            amount,
        }
    }

    pub(crate) async fn read_deal(&self, name: &str) -> pb::Deal {
        let request = pb::GetDealRequest {
            name: name.to_owned(),
        };
        self.deals().get_deal(request).await.unwrap().into_inner()
    }

    pub(crate) async fn win(&self, name: &str) -> pb::Deal {
        self.try_win(name, None).await.unwrap().into_inner()
    }

    pub(crate) async fn try_win(
        &self,
        name: &str,
        amount: Option<Money>,
    ) -> Result<Response<pb::Deal>, Status> {
        let request = pb::WinDealRequest {
            name: name.to_owned(),
            amount,
            ..pb::WinDealRequest::default()
        };
        self.deals().win_deal(request).await
    }

    /// Asserts which kinds of events tell of a resource, oldest first.
    pub(crate) async fn tells(&self, resource: &str, expected: &[&str]) {
        let events = self.events_about(resource).await;
        let kinds: Vec<_> = events.iter().map(|event| event.r#type.as_str()).collect();
        assert_eq!(kinds, expected);
    }

    /// The events about a resource, oldest first.
    pub(crate) async fn events_about(&self, resource: &str) -> Vec<platform::Event> {
        self.settled(&self.parent).await;
        self.told_so_far(resource).await
    }

    /// Those of them that can be read already.
    pub(crate) async fn told_so_far(&self, resource: &str) -> Vec<platform::Event> {
        let request = platform::ListEventsRequest {
            parent: self.parent.clone(),
            page_size: 1_000,
            filter: format!("resource = \"{resource}\""),
            ..platform::ListEventsRequest::default()
        };
        let events = self.events().list_events(request).await;
        events.unwrap().into_inner().events
    }
}

/// A person decides about every registration; protections last 90 days.
pub(crate) fn manual() -> program::DealRegistrationSettings {
    program::DealRegistrationSettings::default()
}

/// Whatever nothing stands in the way of is approved at once, up to a value.
pub(crate) fn automatic(limit: Option<Money>) -> program::DealRegistrationSettings {
    program::DealRegistrationSettings {
        auto_approve_registrations: true,
        auto_approve_limit: limit,
        ..program::DealRegistrationSettings::default()
    }
}
