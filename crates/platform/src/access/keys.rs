//! The use cases of API keys. Each that writes is one transaction.

use std::time::Duration;

use trellis_api::platform::v1 as pb;
use trellis_api::{Etag, ecosystem_name, name};
use trellis_core::access::{Grant, rules};
use trellis_core::lifecycle::Named;
use trellis_core::{
    Actor, ApiKeyId, Asked, Call, EcosystemId, Page, PageQuery, PartnerId, Problem, Role,
    Timestamp, Violation, Written,
};
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner;
use trellis_store::platform::api_key::{Entity, KeyHash, Model};
use trellis_store::platform::role_grant;
use trellis_store::{Store, Txn, View, record};

use super::convert::wire_key as wire;
use super::secret::{Pepper, Secret};
use crate::Error;

/// Makes a key.
#[derive(Clone, Debug)]
pub(super) struct Create {
    pub(super) display_name: String,
    pub(super) person: Option<Actor>,
    pub(super) partner: Option<PartnerId>,
    pub(super) expire_time: Option<Timestamp>,
    pub(super) roles: Vec<Grant>,
}

/// Changes a key.
#[derive(Clone, Debug)]
pub(super) struct On {
    pub(super) id: ApiKeyId,
    pub(super) etag: Etag,
    /// For how long the secret before stays good, when a new one is made.
    pub(super) overlap: Duration,
}

/// The principal that a key is.
#[must_use]
pub(super) fn principal(id: &ApiKeyId) -> Actor {
    // An id is short and printable, so this always is a name.
    Actor::try_new(&format!("apiKeys/{id}")).unwrap_or_else(|_| Actor::anonymous())
}

/// Creates a key with its roles; answers it, and its secret unless the call was sent again.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` for the partner; `PERMISSION_DENIED` for a role that the caller may not
/// give.
pub(super) async fn create(
    store: &Store,
    pepper: &Pepper,
    call: Call,
    create: Create,
) -> Result<(Written<pb::ApiKey>, Option<Secret>), Error> {
    let now = store.clock_now();
    require_ahead(create.expire_time, now)?;
    let id = ApiKeyId::generate(now);
    let secret = Secret::generate(&call.ecosystem, &id);
    let tried = call.validate_only;
    let command = (create, id, secret.shown(), pepper.hash(secret.reveal()));
    let written = store
        .write(
            call,
            command,
            move |txn, (create, id, shown, hash)| async move {
                if let Some(of) = &create.partner {
                    record::find::<partner::Entity>(&txn, of)
                        .await?
                        .ok_or_else(|| Problem::NotFound {
                            resource: name(txn.ecosystem(), of),
                        })?;
                }
                make(&txn, create, id, shown, hash, now).await
            },
        )
        .await?;
    let told = told_once(&written, secret, tried);
    Ok((written, told))
}

/// A key that ends before it begins is a mistake.
fn require_ahead(expire_time: Option<Timestamp>, now: Timestamp) -> Result<(), Problem> {
    if expire_time.is_none_or(|end| now < end) {
        return Ok(());
    }
    Err(Problem::Invalid(vec![Violation::new(
        "api_key.expire_time",
        "future",
        "must lie ahead; leave it out for a key that never ends",
    )]))
}

/// A key that is made at the server's machine.
#[derive(Clone, Debug)]
pub struct First {
    /// The ecosystem. It need not exist: an administrator of it may create it.
    pub ecosystem: EcosystemId,
    /// What people call the key.
    pub display_name: String,
    /// The person who uses it; none for a system's.
    pub person: Option<Actor>,
    /// What it may be.
    pub grant: Grant,
}

/// Creates a key without asking who creates it: for whoever runs the server. Answers its name and
/// its secret.
///
/// # Errors
/// `INVALID_FIELDS` for a role of a partner without one; those of the data layer.
pub async fn bootstrap(
    store: &Store,
    pepper: &Pepper,
    first: First,
) -> Result<(String, Secret), Error> {
    let First {
        ecosystem,
        display_name,
        person,
        grant,
    } = first;
    fits(grant.role, grant.partner.as_ref())
        .map_err(|description| Violation::new("role", "role.partner", description))
        .map_err(|violation| Problem::Invalid(vec![violation]))?;
    let now = store.clock_now();
    let id = ApiKeyId::generate(now);
    let secret = Secret::generate(&ecosystem, &id);
    let create = Create {
        display_name,
        person,
        partner: grant.partner.clone(),
        expire_time: None,
        roles: vec![grant],
    };
    let command = (create, id, secret.shown(), pepper.hash(secret.reveal()));
    let asked = Asked {
        resource: ecosystem_name(&ecosystem),
        call_id: None,
    };
    let call = Call {
        method: "trellis keys create",
        asked: Some(asked),
        ..Call::of_system(ecosystem, "operator")
    };
    let written = store
        .found(
            call,
            command,
            move |txn, (create, id, shown, hash)| async move {
                make(&txn, create, id, shown, hash, now).await
            },
        )
        .await?;
    Ok((written.value.name, secret))
}

async fn make(
    txn: &Txn,
    create: Create,
    id: ApiKeyId,
    secret_prefix: String,
    secret_hash: KeyHash,
    now: Timestamp,
) -> Result<pb::ApiKey, Error> {
    let Create {
        display_name,
        person,
        partner,
        expire_time,
        roles,
    } = create;
    let key = Model {
        ecosystem: txn.ecosystem().clone(),
        id: id.clone(),
        display_name,
        person,
        partner,
        secret_prefix,
        secret_hash,
        previous_hash: None,
        previous_expire_time: None,
        expire_time,
        last_use_time: None,
        revoke_time: None,
        // By the credential, as of roles: the person of a key is what its maker wrote.
        creator: txn.actor().clone(),
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    };
    let key = record::insert::<Entity>(txn, key).await?;
    for grant in roles {
        if !rules::may_grant(txn.scope(), grant.role, grant.partner.as_ref()) {
            return Err(Error::NotToGive {
                role: grant.role.name(),
            });
        }
        let row = role_grant::Model::fresh(txn, principal(&id), grant);
        record::insert::<role_grant::Entity>(txn, row).await?;
    }
    event::append(txn, told(txn, &key, "api_key.created"));
    Ok(wire(key, now))
}

/// What has become of a key, for its partner too.
fn told(txn: &Txn, key: &Model, kind: &'static str) -> NewEvent {
    NewEvent::new(kind, name(txn.ecosystem(), &key.id)).for_partner(&key.partner)
}

/// The secret, unless nothing was written, or the answer is that of an earlier call: then another
/// secret was told.
fn told_once(written: &Written<pb::ApiKey>, secret: Secret, tried: bool) -> Option<Secret> {
    let fresh = !tried && written.value.secret_prefix == secret.shown();
    fresh.then_some(secret)
}

/// Gets a key.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(super) async fn get(store: &Store, call: Call, id: ApiKeyId) -> Result<pb::ApiKey, Error> {
    let view = store.read(&call).await?;
    let key = record::find::<Entity>(&view, &id).await?;
    let key = key.ok_or_else(|| absent(&view, &id))?;
    Ok(wire(key, store.clock_now()))
}

/// Lists keys.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub(super) async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::ApiKey>, Error> {
    let view = store.read(&call).await?;
    let now = store.clock_now();
    let page = record::page::<Entity>(&view, query).await?;
    Ok(page.map(|key| wire(key, now)))
}

/// Revokes a key.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`.
pub(super) async fn revoke(
    store: &Store,
    call: Call,
    on: On,
) -> Result<Written<pb::ApiKey>, Error> {
    let now = store.clock_now();
    let written = store.write(call, on, move |txn, on| async move {
        let mut key = lock(&txn, &on, now).await?;
        if key.revoke_time.is_none() {
            key.revoke_time = Some(now);
            key = record::update::<Entity>(&txn, key).await?;
            event::append(&txn, told(&txn, &key, "api_key.revoked"));
        }
        Ok::<_, Error>(wire(key, now))
    });
    written.await
}

/// Gives a key a new secret; answers it unless the call was sent again.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`; `PRECONDITION` when the key is not active.
pub(super) async fn rotate(
    store: &Store,
    pepper: &Pepper,
    call: Call,
    on: On,
) -> Result<(Written<pb::ApiKey>, Option<Secret>), Error> {
    let now = store.clock_now();
    let secret = Secret::generate(&call.ecosystem, &on.id);
    let tried = call.validate_only;
    let command = (on, secret.shown(), pepper.hash(secret.reveal()));
    let written = store
        .write(call, command, move |txn, (on, shown, hash)| async move {
            let mut key = lock(&txn, &on, now).await?;
            if !is_active(&key, now) {
                return Err(Problem::Precondition {
                    resource: name(txn.ecosystem(), &on.id),
                    requires: "create another key: this one has ended".to_owned(),
                }
                .into());
            }
            let overlaps = !on.overlap.is_zero();
            let before = std::mem::replace(&mut key.secret_hash, hash);
            key.previous_hash = overlaps.then_some(before);
            key.previous_expire_time = overlaps.then(|| now.saturating_add(on.overlap));
            key.secret_prefix = shown;
            let key = record::update::<Entity>(&txn, key).await?;
            event::append(&txn, told(&txn, &key, "api_key.rotated"));
            Ok::<_, Error>(wire(key, now))
        })
        .await?;
    let told = told_once(&written, secret, tried);
    Ok((written, told))
}

/// Whether a key is accepted at a moment of the deployment's clock.
#[must_use]
pub(super) fn is_active(key: &Model, now: Timestamp) -> bool {
    key.revoke_time.is_none() && key.expire_time.is_none_or(|end| now < end)
}

async fn lock(txn: &Txn, on: &On, now: Timestamp) -> Result<Model, Error> {
    let key = record::lock::<Entity>(txn, &on.id).await?;
    let key = key.ok_or_else(|| absent(txn, &on.id))?;
    let resource = name(txn.ecosystem(), &on.id);
    on.etag.check(key.version, &resource)?;
    event::was(txn, wire(key.clone(), now));
    Ok(key)
}

fn absent(view: &View, id: &ApiKeyId) -> Error {
    Problem::NotFound {
        resource: name(view.ecosystem(), id),
    }
    .into()
}

/// The roles that a key of a partner may have are that partner's; the vendor's own keys have others.
///
/// # Errors
/// What is wrong, as the end of a sentence.
pub(super) fn fits(role: Role, partner: Option<&PartnerId>) -> Result<(), &'static str> {
    match (role.is_of_partner(), partner) {
        (true, None) => Err("is a role of a partner; name the partner"),
        (false, Some(_)) => Err("is a role of the vendor; leave the partner out"),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}
