//! A market in which leads are given to partners.

use std::ops::Deref;

use tonic::{Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::program::v1 as program;
use trellis_core::access::{Grant, Rights};
use trellis_core::{Actor, EcosystemId, PartnerId, Principal, Role};
use trellis_tests::{Caller, Seat, World};

use crate::deal::market::{Market, manual, usd};

/// A market whose calls go through it. Leads are routed in the program `gold`.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) market: Market,
}

impl Deref for Scene {
    type Target = Market;

    fn deref(&self) -> &Market {
        &self.market
    }
}

/// What can be done to a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Route,
    Accept,
    Decline,
    Work,
    Qualify,
    Disqualify,
    Return,
    Convert,
    MarkDuplicate,
}

impl Verb {
    pub(super) const ALL: [Self; 9] = [
        Self::Route,
        Self::Accept,
        Self::Decline,
        Self::Work,
        Self::Qualify,
        Self::Disqualify,
        Self::Return,
        Self::Convert,
        Self::MarkDuplicate,
    ];

    /// As refusals name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Route => "ROUTE",
            Self::Accept => "ACCEPT",
            Self::Decline => "DECLINE",
            Self::Work => "WORK",
            Self::Qualify => "QUALIFY",
            Self::Disqualify => "DISQUALIFY",
            Self::Return => "RETURN",
            Self::Convert => "CONVERT",
            Self::MarkDuplicate => "MARK_DUPLICATE",
        }
    }
}

/// Where, for what and how many leads a partner is given.
#[derive(Clone, Default)]
pub(super) struct Terms {
    pub(super) territories: Vec<String>,
    pub(super) products: Vec<String>,
    pub(super) capacity: i32,
    pub(super) tier: String,
}

impl Scene {
    pub(super) async fn open(world: World) -> Self {
        Self {
            market: Market::open(world).await,
        }
    }

    /// The same in an ecosystem whose clock is the server's. Whether anybody has acted upon a deadline
    /// when it has passed there is left to chance.
    pub(super) async fn plain(world: World) -> Self {
        let parent = world.ecosystem("plain").await;
        let market = Market { world, parent };
        market.product("firewall", None).await;
        market.program("gold", manual()).await;
        Self { market }
    }

    /// An active partner in the program `gold`.
    pub(super) async fn member(&self, id: &str, terms: Terms) -> String {
        let partner = self.partner(id).await;
        self.enrol(&partner, "gold", terms).await;
        partner
    }

    pub(super) async fn enrol(&self, partner: &str, program: &str, terms: Terms) -> String {
        let request = program::CreateEnrollmentRequest {
            parent: self.parent.clone(),
            enrollment: Some(program::Enrollment {
                partner: partner.to_owned(),
                program: self.name("programs", program),
                tier: terms.tier,
                territories: terms.territories,
                products: terms.products,
                lead_capacity: terms.capacity,
                ..program::Enrollment::default()
            }),
            ..program::CreateEnrollmentRequest::default()
        };
        let made = self.enrollments().create_enrollment(request).await;
        made.unwrap().into_inner().name
    }

    /// A tier of the program `gold` with a weight.
    pub(super) async fn tier(&self, id: &str, rank: i32, lead_weight: i32) -> String {
        let request = program::CreateTierRequest {
            parent: self.name("programs", "gold"),
            tier_id: id.to_owned(),
            tier: Some(program::Tier {
                display_name: id.to_owned(),
                rank,
                lead_weight: Some(lead_weight),
                ..program::Tier::default()
            }),
            ..program::CreateTierRequest::default()
        };
        let made = self.programs().create_tier(request).await;
        made.unwrap().into_inner().name
    }

    /// A published program that gives leads by these rules.
    pub(super) async fn program_with(&self, id: &str, leads: program::LeadSettings) -> String {
        let name = self.program(id, manual()).await;
        let request = program::UpdateProgramRequest {
            program: Some(program::Program {
                name: name.clone(),
                leads: Some(leads),
                ..program::Program::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["leads".to_owned()],
            }),
            ..program::UpdateProgramRequest::default()
        };
        self.programs().update_program(request).await.unwrap();
        name
    }

    /// What is known of somebody who may buy, to be changed before it is created.
    pub(super) fn somebody(&self) -> pb::Lead {
        pb::Lead {
            program: self.name("programs", "gold"),
            source: "WEB_FORM".to_owned(),
            company: Some(pb::lead::Company {
                display_name: "Hooli".to_owned(),
                ..pb::lead::Company::default()
            }),
            products: vec![self.name("products", "firewall")],
            estimated_value: usd(5_000),
            ..pb::Lead::default()
        }
    }

    pub(super) async fn lead(&self, lead: pb::Lead) -> pb::Lead {
        self.try_lead("", lead).await.unwrap().into_inner()
    }

    pub(super) async fn try_lead(
        &self,
        id: &str,
        lead: pb::Lead,
    ) -> Result<Response<pb::Lead>, Status> {
        let request = pb::CreateLeadRequest {
            parent: self.parent.clone(),
            lead_id: id.to_owned(),
            lead: Some(lead),
            ..pb::CreateLeadRequest::default()
        };
        self.leads().create_lead(request).await
    }

    pub(super) async fn try_route(
        &self,
        name: &str,
        seed: Option<i64>,
    ) -> Result<Response<pb::RouteLeadResponse>, Status> {
        let request = pb::RouteLeadRequest {
            name: name.to_owned(),
            seed,
            ..pb::RouteLeadRequest::default()
        };
        self.leads().route_lead(request).await
    }

    pub(super) async fn route(&self, name: &str) -> pb::RouteLeadResponse {
        self.try_route(name, None).await.unwrap().into_inner()
    }

    /// A lead that was routed.
    pub(super) async fn routed(&self, lead: pb::Lead) -> pb::Lead {
        let made = self.lead(lead).await;
        self.route(&made.name).await.lead.unwrap()
    }

    pub(super) async fn read(&self, name: &str) -> pb::Lead {
        get(self, name).await.unwrap().into_inner()
    }

    /// A lead in a state. `gold` has members; `empty` is a program that has none.
    pub(super) async fn in_state(&self, state: pb::lead::State) -> String {
        use pb::lead::State;
        let mut lead = self.somebody();
        if state == State::Unroutable {
            lead.program = self.name("programs", "empty");
        }
        let name = self.lead(lead).await.name;
        let verbs: &[Verb] = match state {
            State::New => &[],
            State::Offered | State::Unroutable => &[Verb::Route],
            State::Accepted | State::LostAuto => &[Verb::Route, Verb::Accept],
            State::Working => &[Verb::Route, Verb::Accept, Verb::Work],
            State::Qualified => &[Verb::Route, Verb::Accept, Verb::Work, Verb::Qualify],
            State::Converted => &[
                Verb::Route,
                Verb::Accept,
                Verb::Work,
                Verb::Qualify,
                Verb::Convert,
            ],
            State::Disqualified => &[Verb::Route, Verb::Accept, Verb::Disqualify],
            State::Spam => &[Verb::Disqualify],
            State::Duplicate => &[Verb::MarkDuplicate],
            State::Unspecified => panic!("nothing is in no state"),
        };
        for verb in verbs {
            self.does(*verb, &name).await.unwrap();
        }
        name
    }

    /// Makes a move as the staff.
    pub(super) async fn does(&self, verb: Verb, name: &str) -> Result<pb::Lead, Status> {
        if verb == Verb::MarkDuplicate {
            let other = self.lead(self.somebody()).await.name;
            return mark(self, name, &other).await;
        }
        does(self, verb, name).await
    }

    /// Moves the clock of the ecosystem to a moment, in seconds since 1970.
    pub(super) async fn until(&self, seconds: i64) -> Caller {
        let moment = seconds.try_into().unwrap();
        let moved = self.advance_to(&self.parent, moment).await;
        self.after(&moved)
    }
}

pub(super) async fn get(caller: &Caller, name: &str) -> Result<Response<pb::Lead>, Status> {
    let request = pb::GetLeadRequest {
        name: name.to_owned(),
    };
    caller.leads().get_lead(request).await
}

/// Everything that somebody finds.
pub(super) async fn found(caller: &Caller, parent: &str, filter: &str) -> Vec<pb::Lead> {
    let request = pb::ListLeadsRequest {
        parent: parent.to_owned(),
        page_size: 1_000,
        filter: filter.to_owned(),
        ..pb::ListLeadsRequest::default()
    };
    let found = caller.leads().list_leads(request).await;
    found.unwrap().into_inner().leads
}

pub(super) async fn mark(caller: &Caller, name: &str, of: &str) -> Result<pb::Lead, Status> {
    let request = pb::MarkLeadDuplicateRequest {
        name: name.to_owned(),
        duplicate_of: of.to_owned(),
        ..pb::MarkLeadDuplicateRequest::default()
    };
    let marked = caller.leads().mark_lead_duplicate(request).await;
    marked.map(Response::into_inner)
}

/// Makes a move as somebody.
pub(super) async fn does(caller: &Caller, verb: Verb, name: &str) -> Result<pb::Lead, Status> {
    let mut leads = caller.leads();
    let name = name.to_owned();
    let reason_code = "NO_BUDGET".to_owned();
    let answer = match verb {
        Verb::Route => {
            let request = pb::RouteLeadRequest {
                name,
                ..pb::RouteLeadRequest::default()
            };
            let routed = leads.route_lead(request).await?;
            return Ok(routed.into_inner().lead.unwrap());
        }
        Verb::Accept => {
            let request = pb::AcceptLeadRequest {
                name,
                ..pb::AcceptLeadRequest::default()
            };
            leads.accept_lead(request).await
        }
        Verb::Decline => {
            let request = pb::DeclineLeadRequest {
                name,
                reason_code,
                ..pb::DeclineLeadRequest::default()
            };
            leads.decline_lead(request).await
        }
        Verb::Work => {
            let request = pb::WorkLeadRequest {
                name,
                ..pb::WorkLeadRequest::default()
            };
            leads.work_lead(request).await
        }
        Verb::Qualify => {
            let request = pb::QualifyLeadRequest {
                name,
                ..pb::QualifyLeadRequest::default()
            };
            leads.qualify_lead(request).await
        }
        Verb::Disqualify => {
            let request = pb::DisqualifyLeadRequest {
                name,
                reason_code,
                ..pb::DisqualifyLeadRequest::default()
            };
            leads.disqualify_lead(request).await
        }
        Verb::Return => {
            let request = pb::ReturnLeadRequest {
                name,
                reason_code,
                ..pb::ReturnLeadRequest::default()
            };
            leads.return_lead(request).await
        }
        Verb::Convert => {
            let request = pb::ConvertLeadRequest {
                name,
                ..pb::ConvertLeadRequest::default()
            };
            leads.convert_lead(request).await
        }
        Verb::MarkDuplicate => panic!("say of which"),
    };
    answer.map(Response::into_inner)
}

/// A seat for somebody with one role in an ecosystem.
pub(super) async fn seat(scene: &Scene, actor: &str, role: Role, partner: Option<&str>) -> Seat {
    let (_, ecosystem) = scene.parent.split_once('/').unwrap();
    let actor = Actor::try_new(actor).unwrap();
    let grant = Grant::new(role, partner.map(|id| PartnerId::try_new(id).unwrap()));
    let principal = Principal {
        person: Some(actor.clone()),
        actor,
        rights: Rights::Granted(vec![(
            EcosystemId::try_new(ecosystem).unwrap(),
            vec![grant],
        )]),
    };
    Seat::take(&scene.world, principal).await
}

/// The id in a name.
pub(super) fn id_of(name: &str) -> &str {
    name.rsplit_once('/').unwrap().1
}

/// The seat of the admin of the partner that a lead is offered to.
pub(super) async fn whose(scene: &Scene, lead: &pb::Lead) -> Seat {
    let partner = id_of(&lead.partner);
    let actor = format!("admin@{partner}.example");
    seat(scene, &actor, Role::PartnerAdmin, Some(partner)).await
}
