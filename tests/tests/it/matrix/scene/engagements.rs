//! Work of the vendor's with partners on one customer.

use serde_json::json;

use super::{OVER, Site, tags};

impl Site<'_> {
    /// For each tag a draft that nobody is invited to, an engagement that its partner is in, with what
    /// is shared there, and one that it is invited to.
    pub(super) async fn engagements(&self) {
        for (tag, partner) in tags(self.ecosystem) {
            for stem in ["draft", "held", "open"] {
                let id = format!("{stem}-{tag}");
                let engagement = json!({
                    "title": "Migration", "customer": { "display_name": id },
                    "members_visible": true, "external_id": format!("crm-{id}")
                });
                let create = json!({
                    "parent": self.parent(), "engagement_id": id, "engagement": engagement
                });
                self.does("CreateEngagement", tag, create).await;
                let there = format!("engagements/{id}");
                if stem != "draft" {
                    self.invite(tag, &there, partner).await;
                }
                if stem == "held" {
                    self.share(tag, &there).await;
                }
                if tag == OVER {
                    self.moves_because("CloseEngagement", tag, &there).await;
                }
            }
        }
    }

    async fn invite(&self, tag: &str, there: &str, partner: &str) {
        self.moves("ActivateEngagement", tag, there).await;
        let member = json!({
            "partner": self.name(&format!("partners/{partner}")), "role": "RESALE",
            "message": "Come and help"
        });
        let invite = json!({ "parent": self.name(there), "member_id": "one", "member": member });
        self.does("InviteMember", tag, invite).await;
    }

    /// Its partner accepts and is shown a deal.
    async fn share(&self, tag: &str, there: &str) {
        let member = format!("{there}/members/one");
        self.moves("EngagementService.AcceptInvitation", tag, &member)
            .await;
        let share = json!({
            "parent": self.name(there), "snapshot_id": "one", "member": self.name(&member),
            "resource": self.name("deals/open-colleague"), "fields": "displayName"
        });
        self.does("ShareSnapshot", tag, share).await;
        if tag == OVER {
            let snapshot = format!("{there}/snapshots/one");
            self.moves("RevokeSnapshot", tag, &snapshot).await;
        }
    }
}
