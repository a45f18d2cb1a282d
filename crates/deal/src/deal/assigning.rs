//! Sets who plays which part in a deal.

use trellis_api::deal::v1 as pb;
use trellis_core::{Call, Written};
use trellis_store::deal::deal::{Entity, PartnerRole, Roles};
use trellis_store::deal::history::{self as rows, Cause};
use trellis_store::deal::reference::References;
use trellis_store::reach::reaches;
use trellis_store::{Store, event, record};

use super::convert::wire;
use super::deals::{lock, refuse, told};
use super::editing::not_editable;
use super::evidence;
use super::history::assigned;
use super::lifecycle::{Standing, standing};
use super::moves::{Move, moving};
use super::roles::{self, sourcing};
use crate::{Error, all_exist};

/// Sets the parts in a deal.
#[derive(Clone, Debug)]
pub struct SetRoles {
    /// Which one.
    pub on: Move,
    /// All the parts; they fit together.
    pub roles: Vec<PartnerRole>,
}

/// Sets who plays which part in an open deal.
///
/// # Errors
/// `INVALID_FIELDS` when a part that is paid has no evidence, `RESOURCE_NOT_FOUND`,
/// `ETAG_MISMATCH`, `NOT_EDITABLE` when it is won or lost.
pub async fn set_roles(
    store: &Store,
    call: Call,
    set: SetRoles,
) -> Result<Written<pb::Deal>, Error> {
    store
        .write(call, set, |txn, SetRoles { on, mut roles }| async move {
            let (mut deal, resource) = lock(&txn, &on.id, &on.etag).await?;
            if standing(deal.stage) != Standing::Open {
                return Err(not_editable(resource, &deal, &["roles"]));
            }
            let partners = roles.iter().map(|role| role.partner.clone()).collect();
            all_exist(
                &txn,
                &References {
                    partners,
                    ..References::default()
                },
            )
            .await?;
            deal.partner = sourcing(&roles).cloned();
            if let Some(partner) = &deal.partner
                && !reaches(&txn, partner).await?
            {
                return Err(trellis_store::Error::OutOfReach.into());
            }
            let at = |index| format!("roles[{index}]");
            let whole = txn.whole();
            let wrong = evidence::complete(&whole, at, &mut roles, &deal.roles.0, None).await?;
            let sold: Vec<_> = deal
                .lines
                .0
                .iter()
                .map(|line| line.product.clone())
                .collect();
            refuse(wrong, roles::unsold(at, &roles, &sold))?;
            deal.roles = Roles(roles);
            let remembered = assigned(&txn, &mut deal, Cause::Set, &on.note);
            let deal = record::update::<Entity>(&txn, deal).await?;
            rows::remember(&txn, Vec::new(), vec![remembered]).await?;
            event::append(
                &txn,
                moving("deal.roles_set", resource, on, &deal).with(told(&deal)),
            );
            Ok(wire(deal))
        })
        .await
}
