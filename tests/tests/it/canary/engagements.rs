//! Plants engagements: what their members may read of each, and what only the staff may.

use prost_types::FieldMask;
use trellis_api::deal::v1 as pb;

use super::plant::{PARTNERS, Planter, engagement_id, usd};

/// What is shared of accounts.
const ACCOUNT: [&str; 3] = ["display_name", "domains", "industry"];

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

    async fn reject(&self, number: usize, name: String) {
        let request = pb::RejectInvitationRequest {
            name,
            reason_code: self.word('v'),
            note: self.text('v'),
            ..pb::RejectInvitationRequest::default()
        };
        let seat = self.seller(number).await;
        seat.engagements().reject_invitation(request).await.unwrap();
    }

    async fn remove(&self, name: String) {
        let request = pb::RemoveMemberRequest {
            name,
            reason_code: self.word('v'),
            note: self.text('v'),
            ..pb::RemoveMemberRequest::default()
        };
        let removed = self.staff.engagements().remove_member(request).await;
        removed.unwrap();
    }

    async fn revoke(&self, name: String) {
        let request = pb::RevokeSnapshotRequest {
            name,
            note: self.text('v'),
            ..pb::RevokeSnapshotRequest::default()
        };
        let revoked = self.staff.engagements().revoke_snapshot(request).await;
        revoked.unwrap();
    }

    async fn close(&self, name: String, of: char) {
        let request = pb::CloseEngagementRequest {
            name,
            reason_code: self.word(of),
            note: self.text('v'),
            ..pb::CloseEngagementRequest::default()
        };
        let closed = self.staff.engagements().close_engagement(request).await;
        closed.unwrap();
    }

    /// One engagement that two partners are in, one is invited to and one declined, where each is told
    /// what is its own; and for each partner one that it is in alone, one that it is invited to, one that
    /// it declined, one that it was removed from, and one that is over.
    pub(super) async fn engagements(&self, accounts: &[String; PARTNERS + 1]) {
        let joint = self.engagement(engagement_id(0), 'a', 'a').await;
        for number in 0..PARTNERS {
            let member = self.invite(&joint, number).await;
            match number {
                0 | 1 => {
                    self.enter(number, &member).await;
                    self.show(number, &member, accounts).await;
                }
                2 => {}
                _ => self.reject(number, member).await,
            }
        }
        for number in 0..PARTNERS {
            let of = owner(number);
            let alone = self.engagement(self.text(of), of, of).await;
            let member = self.invite(&alone, number).await;
            self.enter(number, &member).await;
            self.show(number, &member, accounts).await;
            let invited = self.engagement(self.text(of), of, 'v').await;
            self.invite(&invited, number).await;
            let declined = self.engagement(self.text(of), 'v', 'v').await;
            let declined = self.invite(&declined, number).await;
            self.reject(number, declined).await;
            let left = self.engagement(self.text(of), 'v', 'v').await;
            let left = self.invite(&left, number).await;
            self.enter(number, &left).await;
            self.share(&left, of, &accounts[0], &ACCOUNT).await;
            self.remove(left).await;
            let over = self.engagement(self.text(of), of, of).await;
            let member = self.invite(&over, number).await;
            self.enter(number, &member).await;
            self.share(&member, of, &accounts[0], &ACCOUNT).await;
            self.close(over, of).await;
        }
    }

    /// Shares what is a member's own, and what is the vendor's and no longer shared.
    async fn show(&self, number: usize, member: &str, accounts: &[String; PARTNERS + 1]) {
        let of = owner(number);
        self.share(member, of, &accounts[number + 1], &ACCOUNT)
            .await;
        let deal = self.deal_of(number).await;
        self.share(member, of, &deal, &["display_name", "products", "stage"])
            .await;
        // What was revoked is told to be, and not what it was.
        let revoked = self.share(member, of, &accounts[0], &ACCOUNT).await;
        self.revoke(revoked).await;
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
