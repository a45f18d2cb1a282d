//! Plants canaries: one ecosystem is lived through with a canary in every text that there is, and
//! then copied with all of its rows, each copy with canaries of its own.
//!
//! So the rows of all ecosystems have the same ids where the server makes them: a query that forgot
//! its ecosystem would find those of all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use trellis_api::deal::v1 as deal;
use trellis_api::google::r#type::{Date, Money};
use trellis_api::options::v1::Role as WireRole;
use trellis_api::partner::v1 as pb;
use trellis_api::platform::v1 as platform;
use trellis_api::program::v1 as program;
use trellis_core::access::{Grant, Rights};
use trellis_core::{Actor, EcosystemId, PartnerId, Principal, Role};
use trellis_tests::{Caller, Issuer, Seat, World};

use super::copy::past_everything;
use super::leak::{Owner, canary};
use super::who::{manager, of_deal, seller};

/// How many ecosystems there are.
pub(super) const ECOSYSTEMS: usize = 50;

/// How many partners each has.
pub(super) const PARTNERS: usize = 4;

/// Which manager looks after which partner. Nobody does after the last.
pub(super) const MANAGERS: [usize; PARTNERS - 1] = [0, 0, 1];

/// The id of an ecosystem.
pub(super) fn ecosystem(of: usize) -> String {
    canary(of, 'a', 1)
}

/// The id of a partner.
pub(super) fn partner(of: usize, number: usize) -> String {
    canary(of, owner(number), 1)
}

fn owner(partner: usize) -> Owner {
    char::from_digit(u32::try_from(partner).unwrap(), 10).unwrap()
}

/// The ids that others hang from: what lists of what is below them are asked for.
pub(super) fn program_id(of: usize, draft: bool) -> String {
    if draft {
        canary(of, 'v', 2)
    } else {
        canary(of, 'a', 2)
    }
}

pub(super) fn plan_id(of: usize) -> String {
    canary(of, 'a', 3)
}

pub(super) fn batch_id(of: usize, number: usize) -> String {
    canary(of, 'v', 10 + number)
}

/// The id of a lead that the first partner holds.
pub(super) fn lead_id(of: usize) -> String {
    canary(of, '0', 5)
}

/// The id of the webhook of the first partner.
pub(super) fn webhook_id(of: usize) -> String {
    canary(of, '0', 31)
}

/// The id of a deal that the first partner sourced.
pub(super) fn deal_id(of: usize) -> String {
    canary(of, of_deal(0), 7)
}

/// The id of an engagement that several partners have to do with.
pub(super) fn engagement_id(of: usize) -> String {
    canary(of, 'a', 6)
}

/// The id of a registration of the first partner, for which something was done.
pub(super) fn registration_id(of: usize) -> String {
    canary(of, '0', 6)
}

/// The id of the first tier of the published program.
pub(super) fn tier_id(of: usize) -> String {
    canary(of, 'a', 4)
}

/// Whoever plants.
pub(super) struct Planter {
    pub(super) world: World,
    pub(super) staff: Caller,
    pub(super) parent: String,
    next: AtomicUsize,
}

pub(super) fn usd(units: i64) -> Option<Money> {
    Some(Money {
        currency_code: "USD".to_owned(),
        units,
        nanos: 0,
    })
}

pub(super) const DAY: Date = Date {
    year: 2026,
    month: 3,
    day: 2,
};

impl Planter {
    /// Plants the first ecosystem.
    pub(super) async fn plant(world: &World) -> Self {
        let planter = Self {
            world: world.clone(),
            staff: world.actor(&canary(0, 'v', 8_000)),
            parent: format!("ecosystems/{}", ecosystem(0)),
            next: AtomicUsize::new(100),
        };
        planter.ecosystem().await;
        let catalog = planter.catalog().await;
        planter.programs().await;
        for number in 0..PARTNERS {
            planter.partner(number, &catalog).await;
        }
        let accounts = planter.accounts().await;
        planter.house(&catalog, &accounts[0]).await;
        planter.registrations(&catalog).await;
        planter.activities(&catalog, &accounts[1]).await;
        planter.transfer(&catalog).await;
        planter.leads(&catalog, &accounts).await;
        planter.deals(&catalog, &accounts).await;
        planter.engagements(&accounts).await;
        planter.money().await;
        for of in ['v'].into_iter().chain((0..PARTNERS).map(owner)) {
            planter.webhook(of).await;
        }
        // The parent of an account that was imported before it; imports are not what this is about.
        let pending = format!(
            "UPDATE accounts SET pending_parent_external_id = '{}' WHERE parent_account IS NULL",
            planter.text('v')
        );
        past_everything(world, &pending).await;
        // A month that is closed: the clock stands still here.
        let closed = format!(
            "INSERT INTO ledger_periods (ecosystem, id, start_date, end_date, journal_count, closer, \
             close_time) VALUES ('{}', '2026-02', 20485, 20513, 0, '{}', 0)",
            ecosystem(0),
            planter.text('v')
        );
        past_everything(world, &closed).await;
        // Keys come last: with one there, a server asks for one once its clock moves.
        for of in ['v'].into_iter().chain((0..PARTNERS).map(owner)) {
            planter.access(of).await;
        }
        planter
    }

    /// A key and a role, of the vendor's or of a partner's.
    async fn access(&self, of: Owner) {
        let number = of.to_digit(10).map(|of| of as usize);
        let partner = number.map(|number| self.partner_name(number));
        let partner = partner.unwrap_or_default();
        let role = match number {
            Some(_) => WireRole::PartnerRep,
            None => WireRole::Auditor,
        };
        let key = platform::CreateApiKeyRequest {
            parent: self.parent.clone(),
            api_key: Some(platform::ApiKey {
                display_name: self.text(of),
                person: self.text(of),
                partner: partner.clone(),
                ..platform::ApiKey::default()
            }),
            roles: vec![platform::InitialRole {
                role: role.into(),
                approval_limit: None,
            }],
            ..platform::CreateApiKeyRequest::default()
        };
        let mut access = self.staff.access();
        access.create_api_key(key).await.unwrap();
        let grant = platform::CreateRoleGrantRequest {
            parent: self.parent.clone(),
            role_grant: Some(platform::RoleGrant {
                principal: self.text(of),
                role: role.into(),
                partner,
                ..platform::RoleGrant::default()
            }),
            ..platform::CreateRoleGrantRequest::default()
        };
        // The trail keeps by which id somebody called.
        let mut grant = tonic::Request::new(grant);
        let call = self.text('v').parse().unwrap();
        grant.metadata_mut().insert("x-request-id", call);
        access.create_role_grant(grant).await.unwrap();
    }

    /// A webhook of the vendor's or of a partner's, which is told of itself. Nobody is where it is.
    async fn webhook(&self, of: Owner) {
        let number = of.to_digit(10).map(|of| of as usize);
        let id = match number {
            Some(0) => webhook_id(0),
            _ => self.text(of),
        };
        let partner = number.map(|number| self.partner_name(number));
        let filter = format!(
            r#"type = "webhook.created" AND resource != "{}""#,
            self.text(of)
        );
        let request = platform::CreateWebhookRequest {
            parent: self.parent.clone(),
            webhook_id: id,
            webhook: Some(platform::Webhook {
                display_name: self.text(of),
                url: format!("http://127.0.0.1:1/{}", self.text(of)),
                partner: partner.unwrap_or_default(),
                filter,
                ..platform::Webhook::default()
            }),
            ..platform::CreateWebhookRequest::default()
        };
        let made = self.staff.webhooks().create_webhook(request).await.unwrap();
        let name = made.into_inner().webhook.unwrap().name;
        // It is sent something before the clock stands still for it.
        for _ in 0..200 {
            let request = platform::ListDeliveriesRequest {
                parent: name.clone(),
                ..platform::ListDeliveriesRequest::default()
            };
            let sent = self
                .staff
                .webhooks()
                .list_deliveries(request)
                .await
                .unwrap();
            let sent = sent.into_inner().deliveries;
            if sent.first().is_some_and(|one| !one.attempts.is_empty()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{name} was sent nothing");
    }

    /// The next canary for this owner.
    pub(super) fn text(&self, owner: Owner) -> String {
        canary(0, owner, self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// The same as a word that reports count.
    pub(super) fn word(&self, owner: Owner) -> String {
        self.text(owner).to_uppercase().replace('-', "_")
    }

    pub(super) fn name(&self, collection: &str, id: &str) -> String {
        format!("{}/{collection}/{id}", self.parent)
    }

    pub(super) fn partner_name(&self, number: usize) -> String {
        self.name("partners", &partner(0, number))
    }

    pub(super) fn program_name(&self) -> String {
        self.name("programs", &program_id(0, false))
    }

    /// A seat for the seller of a partner.
    pub(super) async fn seller(&self, of: usize) -> Seat {
        let actor = format!("{}:{}", Issuer::ALIAS, seller(0, of));
        let own = PartnerId::try_new(&partner(0, of)).unwrap();
        let grant = Grant::new(Role::PartnerRep, Some(own));
        let home = EcosystemId::try_new(&ecosystem(0)).unwrap();
        let principal = Principal {
            actor: Actor::try_new(&actor).unwrap(),
            person: None,
            rights: Rights::Granted(vec![(home, vec![grant])]),
        };
        Seat::take(&self.world, principal).await
    }

    async fn ecosystem(&self) {
        let request = platform::CreateEcosystemRequest {
            ecosystem_id: ecosystem(0),
            ecosystem: Some(platform::Ecosystem {
                display_name: self.text('a'),
                time_zone: "Europe/Berlin".to_owned(),
                currency_code: "USD".to_owned(),
                ..platform::Ecosystem::default()
            }),
            ..platform::CreateEcosystemRequest::default()
        };
        self.staff
            .ecosystems()
            .create_ecosystem(request)
            .await
            .unwrap();
    }

    async fn programs(&self) {
        for draft in [false, true] {
            let (owner, id) = (if draft { 'v' } else { 'a' }, program_id(0, draft));
            let request = program::CreateProgramRequest {
                parent: self.parent.clone(),
                program_id: id,
                program: Some(program::Program {
                    display_name: self.text(owner),
                    description: self.text(owner),
                    time_zone: "Europe/Berlin".to_owned(),
                    currency_code: "USD".to_owned(),
                    ..program::Program::default()
                }),
                ..program::CreateProgramRequest::default()
            };
            let mut programs = self.staff.programs();
            let name = programs
                .create_program(request)
                .await
                .unwrap()
                .into_inner()
                .name;
            for rank in 1..=2 {
                let request = program::CreateTierRequest {
                    parent: name.clone(),
                    tier_id: if rank == 1 && !draft {
                        tier_id(0)
                    } else {
                        self.text(owner)
                    },
                    tier: Some(program::Tier {
                        display_name: self.text(owner),
                        description: self.text(owner),
                        rank,
                        ..program::Tier::default()
                    }),
                    ..program::CreateTierRequest::default()
                };
                programs.create_tier(request).await.unwrap();
            }
            if !draft {
                let request = program::PublishProgramRequest {
                    name,
                    note: self.text('v'),
                    ..program::PublishProgramRequest::default()
                };
                programs.publish_program(request).await.unwrap();
            }
        }
    }

    async fn partner(&self, number: usize, catalog: &Catalog) {
        let of = owner(number);
        let managed = MANAGERS.get(number);
        let managed = managed.map(|by| format!("{}:{}", Issuer::ALIAS, manager(0, *by)));
        let request = pb::CreatePartnerRequest {
            parent: self.parent.clone(),
            partner_id: partner(0, number),
            partner: Some(pb::Partner {
                display_name: self.text(of),
                partner_type: pb::partner::PartnerType::Reseller.into(),
                region_code: "DE".to_owned(),
                domain: format!("{}.example", self.text(of)),
                contact_email: format!("{}@example.com", self.text(of)),
                external_id: self.text('v'),
                channel_manager: managed.unwrap_or_default(),
                ..pb::Partner::default()
            }),
            ..pb::CreatePartnerRequest::default()
        };
        let mut partners = self.staff.partners();
        let name = partners
            .create_partner(request)
            .await
            .unwrap()
            .into_inner()
            .name;
        let invite = pb::InvitePartnerRequest {
            name: name.clone(),
            note: self.text('v'),
            ..pb::InvitePartnerRequest::default()
        };
        partners.invite_partner(invite).await.unwrap();
        let accept = pb::AcceptInvitationRequest {
            name: name.clone(),
            note: self.text('v'),
            ..pb::AcceptInvitationRequest::default()
        };
        partners.accept_invitation(accept).await.unwrap();
        let activate = pb::ActivatePartnerRequest {
            name: name.clone(),
            note: self.text('v'),
            ..pb::ActivatePartnerRequest::default()
        };
        partners.activate_partner(activate).await.unwrap();
        let request = program::CreateEnrollmentRequest {
            parent: self.parent.clone(),
            enrollment_id: self.text(of),
            enrollment: Some(program::Enrollment {
                partner: name,
                program: self.program_name(),
                territories: vec![catalog.territory.clone()],
                // Each is given leads for a product of its own, so that they go to nobody else.
                products: vec![catalog.products[2 + number].clone()],
                ..program::Enrollment::default()
            }),
            ..program::CreateEnrollmentRequest::default()
        };
        self.staff
            .enrollments()
            .create_enrollment(request)
            .await
            .unwrap();
    }

    async fn catalog(&self) -> Catalog {
        let mut calls = self.staff.catalog();
        let family = deal::CreateProductFamilyRequest {
            parent: self.parent.clone(),
            product_family_id: self.text('a'),
            product_family: Some(deal::ProductFamily {
                display_name: self.text('a'),
                description: self.text('a'),
                external_id: self.text('v'),
                ..deal::ProductFamily::default()
            }),
            ..deal::CreateProductFamilyRequest::default()
        };
        let family = calls
            .create_product_family(family)
            .await
            .unwrap()
            .into_inner()
            .name;
        let mut products = Vec::new();
        for _ in 0..2 + PARTNERS {
            let product = deal::CreateProductRequest {
                parent: self.parent.clone(),
                product_id: self.text('a'),
                product: Some(deal::Product {
                    display_name: self.text('a'),
                    product_family: family.clone(),
                    sku: self.text('a'),
                    list_price: usd(100),
                    external_id: self.text('v'),
                    ..deal::Product::default()
                }),
                ..deal::CreateProductRequest::default()
            };
            products.push(
                calls
                    .create_product(product)
                    .await
                    .unwrap()
                    .into_inner()
                    .name,
            );
        }
        let mut territory = String::new();
        for code in ["DE", "DE-BE"] {
            let request = deal::CreateTerritoryRequest {
                parent: self.parent.clone(),
                territory_id: self.text('a'),
                territory: Some(deal::Territory {
                    display_name: self.text('a'),
                    region_codes: vec![code.to_owned()],
                    parent_territory: territory,
                    external_id: self.text('v'),
                    ..deal::Territory::default()
                }),
                ..deal::CreateTerritoryRequest::default()
            };
            territory = calls
                .create_territory(request)
                .await
                .unwrap()
                .into_inner()
                .name;
        }
        Catalog {
            family,
            products,
            territory,
        }
    }
}

/// What is sold where.
pub(super) struct Catalog {
    pub(super) family: String,
    pub(super) products: Vec<String>,
    pub(super) territory: String,
}
