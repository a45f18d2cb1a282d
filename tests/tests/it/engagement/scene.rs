//! A market in which partners work together.

use std::ops::Deref;

use prost_types::{FieldMask, Timestamp};
use tonic::{Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_core::access::{Grant, Rights};
use trellis_core::{Actor, EcosystemId, PartnerId, Principal, Role};
use trellis_tests::{Caller, Seat, World};

use crate::deal::market::{Market, usd};

/// A market whose calls go through it.
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

/// What can be done to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Accept,
    Reject,
    Cancel,
    Leave,
    Remove,
}

impl Verb {
    pub(super) const ALL: [Self; 5] = [
        Self::Accept,
        Self::Reject,
        Self::Cancel,
        Self::Leave,
        Self::Remove,
    ];
}

impl Scene {
    /// The market, with partners at work.
    pub(super) async fn open(world: World, partners: &[&str]) -> Self {
        let market = Market::open(world).await;
        for partner in partners {
            market.partner(partner).await;
        }
        Self { market }
    }

    /// What is known of an engagement, to be changed before it is created.
    pub(super) fn something(&self) -> pb::Engagement {
        pb::Engagement {
            title: "Move a retailer to the cloud".to_owned(),
            customer: Some(pb::engagement::Customer {
                display_name: "Initech".to_owned(),
                region_code: "DE".to_owned(),
                industry: "retail".to_owned(),
                size_band: "1000-4999 employees".to_owned(),
            }),
            description: "Forty shops".to_owned(),
            expected_roles: vec!["IMPLEMENTATION".to_owned()],
            estimated_value: usd(90_000),
            ..pb::Engagement::default()
        }
    }

    pub(super) async fn create(&self, engagement: pb::Engagement) -> pb::Engagement {
        let request = pb::CreateEngagementRequest {
            parent: self.parent.clone(),
            engagement: Some(engagement),
            ..pb::CreateEngagementRequest::default()
        };
        let made = self.engagements().create_engagement(request).await;
        made.unwrap().into_inner()
    }

    /// An engagement that goes on.
    pub(super) async fn active(&self, engagement: pb::Engagement) -> pb::Engagement {
        let made = self.create(engagement).await;
        let request = pb::ActivateEngagementRequest {
            name: made.name,
            ..pb::ActivateEngagementRequest::default()
        };
        let begun = self.engagements().activate_engagement(request).await;
        begun.unwrap().into_inner()
    }

    pub(super) async fn try_invite(
        &self,
        engagement: &str,
        partner: &str,
        expire_time: Option<Timestamp>,
    ) -> Result<Response<pb::EngagementMember>, Status> {
        let request = pb::InviteMemberRequest {
            parent: engagement.to_owned(),
            member: Some(pb::EngagementMember {
                partner: self.name("partners", partner),
                role: "IMPLEMENTATION".to_owned(),
                message: format!("Dear {partner}"),
                expire_time,
                ..pb::EngagementMember::default()
            }),
            ..pb::InviteMemberRequest::default()
        };
        self.engagements().invite_member(request).await
    }

    pub(super) async fn invite(&self, engagement: &str, partner: &str) -> pb::EngagementMember {
        let invited = self.try_invite(engagement, partner, None).await;
        invited.unwrap().into_inner()
    }

    /// A partner that was invited and has accepted.
    pub(super) async fn member(&self, engagement: &str, partner: &str) -> pb::EngagementMember {
        let invited = self.invite(engagement, partner).await;
        does(self, Verb::Accept, &invited.name).await.unwrap()
    }

    pub(super) async fn suspend(&self, name: &str) -> Result<pb::Engagement, Status> {
        let request = pb::SuspendEngagementRequest {
            name: name.to_owned(),
            reason_code: "ON_HOLD".to_owned(),
            ..pb::SuspendEngagementRequest::default()
        };
        let held = self.engagements().suspend_engagement(request).await;
        held.map(Response::into_inner)
    }

    pub(super) async fn resume(&self, name: &str) -> Result<pb::Engagement, Status> {
        let request = pb::ResumeEngagementRequest {
            name: name.to_owned(),
            ..pb::ResumeEngagementRequest::default()
        };
        let on = self.engagements().resume_engagement(request).await;
        on.map(Response::into_inner)
    }

    pub(super) async fn close(&self, name: &str) -> Result<pb::Engagement, Status> {
        let request = pb::CloseEngagementRequest {
            name: name.to_owned(),
            reason_code: "WON".to_owned(),
            ..pb::CloseEngagementRequest::default()
        };
        let over = self.engagements().close_engagement(request).await;
        over.map(Response::into_inner)
    }

    pub(super) async fn try_share(
        &self,
        member: &str,
        resource: &str,
        fields: &[&str],
    ) -> Result<Response<pb::EngagementSnapshot>, Status> {
        let (engagement, _) = member.split_once("/members/").unwrap();
        let request = pb::ShareSnapshotRequest {
            parent: engagement.to_owned(),
            member: member.to_owned(),
            resource: resource.to_owned(),
            fields: Some(FieldMask {
                paths: fields.iter().map(|field| (*field).to_owned()).collect(),
            }),
            ..pb::ShareSnapshotRequest::default()
        };
        self.engagements().share_snapshot(request).await
    }

    pub(super) async fn share(
        &self,
        member: &str,
        resource: &str,
        fields: &[&str],
    ) -> pb::EngagementSnapshot {
        let shared = self.try_share(member, resource, fields).await;
        shared.unwrap().into_inner()
    }

    pub(super) async fn revoke(&self, name: &str) -> Result<pb::EngagementSnapshot, Status> {
        let request = pb::RevokeSnapshotRequest {
            name: name.to_owned(),
            ..pb::RevokeSnapshotRequest::default()
        };
        let revoked = self.engagements().revoke_snapshot(request).await;
        revoked.map(Response::into_inner)
    }

    /// The seat of somebody with one role; of a partner's, where one is given.
    pub(super) async fn seat(&self, actor: &str, role: Role, partner: Option<&str>) -> Seat {
        let (_, ecosystem) = self.parent.split_once('/').unwrap();
        let actor = Actor::try_new(actor).unwrap();
        let grant = Grant::new(role, partner.map(|id| PartnerId::try_new(id).unwrap()));
        let ecosystem = EcosystemId::try_new(ecosystem).unwrap();
        let principal = Principal {
            person: Some(actor.clone()),
            actor,
            rights: Rights::Granted(vec![(ecosystem, vec![grant])]),
        };
        Seat::take(&self.world, principal).await
    }

    /// The seat of the admin of a partner.
    pub(super) async fn admin(&self, partner: &str) -> Seat {
        let actor = format!("admin@{partner}.example");
        self.seat(&actor, Role::PartnerAdmin, Some(partner)).await
    }
}

pub(super) async fn get(caller: &Caller, name: &str) -> Result<pb::Engagement, Status> {
    let request = pb::GetEngagementRequest {
        name: name.to_owned(),
    };
    let found = caller.engagements().get_engagement(request).await;
    found.map(Response::into_inner)
}

pub(super) async fn list(caller: &Caller, parent: &str, filter: &str) -> Vec<pb::Engagement> {
    let request = pb::ListEngagementsRequest {
        parent: parent.to_owned(),
        filter: filter.to_owned(),
        ..pb::ListEngagementsRequest::default()
    };
    let found = caller.engagements().list_engagements(request).await;
    found.unwrap().into_inner().engagements
}

pub(super) async fn member(caller: &Caller, name: &str) -> Result<pb::EngagementMember, Status> {
    let request = pb::GetMemberRequest {
        name: name.to_owned(),
    };
    let found = caller.engagements().get_member(request).await;
    found.map(Response::into_inner)
}

/// The members that somebody finds in an engagement, or in all of an ecosystem's.
pub(super) async fn members(caller: &Caller, engagement: &str) -> Vec<pb::EngagementMember> {
    let request = pb::ListMembersRequest {
        parent: engagement.to_owned(),
        ..pb::ListMembersRequest::default()
    };
    let found = caller.engagements().list_members(request).await;
    found.unwrap().into_inner().members
}

pub(super) async fn snapshot(
    caller: &Caller,
    name: &str,
) -> Result<pb::EngagementSnapshot, Status> {
    let request = pb::GetSnapshotRequest {
        name: name.to_owned(),
    };
    let found = caller.engagements().get_snapshot(request).await;
    found.map(Response::into_inner)
}

pub(super) async fn snapshots(caller: &Caller, engagement: &str) -> Vec<pb::EngagementSnapshot> {
    let request = pb::ListSnapshotsRequest {
        parent: engagement.to_owned(),
        ..pb::ListSnapshotsRequest::default()
    };
    let found = caller.engagements().list_snapshots(request).await;
    found.unwrap().into_inner().snapshots
}

/// Makes a move of a member as somebody.
pub(super) async fn does(
    caller: &Caller,
    verb: Verb,
    name: &str,
) -> Result<pb::EngagementMember, Status> {
    let mut calls = caller.engagements();
    let name = name.to_owned();
    let reason_code = "NO_CAPACITY".to_owned();
    let answer = match verb {
        Verb::Accept => {
            let request = pb::AcceptInvitationRequest {
                name,
                ..pb::AcceptInvitationRequest::default()
            };
            calls.accept_invitation(request).await
        }
        Verb::Reject => {
            let request = pb::RejectInvitationRequest {
                name,
                reason_code,
                ..pb::RejectInvitationRequest::default()
            };
            calls.reject_invitation(request).await
        }
        Verb::Cancel => {
            let request = pb::CancelInvitationRequest {
                name,
                ..pb::CancelInvitationRequest::default()
            };
            calls.cancel_invitation(request).await
        }
        Verb::Leave => {
            let request = pb::LeaveEngagementRequest {
                name,
                reason_code,
                ..pb::LeaveEngagementRequest::default()
            };
            calls.leave_engagement(request).await
        }
        Verb::Remove => {
            let request = pb::RemoveMemberRequest {
                name,
                reason_code,
                ..pb::RemoveMemberRequest::default()
            };
            calls.remove_member(request).await
        }
    };
    answer.map(Response::into_inner)
}
