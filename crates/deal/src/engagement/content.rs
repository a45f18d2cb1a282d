//! Copies the fields of a resource that can be shared, and no others. Pure.

use trellis_store::deal::engagement_snapshot::{AccountContent, Chosen, Content, DealContent};
use trellis_store::deal::{account, deal};

/// The fields of a deal that can be shared, by their names.
pub const DEAL: &[&str] = &[
    "amount",
    "display_name",
    "expected_close_date",
    "products",
    "stage",
];

/// The fields of an account that can be shared, by their names.
pub const ACCOUNT: &[&str] = &[
    "display_name",
    "domains",
    "employee_count",
    "industry",
    "region_code",
];

/// What was chosen of a deal.
#[must_use]
pub fn of_deal(deal: &deal::Model, Chosen(chosen): &Chosen) -> Content {
    let mut content = DealContent::default();
    for field in chosen {
        match field.as_str() {
            "amount" => {
                content.amount_minor = deal.amount_minor;
                content.currency = deal.currency;
            }
            "display_name" => content.display_name = Some(deal.display_name.clone()),
            "expected_close_date" => content.expected_close_date = deal.expected_close_date,
            "products" => {
                let products = deal.lines.0.iter().map(|line| line.product.clone());
                content.products = products.collect();
            }
            "stage" => content.stage = Some(deal.stage),
            _ => {}
        }
    }
    Content::Deal(content)
}

/// What was chosen of an account.
#[must_use]
pub fn of_account(account: &account::Model, Chosen(chosen): &Chosen) -> Content {
    let mut content = AccountContent::default();
    for field in chosen {
        match field.as_str() {
            "display_name" => content.display_name = Some(account.display_name.clone()),
            "domains" => content.domains.clone_from(&account.domains.0),
            "employee_count" => content.employee_count = account.employee_count,
            "industry" => content.industry.clone_from(&account.industry),
            "region_code" => content.region_code.clone_from(&account.region_code),
            _ => {}
        }
    }
    Content::Account(content)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::account::sample;

    fn chosen(fields: &[&str]) -> Chosen {
        Chosen(fields.iter().map(|field| (*field).to_owned()).collect())
    }

    #[test]
    fn only_what_was_chosen_is_copied() {
        let account = account::Model {
            industry: Some("retail".to_owned()),
            employee_count: 7,
            ..sample::account("acme", "Acme")
        };
        let copied = serde_json::to_value(of_account(&account, &chosen(&["industry"]))).unwrap();
        let expected = json!({ "account": {
            "display_name": null, "region_code": null, "domains": [], "industry": "retail",
            "employee_count": 0
        } });
        assert_eq!(copied, expected);
        let copied = serde_json::to_value(of_account(&account, &chosen(ACCOUNT))).unwrap();
        let expected = json!({ "account": {
            "display_name": "Acme", "region_code": null, "domains": [], "industry": "retail",
            "employee_count": 7
        } });
        assert_eq!(copied, expected);
    }

    #[test]
    fn what_cannot_be_shared_is_copied_by_no_name() {
        let account = account::Model {
            external_id: Some("crm-1".to_owned()),
            ..sample::account("acme", "Acme")
        };
        let copied = of_account(&account, &chosen(&["external_id", "*", "annual_revenue"]));
        assert_eq!(copied, Content::Account(AccountContent::default()));
    }
}
