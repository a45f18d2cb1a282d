//! An edit as values, field by field. Pure.

use trellis_store::deal::field::{Offered, Value};

use super::amounts::Draft;
use super::editing::Edit;

impl Edit {
    /// The changes, one by one.
    pub(super) fn values(self) -> Vec<Value> {
        let offered = |draft: Draft| Offered {
            product: draft.product,
            quantity: draft.quantity,
            amount: draft.amount,
        };
        let offer = |lines: Vec<Draft>| Value::Lines(lines.into_iter().map(offered).collect());
        [
            self.display_name.map(Value::DisplayName),
            self.account.map(Value::Account),
            self.lines.map(offer),
            self.amount.map(Value::Amount),
            self.deal_type.map(Value::DealType),
            self.territory.map(Value::Territory),
            self.engage_date.map(Value::EngageDate),
            self.expected_close_date.map(Value::ExpectedCloseDate),
            self.external_id.map(Value::ExternalId),
            self.external_ids.map(Value::ExternalIds),
            self.next_step.map(Value::NextStep),
            self.contacts.map(Value::Contacts),
            self.partner_product.map(Value::PartnerProduct),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The changes to these values.
    pub(super) fn of(values: impl IntoIterator<Item = Value>) -> Self {
        let mut edit = Self::default();
        for value in values {
            match value {
                Value::DisplayName(value) => edit.display_name = Some(value),
                Value::Account(value) => edit.account = Some(value),
                Value::Lines(lines) => {
                    let draft = |line: Offered| Draft {
                        product: line.product,
                        quantity: line.quantity,
                        amount: line.amount,
                    };
                    edit.lines = Some(lines.into_iter().map(draft).collect());
                }
                Value::Amount(value) => edit.amount = Some(value),
                Value::DealType(value) => edit.deal_type = Some(value),
                Value::Territory(value) => edit.territory = Some(value),
                Value::EngageDate(value) => edit.engage_date = Some(value),
                Value::ExpectedCloseDate(value) => edit.expected_close_date = Some(value),
                Value::ExternalId(value) => edit.external_id = Some(value),
                Value::ExternalIds(value) => edit.external_ids = Some(value),
                Value::NextStep(value) => edit.next_step = Some(value),
                Value::Contacts(value) => edit.contacts = Some(value),
                Value::PartnerProduct(value) => edit.partner_product = Some(value),
            }
        }
        edit
    }
}
