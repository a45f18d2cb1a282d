//! Sets who plays which part in a deal.

use trellis_api::deal::v1 as pb;
use trellis_core::{Call, Written};
use trellis_store::deal::deal::{Entity, PartnerRole, Roles};
use trellis_store::deal::reference::References;
use trellis_store::reach::reaches;
use trellis_store::{Store, event, record};

use super::convert::wire;
use super::deals::{lock, told};
use super::editing::not_editable;
use super::lifecycle::{Standing, standing};
use super::moves::{Move, moving};
use super::roles::sourcing;
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
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `NOT_EDITABLE` when it is won or lost.
pub async fn set_roles(
    store: &Store,
    call: Call,
    set: SetRoles,
) -> Result<Written<pb::Deal>, Error> {
    store
        .write(call, set, |txn, SetRoles { on, roles }| async move {
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
            deal.roles = Roles(roles);
            let deal = record::update::<Entity>(&txn, deal).await?;
            event::append(
                &txn,
                moving("deal.roles_set", resource, on, &deal).with(told(&deal)),
            );
            Ok(wire(deal))
        })
        .await
}
