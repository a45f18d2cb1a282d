//! Histories before a server: every move is made there and in the model, and both are compared after each.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use prost_types::Timestamp;
use rand::Rng;
use rand::rngs::StdRng;
use tonic::{Response, Status};
use tonic_types::StatusExt as _;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::proof::Kind as ProofKind;
use trellis_api::deal::v1::registration::{EntityScope, Role};
use trellis_api::google::r#type::Date;
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as platform;
use trellis_api::program::v1 as program;
use trellis_tests::{Caller, World};

use super::model::{Fault, LIMIT, Model, Seen, State};
use super::moves::{ACCOUNTS, Claim, Kind, Move, PARTNERS, PRODUCTS, Proof, Scope};
use crate::deal::market::{Market, automatic, usd};

/// A market for many histories, each with partners and accounts of its own.
pub(super) struct Stage {
    market: Market,
}

/// What is there for one history.
struct Scene<'a> {
    market: &'a Market,
    partners: Vec<String>,
    accounts: Vec<String>,
    /// The names of the companies.
    words: [String; 3],
    /// The registrations that were handed in.
    registrations: Vec<String>,
    suspended: [bool; PARTNERS],
    reader: Caller,
}

/// Letters that are no word of anybody's name.
fn word(random: &mut StdRng) -> String {
    let mut word: String = (0..5)
        .flat_map(|_| {
            let consonant = b"bdfgklmnprstvz"[random.random_range(0..14)];
            [consonant, b"aeiou"[random.random_range(0..5)]]
        })
        .map(char::from)
        .collect();
    word[..1].make_ascii_uppercase();
    word
}

impl Stage {
    pub(super) async fn open(world: &World, id: &str) -> Self {
        let parent = world.sandbox(id).await;
        let market = Market {
            world: world.clone(),
            parent,
        };
        for product in 0..PRODUCTS {
            market.product(&format!("product-{product}"), None).await;
        }
        market.territory("place-0", "", &["DE", "FR"]).await;
        let outer = market.name("territories", "place-0");
        market.territory("place-1", &outer, &["DE"]).await;
        market.territory("place-2", "", &["US"]).await;
        let unlimited = program::DealRegistrationSettings {
            daily_account_budget: Some(0),
            monthly_account_budget: Some(0),
            teaming: true,
            ..automatic(usd(LIMIT))
        };
        let asking = program::DealRegistrationSettings {
            auto_approve_registrations: false,
            auto_approve_limit: None,
            teaming: false,
            ..unlimited.clone()
        };
        for (id, settings) in [("automatic", unlimited), ("asking", asking)] {
            market.program(id, settings).await;
            market.without_cool_off(id).await;
        }
        Self { market }
    }

    /// Plays a history; answers where the server and the model part.
    pub(super) async fn play(
        &self,
        moves: &[Move],
        random: &mut StdRng,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let mut scene = Scene::set(&self.market, random).await;
        let mut model = Model::new(scene.now().await, fault);
        for (number, one) in moves.iter().enumerate() {
            if one.about().is_some_and(|index| index >= model.len()) {
                continue;
            }
            let expected = model.make(one);
            let made = scene.make(one).await;
            if made != expected.map_err(str::to_owned) {
                return Err(format!("move {number} {one:?}: {made:?}, not {expected:?}"));
            }
            if let Some(both) = model.both_protected() {
                return Err(format!(
                    "move {number} {one:?}: both are protected: {both:?}"
                ));
            }
            for index in 0..model.len() {
                let (is, should_be) = (scene.seen(index).await, model.seen(index));
                if is != should_be {
                    return Err(format!(
                        "after move {number} {one:?}, registration {index} of {:?}:\n  is        {is:?}\n  should be {should_be:?}",
                        scene.words
                    ));
                }
            }
        }
        for index in 0..model.len() {
            scene.explained(index).await?;
        }
        Ok(())
    }
}

/// Why a call was refused.
fn reason<T: Debug>(result: Result<Response<T>, Status>) -> Result<T, String> {
    result.map(Response::into_inner).map_err(|status| {
        let info = status.get_details_error_info();
        info.map_or_else(|| status.to_string(), |info| info.reason)
    })
}

impl<'a> Scene<'a> {
    async fn set(market: &'a Market, random: &mut StdRng) -> Self {
        let mut partners = Vec::new();
        for _ in 0..PARTNERS {
            let partner = market.partner(&word(random).to_lowercase()).await;
            for program in ["automatic", "asking"] {
                market.enroll(&partner, program).await;
            }
            partners.push(partner);
        }
        let words = [word(random), word(random), word(random)];
        let [root, branch, name] = &words;
        let companies: [(String, &str); ACCOUNTS] = [
            (format!("{root} Holding plc"), "GB"),
            (format!("{branch} Ltd"), "GB"),
            (format!("{name} GmbH"), "DE"),
            (
                format!("{name} Gesellschaft mit beschränkter Haftung"),
                "DE",
            ),
            (format!("{name} S.A."), "FR"),
        ];
        let mut accounts: Vec<String> = Vec::new();
        for (index, (display_name, region_code)) in companies.into_iter().enumerate() {
            let request = pb::CreateAccountRequest {
                parent: market.parent.clone(),
                account: Some(pb::Account {
                    display_name,
                    region_code: region_code.to_owned(),
                    parent_account: match index {
                        1 => accounts[0].clone(),
                        _ => String::new(),
                    },
                    ..pb::Account::default()
                }),
                ..pb::CreateAccountRequest::default()
            };
            let made = market.accounts().create_account(request).await;
            accounts.push(made.unwrap().into_inner().name);
        }
        Self {
            market,
            partners,
            accounts,
            words,
            registrations: Vec::new(),
            suspended: [false; PARTNERS],
            reader: market.world.actor("reader@example.com"),
        }
    }

    /// The clock of the ecosystem, which stands still at a whole second.
    async fn now(&self) -> i64 {
        let get = platform::GetEcosystemRequest {
            name: self.market.parent.clone(),
        };
        let ecosystem = self.market.ecosystems().get_ecosystem(get).await.unwrap();
        let now = ecosystem.into_inner().clock_time.unwrap();
        assert_eq!(now.nanos, 0);
        now.seconds
    }

    fn products(&self, products: &BTreeSet<usize>) -> Vec<String> {
        let id = |product: &usize| self.market.name("products", &format!("product-{product}"));
        products.iter().map(id).collect()
    }

    async fn make(&mut self, one: &Move) -> Result<(), String> {
        let market = self.market;
        let name = one.about().map(|index| self.registrations[index].clone());
        let name = name.unwrap_or_default();
        match one {
            Move::Register(claim) => {
                let draft = market.draft(self.claim(claim)).await;
                reason(market.hand_in(&draft.name).await)?;
                self.registrations.push(draft.name);
            }
            Move::Approve(_) => drop(reason(market.approve(&name).await)?),
            Move::Reject(_) => drop(reason(market.reject(&name).await)?),
            Move::Withdraw(_) => drop(reason(market.withdraw(&name).await)?),
            Move::Revoke(_) => drop(reason(market.revoke(&name).await)?),
            Move::Ask(_) => drop(reason(market.ask(&name).await)?),
            Move::Answer(_) => drop(reason(market.hand_in(&name).await)?),
            Move::Change(_, products) => {
                let products = self.products(products);
                let change = pb::Registration {
                    name,
                    products,
                    ..pb::Registration::default()
                };
                reason(market.edit(change, &["products"]).await)?;
            }
            Move::Convert(_) => drop(reason(market.convert(&name).await)?),
            Move::Extend(_) => self.extend(name).await?,
            Move::Transfer(_, partner) => {
                let request = pb::TransferRegistrationRequest {
                    name,
                    partner: self.partners[*partner].clone(),
                    reason_code: "PARTNER_CHANGED".to_owned(),
                    ..pb::TransferRegistrationRequest::default()
                };
                reason(market.registrations().transfer_registration(request).await)?;
            }
            Move::Wait(seconds) => {
                let span = Duration::from_secs((*seconds).try_into().unwrap());
                let moved = market.advance(&market.parent, span).await;
                self.reader = market.after(&moved);
            }
            Move::Keep(account, products) => {
                let request = pb::CreateHouseAccountRequest {
                    parent: market.parent.clone(),
                    house_account: Some(pb::HouseAccount {
                        account: self.accounts[*account].clone(),
                        products: self.products(products),
                        ..pb::HouseAccount::default()
                    }),
                    ..pb::CreateHouseAccountRequest::default()
                };
                reason(market.catalog().create_house_account(request).await)?;
            }
            Move::Direct(account, products, kind) => {
                market.deal(self.deal(*account, products, *kind)).await;
            }
            Move::Win(partner, account, products, kind) => {
                let partner = self.partners[*partner].clone();
                let deal = pb::Deal {
                    partner,
                    ..self.deal(*account, products, *kind)
                };
                let deal = market.deal(deal).await;
                market.win(&deal.name).await;
            }
            Move::Suspend(partner) => self.suspend(*partner).await,
        }
        Ok(())
    }

    fn claim(&self, claim: &Claim) -> pb::Registration {
        let (scope, site) = match claim.scope {
            Scope::Entity => (EntityScope::Entity, String::new()),
            Scope::Group => (EntityScope::Group, String::new()),
            Scope::Site(site) => (EntityScope::Site, format!("Site {site}")),
        };
        let proof = |proof: &Proof| pb::registration::Proof {
            kind: match proof {
                Proof::Mail => ProofKind::Mail,
                Proof::Meeting => ProofKind::Meeting,
                Proof::Letter => ProofKind::CustomerLetter,
                Proof::Nomination => ProofKind::NominationLetter,
            }
            .into(),
            date: Some(Date {
                year: 2026,
                month: 1,
                day: 5,
            }),
            ..pb::registration::Proof::default()
        };
        let program = if claim.automatic {
            "automatic"
        } else {
            "asking"
        };
        let place = |id: usize| self.market.name("territories", &format!("place-{id}"));
        pb::Registration {
            partner: self.partners[claim.partner].clone(),
            program: self.market.name("programs", program),
            account: self.accounts[claim.account].clone(),
            products: self.products(&claim.products),
            territory: claim.territory.map(place).unwrap_or_default(),
            deal_type: deal_type(claim.kind).into(),
            estimated_value: usd(claim.value),
            entity_scope: scope.into(),
            site,
            proofs: claim.proofs.iter().map(proof).collect(),
            accept_partial: claim.partial,
            tender_publish_time: claim.tender.map(|seconds| Timestamp { seconds, nanos: 0 }),
            ..pb::Registration::default()
        }
    }

    fn deal(&self, account: usize, products: &BTreeSet<usize>, kind: Kind) -> pb::Deal {
        let line = |product: &usize| self.market.line(&format!("product-{product}"), 1, usd(100));
        pb::Deal {
            display_name: "A deal".to_owned(),
            account: self.accounts[account].clone(),
            deal_type: deal_type(kind).into(),
            lines: products.iter().map(line).collect(),
            ..pb::Deal::default()
        }
    }

    /// Logs something that was done today, if that can be, and asks for longer.
    async fn extend(&self, name: String) -> Result<(), String> {
        let today = trellis_core::TimeZone::try_new("Europe/Berlin").unwrap();
        let now = trellis_core::Timestamp::from_micros(self.now().await * 1_000_000);
        let today = today.local_date(now);
        let request = pb::LogActivityRequest {
            name: name.clone(),
            kind: pb::registration_activity::Kind::Meeting.into(),
            activity_date: Some(Date {
                year: today.year(),
                month: today.month(),
                day: today.day(),
            }),
            ..pb::LogActivityRequest::default()
        };
        reason(self.market.registrations().log_activity(request).await)?;
        let request = pb::ExtendRegistrationRequest {
            name,
            ..pb::ExtendRegistrationRequest::default()
        };
        reason(
            self.market
                .registrations()
                .extend_registration(request)
                .await,
        )?;
        Ok(())
    }

    async fn suspend(&mut self, partner: usize) {
        let name = self.partners[partner].clone();
        let suspended = &mut self.suspended[partner];
        if *suspended {
            let request = partner::ReinstatePartnerRequest {
                name,
                ..partner::ReinstatePartnerRequest::default()
            };
            self.market
                .partners()
                .reinstate_partner(request)
                .await
                .unwrap();
        } else {
            self.market.suspend(&name).await;
        }
        *suspended = !*suspended;
    }

    async fn seen(&self, index: usize) -> Seen {
        let request = pb::GetRegistrationRequest {
            name: self.registrations[index].clone(),
        };
        let read = self.reader.registrations().get_registration(request).await;
        let read = read.unwrap().into_inner();
        let decision = read.decision.clone().unwrap_or_default();
        let number = |name: &String| name.rsplit('-').next().unwrap().parse().unwrap();
        Seen {
            state: state(read.state()),
            partner: self
                .partners
                .iter()
                .position(|one| *one == read.partner)
                .unwrap(),
            rule: decision.rule,
            reason: decision.reason_code,
            position: i64::from(read.waitlist_position),
            protection_end: read.protection_end_time.map(|end| {
                assert_eq!(end.nanos, 0);
                end.seconds
            }),
            products: read.products.iter().map(number).collect(),
            co_sell: read.granted_role() == Role::CoSell,
        }
    }

    /// Whether every decision about a registration says why, and comes out the same once more.
    async fn explained(&self, index: usize) -> Result<(), String> {
        let request = pb::ExplainDecisionRequest {
            name: self.registrations[index].clone(),
        };
        let explained = self.reader.registrations().explain_decision(request).await;
        let decisions = explained.unwrap().into_inner().decisions;
        let says_why = |one: &pb::explain_decision_response::ExplainedDecision| {
            let decision = one.decision.as_ref();
            decision.is_some_and(|one| !one.rule.is_empty() && !one.reason_code.is_empty())
                && one
                    .explanation
                    .as_ref()
                    .is_some_and(|why| why.replay_agrees)
        };
        match !decisions.is_empty() && decisions.iter().all(says_why) {
            true => Ok(()),
            false => Err(format!(
                "registration {index} is not explained: {decisions:?}"
            )),
        }
    }
}

fn deal_type(kind: Kind) -> pb::DealType {
    match kind {
        Kind::New => pb::DealType::New,
        Kind::Renewal => pb::DealType::Renewal,
    }
}

fn state(state: pb::registration::State) -> State {
    use pb::registration::State as Wire;
    match state {
        Wire::Submitted => State::Submitted,
        Wire::NeedsInfo => State::NeedsInfo,
        Wire::Waitlisted => State::Waitlisted,
        Wire::Approved => State::Approved,
        Wire::Converted => State::Converted,
        Wire::Rejected => State::Rejected,
        Wire::Expired => State::Expired,
        Wire::Revoked => State::Revoked,
        Wire::Withdrawn => State::Withdrawn,
        Wire::Unspecified | Wire::Draft => panic!("it was handed in, and is {state:?}"),
    }
}
