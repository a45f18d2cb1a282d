//! An ecosystem, and short ways to what a test begins with.

use std::ops::Deref;

use prost_types::FieldMask;
use trellis_api::google::r#type::Money;
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as platform;
use trellis_api::program::v1 as pb;
use trellis_tests::World;

pub(super) const ACME: &str = "ecosystems/acme";

/// A request id, in a test that needs one.
pub(super) const REQUEST_ID: &str = "7b0c1f9e-2f5e-4d1c-9a39-2b6a4c7d8e10";

pub(super) fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    })
}

pub(super) fn euros(units: i64) -> Option<Money> {
    Some(Money {
        currency_code: "EUR".into(),
        units,
        nanos: 0,
    })
}

/// What a new program says, unless a test says otherwise.
pub(super) fn orbit() -> pb::Program {
    pb::Program {
        display_name: "Orbit".into(),
        time_zone: "Europe/Berlin".into(),
        currency_code: "EUR".into(),
        ..Default::default()
    }
}

/// A world with the ecosystem `acme`.
#[derive(Clone)]
pub(super) struct House {
    world: World,
}

impl Deref for House {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl House {
    pub(super) async fn of(world: World) -> Self {
        world.ecosystem("acme").await;
        Self { world }
    }

    /// A draft that says what `orbit` says.
    pub(super) async fn draft(&self, program_id: &str) -> pb::Program {
        let request = pb::CreateProgramRequest {
            parent: ACME.into(),
            program_id: program_id.into(),
            program: Some(orbit()),
            ..Default::default()
        };
        self.programs()
            .create_program(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(super) async fn tier(&self, program: &str, tier_id: &str, rank: i32) -> pb::Tier {
        let request = tier(program, tier_id, rank);
        self.programs()
            .create_tier(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(super) async fn publish(&self, name: &str) -> pb::Program {
        let request = pb::PublishProgramRequest {
            name: name.into(),
            ..Default::default()
        };
        self.programs()
            .publish_program(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(super) async fn retire(&self, name: &str) -> pb::Program {
        let request = pb::RetireProgramRequest {
            name: name.into(),
            ..Default::default()
        };
        self.programs()
            .retire_program(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// A published program with the tiers `silver` and `gold`.
    pub(super) async fn published(&self, program_id: &str) -> pb::Program {
        let program = self.draft(program_id).await;
        self.tier(&program.name, "silver", 1).await;
        self.tier(&program.name, "gold", 2).await;
        self.publish(&program.name).await
    }

    pub(super) async fn get(&self, name: &str) -> pb::Program {
        let request = pb::GetProgramRequest { name: name.into() };
        self.programs()
            .get_program(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(super) async fn revisions(&self, program: &str) -> Vec<pb::ProgramRevision> {
        let request = pb::ListProgramRevisionsRequest {
            parent: program.into(),
            ..Default::default()
        };
        let answer = self
            .programs()
            .list_program_revisions(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.next_page_token, "");
        answer.program_revisions
    }

    /// A partner who was not invited yet.
    pub(super) async fn prospect(&self, partner_id: &str) -> partner::Partner {
        let request = prospect(partner_id);
        self.partners()
            .create_partner(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// A partner at work.
    pub(super) async fn partner(&self, partner_id: &str) -> partner::Partner {
        let name = self.prospect(partner_id).await.name;
        let invite = partner::InvitePartnerRequest {
            name: name.clone(),
            ..Default::default()
        };
        self.partners().invite_partner(invite).await.unwrap();
        let accept = partner::AcceptInvitationRequest {
            name: name.clone(),
            ..Default::default()
        };
        self.partners().accept_invitation(accept).await.unwrap();
        let activate = partner::ActivatePartnerRequest {
            name,
            ..Default::default()
        };
        self.partners()
            .activate_partner(activate)
            .await
            .unwrap()
            .into_inner()
    }

    pub(super) async fn enrol(&self, program: &str, partner: &str) -> pb::Enrollment {
        let request = enrolment(program, partner);
        self.enrollments()
            .create_enrollment(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// The events about a resource, oldest first.
    ///
    /// The feed shows an event once no older transaction is under way. So a partner is made whose
    /// place is behind all that happened, and the feed is read once it has come so far.
    pub(super) async fn reported(&self, resource: &str) -> Vec<platform::Event> {
        let request = platform::ListEventsRequest {
            parent: ACME.into(),
            filter: format!("resource = \"{resource}\""),
            page_size: 1000,
            ..Default::default()
        };
        let marker = self.partners().create_partner(prospect("")).await.unwrap();
        self.after(&marker)
            .events()
            .list_events(request)
            .await
            .unwrap()
            .into_inner()
            .events
    }

    /// What happened to a resource, oldest first.
    pub(super) async fn happened(&self, resource: &str) -> Vec<String> {
        self.reported(resource)
            .await
            .into_iter()
            .map(|event| event.r#type)
            .collect()
    }
}

pub(super) fn tier(program: &str, tier_id: &str, rank: i32) -> pb::CreateTierRequest {
    pb::CreateTierRequest {
        parent: program.into(),
        tier_id: tier_id.into(),
        tier: Some(pb::Tier {
            display_name: tier_id.into(),
            rank,
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub(super) fn enrolment(program: &str, partner: &str) -> pb::CreateEnrollmentRequest {
    pb::CreateEnrollmentRequest {
        parent: ACME.into(),
        enrollment: Some(pb::Enrollment {
            program: program.into(),
            partner: partner.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn prospect(partner_id: &str) -> partner::CreatePartnerRequest {
    partner::CreatePartnerRequest {
        parent: ACME.into(),
        partner_id: partner_id.into(),
        partner: Some(partner::Partner {
            display_name: "Nimbus".into(),
            partner_type: partner::partner::PartnerType::Reseller.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub(super) fn update(program: pb::Program, paths: &[&str]) -> pb::UpdateProgramRequest {
    pb::UpdateProgramRequest {
        program: Some(program),
        update_mask: mask(paths),
        ..Default::default()
    }
}

pub(super) fn named(name: &str) -> pb::Program {
    pb::Program {
        name: name.into(),
        ..Default::default()
    }
}
