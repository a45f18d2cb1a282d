//! Plants engagements: what their members may read of each, and what only the staff may.

use prost_types::FieldMask;
use trellis_api::deal::v1 as pb;

use super::plant::{PARTNERS, Planter, engagement_id, usd};

fn owner(partner: usize) -> char {
    char::from_digit(u32::try_from(partner).unwrap(), 10).unwrap()
}

impl Planter {
    /// An engagement that goes on. `shown` may read what an invitation shows, `hidden` what it hides.
    async fn engagement(&self, id: String, shown: char, hidden: char) -> String {
        let request = pb::CreateEngagementRequest {
            parent: self.parent.clone(),
            engagement_id: id,
            engagement: Some(pb::Engagement {
                title: self.text(shown),
                customer: Some(pb::engagement::Customer {
                    display_name: self.text(hidden),
                    region_code: "DE".to_owned(),
                    industry: self.text(shown),
                    size_band: self.text(shown),
                }),
                description: self.text(hidden),
                expected_roles: vec![self.word(shown)],
                estimated_value: usd(900),
                external_id: self.text('v'),
                ..pb::Engagement::default()
            }),
            ..pb::CreateEngagementRequest::default()
        };
        let made = self.staff.engagements().create_engagement(request).await;
        let name = made.unwrap().into_inner().name;
        let activate = pb::ActivateEngagementRequest {
            name: name.clone(),
            note: self.text('v'),
            ..pb::ActivateEngagementRequest::default()
        };
        let begun = self.staff.engagements().activate_engagement(activate).await;
        begun.unwrap();
        name
    }

    /// Invites a partner, for which the invitation is.
    async fn invite(&self, engagement: &str, number: usize) -> String {
        let of = owner(number);
        let request = pb::InviteMemberRequest {
            parent: engagement.to_owned(),
            member_id: self.text(of),
            member: Some(pb::EngagementMember {
                partner: self.partner_name(number),
                role: self.word(of),
                message: self.text(of),
                ..pb::EngagementMember::default()
            }),
            note: self.text('v'),
            ..pb::InviteMemberRequest::default()
        };
        let invited = self.staff.engagements().invite_member(request).await;
        invited.unwrap().into_inner().name
    }

    async fn enter(&self, number: usize, name: &str) {
        let seat = self.seller(number).await;
        let request = pb::AcceptInvitationRequest {
            name: name.to_owned(),
            note: self.text(owner(number)),
            ..pb::AcceptInvitationRequest::default()
        };
        seat.engagements().accept_invitation(request).await.unwrap();
    }

    async fn share(&self, member: &str, of: char, resource: &str, fields: &[&str]) -> String {
        let (engagement, _) = member.split_once("/members/").unwrap();
        let request = pb::ShareSnapshotRequest {
            parent: engagement.to_owned(),
            snapshot_id: self.text(of),
            member: member.to_owned(),
            resource: resource.to_owned(),
            fields: Some(FieldMask {
                paths: fields.iter().map(|field| (*field).to_owned()).collect(),
            }),
            note: self.text('v'),
            ..pb::ShareSnapshotRequest::default()
        };
        let shared = self.staff.engagements().share_snapshot(request).await;
        shared.unwrap().into_inner().name
    }

    /// For each partner an engagement that it is in, beside another that has left and was shown what is
    /// the vendor's; one that it is invited to; and one that it declined.
    pub(super) async fn engagements(&self, accounts: &[String; PARTNERS + 1]) {
        for number in 0..PARTNERS {
            let of = owner(number);
            let id = match number {
                0 => engagement_id(0),
                _ => self.text(of),
            };
            let joint = self.engagement(id, of, of).await;
            let member = self.invite(&joint, number).await;
            self.enter(number, &member).await;
            let account = ["display_name", "domains", "industry"];
            self.share(&member, of, &accounts[number + 1], &account)
                .await;
            let deal = self.deal_of(number).await;
            self.share(&member, of, &deal, &["display_name", "products", "stage"])
                .await;
            // What was revoked is told to be, and not what it was.
            let revoked = self.share(&member, of, &accounts[0], &account).await;
            let revoke = pb::RevokeSnapshotRequest {
                name: revoked,
                note: self.text('v'),
                ..pb::RevokeSnapshotRequest::default()
            };
            self.staff
                .engagements()
                .revoke_snapshot(revoke)
                .await
                .unwrap();

            let invited = self.text(of);
            let invited = self.engagement(invited, of, 'v').await;
            self.invite(&invited, number).await;
            let declined = self.text(of);
            let declined = self.engagement(declined, of, 'v').await;
            let declined = self.invite(&declined, number).await;
            let reject = pb::RejectInvitationRequest {
                name: declined,
                reason_code: self.word('v'),
                note: self.text('v'),
                ..pb::RejectInvitationRequest::default()
            };
            let seat = self.seller(number).await;
            seat.engagements().reject_invitation(reject).await.unwrap();

            let other = (number + 1) % PARTNERS;
            let leaves = self.invite(&joint, other).await;
            self.enter(other, &leaves).await;
            self.share(&leaves, 'v', &accounts[0], &account).await;
            let remove = pb::RemoveMemberRequest {
                name: leaves,
                reason_code: self.word('v'),
                note: self.text('v'),
                ..pb::RemoveMemberRequest::default()
            };
            self.staff
                .engagements()
                .remove_member(remove)
                .await
                .unwrap();
            let over = self.text(of);
            let over = self.engagement(over, of, of).await;
            let member = self.invite(&over, number).await;
            self.enter(number, &member).await;
            let close = pb::CloseEngagementRequest {
                name: over,
                reason_code: self.word(of),
                note: self.text('v'),
                ..pb::CloseEngagementRequest::default()
            };
            self.staff
                .engagements()
                .close_engagement(close)
                .await
                .unwrap();
        }
    }

    /// A deal of a partner's.
    async fn deal_of(&self, number: usize) -> String {
        let request = pb::ListDealsRequest {
            parent: self.parent.clone(),
            page_size: 1,
            filter: format!("partner = \"{}\"", self.partner_name(number)),
            ..pb::ListDealsRequest::default()
        };
        let found = self.staff.deals().list_deals(request).await.unwrap();
        found.into_inner().deals.remove(0).name
    }
}
