//! API keys, roles and webhooks, of `nimbus` and `cirrus` and of the vendor.

use serde_json::{Value, json};

use super::{COLLEAGUE, Kind, OVER, Site, tags};
use crate::matrix::who::actor;

impl Site<'_> {
    /// A webhook for each tag, of its partner and of the vendor. They are disabled: nothing is sent.
    pub(super) async fn webhooks(&self) {
        let of_partners = tags(self.ecosystem).into_iter();
        let of_partners = of_partners.map(|(tag, partner)| (tag, tag.to_owned(), Some(partner)));
        let of_vendor = self.unowned().into_iter();
        let of_vendor = of_vendor.map(|tag| (tag, format!("vendor-{tag}"), None));
        for (tag, id, partner) in of_partners.chain(of_vendor) {
            if tag == OVER {
                continue;
            }
            let webhook = json!({
                "display_name": tag, "url": "http://127.0.0.1:1/", "disabled": true,
                "partner": self.partner_name(partner)
            });
            let request = json!({ "parent": self.parent(), "webhook_id": id, "webhook": webhook });
            self.does("CreateWebhook", tag, request).await;
        }
    }

    /// A key and a role for each tag, of its partner and of the vendor; of `over` the keys are revoked
    /// and the roles taken. Answers what the server named them.
    ///
    /// They come last: a server asks everybody who they are once it finds a key, and looks for one
    /// when its clock has moved on, which stands still here.
    pub(super) async fn access(&self) -> Vec<((Kind, &'static str), String)> {
        let of_partners = tags(self.ecosystem).into_iter();
        let of_partners = of_partners.map(|(tag, partner)| (tag, Some(partner)));
        let of_vendor = self.unowned().into_iter().map(|tag| (tag, None));
        let mut made = Vec::new();
        for (tag, partner) in of_partners.chain(of_vendor) {
            let (key, grant) = match partner {
                Some(_) => (Kind::Key, Kind::Grant),
                None => (Kind::VendorKey, Kind::VendorGrant),
            };
            made.push(((key, tag), self.key(tag, partner).await));
            made.push(((grant, tag), self.grant(tag, partner).await));
        }
        for ((kind, _), name) in made.iter().filter(|((_, tag), _)| *tag == OVER) {
            let method = match kind {
                Kind::Key | Kind::VendorKey => "RevokeApiKey",
                _ => "DeleteRoleGrant",
            };
            self.does(method, OVER, json!({ "name": name })).await;
        }
        let last = json!({ "principal": "people:last", "role": "ROLE_AUDITOR" });
        let request = json!({ "parent": self.parent(), "role_grant": last });
        let position = self.does("CreateRoleGrant", COLLEAGUE, request).await;
        self.settled(&position).await;
        made
    }

    async fn key(&self, tag: &str, partner: Option<&str>) -> String {
        let request = json!({
            "parent": self.parent(),
            "api_key": { "display_name": tag, "partner": self.partner_name(partner) },
            "roles": [{ "role": role(partner) }]
        });
        let by = actor(tag);
        let (made, _) = self.stage.makes("CreateApiKey", &by, request).await;
        name_of(&made["apiKey"])
    }

    async fn grant(&self, tag: &str, partner: Option<&str>) -> String {
        let grant = json!({
            "principal": format!("people:{tag}"), "role": role(partner),
            "partner": self.partner_name(partner)
        });
        let request = json!({ "parent": self.parent(), "role_grant": grant });
        let by = actor(tag);
        let (made, _) = self.stage.makes("CreateRoleGrant", &by, request).await;
        name_of(&made)
    }

    fn partner_name(&self, partner: Option<&str>) -> String {
        partner.map_or_else(String::new, |id| self.name(&format!("partners/{id}")))
    }
}

fn role(partner: Option<&str>) -> &'static str {
    match partner {
        Some(_) => "ROLE_PARTNER_REP",
        None => "ROLE_SERVICE",
    }
}

fn name_of(thing: &Value) -> String {
    thing["name"].as_str().expect("it has a name").to_owned()
}
