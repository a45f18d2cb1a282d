//! What partners bring and sell: accounts, registrations, deals.

use serde_json::{Value, json};

use super::{ACME, COLLEAGUE, OVER, Site, tags, usd};

impl Site<'_> {
    /// An account of its own for everything that is registered, so that nothing conflicts.
    pub(super) async fn accounts(&self) {
        let none = json!({});
        self.create("CreateAccount", "account", COLLEAGUE, "vendor", none)
            .await;
        for (tag, partner) in tags(self.ecosystem) {
            for id in ["", "draft-", "submitted-", "approved-"] {
                self.account(tag, &format!("{id}{tag}"), partner, &[]).await;
            }
        }
        // Who belongs to whom is known of one, and awaited of another.
        let row = json!({
            "account": { "display_name": COLLEAGUE, "external_id": "crm-colleague" },
            "parent_external_id": "future"
        });
        let import = json!({ "parent": self.parent(), "rows": [row] });
        self.does("ImportAccounts", COLLEAGUE, import).await;
        let below = json!({
            "name": self.name("accounts/draft-colleague"),
            "parent_account": self.name("accounts/vendor"),
            "successor_account": self.name("accounts/colleague"),
            "crm_records": [{ "system": "crm", "record_id": "1" }]
        });
        let mask = "parentAccount,successorAccount,crmRecords";
        let update = json!({ "account": below, "update_mask": mask });
        self.does("UpdateAccount", COLLEAGUE, update).await;
    }

    async fn account(&self, tag: &str, id: &str, partner: &str, domains: &[&str]) {
        let value = json!({
            "partner": self.name(&format!("partners/{partner}")), "domains": domains,
            "external_id": format!("crm-{id}")
        });
        self.create("CreateAccount", "account", tag, id, value)
            .await;
    }

    fn claim(&self, partner: &str, account: &str) -> Value {
        json!({
            "partner": self.name(&format!("partners/{partner}")),
            "program": self.name("programs/colleague"),
            "account": self.name(&format!("accounts/{account}")),
            "products": [self.name("products/colleague")],
            "deal_type": "DEAL_TYPE_NEW",
            "estimated_value": usd(100)
        })
    }

    async fn register(&self, tag: &str, id: &str, partner: &str) -> String {
        let claim = self.claim(partner, id);
        self.create("CreateRegistration", "registration", tag, id, claim)
            .await;
        format!("registrations/{id}")
    }

    pub(super) async fn registrations(&self) {
        for (tag, partner) in tags(self.ecosystem) {
            let draft = self.register(tag, &format!("draft-{tag}"), partner).await;
            let submitted = format!("submitted-{tag}");
            let submitted = self.register(tag, &submitted, partner).await;
            self.moves("SubmitRegistration", tag, &submitted).await;
            let approved = format!("approved-{tag}");
            let approved = self.register(tag, &approved, partner).await;
            self.moves("SubmitRegistration", tag, &approved).await;
            let decide = json!({ "name": self.name(&approved), "note": "Well prepared" });
            self.does("ApproveRegistration", tag, decide).await;
            if tag == OVER {
                self.moves("WithdrawRegistration", tag, &draft).await;
                self.moves_because("RejectRegistration", tag, &submitted)
                    .await;
                self.moves("ConvertRegistration", tag, &approved).await;
            }
        }
        if self.ecosystem == ACME {
            let canary = json!({ "domains": ["canary.example"], "canary": true });
            self.create("CreateAccount", "account", COLLEAGUE, "canary", canary)
                .await;
            for (id, partner, domain) in [
                ("shared-first", "cirrus", "shared.example"),
                ("shared-waiting", "nimbus", "shared.example"),
                ("lured", "cirrus", "canary.example"),
            ] {
                self.account(COLLEAGUE, id, partner, &[domain]).await;
                let name = self.register(COLLEAGUE, id, partner).await;
                self.moves("SubmitRegistration", COLLEAGUE, &name).await;
            }
        }
    }

    /// A program for each partner's leads, in which it is alone, so that they go to nobody else.
    pub(super) async fn leads(&self) {
        for partner in ["nimbus", "cirrus"] {
            let id = format!("leads-{partner}");
            if partner == "nimbus" || self.ecosystem == ACME {
                self.program(COLLEAGUE, &id).await;
                self.moves("PublishProgram", COLLEAGUE, &format!("programs/{id}"))
                    .await;
                self.enroll(partner, &id, &id, COLLEAGUE).await;
            }
        }
        for (tag, partner) in tags(self.ecosystem) {
            let program = format!("programs/leads-{partner}");
            for (stem, verbs) in [
                ("new", &[][..]),
                ("offered", &["RouteLead"]),
                ("held", &["RouteLead", "AcceptLead"]),
                (
                    "qualified",
                    &["RouteLead", "AcceptLead", "WorkLead", "QualifyLead"],
                ),
            ] {
                let id = format!("{stem}-{tag}");
                let lead = json!({
                    "program": self.name(&program),
                    "source": "WEB_FORM",
                    "company": { "display_name": id, "account": self.name("accounts/vendor") },
                    "contact": { "email": "buyer@customer.example" },
                    "external_id": format!("crm-{id}")
                });
                let request = json!({ "parent": self.parent(), "lead_id": id, "lead": lead });
                self.does("CreateLead", tag, request).await;
                let name = format!("leads/{id}");
                for verb in verbs {
                    self.moves(verb, tag, &name).await;
                }
                match stem {
                    "new" if tag == OVER => {
                        let of = self.name("leads/held-colleague");
                        let mark = json!({ "name": self.name(&name), "duplicate_of": of });
                        self.does("MarkLeadDuplicate", tag, mark).await;
                    }
                    "held" | "qualified" if tag == OVER => {
                        self.moves_because("DisqualifyLead", tag, &name).await;
                    }
                    _ => {}
                }
            }
        }
    }

    pub(super) async fn deals(&self) {
        for (tag, partner) in tags(self.ecosystem) {
            let (open, won) = (format!("open-{tag}"), format!("won-{tag}"));
            self.deal(tag, &open, partner).await;
            self.deal(tag, &won, partner).await;
            // The second takes the place of the first.
            for step in ["call", "call again"] {
                let deal = json!({
                    "name": self.name(&format!("deals/{open}")), "next_step": step,
                    "external_ids": [{ "system": "erp", "external_id": open }]
                });
                let said = json!({
                    "deal": deal, "update_mask": "nextStep,externalIds", "source_system": "crm"
                });
                self.does("UpdateDeal", tag, said).await;
            }
            let advance = json!({
                "name": self.name(&format!("deals/{open}")),
                "stage": "STAGE_QUALIFIED",
                "reason_code": "OTHER",
                "note": "after the call"
            });
            self.does("AdvanceDeal", tag, advance).await;
            // What somebody is to decide about.
            let dispute = json!({
                "name": self.name(&format!("deals/{won}")),
                "role": {
                    "partner": self.name(&format!("partners/{partner}")),
                    "role": "ROLE_INFLUENCED"
                },
                "reason_code": "OTHER"
            });
            self.does("DisputeDealRole", tag, dispute).await;
            if tag == OVER {
                for id in [open, won] {
                    self.moves_because("LoseDeal", tag, &format!("deals/{id}"))
                        .await;
                }
            } else {
                self.moves("WinDeal", tag, &format!("deals/{won}")).await;
            }
        }
    }
}
