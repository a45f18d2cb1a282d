//! The partners, and the batches by which they are paid.

use serde_json::json;

use super::{ACME, ANOTHER_MANAGER, COLLEAGUE, ELSEWHERE, MAKER, OVER, Site, tags, usd};
use crate::matrix::things::Kind;
use crate::matrix::who::actor;

/// Who looks after `nimbus`: the channel manager that calls.
fn manager() -> String {
    actor("manager")
}

impl Site<'_> {
    /// `nimbus`, of which everybody is; `cirrus`, which somebody else looks after; `gone`, which is
    /// terminated; and for each batch a partner that it pays.
    pub(super) async fn partners(&self) {
        self.partner("nimbus", &manager()).await;
        self.enroll("nimbus", COLLEAGUE, COLLEAGUE, COLLEAGUE).await;
        for (tag, _) in tags(self.ecosystem) {
            let payee = format!("payee-{tag}");
            self.partner(&payee, &manager()).await;
            self.enroll(&payee, COLLEAGUE, &payee, COLLEAGUE).await;
            if ![COLLEAGUE, ELSEWHERE, OVER].contains(&tag) {
                self.enroll("nimbus", tag, tag, tag).await;
            }
        }
        if self.ecosystem != ACME {
            return;
        }
        self.partner("cirrus", ANOTHER_MANAGER).await;
        self.enroll("cirrus", COLLEAGUE, ELSEWHERE, ELSEWHERE).await;
        self.partner("gone", &manager()).await;
        let notice = json!({
            "name": self.name("partners/gone"), "reason_code": "OTHER",
            "terminate_time": "2026-12-31T00:00:00Z"
        });
        self.does("GiveNotice", OVER, notice).await;
        self.moves("TerminatePartner", OVER, "partners/gone").await;
    }

    async fn partner(&self, id: &str, manager: &str) {
        let value = json!({
            "partner_type": "PARTNER_TYPE_RESELLER", "external_id": format!("crm-{id}"),
            "channel_manager": manager
        });
        self.create("CreatePartner", "partner", COLLEAGUE, id, value)
            .await;
        let partner = format!("partners/{id}");
        for method in [
            "InvitePartner",
            "PartnerService.AcceptInvitation",
            "ActivatePartner",
        ] {
            self.moves(method, COLLEAGUE, &partner).await;
        }
    }

    pub(super) async fn enroll(&self, partner: &str, program: &str, id: &str, tag: &str) {
        let enrollment = json!({
            "program": self.name(&format!("programs/{program}")),
            "partner": self.name(&format!("partners/{partner}"))
        });
        let request = json!({
            "parent": self.parent(), "enrollment_id": id, "enrollment": enrollment
        });
        self.does("CreateEnrollment", tag, request).await;
    }

    /// Wins a deal for each partner that is to be paid, approves what that earned, and prepares the
    /// batches. Answers for each of the others the award that nobody has approved.
    pub(super) async fn payouts(&self) -> Vec<(&'static str, String)> {
        let mut position = String::new();
        let payees = tags(self.ecosystem).into_iter();
        let payees = payees.map(|(tag, _)| format!("payee-{tag}"));
        let others = ["nimbus", "cirrus"].map(str::to_owned);
        let others = others
            .into_iter()
            .take(if self.ecosystem == ACME { 2 } else { 1 });
        let helper = format!("payee-{OVER}");
        for partner in payees.chain(others) {
            let id = format!("paid-{partner}");
            // Of what one payee earns, another one gets a part.
            let helps = partner == format!("payee-{ELSEWHERE}");
            let helper = helps.then_some(helper.as_str());
            self.sold(("maker", &id), &partner, helper).await;
            position = self
                .does(
                    "WinDeal",
                    "maker",
                    json!({ "name": self.name(&format!("deals/{id}")) }),
                )
                .await;
        }
        let list = json!({ "parent": self.parent(), "page_size": 1000 });
        let listed = self.stage.reads("ListAwards", list, &position).await;
        let awards = listed["awards"].as_array().expect("awards were earned");
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let of = |deal: String| {
            let deal = self.name(&format!("deals/{deal}"));
            let found = awards.iter().find(|award| award["deal"] == deal.as_str());
            text(&found.unwrap_or_else(|| panic!("{deal} earns an award"))["name"])
        };
        let paid = awards
            .iter()
            .filter(|award| text(&award["deal"]).contains("/paid-"));
        let names: Vec<String> = paid.map(|award| text(&award["name"])).collect();
        let approve = json!({ "parent": self.parent(), "names": names });
        self.stage.does_as("ApproveAwards", MAKER, approve).await;
        for (tag, _) in tags(self.ecosystem) {
            position = self.batch(tag).await;
        }
        self.settled(&position).await;
        let mut open = vec![("nimbus", of("won-colleague".to_owned()))];
        if self.ecosystem == ACME {
            open.push(("cirrus", of("won-elsewhere".to_owned())));
        }
        open
    }

    /// The journals that approved what no batch pays.
    pub(super) async fn journals(&self) -> Vec<((Kind, &'static str), String)> {
        let mut journals = Vec::new();
        let payees = [(COLLEAGUE, "nimbus"), (ELSEWHERE, "cirrus")].into_iter();
        for (tag, partner) in payees.take(if self.ecosystem == ACME { 2 } else { 1 }) {
            let account = self.name(&format!("ledgerAccounts/payable.{partner}.usd"));
            let list = json!({ "parent": self.parent(), "ledger_account": account });
            let (listed, _) = self.stage.makes("ListJournals", MAKER, list).await;
            let name = listed["journals"][0]["name"].as_str();
            journals.push((
                (Kind::Journal, tag),
                name.expect("it was approved").to_owned(),
            ));
        }
        journals
    }

    /// Prepares a batch; answers the place of the last that happened to it.
    async fn batch(&self, tag: &str) -> String {
        let payee = self.name(&format!("partners/payee-{tag}"));
        let batch = json!({ "currency_code": "USD", "partners": [payee] });
        let request = json!({ "parent": self.parent(), "batch_id": tag, "batch": batch });
        self.does("CreateBatch", tag, request).await;
        let name = format!("payoutBatches/{tag}");
        let submitted = self.moves("SubmitBatch", tag, &name).await;
        if tag == OVER {
            return self.moves("CancelBatch", tag, &name).await;
        }
        submitted
    }

    /// An open deal that a partner sourced.
    pub(super) async fn deal(&self, tag: &str, id: &str, partner: &str) {
        self.sold((tag, id), partner, None).await;
    }

    /// The same, that another one may help to sell.
    async fn sold(&self, (tag, id): (&str, &str), partner: &str, helper: Option<&str>) {
        let partner = self.name(&format!("partners/{partner}"));
        let mut roles = vec![json!({ "partner": partner, "role": "ROLE_SOURCED" })];
        roles.extend(helper.map(|helper| {
            json!({ "partner": self.name(&format!("partners/{helper}")), "role": "ROLE_CO_SELL" })
        }));
        let value = json!({
            "partner": partner, "amount": usd(1_000), "external_id": format!("crm-{id}"),
            "account": self.name("accounts/vendor"),
            "roles": roles
        });
        self.create("CreateDeal", "deal", tag, id, value).await;
    }
}
