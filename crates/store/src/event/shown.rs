//! To whom an event is told: as a condition on rows, and of one event in memory. Both say the same,
//! which a test holds.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{Condition, QueryFilter};
use trellis_core::{PartnerId, Scope};

use super::{Column, Entity, Model};
use crate::View;

/// The events that tell what a partner earns and who has access to it begin so. Who reaches only what
/// is their own of a partner reads none of them, as they read no awards, keys, roles and webhooks.
const OF_WHOLE: [&str; 4] = ["award.", "api_key.", "role_grant.", "webhook."];

/// The events that give or take access begin so.
const OF_ACCESS: [&str; 2] = ["api_key.", "role_grant."];

/// Whether whoever reaches so far may read an event that is for this partner.
pub(super) fn readable(scope: &Scope, partner: Option<&PartnerId>) -> bool {
    scope.is_staff() || partner.is_some_and(|partner| scope.may_name(partner))
}

/// Those of some events that the view's scope may read.
pub(super) fn shown(view: &View, select: Select<Entity>) -> Select<Entity> {
    let scope = view.scope();
    if scope.is_staff() {
        return select;
    }
    let named = |partners: &[&PartnerId]| {
        Column::Partner.is_in(partners.iter().map(|partner| partner.as_str()))
    };
    let whole: Vec<&PartnerId> = scope.partners().iter().collect();
    let own: Vec<&PartnerId> = scope.own().iter().map(|(partner, _)| partner).collect();
    let of_own = OF_WHOLE.iter().fold(named(&own), |shown, begin| {
        shown.and(Column::Kind.not_like(format!("{begin}%")))
    });
    select.filter(Condition::any().add(named(&whole)).add(of_own))
}

/// Whether the scope may read an event.
pub(super) fn is_shown(scope: &Scope, event: &Model) -> bool {
    if scope.is_staff() {
        return true;
    }
    let Some(partner) = &event.partner else {
        return false;
    };
    let of_own = || scope.own().iter().any(|(of, _)| of == partner) && !begins(event, &OF_WHOLE);
    scope.partners().contains(partner) || of_own()
}

/// Whether an event gives or takes access.
pub(super) fn is_of_access(event: &Model) -> bool {
    begins(event, &OF_ACCESS)
}

fn begins(event: &Model, with: &[&str]) -> bool {
    with.iter().any(|begin| event.kind.starts_with(begin))
}
