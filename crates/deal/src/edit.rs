//! What all edits have in common: how optional fields are read, and how they are set.

use trellis_api::Fields;
use trellis_api::google::r#type as google;
use trellis_core::Money;

/// A text, unless it is empty.
pub(crate) fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// An amount that is not negative, if it is set.
pub(crate) fn not_negative(
    fields: &mut Fields,
    field: &str,
    value: Option<google::Money>,
) -> Option<Option<Money>> {
    let amount = fields.optional_money(field, value)?;
    if amount.is_some_and(|amount| amount.minor < 0) {
        fields.refuse(field, "money.gte_zero", "must not be negative");
        return None;
    }
    Some(amount)
}

/// Sets a field to its new value, if it has one.
pub(crate) fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
