//! The desk at which registrations are worked on: what the staff and the partners do with them, and
//! when.

use prost_types::FieldMask;
use tonic::{Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::program::v1 as program;
use trellis_core::access::{Grant, Rights};
use trellis_core::{Actor, EcosystemId, PartnerId, Principal, Role};
use trellis_tests::{Caller, Seat};

use super::market::Market;

impl Market {
    /// Asks the partner of a registration for more.
    pub(in crate::deal) async fn ask(
        &self,
        name: &str,
    ) -> Result<Response<pb::Registration>, Status> {
        let request = pb::RequestRegistrationInfoRequest {
            name: name.to_owned(),
            note: "Whom did you meet?".to_owned(),
            fields: vec!["evidence".to_owned()],
            ..pb::RequestRegistrationInfoRequest::default()
        };
        let mut registrations = self.registrations();
        registrations.request_registration_info(request).await
    }

    pub(in crate::deal) async fn revoke(
        &self,
        name: &str,
    ) -> Result<Response<pb::Registration>, Status> {
        let request = pb::RevokeRegistrationRequest {
            name: name.to_owned(),
            reason_code: "FALSE_EVIDENCE".to_owned(),
            note: "They never met".to_owned(),
            ..pb::RevokeRegistrationRequest::default()
        };
        self.registrations().revoke_registration(request).await
    }

    /// Changes some fields of a registration.
    pub(in crate::deal) async fn edit(
        &self,
        registration: pb::Registration,
        paths: &[&str],
    ) -> Result<Response<pb::Registration>, Status> {
        let request = pb::UpdateRegistrationRequest {
            registration: Some(pb::Registration {
                etag: String::new(),
                ..registration
            }),
            update_mask: Some(FieldMask {
                paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            }),
            ..pb::UpdateRegistrationRequest::default()
        };
        self.registrations().update_registration(request).await
    }

    /// Lets partners hand in the same again at once in a program.
    pub(in crate::deal) async fn without_cool_off(&self, program: &str) {
        let request = program::UpdateProgramRequest {
            program: Some(program::Program {
                name: self.name("programs", program),
                registration_clock: Some(program::RegistrationClock {
                    cool_off_days: Some(0),
                    ..program::RegistrationClock::default()
                }),
                ..program::Program::default()
            }),
            ..program::UpdateProgramRequest::default()
        };
        self.programs().update_program(request).await.unwrap();
    }

    /// Moves the clock of the ecosystem to a moment. What fell due has been done for whoever reads
    /// through the answer.
    pub(in crate::deal) async fn until(&self, seconds: i64) -> Caller {
        let moment = seconds.try_into().unwrap();
        let moved = self.advance_to(&self.parent, moment).await;
        self.after(&moved)
    }

    /// The seat of the admin of a partner.
    pub(in crate::deal) async fn admin(&self, partner: &str) -> Seat {
        let (_, ecosystem) = self.parent.split_once('/').unwrap();
        let partner = partner.rsplit_once('/').unwrap().1;
        let actor = Actor::try_new(&format!("admin@{partner}.example")).unwrap();
        let grant = Grant::new(
            Role::PartnerAdmin,
            Some(PartnerId::try_new(partner).unwrap()),
        );
        let principal = Principal {
            person: Some(actor.clone()),
            actor,
            rights: Rights::Granted(vec![(
                EcosystemId::try_new(ecosystem).unwrap(),
                vec![grant],
            )]),
        };
        Seat::take(&self.world, principal).await
    }
}

/// A registration as a caller is answered it.
pub(in crate::deal) async fn read(caller: &Caller, name: &str) -> pb::Registration {
    let request = pb::GetRegistrationRequest {
        name: name.to_owned(),
    };
    let read = caller.registrations().get_registration(request).await;
    read.unwrap().into_inner()
}

/// A deadline in whole seconds, which all of them are.
pub(in crate::deal) fn seconds(time: Option<prost_types::Timestamp>) -> i64 {
    let time = time.expect("it is set");
    assert_eq!(time.nanos, 0);
    time.seconds
}
