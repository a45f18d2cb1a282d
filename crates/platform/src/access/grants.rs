//! The use cases of role grants. Each that writes is one transaction.

use trellis_api::name;
use trellis_api::platform::v1 as pb;
use trellis_core::access::{Grant, rules};
use trellis_core::lifecycle::Named;
use trellis_core::{
    Actor, ApiKeyId, Call, Page, PageQuery, Problem, RoleGrantId, Violation, Written,
};
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner;
use trellis_store::platform::api_key;
use trellis_store::platform::role_grant::{self, Entity, Model};
use trellis_store::{Store, Txn, record};

use super::convert::wire_grant as wire;
use crate::Error;

/// Grants a role.
#[derive(Clone, Debug)]
pub(super) struct Create {
    pub(super) principal: Actor,
    /// The key, when the principal is one.
    pub(super) key: Option<ApiKeyId>,
    pub(super) grant: Grant,
}

/// Grants a role to a principal.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` for the partner or the key; `PERMISSION_DENIED` for a role that the caller
/// may not give; `RESOURCE_EXISTS`.
pub(super) async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::RoleGrant>, Error> {
    store
        .write(call, create, |txn, create| async move {
            let Create {
                principal,
                key,
                grant,
            } = create;
            there(&txn, key.as_ref(), &grant).await?;
            if !rules::may_grant(txn.scope(), grant.role, grant.partner.as_ref()) {
                return Err(Error::NotToGive {
                    role: grant.role.name(),
                });
            }
            let row = Model::fresh(&txn, principal, grant);
            let resource = name(txn.ecosystem(), &row.id);
            let row = record::insert::<Entity>(&txn, row)
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(&txn, told(&txn, &row, "role_grant.created"));
            Ok(wire(row)?)
        })
        .await
}

/// Whether the key and the partner of a grant exist, as far as the caller reaches, and fit.
async fn there(txn: &Txn, key: Option<&ApiKeyId>, grant: &Grant) -> Result<(), Error> {
    if let Some(id) = key {
        let key = record::find::<api_key::Entity>(txn, id).await?;
        let key = key.ok_or_else(|| Problem::NotFound {
            resource: name(txn.ecosystem(), id),
        })?;
        if key.partner != grant.partner {
            return Err(Problem::Invalid(vec![Violation::new(
                "role_grant.partner",
                "key.partner",
                "must be the partner of the API key, or none if the key has none",
            )])
            .into());
        }
    }
    if let Some(id) = &grant.partner
        && record::find::<partner::Entity>(txn, id).await?.is_none()
    {
        let resource = name(txn.ecosystem(), id);
        return Err(Problem::NotFound { resource }.into());
    }
    Ok(())
}

/// Lists role grants.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub(super) async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::RoleGrant>, Error> {
    let view = store.read(&call).await?;
    let Page { rows, next } = record::page::<Entity>(&view, query).await?;
    let rows = rows.into_iter().map(wire).collect::<Result<_, _>>()?;
    Ok(Page { rows, next })
}

/// Takes a role away; answers the grant that was.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(super) async fn delete(
    store: &Store,
    call: Call,
    id: RoleGrantId,
) -> Result<Written<pb::RoleGrant>, Error> {
    store
        .write(call, id, |txn, id| async move {
            let resource = name(txn.ecosystem(), &id);
            let row = record::lock::<Entity>(&txn, &id).await?;
            let row = row.ok_or_else(|| Problem::NotFound {
                resource: resource.clone(),
            })?;
            role_grant::delete(&txn, &id).await?;
            event::append(&txn, told(&txn, &row, "role_grant.deleted"));
            Ok::<_, Error>(wire(row)?)
        })
        .await
}

/// What has become of a grant, for its partner too.
fn told(txn: &Txn, row: &Model, kind: &'static str) -> NewEvent {
    let data = serde_json::json!({"principal": row.principal, "role": row.role});
    NewEvent::new(kind, name(txn.ecosystem(), &row.id))
        .with(data)
        .for_partner(&row.partner)
}

/// Names what exists; everything else is passed on.
fn exists(error: trellis_store::Error, resource: &str) -> Error {
    match error {
        trellis_store::Error::Exists { .. } => Problem::Exists {
            resource: resource.to_owned(),
            field: "role".to_owned(),
        }
        .into(),
        other => other.into(),
    }
}
