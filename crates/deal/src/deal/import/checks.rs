//! What is wrong with a row, beside what the contract says of it. Pure.

use trellis_core::{Money, ProductId, Violation};
use trellis_store::deal::deal::{Line, PartnerRole, Stage};

use crate::deal::roles;

/// Where in a list something is.
pub(super) fn position<T>(list: &[T], test: impl Fn(&T) -> bool) -> Option<usize> {
    list.iter().position(test)
}

/// That a row names what is not there.
pub(super) fn does_not_exist(field: String) -> Violation {
    Violation::new(field, "exists", "does not exist in this ecosystem")
}

/// The products that a row's parts name and the deal does not sell. A part that stands and that the row
/// does not mention is not asked: the row may say that a product is sold no longer.
pub(super) fn unsold(parts: &[PartnerRole], lines: &[Line]) -> Vec<Violation> {
    let sold: Vec<ProductId> = lines.iter().map(|line| line.product.clone()).collect();
    roles::unsold(|index| format!("deal.roles[{index}]"), parts, &sold)
}

/// A won deal must be worth something that is known.
pub(super) fn worthless(stage: Stage, amount: Option<Money>) -> Option<Vec<Violation>> {
    let unknown = stage == Stage::Won && amount.is_none();
    unknown.then(|| {
        let description = "must be set if the deal is won and no line says what it is worth";
        vec![Violation::new("deal.amount", "required", description)]
    })
}
