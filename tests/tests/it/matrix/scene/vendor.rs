//! The ecosystems, and what belongs to the vendor: the catalogue, programs, plans.

use serde_json::{Value, json};

use super::{ACME, COLLEAGUE, ELSEWHERE, OVER, Site, tags, usd};
use crate::matrix::who::actor;

/// A tenth of each deal of the years 2026 and 2027.
pub(crate) fn version() -> Value {
    json!({
        "effective_from_date": { "year": 2026, "month": 1, "day": 1 },
        "effective_until_date": { "year": 2028, "month": 1, "day": 1 },
        "currency_code": "USD",
        "kind": "KIND_COMMISSION",
        "trigger": "TRIGGER_DEAL_WON",
        "measure": { "source": "SOURCE_DEAL_NET", "window": "WINDOW_EVENT" },
        "schedule": { "mode": "MODE_MARGINAL", "bands": [
            { "from_amount": usd(0), "rate": { "value": "0.1" } }
        ] }
    })
}

impl Site<'_> {
    pub(super) async fn ecosystem(&self) {
        let ecosystem = json!({ "display_name": self.ecosystem, "sandbox": true });
        let request = json!({ "ecosystem_id": self.ecosystem, "ecosystem": ecosystem });
        self.does("CreateEcosystem", COLLEAGUE, request).await;
    }

    /// The tags of what belongs to nobody in particular.
    pub(super) fn unowned(&self) -> Vec<&'static str> {
        let tags = tags(self.ecosystem).into_iter().map(|(tag, _)| tag);
        tags.filter(|tag| *tag != ELSEWHERE).collect()
    }

    pub(super) async fn vendors(&self) {
        for tag in self.unowned() {
            for (method, field) in [
                ("CreateProductFamily", "product_family"),
                ("CreateProduct", "product"),
                ("CreateTerritory", "territory"),
            ] {
                let value = json!({ "external_id": format!("crm-{tag}") });
                self.create(method, field, tag, tag, value).await;
            }
            self.house(tag).await;
            self.program(tag, &format!("draft-{tag}")).await;
            self.program(tag, tag).await;
            self.moves("PublishProgram", tag, &format!("programs/{tag}"))
                .await;
        }
        if self.ecosystem == ACME {
            let parent = self.name("programs/colleague");
            let tier = json!({ "display_name": OVER, "rank": 3 });
            let request = json!({ "parent": parent, "tier_id": OVER, "tier": tier });
            self.does("CreateTier", OVER, request).await;
            self.moves("DeleteTier", OVER, "programs/colleague/tiers/over")
                .await;
            self.moves("RetireProgram", OVER, "programs/over").await;
        }
    }

    /// A customer of nobody's that was kept to the vendor long ago, so that no claim meets it.
    async fn house(&self, tag: &str) {
        let account = format!("house-{tag}");
        self.create("CreateAccount", "account", COLLEAGUE, &account, json!({}))
            .await;
        let house = json!({
            "account": self.name(&format!("accounts/{account}")),
            "note": "Kept", "valid_until_time": "2020-01-01T00:00:00Z"
        });
        let request = json!({
            "parent": self.parent(), "house_account_id": tag, "house_account": house
        });
        self.does("CreateHouseAccount", tag, request).await;
    }

    /// A draft of a program with two tiers, in which no registration is approved by itself: none is
    /// as small as the limit; and in which a partner may hand in something for everybody.
    pub(super) async fn program(&self, tag: &str, id: &str) {
        let value = json!({
            "time_zone": "UTC", "currency_code": "USD",
            "deal_registration": {
                "auto_approve_registrations": true, "auto_approve_limit": usd(1),
                "daily_account_budget": 100, "teaming": true
            }
        });
        self.create("CreateProgram", "program", tag, id, value)
            .await;
        for (rank, tier) in [(1, "silver"), (2, "gold")] {
            let request = json!({
                "parent": self.name(&format!("programs/{id}")), "tier_id": tier,
                "tier": { "display_name": tier, "rank": rank }
            });
            self.does("CreateTier", tag, request).await;
        }
    }

    /// A plan with a draft of a version for everybody; `over`, whose version is retired; and
    /// `commission`, by which awards are made.
    pub(super) async fn plans(&self) {
        for tag in self.unowned().into_iter().chain(["commission"]) {
            let value = json!({ "program": self.name("programs/colleague") });
            self.create("CreatePlan", "plan", tag, tag, value).await;
            let parent = self.name(&format!("plans/{tag}"));
            let mut terms = version();
            if tag == "commission" {
                // Whoever sells together shares what it earns.
                terms["sharing"] = json!({
                    "roles": [{ "role": "SOURCED", "weight": 1 }, { "role": "CO_SELL", "weight": 1 }],
                    "unfilled": "UNFILLED_REDISTRIBUTE"
                });
            }
            let draft = json!({ "parent": parent, "plan_version": terms });
            self.does("CreatePlanVersion", tag, draft).await;
            let version = format!("plans/{tag}/versions/1");
            if [OVER, "commission"].contains(&tag) {
                self.moves("SchedulePlanVersion", tag, &version).await;
            }
            if tag == OVER {
                let today = json!({ "year": 2026, "month": 3, "day": 2 });
                let retire = json!({ "name": self.name(&version), "retire_date": today });
                self.stage
                    .does_as("RetirePlanVersion", &actor(OVER), retire)
                    .await;
            }
        }
    }
}
